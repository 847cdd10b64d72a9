//! Provisioning by a directory: SCIM 2.0 users (RFC 7643, RFC 7644) as principals. What a directory takes away is shut out at
//! once and stays on record; no id is ever another's.

use model::event::{Activity, Detail};
use model::{By, PrincipalId, PrincipalKind, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use store::principals::{self, Principal};
use store::provisioning::{self, Provisioned, Provisioner};

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::NewPrincipal;
use crate::secret::{base32, draw, hash, token};

/// The schema of a user (RFC 7643 section 8.7.1).
pub const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of what a staff office says of a user: an extension (RFC 7643 section 3.3) with the attribute `leavesOn`, the
/// person's last day. The watch over behaviour asks for it.
pub const STAFF_SCHEMA: &str = "urn:lazaret:scim:schemas:extension:staff:1.0:User";
/// Its attribute.
const LEAVES_ON: &str = "leavesOn";
/// The schema of a change (RFC 7644 section 3.5.2).
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Attributes that are kept and given back as they came. Others are taken and not kept, as RFC 7644 section 3.3 lets do.
const KEPT: [&str; 3] = ["displayName", "name", "emails"];
/// The longest of what is kept, in bytes.
const DETAILS_BYTES_MAX: usize = 8 * 1024;
/// Operations of one change.
const OPERATIONS_MAX: usize = 100;
/// The longest id that a directory gives, in characters.
const EXTERNAL_ID_MAX: usize = 255;

/// Why a request of a directory is wrong (RFC 7644 section 3.12).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimFault {
    /// `scimType`.
    pub kind: &'static str,
    /// What, and what to do.
    pub detail: String,
}

fn fault(kind: &'static str, detail: impl Into<String>) -> ScimFault {
    ScimFault { kind, detail: detail.into() }
}

/// A user as a directory sees one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimUser {
    /// `userName`: the principal's name.
    pub name: String,
    /// `externalId`: the directory's own id.
    pub external_id: Option<String>,
    /// `active`.
    pub active: bool,
    /// What else is kept.
    pub details: Map<String, Value>,
}

