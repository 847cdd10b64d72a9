//! The Gregorian calendar, as far as numbers that hold dates need it. No clock is read: a future date is a date.

/// Whether the day exists.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    day >= 1 && day <= days_in_month(year, month)
}

/// Whether the day exists in a leap year: for dates whose year is unknown.
pub(super) fn is_day_of_year(month: u32, day: u32) -> bool {
    is_date(2000, month, day)
}

/// Zero when the month does not exist.
fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Two digit values as a number.
pub(super) fn pair(digits: &[u8]) -> u32 {
    digits.iter().take(2).fold(0, |n, d| n * 10 + u32::from(*d))
}

/// Whether six digits `YYMMDD` are a day in one of the two centuries that people alive were born in.
pub(super) fn is_yymmdd(digits: &[u8]) -> bool {
    let (Some(year), Some(month), Some(day)) = (digits.get(..2), digits.get(2..4), digits.get(4..6)) else {
        return false;
    };
    let year = pair(year);
    [1900, 2000].iter().any(|century| is_date(century + year, pair(month), pair(day)))
}

/// The same for `DDMMYY`.
pub(super) fn is_ddmmyy(digits: &[u8]) -> bool {
    let [a, b, c, d, e, f, ..] = *digits else { return false };
    is_yymmdd(&[e, f, c, d, a, b])
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn leap_days() {
        assert!(is_date(2000, 2, 29) && is_date(2024, 2, 29));
        assert!(!is_date(1900, 2, 29) && !is_date(2023, 2, 29) && !is_date(2024, 13, 1) && !is_date(2024, 1, 0));
    }
}
