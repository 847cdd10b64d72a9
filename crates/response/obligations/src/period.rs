//! How long a duty may take, and from when.

use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};

use crate::calendar::Calendar;

/// From when a period runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A fact that is an instant or a day.
    Fact(usize),
    /// The day of a fact that is an instant, in the organisation's time zone.
    DayOf(usize),
    /// When the notice of another obligation was submitted, by its index among ids.
    Notice(usize),
}

/// When something began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// To the second.
    Instant(Timestamp),
    /// To the day.
    Day(Date),
}

/// How long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Period {
    /// The text has no number: at once, as far as the circumstances let one.
    Promptly,
    /// Exact hours, reckoned in UTC.
    Hours(i64),
    /// Calendar days. Weekends and holidays count.
    Days {
        /// How many.
        days: i64,
        /// The day of the event is day one.
        first_day_counts: bool,
        /// They run from 31 December of the year of the event.
        after_year_end: bool,
    },
    /// Calendar months: to the same day number, or the month's last day.
    Months(i64),
    /// Days that are neither weekend nor holiday in a calendar, by its index; the day of the event does not count.
    BusinessDays {
        /// How many.
        days: i64,
        /// In which calendar.
        calendar: usize,
    },
}

/// The end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    At(Timestamp),
    On(Date),
}

impl Period {
    /// Its end, from an instant and the day that this is where the organisation is. `None` where there is no number, or the end
    /// lies beyond the calendar.
    pub(crate) fn end(&self, instant: Option<Timestamp>, day: Date, calendars: &[Calendar]) -> Option<End> {
        match *self {
            Self::Promptly => None,
            Self::Hours(hours) => instant?.checked_add(Span::new().hours(hours)).ok().map(End::At),
            Self::Days { days, first_day_counts, after_year_end } => {
                let from = if after_year_end { Date::new(day.year(), 12, 31).ok()? } else { day };
                let days = if first_day_counts { days - 1 } else { days };
                from.checked_add(days.days()).ok().map(End::On)
            }
            Self::Months(months) => day.checked_add(months.months()).ok().map(End::On),
            Self::BusinessDays { days, calendar } => calendars.get(calendar)?.working_day_after(day, days).map(End::On),
        }
    }

    /// About how many hours it has, to tell which of two is shorter.
    pub(crate) const fn rough_hours(&self) -> i64 {
        match *self {
            Self::Promptly => i64::MAX,
            Self::Hours(hours) => hours,
            Self::Days { days, .. } => days * 24,
            Self::Months(months) => months * 30 * 24,
            Self::BusinessDays { days, .. } => days * 34,
        }
    }

    /// Whether it needs to know when to the second.
    pub(crate) const fn is_exact(&self) -> bool {
        matches!(self, Self::Hours(_))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{End, Period};

    #[test]
    fn days_months_and_year_ends() {
        let days = |days, first_day_counts, after_year_end| Period::Days { days, first_day_counts, after_year_end };
        let end = |period: &Period, day| period.end(None, day, &[]);
        assert_eq!(end(&days(60, false, false), date(2026, 1, 15)), Some(End::On(date(2026, 3, 16))));
        assert_eq!(end(&days(60, false, false), date(2026, 12, 20)), Some(End::On(date(2027, 2, 18))));
        assert_eq!(end(&days(60, false, true), date(2027, 6, 1)), Some(End::On(date(2028, 2, 29))));
        assert_eq!(end(&days(30, true, false), date(2026, 4, 1)), Some(End::On(date(2026, 4, 30))));
        assert_eq!(end(&Period::Months(1), date(2026, 1, 31)), Some(End::On(date(2026, 2, 28))));
        assert_eq!(end(&Period::Hours(72), date(2026, 1, 31)), None, "hours need an instant");
    }
}
