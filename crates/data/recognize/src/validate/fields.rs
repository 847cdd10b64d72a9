//! What a value must look like to be what its field is called: loose checks, since the structure has already told
//! the kind. They keep `unknown`, `n/a`, units and codes from being counted as somebody's data.

use super::Validator;

/// The check of that name.
pub(crate) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "full_date" => full_date,
        "age_over_89" => age_over_89,
        "person_shape" => person_shape,
        "identifier_shape" => identifier_shape,
        "address_shape" => address_shape,
        "postcode_shape" => postcode_shape,
        "phone_shape" => phone_shape,
        "email_shape" => email_shape,
        "url_shape" => url_shape,
        "ip_shape" => ip_shape,
        "ssn_digits" => ssn_digits,
        "iban_shape" => iban_shape,
        "card_shape" => card_shape,
        "term_shape" => term_shape,
        "code_shape" => code_shape,
        "allocation" => allocation,
        _ => return None,
    })
}

/// Words that stand where a value is missing.
const MISSING: [&str; 32] = [
    "unknown",
    "unk",
    "n/a",
    "na",
    "none",
    "no",
    "nil",
    "null",
    "nan",
    "not available",
    "not applicable",
    "not known",
    "missing",
    "yes",
    "true",
    "false",
    "other",
    "tbd",
    "test",
    "unbekannt",
    "keine",
    "kein",
    "inconnu",
    "aucun",
    "desconocido",
    "ninguno",
    "sconosciuto",
    "onbekend",
    "不明",
    "なし",
    "無し",
    "該当なし",
];

/// Whether the value says that there is none.
pub(crate) fn is_missing(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    value.is_empty() || value.chars().all(|c| !c.is_alphanumeric()) || MISSING.contains(&value.as_str())
}

fn digits(value: &str) -> usize {
    value.chars().filter(|c| c.is_ascii_digit() || ('０'..='９').contains(c)).count()
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{FF66}'..='\u{FF9F}')
}

/// More than a year, which alone does not identify (45 CFR 164.514(b)(2)(i)(C)): month and year at least.
fn full_date(value: &str) -> bool {
    let value = value.trim();
    let count = digits(value);
    if value.len() > 64 || count < 3 {
        return false;
    }
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    count >= 5 || (letters >= 3 && !is_missing(value)) || value.contains(['年', '月'])
}

/// An age of 90 to 130, with or without a unit: `91`, `091Y`, `95 years` (45 CFR 164.514(b)(2)(i)(C)).
fn age_over_89(value: &str) -> bool {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let unit = unit.trim_start_matches(".0").trim_start_matches(['+', ' ']).to_ascii_lowercase();
    let in_years =
        unit.is_empty() || unit.starts_with(['y', 'j', 'a']) || unit.starts_with("歳") || unit.starts_with("才");
    in_years && number.len() <= 3 && number.parse::<u16>().is_ok_and(|age| (90..=130).contains(&age))
}

/// Words that names of people do not contain, and names of things in such columns do.
const THINGS: [&str; 48] = [
    "inc",
    "corp",
    "corporation",
    "ltd",
    "llc",
    "gmbh",
    "ag",
    "sa",
    "plc",
    "kg",
    "bv",
    "hospital",
    "clinic",
    "university",
    "institute",
    "center",
    "centre",
    "department",
    "study",
    "trial",
    "test",
    "sample",
    "site",
    "system",
    "service",
    "admin",
    "administrator",
    "team",
    "group",
    "laboratory",
    "lab",
    "pharma",
    "pharmaceuticals",
    "medical",
    "health",
    "body",
    "blood",
    "rate",
    "count",
    "total",
    "dose",
    "tablet",
    "injection",
    "and",
    "the",
    "of",
    "for",
    "with",
];

