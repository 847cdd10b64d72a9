//! Something that a rule or the watch over behaviour saw.

use detect::rule::Level;
use model::{FoundBy, Label, PrincipalId, StudyId};

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// What saw it.
    pub found: FoundBy,
    /// The rule's id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// How grave it is.
    pub level: Level,
    /// Its tags.
    pub tags: Vec<String>,
    /// When, in milliseconds since 1970, UTC: the time of the last event.
    pub time_ms: i64,
    /// The entries it stands on with their times, first to last; never empty.
    pub entries: Vec<(u64, i64)>,
    /// Who did it, where it is a principal.
    pub principal: Option<PrincipalId>,
    /// Whom or what it is about, where no principal is known: a name outside, an address, the values of a group.
    pub about: String,
    /// In which study.
    pub study: Option<StudyId>,
    /// What was touched.
    pub labels: Vec<Label>,
    /// Data subjects of what was touched.
    pub subjects: u64,
    /// Fields that matched, and their values.
    pub matched: Vec<(String, String)>,
    /// What was seen and what is usual, in words.
    pub why: Vec<String>,
    /// The same in numbers.
    pub measures: Vec<Measure>,
    /// The object's name.
    pub object: Option<String>,
}

/// A count, and what is usual.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measure {
    /// What was counted, such as `data subjects`.
    pub what: String,
    /// What was seen.
    pub seen: f64,
    /// What is usual for the actor.
    pub usual: f64,
    /// The actor's most.
    pub most: f64,
    /// What nine of ten days of its peers do not exceed.
    pub peers: f64,
}

/// Within so many milliseconds after the last match, another one belongs to the same finding.
#[must_use]
pub const fn same_finding_ms() -> i64 {
    24 * 60 * 60_000
}

impl Sighting {
    /// What others must share to belong to the same finding: rule, actor and study.
    #[must_use]
    pub fn key(&self) -> String {
        let who = self.principal.map_or_else(|| self.about.clone(), |principal| principal.to_string());
        let study = self.study.as_ref().map_or("", StudyId::as_str);
        digest(&[&self.rule, &who, study])
    }

    /// The id of the finding that it begins: the same whenever it is seen.
    #[must_use]
    pub fn uid(&self) -> String {
        let (last, _) = self.entries.last().copied().unwrap_or_default();
        digest(&[&self.key(), &last.to_string()])
    }
}

/// Of parts, so that no two lists of parts look alike; 16 bytes as hexadecimal digits.
fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    hash.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Sighting, digest};
    use detect::rule::Level;
    use model::FoundBy;

    fn sighting(rule: &str, about: &str, entry: u64) -> Sighting {
        Sighting {
            found: FoundBy::Rule,
            rule: rule.to_owned(),
            title: String::new(),
            description: String::new(),
            level: Level::High,
            tags: Vec::new(),
            time_ms: 0,
            entries: vec![(entry, 0)],
            principal: None,
            about: about.to_owned(),
            study: None,
            labels: Vec::new(),
            subjects: 0,
            matched: Vec::new(),
            why: Vec::new(),
            measures: Vec::new(),
            object: None,
        }
    }

    #[test]
    fn matches_of_one_rule_about_one_actor_share_a_key_and_not_an_id() {
        let (one, two) = (sighting("r", "ada", 1), sighting("r", "ada", 2));
        assert_eq!(one.key(), two.key());
        assert_ne!(one.uid(), two.uid());
        assert_eq!(one.uid(), sighting("r", "ada", 1).uid());
        assert_ne!(one.key(), sighting("r", "bob", 1).key());
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
