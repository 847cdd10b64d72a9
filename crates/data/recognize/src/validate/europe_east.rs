//! Bulgaria, Romania, Estonia, Latvia, Lithuania.

use super::Validator;
use super::calendar::{is_date, pair};
use super::checksums::weighted;
use super::digits::{digits, is_repeated, number};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("bg-egn", egn),
    ("bg-lnch", lnch),
    ("ro-cnp", cnp),
    ("ee-personal-code", baltic_code),
    ("lt-personal-code", baltic_code),
    ("lv-personal-code", latvian_code),
];

/// Grazhdanska registratsia act Art. 11: 20 or 40 is added to the month for other centuries; powers of two modulo 11.
fn egn(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let (year, month) = match pair(&d[2..4]) {
        month @ 41.. => (2000, month - 40),
        month @ 21..=40 => (1800, month - 20),
        month => (1900, month),
    };
    is_date(year + pair(&d), month, pair(&d[4..6]))
        && weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == u32::from(d[9])
}

/// Foreigners in Bulgaria act: ten digits, primes from 21 down modulo 10.
fn lnch(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    weighted(&d[..9], &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == u32::from(d[9]) && !is_repeated(&d)
}

/// O.U.G. nr. 97/2005, H.G. nr. 1375/2006: sex and century, YYMMDD, county, serial, weights 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9.
fn cnp(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    let century = match d[0] {
        0 => return false,
        3 | 4 => 1800,
        5 | 6 => 2000,
        _ => 1900,
    };
    let county = matches!(pair(&d[7..9]), 1..=48 | 51 | 52 | 70 | 80..=83);
    let rest = weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    county
        && is_date(century + pair(&d[1..3]), pair(&d[3..5]), pair(&d[5..7]))
        && (if rest == 10 { 1 } else { rest }) == u32::from(d[12])
}

/// Rahvastikuregistri seadus § 39 with EVS 585 (EE); Gyventojų registro įstatymas Art. 8 (LT): sex and century,
/// YYMMDD, serial; places counted round nine, a second time from three when ten remains.
fn baltic_code(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let century = match d[0] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        7 | 8 => 2100,
        _ => return false,
    };
    let first = weighted(&d[..10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(&d[..10], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    is_date(century + pair(&d[1..3]), pair(&d[3..5]), pair(&d[5..7])) && check == u32::from(d[10])
}

/// Iedzīvotāju reģistra likums, MK noteikumi: DDMMYY and a century digit, or 32 first since July 2017; weights 10, 5, 8,
/// 4, 2, 1, 6, 3, 7, 9.
fn latvian_code(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let rest = (1 + weighted(&d[..10], &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    let century = 1800 + u32::from(d[6]) * 100;
    let born = d[6] <= 2 && is_date(century + pair(&d[4..6]), pair(&d[2..4]), pair(&d));
    rest == u32::from(d[10]) && (number(&d[..2]) == 32 || born)
}
