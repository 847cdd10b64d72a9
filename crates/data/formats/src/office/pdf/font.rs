//! Fonts: from the bytes of a shown string to characters and widths (ISO 32000-1, sections 9.6 to 9.10).

use encoding_rs::Encoding;
use lopdf::{Dictionary, Document, Object};

use super::cmap::ToUnicode;
use super::{STREAM_BYTES_MAX, dictionary, entry, number, resolve};

/// How codes become characters where there is no ToUnicode map.
#[derive(Debug)]
enum Codes {
    /// One byte each, looked up here.
    Simple(Vec<String>),
    /// Bytes of a character set that a predefined CMap names.
    Charset(&'static Encoding),
    /// Glyph numbers of an embedded font: not to be told without a map.
    Glyphs,
}

/// One font as far as reading text needs it.
#[derive(Debug)]
pub(super) struct Font {
    to_unicode: Option<ToUnicode>,
    codes: Codes,
    code_bytes: usize,
    first: u32,
    widths: Vec<f32>,
    /// Widths of CID fonts, by ranges of codes.
    ranges: Vec<(u32, u32, f32)>,
    default_width: f32,
    is_fixed: bool,
}

/// One shown character: its text, its width in text space units of an em, and whether it is a word space.
pub(super) struct Shown {
    pub(super) width: f32,
    pub(super) is_space: bool,
    pub(super) is_decoded: bool,
}

impl Font {
    pub(super) fn new(document: &Document, font: &Dictionary) -> Self {
        let to_unicode = match entry(document, font, b"ToUnicode") {
            Some(Object::Stream(stream)) => stream.get_plain_content_with_limit(STREAM_BYTES_MAX).ok(),
            _ => None,
        };
        let to_unicode = to_unicode.map(|cmap| ToUnicode::parse(&cmap)).filter(|cmap| !cmap.is_empty());
        let is_composite = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type0");
        let name = font.get(b"BaseFont").and_then(Object::as_name).unwrap_or_default();
        let mut built = Self {
            to_unicode,
            codes: Codes::Glyphs,
            code_bytes: 1,
            first: 0,
            widths: Vec::new(),
            ranges: Vec::new(),
            default_width: 0.0,
            is_fixed: memchr::memmem::find(name, b"Courier").is_some(),
        };
        if is_composite {
            built.composite(document, font);
        } else {
            built.simple(document, font, name);
        }
        built
    }

    fn simple(&mut self, document: &Document, font: &Dictionary, name: &[u8]) {
        let is_symbolic =
            memchr::memmem::find(name, b"Symbol").is_some() || memchr::memmem::find(name, b"Dingbats").is_some();
        let mut table: Vec<String> = Vec::new();
        let encoding = entry(document, font, b"Encoding");
        let base = match encoding {
            Some(Object::Name(name)) => Some(name.as_slice()),
            Some(Object::Dictionary(parts)) => parts.get(b"BaseEncoding").and_then(Object::as_name).ok(),
            _ => None,
        };
        let charset =
            if base == Some(b"MacRomanEncoding") { encoding_rs::MACINTOSH } else { encoding_rs::WINDOWS_1252 };
        for byte in 0..=255u8 {
            table.push(charset.decode_without_bom_handling(&[byte]).0.into_owned());
        }
        if let Some(Object::Dictionary(parts)) = encoding
            && let Some(Object::Array(differences)) = entry(document, parts, b"Differences")
        {
            apply_differences(document, differences, &mut table);
        }
        self.codes = if is_symbolic && encoding.is_none() { Codes::Glyphs } else { Codes::Simple(table) };
        self.first = entry(document, font, b"FirstChar")
            .and_then(|n| n.as_i64().ok())
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0);
        if let Some(Object::Array(widths)) = entry(document, font, b"Widths") {
            let widths = widths.iter().take(256);
            self.widths = widths.map(|w| resolve(document, w).and_then(number).unwrap_or(0.0) / 1000.0).collect();
        }
    }

