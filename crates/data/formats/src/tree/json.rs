//! JSON and NDJSON of any vocabulary: leaves with the path of their keys.

use model::Format;

use super::notebook;
use crate::json::{Event, Json, Scalar, ScalarKind};
use crate::text::encoding;
use crate::{Field, Limits, Place, Problem, Qualifiers, ReadError, Reader, Source, Text, Vocabulary};

/// Events that must make sense before a text is called JSON.
const SNIFFED_EVENTS: usize = 400;
/// Longer keys are shortened in paths, which nesting would otherwise make long without bound.
const KEY_BYTES_MAX: usize = 256;

/// Whether the bytes are JSON, and one document or several.
pub(super) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    let text = encoding::head_text(head);
    let mut json = Json::new(Source::bytes(text.as_bytes()), &Limits::default()).ok()?;
    let mut documents = 0;
    for events in 0..SNIFFED_EVENTS {
        match json.next() {
            Ok(Event::End) if documents > 1 => return Some(Format::Ndjson),
            Ok(Event::End) => return (documents == 1).then_some(Format::Json),
            Ok(_) => documents += usize::from(json.depth() == 0),
            // What is cut off was JSON as far as it goes; a damaged line ends only itself.
            Err(error) => {
                use crate::ProblemKind::{Limit, Truncated};
                let cut = error.into_problem().is_some_and(|problem| matches!(problem.kind, Truncated | Limit));
                let enough = cut && (!complete || events >= 4);
                let lines = documents == 1 && text.trim_start().starts_with('{') && text.contains("\n{");
                return match documents {
                    0 => enough.then_some(Format::Json),
                    _ => (enough || lines).then_some(Format::Ndjson),
                };
            }
        }
        if documents > 1 {
            return Some(Format::Ndjson);
        }
    }
    Some(Format::Json)
}

pub(super) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let notebook = format == Format::Json && notebook::sniff(source.head());
    let mut json = Json::new(source, reader.limits())?;
    let mut walk = Walk::new(notebook);
    let (mut damaged, mut checked) = (0_u64, 0);
    loop {
        match walk.step(&mut json, reader) {
            Ok(true) => {}
            Ok(false) => break,
            Err(ReadError::Problem(problem)) if format == Format::Ndjson => {
                damaged += 1;
                if damaged == 1 {
                    reader.problem(problem)?;
                }
                walk = Walk { reported: walk.reported, ..Walk::new(false) };
                if !json.skip_line() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
        if json.offset() - checked > 1 << 20 {
            checked = json.offset();
            reader.check()?;
        }
    }
    if damaged > 1 {
        reader.problem(Problem::malformed(format!("{damaged} lines in all are damaged and were read in part")))?;
    }
    match json.fault() {
        Some(problem) if damaged == 0 => reader.problem(problem),
        _ => Ok(()),
    }
}

struct Level {
    array: bool,
    /// The next element's number.
    next: u64,
    /// Lengths of path and place without what is below this level.
    path: usize,
    place: usize,
    /// It is an element of a list of records.
    record: bool,
}

struct Walk {
    levels: Vec<Level>,
    path: String,
    place: String,
    /// Something was reported since the last boundary between records.
    reported: bool,
    notebook: bool,
    image: notebook::Image,
}

impl Walk {
    fn new(notebook: bool) -> Self {
        let image = notebook::Image::default();
        Self { levels: Vec::new(), path: String::new(), place: String::new(), reported: false, notebook, image }
    }

    /// Takes one event; `false` at the end of input.
    fn step(&mut self, json: &mut Json<'_>, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
        match json.next()? {
            Event::Key(key) => self.key(key),
            Event::BeginObject => self.begin(false, reader)?,
            Event::BeginArray => self.begin(true, reader)?,
            Event::EndObject | Event::EndArray => self.end(reader)?,
            Event::Scalar(scalar) => self.scalar(&scalar, reader)?,
            Event::End => return Ok(false),
        }
        Ok(true)
    }

    fn key(&mut self, key: &str) {
        self.rewind();
        let mut end = key.len().min(KEY_BYTES_MAX);
        while !key.is_char_boundary(end) {
            end -= 1;
        }
        for into in [&mut self.path, &mut self.place] {
            if !into.is_empty() {
                into.push('.');
            }
            into.push_str(key.get(..end).unwrap_or_default());
        }
    }

    /// Back to the innermost level's own path.
    fn rewind(&mut self) {
        let (path, place) = self.levels.last().map_or((0, 0), |level| (level.path, level.place));
        self.path.truncate(path);
        self.place.truncate(place);
    }

    /// The next element of an array, if the innermost level is one.
    fn element(&mut self) {
        if self.levels.last().is_none_or(|level| !level.array) {
            return;
        }
        self.rewind();
        if let Some(level) = self.levels.last_mut() {
            self.place.push('[');
            self.place.push_str(&level.next.to_string());
            self.place.push(']');
            level.next += 1;
        }
    }

    fn begin(&mut self, array: bool, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.element();
        // Documents of NDJSON, elements of the document's array, and of an array right under one of its keys.
        let listed = self.levels.last().is_some_and(|parent| parent.array) && self.levels.len() <= 2;
        let record = self.levels.is_empty() || (!array && listed && !self.notebook);
        if record {
            self.boundary(reader)?;
        }
        self.levels.push(Level { array, next: 0, path: self.path.len(), place: self.place.len(), record });
        Ok(())
    }

    fn end(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let ended = self.levels.pop();
        self.rewind();
        match ended {
            Some(level) if level.record && !self.levels.is_empty() => self.boundary(reader),
            _ => Ok(()),
        }
    }

    fn boundary(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if std::mem::take(&mut self.reported) { reader.record() } else { Ok(()) }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if !self.image.is_open() {
            self.element();
        }
        if scalar.kind == ScalarKind::Null || scalar.text.is_empty() {
            return Ok(());
        }
        self.reported = true;
        let place = Place::Path(&self.place);
        if self.notebook && notebook::is_text(&self.path) {
            return reader.text(&Text { text: scalar.text, place, raw: scalar.raw, last: false });
        }
        if self.notebook && notebook::is_image(&self.path) {
            return self.image.part(scalar.text, scalar.more, &self.place, reader);
        }
        reader.field(&Field {
            vocabulary: Vocabulary::Keys,
            path: &self.path,
            place,
            value: scalar.text,
            raw: scalar.raw,
            qualifiers: Qualifiers::default(),
        })
    }
}
