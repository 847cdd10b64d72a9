//! Birth dates in one form, so that the same date written differently is the same date.

/// A date as `YYYYMMDD`, or nothing when the text is no whole date.
///
/// Of `03/04/1961` and its like the month is taken first, as the United States write it, unless that is impossible;
/// with dots the day comes first.
pub(crate) fn normalize(text: &str) -> Option<u32> {
    let text = text.trim();
    japanese(text).or_else(|| parts(text))
}

fn parts(text: &str) -> Option<u32> {
    let mut groups: [Group; 3] = [Group::default(); 3];
    let mut count = 0;
    let mut dotted = false;
    let mut inside = false;
    for c in text.chars() {
        if c.is_alphanumeric() {
            let kind_changes = inside && groups.get(count - 1).is_some_and(|group| group.letters != c.is_alphabetic());
            if !inside || kind_changes {
                if count == 3 {
                    break;
                }
                groups[count] = Group { letters: c.is_alphabetic(), ..Group::default() };
                count += 1;
                inside = true;
            }
            groups[count - 1].push(c);
        } else {
            dotted |= c == '.' && count < 3;
            inside = false;
            // A time follows: `1961-03-05T00:00`, `1961-03-05 12:00`.
            if count == 3 {
                break;
            }
        }
    }
    match groups.get(..count)? {
        [one] if !one.letters && one.digits >= 8 => compact(one),
        [one, ..] if !one.letters && one.digits == 8 => compact(one),
        [one, two, three] => ordered(*one, *two, *three, dotted),
        _ => None,
    }
}

fn compact(group: &Group) -> Option<u32> {
    // HL7 and DICOM: YYYYMMDD, a time may follow.
    let number = u32::try_from(group.value / 10_u64.checked_pow(group.digits - 8)?).ok()?;
    date(number / 10_000, number / 100 % 100, number % 100)
}

fn ordered(one: Group, two: Group, three: Group, dotted: bool) -> Option<u32> {
    if one.letters {
        return date(three.number()?, one.month()?, two.number()?);
    }
    if two.letters {
        let month = two.month()?;
        return if one.digits == 4 {
            date(one.number()?, month, three.number()?)
        } else {
            date(three.number()?, month, one.number()?)
        };
    }
    let (a, b, c) = (one.number()?, two.number()?, three.number()?);
    if one.digits == 4 {
        date(a, b, c)
    } else if three.digits == 4 {
        if dotted { date(c, b, a) } else { date(c, a, b).or_else(|| date(c, b, a)) }
    } else {
        None
    }
}

fn date(year: u32, month: u32, day: u32) -> Option<u32> {
    let real = (1850..=2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    real.then_some(year * 10_000 + month * 100 + day)
}

#[derive(Clone, Copy, Default)]
struct Group {
    letters: bool,
    digits: u32,
    value: u64,
    /// The first three letters, lower case.
    name: [u8; 3],
    length: usize,
}

impl Group {
    fn push(&mut self, c: char) {
        if let Some(digit) = c.to_digit(10) {
            self.value = self.value.saturating_mul(10).saturating_add(u64::from(digit));
            self.digits += 1;
        } else if let Some(slot) = self.name.get_mut(self.length) {
            *slot = if c.is_ascii() { c.to_ascii_lowercase() as u8 } else { b'?' };
            self.length += 1;
        }
    }

    fn number(self) -> Option<u32> {
        if self.letters { None } else { u32::try_from(self.value).ok() }
    }

    /// English month names, and the German ones that differ in their first three letters.
    fn month(self) -> Option<u32> {
        const MONTHS: [&[u8; 3]; 12] =
            [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
        let at = MONTHS.iter().position(|month| **month == self.name);
        let german = match &self.name {
            // März: the letter beyond ASCII reads as `?`.
            b"m?r" => Some(2),
            b"mai" => Some(4),
            b"okt" => Some(9),
            b"dez" => Some(11),
            _ => None,
        };
        u32::try_from(at.or(german)? + 1).ok()
    }
}

/// 令和8年3月5日 and its like, and western years with 年月日.
fn japanese(text: &str) -> Option<u32> {
    // First year of each era less one (Era Name Act and the cabinet orders that set each era).
    const ERAS: [(&str, u32); 5] = [("令和", 2018), ("平成", 1988), ("昭和", 1925), ("大正", 1911), ("明治", 1867)];
    if !text.contains('年') {
        return None;
    }
    let era = ERAS.iter().find(|(name, _)| text.starts_with(name));
    let (offset, rest) = era.map_or((0, text), |(name, offset)| (*offset, text.get(name.len()..).unwrap_or("")));
    let (year, rest) = rest.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let day = rest.split_once('日')?.0;
    let year = if year.trim() == "元" { 1 } else { number(year)? };
    date(year + offset, number(month)?, number(day)?)
}

fn number(text: &str) -> Option<u32> {
    let ascii: String = text
        .trim()
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
            _ => c,
        })
        .collect();
    ascii.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn the_same_date_in_many_forms() {
        for text in [
            "1961-03-05",
            "19610305",
            "1961-03-05T00:00:00Z",
            "03/05/1961",
            "05.03.1961",
            "5 March 1961",
            "Mar 5, 1961",
            "05-MAR-1961",
            "05MAR1961",
            "昭和36年3月5日",
            "1961年3月5日",
            "196103051230",
            "5. März 1961",
        ] {
            assert_eq!(normalize(text), Some(19_610_305), "{text}");
        }
        assert_eq!(normalize("25/03/1961"), Some(19_610_325));
        assert_eq!(normalize("1961-03"), None);
        assert_eq!(normalize("n/a"), None);
        assert_eq!(normalize("99999999999999999999999"), None);
    }
}
