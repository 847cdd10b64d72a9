//! What an operator, or a schedule, does with backups, as it is recorded; and the canary: an object whose key is destroyed before
//! the backup, so that it must not open from any.

use model::event::{Activity, Outcome};
use model::{By, ObjectId, RecoveryKind, RecoveryState, Scope, StudyId, VersionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::recovery::{self as reports, Report};
use vault::VaultError;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// The study that canaries are sealed in. It has a key and is no bucket.
const CANARY_STUDY: &str = "lazaret-canary";
/// What a canary says.
const CANARY_TEXT: &[u8] = b"This was destroyed before the backup. Whoever reads it has a key that should be gone.";

/// Elements of a list that a report keeps, characters of a text, and bytes of the whole.
const LIST_MAX: usize = 200;
const TEXT_MAX: usize = 4_000;
const REPORT_BYTES_MAX: usize = 256 << 10;

/// What is asked of the guard around a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupRequest {
    /// Records that a backup begins, and makes its canary.
    Begin {
        /// What the backup is called.
        id: String,
    },
    /// Records what came of a backup, check, drill or look, and keeps its report.
    End {
        /// Which of them.
        kind: RecoveryKind,
        /// What it is called.
        id: String,
        /// What came of it, in words without names.
        told: String,
        /// When it began, in milliseconds since 1970, UTC.
        began_at: i64,
        /// How it came out.
        state: RecoveryState,
        /// The main repository's snapshot that it made or is about.
        snapshot: Option<String>,
        /// The whole report.
        report: Value,
    },
}

impl Guarded {
    pub(crate) async fn about_backups(
        &self,
        operator: &Operator,
        request: BackupRequest,
    ) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        self.about_backups_by(&by, request).await
    }

    /// Records what is done about backups on behalf of somebody, and keeps the reports.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn about_backups_by(&self, by: &By, request: BackupRequest) -> Result<Vec<Value>, OpsError> {
        // Whoever asked did so when it began.
        let by = By { now_ms: outside::now(), ..by.clone() };
        match request {
            BackupRequest::Begin { id } => {
                let mut event = by.event(Activity::Create);
                event.resource.entity = Some(format!("{}:{id}", RecoveryKind::Backup));
                let entry = self.recorder.record(event).await?.index;
                let new = Report {
                    id: 0,
                    kind: RecoveryKind::Backup,
                    name: id.clone(),
                    state: RecoveryState::Running,
                    began_at: by.now_ms,
                    ended_at: None,
                    by: by.actor.id,
                    through: by.origin.through.to_string(),
                    snapshot: None,
                    began_entry: Some(entry),
                    ended_entry: None,
                };
                reports::put(&self.store, &new, "{}", reports::KEPT_MAX).await?;
                let canary = self.canary().await?;
                // The copy of the record ends with a checkpoint: the beginning of the backup is in it.
                self.ledger.publish().await?;
                Ok(vec![json!({ "id": id, "canary": canary })])
            }
            BackupRequest::End { kind, id, told, began_at, state, snapshot, report } => {
                let mut event = by.event(Activity::Change);
                event.resource.entity = Some(format!("{kind}:{id}"));
                event.new = Some(told);
                if let Some(what) = failure(state) {
                    event.outcome = Outcome::Failure { code: format!("{kind}:{what}").into() };
                }
                let entry = self.recorder.record(event).await?.index;
                let ended = Report {
                    id: 0,
                    kind,
                    name: id.clone(),
                    state,
                    began_at,
                    ended_at: Some(by.now_ms),
                    by: by.actor.id,
                    through: by.origin.through.to_string(),
                    snapshot,
                    began_entry: None,
                    ended_entry: Some(entry),
                };
                reports::put(&self.store, &ended, &text(report), reports::KEPT_MAX).await?;
                Ok(vec![json!({ "id": id, "entry": entry })])
            }
        }
    }

    /// Seals an object, opens it, destroys its key, and makes sure that it does not open any more.
    async fn canary(&self) -> Result<Value, OpsError> {
        let study: StudyId =
            CANARY_STUDY.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))?;
        let random = outside::random_16();
        let (object, version) = (ObjectId::from_bytes(random()), VersionId::from_bytes(random()));
        self.vault.study_key(&study).await?;
        let mut writer = self.vault.writer(&study, object, version).await?;
        writer.write(CANARY_TEXT).await?;
        let part = writer.finish().await?;
        let sealed = self.vault.commit(&study, object, version, &[part]).await?;
        if super::proof::open(&self.vault, &sealed).await? != CANARY_TEXT.len() as u64 {
            return Err(OpsError::Wrong(
                "the canary of the backup does not open before its key is destroyed".to_owned(),
            ));
        }
        self.vault.shred(&Scope::Object(object)).await?;
        match super::proof::open(&self.vault, &sealed).await {
            Err(VaultError::Destroyed { .. }) => {}
            _ => return Err(OpsError::Wrong("the canary of the backup opens though its key was destroyed".to_owned())),
        }
        serde_json::to_value(&sealed).map_err(|error| OpsError::Wrong(error.to_string()))
    }
}

