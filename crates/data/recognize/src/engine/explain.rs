//! Why a hit is believed, in words a person can check.

use super::context::Voice;
use super::{By, Engine, Hit};
use crate::content::{CONTEXT_AFTER_BYTES, CONTEXT_BEFORE_BYTES};

impl Engine {
    /// The id of what found the hit: a recogniser's id, a term list's file, or the name rules.
    #[must_use]
    pub fn finder(&self, hit: &Hit) -> &str {
        match hit.by {
            By::Recognizer(index) => self.recognizer(index).map_or("unknown", |spec| &spec.id),
            By::Terms(list) => self.term_lists.get(usize::from(list)).map_or("unknown", |(file, _)| file),
            By::Names(_) => "person-names",
        }
    }

    /// Why the hit is believed, without repeating its text.
    #[must_use]
    pub fn explain(&self, text: &str, hit: &Hit) -> String {
        match hit.by {
            By::Names(why) => why.to_string(),
            By::Terms(list) => {
                let file = self.term_lists.get(usize::from(list)).map_or("", |(file, _)| file);
                format!("a term of the list `{file}`")
            }
            By::Recognizer(index) => self.explain_recognizer(text, hit, index),
        }
    }

    fn explain_recognizer(&self, text: &str, hit: &Hit, index: u16) -> String {
        let Some(recognizer) = self.recognizers.get(usize::from(index)) else { return String::new() };
        let mut why = format!("has the shape of: {}", recognizer.spec.name);
        if let Some(validator) = &recognizer.spec.validator {
            why.push_str(&format!("; passes the check `{validator}`"));
        }
        if hit.context {
            match self.context_word(text, hit, index) {
                Some(word) => why.push_str(&format!("; context word `{word}`")),
                None => why.push_str("; its column or field speaks for it"),
            }
        }
        why.push_str(&format!(" ({})", recognizer.spec.citation));
        why
    }

    /// The first of the recogniser's context words that stands near.
    fn context_word(&self, text: &str, hit: &Hit, index: u16) -> Option<&str> {
        let recognizer = self.recognizers.get(usize::from(index))?;
        recognizer.spec.context.iter().map(String::as_str).find(|word| {
            let owned = [(*word).to_owned()];
            let mut lexicon = super::Lexicon::new();
            lexicon.add(0, Voice::For, &owned);
            let mut voters = super::Voters::none(1);
            let before = (hit.start.saturating_sub(CONTEXT_BEFORE_BYTES), hit.start);
            lexicon.hear(text, before, Voice::For, &mut voters);
            let after = (hit.end, hit.end + CONTEXT_AFTER_BYTES);
            lexicon.hear(text, after, Voice::For, &mut voters);
            voters.has(0)
        })
    }
}
