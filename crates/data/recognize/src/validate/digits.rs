//! A candidate's characters without separators, in ASCII: full-width digits and letters are folded, because Japanese
//! input methods produce them, and letters are raised to upper case. Nothing allocates.

/// Longest candidate that is looked at; none of the numbers here is longer than a machine-readable zone.
const LONGEST: usize = 96;

/// The letters and digits of a candidate.
pub(super) struct Compact {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Compact {
    /// None when the text holds anything but letters, digits and separators, or is too long.
    pub(super) fn new(text: &str) -> Option<Self> {
        Self::of(text.chars())
    }

    /// The same of characters.
    pub(super) fn of(text: impl Iterator<Item = char>) -> Option<Self> {
        let mut compact = Self { bytes: [0; LONGEST], len: 0 };
        for c in text {
            if is_separator(c) {
                continue;
            }
            let slot = compact.bytes.get_mut(compact.len)?;
            *slot = fold(c)?;
            compact.len += 1;
        }
        Some(compact)
    }

    /// ASCII upper-case letters and digits.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Exactly `N` digits as values 0–9, or none.
pub(super) fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let compact = Compact::new(text)?;
    values(compact.as_bytes())
}

/// The bytes as digit values when they are exactly `N` ASCII digits.
pub(super) fn values<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let mut out: [u8; N] = bytes.try_into().ok()?;
    for b in &mut out {
        *b = value(*b)?;
    }
    Some(out)
}

/// Exactly `N` letters or digits, or none.
pub(super) fn alnum<const N: usize>(text: &str) -> Option<[u8; N]> {
    Compact::new(text)?.as_bytes().try_into().ok()
}

/// An ASCII digit's value.
pub(super) fn value(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// Digit values read as one decimal number. Callers pass at most 19 of them.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, d| n.wrapping_mul(10).wrapping_add(u64::from(*d)))
}

/// A letter's or digit's value in base 36, `A` being 10, as ISO 7064 and ISO 13616 count.
pub(super) fn base36(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}

/// Whether all digits are the same: what people type to fill a form, and what many weighted sums accept.
pub(super) fn is_repeated(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// What people write between the groups of a number, including the dashes and spaces of Japanese input.
pub(super) fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '-' | '.' | '/' | '\u{A0}' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{3000}' | '\u{30FC}' | '\u{FF0D}' | '\u{FF0F}'
    )
}

/// A letter or digit in ASCII upper case.
fn fold(c: char) -> Option<u8> {
    let code = u32::from(c);
    let ascii = match code {
        0xFF10..=0xFF19 | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A => u8::try_from(code - 0xFEE0).ok()?,
        _ if c.is_ascii_alphanumeric() => u8::try_from(code).ok()?,
        _ => return None,
    };
    Some(ascii.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::{Compact, digits, is_repeated};

    #[test]
    fn full_width_digits_and_dashes_fold() {
        assert_eq!(digits::<4>("１２－３4"), Some([1, 2, 3, 4]));
        assert_eq!(Compact::new("ａb－９").map(|c| c.as_bytes().to_vec()), Some(b"AB9".to_vec()));
        assert_eq!(digits::<4>("12:34"), None);
        assert_eq!(digits::<4>("123"), None);
    }

    #[test]
    fn over_long_candidates_are_refused() {
        assert!(Compact::new(&"1".repeat(97)).is_none());
        assert!(is_repeated(&[7, 7, 7]));
    }
}
