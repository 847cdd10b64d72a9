//! Made-up people.

use crate::lexicon::{words, words_in};
use crate::random::Random;

/// The language of a text or the mother tongue of a made-up person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Italian.
    It,
    /// Dutch.
    Nl,
    /// Japanese.
    Ja,
}

impl Language {
    /// The ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::It => "it",
            Self::Nl => "nl",
            Self::Ja => "ja",
        }
    }
}

/// Which surnames may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surnames {
    /// The list for training alone.
    Train,
    /// Half from a list of which training never sees a name, half from the training list.
    Test,
}

/// A made-up person's name.
#[derive(Debug, Clone)]
pub struct Name {
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
    /// Katakana of given and family name; empty outside Japanese.
    pub kana: (&'static str, &'static str),
    /// Initial of a middle name.
    pub middle: char,
    /// Whether she is a woman.
    pub female: bool,
}

impl Name {
    /// Draws a name that people of a language have; in most languages some names come from elsewhere.
    pub fn draw(random: &mut Random, language: Language, surnames: Surnames) -> Self {
        let female = random.chance(50);
        let sex = if female { "f" } else { "m" };
        let code = language.code();
        let (given_part, family_part) = if language == Language::En && random.chance(40) {
            (if random.chance(65) { "world" } else { "en" }, "world")
        } else {
            (code, code)
        };
        let list = if surnames == Surnames::Test && random.chance(50) { "test" } else { "train" };
        let given = random.pick(words(&format!("given.{given_part}.{sex}")));
        let family = random.pick(words(&format!("surname.{family_part}.{list}")));
        let (given, given_kana) = given.split_once(':').unwrap_or((given, ""));
        let (family, family_kana) = family.split_once(':').unwrap_or((family, ""));
        Self { given, family, kana: (given_kana, family_kana), middle: random.letter("ABCDEFGHJKLMNPRSTW"), female }
    }

    /// Given and family name in the language's order.
    pub fn full(&self, language: Language) -> String {
        match language {
            Language::Ja => format!("{} {}", self.family, self.given),
            _ => format!("{} {}", self.given, self.family),
        }
    }

    /// The part of an e-mail address before the `@`, in ASCII.
    pub fn mailbox(&self, random: &mut Random) -> String {
        let (given, family) = (ascii(self.given), ascii(self.family));
        if given.is_empty() || family.is_empty() {
            return format!("{}{}", random.letters("abcdefghikmnorstuy", 6), random.within(1..=99));
        }
        match random.within(0..=3) {
            0 => format!("{}{family}", given.get(..1).unwrap_or("x")),
            1 => format!("{given}_{family}{}", random.within(1..=99)),
            _ => format!("{given}.{family}"),
        }
    }
}

/// The lower-case ASCII letters of a name, with the usual substitutes for letters with marks.
pub fn ascii(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' => plain.push(c),
            'ä' | 'à' | 'á' | 'ã' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'í' | 'ï' | 'ı' | 'î' => plain.push('i'),
            'ö' | 'ó' | 'ô' => plain.push('o'),
            'ü' | 'ú' => plain.push('u'),
            'ñ' | 'ń' => plain.push('n'),
            'ç' => plain.push('c'),
            'ş' => plain.push('s'),
            'ł' => plain.push('l'),
            'ß' => plain.push_str("ss"),
            _ => {}
        }
    }
    plain
}

/// A made-up hospital's name in the language.
pub fn hospital(random: &mut Random, language: Language) -> &'static str {
    random.pick(words_in("hospital", language.code()))
}
