//! Tier 3: decides the doubts that the rules left.

use super::{NameHit, Scratch};

/// The tagger.
#[derive(Debug, Default)]
pub struct Tagger;

impl Tagger {
    /// Ready to decide.
    #[must_use]
    pub fn load() -> Self {
        Self
    }

    /// Decides the doubts of the last [`super::Names::find`] over `text`; returns how many bytes of it were read.
    pub fn rescore(&self, _text: &str, _scratch: &Scratch, _hits: &mut Vec<NameHit>) -> usize {
        0
    }
}
