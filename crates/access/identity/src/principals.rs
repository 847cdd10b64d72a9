//! Principals: created, changed, contained, disabled.

use model::event::{Activity, Detail};
use model::{By, Event, PrincipalId, PrincipalKind, Scope};
use store::principals::{self, Principal};
use store::{credentials, users};

use crate::Identity;
use crate::error::IdentityError;
use crate::secret::draw;

/// Longest name, in characters.
const NAME_MAX: usize = 128;
/// Longest issuer and subject, in characters: `sub` has 255 at most (OpenID Connect Core 1.0 section 2).
const EXTERNAL_MAX: usize = 255;

/// A principal to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrincipal {
    /// What kind of actor it is.
    pub kind: PrincipalKind,
    /// Its name, which no other that is not disabled has.
    pub name: String,
    /// The partner organisation that it belongs to; partners need one.
    pub organisation: Option<String>,
}

/// What policy asks about a principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Until when its training is current, in milliseconds since 1970, UTC.
    pub training_until: Option<i64>,
    /// Until when the agreement with its organisation holds.
    pub agreement_until: Option<i64>,
}

impl Identity {
    /// Creates a principal under a new random id.
    ///
    /// # Errors
    /// When the name is none or taken, it cannot be recorded, or the store refuses.
    pub async fn create(&self, new: NewPrincipal, by: &By) -> Result<Principal, IdentityError> {
        self.create_for(new, None, by).await
    }

    /// The principal that a user of the console is; created when it is asked for the first time.
    ///
    /// # Errors
    /// When there is no such user, its name is another principal's, it cannot be recorded, or the store refuses.
    pub async fn of_user(&self, user_id: u32, by: &By) -> Result<Principal, IdentityError> {
        if let Some(found) = principals::of_user(&self.store, user_id).await? {
            return Ok(found);
        }
        let missing = || IdentityError::Missing { what: "user", id: user_id.to_string() };
        let user = users::by_id(&self.store, user_id).await?.ok_or_else(missing)?;
        let new = NewPrincipal { kind: PrincipalKind::Person, name: user.name, organisation: None };
        self.create_for(new, Some(user_id), by).await
    }

