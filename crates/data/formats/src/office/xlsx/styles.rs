//! Which cell formats show numbers as dates.

use std::collections::HashMap;

use crate::ReadError;

use super::super::xml::{Piece, Xml};

/// Days from 1899-12-30, day 0 of the 1900 system, to 1970-01-01.
const EPOCH_1900_DAYS: i64 = 25_569;
/// Days from 1904-01-01, day 0 of the 1904 system, to 1970-01-01.
const EPOCH_1904_DAYS: i64 = 24_107;
/// Cell formats that are kept.
const FORMATS_MAX: usize = 1 << 17;

/// The cell formats of a workbook.
#[derive(Default)]
pub(super) struct Styles {
    is_date: Vec<bool>,
    is_1904: bool,
}

impl Styles {
    pub(super) fn set_1904(&mut self, is_1904: bool) {
        self.is_1904 = is_1904;
    }

    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), ReadError> {
        let mut custom: HashMap<u32, bool> = HashMap::new();
        let mut in_cell_formats = false;
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Start(element) => match element.name() {
                    "numFmt" if custom.len() < FORMATS_MAX => {
                        let id = element.attribute("numFmtId").and_then(|id| id.parse().ok());
                        if let (Some(id), Some(code)) = (id, element.attribute("formatCode")) {
                            custom.insert(id, is_date_code(&code));
                        }
                    }
                    "cellXfs" => in_cell_formats = true,
                    "xf" if in_cell_formats && self.is_date.len() < FORMATS_MAX => {
                        let id = element.attribute("numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                        self.is_date.push(custom.get(&id).copied().unwrap_or_else(|| is_builtin_date(id)));
                    }
                    _ => {}
                },
                Piece::End("cellXfs") => in_cell_formats = false,
                _ => {}
            }
        }
        Ok(())
    }

    /// The number as its format shows it: dates in ISO 8601, everything else as stored.
    pub(super) fn number(&self, value: &str, style: usize) -> Option<String> {
        if !self.is_date.get(style).copied().unwrap_or(false) {
            return None;
        }
        date_text(value.parse().ok()?, self.is_1904)
    }
}

/// Built-in date and time formats (ECMA-376 Part 1, section 18.8.30), with the East Asian ones.
fn is_builtin_date(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// A format code with year, month, day or hour outside of quotes, brackets and escapes.
fn is_date_code(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' | '_' | '*' => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => bracketed = true,
            ']' if !quoted => bracketed = false,
            'y' | 'Y' | 'd' | 'D' | 'h' | 'H' | 'm' | 'M' | 'e' | 'g' if !quoted && !bracketed => {
                return !code.contains("General") || c != 'e';
            }
            _ => {}
        }
    }
    false
}

/// A serial number as date, time or both.
pub(in crate::office) fn date_text(serial: f64, is_1904: bool) -> Option<String> {
    // 9999-12-31 is the last day that spreadsheets know.
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let seconds = (serial.fract() * 86_400.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be within 0..2,958,466")]
    let (mut day, mut seconds) = (serial.trunc() as i64, seconds as i64);
    if seconds >= 86_400 {
        day += 1;
        seconds = 0;
    }
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if day == 0 && !is_1904 {
        return Some(time);
    }
    // The 1900 system has a day 60, 1900-02-29, that never was.
    let day = if !is_1904 && day < 60 { day + 1 } else { day };
    let (year, month, day) = civil(day - if is_1904 { EPOCH_1904_DAYS } else { EPOCH_1900_DAYS });
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if seconds == 0 { date } else { format!("{date} {time}") })
}

/// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{date_text, is_date_code};

    #[test]
    fn serial_numbers_become_dates() {
        assert_eq!(date_text(22_462.0, false).unwrap(), "1961-06-30");
        assert_eq!(date_text(45_000.5, false).unwrap(), "2023-03-15 12:00:00");
        assert_eq!(date_text(1.0, false).unwrap(), "1900-01-01");
        assert_eq!(date_text(0.25, false).unwrap(), "06:00:00");
        assert_eq!(date_text(0.0, true).unwrap(), "1904-01-01");
        assert_eq!(date_text(-1.0, false), None);
    }

    #[test]
    fn date_formats_are_told_from_others() {
        assert!(is_date_code("dd/mm/yyyy"));
        assert!(is_date_code("[$-411]ggge\"年\"m\"月\"d\"日\""));
        assert!(!is_date_code("General"));
        assert!(!is_date_code("#,##0.00 \"days\""));
        assert!(!is_date_code("0.00E+00"));
        assert!(!is_date_code("[Red]0"));
    }
}
