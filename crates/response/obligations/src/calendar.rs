//! Days on which periods do not end, or which they do not count.

use std::collections::HashSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::Deserialize;

/// The years for which holidays are reckoned; facts lie within them.
pub(crate) const YEARS: std::ops::RangeInclusive<i16> = 1990..=2202;

/// A calendar: which days are free, for whatever reason.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Its id in content/obligations/calendars.toml.
    pub id: String,
    /// The law that makes the days free.
    pub cites: String,
    weekend: Vec<Weekday>,
    free: HashSet<Date>,
    /// The last year whose holidays a government has announced, where it announces them year by year.
    announced_to: Option<i16>,
}

impl Calendar {
    /// Whether nothing is due on a day.
    #[must_use]
    pub fn is_free(&self, day: Date) -> bool {
        self.weekend.contains(&day.weekday()) || self.free.contains(&day)
    }

    /// The day itself, or the first after it that is not free.
    #[must_use]
    pub fn rolled(&self, day: Date) -> Option<Date> {
        let mut day = day;
        while self.is_free(day) {
            day = day.tomorrow().ok()?;
        }
        Some(day)
    }

    /// What to know of a day in a year whose holidays nobody has announced yet.
    pub(crate) fn not_announced(&self, day: Date) -> Option<String> {
        let announced_to = self.announced_to.filter(|last| day.year() > *last)?;
        Some(format!(
            "holidays of {} are not announced yet, those of {announced_to} were the last: that year's equinox days are what astronomers \
             reckon, and a law may change others",
            day.year()
        ))
    }

    /// The `count`th day after `day` that is not free.
    pub(crate) fn working_day_after(&self, day: Date, count: i64) -> Option<Date> {
        let mut day = day;
        for _ in 0..count {
            day = self.rolled(day.tomorrow().ok()?)?;
        }
        Some(day)
    }
}

/// A calendar as it stands in content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub id: String,
    cites: String,
    #[serde(default, rename = "note")]
    _note: String,
    #[serde(rename = "confidence")]
    _confidence: crate::obligation::Confidence,
    weekend: Vec<Name>,
    #[serde(default)]
    observed: Observed,
    #[serde(default)]
    bridges: bool,
    announced_to: Option<i16>,
    #[serde(default)]
    days: Vec<Rule>,
    #[serde(default)]
    closed: Vec<Rule>,
}

/// What is done with a holiday that falls on a free day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Observed {
    /// Nothing.
    #[default]
    AsItFalls,
    /// One on a Saturday is kept on Friday, one on a Sunday on Monday.
    NearestWeekday,
    /// One on a Sunday is kept on Monday.
    SundayToMonday,
    /// One on a Sunday is kept on the next day that is no holiday.
    SundayToNextFree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Name> for Weekday {
    fn from(name: Name) -> Self {
        match name {
            Name::Monday => Self::Monday,
            Name::Tuesday => Self::Tuesday,
            Name::Wednesday => Self::Wednesday,
            Name::Thursday => Self::Thursday,
            Name::Friday => Self::Friday,
            Name::Saturday => Self::Saturday,
            Name::Sunday => Self::Sunday,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nth {
    nth: i8,
    weekday: Name,
    month: i8,
}

/// An equinox day by the approximation of the Japanese hydrographic department: in a year, the day of the month is what is whole of
/// `day_1980` and the days by which the equinox is later each year than 365, less the leap days since 1980.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equinox {
    month: i8,
    /// Millionths of a day.
    day_1980: i32,
    /// Millionths of a day.
    yearly: i32,
    from: i16,
    to: i16,
}

impl Equinox {
    fn in_year(self, year: i16) -> Result<Option<Date>, String> {
        if !(self.from..=self.to).contains(&year) {
            return Ok(None);
        }
        let since = i32::from(year) - 1980;
        let day = (self.day_1980 + self.yearly * since).div_euclid(1_000_000) - since.div_euclid(4);
        let day = i8::try_from(day).map_err(|source| format!("the equinox of {year}: {source}"))?;
        Date::new(year, self.month, day).map(Some).map_err(|source| format!("the equinox of {year}: {source}"))
    }
}

/// One holiday, by exactly one way of saying when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "name")]
    _name: String,
    /// `MM-DD`.
    on: Option<String>,
    nth: Option<i8>,
    weekday: Option<Name>,
    month: Option<i8>,
    weekday_after: Option<Nth>,
    equinox: Option<Equinox>,
    since: Option<i16>,
    /// One on a Saturday is kept on the Friday before as well.
    #[serde(default)]
    saturday_to_friday: bool,
}

impl Nth {
    fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, 1).ok()?.nth_weekday_of_month(self.nth, self.weekday.into()).ok()
    }
}

