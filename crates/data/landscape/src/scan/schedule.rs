//! When a source is scanned again: `every 6h`, `daily 02:30`, `weekly mon 02:30 Europe/Berlin`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The shortest interval, in minutes: below it, watching a folder does better.
pub const EVERY_MINUTES_MIN: u32 = 5;
/// The longest interval, in minutes: a year.
pub const EVERY_MINUTES_MAX: u32 = 366 * 24 * 60;

/// A rule that says when a scan is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// At this interval, counted from the start of the last run.
    Every {
        /// From [`EVERY_MINUTES_MIN`] to [`EVERY_MINUTES_MAX`].
        minutes: u32,
    },
    /// Every day at this time of day.
    Daily {
        /// Hours and minutes.
        at: Time,
        /// Where the clock hangs.
        zone: Zone,
    },
    /// Every week on this day at this time.
    Weekly {
        /// The day.
        day: Weekday,
        /// Hours and minutes.
        at: Time,
        /// Where the clock hangs.
        zone: Zone,
    },
}

/// A time zone by its IANA name. `UTC` unless told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// What is wrong with a rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleError {
    /// Not of a known shape.
    #[error("`{rule}` is no schedule; write `every 6h`, `daily 02:30` or `weekly mon 02:30 Europe/Berlin`")]
    Shape {
        /// What was given.
        rule: String,
    },
    /// An interval out of bounds.
    #[error("`{rule}` is no usable interval; choose from 5 minutes (`every 5m`) to 366 days (`every 366d`)")]
    Interval {
        /// What was given.
        rule: String,
    },
    /// A zone nobody knows.
    #[error("there is no time zone `{zone}`; use a name such as `Europe/Berlin`, `America/New_York` or `UTC`")]
    Zone {
        /// What was given.
        zone: String,
    },
}

impl Rule {
    /// When it is due for the first time after `now`; both are milliseconds since 1970, UTC. A time of day that the
    /// switch to summer time leaves out is due as much later as the clock jumps; one that comes twice is due the first
    /// time.
    #[must_use]
    pub fn next_after(&self, now: i64) -> i64 {
        match self {
            Self::Every { minutes } => now.saturating_add(i64::from(*minutes) * 60_000),
            Self::Daily { at, zone } => next(*at, zone, None, now),
            Self::Weekly { day, at, zone } => next(*at, zone, Some(*day), now),
        }
    }
}

/// Days looked ahead: a week, and one more for zones far from UTC and days that a zone left out.
const DAYS_AHEAD: i64 = 9;

fn next(at: Time, zone: &Zone, day: Option<Weekday>, now: i64) -> i64 {
    let Ok(present) = Timestamp::from_millisecond(now) else { return i64::MAX };
    let today = present.to_zoned(zone.zone.clone()).date();
    let due = |ahead: i64| {
        let date = today.checked_add(Span::new().try_days(ahead).ok()?).ok()?;
        if day.is_some_and(|day| day != date.weekday()) {
            return None;
        }
        let due = date.to_datetime(at).to_zoned(zone.zone.clone()).ok()?.timestamp();
        (due > present).then(|| due.as_millisecond())
    };
    (0..=DAYS_AHEAD).find_map(due).unwrap_or(i64::MAX)
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let shape = || RuleError::Shape { rule: text.chars().take(80).collect() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let zone = |name: Option<&&str>| Zone::named(name.copied().unwrap_or("UTC"));
        match words.as_slice() {
            ["every", interval] => every(interval).ok_or_else(shape)?.ok_or(RuleError::Interval { rule: text.into() }),
            ["daily", at, rest @ ..] if rest.len() <= 1 => {
                Ok(Self::Daily { at: time(at).ok_or_else(shape)?, zone: zone(rest.first())? })
            }
            ["weekly", day, at, rest @ ..] if rest.len() <= 1 => Ok(Self::Weekly {
                day: weekday(day).ok_or_else(shape)?,
                at: time(at).ok_or_else(shape)?,
                zone: zone(rest.first())?,
            }),
            _ => Err(shape()),
        }
    }
}

/// An interval; `None` when it is none, `Some(None)` when it is out of bounds.
fn every(text: &str) -> Option<Option<Rule>> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return None,
    };
    let minutes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(minutes));
    let usable = minutes.filter(|minutes| (EVERY_MINUTES_MIN..=EVERY_MINUTES_MAX).contains(minutes));
    Some(usable.map(|minutes| Rule::Every { minutes }))
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| (digits.len() <= 2).then(|| digits.parse::<u8>().ok()).flatten();
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn weekday(text: &str) -> Option<Weekday> {
    let text = text.to_ascii_lowercase();
    DAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}

