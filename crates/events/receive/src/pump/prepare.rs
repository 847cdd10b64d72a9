//! Frames in, events out, on a thread of their own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use intake::{Family, Messages};
use jiff::tz::TimeZone;
use model::event::{Activity, Detail, Outcome, Outside};
use model::{Event, Scope};
use tokio::sync::mpsc;

use crate::frame::cut;
use crate::spool::{Reader, SpoolError};
use crate::{Board, Counters, Frame, Mapped, Mapper, Payload};

/// The longest record that is kept whole, in bytes. An entry of the ledger has 65,535 bytes in all; names, log sources and
/// what sealing adds take at most 8,000 of them.
pub const RAW_BYTES_MAX: usize = 56 << 10;
/// The longest reason why a record cannot be read, in bytes.
const PROBLEM_BYTES_MAX: usize = 300;
/// Frames that are handed over together.
const CHUNK_FRAMES: usize = 256;
/// How long to wait for frames before looking whether anybody still wants them.
const WAIT: Duration = Duration::from_millis(250);
/// The family of what cannot be read.
const UNREADABLE: &str = "unreadable";

/// A frame, ready to be recorded.
pub struct Prepared {
    pub sequence: u64,
    pub bytes: u64,
    pub counters: Arc<Counters>,
    pub is_unparsed: bool,
    pub mark: Option<(String, Vec<u8>)>,
    /// `None` where there is nothing to record: a mark, or a frame that is recorded already.
    pub event: Option<Box<Event>>,
}

pub type Chunk = Vec<Prepared>;

/// The thread's work.
pub struct Reading {
    pub reader: Reader,
    pub next: u64,
    pub mapper: Arc<Mapper>,
    pub board: Arc<Board>,
    pub recorded: HashSet<u64>,
    pub erased: HashSet<u64>,
}

impl Reading {
    /// Prepares frames until nobody wants them any more.
    pub fn run(mut self, chunks: &mpsc::Sender<Result<Chunk, SpoolError>>) {
        let mut messages = Messages::default();
        while !chunks.is_closed() {
            let block = match self.reader.next(WAIT) {
                Ok(Some(block)) => block,
                Ok(None) => continue,
                Err(error) => {
                    let _gone = chunks.blocking_send(Err(error));
                    return;
                }
            };
            let mut chunk = Vec::new();
            for (sequence, frame) in (block.first..).zip(block.frames) {
                if sequence < self.next {
                    continue;
                }
                chunk.push(self.prepare(sequence, frame, &mut messages));
                if chunk.len() >= CHUNK_FRAMES && chunks.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
                    return;
                }
            }
            if !chunk.is_empty() && chunks.blocking_send(Ok(chunk)).is_err() {
                return;
            }
        }
    }

    fn prepare(&mut self, sequence: u64, frame: Frame, messages: &mut Messages) -> Prepared {
        let bytes = frame.bytes() as u64;
        let counters = self.board.source(&frame.source);
        let mut prepared = Prepared { sequence, bytes, counters, is_unparsed: false, mark: None, event: None };
        if let Payload::Mark { key, value } = frame.payload {
            prepared.bytes = 0;
            prepared.mark = Some((key, value));
            return prepared;
        }
        if self.recorded.remove(&sequence) {
            return prepared;
        }
        let mut event = event(sequence, &frame, &self.mapper, messages);
        if let Some(outside) = &mut event.outside {
            prepared.is_unparsed = outside.problem.is_some();
            if self.erased.contains(&sequence) {
                event.details.clear();
                outside.problem = Some("the key of its day was destroyed before it was recorded".to_owned());
            }
        }
        prepared.event = Some(Box::new(event));
        prepared
    }
}

/// What of a frame is told.
struct Told<'a> {
    family: &'static str,
    raw: Cow<'a, [u8]>,
    mapped: Mapped,
    problem: Option<String>,
}

/// The event that records a frame under the number `sequence`.
pub fn event(sequence: u64, frame: &Frame, mapper: &Mapper, messages: &mut Messages) -> Event {
    let Told { family, raw, mapped, problem } = told(frame, mapper, messages);
    let (raw, cut_bytes) = raw_text(&raw);
    let mut event = Event::new(Activity::Observed, frame.arrival_ms, "intake");
    event.origin.ip = mapped.ip;
    event.resource.bytes = mapped.bytes;
    if let Some(code) = mapped.failure {
        event.outcome = Outcome::Failure { code: Cow::Owned(code) };
    }
    let host = mapped.host.or_else(|| frame.peer.map(|peer| peer.to_string()));
    let day = jiff::Timestamp::from_millisecond(frame.arrival_ms).unwrap_or_default().to_zoned(TimeZone::UTC).date();
    let details = [
        ("raw", Some(raw.into_owned())),
        ("actor.name", mapped.actor),
        ("object.name", mapped.object),
        ("host.name", host),
    ];
    let detail = |(field, value): (&'static str, Option<String>)| {
        Some(Detail { field: Cow::Borrowed(field), scope: Scope::Day(day), value: value? })
    };
    event.details = details.into_iter().filter_map(detail).collect();
    event.outside = Some(Box::new(Outside {
        class_uid: mapped.class_uid,
        activity_id: mapped.activity_id,
        activity: mapped.activity,
        logged_ms: mapped.time_ms,
        family: Cow::Borrowed(family),
        logsources: mapped.logsources,
        source: frame.source.clone(),
        sequence,
        problem: problem.map(|problem| clean(&problem)),
        cut_bytes: frame.cut_bytes + cut_bytes,
    }));
    event
}

fn told<'a>(frame: &'a Frame, mapper: &Mapper, messages: &'a mut Messages) -> Told<'a> {
    let known = |family: Family, json: Cow<'a, [u8]>| match mapper.map(family, &json, frame.arrival_ms) {
        Ok(mapped) => Told { family: family.as_str(), raw: json, mapped, problem: None },
        Err(why) => Told { family: family.as_str(), raw: json, mapped: Mapped::unknown(), problem: Some(why) },
    };
    let lost = |bytes: &'a [u8], why: String| Told {
        family: UNREADABLE,
        raw: Cow::Borrowed(bytes),
        mapped: Mapped::unknown(),
        problem: Some(why),
    };
    match &frame.payload {
        Payload::Message(bytes) => match messages.read(bytes) {
            Ok((family, json)) => known(family, Cow::Borrowed(json)),
            Err(why) => lost(bytes, why),
        },
        Payload::Record { family, json } => known(*family, Cow::Borrowed(json)),
        Payload::Unreadable { why, bytes } => lost(bytes, why.clone()),
        Payload::Mark { .. } => lost(&[], "a mark is no record".to_owned()),
    }
}

/// The text that is kept of a record, and the bytes that are not. What is not UTF-8 becomes U+FFFD.
fn raw_text(raw: &[u8]) -> (Cow<'_, str>, u64) {
    // Three bytes of U+FFFD may stand for one that is not UTF-8.
    let text = String::from_utf8_lossy(raw);
    if text.len() <= RAW_BYTES_MAX {
        return (text, 0);
    }
    let kept = cut(&text, RAW_BYTES_MAX).to_owned();
    let left = (text.len() - kept.len()) as u64;
    (Cow::Owned(kept), left)
}

/// A reason as it is kept in clear: one line, not long, nothing that could drive a terminal.
fn clean(problem: &str) -> String {
    let plain: String = problem.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&plain, PROBLEM_BYTES_MAX).to_owned()
}
