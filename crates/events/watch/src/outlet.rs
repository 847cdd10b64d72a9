//! A finding in the forms that other systems take: OCSF, syslog, a signed body for a web hook.

use detect::rule::Level;
use model::Label;
use serde_json::{Value, json};

/// What leaves: no names, no values, nothing of the story.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    /// The finding's id.
    pub uid: &'a str,
    /// The rule's id.
    pub rule: &'a str,
    /// Its title.
    pub title: &'a str,
    /// How grave it is.
    pub level: Level,
    /// Its tags.
    pub tags: &'a [String],
    /// 0 to 100.
    pub rank: u32,
    /// The actor's random id.
    pub principal: Option<String>,
    /// The study.
    pub study: Option<&'a str>,
    /// What was touched.
    pub labels: &'a [Label],
    /// Data subjects of it.
    pub subjects: u64,
    /// Matches so far.
    pub matches: u64,
    /// First and last match, in milliseconds since 1970, UTC.
    pub between: (i64, i64),
    /// When it was found.
    pub found_at: i64,
    /// The entries that it stands on.
    pub entries: &'a [u64],
}

/// `severity_id` of OCSF 1.5.
#[must_use]
pub const fn severity(level: Level) -> u32 {
    match level {
        Level::Informational => 1,
        Level::Low => 2,
        Level::Medium => 3,
        Level::High => 4,
        Level::Critical => 5,
    }
}

/// A detection finding of OCSF 1.5 (class 2004).
#[must_use]
pub fn ocsf(told: &Told<'_>) -> Value {
    let attacks: Vec<Value> = told
        .tags
        .iter()
        .filter_map(|tag| tag.strip_prefix("attack.t"))
        .map(|number| json!({"technique": {"uid": format!("T{}", number.to_uppercase())}, "version": "19"}))
        .collect();
    let mut event = json!({
        "class_uid": 2004, "category_uid": 2, "activity_id": 1, "activity_name": "Create", "type_uid": 200_401,
        "time": told.found_at, "severity_id": severity(told.level), "status_id": 1, "is_alert": true,
        "metadata": {"version": "1.5.0", "product": {"name": "Lazaret", "vendor_name": "Lazaret"}},
        "finding_info": {
            "uid": told.uid, "title": told.title, "first_seen_time": told.between.0, "last_seen_time": told.between.1,
            "analytic": {"uid": told.rule, "name": told.title, "type_id": 1}, "attacks": attacks,
        },
        "count": told.matches, "risk_score": told.rank,
        "unmapped": {
            "labels": told.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>(),
            "subject_count": told.subjects, "entries": told.entries,
        },
    });
    if let (Some(unmapped), Some(study)) = (event.get_mut("unmapped").and_then(Value::as_object_mut), told.study) {
        unmapped.insert("study".to_owned(), json!(study));
    }
    if let (Some(event), Some(principal)) = (event.as_object_mut(), &told.principal) {
        event.insert("actor".to_owned(), json!({"user": {"uid": principal}}));
    }
    event
}

/// Facility 13, log audit (RFC 5424, table 1).
const FACILITY: u32 = 13;

/// A message of RFC 5424, without what frames it. The structured data are under the private enterprise number for examples of
/// RFC 5612, since the project has none of its own.
#[must_use]
pub fn syslog(told: &Told<'_>, host: &str) -> String {
    // RFC 5424, table 2.
    let severity = match told.level {
        Level::Critical => 2,
        Level::High => 3,
        Level::Medium => 4,
        Level::Low => 5,
        Level::Informational => 6,
    };
    let time =
        jiff::Timestamp::from_millisecond(told.found_at).map_or_else(|_| "-".to_owned(), |time| time.to_string());
    let labels = told.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(" ");
    let param = |name: &str, value: &str| format!(" {name}=\"{}\"", parameter(value));
    let data = [
        param("finding", told.uid),
        param("rule", told.rule),
        param("rank", &told.rank.to_string()),
        param("principal", told.principal.as_deref().unwrap_or_default()),
        param("study", told.study.unwrap_or_default()),
        param("labels", &labels),
        param("subjects", &told.subjects.to_string()),
        param("matches", &told.matches.to_string()),
    ];
    format!(
        "<{}>1 {time} {} lazaret - finding [lazaret@32473{}] {}",
        FACILITY * 8 + severity,
        header(host),
        data.concat(),
        one_line(told.title)
    )
}

/// That people are wanted, as a message of RFC 5424 with severity 1 (alert); `at` is milliseconds since 1970, UTC.
#[must_use]
pub fn syslog_notice(subject: &str, link: &str, at: i64, host: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(at).map_or_else(|_| "-".to_owned(), |time| time.to_string());
    format!(
        "<{}>1 {time} {} lazaret - notice - {} {}",
        FACILITY * 8 + 1,
        header(host),
        one_line(subject),
        one_line(link)
    )
}

/// A header field: printable ASCII without spaces, at most 255 (RFC 5424, section 6).
fn header(text: &str) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(255).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// A value of structured data (RFC 5424, section 6.3.3), without control characters.
fn parameter(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\\' | ']' => out.extend(['\\', character]),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Told, ocsf, syslog};
    use detect::rule::Level;
    use model::Label;

    fn told<'a>(title: &'a str, tags: &'a [String]) -> Told<'a> {
        Told {
            uid: "f1",
            rule: "r1",
            title,
            level: Level::High,
            tags,
            rank: 80,
            principal: Some("01".repeat(16)),
            study: Some("onc-201"),
            labels: &[Label::PhiDirect, Label::TrialSubject],
            subjects: 12,
            matches: 3,
            between: (1_700_000_000_000, 1_700_000_001_000),
            found_at: 1_700_000_002_000,
            entries: &[4, 5],
        }
    }

    #[test]
    fn a_finding_is_ocsf() {
        let tags = ["attack.exfiltration".to_owned(), "attack.t1567.002".to_owned()];
        let event = ocsf(&told("Mass download", &tags));
        assert_eq!(event["type_uid"], 200_401);
        assert_eq!(event["finding_info"]["attacks"][0]["technique"]["uid"], "T1567.002");
        assert_eq!(event["finding_info"]["attacks"].as_array().unwrap().len(), 1);
        assert_eq!(event["unmapped"]["study"], "onc-201");
    }

    #[test]
    fn a_title_cannot_forge_a_second_line() {
        let line = syslog(&told("bad\n<34>1 forged \"]", &[]), "host name\r\n");
        assert!(!line.contains('\n') && !line.contains('\r'), "{line}");
        assert!(
            line.starts_with("<107>1 2023-11-14T22:13:22Z hostname lazaret - finding [lazaret@32473 finding=\"f1\""),
            "{line}"
        );
    }
}