/// What went wrong, as the end of a code.
const fn failure(state: RecoveryState) -> Option<&'static str> {
    match state {
        RecoveryState::Running | RecoveryState::Holds | RecoveryState::Unproven => None,
        RecoveryState::Broken => Some("not-proven"),
        RecoveryState::Failed => Some("failed"),
        RecoveryState::Stopped => Some("stopped"),
    }
}

/// A report as it is kept: long lists and texts are cut, and it is said how much was left out.
fn text(report: Value) -> String {
    let text = shortened(report.clone()).to_string();
    if text.len() <= REPORT_BYTES_MAX {
        return text;
    }
    // What is still too long has long parts: the plain values at its top tell the most.
    let Value::Object(all) = report else { return "{}".to_owned() };
    let plain = all.into_iter().filter(|(_, value)| !value.is_array() && !value.is_object());
    let mut kept: Map<String, Value> = plain.map(|(name, value)| (name, shortened(value))).collect();
    kept.insert("left_out".to_owned(), json!("the report was too long to be kept whole"));
    Value::Object(kept).to_string()
}

fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => {
            Value::String(text.chars().take(TEXT_MAX).chain(['…']).collect())
        }
        Value::Array(all) => {
            let left_out = all.len().saturating_sub(LIST_MAX);
            let mut kept: Vec<Value> = all.into_iter().take(LIST_MAX).map(shortened).collect();
            if left_out > 0 {
                kept.push(json!({ "left_out": left_out }));
            }
            Value::Array(kept)
        }
        Value::Object(all) => Value::Object(all.into_iter().map(|(name, one)| (name, shortened(one))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LIST_MAX, REPORT_BYTES_MAX, TEXT_MAX, text};

    #[test]
    fn a_report_is_kept_whole_unless_it_is_long() {
        let short = json!({ "holds": true, "problems": [{ "path": "a", "why": "b" }], "none": null });
        assert_eq!(text(short.clone()), short.to_string());
        let problems: Vec<Value> = (0..LIST_MAX + 7).map(|at| json!({ "path": at })).collect();
        let long: Value =
            serde_json::from_str(&text(json!({ "problems": problems, "why": "é".repeat(9_000) }))).unwrap();
        assert_eq!(long["problems"].as_array().unwrap().len(), LIST_MAX + 1);
        assert_eq!(long["problems"][LIST_MAX]["left_out"], 7);
        assert_eq!(long["why"].as_str().unwrap().chars().count(), TEXT_MAX + 1);
        let huge: Vec<String> = (0..LIST_MAX).map(|_| "x".repeat(TEXT_MAX)).collect();
        let kept = text(json!({ "holds": false, "faults": huge }));
        let told: Value = serde_json::from_str(&kept).unwrap();
        assert!(kept.len() < REPORT_BYTES_MAX && told["holds"] == false && told["faults"].is_null(), "{kept}");
    }
}
