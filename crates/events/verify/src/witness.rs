//! Witnesses (C2SP tlog-witness): the request `add-checkpoint`, and what a witness answers to one.

use std::collections::BTreeMap;

use crate::bytes::decimal;
use crate::merkle::{Hash, empty};
use crate::note::{Checkpoint, Note, NoteError, SigningKey, VerifierKey, decode_hash, encode_hash};
use crate::proof::{HASHES_MAX, consistency_holds};

/// The longest request that is looked at, in bytes.
pub const REQUEST_BYTES_MAX: usize = 32 << 10;

/// The body of `POST /add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The size that the witness is believed to have seen last.
    pub old: u64,
    /// Proof from there.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

impl Request {
    /// As it is sent.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&encode_hash(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a request. `None` when it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.get(..bytes.len().min(REQUEST_BYTES_MAX + 1))?).ok()?;
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<Hash> = lines.take(HASHES_MAX).map(decode_hash).collect::<Option<_>>()?;
        (text.len() <= REQUEST_BYTES_MAX && proof.len() < HASHES_MAX).then(|| Self {
            old,
            proof,
            note: note.to_owned(),
        })
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: the line of its cosignature.
    Cosigned(String),
    /// 400: the request is none.
    Malformed,
    /// 403: no signature by a key of that log.
    Unsigned,
    /// 404: a log it does not watch.
    UnknownLog,
    /// 409: it has seen another size last, this one.
    Conflict(u64),
    /// 422: the proof does not hold: a fork.
    Fork,
}

impl Answer {
    /// The status of HTTP.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed => 400,
            Self::Unsigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) => 409,
            Self::Fork => 422,
        }
    }
}

/// A witness: what it has seen last of each log that it watches.
#[derive(Debug)]
pub struct Witness {
    key: SigningKey,
    logs: Vec<VerifierKey>,
    seen: BTreeMap<String, (u64, Hash)>,
}

impl Witness {
    /// With its key, the logs it watches, and what it had seen: lines of origin, size and root as [`Self::state`] gives.
    ///
    /// # Errors
    /// When the state is not what it should be.
    pub fn new(key: SigningKey, logs: Vec<VerifierKey>, state: &str) -> Result<Self, NoteError> {
        let mut seen = BTreeMap::new();
        for line in state.lines() {
            let mut parts = line.split(' ');
            let parsed = (parts.next(), parts.next().and_then(decimal), parts.next().and_then(decode_hash));
            let (Some(origin), Some(size), Some(root)) = parsed else {
                return Err(NoteError::Form { what: "the state of the witness" });
            };
            seen.insert(origin.to_owned(), (size, root));
        }
        Ok(Self { key, logs, seen })
    }

    /// Its verifier key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// What must be kept durably before an answer [`Answer::Cosigned`] leaves.
    #[must_use]
    pub fn state(&self) -> String {
        let line = |(origin, (size, root)): (&String, &(u64, Hash))| format!("{origin} {size} {}\n", encode_hash(root));
        self.seen.iter().map(line).collect()
    }

    /// Answers a request at `time`, in seconds since 1970 (C2SP tlog-witness, "add-checkpoint").
    #[must_use]
    pub fn answer(&mut self, body: &[u8], time: u64) -> Answer {
        let Some(request) = Request::parse(body) else { return Answer::Malformed };
        let Ok(note) = Note::parse(request.note.as_bytes()) else { return Answer::Malformed };
        let Ok(checkpoint) = Checkpoint::parse(&note.text) else { return Answer::Malformed };
        if request.old > checkpoint.size {
            return Answer::Malformed;
        }
        let mut keys = self.logs.iter().filter(|key| key.name() == checkpoint.origin).peekable();
        if keys.peek().is_none() {
            return Answer::UnknownLog;
        }
        if !keys.any(|key| note.verify(key).is_ok()) {
            return Answer::Unsigned;
        }
        let (size, root) = self.seen.get(&checkpoint.origin).copied().unwrap_or_else(|| (0, empty()));
        if request.old != size {
            return Answer::Conflict(size);
        }
        if size == checkpoint.size && root != checkpoint.root {
            return Answer::Conflict(size);
        }
        if !consistency_holds(size, &root, checkpoint.size, &checkpoint.root, &request.proof) {
            return Answer::Fork;
        }
        self.seen.insert(checkpoint.origin.clone(), (checkpoint.size, checkpoint.root));
        Answer::Cosigned(self.key.cosign(&note.text, time))
    }
}
