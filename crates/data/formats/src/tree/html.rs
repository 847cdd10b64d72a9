//! HTML: its text in windows with tags blanked, its scripts, and the attributes that hold values.

use crate::markup::lexer::{self, Kind, Lexer, Token};
use crate::markup::{self, blank};
use crate::text::encoding;
use crate::window::Positions;
use crate::{Escape, Field, Place, Qualifiers, Raw, ReadError, Reader, Source, Text, Vocabulary};

/// About how much text is reported at a time.
const WINDOW_BYTES: usize = 1 << 19;

/// Elements that a page or a fragment begins with.
const FIRST: [&str; 16] = [
    "html", "head", "body", "div", "p", "table", "h1", "h2", "h3", "ul", "ol", "span", "meta", "style", "center",
    "font",
];

/// Attributes that hold text or addresses.
const HOLDING: [&str; 12] = [
    "href",
    "src",
    "alt",
    "title",
    "content",
    "value",
    "placeholder",
    "action",
    "aria-label",
    "cite",
    "summary",
    "label",
];

pub(super) fn sniff(head: &[u8]) -> bool {
    let text = encoding::head_text(head);
    let text = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\r', '\t']);
    let starts = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts("<!doctype html") || starts("<html") {
        return true;
    }
    let Some(root) = super::root_name(head) else { return false };
    if !FIRST.iter().any(|name| root.eq_ignore_ascii_case(name)) || text.starts_with("<?xml") && root != "html" {
        return root.eq_ignore_ascii_case("html");
    }
    // A README may begin with a centred heading: in a page most lines hold tags.
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    let tagged = text.lines().filter(|line| line.contains('<') && line.contains('>')).count();
    tagged * 2 >= lines
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lexer = Lexer::new(source, true, WINDOW_BYTES)?;
    let mut page = Page { line: 1, raw: String::new(), text: String::new(), start: 0, first_line: 1 };
    let mut checked = 0;
    while let Some(token) = lexer.next()? {
        let (offset, decoded) = (lexer.offset(), lexer.is_decoded());
        let (bytes, mut positions) = lexer.parts();
        page.token(&token, bytes, &mut positions, decoded, reader)?;
        page.line += memchr::memchr_iter(b'\n', bytes.get(..token.len).unwrap_or_default()).count() as u64;
        if page.raw.len() > WINDOW_BYTES {
            page.flush(false, reader)?;
        }
        if offset - checked > 1 << 20 {
            checked = offset;
            reader.check()?;
        }
    }
    page.flush(true, reader)
}

/// The text that has been gathered: as it lies in the file but for its tags, and the same decoded.
struct Page {
    line: u64,
    raw: String,
    text: String,
    /// File offset of `raw`'s first byte, and its line.
    start: u64,
    first_line: u64,
}

impl Page {
    fn token(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        decoded: bool,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        if matches!(token.kind, Kind::Open | Kind::Empty) {
            self.attributes(token, bytes, positions, reader)?;
        }
        let whole = std::str::from_utf8(bytes.get(..token.len).unwrap_or_default());
        let (Ok(whole), false) = (whole, decoded) else {
            // Blanks would not have the length of what they stand for.
            self.flush(false, reader)?;
            return self.alone(token, positions, reader);
        };
        if self.raw.is_empty() {
            self.start = positions.offset(0);
            self.first_line = self.line;
        }
        match token.kind {
            Kind::Text => {
                let text = whole.replace("&nbsp;", "      ");
                self.raw.push_str(&text);
                markup::decode(&text, &mut self.text);
            }
            Kind::Verbatim | Kind::Comment | Kind::Script => {
                let inner = whole.get(token.inner.clone()).unwrap_or_default();
                self.flush(false, reader)?;
                let raw = Raw::Verbatim { start: positions.offset(token.inner.start) };
                reader.text(&Text { text: inner, place: Place::Line(self.line), raw, last: true })?;
            }
            Kind::Open | Kind::Empty | Kind::Close | Kind::Style | Kind::Other => {
                let before = self.raw.len();
                blank::blank_tag(whole, &mut self.raw);
                self.text.push_str(self.raw.get(before..).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// A text by itself.
    fn alone(
        &self,
        token: &Token,
        positions: &mut Positions<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        if !matches!(token.kind, Kind::Text | Kind::Verbatim | Kind::Comment | Kind::Script) {
            return Ok(());
        }
        let (mut spare, mut decoded) = (String::new(), String::new());
        let (text, raw) = if token.kind == Kind::Text {
            markup::value(positions, token.inner.start, token.inner.end, &mut spare, &mut decoded)
        } else {
            positions.plain(token.inner.start, token.inner.end, &mut spare)
        };
        if text.trim().is_empty() {
            return Ok(());
        }
        reader.text(&Text { text, place: Place::Line(self.line), raw, last: false })
    }

    fn attributes(
        &self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let element = String::from_utf8_lossy(bytes.get(token.name.clone()).unwrap_or_default()).to_ascii_lowercase();
        for (name, value) in lexer::attributes(bytes, token.inner.clone()) {
            let name = String::from_utf8_lossy(bytes.get(name).unwrap_or_default()).to_ascii_lowercase();
            if !HOLDING.contains(&name.as_str()) && !name.starts_with("data-") {
                continue;
            }
            let (mut spare, mut decoded) = (String::new(), String::new());
            let (value, raw) = markup::value(positions, value.start, value.end, &mut spare, &mut decoded);
            let path = format!("{element}.@{name}");
            let (vocabulary, qualifiers) = (Vocabulary::Keys, Qualifiers::default());
            reader.field(&Field { vocabulary, path: &path, place: Place::Line(self.line), value, raw, qualifiers })?;
        }
        Ok(())
    }

    fn flush(&mut self, last: bool, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let start = self.start;
        let raw = if self.raw.len() == self.text.len() && self.raw == self.text {
            Raw::Verbatim { start }
        } else {
            Raw::Escaped { start, raw: &self.raw, escape: Escape::Xml }
        };
        if !self.text.trim().is_empty() {
            reader.text(&Text { text: &self.text, place: Place::Line(self.first_line), raw, last })?;
        }
        self.raw.clear();
        self.text.clear();
        Ok(())
    }
}
