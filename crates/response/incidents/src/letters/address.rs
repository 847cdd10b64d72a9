//! The block of an address, in the order that posts of the country expect.

/// A postal address as a table has it.
#[derive(Default)]
pub(super) struct Postal<'a> {
    pub(super) name: &'a str,
    pub(super) lines: Vec<&'a str>,
    pub(super) postcode: &'a str,
    pub(super) city: &'a str,
    pub(super) country: &'a str,
}

/// Whether a letter to it can be put into a box: a street or box, and a town. Not every country has postal codes.
pub(super) fn is_whole(postal: &Postal<'_>) -> bool {
    !postal.lines.is_empty() && !postal.city.is_empty()
}

/// The block, line by line.
pub(super) fn block(postal: &Postal<'_>, language: &str) -> Vec<String> {
    let Postal { name, lines, postcode, city, country } = postal;
    let is = |names: &[&str]| names.iter().any(|one| one.eq_ignore_ascii_case(country));
    let joined = |parts: [&str; 2]| parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let mut block = Vec::new();
    if is(&["JP", "Japan", "日本", "日本国"]) || (country.is_empty() && language == "ja") {
        // From the large to the small, and the name last.
        if !postcode.is_empty() {
            block.push(format!("〒{}", postcode.trim_start_matches('〒')));
        }
        block.push(format!("{city}{}", lines.first().copied().unwrap_or_default()));
        block.extend(lines.iter().skip(1).map(ToString::to_string));
        block.push(format!("{name} 様"));
        block.push(if language == "ja" { String::new() } else { country.to_uppercase() });
    } else {
        block.push((*name).to_owned());
        block.extend(lines.iter().map(ToString::to_string));
        if is(&["GB", "UK", "United Kingdom"]) {
            block.extend([(*city).to_owned(), (*postcode).to_owned()]);
        } else if is(&["US", "USA", "United States", "United States of America", "CA", "Canada", "AU", "Australia"]) {
            block.push(joined([city, postcode]));
        } else {
            block.push(joined([postcode, city]));
        }
        block.push(country.to_uppercase());
    }
    block.retain(|line| !line.is_empty());
    block
}
