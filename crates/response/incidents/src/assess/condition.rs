//! Conditions over answers, as forms write them.
//!
//! `"q=a|b"`: question `q` is answered with option `a` or `b`; `"q=*"`: it is answered at all; `"@name"`: what `[define]` calls so;
//! `{ all = […] }`, `{ any = […] }`, `{ none = […] }`; `{ weighs = "high", among = [q, …], at_least = 2 }`: at least two of these
//! questions have an answer that weighs this much or more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::answers::Given;
use super::{Kind, Question, Weight};

/// How deep conditions nest, definitions among them.
const DEPTH_MAX: usize = 12;

/// As it stands in a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Text(String),
    All(All),
    Any(Any),
    None(NoneOf),
    Weighs(Weighs),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct All {
    all: Vec<Written>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Any {
    any: Vec<Written>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoneOf {
    none: Vec<Written>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weighs {
    weighs: Weight,
    among: Vec<String>,
    at_least: usize,
}

/// Over questions by their index.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Answered(usize),
    /// So many of these questions are answered with one of these options.
    Chosen {
        among: Vec<(usize, Vec<String>)>,
        at_least: usize,
    },
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
}

/// What conditions are read with: the questions that they can be about, and definitions.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) questions: &'a [Question],
    pub(super) define: &'a BTreeMap<String, Written>,
}

impl Reader<'_> {
    pub(super) fn read(self, written: &Written) -> Result<Condition, String> {
        self.nested(written, DEPTH_MAX)
    }

    fn nested(self, written: &Written, depth: usize) -> Result<Condition, String> {
        let depth = depth.checked_sub(1).ok_or("conditions nest too deep; does a definition hold itself?")?;
        let each = |all: &[Written]| {
            if all.is_empty() {
                return Err("a condition over nothing".to_owned());
            }
            all.iter().map(|one| self.nested(one, depth)).collect::<Result<Vec<_>, _>>()
        };
        match written {
            Written::Text(text) => self.text(text, depth),
            Written::All(of) => each(&of.all).map(Condition::All),
            Written::Any(of) => each(&of.any).map(Condition::Any),
            Written::None(of) => each(&of.none).map(Condition::None),
            Written::Weighs(of) => self.weighs(of),
        }
    }

    fn text(self, text: &str, depth: usize) -> Result<Condition, String> {
        if let Some(name) = text.strip_prefix('@') {
            let defined = self.define.get(name).ok_or_else(|| format!("there is no definition `{name}`"))?;
            return self.nested(defined, depth);
        }
        let (question, options) = text.split_once('=').ok_or_else(|| format!("`{text}` is no condition"))?;
        let (index, question) = self.question(question)?;
        if options == "*" {
            return Ok(Condition::Answered(index));
        }
        let options: Vec<String> = options.split('|').map(str::to_owned).collect();
        match options.iter().find(|id| question.option(id).is_none()) {
            Some(unknown) => Err(format!("question `{}` has no option `{unknown}`", question.id)),
            None => Ok(Condition::Chosen { among: vec![(index, options)], at_least: 1 }),
        }
    }

    fn question(&self, id: &str) -> Result<(usize, &Question), String> {
        let found = self.questions.iter().enumerate().find(|(_, question)| question.id == id);
        found.ok_or_else(|| format!("there is no question `{id}` before it"))
    }

    fn weighs(self, of: &Weighs) -> Result<Condition, String> {
        let heavy = |id: &String| {
            let (index, question) = self.question(id)?;
            let options = question.options.iter().filter(|one| one.weighs.is_some_and(|weight| weight >= of.weighs));
            let options: Vec<String> = options.map(|one| one.id.clone()).collect();
            if question.kind == Kind::Text || options.is_empty() {
                return Err(format!("no answer of question `{id}` weighs {}", of.weighs.as_str()));
            }
            Ok((index, options))
        };
        let among = of.among.iter().map(heavy).collect::<Result<Vec<_>, _>>()?;
        if !(1..=among.len()).contains(&of.at_least) {
            return Err(format!("at_least = {} of {} questions", of.at_least, among.len()));
        }
        Ok(Condition::Chosen { among, at_least: of.at_least })
    }
}

impl Condition {
    /// Whether it holds, and because of which questions.
    pub(super) fn because(&self, given: &Given<'_>) -> Option<BTreeSet<usize>> {
        match self {
            Self::Answered(index) => given.answer(*index).map(|_| BTreeSet::from([*index])),
            Self::Chosen { among, at_least } => {
                let is_chosen = |(index, options): &(usize, Vec<String>)| {
                    given.answer(*index).is_some_and(|answer| options.iter().any(|one| one == answer))
                };
                let chosen: BTreeSet<usize> =
                    among.iter().filter(|one| is_chosen(one)).map(|(index, _)| *index).collect();
                (chosen.len() >= *at_least).then_some(chosen)
            }
            Self::All(all) => {
                let each: Option<Vec<_>> = all.iter().map(|one| one.because(given)).collect();
                each.map(|each| each.into_iter().flatten().collect())
            }
            Self::Any(any) => {
                let each: Vec<_> = any.iter().filter_map(|one| one.because(given)).collect();
                (!each.is_empty()).then(|| each.into_iter().flatten().collect())
            }
            Self::None(none) => {
                let mut named = BTreeSet::new();
                for one in none {
                    if one.because(given).is_some() {
                        return None;
                    }
                    one.name(&mut named);
                }
                Some(named.into_iter().filter(|index| given.answer(*index).is_some()).collect())
            }
        }
    }

    /// Adds the questions that it is about.
    fn name(&self, to: &mut BTreeSet<usize>) {
        match self {
            Self::Answered(index) => {
                to.insert(*index);
            }
            Self::Chosen { among, .. } => to.extend(among.iter().map(|(index, _)| *index)),
            Self::All(all) | Self::Any(all) | Self::None(all) => all.iter().for_each(|one| one.name(to)),
        }
    }
}
