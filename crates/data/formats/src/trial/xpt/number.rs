//! IBM hexadecimal floating point, and SAS dates.

/// A number of two to eight bytes; `None` for a missing value (`.`, `._`, `.A` to `.Z`).
pub(super) fn parse(bytes: &[u8]) -> Option<f64> {
    let mut whole = [0; 8];
    whole.get_mut(..bytes.len().min(8))?.copy_from_slice(bytes.get(..bytes.len().min(8))?);
    let [first, rest @ ..] = whole;
    if rest == [0; 7] && matches!(first, b'.' | b'_' | b'A'..=b'Z') {
        return None;
    }
    let bits = u64::from_be_bytes(whole);
    let mantissa = bits & 0x00FF_FFFF_FFFF_FFFF;
    let exponent = i32::from(first & 0x7F) - 64;
    // The mantissa is a fraction of 56 bits, the exponent one of 16: both become powers of two.
    let value = mantissa as f64 * 2_f64.powi(4 * exponent - 56);
    Some(if first & 0x80 != 0 { -value } else { value })
}

/// What a display format makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Number,
    /// Days since 1960-01-01.
    Date,
    /// Seconds since 1960-01-01T00:00:00.
    DateTime,
    /// Seconds since midnight.
    Time,
}

impl Display {
    /// From a format's name without width ("SAS Formats and Informats: Reference", dates and times by category).
    pub(super) fn of(format: &str) -> Self {
        const DATES: [&str; 16] = [
            "DATE", "DAY", "DDMMYY", "E8601DA", "B8601DA", "IS8601DA", "JULIAN", "MMDDYY", "MMYY", "MONYY", "NENGO",
            "WEEKDATE", "WORDDATE", "YYMM", "YYMON", "YYQ",
        ];
        let name = format.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_ascii_uppercase();
        let starts = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
        if starts(&[
            "DATETIME", "DATEAMPM", "E8601DT", "E8601DZ", "B8601DT", "B8601DZ", "IS8601DT", "DTDATE", "TOD8601",
        ]) {
            return Self::DateTime;
        }
        if starts(&["TIME", "TOD", "HHMM", "E8601TM", "B8601TM", "IS8601TM", "MMSS"]) {
            return Self::Time;
        }
        if starts(&DATES) || format.eq_ignore_ascii_case("E8601DA") { Self::Date } else { Self::Number }
    }
}

/// The number as text: the shortest decimal that reads back the same, or a date in ISO 8601.
pub(super) fn print(value: f64, display: Display) -> String {
    const SECONDS: f64 = 86_400.0;
    // Years 1582 to 9999, the range SAS can show.
    const DAYS: std::ops::RangeInclusive<f64> = -138_061.0..=2_936_547.0;
    match display {
        Display::Date if DAYS.contains(&value) => date(value.floor() as i64),
        Display::DateTime if DAYS.contains(&(value / SECONDS)) => {
            let days = (value / SECONDS).floor();
            format!("{}T{}", date(days as i64), time((value - days * SECONDS) as u64))
        }
        Display::Time if (0.0..=SECONDS).contains(&value) => time(value as u64),
        // `+ 0.0` turns a negative zero into zero.
        _ => (value + 0.0).to_string(),
    }
}

fn time(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The civil date `days` after 1960-01-01 in the proleptic Gregorian calendar, by cycles of 400 years (146,097 days)
/// that begin on 1 March.
fn date(days: i64) -> String {
    let since_march_0 = days + 715_815;
    let era = since_march_0.div_euclid(146_097);
    let day_of_era = since_march_0.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{Display, parse, print};

    #[test]
    fn numbers_of_the_sas_layout() {
        assert_eq!(parse(&[0x41, 0x10, 0, 0, 0, 0, 0, 0]), Some(1.0));
        assert_eq!(parse(&[0xC1, 0x20]), Some(-2.0));
        assert_eq!(parse(&[0; 8]), Some(0.0));
        assert_eq!(parse(&[b'.', 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(parse(&[b'Z', 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(parse(&[0x40, 0x19, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9A]).map(|v| v.to_string()).unwrap(), "0.1");
    }

    #[test]
    fn dates_count_from_1960() {
        assert_eq!(print(0.0, Display::of("DATE9")), "1960-01-01");
        assert_eq!(print(-1.0, Display::of("YYMMDD10.")), "1959-12-31");
        assert_eq!(print(21_915.0, Display::of("E8601DA")), "2020-01-01");
        assert_eq!(print(15_034.0, Display::of("MMDDYY")), "2001-02-28");
        assert_eq!(print(1_893_456_061.5, Display::of("DATETIME20")), "2020-01-01T00:01:01");
        assert_eq!(print(3661.0, Display::of("TIME5")), "01:01:01");
        assert_eq!(print(12.5, Display::of("BEST12")), "12.5");
        assert_eq!(print(1e300, Display::of("DATE9")).len(), 301);
    }
}
