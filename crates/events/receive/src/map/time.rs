//! Times as logs write them, in milliseconds since 1970, UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How far a time without a year may lie in the future before it is taken for last year's, in milliseconds.
const AHEAD_MS: i64 = 24 * 60 * 60_000;

/// Reads a time. Where it has no zone it is UTC, where it has no year it is the latest such time before `arrival_ms`.
pub fn parse(text: &str, arrival_ms: i64) -> Option<i64> {
    let text = text.trim();
    let first = text.bytes().next()?;
    if text.len() > 64 {
        return None;
    }
    if first.is_ascii_digit() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return number(text);
    }
    if first.is_ascii_digit() && text.as_bytes().get(4) == Some(&b'-') {
        return dated(text);
    }
    // `05/Nov/2026:01:02:03 +0000`, the common log format.
    if text.as_bytes().get(2) == Some(&b'/') {
        return stamp(text, "%d/%b/%Y:%H:%M:%S %z");
    }
    // `Nov 05 2026 01:02:03`, as CEF writes it.
    if let Ok(civil) = DateTime::strptime("%b %d %Y %H:%M:%S", text) {
        return utc(civil);
    }
    yearless(text, arrival_ms)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970: the size tells which.
fn number(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    match whole {
        ..100_000_000_000 => {
            let digits: String = part.chars().chain("000".chars()).take(3).collect();
            Some(whole.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?)
        }
        100_000_000_000..100_000_000_000_000 => Some(whole),
        100_000_000_000_000..100_000_000_000_000_000 => Some(whole / 1_000),
        _ => Some(whole / 1_000_000),
    }
}

/// RFC 3339, with a blank instead of the `T`, without a zone, or with `UTC` behind it.
fn dated(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let bare = ["UTC", "GMT", "Z"].into_iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text).trim_end();
    utc(bare.parse::<DateTime>().ok()?)
}

fn stamp(text: &str, form: &str) -> Option<i64> {
    let broken = jiff::fmt::strtime::parse(form, text).ok()?;
    Some(broken.to_timestamp().ok()?.as_millisecond())
}

/// `Nov  5 01:02:03` (RFC 3164, section 4.1.2).
fn yearless(text: &str, arrival_ms: i64) -> Option<i64> {
    let now = jiff::Timestamp::from_millisecond(arrival_ms).ok()?.to_zoned(TimeZone::UTC);
    let of = |year: i16| {
        let civil = DateTime::strptime("%Y %b %d %H:%M:%S", format!("{year} {text}")).ok()?;
        utc(civil)
    };
    let this = of(now.year());
    match this {
        Some(time) if time <= arrival_ms.saturating_add(AHEAD_MS) => Some(time),
        // 29 February of a year that has none is last year's or older.
        _ => of(now.year() - 1),
    }
}

fn utc(civil: DateTime) -> Option<i64> {
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_are_read_in_every_form_that_logs_have() {
        let at = 1_795_953_723_000; // 2026-11-29T12:02:03Z
        for text in [
            "2026-11-29T12:02:03Z",
            "2026-11-29T13:02:03.000+01:00",
            "2026-11-29T12:02:03",
            "2026-11-29 12:02:03 UTC",
            "2026-11-29 12:02:03.000 UTC",
            "1795953723",
            "1795953723.000",
            "1795953723000",
            "1795953723000000",
            "29/Nov/2026:12:02:03 +0000",
            "Nov 29 12:02:03",
            "Nov 29 2026 12:02:03",
        ] {
            assert_eq!(parse(text, at + 1_000), Some(at), "{text}");
        }
        assert_eq!(parse("1795953723.25", at), Some(at + 250));
        // Written in December, read in January.
        let january = 1_767_225_600_000; // 2026-01-01
        assert_eq!(parse("Dec 31 23:59:59", january), Some(january - 1_000));
        assert_eq!(parse("Nov  5 01:02:03", at), Some(1_793_840_523_000));
        for text in ["", "-", "yesterday", "99/99/2026", "2026-13-45", "Feb 30 00:00:00", "1e99"] {
            assert_eq!(parse(text, at), None, "{text}");
        }
    }
}
