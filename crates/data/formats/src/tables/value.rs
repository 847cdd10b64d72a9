//! Values of columnar files as text.

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// A civil date by days since 1970-01-01, in the proleptic Gregorian calendar (ISO 8601).
pub(super) fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A moment by its count of units since 1970-01-01T00:00:00; `per_second` units make a second.
pub(super) fn timestamp(count: i64, per_second: i64) -> String {
    let seconds = count.div_euclid(per_second);
    let fraction = count.rem_euclid(per_second);
    let clock = time(seconds.rem_euclid(DAY_SECONDS).saturating_mul(per_second).saturating_add(fraction), per_second);
    format!("{}T{clock}", date(seconds.div_euclid(DAY_SECONDS)))
}

/// A time of day by its count of units since midnight.
pub(super) fn time(count: i64, per_second: i64) -> String {
    let seconds = count.div_euclid(per_second);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = per_second.checked_ilog10().unwrap_or(0) as usize;
    match count.rem_euclid(per_second) {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        fraction => format!("{hour:02}:{minute:02}:{second:02}.{fraction:0digits$}"),
    }
}

/// Cycles of 400 years have 146,097 days; counting years from March puts the leap day at the end.
fn civil(days: i64) -> (i64, i64, i64) {
    const CYCLE_DAYS: i64 = 146_097;
    // 0000-03-01 lies so many days before 1970-01-01.
    let days = days.saturating_add(719_468);
    let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle.saturating_mul(400).saturating_add(year + later), month, day)
}

/// A decimal number by its unscaled value as big-endian two's complement.
pub(super) fn decimal(bytes: &[u8], scale: i32) -> String {
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut magnitude: Vec<u8> = bytes.to_vec();
    if is_negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u32;
        for byte in &mut magnitude {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 10).unwrap_or(0);
            rest = value % 10;
        }
        digits.push(char::from(b'0' + u8::try_from(rest).unwrap_or(0)));
    }
    place_point(is_negative, digits, scale)
}

/// `digits` come from the last to the first.
fn place_point(is_negative: bool, mut digits: Vec<char>, scale: i32) -> String {
    // The widest decimals have 76 digits; scales beyond are damage.
    let places = usize::try_from(scale).unwrap_or(0).min(128);
    while digits.len() <= places {
        digits.push('0');
    }
    let mut text = String::with_capacity(digits.len() + 2);
    if is_negative {
        text.push('-');
    }
    for (at, digit) in digits.iter().enumerate().rev() {
        text.push(*digit);
        if at == places && at > 0 {
            text.push('.');
        }
    }
    let zeros = usize::try_from(scale.saturating_neg()).unwrap_or(0).min(128);
    text.extend(std::iter::repeat_n('0', zeros));
    text
}

/// A UUID (RFC 9562).
pub(super) fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{date, decimal, time, timestamp, uuid};

    #[test]
    fn dates_and_times_are_iso_8601() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(-719_528), "0000-01-01");
        assert_eq!(date(20_781), "2026-11-24");
        assert_eq!(timestamp(1_000, 1_000), "1970-01-01T00:00:01");
        assert_eq!(timestamp(-1, 1_000_000), "1969-12-31T23:59:59.999999");
        assert_eq!(time(45_296_007, 1_000), "12:34:56.007");
        for extreme in [i64::MIN, i64::MAX] {
            timestamp(extreme, 1);
            timestamp(extreme, 1_000_000_000);
            date(extreme);
        }
    }

    #[test]
    fn decimals_have_their_point() {
        assert_eq!(decimal(&12_345_i32.to_be_bytes(), 2), "123.45");
        assert_eq!(decimal(&(-5_i64).to_be_bytes(), 3), "-0.005");
        assert_eq!(decimal(&[0], 0), "0");
        assert_eq!(decimal(&7_i16.to_be_bytes(), -2), "700");
        assert_eq!(decimal(&i128::MIN.to_be_bytes(), 0), "-170141183460469231731687303715884105728");
    }

    #[test]
    fn a_uuid_has_its_hyphens() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(uuid(&bytes), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
