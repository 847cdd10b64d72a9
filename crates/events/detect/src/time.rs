//! What an event says of when it happened; milliseconds since 1970 out.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// From here on a number counts milliseconds, below it seconds: as seconds it would lie beyond the year 5138, as
/// milliseconds before 1973-03.
const MILLISECONDS_FROM: f64 = 1e11;

/// Milliseconds since 1970 of a time stamp: RFC 3339; the same without an offset, then in UTC; with `UTC` or `GMT` behind
/// it, as PostgreSQL writes; as access logs write (`29/Nov/2026:22:04:11 +0100`); or a number since 1970, of seconds (Zeek,
/// auditd) or milliseconds (Lazaret, GitHub).
pub fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp.as_millisecond());
    }
    let plain = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text);
    if let Ok(time) = plain.parse::<DateTime>() {
        return time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond());
    }
    if let Ok(stamp) = Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text) {
        return Some(stamp.as_millisecond());
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let seconds = if number.abs() >= MILLISECONDS_FROM { number / 1_000.0 } else { number };
    jiff::SignedDuration::try_from_secs_f64(seconds).ok().and_then(|since| i64::try_from(since.as_millis()).ok())
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_are_read_as_logs_write_them() {
        for text in [
            "2026-11-29T21:04:11Z",
            "2026-11-29T22:04:11.000+01:00",
            "2026-11-29 21:04:11",
            "2026-11-29 21:04:11.000 UTC",
            "29/Nov/2026:22:04:11 +0100",
            "1795986251",
            "1795986251.0",
            "1795986251000",
        ] {
            assert_eq!(milliseconds(text), Some(1_795_986_251_000), "{text}");
        }
        for text in ["", "yesterday", "NaN", "29/Nov/2026", "2026-11-29 21:04:11 CET"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
