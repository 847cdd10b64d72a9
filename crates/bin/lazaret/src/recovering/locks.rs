//! Locks on backups in buckets: looked at before anything is written, renewed after each backup, and what happened to a repository
//! there behind this program's back.

use jiff::Timestamp;
use recovery::{BucketFault, Locking, RecoveryError, Repository};
use serde_json::{Value, json};

use super::bring::blocking;
use super::settings::Repositories;
use crate::config::Config;
use crate::data::now;
use crate::failure::Failure;

/// Whether both repositories lock as they should, and how the main one does. Nothing is written before that is known.
pub(super) async fn ready(config: &Config, repositories: &Repositories) -> Result<Option<Locking>, Failure> {
    let (both, days) = (repositories.clone(), config.recovery.days_of_keys());
    let locking = blocking(move || {
        both.keys.check_forgets(days)?;
        both.main.locking()
    });
    let locking = locking.await?;
    if let Some(locking) = &locking
        && let Some(gap) = config.recovery.lock_gap(locking, now())?
    {
        tracing::warn!("{gap}");
    }
    Ok(locking)
}

/// Locks what is there for as long as the settings say, and tells how it is locked then. What could not be locked is told too: the
/// backup is made, and not as safe as it should be.
pub(super) async fn renewed(
    config: &Config,
    repositories: &Repositories,
    locking: Option<Locking>,
) -> Result<Value, Failure> {
    let Some(locking) = locking else { return Ok(Value::Null) };
    let mut told = json!({ "mode": locking.mode, "days": locking.days, "is_renewed": locking.is_renewed });
    told["gap"] = json!(config.recovery.lock_gap(&locking, now())?);
    let main = repositories.main.clone();
    match blocking(move || main.renew_locks(now())).await {
        Ok(None) => {}
        Ok(Some(locked)) => {
            told["files"] = json!(locked.files);
            told["renewed"] = json!(locked.renewed);
            told["until_ms"] = json!(locked.until_ms);
        }
        Err(failure) => {
            tracing::error!(error = failure.words(), "what is needed could not be locked for longer");
            told["fault"] = json!(failure.words());
        }
    }
    Ok(told)
}

/// What a backup's report says of its lock, for people; none: nothing is locked.
pub(super) fn line(lock: &Value) -> Option<String> {
    let mode = lock["mode"].as_str()?;
    if let Some(fault) = lock["fault"].as_str() {
        return Some(format!("NOT locked as it should be: {fault}"));
    }
    Some(match lock["until_ms"].as_i64() {
        Some(until) => {
            let until = Timestamp::from_millisecond(until).unwrap_or_default();
            format!(
                "locked ({mode}) until {until:.0}: {} files, {} of them for longer than before",
                lock["files"], lock["renewed"]
            )
        }
        None => format!("locked ({mode}) by the bucket for {} days from when each file was stored", lock["days"]),
    })
}

/// What was deleted and overwritten in the buckets of both repositories. One that lies in a folder, or where no old versions are kept, has
/// no history.
pub(super) async fn histories(repositories: &Repositories) -> Result<Value, Failure> {
    let both = repositories.clone();
    blocking(move || {
        let of = |repository: &Repository| match repository.history() {
            Err(RecoveryError::Place { why, .. }) => Ok((None, json!({ "none": why }))),
            Err(RecoveryError::Bucket { fault: fault @ BucketFault::Unversioned, .. }) => {
                Ok((None, json!({ "none": format!("its bucket {fault}") })))
            }
            other => other.map(|history| (history.whole_as_of_ms, json!(history))),
        };
        let ((main_at, main), (keys_at, keys)) = (of(&both.main)?, of(&both.keys)?);
        let time =
            |at: Option<i64>| at.and_then(|at| Timestamp::from_millisecond(at).ok()).map(|at| format!("{at:.0}"));
        Ok(json!({
            "holds": main_at.is_none() && keys_at.is_none(),
            "main": main,
            "keys": keys,
            "as_of": time(main_at),
            "keys_as_of": time(keys_at),
        }))
    })
    .await
}

/// Histories for people.
pub(super) fn history_lines(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, title) in [("main", "main repository"), ("keys", "key repository")] {
        let of = &value[name];
        if let Some(none) = of["none"].as_str() {
            lines.push(format!("{title}: {none}"));
            continue;
        }
        let moments = of["moments"].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.push(format!("{title}: {} versions since {}", of["versions"], time(&of["since_ms"])));
        for moment in moments {
            let suspicion = moment["suspicion"].as_str().map_or_else(String::new, |why| format!("  SUSPICIOUS: {why}"));
            let counts = |what: &str| counted(&moment[what]);
            lines.push(format!(
                "  {} to {}  deleted: {}  overwritten: {}{suspicion}",
                time(&moment["from_ms"]),
                time(&moment["to_ms"]),
                counts("deleted"),
                counts("overwritten")
            ));
        }
    }
    let as_of = |name: &str, option: &str| value[name].as_str().map(|time| format!(" {option} {time}"));
    let options = [as_of("as_of", "--as-of"), as_of("keys_as_of", "--keys-as-of")];
    let options: String = options.into_iter().flatten().collect();
    lines.push(match options.is_empty() {
        true => "nothing amiss".to_owned(),
        false => format!("it was whole before: `lazaret backup restore --into DIR{options}`"),
    });
    lines
}

fn time(ms: &Value) -> String {
    let at = Timestamp::from_millisecond(ms.as_i64().unwrap_or_default()).unwrap_or_default();
    format!("{at:.0}")
}

fn counted(kinds: &Value) -> String {
    let all = kinds.as_object().into_iter().flatten();
    let told: Vec<String> = all.map(|(kind, count)| format!("{count} {kind}")).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{history_lines, line};

    #[test]
    fn locks_and_histories_are_told_for_people() {
        assert_eq!(line(&Value::Null), None);
        let renewed =
            json!({ "mode": "compliance", "days": 40, "files": 9, "renewed": 2, "until_ms": 1_790_000_000_000_i64 });
        assert_eq!(
            line(&renewed).as_deref(),
            Some("locked (compliance) until 2026-09-21T14:13:20Z: 9 files, 2 of them for longer than before")
        );
        assert!(
            line(&json!({ "mode": "governance", "days": 3 }))
                .is_some_and(|told| told.contains("by the bucket for 3 days"))
        );
        assert!(
            line(&json!({ "mode": "governance", "fault": "denied" })).is_some_and(|told| told.contains("NOT locked"))
        );
        let moment = json!({ "from_ms": 1_790_000_000_000_i64, "to_ms": 1_790_000_001_000_i64, "deleted": { "config": 1, "data": 7 },
            "overwritten": {}, "suspicion": "what opens the repository was deleted" });
        let main = json!({ "versions": 12, "since_ms": 1_780_000_000_000_i64, "moments": [moment] });
        let told = history_lines(
            &json!({ "main": main, "keys": { "none": "a folder keeps no old versions" }, "as_of": "2026-09-21T14:13:19Z" }),
        );
        assert!(told[1].contains("deleted: 1 config, 7 data  overwritten: nothing  SUSPICIOUS"), "{told:?}");
        assert!(told[2].contains("a folder keeps no old versions"), "{told:?}");
        assert!(told[3].ends_with("--as-of 2026-09-21T14:13:19Z`"), "{told:?}");
        let calm = json!({ "main": { "versions": 1, "since_ms": 0, "moments": [] }, "keys": { "none": "x" } });
        assert_eq!(history_lines(&calm).last().map(String::as_str), Some("nothing amiss"));
    }
}
