//! Specific Character Set (0008,0005): DICOM PS3.3 section C.12.1.1.2 and PS3.5 section 6.1.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// A set of characters that can be designated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    /// ISO 8859-1, byte for code point.
    Latin1,
    /// JIS X 0201: half-width katakana above, the roman set below.
    JisX0201,
    /// One byte a character, by a WHATWG table.
    Single(&'static Encoding),
    /// Two bytes in the upper half: KS X 1001 or GB 2312.
    Double(&'static Encoding),
    /// JIS X 0208, two bytes in the lower half.
    JisX0208,
    /// JIS X 0212, two bytes in the lower half.
    JisX0212,
}

/// What text of a data set is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charset {
    lower: Set,
    upper: Set,
    /// One encoding for everything, without code extensions: UTF-8, GB 18030, GBK.
    whole: Option<&'static Encoding>,
    extended: bool,
}

impl Default for Charset {
    fn default() -> Self {
        Self { lower: Set::Ascii, upper: Set::Latin1, whole: None, extended: false }
    }
}

impl Charset {
    /// From the value of (0008,0005). The second result is false when a term is not defined by the standard.
    pub(super) fn parse(value: &str) -> (Self, bool) {
        let mut terms = value.split('\\').map(str::trim);
        let first = terms.next().unwrap_or_default();
        let extended = first.starts_with("ISO 2022") || value.contains('\\');
        let mut charset = Self { extended, ..Self::default() };
        let mut known = true;
        match normal(first).as_str() {
            "" | "ISO_IR 6" => {}
            "ISO_IR 192" => charset.whole = Some(encoding_rs::UTF_8),
            "GB18030" => charset.whole = Some(encoding_rs::GB18030),
            "GBK" => charset.whole = Some(encoding_rs::GBK),
            "ISO_IR 13" => (charset.lower, charset.upper) = (Set::JisX0201, Set::JisX0201),
            term => match registered(term) {
                Some(set) => charset.upper = set,
                None => known = false,
            },
        }
        if charset.upper == Set::Latin1 {
            // Korean and simplified Chinese sit in the upper half and are often used without their escape.
            for term in terms {
                match normal(term).as_str() {
                    "ISO_IR 149" => charset.upper = Set::Double(encoding_rs::EUC_KR),
                    "ISO_IR 58" => charset.upper = Set::Double(encoding_rs::GB18030),
                    _ => {}
                }
            }
        }
        (charset, known)
    }

    /// Decodes text; bytes that mean nothing become the replacement character.
    pub(super) fn decode<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
        if bytes.is_ascii() && !bytes.contains(&0x1B) {
            return match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Borrowed(""),
            };
        }
        if let Some(whole) = self.whole {
            return whole.decode_without_bom_handling(bytes).0;
        }
        // Writers put UTF-8 into sets that do not allow it; a valid multi-byte sequence is hardly ever anything else.
        if self.upper == Set::Latin1
            && !bytes.contains(&0x1B)
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Cow::Borrowed(text);
        }
        Cow::Owned(self.decode_extended(bytes))
    }

    fn decode_extended(&self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len() * 2);
        let (mut lower, mut upper) = (self.lower, self.upper);
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte == 0x1B
                && let Some((designated, length)) = escape(bytes.get(at..).unwrap_or(&[]))
            {
                match designated {
                    Designated::Lower(set) => lower = set,
                    Designated::Upper(set) => upper = set,
                }
                at += length;
                continue;
            }
            let set = if byte < 0x80 { lower } else { upper };
            let two_bytes = match set {
                Set::JisX0208 | Set::JisX0212 => byte > 0x20,
                Set::Double(_) => byte > 0xA0,
                _ => false,
            };
            let end = if two_bytes { (at + 2).min(bytes.len()) } else { at + 1 };
            push(&mut out, set, bytes.get(at..end).unwrap_or(&[]));
            if !two_bytes && matches!(byte, b'\\' | b'^' | b'=' | b'\n' | b'\r' | 0x0C) {
                // Designations end with a value, a component and a line (PS3.5 section 6.1.2.5.3).
                (lower, upper) = (self.lower, if self.upper == Set::Latin1 { upper } else { self.upper });
            }
            at = end;
        }
        out
    }
}

/// `ISO 2022 IR 87`, `ISO-IR 87` and `ISO IR 87` as the defined term `ISO_IR 87`.
fn normal(term: &str) -> String {
    let term = term.to_ascii_uppercase().replace("ISO 2022 IR", "ISO_IR");
    term.replace("ISO IR", "ISO_IR").replace("ISO-IR", "ISO_IR").replace("ISO_IR_", "ISO_IR ")
}

