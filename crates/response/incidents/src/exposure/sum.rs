//! Grades, and sums of people by them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Touch;

/// How sure an exposure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The record says that it left.
    Certain,
    /// The record says that it was let, and not how it ended.
    Likely,
    /// It was within reach.
    Possible,
}

impl Grade {
    /// All of them, the surest first.
    pub const ALL: [Self; 3] = [Self::Certain, Self::Likely, Self::Possible];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }
}

/// What is wrong with the table of categories.
#[derive(Debug, thiserror::Error)]
#[error("content/exposure/categories.toml: {0}")]
pub struct CategoryError(#[from] toml::de::Error);

/// Which categories of data labels stand for.
#[derive(Debug, Clone)]
pub struct Category(BTreeMap<String, Vec<String>>);

impl Category {
    /// The table that comes with the program.
    ///
    /// # Errors
    /// When it is broken, which a test excludes.
    pub fn shipped() -> Result<Self, CategoryError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(rename = "checked")]
            _checked: toml::value::Datetime,
            label: BTreeMap<String, Vec<String>>,
        }
        let file: File = toml::from_str(include_str!("../../../../../content/exposure/categories.toml"))?;
        Ok(Self(file.label))
    }

    /// The categories of a label.
    pub fn of(&self, label: &str) -> impl Iterator<Item = &str> {
        self.0.get(label).into_iter().flatten().map(String::as_str)
    }
}

/// Where an object that was touched lies in the catalogue, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Its number in the catalogue, and those of the objects in it. Empty: it is not there.
    pub catalogued: Vec<u32>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Data subjects of the version that was touched, as counted when it was stored.
    pub subjects: u64,
    /// The catalogue describes this very version.
    pub is_current: bool,
}

/// One object and version that is exposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The object, by id.
    pub object: String,
    /// The version, by id; empty where none is told.
    pub version: String,
    /// The study.
    pub study: String,
    /// How sure it is.
    pub grade: Grade,
    /// Its labels.
    pub labels: Vec<String>,
    /// Data subjects that it is about.
    pub subjects: u64,
    /// How it was touched.
    pub touch: Touch,
}

/// Distinct people of some objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summed {
    /// All of them.
    pub people: u64,
    /// By jurisdiction. Who is known in two counts in both.
    pub by_jurisdiction: BTreeMap<String, u64>,
    /// By label, then jurisdiction.
    pub by_label: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Figures of one grade together with all surer ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Up to this grade.
    pub grade: Grade,
    /// Objects.
    pub objects: u64,
    /// Distinct people whom the catalogue knows in them.
    pub subjects: u64,
    /// By jurisdiction.
    pub by_jurisdiction: BTreeMap<String, u64>,
    /// Categories of data by jurisdiction.
    pub categories: BTreeMap<String, BTreeSet<String>>,
}

/// Whose data was exposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Objects, the gravest first: surest, then most people.
    pub objects: Vec<Known>,
    /// Figures by grade, each with all surer ones.
    pub figures: Vec<Figures>,
    /// Who was let, by id, and in how many entries.
    pub principals: BTreeMap<String, u64>,
    /// Entries that it is told from.
    pub entries: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Objects of which the catalogue does not know who is in them: their people are in no figure by jurisdiction.
    pub uncounted: u64,
    /// Data subjects that those objects are said to be about, counted one object at a time.
    pub uncounted_subjects: u64,
    /// Everything that left was de-identified.
    pub deidentified: bool,
}

