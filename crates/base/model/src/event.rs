//! What happened: the event that every part speaks, in the terms of OCSF 1.x (Open Cybersecurity Schema Framework). An event
//! says who did what to which object, when, from where, why and with what outcome (21 CFR 11.10(e), EU GMP Annex 11 §9,
//! ICH E6(R3) 4.2.2). It never holds an identifier of a data subject: such details travel as [`Detail`]s, which the
//! ledger seals.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{Action, Label, ObjectId, PrincipalId, PrincipalKind, Scope, StudyId, SubjectId, VersionId, closed_set};

macro_rules! activities {
    ($($(#[$meta:meta])* $variant:ident = $text:literal: $class:ident $id:literal,)+) => {
        closed_set! {
            /// What was done, by Lazaret's own name. Each belongs to a class of OCSF and has an activity number there.
            Activity, "activity", { $($(#[$meta])* $variant = $text,)+ }
        }
        impl Activity {
            /// The class of OCSF.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)+ }
            }
            /// The number of the activity within its class (`activity_id`; 99 is "other").
            #[must_use]
            pub const fn id(self) -> u32 {
                match self { $(Self::$variant => $id,)+ }
            }
        }
    };
}

/// A class of OCSF 1.x events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Class {
    /// Changes of accounts and credentials.
    AccountChange = 3001,
    /// Logging on and off.
    Authentication = 3002,
    /// Studies, policies, keys and other managed things.
    EntityManagement = 3004,
    /// Grants.
    UserAccessManagement = 3005,
    /// Requests that only look, such as listings.
    ApiActivity = 6003,
    /// Objects going in and out.
    FileHostingActivity = 6006,
    /// The ledger's own life.
    ApplicationLifecycle = 6002,
    /// What detection found.
    DetectionFinding = 2004,
}

impl Class {
    /// `class_uid`.
    #[must_use]
    pub const fn uid(self) -> u32 {
        self as u32
    }
}

activities! {
    /// An object or version was stored.
    Upload = "upload": FileHostingActivity 1,
    /// Bytes of an object were released.
    Download = "download": FileHostingActivity 2,
    /// Labels, tags, retention or a hold of an object changed.
    Update = "update": FileHostingActivity 3,
    /// An object or version was taken away.
    Delete = "delete": FileHostingActivity 4,
    /// An object was copied inside the guard.
    Copy = "copy": FileHostingActivity 6,
    /// An object came back, such as out of quarantine.
    Restore = "restore": FileHostingActivity 8,
    /// A reviewer looked at an object.
    Preview = "preview": FileHostingActivity 9,
    /// An object was put away: quarantine, legal hold.
    Lock = "lock": FileHostingActivity 10,
    /// A hold ended.
    Unlock = "unlock": FileHostingActivity 11,
    /// Somebody was let reach an object.
    Share = "share": FileHostingActivity 12,
    /// A download ended: what was really sent.
    Released = "released": FileHostingActivity 99,
    /// A listing or another question about names and properties.
    Look = "look": ApiActivity 2,
    /// A request that is none of the others.
    Request = "request": ApiActivity 99,
    /// Somebody or something logged on.
    Logon = "logon": Authentication 1,
    /// A session ended.
    Logoff = "logoff": Authentication 2,
    /// A principal was created.
    AccountCreate = "account-create": AccountChange 1,
    /// A principal may act again.
    AccountEnable = "account-enable": AccountChange 2,
    /// A password was changed.
    PasswordChange = "password-change": AccountChange 3,
    /// A principal was shut out.
    AccountDisable = "account-disable": AccountChange 5,
    /// A principal was locked out after failures.
    AccountLock = "account-lock": AccountChange 9,
    /// A credential was issued: an access key, a passkey, a second factor.
    CredentialIssue = "credential-issue": AccountChange 99,
    /// A credential was revoked.
    CredentialRevoke = "credential-revoke": AccountChange 99,
    /// A grant was given.
    Grant = "grant": UserAccessManagement 1,
    /// A grant was taken back.
    Revoke = "revoke": UserAccessManagement 2,
    /// A study, policy, schedule or setting was created.
    Create = "create": EntityManagement 1,
    /// One was changed.
    Change = "change": EntityManagement 3,
    /// One was removed.
    Remove = "remove": EntityManagement 4,
    /// Keys were rewrapped.
    KeyRotate = "key-rotate": EntityManagement 99,
    /// Keys were destroyed, and with them what they sealed.
    KeyShred = "key-shred": EntityManagement 99,
    /// A part of Lazaret started.
    Start = "start": ApplicationLifecycle 3,
    /// A part of Lazaret stopped.
    Stop = "stop": ApplicationLifecycle 4,
    /// Something was found.
    Finding = "finding": DetectionFinding 1,
    /// Another system logged something; [`Outside`] says what class it is of.
    Observed = "observed": ApiActivity 99,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Its id.
    pub id: PrincipalId,
    /// What kind of actor it is.
    pub kind: PrincipalKind,
    /// The credential or session it came with, by public id, such as an access key's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// From where it was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The network address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The id of the request, which its answer carries too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The way in: `s3`, `console`, `cli`, `sftp`.
    pub through: Cow<'static, str>,
}

/// What it was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// The study it lies in.
    pub study: Option<StudyId>,
    /// The object.
    pub object: Option<ObjectId>,
    /// The version.
    pub version: Option<VersionId>,
    /// Another managed thing, as `kind:id`, such as `policy:residence`.
    pub entity: Option<String>,
    /// What the object holds.
    pub labels: Vec<Label>,
    /// First and last byte released or asked for, both inclusive.
    pub range: Option<(u64, u64)>,
    /// Bytes of plaintext.
    pub bytes: Option<u64>,
    /// How many data subjects it is about.
    pub subjects: Option<u64>,
}

/// Whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was, or is about to be: what comes next depends on this record.
    Success,
    /// It was not, because of this rule or fault.
    Failure {
        /// A stable code, such as `policy:no-grant`.
        code: Cow<'static, str>,
    },
}

/// What another system logged: its place in OCSF, and where it came from. The record itself and the names in it are details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// `class_uid`.
    #[serde(skip)]
    pub class_uid: u32,
    /// `activity_id`.
    #[serde(skip)]
    pub activity_id: u32,
    /// `activity_name`.
    #[serde(skip)]
    pub activity: Cow<'static, str>,
    /// When the other system says that it happened, in milliseconds since 1970, UTC; the event's own time is when it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_ms: Option<i64>,
    /// The form of the log, such as `windows`.
    pub family: Cow<'static, str>,
    /// What is logged there, as Sigma names log sources, such as `windows/security`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logsources: Vec<String>,
    /// The way it came: the name of a listener, folder or token.
    pub source: String,
    /// Its number among all that came that way. A number is used once.
    pub sequence: u64,
    /// Why it could not be read, if so. What came is kept all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Bytes of the record that are not kept, because it is too long.
    #[serde(skip_serializing_if = "is_zero")]
    pub cut_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the attribute that calls it wants")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A detail that can identify somebody: names of objects, reasons in free text, names of people. The ledger seals it under
/// its scope's key before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is, such as `object.name`.
    pub field: Cow<'static, str>,
    /// Whose key seals it.
    pub scope: Scope,
    /// The detail in clear.
    pub value: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub activity: Activity,
    /// When, in milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// Who did it. `None` when nobody was recognised.
    pub actor: Option<Actor>,
    /// From where.
    pub origin: Origin,
    /// To what.
    pub resource: Resource,
    /// As which action policy judged it, if it did.
    pub action: Option<Action>,
    /// The policies that decided, by id.
    pub policies: Vec<String>,
    /// Whether it was done.
    pub outcome: Outcome,
    /// Why, as a closed term, such as a purpose. Reasons in free text are details.
    pub reason: Option<String>,
    /// The value before a change, without identifiers.
    pub old: Option<String>,
    /// The value after a change, without identifiers.
    pub new: Option<String>,
    /// Data subjects concerned, if few enough to be named one by one.
    pub subjects: Vec<SubjectId>,
    /// Details that can identify somebody. They are not part of [`Event`]'s serialised form.
    pub details: Vec<Detail>,
    /// Where another system logged it.
    pub outside: Option<Box<Outside>>,
}

