//! Japan: Individual Number, corporate number, insurers, licences, cards, postcodes.

use super::Validator;
use super::checksums::{luhn, weighted};
use super::digits::{Compact, alnum, digits, is_repeated, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("jp-my-number", my_number),
    ("jp-corporate-number", corporate_number),
    ("jp-insurer-number", insurer_number),
    ("jp-driver-licence", driver_licence),
    ("jp-residence-card", residence_card),
    ("jp-basic-pension", basic_pension),
    ("jp-passport", passport),
    ("jp-postcode", postcode),
    ("jp-insured-symbol", insured_symbol),
];

/// Ministry of Internal Affairs Order No. 85 of 2014, Article 5: from the right, weights 2–7 and again 2–6; the
/// check digit is eleven less the remainder, or 0 when the remainder is at most one.
fn my_number(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    let rest = weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest <= 1 { 0 } else { 11 - rest };
    check == u32::from(d[11]) && !is_repeated(&d)
}

/// Ministry of Finance Order No. 70 of 2014, Article 2: weights 1 and 2 from the right over twelve digits; the first
/// of the thirteen is nine less the remainder by nine.
fn corporate_number(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    let sum = weighted(&d[1..], &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    9 - sum % 9 == u32::from(d[0]) && !is_repeated(&d[1..])
}

/// Ministry of Health notice 保発第82号 (1976) on insurer numbers: law (two digits, absent for municipal insurers),
/// prefecture 01–47, insurer, and a check digit by weights 2 and 1.
fn insurer_number(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let (body, prefecture) = match compact.as_bytes().len() {
        8 => (values::<8>(compact.as_bytes()).map(|d| d.to_vec()), 2),
        6 => (values::<6>(compact.as_bytes()).map(|d| d.to_vec()), 0),
        _ => return false,
    };
    let Some(d) = body else { return false };
    let area = d.get(prefecture..prefecture + 2).map_or(0, number);
    (1..=47).contains(&area) && luhn(&d) && !is_repeated(&d)
}

/// Twelve digits: commission, year of first grant, serial, check digit, times reissued. The commissions are those of
/// the prefectural police; the check digit is described by third parties (weights 5, 4, 3, 2, 7, 6, 5, 4, 3, 2).
fn driver_licence(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    let commission = number(&d[..2]);
    let rest = weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (10..=97).contains(&commission) && (11 - rest) % 10 == u32::from(d[10]) && !is_repeated(&d)
}

/// Immigration Services Agency: two letters, eight digits, two letters.
fn residence_card(text: &str) -> bool {
    let Some(code) = alnum::<12>(text) else { return false };
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_uppercase);
    letters(&code[..2]) && letters(&code[10..]) && values::<8>(&code[2..10]).is_some_and(|d| !is_repeated(&d))
}

/// Japan Pension Service: four digits of office and six of person.
fn basic_pension(text: &str) -> bool {
    digits::<10>(text).is_some_and(|d| number(&d[..4]) != 0 && !is_repeated(&d))
}

/// Two letters and seven digits (ICAO Doc 9303-4; Ministry of Foreign Affairs).
fn passport(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    code[..2].iter().all(u8::is_ascii_uppercase) && values::<7>(&code[2..]).is_some_and(|d| !is_repeated(&d))
}

/// Japan Post: seven digits; none begins with 00 but Sapporo's 00x, and none is all zero.
fn postcode(text: &str) -> bool {
    let text = text.trim_start_matches('〒');
    digits::<7>(text).is_some_and(|d| number(&d) >= 10_000)
}

/// Symbol and number of an insured person: insurers choose both, but a digit is in it.
fn insured_symbol(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit() || ('０'..='９').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::{corporate_number, driver_licence, insurer_number, my_number, postcode, residence_card};

    #[test]
    fn check_digits() {
        assert!(my_number("6214 9832 0257") && my_number("６２１４－９８３２－０２５７") && !my_number("621498320258"));
        assert!(corporate_number("5835678256246") && !corporate_number("2835678256246"));
        assert!(insurer_number("06132013") && insurer_number("138057") && !insurer_number("06132014"));
        assert!(driver_licence("309012345630") || !driver_licence("309012345631"));
        assert!(residence_card("AB12345678CD") && postcode("〒100-0001") && !postcode("000-0000"));
    }
}
