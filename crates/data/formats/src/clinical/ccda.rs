//! C-CDA documents (HL7 CDA R2).

use crate::clinical::base64;
use crate::markup::lexer::{self, Kind, Lexer, Token};
use crate::markup::path::{self, Path};
use crate::markup::{self, blank};
use crate::window::Positions;
use crate::{
    Escape, Field, Member, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Text, Vocabulary, tree,
};

/// About how much narrative is reported at a time.
const WINDOW_BYTES: usize = 1 << 19;

pub(crate) fn sniff(head: &[u8], _complete: bool) -> bool {
    crate::text::encoding::opening(head).next() == Some(b'<')
        && memchr::memmem::find(head, b"ClinicalDocument").is_some()
        && tree::root_name(head).is_some_and(|root| path::local_name(root.as_bytes()) == b"ClinicalDocument")
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let limits = reader.limits().clone();
    let mut lexer = Lexer::new(source, false, limits.whole_bytes_max / 4)?;
    let mut document = Document {
        path: Path::new('/', true),
        narrative: None,
        base64: false,
        stray: 0,
        raw: String::new(),
        text: String::new(),
        start: 0,
    };
    let mut checked = 0;
    while let Some(token) = lexer.next()? {
        let (offset, decoded) = (lexer.offset(), lexer.is_decoded());
        let (bytes, mut positions) = lexer.parts();
        document.token(&token, bytes, &mut positions, decoded, limits.nesting_max, reader)?;
        if offset - checked > 1 << 20 {
            checked = offset;
            reader.check()?;
        }
    }
    document.finish(reader)
}

struct Document {
    path: Path,
    /// How deep the `text` element lies that is being gathered.
    narrative: Option<usize>,
    /// The present element holds a document in base64.
    base64: bool,
    /// End tags without their start tags.
    stray: u64,
    /// Narrative as it lies in the file but for its tags, the same decoded, and its file offset.
    raw: String,
    text: String,
    start: u64,
}