impl Rule {
    fn in_year(&self, year: i16) -> Result<Option<Date>, String> {
        if self.since.is_some_and(|since| year < since) {
            return Ok(None);
        }
        match (&self.on, self.nth, self.weekday, self.month, self.weekday_after, self.equinox) {
            (Some(on), None, None, None, None, None) => {
                let wrong = || format!("`{on}` is no day of the year; write it as `12-25`");
                let (month, day) = on.split_once('-').ok_or_else(wrong)?;
                let (month, day) = month.parse::<i8>().ok().zip(day.parse::<i8>().ok()).ok_or_else(wrong)?;
                Date::new(year, month, day).map(Some).map_err(|source| format!("`{on}`: {source}"))
            }
            (None, Some(nth), Some(weekday), Some(month), None, None) => Ok(Nth { nth, weekday, month }.in_year(year)),
            (None, None, None, None, Some(before), None) => {
                Ok(before.in_year(year).and_then(|day| day.tomorrow().ok()))
            }
            (None, None, None, None, None, Some(equinox)) => equinox.in_year(year),
            _ => {
                Err("a holiday is said by one of `on`, `nth` with `weekday` and `month`, `weekday_after`, or `equinox`"
                    .to_owned())
            }
        }
    }
}

impl Written {
    pub(crate) fn calendar(&self) -> Result<Calendar, String> {
        let weekend: Vec<Weekday> = self.weekend.iter().map(|name| (*name).into()).collect();
        if weekend.len() > 6 {
            return Err("a week has to leave a working day".to_owned());
        }
        let (mut holidays, mut closed) = (HashSet::new(), HashSet::new());
        for year in YEARS {
            for (rules, days) in [(&self.days, &mut holidays), (&self.closed, &mut closed)] {
                for rule in rules {
                    let day = rule.in_year(year)?;
                    let is_early = rule.saturday_to_friday && day.is_some_and(|day| day.weekday() == Weekday::Saturday);
                    days.extend(day.filter(|_| is_early).and_then(|day| day.yesterday().ok()));
                    days.extend(day);
                }
            }
        }
        self.observe(&mut holidays);
        if self.bridges {
            bridge(&mut holidays);
        }
        holidays.extend(closed);
        let announced_to = self.announced_to;
        Ok(Calendar { id: self.id.clone(), cites: self.cites.clone(), weekend, free: holidays, announced_to })
    }

    fn observe(&self, holidays: &mut HashSet<Date>) {
        let mut fallen: Vec<Date> = holidays.iter().copied().collect();
        fallen.sort_unstable();
        for day in fallen {
            let kept = match (self.observed, day.weekday()) {
                (Observed::NearestWeekday, Weekday::Saturday) => day.yesterday().ok(),
                (Observed::NearestWeekday | Observed::SundayToMonday, Weekday::Sunday) => day.tomorrow().ok(),
                (Observed::SundayToNextFree, Weekday::Sunday) => next_free(day, holidays),
                _ => None,
            };
            holidays.extend(kept);
        }
    }
}

fn next_free(day: Date, holidays: &HashSet<Date>) -> Option<Date> {
    let mut day = day.tomorrow().ok()?;
    while holidays.contains(&day) {
        day = day.tomorrow().ok()?;
    }
    Some(day)
}

/// A day between two holidays is one as well (Act on National Holidays, Japan, Art. 3(3)).
fn bridge(holidays: &mut HashSet<Date>) {
    let between: Vec<Date> = holidays
        .iter()
        .filter_map(|day| {
            let (next, second) = (day.tomorrow().ok()?, day.checked_add(2.days()).ok()?);
            (holidays.contains(&second) && !holidays.contains(&next)).then_some(next)
        })
        .collect();
    holidays.extend(between);
}
