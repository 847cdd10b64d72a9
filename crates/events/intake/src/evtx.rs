//! EVTX, the event log of Windows (MS-EVEN6, binary XML), by the crate `evtx`.

use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use evtx::{EvtxParser, ParserSettings};

use crate::{Family, Limits, Out};

/// What a file begins with.
pub(crate) const MAGIC: &[u8] = b"ElfFile\0";

/// Reads every record of `input`; `Err` where it is no EVTX log at all.
pub(crate) fn read(input: impl Read + Seek, limits: &Limits, out: &mut Out<'_>) -> Result<(), String> {
    let settings = ParserSettings::new().num_threads(1).indent(false);
    let parser = catch_unwind(AssertUnwindSafe(|| EvtxParser::from_read_seek(input)));
    let mut parser = match parser {
        Ok(Ok(parser)) => parser.with_configuration(settings),
        Ok(Err(error)) => return Err(clean(&error)),
        Err(_panic) => return Err("its header is so damaged that the parser gave up".to_owned()),
    };
    let mut records = parser.records_json_bytes();
    loop {
        // Only the parser's own work is guarded: a panic of the sink stays the caller's.
        match catch_unwind(AssertUnwindSafe(|| records.next())) {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(record))) => {
                if record.data.len() > limits.record_bytes {
                    out.problem(crate::lines::too_long(limits.record_bytes), &record.data);
                } else if out.record(Family::Windows, &record.data) == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
            Ok(Some(Err(error))) => out.problem(format!("damaged in the EVTX log: {}", clean(&error)), b""),
            Err(_panic) => {
                out.problem(
                    "so damaged that the EVTX parser gave up; the rest of the log was not read".to_owned(),
                    b"",
                );
                return Ok(());
            }
        }
    }
}

/// The error and its sources in one line.
fn clean(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