    fn composite(&mut self, document: &Document, font: &Dictionary) {
        let cmap = font.get(b"Encoding").and_then(Object::as_name).unwrap_or_default();
        self.code_bytes = 2;
        if let Some(charset) = predefined(cmap) {
            self.codes = Codes::Charset(charset);
        }
        if let Some(bytes) = self.to_unicode.as_ref().and_then(|cmap| cmap.code_bytes).filter(|n| (1..=4).contains(n)) {
            self.code_bytes = bytes;
        }
        let Some(Object::Array(descendants)) = entry(document, font, b"DescendantFonts") else { return };
        let Some(Object::Dictionary(descendant)) = descendants.first().and_then(|d| resolve(document, d)) else {
            return;
        };
        self.default_width = entry(document, descendant, b"DW").and_then(number).unwrap_or(1000.0) / 1000.0;
        if let Some(Object::Array(widths)) = entry(document, descendant, b"W") {
            self.cid_widths(document, widths);
        }
    }

    /// `first [w w …]` or `first last w` (ISO 32000-1, section 9.7.4.3).
    fn cid_widths(&mut self, document: &Document, widths: &[Object]) {
        let code = |object: Option<&Object>| {
            object.and_then(|o| resolve(document, o)).and_then(|o| o.as_i64().ok()).and_then(|n| u32::try_from(n).ok())
        };
        let mut at = 0;
        while let Some(first) = code(widths.get(at)) {
            if let Some(Object::Array(list)) = widths.get(at + 1).and_then(|o| resolve(document, o)) {
                for (width, code) in list.iter().zip(first..) {
                    self.ranges.push((code, code, number(width).unwrap_or(1000.0) / 1000.0));
                }
                at += 2;
            } else {
                let last = code(widths.get(at + 1)).unwrap_or(first);
                let width = widths.get(at + 2).and_then(number).unwrap_or(1000.0) / 1000.0;
                self.ranges.push((first, last, width));
                at += 3;
            }
        }
        self.ranges.sort_by_key(|range| range.0);
    }

    /// Takes the first character off `bytes`, adding its text to `out`.
    pub(super) fn take(&self, bytes: &mut &[u8], out: &mut String) -> Option<Shown> {
        let len = match &self.codes {
            Codes::Charset(charset) if self.to_unicode.is_none() => charset_len(charset, bytes),
            _ => self.code_bytes,
        };
        let (code, rest) = bytes.split_at_checked(len.min(bytes.len()).max(1))?;
        *bytes = rest;
        let number = code.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        let before = out.len();
        let mapped = self.to_unicode.as_ref().is_some_and(|cmap| cmap.push(number, out));
        let is_decoded = mapped || self.decode(code, number, out);
        let shown = out.get(before..).unwrap_or_default();
        let width = self.width(number, shown);
        Some(Shown { width, is_space: len == 1 && number == 32, is_decoded })
    }

    fn decode(&self, code: &[u8], number: u32, out: &mut String) -> bool {
        match &self.codes {
            Codes::Simple(table) => {
                let text = table.get(number as usize).map_or("", String::as_str);
                out.push_str(text);
                !text.is_empty()
            }
            Codes::Charset(charset) => {
                let (text, errors) = charset.decode_without_bom_handling(code);
                out.push_str(&text);
                !errors
            }
            Codes::Glyphs => false,
        }
    }

    fn width(&self, code: u32, shown: &str) -> f32 {
        if !self.ranges.is_empty() || self.default_width > 0.0 {
            let at = self.ranges.partition_point(|range| range.0 <= code);
            let range = at.checked_sub(1).and_then(|at| self.ranges.get(at));
            return range.filter(|range| code <= range.1).map_or(self.default_width, |range| range.2);
        }
        let listed = code.checked_sub(self.first).and_then(|at| self.widths.get(at as usize)).copied();
        listed.filter(|width| *width > 0.0).unwrap_or_else(|| if self.is_fixed { 0.6 } else { usual_width(shown) })
    }
}

