//! Records that somebody sends over HTTP, with a token. The server that has the route calls [`Push::push`].

mod tokens;

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use intake::{Limits, Problem, ReadError, Record, Sink};
use tokio::sync::mpsc;

use crate::frame::unreadable;
use crate::inlet::BATCH_BYTES;
use crate::{Frame, Inlet, Payload, PutError};
pub use tokens::{Token, TokenError, Tokens};

/// The longest body, in bytes, as it is sent.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// The most that a compressed body may expand to, in bytes.
pub const EXPANDED_BYTES_MAX: u64 = 256 << 20;
/// The longest record, in bytes.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// Batches that wait for the spool.
const BATCHES_MAX: usize = 4;

/// What became of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Accepted {
    /// Records that are durable.
    pub records: u64,
    /// Of these, records that cannot be read. They are kept all the same.
    pub unparsed: u64,
}

/// Why a body was not taken. Nothing of it counts as accepted then, though its first records may be durable.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The token is none, or was revoked (401).
    #[error("the token is not known or was revoked; make one with `lazaret intake token create NAME`")]
    Token,
    /// The body is too long (413).
    #[error("a body of {bytes} bytes is longer than {BODY_BYTES_MAX}; send less at a time")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The type is one that holds no records (415).
    #[error(
        "a body of the type `{content_type}` holds no records; send JSON, NDJSON, lines of text, EVTX, or gzip or Zstandard of these"
    )]
    Type {
        /// What was said.
        content_type: String,
    },
    /// The spool does not take it (503): send it again later.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The reader came to a bad end (500).
    #[error("the body could not be read to its end; send it again, and tell us if it fails again")]
    Ended,
}

/// Takes records with a token.
#[derive(Clone)]
pub struct Push {
    inlet: Inlet,
    tokens: Arc<Tokens>,
}

impl Push {
    /// Into `inlet`, for those with one of `tokens`.
    #[must_use]
    pub const fn new(inlet: Inlet, tokens: Arc<Tokens>) -> Self {
        Self { inlet, tokens }
    }

    /// Takes the records of a body. Answers once all of them are durable; waits while the spool is full. The body's first
    /// bytes tell how it is written, as with files; `content_type` only tells what is no log at all.
    ///
    /// # Errors
    /// When the token is none, or not everything became durable. Whoever sent it sends all of it again; records that were
    /// durable already come twice then.
    pub async fn push(&self, token: &str, content_type: &str, body: Vec<u8>) -> Result<Accepted, PushError> {
        let name = self.tokens.check(token).ok_or(PushError::Token)?;
        if body.len() > BODY_BYTES_MAX {
            return Err(PushError::TooLong { bytes: body.len() });
        }
        if is_no_log(content_type) {
            let content_type = content_type.chars().take(64).collect();
            return Err(PushError::Type { content_type });
        }
        let source = format!("push/{name}");
        let (batches, mut waiting) = mpsc::channel(BATCHES_MAX);
        let (inlet, of) = (self.inlet.clone(), source.clone());
        let reading = tokio::task::spawn_blocking(move || read(&inlet, &of, &body, &batches));
        let mut accepted = Accepted::default();
        while let Some(batch) = waiting.recv().await {
            self.inlet.put(&source, &batch).await?;
            accepted.records += batch.len() as u64;
            let lost = |frame: &&Frame| matches!(frame.payload, Payload::Unreadable { .. });
            accepted.unparsed += batch.iter().filter(lost).count() as u64;
        }
        reading.await.map_err(|_ended| PushError::Ended)?;
        Ok(accepted)
    }
}

/// Types that are certainly no log, told before anything is read.
fn is_no_log(content_type: &str) -> bool {
    let of = content_type.trim().to_ascii_lowercase();
    ["image/", "audio/", "video/", "font/", "multipart/", "application/pdf", "application/zip", "text/html"]
        .iter()
        .any(|no| of.starts_with(no))
}

/// Reads a body and hands over its records.
fn read(inlet: &Inlet, source: &str, body: &[u8], batches: &mpsc::Sender<Vec<Frame>>) {
    let limits =
        Limits { record_bytes: RECORD_BYTES_MAX, expansion_bytes: EXPANDED_BYTES_MAX, evtx_bytes: EXPANDED_BYTES_MAX };
    let mut out = Out { inlet, source, batches, batch: Vec::new(), bytes: 0 };
    let read = intake::read_stream("the body", Box::new(Cursor::new(body)), &limits, &mut out);
    if let Err(error) = read {
        let why = match error {
            ReadError::Unknown { looks, .. } => format!("the body looks like {looks}"),
            other => other.to_string(),
        };
        let (payload, cut_bytes) = unreadable(why, body);
        let _gone = out.add(cut_bytes, payload);
    }
    let last = std::mem::take(&mut out.batch);
    if !last.is_empty() {
        let _gone = batches.blocking_send(last);
    }
}

/// Gathers records into batches.
struct Out<'a> {
    inlet: &'a Inlet,
    source: &'a str,
    batches: &'a mpsc::Sender<Vec<Frame>>,
    batch: Vec<Frame>,
    bytes: usize,
}

impl Out<'_> {
    fn add(&mut self, cut_bytes: u64, payload: Payload) -> ControlFlow<()> {
        let frame = self.inlet.frame(self.source, None, cut_bytes, payload);
        self.bytes += frame.bytes();
        self.batch.push(frame);
        if self.bytes < BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        self.bytes = 0;
        match self.batches.blocking_send(std::mem::take(&mut self.batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_gone) => ControlFlow::Break(()),
        }
    }
}

impl Sink for Out<'_> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.add(0, Payload::Record { family: record.family, json: record.json.to_vec() })
    }

    fn problem(&mut self, problem: Problem) {
        self.unread(problem, b"");
    }

    fn unread(&mut self, problem: Problem, bytes: &[u8]) {
        // Its end shows at the next record, or not at all.
        let why = format!("record {} of the body: {}", problem.number, problem.why);
        let (payload, cut_bytes) = unreadable(why, bytes);
        let _gone = self.add(cut_bytes, payload);
    }
}
