//! Grades, and sums of people by them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Gathered, Touch};

/// How sure an exposure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

    /// As it is written; `None`: it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.as_str() == text)
    }

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

/// What people are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// An object of the catalogue, by its number there: as it was last inspected.
    Object(u32),
    /// A version behind the guard, by id: as it was inspected when it was stored.
    Version([u8; 16]),
}

/// Where the people of an object that was touched are counted, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What they are counted in: the object with the objects in it, or the version. Empty: nobody counted them.
    pub held: Vec<Holder>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Data subjects of the version that was touched, as counted when it was stored.
    pub subjects: u64,
    /// Bytes of the version that was touched, where it is still known.
    pub bytes: Option<u64>,
}

/// An object that nothing is recorded to have left of, and why it may be exposed all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The object, by id.
    pub object: String,
    /// The version, by id; empty: the newest.
    pub version: String,
    /// The study; empty where it is in none.
    pub study: String,
    /// Why, in words.
    pub why: String,
    /// What the record has of it, if that is what the possibility rests on.
    pub touch: Touch,
    /// Where its people are counted, where that is not asked for by object and version.
    pub at: Option<Place>,
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
    /// Why it is possible, in words; empty where the record itself says how it was touched.
    pub why: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Data subjects that it is about.
    pub subjects: u64,
    /// Its size in bytes, where that is still known.
    pub size: Option<u64>,
    /// How it was touched.
    pub touch: Touch,
    /// Distinct people in it, by number of their jurisdiction in [`Exposure::jurisdictions`].
    #[serde(skip)]
    people: Vec<(usize, u64)>,
    /// What its people are counted in.
    #[serde(skip)]
    held: Vec<Holder>,
}

impl Known {
    fn of(
        (object, version, study): (String, String, String),
        grade: Grade,
        why: String,
        touch: Touch,
        at: Place,
    ) -> Self {
        let Place { held, labels, subjects, bytes: size } = at;
        Self { object, version, study, grade, why, labels, subjects, size, touch, people: Vec::new(), held }
    }
}

/// What a figure rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Objects and versions in which its people are.
    pub objects: u64,
    /// Entries of the record about those, rising, at most [`PROOF_MAX`].
    pub entries: Vec<u64>,
    /// How many there are.
    pub entries_total: u64,
}

/// Entries that are listed with a figure; an exposure that is narrowed to it lists all.
pub const PROOF_MAX: usize = 256;

impl Proof {
    fn rest_on(&mut self, known: &Known) {
        self.objects += 1;
        self.entries_total += known.touch.entries_total;
        let room = PROOF_MAX.saturating_sub(self.entries.len());
        self.entries.extend(known.touch.entries.iter().take(room));
    }

    fn settled(&self) -> Self {
        let mut settled = self.clone();
        settled.entries.sort_unstable();
        settled.entries.dedup();
        settled
    }
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
    /// By jurisdiction, what the figure rests on: objects in which those very people are, and the entries about them.
    pub proof: BTreeMap<String, Proof>,
}

/// Whose data was exposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Objects, the gravest first: surest, then most people.
    pub objects: Vec<Known>,
    /// Where people of those objects live.
    pub jurisdictions: Vec<String>,
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
    /// Those of them whose exposure is certain or likely.
    pub uncounted_likely: u64,
    /// Everything that left was de-identified.
    pub deidentified: bool,
    /// What else has to be known to read it, in words.
    pub notes: Vec<String>,
}

impl Exposure {
    /// Distinct people of one of its objects, by jurisdiction.
    pub fn people_of<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = (&'a str, u64)> {
        let named = |(number, people): &(usize, u64)| Some((self.jurisdictions.get(*number)?.as_str(), *people));
        known.people.iter().filter_map(named)
    }

    /// Objects up to a grade in which people of a jurisdiction are, and how many those are; all objects where none is named.
    pub fn resting<'a>(&'a self, place: Option<&'a str>, grade: Grade) -> impl Iterator<Item = (&'a Known, u64)> {
        let up_to = self.objects.iter().filter(move |known| known.grade <= grade);
        up_to.filter_map(move |known| match place {
            None => Some((known, known.subjects)),
            Some(place) => self.people_of(known).find(|(name, _)| *name == place).map(|(_, people)| (known, people)),
        })
    }

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
        let uncounted = if grade <= Grade::Likely { self.uncounted_likely } else { self.uncounted_subjects };
        if uncounted > 0 {
            all.push(serde_json::json!({"jurisdiction": "unknown", "subjects": null, "categories": null}));
        }
        serde_json::Value::Array(all)
    }
}

/// Objects by grade, before the people in them are counted.
#[derive(Debug)]
pub struct Tally {
    exposure: Exposure,
    by_grade: BTreeMap<Grade, (u64, BTreeSet<Holder>)>,
    by_study: BTreeMap<String, BTreeSet<Holder>>,
}

