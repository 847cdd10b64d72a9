//! Numbers, times and names as people read them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use model::{Jurisdiction, Label, LawId};

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1,234 people`, `1 person`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `12.3 MB`: decimal units (IEC 80000-13), three digits.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 || value >= 99.5 { format!("{value:.0} {name}") } else { format!("{value:.1} {name}") }
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A point in time, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339.
    pub(crate) machine: String,
    /// `2026-11-24 14:05 UTC`.
    pub(crate) exact: String,
    /// `3 minutes ago`.
    pub(crate) ago: String,
}

/// The moment `at` seen from `now`, both in milliseconds since 1970, UTC.
pub(crate) fn moment(at: i64, now: i64) -> Moment {
    let (machine, exact) = Timestamp::from_millisecond(at).map_or_else(
        |_| (String::new(), "unknown".to_owned()),
        |time| {
            let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
            (whole.to_string(), time.strftime("%Y-%m-%d %H:%M UTC").to_string())
        },
    );
    let seconds = (now - at) / 1_000;
    let ago = if seconds < 0 { format!("in {}", duration(-seconds)) } else { format!("{} ago", duration(seconds)) };
    Moment { machine, exact, ago: if (0..10).contains(&seconds) { "just now".to_owned() } else { ago } }
}

/// `40 seconds`, `3 minutes`, `5 hours`, `2 days`.
pub(crate) fn duration(seconds: i64) -> String {
    let (number, one, many) = match seconds {
        ..90 => (seconds, "second", "seconds"),
        90..5_400 => ((seconds + 30) / 60, "minute", "minutes"),
        5_400..172_800 => ((seconds + 1_800) / 3_600, "hour", "hours"),
        _ => ((seconds + 43_200) / 86_400, "day", "days"),
    };
    counted(u64::try_from(number).unwrap_or(0), one, many)
}

/// A label as pages show it: its name in the contract, what it means, and the class that colours it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) class: &'static str,
}

/// The tag of a label.
pub(crate) fn tag(label: Label) -> Tag {
    let (meaning, class) = match label {
        Label::PhiDirect => ("Health data with direct identifiers", "phi"),
        Label::PhiLimited => ("Health data as in a limited data set", "limited"),
        Label::Personal => ("Personal data", "personal"),
        Label::SpecialHealth => ("Health data (special category)", "special"),
        Label::SpecialGenetic => ("Genetic data (special category)", "special"),
        Label::SpecialBiometric => ("Biometric data (special category)", "special"),
        Label::JpIndividualNumber => ("Japanese Individual Number (My Number)", "jp"),
        Label::JpSpecialCare => ("Special-care-required data (Japan)", "jp"),
        Label::TrialSubject => ("Data about trial subjects", "trial"),
        Label::TrialUnblinding => ("Treatment allocation that breaks a blind", "blind"),
        Label::IpCompound => ("Chemical structures", "ip"),
        Label::IpSequence => ("Proprietary sequences", "ip"),
        Label::IpNotebook => ("Laboratory notebooks", "ip"),
        Label::IpConfidential => ("Marked confidential", "ip"),
        Label::Secret => ("Passwords, keys and tokens", "secret"),
        Label::None => ("Nothing sensitive recognised", "none"),
    };
    Tag { name: label.as_str(), meaning, class }
}

/// A law's usual short name.
pub(crate) fn law(law: &LawId) -> String {
    let name = match law.as_str() {
        "hipaa" => "HIPAA (US)",
        "gdpr" => "GDPR (EU/EEA)",
        "uk-gdpr" => "UK GDPR",
        "appi" => "APPI (Japan)",
        "my-number-act" | "jp-my-number-act" => "My Number Act (Japan)",
        "swiss-fadp" | "ch-fadp" => "FADP (Switzerland)",
        "ca-pipeda" => "PIPEDA (Canada)",
        "au-privacy-act" => "Privacy Act (Australia)",
        "cn-pipl" => "PIPL (China)",
        "kr-pipa" => "PIPA (Korea)",
        "in-dpdp" => "DPDP Act (India)",
        "br-lgpd" => "LGPD (Brazil)",
        "21cfr11" => "21 CFR Part 11 (US)",
        "eu-ctr" => "Clinical Trials Regulation (EU)",
        "pci-dss" => "PCI DSS",
        other => other,
    };
    name.to_owned()
}

static COUNTRIES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../../../content/places/countries.txt").lines();
    let entry = |line: &'static str| {
        let (code, rest) = line.split_once(' ')?;
        let (_, names) = rest.split_once(' ')?;
        Some((code, names.split(';').next().unwrap_or(names)))
    };
    lines.filter(|line| !line.starts_with('#')).filter_map(entry).collect()
});

static STATES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../../../content/places/us-states.txt").lines();
    let entry = |line: &'static str| {
        let (code, names) = line.split_once(' ')?;
        Some((code, names.split(';').next().unwrap_or(names)))
    };
    lines.filter(|line| !line.starts_with('#')).filter_map(entry).collect()
});

/// The English name of a country; its code when unknown.
pub(crate) fn country(code: &str) -> String {
    COUNTRIES.get(code).copied().unwrap_or(code).to_owned()
}

/// A jurisdiction's name: `Germany`, `California, US`; `Country not known` where no record tells.
pub(crate) fn place(place: &Jurisdiction) -> String {
    let code = place.as_str();
    if !place.is_known() {
        return "Country not known".to_owned();
    }
    match code.split_once('-') {
        Some(("EU", member)) => country(member),
        Some(("US", state)) => format!("{}, US", STATES.get(state).copied().unwrap_or(state)),
        Some(_) => code.to_owned(),
        None => country(code),
    }
}

/// Up to `length_max` characters, the rest an ellipsis.
pub(crate) fn shortened(text: &str, length_max: usize) -> String {
    if text.chars().count() <= length_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, duration, moment, place, shortened};
    use model::Jurisdiction;

    #[test]
    fn numbers_read_well() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(0), bytes(999), bytes(1_000), bytes(12_345_678)], ["0 B", "999 B", "1.0 kB", "12.3 MB"]);
        assert_eq!([bytes(999_999), bytes(u64::MAX)], ["1.0 MB", "18.4 EB"]);
    }

    #[test]
    fn times_are_told_exactly_and_from_now() {
        let told = moment(1_000_000, 1_000_000 + 3_600_000 * 5);
        assert_eq!(told.machine, "1970-01-01T00:16:40Z");
        assert_eq!(told.exact, "1970-01-01 00:16 UTC");
        assert_eq!(told.ago, "5 hours ago");
        assert_eq!(moment(60_000, 0).ago, "in 60 seconds");
        assert_eq!(moment(5, 5).ago, "just now");
        assert_eq!(duration(172_800), "2 days");
    }

    #[test]
    fn places_have_names() {
        let name = |code: &str| place(&code.parse::<Jurisdiction>().unwrap());
        assert_eq!([name("EU-DE"), name("US-CA"), name("JP")], ["Germany", "California, US", "Japan"]);
        assert_eq!(name("unknown"), "Country not known");
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shortened("日本語テスト", 4), "日本語…");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