impl Event {
    /// A success of `activity` at `time_ms` by nobody on nothing, to be filled in.
    #[must_use]
    pub fn new(activity: Activity, time_ms: i64, through: &'static str) -> Self {
        Self {
            activity,
            time_ms,
            actor: None,
            origin: Origin { through: Cow::Borrowed(through), ..Origin::default() },
            resource: Resource::default(),
            action: None,
            policies: Vec::new(),
            outcome: Outcome::Success,
            reason: None,
            old: None,
            new: None,
            subjects: Vec::new(),
            details: Vec::new(),
            outside: None,
        }
    }
}

/// The OCSF form, without details. What OCSF has no attribute for stands under `unmapped`.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = (self.activity.class().uid(), self.activity.id(), self.activity.as_str());
        let (class, activity, name) =
            self.outside.as_ref().map_or(own, |of| (of.class_uid, of.activity_id, of.activity.as_ref()));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("class_uid", &class)?;
        map.serialize_entry("category_uid", &(class / 1000))?;
        map.serialize_entry("activity_id", &activity)?;
        map.serialize_entry("activity_name", name)?;
        map.serialize_entry("type_uid", &(u64::from(class) * 100 + u64::from(activity)))?;
        map.serialize_entry("time", &self.time_ms)?;
        map.serialize_entry("severity_id", &1)?;
        if self.outside.is_none() {
            map.serialize_entry("metadata", &Metadata)?;
        } else {
            map.serialize_entry("metadata", &OutsideMetadata)?;
        }
        match &self.outcome {
            Outcome::Success => map.serialize_entry("status_id", &1)?,
            Outcome::Failure { code } => {
                map.serialize_entry("status_id", &2)?;
                map.serialize_entry("status_code", code)?;
            }
        }
        if let Some(actor) = &self.actor {
            map.serialize_entry("actor", &OcsfActor(actor))?;
        }
        if let Some(ip) = &self.origin.ip {
            map.serialize_entry("src_endpoint", &Endpoint { ip: *ip })?;
        }
        map.serialize_entry("unmapped", &Unmapped(self))?;
        map.end()
    }
}

