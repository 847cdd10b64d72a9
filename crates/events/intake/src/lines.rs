//! Lines of a log, without their end; and NDJSON, whose lines are handed through.

use std::ops::ControlFlow;

use crate::Out;
use crate::family::Sniffer;
use crate::source::Source;

/// Says that a record is over the limit.
pub(crate) fn too_long(limit: usize) -> String {
    format!("longer than the limit of {limit} bytes for one record and skipped; raise the limit to read it")
}

/// Hands every line that is not blank to `each`; lines over `limit` bytes become problems.
pub(crate) fn each_line(
    source: &mut Source<'_>,
    limit: usize,
    out: &mut Out<'_>,
    each: impl FnMut(&[u8], &mut Out<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    each_record(source, limit, out, |bytes| memchr::memchr(b'\n', bytes), each)
}

/// Hands every record that is not blank to `each`; records over `limit` bytes become problems. `end` is asked with bytes that it
/// has not seen, and says how many of them come before the line feed at the end of the record, if that is among them.
pub(crate) fn each_record(
    source: &mut Source<'_>,
    limit: usize,
    out: &mut Out<'_>,
    mut end: impl FnMut(&[u8]) -> Option<usize>,
    mut each: impl FnMut(&[u8], &mut Out<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut seen = 0;
    let mut skipping = false;
    loop {
        let data = source.data();
        let found = data.get(seen..).and_then(&mut end).map(|at| seen + at);
        if let Some(end) = found {
            let record = data.get(..end).unwrap_or_default();
            if skipping || record.len() > limit {
                out.problem(too_long(limit), if skipping { b"" } else { record });
            } else if !record.trim_ascii().is_empty() {
                each(record.strip_suffix(b"\r").unwrap_or(record), out)?;
            }
            skipping = false;
            seen = 0;
            source.consume(end + 1);
            continue;
        }
        seen = data.len();
        if seen > limit {
            skipping = true;
            source.consume(seen);
            seen = 0;
        }
        if !source.fill() {
            let record = source.data();
            if skipping {
                out.problem(too_long(limit), b"");
            } else if !record.trim_ascii().is_empty() {
                each(record, out)?;
            }
            let all = source.data().len();
            source.consume(all);
            return ControlFlow::Continue(());
        }
    }
}

/// NDJSON: one object a line, handed through as it is.
pub(crate) fn ndjson(source: &mut Source<'_>, limit: usize, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut sniffer = Sniffer::new();
    each_line(source, limit, out, |line, out| {
        let line = line.trim_ascii();
        if line.first() != Some(&b'{') || line.last() != Some(&b'}') {
            out.problem("not a JSON object: the line does not begin with `{` and end with `}`".to_owned(), line);
        } else if let Err(why) = check_utf8(line) {
            out.problem(why, line);
        } else {
            return out.record(sniffer.family(line), line);
        }
        ControlFlow::Continue(())
    })
}

/// Whether a record is UTF-8; where not, says at which byte.
pub(crate) fn check_utf8(record: &[u8]) -> Result<&str, String> {
    simdutf8::compat::from_utf8(record)
        .map_err(|error| format!("not UTF-8 at byte {} of the record; convert the log to UTF-8", error.valid_up_to()))
}
