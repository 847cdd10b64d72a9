//! Person names in free text. Tier 2 is [`Names::find`]: one pass over the capitalised words and the runs of Japanese
//! writing of a text, a probe into a word table for each, and rules over what stands together. What the rules are
//! not sure about is left as a doubt for tier 3, [`tagger::Tagger`]. Tier 1, structure, is not decided here.

pub mod flags;
pub mod gazetteer;
mod japanese;
pub mod pack;
mod rules;
mod scan;
pub mod tagger;

pub use flags::WordFlags;
pub use gazetteer::Gazetteer;

use scan::Token;

/// From this confidence on a candidate is a hit; below, a doubt.
pub const HIT_CONFIDENCE: u8 = 50;
/// From this confidence on a candidate is worth a doubt.
pub const DOUBT_CONFIDENCE: u8 = 18;
/// From this confidence on a doubt is taken where the same name is clear elsewhere in the text.
pub const SETTLED_CONFIDENCE: u8 = 30;

/// A person's name in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameHit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Percent.
    pub confidence: u8,
    /// The strongest evidence.
    pub why: Why,
}

/// The strongest evidence for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// A form of address before or after it: `Dr.`, `様`.
    Title,
    /// A label before it: `Patient:`, `患者名`.
    Label,
    /// A greeting or close of a letter before it: `Dear`.
    Greeting,
    /// A role or verb beside it: `nurse …`, `… reports`.
    Context,
    /// Family name, comma, given name.
    FamilyFirst,
    /// Several words of which the lists know enough.
    FullName,
    /// One word that is a frequent name and hardly anything else.
    SingleName,
    /// The same name stands elsewhere in the text with better evidence.
    SeenElsewhere,
    /// The tagger decided.
    Model,
}

impl Why {
    /// The evidence in words, for `--explain`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Title => "a form of address beside it",
            Self::Label => "a label before it",
            Self::Greeting => "a greeting before it",
            Self::Context => "a role or verb beside it",
            Self::FamilyFirst => "family name, comma, given name",
            Self::FullName => "given and family name together",
            Self::SingleName => "a frequent name",
            Self::SeenElsewhere => "the same name stands elsewhere in the text",
            Self::Model => "the tagger decided from the words around it",
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}

/// A candidate that the rules neither took nor dismissed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The candidate with the rules' confidence.
    pub hit: NameHit,
    /// Hash of its only word; 0 when it has several.
    pub(crate) word: u64,
}

/// Memory that [`Names::find`] uses again from call to call.
#[derive(Debug, Default)]
pub struct Scratch {
    run: Vec<Token>,
    /// Short words met last.
    words: std::cell::RefCell<Vec<scan::Known>>,
    /// Hashes of words that stood in clear names of this text.
    known: Vec<u64>,
    doubts: Vec<Doubt>,
}

impl Scratch {
    /// What the last call was not sure about, in the order of the text.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }
}

/// Tier 2: finds person names by word lists and rules.
#[derive(Debug, Default)]
pub struct Names {
    gazetteer: Gazetteer,
}

impl Names {
    /// Ready to find.
    #[must_use]
    pub fn load() -> Self {
        Self { gazetteer: Gazetteer::load() }
    }

    /// The word table.
    #[must_use]
    pub fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    /// Appends the person names of `text` to `out`, in the order of the text and without overlaps. What is uncertain
    /// is left in `scratch` for [`Scratch::doubts`].
    pub fn find(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<NameHit>) {
        scan::find(&self.gazetteer, text, scratch, out);
    }

    /// Whether a short value as a whole looks like a person's name, and how surely in percent: for cells and fields
    /// whose header does not tell.
    #[must_use]
    pub fn is_name(&self, value: &str) -> Option<u8> {
        rules::whole_value(&self.gazetteer, value)
    }
}
