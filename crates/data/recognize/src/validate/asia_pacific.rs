//! Australia, New Zealand, China, Hong Kong, Taiwan, Korea, India, Singapore.

use super::Validator;
use super::calendar::{is_date, pair};
use super::checksums::{luhn, mod_11_2, verhoeff, weighted};
use super::digits::{Compact, alnum, base36, digits, is_repeated, number, value, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("au-tfn", tfn),
    ("au-medicare", medicare),
    ("au-ihi", ihi),
    ("au-hpi", hpi),
    ("nz-nhi", nhi),
    ("nz-ird", ird),
    ("cn-resident-id", resident_id),
    ("hk-id", hong_kong_id),
    ("tw-id", taiwan_id),
    ("kr-rrn", rrn),
    ("in-aadhaar", aadhaar),
    ("in-pan", pan),
    ("in-epic", epic),
    ("sg-nric", nric),
];

/// Taxation Administration Act 1953 (AU) Part VA: weights 1, 4, 3, 7, 5, 8, 6, 9, 10 divide by 11.
fn tfn(text: &str) -> bool {
    let d = match (digits::<9>(text), digits::<8>(text)) {
        (Some(d), _) => d.to_vec(),
        (None, Some(d)) => d.to_vec(),
        _ => return false,
    };
    weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_repeated(&d)
}

/// Services Australia, Medicare card number: 2–6 first, weights 1, 3, 7, 9; issue and perhaps a person's place follow.
fn medicare(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let Some(d) = code.get(..10).and_then(values::<10>) else { return false };
    let place = match code.get(10..) {
        Some([]) => true,
        Some([place]) => value(*place).is_some_and(|p| p > 0),
        _ => false,
    };
    place && (2..=6).contains(&d[0]) && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u32::from(d[8]) && d[9] != 0
}

/// Healthcare Identifiers Act 2010 (AU), AS 5017: 800360 first and Luhn.
fn ihi(text: &str) -> bool {
    digits::<16>(text).is_some_and(|d| number(&d[..6]) == 800_360 && luhn(&d))
}

/// The same act, providers (800361) and organisations (800362).
fn hpi(text: &str) -> bool {
    digits::<16>(text).is_some_and(|d| matches!(number(&d[..6]), 800_361 | 800_362) && luhn(&d))
}

/// HISO 10046:2023: three letters without I and O, then four digits with a check modulo 11, or the new form with a letter last and a check
/// modulo 23.
fn nhi(text: &str) -> bool {
    let Some(code) = alnum::<7>(text) else { return false };
    let letters: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let mut sum = 0;
    for (at, byte) in code[..6].iter().enumerate() {
        let letter = letters.iter().position(|known| known == byte).map(|place| place + 1);
        let Some(v) = value(*byte).map(usize::from).or(letter) else { return false };
        sum += v * (7 - at);
    }
    let old = code[3..].iter().all(u8::is_ascii_digit);
    let shape = code[..3].iter().all(u8::is_ascii_uppercase) && code[3..5].iter().all(u8::is_ascii_digit);
    let rest = sum % 11;
    if old {
        return shape && rest != 0 && usize::from(code[6] - b'0') == (11 - rest) % 10 && (11 - rest) <= 10;
    }
    shape
        && code[5].is_ascii_uppercase()
        && letters.get(23 - sum % 23 - usize::from(sum.is_multiple_of(23))) == Some(&code[6])
}

