//! Recognisers as data: the shape of the files under content/recognizers.

pub mod labels;
pub mod structure;

use model::{IdentifierType, LawId};
use serde::Deserialize;

/// One file of recognisers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognizerFile {
    /// The recognisers it holds.
    pub recognizer: Vec<RecognizerSpec>,
}

/// One recogniser: what the identifier looks like, how it is proved, and where that is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognizerSpec {
    /// Stable id, lower case with hyphens: `us-ssn`.
    pub id: String,
    /// The contract's type.
    #[serde(rename = "type")]
    pub kind: IdentifierType,
    /// A finer kind: `birth`, `aws-access-key`.
    pub subtype: Option<String>,
    /// What a person calls it.
    pub name: String,
    /// ISO 3166-1 alpha-2 codes of the issuing countries; empty when international.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Laws that name or govern it.
    #[serde(default)]
    pub laws: Vec<LawId>,
    /// Regular expression (Rust syntax without look-around, ASCII classes; a leading `(?i)` is understood), matched
    /// from a token's start. The engine demands a token boundary on both sides; do not write `\b`. Empty when only
    /// `fields` or structure can tell (such as a bare customer number).
    #[serde(default)]
    pub pattern: String,
    /// The match may be followed by word characters (rare: tokens glued to other text).
    #[serde(default)]
    pub open_end: bool,
    /// Capture the identifier is only a part of the match: what lies in the group named `value`, e.g. in assignments
    /// such as `password = "(?P<value>…)"`.
    #[serde(default)]
    pub group: bool,
    /// Literals (ASCII, matched case-sensitively) one of which every match contains: required for patterns
    /// whose first character says little, such as secrets. Lets the candidate scan find them.
    #[serde(default)]
    pub literals: Vec<String>,
    /// Name of the check in `recognize::validate`.
    pub validator: Option<String>,
    /// Words or phrases that speak for it, matched as whole words, case-insensitively, within
    /// [`CONTEXT_BEFORE_BYTES`] before or [`CONTEXT_AFTER_BYTES`] after. Japanese and Chinese words match anywhere.
    #[serde(default)]
    pub context: Vec<String>,
    /// Without a context word it is not reported.
    #[serde(default)]
    pub context_required: bool,
    /// Words or phrases right before it (within 24 bytes) that speak against it: `version`, `isbn`.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Confidence in percent without and with context.
    pub confidence: [u8; 2],
    /// Normalised column headers and keys (lower case, words joined by `_`) whose values are this identifier.
    /// A value is reported there when it passes `validator`, or, without one, when it is not empty.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Whether equal values of one issuer mean one person.
    #[serde(default)]
    pub strong: bool,
    /// Where the shape and the check digit are written.
    pub citation: String,
    /// Date of the text that is followed, `YYYY-MM-DD` or `YYYY`.
    pub source_date: String,
    /// When it was last checked.
    pub checked: String,
    /// What is not certain about it, in a sentence.
    pub uncertain: Option<String>,
    /// Examples.
    #[serde(default)]
    pub cases: Cases,
}

/// Examples of a recogniser, run by its tests. In each text the identifier stands between `«` and `»` where it must
/// be found; the marks are taken out before the run. `⟦AB×18⟧` stands for `AB` repeated 18 times and is written out
/// before the run: examples of secrets stay obviously false and do not trip the secret scanners of source hosts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Must be found, exactly as marked.
    #[serde(default)]
    pub positive: Vec<String>,
    /// Looks like it and is not: wrong check digit, wrong length, other context. No marks.
    #[serde(default)]
    pub near_miss: Vec<String>,
    /// Made to confuse or slow: glued, repeated, over-long, control characters. Marks where it must still be found.
    #[serde(default)]
    pub hostile: Vec<String>,
}

/// How far before a candidate context words count, in bytes.
pub const CONTEXT_BEFORE_BYTES: usize = 64;
/// How far after a candidate context words count, in bytes.
pub const CONTEXT_AFTER_BYTES: usize = 24;
/// How far before a candidate negative words count, in bytes.
pub const NEGATIVE_BEFORE_BYTES: usize = 24;