impl ScimUser {
    /// Reads a whole user.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(value: &Value) -> Result<Self, ScimFault> {
        let all = value.as_object().ok_or_else(|| fault("invalidSyntax", "a user is a JSON object"))?;
        let schemas = all.get("schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == USER_SCHEMA)) {
            return Err(fault("invalidSyntax", format!("`schemas` must name `{USER_SCHEMA}`")));
        }
        let mut user = Self { name: String::new(), external_id: None, active: true, details: Map::new() };
        for (attribute, value) in all {
            user.set(attribute, Some(value))?;
        }
        user.checked()
    }

    fn checked(self) -> Result<Self, ScimFault> {
        if self.name.trim().is_empty() {
            return Err(fault("invalidValue", "`userName` is not given"));
        }
        if self.external_id.as_ref().is_some_and(|id| id.chars().count() > EXTERNAL_ID_MAX) {
            return Err(fault("invalidValue", format!("`externalId` has more than {EXTERNAL_ID_MAX} characters")));
        }
        if Value::Object(self.details.clone()).to_string().len() > DETAILS_BYTES_MAX {
            return Err(fault("tooMany", format!("names and addresses have more than {DETAILS_BYTES_MAX} bytes")));
        }
        Ok(self)
    }

    /// Sets an attribute, or takes it away. Names of attributes have no case (RFC 7643 section 2.1).
    fn set(&mut self, attribute: &str, value: Option<&Value>) -> Result<(), ScimFault> {
        let attribute =
            attribute.strip_prefix(USER_SCHEMA).and_then(|rest| rest.strip_prefix(':')).unwrap_or(attribute);
        let value = value.filter(|value| !value.is_null());
        if let Some(part) = attribute.get(..STAFF_SCHEMA.len()).filter(|start| start.eq_ignore_ascii_case(STAFF_SCHEMA))
        {
            return self.set_staff(attribute.get(part.len()..).unwrap_or_default(), value);
        }
        let text = |value: &Value| {
            let wrong = || fault("invalidValue", format!("`{}` is no text", shown(attribute)));
            value.as_str().map(str::to_owned).ok_or_else(wrong)
        };
        match attribute.to_ascii_lowercase().as_str() {
            "username" => self.name = value.map(text).transpose()?.unwrap_or_default(),
            "externalid" => self.external_id = value.map(text).transpose()?,
            "active" => self.active = value.map_or(Ok(false), truth)?,
            "id" | "meta" | "schemas" | "password" => {}
            lower => {
                let (whole, part) = lower.split_once('.').map_or((lower, None), |(whole, part)| (whole, Some(part)));
                let Some(kept) = KEPT.into_iter().find(|kept| kept.eq_ignore_ascii_case(whole)) else { return Ok(()) };
                match part {
                    None => put(&mut self.details, kept, value),
                    Some(part) => {
                        let inside = ["formatted", "familyName", "givenName", "middleName"].into_iter();
                        let found = inside.filter(|_| kept == "name").find(|name| name.eq_ignore_ascii_case(part));
                        let part = found.ok_or_else(|| no_path(attribute))?;
                        let inner = self.details.entry(kept).or_insert_with(|| json!({}));
                        put(inner.as_object_mut().ok_or_else(|| no_path(attribute))?, part, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets what a staff office says; `part` is what stands behind the name of its schema.
    fn set_staff(&mut self, part: &str, value: Option<&Value>) -> Result<(), ScimFault> {
        let date = match (part, value) {
            ("", Some(Value::Object(all))) => {
                all.iter().find(|(name, _)| name.eq_ignore_ascii_case(LEAVES_ON)).map(|(_, value)| value)
            }
            ("", None) => None,
            ("", Some(_)) => return Err(fault("invalidValue", format!("`{STAFF_SCHEMA}` is a JSON object"))),
            (part, value) if part.strip_prefix(':').is_some_and(|part| part.eq_ignore_ascii_case(LEAVES_ON)) => value,
            (part, _) => return Err(no_path(&format!("{STAFF_SCHEMA}{part}"))),
        };
        match date.filter(|date| !date.is_null()) {
            Some(date) if date.as_str().is_some_and(is_date) => {
                self.details.insert(STAFF_SCHEMA.to_owned(), json!({ LEAVES_ON: date }));
            }
            Some(_) => return Err(fault("invalidValue", "`leavesOn` is a date such as `2026-03-31`")),
            None => drop(self.details.remove(STAFF_SCHEMA)),
        }
        Ok(())
    }

    /// Applies a change (RFC 7644 section 3.5.2): all of it or nothing.
    ///
    /// # Errors
    /// When it is none, or asks for what is not offered.
    pub fn patched(mut self, patch: &Value) -> Result<Self, ScimFault> {
        let schemas = patch.get("schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == PATCH_SCHEMA)) {
            return Err(fault("invalidSyntax", format!("`schemas` must name `{PATCH_SCHEMA}`")));
        }
        let operations = patch.get("Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| fault("invalidSyntax", "`Operations` is not given"))?;
        if operations.len() > OPERATIONS_MAX {
            return Err(fault("tooMany", format!("more than {OPERATIONS_MAX} operations")));
        }
        for operation in operations {
            let text = |name: &str| operation.get(name).and_then(Value::as_str);
            let value = operation.get("value");
            let kind = text("op").unwrap_or_default().to_ascii_lowercase();
            let wrong = || fault("invalidValue", "the operation has no `value`");
            match (kind.as_str(), text("path").filter(|path| !path.is_empty())) {
                ("add" | "replace", Some(path)) => self.at(path, Some(value.ok_or_else(wrong)?))?,
                ("add" | "replace", None) => {
                    for (attribute, value) in value.and_then(Value::as_object).ok_or_else(wrong)? {
                        self.set(attribute, Some(value))?;
                    }
                }
                ("remove", Some(path)) => self.at(path, None)?,
                ("remove", None) => return Err(fault("noTarget", "what to remove is not said; give a `path`")),
                _ => return Err(fault("invalidSyntax", "an operation is `add`, `replace` or `remove`")),
            }
        }
        self.checked()
    }

    fn at(&mut self, path: &str, value: Option<&Value>) -> Result<(), ScimFault> {
        // Paths with a filter choose one of several values; whole attributes are kept here.
        if path.contains(['[', ']']) { Err(no_path(path)) } else { self.set(path, value) }
    }
}

fn put(into: &mut Map<String, Value>, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(into.insert(name.to_owned(), value.clone())),
        None => drop(into.remove(name)),
    }
}

/// Whether a text is a date as RFC 3339 writes it.
pub(crate) fn is_date(text: &str) -> bool {
    let number =
        |from: usize, to: usize| text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let parts = (number(0, 4), number(5, 7), number(8, 10));
    let (Some(year), Some(month), Some(day)) = parts else { return false };
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u16>(), month.parse::<u8>(), day.parse::<u8>()) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    };
    text.len() == 10
        && text.get(4..5) == Some("-")
        && text.get(7..8) == Some("-")
        && (1..=12).contains(&month)
        && (1..=days).contains(&day)
}

/// The last day of a person, in what a directory said; a date of RFC 3339.
#[must_use]
pub(crate) fn leaves_on(details: &str) -> Option<String> {
    let details: Map<String, Value> = serde_json::from_str(details).ok()?;
    Some(details.get(STAFF_SCHEMA)?.get(LEAVES_ON)?.as_str()?.to_owned())
}

/// Some directories write truth as text.
fn truth(value: &Value) -> Result<bool, ScimFault> {
    let text = value.as_str().unwrap_or_default().to_ascii_lowercase();
    match (value.as_bool(), text.as_str()) {
        (Some(truth), _) => Ok(truth),
        (None, "true") => Ok(true),
        (None, "false") => Ok(false),
        _ => Err(fault("invalidValue", "`active` is true or false")),
    }
}

fn no_path(path: &str) -> ScimFault {
    fault("invalidPath", format!("`{}` cannot be changed by itself; replace the whole attribute", shown(path)))
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// What users are looked for by: the filters that directories ask with (RFC 7644 section 3.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScimFilter {
    /// `userName eq "…"`, whatever the case.
    Name(String),
    /// `externalId eq "…"`.
    ExternalId(String),
    /// `id eq "…"`.
    Id(String),
}

impl ScimFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// When it is another than these.
    pub fn parse(text: &str) -> Result<Self, ScimFault> {
        let wrong = || {
            let detail = format!(
                "the filter `{}` is not offered; `userName eq \"…\"`, `externalId eq \"…\"` and `id eq \"…\"` are",
                shown(text)
            );
            fault("invalidFilter", detail)
        };
        let (attribute, rest) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let (operator, value) = rest.trim_start().split_once(' ').ok_or_else(wrong)?;
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(wrong());
        }
        let value: String = serde_json::from_str(value.trim()).ok().ok_or_else(wrong)?;
        match attribute.to_ascii_lowercase().as_str() {
            "username" => Ok(Self::Name(value)),
            "externalid" => Ok(Self::ExternalId(value)),
            "id" => Ok(Self::Id(value)),
            _ => Err(wrong()),
        }
    }
}

/// A principal with what a directory says of it.
#[derive(Debug, Clone)]
pub struct ScimRecord {
    /// The principal.
    pub principal: Principal,
    /// What the directory says.
    pub said: Provisioned,
}

impl ScimRecord {
    /// As the directory sees it.
    #[must_use]
    pub fn user(&self) -> ScimUser {
        ScimUser {
            name: self.principal.name.clone(),
            external_id: self.said.external_id.clone(),
            active: self.principal.disabled_at.is_none(),
            details: serde_json::from_str(&self.said.details).unwrap_or_default(),
        }
    }
}

/// A page of users.
#[derive(Debug, Default)]
pub struct ScimPage {
    /// How many there are in all.
    pub total: u64,
    /// Those of this page.
    pub records: Vec<ScimRecord>,
}

impl Identity {
    /// Lets a directory provision; its token is told once. For whom it provisions, `issuer` vouches under the directory's ids.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn create_provisioner(
        &self,
        name: &str,
        issuer: Option<String>,
        by: &By,
    ) -> Result<(String, SecretString), IdentityError> {
        let id = base32(draw(&self.random)?.as_slice(), 16);
        let token = token(&self.random)?;
        let new = Provisioner {
            id: id.clone(),
            name: name.trim().to_owned(),
            issuer,
            created_at: by.now_ms,
            revoked_at: None,
            last_used_at: None,
        };
        let mut event = by.event(Activity::CredentialIssue);
        event.resource.entity = Some(format!("provisioner:{id}"));
        event.new = Some(format!("scim-token={id}"));
        self.effect(event, provisioning::create(&self.store, &new, &hash(token.expose_secret().as_bytes()))).await?;
        Ok((id, token))
    }

    /// Lets a directory provision no more.
    ///
    /// # Errors
    /// When there is none, it cannot be recorded, or the store refuses.
    pub async fn revoke_provisioner(&self, id: &str, by: &By) -> Result<(), IdentityError> {
        let known = provisioning::all(&self.store).await?.into_iter().any(|known| known.id == id);
        if !known {
            return Err(IdentityError::Missing { what: "SCIM token", id: id.to_owned() });
        }
        let mut event = by.event(Activity::CredentialRevoke);
        event.resource.entity = Some(format!("provisioner:{id}"));
        event.old = Some(format!("scim-token={id}"));
        self.effect(event, provisioning::revoke(&self.store, id, by.now_ms)).await.map(|_was_good| ())
    }

    /// Every directory that may or might provision.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn provisioners(&self) -> Result<Vec<Provisioner>, IdentityError> {
        Ok(provisioning::all(&self.store).await?)
    }

    /// The directory that a token belongs to, if it may provision. Its use is noted once a minute.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn provisioner(&self, token: &str, now_ms: i64) -> Result<Option<Provisioner>, IdentityError> {
        const TOUCH_EVERY_MS: i64 = 60_000;
        let found = provisioning::by_token(&self.store, &hash(token.as_bytes())).await?;
        if let Some(found) = &found
            && found.last_used_at.is_none_or(|last| now_ms - last >= TOUCH_EVERY_MS)
        {
            provisioning::touch(&self.store, &found.id, now_ms).await?;
        }
        Ok(found)
    }

    /// A principal that a directory provisioned.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn provisioned(&self, id: &str) -> Result<ScimRecord, IdentityError> {
        let missing = || IdentityError::Missing { what: "user", id: shown(id) };
        let principal: PrincipalId = id.parse().ok().ok_or_else(missing)?;
        let said = provisioning::of(&self.store, principal).await?.ok_or_else(missing)?;
        Ok(ScimRecord { principal: self.by_id(principal).await?, said })
    }

    /// Those that directories provisioned, from the `start`th on (from 0), or those that a filter finds.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn provisioned_page(
        &self,
        filter: Option<&ScimFilter>,
        start: u64,
        count: u32,
    ) -> Result<ScimPage, IdentityError> {
        let (total, said) = match filter {
            None => {
                let total = provisioning::count(&self.store).await?;
                (total, provisioning::page(&self.store, start, count).await?)
            }
            Some(filter) => {
                let found = match filter {
                    ScimFilter::Name(name) => provisioning::by_name(&self.store, name).await?,
                    ScimFilter::ExternalId(id) => provisioning::by_external_id(&self.store, id).await?,
                    ScimFilter::Id(id) => match self.provisioned(id).await {
                        Ok(found) => vec![found.said],
                        Err(IdentityError::Missing { .. }) => Vec::new(),
                        Err(error) => return Err(error),
                    },
                };
                let skipped = usize::try_from(start).unwrap_or(usize::MAX);
                let total = found.len() as u64;
                (total, found.into_iter().skip(skipped).take(count as usize).collect())
            }
        };
        let mut records = Vec::with_capacity(said.len());
        for said in said {
            records.push(ScimRecord { principal: self.by_id(said.principal).await?, said });
        }
        Ok(ScimPage { total, records })
    }

    /// Makes a principal of a user of a directory.
    ///
    /// # Errors
    /// When the name or the directory's id is taken, it cannot be recorded, or the store refuses.
    pub async fn provision(&self, of: &Provisioner, user: &ScimUser, by: &By) -> Result<ScimRecord, IdentityError> {
        if let (Some(issuer), Some(subject)) = (&of.issuer, &user.external_id)
            && principals::of_external(&self.store, issuer, subject).await?.is_some()
        {
            return Err(store::StoreError::Exists { what: "external identity", name: subject.clone() }.into());
        }
        self.untaken(&user.name, None).await?;
        let new = NewPrincipal { kind: PrincipalKind::Person, name: user.name.clone(), organisation: None };
        let principal = self.create(new, by).await?;
        self.put(of, &principal, user, by).await?;
        if let (Some(issuer), Some(subject)) = (&of.issuer, &user.external_id) {
            self.link(principal.id, issuer, subject, by).await?;
        }
        if !user.active {
            self.disable(principal.id, by).await?;
        }
        self.provisioned(&principal.id.to_string()).await
    }

    /// Directories take names that differ in case alone for the same.
    async fn untaken(&self, name: &str, by: Option<PrincipalId>) -> Result<(), IdentityError> {
        let found = provisioning::by_name(&self.store, name).await?;
        match found.iter().any(|known| Some(known.principal) != by) {
            true => Err(store::StoreError::Exists { what: "user", name: name.to_owned() }.into()),
            false => Ok(()),
        }
    }

    /// Makes of a provisioned principal what its directory says now. Whoever is not active is shut out at once: keys,
    /// temporary credentials and sessions.
    ///
    /// # Errors
    /// When the name is taken, it cannot be recorded, or the store refuses.
    pub async fn reprovision(
        &self,
        of: &Provisioner,
        before: &ScimRecord,
        user: &ScimUser,
        by: &By,
    ) -> Result<ScimRecord, IdentityError> {
        let (id, was) = (before.principal.id, before.user());
        // Shutting out comes first: nothing that may fail stands before it.
        if was.active && !user.active {
            self.disable(id, by).await?;
        }
        if !was.active && user.active {
            self.enable(id, by).await?;
        }
        if was.name != user.name {
            self.untaken(&user.name, Some(id)).await?;
            self.rename(id, &user.name, by).await?;
        }
        if was.external_id != user.external_id
            && let (Some(issuer), Some(subject)) = (&of.issuer, &was.external_id)
        {
            let untied = self.unlink(issuer, subject, by).await;
            if !matches!(untied, Ok(_) | Err(IdentityError::Missing { .. })) {
                untied?;
            }
        }
        // Whoever was shut out while the directory's id changed is tied when it comes back.
        let is_due = user.active && (!was.active || was.external_id != user.external_id);
        if let (true, Some(issuer), Some(subject)) = (is_due, &of.issuer, &user.external_id) {
            let tied = principals::of_external(&self.store, issuer, subject).await?;
            if tied.is_none_or(|tied| tied.id != id) {
                self.link(id, issuer, subject, by).await?;
            }
        }
        if (&was.external_id, &was.details) != (&user.external_id, &user.details) {
            self.put(of, &before.principal, user, by).await?;
        }
        self.provisioned(&id.to_string()).await
    }

    /// Shuts a provisioned principal out for good: its directory knows it no more. The principal stays on record.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn deprovision(&self, record: &ScimRecord, by: &By) -> Result<(), IdentityError> {
        let id = record.principal.id;
        self.disable(id, by).await?;
        for link in self.links_of(id).await? {
            self.unlink(&link.issuer, &link.subject, by).await?;
        }
        Ok(provisioning::remove(&self.store, id).await?)
    }

    async fn put(
        &self,
        of: &Provisioner,
        principal: &Principal,
        user: &ScimUser,
        by: &By,
    ) -> Result<(), IdentityError> {
        let said = Provisioned {
            principal: principal.id,
            provisioner: of.id.clone(),
            external_id: user.external_id.clone(),
            details: Value::Object(user.details.clone()).to_string(),
            changed_at: by.now_ms,
        };
        let mut event = crate::principals::told(Activity::Change, principal, by);
        event.new = Some("what its directory says".to_owned());
        let scope = Scope::Principal(principal.id);
        event.details.push(Detail { field: "directory".into(), scope, value: said.details.clone() });
        self.effect(event, provisioning::put(&self.store, &said)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> ScimUser {
        ScimUser::read(&json!({ "schemas": [USER_SCHEMA, STAFF_SCHEMA], "userName": "ada", STAFF_SCHEMA: { "leavesOn": "2026-03-31" } }))
            .unwrap()
    }

    fn patched(operation: &Value) -> Result<Option<String>, ScimFault> {
        let user = user().patched(&json!({ "schemas": [PATCH_SCHEMA], "Operations": [operation] }))?;
        Ok(leaves_on(&Value::Object(user.details).to_string()))
    }

    #[test]
    fn the_last_day_is_kept_changed_and_taken_back() {
        assert_eq!(leaves_on(&Value::Object(user().details).to_string()), Some("2026-03-31".to_owned()));
        let path = format!("{STAFF_SCHEMA}:leavesOn");
        let later = json!({ "op": "replace", "path": path, "value": "2028-02-29" });
        assert_eq!(patched(&later).unwrap(), Some("2028-02-29".to_owned()));
        for gone in [json!({ "op": "remove", "path": path }), json!({ "op": "add", "value": { STAFF_SCHEMA: {} } })] {
            assert_eq!(patched(&gone).unwrap(), None, "{gone}");
        }
    }

    #[test]
    fn a_last_day_that_is_no_date_is_refused() {
        for value in ["soon", "2026-02-29", "2026-13-01", "2026-3-1", "2026-03-31T00:00:00Z", "２０26-01-1"] {
            let operation = json!({ "op": "add", "path": format!("{STAFF_SCHEMA}:leavesOn"), "value": value });
            let refused = patched(&operation).unwrap_err();
            assert_eq!((refused.kind, refused.detail.contains("`leavesOn`")), ("invalidValue", true), "{value}");
        }
        let operation = json!({ "op": "add", "path": format!("{STAFF_SCHEMA}:other"), "value": "x" });
        assert_eq!(patched(&operation).unwrap_err().kind, "invalidPath");
    }
}
