//! Grades, and sums of people by them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Gathered, Touch};

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

/// Who took from which study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Who, by id.
    pub principal: String,
    /// From which study.
    pub study: String,
    /// In how many entries.
    pub entries: u64,
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
    /// Who took from which study, the most first.
    pub flows: Vec<Flow>,
    /// By study, of those with most objects: people by jurisdiction, certain and likely.
    pub whom: BTreeMap<String, BTreeMap<String, u64>>,
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
            all.push(serde_json::json!({"jurisdiction": "unknown", "subjects": null, "categories": null}));
        }
        serde_json::Value::Array(all)
    }
}

/// Objects by grade, before the people in them are counted.
#[derive(Debug)]
pub struct Tally {
    exposure: Exposure,
    by_grade: BTreeMap<Grade, (u64, BTreeSet<u32>)>,
    by_study: BTreeMap<String, BTreeSet<u32>>,
}

impl Tally {
    /// Grades what was gathered, and what was within reach (object and study) and not touched. `place` says where an object, in
    /// that version, lies.
    pub fn of(gathered: Gathered, reachable: Vec<(String, String)>, place: impl Fn(&str, &str) -> Place) -> Self {
        let mut tally = Self {
            exposure: Exposure {
                objects: Vec::new(),
                figures: Vec::new(),
                principals: gathered.principals(),
                flows: gathered.flows(),
                whom: BTreeMap::new(),
                entries: gathered.entries(),
                refused: 0,
                uncounted: 0,
                uncounted_subjects: 0,
                deidentified: false,
            },
            by_grade: BTreeMap::new(),
            by_study: BTreeMap::new(),
        };
        let mut is_clear = false;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for (object, version, study, touch) in gathered.touched() {
            tally.exposure.refused += touch.refused;
            let Some(grade) = touch.grade() else { continue };
            is_clear |= !touch.deidentified;
            seen.insert(object.clone());
            let at = place(&object, &version);
            tally.add(Known { object, version, study, grade, labels: Vec::new(), subjects: 0, touch }, at);
        }
        for (object, study) in reachable {
            if !seen.contains(&object) {
                let at = place(&object, "");
                let (grade, version, touch) = (Grade::Possible, String::new(), Touch::default());
                tally.add(Known { object, version, study, grade, labels: Vec::new(), subjects: 0, touch }, at);
            }
        }
        let objects = &mut tally.exposure.objects;
        objects.sort_by(|one, other| {
            let key = |known: &Known| (known.grade, std::cmp::Reverse(known.subjects));
            key(one).cmp(&key(other)).then_with(|| one.object.cmp(&other.object))
        });
        tally.exposure.deidentified = !is_clear && !tally.exposure.objects.is_empty();
        tally
    }

    fn add(&mut self, known: Known, at: Place) {
        let (count, ids) = self.by_grade.entry(known.grade).or_default();
        *count += 1;
        if at.catalogued.is_empty() && at.subjects > 0 {
            self.exposure.uncounted += 1;
            self.exposure.uncounted_subjects += at.subjects;
        }
        if known.grade <= Grade::Likely {
            self.by_study.entry(known.study.clone()).or_default().extend(at.catalogued.iter().copied());
        }
        ids.extend(at.catalogued);
        self.exposure.objects.push(Known { labels: at.labels, subjects: at.subjects, ..known });
    }

    /// Objects of the catalogue whose people are to be counted together: up to each grade, the surest first. Grades that add nothing
    /// share the set before them, so that nothing is counted twice.
    #[must_use]
    pub fn sets(&self) -> Vec<Vec<u32>> {
        let mut sets = self.up_to_each().to_vec();
        sets.dedup();
        sets
    }

    /// Objects of the catalogue by study, certain and likely, of the `most` studies that have most of them.
    #[must_use]
    pub fn by_study(&self, most: usize) -> Vec<(String, Vec<u32>)> {
        let mut studies: Vec<(&String, &BTreeSet<u32>)> = self.by_study.iter().collect();
        studies.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        studies.truncate(most);
        studies.into_iter().map(|(study, ids)| (study.clone(), ids.iter().copied().collect())).collect()
    }

    /// People of a study of [`Tally::by_study`].
    pub fn tell_study(&mut self, study: String, summed: Summed) {
        self.exposure.whom.insert(study, summed.by_jurisdiction);
    }

    fn up_to_each(&self) -> [Vec<u32>; 3] {
        let mut ids = BTreeSet::new();
        Grade::ALL.map(|grade| {
            ids.extend(self.by_grade.get(&grade).iter().flat_map(|(_, more)| more.iter().copied()));
            ids.iter().copied().collect()
        })
    }

    /// With the people counted in each of [`Tally::sets`], in their order.
    #[must_use]
    pub fn counted(mut self, summed: &[Summed], categories: &Category) -> Exposure {
        let mut objects = 0;
        let mut at = 0;
        let mut before: Option<Vec<u32>> = None;
        for (grade, set) in Grade::ALL.into_iter().zip(self.up_to_each()) {
            at += usize::from(before.as_ref().is_some_and(|before| *before != set));
            before = Some(set);
            objects += self.by_grade.get(&grade).map_or(0, |(count, _)| *count);
            let summed = summed.get(at).cloned().unwrap_or_default();
            self.exposure.figures.push(told(grade, objects, summed, categories));
        }
        self.exposure
    }
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
