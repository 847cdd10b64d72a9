//! Germany, Austria, Switzerland, Poland, Czechia, Slovakia, Hungary, Slovenia, Croatia.

use super::Validator;
use super::calendar::{is_date, pair};
use super::checksums::{gs1, icao, luhn, mod_11_10, weighted};
use super::digits::{alnum, base36, digits, is_repeated, number, values};

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("de-tax-id", tax_id),
    ("de-kvnr", kvnr),
    ("de-rvnr", rvnr),
    ("de-document", document),
    ("de-lanr", lanr),
    ("de-ik", institution),
    ("at-svnr", svnr),
    ("at-tax-number", austrian_tax_number),
    ("ch-ahv", ahv),
    ("ch-uid", uid),
    ("pl-pesel", pesel),
    ("pl-nip", nip),
    ("pl-identity-card", polish_card),
    ("pl-passport", polish_passport),
    ("cz-birth-number", birth_number),
    ("hu-taj", taj),
    ("hu-tax-id", hungarian_tax_id),
    ("hu-personal-number", hungarian_personal_number),
    ("si-emso", emso),
    ("si-tax-number", slovenian_tax_number),
    ("hr-oib", oib),
];

/// § 139b AO, StIdV: eleven digits; among the first ten one digit comes twice or three times and no other more than
/// once; check digit by ISO 7064 MOD 11,10.
fn tax_id(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let mut counts = [0_u8; 10];
    for digit in &d[..10] {
        counts[usize::from(*digit)] += 1;
    }
    let mut repeated = counts.iter().filter(|count| **count > 1);
    let one = repeated.next().is_some_and(|count| matches!(count, 2 | 3)) && repeated.next().is_none();
    d[0] != 0 && one && mod_11_10(&d)
}

/// § 290 SGB V, Anlage 1 of the GKV-Spitzenverband's guideline: a letter as two digits, weights 1 and 2, digit sums.
fn kvnr(text: &str) -> bool {
    let Some(code) = alnum::<10>(text) else { return false };
    let Some(d) = values::<9>(&code[1..]) else { return false };
    let Some(letter) = letter_place(code[0]) else { return false };
    let sum = cross(letter / 10) + cross(letter % 10 * 2) + digit_sums(&d[..8], &[1, 2]);
    sum % 10 == u32::from(d[8]) && !is_repeated(&d[..8])
}

/// § 147 SGB VI, § 2 VKVV: area, birth date, letter, serial; weights 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1, digit sums.
fn rvnr(text: &str) -> bool {
    let Some(code) = alnum::<12>(text) else { return false };
    let (Some(head), Some(tail)) = (values::<8>(&code[..8]), values::<3>(&code[9..])) else { return false };
    let Some(letter) = letter_place(code[8]) else { return false };
    let sum = digit_sums(&head, &[2, 1, 2, 5, 7, 1, 2, 1])
        + cross(letter / 10 * 2)
        + cross(letter % 10)
        + digit_sums(&tail[..2], &[2, 1]);
    (1..=31).contains(&(pair(&head[2..4]) % 50)) && pair(&head[4..6]) <= 12 && sum % 10 == u32::from(tail[2])
}

/// A letter's place in the alphabet.
fn letter_place(byte: u8) -> Option<u32> {
    byte.is_ascii_uppercase().then(|| u32::from(byte - b'A') + 1)
}

/// The digit sum of a number below 100.
fn cross(n: u32) -> u32 {
    n / 10 + n % 10
}

/// Digit sums of the products of digits with weights, which are taken round.
fn digit_sums(d: &[u8], weights: &[u32]) -> u32 {
    d.iter().zip(weights.iter().cycle()).map(|(d, w)| cross(u32::from(*d) * w)).sum()
}

/// § 5 PAuswG, § 4 PassG: nine letters and digits without vowels, and the check digit of ICAO Doc 9303.
fn document(text: &str) -> bool {
    let Some(code) = alnum::<10>(text) else { return false };
    let allowed = |b: &u8| b.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(b);
    code[0].is_ascii_uppercase() && code[..9].iter().all(allowed) && icao(&code[..9], code[9])
}

/// Kassenärztliche Bundesvereinigung, Arztnummern-Richtlinie § 2: weights 4 and 9 over six digits, seventh checks.
fn lanr(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    let sum = weighted(&d[..6], &[4, 9, 4, 9, 4, 9]);
    (10 - sum % 10) % 10 == u32::from(d[6]) && !is_repeated(&d)
}

/// § 293 SGB V, Institutionskennzeichen: digits three to eight with weights 2 and 1, digit sums, the last checks.
fn institution(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    digit_sums(&d[2..8], &[2, 1]) % 10 == u32::from(d[8]) && d[0] != 0 && !is_repeated(&d)
}

