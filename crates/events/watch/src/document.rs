//! What rules and the watch over behaviour see of an event of Lazaret's own record. docs/reference/watch.md lists the fields.

use std::borrow::Cow;

use behaviour::{Action as Act, Outcome};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use model::event::{Activity, Class};
use model::{Label, PrincipalId, StudyId};
use serde::{Deserialize, Serialize};

/// Hours that count as working hours, Monday to Friday: from, and before. Our own choice.
const WORKING_HOURS: (i8, i8) = (7, 19);

/// An event as it was recorded.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    /// The class of OCSF.
    pub class_uid: u32,
    /// What was done.
    pub activity_name: String,
    /// When, in milliseconds since 1970, UTC.
    pub time: i64,
    /// 1 done, 2 not done.
    #[serde(default)]
    pub status_id: u32,
    /// Why not.
    #[serde(default)]
    pub status_code: Option<String>,
    /// Who.
    #[serde(default)]
    pub actor: Option<RecordedActor>,
    /// From where.
    #[serde(default)]
    pub src_endpoint: Option<RecordedEndpoint>,
    /// What OCSF has no attribute for.
    #[serde(default)]
    pub unmapped: RecordedRest,
}

/// Who did it.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedActor {
    /// The principal.
    pub user: RecordedUser,
}

/// A principal.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedUser {
    /// Its id.
    pub uid: String,
    /// Its kind.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The credential that it used.
    #[serde(default)]
    pub credential_uid: Option<String>,
}

/// From where.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedEndpoint {
    /// The address.
    #[serde(default)]
    pub ip: String,
}

/// What OCSF has no attribute for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RecordedRest {
    /// The study.
    #[serde(default)]
    pub study: Option<String>,
    /// The object.
    #[serde(default)]
    pub object: Option<String>,
    /// The version.
    #[serde(default)]
    pub version: Option<String>,
    /// The action that policy judged.
    #[serde(default)]
    pub action: Option<String>,
    /// What the object holds.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Bytes in clear.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Data subjects.
    #[serde(default)]
    pub subject_count: Option<u64>,
    /// First and last byte.
    #[serde(default)]
    pub range: Option<(u64, u64)>,
    /// What it was done to, as `kind:id`.
    #[serde(default)]
    pub entity: Option<String>,
    /// Where another system logged it.
    #[serde(default)]
    pub outside: Option<RecordedOutside>,
}

/// Where another system logged it.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedOutside {
    /// The form of the log.
    pub family: String,
    /// When it says that it happened, in milliseconds since 1970, UTC.
    #[serde(default)]
    pub logged_ms: Option<i64>,
    /// The way it came.
    pub source: String,
    /// Its number on that way.
    pub sequence: u64,
}

impl Recorded {
    /// The activity, if this version knows it.
    #[must_use]
    pub fn activity(&self) -> Option<Activity> {
        self.activity_name.parse().ok()
    }
    /// Whether it is a finding itself, which is not watched: it would find itself.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.class_uid == Class::DetectionFinding.uid()
    }
    /// The principal.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        self.actor.as_ref()?.user.uid.parse().ok()
    }
    /// The study.
    #[must_use]
    pub fn study(&self) -> Option<StudyId> {
        self.unmapped.study.as_ref()?.parse().ok()
    }
    /// The labels that this version knows.
    #[must_use]
    pub fn labels(&self) -> Vec<Label> {
        self.unmapped.labels.iter().filter_map(|label| label.parse().ok()).collect()
    }
}

/// Whether something with an end holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It does.
    Valid,
    /// It ended.
    Over,
    /// There is none.
    #[default]
    None,
}

impl Standing {
    /// Of something that ends at `until`.
    #[must_use]
    pub fn of(until: Option<i64>, now: i64) -> Self {
        match until {
            None => Self::None,
            Some(until) if until > now => Self::Valid,
            Some(_) => Self::Over,
        }
    }
}

