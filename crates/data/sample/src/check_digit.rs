//! Check digits of the numbers that are made up here.

/// Digit values of a string of digits; other characters are left out.
fn values(digits: &str) -> Vec<u32> {
    digits.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn digit(value: u32) -> char {
    char::from_digit(value % 10, 10).unwrap_or('0')
}

/// Luhn (ISO/IEC 7812-1 Annex B): the digit that follows `payload`.
pub fn luhn(payload: &str) -> char {
    let sum: u32 = values(payload)
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| if i % 2 == 0 { (d * 2) / 10 + (d * 2) % 10 } else { d })
        .sum();
    digit((10 - sum % 10) % 10)
}

/// National Provider Identifier: Luhn over the number with the prefix 80840 (45 CFR 162.406).
pub fn npi(nine: &str) -> char {
    luhn(&format!("80840{nine}"))
}

/// DEA registration number: last digit of (d1+d3+d5) + 2(d2+d4+d6).
pub fn dea(six: &str) -> char {
    let sum: u32 = values(six).iter().enumerate().map(|(i, &d)| if i % 2 == 0 { d } else { 2 * d }).sum();
    digit(sum)
}

/// Individual Number of Japan (Ministerial Ordinance on Individual Numbers, Art. 5).
pub fn my_number(eleven: &str) -> char {
    let sum: u32 = values(eleven).iter().rev().zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]).map(|(&p, q)| p * q).sum();
    let rest = sum % 11;
    if rest <= 1 { '0' } else { digit(11 - rest) }
}

/// Japanese driving licence: the eleventh digit, or `None` where the published descriptions differ.
pub fn jp_driver_licence(ten: &str) -> Option<char> {
    let sum: u32 = values(ten).iter().zip([5, 4, 3, 2, 7, 6, 5, 4, 3, 2]).map(|(&p, q)| p * q).sum();
    let rest = sum % 11;
    (rest >= 2).then(|| digit(11 - rest))
}

/// ISO 7064 mod 11,10, as the German tax number uses it.
pub fn mod_11_10(payload: &str) -> char {
    let mut product = 10;
    for d in values(payload) {
        let sum = (d + product) % 10;
        product = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    }
    digit(11 - product)
}

/// German health-insurance number (§ 290 SGB V): the letter as two digits, weights 1 and 2, cross sums, mod 10.
pub fn kvnr(letter: char, eight: &str) -> char {
    let place = u32::from(letter).saturating_sub(u32::from('A')) + 1;
    let payload = format!("{place:02}{eight}");
    let sum: u32 = values(&payload).iter().zip([1, 2].iter().cycle()).map(|(d, w)| (d * w) / 10 + (d * w) % 10).sum();
    digit(sum)
}

/// French NIR: the two-digit key 97 − (number mod 97).
pub fn nir_key(thirteen: &str) -> String {
    let number: u64 = thirteen.parse().unwrap_or(0);
    format!("{:02}", 97 - number % 97)
}

/// Spanish DNI letter.
pub fn dni(eight: &str) -> char {
    let number: usize = eight.parse().unwrap_or(0);
    "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(number % 23).unwrap_or('T')
}

/// Dutch BSN: the ninth digit of the eleven test, or `None` where none fits.
pub fn bsn(eight: &str) -> Option<char> {
    let sum: u32 = values(eight).iter().zip((2..=9).rev()).map(|(&d, w)| d * w).sum();
    let rest = sum % 11;
    (rest < 10).then(|| digit(rest))
}

/// British NHS number: mod 11 with weights 10 to 2, or `None` where none fits.
pub fn nhs(nine: &str) -> Option<char> {
    let sum: u32 = values(nine).iter().zip((2..=10).rev()).map(|(&d, w)| d * w).sum();
    match 11 - sum % 11 {
        11 => Some('0'),
        10 => None,
        check => Some(digit(check)),
    }
}

/// IBAN check digits (ISO 13616, ISO 7064 mod 97-10).
pub fn iban(country: &str, account: &str) -> String {
    let rest = format!("{account}{country}00").chars().fold(0_u64, |rest, c| {
        let value = u64::from(c.to_digit(36).unwrap_or(0));
        if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 }
    });
    format!("{:02}", 98 - rest)
}

/// Vehicle identification number (49 CFR 565.15): the ninth character over the other sixteen, `_` in its place.
pub fn vin(seventeen: &str) -> char {
    let value = |c: char| match c {
        'A' | 'J' => 1,
        'B' | 'K' | 'S' => 2,
        'C' | 'L' | 'T' => 3,
        'D' | 'M' | 'U' => 4,
        'E' | 'N' | 'V' => 5,
        'F' | 'W' => 6,
        'G' | 'P' | 'X' => 7,
        'H' | 'Y' => 8,
        'R' | 'Z' => 9,
        other => other.to_digit(10).unwrap_or(0),
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = seventeen.chars().zip(weights).map(|(c, w)| value(c) * w).sum();
    if sum % 11 == 10 { 'X' } else { digit(sum % 11) }
}

/// CAS registry number: sum of digits times their place from the right, mod 10.
pub fn cas(digits: &str) -> char {
    digit(values(digits).iter().rev().zip(1..).map(|(&d, place)| d * place).sum())
}

#[cfg(test)]
mod tests {
    use super::{bsn, cas, dea, dni, iban, kvnr, luhn, mod_11_10, my_number, nhs, nir_key, npi, vin};

    #[test]
    fn published_examples_check() {
        assert_eq!(npi("123456789"), '3');
        assert_eq!(luhn("7992739871"), '3');
        assert_eq!(dea("123456"), '3');
        assert_eq!(my_number("12345678901"), '8');
        assert_eq!(mod_11_10("3657426180"), '9');
        assert_eq!(kvnr('A', "12345678"), '0');
        assert_eq!(nir_key("2550814168025"), "38");
        assert_eq!(dni("12345678"), 'Z');
        assert_eq!(bsn("11122233"), Some('3'));
        assert_eq!(nhs("943476591"), Some('9'));
        assert_eq!(iban("GB", "WEST12345698765432"), "82");
        assert_eq!(vin("1M8GDM9A_KP042788"), 'X');
        assert_eq!(cas("773218"), '5');
    }
}