/// § 31 ASVG, Dachverband der Sozialversicherungsträger: the fourth digit checks the other nine.
fn svnr(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    let rest = weighted(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    d[0] != 0 && rest == u32::from(d[3])
}

/// Bundesministerium für Finanzen (AT), BMF-010222: Luhn over tax office and number.
fn austrian_tax_number(text: &str) -> bool {
    digits::<9>(text).is_some_and(|d| luhn(&d) && !is_repeated(&d))
}

/// Art. 50c AHVG, Art. 133 AHVV: 756 and an EAN-13 check digit.
fn ahv(text: &str) -> bool {
    digits::<13>(text).is_some_and(|d| d[..3] == [7, 5, 6] && gs1(&d) && !is_repeated(&d[3..]))
}

/// Art. 3 UIDV: `CHE`, eight digits and a check digit by weights 5, 4, 3, 2, 7, 6, 5, 4 modulo 11.
fn uid(text: &str) -> bool {
    let Some(code) = alnum::<12>(text) else { return false };
    let Some(d) = values::<9>(&code[3..]) else { return false };
    code.starts_with(b"CHE") && (11 - weighted(&d[..8], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == u32::from(d[8])
}

/// Ustawa o ewidencji ludności Art. 15–19: the century is added to the month; weights 1, 3, 7, 9.
fn pesel(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let month = pair(&d[2..4]);
    let century = [1900, 2000, 2100, 2200, 1800].get(usize::try_from(month / 20).unwrap_or(9)).copied().unwrap_or(0);
    is_date(century + pair(&d), month % 20, pair(&d[4..6]))
        && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Ustawa o zasadach ewidencji i identyfikacji podatników, Art. 8b: weights 6, 5, 7, 2, 3, 4, 5, 6, 7 modulo 11.
fn nip(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    weighted(&d[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(d[9]) && !is_repeated(&d)
}

/// Rozporządzenie o wzorze dowodu osobistego: three letters and six digits, the first digit checks by 7, 3, 1.
fn polish_card(text: &str) -> bool {
    polish_document(text, 3, &[7, 3, 1, 9, 7, 3, 1, 7, 3])
}

/// The same for passports: two letters and seven digits.
fn polish_passport(text: &str) -> bool {
    polish_document(text, 2, &[7, 3, 9, 1, 7, 3, 1, 7, 3])
}

fn polish_document(text: &str, letters: usize, weights: &[u32; 9]) -> bool {
    let Some(code) = alnum::<9>(text) else { return false };
    let (head, tail) = code.split_at(letters);
    let sum: u32 = code.iter().zip(weights).map(|(b, w)| base36(*b).unwrap_or(0) * w).sum();
    head.iter().all(u8::is_ascii_uppercase) && tail.iter().all(u8::is_ascii_digit) && sum.is_multiple_of(10)
}

/// Zákon č. 133/2000 Sb. § 13 (CZ), zákon č. 301/1995 Z. z. (SK): 50 is added to a woman's month, 20 more when a day's
/// numbers run out; ten digits divide by 11 since 1954, nine before.
fn birth_number(text: &str) -> bool {
    let (d, long) = match (digits::<10>(text), digits::<9>(text)) {
        (Some(d), _) => (d, true),
        (None, Some(d)) => {
            let mut padded = [0; 10];
            padded[..9].copy_from_slice(&d);
            (padded, false)
        }
        _ => return false,
    };
    let two = pair(&d);
    let year = match (long, two) {
        (true, 54..) => 1900 + two,
        (true, _) => 2000 + two,
        (false, 80..) => 1800 + two,
        (false, _) => 1900 + two,
    };
    let check = u64::from(d[9]) == number(&d[..9]) % 11 % 10;
    is_date(year, pair(&d[2..4]) % 50 % 20, pair(&d[4..6])) && if long { check } else { year <= 1953 }
}

/// 1996. évi XX. törvény, melléklet: weights 3 and 7 over eight digits.
fn taj(text: &str) -> bool {
    let Some(d) = digits::<9>(text) else { return false };
    weighted(&d, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(d[8]) && !is_repeated(&d)
}

/// The same act on tax numbers of persons: 8 first, each digit times its place, modulo 11.
fn hungarian_tax_id(text: &str) -> bool {
    let Some(d) = digits::<10>(text) else { return false };
    d[0] == 8 && weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == u32::from(d[9])
}

/// The same act on personal numbers: sex and century, birth date, serial; places counted upward until 1996, downward
/// since.
fn hungarian_personal_number(text: &str) -> bool {
    let Some(d) = digits::<11>(text) else { return false };
    let up = weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11;
    let down = weighted(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    (1..=8).contains(&d[0])
        && super::calendar::is_yymmdd(&d[1..7])
        && [up, down].iter().any(|rest| *rest == u32::from(d[10]))
}

/// Zakon o centralnem registru prebivalstva Art. 13 (the Yugoslav JMBG): DDMMYYY, register, serial, modulo 11.
fn emso(text: &str) -> bool {
    let Some(d) = digits::<13>(text) else { return false };
    let three = pair(&d[4..6]) * 10 + u32::from(d[6]);
    let year = if three < 800 { 2000 + three } else { 1000 + three };
    let rest = weighted(&d[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    is_date(year, pair(&d[2..4]), pair(&d)) && (11 - rest) % 11 % 10 == u32::from(d[12])
}

/// Zakon o davčni službi: weights 8 to 2, eleven less the remainder, 10 counts as 0.
fn slovenian_tax_number(text: &str) -> bool {
    let Some(d) = digits::<8>(text) else { return false };
    let check = 11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    d[0] != 0 && (if check == 10 { 0 } else { check }) == u32::from(d[7])
}

/// Zakon o osobnom identifikacijskom broju Art. 3: ISO 7064 MOD 11,10.
fn oib(text: &str) -> bool {
    digits::<11>(text).is_some_and(|d| mod_11_10(&d) && !is_repeated(&d))
}

#[cfg(test)]
mod tests {
    use super::{document, kvnr, rvnr};

    #[test]
    fn published_examples_hold() {
        assert!(kvnr("A123456780"), "the example of the guideline");
        assert!(rvnr("65170839J003"), "the example of the Deutsche Rentenversicherung");
        assert!(document("T220001293"), "the specimen of the identity card");
    }
}
