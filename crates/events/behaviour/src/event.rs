//! A line in; an event out. Two shapes: Lazaret's own, and the fields of OCSF (Open Cybersecurity Schema Framework 1.x) that
//! say the same. docs/reference/behaviour.md lists both.
use serde::Deserialize;
use std::borrow::Cow;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Looked at or fetched.
    Read,
    /// Listed names.
    List,
    /// Created or changed.
    Write,
    /// Removed.
    Delete,
    /// Gave somebody else access.
    Share,
    /// Took out of the organisation's reach.
    Export,
    /// Proved an identity, or tried to.
    Login,
    /// Changed settings, grants or principals.
    Admin,
    /// Packed objects together.
    Archive,
    /// Went in without a grant because of an emergency.
    BreakGlass,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    Ok,
    /// Refused by a rule.
    Denied,
    /// Went wrong.
    Failed,
}

/// One access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Seconds since 1970-01-01 UTC.
    pub time: i64,
    /// Who; never empty.
    pub principal: Cow<'a, str>,
    /// Did what.
    pub action: Action,
    /// To which object; may be empty.
    pub object: Cow<'a, str>,
    /// In which study; may be empty.
    pub study: Cow<'a, str>,
    /// What the object holds.
    pub labels: Vec<Cow<'a, str>>,
    /// Bytes moved.
    pub bytes: u64,
    /// Data subjects in what was moved.
    pub subjects: u64,
    /// From where; may be empty.
    pub host: Cow<'a, str>,
    /// How it ended.
    pub result: Outcome,
    /// Job; may be empty.
    pub role: Cow<'a, str>,
    /// Site; may be empty.
    pub site: Cow<'a, str>,
    /// `person`, `service`, `partner`, `device`; empty is taken for a person.
    pub kind: Cow<'a, str>,
    /// The HR feed says that the person leaves.
    pub notice_of_leaving: bool,
    /// The person's last day, in days since 1970; says that there was notice, too.
    pub leaves_on: Option<i64>,
    /// Days since the grant that allowed it was last used or, if it never was, given; 0 where nobody says.
    pub grant_idle_days: u32,
}

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or a field of another type.
    #[error("not an event as json: {0}")]
    Json(#[from] serde_json::Error),
    /// A field is missing or empty.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The time is neither RFC 3339 nor milliseconds since 1970.
    #[error("`time` is `{0}`; write rfc 3339 such as `2026-01-05T08:00:00Z`, or milliseconds since 1970")]
    Time(String),
    /// The last day is no date.
    #[error("`leaves_on` is `{0}`; write a date such as `2026-03-31`")]
    LeavesOn(String),
    /// Not an action that is known.
    #[error(
        "`action` is `{0}`; known are read, list, write, delete, share, export, login, admin, archive, break_glass"
    )]
    Action(String),
    /// Not a result that is known.
    #[error("`result` is `{0}`; known are ok, denied, failed")]
    Result(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Number(i64),
}

type Text<'a> = Option<Cow<'a, str>>;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    time: Option<Time<'a>>,
    #[serde(borrow)]
    principal: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    object: Text<'a>,
    #[serde(borrow)]
    study: Text<'a>,
    #[serde(borrow, default)]
    labels: Option<Vec<Cow<'a, str>>>,
    bytes: Option<u64>,
    subjects: Option<u64>,
    #[serde(borrow)]
    host: Text<'a>,
    #[serde(borrow)]
    result: Text<'a>,
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    site: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    notice_of_leaving: Option<bool>,
    #[serde(borrow)]
    leaves_on: Text<'a>,
    grant_idle_days: Option<u32>,
    // OCSF.
    #[serde(borrow)]
    activity_name: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    actor: Option<Actor<'a>>,
    #[serde(borrow)]
    file: Option<Named<'a>>,
    #[serde(borrow)]
    resources: Option<Vec<Named<'a>>>,
    #[serde(borrow)]
    src_endpoint: Option<Endpoint<'a>>,
    traffic: Option<Traffic>,
}

