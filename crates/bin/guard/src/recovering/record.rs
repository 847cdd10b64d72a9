//! What an operator, or a schedule, does with backups, as it is recorded; and the canary: an object whose key is destroyed before
//! the backup, so that it must not open from any.

use model::event::{Activity, Outcome};
use model::{ObjectId, Scope, StudyId, VersionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault::VaultError;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// The study that canaries are sealed in. It has a key and is no bucket.
const CANARY_STUDY: &str = "lazaret-canary";
/// What a canary says.
const CANARY_TEXT: &[u8] = b"This was destroyed before the backup. Whoever reads it has a key that should be gone.";

/// What is asked of the guard around a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupRequest {
    /// Records that a backup begins, and makes its canary.
    Begin {
        /// What the backup is called.
        id: String,
    },
    /// Records what came of a backup, restore or drill.
    End {
        /// `backup`, `drill` or `restore`.
        kind: String,
        /// What it is called.
        id: String,
        /// What came of it, in words without names.
        told: String,
        /// Why it failed, as a code, if it did.
        failure: Option<String>,
    },
}

impl Guarded {
    pub(crate) async fn about_backups(
        &self,
        operator: &Operator,
        request: BackupRequest,
    ) -> Result<Vec<Value>, OpsError> {
        match request {
            BackupRequest::Begin { id } => {
                let mut event = self.by(operator).await?.event(Activity::Create);
                event.resource.entity = Some(format!("backup:{id}"));
                self.recorder.record(event).await?;
                let canary = self.canary().await?;
                // The copy of the record ends with a checkpoint: the beginning of the backup is in it.
                self.ledger.publish().await?;
                Ok(vec![json!({ "id": id, "canary": canary })])
            }
            BackupRequest::End { kind, id, told, failure } => {
                if !["backup", "drill", "restore"].contains(&kind.as_str()) {
                    return Err(OpsError::Wrong(format!("`{kind}` is none of backup, drill and restore")));
                }
                let mut event = self.by(operator).await?.event(Activity::Change);
                event.resource.entity = Some(format!("{kind}:{id}"));
                event.new = Some(told);
                if let Some(code) = failure {
                    event.outcome = Outcome::Failure { code: code.into() };
                }
                self.recorder.record(event).await?;
                Ok(vec![json!({ "id": id })])
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