/// About how wide a character of a sans-serif text font is. The standard fonts come without widths.
fn usual_width(shown: &str) -> f32 {
    match shown.chars().next() {
        Some('i' | 'j' | 'l' | '\'' | '|') => 0.22,
        Some(' ' | '.' | ',' | ':' | ';' | 'f' | 't' | 'I' | '/' | '!' | '[' | ']' | '\\') => 0.28,
        Some('r' | '(' | ')' | '-' | '`') => 0.333,
        Some('m' | 'M') => 0.833,
        Some('w') => 0.722,
        Some('W') => 0.944,
        Some('@') => 1.015,
        Some('c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J') => 0.5,
        Some('C' | 'D' | 'H' | 'N' | 'R' | 'U') => 0.722,
        Some('G' | 'O' | 'Q') => 0.778,
        Some('A'..='Z') => 0.667,
        Some(c) if c.is_ascii() => 0.556,
        Some(c) if (c as u32) >= 0x2E80 => 1.0,
        Some(_) => 0.556,
        None => 0.5,
    }
}

fn apply_differences(document: &Document, differences: &[Object], table: &mut [String]) {
    let mut code = 0usize;
    for object in differences {
        match resolve(document, object) {
            Some(Object::Integer(number)) => code = usize::try_from(*number).unwrap_or(usize::MAX),
            Some(Object::Name(name)) => {
                if let Some(slot) = table.get_mut(code) {
                    *slot = glyph_text(&String::from_utf8_lossy(name));
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
}

/// Glyph names of the Adobe Glyph List for Latin text that are no single letter; accents are composed.
const GLYPHS: &[(&str, &str)] = &[
    ("space", " "),
    ("nbspace", " "),
    ("exclam", "!"),
    ("quotedbl", "\""),
    ("numbersign", "#"),
    ("dollar", "$"),
    ("percent", "%"),
    ("ampersand", "&"),
    ("quotesingle", "'"),
    ("quoteright", "’"),
    ("quoteleft", "‘"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("asterisk", "*"),
    ("plus", "+"),
    ("comma", ","),
    ("hyphen", "-"),
    ("sfthyphen", "-"),
    ("minus", "-"),
    ("period", "."),
    ("slash", "/"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("colon", ":"),
    ("semicolon", ";"),
    ("less", "<"),
    ("equal", "="),
    ("greater", ">"),
    ("question", "?"),
    ("at", "@"),
    ("bracketleft", "["),
    ("backslash", "\\"),
    ("bracketright", "]"),
    ("asciicircum", "^"),
    ("underscore", "_"),
    ("grave", "`"),
    ("braceleft", "{"),
    ("bar", "|"),
    ("braceright", "}"),
    ("asciitilde", "~"),
    ("quotedblleft", "“"),
    ("quotedblright", "”"),
    ("quotesinglbase", "‚"),
    ("quotedblbase", "„"),
    ("endash", "–"),
    ("emdash", "—"),
    ("bullet", "•"),
    ("ellipsis", "…"),
    ("germandbls", "ß"),
    ("ae", "æ"),
    ("AE", "Æ"),
    ("oe", "œ"),
    ("OE", "Œ"),
    ("oslash", "ø"),
    ("Oslash", "Ø"),
    ("aring", "å"),
    ("Aring", "Å"),
    ("eth", "ð"),
    ("Eth", "Ð"),
    ("thorn", "þ"),
    ("Thorn", "Þ"),
    ("lslash", "ł"),
    ("Lslash", "Ł"),
    ("dotlessi", "ı"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("degree", "°"),
    ("mu", "µ"),
    ("section", "§"),
    ("paragraph", "¶"),
    ("copyright", "©"),
    ("registered", "®"),
    ("trademark", "™"),
    ("Euro", "€"),
    ("sterling", "£"),
    ("yen", "¥"),
    ("cent", "¢"),
    ("plusminus", "±"),
    ("multiply", "×"),
    ("divide", "÷"),
    ("guillemotleft", "«"),
    ("guillemotright", "»"),
    ("guilsinglleft", "‹"),
    ("guilsinglright", "›"),
    ("periodcentered", "·"),
    ("onehalf", "½"),
    ("onequarter", "¼"),
    ("threequarters", "¾"),
    ("exclamdown", "¡"),
    ("questiondown", "¿"),
    ("ordfeminine", "ª"),
    ("ordmasculine", "º"),
    ("fraction", "⁄"),
    ("dagger", "†"),
    ("daggerdbl", "‡"),
];

/// Accents as combining characters, which are composed where a precomposed letter exists in Latin-1 or Latin Extended-A.
const ACCENTS: &[(&str, &str, &str)] = &[
    ("acute", "AEIOUYaeiouyCcLNnRrSsZz", "ÁÉÍÓÚÝáéíóúýĆćĹŃńŔŕŚśŹź"),
    ("grave", "AEIOUaeiou", "ÀÈÌÒÙàèìòù"),
    ("circumflex", "AEIOUaeiou", "ÂÊÎÔÛâêîôû"),
    ("dieresis", "AEIOUYaeiouy", "ÄËÏÖÜŸäëïöüÿ"),
    ("tilde", "ANOano", "ÃÑÕãñõ"),
    ("cedilla", "CcSs", "ÇçŞş"),
    ("caron", "CcDdEeNnRrSsTtZz", "ČčĎďĚěŇňŘřŠšŤťŽž"),
    ("ogonek", "AaEe", "ĄąĘę"),
    ("ring", "AaUu", "ÅåŮů"),
    ("breve", "AaGg", "ĂăĞğ"),
    ("macron", "AaEeIiOoUu", "ĀāĒēĪīŌōŪū"),
    ("dotaccent", "ZzI", "Żżİ"),
    ("hungarumlaut", "OoUu", "ŐőŰű"),
];

/// The text of a glyph by its name; empty where the name says nothing.
fn glyph_text(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or(name);
    let mut chars = stem.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return only.to_string();
    }
    if let Some((_, text)) = GLYPHS.iter().find(|(glyph, _)| *glyph == stem) {
        return (*text).to_owned();
    }
    let hex = stem.strip_prefix("uni").filter(|hex| hex.len() == 4).or_else(|| stem.strip_prefix('u'));
    if let Some(c) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
        return c.to_string();
    }
    for (accent, letters, composed) in ACCENTS {
        if let Some(letter) = stem.strip_suffix(accent)
            && letter.chars().count() == 1
            && let Some(at) = letters.chars().position(|c| letter.starts_with(c))
        {
            return composed.chars().nth(at).map(String::from).unwrap_or_default();
        }
    }
    String::new()
}

/// The character set behind a predefined CMap (ISO 32000-1, table 118).
fn predefined(cmap: &[u8]) -> Option<&'static Encoding> {
    let name = std::str::from_utf8(cmap).ok()?;
    let charset = match name {
        _ if name.contains("UCS2") || name.contains("UTF16") => encoding_rs::UTF_16BE,
        _ if name.contains("RKSJ") => encoding_rs::SHIFT_JIS,
        "EUC-H" | "EUC-V" => encoding_rs::EUC_JP,
        _ if name.starts_with("GB") => encoding_rs::GBK,
        _ if name.starts_with("B5") || name.starts_with("ETen") || name.starts_with("HKscs") => encoding_rs::BIG5,
        _ if name.starts_with("KSC") => encoding_rs::EUC_KR,
        _ => return None,
    };
    Some(charset)
}

/// How many bytes the first character takes.
fn charset_len(charset: &'static Encoding, bytes: &[u8]) -> usize {
    let first = bytes.first().copied().unwrap_or(0);
    if charset == encoding_rs::UTF_16BE {
        return if (0xD8..0xDC).contains(&first) { 4 } else { 2 };
    }
    let is_half_width = charset == encoding_rs::SHIFT_JIS && (0xA1..=0xDF).contains(&first);
    if first < 0x80 || is_half_width { 1 } else { 2 }
}

/// The fonts that a resource dictionary names.
pub(super) fn of_resources<'d>(
    document: &'d Document,
    resources: &'d Dictionary,
    name: &[u8],
) -> Option<(&'d Object, &'d Dictionary)> {
    let fonts = dictionary(document, resources, b"Font")?;
    let object = fonts.get(name).ok()?;
    match resolve(document, object)? {
        Object::Dictionary(font) => Some((object, font)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::glyph_text;

    #[test]
    fn glyph_names_become_text() {
        for (name, text) in
            [("A", "A"), ("udieresis", "ü"), ("uni5C71", "山"), ("fi", "fi"), ("eacute.sc", "é"), ("g23", "")]
        {
            assert_eq!(glyph_text(name), text, "{name}");
        }
    }
}
