//! How long something may take, as people and files write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::regime::{WrittenLength, WrittenPeriod};

/// How long something may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenPeriod", into = "WrittenPeriod")]
pub enum Within {
    /// At once, as far as the circumstances let one.
    Promptly,
    /// Exact hours.
    Hours(i64),
    /// Calendar days.
    Days(i64),
    /// Calendar months.
    Months(i64),
    /// Days that are neither weekend nor holiday in the calendar of that id.
    BusinessDays(i64, String),
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, number: i64, unit: &str| {
            write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
        };
        match self {
            Self::Promptly => f.write_str("promptly"),
            Self::Hours(number) => of(f, *number, "hour"),
            Self::Days(number) => of(f, *number, "day"),
            Self::Months(number) => of(f, *number, "month"),
            Self::BusinessDays(number, calendar) => {
                of(f, *number, "business day")?;
                write!(f, " {calendar}")
            }
        }
    }
}

/// What is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no period; write `24 hours`, `3 days`, `1 month`, `2 business days CALENDAR` or `promptly`")]
pub struct NoPeriod(String);

impl FromStr for Within {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let none = || NoPeriod(text.to_owned());
        let plain = text.trim();
        if plain == "promptly" {
            return Ok(Self::Promptly);
        }
        let digits = plain.find(|c: char| !c.is_ascii_digit()).unwrap_or(plain.len());
        let (number, unit) = plain.split_at_checked(digits).ok_or_else(none)?;
        let number = number.parse().map_err(|_no_number: std::num::ParseIntError| none())?;
        let words: Vec<&str> = unit.split_whitespace().collect();
        match words.as_slice() {
            ["h" | "hour" | "hours"] => Ok(Self::Hours(number)),
            ["d" | "day" | "days"] => Ok(Self::Days(number)),
            ["month" | "months"] => Ok(Self::Months(number)),
            ["business", "day" | "days", calendar] => Ok(Self::BusinessDays(number, (*calendar).to_owned())),
            _ => Err(none()),
        }
    }
}

impl From<Within> for WrittenPeriod {
    fn from(within: Within) -> Self {
        let length = match within {
            Within::Promptly => return Self::Word("promptly".to_owned()),
            Within::Hours(number) => WrittenLength { hours: Some(number), ..WrittenLength::default() },
            Within::Days(number) => WrittenLength { days: Some(number), ..WrittenLength::default() },
            Within::Months(number) => WrittenLength { months: Some(number), ..WrittenLength::default() },
            Within::BusinessDays(number, calendar) => {
                WrittenLength { business_days: Some(number), calendar: Some(calendar), ..WrittenLength::default() }
            }
        };
        Self::Length(Box::new(length))
    }
}

impl TryFrom<WrittenPeriod> for Within {
    type Error = NoPeriod;

    fn try_from(written: WrittenPeriod) -> Result<Self, NoPeriod> {
        let length = match written {
            WrittenPeriod::Word(word) => return word.parse(),
            WrittenPeriod::Length(length) => *length,
        };
        let WrittenLength { hours, days, months, business_days, calendar, first_day_counts, after, cites } = length;
        let is_plain = !first_day_counts && after.is_none() && cites.is_none();
        match (hours, days, months, business_days, calendar) {
            (Some(number), None, None, None, None) if is_plain => Ok(Self::Hours(number)),
            (None, Some(number), None, None, None) if is_plain => Ok(Self::Days(number)),
            (None, None, Some(number), None, None) if is_plain => Ok(Self::Months(number)),
            (None, None, None, Some(number), Some(calendar)) if is_plain => Ok(Self::BusinessDays(number, calendar)),
            _ => Err(NoPeriod("the period".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Within;

    #[test]
    fn periods_are_read_as_they_are_told() {
        for text in ["promptly", "24 hours", "1 day", "3 days", "1 month", "2 business days us-federal"] {
            let within: Within = text.parse().expect(text);
            assert_eq!(within.to_string(), text);
        }
        assert_eq!("24h".parse::<Within>().expect("short"), Within::Hours(24));
        for text in ["", "24", "soon", "-3 days", "2 business days", "99999999999999999999 h"] {
            assert!(text.parse::<Within>().is_err(), "{text}");
        }
    }
}
