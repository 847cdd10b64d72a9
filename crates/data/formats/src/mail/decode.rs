//! Content-transfer encodings, undone while reading: base64 and quoted-printable (RFC 2045 section 6), uuencode
//! (IEEE Std 1003.1-2017, uuencode).

use std::io::{self, Read};

/// Bytes read at once.
const STEP_BYTES: usize = 8 * 1024;
/// White space and line end after `=` at the end of a line, at most.
const SOFT_BREAK_BYTES_MAX: usize = 80;
/// A longer line is none of uuencode's, which have 62 characters at most.
const UU_LINE_BYTES_MAX: usize = 256;

/// How a part's bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    QuotedPrintable,
    Uuencode,
}

impl Encoding {
    /// By the value of `Content-Transfer-Encoding`; `None`: as it stands.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
        match () {
            () if is("base64") => Some(Self::Base64),
            () if is("quoted-printable") => Some(Self::QuotedPrintable),
            () if ["x-uuencode", "uuencode", "x-uue", "uue"].iter().any(|known| is(known)) => Some(Self::Uuencode),
            () => None,
        }
    }
}

/// The decoded bytes.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    /// Read and not yet decoded.
    input: Vec<u8>,
    /// Decoded and not yet given out, from `given` on.
    output: Vec<u8>,
    given: usize,
    has_ended: bool,
}

enum Decoder {
    Base64 { bits: u32, held: u8 },
    QuotedPrintable,
    Uuencode { has_begun: bool },
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Base64 => Decoder::Base64 { bits: 0, held: 0 },
            Encoding::QuotedPrintable => Decoder::QuotedPrintable,
            Encoding::Uuencode => Decoder::Uuencode { has_begun: false },
        };
        Self { inner, decoder, input: Vec::new(), output: Vec::new(), given: 0, has_ended: false }
    }

    fn step(&mut self) -> io::Result<()> {
        let before = self.input.len();
        (&mut self.inner).take(STEP_BYTES as u64).read_to_end(&mut self.input)?;
        self.has_ended = self.input.len() - before < STEP_BYTES;
        self.output.clear();
        self.given = 0;
        let used = match &mut self.decoder {
            Decoder::Base64 { bits, held } => base64(&self.input, self.has_ended, (bits, held), &mut self.output),
            Decoder::QuotedPrintable => quoted_printable(&self.input, self.has_ended, &mut self.output),
            Decoder::Uuencode { has_begun } => uuencode(&self.input, self.has_ended, has_begun, &mut self.output),
        };
        self.input.drain(..used.min(self.input.len()));
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.has_ended {
            self.step()?;
        }
        let left = self.output.get(self.given..).unwrap_or_default();
        let n = left.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), left.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}

/// What is not of the alphabet is passed over (RFC 2045 section 6.8); padding ends a group, not the data.
fn base64(input: &[u8], last: bool, (bits, held): (&mut u32, &mut u8), out: &mut Vec<u8>) -> usize {
    for byte in input {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                flush(*bits, *held, out);
                (*bits, *held) = (0, 0);
                continue;
            }
            _ => continue,
        };
        *bits = *bits << 6 | u32::from(value);
        *held += 1;
        if *held == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            out.extend([a, b, c]);
            (*bits, *held) = (0, 0);
        }
    }
    if last {
        flush(*bits, *held, out);
        (*bits, *held) = (0, 0);
    }
    input.len()
}

/// The whole bytes of an incomplete group.
fn flush(bits: u32, held: u8, out: &mut Vec<u8>) {
    let [_, a, b, _] = (bits << (6 * u32::from(4 - held.min(4)))).to_be_bytes();
    match held {
        2 => out.push(a),
        3 => out.extend([a, b]),
        _ => {}
    }
}

/// Damaged sequences stay as they are.
fn quoted_printable(input: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(after) = input.get(at + 1..) else { break };
        if after.len() < SOFT_BREAK_BYTES_MAX && !last {
            return at;
        }
        let blank =
            after.iter().take(SOFT_BREAK_BYTES_MAX).take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        if after.get(blank) == Some(&b'\n') || (after.len() == blank && last) {
            at += 1 + (blank + 1).min(after.len());
            continue;
        }
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|hex| !hex.starts_with('+'));
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(b'=');
                at += 1;
            }
        }
    }
    at
}

/// Lines between `begin` and `end`, each behind the number of its bytes.
fn uuencode(input: &[u8], last: bool, has_begun: &mut bool, out: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        let end = memchr::memchr(b'\n', rest);
        if end.is_none() && !last && rest.len() < UU_LINE_BYTES_MAX {
            return at;
        }
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        at += end.map_or(rest.len(), |end| end + 1);
        if line.starts_with(b"begin ") {
            *has_begun = true;
        } else if line.trim_ascii() == b"end" {
            *has_begun = false;
        } else if *has_begun {
            uu_line(line.strip_suffix(b"\r").unwrap_or(line), out);
        }
    }
    at
}

fn uu_line(line: &[u8], out: &mut Vec<u8>) {
    let Some((len, groups)) = line.split_first() else { return };
    let value = |byte: u8| byte.wrapping_sub(b' ') & 0x3F;
    let end = out.len() + usize::from(value(*len));
    for group in groups.chunks(4) {
        let bits = (0..4).fold(0, |bits, at| bits << 6 | u32::from(value(group.get(at).copied().unwrap_or(b' '))));
        let [_, a, b, c] = bits.to_be_bytes();
        out.extend([a, b, c]);
    }
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Decoded, Encoding};
    use crate::testing::trickle;

    fn decode(text: &str, encoding: Encoding) -> Vec<u8> {
        let mut out = Vec::new();
        Decoded::new(trickle(text.as_bytes(), 3), encoding).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn base64_passes_over_line_ends_and_padding_within() {
        assert_eq!(decode("Zm9v\r\nYmE=\r\nZm9v", Encoding::Base64), b"foobafoo");
        assert_eq!(decode("Zm9vYg", Encoding::Base64), b"foob");
        let long = "QUJD".repeat(10_000);
        assert_eq!(decode(&long, Encoding::Base64), b"ABC".repeat(10_000));
    }

    #[test]
    fn quoted_printable_joins_soft_breaks_and_keeps_what_is_damaged() {
        let text = "M=C3=BCller =\r\nund = \t\nmehr =ZZ =4\n=";
        assert_eq!(decode(text, Encoding::QuotedPrintable), "Müller und mehr =ZZ =4\n".as_bytes());
        let long = "=41=\n".repeat(20_000);
        assert_eq!(decode(&long, Encoding::QuotedPrintable), b"A".repeat(20_000));
    }

    #[test]
    fn uuencoded_lines_give_as_many_bytes_as_they_say() {
        assert_eq!(decode("text\nbegin 644 cat.txt\n#0V%T\n`\nend\nmore", Encoding::Uuencode), b"Cat");
    }
}
