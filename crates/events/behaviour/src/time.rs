//! Dates without a clock: RFC 3339 in, dates out. Days are UTC days since 1970-01-01.

/// Seconds of a day.
pub const DAY_SECONDS: i64 = 86_400;

/// Reads RFC 3339 with `Z` or an offset as seconds since 1970; fractions are dropped.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| -> Option<i64> {
        bytes
            .get(from..from + length)?
            .iter()
            .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let mark = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|byte| allowed.contains(byte));
    let marks = mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !marks || !fits {
        return None;
    }
    let mut at = 19;
    if mark(at, b".") {
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
    }
    let offset = if mark(at, b"Zz") && bytes.len() == at + 1 {
        0
    } else if mark(at, b"+-") && mark(at + 3, b":") && bytes.len() == at + 6 {
        let size = number(at + 1, 2)? * 3600 + number(at + 4, 2)? * 60;
        if mark(at, b"-") { -size } else { size }
    } else {
        return None;
    };
    Some(days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset)
}

/// Reads a date of RFC 3339, such as `2026-03-31`, as days since 1970.
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    if text.len() != 10 {
        return None;
    }
    let day = parse(&format!("{text}T00:00:00Z"))?.div_euclid(DAY_SECONDS);
    // Thirty-first days of shorter months are other dates.
    (date(day) == text).then_some(day)
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970.
#[must_use]
pub fn date(day: i64) -> String {
    let shifted = day.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    format!("{:04}-{month:02}-{of_month:02}", year_of_era + era * 400 + i64::from(month <= 2))
}

/// Seconds since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(time: i64) -> String {
    let rest = time.rem_euclid(DAY_SECONDS);
    format!("{}T{:02}:{:02}:{:02}Z", date(time.div_euclid(DAY_SECONDS)), rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for text in ["2026-01-05T01:01:01Z", "2000-02-29T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(rfc3339(parse(text).unwrap()), text);
        }
        assert_eq!(parse("2026-01-05T02:01:01.25+01:00"), parse("2026-01-05T01:01:01Z"));
        for text in
            ["", "2026", "2026-13-05T01:01:01Z", "2026-01-05T01:01:01", "2026-01-05T01:01:01Zx", "2026-01-05T25:01:01Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(parse_date("2026-01-05"), Some(20_458));
        for text in ["", "2026-1-5", "2026-02-30", "2026-01-05T", "2026-01-05T00:00:00Z", "20260105xx"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
