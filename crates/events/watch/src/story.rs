//! What a finding tells: words, values and names. It is kept sealed.

use serde::{Deserialize, Serialize};

use crate::{Measure, Sighting};

/// Lists of a story hold no more than this; what is beyond is counted.
const LIST_MAX: usize = 50;
/// Characters of one value.
const VALUE_MAX: usize = 500;

/// The story of a finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// What the rule is about.
    pub description: String,
    /// Whom or what it is about, where no principal is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What was seen and what is usual.
    #[serde(default)]
    pub why: Vec<String>,
    /// The same in numbers, of the last sighting that has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Fields of the first match, and their values.
    #[serde(default)]
    pub matched: Vec<(String, String)>,
    /// Names of objects that were touched.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Objects that are not named for want of room.
    #[serde(default)]
    pub more_objects: u64,
}

impl Story {
    /// The story that a sighting begins.
    #[must_use]
    pub fn of(sighting: &Sighting) -> Self {
        let mut story =
            Self { description: sighting.description.clone(), about: sighting.about.clone(), ..Self::default() };
        story.matched =
            sighting.matched.iter().take(LIST_MAX).map(|(field, value)| (field.clone(), shortened(value))).collect();
        story.add(sighting);
        story
    }

    /// Goes on with another sighting.
    pub fn add(&mut self, sighting: &Sighting) {
        for why in &sighting.why {
            if self.why.len() < LIST_MAX && !self.why.contains(why) {
                self.why.push(shortened(why));
            }
        }
        if !sighting.measures.is_empty() {
            self.measures = sighting.measures.iter().take(LIST_MAX).cloned().collect();
        }
        if let Some(object) = &sighting.object
            && !self.objects.contains(object)
        {
            if self.objects.len() < LIST_MAX {
                self.objects.push(object.clone());
            } else {
                self.more_objects += 1;
            }
        }
    }
}

fn shortened(value: &str) -> String {
    let mut short: String = value.chars().take(VALUE_MAX).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}
