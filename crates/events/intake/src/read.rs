//! Opens a log, tells its form by its first bytes and reads it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::json::{self, HEAD, Scanner};
use crate::source;
use crate::{Form, Limits, Out, Sink, Summary, evtx, lines, postgres, text, zeek};

/// Why a log could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It could not be opened or its first bytes not be read.
    #[error("cannot read `{}`", path.escape_debug())]
    Io {
        /// The log as named by the caller.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no log of a known form.
    #[error(
        "`{}` looks like {looks}; known are EVTX, JSON, Zeek, PostgreSQL's csvlog and lines of text (syslog, auditd, access logs, CEF, LEEF), \
         plain or compressed by gzip or Zstandard", path.escape_debug()
    )]
    Unknown {
        /// The log as named by the caller.
        path: String,
        /// What its first bytes are like.
        looks: &'static str,
    },
    /// It begins like EVTX and is none.
    #[error("`{}` is no readable EVTX log: {why}", path.escape_debug())]
    Evtx {
        /// The log as named by the caller.
        path: String,
        /// Why.
        why: String,
    },
}

/// Reads the log at `path`.
pub fn read_file(path: &Path, limits: &Limits, sink: &mut dyn Sink) -> Result<Summary, ReadError> {
    let name = PathBuf::from(path).display().to_string();
    let failed = |source| ReadError::Io { path: name.clone(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut head = Vec::new();
    file.by_ref().take(evtx::MAGIC.len() as u64).read_to_end(&mut head).map_err(failed)?;
    if head == evtx::MAGIC {
        let bytes = file.metadata().map_err(failed)?.len();
        let mut out = Out { sink, number: 0, records: 0, problems: 0 };
        file.rewind().map_err(failed)?;
        evtx::read(file, limits, &mut out).map_err(|why| ReadError::Evtx { path: name, why })?;
        return Ok(Summary { records: out.records, problems: out.problems, bytes, form: Form::Evtx });
    }
    read_stream(&name, Box::new(Cursor::new(head).chain(file)), limits, sink)
}

/// Reads the log that comes through `input`; `name` is for messages only.
pub fn read_stream(
    name: &str,
    input: Box<dyn Read + '_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Summary, ReadError> {
    let mut source = source::open(input, limits).map_err(|source| ReadError::Io { path: name.to_owned(), source })?;
    let mut out = Out { sink, number: 0, records: 0, problems: 0 };
    let form = form(source.want(HEAD)).map_err(|looks| ReadError::Unknown { path: name.to_owned(), looks })?;
    let limit = limits.record_bytes;
    let flow = match form {
        Form::Evtx => {
            let (all, rest) = source.rest(limits.evtx_bytes);
            source = rest;
            let why =
                format!("it is longer than {} bytes, the limit for a stream; read it as a file", limits.evtx_bytes);
            let read = all.ok_or(why).and_then(|all| evtx::read(Cursor::new(all), limits, &mut out));
            read.map_err(|why| ReadError::Evtx { path: name.to_owned(), why })?;
            ControlFlow::Continue(())
        }
        Form::Ndjson => lines::ndjson(&mut source, limit, &mut out),
        Form::Json => json::read(&mut source, limit, &mut out),
        Form::ZeekTsv => zeek::read(&mut source, limit, &mut out),
        Form::PostgresCsv => postgres::read(&mut source, limit, &mut out),
        Form::Text => text::read(&mut source, limit, &mut out),
        Form::Empty => ControlFlow::Continue(()),
    };
    if let Some(fault) = source.fault.take()
        && flow == ControlFlow::Continue(())
    {
        out.note(format!("the log ends early, after {} bytes: {fault}; what came before was read", source.bytes));
    }
    Ok(Summary { records: out.records, problems: out.problems, bytes: source.bytes, form })
}

/// The form of a log that begins with `head`, its first 64 KiB, decompressed.
///
/// # Errors
/// What it looks like, where it is no log.
pub fn form(head: &[u8]) -> Result<Form, &'static str> {
    if head.starts_with(evtx::MAGIC) {
        return Ok(Form::Evtx);
    }
    if head.starts_with(b"#separator") {
        return Ok(Form::ZeekTsv);
    }
    let text = head.trim_ascii_start();
    match text {
        [] => return Ok(Form::Empty),
        [b'{', ..] => return Ok(objects(text)),
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start().first(), Some(b'{' | b']')) => return Ok(Form::Json),
        [b'P', b'K', 3, 4, ..] => return Err("a ZIP archive"),
        [b'%', b'P', b'D', b'F', ..] => return Err("a PDF document"),
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] if text.contains(&0) => return Err("a program"),
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] if text.contains(&0) => return Err("an SQLite database"),
        _ => {}
    }
    let odd = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x1d | 0x0c);
    // A stray control character occurs in logs; a twentieth of them does not.
    if head.iter().filter(odd).count() * 20 > head.len() {
        return Err("binary data");
    }
    Ok(if postgres::looks_so(text) { Form::PostgresCsv } else { Form::Text })
}

/// How many of the first bytes of a log that is still written are records to their end, line feed included.
#[must_use]
pub fn whole_records(form: Form, bytes: &[u8]) -> usize {
    if form != Form::PostgresCsv {
        return memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    }
    let mut quotes = postgres::Quotes::default();
    let mut whole = 0;
    while let Some(end) = bytes.get(whole..).and_then(|rest| quotes.end(rest)) {
        whole += end + 1;
    }
    whole
}

/// Whether objects come one a line or otherwise.
fn objects(text: &[u8]) -> Form {
    let line_end = memchr::memchr(b'\n', text);
    let line = line_end.and_then(|end| text.get(..end)).unwrap_or(text).trim_ascii_end();
    if json::envelope(text).is_some() {
        return Form::Json;
    }
    match (Scanner::default().run(line), line_end) {
        // One object fills the line.
        (Some(end), _) if end == line.len() => Form::Ndjson,
        // A first line longer than the look: pretty-printing would have broken it.
        (None, None) if text.len() >= HEAD - 64 => Form::Ndjson,
        _ => Form::Json,
    }
}
