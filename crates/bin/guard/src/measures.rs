//! Measures about people beside containment, as incidents want them: who is watched more closely, and whose training ends because a course is
//! due. An entry says so first; then it is done.

use std::sync::Arc;

use identity::Attributes;
use incidents::case::{Case, What};
use incidents::desk::DeskError;
use model::{By, IncidentState, PrincipalKind};
use store::incidents::Incident;
use store::principals::Principal;
use watch::{Closer, Closers};

use crate::Guarded;
use crate::ops::OpsError;

fn wrong<T>(why: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Wrong(why.into()))
}

/// Whom an incident has watched more closely; an exercise, or one that is closed, has nobody watched.
pub(crate) fn watched_by(row: &Incident, case: &Case) -> Vec<Closer> {
    let is_real = !case.is_exercise && row.state != IncidentState::Closed;
    let closer = |one: &incidents::case::Watched| Closer {
        kind: one.kind.clone(),
        target: one.member.clone().unwrap_or_else(|| one.target.clone()),
        from_ms: one.since,
        until_ms: one.until,
        incident: row.id,
    };
    case.watched.iter().filter(|_| is_real).map(closer).collect()
}

impl Guarded {
    /// Who is watched more closely, as open incidents say.
    #[must_use]
    pub fn closers(&self) -> Arc<Closers> {
        Arc::clone(&self.closers)
    }

    /// Has somebody or something watched more closely, or ends that.
    pub(crate) async fn watch_closer(
        &self,
        by: &By,
        id: u32,
        kind: &str,
        target: &str,
        until: Option<i64>,
    ) -> Result<(), OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        if until.is_some_and(|until| until <= case.clock(by.now_ms)) {
            return wrong("a closer watch cannot end in the past; give a later end");
        }
        let on = until.is_some();
        let has = |name: &str| case.watched.iter().any(|one| one.kind == kind && one.target == name);
        let (kind, target, member) = if !on && has(target) {
            (kind.to_owned(), target.to_owned(), None)
        } else {
            self.to_be_watched(kind, target).await?
        };
        // Who is watched for longer already stays so.
        let is_longer =
            |until: i64| case.watched.iter().any(|one| one.kind == kind && one.target == target && one.until >= until);
        if until.is_some_and(is_longer) {
            return Ok(());
        }
        let (row, case) = self.incidents.add(id, What::CloserWatch { kind, target, on, until, member }, by).await?;
        self.closers.set(id, watched_by(&row, &case));
        Ok(())
    }

    /// What is meant: its kind, its name, and its id where that is another.
    async fn to_be_watched(&self, kind: &str, target: &str) -> Result<(String, String, Option<String>), OpsError> {
        let named = |kind: &str, one: Principal| (kind.to_owned(), one.name, Some(one.id.to_string()));
        Ok(match kind {
            "principal" => named(kind, self.somebody(target).await?),
            "device" => {
                let one = self.somebody(target).await?;
                if one.kind != PrincipalKind::Device {
                    return wrong(format!("`{target}` is no device; watch it as a principal"));
                }
                named(kind, one)
            }
            "finding" => {
                let none =
                    || OpsError::Wrong(format!("there is no finding `{target}`; `lazaret findings list` shows them"));
                let number: u32 = target.parse().map_err(|_no_number: std::num::ParseIntError| none())?;
                let found = store::findings::by_id(&self.store, number).await?.ok_or_else(none)?;
                let Some(principal) = found.principal else {
                    return wrong(format!("finding {number} is about nobody who is known; name whom to watch"));
                };
                named("principal", self.identity.by_id(principal).await?)
            }
            "object" => {
                let found = self.an_object(target).await?;
                let id = model::ObjectId::from_bytes(found.object).to_string();
                (kind.to_owned(), target.to_owned(), Some(id))
            }
            "access_key" => {
                let none = || OpsError::Wrong(format!("there is no access key `{target}`; check its id"));
                store::credentials::key(&self.store, target).await?.ok_or_else(none)?;
                (kind.to_owned(), target.to_owned(), None)
            }
            "partner" => {
                self.of_partner(target).await?;
                (kind.to_owned(), target.to_owned(), None)
            }
            "study" => {
                let study: model::StudyId =
                    target.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))?;
                if self.access.study(&study).is_none() {
                    return wrong(format!("there is no study `{study}`; check its name"));
                }
                (kind.to_owned(), target.to_owned(), None)
            }
            other => {
                return wrong(format!(
                    "`{other}` cannot be watched more closely; there are {}",
                    incidents::case::WATCHED.join(", ")
                ));
            }
        })
    }

    /// Assigns a course: from the day on which it is due the training of whoever has to take it no longer counts, until somebody says that
    /// they took it. Without `due_at` it is taken back.
    pub(crate) async fn train(
        &self,
        by: &By,
        id: u32,
        course: &str,
        name: &str,
        due_at: Option<i64>,
    ) -> Result<(), OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        let who = self.somebody(name).await?;
        let member = who.id.to_string();
        let assigned = case.trained.iter().find(|one| one.course == course && one.member == member);
        let Some(due_at) = due_at else {
            let before = assigned.cloned();
            let (course, on) = (course.to_owned(), false);
            let what = What::Training { course, name: who.name.clone(), member, on, due_at: None, until_before: None };
            self.incidents.add(id, what, by).await?;
            let Some(before) = before.filter(|_| !case.is_exercise) else { return Ok(()) };
            // What somebody else set meanwhile stays.
            if who.training_until == Some(before.due_at) && before.until_before > who.training_until {
                self.set_training(&who, before.until_before, by).await?;
            }
            return Ok(());
        };
        if !matches!(who.kind, PrincipalKind::Person | PrincipalKind::Partner) {
            return wrong(format!("`{}` is a {} and takes no courses; name a person", who.name, who.kind));
        }
        if due_at <= case.clock(by.now_ms) {
            return wrong("a course cannot be due in the past; give a later day");
        }
        let due_at = match assigned {
            Some(assigned) => assigned.due_at,
            None => {
                let what = What::Training {
                    course: course.to_owned(),
                    name: who.name.clone(),
                    member,
                    on: true,
                    due_at: Some(due_at),
                    until_before: who.training_until,
                };
                case.check(&what).map_err(DeskError::from)?;
                self.incidents.add(id, what, by).await?;
                due_at
            }
        };
        if !case.is_exercise && who.training_until.is_some_and(|until| until > due_at) {
            self.set_training(&who, Some(due_at), by).await?;
        }
        Ok(())
    }

    async fn set_training(&self, who: &Principal, training_until: Option<i64>, by: &By) -> Result<(), OpsError> {
        let attributes = Attributes { training_until, agreement_until: who.agreement_until };
        self.identity.set_attributes(who.id, &attributes, by).await?;
        Ok(())
    }
}
