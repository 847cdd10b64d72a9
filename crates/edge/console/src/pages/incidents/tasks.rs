//! What is to be done about an incident, by whom and by when.

use incidents::case::Case;
use serde_json::Value;

use super::clocks::left;
use crate::failure::Failure;

/// One task, as the room shows it.
pub(crate) struct TaskRow {
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) role: &'static str,
    pub(crate) done: String,
    pub(crate) is_done: bool,
    /// The day on which it is due, as a form has it; empty: there is no hurry.
    pub(crate) due_on: String,
    /// How long is left, or by how much it is overdue.
    pub(crate) left: String,
    pub(crate) is_overdue: bool,
}

/// Tasks: what is overdue first, what is done last.
pub(crate) fn tasks(case: &Case, now: i64) -> Vec<TaskRow> {
    let (clock, zone) = (case.clock(now), zone(case));
    let day = |at: i64| {
        let at = jiff::Timestamp::from_millisecond(at.saturating_sub(1)).ok()?;
        Some(at.to_zoned(zone.clone()).date().to_string())
    };
    let row = |task: &incidents::case::Task| TaskRow {
        due_on: task.due_at.and_then(day).unwrap_or_default(),
        left: task.due_at.map_or_else(String::new, |due| left(due, clock)),
        is_overdue: task.due_at.is_some_and(|due| due < clock),
        number: task.number,
        text: task.text.clone(),
        role: task.role.as_str(),
        is_done: task.done.is_some(),
        done: task.done.clone().unwrap_or_default(),
    };
    let mut rows: Vec<TaskRow> = case.tasks.iter().map(row).collect();
    rows.sort_by_key(|task| (task.is_done, !task.is_overdue));
    rows
}

/// The organisation's time zone.
fn zone(case: &Case) -> jiff::tz::TimeZone {
    let name = case.facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
}

/// When something is due: at a time with offset, or with the end of a day where the organisation is. Empty: there is no hurry.
pub(crate) fn due(case: &Case, text: &str) -> Result<Option<i64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Some(at.as_millisecond()));
    }
    let day: Result<jiff::civil::Date, _> = text.parse();
    let end = day.and_then(jiff::civil::Date::tomorrow).and_then(|day| day.to_zoned(zone(case)));
    match end {
        Ok(end) => Ok(Some(end.timestamp().as_millisecond())),
        Err(error) => Err(Failure::BadInput(format!("`{text}` is no day ({error}); write 2026-11-02."))),
    }
}
