//! Dates and the many ways in which people write them.

use crate::person::Language;
use crate::random::Random;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: i32,
    /// Month, from 1.
    pub month: u32,
    /// Day, from 1.
    pub day: u32,
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

impl Date {
    /// Days since 1970-01-01 to a date (H. Hinnant, `civil_from_days`).
    pub fn from_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u32::try_from(value).unwrap_or(1);
        Self { year: i32::try_from(year).unwrap_or(1970), month: small(month), day: small(day) }
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = i64::from(self.month);
        let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
    }

    /// A day between the first of January of two years (the second one excluded).
    pub fn between(random: &mut Random, first_year: i32, last_year: i32) -> Self {
        let day = |year| Self { year, month: 1, day: 1 }.days();
        let span = usize::try_from(day(last_year) - day(first_year)).unwrap_or(1);
        Self::from_days(day(first_year) + i64::try_from(random.below(span)).unwrap_or(0))
    }

    /// The day so many days later.
    pub fn plus(self, days: u32) -> Self {
        Self::from_days(self.days() + i64::from(days))
    }

    /// `2024-03-05`.
    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `20240305`.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// The month's name.
    pub fn month_name(self, language: Language) -> &'static str {
        let names = match language {
            Language::De => &MONTHS_DE,
            Language::Fr => &MONTHS_FR,
            Language::Es => &MONTHS_ES,
            _ => &MONTHS_EN,
        };
        names.get(self.month.saturating_sub(1) as usize).copied().unwrap_or("")
    }

    /// In the digits of the language: `3/5/2024`, `05.03.2024`, `05/03/2024`, `2024/03/05`.
    pub fn numeric(self, language: Language, random: &mut Random) -> String {
        let (y, m, d) = (self.year, self.month, self.day);
        match language {
            Language::En => match random.within(0..=5) {
                0 => format!("{m}/{d}/{y}"),
                1 => format!("{m:02}-{d:02}-{y}"),
                2 => format!("{m}/{d}/{:02}", y % 100),
                3 => self.iso(),
                _ => format!("{m:02}/{d:02}/{y}"),
            },
            Language::De => match random.within(0..=3) {
                0 => format!("{d}.{m}.{y}"),
                1 => format!("{d:02}.{m:02}.{:02}", y % 100),
                _ => format!("{d:02}.{m:02}.{y}"),
            },
            Language::Nl => format!("{d:02}-{m:02}-{y}"),
            Language::Ja => match random.within(0..=2) {
                0 => format!("{y}-{m:02}-{d:02}"),
                1 => format!("{y}/{m}/{d}"),
                _ => format!("{y}/{m:02}/{d:02}"),
            },
            _ => format!("{d:02}/{m:02}/{y}"),
        }
    }

    /// In words: `March 5, 2024`, `5. März 2024`, `令和6年3月5日`.
    pub fn long(self, language: Language, random: &mut Random) -> String {
        let (y, m, d) = (self.year, self.month_name(language), self.day);
        match language {
            Language::En => match random.within(0..=4) {
                0 => format!("{d} {m} {y}"),
                1 => format!("{:02}-{}-{y}", d, m.get(..3).unwrap_or(m)),
                2 => format!("{} {d}, {y}", m.get(..3).unwrap_or(m)),
                3 => format!("{m} {d}{}, {y}", ordinal(d)),
                _ => format!("{m} {d}, {y}"),
            },
            Language::De => format!("{d}. {m} {y}"),
            Language::Es => format!("{d} de {m} de {y}"),
            Language::Fr if d == 1 => format!("1er {m} {y}"),
            Language::Ja => self.japanese(random),
            _ => format!("{d} {m} {y}"),
        }
    }

    /// Era or Gregorian year with 年月日. Eras by the ordinances of 1926, 1989 and 2019.
    fn japanese(self, random: &mut Random) -> String {
        let (m, d) = (self.month, self.day);
        if random.chance(40) {
            return format!("{}年{m}月{d}日", self.year);
        }
        let (era, letter, first) = if self >= (Self { year: 2019, month: 5, day: 1 }) {
            ("令和", 'R', 2019)
        } else if self >= (Self { year: 1989, month: 1, day: 8 }) {
            ("平成", 'H', 1989)
        } else {
            ("昭和", 'S', 1926)
        };
        let year = self.year - first + 1;
        if random.chance(25) {
            return format!("{letter}{year}.{m}.{d}");
        }
        if year == 1 { format!("{era}元年{m}月{d}日") } else { format!("{era}{year}年{m}月{d}日") }
    }

    /// Without the year.
    pub fn month_day(self, language: Language, random: &mut Random) -> String {
        let (m, d) = (self.month_name(language), self.day);
        match language {
            Language::En if random.chance(30) => format!("{}/{d}", self.month),
            Language::En => format!("{m} {d}"),
            Language::De if random.chance(50) => format!("{d:02}.{:02}.", self.month),
            Language::De => format!("{d}. {m}"),
            Language::Es => format!("{d} de {m}"),
            Language::Ja => format!("{}月{d}日", self.month),
            _ => format!("{d} {m}"),
        }
    }
}

fn ordinal(day: u32) -> &'static str {
    match (day % 10, day / 10) {
        (1, tens) if tens != 1 => "st",
        (2, tens) if tens != 1 => "nd",
        (3, tens) if tens != 1 => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(Date::from_days(0).iso(), "1970-01-01");
        assert_eq!(Date { year: 2024, month: 2, day: 29 }.plus(1).iso(), "2024-03-01");
        for day in (-20_000..30_000).step_by(17) {
            assert_eq!(Date::from_days(day).days(), day);
        }
    }
}
