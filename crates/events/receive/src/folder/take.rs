//! Reads on in one file, and hands over what is new together with the mark behind it.

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use intake::{Form, Limits, Problem, ReadError, Record, Sink};
use tokio::sync::mpsc;

use super::mark::{HEAD_BYTES, Mark};
use super::{Found, LookError};
use crate::frame::{UNREADABLE_BYTES_MAX, unreadable};
use crate::inlet::BATCH_BYTES;
use crate::{Frame, Inlet, Payload};

/// How much is read of a growing file at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// The longest line, in bytes: intake's limit for one record.
const LINE_BYTES_MAX: usize = 16 << 20;
/// How long a file must not have changed before it is read as a whole, in milliseconds.
const STABLE_MS: i64 = 5_000;
/// How long a file must not have changed before a last line without a line feed is taken, in milliseconds.
const LAST_LINE_MS: i64 = 60_000;
/// The first bytes by which the form of a file is told.
const LOOK_BYTES: u64 = 64 << 10;
/// What compressed files may expand to, in bytes.
const EXPANDED_BYTES_MAX: u64 = 64 << 30;

/// Where frames go.
pub struct Out<'a> {
    inlet: &'a Inlet,
    source: &'a str,
    batches: &'a mpsc::Sender<Vec<Frame>>,
    batch: Vec<Frame>,
    bytes: usize,
}

impl<'a> Out<'a> {
    pub const fn new(inlet: &'a Inlet, source: &'a str, batches: &'a mpsc::Sender<Vec<Frame>>) -> Self {
        Self { inlet, source, batches, batch: Vec::new(), bytes: 0 }
    }

    pub fn now_ms(&self) -> i64 {
        self.inlet.now_ms()
    }

    fn add(&mut self, cut_bytes: u64, payload: Payload) {
        let frame = self.inlet.frame(self.source, None, cut_bytes, payload);
        self.bytes += frame.bytes();
        self.batch.push(frame);
    }

    /// Hands over what there is, together with how far the file with `key` was read; `None` forgets it.
    pub fn mark(&mut self, key: &str, mark: Option<&Mark>) -> Result<(), LookError> {
        let value = mark.map(Mark::encode).unwrap_or_default();
        self.add(0, Payload::Mark { key: format!("{}\n{key}", self.source), value });
        self.bytes = 0;
        self.batches.blocking_send(std::mem::take(&mut self.batch)).map_err(|_gone| LookError::Stopped)
    }
}

fn limits() -> Limits {
    Limits { record_bytes: LINE_BYTES_MAX, expansion_bytes: EXPANDED_BYTES_MAX, ..Limits::default() }
}

/// Reads what is new in a file that has not changed for `quiet_ms`; how far it is read then, if that changed.
pub fn file(
    out: &mut Out<'_>,
    file: &Found,
    known: Option<&Mark>,
    quiet_ms: i64,
    of_head: impl Fn(&[u8]) -> Option<Mark>,
) -> Result<Option<Mark>, LookError> {
    let failed = |source| LookError::Io { path: file.path.clone(), source };
    let mut open = File::open(&file.path).map_err(failed)?;
    let mut head = Vec::new();
    open.by_ref().take(LOOK_BYTES).read_to_end(&mut head).map_err(failed)?;
    if head.is_empty() {
        return Ok(None);
    }
    // The same file, as far as it was read: otherwise it was emptied or another one lies there now.
    let known = known.copied().filter(|mark| mark.is_of(&head) && (mark.bytes <= file.bytes));
    if is_compressed(&head) {
        if quiet_ms < STABLE_MS {
            return Ok(None);
        }
        let known =
            known.or_else(|| of_head(&expanded(&head)).map(|mark| Mark { records: mark.records, ..Mark::new(&head) }));
        return whole(out, file, known.unwrap_or_else(|| Mark::new(&head))).map(Some);
    }
    let mark = known.unwrap_or_else(|| Mark::new(&head));
    match intake::form(&head) {
        Ok(form @ (Form::Ndjson | Form::Text | Form::ZeekTsv | Form::PostgresCsv)) => {
            lines(out, file, &mut open, form, mark, quiet_ms >= LAST_LINE_MS)
        }
        Ok(Form::Empty) => Ok(None),
        Ok(Form::Evtx | Form::Json) | Err(_) if quiet_ms < STABLE_MS => Ok(None),
        Ok(Form::Evtx | Form::Json) | Err(_) => whole(out, file, mark).map(Some),
    }
}

fn is_compressed(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b, 8]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// The first bytes of what is compressed.
fn expanded(head: &[u8]) -> Vec<u8> {
    let mut plain = vec![0; HEAD_BYTES];
    let count = intake::expand_head(head, &mut plain);
    plain.truncate(count);
    plain
}

/// Reads a file from its start, and passes over what was told before.
fn whole(out: &mut Out<'_>, file: &Found, mark: Mark) -> Result<Mark, LookError> {
    let mut mark = mark;
    let mut gather = Gather { skip: mark.records, told: 0, key: file.key(), mark, out, stopped: false };
    let read = intake::read_file(&file.path, &limits(), &mut gather);
    let (told, stopped) = (gather.told, gather.stopped);
    if stopped {
        return Err(LookError::Stopped);
    }
    mark.records = mark.records.max(told);
    match read {
        Ok(_summary) => {}
        Err(ReadError::Io { source, .. }) => return Err(LookError::Io { path: file.path.clone(), source }),
        Err(error) if mark.records == 0 => {
            let (bytes, cut_bytes) = first(&file.path, file.bytes)?;
            let why = match error {
                ReadError::Unknown { looks, .. } => format!("a file that looks like {looks}"),
                other => other.to_string(),
            };
            out.add(cut_bytes, Payload::Unreadable { why, bytes });
            mark.records = 1;
        }
        Err(_again) => {}
    }
    (mark.bytes, mark.ended_at, mark.changed_ms) = (file.bytes, file.bytes, file.changed_ms);
    out.mark(&file.key(), Some(&mark))?;
    Ok(mark)
}

