//! Hunts that are kept: questions in SQL with what they look for and why, as data. They are read here, without the engine that answers
//! them, because whoever records a hunt must know its text before it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Hunts that come with Lazaret.
const OWN: &[(&str, &str)] = &[
    ("content/hunts/data.toml", include_str!("../../../../content/hunts/data.toml")),
    ("content/hunts/access.toml", include_str!("../../../../content/hunts/access.toml")),
    ("content/hunts/record.toml", include_str!("../../../../content/hunts/record.toml")),
];
/// The longest file of hunts, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The most files of an organisation's own.
const FILES_MAX: usize = 1_000;

/// Why a saved hunt cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// A file cannot be read or is of another form.
    #[error("`{file}` is no file of hunts: {why}; docs/reference/lake.md has the form")]
    File {
        /// Which.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// There is none of that id.
    #[error("there is no saved hunt `{id}`; `lazaret hunt --list` shows all of them")]
    Unknown {
        /// The id.
        id: String,
    },
    /// A parameter is missing, unknown or of another kind.
    #[error("parameter `{name}`: {why}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text as it is.
    #[default]
    Text,
    /// A whole number.
    Number,
    /// An instant: in a parameter's value always with its offset, such as `2026-11-30T08:00:00Z`.
    Time,
}

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, without the dollar sign.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its kind.
    #[serde(default)]
    pub kind: Kind,
}

/// A parameter as a hunt declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its kind.
    pub kind: Kind,
    /// What it is.
    pub about: String,
    /// Its value where none is given; without one it must be given. Times may be `now`, or before it: `-24h`, `-7d`.
    #[serde(default)]
    pub default: Option<String>,
}

/// A saved hunt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// Its id: small letters, digits and hyphens.
    pub id: String,
    /// In a line.
    pub title: String,
    /// What it finds, and what its answer means.
    pub why: String,
    /// What asks for such a look, or describes the misuse.
    pub source: String,
    /// The day on which that was last read.
    pub checked: Date,
    /// The question.
    pub sql: String,
    /// Its parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Declared>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    hunt: Vec<Saved>,
}

/// All saved hunts: Lazaret's own and those in `folder`, by id.
///
/// # Errors
/// When a file cannot be read, or an id stands there twice.
pub fn library(folder: Option<&Path>) -> Result<Vec<Saved>, SavedError> {
    let mut files: Vec<(String, String)> =
        OWN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    if let Some(folder) = folder {
        files.append(&mut read(folder)?);
    }
    let (mut hunts, mut ids) = (Vec::new(), BTreeSet::new());
    for (file, text) in files {
        let wrong = |why: String| SavedError::File { file: file.clone(), why };
        let parsed: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        for hunt in parsed.hunt {
            let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if hunt.id.is_empty() || !hunt.id.chars().all(is_good) {
                return Err(wrong(format!("`{}` is no id; use small letters, digits and hyphens", hunt.id)));
            }
            if !ids.insert(hunt.id.clone()) {
                return Err(wrong(format!("hunt `{}` is there already; give it another id", hunt.id)));
            }
            hunts.push(hunt);
        }
    }
    hunts.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(hunts)
}

/// The files in a folder, by name. A folder that is not there has none.
fn read(folder: &Path) -> Result<Vec<(String, String)>, SavedError> {
    let wrong = |file: &Path, why: String| SavedError::File { file: file.display().to_string(), why };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(folder, error.to_string())),
        Ok(entries) => entries,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(folder, error.to_string()))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(wrong(folder, format!("it has more than {FILES_MAX} files")));
        }
        let length = std::fs::metadata(&path).map_err(|error| wrong(&path, error.to_string()))?.len();
        if length > FILE_BYTES_MAX {
            return Err(wrong(&path, format!("it has {length} bytes, more than {FILE_BYTES_MAX}")));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, error.to_string()))?;
        files.push((path.display().to_string(), text));
    }
    files.sort();
    Ok(files)
}

/// The hunt with `id`.
///
/// # Errors
/// When there is none.
pub fn find<'a>(hunts: &'a [Saved], id: &str) -> Result<&'a Saved, SavedError> {
    hunts.iter().find(|hunt| hunt.id == id).ok_or_else(|| SavedError::Unknown { id: id.to_owned() })
}