#[derive(Deserialize)]
struct Actor<'a> {
    #[serde(borrow)]
    user: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Endpoint<'a> {
    #[serde(borrow)]
    hostname: Text<'a>,
    #[serde(borrow)]
    ip: Text<'a>,
}

#[derive(Deserialize)]
struct Traffic {
    bytes: Option<u64>,
}

/// Reads one line.
///
/// # Errors
/// What is wrong with the line; nothing is guessed. Missing optional fields are no error.
pub fn parse_event(line: &[u8]) -> Result<Event<'_>, ParseError> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let user = line.actor.and_then(|actor| actor.user).and_then(|user| user.name.or(user.uid));
    let principal = line.principal.or(user).filter(|name| !name.is_empty()).ok_or(ParseError::Missing("principal"))?;
    let time = match line.time.ok_or(ParseError::Missing("time"))? {
        Time::Number(milliseconds) => milliseconds.div_euclid(1000),
        Time::Text(text) => crate::time::parse(&text).ok_or_else(|| ParseError::Time(text.into_owned()))?,
    };
    // Four digits of a year, as RFC 3339 has them; it keeps sums of days far from their limits.
    if !(-62_167_219_200..253_402_300_800).contains(&time) {
        return Err(ParseError::Time(time.to_string()));
    }
    let leaves_on = match line.leaves_on.filter(|text| !text.is_empty()) {
        Some(text) => Some(crate::time::parse_date(&text).ok_or_else(|| ParseError::LeavesOn(text.into_owned()))?),
        None => None,
    };
    let resource = line.file.or_else(|| line.resources.and_then(|list| list.into_iter().next()));
    let (path, size) = resource.map_or((None, None), |named| (named.path.or(named.name).or(named.uid), named.size));
    let endpoint = line.src_endpoint.and_then(|endpoint| endpoint.hostname.or(endpoint.ip));
    Ok(Event {
        time,
        principal,
        action: action(&line.action.or(line.activity_name).ok_or(ParseError::Missing("action"))?)?,
        object: line.object.or(path).unwrap_or_default(),
        study: line.study.unwrap_or_default(),
        labels: line.labels.unwrap_or_default(),
        bytes: line.bytes.or(line.traffic.and_then(|traffic| traffic.bytes)).or(size).unwrap_or(0),
        subjects: line.subjects.unwrap_or(0),
        host: line.host.or(endpoint).unwrap_or_default(),
        result: match line.result.or(line.status) {
            Some(text) => outcome(&text)?,
            None => Outcome::Ok,
        },
        role: line.role.unwrap_or_default(),
        site: line.site.unwrap_or_default(),
        kind: line.kind.unwrap_or_default(),
        notice_of_leaving: line.notice_of_leaving.unwrap_or(false),
        leaves_on,
        grant_idle_days: line.grant_idle_days.unwrap_or(0),
    })
}

fn action(text: &str) -> Result<Action, ParseError> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "read" | "open" | "preview" | "download" | "get" => Action::Read,
        "list" | "enumerate" | "explore" => Action::List,
        "write" | "create" | "update" | "upload" | "rename" | "set attributes" => Action::Write,
        "delete" => Action::Delete,
        "share" => Action::Share,
        "export" | "copy" | "transfer" => Action::Export,
        "login" | "logon" => Action::Login,
        "admin" | "assign privileges" | "revoke privileges" | "set security" => Action::Admin,
        "archive" => Action::Archive,
        "break_glass" => Action::BreakGlass,
        _ => return Err(ParseError::Action(text.to_owned())),
    })
}

fn outcome(text: &str) -> Result<Outcome, ParseError> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "ok" | "success" | "unknown" => Outcome::Ok,
        "denied" => Outcome::Denied,
        "failed" | "failure" => Outcome::Failed,
        _ => return Err(ParseError::Result(text.to_owned())),
    })
}
