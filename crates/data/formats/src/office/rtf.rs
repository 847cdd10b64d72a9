//! Rich Text Format 1.9.1, by a tokenizer of our own: text with its code pages and Unicode escapes, document
//! properties, and notes on embedded objects.

use encoding_rs::Encoding;

use crate::archive::buffered::Buffered;
use crate::{Place, Problem, Raw, ReadError, Reader, Source, Text};

use super::parts::document_field;

/// Text is reported about so many bytes at a time, between paragraphs.
const TEXT_BYTES: usize = 64 * 1024;
/// The longest control word that is looked at.
const WORD_BYTES_MAX: usize = 64;

/// What becomes of the text of a group.
#[derive(Clone, PartialEq)]
enum Destination {
    Text,
    /// Reported as a document property of this name.
    Property(&'static str),
    /// Fonts, colours, pictures and the like.
    Skipped,
    /// The font table, whose character sets are kept.
    Fonts,
}

#[derive(Clone)]
struct Group {
    destination: Destination,
    /// How many characters stand behind `\u` for readers without Unicode.
    fallback: usize,
    font: i32,
}

struct Rtf<'f, 'r, 'b> {
    reader: &'f mut Reader<'r, 'b>,
    groups: Vec<Group>,
    group: Group,
    fonts: std::collections::HashMap<i32, &'static Encoding>,
    code_page: &'static Encoding,
    pending: Vec<u8>,
    high: Option<u16>,
    text: String,
    property: String,
    paragraph: u64,
    first_paragraph: u64,
    skip: usize,
    star: bool,
    objects: u64,
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let nesting_max = reader.limits().nesting_max.saturating_mul(8);
    let mut input = Buffered::new(source.into_stream());
    let group = Group { destination: Destination::Text, fallback: 1, font: 0 };
    let mut rtf = Rtf {
        reader,
        groups: Vec::new(),
        group,
        fonts: std::collections::HashMap::new(),
        code_page: encoding_rs::WINDOWS_1252,
        pending: Vec::new(),
        high: None,
        text: String::new(),
        property: String::new(),
        paragraph: 1,
        first_paragraph: 1,
        skip: 0,
        star: false,
        objects: 0,
    };
    let mut count = 0u64;
    let ended = loop {
        count += 1;
        if count.is_multiple_of(1 << 18) {
            rtf.reader.check()?;
        }
        let Some(&byte) = input.peek(1)?.first() else { break false };
        std::io::BufRead::consume(&mut input, 1);
        match byte {
            b'{' => {
                rtf.flush_bytes();
                if rtf.groups.len() >= nesting_max {
                    return Err(Problem::limit("groups nest too deep; raise `limits.nesting_max` to read on").into());
                }
                rtf.groups.push(rtf.group.clone());
            }
            b'}' => {
                rtf.close()?;
                if rtf.groups.is_empty() {
                    break true;
                }
            }
            b'\\' => rtf.control(&mut input)?,
            b'\r' | b'\n' => {}
            byte => rtf.byte(byte)?,
        }
    };
    rtf.flush_bytes();
    rtf.report(true)?;
    if rtf.objects > 0 {
        document_field("embeddedObjects", &rtf.objects.to_string(), rtf.reader)?;
    }
    if ended { Ok(()) } else { Err(Problem::truncated("the document ends with groups open").into()) }
}

