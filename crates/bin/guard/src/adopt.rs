//! Adopting what lies in clear: one object of a folder or bucket sealed into a study, and the original taken away where that
//! was asked for.

use futures_util::StreamExt as _;
use gateway::{Adoption, Candidate};
use landscape::sources::SourceSpec;
use landscape::sources::whole::Lying;
use model::event::{Activity, Detail};
use model::{Scope, StudyId};
use serde_json::{Value, json};

use crate::Guarded;
use crate::ops::{Operator, OpsError};

/// One object to adopt.
#[derive(Debug, Clone, Copy)]
pub struct ToAdopt<'a> {
    /// Into which study.
    pub study: &'a StudyId,
    /// Put before its name.
    pub prefix: &'a str,
    /// The folder or bucket, as [`SourceSpec`] reads it.
    pub from: &'a str,
    /// Its name there.
    pub name: &'a str,
    /// Whether the original goes once it is sealed.
    pub removes: bool,
}

impl Guarded {
    /// Seals an object into a study. What was adopted before is left as it is; its original still goes where that is asked for.
    ///
    /// # Errors
    /// When it cannot be read, another object has its name, or something does not answer. The original stays then.
    pub async fn adopt(&self, operator: &Operator, what: ToAdopt<'_>) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let spec: SourceSpec = what.from.parse()?;
        let lying = Lying::open(&spec, what.name).await?;
        let (name, from) = (format!("{}{}", what.prefix, what.name), spec.shown(what.name));
        let candidate =
            Candidate { study: what.study, name: &name, from: &from, bytes: lying.bytes, stamp: &lying.stamp };
        let adopted = self.gateway.adopt(&by, &candidate, lying.read().boxed()).await?;
        let mut told = match adopted {
            Adoption::Sealed { version, labels, subjects } => json!({
                "object": name, "state": "sealed", "bytes": lying.bytes, "version": version, "labels": labels,
                "subjects": subjects, "removed": false,
            }),
            Adoption::Already => json!({ "object": name, "state": "already", "bytes": lying.bytes, "removed": false }),
        };
        if what.removes {
            let mut event = by.event(Activity::Remove);
            event.resource.study = Some(what.study.clone());
            event.reason = Some("adopted and sealed".to_owned());
            let scope = Scope::Study(what.study.clone());
            event.details.push(Detail { field: "adopted.from".into(), scope, value: from });
            self.recorder.record(event).await?;
            lying.remove().await.map_err(|source| OpsError::Original { source })?;
            if let Some(told) = told.as_object_mut() {
                told.insert("removed".to_owned(), Value::Bool(true));
            }
        }
        Ok(told)
    }
}
