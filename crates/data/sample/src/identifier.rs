//! Made-up identifiers of the right structure, with right check digits.

use crate::check_digit;
use crate::person::Language;
use crate::random::Random;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Letters that a Medicare Beneficiary Identifier may hold: without S, L, O, I, B, Z (CMS, MBI format).
const MBI_LETTERS: &str = "ACDEFGHJKMNPQRTUVWXY";

/// Social Security number that the numbering rules allow: no area 000, 666, 9xx, no group 00, no serial 0000.
pub fn ssn(random: &mut Random) -> String {
    let area = match random.within(1..=898) {
        666 => 667,
        area => area,
    };
    format!("{area:03}-{:02}-{:04}", random.within(1..=99), random.within(1..=9999))
}

/// Medical record number: digits, sometimes with letters before them.
pub fn mrn(random: &mut Random) -> String {
    match random.within(0..=4) {
        0 => format!("{}{}", random.pick(&["MR", "H", "E", "A"]), random.number(7)),
        1 => format!("{}-{}-{}", random.number(2), random.digits(2), random.digits(2)),
        2 => random.number(6),
        3 => random.number(7),
        _ => random.number(8),
    }
}

/// National Provider Identifier.
pub fn npi(random: &mut Random) -> String {
    let nine = format!("{}{}", random.pick(&['1', '2']), random.digits(8));
    let check = check_digit::npi(&nine);
    format!("{nine}{check}")
}

/// DEA registration number of a practitioner with the given initial.
pub fn dea(random: &mut Random, initial: char) -> String {
    let six = random.digits(6);
    let initial = if initial.is_ascii_uppercase() { initial } else { 'K' };
    format!("{}{initial}{six}{}", random.letter("ABFM"), check_digit::dea(&six))
}

/// Medicare Beneficiary Identifier.
pub fn mbi(random: &mut Random) -> String {
    let mut mbi = String::new();
    for (place, kind) in "CANNANNAANN".chars().enumerate() {
        if place == 4 || place == 7 {
            mbi.push('-');
        }
        mbi.push(match (place, kind) {
            (0, _) => random.letter("123456789"),
            (2 | 5, _) => random.letter("0123456789ACDEFGHJKMNPQRTUVWXY"),
            (_, 'A') => random.letter(MBI_LETTERS),
            _ => random.letter("0123456789"),
        });
    }
    mbi
}

/// Health-plan member number.
pub fn health_plan(random: &mut Random) -> String {
    format!("{}{}", random.letters(UPPER, 3), random.number(9))
}

/// Bank account or customer number.
pub fn account(random: &mut Random) -> String {
    random.number(10)
}

/// IBAN of a made-up account.
pub fn iban(random: &mut Random, language: Language) -> String {
    let (country, account) = match language {
        Language::Fr => ("FR", random.digits(23)),
        Language::Es => ("ES", random.digits(20)),
        Language::Nl => ("NL", format!("LZRT{}", random.digits(10))),
        Language::It => ("IT", format!("X{}", random.digits(22))),
        Language::En => ("GB", format!("LZRT{}", random.digits(14))),
        _ => ("DE", random.digits(18)),
    };
    let compact = format!("{country}{}{account}", check_digit::iban(country, &account));
    if random.chance(50) { compact } else { grouped(&compact) }
}

fn grouped(text: &str) -> String {
    let mut spaced = String::new();
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    spaced
}

/// Payment card number.
pub fn card(random: &mut Random) -> String {
    let payload = format!("4{}", random.digits(14));
    let number = format!("{payload}{}", check_digit::luhn(&payload));
    if random.chance(50) { number } else { grouped(&number) }
}

/// Driving licence as several US States number it: one letter, seven digits.
pub fn licence(random: &mut Random) -> String {
    format!("{}{}", random.letter(UPPER), random.number(7))
}

/// Licence plate.
pub fn plate(random: &mut Random, language: Language) -> String {
    match language {
        Language::De => format!(
            "{}-{} {}",
            random.pick(&["KS", "FR", "HRO", "B", "MS"]),
            random.letters("ABCDEFGHKMN", 2),
            random.number(3)
        ),
        Language::Fr => {
            format!("{}-{}-{}", random.letters("ABCDEFGHJK", 2), random.number(3), random.letters("ABCDEFGHJK", 2))
        }
        _ => format!("{}-{}", random.letters("ABCDEFGHJKLMNPRSTVWXYZ", 3), random.number(4)),
    }
}

