//! What the console knows of recognisers, types, labels and laws: content, ready to be shown.

use std::collections::BTreeMap;

use model::{IdentifierType, Label, LawId};
use recognize::content::RecognizerSpec;
use recognize::content::labels::{LabelRules, TypeSpec};
use recognize::engine::{Engine, EngineError};

/// A rule's source, as data.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Where it is written.
    pub(crate) citation: String,
    /// Date of that text.
    pub(crate) dated: String,
    /// When it was last checked.
    pub(crate) checked: String,
    /// What is not certain; empty when nothing.
    pub(crate) uncertain: String,
}

/// Content, ready to be shown.
pub(crate) struct Knowledge {
    recognizers: Vec<RecognizerSpec>,
    rules: LabelRules,
    laws: BTreeMap<LawId, Source>,
    labels: BTreeMap<Label, Source>,
}

impl Knowledge {
    pub(crate) fn new(engine: &Engine) -> Result<Self, EngineError> {
        let rules = LabelRules::embedded()?;
        let mut laws = BTreeMap::new();
        for rule in &rules.rules().law {
            let source = source(&rule.citation, &rule.source_date, &rule.checked, rule.uncertain.as_deref());
            laws.entry(rule.outcome.law.clone()).or_insert(source);
        }
        let mut labels = BTreeMap::new();
        for rule in &rules.rules().label {
            let source = source(&rule.citation, &rule.source_date, &rule.checked, rule.uncertain.as_deref());
            labels.entry(rule.outcome.label).or_insert(source);
        }
        let mut recognizers: Vec<RecognizerSpec> = engine.recognizers().cloned().collect();
        recognizers.sort_by(|a, b| (a.kind, &a.countries, &a.id).cmp(&(b.kind, &b.countries, &b.id)));
        Ok(Self { recognizers, rules, laws, labels })
    }

    /// Every recogniser, by type, country and id.
    pub(crate) fn recognizers(&self) -> &[RecognizerSpec] {
        &self.recognizers
    }

    /// The recogniser with this id.
    pub(crate) fn recognizer(&self, id: &str) -> Option<&RecognizerSpec> {
        self.recognizers.iter().find(|spec| spec.id == id)
    }

    /// What a type is.
    pub(crate) fn of_type(&self, kind: IdentifierType) -> Option<&TypeSpec> {
        self.rules.of_type(kind)
    }

    /// A type's name for people.
    pub(crate) fn type_name(&self, kind: IdentifierType) -> String {
        self.of_type(kind).map_or_else(|| kind.to_string(), |spec| spec.name.clone())
    }

    /// Where a law's rule is written, if a rule names it.
    pub(crate) fn law(&self, law: &LawId) -> Option<&Source> {
        self.laws.get(law)
    }

    /// Where a label's rule is written, if a rule gives it.
    pub(crate) fn label(&self, label: Label) -> Option<&Source> {
        self.labels.get(&label)
    }
}

fn source(citation: &str, dated: &str, checked: &str, uncertain: Option<&str>) -> Source {
    Source {
        citation: citation.to_owned(),
        dated: dated.to_owned(),
        checked: checked.to_owned(),
        uncertain: uncertain.unwrap_or_default().to_owned(),
    }
}
