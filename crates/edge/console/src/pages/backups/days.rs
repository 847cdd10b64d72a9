//! What came of each day: reports and a schedule in, squares out.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use landscape::scan::Rule;
use model::{RecoveryKind, RecoveryState};
use store::recovery::Report;

use crate::drawing::calendar::{Day, Outcome};
use crate::wording;

/// Days that are shown: half a year.
pub(crate) const DAYS: i64 = 26 * 7;

#[derive(Default, Clone, Copy)]
struct Counts {
    proven: u64,
    unproven: u64,
    failed: u64,
    /// Those that began and have not ended.
    open: u64,
}

/// Whoever has not ended after a day was killed, in milliseconds.
const ENDS_WITHIN_MS: i64 = 24 * 60 * 60_000;

fn date(at: i64) -> Option<Date> {
    Timestamp::from_millisecond(at).ok().map(|time| time.to_zoned(TimeZone::UTC).date())
}

fn begin(date: Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(i64::MAX, |time| time.timestamp().as_millisecond())
}

/// The days up to the one of `now`, in milliseconds since 1970, UTC. A day on which a backup was due by `schedule` and none was tried
/// is missed, but none from before the first report.
pub(crate) fn days(reports: &[Report], schedule: Option<&Rule>, now: i64) -> Vec<Day> {
    let Some(today) = date(now) else { return Vec::new() };
    let mut counted: BTreeMap<Date, Counts> = BTreeMap::new();
    let mut tried: Vec<i64> = Vec::new();
    for report in reports.iter().filter(|report| report.kind == RecoveryKind::Backup) {
        tried.push(report.began_at);
        let Some(day) = date(report.began_at) else { continue };
        let counts = counted.entry(day).or_default();
        match report.state {
            RecoveryState::Holds => counts.proven += 1,
            RecoveryState::Unproven => counts.unproven += 1,
            RecoveryState::Running if now - report.began_at < ENDS_WITHIN_MS => counts.open += 1,
            RecoveryState::Running | RecoveryState::Broken | RecoveryState::Failed | RecoveryState::Stopped => {
                counts.failed += 1;
            }
        }
    }
    tried.sort_unstable();
    let mut told = Vec::new();
    for ago in (0..DAYS).rev() {
        let Ok(day) = today.checked_sub(ago.days()) else { continue };
        let counts = counted.get(&day).copied().unwrap_or_default();
        let is_missed = counts.proven + counts.unproven + counts.failed + counts.open == 0
            && schedule.is_some_and(|rule| was_due(rule, day, &tried, now));
        told.push(of_day(day, counts, is_missed));
    }
    told
}

fn of_day(date: Date, counts: Counts, is_missed: bool) -> Day {
    let Counts { proven, unproven, failed, open } = counts;
    let outcome = match (proven, unproven, failed) {
        (1.., _, _) => Outcome::Proven,
        (_, 1.., _) => Outcome::Unproven,
        (_, _, 1..) => Outcome::Failed,
        _ if is_missed => Outcome::Missed,
        _ => Outcome::Quiet,
    };
    let counted = [(proven, "proven"), (unproven, "not proven"), (failed, "failed or stopped"), (open, "not ended")];
    let mut words: Vec<String> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", wording::count(count)))
        .collect();
    if words.is_empty() {
        words.push(if is_missed { "due, and not made" } else { "none" }.to_owned());
    }
    Day { date, outcome, title: format!("{date}: {}", words.join(", ")) }
}

/// Whether a backup was due on a day by then, after the last that was tried before.
fn was_due(rule: &Rule, day: Date, tried: &[i64], now: i64) -> bool {
    let from = begin(day);
    let until = day.checked_add(1.day()).map_or(i64::MAX, begin).min(now);
    // Nothing is known of the time before the first.
    let Some(last) = tried.iter().rev().find(|at| **at < from).copied() else { return false };
    let since = match rule {
        Rule::Every { .. } => last,
        _ => last.max(from - 1),
    };
    rule.next_after(since) < until
}

#[cfg(test)]
mod tests {
    use landscape::scan::Rule;
    use model::{PrincipalId, RecoveryKind, RecoveryState};
    use store::recovery::Report;

    use super::{DAYS, Outcome, days};

    const DAY: i64 = 86_400_000;
    /// 2026-11-24 12:00 UTC.
    const NOON: i64 = 1_795_521_600_000;

    fn report(began_at: i64, state: RecoveryState) -> Report {
        Report {
            id: 1,
            kind: RecoveryKind::Backup,
            name: began_at.to_string(),
            state,
            began_at,
            ended_at: Some(began_at + 1),
            by: PrincipalId::from_bytes([0; 16]),
            through: "schedule".to_owned(),
            snapshot: None,
            began_entry: None,
            ended_entry: None,
        }
    }

    fn outcomes(reports: &[Report], rule: Option<&str>, count: usize) -> Vec<Outcome> {
        let rule: Option<Rule> = rule.map(|text| text.parse().unwrap());
        let told = days(reports, rule.as_ref(), NOON);
        told[told.len() - count..].iter().map(|day| day.outcome).collect()
    }

    #[test]
    fn a_day_is_what_came_of_its_best_backup() {
        let all = [
            report(NOON - 2 * DAY, RecoveryState::Failed),
            report(NOON - 2 * DAY + 1, RecoveryState::Holds),
            report(NOON - DAY, RecoveryState::Stopped),
            report(NOON - 3 * DAY, RecoveryState::Unproven),
        ];
        use Outcome::{Failed, Proven, Quiet, Unproven};
        assert_eq!(outcomes(&all, None, 5), [Quiet, Unproven, Proven, Failed, Quiet]);
        assert!(
            days(&all, None, NOON)[usize::try_from(DAYS).unwrap() - 3]
                .title
                .ends_with(": 1 proven, 1 failed or stopped")
        );
        let begun = [report(NOON - 2 * DAY, RecoveryState::Running), report(NOON - 60_000, RecoveryState::Running)];
        assert_eq!(outcomes(&begun, Some("daily 02:30"), 3), [Failed, Outcome::Missed, Quiet], "the first was killed");
        let drill = Report { kind: RecoveryKind::Drill, ..report(NOON, RecoveryState::Holds) };
        assert_eq!(outcomes(&[drill], None, 1), [Quiet], "a drill is no backup");
    }

    #[test]
    fn what_was_due_and_not_tried_is_missed() {
        use Outcome::{Missed, Proven, Quiet};
        let all = [report(NOON - 4 * DAY, RecoveryState::Holds)];
        assert_eq!(outcomes(&all, Some("daily 02:30"), 6), [Quiet, Proven, Missed, Missed, Missed, Missed]);
        // Today's is due in the evening.
        assert_eq!(outcomes(&all, Some("daily 20:00"), 2), [Missed, Quiet]);
        assert_eq!(outcomes(&all, Some("every 6h"), 5), [Proven, Missed, Missed, Missed, Missed]);
        // 2026-11-23 is a Monday; the last was on the Friday before.
        assert_eq!(outcomes(&all, Some("weekly mon 02:30"), 5), [Proven, Quiet, Quiet, Missed, Quiet]);
        assert_eq!(outcomes(&[], Some("daily 02:30"), 3), [Quiet, Quiet, Quiet], "nothing is known of before");
    }
}
