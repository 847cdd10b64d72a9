//! United States: Social Security and taxpayer numbers, providers, Medicare, vehicles' licences.

use super::Validator;
use super::checksums::{luhn, weighted};
use super::digits::{Compact, alnum, digits, is_repeated, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("us-ssn", ssn),
    ("us-itin", itin),
    ("us-npi", npi),
    ("us-dea", dea),
    ("us-mbi", mbi),
    ("us-routing", routing),
    ("us-hicn", hicn),
    ("us-ein", ein),
    ("mrn", record_number),
    ("mrn-grouped", record_number_grouped),
    ("mrn-plain", record_number_plain),
    ("licence-number", licence_number),
];

/// Social Security Administration, POMS RM 10201.035: areas 000, 666 and 900–999, group 00 and serial 0000 are never
/// issued; nor are the three numbers that were printed in advertisements.
fn ssn(text: &str) -> bool {
    digits::<9>(text).is_some_and(|d| is_ssn(&d))
}

fn is_ssn(d: &[u8; 9]) -> bool {
    let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
    let printed = [78_051_120, 219_099_999, 457_555_462].contains(&number(d));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !printed && !is_repeated(d)
}

/// Internal Revenue Manual 3.21.263.4: 9 first, fourth and fifth digits 50–65, 70–88, 90–92 or 94–99.
fn itin(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    d[0] == 9 && matches!(number(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// 45 CFR 162.406: Luhn over the number with the card-issuer prefix 80840; the first digit is 1 or 2.
fn npi(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let mut prefixed = [8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    prefixed[5..].copy_from_slice(&d);
    matches!(d[0], 1 | 2) && luhn(&prefixed)
}

/// 21 CFR 1301 and the DEA's check: (d1 + d3 + d5) + 2 (d2 + d4 + d6) ends in d7. First letter: registrant type;
/// second: letter of the name, or 9 for a business.
fn dea(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let Some(d) = values::<7>(&code[2..]) else { return false };
    b"ABCDEFGHJKLMPRSTUX".contains(&code[0])
        && (code[1].is_ascii_uppercase() || code[1] == b'9')
        && weighted(&d[..6], &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(d[6])
        && !is_repeated(&d)
}

/// CMS, Understanding the MBI format: eleven places, each of one class, without the letters S, L, O, I, B, Z.
fn mbi(text: &str) -> bool {
    let Some(code) = alnum::<11>(text) else { return false };
    let letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
    code.iter().zip(b"CAXNAXNAANN").all(|(b, class)| match class {
        b'C' => (b'1'..=b'9').contains(b),
        b'A' => letter(*b),
        b'N' => b.is_ascii_digit(),
        _ => letter(*b) || b.is_ascii_digit(),
    })
}

/// ABA routing number: weights 3, 7, 1; the first two digits are a Federal Reserve district (ANSI X9.100-160).
fn routing(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    let district = matches!(number(&d[..2]), 1..=12 | 21..=32 | 61..=72 | 80);
    district && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Health Insurance Claim Number of before 2020: an SSN and a beneficiary code (CMS MBI fact sheet).
fn hicn(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let (Some(head), Some(tail)) = (compact.as_bytes().get(..9), compact.as_bytes().get(9..)) else { return false };
    values::<9>(head).is_some_and(|d| is_ssn(&d)) && tail.first().is_some_and(u8::is_ascii_uppercase)
}

/// IRS, How EINs are assigned and valid EIN prefixes: prefixes that no campus has issued.
fn ein(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    let unused = [0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97];
    !unused.contains(&number(&d[..2])) && !is_repeated(&d)
}

/// A number that a local registry gives out: at least four digits, not all alike.
fn record_number(text: &str) -> bool {
    let mut digits = text.chars().filter(|c| c.is_ascii_digit() || ('０'..='９').contains(c));
    let first = digits.next();
    digits.clone().count() >= 3 && digits.any(|c| Some(c) != first)
}

/// Three pairs of digits that are no date: neither of the first two can be a month while the other is a day.
fn record_number_grouped(text: &str) -> bool {
    let pairs: Vec<u8> = text.split('-').filter_map(|pair| pair.parse().ok()).collect();
    let [first, second, third] = pairs.as_slice() else { return false };
    let date = |month: &u8, day: &u8| (1..=12).contains(month) && (1..=31).contains(day);
    !date(first, second) && !date(second, first) && !date(second, third)
}

/// Six to eight digits, a letter or two before them, that are neither a date nor one digit repeated; or three pairs.
fn record_number_plain(text: &str) -> bool {
    if text.contains('-') {
        return record_number_grouped(text);
    }
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u16>().ok()).unwrap_or(0);
    let date = digits.len() == 8
        && (1900..=2100).contains(&number(0, 4))
        && (1..=12).contains(&number(4, 6))
        && (1..=31).contains(&number(6, 8));
    let mut bytes = digits.bytes();
    let first = bytes.next();
    (6..=8).contains(&digits.len()) && !date && bytes.any(|b| Some(b) != first)
}

/// A licence after its label: five digits or more, not all alike.
fn licence_number(text: &str) -> bool {
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    let first = digits.next();
    digits.clone().count() >= 4 && digits.any(|b| Some(b) != first)
}

#[cfg(test)]
mod tests {
    use super::{dea, mbi, npi, routing, ssn};

    #[test]
    fn published_examples_hold() {
        assert!(npi("1234567893"), "CMS's own example");
        assert!(mbi("1EG4-TE5-MK73"), "CMS's own example");
        assert!(routing("011000015") && !routing("011000016"));
        assert!(dea("AP5836727") && !dea("AP5836728"));
        assert!(ssn("536-90-4399") && !ssn("078-05-1120") && !ssn("900-12-3456") && !ssn("123-00-4567"));
    }
}