/// What is looked up when an event is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The object's name in its study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_name: Option<String>,
    /// What stands after its last dot, in small letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The actor's roles in the study.
    pub roles: Vec<String>,
    /// Whether one of them is blinded.
    pub blinded: bool,
    /// The partner that the actor belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Of the partner's agreement.
    pub agreement: Standing,
    /// Of the actor's training.
    pub training: Standing,
    /// Where the study's data may reside.
    pub study_countries: Vec<String>,
    /// `open`, `contained` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study_state: Option<&'static str>,
    /// Days since any grant of the actor in the study was last used or, if none ever was, given. For the watch over behaviour only.
    #[serde(skip)]
    pub grant_idle_days: u32,
    /// The actor's last day, in days since 1970, where a directory gives notice of it. For the watch over behaviour only.
    #[serde(skip)]
    pub leaves_on: Option<i64>,
}

/// The extension of a name, in small letters.
#[must_use]
pub fn extension(name: &str) -> Option<String> {
    let last = name.rsplit('/').next()?;
    let (before, after) = last.rsplit_once('.')?;
    (!before.is_empty() && !after.is_empty()).then(|| after.to_lowercase())
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    context: &'a Context,
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekday: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_hours: Option<bool>,
}

/// The recorded event with its context: what rules are tried on.
#[must_use]
pub fn document(json: &str, time_ms: i64, context: &Context, zone: &TimeZone) -> String {
    let local = jiff::Timestamp::from_millisecond(time_ms).ok().map(|time| time.to_zoned(zone.clone()));
    let weekday = local.as_ref().map(jiff::Zoned::weekday);
    let timed = Timed {
        context,
        hour: local.as_ref().map(jiff::Zoned::hour),
        weekday: weekday.map(short),
        working_hours: local.as_ref().zip(weekday).map(|(local, weekday)| {
            let (from, before) = WORKING_HOURS;
            !matches!(weekday, Weekday::Saturday | Weekday::Sunday) && (from..before).contains(&local.hour())
        }),
    };
    let (Some(open), Ok(context)) = (json.trim_end().strip_suffix('}'), serde_json::to_string(&timed)) else {
        return json.to_owned();
    };
    format!("{open},\"context\":{context}}}")
}

const fn short(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

/// What the watch over behaviour counts of a recorded event; `None` where it counts nothing.
#[must_use]
pub fn own_access<'a>(event: &'a Recorded, context: &'a Context) -> Option<behaviour::Event<'a>> {
    let actor = event.actor.as_ref()?;
    let rest = &event.unmapped;
    let action = act(event.activity()?, rest.action.as_deref())?;
    let name = context.object_name.as_deref().or(rest.object.as_deref()).unwrap_or_default();
    let study = rest.study.as_deref().unwrap_or_default();
    let object = if name.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!("{study}/{name}")) };
    let asked = rest.range.map(|(first, last)| last.saturating_sub(first).saturating_add(1));
    let denied = event.status_code.as_deref().is_some_and(|code| code.starts_with("policy:"));
    Some(behaviour::Event {
        time: event.time.div_euclid(1_000),
        principal: Cow::Borrowed(&actor.user.uid),
        action,
        object,
        study: Cow::Borrowed(study),
        labels: rest.labels.iter().map(|label| Cow::Borrowed(label.as_str())).collect(),
        bytes: asked.or(rest.bytes).unwrap_or_default(),
        subjects: rest.subject_count.unwrap_or_default(),
        host: Cow::Borrowed(event.src_endpoint.as_ref().map_or("", |endpoint| endpoint.ip.as_str())),
        result: match event.status_id {
            2 if denied => Outcome::Denied,
            2 => Outcome::Failed,
            _ => Outcome::Ok,
        },
        role: Cow::Borrowed(context.roles.first().map_or("", String::as_str)),
        // Whoever comes from the same partner, such as a hospital, is at the same site.
        site: Cow::Borrowed(context.organisation.as_deref().unwrap_or_default()),
        kind: Cow::Borrowed(&actor.user.kind),
        notice_of_leaving: false,
        leaves_on: context.leaves_on,
        grant_idle_days: context.grant_idle_days,
    })
}

