//! What inspecting one object yields: the shape that `scan` prints and the catalogue keeps.

use std::collections::BTreeMap;

use formats::Problem;
use model::{Format, IdentifierType, Jurisdiction, Label, LawId};

/// A keyed token of a real identifier: BLAKE3 in keyed mode over its domain, issuer and normalised value, cut to
/// 128 bits. Equal tokens mean equal identifiers; nobody without the key can go back or test a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub [u8; 16]);

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// A strong identifier: equal means one person. The domain tells which: two different tokens of one domain
    /// and issuer on two records with the same name and birth date speak against a merge.
    Strong {
        /// Hash of identifier class and issuer, so that a disagreement can be seen.
        domain: u32,
    },
    /// Normalised full name and birth date.
    NameAndBirth,
}

/// One record that describes one data subject: a row, a FHIR Patient, an HL7 PID, a DICOM dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRecord {
    /// At least one token.
    pub tokens: Vec<(TokenKind, Token)>,
    /// Where the subject lives, as far as the record tells.
    pub jurisdiction: Jurisdiction,
}

/// How often a type of identifier occurs in an object.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentifierSummary {
    /// The type.
    pub kind: IdentifierType,
    /// Occurrences.
    pub count: u64,
    /// Mean confidence, 0 to 1.
    pub confidence: f32,
    /// Occurrences by finer kind or country, where known: `birth`, `DE`.
    pub finer: BTreeMap<String, u64>,
}

/// One occurrence, kept only when spans are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The type.
    pub kind: IdentifierType,
    /// The finer kind, when there is one.
    pub subtype: Option<String>,
    /// ISO country of a NATIONAL_ID and its like.
    pub country: Option<String>,
    /// Byte offsets in a text file as it lies on disk.
    pub offsets: Option<(u64, u64)>,
    /// Place in the format's own terms.
    pub place: String,
    /// 0 to 1.
    pub confidence: f32,
    /// Id of the recogniser or structure entry that found it.
    pub recognizer: String,
    /// Why, in words, when an explanation was asked for.
    pub why: Option<String>,
}

/// A masked example for the console: letters and digits replaced, shape kept.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskedSample {
    /// The type.
    pub kind: IdentifierType,
    /// `J*** S****`, `***-**-6***`.
    pub masked: String,
    /// Place in the format's own terms.
    pub place: String,
    /// 0 to 1.
    pub confidence: f32,
    /// Id of the recogniser or structure entry.
    pub recognizer: String,
    /// Why, in words.
    pub why: String,
}

/// Everything found out about one object (a file, an archive member, a table).
#[derive(Debug, Clone)]
pub struct ObjectReport {
    /// Its name: `a/b.zip!c.csv` for a member.
    pub object: String,
    /// What its bytes are.
    pub format: Format,
    /// Its size; expanded for members.
    pub bytes: u64,
    /// BLAKE3 of a top-level object's bytes.
    pub digest: Option<[u8; 32]>,
    /// What it holds; `[Label::None]` when nothing was found.
    pub labels: Vec<Label>,
    /// Laws that apply as far as the content tells.
    pub laws: Vec<LawId>,
    /// By type, in type order.
    pub identifiers: Vec<IdentifierSummary>,
    /// Records of data subjects, equal ones merged.
    pub subject_records: Vec<SubjectRecord>,
    /// Distinct subjects within this object.
    pub subjects: u64,
    /// Distinct subjects by jurisdiction.
    pub jurisdictions: BTreeMap<Jurisdiction, u64>,
    /// Occurrences, when asked for.
    pub spans: Vec<Span>,
    /// Up to a few masked examples a type.
    pub samples: Vec<MaskedSample>,
    /// What could not be read. Not empty and nothing read at all means unreadable.
    pub errors: Vec<Problem>,
    /// The study it belongs to, when its content or path tells.
    pub study: Option<String>,
}

impl ObjectReport {
    /// Whether nothing of it could be read: there are problems, and neither labels nor identifiers nor people.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        !self.errors.is_empty()
            && self.identifiers.is_empty()
            && self.subjects == 0
            && self.labels.iter().all(|label| *label == Label::None)
    }
}
