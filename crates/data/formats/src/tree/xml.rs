//! XML of any vocabulary: texts and attributes with the path of their elements.

use crate::markup;
use crate::markup::lexer::{self, Kind, Lexer, Token};
use crate::markup::path::{self, Path};
use crate::text::encoding;
use crate::window::Positions;
use crate::{Field, Limits, Place, Problem, Qualifiers, ReadError, Reader, Source, Text, Vocabulary};

/// Whether the bytes are XML rather than text that happens to begin with a bracket.
pub(super) fn sniff(head: &[u8], complete: bool) -> bool {
    let text = encoding::head_text(head);
    let text = text.trim_start();
    if text.starts_with("<?xml") {
        return true;
    }
    if complete && !text.trim_end().ends_with('>') {
        return false;
    }
    root_name(head).is_some_and(|root| {
        let close = format!("</{root}");
        let plain = root.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'));
        plain && (!complete || text.contains(&close) || text.trim_end().ends_with("/>"))
    })
}

/// The name of the document's first element, with its prefix; `None` when something else comes first.
pub(crate) fn root_name(head: &[u8]) -> Option<String> {
    let text = encoding::head_text(head);
    let source = Source::bytes(text.trim_start().as_bytes());
    let mut lexer = Lexer::new(source, false, Limits::default().value_bytes_max).ok()?;
    while let Ok(Some(token)) = lexer.next() {
        let (bytes, _) = lexer.parts();
        match token.kind {
            Kind::Open | Kind::Empty => {
                return std::str::from_utf8(bytes.get(token.name)?).ok().map(str::to_owned);
            }
            Kind::Other | Kind::Comment => {}
            Kind::Text if bytes.get(token.inner.clone())?.iter().all(u8::is_ascii_whitespace) => {}
            _ => return None,
        }
    }
    None
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let limits = reader.limits().clone();
    let mut lexer = Lexer::new(source, false, limits.value_bytes_max)?;
    let mut walk = Walk { path: Path::new('.', false), reported: false, stray: 0, line: 1 };
    let mut checked = 0;
    while let Some(token) = lexer.next()? {
        let offset = lexer.offset();
        let (bytes, mut positions) = lexer.parts();
        walk.token(&token, bytes, &mut positions, limits.nesting_max, reader)?;
        if offset - checked > 1 << 20 {
            checked = offset;
            reader.check()?;
        }
    }
    walk.finish(reader)
}

struct Walk {
    path: Path,
    /// Something was reported since the last boundary between records.
    reported: bool,
    /// End tags without their start tags.
    stray: u64,
    line: u64,
}

impl Walk {
    fn token(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        nesting_max: usize,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let name = bytes.get(token.name.clone()).unwrap_or_default();
        match token.kind {
            Kind::Open | Kind::Empty => {
                if self.path.open(name, nesting_max)? && std::mem::take(&mut self.reported) {
                    reader.record()?;
                }
                self.attributes(token, bytes, positions, reader)?;
                if token.kind == Kind::Empty {
                    self.path.close_last();
                }
            }
            Kind::Close => self.stray += u64::from(!self.path.close(name)),
            Kind::Text => {
                let (start, end) = trim(bytes, token.inner.clone());
                let (mut spare, mut decoded) = (String::new(), String::new());
                let (value, raw) = markup::value(positions, start, end, &mut spare, &mut decoded);
                let (path, place) = self.path.here();
                self.reported |= !value.is_empty();
                reader.field(&field(path, place, value, raw))?;
            }
            Kind::Verbatim => {
                let mut spare = String::new();
                let (value, raw) = positions.plain(token.inner.start, token.inner.end, &mut spare);
                let (path, place) = self.path.here();
                self.reported |= !value.is_empty();
                reader.field(&field(path, place, value, raw))?;
            }
            Kind::Comment => {
                let mut spare = String::new();
                let (text, raw) = positions.plain(token.inner.start, token.inner.end, &mut spare);
                if bytes.starts_with(b"<!DOCTYPE") && text.contains("<!ENTITY") {
                    reader.problem(Problem::unsupported(
                        "the XML declares entities, which are never expanded; what they stand for was read where it is declared alone",
                    ))?;
                }
                reader.text(&Text { text, place: Place::Line(self.line), raw, last: true })?;
            }
            Kind::Script | Kind::Style | Kind::Other => {}
        }
        self.line += memchr::memchr_iter(b'\n', bytes.get(..token.len).unwrap_or_default()).count() as u64;
        Ok(())
    }

    fn attributes(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        for (name, value) in lexer::attributes(bytes, token.inner.clone()) {
            let name = String::from_utf8_lossy(bytes.get(name).unwrap_or_default());
            // Namespaces name vocabularies.
            if name == "xmlns" || name.starts_with("xmlns:") || value.is_empty() {
                continue;
            }
            let (mut spare, mut decoded) = (String::new(), String::new());
            let (value, raw) = markup::value(positions, value.start, value.end, &mut spare, &mut decoded);
            let local = String::from_utf8_lossy(path::local_name(name.as_bytes())).into_owned();
            self.reported = true;
            self.path.with_attribute(&local, |path, place| reader.field(&field(path, place, value, raw)))?;
        }
        Ok(())
    }

    fn finish(self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if self.stray > 0 {
            let stray = self.stray;
            reader.problem(Problem::malformed(format!("the XML has {stray} end tags without their start tags")))?;
        }
        match self.path.depth() {
            0 => Ok(()),
            open => Err(Problem::truncated(format!("the XML ends with {open} elements open")).into()),
        }
    }
}

fn field<'a>(path: &'a str, place: &'a str, value: &'a str, raw: crate::Raw<'a>) -> Field<'a> {
    let qualifiers = Qualifiers::default();
    Field { vocabulary: Vocabulary::Keys, path, place: Place::Path(place), value, raw, qualifiers }
}

/// The range without white space at its ends.
pub(crate) fn trim(bytes: &[u8], range: std::ops::Range<usize>) -> (usize, usize) {
    let text = bytes.get(range.clone()).unwrap_or_default();
    let before = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if before == text.len() {
        return (range.end, range.end);
    }
    let after = text.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    (range.start + before, range.end - after)
}