impl Exposure {
    /// The figures up to a grade.
    #[must_use]
    pub fn up_to(&self, grade: Grade) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.grade == grade)
    }

    /// Facts for legal clocks: people by jurisdiction, up to a grade. People of whom nobody knows where they live are `unknown`;
    /// where the catalogue cannot tell who is in an object, the number is unknown there.
    #[must_use]
    pub fn affected(&self, grade: Grade) -> serde_json::Value {
        let Some(figures) = self.up_to(grade) else { return serde_json::json!([]) };
        let mut all: Vec<serde_json::Value> = figures
            .by_jurisdiction
            .iter()
            .filter(|(_, subjects)| **subjects > 0)
            .map(|(jurisdiction, subjects)| {
                let categories = figures.categories.get(jurisdiction).cloned().unwrap_or_default();
                serde_json::json!({"jurisdiction": jurisdiction, "subjects": subjects, "categories": categories})
            })
            .collect();
        if self.uncounted_subjects > 0 {
            all.push(serde_json::json!({"jurisdiction": "unknown", "subjects": null, "categories": []}));
        }
        serde_json::Value::Array(all)
    }
}

/// Sums what was touched. `place` says where an object lies; `people` counts distinct people in catalogued objects.
///
/// # Errors
/// What `people` says.
pub fn sum<E>(
    gathered: super::Gathered,
    reachable: Vec<(String, String)>,
    categories: &Category,
    place: impl Fn(&str, &str) -> Place,
    mut people: impl FnMut(&[u32]) -> Result<Summed, E>,
) -> Result<Exposure, E> {
    let (principals, entries) = (gathered.principals(), gathered.entries());
    let mut objects = Vec::new();
    let (mut refused, mut clear, mut uncounted, mut uncounted_subjects) = (0, false, 0, 0);
    let mut by_grade: BTreeMap<Grade, (u64, BTreeSet<u32>)> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut add = |grade: Grade, at: &Place| {
        let (count, ids) = by_grade.entry(grade).or_default();
        *count += 1;
        ids.extend(at.catalogued.iter().copied());
        if at.catalogued.is_empty() && at.subjects > 0 {
            uncounted += 1;
            uncounted_subjects += at.subjects;
        }
    };
    for (object, version, study, touch) in gathered.touched() {
        refused += touch.refused;
        let Some(grade) = touch.grade() else { continue };
        let at = place(&object, &version);
        clear |= !touch.deidentified;
        add(grade, &at);
        seen.insert(object.clone());
        objects.push(Known { object, version, study, grade, labels: at.labels, subjects: at.subjects, touch });
    }
    for (object, study) in reachable {
        if seen.contains(&object) {
            continue;
        }
        let at = place(&object, "");
        add(Grade::Possible, &at);
        let touch = Touch::default();
        let (labels, subjects) = (at.labels, at.subjects);
        objects.push(Known { object, version: String::new(), study, grade: Grade::Possible, labels, subjects, touch });
    }
    objects.sort_by(|one, other| {
        (one.grade, std::cmp::Reverse(one.subjects), &one.object).cmp(&(other.grade, std::cmp::Reverse(other.subjects), &other.object))
    });
    let (mut figures, mut count, mut ids) = (Vec::new(), 0, BTreeSet::new());
    for grade in Grade::ALL {
        let (objects, more) = by_grade.remove(&grade).unwrap_or_default();
        count += objects;
        let is_same = more.is_empty();
        ids.extend(more);
        let figure = match figures.last() {
            Some(last) if is_same => Figures { grade, objects: count, ..Clone::clone(last) },
            _ => {
                let ids: Vec<u32> = ids.iter().copied().collect();
                told(grade, count, people(&ids)?, categories)
            }
        };
        figures.push(figure);
    }
    let deidentified = !clear && !objects.is_empty();
    Ok(Exposure { objects, figures, principals, entries, refused, uncounted, uncounted_subjects, deidentified })
}

fn told(grade: Grade, objects: u64, summed: Summed, categories: &Category) -> Figures {
    let mut by_category: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (label, places) in &summed.by_label {
        for (jurisdiction, _) in places.iter().filter(|(_, people)| **people > 0) {
            by_category.entry(jurisdiction.clone()).or_default().extend(categories.of(label).map(str::to_owned));
        }
    }
    Figures {
        grade,
        objects,
        subjects: summed.people,
        by_jurisdiction: summed.by_jurisdiction,
        categories: by_category,
    }
}