fn act(activity: Activity, action: Option<&str>) -> Option<Act> {
    match action {
        Some("break-glass") => return Some(Act::BreakGlass),
        Some("export") => return Some(Act::Export),
        _ => {}
    }
    Some(match activity {
        Activity::Download | Activity::Preview => Act::Read,
        Activity::Upload | Activity::Update | Activity::Copy | Activity::Restore => Act::Write,
        Activity::Delete => Act::Delete,
        Activity::Share => Act::Share,
        Activity::Look => Act::List,
        Activity::Logon => Act::Login,
        Activity::AccountCreate
        | Activity::AccountEnable
        | Activity::AccountDisable
        | Activity::CredentialIssue
        | Activity::CredentialRevoke
        | Activity::Grant
        | Activity::Revoke
        | Activity::Create
        | Activity::Change
        | Activity::Remove
        | Activity::Lock
        | Activity::Unlock
        | Activity::KeyRotate
        | Activity::KeyShred => Act::Admin,
        Activity::Released
        | Activity::Request
        | Activity::Logoff
        | Activity::PasswordChange
        | Activity::AccountLock
        | Activity::Start
        | Activity::Stop
        | Activity::Finding
        | Activity::Observed => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Context, Recorded, Standing, document, extension, own_access};
    use behaviour::{Action, Outcome};
    use jiff::tz::TimeZone;

    const EVENT: &str = r#"{"class_uid":6006,"activity_name":"download","time":1700000000000,"status_id":2,"status_code":"policy:no-grant","actor":{"user":{"uid":"01010101010101010101010101010101","type":"person"}},"src_endpoint":{"ip":"192.0.2.7"},"unmapped":{"study":"onc-201","labels":["phi.direct"],"bytes":900,"range":[0,9],"subject_count":3}}"#;

    #[test]
    fn a_document_has_its_context_and_its_local_time() {
        let context = Context { roles: vec!["monitor".to_owned()], blinded: true, ..Context::default() };
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let text = document(EVENT, 1_700_000_000_000, &context, &zone);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        // 2023-11-14T22:13:20Z is 7:13 on a Wednesday in Tokyo.
        assert_eq!((&value["context"]["hour"], &value["context"]["weekday"]), (&7.into(), &"wed".into()));
        assert_eq!(value["context"]["working_hours"], true);
        assert_eq!(value["context"]["agreement"], "none");
        assert_eq!(value["unmapped"]["study"], "onc-201");
        let utc: serde_json::Value =
            serde_json::from_str(&document(EVENT, 1_700_000_000_000, &context, &TimeZone::UTC)).unwrap();
        assert_eq!(utc["context"]["working_hours"], false);
    }

    #[test]
    fn behaviour_counts_what_was_asked_for_and_how_it_ended() {
        let event: Recorded = serde_json::from_str(EVENT).unwrap();
        let context = Context {
            object_name: Some("visits/7.csv".to_owned()),
            organisation: Some("North Hospital".to_owned()),
            grant_idle_days: 40,
            leaves_on: Some(20_543),
            ..Context::default()
        };
        let access = own_access(&event, &context).unwrap();
        assert_eq!((access.site.as_ref(), access.grant_idle_days), ("North Hospital", 40));
        assert_eq!(access.leaves_on, Some(20_543));
        assert_eq!((access.action, access.result, access.bytes), (Action::Read, Outcome::Denied, 10));
        assert_eq!((access.object.as_ref(), access.subjects), ("onc-201/visits/7.csv", 3));
    }

    #[test]
    fn extensions_are_told_from_names() {
        assert_eq!(extension("a.b/c.FASTQ").as_deref(), Some("fastq"));
        assert_eq!(extension("a.b/c"), None);
        assert_eq!(extension(".profile"), None);
        assert_eq!(Standing::of(Some(5), 5), Standing::Over);
    }
}
