//! Made-up addresses and telephone numbers.

use crate::lexicon::words_in;
use crate::person::Language;
use crate::random::Random;

/// An address.
#[derive(Debug, Clone)]
pub struct Address {
    /// Street and number; in Japanese the part after the municipality.
    pub street: String,
    /// City; in English with the State: `Dayton, OH`.
    pub city: &'static str,
    /// Postal code.
    pub postcode: String,
}

impl Address {
    /// Draws an address as people of a language have one.
    pub fn draw(random: &mut Random, language: Language) -> Self {
        let code = language.code();
        let city = random.pick(words_in("city", code));
        Self { street: street(random, language), city, postcode: postcode(random, language) }
    }

    /// The two-letter State of an English address.
    pub fn state(&self) -> &'static str {
        self.city.rsplit_once(", ").map_or("", |(_, state)| state)
    }

    /// The city without State.
    pub fn town(&self) -> &'static str {
        self.city.rsplit_once(", ").map_or(self.city, |(town, _)| town)
    }
}

/// A street with a number.
pub fn street(random: &mut Random, language: Language) -> String {
    let number = random.within(1..=180);
    if language == Language::Ja {
        let town = random.pick(words_in("town", "ja"));
        let block = format!("{town}{}-{}-{}", random.within(1..=7), random.within(1..=28), random.within(1..=20));
        return if random.chance(35) {
            let building = random.pick(words_in("building", "ja"));
            format!("{block} {building}{}0{}号室", random.within(1..=9), random.within(1..=9))
        } else if random.chance(30) {
            format!("{town}{}丁目{}番{}号", random.within(1..=7), random.within(1..=28), random.within(1..=20))
        } else {
            block
        };
    }
    let name = random.pick(words_in("street", language.code()));
    match language {
        Language::En if random.chance(20) => format!("{} {name}, Apt {}", number * 7, random.within(1..=40)),
        Language::En => format!("{} {name}", number * 7),
        Language::Fr => format!("{number} {name}"),
        Language::Es => format!("{name}, {number}"),
        _ => format!("{name} {number}"),
    }
}

/// A postal code.
pub fn postcode(random: &mut Random, language: Language) -> String {
    match language {
        Language::En if random.chance(15) => format!("{}-{}", random.number(5), random.digits(4)),
        Language::Fr => format!("{:02}{}00", random.within(1..=89), random.within(0..=9)),
        Language::Es => format!("{:02}{}", random.within(1..=52), random.digits(3)),
        Language::Ja => format!("{}-{}", random.number(3), random.digits(4)),
        Language::Nl => format!("{} {}", random.number(4), random.letters("ABCDEGHJKLMNPRTVWXZ", 2)),
        _ => random.number(5),
    }
}

/// A telephone number. North American ones use the exchange 555, German and French ones the ranges that the
/// regulators keep for fiction.
pub fn phone(random: &mut Random, language: Language) -> String {
    match language {
        Language::De => {
            let tail = random.digits(3);
            match random.within(0..=3) {
                0 => format!("030 23125 {tail}"),
                1 => format!("+49 89 99998 {tail}"),
                2 => format!("069/90009 {tail}"),
                _ => format!("0171 39200{}", random.digits(2)),
            }
        }
        Language::Fr => {
            let (a, b) = (random.digits(2), random.digits(2));
            match random.within(0..=2) {
                0 => format!("01 99 00 {a} {b}"),
                1 => format!("+33 6 39 98 {a} {b}"),
                _ => format!("06.39.98.{a}.{b}"),
            }
        }
        Language::Es => match random.within(0..=1) {
            0 => format!("91 555 {} {}", random.digits(2), random.digits(2)),
            _ => format!("+34 655 {} {}", random.digits(3), random.digits(3)),
        },
        Language::It => format!("+39 06 555 {}", random.digits(5)),
        Language::Nl => format!("+31 20 555 {}", random.digits(4)),
        Language::Ja => match random.within(0..=3) {
            0 => format!("03-5555-{}", random.digits(4)),
            1 => format!("06-6555-{}", random.digits(4)),
            2 => format!("045-555-{}", random.digits(4)),
            _ => format!("090-5555-{}", random.digits(4)),
        },
        Language::En => north_american(random),
    }
}

fn north_american(random: &mut Random) -> String {
    let area = random.pick(&["212", "312", "415", "503", "617", "702", "813", "919", "206", "303"]);
    let line = format!("01{}", random.digits(2));
    match random.within(0..=5) {
        0 => format!("{area}-555-{line}"),
        1 => format!("{area}.555.{line}"),
        2 => format!("+1 {area} 555 {line}"),
        3 => format!("1-{area}-555-{line}"),
        _ => format!("({area}) 555-{line}"),
    }
}
