//! Denmark, Sweden, Finland, Norway, Iceland.

use super::Validator;
use super::calendar::{is_date, pair};
use super::checksums::{luhn, weighted};
use super::digits::{digits, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("dk-cpr", cpr),
    ("se-personal-number", personnummer),
    ("se-coordination-number", samordningsnummer),
    ("fi-hetu", hetu),
    ("no-birth-number", fodselsnummer),
    ("is-kennitala", kennitala),
];

/// CPR-kontoret, Personnummeret i CPR: DDMMYY and a seventh digit that gives the century; since 2007 without a check
/// digit.
fn cpr(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let year = pair(&d[4..6]);
    let century = match (d[6], year) {
        (0..=3, _) | (4 | 9, 37..) => 1900,
        (5..=8, 58..) => 1800,
        _ => 2000,
    };
    is_date(century + year, pair(&d[2..4]), pair(&d)) && number(&d[6..]) != 0
}

/// Folkbokföringslagen (1991:481) § 18: YYMMDD or YYYYMMDD, serial, Luhn over the last ten.
fn personnummer(text: &str) -> bool {
    swedish(text, 0)
}

/// Lagen (2022:1697) om samordningsnummer: 60 is added to the day.
fn samordningsnummer(text: &str) -> bool {
    swedish(text, 60)
}

fn swedish(text: &str, added: u32) -> bool {
    let plain = text.replace('+', "-");
    let (ten, century) = match (digits::<12>(&plain), digits::<10>(&plain)) {
        (Some(d), _) => (values_of(&d[2..]), Some(pair(&d) * 100)),
        (None, Some(d)) => (d, None),
        _ => return false,
    };
    let day = pair(&ten[4..6]).checked_sub(added);
    let valid = |century: u32| day.is_some_and(|day| is_date(century + pair(&ten), pair(&ten[2..4]), day));
    let born = match century {
        Some(century) => matches!(century, 1800..=2000) && valid(century),
        None => valid(1900) || valid(2000),
    };
    born && luhn(&ten)
}

fn values_of(d: &[u8]) -> [u8; 10] {
    let mut ten = [0; 10];
    ten.copy_from_slice(d.get(..10).unwrap_or(&[0; 10]));
    ten
}

/// Valtioneuvoston asetus väestötietojärjestelmästä 128/2010 § 2, 690/2022: DDMMYY, century sign, three digits, a check
/// character modulo 31.
fn hetu(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 11 || !text.is_ascii() {
        return false;
    }
    let (Some(date), Some(serial)) = (values::<6>(&bytes[..6]), values::<3>(&bytes[7..10])) else { return false };
    let century = match bytes[6] {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let rest = (number(&date) * 1000 + number(&serial)) % 31;
    let place = usize::try_from(rest).unwrap_or(0);
    is_date(century + pair(&date[4..]), pair(&date[2..4]), pair(&date))
        && (2..=899).contains(&number(&serial))
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(place) == Some(&bytes[10])
}

/// Forskrift om folkeregistrering § 2-2: DDMMYY (40 is added to the day of a D number, to the month of an auxiliary one), serial,
/// two check digits modulo 11.
fn fodselsnummer(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let check = |weights: &[u32]| (11 - weighted(&d, weights) % 11) % 11;
    let day = pair(&d) % 40;
    let month = pair(&d[2..4]) % 40;
    pair(&d) <= 71
        && [1900, 2000].iter().any(|century| is_date(century + pair(&d[4..6]), month, day))
        && check(&[3, 7, 6, 1, 8, 9, 4, 5, 2]) == u32::from(d[9])
        && check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == u32::from(d[10])
}

/// Þjóðskrá, kennitala (lög nr. 140/2019): DDMMYY (40 added for companies), serial, check digit, century.
fn kennitala(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let century = match d[9] {
        9 => 1900,
        0 => 2000,
        _ => return false,
    };
    let day = pair(&d) % 40;
    pair(&d) <= 71
        && is_date(century + pair(&d[4..6]), pair(&d[2..4]), day)
        && weighted(&d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}
