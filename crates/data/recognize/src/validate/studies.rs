//! Checks of the codes that studies, laboratories and notebooks give: enough digits, the order of the parts, no dates and
//! no ranges.

use super::Validator;

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("protocol_number", protocol_number),
    ("site_subject", site_subject),
    ("subject_number", subject_number),
    ("sample_number", sample_number),
    ("sample_label", sample_label),
    ("confidential_word", confidential_word),
];

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Whether it is a date or the begin of one: year and month in either order, or three numbers that can be day, month and
/// year.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let number = |part: &str| part.parse::<u16>().ok();
    let year = |part: &str| part.len() == 4 && number(part).is_some_and(|year| (1900..=2100).contains(&year));
    let day = |part: &str| part.len() <= 2 && number(part).is_some_and(|day| (1..=31).contains(&day));
    match parts.as_slice() {
        [first, second] => (year(first) && day(second)) || (day(first) && year(second)),
        [first, second, third] => {
            (year(first) && day(second) && day(third)) || (day(first) && day(second) && (year(third) || day(third)))
        }
        _ => false,
    }
}

/// A sponsor's protocol number: three digits or more, no version and no date.
fn protocol_number(value: &str) -> bool {
    let mut chars = value.chars();
    let version = matches!(chars.next(), Some('v' | 'V')) && chars.next().is_some_and(|c| c.is_ascii_digit());
    digits(value) >= 3 && value.len() <= 40 && !version && !is_date(value)
}

/// Site and subject: years and dates are none, and neither is a range of numbers upwards, unless zeros before the second
/// or a country before the first show what it is.
fn site_subject(value: &str) -> bool {
    let Some((site, subject)) = value.split_once('-') else { return false };
    let number = site.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let (Ok(first), Ok(second)) = (number.parse::<u32>(), subject.parse::<u32>()) else { return false };
    let padded = subject.starts_with('0');
    let in_country = number.len() < site.len();
    let year = number.len() == 4 && (1900..=2100).contains(&first) && !padded;
    first > 0 && second > 0 && !year && !is_date(value) && (padded || in_country || second < first)
}

/// A subject's number after its label: two digits or more and no date.
fn subject_number(value: &str) -> bool {
    digits(value) >= 2 && value.len() <= 40 && !is_date(value)
}

/// A sample's code among words about samples: capitals, then four digits or more; no number of a standard or a disease.
fn sample_number(value: &str) -> bool {
    const NOT_SAMPLES: [&str; 11] = ["COVID", "ISO", "DIN", "EN", "SOP", "NCT", "ISBN", "REF", "RFC", "CVE", "GB"];
    let rest = value.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let prefix = value.get(..value.len() - rest.len()).unwrap_or("");
    digits(value) >= 4
        && (6..=32).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
        && !NOT_SAMPLES.contains(&prefix)
}

/// A code right after its label: three digits or more and no date.
fn sample_label(value: &str) -> bool {
    digits(value) >= 3 && !is_date(value)
}

/// A class of information that says who may not read.
fn confidential_word(value: &str) -> bool {
    let lower = value.trim().to_lowercase();
    let marks = ["confiden", "secret", "restrict", "vertraulich", "geheim", "社外秘", "極秘", "秘", "机密"];
    marks.iter().any(|mark| lower.contains(mark)) && !lower.starts_with("non") && !lower.starts_with("not ")
}

#[cfg(test)]
mod tests {
    use super::CHECKS;

    #[test]
    fn codes_pass_and_dates_ranges_and_versions_do_not() {
        for (name, good, bad) in [
            ("protocol_number", &["LZA-203", "D8110C00001"][..], &["V1.2.3", "2023-10-11", "A-1"][..]),
            (
                "site_subject",
                &["101-004", "512-034", "US512-0034", "960-120"],
                &["100-150", "2010-2014", "2023-10", "101-000"],
            ),
            ("subject_number", &["0012", "101-0034", "S-00123"], &["2023-10-11", "1", "10/2023"]),
            ("sample_number", &["BX-2019-00123", "S19-12345", "LZB0001234-A1"], &["COVID-2019", "A1", "ISO-20387"]),
            ("sample_label", &["24-001234", "A1234567"], &["2023-10-11", "12"]),
            ("confidential_word", &["Strictly Confidential", "社外秘"], &["public", "non-confidential"]),
        ] {
            let valid = CHECKS.iter().find(|(known, _)| *known == name).unwrap().1;
            for value in good {
                assert!(valid(value), "{name} must accept {value}");
            }
            for value in bad {
                assert!(!valid(value), "{name} must refuse {value}");
            }
        }
    }
}
