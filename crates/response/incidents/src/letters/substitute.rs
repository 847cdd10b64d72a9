//! What is owed to those whom no letter reaches, and to the press.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use obligations::Confidence;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Kind, LetterError};
use crate::plan::Pattern;

const FILE: &str = "substitute.toml";
const CONTENT: &str = include_str!("../../../../../content/letters/substitute.toml");

/// What takes the place of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Nothing: everybody was reached, or no law is known that asks for more.
    None,
    /// Another form of written notice, telephone, or other means.
    Alternative,
    /// A conspicuous notice on the home page or in major media.
    Posting,
    /// A communication to the public.
    PublicCommunication,
    /// Measures that the law leaves open.
    Measures,
}

/// What is owed to those whom no letter reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Substitute {
    /// The letters that did not reach them.
    pub kind: Kind,
    /// How many people.
    pub unreachable: u64,
    /// What takes the place of letters.
    pub form: Form,
    /// The law in our words.
    pub says: String,
    /// Where the law says so.
    pub cites: String,
    /// How well that was checked. `None` with [`Form::None`].
    pub confidence: Option<Confidence>,
    /// What is uncertain about it.
    pub uncertain: Option<String>,
    /// The fewest days that a notice on the home page stays.
    pub posted_days_min: Option<u32>,
    /// The fewest days that a toll-free number is answered.
    pub toll_free_days_min: Option<u32>,
}

/// Whether something is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// It is.
    Yes,
    /// That depends on numbers or places that are not known.
    Unknown,
}

/// A place whose media are told, or may have to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Which: `US-CA`; `US` for people whose State is not known.
    pub jurisdiction: String,
    /// How many residents, as far as is known.
    pub residents: u64,
    /// Whether they are told.
    pub owed: Owed,
    /// Where the law says so.
    pub cites: String,
    /// How well that was checked.
    pub confidence: Confidence,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: String,
    unreachable_min: u64,
    unreachable_max: Option<u64>,
    form: Form,
    says: String,
    cites: String,
    confidence: Confidence,
    uncertain: Option<String>,
    posted_days_min: Option<u32>,
    toll_free_days_min: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaRule {
    places: String,
    country: String,
    residents_above: u64,
    cites: String,
    confidence: Confidence,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    rule: Vec<Rule>,
    media: MediaRule,
}

fn broken(why: impl Into<String>) -> LetterError {
    LetterError::Content { file: FILE.to_owned(), why: why.into() }
}

fn rules() -> Result<&'static Rules, LetterError> {
    static READ: OnceLock<Result<Rules, LetterError>> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(CONTENT).map_err(|error| broken(error.to_string())))
        .as_ref()
        .map_err(Clone::clone)
}

/// What is owed where letters of a kind did not reach so many people ([`super::Merged::unreachable`], and those whose letters came back).
///
/// # Errors
/// When the rules that are shipped are broken.
pub fn substitute(kind: Kind, unreachable: u64) -> Result<Substitute, LetterError> {
    let applies = |rule: &&Rule| {
        rule.kind == kind.as_str()
            && unreachable >= rule.unreachable_min
            && rule.unreachable_max.is_none_or(|most| unreachable <= most)
    };
    Ok(match rules()?.rule.iter().find(applies) {
        None => Substitute {
            kind,
            unreachable,
            form: Form::None,
            says: String::new(),
            cites: String::new(),
            confidence: None,
            uncertain: None,
            posted_days_min: None,
            toll_free_days_min: None,
        },
        Some(rule) => Substitute {
            kind,
            unreachable,
            form: rule.form,
            says: rule.says.clone(),
            cites: rule.cites.clone(),
            confidence: Some(rule.confidence),
            uncertain: rule.uncertain.clone(),
            posted_days_min: rule.posted_days_min,
            toll_free_days_min: rule.toll_free_days_min,
        },
    })
}

/// States whose media are told, because more of their residents are affected than the law lets pass (45 CFR 164.406: more than 500), and those
/// that could be, from `affected` of an incident's facts. People whose State or country is not known may live in any of them.
///
/// # Errors
/// When the rules that are shipped are broken.
pub fn media(facts: &Map<String, Value>) -> Result<Vec<Media>, LetterError> {
    let rule = &rules()?.media;
    let places = Pattern::parse(&rule.places).ok_or_else(|| broken("`places` is no pattern"))?;
    // How many are known, and whether there are some of whom no number is.
    let mut by_place: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    let mut untold = (0_u64, false);
    for one in facts.get("affected").and_then(Value::as_array).into_iter().flatten() {
        let place = one["jurisdiction"].as_str().unwrap_or("unknown");
        let sum = if places.holds(place) {
            by_place.entry(place).or_default()
        } else if place == rule.country || place == "unknown" {
            &mut untold
        } else {
            continue;
        };
        match one["subjects"].as_u64() {
            Some(count) => sum.0 = sum.0.saturating_add(count),
            None => sum.1 = true,
        }
    }
    let media = |place: &str, residents: u64, owed: Owed| Media {
        jurisdiction: place.to_owned(),
        residents,
        owed,
        cites: rule.cites.clone(),
        confidence: rule.confidence,
    };
    let limit = rule.residents_above;
    let mut told = Vec::new();
    for (place, (known, has_unknown)) in by_place {
        if known > limit {
            told.push(media(place, known, Owed::Yes));
        } else if has_unknown || untold.1 || known.saturating_add(untold.0) > limit {
            told.push(media(place, known, Owed::Unknown));
        }
    }
    if untold.1 || untold.0 > limit {
        told.push(media(&rule.country, untold.0, Owed::Unknown));
    }
    Ok(told)
}
