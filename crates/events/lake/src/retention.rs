//! How long rows stay in the lake. The ledger keeps its entries; what leaves the lake can be asked for by its index alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{LakeError, Row};

/// Our own defaults, with what each follows.
const DEFAULTS: &str = include_str!("../../../../content/lake/retention.toml");
const DAY_MS: i64 = 24 * 60 * 60_000;
/// The longest that can be said, some 270 years.
const DAYS_MAX: u32 = 100_000;

/// How long rows of each class stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    of_class: BTreeMap<u32, i64>,
    other_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    other_days: u32,
    #[serde(default)]
    class: Vec<OfClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfClass {
    uid: u32,
    days: u32,
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "checked")]
    _checked: String,
}

impl Retention {
    /// Our own defaults.
    ///
    /// # Errors
    /// Never, as the tests read them.
    pub fn defaults() -> Result<Self, LakeError> {
        Self::parse(DEFAULTS)
    }

    /// Reads a file of retention.
    ///
    /// # Errors
    /// When it is none, names a class twice, or a time is out of range.
    pub fn parse(text: &str) -> Result<Self, LakeError> {
        let wrong = |why: String| LakeError::Retention { why };
        let written: Written = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let span = |days: u32| match days {
            1..=DAYS_MAX => Ok(i64::from(days) * DAY_MS),
            _ => Err(wrong(format!("{days} days are out of range; give 1 to {DAYS_MAX}"))),
        };
        let mut of_class = BTreeMap::new();
        for class in &written.class {
            if of_class.insert(class.uid, span(class.days)?).is_some() {
                return Err(wrong(format!("class {} stands there twice", class.uid)));
            }
        }
        Ok(Self { of_class, other_ms: span(written.other_days)? })
    }

    /// The time before which rows of a class are over, at `now_ms`.
    #[must_use]
    pub fn cutoff_ms(&self, class_uid: u32, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.of_class.get(&class_uid).copied().unwrap_or(self.other_ms))
    }
}

/// What stays however old it is, because of a legal hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds(pub BTreeSet<String>);

impl Holds {
    /// Whether a hold lies on a row: on the study or object it is about, on a key that sealed a detail of it, or on all of the organisation.
    #[must_use]
    pub fn hold(&self, row: &Row) -> bool {
        let held = |kind: &str, id: Option<&str>| id.is_some_and(|id| self.0.contains(&format!("{kind}:{id}")));
        !self.0.is_empty()
            && (self.0.contains("organisation")
                || held("study", row.study.as_deref())
                || held("object", row.object.as_deref())
                || held("principal", row.principal.as_deref())
                || row.scopes().any(|scope| self.0.contains(scope.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, Retention};

    #[test]
    fn defaults_can_be_read_and_nonsense_cannot() {
        let defaults = Retention::defaults().unwrap();
        assert!(defaults.cutoff_ms(6006, 0) < defaults.cutoff_ms(6003, 0), "transfers stay longer than listings");
        assert_eq!(Retention::parse("other_days = 2").unwrap().cutoff_ms(1, 3 * DAY_MS), DAY_MS);
        for wrong in ["", "other_days = 0", "other_days = 1\nx = 2", "other_days = 4000000000"] {
            assert!(Retention::parse(wrong).is_err(), "{wrong}");
        }
    }
}
