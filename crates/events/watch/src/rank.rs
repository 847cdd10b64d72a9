//! Which finding should be looked at first.

use std::collections::BTreeMap;

use detect::rule::Level;
use model::Label;
use serde::Deserialize;

/// How findings are ranked; `content/detection/ranking.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    level: BTreeMap<String, u32>,
    label: BTreeMap<String, u32>,
    people: People,
    noise: Noise,
    confidence: Sure,
    behaviour: Grades,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct People {
    each_power: u32,
    most: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noise {
    share: f64,
    settled_min: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sure {
    high: u8,
    medium: u8,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grades {
    medium: f64,
    high: f64,
    critical: f64,
}

/// What reviewers said of a rule's findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Feedback {
    /// That they were misuse.
    pub confirmed: u64,
    /// That they were none.
    pub dismissed: u64,
}

impl Ranking {
    /// What is shipped.
    ///
    /// # Errors
    /// When the file is no ranking.
    pub fn shipped() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("../../../../content/detection/ranking.toml"))
    }

    /// 0 to 100.
    #[must_use]
    pub fn points(&self, level: Level, labels: &[Label], subjects: u64, feedback: Feedback) -> u32 {
        let level = self.level.get(level.as_str()).copied().unwrap_or_default();
        let label = labels.iter().filter_map(|label| self.label.get(label.as_str())).max().copied().unwrap_or_default();
        let power = subjects.checked_ilog10().map_or(0, |power| power + 1);
        let people = (power * self.people.each_power).min(self.people.most);
        let points = f64::from((level + label + people).min(100));
        let kept = 1.0 - self.lost(feedback);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let rounded = (points * kept).round() as u32;
        rounded
    }

    /// The share that a rule loses.
    fn lost(&self, feedback: Feedback) -> f64 {
        let settled = feedback.confirmed + feedback.dismissed;
        if settled < self.noise.settled_min.max(1) {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "numbers of findings that people settled")]
        let dismissed = feedback.dismissed as f64 / settled as f64;
        self.noise.share.clamp(0.0, 1.0) * dismissed
    }

    /// How grave an indicator is whose source is so sure of it.
    #[must_use]
    pub fn confidence(&self, confidence: Option<u8>) -> Level {
        match confidence {
            Some(sure) if sure >= self.confidence.high => Level::High,
            Some(sure) if sure < self.confidence.medium => Level::Low,
            _ => Level::Medium,
        }
    }

    /// How grave a score of behaviour is.
    #[must_use]
    pub fn grade(&self, score: f64) -> Level {
        if score >= self.behaviour.critical {
            Level::Critical
        } else if score >= self.behaviour.high {
            Level::High
        } else if score >= self.behaviour.medium {
            Level::Medium
        } else {
            Level::Low
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Feedback, Ranking};
    use detect::rule::Level;
    use model::Label;

    #[test]
    fn what_is_touched_counts_and_noise_costs() {
        let ranking = Ranking::shipped().unwrap();
        let none = Feedback::default();
        let patients = ranking.points(Level::Medium, &[Label::PhiDirect], 500, none);
        assert_eq!(patients, 40 + 20 + 9);
        assert!(patients > ranking.points(Level::High, &[], 0, none));
        assert_eq!(ranking.points(Level::Critical, &[Label::TrialUnblinding], u64::MAX, none), 100);
        let two = Feedback { confirmed: 0, dismissed: 2 };
        assert_eq!(ranking.points(Level::High, &[], 0, two), 55);
        let noisy = Feedback { confirmed: 1, dismissed: 3 };
        assert_eq!(ranking.points(Level::High, &[], 0, noisy), 34);
    }

    #[test]
    fn every_label_has_points() {
        let ranking = Ranking::shipped().unwrap();
        for label in Label::ALL.iter().filter(|label| **label != Label::None) {
            assert!(ranking.label.contains_key(label.as_str()), "{label}");
        }
    }
}
