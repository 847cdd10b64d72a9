//! The audit: every byte below a ledger is read once and held against the others.
//!
//! First the bundles of entries are streamed against the tiles up to the checkpoint; then what the write-ahead log holds
//! beyond; then checkpoints that witnesses and time-stamping authorities saw; last, whatever else lies in the folder.

mod evidence;
mod listing;
mod order;
mod report;
mod stream;
mod tail;

use std::io;

pub use report::{Fault, FaultKind, Report};

use crate::files::Files;
use crate::merkle::{Edge, Hash};
use crate::names;
use crate::note::{Checkpoint, NOTE_BYTES_MAX, Note, NoteError, VerifierKey};
use crate::tile::Tile;

/// The clocks of witnesses and authorities may differ from the ledger's by as much, in milliseconds.
pub const CLOCK_SKEW_MS_MAX: i64 = 300_000;

/// Whether somebody may be appending while the audit reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody is: every byte is held against the others.
    Closed,
    /// A process has the ledger open. What it is writing beyond the checkpoint that the audit began with is not looked at.
    Live,
}

/// What the auditor brings along.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// A key that must be among the log's. Without it the ledger's own `log.vkey` is believed.
    pub key: Option<VerifierKey>,
    /// A checkpoint seen before, as a signed note, that the ledger must go on from.
    pub checkpoint: Option<Vec<u8>>,
}

/// The keys of the log, each from a tree's size on.
struct Chain(Vec<(u64, VerifierKey)>);

impl Chain {
    /// The key that signs checkpoints of this size. A rotation in entry `index` speaks of sizes beyond `index + 1`.
    fn key(&self, size: u64) -> Option<&VerifierKey> {
        self.0.iter().rev().find(|(from, _)| *from <= size).map(|(_, key)| key)
    }

    fn rotate(&mut self, index: u64, key: VerifierKey) {
        self.0.push((index.saturating_add(2), key));
    }
}

/// What an audit knows while it goes on.
struct Audit<'a> {
    files: &'a dyn Files,
    report: Report,
    chain: Chain,
    order: order::Order,
    evidence: Vec<evidence::Evidence>,
    /// The tree of the entries read so far; beyond the checkpoint those of the write-ahead log.
    edge: Edge,
    pins: &'a Pins,
    /// The tree at the size of the pinned checkpoint, if the write-ahead log alone reaches it.
    pinned_edge: Option<Edge>,
    /// The tile of level 0 that was looked at last.
    tile: Option<(Tile, Vec<Hash>)>,
}

/// Audits a ledger. Faults are in the report; it is never cut short by one.
///
/// # Errors
/// When the folder cannot be listed at all.
pub fn audit(files: &dyn Files, mode: Mode, pins: &Pins) -> io::Result<Report> {
    let mut paths = listing::Listing::new(files)?;
    let live;
    let files = match mode {
        Mode::Closed => files,
        Mode::Live => {
            live = listing::Snapshot::take(files)?;
            &live
        }
    };
    let mut report = Report { live: mode == Mode::Live, ..Report::default() };
    let key = first_key(files, &mut report);
    let published = checkpoint(files, &mut report);
    report.origin.clone_from(&key.as_ref().map_or_else(String::new, |key| key.name().to_owned()));
    let mut audit = Audit {
        files,
        report,
        chain: Chain(key.into_iter().map(|key| (0, key)).collect()),
        order: order::Order::default(),
        evidence: Vec::new(),
        edge: Edge::default(),
        pins,
        pinned_edge: None,
        tile: None,
    };
    let size = published.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    audit.report.size = size;
    audit.stream(size);
    if let Some((note, checkpoint)) = &published {
        audit.hold(note, checkpoint, None, names::CHECKPOINT);
    }
    if mode == Mode::Closed {
        audit.tail(size, &paths.segments);
    }
    audit.report.durable = audit.edge.size();
    audit.evidence(size, &mut paths);
    audit.pinned(size);
    audit.listed(size, mode, &paths);
    audit.report.key = audit.chain.key(u64::MAX).map(ToString::to_string).unwrap_or_default();
    audit.report.finish();
    Ok(audit.report)
}

