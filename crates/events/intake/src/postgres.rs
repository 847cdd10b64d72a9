//! PostgreSQL's `csvlog` (PostgreSQL documentation, "Error Reporting and Logging", "Using CSV-Format Log Output"): comma-separated
//! values without a header, quoted where they are text, over as many lines as a message has. Written out under the names that
//! `jsonlog` gives the same values, so that both mean the same.

use std::ops::ControlFlow;

use crate::lines::{check_utf8, each_record};
use crate::object::Object;
use crate::source::Source;
use crate::{Family, Out};

/// The values in their order, by the names of `jsonlog`. Of PostgreSQL 9.0 to 12 the first 23, of 13 the first 24.
const NAMES: [&str; 26] = [
    "timestamp",
    "user",
    "dbname",
    "pid",
    "remote_host",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "internal_query",
    "internal_position",
    "context",
    "statement",
    "cursor_position",
    "func_name",
    "application_name",
    "backend_type",
    "leader_pid",
    "query_id",
];
/// The fewest values of a record.
const VALUES_MIN: usize = 23;
/// The most: later versions may add some, which have no name here and are left out.
const VALUES_MAX: usize = 64;
/// Values that are numbers in `jsonlog`.
const NUMBERS: [&str; 7] =
    ["pid", "line_num", "txid", "internal_position", "cursor_position", "leader_pid", "query_id"];
/// What `error_severity` may be.
const SEVERITIES: [&str; 13] = [
    "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5", "LOG", "INFO", "NOTICE", "WARNING", "ERROR", "FATAL",
    "PANIC",
];
/// Where it stands.
const SEVERITY: usize = 11;

/// Where a record ends: at a line feed outside of quotes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quotes {
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the first byte of a value.
    #[default]
    Start,
    /// In a value without quotes.
    Plain,
    /// In a value with quotes.
    Quoted,
    /// Behind a quote within quotes: the end of the value, or the first of two that stand for one.
    Quote,
    /// Behind a quote that should not be there: the next line begins afresh, so that a record that was cut off by a crash
    /// takes nothing with it but the line that follows it.
    Broken,
}

impl Quotes {
    /// How many of the bytes come before the end of the record and its line feed, if it ends among them.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::Quoted, b'"') => Place::Quote,
                (Place::Quoted, _) | (Place::Quote, b'"') => Place::Quoted,
                (_, b'\n') => {
                    self.place = Place::Start;
                    return Some(at);
                }
                (Place::Broken, _) => Place::Broken,
                (_, b',') => Place::Start,
                (Place::Start, b'"') => Place::Quoted,
                (Place::Quote, b'\r') => Place::Plain,
                (Place::Plain, b'"') | (Place::Quote, _) => Place::Broken,
                (Place::Start | Place::Plain, _) => Place::Plain,
            };
        }
        None
    }
}

/// Whether a log that begins so is a `csvlog`: a time, and the severity where it belongs.
pub(crate) fn looks_so(head: &[u8]) -> bool {
    // A character may be cut by the end of the look.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => head.get(..error.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok()).unwrap_or(""),
    };
    let mut severity = None;
    let mut time = None;
    for (place, value) in Values(Some(text)).take(SEVERITY + 1).enumerate() {
        match (place, value) {
            (0, Ok(value)) => time = Some(is_time(&value)),
            (SEVERITY, Ok(value)) => severity = Some(is_severity(&value)),
            (_, Ok(_)) => {}
            (_, Err(_)) => return false,
        }
    }
    (time, severity) == (Some(true), Some(true))
}

/// Such as `2026-11-30 08:00:00.123 UTC`.
fn is_time(value: &str) -> bool {
    let digits =
        |from: usize, to: usize| value.get(from..to).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let mark = |at: usize, mark: &str| value.get(at..at + 1) == Some(mark);
    digits(0, 4)
        && digits(5, 7)
        && digits(8, 10)
        && digits(11, 13)
        && digits(14, 16)
        && digits(17, 19)
        && mark(4, "-")
        && mark(7, "-")
        && mark(10, " ")
        && mark(13, ":")
        && mark(16, ":")
}

