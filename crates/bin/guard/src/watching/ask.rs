//! What an operator asks about findings.

use findings::{Change, Findings, FindingsError, NewSuppression};
use model::event::{Activity, Resource};
use model::{By, Event, FindingState, StudyId, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use store::findings::{self as table, Finding, Wanted};
use watch::Ranking;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// A question about findings, or a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingsRequest {
    /// The most urgent, in a state or in any.
    List {
        /// `any` for all; new and in progress where none is given.
        state: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// What one tells, with its evidence.
    Show {
        /// Its number.
        id: u32,
    },
    /// Does something about one.
    Change {
        /// Its number.
        id: u32,
        /// `take-up`, `reopen`, `note`, `unmask`, or a verdict.
        what: String,
        /// Why.
        reason: String,
    },
    /// Makes a suppression.
    Suppress {
        /// Of this rule.
        rule: String,
        /// By this actor alone.
        name: Option<String>,
        /// In this study alone.
        study: Option<StudyId>,
        /// Until when, in milliseconds since 1970.
        until: i64,
        /// Why.
        reason: String,
    },
    /// Suppressions that hold.
    Suppressions,
    /// Ends one.
    EndSuppression {
        /// Its number.
        id: u32,
        /// Why.
        reason: String,
    },
    /// How rules fare.
    Rules,
}

impl Guarded {
    /// Findings, for who asks about them.
    fn desk(&self) -> Result<Findings, OpsError> {
        let ranking = Ranking::shipped().map_err(|error| OpsError::Wrong(error.to_string()))?;
        let envelope = Arc::new(self.vault.clone());
        Ok(Findings::new(self.store.clone(), Arc::clone(&self.recorder), envelope, ranking))
    }

    /// Answers a question about findings, or does what is decided.
    ///
    /// # Errors
    /// When there is no such finding, a reason is missing, or something does not answer.
    pub async fn about_findings(&self, operator: &Operator, request: FindingsRequest) -> Result<Vec<Value>, OpsError> {
        let desk = self.desk()?;
        match request {
            FindingsRequest::List { state, limit } => {
                let wanted = match state.as_deref() {
                    None => Wanted::default(),
                    Some("any") => Wanted { any_state: true, ..Wanted::default() },
                    Some(name) => Wanted { state: Some(known::<FindingState>(name)?), ..Wanted::default() },
                };
                let found = table::ranked(&self.store, &wanted, None, limit).await?;
                Ok(found.iter().map(told).collect())
            }
            FindingsRequest::Show { id } => {
                let by = self.by(operator).await?;
                Ok(vec![self.finding_shown(&desk, id, &by).await?])
            }
            FindingsRequest::Change { id, what, reason } => {
                let change = match what.as_str() {
                    "take-up" => Change::TakeUp,
                    "reopen" => Change::Reopen,
                    "note" => Change::Note,
                    "unmask" => Change::Unmask,
                    verdict => Change::Resolve(known::<Verdict>(verdict)?),
                };
                let by = self.by(operator).await?;
                let finding = desk.change(id, change, &reason, &by).await?;
                let mut value = told(&finding);
                if change == Change::Unmask
                    && let Some(principal) = finding.principal
                    && let Some(principal) = store::principals::by_id(&self.store, principal).await?
                    && let Some(value) = value.as_object_mut()
                {
                    value.insert("name".to_owned(), json!(principal.name));
                }
                Ok(vec![value])
            }
            FindingsRequest::Suppress { rule, name, study, until, reason } => {
                let by = self.by(operator).await?;
                let principal = match name {
                    Some(name) => Some(self.identity.by_name(&name).await?.id),
                    None => None,
                };
                let id = desk.suppress(NewSuppression { rule, principal, study, until }, &reason, &by).await?;
                Ok(vec![json!({ "suppression": id })])
            }
            FindingsRequest::Suppressions => {
                let holding = store::suppressions::holding(&self.store, outside::now()).await?;
                Ok(holding
                    .iter()
                    .map(|one| {
                        json!({
                            "suppression": one.id, "rule": one.rule, "principal": one.principal, "study": one.study,
                            "until": time(one.until), "matches": one.hits,
                        })
                    })
                    .collect())
            }
            FindingsRequest::EndSuppression { id, reason } => {
                let by = self.by(operator).await?;
                let held = desk.end_suppression(id, &reason, &by).await?;
                Ok(vec![json!({ "suppression": id, "held": held })])
            }
            FindingsRequest::Rules => self.rules_told().await,
        }
    }

    /// A finding with its story. That it is looked at is recorded first.
    async fn finding_shown(&self, desk: &Findings, id: u32, by: &By) -> Result<Value, OpsError> {
        let finding = desk.finding(id).await?;
        let mut event = Event::new(Activity::Look, by.now_ms, "cli");
        event.actor = Some(by.actor.clone());
        event.origin = by.origin.clone();
        event.resource = Resource { entity: Some(format!("finding:{}", finding.uid)), ..Resource::default() };
        self.recorder.record(event).await?;
        let story = desk.story(&finding).await?;
        let evidence = table::evidence(&self.store, id).await?;
        let mut notes = Vec::new();
        for note in table::notes(&self.store, id).await? {
            let words = desk.words(&finding.uid, note.at, &note.text_sealed).await?;
            notes.push(json!({ "what": note.what, "by": note.by, "at": time(note.at), "text": words }));
        }
        let mut value = told(&finding);
        if let Some(value) = value.as_object_mut() {
            value.insert("story".to_owned(), serde_json::to_value(story).unwrap_or_default());
            let entries: Vec<u64> = evidence.iter().map(|(entry, _)| *entry).collect();
            value.insert("entries".to_owned(), json!(entries));
            value.insert("notes".to_owned(), json!(notes));
        }
        Ok(value)
    }

    async fn rules_told(&self) -> Result<Vec<Value>, OpsError> {
        let library =
            super::library(&self.data_dir.join(super::RULES)).map_err(|error| OpsError::Wrong(error.to_string()))?;
        let mut lines = Vec::new();
        let heads = library.rules.iter().chain(library.correlations.iter().map(|correlation| &correlation.head));
        for rule in heads {
            let hits = table::hits_of(&self.store, &rule.id).await?.unwrap_or_default();
            lines.push(json!({
                "id": rule.id, "level": rule.level.as_str(), "title": rule.title, "matches": hits.matches,
                "findings": hits.findings, "confirmed": hits.confirmed, "dismissed": hits.dismissed,
                "last": (hits.matches > 0).then(|| time(hits.last_at)),
            }));
        }
        for rejected in &library.rejected {
            lines.push(json!({ "rejected": rejected.path, "why": rejected.why }));
        }
        Ok(lines)
    }
}

fn known<T: std::str::FromStr<Err = model::UnknownName>>(name: &str) -> Result<T, OpsError> {
    name.parse().map_err(|error: model::UnknownName| OpsError::Wrong(error.to_string()))
}

fn time(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

fn told(finding: &Finding) -> Value {
    json!({
        "finding": finding.id, "uid": finding.uid, "rank": finding.rank, "level": finding.level, "title": finding.title,
        "rule": finding.rule, "found_by": finding.found_by.as_str(), "state": finding.state.as_str(),
        "verdict": finding.verdict.map(Verdict::as_str), "principal": finding.principal, "study": finding.study,
        "labels": finding.labels, "subjects": finding.subjects, "matches": finding.matches, "tags": finding.tags,
        "first": time(finding.first_at), "last": time(finding.last_at), "found": time(finding.found_at),
        "owner": finding.owner,
    })
}

impl From<FindingsError> for OpsError {
    fn from(error: FindingsError) -> Self {
        Self::Findings(Box::new(error))
    }
}
