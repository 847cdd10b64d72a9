//! From what was found in an object to its labels and the laws they speak of. Rules are data
//! (content/recognizers/labels.toml) over what each type of identifier is under the law (types.toml); this judges them,
//! purely: equal findings give equal labels.

use std::collections::{BTreeMap, BTreeSet};

use model::{Format, IdentifierType, Jurisdiction, Label, LawId};
use serde::Deserialize;

use crate::embedded::{self, Written};
use crate::engine::EngineError;

/// The content of types.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeFile {
    /// The texts followed.
    pub citation: String,
    /// Date of the oldest of them in the version followed.
    pub source_date: String,
    /// When they were last checked.
    pub checked: String,
    /// Every type.
    #[serde(rename = "type")]
    pub types: Vec<TypeSpec>,
}

/// What a type of identifier is under the law.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeSpec {
    /// The type.
    #[serde(rename = "type")]
    pub kind: IdentifierType,
    /// What a person calls it.
    pub name: String,
    /// What it is, in a phrase.
    pub what: String,
    /// Paragraphs of 45 CFR 164.514(b)(2)(i): `A` to `R`.
    pub hipaa: Vec<String>,
    /// Identifies a person without more.
    pub direct: bool,
    /// Tells of care, illness or a body.
    pub health: bool,
    /// Relates to a natural person by itself.
    pub personal: bool,
    /// What 45 CFR 164.514(e)(2) asks for.
    pub limited_data_set: LimitedDataSet,
    /// Laws that name it, whoever it belongs to.
    pub laws: Vec<LawId>,
}

/// Whether a limited data set may hold a type (45 CFR 164.514(e)(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedDataSet {
    /// It may stay.
    Keep,
    /// It must go.
    Remove,
    /// Street addresses must go; town or city, State and ZIP code may stay.
    RemoveStreet,
}

/// The content of labels.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Rules that give labels, in the order in which they are judged.
    pub label: Vec<Rule<LabelName>>,
    /// Rules that name laws, judged after the labels.
    pub law: Vec<Rule<LawName>>,
}

/// When something is so.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule<Outcome> {
    /// What the rule gives.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Where it is written.
    pub citation: String,
    /// Date of that text.
    pub source_date: String,
    /// When it was last checked.
    pub checked: String,
    /// What is not certain about it.
    pub uncertain: Option<String>,
    /// Each of these must hold.
    pub all: Vec<Condition>,
    /// None of these may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
}

/// A rule's label.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct LabelName {
    /// The label.
    pub label: Label,
}

/// A rule's law.
#[derive(Debug, Clone, Deserialize)]
pub struct LawName {
    /// The law.
    pub law: LawId,
}

/// What must have been found: any one of its lists suffices.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Identifiers of these types.
    pub types: Vec<IdentifierType>,
    /// Identifiers whose type has one of these traits.
    pub traits: Vec<Trait>,
    /// Identifiers of these finer kinds.
    pub subtypes: Vec<String>,
    /// Finer kinds that `types` does not count.
    pub without_subtypes: Vec<String>,
    /// How many identifiers; 0 means 1.
    pub at_least: u64,
    /// The object's format.
    pub formats: Vec<Format>,
    /// Where persons found live: ISO country codes, `EU`, or `unknown` when no country is known.
    pub jurisdictions: Vec<String>,
    /// Labels given by earlier rules.
    pub labels: Vec<Label>,
}

/// A trait of types, see [`TypeSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trait {
    /// Identifies without more.
    Direct,
    /// Tells of health.
    Health,
    /// Relates to a person.
    Personal,
}

/// What was found in one object, as far as labels depend on it.
#[derive(Debug, Clone)]
pub struct Holdings {
    format: Format,
    counts: BTreeMap<IdentifierType, u64>,
    finer: BTreeMap<(IdentifierType, String), u64>,
    jurisdictions: BTreeSet<Jurisdiction>,
}

impl Holdings {
    /// An object of that format in which nothing has been found.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, counts: BTreeMap::new(), finer: BTreeMap::new(), jurisdictions: BTreeSet::new() }
    }

    /// Identifiers of a type.
    #[must_use]
    pub fn with(mut self, kind: IdentifierType, count: u64) -> Self {
        *self.counts.entry(kind).or_default() += count;
        self
    }

    /// How many of a type's identifiers, already counted by [`Self::with`], are of a finer kind.
    #[must_use]
    pub fn of_which(mut self, kind: IdentifierType, subtype: &str, count: u64) -> Self {
        *self.finer.entry((kind, subtype.to_owned())).or_default() += count;
        self
    }

    /// A place where a person found lives.
    #[must_use]
    pub fn in_jurisdiction(mut self, jurisdiction: &Jurisdiction) -> Self {
        self.jurisdictions.insert(jurisdiction.clone());
        self
    }
}

/// The rules, ready to judge.
#[derive(Debug, Clone)]
pub struct LabelRules {
    types: BTreeMap<IdentifierType, TypeSpec>,
    rules: RuleFile,
}