/// The first bytes of a file that cannot be read, and how many are left.
fn first(path: &Path, bytes: u64) -> Result<(Vec<u8>, u64), LookError> {
    let failed = |source| LookError::Io { path: path.to_owned(), source };
    let mut kept = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(UNREADABLE_BYTES_MAX as u64).read_to_end(&mut kept).map_err(failed)?;
    let left = bytes.saturating_sub(kept.len() as u64);
    Ok((kept, left))
}

/// Reads the lines that a file has grown by.
fn lines(
    out: &mut Out<'_>,
    file: &Found,
    open: &mut File,
    form: Form,
    mark: Mark,
    takes_last: bool,
) -> Result<Option<Mark>, LookError> {
    let failed = |source| LookError::Io { path: file.path.clone(), source };
    let before = mark;
    let mut mark = mark;
    let header = if form == Form::ZeekTsv { header(open).map_err(failed)? } else { Vec::new() };
    open.seek(SeekFrom::Start(mark.bytes)).map_err(failed)?;
    let mut chunk: Vec<u8> = Vec::new();
    loop {
        let had = chunk.len();
        open.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk).map_err(failed)?;
        let is_end = chunk.len() - had < CHUNK_BYTES;
        let whole = intake::whole_records(form, &chunk);
        let taken = match whole {
            _ if is_end && takes_last => chunk.len(),
            // A line that never ends is taken in pieces.
            0 if chunk.len() >= LINE_BYTES_MAX => chunk.len(),
            whole => whole,
        };
        if taken > 0 {
            tell(out, chunk.get(..taken).unwrap_or_default(), &header, &mut mark);
            mark.bytes += taken as u64;
            chunk.drain(..taken);
        }
        if is_end {
            // Grown meanwhile: the next look goes on.
            let is_whole = chunk.is_empty() && mark.bytes == file.bytes;
            (mark.ended_at, mark.changed_ms) = if is_whole { (file.bytes, file.changed_ms) } else { (0, 0) };
        }
        if taken > 0 || (is_end && mark != before) {
            out.mark(&file.key(), Some(&mark))?;
        }
        if is_end {
            return Ok((mark != before).then_some(mark));
        }
    }
}

/// The lines at a file's start that begin with `#`.
fn header(open: &mut File) -> std::io::Result<Vec<u8>> {
    open.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    open.by_ref().take(LOOK_BYTES).read_to_end(&mut head)?;
    let mut end = 0;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b"#") || !line.ends_with(b"\n") {
            break;
        }
        end += line.len();
    }
    head.truncate(end);
    Ok(head)
}

/// Tells the records of some lines.
fn tell(out: &mut Out<'_>, lines: &[u8], header: &[u8], mark: &mut Mark) {
    // What lies at the file's start has the header in it.
    let header = if mark.bytes == 0 { &[][..] } else { header };
    let mut each = Each { out, told: 0 };
    let input = Cursor::new(header).chain(Cursor::new(lines));
    let read = intake::read_stream("the file", Box::new(input), &limits(), &mut each);
    mark.records += each.told;
    if let Err(error) = read {
        let why = match error {
            ReadError::Unknown { looks, .. } => format!("lines that look like {looks}"),
            other => other.to_string(),
        };
        let (payload, cut_bytes) = unreadable(why, lines);
        out.add(cut_bytes, payload);
        mark.records += 1;
    }
}

/// Every record.
struct Each<'a, 'b> {
    out: &'a mut Out<'b>,
    told: u64,
}

impl Sink for Each<'_, '_> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.told += 1;
        self.out.add(0, Payload::Record { family: record.family, json: record.json.to_vec() });
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.unread(problem, b"");
    }

    fn unread(&mut self, problem: Problem, bytes: &[u8]) {
        self.told += 1;
        let (payload, cut_bytes) = unreadable(problem.why, bytes);
        self.out.add(cut_bytes, payload);
    }
}

/// Every record behind those that were told before, with marks in between.
struct Gather<'a, 'b> {
    skip: u64,
    told: u64,
    key: String,
    mark: Mark,
    out: &'a mut Out<'b>,
    stopped: bool,
}

impl Gather<'_, '_> {
    fn add(&mut self, cut_bytes: u64, payload: Payload) -> ControlFlow<()> {
        self.told += 1;
        if self.told <= self.skip {
            return ControlFlow::Continue(());
        }
        self.out.add(cut_bytes, payload);
        if self.out.bytes >= BATCH_BYTES {
            self.mark.records = self.told;
            if self.out.mark(&self.key, Some(&self.mark)).is_err() {
                self.stopped = true;
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }
}

impl Sink for Gather<'_, '_> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.add(0, Payload::Record { family: record.family, json: record.json.to_vec() })
    }

    fn problem(&mut self, problem: Problem) {
        self.unread(problem, b"");
    }

    fn unread(&mut self, problem: Problem, bytes: &[u8]) {
        let (payload, cut_bytes) = unreadable(problem.why, bytes);
        let _stops_at_the_next_record = self.add(cut_bytes, payload);
    }
}