impl Tally {
    /// Grades what was gathered, and what may be exposed though nothing is recorded to have left of it; of one object its first reason
    /// counts. `place` says where the people of an object, in that version, are counted.
    pub fn of(gathered: Gathered, reachable: Vec<Reach>, place: impl Fn(&str, &str) -> Place) -> Self {
        let mut tally = Self {
            exposure: Exposure {
                objects: Vec::new(),
                jurisdictions: Vec::new(),
                figures: Vec::new(),
                principals: gathered.principals(),
                flows: gathered.flows(),
                whom: BTreeMap::new(),
                entries: gathered.entries(),
                refused: 0,
                uncounted: 0,
                uncounted_subjects: 0,
                uncounted_likely: 0,
                deidentified: false,
                notes: Vec::new(),
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
            tally.add(Known::of((object, version, study), grade, String::new(), touch, at));
        }
        for Reach { object, version, study, why, touch, at } in reachable {
            if seen.insert(object.clone()) {
                let at = at.unwrap_or_else(|| place(&object, &version));
                tally.add(Known::of((object, version, study), Grade::Possible, why, touch, at));
            }
        }
        let objects = &mut tally.exposure.objects;
        objects.sort_by(|one, other| {
            let key = |known: &Known| (known.grade, std::cmp::Reverse(known.subjects));
            key(one).cmp(&key(other)).then_with(|| one.object.cmp(&other.object))
        });
        let has_left = objects.iter().any(|known| known.grade <= Grade::Likely);
        tally.exposure.deidentified = !is_clear && has_left;
        tally
    }

    fn add(&mut self, known: Known) {
        let (count, ids) = self.by_grade.entry(known.grade).or_default();
        *count += 1;
        let is_sure = known.grade <= Grade::Likely;
        if known.held.is_empty() && known.subjects > 0 {
            self.exposure.uncounted += 1;
            self.exposure.uncounted_subjects += known.subjects;
            self.exposure.uncounted_likely += if is_sure { known.subjects } else { 0 };
        }
        if is_sure {
            self.by_study.entry(known.study.clone()).or_default().extend(known.held.iter().copied());
        }
        ids.extend(known.held.iter().copied());
        self.exposure.objects.push(known);
    }

    /// What the people of each object are counted in, in the order of [`Exposure::objects`].
    pub fn held(&self) -> impl Iterator<Item = &[Holder]> {
        self.exposure.objects.iter().map(|known| known.held.as_slice())
    }

    /// Where people live, and how many of them are in which of [`Tally::held`].
    pub fn tell_places(&mut self, places: impl IntoIterator<Item = (String, Vec<(usize, u64)>)>) {
        for (place, objects) in places {
            let number = self.exposure.jurisdictions.len();
            self.exposure.jurisdictions.push(place);
            for (at, people) in objects {
                if let Some(known) = self.exposure.objects.get_mut(at) {
                    known.people.push((number, people));
                }
            }
        }
    }

    /// What each figure rests on, by grade with all surer ones.
    fn proofs(&self) -> [BTreeMap<String, Proof>; 3] {
        let mut proofs: BTreeMap<&str, Proof> = BTreeMap::new();
        let objects = &self.exposure.objects;
        // They stand in the order of grades.
        let mut next = 0;
        Grade::ALL.map(|grade| {
            while let Some(known) = objects.get(next).filter(|known| known.grade <= grade) {
                for (place, _) in self.exposure.people_of(known) {
                    proofs.entry(place).or_default().rest_on(known);
                }
                next += 1;
            }
            proofs.iter().map(|(place, proof)| ((*place).to_owned(), proof.settled())).collect()
        })
    }

    /// What people are to be counted in together: up to each grade, the surest first. Grades that add nothing share the set before
    /// them, so that nothing is counted twice.
    #[must_use]
    pub fn sets(&self) -> Vec<Vec<Holder>> {
        let mut sets = self.up_to_each().to_vec();
        sets.dedup();
        sets
    }

    /// What people are counted in by study, certain and likely, of the `most` studies that have most of it.
    #[must_use]
    pub fn by_study(&self, most: usize) -> Vec<(String, Vec<Holder>)> {
        let mut studies: Vec<(&String, &BTreeSet<Holder>)> = self.by_study.iter().collect();
        studies.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        studies.truncate(most);
        studies.into_iter().map(|(study, ids)| (study.clone(), ids.iter().copied().collect())).collect()
    }

    /// People of a study of [`Tally::by_study`].
    pub fn tell_study(&mut self, study: String, summed: Summed) {
        self.exposure.whom.insert(study, summed.by_jurisdiction);
    }

    fn up_to_each(&self) -> [Vec<Holder>; 3] {
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
        let mut before: Option<Vec<Holder>> = None;
        let proofs = self.proofs();
        for ((grade, set), proof) in Grade::ALL.into_iter().zip(self.up_to_each()).zip(proofs) {
            at += usize::from(before.as_ref().is_some_and(|before| *before != set));
            before = Some(set);
            objects += self.by_grade.get(&grade).map_or(0, |(count, _)| *count);
            let summed = summed.get(at).cloned().unwrap_or_default();
            self.exposure.figures.push(Figures { proof, ..told(grade, objects, summed, categories) });
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
        proof: BTreeMap::new(),
    }
}
