//! Dates as people and systems write them: the day must exist, and the year must be one that a record can speak of.

use super::Validator;
use super::calendar::{is_date, is_day_of_year, pair};
use super::digits::{Compact, value, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("date-numeric", numeric),
    ("date-words", words),
    ("date-compact", compact),
    ("date-era", era),
    ("date-cjk", cjk),
    ("date-any", any),
    ("age-over-89", age_over_89),
];

/// Years that dates of living people's records lie in; others are counters and part numbers.
const YEARS: std::ops::RangeInclusive<u32> = 1880..=2099;

/// Three groups of digits: year first (ISO 8601-1:2019 §5.2.2), or day and month in either order before the year. A
/// time after `T` or a space is left out.
fn numeric(text: &str) -> bool {
    let date = text.split(['T', 't', ' ']).next().unwrap_or(text);
    let mut groups = [(0_u32, 0_usize); 3];
    let mut filled = 0;
    for part in date.split(['-', '/', '.', '－', '／', '．']) {
        let Some(slot) = groups.get_mut(filled) else { return false };
        let Some(compact) = Compact::new(part) else { return false };
        let Some(number) = small_number(compact.as_bytes()) else { return false };
        *slot = (number, compact.as_bytes().len());
        filled += 1;
    }
    let [(a, a_len), (b, _), (c, c_len)] = groups;
    match (filled, a_len, c_len) {
        (3, 4, 1..=2) => YEARS.contains(&a) && is_date(a, b, c),
        (3, 1..=2, 4) => YEARS.contains(&c) && (is_date(c, b, a) || is_date(c, a, b)),
        (3, 1..=2, 2) => is_day_of_year(b, a) || is_day_of_year(a, b),
        _ => false,
    }
}

/// A month's name with a day, a year or both: the day must exist in that month.
fn words(text: &str) -> bool {
    let lower = text.to_lowercase();
    let Some(month) = lower.split(|c: char| !c.is_alphabetic()).find_map(month_named) else { return false };
    let mut day = None;
    let mut year = None;
    for number in lower.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()) {
        match (number.len(), number.parse::<u32>()) {
            (1..=2, Ok(n)) if day.is_none() => day = Some(n),
            (2 | 4, Ok(n)) if year.is_none() => year = Some(if number.len() == 4 { n } else { 2000 + n }),
            _ => return false,
        }
    }
    match (day, year) {
        (Some(day), Some(year)) => YEARS.contains(&year) && is_date(year, month, day),
        (Some(day), None) => is_day_of_year(month, day),
        (None, Some(year)) => YEARS.contains(&year),
        (None, None) => false,
    }
}

/// `YYYYMMDD` and its extensions by hours, minutes, seconds, fraction and offset (HL7 v2.9 §2A.3.64 DTM; DICOM
/// PS3.5 §6.2 DA and DT).
fn compact(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let bytes = text.as_bytes().get(..digits).unwrap_or_default();
    let Some(date) = bytes.get(..8).and_then(values::<8>) else { return false };
    let year = pair(&date[..2]) * 100 + pair(&date[2..4]);
    let time: Vec<u32> = bytes.get(8..).unwrap_or_default().chunks(2).filter_map(small_number).collect();
    let in_range = time.iter().zip([23, 59, 60]).all(|(n, most)| *n <= most);
    matches!(digits, 8 | 10 | 12 | 14)
        && YEARS.contains(&year)
        && is_date(year, pair(&date[4..6]), pair(&date[6..8]))
        && in_range
}

/// Japanese eras (元号法, Act No. 43 of 1979, and the cabinet orders on each era): name or initial, year in the era
/// (元 is the first), month and day.
fn era(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let (start, longest) = match first {
        '明' | 'M' | 'm' => (1867, 45),
        '大' | 'T' | 't' => (1911, 15),
        '昭' | 'S' | 's' => (1925, 64),
        '平' | 'H' | 'h' => (1988, 31),
        '令' | 'R' | 'r' => (2018, 81),
        _ => return false,
    };
    let Some((year, month, day)) = japanese_parts(text) else { return false };
    (1..=longest).contains(&year) && (month == 0 || is_date(start + year, month, if day == 0 { 1 } else { day }))
}

/// `2026年3月5日` and its shorter forms; also 2026年3月5号 and 2026년 3월 5일.
fn cjk(text: &str) -> bool {
    let Some((year, month, day)) = japanese_parts(text) else { return false };
    YEARS.contains(&year) && is_date(year, month, if day == 0 { 1 } else { day })
}

/// Any of the forms above: what a column of dates may hold.
fn any(text: &str) -> bool {
    let text = text.trim();
    numeric(text) || compact(text) || cjk(text) || era(text) || words(text)
}

/// 45 CFR 164.514(b)(2)(i)(C): ages of 90 and more; nobody has reached 123.
fn age_over_89(text: &str) -> bool {
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    digits.unwrap_or("").parse::<u32>().is_ok_and(|age| (90..=122).contains(&age))
}