impl Document {
    fn token(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        decoded: bool,
        nesting_max: usize,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        if self.narrative.is_some() {
            self.gather(token, bytes, positions, decoded, reader)?;
        }
        let name = bytes.get(token.name.clone()).unwrap_or_default();
        match token.kind {
            Kind::Open | Kind::Empty => {
                self.path.open(name, nesting_max)?;
                if self.narrative.is_none() {
                    self.begin(token, bytes, positions, reader)?;
                }
                if token.kind == Kind::Empty {
                    self.path.close_last();
                }
            }
            Kind::Close => {
                if self.narrative.is_some_and(|depth| self.path.depth() <= depth) {
                    self.flush(true, reader)?;
                    self.narrative = None;
                }
                self.base64 = false;
                self.stray += u64::from(!self.path.close(name));
            }
            Kind::Text | Kind::Verbatim if self.narrative.is_none() => self.value(token, bytes, positions, reader)?,
            Kind::Comment => {
                let mut spare = String::new();
                let (text, raw) = positions.plain(token.inner.start, token.inner.end, &mut spare);
                let (_, place) = self.path.here();
                reader.text(&Text { text, place: Place::Path(place), raw, last: true })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// An element outside of narrative: its attributes, and whether narrative or a document begins.
    fn begin(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let attribute = |wanted: &[u8]| {
            let is = |name: &std::ops::Range<usize>| bytes.get(name.clone()) == Some(wanted);
            let found = lexer::attributes(bytes, token.inner.clone()).find(|(name, _)| is(name));
            found.and_then(|(_, value)| std::str::from_utf8(bytes.get(value)?).ok()).unwrap_or_default()
        };
        let root = attribute(b"root");
        let system = attribute(b"codeSystem");
        self.base64 = token.kind == Kind::Open && attribute(b"representation") == "B64";
        if token.kind == Kind::Open && self.path.name() == b"text" && !self.base64 {
            self.narrative = Some(self.path.depth());
        }
        let is_telecom = self.path.name() == b"telecom";
        for (name, value) in lexer::attributes(bytes, token.inner.clone()) {
            let name = std::str::from_utf8(bytes.get(name).unwrap_or_default()).unwrap_or_default();
            if name.starts_with("xmlns") || value.is_empty() {
                continue;
            }
            let (scheme, start) = match bytes.get(value.clone()) {
                Some(whole) if is_telecom && name == "value" => scheme(whole, value.start),
                _ => ("", value.start),
            };
            let qualifiers = match name {
                "extension" => Qualifiers { issuer: root, kind: "" },
                "code" | "displayName" => Qualifiers { issuer: "", kind: system },
                _ => Qualifiers { issuer: "", kind: scheme },
            };
            let (mut spare, mut decoded) = (String::new(), String::new());
            let (value, raw) = markup::value(positions, start, value.end, &mut spare, &mut decoded);
            let local = String::from_utf8_lossy(path::local_name(name.as_bytes())).into_owned();
            self.path.with_attribute(&local, |path, place| {
                let place = Place::Path(place);
                reader.field(&Field { vocabulary: Vocabulary::Cda, path, place, value, raw, qualifiers })
            })?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let (start, end) = tree::trim(bytes, token.inner.clone());
        let (path, place) = self.path.here();
        let (mut spare, mut decoded) = (String::new(), String::new());
        if self.base64 {
            let data = std::str::from_utf8(bytes.get(start..end).unwrap_or_default()).unwrap_or_default();
            return match base64::decode(data) {
                Some(bytes) if bytes.is_empty() => Ok(()),
                Some(bytes) => {
                    reader.member(&Member { name: place, len: Some(bytes.len() as u64) }, Source::bytes(&bytes))
                }
                None => reader.problem(Problem::malformed(format!("the document in `{place}` is not base64"))),
            };
        }
        let (value, raw) = if token.kind == Kind::Text {
            markup::value(positions, start, end, &mut spare, &mut decoded)
        } else {
            positions.plain(start, end, &mut spare)
        };
        let (place, qualifiers) = (Place::Path(place), Qualifiers::default());
        reader.field(&Field { vocabulary: Vocabulary::Cda, path, place, value, raw, qualifiers })
    }

    /// Adds a token to the narrative.
    fn gather(
        &mut self,
        token: &Token,
        bytes: &[u8],
        positions: &mut Positions<'_>,
        decoded: bool,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let whole = std::str::from_utf8(bytes.get(..token.len).unwrap_or_default());
        let (Ok(whole), false) = (whole, decoded) else {
            self.flush(false, reader)?;
            if !matches!(token.kind, Kind::Text | Kind::Verbatim) {
                return Ok(());
            }
            let (mut spare, mut text) = (String::new(), String::new());
            let (text, raw) = markup::value(positions, token.inner.start, token.inner.end, &mut spare, &mut text);
            let (_, place) = self.path.here();
            return reader.text(&Text { text, place: Place::Path(place), raw, last: false });
        };
        if self.raw.is_empty() {
            self.start = positions.offset(0);
        }
        let before = self.raw.len();
        match token.kind {
            Kind::Text => {
                self.raw.push_str(whole);
                markup::decode(whole, &mut self.text);
                return if self.raw.len() > WINDOW_BYTES { self.flush(false, reader) } else { Ok(()) };
            }
            // Comments are reported by themselves; what CDATA holds is not decoded, so nothing in it may look like
            // a reference.
            Kind::Verbatim => {
                let inner = whole.get(token.inner.clone()).unwrap_or_default().replace('&', " ");
                self.raw.push_str(&" ".repeat(token.inner.start));
                self.raw.push_str(&inner);
                self.raw.push_str(&" ".repeat(token.len - token.inner.end));
            }
            _ => blank::blank_tag(whole, &mut self.raw),
        }
        self.text.push_str(self.raw.get(before..).unwrap_or_default());
        Ok(())
    }

    fn flush(&mut self, last: bool, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let start = self.start;
        let raw = if self.raw == self.text {
            Raw::Verbatim { start }
        } else {
            Raw::Escaped { start, raw: &self.raw, escape: Escape::Xml }
        };
        let (_, place) = self.path.here();
        if !self.text.trim().is_empty() {
            reader.text(&Text { text: &self.text, place: Place::Path(place), raw, last })?;
        }
        self.raw.clear();
        self.text.clear();
        Ok(())
    }

    fn finish(mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.flush(true, reader)?;
        if self.stray > 0 {
            let stray = self.stray;
            reader
                .problem(Problem::malformed(format!("the document has {stray} end tags without their start tags")))?;
        }
        match self.path.depth() {
            0 => Ok(()),
            open => Err(Problem::truncated(format!("the document ends with {open} elements open")).into()),
        }
    }
}

/// A telecommunication address's scheme (RFC 3966, RFC 6068) and where the address after it begins.
fn scheme(value: &[u8], start: usize) -> (&str, usize) {
    let Some(colon) = value.iter().take(8).position(|byte| *byte == b':') else { return ("", start) };
    let name = value.get(..colon).unwrap_or_default();
    match std::str::from_utf8(name) {
        Ok(name @ ("tel" | "fax" | "mailto" | "sms")) => (name, start + colon + 1),
        Ok(name @ ("http" | "https" | "ftp" | "mllp" | "nfs" | "file")) => (name, start),
        _ => ("", start),
    }
}

#[cfg(test)]
mod tests;
