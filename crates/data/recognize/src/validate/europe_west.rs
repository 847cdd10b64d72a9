//! United Kingdom, Ireland, France, Belgium, Netherlands, Luxembourg.

use super::Validator;
use super::calendar::{is_date, is_ddmmyy, pair};
use super::checksums::{luhn, verhoeff, weighted};
use super::digits::{Compact, alnum, digits, is_repeated, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("gb-nhs", nhs),
    ("gb-chi", chi),
    ("gb-hcn", health_and_care),
    ("gb-nino", nino),
    ("gb-utr", utr),
    ("gb-driver-licence", driver_licence),
    ("ie-pps", pps),
    ("fr-nir", nir),
    ("fr-spi", spi),
    ("fr-rpps", rpps),
    ("be-national-number", national_number),
    ("be-bis", bis_number),
    ("be-identity-card", identity_card),
    ("nl-bsn", bsn),
    ("lu-matricule", matricule),
];

/// NHS Data Dictionary, NHS NUMBER: weights 10 to 2, the check digit is eleven less the remainder, 11 counts as 0.
fn nhs(text: &str) -> bool {
    digits::<10>(text).is_some_and(|d| nhs_sum(&d) && !is_repeated(&d))
}

fn nhs_sum(d: &[u8; 10]) -> bool {
    weighted(d, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// NHS Scotland, Community Health Index: the birth date as DDMMYY first, the same check digit.
fn chi(text: &str) -> bool {
    digits::<10>(text).is_some_and(|d| nhs_sum(&d) && is_ddmmyy(&d))
}

/// Business Services Organisation, Health and Care Number of Northern Ireland: 320–399 first, the same check digit.
fn health_and_care(text: &str) -> bool {
    digits::<10>(text).is_some_and(|d| nhs_sum(&d) && (320..=399).contains(&number(&d[..3])))
}

/// HMRC, NIM39110: two letters, six digits, a suffix A–D; letters and prefixes that are never issued.
fn nino(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let unused = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    code[..2].iter().all(|b| b.is_ascii_uppercase() && !b"DFIQUV".contains(b))
        && code[1] != b'O'
        && !unused.iter().any(|prefix| code.starts_with(*prefix))
        && values::<6>(&code[2..8]).is_some_and(|d| !is_repeated(&d))
        && (b'A'..=b'D').contains(&code[8])
}

/// HMRC unique taxpayer reference: the first digit checks the other nine.
fn utr(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let rest = weighted(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 2 - rest } else { 11 - rest };
    check == u32::from(d[0]) && !is_repeated(&d)
}

/// DVLA, driver number: five letters of the surname filled with 9, birth date taken apart (50 is added to a woman's month),
/// two initials or 9, three more.
fn driver_licence(text: &str) -> bool {
    let Some(code) = alnum::<16>(text) else { return false };
    let Some(d) = values::<6>(&code[5..11]) else { return false };
    let letters = code[..5].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let month = pair(&d[1..3]) % 50;
    letters >= 1
        && code[letters..5].iter().all(|b| *b == b'9')
        && (1..=12).contains(&month)
        && is_date(2000, month, pair(&d[3..5]))
        && code[11..13].iter().all(|b| b.is_ascii_uppercase() || *b == b'9')
}

/// Social Welfare Consolidation Act 2005 s. 262; Department of Social Protection: weights 8 to 2, nine times the second
/// letter, modulo 23, `W` for zero.
fn pps(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let Some(d) = code.get(..7).and_then(values::<7>) else { return false };
    let second = match code.get(8..) {
        Some([]) | None => 0,
        Some([b'W' | b'T' | b'X']) => 0,
        Some([letter @ (b'A' | b'B' | b'H')]) => u32::from(letter - b'A') + 1,
        Some(_) => return false,
    };
    let rest = (weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23;
    let place = usize::try_from(rest).unwrap_or(0);
    code.get(7) == b"WABCDEFGHIJKLMNOPQRSTUV".get(place)
}

/// INSEE, décret n° 82-103: thirteen digits (2A and 2B are Corsica) and 97 less their remainder; the first is the sex.
fn nir(text: &str) -> bool {
    let Some(mut code) = alnum::<15>(text) else { return false };
    match &code[5..7] {
        b"2A" => code[5..7].copy_from_slice(b"19"),
        b"2B" => code[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let Some(d) = values::<15>(&code) else { return false };
    matches!(d[0], 1..=4 | 7 | 8) && 97 - number(&d[..13]) % 97 == number(&d[13..])
}

/// Direction générale des finances publiques, numéro fiscal (SPI): the last three are the first ten modulo 511.
fn spi(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    d[0] <= 3 && number(&d[..10]) % 511 == number(&d[10..]) && !is_repeated(&d)
}

/// Agence du Numérique en Santé, RPPS: eleven digits, Luhn.
fn rpps(text: &str) -> bool {
    digits::<11>(text).is_some_and(|d| matches!(d[0], 1 | 8) && luhn(&d))
}

/// Royal Decree of 3 April 1984: birth date and serial, then 97 less their remainder; since 2000 a 2 is put before.
fn national_number(text: &str) -> bool {
    digits::<11>(text).is_some_and(|d| belgian_check(&d) && pair(&d[2..4]) <= 12 && pair(&d[4..6]) <= 31)
}

/// Crossroads Bank for Social Security, BIS numbers: 20 or 40 is added to the month.
fn bis_number(text: &str) -> bool {
    digits::<11>(text).is_some_and(|d| belgian_check(&d) && matches!(pair(&d[2..4]), 20..=32 | 40..=52))
}

fn belgian_check(d: &[u8; 11]) -> bool {
    let check = number(&d[9..]);
    let body = number(&d[..9]);
    number(d) != 0 && [body, 2_000_000_000 + body].iter().any(|n| 97 - n % 97 == check)
}

/// FPS Interior, Belgian identity card: ten digits modulo 97, 97 for zero.
fn identity_card(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    let rest = number(&d[..10]) % 97;
    (if rest == 0 { 97 } else { rest }) == number(&d[10..]) && !is_repeated(&d)
}

/// Besluit BSN, the eleven-proof: weights 9 to 2 and minus one.
fn bsn(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(&d) != 0 && (sum + 11 - u32::from(d[8])).is_multiple_of(11) && !is_repeated(&d)
}

/// Règlement grand-ducal du 28 novembre 2013: birth date as YYYYMMDD, serial, then Luhn and Verhoeff over the eleven.
fn matricule(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    let mut second = d;
    second[11] = d[12];
    let year = pair(&d[..2]) * 100 + pair(&d[2..4]);
    (1850..=2099).contains(&year)
        && is_date(year, pair(&d[4..6]), pair(&d[6..8]))
        && luhn(&d[..12])
        && verhoeff(&second[..12])
}
