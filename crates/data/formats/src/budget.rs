//! Named limits, and what is left of them while one top-level object is walked.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::{Halt, Problem};

/// Limits on one top-level object and everything nested in it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How deep members nest (an archive in an archive is depth 2).
    pub depth_max: u8,
    /// Members of all archives together.
    pub members_max: u64,
    /// Bytes that members expand to, all together.
    pub expanded_bytes_max: u64,
    /// Expanded bytes per compressed byte, checked once `expansion_free_bytes` have been expanded.
    pub expansion_ratio_max: u64,
    /// Expansion up to here is never called a bomb.
    pub expansion_free_bytes: u64,
    /// An object that has to be held whole (random access inside a stream) may be this large.
    pub whole_bytes_max: usize,
    /// One line, cell, value or token held in memory.
    pub value_bytes_max: usize,
    /// Nesting of structures inside one object (JSON, XML, DICOM sequences, PDF objects).
    pub nesting_max: usize,
    /// Wall time for one top-level object.
    pub time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 10,
            members_max: 1_000_000,
            expanded_bytes_max: 1 << 40,
            expansion_ratio_max: 1_000,
            expansion_free_bytes: 256 << 20,
            whole_bytes_max: 64 << 20,
            value_bytes_max: 4 << 20,
            nesting_max: 256,
            time_max: Duration::from_secs(3600),
        }
    }
}

/// What is left of the limits. Time comes in through `elapsed`, so that a walk can be replayed.
pub struct Budget<'a> {
    members: u64,
    meter: Meter<'a>,
}

impl<'a> Budget<'a> {
    /// A fresh budget for one top-level object.
    pub fn new(limits: Limits, cancelled: &'a AtomicBool, elapsed: &'a dyn Fn() -> Duration) -> Self {
        let meter = Meter { limits: limits.into(), spent: Rc::default(), cancelled, elapsed };
        Self { members: 0, meter }
    }

    /// The limits this budget was made from.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.meter.limits
    }

    /// Starts on a top-level object of `len` bytes, when that is known.
    pub(crate) fn begin(&self, len: Option<u64>) {
        self.meter.spent.packed_len.set(len);
    }

    /// A handle on what is left, for streams that are read while the walk goes on.
    pub(crate) fn meter(&self) -> Meter<'a> {
        self.meter.clone()
    }

    /// Counts one more member.
    ///
    /// # Errors
    /// When there are too many, or nothing may be expanded any more.
    pub fn member(&mut self) -> Result<(), Problem> {
        if self.meter.spent.used_up.get() {
            return Err(Problem::limit(
                "the limit on expanded bytes is used up; the members that follow were not read",
            ));
        }
        self.members += 1;
        if self.members > self.limits().members_max {
            return Err(Problem::limit(format!(
                "more than {} members in one object; raise `limits.members_max` to read on",
                self.limits().members_max
            )));
        }
        Ok(())
    }

    /// Counts expanded bytes against `compressed` bytes consumed so far (when known).
    ///
    /// # Errors
    /// When the expansion looks like a bomb or the total is used up.
    pub fn expanded(&mut self, bytes: u64, out_so_far: u64, compressed_so_far: Option<u64>) -> Result<(), Problem> {
        self.meter.expanded(bytes, out_so_far, compressed_so_far)
    }

    /// To be called about once a megabyte or thousand records.
    ///
    /// # Errors
    /// When the walk was cancelled or has taken too long.
    pub fn check(&self) -> Result<(), crate::ReadError> {
        self.meter.check()
    }
}

/// What has been used of the limits, shared by the walk and the streams it reads.
#[derive(Default)]
struct Spent {
    expanded_bytes: Cell<u64>,
    packed_len: Cell<Option<u64>>,
    used_up: Cell<bool>,
}

/// Counts what a stream expands to while the walk itself is busy with what is inside.
#[derive(Clone)]
pub(crate) struct Meter<'a> {
    limits: Rc<Limits>,
    spent: Rc<Spent>,
    cancelled: &'a AtomicBool,
    elapsed: &'a dyn Fn() -> Duration,
}

impl Meter<'_> {
    /// See [`Budget::expanded`]. All levels of nesting count together against the top-level object's own length, so
    /// that a bomb cannot be spread over many small members.
    pub(crate) fn expanded(&self, bytes: u64, out_so_far: u64, compressed_so_far: Option<u64>) -> Result<(), Problem> {
        let total = self.spent.expanded_bytes.get().saturating_add(bytes);
        self.spent.expanded_bytes.set(total);
        if total > self.limits.expanded_bytes_max {
            self.spent.used_up.set(true);
            return Err(Problem::limit(format!(
                "expands to more than {} bytes; raise `limits.expanded_bytes_max` to read on",
                self.limits.expanded_bytes_max
            )));
        }
        let whole = self.spent.packed_len.get().is_some_and(|packed| self.is_bomb(total, packed));
        if whole {
            self.spent.used_up.set(true);
        }
        if whole || compressed_so_far.is_some_and(|packed| self.is_bomb(out_so_far, packed)) {
            return Err(Problem::limit(format!(
                "expands more than {}-fold, as a decompression bomb does; raise `limits.expansion_ratio_max` to read on",
                self.limits.expansion_ratio_max
            )));
        }
        Ok(())
    }

    fn is_bomb(&self, expanded: u64, packed: u64) -> bool {
        expanded > self.limits.expansion_free_bytes && expanded / packed.max(1) > self.limits.expansion_ratio_max
    }

    /// See [`Budget::check`].
    pub(crate) fn check(&self) -> Result<(), crate::ReadError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Halt.into());
        }
        if (self.elapsed)() > self.limits.time_max {
            return Err(Problem::limit(format!(
                "took more than {} seconds; raise `limits.time_max` to read on",
                self.limits.time_max.as_secs()
            ))
            .into());
        }
        Ok(())
    }
}