/// One file under content/recognizers/structure: what paths of a vocabulary mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructureFile {
    /// The vocabulary of all entries: `fhir`, `hl7`, `cda`, `dicom`, `cdisc`, `odm`, `genomics`, `chemistry`,
    /// `email`, `document`, `keys`, `header`.
    pub vocabulary: String,
    /// Standard and version the entries follow.
    pub citation: String,
    /// Date of that text.
    pub source_date: String,
    /// When it was last checked.
    pub checked: String,
    /// Last words of column names that say nothing of the values: versions, states. Numbers behind them are dropped too.
    #[serde(default)]
    pub endings: Vec<String>,
    /// Words of column names in short, and what they stand for in normal form.
    #[serde(default)]
    pub abbreviations: std::collections::BTreeMap<String, String>,
    /// The entries.
    pub map: Vec<Meaning>,
}

/// What the values at a path are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    /// Generic paths this entry speaks of (see `formats::Vocabulary` for each vocabulary's form). A leading `*.` stands
    /// for one or more first parts (`*.USUBJID`), a trailing `.*` for any rest or none (`Patient.photo.*`), both
    /// together for a part anywhere but first (`*.amount.*`); after a leading `*.` the last part may begin with `*`
    /// (`*.*DTC`). `/` and `-` separate parts like `.`. The most specific entry wins: a whole path before a wildcard,
    /// more literal text before less. Among entries with the same path, those whose `kind` and `issuer` match win over
    /// those without; see [`structure::StructureMap`], which is the meaning of this.
    pub path: Vec<String>,
    /// The qualifier's `kind` must be one of these (compared without case); empty: any.
    #[serde(default)]
    pub kind: Vec<String>,
    /// The qualifier's `issuer` must be one of these (compared without case, a trailing `*` stands for any rest);
    /// empty: any.
    #[serde(default)]
    pub issuer: Vec<String>,
    /// For `header` and `keys`: only the whole header means this, not the rest after dropping leading words
    /// (`name` is a person's name, `gene_name` is not).
    #[serde(default)]
    pub whole: bool,
    /// What the value is. None with `scan`: free text in which everything is searched; none with `skip`: nothing.
    #[serde(rename = "type")]
    pub identifier: Option<IdentifierType>,
    /// A finer kind.
    pub subtype: Option<String>,
    /// Free text (a note, a description, a display name): searched with all recognisers.
    #[serde(default)]
    pub scan: bool,
    /// Codes, addresses of code systems, constants: never searched.
    #[serde(default)]
    pub skip: bool,
    /// Which part of a data subject's record this is, so that subjects can be counted.
    pub part: Option<Part>,
    /// Whose value it is. Only `subject` values are counted as data subjects.
    #[serde(default)]
    pub role: Role,
    /// Validator that the value must pass to be reported as `type` (otherwise it is searched like free text).
    pub validator: Option<String>,
    /// The entry's number among all entries, given when it is loaded.
    #[serde(skip)]
    pub number: u32,
}

/// Which part of a data subject's record a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The whole name.
    Name,
    /// Family name.
    Family,
    /// Given name.
    Given,
    /// Birth date.
    BirthDate,
    /// Country of residence: ISO code or name.
    Country,
    /// State or province of residence.
    State,
    /// Postal code of residence.
    Postcode,
    /// A strong identifier: equal values of one issuer mean one person. Its issuer is the qualifier's issuer, or
    /// the type's own (a national number), or the study (USUBJID).
    Strong,
    /// The study that a trial subject belongs to: issuer of USUBJID and SUBJID.
    Study,
    /// The site within the study.
    Site,
    /// What other records of the same object call this record by: `Patient.id`.
    Key,
    /// The key of the record whose subject this one is about: `Observation.subject.reference`.
    KeyOf,
}

/// Whose value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The patient, trial subject, donor or customer that the record is about.
    Subject,
    /// Next of kin, contact, guarantor.
    Relative,
    /// Physician, nurse, investigator, laboratory staff.
    Provider,
    /// Anybody else, or not told.
    #[default]
    Other,
}