/// Vehicle identification number.
pub fn vin(random: &mut Random) -> String {
    let body = random.letters("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 4);
    let start =
        format!("{}{}{body}{}", random.pick(&["1F", "2T", "5X", "4V"]), random.letter("ABCDE"), random.digits(1));
    let end = format!("{}{}{}", random.letter("ABCDEFGH"), random.letter("ABCDEFGH"), random.digits(6));
    let check = check_digit::vin(&format!("{start}_{end}"));
    format!("{start}{check}{end}")
}

/// Serial number of a medical device.
pub fn device(random: &mut Random) -> String {
    format!("{}{}-{}", random.letters("PDGLVX", 2), random.number(4), random.number(6))
}

/// Passport number of the language's country.
pub fn passport(random: &mut Random, language: Language) -> String {
    match language {
        Language::Ja => format!("T{}{}", random.letter("KRSZ"), random.digits(7)),
        Language::De => {
            let eight = format!("C{}", random.letters("0123456789CFGHJKLMNPRTVWXYZ", 7));
            let check = icao(&eight);
            format!("{eight}{check}")
        }
        Language::Fr => format!("{}{}{}", random.digits(2), random.letters(UPPER, 2), random.digits(5)),
        Language::Es => format!("{}{}", random.letters(UPPER, 3), random.digits(6)),
        _ => random.number(9),
    }
}

/// Check digit of machine-readable travel documents (ICAO Doc 9303-3, 4.9): weights 7, 3, 1.
fn icao(text: &str) -> char {
    let sum: u32 = text.chars().zip([7, 3, 1].iter().cycle()).map(|(c, w)| c.to_digit(36).unwrap_or(0) * w).sum();
    char::from_digit(sum % 10, 10).unwrap_or('0')
}

/// National, tax or social-insurance number of the language's country; for English the British NHS number.
pub fn national(random: &mut Random, language: Language, female: bool) -> String {
    match language {
        Language::De if random.chance(50) => {
            let (letter, eight) = (random.letter(UPPER), random.digits(8));
            format!("{letter}{eight}{}", check_digit::kvnr(letter, &eight))
        }
        Language::De => german_tax(random),
        Language::Fr => nir(random, female),
        Language::Es => {
            let eight = random.digits(8);
            let letter = check_digit::dni(&eight);
            format!("{eight}{letter}")
        }
        Language::Nl => loop_until(random, 8, check_digit::bsn),
        Language::It => fiscal_code(random, female),
        Language::Ja => my_number(random),
        Language::En => {
            let ten = loop_until(random, 9, check_digit::nhs);
            format!("{} {} {}", ten.get(..3).unwrap_or(""), ten.get(3..6).unwrap_or(""), ten.get(6..).unwrap_or(""))
        }
    }
}

/// Draws numbers of `count` digits until one has a check digit; at most 100 times.
fn loop_until(random: &mut Random, count: usize, check: fn(&str) -> Option<char>) -> String {
    for _ in 0..100 {
        let payload = random.number(count);
        if let Some(digit) = check(&payload) {
            return format!("{payload}{digit}");
        }
    }
    String::new()
}

/// German tax number (§ 139b AO): ten digits of which exactly one occurs twice, and a check digit.
fn german_tax(random: &mut Random) -> String {
    let mut digits: Vec<char> = "0123456789".chars().collect();
    for i in (1..digits.len()).rev() {
        let j = random.below(i + 1);
        digits.swap(i, j);
    }
    if digits.first() == Some(&'0') {
        digits.rotate_left(1);
    }
    let (twice, instead) = (random.below(9), 9);
    if let Some(&digit) = digits.get(twice)
        && let Some(slot) = digits.get_mut(instead)
    {
        *slot = digit;
    }
    let ten: String = digits.into_iter().collect();
    let check = check_digit::mod_11_10(&ten);
    format!("{ten}{check}")
}

fn nir(random: &mut Random, female: bool) -> String {
    let sex = if female { '2' } else { '1' };
    let (year, month) = (random.within(30..=99), random.within(1..=12));
    let (department, commune) = (random.within(1..=95), random.within(1..=500));
    let department = if department == 20 { 21 } else { department };
    let order = random.within(1..=999);
    let thirteen = format!("{sex}{year:02}{month:02}{department:02}{commune:03}{order:03}");
    let key = check_digit::nir_key(&thirteen);
    if random.chance(50) {
        format!("{thirteen}{key}")
    } else {
        format!("{sex} {year:02} {month:02} {department:02} {commune:03} {order:03} {key}")
    }
}

/// Italian fiscal code (D.M. 23 December 1976): letters, year, month letter, day (women +40), place, check letter.
fn fiscal_code(random: &mut Random, female: bool) -> String {
    const CONSONANTS: &str = "BCDFGLMNPRSTVZ";
    let day = random.within(1..=28) + if female { 40 } else { 0 };
    let body = format!(
        "{}{:02}{}{day:02}{}{:03}",
        random.letters(CONSONANTS, 6),
        random.within(30..=99),
        random.letter("ABCDEHLMPRST"),
        random.letter("ABCDEFGHL"),
        random.within(1..=950)
    );
    let check = fiscal_check(&body);
    format!("{body}{check}")
}

fn fiscal_check(body: &str) -> char {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let sum: u32 = body
        .chars()
        .enumerate()
        .map(|(i, c)| {
            let value = c.to_digit(10).unwrap_or_else(|| u32::from(c).saturating_sub(u32::from('A')));
            if i % 2 == 0 { ODD.get(value as usize).copied().unwrap_or(0) } else { value }
        })
        .sum();
    char::from(b'A' + u8::try_from(sum % 26).unwrap_or(0))
}

/// Individual Number of Japan.
pub fn my_number(random: &mut Random) -> String {
    let eleven = random.number(11);
    let check = check_digit::my_number(&eleven);
    format!("{eleven}{check}")
}

/// Number of a Japanese health insurer: scheme, prefecture, insurer, check digit.
pub fn jp_insurer(random: &mut Random) -> String {
    let scheme = random.pick(&["01", "06", "39", "31"]);
    let seven = format!("{scheme}{:02}{}", random.within(1..=47), random.digits(3));
    let check = check_digit::luhn(&seven);
    format!("{seven}{check}")
}

/// Symbol and number of a Japanese insured person.
pub fn jp_insured(random: &mut Random) -> String {
    format!("{}-{}", random.number(4), random.number(5))
}

/// Japanese driving licence.
pub fn jp_driver_licence(random: &mut Random) -> String {
    for _ in 0..100 {
        let ten = format!(
            "{}{:02}{}",
            random.pick(&["30", "43", "45", "54", "62", "90"]),
            random.within(0..=24),
            random.digits(6)
        );
        if let Some(check) = check_digit::jp_driver_licence(&ten) {
            return format!("{ten}{check}{}", random.within(0..=2));
        }
    }
    String::new()
}

/// Japanese residence card.
pub fn jp_residence_card(random: &mut Random) -> String {
    format!(
        "{}{}{}",
        random.letters("ABCDEFGHJKLMNPRSTU", 2),
        random.digits(8),
        random.letters("ABCDEFGHJKLMNPRSTU", 2)
    )
}

/// Number of a trial registry. ClinicalTrials.gov numbers lie in a range not given out yet.
pub fn trial(random: &mut Random, language: Language) -> String {
    let year = random.within(2012..=2022);
    match (language, random.within(0..=3)) {
        (Language::Ja, 0) => format!("UMIN0000{}", random.digits(5)),
        (Language::Ja, 1 | 2) => format!("jRCT20{}{}", random.within(31..=80), random.digits(6)),
        (_, 0) => format!("{year}-00{}-{}", random.digits(4), random.within(10..=99)),
        (_, 1) => format!("{}-5{}-{}-00", random.within(2022..=2026), random.digits(5), random.within(10..=99)),
        _ => format!("NCT09{}", random.digits(6)),
    }
}

/// Subject number within a trial, with a study prefix most of the time.
pub fn subject(random: &mut Random) -> String {
    let site = random.within(101..=960);
    match random.within(0..=3) {
        0 => format!("{site}-{:03}", random.within(1..=120)),
        1 => format!("LZA-{}-{site}-{:04}", random.within(101..=402), random.within(1..=900)),
        2 => format!(
            "{}{}-{site}-{:03}",
            random.letters("ABCDEGHKLMNPRSTVX", 3),
            random.within(101..=402),
            random.within(1..=120)
        ),
        _ => format!("{}{site}-{:04}", random.pick(&["US", "DE", "FR", "JP", "ES"]), random.within(1..=900)),
    }
}

/// Biological sample number.
pub fn sample(random: &mut Random) -> String {
    match random.within(0..=2) {
        0 => format!("BX-{}-{:05}", random.within(2015..=2026), random.within(1..=99_999)),
        1 => format!("S{}-{}", random.within(10..=26), random.number(5)),
        _ => format!("LZB{:07}-{}", random.within(1..=9_999_999), random.pick(&["A1", "B2", "T", "N"])),
    }
}

/// CAS registry number.
pub fn cas(random: &mut Random) -> String {
    let length = random.within(3..=6) as usize;
    let (first, second) = (random.number(length), random.digits(2));
    let check = check_digit::cas(&format!("{first}{second}"));
    format!("{first}-{second}-{check}")
}

/// dbSNP reference number.
pub fn rsid(random: &mut Random) -> String {
    format!("rs{}", random.number(8))
}

/// Address in a private network (RFC 1918) or a documentation range (RFC 5737).
pub fn ip(random: &mut Random) -> String {
    let net = random.pick(&["10.20", "192.168", "198.51", "172.16"]);
    let third = if net == "198.51" { 100 } else { random.within(0..=250) };
    format!("{net}.{third}.{}", random.within(1..=250))
}
