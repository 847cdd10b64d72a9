//! Check-digit methods that many issuers share.

use super::digits::base36;

/// Luhn's method (ISO/IEC 7812-1:2017 Annex B) over digit values, the last being the check digit.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, d)| {
            let d = u32::from(*d);
            if at % 2 == 0 { d } else { d * 2 / 10 + d * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Sum of digit times weight, over the shorter of the two.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum()
}

/// ISO/IEC 7064:2003 MOD 11,10 over digit values, the last being the check digit.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    let carried = body.iter().fold(10, |product, d| {
        let sum = (product + u32::from(*d)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (carried + u32::from(*last)) % 10 == 1
}

/// ISO/IEC 7064:2003 MOD 11-2 over digits whose last may be `X` for ten.
pub(super) fn mod_11_2(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let mut product = 0;
    for byte in body {
        let Some(d) = super::digits::value(*byte) else { return false };
        product = (product + u32::from(d)) * 2 % 11;
    }
    let check = if *last == b'X' { 10 } else { u32::from(last.wrapping_sub(b'0')) };
    check <= 10 && (product + check) % 11 == 1
}

/// ISO/IEC 7064:2003 MOD 97-10 over letters and digits in base 36: the remainder must be one.
pub(super) fn mod_97_10(text: impl Iterator<Item = u8>) -> bool {
    let mut remainder = 0;
    for byte in text {
        let Some(value) = base36(byte) else { return false };
        remainder = if value < 10 { remainder * 10 + value } else { remainder * 100 + value } % 97;
    }
    remainder == 1
}

/// Verhoeff's method (J. Verhoeff, Error Detecting Decimal Codes, 1969): the dihedral group of order ten.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let mut at = 0;
    let end = digits.iter().rev().fold(0, |c, d| {
        let permuted = PERMUTATION[at % 8][usize::from(*d % 10)];
        at += 1;
        dihedral(c, permuted)
    });
    end == 0
}

/// Product in the dihedral group D5, rotations 0–4, reflections 5–9.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// EAN-13 and other GS1 keys (GS1 General Specifications §7.9): weights 3 and 1 from the right.
pub(super) fn gs1(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, d)| u32::from(*d) * if at % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10)
}

/// ICAO Doc 9303-3 §4.9: weights 7, 3, 1 over base 36 with `<` as zero.
pub(super) fn icao(text: &[u8], check: u8) -> bool {
    let mut sum = 0;
    for (byte, weight) in text.iter().zip([7, 3, 1].into_iter().cycle()) {
        let value = if *byte == b'<' { Some(0) } else { base36(*byte) };
        let Some(value) = value else { return false };
        sum += value * weight;
    }
    let check = if check == b'<' { Some(0) } else { super::digits::value(check).map(u32::from) };
    check == Some(sum % 10)
}

#[cfg(test)]
mod tests {
    use super::{gs1, icao, luhn, mod_11_2, mod_11_10, verhoeff};

    #[test]
    fn published_examples_hold() {
        assert!(luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(verhoeff(&[2, 3, 6, 3]) && !verhoeff(&[2, 3, 6, 4]));
        assert!(mod_11_10(&[0, 7, 9, 4, 5]));
        assert!(mod_11_2(b"079X"));
        assert!(gs1(&[4, 0, 0, 6, 3, 8, 1, 3, 3, 3, 9, 3, 1]));
        assert!(icao(b"L898902C3", b'6'), "the specimen of Doc 9303-4 Appendix B");
    }
}
