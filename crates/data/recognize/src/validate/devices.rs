//! Devices and vehicles: UDI carriers, IMEI, VIN, plates.

use super::Validator;
use super::checksums::{gs1, luhn};
use super::digits::{Compact, alnum, digits, is_repeated, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("vin", vin),
    ("imei", imei),
    ("udi-gs1", udi_gs1),
    ("udi-hibc", udi_hibc),
    ("gs1", gs1_key),
    ("serial-number", serial_number),
    ("iccid", iccid),
    ("plate", plate),
];

/// 49 CFR 565.15: seventeen places without I, O and Q, the ninth a check digit by weights; the last four are digits.
/// At least three letters, so that a fraction of seventeen digits is none.
fn vin(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let Some(code) = alnum::<17>(text) else { return false };
    let mut sum = 0;
    for (byte, weight) in code.iter().zip(WEIGHTS) {
        let Some(value) = vin_value(*byte) else { return false };
        sum += value * weight;
    }
    let check = match sum % 11 {
        10 => b'X',
        rest => b"0123456789"[usize::try_from(rest).unwrap_or(0)],
    };
    let letters = code.iter().filter(|b| b.is_ascii_uppercase()).count();
    code[8] == check && code[13..].iter().all(u8::is_ascii_digit) && letters >= 3
}

/// 49 CFR 565.15 Table III.
fn vin_value(byte: u8) -> Option<u32> {
    let letter = |from: u8, value: u32| Some(u32::from(byte - from) + value);
    match byte {
        b'0'..=b'9' => letter(b'0', 0),
        b'A'..=b'H' => letter(b'A', 1),
        b'J'..=b'N' => letter(b'J', 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => letter(b'S', 2),
        _ => None,
    }
}

/// 3GPP TS 23.003 §6.2 and Annex B: fifteen digits, Luhn.
fn imei(text: &str) -> bool {
    digits::<15>(text).is_some_and(|d| luhn(&d) && !is_repeated(&d[..14]))
}

/// ITU-T E.118: 89, country, issuer, account, Luhn; 19 digits, or 20 with a filler.
fn iccid(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let Some(d) = code.get(..19).and_then(values::<19>) else { return false };
    d[..2] == [8, 9]
        && match code.get(19..) {
            Some([]) => luhn(&d),
            Some([last]) => values::<20>(code).is_some_and(|d| luhn(&d)) || (*last == b'F' && luhn(&d)),
            _ => false,
        }
}

/// GS1 General Specifications §3.2 and §7.9: element string `(01)` with a GTIN of fourteen digits and its check.
fn udi_gs1(text: &str) -> bool {
    let Some(gtin) = text.strip_prefix("(01)").and_then(|rest| rest.get(..14)) else { return false };
    values::<14>(gtin.as_bytes()).is_some_and(|d| gs1(&d) && !is_repeated(&d))
}

/// A GTIN of 8, 12, 13 or 14 digits.
fn gs1_key(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let code = compact.as_bytes();
    let mut padded = [0; 14];
    let Some(start) = padded.len().checked_sub(code.len()) else { return false };
    for (slot, byte) in padded.iter_mut().skip(start).zip(code) {
        let Some(v) = super::digits::value(*byte) else { return false };
        *slot = v;
    }
    matches!(code.len(), 8 | 12..=14) && gs1(&padded) && !is_repeated(&padded)
}

/// ANSI/HIBC 2.6 §2: `+`, labeler beginning with a letter, product, unit of measure, check character modulo 43.
fn udi_hibc(text: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%";
    let Some((last, body)) = text.as_bytes().split_last() else { return false };
    let place = |byte: u8| ALPHABET.iter().position(|known| *known == byte);
    let mut sum = 0;
    for byte in body {
        let Some(at) = place(*byte) else { return false };
        sum += at;
    }
    text.starts_with('+') && body.len() >= 7 && place(*last) == Some(sum % 43)
}

/// A serial number: at least six letters and digits, three digits among them, not all alike.
fn serial_number(text: &str) -> bool {
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    let first = digits.next();
    let length = text.bytes().filter(u8::is_ascii_alphanumeric).count();
    length >= 6 && digits.clone().count() >= 2 && digits.any(|b| Some(b) != first)
}

/// A registration plate: four to nine letters and digits, with both or with at least five digits.
fn plate(text: &str) -> bool {
    let Some(compact) = Compact::new(text) else { return false };
    let digits = compact.as_bytes().iter().filter(|b| b.is_ascii_digit()).count();
    (4..=9).contains(&compact.as_bytes().len()) && digits >= 1 && (digits < compact.as_bytes().len() || digits >= 5)
}

#[cfg(test)]
mod tests {
    use super::{imei, udi_gs1, udi_hibc, vin};

    #[test]
    fn published_examples_hold() {
        assert!(vin("1M8GDM9AXKP042788") && !vin("1M8GDM9A1KP042788"));
        assert!(imei("35-209900-176148-1") && !imei("352099001761482"));
        assert!(udi_gs1("(01)00889842095890(21)A1") || udi_gs1("(01)04012345123456"));
        assert!(udi_hibc("+A123BJC5D6E71G"), "the example of the HIBC supplier standard");
    }
}
