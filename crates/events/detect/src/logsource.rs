//! An event's own words in; the log sources of Sigma that it belongs to out.
//!
//! What tells is data: content/detection/logsources.toml. A rule of another source would only make noise.

use crate::pattern::{Pattern, fold};
use crate::rule::Logsource;
use std::collections::BTreeMap;

/// How log sources are told from events.
#[derive(Clone, Debug)]
pub struct Logsources {
    /// Containers whose members are named as if they stood alone, as dotted paths; `*` stands for any one name.
    pub wrappers: Vec<String>,
    /// Fields that say when an event happened, the first that is there counts.
    pub time: Vec<String>,
    /// The sources; an event may belong to several.
    pub sources: Vec<Source>,
}

/// One log source and what tells it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its names.
    pub logsource: Logsource,
    /// The form the log was read as, where that tells it.
    pub family: Option<String>,
    /// Fields, each of which must have one of the values (folded patterns).
    pub when: Vec<(String, Vec<Pattern>)>,
    /// Names that rules use, and the fields that hold them here.
    pub fields: Vec<(String, Vec<String>)>,
}

/// What is wrong with a file of log sources.
#[derive(Debug, thiserror::Error)]
#[error("the table of log sources: {0}")]
pub struct LogsourceError(String);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    wrappers: Vec<String>,
    time: Vec<String>,
    source: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    category: Option<String>,
    product: Option<String>,
    service: Option<String>,
    family: Option<String>,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    fields: BTreeMap<String, Vec<String>>,
}

impl Logsources {
    /// The table that comes with the program.
    ///
    /// # Errors
    /// Only if the file that was built in is broken, which a test excludes.
    pub fn shipped() -> Result<Self, LogsourceError> {
        Self::parse(include_str!("../../../../content/detection/logsources.toml"))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// Not TOML, unknown keys, or a source that nothing tells.
    pub fn parse(text: &str) -> Result<Self, LogsourceError> {
        let file: File = toml::from_str(text).map_err(|error| LogsourceError(error.to_string()))?;
        let sources = file
            .source
            .into_iter()
            .map(|entry| {
                let logsource = Logsource { category: entry.category, product: entry.product, service: entry.service };
                if entry.when.is_empty() && entry.family.is_none() {
                    return Err(LogsourceError(format!("{logsource:?} has neither `when` nor `family`")));
                }
                let when = entry
                    .when
                    .into_iter()
                    .map(|(field, values)| (field, values.iter().map(|value| Pattern::parse(value).folded()).collect()))
                    .collect();
                Ok(Source { logsource, family: entry.family, when, fields: entry.fields.into_iter().collect() })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { wrappers: file.wrappers, time: file.time, sources })
    }
}

impl Source {
    /// Whether an event belongs to it: `values` gives a field's first value.
    pub fn tells<'v>(&self, family: &str, values: impl Fn(&str) -> Option<std::borrow::Cow<'v, str>>) -> bool {
        self.family.as_ref().is_none_or(|wanted| wanted == family)
            && self.when.iter().all(|(field, wanted)| {
                values(field).is_some_and(|value| {
                    let folded = fold(&value);
                    wanted.iter().any(|pattern| pattern.fits(&folded))
                })
            })
    }
}