/// A person's name as a field holds it: two to six words in letters, each but particles beginning with a capital, or
/// `FAMILY, GIVEN`, or two to twelve kanji and kana.
fn person_shape(value: &str) -> bool {
    let value = value.trim();
    if value.len() < 3 || value.len() > 80 || value.chars().any(|c| c.is_ascii_digit()) || is_missing(value) {
        return false;
    }
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    if value.chars().any(is_cjk) {
        return (2..=12).contains(&letters)
            && value.chars().all(|c| is_cjk(c) || c == ' ' || c == '\u{3000}' || c == '・');
    }
    if !value.chars().all(|c| c.is_alphabetic() || " .,'’-^".contains(c)) {
        return false;
    }
    let words: Vec<&str> = value.split([' ', ',', '^']).filter(|word| !word.is_empty()).collect();
    let named = words.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    let thing = words.iter().any(|word| THINGS.contains(&word.trim_end_matches('.').to_lowercase().as_str()));
    !thing && (2..=6).contains(&words.len()) && named >= 2 && words.len() - named <= 2
}

/// A number or code that could be unique: a digit, 3 to 64 characters without spaces, no plain measurement.
fn identifier_shape(value: &str) -> bool {
    let value = value.trim();
    let count = digits(value);
    let plain = value.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    (3..=64).contains(&value.len())
        && count > 0
        && !value.contains(char::is_whitespace)
        && !(plain && (value.contains('.') || count < 4))
}

/// Some place: letters, and not one of the words for nothing, an address of memory or of the web.
fn address_shape(value: &str) -> bool {
    let value = value.trim();
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 2
        && value.len() <= 400
        && !is_missing(value)
        && !value.contains("://")
        && !value.contains('@')
        && !value.starts_with("0x")
}

/// Postal codes of any country: 3 to 10 letters and digits, a digit among them.
fn postcode_shape(value: &str) -> bool {
    let value = value.trim();
    let letters_and_digits = value.chars().filter(|c| c.is_alphanumeric()).count();
    digits(value) >= 2
        && (3..=10).contains(&letters_and_digits)
        && value.chars().all(|c| c.is_alphanumeric() || " -–−－〒".contains(c))
}

/// Telephone numbers: 6 to 15 digits (ITU-T E.164), with the signs people put between.
fn phone_shape(value: &str) -> bool {
    let value = value.trim().trim_start_matches("tel:").trim_start_matches("fax:");
    let main = value.split(['x', 'X', ';']).next().unwrap_or(value);
    (6..=15).contains(&digits(main))
        && main.chars().all(|c| digits(c.encode_utf8(&mut [0; 4])) == 1 || " +-–−－()（）./·^~".contains(c))
}

fn email_shape(value: &str) -> bool {
    let value = value.trim().trim_start_matches("mailto:");
    value.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
        && !value.contains(char::is_whitespace)
}

fn url_shape(value: &str) -> bool {
    let value = value.trim();
    value.contains('.') && !value.contains(char::is_whitespace) && value.len() >= 6
}

/// IPv4, IPv6 or a MAC address.
fn ip_shape(value: &str) -> bool {
    let value = value.trim();
    let address = value.split_once('/').map_or(value, |(address, _)| address);
    let mac = value.len() == 17
        && value
            .split([':', '-'])
            .filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
            .count()
            == 6;
    mac || address.parse::<std::net::IpAddr>().is_ok()
}

/// Nine digits in the groups of a Social Security number, or all in one (SSA POMS RM 10201.030).
fn ssn_digits(value: &str) -> bool {
    let value = value.trim();
    let plain: String = value.chars().filter(char::is_ascii_digit).collect();
    let masked = value.chars().filter(|c| matches!(c, 'X' | 'x' | '*')).count();
    masked == 0
        && plain.len() == 9
        && value.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ')
        && plain.bytes().any(|b| b != b'0')
}

/// ISO 13616: two letters, two check digits, up to 30 more; remainder 1 by 97 (ISO/IEC 7064 MOD 97-10).
fn iban_shape(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !(15..=34).contains(&compact.len()) || !compact.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    tail.iter().chain(head).fold(0_u32, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(value) if value >= 10 => (rest * 100 + value) % 97,
        Some(value) => (rest * 10 + value) % 97,
        None => rest,
    }) == 1
}

