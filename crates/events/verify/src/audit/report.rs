//! What an audit found.

use std::fmt;

use serde_json::{Value, json};

/// Faults that are kept in full. More are only counted.
pub const FAULTS_MAX: usize = 1000;

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A file is not there or cannot be read.
    Missing,
    /// Bytes that are not in their format.
    Damaged,
    /// An entry or tile is not what the tree above it was built from.
    Changed,
    /// A signature is not there or does not fit.
    Signature,
    /// A checkpoint speaks of another tree.
    Fork,
    /// There are fewer entries than a checkpoint saw.
    Truncated,
    /// Entries of a writer are missing, repeated or out of order.
    Sequence,
    /// Time goes back.
    Backdated,
    /// A file that does not belong there.
    Stray,
    /// A batch in the write-ahead log that was not finished.
    Unfinished,
}

impl FaultKind {
    /// Its name in the machine form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Changed => "changed",
            Self::Signature => "signature",
            Self::Fork => "fork",
            Self::Truncated => "truncated",
            Self::Sequence => "sequence",
            Self::Backdated => "backdated",
            Self::Stray => "stray",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The first entry that it touches, if it touches any.
    pub entry: Option<u64>,
    /// The file, relative to the ledger.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entry) = self.entry {
            write!(f, "entry {entry}: ")?;
        }
        write!(f, "`{}`: {}: {}", self.path, self.kind.as_str(), self.what)
    }
}

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// The key that signs now.
    pub key: String,
    /// Whether the auditor brought a key.
    pub pinned: bool,
    /// Whether a process had the ledger open.
    pub live: bool,
    /// Entries below the checkpoint.
    pub size: u64,
    /// Entries with those beyond it, in the write-ahead log.
    pub durable: u64,
    /// Entries that are events.
    pub events: u64,
    /// Bytes of entries.
    pub entry_bytes: u64,
    /// Times of the first and last entry, in milliseconds since 1970.
    pub times_ms: Option<(i64, i64)>,
    /// The largest clock drift recorded, in milliseconds.
    pub drift_ms_max: u32,
    /// Keys that followed the first.
    pub rotations: u64,
    /// Cosignatures that hold.
    pub cosignatures: u64,
    /// Time stamps that fit.
    pub anchors: u64,
    /// What is no fault but worth knowing.
    pub remarks: Vec<String>,
    /// The faults, at most [`FAULTS_MAX`], those of the earliest entries first.
    pub faults: Vec<Fault>,
    /// How many there are.
    pub total: u64,
    /// The largest size at which a checkpoint agreed.
    pub(super) agreed: u64,
}

impl Report {
    pub(super) fn fault(&mut self, kind: FaultKind, entry: Option<u64>, path: &str, what: String) {
        self.total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { kind, entry, path: path.to_owned(), what });
        }
    }

    pub(super) fn remark(&mut self, text: String) {
        if self.remarks.len() < FAULTS_MAX {
            self.remarks.push(text);
        }
    }

    /// The first entry that a checkpoint of `size` may disagree about: one beyond the largest that agreed.
    pub(super) fn agreed_below(&self, size: u64) -> Option<u64> {
        (size > 0).then(|| self.agreed.min(size - 1))
    }

    pub(super) fn finish(&mut self) {
        self.faults.sort_by_key(|fault| (fault.entry.is_none(), fault.entry));
    }

    /// Whether everything holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.total == 0
    }

    /// The first entry that is wrong.
    #[must_use]
    pub fn first_bad_entry(&self) -> Option<u64> {
        self.faults.iter().filter_map(|fault| fault.entry).min()
    }

    /// The machine form: one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let faults: Vec<Value> = self
            .faults
            .iter()
            .map(|fault| {
                json!({"kind": fault.kind.as_str(), "entry": fault.entry, "path": fault.path, "what": fault.what})
            })
            .collect();
        json!({
            "holds": self.holds(),
            "origin": self.origin,
            "key": self.key,
            "pinned": self.pinned,
            "live": self.live,
            "size": self.size,
            "durable": self.durable,
            "events": self.events,
            "entry_bytes": self.entry_bytes,
            "first_time_ms": self.times_ms.map(|(first, _)| first),
            "last_time_ms": self.times_ms.map(|(_, last)| last),
            "drift_ms_max": self.drift_ms_max,
            "rotations": self.rotations,
            "cosignatures": self.cosignatures,
            "anchors": self.anchors,
            "remarks": self.remarks,
            "first_bad_entry": self.first_bad_entry(),
            "faults": faults,
            "faults_total": self.total,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log       {}", self.origin)?;
        let pinned =
            if self.pinned { "pinned by you" } else { "UNPINNED: taken from the ledger itself; pin it with --key" };
        writeln!(f, "key       {} ({pinned})", self.key)?;
        let beyond = self.durable - self.size.min(self.durable);
        writeln!(
            f,
            "entries   {} below the checkpoint, {beyond} in the write-ahead log, {} events",
            self.size, self.events
        )?;
        writeln!(
            f,
            "evidence  {} cosignatures, {} time stamps, {} key rotations",
            self.cosignatures, self.anchors, self.rotations
        )?;
        for remark in &self.remarks {
            writeln!(f, "remark    {remark}")?;
        }
        for fault in &self.faults {
            writeln!(f, "FAULT     {fault}")?;
        }
        match (self.total, self.first_bad_entry()) {
            (0, _) => writeln!(f, "verdict   everything holds"),
            (count, Some(entry)) => writeln!(f, "verdict   {count} faults; the first bad entry is {entry}"),
            (count, None) => writeln!(f, "verdict   {count} faults; no entry is touched"),
        }
    }
}
