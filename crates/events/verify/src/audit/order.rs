//! What must hold between entries: sequence numbers and time.

use std::collections::HashMap;

use crate::entry::Header;

use super::report::{FaultKind, Report};

/// Writers that are followed: one for every start of the program.
const WRITERS_MAX: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Order {
    /// The last writer, its next sequence number and monotonic time.
    current: Option<([u8; 16], u64, u64)>,
    /// Next numbers of the writers before it.
    writers: HashMap<[u8; 16], (u64, u64)>,
    last_ms: Option<i64>,
}

impl Order {
    /// Takes the header of entry `index`.
    pub(super) fn take(&mut self, index: u64, header: &Header, path: &str, report: &mut Report) {
        let (expected, monotonic) = self.next_of(&header.writer);
        if header.sequence != expected {
            let text = format!("its writer's entry {} stands where {expected} should", header.sequence);
            report.fault(FaultKind::Sequence, Some(index), path, text);
        }
        if header.monotonic_ms < monotonic {
            let text = format!("its writer's clock goes from {monotonic} to {} ms", header.monotonic_ms);
            report.fault(FaultKind::Backdated, Some(index), path, text);
        }
        self.current = Some((header.writer, header.sequence.saturating_add(1), header.monotonic_ms));
        if self.last_ms.is_some_and(|last| header.time_ms < last) {
            let text = format!(
                "its time is {} ms before that of the entry before it",
                self.last_ms.unwrap_or(0) - header.time_ms
            );
            report.fault(FaultKind::Backdated, Some(index), path, text);
        }
        self.last_ms = Some(header.time_ms);
        let first = report.times_ms.map_or(header.time_ms, |(first, _)| first);
        report.times_ms = Some((first, header.time_ms));
        report.drift_ms_max = report.drift_ms_max.max(header.drift_ms.unsigned_abs());
    }

    fn next_of(&mut self, writer: &[u8; 16]) -> (u64, u64) {
        match &self.current {
            Some((current, next, monotonic)) if current == writer => return (*next, *monotonic),
            Some((current, next, monotonic)) if self.writers.len() < WRITERS_MAX => {
                self.writers.insert(*current, (*next, *monotonic));
            }
            _ => {}
        }
        self.writers.get(writer).copied().unwrap_or((0, 0))
    }
}
