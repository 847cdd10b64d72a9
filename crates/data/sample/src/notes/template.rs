//! Templates: prose with slots in braces. `{name}` is the person that the text is about, `{name#2}` another one; a
//! slot that occurs twice for one person gives the same name, mailbox and birth date.

use std::sync::LazyLock;

use model::IdentifierType as T;

use super::slot::{self, About, Filling, Piece};
use super::{LabelledText, Split};
use crate::person::{Language, Surnames};
use crate::random::Random;

/// A parsed template.
pub struct Template {
    parts: Vec<Part>,
}

enum Part {
    Words(&'static str),
    Slot { kind: &'static str, person: usize },
}

struct Templates {
    train: Vec<Template>,
    test: Vec<Template>,
}

static EN: LazyLock<Templates> = LazyLock::new(|| {
    let mut templates = parse(include_str!("en_train.txt"));
    let more = parse(include_str!("en_test.txt"));
    templates.train.extend(more.train);
    templates.test.extend(more.test);
    templates
});
static DE: LazyLock<Templates> = LazyLock::new(|| parse(include_str!("de.txt")));
static FR: LazyLock<Templates> = LazyLock::new(|| parse(include_str!("fr.txt")));
static ES: LazyLock<Templates> = LazyLock::new(|| parse(include_str!("es.txt")));
static JA: LazyLock<Templates> = LazyLock::new(|| parse(include_str!("ja.txt")));

/// The templates of a language, and the language they are in.
pub fn of(language: Language, split: Split) -> (Language, &'static [Template]) {
    let (language, templates) = match language {
        Language::De => (language, &DE),
        Language::Fr => (language, &FR),
        Language::Es => (language, &ES),
        Language::Ja => (language, &JA),
        _ => (Language::En, &EN),
    };
    match split {
        Split::Train => (language, &templates.train),
        Split::Test => (language, &templates.test),
    }
}

/// Splits a file at its `%% train` and `%% test` lines.
fn parse(file: &'static str) -> Templates {
    let mut templates = Templates { train: Vec::new(), test: Vec::new() };
    for block in file.split("%% ").skip(1) {
        let (split, text) = block.split_once('\n').unwrap_or((block, ""));
        let template = Template::parse(text.trim_end());
        if split.trim() == "test" { templates.test.push(template) } else { templates.train.push(template) }
    }
    templates
}

impl Template {
    fn parse(mut text: &'static str) -> Self {
        let mut parts = Vec::new();
        while let Some((before, rest)) = text.split_once('{') {
            let (slot, after) = rest.split_once('}').unwrap_or((rest, ""));
            let (kind, person) = slot.split_once('#').unwrap_or((slot, "0"));
            parts.push(Part::Words(before));
            parts.push(Part::Slot { kind, person: person.parse().unwrap_or(0) });
            text = after;
        }
        parts.push(Part::Words(text));
        Self { parts }
    }

    /// Fills the slots.
    pub fn fill(
        &self,
        random: &mut Random,
        language: Language,
        surnames: Surnames,
        about: Option<&About>,
    ) -> LabelledText {
        let mut filling = Filling::new(random, language, surnames);
        if let Some(about) = about {
            filling.about(about);
        }
        let mut text = String::new();
        let mut spans = Vec::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => text.push_str(words),
                Part::Slot { kind, person } => {
                    for piece in slot::fill(&mut filling, kind, *person) {
                        push(&mut text, &mut spans, &piece);
                    }
                }
            }
        }
        LabelledText { text, spans, language }
    }
}

fn push(text: &mut String, spans: &mut Vec<(usize, usize, T)>, piece: &Piece) {
    let start = text.len();
    text.push_str(&piece.text);
    if let Some(kind) = piece.kind
        && !piece.text.is_empty()
    {
        match spans.last_mut() {
            // Given and family name side by side are one name.
            Some((_, end, T::Person)) if kind == T::Person && matches!(text.get(*end..start), Some("" | " ")) => {
                *end = text.len();
            }
            _ => spans.push((start, text.len(), kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Part, Random, Split, Surnames, of, slot};

    #[test]
    fn every_slot_of_every_template_is_known() {
        for language in [Language::En, Language::De, Language::Fr, Language::Es, Language::Ja] {
            for split in [Split::Train, Split::Test] {
                for template in of(language, split).1 {
                    for part in &template.parts {
                        let Part::Slot { kind, person } = part else { continue };
                        let mut random = Random::stream(1, "slots");
                        let mut filling = slot::Filling::new(&mut random, language, Surnames::Test);
                        let pieces = slot::fill(&mut filling, kind, *person);
                        let filled = pieces.iter().any(|piece| !piece.text.is_empty());
                        assert!(filled, "{language:?}: unknown or empty slot `{kind}`");
                    }
                }
            }
        }
    }
}
