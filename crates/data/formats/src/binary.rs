//! Anything else: the readable strings in it.
//!
//! Strings that lie close together come as one text whose gaps are line feeds, so that offsets stay true; strings
//! that lie alone are gathered, so that recognition is called once for many of them.

mod runs;

use std::io::Read as _;

use crate::{Place, Raw, ReadError, Reader, Source, Text};

use runs::Run;

/// Bytes looked at together.
const BLOCK_BYTES: usize = 1 << 20;
/// Gaps up to here stay within one text.
const GAP_BYTES_MAX: usize = 32;
/// A shorter group of strings counts as lying alone.
const GROUP_BYTES_MIN: usize = 256;
/// Strings that lie alone are gathered up to here.
const GATHERED_BYTES: usize = 64 * 1024;

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut stream = source.into_stream();
    let mut strings = Strings::new(None);
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut offset = 0_u64;
    loop {
        reader.check()?;
        let room = (BLOCK_BYTES - buffer.len().min(BLOCK_BYTES / 2)) as u64;
        let ended = (&mut stream).take(room).read_to_end(&mut buffer)? == 0;
        let used = strings.block(&buffer, offset, ended, reader)?;
        if ended {
            return strings.flush(reader);
        }
        buffer.drain(..used);
        offset += used as u64;
    }
}

/// Reports the readable strings in bytes that lie at `place` inside another format.
pub(crate) fn strings(bytes: &[u8], place: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut strings = Strings::new(Some(place));
    strings.block(bytes, 0, true, reader)?;
    strings.flush(reader)
}

/// Strings on their way to the sink.
struct Strings<'p> {
    /// Of bytes inside another format: where they are. They have no offsets in the file.
    place: Option<&'p str>,
    gathered: String,
    /// What was gathered lies between these offsets.
    range: (u64, u64),
}

impl<'p> Strings<'p> {
    fn new(place: Option<&'p str>) -> Self {
        Self { place, gathered: String::new(), range: (0, 0) }
    }

    /// Takes the strings of `bytes`; returns how many bytes are done with. The rest may belong to a string that goes on.
    fn block(
        &mut self,
        bytes: &[u8],
        offset: u64,
        ended: bool,
        reader: &mut Reader<'_, '_>,
    ) -> Result<usize, ReadError> {
        let mut group: Option<Run> = None;
        let mut used = if ended { bytes.len() } else { bytes.len().saturating_sub(runs::TAIL_BYTES) };
        for run in runs::of(bytes) {
            // A string that touches the end goes on in the next block, unless it fills half of one by itself.
            if !ended && run.end + runs::TAIL_BYTES >= bytes.len() && run.end - run.start < BLOCK_BYTES / 4 {
                used = used.min(run.start);
                break;
            }
            used = used.max(run.end);
            if run.wide {
                if let Some(done) = group.take() {
                    self.group(bytes, &done, offset, reader)?;
                }
                self.gather(&wide(bytes, &run), &run, offset, reader)?;
                continue;
            }
            match &mut group {
                Some(open) if run.start - open.end <= GAP_BYTES_MAX => open.end = run.end,
                _ => {
                    if let Some(done) = group.replace(run) {
                        self.group(bytes, &done, offset, reader)?;
                    }
                }
            }
        }
        if let Some(done) = group {
            self.group(bytes, &done, offset, reader)?;
        }
        Ok(used)
    }

    fn group(&mut self, bytes: &[u8], group: &Run, offset: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let body = bytes.get(group.start..group.end).unwrap_or(&[]);
        let text: String =
            body.iter().map(|b| if runs::is_printable(*b) || *b == b'\t' { char::from(*b) } else { '\n' }).collect();
        if self.place.is_some() || text.len() < GROUP_BYTES_MIN {
            return self.gather(&text, group, offset, reader);
        }
        let start = offset + group.start as u64;
        let place = format!("byte {start}");
        reader.text(&Text { text: &text, place: Place::Path(&place), raw: Raw::Verbatim { start }, last: true })
    }

    fn gather(&mut self, text: &str, run: &Run, offset: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if self.gathered.is_empty() {
            self.range.0 = offset + run.start as u64;
        }
        self.gathered.push_str(text);
        self.gathered.push('\n');
        self.range.1 = offset + run.end as u64;
        if self.gathered.len() >= GATHERED_BYTES { self.flush(reader) } else { Ok(()) }
    }

    fn flush(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let (start, end) = self.range;
        let (place, raw) = match self.place {
            Some(place) => (place.to_owned(), Raw::None),
            None => (format!("bytes {start}-{end}"), Raw::Whole { start, end }),
        };
        let text = std::mem::take(&mut self.gathered);
        reader.text(&Text { text: &text, place: Place::Path(&place), raw, last: true })
    }
}

/// The characters of a UTF-16LE run, of which every second byte is zero.
fn wide(bytes: &[u8], run: &Run) -> String {
    bytes.get(run.start..run.end).unwrap_or(&[]).iter().step_by(2).map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use model::Format;
    use proptest::prelude::*;

    use crate::testing::Recorder;

    /// Bytes that are never text: high ones and nulls in turn.
    fn noise(len: usize) -> Vec<u8> {
        (0..len).map(|at| if at % 3 == 0 { 0 } else { 0x80 | (at as u8) }).collect()
    }

    #[test]
    fn strings_are_found_with_true_offsets() {
        let mut bytes = noise(3000);
        let close = "a string of its own\0another one beside it\0".repeat(10);
        bytes.extend(close.as_bytes());
        bytes.extend(noise(3000));
        bytes.extend(b"jane.sample@example.org");
        bytes.extend(noise(50));
        bytes.extend("wide string of text".encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend(noise(2_000_000));
        bytes.extend(b"short\0the last string");
        let seen = Recorder::read(&bytes);
        assert_eq!((seen.format(), seen.problems.len()), (Format::Binary, 0));
        assert_eq!(seen.texts.len(), 2, "{:?}", seen.lines);
        let at = seen.texts[0].value.find("another").unwrap();
        assert_eq!(
            (seen.texts[0].span.map(|span| span.0), &bytes[3000 + at..][..7]),
            (Some(3000), b"another".as_slice())
        );
        let gathered: Vec<_> = seen.texts[1].value.lines().collect();
        assert_eq!(gathered, ["jane.sample@example.org", "wide string of text", "the last string"]);
        assert_eq!(Recorder::read_stream(&bytes, 4097).text(), seen.text());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn every_long_run_is_found(parts in prop::collection::vec((0_usize..80, "[ -~]{1,40}"), 1..20)) {
            let mut bytes = noise(600);
            for (gap, text) in &parts {
                bytes.extend(noise(gap + 1));
                bytes.push(0xFF);
                bytes.extend(text.as_bytes());
                bytes.push(0xFF);
            }
            let found = Recorder::read(&bytes).text();
            for (_, text) in parts.iter().filter(|(_, text)| text.len() >= 8) {
                prop_assert!(found.contains(text.as_str()), "{text:?}");
            }
        }
    }
}
