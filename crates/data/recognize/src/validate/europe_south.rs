//! Spain, Portugal, Italy, Greece, Malta, Cyprus.

use super::Validator;
use super::calendar::{is_date, is_ddmmyy};
use super::checksums::{luhn, weighted};
use super::digits::{alnum, base36, digits, is_repeated, number, value, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("es-dni", dni),
    ("es-nie", nie),
    ("es-nif", nif),
    ("es-nass", nass),
    ("pt-nif", portuguese_nif),
    ("pt-niss", niss),
    ("pt-cc", citizen_card),
    ("it-fiscal-code", fiscal_code),
    ("gr-amka", amka),
    ("gr-afm", afm),
    ("cy-tin", cypriot_tin),
];

/// The letter of Real Decreto 1553/2005 Art. 11: the number modulo 23.
const SPANISH_LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn spanish_letter(n: u64) -> u8 {
    SPANISH_LETTERS[usize::try_from(n % 23).unwrap_or(0)]
}

/// Eight digits and a letter.
fn dni(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    values::<8>(&code[..8]).is_some_and(|d| spanish_letter(number(&d)) == code[8])
}

/// Real Decreto 557/2011 Art. 206: X, Y or Z stands for 0, 1 or 2.
fn nie(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let first = match code[0] {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    values::<7>(&code[1..8]).is_some_and(|d| spanish_letter(first * 10_000_000 + number(&d)) == code[8])
}

/// Real Decreto 1065/2007 Art. 19: persons without DNI have K, L or M and seven digits.
fn nif(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let special = matches!(code[0], b'K' | b'L' | b'M')
        && values::<7>(&code[1..8]).is_some_and(|d| spanish_letter(number(&d)) == code[8]);
    special || dni(text) || nie(text)
}

/// Tesorería General de la Seguridad Social: province and number modulo 97.
fn nass(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    let (province, serial) = (number(&d[..2]), number(&d[2..10]));
    let whole = if serial < 10_000_000 { province * 10_000_000 + serial } else { number(&d[..10]) };
    (1..=66).contains(&province) && whole % 97 == number(&d[10..]) && !is_repeated(&d)
}

/// Decreto-Lei n.º 14/2013: weights 9 to 2, modulo 11.
fn portuguese_nif(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    let rest = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    d[0] != 0 && (11 - rest) % 11 % 10 == u32::from(d[8]) && !is_repeated(&d)
}

/// Instituto da Segurança Social: primes from 29 down, nine less the last digit of the sum; 1 or 2 first.
fn niss(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let sum = weighted(&d[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
    matches!(d[0], 1 | 2) && 9 - sum % 10 == u32::from(d[10])
}

/// Portaria n.º 201/2007, número de documento do Cartão de Cidadão: Luhn in base 36 over nine digits and two letters.
fn citizen_card(text: &str) -> bool {
    let Some(code) = alnum::<12>(text) else { return false };
    let mut sum = 0;
    for (at, byte) in code.iter().rev().enumerate() {
        let Some(v) = base36(*byte) else { return false };
        let v = if at % 2 == 1 { v * 2 } else { v };
        sum += if at % 2 == 1 && v > 9 { v - 9 } else { v };
    }
    values::<9>(&code[..9]).is_some() && value(code[11]).is_some() && sum.is_multiple_of(10)
}

/// Decreto ministeriale 23 dicembre 1976: letters of the names, birth date, place, check letter; digits may have been
/// replaced by letters where two persons shared a code.
fn fiscal_code(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some(code) = alnum::<16>(text) else { return false };
    let mut sum = 0;
    for (at, byte) in code[..15].iter().enumerate() {
        let place = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' };
        sum += if at % 2 == 0 { ODD[usize::from(place)] } else { u32::from(place) };
    }
    let figure = |at: usize| omocodia(code[at]);
    let shape = code[..6].iter().all(u8::is_ascii_uppercase)
        && code[11].is_ascii_uppercase()
        && [6, 7, 9, 10, 12, 13, 14].iter().all(|at| figure(*at).is_some());
    let month = b"ABCDEHLMPRST".iter().position(|letter| *letter == code[8]);
    let (Some(month), Some(tens), Some(ones)) = (month, figure(9), figure(10)) else { return false };
    let (Some(decade), Some(year)) = (figure(6), figure(7)) else { return false };
    let year = 1900 + decade * 10 + year;
    let month = u32::try_from(month + 1).unwrap_or(0);
    let day = (tens * 10 + ones) % 40;
    let born = is_date(year, month, day) || is_date(year + 100, month, day);
    shape && born && u32::from(code[15]) == u32::from(b'A') + sum % 26
}

/// A digit of a fiscal code or the letter that replaces it.
fn omocodia(byte: u8) -> Option<u32> {
    let replaced = b"LMNPQRSTUV".iter().position(|letter| *letter == byte);
    value(byte).map(u32::from).or_else(|| replaced.and_then(|at| u32::try_from(at).ok()))
}

/// Law 3655/2008 Art. 153: birth date as DDMMYY and Luhn.
fn amka(text: &str) -> bool {
    digits::<11>(text).is_some_and(|d| is_ddmmyy(&d) && luhn(&d))
}

/// Independent Authority for Public Revenue, ΑΦΜ: powers of two modulo 11, 10 counts as 0.
fn afm(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    weighted(&d[..8], &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == u32::from(d[8]) && number(&d) != 0
}

/// Cyprus Tax Department: eight digits, odd places by a table, modulo 26 as a letter.
fn cypriot_tin(text: &str) -> bool {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let Some(code) = alnum::<9>(text) else { return false };
    let Some(d) = values::<8>(&code[..8]) else { return false };
    let sum: u32 =
        d.iter().enumerate().map(|(at, d)| if at % 2 == 0 { ODD[usize::from(*d)] } else { u32::from(*d) }).sum();
    d[..2] != [1, 2] && u32::from(code[8]) == u32::from(b'A') + sum % 26
}
