//! What people do about findings. Each step is recorded, with its reason, before it takes effect.

use model::event::{Activity, Detail, Resource};
use model::{By, Event, FindingState, PrincipalId, StudyId, Verdict};
use store::findings::{self, Finding, Hits, Note};
use store::suppressions::{self, Suppression};

use crate::{Findings, FindingsError, day_of};

/// Characters of a reason.
pub const REASON_MAX: usize = 1_000;
/// How long a suppression may hold, in milliseconds: 90 days. Our own choice: nothing is looked away from for ever.
pub const SUPPRESSION_MS_MAX: i64 = 90 * 24 * 60 * 60_000;

/// What somebody does about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Looks into it.
    TakeUp,
    /// Settles it.
    Resolve(Verdict),
    /// Opens it again.
    Reopen,
    /// Says something.
    Note,
    /// Learns who it is about.
    Unmask,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TakeUp => "take-up",
            Self::Resolve(verdict) => verdict.as_str(),
            Self::Reopen => "reopen",
            Self::Note => "note",
            Self::Unmask => "unmask",
        }
    }
}

/// A suppression to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuppression {
    /// Of this rule.
    pub rule: String,
    /// By this actor; `None`: by anybody.
    pub principal: Option<PrincipalId>,
    /// In this study; `None`: in any or none.
    pub study: Option<StudyId>,
    /// Until when, in milliseconds since 1970, UTC.
    pub until: i64,
}

impl Findings {
    /// The finding with `id`.
    ///
    /// # Errors
    /// When there is none or the store does not answer.
    pub async fn finding(&self, id: u32) -> Result<Finding, FindingsError> {
        findings::by_id(&self.store, id).await?.ok_or(FindingsError::Missing(id))
    }

    /// Does something about a finding; `reason` says why, and may be empty only where it is taken up.
    ///
    /// # Errors
    /// When there is none, a reason is missing, somebody else changed it meanwhile, or something does not answer.
    pub async fn change(&self, id: u32, change: Change, reason: &str, by: &By) -> Result<Finding, FindingsError> {
        let reason = checked(reason, change == Change::TakeUp)?;
        let before = self.finding(id).await?;
        let from = before.settled();
        let mut to = from;
        match change {
            Change::TakeUp => {
                to.state = FindingState::InProgress;
                to.owner = Some(by.actor.id);
            }
            Change::Resolve(verdict) => {
                to.state = FindingState::Resolved;
                to.verdict = Some(verdict);
                to.owner = to.owner.or(Some(by.actor.id));
            }
            Change::Reopen => {
                to.state = FindingState::InProgress;
                to.verdict = None;
            }
            Change::Note | Change::Unmask => {}
        }
        let mut event = self.event(Activity::Change, &format!("finding:{}", before.uid), reason, by);
        event.resource.study.clone_from(&before.study);
        event.action = None;
        event.reason = Some(change.as_str().to_owned());
        event.old = Some(words(&before));
        event.new = Some(format!("state={} verdict={}", to.state, to.verdict.map_or("none", Verdict::as_str)));
        self.recorder.record(event).await?;
        let text_sealed = self.seal_words(&before.uid, by.now_ms, reason).await?;
        let mut transaction = self.store.begin().await?;
        if to != from && !findings::settle(&mut transaction, id, (from, to), by.now_ms).await? {
            return Err(FindingsError::Changed(id));
        }
        let what = change.as_str().to_owned();
        let note = Note { id: 0, finding: id, by: by.actor.id, at: by.now_ms, what, text_sealed };
        findings::add_note(&mut transaction, &note).await?;
        let (confirmed, dismissed) = counted(from.verdict, to.verdict);
        if (confirmed, dismissed) != (0, 0) {
            findings::count_verdict(&mut transaction, &before.rule, (confirmed, dismissed)).await?;
        }
        transaction.commit().await?;
        self.finding(id).await
    }