/// Inland Revenue (NZ), Resident withholding tax specification: two sets of weights modulo 11.
fn ird(text: &str) -> bool {
    let d = match (digits::<9>(text), digits::<8>(text)) {
        (Some(d), _) => d,
        (None, Some(short)) => {
            let mut d = [0; 9];
            d[1..].copy_from_slice(&short);
            d
        }
        _ => return false,
    };
    let check = |weights: &[u32]| (11 - weighted(&d[..8], weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let check = if first == 10 { check(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    (10_000_001..150_000_000).contains(&number(&d)) && check == u32::from(d[8])
}

/// GB 11643-1999: region, birth date as YYYYMMDD, serial, ISO 7064 MOD 11-2.
fn resident_id(text: &str) -> bool {
    let Some(code) = alnum::<18>(text) else { return false };
    let Some(d) = values::<17>(&code[..17]) else { return false };
    let year = pair(&d[6..8]) * 100 + pair(&d[8..10]);
    matches!(pair(&d), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
        && (1850..=2099).contains(&year)
        && is_date(year, pair(&d[10..12]), pair(&d[12..14]))
        && mod_11_2(&code)
}

/// Registration of Persons Regulations (Cap. 177A): one or two letters, six digits, a check modulo 11.
fn hong_kong_id(text: &str) -> bool {
    let plain = text.replace(['(', ')'], "");
    let Some(compact) = Compact::new(&plain) else { return false };
    let code = compact.as_bytes();
    let letters = code.iter().take_while(|b| b.is_ascii_uppercase()).count();
    if code.len() != letters + 7 || !(1..=2).contains(&letters) {
        return false;
    }
    let mut sum = if letters == 1 { 36 * 9 } else { 0 };
    let weights = if letters == 1 { 8 } else { 9 };
    for (byte, weight) in code[..code.len() - 1].iter().zip((2..=weights).rev()) {
        sum += base36(*byte).unwrap_or(0) * weight;
    }
    let check = match code[code.len() - 1] {
        b'A' => 10,
        b => value(b).map_or(11, u32::from),
    };
    code[letters..code.len() - 1].iter().all(u8::is_ascii_digit) && check < 11 && (sum + check).is_multiple_of(11)
}

/// Household Registration Act (TW): a letter as two digits, sex, serial; weights 1, 9 to 1, 1.
fn taiwan_id(text: &str) -> bool {
    // The letters in the order of their numbers, which begin with ten.
    const ORDER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(code) = alnum::<10>(text) else { return false };
    let Some(d) = values::<9>(&code[1..]) else { return false };
    let Some(place) = ORDER.iter().position(|letter| *letter == code[0]) else { return false };
    let letter = u32::try_from(place + 10).unwrap_or(0);
    let sum = letter / 10 + letter % 10 * 9 + weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(d[0], 1 | 2 | 8 | 9) && sum.is_multiple_of(10) && !is_repeated(&d)
}

/// Resident Registration Act (KR) and its enforcement rules: YYMMDD, sex and century; since October 2020 the rest is
/// random, so that no check digit can be demanded.
fn rrn(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    let century = match d[6] {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => 1800,
    };
    is_date(century + pair(&d), pair(&d[2..4]), pair(&d[4..6])) && number(&d[7..]) != 0
}

/// Aadhaar Act 2016 (IN), UIDAI: 2–9 first, Verhoeff, no palindrome.
fn aadhaar(text: &str) -> bool {
    let Some(d) = digits::<12>(text) else { return false };
    d[0] >= 2 && verhoeff(&d) && !d.iter().eq(d.iter().rev())
}

/// Income-tax Rules 1962 (IN) r. 114: three letters, holder's kind, letter of the name, four digits, a letter.
fn pan(text: &str) -> bool {
    let Some(code) = alnum::<10>(text) else { return false };
    code[..5].iter().all(u8::is_ascii_uppercase)
        && b"ABCFGHLJPTK".contains(&code[3])
        && values::<4>(&code[5..9]).is_some_and(|d| number(&d) != 0)
        && code[9].is_ascii_uppercase()
}

/// Election Commission of India, EPIC: three letters, seven digits, Luhn.
fn epic(text: &str) -> bool {
    let Some(code) = alnum::<10>(text) else { return false };
    code[..3].iter().all(u8::is_ascii_uppercase) && values::<7>(&code[3..]).is_some_and(|d| luhn(&d))
}

/// National Registration Act (SG): prefix, seven digits by weights 2, 7, 6, 5, 4, 3, 2, a check letter.
fn nric(text: &str) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let Some(d) = values::<7>(&code[1..8]) else { return false };
    let sum = weighted(&d, &[2, 7, 6, 5, 4, 3, 2]);
    let (added, letters): (u32, &[u8; 11]) = match code[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    letters.get(usize::try_from((sum + added) % 11).unwrap_or(0)) == Some(&code[8])
}