impl Rtf<'_, '_, '_> {
    fn close(&mut self) -> Result<(), ReadError> {
        self.flush_bytes();
        if let Destination::Property(name) = self.group.destination {
            let inherits = self.groups.last().is_some_and(|outer| outer.destination == self.group.destination);
            if !inherits {
                let value = std::mem::take(&mut self.property);
                document_field(name, value.trim(), self.reader)?;
            }
        }
        if let Some(outer) = self.groups.pop() {
            self.group = outer;
        }
        self.skip = 0;
        Ok(())
    }

    fn control<R: std::io::Read>(&mut self, input: &mut Buffered<R>) -> Result<(), ReadError> {
        let ahead = input.peek(WORD_BYTES_MAX)?;
        let letters = ahead.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if letters == 0 {
            let symbol = ahead.first().copied();
            let hex = ahead
                .get(1..3)
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|h| u8::from_str_radix(h, 16).ok());
            let consumed = if symbol == Some(b'\'') && hex.is_some() { 3 } else { usize::from(symbol.is_some()) };
            std::io::BufRead::consume(input, consumed);
            return self.symbol(symbol, hex);
        }
        let rest = ahead.get(letters..).unwrap_or_default();
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.get(sign..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        let number_end = if digits > 0 { letters + sign + digits } else { letters };
        let word = String::from_utf8_lossy(ahead.get(..letters).unwrap_or_default()).into_owned();
        let number =
            ahead.get(letters..number_end).and_then(|n| std::str::from_utf8(n).ok()).and_then(|n| n.parse().ok());
        let space = usize::from(ahead.get(number_end) == Some(&b' '));
        std::io::BufRead::consume(input, number_end + space);
        if word == "bin" {
            let skipped = number.and_then(|n: i32| u64::try_from(n).ok()).unwrap_or(0);
            input.skip(skipped)?;
            return Ok(());
        }
        self.word(&word, number)
    }

    fn symbol(&mut self, symbol: Option<u8>, hex: Option<u8>) -> Result<(), ReadError> {
        match symbol {
            Some(b'\'') => match hex {
                Some(byte) => self.byte(byte),
                None => Ok(()),
            },
            Some(b'*') => {
                self.star = true;
                Ok(())
            }
            Some(b'~') => self.push(' '),
            Some(b'_') => self.push('-'),
            Some(b'\n' | b'\r') => self.word("par", None),
            Some(byte @ (b'\\' | b'{' | b'}')) => self.byte(byte),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) -> Result<(), ReadError> {
        self.flush_bytes();
        let starred = std::mem::take(&mut self.star);
        match word {
            "par" | "sect" | "page" | "row" => {
                self.push('\n')?;
                if self.group.destination == Destination::Text {
                    self.paragraph += 1;
                    if self.text.len() >= TEXT_BYTES {
                        self.report(false)?;
                    }
                }
            }
            "line" => self.push('\n')?,
            "tab" | "cell" | "nestcell" => self.push('\t')?,
            "emdash" => self.push('—')?,
            "endash" => self.push('–')?,
            "lquote" => self.push('‘')?,
            "rquote" => self.push('’')?,
            "ldblquote" => self.push('“')?,
            "rdblquote" => self.push('”')?,
            "bullet" => self.push('•')?,
            "u" => self.unicode(number.unwrap_or(0))?,
            "uc" => self.group.fallback = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(64),
            "ansicpg" => self.code_page = code_page(number.unwrap_or(1252)),
            "mac" => self.code_page = encoding_rs::MACINTOSH,
            "f" => self.group.font = number.unwrap_or(0),
            "fcharset" if self.group.destination == Destination::Fonts => {
                if let Some(encoding) = charset(number.unwrap_or(0)) {
                    self.fonts.insert(self.group.font, encoding);
                }
            }
            "object" => self.objects += 1,
            _ => self.destination(word, starred),
        }
        Ok(())
    }

    fn destination(&mut self, word: &str, starred: bool) {
        self.group.destination = match word {
            "fonttbl" => Destination::Fonts,
            "colortbl" | "stylesheet" | "pict" | "objdata" | "themedata" | "colorschememapping" | "latentstyles"
            | "datastore" | "listtable" | "listoverridetable" | "rsidtbl" | "generator" | "xmlnstbl" | "info"
            | "filetbl" | "panose" | "falt" | "bkmkstart" | "bkmkend" | "nonshppict" => Destination::Skipped,
            "title" if !self.in_text() => Destination::Property("title"),
            "subject" => Destination::Property("subject"),
            "author" => Destination::Property("creator"),
            "manager" => Destination::Property("manager"),
            "company" => Destination::Property("company"),
            "operator" => Destination::Property("lastModifiedBy"),
            "category" => Destination::Property("category"),
            "keywords" => Destination::Property("keywords"),
            "doccomm" => Destination::Property("description"),
            "atnauthor" => Destination::Property("author"),
            "revtbl" => Destination::Property("author"),
            "fldinst" | "annotation" | "shptxt" | "footnote" | "shpinst" | "pntext" => Destination::Text,
            // A destination marked with `\*` that is not known is to be ignored (RTF 1.9.1, "Destination control words").
            _ if starred => Destination::Skipped,
            _ => return,
        };
    }

    fn in_text(&self) -> bool {
        self.group.destination == Destination::Text
    }

    /// A UTF-16 unit, as a signed number. Surrogates come as two.
    fn unicode(&mut self, number: i32) -> Result<(), ReadError> {
        let Some(unit) = u16::try_from(number.rem_euclid(65_536)).ok() else { return Ok(()) };
        let units: Vec<u16> = self.high.take().into_iter().chain([unit]).collect();
        if units.len() == 1 && (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
        } else {
            for c in char::decode_utf16(units) {
                self.push(c.unwrap_or(char::REPLACEMENT_CHARACTER))?;
            }
        }
        self.skip = self.group.fallback;
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Result<(), ReadError> {
        self.star = false;
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        if matches!(self.group.destination, Destination::Text | Destination::Property(_)) {
            self.pending.push(byte);
            if self.pending.len() >= TEXT_BYTES {
                self.flush_bytes();
                self.report(false)?;
            }
        }
        Ok(())
    }

    /// Decodes the bytes at hand by the font's character set.
    fn flush_bytes(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let encoding = self.fonts.get(&self.group.font).copied().unwrap_or(self.code_page);
        let (text, _) = encoding.decode_without_bom_handling(&pending);
        match self.group.destination {
            Destination::Text => self.text.push_str(&text),
            Destination::Property(_) => self.property.push_str(&text),
            _ => {}
        }
    }

    fn push(&mut self, c: char) -> Result<(), ReadError> {
        self.flush_bytes();
        match self.group.destination {
            Destination::Text => self.text.push(c),
            Destination::Property(_) if self.property.len() < TEXT_BYTES => self.property.push(c),
            _ => {}
        }
        if self.text.len() > TEXT_BYTES * 2 { self.report(false) } else { Ok(()) }
    }

    fn report(&mut self, last: bool) -> Result<(), ReadError> {
        let place = format!("paragraph {}", self.first_paragraph);
        let text = std::mem::take(&mut self.text);
        self.first_paragraph = self.paragraph;
        self.reader.text(&Text { text: &text, place: Place::Path(&place), raw: Raw::None, last })
    }
}

/// Windows code pages that RTF names in `\ansicpg`.
fn code_page(number: i32) -> &'static Encoding {
    let label: &[u8] = match number {
        874 => b"windows-874",
        932 => b"shift_jis",
        936 => b"gbk",
        949 => b"euc-kr",
        950 => b"big5",
        1250 => b"windows-1250",
        1251 => b"windows-1251",
        1253 => b"windows-1253",
        1254 => b"windows-1254",
        1255 => b"windows-1255",
        1256 => b"windows-1256",
        1257 => b"windows-1257",
        1258 => b"windows-1258",
        65_001 => b"utf-8",
        _ => b"windows-1252",
    };
    Encoding::for_label(label).unwrap_or(encoding_rs::WINDOWS_1252)
}

/// Character sets of fonts (RTF 1.9.1, `\fcharset`); the default one follows the document.
fn charset(number: i32) -> Option<&'static Encoding> {
    let page = match number {
        0 => 1252,
        77 => return Some(encoding_rs::MACINTOSH),
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}