impl LabelRules {
    /// The rules that are part of the program.
    ///
    /// # Errors
    /// When a content file is wrong.
    pub fn embedded() -> Result<Self, EngineError> {
        let types = Written::Json.read("types.toml", embedded::file("types.toml"))?;
        Self::from_parts(types, Written::Json.read("labels.toml", embedded::file("labels.toml"))?)
    }

    /// From the texts of types.toml and labels.toml.
    ///
    /// # Errors
    /// When one has not its shape, or a type has no entry.
    pub fn new(types: &str, labels: &str) -> Result<Self, EngineError> {
        Self::from_parts(Written::Toml.read("types.toml", types)?, Written::Toml.read("labels.toml", labels)?)
    }

    fn from_parts(types: TypeFile, rules: RuleFile) -> Result<Self, EngineError> {
        let wrong = |file: &str, why: String| EngineError::File { file: file.to_owned(), why };
        let types: BTreeMap<_, _> = types.types.into_iter().map(|spec| (spec.kind, spec)).collect();
        match IdentifierType::ALL.iter().find(|kind| !types.contains_key(kind)) {
            Some(missing) => Err(wrong("types.toml", format!("it says nothing of type `{missing}`"))),
            None => Ok(Self { types, rules }),
        }
    }

    /// The rules as they are written, with their citations.
    #[must_use]
    pub fn rules(&self) -> &RuleFile {
        &self.rules
    }

    /// What a type is under the law.
    #[must_use]
    pub fn of_type(&self, kind: IdentifierType) -> Option<&TypeSpec> {
        self.types.get(&kind)
    }

    /// The labels and laws of an object by counts alone, in the order of their sets; `[Label::None]` and no law when
    /// nothing was found that a rule speaks of.
    pub fn labels<'j>(
        &self,
        counts: impl Iterator<Item = (IdentifierType, u64)>,
        format: Format,
        jurisdictions: impl Iterator<Item = &'j Jurisdiction>,
    ) -> (Vec<Label>, Vec<LawId>) {
        let holdings = counts.fold(Holdings::new(format), |holdings, (kind, count)| holdings.with(kind, count));
        self.judge(&jurisdictions.fold(holdings, Holdings::in_jurisdiction))
    }

    /// The labels and laws of an object.
    #[must_use]
    pub fn judge(&self, holdings: &Holdings) -> (Vec<Label>, Vec<LawId>) {
        let mut labels = BTreeSet::new();
        for rule in &self.rules.label {
            if self.holds(&rule.all, &rule.unless, holdings, &labels) {
                labels.insert(rule.outcome.label);
            }
        }
        let mut laws: BTreeSet<&LawId> = BTreeSet::new();
        for rule in &self.rules.law {
            if self.holds(&rule.all, &rule.unless, holdings, &labels) {
                laws.insert(&rule.outcome.law);
            }
        }
        for (kind, _) in holdings.counts.iter().filter(|(_, count)| **count > 0) {
            laws.extend(self.of_type(*kind).into_iter().flat_map(|spec| &spec.laws));
        }
        if labels.is_empty() {
            labels.insert(Label::None);
        }
        (labels.into_iter().collect(), laws.into_iter().cloned().collect())
    }

    fn holds(&self, all: &[Condition], unless: &[Condition], found: &Holdings, labels: &BTreeSet<Label>) -> bool {
        all.iter().all(|condition| self.met(condition, found, labels))
            && !unless.iter().any(|condition| self.met(condition, found, labels))
    }

    fn met(&self, condition: &Condition, found: &Holdings, labels: &BTreeSet<Label>) -> bool {
        self.count(condition, found) >= condition.at_least.max(1)
            || condition.formats.contains(&found.format)
            || condition.labels.iter().any(|label| labels.contains(label))
            || condition.jurisdictions.iter().any(|place| lives_in(place, &found.jurisdictions))
    }

    fn count(&self, condition: &Condition, found: &Holdings) -> u64 {
        let finer = |kind: IdentifierType, wanted: &[String]| -> u64 {
            let of_kind = found.finer.iter().filter(|((of, subtype), _)| *of == kind && wanted.contains(subtype));
            of_kind.map(|(_, count)| *count).sum()
        };
        let counted = found.counts.iter().map(|(kind, count)| {
            let wanted = condition.types.contains(kind) || condition.traits.iter().any(|one| self.has(*kind, *one));
            let whole = if wanted { count.saturating_sub(finer(*kind, &condition.without_subtypes)) } else { 0 };
            whole + finer(*kind, &condition.subtypes)
        });
        counted.sum()
    }

    fn has(&self, kind: IdentifierType, wanted: Trait) -> bool {
        self.of_type(kind).is_some_and(|spec| match wanted {
            Trait::Direct => spec.direct,
            Trait::Health => spec.health,
            Trait::Personal => spec.personal,
        })
    }
}

fn lives_in(place: &str, jurisdictions: &BTreeSet<Jurisdiction>) -> bool {
    match place {
        "unknown" => !jurisdictions.iter().any(Jurisdiction::is_known),
        "EU" => jurisdictions.iter().any(Jurisdiction::is_gdpr),
        _ => jurisdictions.iter().any(|jurisdiction| jurisdiction.country_part() == place),
    }
}