struct Metadata;

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("version", "1.5.0")?;
        map.serialize_entry("product", &Product { name: "Lazaret", vendor_name: "Lazaret" })?;
        map.end()
    }
}

/// Of an event of another system, whose product the log source tells.
struct OutsideMetadata;

impl Serialize for OutsideMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("version", "1.5.0")?;
        map.end()
    }
}

#[derive(Serialize)]
struct Product {
    name: &'static str,
    vendor_name: &'static str,
}

#[derive(Serialize)]
struct Endpoint {
    ip: IpAddr,
}

struct OcsfActor<'a>(&'a Actor);

impl Serialize for OcsfActor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct User<'a> {
            uid: PrincipalId,
            r#type: PrincipalKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            credential_uid: Option<&'a str>,
        }
        let Actor { id, kind, credential } = self.0;
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("user", &User { uid: *id, r#type: *kind, credential_uid: credential.as_deref() })?;
        map.end()
    }
}

struct Unmapped<'a>(&'a Event);

impl Serialize for Unmapped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let resource = &event.resource;
        let mut map = serializer.serialize_map(None)?;
        macro_rules! entries {
            ($($key:literal = $value:expr,)+) => { $(
                if let Some(value) = &$value {
                    map.serialize_entry($key, value)?;
                }
            )+ };
        }
        map.serialize_entry("through", &event.origin.through)?;
        entries! {
            "request" = event.origin.request,
            "study" = resource.study,
            "object" = resource.object,
            "version" = resource.version,
            "entity" = resource.entity,
            "range" = resource.range,
            "bytes" = resource.bytes,
            "subject_count" = resource.subjects,
            "action" = event.action,
            "reason" = event.reason,
            "old" = event.old,
            "new" = event.new,
            "outside" = event.outside,
        }
        if !resource.labels.is_empty() {
            map.serialize_entry("labels", &resource.labels)?;
        }
        if !event.policies.is_empty() {
            map.serialize_entry("policies", &event.policies)?;
        }
        if !event.subjects.is_empty() {
            map.serialize_entry("subjects", &event.subjects)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Activity, Actor, Detail, Event, Outcome};
    use crate::{Action, Label, ObjectId, PrincipalId, PrincipalKind, Scope};

    #[test]
    fn an_event_is_ocsf_without_its_details() {
        let mut event = Event::new(Activity::Download, 1_700_000_000_000, "s3");
        let id = PrincipalId::from_bytes([1; 16]);
        event.actor = Some(Actor { id, kind: PrincipalKind::Person, credential: None });
        event.action = Some(Action::Read);
        event.resource.labels = vec![Label::PhiDirect];
        event.resource.range = Some((0, 9));
        let object = ObjectId::from_bytes([2; 16]);
        event.details =
            vec![Detail { field: "object.name".into(), scope: Scope::Object(object), value: "Doe_Jane".to_owned() }];
        event.outcome = Outcome::Failure { code: "policy:no-grant".into() };
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains("Doe"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["class_uid"], 6006);
        assert_eq!(value["type_uid"], 600_602);
        assert_eq!(value["status_id"], 2);
        assert_eq!(value["unmapped"]["labels"][0], "phi.direct");
        assert_eq!(value["actor"]["user"]["uid"], "01".repeat(16));
    }
}