    /// Makes a suppression; its number.
    ///
    /// # Errors
    /// When it has no rule or reason, ends in the past or too late, or something does not answer.
    pub async fn suppress(&self, new: NewSuppression, reason: &str, by: &By) -> Result<u32, FindingsError> {
        let reason = checked(reason, false)?;
        let wrong = |why: &str| Err(FindingsError::Wrong(why.to_owned()));
        if new.rule.trim().is_empty() {
            return wrong("a suppression is of one rule; give its id");
        }
        if new.until <= by.now_ms {
            return wrong("the suppression would be over already; give a later day");
        }
        if new.until > by.now_ms.saturating_add(SUPPRESSION_MS_MAX) {
            return wrong("a suppression holds for 90 days at most; give an earlier day");
        }
        let mut event = self.event(Activity::Create, &format!("suppression:{}", new.rule), reason, by);
        event.resource.study.clone_from(&new.study);
        event.new = Some(format!(
            "principal={} until={}",
            new.principal.map_or_else(|| "any".to_owned(), |principal| principal.to_string()),
            new.until
        ));
        self.recorder.record(event).await?;
        let reason_sealed = self.seal_words(&new.rule, by.now_ms, reason).await?;
        let kept = Suppression {
            id: 0,
            rule: new.rule,
            principal: new.principal,
            study: new.study,
            reason_sealed,
            by: by.actor.id,
            created_at: by.now_ms,
            until: new.until,
            hits: 0,
        };
        Ok(suppressions::create(&self.store, &kept).await?)
    }

    /// Ends a suppression; whether it held.
    ///
    /// # Errors
    /// When a reason is missing or something does not answer.
    pub async fn end_suppression(&self, id: u32, reason: &str, by: &By) -> Result<bool, FindingsError> {
        let reason = checked(reason, false)?;
        self.recorder.record(self.event(Activity::Remove, &format!("suppression:{id}"), reason, by)).await?;
        Ok(suppressions::end(&self.store, id, by.now_ms).await?)
    }

    fn event(&self, activity: Activity, entity: &str, reason: &str, by: &By) -> Event {
        let mut event = Event::new(activity, by.now_ms, "watch");
        event.actor = Some(by.actor.clone());
        event.origin = by.origin.clone();
        event.resource = Resource { entity: Some(entity.to_owned()), ..Resource::default() };
        if !reason.is_empty() {
            event.details = vec![Detail { field: "reason".into(), scope: day_of(by.now_ms), value: reason.to_owned() }];
        }
        event
    }

    async fn seal_words(&self, context: &str, at: i64, words: &str) -> Result<Vec<u8>, FindingsError> {
        Ok(self.envelope.seal(&day_of(at), context.as_bytes(), words.as_bytes()).await?)
    }
}

fn words(finding: &Finding) -> String {
    format!("state={} verdict={}", finding.state, finding.verdict.map_or("none", Verdict::as_str))
}

/// A reason without what stands around it.
fn checked(reason: &str, may_be_empty: bool) -> Result<&str, FindingsError> {
    let reason = reason.trim();
    if reason.is_empty() && !may_be_empty {
        return Err(FindingsError::Wrong("a reason is missing; say why in a few words".to_owned()));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(FindingsError::Wrong(format!("the reason has more than {REASON_MAX} characters; say it shorter")));
    }
    Ok(reason)
}

/// What a changed verdict adds to confirmed and dismissed findings.
fn counted(from: Option<Verdict>, to: Option<Verdict>) -> (i64, i64) {
    let count = |verdict: Option<Verdict>| match verdict {
        None => (0, 0),
        Some(Verdict::TruePositive) => (1, 0),
        Some(Verdict::FalsePositive | Verdict::Benign) => (0, 1),
    };
    let ((was_right, was_wrong), (is_right, is_wrong)) = (count(from), count(to));
    (is_right - was_right, is_wrong - was_wrong)
}

/// How a rule fares, for [`Findings::change`]'s callers.
impl Findings {
    /// How the rule with `id` fares.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn hits_of(&self, id: &str) -> Result<Option<Hits>, FindingsError> {
        Ok(findings::hits_of(&self.store, id).await?)
    }
}