fn registered(term: &str) -> Option<Set> {
    Some(match term {
        "ISO_IR 100" | "ISO 8859-1" | "LATIN1" => Set::Latin1,
        "ISO_IR 101" => Set::Single(encoding_rs::ISO_8859_2),
        "ISO_IR 109" => Set::Single(encoding_rs::ISO_8859_3),
        "ISO_IR 110" => Set::Single(encoding_rs::ISO_8859_4),
        "ISO_IR 144" => Set::Single(encoding_rs::ISO_8859_5),
        "ISO_IR 127" => Set::Single(encoding_rs::ISO_8859_6),
        "ISO_IR 126" => Set::Single(encoding_rs::ISO_8859_7),
        "ISO_IR 138" => Set::Single(encoding_rs::ISO_8859_8),
        "ISO_IR 148" => Set::Single(encoding_rs::WINDOWS_1254),
        "ISO_IR 166" => Set::Single(encoding_rs::WINDOWS_874),
        "ISO_IR 203" => Set::Single(encoding_rs::ISO_8859_15),
        "ISO_IR 87" | "ISO_IR 159" => Set::Latin1,
        "ISO_IR 149" => Set::Double(encoding_rs::EUC_KR),
        "ISO_IR 58" => Set::Double(encoding_rs::GB18030),
        _ => return None,
    })
}

enum Designated {
    Lower(Set),
    Upper(Set),
}

/// The escape sequence at the start of `bytes` and its length (PS3.3 tables C.12-3 and C.12-4).
fn escape(bytes: &[u8]) -> Option<(Designated, usize)> {
    use Designated::{Lower, Upper};
    let rest = bytes.get(1..)?;
    let found = match rest {
        [b'$', b'B', ..] | [b'$', b'@', ..] => (Lower(Set::JisX0208), 3),
        [b'$', b'(', b'D', ..] => (Lower(Set::JisX0212), 4),
        [b'$', b')', b'C', ..] => (Upper(Set::Double(encoding_rs::EUC_KR)), 4),
        [b'$', b')', b'A', ..] => (Upper(Set::Double(encoding_rs::GB18030)), 4),
        [b'(', b'B', ..] => (Lower(Set::Ascii), 3),
        [b'(', b'J', ..] => (Lower(Set::JisX0201), 3),
        [b')', b'I', ..] => (Upper(Set::JisX0201), 3),
        [b'-', b'A', ..] => (Upper(Set::Latin1), 3),
        [b'-', b'B', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_2)), 3),
        [b'-', b'C', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_3)), 3),
        [b'-', b'D', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_4)), 3),
        [b'-', b'L', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_5)), 3),
        [b'-', b'G', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_6)), 3),
        [b'-', b'F', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_7)), 3),
        [b'-', b'H', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_8)), 3),
        [b'-', b'M', ..] => (Upper(Set::Single(encoding_rs::WINDOWS_1254)), 3),
        [b'-', b'T', ..] => (Upper(Set::Single(encoding_rs::WINDOWS_874)), 3),
        [b'-', b'b', ..] => (Upper(Set::Single(encoding_rs::ISO_8859_15)), 3),
        _ => return None,
    };
    Some(found)
}

fn push(out: &mut String, set: Set, bytes: &[u8]) {
    let Some(&first) = bytes.first() else { return };
    if first < 0x80 && bytes.len() == 1 {
        // The yen sign of JIS X 0201 divides values exactly as the backslash does, and stays one.
        out.push(char::from(first));
        return;
    }
    let decoded = |out: &mut String, encoding: &'static Encoding, bytes: &[u8]| {
        out.push_str(&encoding.decode_without_bom_handling(bytes).0);
    };
    match set {
        Set::Ascii | Set::Latin1 => out.push(char::from(first)),
        Set::JisX0201 => match first {
            0xA1..=0xDF => out.push(char::from_u32(0xFF61 + u32::from(first - 0xA1)).unwrap_or('\u{FFFD}')),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        },
        Set::Single(encoding) | Set::Double(encoding) => decoded(out, encoding, bytes),
        Set::JisX0208 | Set::JisX0212 => {
            let [high, low] = [first | 0x80, bytes.get(1).copied().unwrap_or(0) | 0x80];
            if set == Set::JisX0212 {
                decoded(out, encoding_rs::EUC_JP, &[0x8F, high, low]);
            } else {
                decoded(out, encoding_rs::EUC_JP, &[high, low]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    fn decode(term: &str, bytes: &[u8]) -> String {
        Charset::parse(term).0.decode(bytes).into_owned()
    }

    #[test]
    fn examples_of_the_standard_annexes_h_i_j() {
        // PS3.5 annex H.3.1, H.3.2, I.2 and J.1/J.2.
        let h31 = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(decode("\\ISO 2022 IR 87", h31), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let h32 = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J";
        assert_eq!(decode("ISO 2022 IR 13\\ISO 2022 IR 87", h32), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
        let i2 = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decode("\\ISO 2022 IR 149", i2), "Hong^Gildong=洪^吉洞=홍^길동");
        let x1 = "Wang^XiaoDong=王^小東".as_bytes();
        assert_eq!(decode("ISO_IR 192", x1), "Wang^XiaoDong=王^小東");
        assert_eq!(decode("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"), "Wang^XiaoDong=王^小东");
    }

    #[test]
    fn single_byte_sets_and_wrongly_declared_utf8() {
        assert_eq!(decode("ISO_IR 144", b"\xbb\xee\xda^\xd0"), "Люк^а");
        assert_eq!(decode("ISO_IR 100", b"Buc^J\xe9r\xf4me"), "Buc^Jérôme");
        assert_eq!(decode("", "Jérôme".as_bytes()), "Jérôme");
        assert!(!Charset::parse("ISO_IR 9999").1);
    }
}
