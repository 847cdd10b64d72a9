//! Canada, Brazil, Mexico.

use super::Validator;
use super::calendar::{is_date, pair};
use super::checksums::{luhn, weighted};
use super::digits::{alnum, base36, digits, is_repeated, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("ca-sin", sin),
    ("ca-bc-phn", british_columbia_phn),
    ("ca-on-health", ontario_health_card),
    ("ca-qc-ramq", ramq),
    ("br-cpf", cpf),
    ("br-cnpj", cnpj),
    ("br-cns", cns),
    ("br-cnh", cnh),
    ("br-pis", pis),
    ("br-voter", voter_title),
    ("mx-curp", curp),
];

/// Income Tax Act (CA) s. 237; Employment and Social Development Canada: Luhn, 0 and 8 never first.
fn sin(text: &str) -> bool {
    digits::<9>(text).is_some_and(|d| !matches!(d[0], 0 | 8) && luhn(&d) && !is_repeated(&d))
}

/// BC Ministry of Health, Personal Health Number: 9 first, weights 2, 4, 8, 5, 10, 9, 7, 3 modulo 11.
fn british_columbia_phn(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let sum: u32 = d[1..9].iter().zip([2, 4, 8, 5, 10, 9, 7, 3]).map(|(d, w)| u32::from(*d) * w % 11).sum();
    d[0] == 9 && (11 - sum % 11) % 11 == u32::from(d[9])
}

/// Ontario Ministry of Health, Health Number Reference: ten digits, Luhn, perhaps a version of two letters.
fn ontario_health_card(text: &str) -> bool {
    let Some(compact) = super::digits::Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let version = code.get(10..).is_some_and(|v| v.len() <= 2 && v.iter().all(u8::is_ascii_uppercase));
    version && code.get(..10).and_then(values::<10>).is_some_and(|d| d[0] != 0 && luhn(&d) && !is_repeated(&d))
}

/// Régie de l'assurance maladie du Québec: letters of the names, YYMMDD (50 added to a woman's month), two more.
fn ramq(text: &str) -> bool {
    let Some(code) = alnum::<12>(text) else { return false };
    let Some(d) = values::<8>(&code[4..]) else { return false };
    let month = pair(&d[2..4]) % 50;
    let day = pair(&d[4..6]);
    let born = [1900, 2000].iter().any(|century| is_date(century + pair(&d), month, day));
    code[..4].iter().all(u8::is_ascii_uppercase) && born
}

/// Receita Federal, Instrução Normativa RFB 2172/2024: two check digits modulo 11.
fn cpf(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let first = brazilian(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = brazilian(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    first == u32::from(d[9]) && second == u32::from(d[10]) && !is_repeated(&d)
}

/// Eleven less the remainder; ten and eleven count as 0.
fn brazilian(d: &[u8], weights: &[u32]) -> u32 {
    (11 - weighted(d, weights) % 11) % 11 % 10
}

/// Receita Federal, Instrução Normativa RFB 2229/2024: letters allowed since July 2026, counted from `0` in ASCII.
fn cnpj(text: &str) -> bool {
    let Some(code) = alnum::<14>(text) else { return false };
    let mut v = [0; 14];
    for (slot, byte) in v.iter_mut().zip(code) {
        *slot = byte - b'0';
    }
    let first = brazilian(&v[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = brazilian(&v[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    code[12..].iter().all(u8::is_ascii_digit)
        && first == u32::from(v[12])
        && second == u32::from(v[13])
        && !code.starts_with(b"000000000000")
}

/// Ministério da Saúde, Cartão Nacional de Saúde: weights 15 to 1 divide by 11; 1, 2, 7, 8 or 9 first.
fn cns(text: &str) -> bool {
    let Some(d) = digits::<15>(text) else { return false };
    let sum = weighted(&d, &[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    matches!(d[0], 1 | 2 | 7..=9) && sum.is_multiple_of(11) && !is_repeated(&d)
}

/// Resolução CONTRAN 886/2021, number of the driving licence: two check digits modulo 11, the second lessened by two
/// when the first overflowed.
fn cnh(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let first = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let second = weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    let lessened = if first > 9 { 2 } else { 0 };
    let first = if first > 9 { 0 } else { first };
    let second = (second + 11 - lessened) % 11;
    let second = if second > 9 { 0 } else { second };
    first == u32::from(d[9]) && second == u32::from(d[10]) && !is_repeated(&d)
}

/// Caixa, PIS/PASEP/NIS: weights 3, 2, 9, 8, 7, 6, 5, 4, 3, 2 modulo 11.
fn pis(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    brazilian(&d[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == u32::from(d[10]) && !is_repeated(&d)
}

/// Resolução TSE 23.659/2021: serial, State 01–28, two check digits modulo 11.
fn voter_title(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    let state = number(&d[8..10]);
    let figure = |rest: u32| match rest {
        10 => 0,
        0 if matches!(state, 1 | 2) => 1,
        rest => rest,
    };
    let first = figure(weighted(&d[..8], &[2, 3, 4, 5, 6, 7, 8, 9]) % 11);
    let second = figure((weighted(&d[8..10], &[7, 8]) + first * 9) % 11);
    (1..=28).contains(&state) && first == u32::from(d[10]) && second == u32::from(d[11])
}

/// Instructivo normativo para la CURP (DOF 18/10/2021): names, YYMMDD, sex, State, consonants, a check digit by places.
fn curp(text: &str) -> bool {
    const STATES: &str = "ASBCBSCCCHCLCMCSDFDGGRGTHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS";
    let Some(code) = alnum::<18>(text) else { return false };
    let Some(date) = values::<6>(&code[4..10]) else { return false };
    // The alphabet has Ñ between N and O.
    let value = |b: u8| base36(b).map_or(0, |v| if b > b'N' { v + 1 } else { v });
    let sum: u32 = code[..17].iter().zip((2..=18).rev()).map(|(b, w)| value(*b) * w).sum();
    let century = if code[16].is_ascii_digit() { 1900 } else { 2000 };
    code[..4].iter().chain(&code[10..16]).all(u8::is_ascii_uppercase)
        && is_date(century + pair(&date), pair(&date[2..4]), pair(&date[4..6]))
        && matches!(code[10], b'H' | b'M' | b'X')
        && STATES.as_bytes().chunks(2).any(|state| state == &code[11..13])
        && code[17] == b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}
