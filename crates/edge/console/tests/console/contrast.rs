//! Colours that everybody can read: WCAG 2.2 success criteria 1.4.3 and 1.4.11, in light and in dark.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../../assets/console.css");

/// The custom properties of one block that opens with `selector`.
fn palette(selector: &str) -> BTreeMap<&'static str, &'static str> {
    let block = CSS.split_once(selector).unwrap().1.split_once('}').unwrap().0;
    block
        .split([';', '{'])
        .filter_map(|declaration| declaration.trim().strip_prefix("--")?.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect()
}

/// Relative luminance of `#rrggbb` (WCAG 2.2, definition).
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap();
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn ratio(first: &str, second: &str) -> f64 {
    let (first, second) = (luminance(first), luminance(second));
    (first.max(second) + 0.05) / (first.min(second) + 0.05)
}

#[test]
fn text_stands_out_from_its_ground() {
    let dark = palette(":root[data-theme=\"dark\"] {");
    assert_eq!(dark, palette("@media (prefers-color-scheme: dark) { :root:not([data-theme=\"light\"]) {"));
    let tags = ["phi", "limited", "personal", "special", "jp", "trial", "blind", "ip", "secret", "none"];
    for (name, colours) in [("light", palette(":root {")), ("dark", dark)] {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for ground in ["ground", "card", "side", "hover", "group"] {
            pairs.extend(["text", "quiet"].map(|text| (text.to_owned(), ground.to_owned())));
        }
        pairs.extend(["ground", "card", "hover"].map(|ground| ("link".to_owned(), ground.to_owned())));
        pairs.push(("on-accent".to_owned(), "accent".to_owned()));
        pairs.extend(["warn", "bad", "good"].map(|text| (text.to_owned(), format!("{text}-ground"))));
        pairs.push(("bad".to_owned(), "card".to_owned()));
        pairs.extend(tags.map(|tag| (format!("on-{tag}"), tag.to_owned())));
        for (text, ground) in pairs {
            let ratio = ratio(colours[text.as_str()], colours[ground.as_str()]);
            assert!(ratio >= 4.5, "{name}: {text} on {ground} has {ratio:.2}:1, less than 4.5:1");
        }
        for (edge, ground) in [("edge", "card"), ("focus", "card"), ("focus", "ground"), ("accent", "card")] {
            let ratio = ratio(colours[edge], colours[ground]);
            assert!(ratio >= 3.0, "{name}: {edge} on {ground} has {ratio:.2}:1, less than 3:1");
        }
    }
}
