//! What a text is encoded in.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// An encoding and the length of the byte-order mark before the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detected {
    pub encoding: &'static Encoding,
    pub bom_bytes: usize,
    /// Only ASCII was seen: what follows may still turn out to be something else.
    pub ascii_so_far: bool,
}

/// What the first bytes of a text are encoded in.
pub(crate) fn detect(head: &[u8]) -> Detected {
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(head) {
        return Detected { encoding, bom_bytes, ascii_so_far: false };
    }
    let ascii = head.is_ascii();
    let found = |encoding| Detected { encoding, bom_bytes: 0, ascii_so_far: false };
    if ascii && !head.contains(&0) {
        return if has_jis_escapes(head) {
            found(ISO_2022_JP)
        } else {
            Detected { encoding: UTF_8, bom_bytes: 0, ascii_so_far: true }
        };
    }
    found(detect_beyond_ascii(head))
}

/// The first significant bytes in any encoding that ASCII shows through: marks, zeros, white space and framing left out.
pub(crate) fn opening(head: &[u8]) -> impl Iterator<Item = u8> {
    let skip = |byte: &u8| matches!(byte, 0 | 0x0B | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF | b' ' | b'\t' | b'\r' | b'\n');
    head.get(..256).unwrap_or(head).iter().copied().filter(move |byte| !skip(byte))
}

/// What bytes that are not all ASCII are encoded in, without a byte-order mark.
pub(crate) fn detect_beyond_ascii(bytes: &[u8]) -> &'static Encoding {
    let (valid, invalid) = count_utf8(bytes);
    let nul = bytes.contains(&0);
    if invalid == 0 && !nul {
        return UTF_8;
    }
    if let Some(encoding) = utf16_without_mark(bytes, nul) {
        return encoding;
    }
    // Mostly well-formed UTF-8 is UTF-8 with damage in it: in other encodings such sequences hardly ever occur by chance.
    if nul || valid * 2 >= invalid * 3 {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, false);
    detector.guess(None, Utf8Detection::Deny)
}

/// Whether a statement that `head` is in `stated` is worth believing. UTF-8 is told as well without it, and what is
/// well-formed UTF-8 beyond ASCII is hardly ever something else.
pub(crate) fn is_plausible(stated: &'static Encoding, head: &[u8]) -> bool {
    if stated == UTF_8 || Encoding::for_bom(head).is_some() {
        return false;
    }
    let utf8 = count_utf8(head);
    utf8.0 == 0 || utf8.1 > 0
}

/// The first bytes as text, for looking at their structure.
pub(crate) fn head_text(head: &[u8]) -> Cow<'_, str> {
    let Detected { encoding, bom_bytes, .. } = detect(head);
    let body = head.get(bom_bytes..).unwrap_or_default();
    if encoding == UTF_8 {
        let valid = match simdutf8::compat::from_utf8(body) {
            Ok(text) => return Cow::Borrowed(text),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return String::from_utf8_lossy(body),
        };
        return String::from_utf8_lossy(body.get(..valid).unwrap_or_default());
    }
    encoding.decode_without_bom_handling(body).0
}

/// Well-formed multi-byte sequences and damaged ones; a sequence cut off at the end is neither.
fn count_utf8(bytes: &[u8]) -> (usize, usize) {
    let (mut valid, mut invalid, mut rest) = (0, 0, bytes);
    loop {
        let (good, bad) = match simdutf8::compat::from_utf8(rest) {
            Ok(text) => return (valid + multibyte(text.as_bytes()), invalid),
            Err(error) => (error.valid_up_to(), error.error_len()),
        };
        valid += multibyte(rest.get(..good).unwrap_or_default());
        let Some(bad) = bad else { return (valid, invalid) };
        invalid += 1;
        rest = rest.get(good + bad..).unwrap_or_default();
        if invalid > 2000 {
            return (valid, invalid);
        }
    }
}

fn multibyte(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte >= 0xC0).count()
}

/// ISO-2022-JP switches character sets by these sequences (RFC 1468).
fn has_jis_escapes(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0x1B, bytes).any(|at| {
        let after = bytes.get(at + 1..at + 3).unwrap_or_default();
        matches!(after, b"$B" | b"$@")
    })
}

/// UTF-16 without a mark: Latin text has a zero in every other byte; Japanese and Chinese text consists of few blocks.
fn utf16_without_mark(bytes: &[u8], nul: bool) -> Option<&'static Encoding> {
    let sample = bytes.get(..4096).unwrap_or(bytes);
    if sample.len() < 8 {
        return None;
    }
    let share = |read: fn([u8; 2]) -> u16| {
        let (mut units, mut plain, mut marks) = (0_usize, 0_usize, 0_usize);
        for pair in sample.chunks_exact(2) {
            let unit = read([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]);
            units += 1;
            plain += usize::from(is_plain(unit));
            marks += usize::from(matches!(unit, 0x0A | 0x0D | 0x20..=0x7E | 0x3000..=0x30FF | 0xFF00..=0xFFEF));
        }
        // Zeros make it certain that this is no 8-bit encoding; without them kana, spaces and line ends must carry it.
        plain * 100 >= units * 97 && marks * 100 >= units * if nul { 3 } else { 30 }
    };
    match (share(u16::from_le_bytes), share(u16::from_be_bytes)) {
        (true, false) => Some(UTF_16LE),
        (false, true) => Some(UTF_16BE),
        _ => None,
    }
}

fn is_plain(unit: u16) -> bool {
    matches!(unit, 0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0xA0..=0x24F | 0x370..=0x4FF | 0x2010..=0x2030 | 0x3000..=0x30FF
        | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3 | 0xFF01..=0xFFEF)
}
