//! ToUnicode maps (ISO 32000-1, section 9.10.3): from character codes to text.

use std::collections::HashMap;

/// Mappings that are kept of one font.
const MAPPINGS_MAX: usize = 1 << 17;
/// The text of one code, in bytes (section 9.10.3 sets this limit): each showing of the code repeats it.
const TEXT_BYTES_MAX: usize = 512;

/// The map of one font.
#[derive(Debug, Default)]
pub(super) struct ToUnicode {
    map: HashMap<u32, String>,
    /// In ascending order.
    ranges: Vec<(u32, u32, String)>,
    /// Bytes of a code, as far as the map says.
    pub(super) code_bytes: Option<usize>,
}

impl ToUnicode {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut cmap = Self::default();
        let mut operands: Vec<Token> = Vec::new();
        let mut section = None;
        for token in (Tokens { rest: bytes }) {
            match token {
                Token::Word(word) => {
                    match word {
                        b"endbfchar" => cmap.characters(&operands),
                        b"endbfrange" => cmap.spans(&operands),
                        b"endcodespacerange" => {
                            let len = operands
                                .iter()
                                .filter_map(|t| if let Token::Hex(h) = t { Some(h.len()) } else { None });
                            cmap.code_bytes = len.max();
                        }
                        _ => {}
                    }
                    section = word.starts_with(b"begin").then_some(());
                    operands.clear();
                }
                token if section.is_some() && operands.len() < MAPPINGS_MAX * 3 => operands.push(token),
                _ => {}
            }
        }
        cmap.ranges.sort_by_key(|range| range.0);
        cmap
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty() && self.ranges.is_empty()
    }

    /// Adds the text of `code`; `false` where the map does not know it.
    pub(super) fn push(&self, code: u32, out: &mut String) -> bool {
        if let Some(text) = self.map.get(&code) {
            out.push_str(text);
            return true;
        }
        let at = self.ranges.partition_point(|range| range.0 <= code);
        let range = at.checked_sub(1).and_then(|at| self.ranges.get(at));
        let Some((first, _, text)) = range.filter(|(_, last, _)| code <= *last) else { return false };
        let mut chars: Vec<char> = text.chars().collect();
        if let Some(end) = chars.last_mut() {
            *end = char::from_u32((*end as u32).saturating_add(code - first)).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        out.extend(chars);
        true
    }

    fn characters(&mut self, operands: &[Token<'_>]) {
        for pair in operands.chunks_exact(2) {
            if let [Token::Hex(code), Token::Hex(text)] = pair
                && self.map.len() < MAPPINGS_MAX
            {
                self.map.insert(code_of(code), utf16(text));
            }
        }
    }

    fn spans(&mut self, operands: &[Token<'_>]) {
        let mut at = 0;
        while let Some([Token::Hex(first), Token::Hex(last), target]) = operands.get(at..at + 3) {
            at += 3;
            let (first, last) = (code_of(first), code_of(last));
            match target {
                Token::Hex(text) if self.ranges.len() < MAPPINGS_MAX => self.ranges.push((first, last, utf16(text))),
                Token::Open => {
                    let mut code = first;
                    while let Some(Token::Hex(text)) = operands.get(at) {
                        if self.map.len() < MAPPINGS_MAX {
                            self.map.insert(code, utf16(text));
                        }
                        code = code.saturating_add(1);
                        at += 1;
                    }
                    at += usize::from(matches!(operands.get(at), Some(Token::Close)));
                }
                _ => {}
            }
        }
    }
}

fn code_of(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn utf16(bytes: &[u8]) -> String {
    let bytes = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
    let units = bytes.chunks(2).map(|unit| unit.iter().fold(0u16, |value, byte| value << 8 | u16::from(*byte)));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).filter(|c| *c != '\0').collect()
}

#[derive(Debug)]
enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(&'a [u8]),
    Other,
}

struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            let first = *self.rest.first()?;
            let take = |n: usize| self.rest.split_at_checked(n).unwrap_or((self.rest, &[]));
            let (token, rest) = match first {
                b'%' => {
                    let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
                    self.rest = take(end).1;
                    continue;
                }
                b'<' if self.rest.get(1) == Some(&b'<') => (Token::Other, take(2).1),
                b'<' => {
                    let end = memchr::memchr(b'>', self.rest).unwrap_or(self.rest.len());
                    let (hex, rest) = take(end);
                    (Token::Hex(hex_bytes(hex)), rest.get(1..).unwrap_or_default())
                }
                b'[' => (Token::Open, take(1).1),
                b']' => (Token::Close, take(1).1),
                b'>' | b'(' | b')' | b'{' | b'}' => (Token::Other, take(1).1),
                _ => {
                    let is_end = |b: &u8| b.is_ascii_whitespace() || b"<>[](){}/%".contains(b);
                    let len = self.rest.iter().skip(1).position(is_end).map_or(self.rest.len(), |at| at + 1);
                    let (word, rest) = take(len);
                    let is_word = first.is_ascii_alphabetic();
                    (if is_word { Token::Word(word) } else { Token::Other }, rest)
                }
            };
            self.rest = rest;
            return Some(token);
        }
    }
}

fn hex_bytes(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.iter().filter_map(|b| char::from(*b).to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit) << if pair.len() == 1 { 4 } else { 0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ToUnicode;

    #[test]
    fn characters_and_ranges_are_mapped() {
        let cmap = b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
            2 beginbfchar <0003> <0020> <0010> <D83DDE00> endbfchar\n\
            2 beginbfrange <0024> <0026> <0041> <0030> <0031> [<00660069> <5C71>] endbfrange endcmap";
        let cmap = ToUnicode::parse(cmap);
        let mut text = String::new();
        for code in [0x24, 0x26, 0x03, 0x30, 0x31, 0x10] {
            assert!(cmap.push(code, &mut text));
        }
        assert_eq!(text, "AC fi山😀");
        assert_eq!(cmap.code_bytes, Some(2));
        assert!(!cmap.push(0x99, &mut text));
    }

    #[test]
    fn a_code_does_not_stand_for_endless_text() {
        let cmap = format!("1 beginbfchar <01> <{}> endbfchar", "0041".repeat(100_000));
        let mut text = String::new();
        assert!(ToUnicode::parse(cmap.as_bytes()).push(1, &mut text));
        assert_eq!(text.len(), 256);
    }
}