    /// The principal that a user of the console is, if it was asked for before; none is made.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn known_user(&self, user_id: u32) -> Result<Option<Principal>, IdentityError> {
        Ok(principals::of_user(&self.store, user_id).await?)
    }

    async fn create_for(&self, new: NewPrincipal, user_id: Option<u32>, by: &By) -> Result<Principal, IdentityError> {
        let name = name(&new.name)?.to_owned();
        if new.kind == PrincipalKind::Partner && new.organisation.is_none() {
            let what = "a partner belongs to an organisation; say to which".to_owned();
            return Err(IdentityError::Wrong { what });
        }
        if principals::by_name(&self.store, &name).await?.is_some() {
            return Err(store::StoreError::Exists { what: "principal", name }.into());
        }
        let mut id = [0; 16];
        id.iter_mut().zip(draw(&self.random)?.iter()).for_each(|(to, from)| *to = *from);
        let principal = Principal {
            id: PrincipalId::from_bytes(id),
            kind: new.kind,
            name,
            user_id,
            organisation: new.organisation,
            training_until: None,
            agreement_until: None,
            contained_at: None,
            created_at: by.now_ms,
            disabled_at: None,
        };
        let mut event = told(Activity::AccountCreate, &principal, by);
        event.new = Some(format!("kind={}", principal.kind));
        let scope = Scope::Principal(principal.id);
        event.details.push(Detail { field: "principal.name".into(), scope, value: principal.name.clone() });
        self.effect(event, principals::create(&self.store, &principal)).await?;
        Ok(principal)
    }

    /// The principal of a standing name, such as a rule, created when it is first needed.
    ///
    /// # Errors
    /// As [`Identity::create`].
    pub async fn standing(&self, name: &str, by: &By) -> Result<Principal, IdentityError> {
        match principals::by_name(&self.store, name).await? {
            Some(found) => Ok(found),
            None => {
                let new = NewPrincipal { kind: PrincipalKind::Service, name: name.to_owned(), organisation: None };
                self.create(new, by).await
            }
        }
    }

    /// Lets a principal use the console as the user `user_id`.
    ///
    /// # Errors
    /// When there is no such principal, it is another user, it cannot be recorded, or the store refuses.
    pub async fn give_user(&self, id: PrincipalId, user_id: u32, by: &By) -> Result<Principal, IdentityError> {
        let principal = self.living(id).await?;
        if principal.user_id.is_some_and(|known| known != user_id) {
            let what = format!("`{}` is another user of the console already", principal.name);
            return Err(IdentityError::Wrong { what });
        }
        self.change(id, by, None, |principal| principal.user_id = Some(user_id)).await
    }

    /// The principal with `id`, disabled or not.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn by_id(&self, id: PrincipalId) -> Result<Principal, IdentityError> {
        let missing = || IdentityError::Missing { what: "principal", id: id.to_string() };
        principals::by_id(&self.store, id).await?.ok_or_else(missing)
    }

    /// The principal called `name` that is not disabled.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn by_name(&self, name: &str) -> Result<Principal, IdentityError> {
        let missing = || IdentityError::Missing { what: "principal", id: name.to_owned() };
        principals::by_name(&self.store, name).await?.ok_or_else(missing)
    }

    /// Sets what policy asks about a principal.
    ///
    /// # Errors
    /// When there is none, it cannot be recorded, or the store refuses.
    pub async fn set_attributes(
        &self,
        id: PrincipalId,
        attributes: &Attributes,
        by: &By,
    ) -> Result<Principal, IdentityError> {
        self.change(id, by, None, |principal| {
            principal.training_until = attributes.training_until;
            principal.agreement_until = attributes.agreement_until;
        })
        .await
    }

    /// Lets a principal reach nothing from now on, or ends that: a measure of an incident.
    ///
    /// # Errors
    /// As [`Identity::set_attributes`].
    pub async fn contain(&self, id: PrincipalId, contained: bool, by: &By) -> Result<Principal, IdentityError> {
        let since = contained.then_some(by.now_ms);
        self.change(id, by, None, |principal| principal.contained_at = since).await
    }

    /// Shuts a principal out: its credentials and sessions work no more from this moment on. Its id stays its own.
    ///
    /// # Errors
    /// As [`Identity::set_attributes`].
    pub async fn disable(&self, id: PrincipalId, by: &By) -> Result<Principal, IdentityError> {
        let now = by.now_ms;
        let shut = |principal: &mut Principal| principal.disabled_at = principal.disabled_at.or(Some(now));
        let principal = self.change(id, by, Some(Activity::AccountDisable), shut).await?;
        credentials::end_sessions_of(&self.store, id).await?;
        credentials::revoke_temporary_of(&self.store, id, now).await?;
        if let Some(user) = principal.user_id {
            users::disable(&self.store, user, now).await?;
        }
        Ok(principal)
    }

    /// Lets a principal act again. Temporary credentials stay revoked.
    ///
    /// # Errors
    /// As [`Identity::set_attributes`]; and when its name is another's by now.
    pub async fn enable(&self, id: PrincipalId, by: &By) -> Result<Principal, IdentityError> {
        let principal =
            self.change(id, by, Some(Activity::AccountEnable), |principal| principal.disabled_at = None).await?;
        if let Some(user) = principal.user_id {
            users::enable(&self.store, user).await?;
        }
        Ok(principal)
    }

    /// Gives a principal another name.
    ///
    /// # Errors
    /// When the name is none or taken, it cannot be recorded, or the store refuses.
    pub async fn rename(&self, id: PrincipalId, new: &str, by: &By) -> Result<Principal, IdentityError> {
        let new = name(new)?.to_owned();
        let mut principal = self.by_id(id).await?;
        if principal.name == new {
            return Ok(principal);
        }
        let taken = || store::StoreError::Exists { what: "principal", name: new.clone() };
        if principals::by_name(&self.store, &new).await?.is_some() {
            return Err(taken().into());
        }
        let mut event = told(Activity::Change, &principal, by);
        for (field, value) in [("principal.name.old", &principal.name), ("principal.name", &new)] {
            event.details.push(Detail { field: field.into(), scope: Scope::Principal(id), value: value.clone() });
        }
        principal.name = new;
        let changed = self.effect(event, principals::change(&self.store, &principal)).await;
        self.cache.forget_principal(id);
        changed?;
        Ok(principal)
    }

    /// Lets the identity provider `issuer` vouch for a principal as `subject`.
    ///
    /// # Errors
    /// When it vouches for another under that name, it cannot be recorded, or the store refuses.
    pub async fn link(&self, id: PrincipalId, issuer: &str, subject: &str, by: &By) -> Result<(), IdentityError> {
        let principal = self.living(id).await?;
        let is_name = |text: &str| (1..=EXTERNAL_MAX).contains(&text.chars().count());
        if !is_name(issuer) || !is_name(subject) {
            let what = format!("an issuer and a subject have 1 to {EXTERNAL_MAX} characters");
            return Err(IdentityError::Wrong { what });
        }
        let mut event = told(Activity::CredentialIssue, &principal, by);
        event.new = Some(format!("external identity of {issuer}"));
        let scope = Scope::Principal(id);
        event.details.push(Detail { field: "subject".into(), scope, value: subject.to_owned() });
        self.effect(event, principals::link(&self.store, id, issuer, subject, by.now_ms)).await
    }

    /// Lets the identity provider `issuer` vouch for nobody as `subject` any more. Temporary credentials of whom it vouched for
    /// end at once.
    ///
    /// # Errors
    /// When it vouches for nobody under that name, it cannot be recorded, or the store refuses.
    pub async fn unlink(&self, issuer: &str, subject: &str, by: &By) -> Result<Principal, IdentityError> {
        let missing = || IdentityError::Missing { what: "external identity", id: format!("{subject} of {issuer}") };
        let principal = principals::of_external(&self.store, issuer, subject).await?.ok_or_else(missing)?;
        let mut event = told(Activity::CredentialRevoke, &principal, by);
        event.old = Some(format!("external identity of {issuer}"));
        let scope = Scope::Principal(principal.id);
        event.details.push(Detail { field: "subject".into(), scope, value: subject.to_owned() });
        self.effect(event, principals::unlink(&self.store, issuer, subject)).await?;
        let revoked = credentials::revoke_temporary_of(&self.store, principal.id, by.now_ms).await;
        self.cache.forget_principal(principal.id);
        revoked?;
        Ok(principal)
    }

    /// Who vouches for a principal, and under which names.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn links_of(&self, id: PrincipalId) -> Result<Vec<principals::Link>, IdentityError> {
        Ok(principals::links_of(&self.store, id).await?)
    }

    /// The principal that `issuer` calls `subject`, if it is not disabled.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn of_external(&self, issuer: &str, subject: &str) -> Result<Option<Principal>, IdentityError> {
        let found = principals::of_external(&self.store, issuer, subject).await?;
        Ok(found.filter(|principal| principal.disabled_at.is_none()))
    }

    async fn change(
        &self,
        id: PrincipalId,
        by: &By,
        activity: Option<Activity>,
        change: impl FnOnce(&mut Principal) + Send,
    ) -> Result<Principal, IdentityError> {
        let mut principal = self.by_id(id).await?;
        let old = words(&principal);
        change(&mut principal);
        let mut event = told(activity.unwrap_or(Activity::Change), &principal, by);
        (event.old, event.new) = (Some(old), Some(words(&principal)));
        let changed = self.effect(event, principals::change(&self.store, &principal)).await;
        self.cache.forget_principal(id);
        changed?;
        Ok(principal)
    }
}

/// Names are kept as they are written, without surrounding space and without characters that print nothing.
fn name(text: &str) -> Result<&str, IdentityError> {
    let trimmed = text.trim();
    let good = (1..=NAME_MAX).contains(&trimmed.chars().count()) && !trimmed.chars().any(char::is_control);
    let what = || format!("a name has 1 to {NAME_MAX} characters, none of them a control character");
    if good { Ok(trimmed) } else { Err(IdentityError::Wrong { what: what() }) }
}

fn words(principal: &Principal) -> String {
    let at = |time: Option<i64>| time.map_or_else(|| "no".to_owned(), |time| time.to_string());
    let Principal { training_until, agreement_until, contained_at, disabled_at, .. } = principal;
    let user = principal.user_id.map_or_else(String::new, |id| format!(" user={id}"));
    let [training, agreement] = [at(*training_until), at(*agreement_until)];
    let [contained, disabled] = [at(*contained_at), at(*disabled_at)];
    format!("training_until={training} agreement_until={agreement} contained={contained} disabled={disabled}{user}")
}

pub(crate) fn told(activity: Activity, principal: &Principal, by: &By) -> Event {
    let mut event = by.event(activity);
    event.resource.entity = Some(format!("principal:{}", principal.id));
    event
}