#[cfg(test)]
mod tests {
    use model::{Format, IdentifierType as T, Jurisdiction};

    use super::{Holdings, LabelRules};

    fn judge(format: Format, found: &[(T, u64)], places: &[&str]) -> (String, String) {
        let places: Vec<Jurisdiction> = places.iter().map(|place| place.parse().unwrap()).collect();
        let (labels, laws) = LabelRules::embedded().unwrap().labels(found.iter().copied(), format, places.iter());
        let join = |names: Vec<String>| names.join(" ");
        (join(labels.iter().map(ToString::to_string).collect()), join(laws.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn names_with_diagnoses_are_direct_phi() {
        let (labels, laws) = judge(Format::Text, &[(T::Person, 4), (T::Diagnosis, 2)], &["US-CA"]);
        assert_eq!(labels, "phi.direct personal special.health");
        assert_eq!(laws, "hipaa");
        let (_, laws) = judge(Format::Csv, &[(T::Person, 4), (T::Diagnosis, 2)], &["US-CA", "EU-DE", "GB"]);
        assert_eq!(laws, "gdpr hipaa uk-gdpr");
    }

    #[test]
    fn dates_and_codes_without_direct_identifiers_are_a_limited_data_set() {
        let (labels, laws) = judge(Format::Csv, &[(T::Date, 40), (T::Postcode, 10), (T::Diagnosis, 10)], &[]);
        assert_eq!(labels, "phi.limited personal special.health");
        assert_eq!(laws, "gdpr hipaa");
        let (labels, _) = judge(Format::Xpt, &[(T::SubjectId, 40), (T::Date, 80), (T::Diagnosis, 10)], &["US"]);
        assert_eq!(labels, "phi.limited personal special.health trial.subject");
    }

    #[test]
    fn genomic_files_are_genetic_data() {
        let (labels, laws) = judge(Format::Vcf, &[(T::SampleId, 2), (T::GeneticVariant, 900)], &[]);
        assert!(labels.contains("special.genetic"), "{labels}");
        assert!(laws.contains("gdpr"), "{laws}");
        assert_eq!(judge(Format::Bam, &[], &[]).0, "special.genetic");
        assert_eq!(judge(Format::Fasta, &[(T::Sequence, 3)], &[]).0, "ip.sequence");
    }

    #[test]
    fn health_data_of_people_in_japan_need_special_care() {
        let (labels, laws) = judge(Format::Csv, &[(T::Person, 3), (T::Diagnosis, 3)], &["JP"]);
        assert_eq!(labels, "phi.direct personal special.health jp.special_care");
        assert_eq!(laws, "appi");
        let (labels, laws) = judge(Format::Text, &[(T::JpMyNumber, 1)], &[]);
        assert_eq!(labels, "personal jp.individual_number");
        assert_eq!(laws, "appi gdpr my-number-act");
    }

    #[test]
    fn precious_things_have_their_labels() {
        for (kind, count, label) in [
            (T::Smiles, 1, "ip.compound"),
            (T::CasNumber, 3, "ip.compound"),
            (T::CasNumber, 2, "none"),
            (T::ConfidentialMark, 1, "ip.confidential"),
            (T::Unblinding, 1, "trial.unblinding"),
            (T::Secret, 1, "secret"),
            (T::Biometric, 1, "personal special.biometric"),
            (T::Email, 1, "personal"),
            (T::Medication, 5, "none"),
        ] {
            assert_eq!(judge(Format::Text, &[(kind, count)], &[]).0, label, "{kind}");
        }
        let notebook =
            Holdings::new(Format::Json).with(T::ConfidentialMark, 1).of_which(T::ConfidentialMark, "notebook", 1);
        let (labels, _) = LabelRules::embedded().unwrap().judge(&notebook);
        assert_eq!(labels, [model::Label::IpNotebook]);
        let compound =
            Holdings::new(Format::Text).with(T::ConfidentialMark, 1).of_which(T::ConfidentialMark, "compound-code", 1);
        let (labels, _) = LabelRules::embedded().unwrap().judge(&compound);
        assert_eq!(labels, [model::Label::IpCompound]);
    }

    #[test]
    fn nothing_found_is_none_and_no_law() {
        assert_eq!(judge(Format::Text, &[], &[]), ("none".to_owned(), String::new()));
        assert_eq!(judge(Format::Binary, &[(T::Date, 3)], &[]).0, "none");
    }

    #[test]
    fn every_rule_is_cited_and_every_hipaa_paragraph_has_a_type() {
        let rules = LabelRules::embedded().unwrap();
        for (citation, checked) in rules
            .rules
            .label
            .iter()
            .map(|r| (&r.citation, &r.checked))
            .chain(rules.rules.law.iter().map(|r| (&r.citation, &r.checked)))
        {
            assert!(citation.len() > 8 && checked.len() == 10, "{citation}");
        }
        for letter in 'A'..='R' {
            let letter = letter.to_string();
            assert!(rules.types.values().any(|spec| spec.hipaa.contains(&letter)), "{letter}");
        }
    }
}
