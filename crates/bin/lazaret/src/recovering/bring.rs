//! Bringing a data folder back from its two repositories, and proving that it is one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guard::RootKeyAt;
use guard::recovering::{KEYS_PLACES, MAIN_PLACES, Proof, prove, ranks};
use model::StudyId;
use recovery::{Digest, Manifest, Progress, RecoveryError, Restored, Target, Task};
use serde::Serialize;
use serde_json::Value;

use super::settings::Repositories;
use crate::data::DATABASE;
use crate::failure::Failure;

/// Sealed blobs begin with this in a snapshot.
const BLOBS: &str = "data/objects/";

/// A folder as it came back.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Brought {
    /// The main repository's snapshot.
    pub snapshot: String,
    /// The digest over everything that was backed up, and the one over what lies in the folder now. They are equal.
    pub root: Digest,
    pub restored_root: Digest,
    pub files: u64,
    pub bytes: u64,
    /// Files that an earlier try had brought back.
    pub kept_files: u64,
    /// The newest snapshot of keys, if there is one.
    pub keys_snapshot: Option<String>,
    pub seconds: f64,
    /// What the backup says of itself.
    #[serde(skip)]
    pub about: Value,
    #[serde(skip)]
    pub made_ms: i64,
}

/// A failure of `recovery` as the command line tells it.
pub(crate) fn told(error: RecoveryError) -> Failure {
    let code = match &error {
        RecoveryError::Full { .. } => "disk-full",
        RecoveryError::NotEmpty { .. } | RecoveryError::OtherRestore { .. } => "not-empty",
        RecoveryError::Damaged { .. } | RecoveryError::Differs { .. } => "backup-damaged",
        RecoveryError::Password { .. } => "password",
        RecoveryError::Stopped { .. } => "stopped",
        _ => "backup",
    };
    Failure::failed(code, error)
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RecoveryError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::failed("backup", error))?.map_err(told)
}

/// Restores snapshot `asked` into `into`: keys, database and record first, then the objects of `studies` in their order, then all
/// others. Stopped at any moment and started again, it goes on.
pub(crate) async fn bring(
    repositories: &Repositories,
    asked: &str,
    into: &Path,
    studies: &[StudyId],
    progress: &Progress,
) -> Result<Brought, Failure> {
    let begun = Instant::now();
    let (repositories, asked, folder) = (repositories.clone(), asked.to_owned(), into.to_owned());
    let first = blocking(move || {
        let main = repositories.main.open()?;
        let (snapshot, manifest) = main.snapshot(&asked)?;
        let target = Target::claim(&folder, &snapshot.id)?;
        let keys = keys(&repositories, &target)?;
        let restored = part(&main, &target, &snapshot.id, &|path| !path.starts_with(BLOBS), &|_| 0)?;
        Ok((main, target, snapshot.id, manifest, keys, restored))
    });
    let (main, target, snapshot, manifest, keys_snapshot, first) = first.await?;
    let ranks = match ranks(&into.join(DATABASE), studies).await {
        Ok(ranks) => ranks,
        Err(error) => {
            // The order is a kindness; everything comes back without it.
            tracing::warn!(error = %guard::whole(&error), "the order of studies cannot be kept");
            HashMap::new()
        }
    };
    let last = u32::try_from(studies.len()).unwrap_or(u32::MAX);
    let progress = progress.clone();
    let second = blocking(move || {
        let rank = |path: &str| ranks.get(path).copied().unwrap_or(last);
        let second = part(&main, &target, &snapshot, &|path| path.starts_with(BLOBS), &rank)?;
        let (restored_root, differing) = manifest.look(target.path(), &MAIN_PLACES, &progress)?;
        if let Some(first) = differing.first() {
            return Err(RecoveryError::Differs { count: differing.len(), first: first.clone() });
        }
        target.finish()?;
        Ok((second, restored_root, manifest))
    });
    let (second, restored_root, manifest) = second.await?;
    let Manifest { root, made_ms, about, .. } = manifest;
    Ok(Brought {
        snapshot: second.snapshot,
        root,
        restored_root,
        files: first.files + second.files,
        bytes: first.bytes + second.bytes,
        kept_files: first.kept_files + second.kept_files,
        keys_snapshot,
        seconds: begun.elapsed().as_secs_f64(),
        about,
        made_ms,
    })
}

fn part(
    main: &recovery::Opened,
    target: &Target,
    snapshot: &str,
    only: &(dyn Fn(&str) -> bool + Sync),
    rank: &(dyn Fn(&str) -> u32 + Sync),
) -> Result<Restored, RecoveryError> {
    let task = Task { snapshot, places: &MAIN_PLACES, only: Some(only), rank };
    recovery::restore(main, target, &task)
}

/// The newest keys, whatever the age of what they open: keys that were destroyed since then stay destroyed.
fn keys(repositories: &Repositories, target: &Target) -> Result<Option<String>, RecoveryError> {
    if !repositories.keys.is_there()? {
        return Ok(None);
    }
    let keys = repositories.keys.open()?;
    if keys.snapshots()?.is_empty() {
        return Ok(None);
    }
    let task = Task { snapshot: "latest", places: &KEYS_PLACES, only: None, rank: &|_| 0 };
    Ok(Some(recovery::restore(&keys, target, &task)?.snapshot))
}

/// A restored folder and what was proven of it.
#[derive(Debug, Serialize)]
pub(crate) struct Proven {
    pub restore: Brought,
    pub proof: Proof,
    pub seconds: f64,
}

/// Restores into scratch and proves what is there. The scratch goes.
pub(crate) async fn try_out(
    repositories: &Repositories,
    settings: &super::RecoverySettings,
    asked: &str,
    (root_keys, root_key): (PathBuf, RootKeyAt),
    progress: &Progress,
) -> Result<Proven, Failure> {
    let begun = Instant::now();
    let scratch = settings.scratch()?;
    let folder = scratch.path().join("data");
    let restore = bring(repositories, asked, &folder, &settings.study_order, progress).await?;
    let canary = restore.about.get("canary").cloned().unwrap_or_default();
    let proof = prove(&folder, &root_keys, root_key, &canary, settings.sample(), progress).await;
    let proof = proof.map_err(|error| Failure::failed("proof", anyhow::anyhow!(guard::whole(&error))))?;
    let seconds = begun.elapsed().as_secs_f64();
    scratch.close().map_err(|error| Failure::failed("scratch", error))?;
    Ok(Proven { restore, proof, seconds })
}

/// Seconds as a duration, for people.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..120 => format!("{:.1} s", duration.as_secs_f64()),
        120..7_200 => format!("{} min", duration.as_secs() / 60),
        _ => format!("{} h", duration.as_secs() / 3_600),
    }
}