fn first_key(files: &dyn Files, report: &mut Report) -> Option<VerifierKey> {
    let path = names::LOG_KEY;
    let bytes =
        files.read(path, 1024).inspect_err(|error| report.fault(FaultKind::Missing, None, path, error.to_string()));
    let text = String::from_utf8(bytes.ok()?).unwrap_or_default();
    let key = text.strip_suffix('\n').and_then(|text| text.parse::<VerifierKey>().ok());
    match key {
        Some(key) if !key.is_cosigner() => Some(key),
        _ => {
            report.fault(FaultKind::Damaged, None, path, "it is not the verifier key of a log".to_owned());
            None
        }
    }
}

fn checkpoint(files: &dyn Files, report: &mut Report) -> Option<(Note, Checkpoint)> {
    let path = names::CHECKPOINT;
    let bytes = files
        .read(path, NOTE_BYTES_MAX as u64)
        .inspect_err(|error| report.fault(FaultKind::Missing, None, path, error.to_string()));
    parse_checkpoint(&bytes.ok()?, 1).map_or_else(
        |error| {
            report.fault(FaultKind::Damaged, None, path, error.to_string());
            None
        },
        Some,
    )
}

/// A checkpoint that says nothing but what it must, under exactly `signatures` signatures.
fn parse_checkpoint(bytes: &[u8], signatures: usize) -> Result<(Note, Checkpoint), NoteError> {
    let note = Note::parse(bytes)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if note.signatures.len() != signatures {
        return Err(NoteError::Form { what: "the number of a checkpoint's signatures" });
    }
    if checkpoint.text() != note.text {
        return Err(NoteError::Form { what: "a checkpoint with other lines" });
    }
    Ok((note, checkpoint))
}

impl Audit<'_> {
    /// Holds a checkpoint against the tree as it was at its size, and against the key of then. `edge` is that tree when
    /// tiles do not reach it.
    fn hold(&mut self, note: &Note, checkpoint: &Checkpoint, edge: Option<&Edge>, path: &str) -> bool {
        let before = self.report.total;
        let Checkpoint { origin, size, root } = checkpoint;
        match self.chain.key(*size) {
            None => {}
            Some(key) if key.name() != origin => {
                self.report.fault(FaultKind::Signature, None, path, format!("it is a checkpoint of `{origin}`"));
            }
            Some(key) => {
                if let Err(error) = note.verify(key) {
                    self.report.fault(FaultKind::Signature, None, path, error.to_string());
                }
            }
        }
        let computed = match edge {
            Some(edge) => Some(edge.root()),
            None if *size == self.edge.size() => Some(self.edge.root()),
            None => self.root_at(*size, path),
        };
        if computed.is_some_and(|computed| computed != *root) {
            let text = format!(
                "its root over {size} entries is not theirs: a fork, or entries and tiles were changed together"
            );
            self.report.fault(FaultKind::Fork, self.report.agreed_below(*size), path, text);
        }
        if self.report.total == before {
            self.report.agreed = self.report.agreed.max(*size);
        }
        self.report.total == before
    }

    /// The auditor's own checkpoint and key.
    fn pinned(&mut self, size: u64) {
        if let Some(key) = &self.pins.key {
            self.report.pinned = true;
            if !self.chain.0.iter().any(|(_, known)| known == key) {
                let text = format!("`{key}` never was a key of this log");
                self.report.fault(FaultKind::Signature, None, names::LOG_KEY, text);
            }
        }
        let Some(bytes) = &self.pins.checkpoint else { return };
        let path = "--checkpoint";
        let parsed = Note::parse(bytes).and_then(|note| Ok((Checkpoint::parse(&note.text)?, note)));
        let (checkpoint, note) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return self.report.fault(FaultKind::Damaged, None, path, error.to_string()),
        };
        if checkpoint.size > self.edge.size() && self.report.live {
            return self.report.remark(format!("the ledger was read as of {size} entries; the checkpoint is newer"));
        }
        if checkpoint.size > self.edge.size() {
            let text = format!(
                "it had {} entries when this checkpoint was made and has {}",
                checkpoint.size,
                self.edge.size()
            );
            return self.report.fault(FaultKind::Truncated, Some(self.edge.size()), path, text);
        }
        let edge = self.pinned_edge.take();
        self.hold(&note, &checkpoint, edge.as_ref(), path);
    }

    /// The size of the auditor's checkpoint.
    fn pinned_size(&self) -> Option<u64> {
        let note = Note::parse(self.pins.checkpoint.as_ref()?).ok()?;
        Some(Checkpoint::parse(&note.text).ok()?.size)
    }
}
