//! Checkpoints that others saw: witnesses and time-stamping authorities. They lie in the log itself; the files below
//! `cosigned/` and `anchors/` are copies for other programs.

use crate::entry::{self, Body};
use crate::merkle::sha256;
use crate::note::{Checkpoint, VerifierKey};
use crate::tile::{Tile, WIDTH, entries};
use crate::timestamp;

use super::listing::Listing;
use super::report::FaultKind;
use super::{Audit, CLOCK_SKEW_MS_MAX, parse_checkpoint};

/// Cosignatures and time stamps that are looked at.
const EVIDENCE_MAX: usize = 100_000;

/// An entry that is a cosignature or time stamp.
pub(super) struct Evidence {
    index: u64,
    time_ms: i64,
    bytes: Vec<u8>,
}

impl Evidence {
    pub(super) fn keep(all: &mut Vec<Self>, index: u64, time_ms: i64, bytes: &[u8]) -> bool {
        let room = all.len() < EVIDENCE_MAX;
        if room {
            all.push(Self { index, time_ms, bytes: bytes.to_vec() });
        }
        room
    }
}

impl Audit<'_> {
    /// Looks at all of it, and at the copies.
    pub(super) fn evidence(&mut self, size: u64, paths: &mut Listing) {
        for Evidence { index, time_ms, bytes } in std::mem::take(&mut self.evidence) {
            let Ok(entry) = entry::parse(&bytes) else { continue };
            let path = format!("entry {index}");
            match entry.body {
                Body::Cosigned { key, note } => {
                    self.cosigned(size, (index, time_ms), &key, note, &path);
                    self.copy(paths, &format!("{}/{index}", crate::names::COSIGNED), note);
                }
                Body::Anchor { size: at, reply } => {
                    self.anchor(size, (index, time_ms), at, reply, &path);
                    self.copy(paths, &format!("{}/{index}.tsr", crate::names::ANCHORS), reply);
                }
                Body::Event { .. } | Body::Rotation { .. } => {}
            }
        }
        for path in std::mem::take(&mut paths.copies) {
            self.report.fault(FaultKind::Stray, None, &path, "it is no copy of an entry".to_owned());
        }
    }

    fn copy(&mut self, paths: &mut Listing, path: &str, expected: &[u8]) {
        if !paths.copies.remove(path) {
            return;
        }
        match self.files.read(path, expected.len() as u64) {
            Ok(bytes) if bytes == expected => {}
            Ok(_) => self.report.fault(FaultKind::Changed, None, path, "it is not what the log holds".to_owned()),
            Err(error) => self.report.fault(FaultKind::Changed, None, path, error.to_string()),
        }
    }

    fn cosigned(&mut self, size: u64, (index, time_ms): (u64, i64), key: &VerifierKey, note: &[u8], path: &str) {
        let bad = |what: String| (FaultKind::Signature, Some(index), what);
        let checked = parse_checkpoint(note, 2)
            .and_then(|(note, checkpoint)| Ok((note.verify_cosignature(key)?, note, checkpoint)));
        let (kind, entry, what) = match checked {
            Ok((_, _, checkpoint)) if checkpoint.size > index => bad("it speaks of entries after itself".to_owned()),
            Ok((time, note, checkpoint)) => {
                let held = self.hold(&note, &checkpoint, None, path);
                let seen_ms = i64::try_from(time).unwrap_or(i64::MAX).saturating_mul(1000);
                if held && self.seen(size, checkpoint.size, seen_ms, time_ms, (index, path)) {
                    self.report.cosignatures += 1;
                }
                return;
            }
            Err(error) => bad(error.to_string()),
        };
        self.report.fault(kind, entry, path, what);
    }

    fn anchor(&mut self, size: u64, (index, time_ms): (u64, i64), at: u64, reply: &[u8], path: &str) {
        let stamp = match timestamp::parse(reply) {
            Ok(stamp) => stamp,
            Err(error) => return self.report.fault(FaultKind::Damaged, Some(index), path, error.to_string()),
        };
        if at > index {
            let text = "it speaks of entries after itself".to_owned();
            return self.report.fault(FaultKind::Changed, Some(index), path, text);
        }
        let Some(root) = self.root_at(at, path) else { return };
        let text = Checkpoint { origin: self.report.origin.clone(), size: at, root }.text();
        if sha256(text.as_bytes()) != stamp.imprint {
            let text = format!("the time stamp is not for the tree of {at} entries: a fork");
            return self.report.fault(FaultKind::Fork, self.report.agreed_below(at), path, text);
        }
        if self.seen(size, at, stamp.time_ms, time_ms, (index, path)) {
            self.report.anchors += 1;
        }
    }

    /// Whether a tree of `at` entries can have been seen at `seen_ms` by somebody whose word was recorded at `time_ms`.
    fn seen(&mut self, size: u64, at: u64, seen_ms: i64, time_ms: i64, (index, path): (u64, &str)) -> bool {
        let last = at.checked_sub(1).and_then(|last| Some((last, self.time_of(size, last)?)));
        if let Some((last, last_ms)) = last
            && last_ms > seen_ms.saturating_add(CLOCK_SKEW_MS_MAX)
        {
            let text = format!("entry {last} was seen by others {} ms before its own time", last_ms - seen_ms);
            self.report.fault(FaultKind::Backdated, Some(last), path, text);
            return false;
        }
        if seen_ms > time_ms.saturating_add(CLOCK_SKEW_MS_MAX) {
            let text = format!("it was recorded {} ms before it was given: backdated", seen_ms - time_ms);
            self.report.fault(FaultKind::Backdated, Some(index), path, text);
            return false;
        }
        true
    }

    /// The time of an entry below the checkpoint.
    fn time_of(&self, size: u64, index: u64) -> Option<i64> {
        let tile = Tile::within(None, index / WIDTH, size)?;
        let bundle = self.files.read(&tile.path(), u64::from(u32::MAX)).ok()?;
        let entries = entries(&bundle).ok()?;
        let bytes = entries.get(usize::try_from(index % WIDTH).ok()?)?;
        Some(entry::parse(bytes).ok()?.header.time_ms)
    }
}
