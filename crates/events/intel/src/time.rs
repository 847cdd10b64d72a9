//! Times as feeds and logs write them.

/// Numbers from here on are milliseconds, below it seconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// Milliseconds since 1970 of a time: RFC 3339, without an offset and then in UTC, a day, or seconds or milliseconds since
/// 1970.
pub fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches(" UTC").trim_matches('"');
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(stamp.as_millisecond());
    }
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        return utc(time);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return utc(day.to_datetime(jiff::civil::Time::midnight()));
    }
    number(text.parse().ok()?)
}

/// Milliseconds since 1970 of a number of seconds or milliseconds.
pub(crate) fn number(value: f64) -> Option<i64> {
    let seconds = if value.abs() >= MILLISECONDS_FROM { value / 1000.0 } else { value };
    let since = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    // Times that no calendar of the program can show are no times.
    jiff::Timestamp::from_duration(since).ok().map(jiff::Timestamp::as_millisecond)
}

/// A time as RFC 3339.
pub(crate) fn shown(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |stamp| stamp.to_string())
}

fn utc(time: jiff::civil::DateTime) -> Option<i64> {
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, number};

    #[test]
    fn times_are_read_as_they_are_written() {
        let wanted = Some(1_767_225_600_000);
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00+01:00",
            "2026-01-01 00:00:00",
            "2026-01-01",
            "1767225600",
            "1767225600000",
            "2026-01-01 00:00:00 UTC",
        ] {
            assert_eq!(milliseconds(text), wanted, "{text}");
        }
        for text in ["", "yesterday", "NaN", "inf", "1e300", "99999-01-01"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert_eq!(number(1.5), Some(1500));
    }
}
