//! Made-up notes with the truth of every identifier in them, to train and to test recognition on.

mod slot;
mod table;
mod template;

use model::IdentifierType;

pub use crate::person::Language;
use crate::person::Surnames;
use crate::random::Random;
pub(crate) use slot::About;
pub use table::csv;

/// Which half of the templates and surnames a text is made from. A test text shares neither its wording nor its layout
/// with a training text, and half of its surnames occur in no training text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// For training.
    Train,
    /// For measuring what was trained or written by hand.
    Test,
}

impl Split {
    const fn surnames(self) -> Surnames {
        match self {
            Self::Train => Surnames::Train,
            Self::Test => Surnames::Test,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// A text and the identifiers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledText {
    /// The text.
    pub text: String,
    /// Identifiers as byte ranges of the text, in order, without overlap.
    pub spans: Vec<(usize, usize, IdentifierType)>,
    /// What it is written in.
    pub language: Language,
}

/// The share of languages, in percent.
const LANGUAGES: [(Language, u32); 5] =
    [(Language::En, 56), (Language::De, 14), (Language::Ja, 14), (Language::Fr, 8), (Language::Es, 8)];

/// `count` texts of all languages.
#[must_use]
pub fn generate(seed: u64, split: Split, count: usize) -> Vec<LabelledText> {
    let mut random = Random::stream(seed, split.name());
    (0..count)
        .map(|_| {
            let language = draw_language(&mut random);
            one(&mut random, split, language)
        })
        .collect()
}

/// `count` texts of one language; Italian and Dutch have no templates and give English ones.
#[must_use]
pub fn generate_in(seed: u64, split: Split, language: Language, count: usize) -> Vec<LabelledText> {
    let mut random = Random::stream(seed, split.name());
    (0..count).map(|_| one(&mut random, split, language)).collect()
}

/// `count` texts of all languages, each with a number that texts of one template share, so that a part of the templates
/// can be held out.
#[must_use]
pub fn generate_numbered(seed: u64, split: Split, count: usize) -> Vec<(usize, LabelledText)> {
    let mut random = Random::stream(seed, split.name());
    (0..count)
        .map(|_| {
            let language = draw_language(&mut random);
            numbered(&mut random, split, language, None)
        })
        .collect()
}

/// A file of notes, at least `bytes` long: nine of ten English, both halves of the templates.
#[must_use]
pub fn corpus(seed: u64, bytes: usize) -> String {
    let mut random = Random::stream(seed, "corpus");
    let mut text = String::with_capacity(bytes + 4096);
    while text.len() < bytes {
        let language = if random.chance(90) { Language::En } else { draw_language(&mut random) };
        let split = if random.chance(50) { Split::Train } else { Split::Test };
        text.push_str(&one(&mut random, split, language).text);
        text.push_str("\n\n");
    }
    text
}

fn draw_language(random: &mut Random) -> Language {
    let mut drawn = random.within(0..=99);
    for (language, share) in LANGUAGES {
        if drawn < share {
            return language;
        }
        drawn -= share;
    }
    Language::En
}

/// One text of a language.
fn one(random: &mut Random, split: Split, language: Language) -> LabelledText {
    written(random, split, language, None)
}

/// One text of a language about a given person.
pub(crate) fn about(random: &mut Random, language: Language, about: &About) -> LabelledText {
    let split = if random.chance(50) { Split::Train } else { Split::Test };
    written(random, split, language, Some(about))
}

fn written(random: &mut Random, split: Split, language: Language, about: Option<&About>) -> LabelledText {
    numbered(random, split, language, about).1
}

/// A text and the number of its template.
fn numbered(random: &mut Random, split: Split, language: Language, about: Option<&About>) -> (usize, LabelledText) {
    let (language, templates) = template::of(language, split);
    let at = random.below(templates.len());
    let text = templates.get(at).map_or_else(
        || LabelledText { text: String::new(), spans: Vec::new(), language },
        |template| template.fill(random, language, split.surnames(), about),
    );
    (language as usize * 1000 + at, text)
}

#[cfg(test)]
mod tests {
    use super::{Language, Split, template};

    #[test]
    fn there_are_enough_templates() {
        let enough = [
            (Language::En, 60, 40),
            (Language::De, 15, 15),
            (Language::Fr, 8, 8),
            (Language::Es, 8, 8),
            (Language::Ja, 15, 15),
        ];
        for (language, train, test) in enough {
            let count = |split| template::of(language, split).1.len();
            assert!(count(Split::Train) >= train, "{language:?}: {} train", count(Split::Train));
            assert!(count(Split::Test) >= test, "{language:?}: {} test", count(Split::Test));
        }
    }
}