impl Zone {
    fn named(name: &str) -> Result<Self, RuleError> {
        let zone = if name == "UTC" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() };
        let zone = zone.ok_or_else(|| RuleError::Zone { zone: name.chars().take(80).collect() })?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, zone })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zoned = |f: &mut fmt::Formatter<'_>, at: &Time, zone: &Zone| {
            write!(f, "{:02}:{:02}", at.hour(), at.minute())?;
            if zone.name == "UTC" { Ok(()) } else { write!(f, " {}", zone.name) }
        };
        match self {
            Self::Every { minutes } if minutes % (24 * 60) == 0 => write!(f, "every {}d", minutes / (24 * 60)),
            Self::Every { minutes } if minutes % 60 == 0 => write!(f, "every {}h", minutes / 60),
            Self::Every { minutes } => write!(f, "every {minutes}m"),
            Self::Daily { at, zone } => {
                f.write_str("daily ")?;
                zoned(f, at, zone)
            }
            Self::Weekly { day, at, zone } => {
                let name = DAYS.iter().find(|(_, known)| known == day).map_or("", |(name, _)| name);
                write!(f, "weekly {name} ")?;
                zoned(f, at, zone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rule, RuleError};
    use jiff::Timestamp;

    fn due(rule: &str, now: &str) -> String {
        let now: Timestamp = now.parse().unwrap();
        let next = rule.parse::<Rule>().unwrap().next_after(now.as_millisecond());
        Timestamp::from_millisecond(next).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_after_now() {
        assert_eq!(due("every 6h", "2026-03-01T10:00:00Z"), "2026-03-01T16:00:00Z");
        assert_eq!(due("daily 02:30", "2026-03-01T02:29:59Z"), "2026-03-01T02:30:00Z");
        assert_eq!(due("daily 02:30", "2026-03-01T02:30:00Z"), "2026-03-02T02:30:00Z");
        assert_eq!(due("weekly mon 02:30", "2026-03-02T02:30:00Z"), "2026-03-09T02:30:00Z");
        assert_eq!(due("weekly sun 23:00", "2026-12-28T00:00:00Z"), "2027-01-03T23:00:00Z");
        assert_eq!(due("daily 00:10 Asia/Tokyo", "2026-03-01T15:00:00Z"), "2026-03-01T15:10:00Z");
        assert_eq!(due("weekly fri 23:30 Pacific/Kiritimati", "2026-03-06T09:31:00Z"), "2026-03-13T09:30:00Z");
    }

    #[test]
    fn summer_time_neither_skips_a_day_nor_runs_twice() {
        // On 29 March 2026 Berlin's clocks jump from 02:00 to 03:00.
        assert_eq!(due("daily 02:30 Europe/Berlin", "2026-03-28T02:00:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(due("daily 02:30 Europe/Berlin", "2026-03-29T01:30:00Z"), "2026-03-30T00:30:00Z");
        // On 25 October 2026 they go back from 03:00 to 02:00: 02:30 comes at 00:30 and at 01:30 UTC.
        assert_eq!(due("daily 02:30 Europe/Berlin", "2026-10-24T01:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(due("daily 02:30 Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
        // The same week's day in New York, over its own switch on 8 March 2026.
        assert_eq!(due("weekly sun 02:30 America/New_York", "2026-03-07T00:00:00Z"), "2026-03-08T07:30:00Z");
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for rule in ["every 5m", "every 6h", "every 2d", "daily 02:30", "weekly thu 23:05 Asia/Tokyo"] {
            assert_eq!(rule.parse::<Rule>().unwrap().to_string(), rule);
        }
        assert_eq!("every 120m".parse::<Rule>().unwrap().to_string(), "every 2h");
        assert_eq!("weekly MON 2:30 utc".parse::<Rule>().unwrap().to_string(), "weekly mon 02:30");
    }

    #[test]
    fn wrong_rules_say_what_to_write() {
        for rule in [
            "",
            "every",
            "every 6",
            "every h",
            "every -6h",
            "every 6ü",
            "daily 24:00",
            "daily 2:3",
            "weekly 02:30",
            "weekly moon 02:30",
            "hourly",
            "daily 02:30 UTC x",
        ] {
            assert!(matches!(rule.parse::<Rule>(), Err(RuleError::Shape { .. })), "{rule}");
        }
        for rule in ["every 4m", "every 367d", "every 99999999999h"] {
            assert!(matches!(rule.parse::<Rule>(), Err(RuleError::Interval { .. })), "{rule}");
        }
        assert!(matches!("daily 02:30 Europe/Nowhere".parse::<Rule>(), Err(RuleError::Zone { .. })));
    }
}