fn is_severity(value: &str) -> bool {
    SEVERITIES.contains(&value)
}

/// Hands over every record.
pub(crate) fn read(source: &mut Source<'_>, limit: usize, out: &mut Out<'_>) -> ControlFlow<()> {
    let mut json = Vec::new();
    let mut quotes = Quotes::default();
    let mut values = Vec::new();
    each_record(
        source,
        limit,
        out,
        |bytes| quotes.end(bytes),
        |record, out| {
            let parsed = check_utf8(record).and_then(|text| parse(text, &mut values, &mut json));
            match parsed {
                Ok(()) => out.record(Family::Postgres, &json),
                Err(why) => {
                    out.problem(why, record);
                    ControlFlow::Continue(())
                }
            }
        },
    )
}

/// Writes the object for one record.
fn parse(record: &str, values: &mut Vec<String>, json: &mut Vec<u8>) -> Result<(), String> {
    values.clear();
    for value in Values(Some(record)) {
        values.push(value?);
        if values.len() > VALUES_MAX {
            return Err(format!(
                "more than {VALUES_MAX} values; a record of PostgreSQL's csvlog has {VALUES_MIN} to 26"
            ));
        }
    }
    if values.len() < VALUES_MIN {
        return Err(format!(
            "{} values where a record of PostgreSQL's csvlog has at least {VALUES_MIN}; the record may have been cut off",
            values.len()
        ));
    }
    let (time, severity) = (values.first().map_or("", String::as_str), values.get(SEVERITY).map_or("", String::as_str));
    if !is_time(time) || !is_severity(severity) {
        return Err(
            "no record of PostgreSQL's csvlog: the first value is no time or the twelfth no severity".to_owned()
        );
    }
    let mut object = Object::new(json);
    for (name, value) in NAMES.iter().zip(values.iter()).filter(|(_, value)| !value.is_empty()) {
        match *name {
            "remote_host" => from(&mut object, value),
            "func_name" => location(&mut object, value),
            // Success, of which `jsonlog` says nothing.
            "state_code" if value == "00000" => {}
            name if NUMBERS.contains(&name) => object.number(name, value),
            name => object.str(name, value),
        }
    }
    object.close();
    Ok(())
}

/// Whence a session came: a host, and behind the last colon its port; `[local]` for a socket of the machine itself.
fn from(object: &mut Object<'_>, value: &str) {
    match value.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            object.str("remote_host", host);
            object.number("remote_port", port);
        }
        _ => object.str("remote_host", value),
    }
}

/// The place in PostgreSQL's own source: `function, file:line`, or without the function.
fn location(object: &mut Object<'_>, value: &str) {
    let (function, place) = value.split_once(", ").map_or((None, value), |(function, place)| (Some(function), place));
    if let Some(function) = function {
        object.str("func_name", function);
    }
    match place.rsplit_once(':') {
        Some((file, line)) => {
            object.str("file_name", file);
            object.number("file_line_num", line);
        }
        None => object.str("file_name", place),
    }
}

/// The values of a record, without their quotes. What is behind a fault is not read.
struct Values<'a>(Option<&'a str>);

impl Iterator for Values<'_> {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.take()?;
        let Some(quoted) = rest.strip_prefix('"') else {
            let (value, after) = rest.split_once(',').map_or((rest, None), |(value, after)| (value, Some(after)));
            if value.contains(['"', '\n']) {
                return Some(Err(
                    "a quote within a value that has none around it; the record may have been cut off".to_owned()
                ));
            }
            self.0 = after;
            return Some(Ok(value.to_owned()));
        };
        let mut value = String::new();
        let mut rest = quoted;
        loop {
            let Some((before, after)) = rest.split_once('"') else {
                return Some(Err("the record ends within quotes; it may have been cut off".to_owned()));
            };
            value.push_str(before);
            if let Some(after) = after.strip_prefix('"') {
                value.push('"');
                rest = after;
                continue;
            }
            self.0 = match after.strip_prefix(',') {
                Some(after) => Some(after),
                None if after.is_empty() => None,
                None => return Some(Err("text behind a closing quote; the record may have been cut off".to_owned())),
            };
            return Some(Ok(value));
        }
    }
}
