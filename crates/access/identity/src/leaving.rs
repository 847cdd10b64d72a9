//! Notice of leaving: noted here by people, or told by a directory over SCIM. The watch over behaviour gives what such a person does
//! more weight.

use model::event::{Activity, Detail};
use model::{By, PrincipalId, PrincipalKind, Scope};
use store::leaving::{self, Leaving};
use store::principals::Principal;
use store::{Store, StoreError, provisioning};

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::told;
use crate::scim;

/// The last day of somebody who leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDay {
    /// A date of RFC 3339.
    pub date: String,
    /// Whether a directory says so, and nobody here.
    pub from_directory: bool,
}

/// The last day of a principal, if it is known: what was noted here, or else what the directory that provisioned it says.
///
/// # Errors
/// When the store refuses.
pub async fn last_day_of(store: &Store, id: PrincipalId) -> Result<Option<LastDay>, StoreError> {
    if let Some(noted) = leaving::of(store, id).await? {
        return Ok(Some(LastDay { date: noted.last_day, from_directory: false }));
    }
    let said = provisioning::of(store, id).await?.and_then(|said| scim::leaves_on(&said.details));
    Ok(said.map(|date| LastDay { date, from_directory: true }))
}

impl Identity {
    /// Notes the last day of somebody who leaves, a date such as `2026-03-31`; none takes the notice back. The day is recorded
    /// sealed: it is a fact about a person.
    ///
    /// # Errors
    /// When it is no date, the principal is none or no person, there is no notice here to take back, it cannot be recorded, or the
    /// store refuses.
    pub async fn note_leaving(&self, id: PrincipalId, last_day: Option<&str>, by: &By) -> Result<(), IdentityError> {
        let principal = self.by_id(id).await?;
        let wrong = |what: String| Err(IdentityError::Wrong { what });
        if !matches!(principal.kind, PrincipalKind::Person | PrincipalKind::Partner) {
            return wrong(format!("`{}` is a {}; people leave", principal.name, principal.kind));
        }
        let Some(last_day) = last_day.map(str::trim) else {
            return match last_day_of(&self.store, id).await? {
                Some(LastDay { from_directory: false, .. }) => {
                    let event = event(&principal, "withdrawn", None, by);
                    self.effect(event, leaving::remove(&self.store, id)).await.map(|_was_there| ())
                }
                Some(_) => {
                    let what = "the notice of `{}` comes from a directory; have `leavesOn` removed there";
                    wrong(what.replace("{}", &principal.name))
                }
                None => wrong(format!("there is no notice of leaving of `{}`", principal.name)),
            };
        };
        if !scim::is_date(last_day) {
            return wrong(format!("`{last_day}` is no date; give the last day, such as `2026-03-31`"));
        }
        let event = event(&principal, "given", Some(last_day), by);
        let notice =
            Leaving { principal: id, last_day: last_day.to_owned(), noted_at: by.now_ms, noted_by: by.actor.id };
        self.effect(event, leaving::put(&self.store, &notice)).await
    }

    /// The last day of a principal, if it is known.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn last_day_of(&self, id: PrincipalId) -> Result<Option<LastDay>, IdentityError> {
        Ok(last_day_of(&self.store, id).await?)
    }
}

fn event(principal: &Principal, what: &str, last_day: Option<&str>, by: &By) -> model::Event {
    let mut event = told(Activity::Change, principal, by);
    event.new = Some(format!("notice_of_leaving={what}"));
    if let Some(last_day) = last_day {
        let scope = Scope::Principal(principal.id);
        event.details.push(Detail { field: "leaves_on".into(), scope, value: last_day.to_owned() });
    }
    event
}
