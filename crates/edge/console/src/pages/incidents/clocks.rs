//! Clocks as dials: how much of the time is gone, how much is left, to whom, by which law.

use std::f64::consts::TAU;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use incidents::case::{Case, due_ms};
use serde_json::Value;

use crate::Shared;
use crate::failure::{Failure, render};
use crate::session::Visitor;

/// The radius of a dial.
const RADIUS: f64 = 42.0;
/// Less than this left is shown as urgent: 12 hours.
const SOON_MS: i64 = 12 * 60 * 60_000;

/// A clock as a dial.
pub(crate) struct Dial {
    pub(crate) obligation: String,
    pub(crate) title: String,
    /// `late`, `soon`, `running`, `promptly`, `waiting`, `tolled`, `met`, `settled`.
    pub(crate) kind: &'static str,
    /// In the middle of the dial.
    pub(crate) left: String,
    /// Under it: `left`, `late`, and so on.
    pub(crate) word: &'static str,
    /// The arc that is left, as `stroke-dasharray`.
    pub(crate) arc: String,
    /// The local date or time as the law has it.
    pub(crate) due_text: String,
    pub(crate) legal: String,
    pub(crate) recipient: String,
    pub(crate) recipients: Vec<String>,
    /// The day that is aimed at, where the law only says how soon it should be.
    pub(crate) target: String,
    /// Why nothing more is needed.
    pub(crate) settled: String,
    pub(crate) because: String,
    pub(crate) questions: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Whether a notice is to be drafted.
    pub(crate) is_owed: bool,
}

/// The most telling two units of a span.
pub(crate) fn left(due: i64, now: i64) -> String {
    let minutes = (due - now).abs() / 60_000;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) if days < 10 => format!("{days} d {hours} h"),
        (days, _) => format!("{days} d"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// The clocks of a case, those that end first before others; what is not owed is left out.
pub(crate) fn dials(case: &Case, now: i64) -> Vec<Dial> {
    let mut dials: Vec<(i64, Dial)> = Vec::new();
    // As long as nobody said which roles the organisation has, every clock asks for that: the page does so once.
    let is_told = |clock: &&Value| clock["status"] != "waiting" || case.facts.contains_key("roles");
    for clock in case.clocks.values().filter(|clock| clock["status"] != "not_triggered").filter(is_told) {
        let due = due_ms(clock, &case.facts);
        let status = clock["status"].as_str().unwrap_or_default();
        let settled = clock["obligation"].as_str().and_then(|id| case.settled.get(id));
        let (kind, word) = match (status, due) {
            _ if settled.is_some() => ("settled", "settled"),
            ("met", _) => ("met", "sent"),
            ("waiting", Some(due)) if due < now => ("late", "late"),
            ("waiting", _) => ("waiting", "waiting"),
            ("promptly", _) => ("promptly", "at once"),
            ("tolled", _) => ("tolled", "delayed"),
            (_, Some(due)) if due < now => ("late", "late"),
            (_, Some(due)) if due - now < SOON_MS => ("soon", "left"),
            _ => ("running", "left"),
        };
        let order = match kind {
            "met" => i64::MAX,
            "promptly" => i64::MIN,
            "settled" => i64::MAX - 1,
            // What waits for an answer may run all the same.
            "waiting" => due.unwrap_or(i64::MAX - 2),
            _ => due.unwrap_or(i64::MAX - 3),
        };
        dials.push((order, dial(clock, case, kind, word, due, now)));
    }
    dials.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| one.1.obligation.cmp(&other.1.obligation)));
    dials.into_iter().map(|(_, dial)| dial).collect()
}

fn dial(clock: &Value, case: &Case, kind: &'static str, word: &'static str, due: Option<i64>, now: i64) -> Dial {
    let begun = began(clock, case);
    let share = match (kind, begun, due) {
        ("met" | "settled", ..) => 1.0,
        (_, Some(begun), Some(due)) if due > begun => share_left(begun, due, now),
        _ => 0.0,
    };
    let around = TAU * RADIUS;
    let obligation = text(&clock["obligation"]);
    let library = obligations::in_force().ok();
    let of = library.as_ref().and_then(|library| case.judged_by(library, &obligation).ok());
    let title = of.map_or_else(String::new, |of| of.title.clone());
    let left = match (kind, due) {
        ("met" | "settled", _) => "✓".to_owned(),
        ("waiting", None) => "?".to_owned(),
        ("promptly", _) => "now".to_owned(),
        (_, Some(due)) => left(due, now),
        (_, None) => "–".to_owned(),
    };
    let due_text = if clock["due_at"].is_null() { text(&clock["due_on"]) } else { spaced(&text(&clock["due_at"])) };
    Dial {
        title,
        kind,
        left,
        word,
        arc: format!("{:.1} {:.1}", share * around, around),
        due_text,
        legal: text(&clock["legal_due_on"]),
        recipient: text(&clock["recipient"]),
        recipients: texts(&clock["recipients"]),
        settled: case.settled.get(&obligation).cloned().unwrap_or_default(),
        target: text(&clock["target_on"]),
        because: text(&clock["because"]),
        questions: texts(&clock["questions"]),
        notes: texts(&clock["notes"]),
        is_owed: !matches!(kind, "met" | "settled"),
        obligation,
    }
}

/// `2026-12-02 02:03 +01:00` for `2026-12-02T02:03:29+01:00`.
pub(crate) fn spaced(at: &str) -> String {
    match (at.get(..10), at.get(11..16), at.get(19..)) {
        (Some(day), Some(time), Some(offset)) => format!("{day} {time} {offset}"),
        _ => at.to_owned(),
    }
}

fn began(clock: &Value, case: &Case) -> Option<i64> {
    if let Some(at) = clock["start_at"].as_str() {
        return at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    }
    let day: jiff::civil::Date = clock["start_on"].as_str()?.parse().ok()?;
    let zone = case.facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    day.in_tz(zone).ok().map(|begins| begins.timestamp().as_millisecond())
}

#[expect(clippy::cast_precision_loss, reason = "a share of a circle")]
fn share_left(begun: i64, due: i64, now: i64) -> f64 {
    ((due - now) as f64 / (due - begun) as f64).clamp(0.0, 1.0)
}

#[derive(Template)]
#[template(path = "incidents/clocks.html")]
struct Part {
    id: u32,
    dials: Vec<Dial>,
    languages: Vec<(&'static str, String)>,
}

/// `GET /incidents/{id}/clocks`: the dials alone, for a page that is open for long.
pub(crate) async fn show(
    State(console): State<Shared>,
    _visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = super::room::number(&id)?;
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    render(&Part { id, dials: dials(&case, case.clock(console.now())), languages: super::room::languages() })
}

#[cfg(test)]
mod tests {
    use super::{left, share_left};

    #[test]
    fn spans_are_told_in_two_units() {
        let minute = 60_000;
        assert_eq!(left(59 * minute, 0), "59 min");
        assert_eq!(left(0, 61 * minute), "1 h 1 min");
        assert_eq!(left(72 * 60 * minute, 0), "3 d 0 h");
        assert_eq!(left(60 * 24 * 60 * minute, 0), "60 d");
        assert!((share_left(0, 100, 25) - 0.75).abs() < 1e-9);
        assert!((share_left(0, 100, 125)).abs() < 1e-9);
    }
}