/// Up to three numbers in a text, in ASCII, full-width or kanji digits; zero stands for one that is missing.
fn japanese_parts(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = [0; 3];
    let mut filled = 0;
    let mut open: Option<u32> = None;
    for c in text.chars().chain([' ']) {
        match digit_of(c) {
            Some(Numeral::Digit(d)) => open = Some(open.unwrap_or(0).checked_mul(10)?.checked_add(d)?),
            Some(Numeral::First) => open = Some(1),
            Some(Numeral::Ten) => open = Some(open.unwrap_or(1).checked_mul(10)?),
            Some(Numeral::Unit(d)) => open = Some(open.unwrap_or(0).checked_add(d)?),
            None => {
                if let Some(number) = open.take() {
                    *numbers.get_mut(filled)? = number;
                    filled += 1;
                }
            }
        }
    }
    (filled > 0).then_some((numbers[0], numbers[1], numbers[2]))
}

/// What a character adds to a number written in Japanese.
enum Numeral {
    Digit(u32),
    First,
    Ten,
    Unit(u32),
}

fn digit_of(c: char) -> Option<Numeral> {
    let unit = "一二三四五六七八九".chars().position(|known| known == c);
    match c {
        '0'..='9' => c.to_digit(10).map(Numeral::Digit),
        '０'..='９' => Some(Numeral::Digit(u32::from(c) - u32::from('０'))),
        '元' => Some(Numeral::First),
        '十' => Some(Numeral::Ten),
        _ => unit.and_then(|at| u32::try_from(at + 1).ok()).map(Numeral::Unit),
    }
}

fn small_number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    bytes.iter().try_fold(0, |n, b| Some(n * 10 + u32::from(value(*b)?)))
}

/// Month names of the languages that content/recognizers/dates.toml covers, by the first letters that tell them apart.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän", "ene", "gen", "sty", "led", "tammi"],
    &["feb", "fév", "fev", "lut", "únor", "helmi"],
    &["mar", "mär", "maer", "maa", "mrz", "mrt", "břez"],
    &["apr", "avr", "abr", "kwie", "dub", "huhti"],
    &["may", "mai", "mag", "maj", "mei", "květ", "touko"],
    &["jun", "juin", "giu", "czerw", "kesä", "červ"],
    &["jul", "juil", "lug", "lip", "heinä"],
    &["aug", "aoû", "aou", "ago", "sier", "srp", "elo"],
    &["sep", "set", "wrz", "září", "syys"],
    &["oct", "okt", "oto", "ott", "out", "paź", "říj", "loka"],
    &["nov", "lis", "marras"],
    &["dec", "déc", "dez", "dic", "grud", "pros", "joulu"],
];

/// Month 1–12 that a lower-case word names.
fn month_named(word: &str) -> Option<u32> {
    // English and its like first: they are what most texts hold, and no other stem is the beginning of one of these.
    let plain = match word.as_bytes() {
        [b'j', b'a', b'n', ..] => 1,
        [b'f', b'e', b'b', ..] => 2,
        [b'a', b'p', b'r', ..] => 4,
        [b'm', b'a', b'y', ..] => 5,
        [b'j', b'u', b'n', ..] => 6,
        [b'j', b'u', b'l', ..] => 7,
        [b'a', b'u', b'g', ..] => 8,
        [b's', b'e', b'p', ..] => 9,
        [b'o', b'c', b't', ..] => 10,
        [b'n', b'o', b'v', ..] => 11,
        [b'd', b'e', b'c', ..] => 12,
        _ => 0,
    };
    if plain > 0 {
        return Some(plain);
    }
    // Finnish November and Czech July begin like other months.
    if word.starts_with("marras") {
        return Some(11);
    }
    if word.starts_with("červenc") {
        return Some(7);
    }
    MONTHS
        .iter()
        .position(|stems| stems.iter().any(|stem| word.starts_with(stem)))
        .and_then(|at| u32::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::{cjk, compact, era, numeric, words};

    #[test]
    fn numeric_orders() {
        assert!(numeric("2026-03-05") && numeric("03/25/2026") && numeric("25.03.2026") && numeric("3/5/26"));
        assert!(numeric("2026-03-05T10:11:12Z") && numeric("２０２６／０３／０５"));
        assert!(!numeric("2026-13-05") && !numeric("31/31/2026") && !numeric("30.02.2024") && !numeric("5.3.1700"));
    }

    #[test]
    fn month_names() {
        for date in ["5 March 2026", "Mar 5, 2026", "5. März 2026", "05-MAR-2026", "5 mars 2026", "12 juillet 1980"] {
            assert!(words(date), "{date}");
        }
        assert!(words("March 2026") && words("Dec 31st") && !words("Feb 30") && !words("April 31, 2025"));
    }

    #[test]
    fn compact_forms() {
        assert!(compact("20260305") && compact("20260305101112.1234+0900") && compact("202603051011"));
        assert!(!compact("20261305") && !compact("2026030525") && !compact("202603051"));
    }

    #[test]
    fn japanese_eras() {
        assert!(
            era("令和8年3月5日")
                && era("昭和45年")
                && era("平成元年1月8日")
                && era("S45.3.5")
                && era("令和八年十二月二十三日")
        );
        assert!(!era("昭和65年") && !era("平成2年2月30日") && cjk("２０２６年３月５日") && !cjk("2026年13月"));
    }
}
