//! Values as text: numbers, names, lists.

use super::element::{Encoding, Form};

/// A binary number as the shortest text that reads back the same; `None` past the end.
pub(super) fn number(bytes: &[u8], form: Form, encoding: Encoding) -> Option<String> {
    Some(match (bytes.len(), form) {
        (2, Form::Signed) => encoding.u16(bytes, 0)?.cast_signed().to_string(),
        (2, _) => encoding.u16(bytes, 0)?.to_string(),
        (4, Form::Unsigned) => encoding.u32(bytes, 0)?.to_string(),
        (4, Form::Signed) => encoding.u32(bytes, 0)?.cast_signed().to_string(),
        (4, Form::Float) => f32::from_bits(encoding.u32(bytes, 0)?).to_string(),
        (8, form) => {
            let (first, second) = (u64::from(encoding.u32(bytes, 0)?), u64::from(encoding.u32(bytes, 4)?));
            let bits = if encoding.big_endian { (first << 32) | second } else { (second << 32) | first };
            match form {
                Form::Unsigned => bits.to_string(),
                Form::Signed => bits.cast_signed().to_string(),
                Form::Float => f64::from_bits(bits).to_string(),
            }
        }
        _ => return None,
    })
}

/// A value without the padding of PS3.5 section 6.2: spaces around, nulls behind.
pub(super) fn trimmed(value: &str) -> &str {
    value.trim_matches(|c: char| c == '\0' || c.is_whitespace())
}

/// The name groups of a PN value with what each is (PS3.5 section 6.2.1).
pub(super) fn name_groups(value: &str) -> impl Iterator<Item = (&'static str, &str)> {
    ["", "ideographic", "phonetic"].into_iter().zip(value.splitn(3, '='))
}

/// A name as people write it: prefix, given, middle, family, suffix; in ideographic and phonetic groups, and in
/// scripts that put the family first, family before given. Components are
/// `family^given^middle^prefix^suffix` (PS3.5 section 6.2.1.1).
pub(super) fn readable_name(group: &str) -> String {
    let mut parts = group.split('^').map(trimmed);
    let mut part = || parts.next().unwrap_or("");
    let [family, given, middle, prefix, suffix] = [part(), part(), part(), part(), part()];
    let family_first = family.chars().chain(given.chars()).any(is_east_asian);
    let ordered =
        if family_first { [prefix, family, given, middle, suffix] } else { [prefix, given, middle, family, suffix] };
    let mut name = String::with_capacity(group.len());
    for part in ordered.into_iter().filter(|part| !part.is_empty()) {
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(part);
    }
    name
}

/// Kana, CJK ideographs, Hangul, half-width katakana.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether a list of decimal strings is nothing but numbers (contours, curves, tables).
pub(super) fn is_numeric_list(value: &[u8]) -> bool {
    value.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E' | b'\\' | b' ' | b'\0'))
}

/// Whether bytes of an unknown representation read as text: printable, with at most padding behind.
pub(super) fn is_textual(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|b| *b != 0 && *b != b' ').map_or(0, |at| at + 1);
    let body = bytes.get(..end).unwrap_or(&[]);
    let printable = |b: &u8| matches!(b, 0x20..=0x7E | b'\t' | b'\r' | b'\n' | 0x1B | 0xA0..=0xFF);
    body.len() >= 2 && (body.iter().all(printable) || is_text_of_utf8(body))
}

fn is_text_of_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::{is_textual, name_groups, number, readable_name};
    use crate::clinical::dicom::element::{Encoding, Form};

    #[test]
    fn names_are_written_as_people_write_them() {
        assert_eq!(
            readable_name("Adams^John Robert Quincy^^Rev.^B.A. M.Div."),
            "Rev. John Robert Quincy Adams B.A. M.Div."
        );
        assert_eq!(readable_name("山田^太郎"), "山田 太郎");
        assert_eq!(readable_name("ANONYMIZED"), "ANONYMIZED");
        let groups: Vec<_> = name_groups("Yamada^Tarou=山田^太郎=やまだ^たろう").collect();
        assert_eq!(groups[1], ("ideographic", "山田^太郎"));
        assert_eq!(groups.len(), 3);
    }

    #[test]
    fn numbers_follow_the_byte_order() {
        let big = Encoding { explicit: true, big_endian: true };
        assert_eq!(number(&[0xFF, 0xFE], Form::Signed, Encoding::EXPLICIT_LITTLE).as_deref(), Some("-257"));
        assert_eq!(number(&[0, 1], Form::Unsigned, big).as_deref(), Some("1"));
        assert_eq!(number(&1.5f64.to_be_bytes(), Form::Float, big).as_deref(), Some("1.5"));
        assert_eq!(number(&[1], Form::Unsigned, big), None);
    }

    #[test]
    fn text_in_unknown_representations_is_told_from_bytes() {
        assert!(is_textual(b"SIEMENS CSA\0"));
        assert!(!is_textual(&[1, 0, 0, 0]));
        assert!(!is_textual(b"A\0"));
    }
}