/// 12 to 19 digits that satisfy the Luhn formula (ISO/IEC 7812-1 annex B).
fn card_shape(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(12..=19).contains(&digits.len()) || value.chars().any(|c| !c.is_ascii_digit() && c != ' ' && c != '-') {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10) && sum > 0
}

/// A term in words: three letters (two characters in Han and kana), and not a word for nothing.
fn term_shape(value: &str) -> bool {
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= 3 || (letters >= 2 && value.chars().any(is_cjk))) && !is_missing(value)
}

/// A code: letters and digits with points, dashes or slashes, a digit among them.
fn code_shape(value: &str) -> bool {
    let value = value.trim();
    digits(value) > 0
        && (2..=24).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b".-/_".contains(&b))
        && value.parse::<f64>().map_or(true, |number| number.fract() == 0.0 && value.len() >= 4)
}

/// An arm or treatment that somebody was given: not "screen failure" and the like, which tell nothing
/// (SDTM terminology `ARMNULRS`, SDTMIG 3.4 section 5.2).
fn allocation(value: &str) -> bool {
    let lower = value.trim().to_lowercase();
    let nothing = [
        "scrnfail",
        "notassgn",
        "nottrt",
        "unplan",
        "screen failure",
        "not assigned",
        "not treated",
        "unplanned treatment",
        "blinded",
    ];
    !is_missing(value) && !nothing.contains(&lower.as_str()) && lower.len() <= 200
}

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn field_values_are_what_their_field_says() {
        for (name, good, bad) in [
            (
                "full_date",
                &["1961-05-09", "19610509", "05/09/1961", "9 May 61", "昭和36年5月9日", "1961-05"][..],
                &["1961", "unknown", "", "12"][..],
            ),
            ("age_over_89", &["90", "091Y", "95 years", "102", "94歳"], &["89", "901", "91M", "-", "90210"]),
            (
                "person_shape",
                &["Maria Example", "Doe, Jane", "Anna von Beispiel", "山田 花子", "DOE^JANE"],
                &["lodash", "Body Height", "unknown", "Acme Corp", "A1 B2"],
            ),
            ("identifier_shape", &["S-0017", "A12", "100234"], &["abc", "1.25", "17", "a b1"]),
            (
                "phone_shape",
                &["+49 30 1234567", "(555) 147-9629", "03-1234-5678", "555-1234 x12"],
                &["n/a", "12", "call me 555-1234-111"],
            ),
            ("postcode_shape", &["01752", "SW1A 1AA", "〒100-0001"], &["AB", "Berlin", "12345678901"]),
            ("ip_shape", &["10.0.0.1", "2001:db8::1", "00:1a:2b:3c:4d:5e"], &["1.2.3", "10.0.0.256"]),
            ("ssn_digits", &["219-09-9999", "219099999"], &["XXX-XX-1234", "000000000", "12345"]),
            (
                "iban_shape",
                &["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
                &["DE89370400440532013001", "DE89"],
            ),
            ("card_shape", &["4111 1111 1111 1111"], &["4111 1111 1111 1112", "0000000000000000"]),
            ("term_shape", &["Asthma", "喘息"], &["none", "N/A", "12", "なし"]),
            ("code_shape", &["E11.9", "N02BE01", "44054006"], &["12", "0.5", "yes"]),
            ("allocation", &["Placebo", "ZAN_LOW"], &["SCRNFAIL", "Screen Failure", ""]),
            ("email_shape", &["a@example.org"], &["a at example", "@x.y"]),
            ("address_shape", &["12 Example Street", "東京都港区"], &["0x7fff", "12", "https://x.example"]),
        ] {
            let valid = by_name(name).unwrap();
            for value in good {
                assert!(valid(value), "{name} must accept {value}");
            }
            for value in bad {
                assert!(!valid(value), "{name} must refuse {value}");
            }
        }
    }
}
