//! HL7 v2 inside other text: messages in JSON strings, cells and logs, and segments without their header.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use model::Format;

use crate::{Field, Halt, Member, Problem, Raw, Row, Sink, Table, Text};

/// What every message about a patient holds.
static PATIENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"PID|"));
/// A shorter value holds no segment with a name in it.
const VALUE_BYTES_MIN: usize = 16;
/// How far before the patient's segment its message may begin.
const BEFORE_BYTES_MAX: usize = 1 << 14;

/// Where messages with a patient's segment lie in `text`, in order.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    if text.len() < VALUE_BYTES_MIN {
        return found;
    }
    for at in PATIENT.find_iter(text.as_bytes()) {
        if found.last().is_some_and(|last| at < last.end) || !is_patient(text, at) {
            continue;
        }
        let floor = found.last().map_or(0, |last| last.end).max(at.saturating_sub(BEFORE_BYTES_MAX));
        let start = header_before(text, floor, at).unwrap_or(at);
        found.push(start..end_of_message(text, start));
    }
    found
}

/// The message at `range` of `text` as it is to be read, of the same length.
pub(crate) fn message(text: &str, range: &Range<usize>) -> String {
    // Segments end in two characters where a program wrote them down: blanks before a segment are passed over.
    let message = text.get(range.clone()).unwrap_or_default();
    message.replace("\\r\\n", "\r   ").replace("\\r", "\r ").replace("\\n", "\r ")
}

/// Whether a patient's segment begins at `at`: some fields, some with components, after a separator.
fn is_patient(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let separated = before.is_none_or(|c| !c.is_alphanumeric() && c != '|' && c != '_')
        || ends_in_separator(text.get(..at).unwrap_or_default());
    let segment = text.get(at..segment_end(text, at)).unwrap_or_default();
    separated && segment.contains('^') && memchr::memchr_iter(b'|', segment.as_bytes()).count() >= 5
}

/// The header of the message that holds the segment at `at`.
fn header_before(text: &str, floor: usize, at: usize) -> Option<usize> {
    let floor = (floor..=at).find(|at| text.is_char_boundary(*at))?;
    let start = floor + text.get(floor..at)?.rfind("MSH|")?;
    (end_of_message(text, start) > at).then_some(start)
}

/// One past the last of the segments that follow each other from `start` on.
fn end_of_message(text: &str, start: usize) -> usize {
    let quote = text.as_bytes().get(start.wrapping_sub(1)).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let mut end = start;
    loop {
        let next = if end == start { start } else { after_separators(text, end) };
        let continues = next == start || next > end && is_segment(text.as_bytes().get(next..).unwrap_or_default());
        if !continues {
            return end;
        }
        end = segment_end(text, next);
        if let Some(quote) = quote
            && let Some(at) = memchr::memchr(quote, text.as_bytes().get(next..end).unwrap_or_default())
            && end_of_string(text, next + at)
        {
            return next + at;
        }
    }
}

/// Two quotes between bars are a value to be deleted, not the end of a string.
fn end_of_string(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    bytes.get(at + 1) != bytes.get(at) && bytes.get(at.wrapping_sub(1)) != bytes.get(at)
}

/// `PV1|`, `ZXY|`.
fn is_segment(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, b'|', ..] if a.is_ascii_uppercase() && [b, c].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// Where the segment at `at` ends: at a line end, or at one that is written as two characters.
fn segment_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let line = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    let written = memchr::memchr_iter(b'\\', rest.get(..line).unwrap_or_default())
        .find(|at| matches!(rest.get(at + 1), Some(b'r' | b'n')));
    at + written.unwrap_or(line)
}

fn after_separators(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        at += match bytes.get(at..) {
            Some([b'\\', b'r' | b'n', ..]) => 2,
            Some([b'\r' | b'\n' | b' ' | b'\t', ..]) => 1,
            _ => return at,
        };
    }
}

fn ends_in_separator(before: &str) -> bool {
    before.ends_with("\\r") || before.ends_with("\\n")
}

/// Reports what a message holds with its places in the text around it.
pub(crate) struct Embedded<'s, 't> {
    pub sink: &'s mut dyn Sink,
    /// The text that the message stands in, and its places.
    pub text: &'t str,
    pub raw: Raw<'t>,
    /// Where in it the message begins.
    pub at: usize,
}

impl Embedded<'_, '_> {
    fn outer(&self, inner: Raw<'_>, len: usize) -> Raw<'static> {
        let (start, end) = match inner {
            Raw::Verbatim { start } => (start, start + len as u64),
            Raw::Escaped { start, raw, .. } => (start, start + raw.len() as u64),
            Raw::Whole { start, end } => (start, end),
            Raw::Encoded { .. } | Raw::None => return Raw::None,
        };
        let place = |at: u64| usize::try_from(at).ok().map(|at| self.at + at);
        let range = place(start).zip(place(end)).filter(|range| range.1 <= self.text.len());
        let located = range.and_then(|(start, end)| self.raw.locate(self.text, start, end));
        located.map_or(Raw::None, |(start, end)| Raw::Whole { start, end })
    }
}

impl Sink for Embedded<'_, '_> {
    fn format(&mut self, _format: Format) -> Result<(), Halt> {
        Ok(())
    }

    fn enter(&mut self, member: &Member<'_>) -> Result<(), Halt> {
        self.sink.enter(member)
    }

    fn leave(&mut self, bytes: u64) -> Result<(), Halt> {
        self.sink.leave(bytes)
    }

    fn text(&mut self, text: &Text<'_>) -> Result<(), Halt> {
        self.sink.text(&Text { raw: Raw::None, ..*text })
    }

    fn table(&mut self, table: &Table<'_>) -> Result<(), Halt> {
        self.sink.table(table)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        self.sink.row(row)
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), Halt> {
        self.sink.field(&Field { raw: self.outer(field.raw, field.value.len()), ..*field })
    }

    fn record(&mut self) -> Result<(), Halt> {
        self.sink.record()
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        self.sink.problem(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn messages_are_found_whole_and_nothing_else() {
        let message = "MSH|^~\\&|A|B\rPID|1||7^^^R^MR||Zorn^Amalia||1961\rPV1|1|I";
        let text = format!("before {message}\nafter");
        assert_eq!(find(&text).first(), Some(&(7..7 + message.len())));
        let written = format!("{{\"m\":\"{}\"}} PID", message.replace('\r', "\\r"));
        let found = find(&written);
        assert_eq!(found.len(), 1);
        assert!(written[found[0].clone()].ends_with("PV1|1|I"), "{}", &written[found[0].clone()]);
        for none in ["PID|USER|TIME|COMMAND|A|B|C\n", "| PID | Name | DOB |", "RAPID|a^b|||||", "PID|1||7^^^R^MR"] {
            assert!(find(none).is_empty(), "{none}");
        }
    }
}
