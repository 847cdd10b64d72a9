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
    /// What came back when, in that order.
    pub stages: Vec<Stage>,
    /// What the backup says of itself.
    #[serde(skip)]
    pub about: Value,
    #[serde(skip)]
    pub made_ms: i64,
}

/// A part of what came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stage {
    /// What it is: `keys, database and record`, the name of a study, or `everything else`.
    pub what: String,
    pub files: u64,
    pub bytes: u64,
    /// When the last of it was there, in seconds from the beginning.
    pub seconds: f64,
}

/// A failure of `recovery` as the command line tells it.
pub(crate) fn told(error: RecoveryError) -> Failure {
    let code = match &error {
        RecoveryError::Full { .. } => "disk-full",
        RecoveryError::NotEmpty { .. } | RecoveryError::OtherRestore { .. } => "not-empty",
        RecoveryError::Damaged { .. } | RecoveryError::Differs { .. } => "backup-damaged",
        RecoveryError::Password { .. } => "password",
        RecoveryError::Stopped { .. } => "stopped",
        RecoveryError::Bucket { .. } => "bucket",
        _ => "backup",
    };
    let is_bucket = |at: &str| at.starts_with("s3://");
    let may_be_older = match &error {
        RecoveryError::Missing { at } | RecoveryError::Damaged { at, .. } => is_bucket(at),
        _ => false,
    };
    let failure = Failure::failed(code, error);
    match may_be_older {
        true => failure.hint(
            "if somebody deleted or overwrote it: a bucket that keeps versions still has it, and `lazaret backup versions` tells as of when",
        ),
        false => failure,
    }
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
    let first_seconds = begun.elapsed().as_secs_f64();
    let studies = order(studies, &manifest.about);
    let studies = studies.as_slice();
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
    let stages = stages(&first, first_seconds, &second, studies);
    Ok(Brought {
        snapshot: second.snapshot,
        root,
        restored_root,
        files: first.files + second.files,
        bytes: first.bytes + second.bytes,
        kept_files: first.kept_files + second.kept_files,
        keys_snapshot,
        seconds: begun.elapsed().as_secs_f64(),
        stages,
        about,
        made_ms,
    })
}

/// The studies that matter most: those that are asked for, or those that the backup names, as on a machine without settings.
fn order(asked: &[StudyId], about: &Value) -> Vec<StudyId> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    let named = about.get("study_order").and_then(Value::as_array).into_iter().flatten();
    named.filter_map(|study| study.as_str()?.parse().ok()).collect()
}

/// What came back when: all but the objects first, then the objects of each study, then all others.
fn stages(first: &Restored, first_seconds: f64, second: &Restored, studies: &[StudyId]) -> Vec<Stage> {
    let what = "keys, database and record".to_owned();
    let mut stages = vec![Stage { what, files: first.files, bytes: first.bytes, seconds: first_seconds }];
    let named = studies.iter().map(|study| Some(study.to_string())).chain([None]);
    for (rank, study) in (0_u32..).zip(named) {
        let what = study.clone().unwrap_or_else(|| "everything else".to_owned());
        match second.ranks.iter().find(|reached| reached.rank == rank) {
            Some(reached) => {
                let seconds = first_seconds + reached.seconds;
                stages.push(Stage { what, files: reached.files, bytes: reached.bytes, seconds });
            }
            // A study that is named and has nothing: its name may be wrong.
            None if study.is_some() => stages.push(Stage { what, files: 0, bytes: 0, seconds: first_seconds }),
            None => {}
        }
    }
    stages
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

#[cfg(test)]
mod tests {
    use recovery::{Digest, Reached, Restored};
    use serde_json::{Value, json};

    use super::{order, stages};

    #[test]
    fn the_order_is_what_is_asked_for_or_what_the_backup_names() {
        let study = |name: &str| name.parse::<model::StudyId>().expect("a study");
        let about = json!({ "study_order": ["onc-1", "not a study!", "cns-2"] });
        assert_eq!(order(&[study("dia-3")], &about), [study("dia-3")]);
        assert_eq!(order(&[], &about), [study("onc-1"), study("cns-2")]);
        assert_eq!(order(&[], &Value::Null), []);
    }

    #[test]
    fn a_study_without_objects_is_told_as_such() {
        let restored = |files: u64, ranks: Vec<Reached>| Restored {
            snapshot: String::new(),
            root: Digest([0; 32]),
            files,
            bytes: files,
            kept_files: 0,
            ranks,
        };
        let reached = |rank: u32, seconds: f64| Reached { rank, files: 3, bytes: 30, seconds };
        let studies: Vec<model::StudyId> =
            ["onc-1", "cns-2"].iter().map(|name| name.parse().expect("a study")).collect();
        let second = restored(6, vec![reached(0, 1.0), reached(2, 4.0)]);
        let told = stages(&restored(9, Vec::new()), 0.5, &second, &studies);
        let told: Vec<(&str, u64, f64)> = told.iter().map(|one| (one.what.as_str(), one.files, one.seconds)).collect();
        let wanted =
            [("keys, database and record", 9, 0.5), ("onc-1", 3, 1.5), ("cns-2", 0, 0.5), ("everything else", 3, 4.5)];
        assert_eq!(told, wanted);
    }
}
