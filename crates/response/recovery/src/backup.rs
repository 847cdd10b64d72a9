//! Making a snapshot.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustic_core::{BackupOptions, SnapshotOptions};
use serde::Serialize;
use serde_json::Value;

use crate::piece::{self, Content, Piece, Problem};
use crate::repository::{Opened, TAG, guarded};
use crate::source::Source;
use crate::{Digest, RecoveryError, Repository};

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The snapshot's id.
    pub snapshot: String,
    /// The digest over all its files.
    pub root: Digest,
    /// Files in it.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// What it added to the repository, as it lies there.
    pub added_bytes: u64,
    /// Files that had not changed since the snapshot before and were not read again.
    pub unchanged_files: u64,
    /// What is not in it though it lay there.
    pub problems: Vec<Problem>,
}

/// Makes a snapshot of `pieces`; the repository is made if there is none. `about` is kept in its manifest. A kill at any moment
/// leaves the repository with or without the whole snapshot; what was stored by then is used by the next.
///
/// # Errors
/// When anything could not be stored. There is no snapshot then.
pub fn make(
    repository: &Repository,
    pieces: Vec<Piece>,
    about: Value,
    host: &str,
    now_ms: i64,
) -> Result<Made, RecoveryError> {
    let faults = repository.faults();
    faults.unless_stopped(&repository.name(), made(repository, pieces, about, host, now_ms))
}

fn made(
    repository: &Repository,
    mut pieces: Vec<Piece>,
    about: Value,
    host: &str,
    now_ms: i64,
) -> Result<Made, RecoveryError> {
    repository.ensure()?;
    let opened = repository.open()?;
    piece::sort(&mut pieces);
    let before = before(&opened, host)?;
    let known: Vec<Option<Digest>> = match &before {
        None => vec![None; pieces.len()],
        Some((_, files)) => pieces.iter().map(|piece| unchanged(piece, files)).collect(),
    };
    let unchanged_files = known.iter().flatten().count() as u64;
    let wrong = |error: serde_json::Error| RecoveryError::Failed {
        at: opened.at.clone(),
        doing: "making a snapshot",
        why: error.to_string(),
    };
    let progress = opened.faults.progress().clone();
    progress.begin("storing files", pieces.iter().map(|piece| piece.bytes).sum());
    let source = Source::new(pieces, known, now_ms, about, progress).map_err(wrong)?;
    let time = Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(TimeZone::UTC);
    let mut options = BackupOptions::default();
    match before {
        // What is not read again must be what the list of files says: both come from one snapshot.
        Some((parent, _)) => options.parent_opts.parents = vec![parent],
        None => options.parent_opts.force = true,
    }
    let made = guarded(&opened.at, "making a snapshot", || {
        let named =
            SnapshotOptions::default().host(host.to_owned()).time(time).command("lazaret backup create".to_owned());
        let snapshot = named.add_tags(TAG)?.to_snapshot()?;
        opened.inner.archive(&options, &source, snapshot, &[PathBuf::from("/")])
    });
    // A full disk is told as such, whatever came of it further up.
    opened.faults.check(&opened.at, "making a snapshot")?;
    let made = made?;
    let summed = source.summed().ok_or_else(|| RecoveryError::Failed {
        at: opened.at.clone(),
        doing: "making a snapshot",
        why: "the list of its files was not written".to_owned(),
    })?;
    Ok(Made {
        snapshot: made.id.to_hex().to_string(),
        root: summed.root,
        files: summed.files,
        bytes: summed.bytes,
        added_bytes: made.summary.as_ref().map_or(0, |summary| summary.data_added_packed),
        unchanged_files,
        problems: source.problems(),
    })
}

type Known = HashMap<String, (u64, i64, Digest)>;

/// The newest snapshot of this host, with what its files were.
fn before(opened: &Opened, host: &str) -> Result<Option<(String, Known)>, RecoveryError> {
    let all = opened.all()?;
    let own = all.iter().rev().find(|snapshot| snapshot.hostname == host && snapshot.tags.contains(TAG));
    let Some(own) = own else { return Ok(None) };
    match opened.manifest_of(own) {
        Ok(manifest) => {
            let files = manifest.files.into_iter();
            let known = files.map(|file| (file.path, (file.bytes, file.modified_ns, file.blake3))).collect();
            Ok(Some((own.id.to_hex().to_string(), known)))
        }
        // Then everything is read again; a check tells what is wrong.
        Err(error) => {
            tracing::warn!(%error, "the snapshot before cannot be gone on from");
            Ok(None)
        }
    }
}

fn unchanged(piece: &Piece, files: &Known) -> Option<Digest> {
    let (bytes, modified_ns, digest) = files.get(&piece.path)?;
    let is_same =
        matches!(piece.content, Content::File(_)) && *bytes == piece.bytes && *modified_ns == piece.modified_ns;
    is_same.then_some(*digest)
}