impl Saved {
    /// Values for its parameters, from what was given and its defaults, at `now`.
    ///
    /// # Errors
    /// When one is missing, unknown or of another kind.
    pub fn parameters(&self, given: &[(String, String)], now: Timestamp) -> Result<Vec<Parameter>, SavedError> {
        let wrong = |name: &str, why: String| SavedError::Parameter { name: name.to_owned(), why };
        for (name, _) in given {
            if !self.parameters.contains_key(name) {
                let known: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(wrong(name, format!("hunt `{}` does not have it; it has {known}", self.id)));
            }
        }
        let mut values = Vec::with_capacity(self.parameters.len());
        for (name, declared) in &self.parameters {
            let one = given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value);
            let value = one.or(declared.default.as_ref()).ok_or_else(|| {
                wrong(
                    name,
                    format!("hunt `{}` needs it ({}); give it as `--param {name}=VALUE`", self.id, declared.about),
                )
            })?;
            let value = match declared.kind {
                Kind::Text => value.clone(),
                Kind::Number => match value.parse::<i64>() {
                    Ok(number) => number.to_string(),
                    Err(_) => return Err(wrong(name, format!("`{value}` is no whole number"))),
                },
                Kind::Time => time(value, now).map(|time| time.to_string()).ok_or_else(|| {
                    wrong(name, format!("`{value}` is no time; a day is `2026-11-30`, an instant `2026-11-30T08:00:00Z`, before now `-24h` or `-7d`"))
                })?,
            };
            values.push(Parameter { name: name.clone(), value, kind: declared.kind });
        }
        Ok(values)
    }
}

/// A time as people give it: an instant, a day, which begins with it, `now`, or so much before it.
fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    if let Some(before) = text.strip_prefix('-') {
        let hours =
            |unit: char, hours: i64| before.strip_suffix(unit)?.parse::<u32>().ok().map(|n| i64::from(n) * hours);
        let hours = hours('h', 1).or_else(|| hours('d', 24))?;
        return now.checked_sub(SignedDuration::from_secs(hours * 3600)).ok();
    }
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    let day: Date = text.parse().ok()?;
    Some(day.in_tz("UTC").ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{Kind, SavedError, find, library};

    #[test]
    fn own_hunts_can_be_read_and_say_where_they_come_from() {
        let hunts = library(None).unwrap();
        assert!(hunts.len() >= 12, "{}", hunts.len());
        for hunt in &hunts {
            assert!(!hunt.source.is_empty() && !hunt.why.is_empty(), "{}", hunt.id);
            for name in hunt.parameters.keys() {
                assert!(hunt.sql.contains(&format!("${name}")), "{} declares `{name}`", hunt.id);
            }
        }
    }

    #[test]
    fn an_organisations_own_stand_beside_and_hide_none() {
        let folder = tempfile::tempdir().unwrap();
        let hunt = |id: &str| {
            format!(
                "[[hunt]]\nid = \"{id}\"\ntitle = \"t\"\nwhy = \"w\"\nsource = \"s\"\nchecked = \"2026-11-29\"\nsql = \"SELECT $a, $b, $c\"\n\
                 [hunt.parameters]\na = {{ kind = \"time\", about = \"x\", default = \"-2d\" }}\n\
                 b = {{ kind = \"number\", about = \"x\" }}\nc = {{ kind = \"text\", about = \"x\", default = \"'; DROP\" }}\n"
            )
        };
        std::fs::write(folder.path().join("mine.toml"), hunt("mine")).unwrap();
        let hunts = library(Some(folder.path())).unwrap();
        let mine = find(&hunts, "mine").unwrap();
        let now = "2026-11-29T12:00:00Z".parse().unwrap();
        let given = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let values = mine.parameters(&given(&[("b", "7")]), now).unwrap();
        let values: Vec<_> = values.iter().map(|one| (one.value.as_str(), one.kind)).collect();
        assert_eq!(values, [("2026-11-27T12:00:00Z", Kind::Time), ("7", Kind::Number), ("'; DROP", Kind::Text)]);
        let told = |pairs: &[(&str, &str)]| mine.parameters(&given(pairs), now).unwrap_err().to_string();
        assert!(told(&[]).contains("`b`"));
        assert!(told(&[("b", "1"), ("z", "")]).contains("a, b, c"));
        assert!(told(&[("b", "1.5")]).contains("whole number"));
        assert!(told(&[("b", "1"), ("a", "yesterday")]).contains("no time"));
        std::fs::write(folder.path().join("other.toml"), hunt("mine")).unwrap();
        assert!(matches!(library(Some(folder.path())), Err(SavedError::File { .. })), "twice");
        std::fs::write(folder.path().join("other.toml"), "[[hunt]]\nid = 5").unwrap();
        assert!(library(Some(folder.path())).is_err());
    }
}
