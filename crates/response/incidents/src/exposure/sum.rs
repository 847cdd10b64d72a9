//! Grades, and sums of people by them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Gathered, Touch};

/// How sure an exposure is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The record says that it left.
    Certain,
    /// The record says that it was let, and not how it ended.
    Likely,
    /// It was within reach.
    #[default]
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

/// In which form somebody has, or may have, what is in an object. The gravest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As it was stored.
    #[default]
    Clear,
    /// De-identified, and nothing else of it.
    Deidentified,
    /// Encrypted, and without the keys that open it: a copy of the store as it lies.
    Sealed,
}

impl Form {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::Clear, Self::Deidentified, Self::Sealed];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Deidentified => "deidentified",
            Self::Sealed => "sealed",
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

/// An object that the record does not say left, and why it is exposed, or may be, all the same.
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
    /// How sure it is.
    pub grade: Grade,
    /// In which form.
    pub form: Form,
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
    /// In which form.
    pub form: Form,
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
    fn of(reach: Reach, place: impl FnOnce(&str, &str) -> Place) -> Self {
        let Reach { object, version, study, why, grade, form, touch, at } = reach;
        let Place { held, labels, subjects, bytes: size } = at.unwrap_or_else(|| place(&object, &version));
        Self { object, version, study, grade, form, why, labels, subjects, size, touch, people: Vec::new(), held }
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

/// Distinct people of whom something is exposed in one form, and in no graver one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ByForm {
    /// All of them.
    pub subjects: u64,
    /// By jurisdiction.
    pub by_jurisdiction: BTreeMap<String, u64>,
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
    /// Of those people by the gravest form in which something of them is exposed: whoever is in an object in clear is not among those of
    /// whom there are sealed copies only.
    pub forms: BTreeMap<Form, ByForm>,
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

    /// The gravest form in which something is exposed, up to a grade; `None`: nothing is.
    #[must_use]
    pub fn form(&self, grade: Grade) -> Option<Form> {
        self.objects.iter().filter(|known| known.grade <= grade).map(|known| known.form).min()
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
    objects: BTreeMap<Grade, u64>,
    holders: BTreeMap<(Form, Grade), BTreeSet<Holder>>,
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
            objects: BTreeMap::new(),
            holders: BTreeMap::new(),
            by_study: BTreeMap::new(),
        };
        let mut is_clear = false;
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        for (object, version, study, touch) in gathered.touched() {
            tally.exposure.refused += touch.refused;
            let Some(grade) = touch.grade() else { continue };
            is_clear |= !touch.deidentified;
            seen.insert((object.clone(), String::new()));
            let form = touch.form();
            let left = Reach { object, version, study, grade, form, touch, ..Reach::default() };
            tally.add(Known::of(left, &place));
        }
        for reach in reachable {
            // What is within reach is so in its newest version; what somebody has may be several of them.
            let version = if reach.grade == Grade::Possible { String::new() } else { reach.version.clone() };
            if seen.insert((reach.object.clone(), version)) {
                tally.add(Known::of(reach, &place));
            }
        }
        let objects = &mut tally.exposure.objects;
        objects.sort_by(|one, other| {
            let key = |known: &Known| (known.grade, std::cmp::Reverse(known.subjects));
            let of = key(one).cmp(&key(other)).then_with(|| one.object.cmp(&other.object));
            of.then_with(|| one.version.cmp(&other.version))
        });
        let is_left = |known: &Known| known.grade <= Grade::Likely && known.form != Form::Sealed;
        let has_left = objects.iter().any(is_left);
        tally.exposure.deidentified = !is_clear && has_left;
        tally
    }

    fn add(&mut self, known: Known) {
        *self.objects.entry(known.grade).or_default() += 1;
        let is_sure = known.grade <= Grade::Likely;
        if known.held.is_empty() && known.subjects > 0 {
            self.exposure.uncounted += 1;
            self.exposure.uncounted_subjects += known.subjects;
            self.exposure.uncounted_likely += if is_sure { known.subjects } else { 0 };
        }
        if is_sure {
            self.by_study.entry(known.study.clone()).or_default().extend(known.held.iter().copied());
        }
        let holders = self.holders.entry((known.form, known.grade)).or_default();
        holders.extend(known.held.iter().copied());
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

    /// What people are to be counted in together: up to each grade, the surest first, in any form; and the same in the forms that are graver
    /// than the least, as often as there are different ones. Each set begins with the one before it, but for the first of other forms.
    #[must_use]
    pub fn sets(&self) -> Vec<Vec<Holder>> {
        self.forms().into_iter().rev().flat_map(|form| self.up_to_each(form)).collect()
    }

    /// Forms in which something is, the gravest first; at least one.
    fn forms(&self) -> Vec<Form> {
        let is_there = |form: &Form| self.holders.keys().any(|(one, _)| one == form);
        let forms: Vec<Form> = Form::ALL.into_iter().filter(is_there).collect();
        if forms.is_empty() { vec![Form::Clear] } else { forms }
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

    /// What people are counted in up to each grade, in this form and graver ones.
    fn up_to_each(&self, form: Form) -> [Vec<Holder>; 3] {
        let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
        Grade::ALL.map(|grade| {
            let meant = self.holders.iter().filter(|((of, at), _)| *of <= form && *at == grade);
            all.extend(meant.flat_map(|(_, holders)| holders).filter(|holder| seen.insert(**holder)));
            all.clone()
        })
    }

    /// With the people counted in each of [`Tally::sets`], in their order.
    #[must_use]
    pub fn counted(mut self, summed: &[Summed], categories: &Category) -> Exposure {
        let mut objects = 0;
        let proofs = self.proofs();
        let forms = self.forms();
        let grades = Grade::ALL.len();
        for (at, (grade, proof)) in Grade::ALL.into_iter().zip(proofs).enumerate() {
            objects += self.objects.get(&grade).copied().unwrap_or(0);
            // The sets of the least grave form come first.
            let of = |level: usize| summed.get((forms.len() - 1 - level) * grades + at).cloned().unwrap_or_default();
            let mut by_form = BTreeMap::new();
            let mut graver = Summed::default();
            for (level, form) in forms.iter().enumerate() {
                let with = of(level);
                by_form.insert(*form, with.beyond(&graver));
                graver = with;
            }
            by_form.retain(|_, of| of.subjects > 0);
            self.exposure.figures.push(Figures { proof, forms: by_form, ..told(grade, objects, graver, categories) });
        }
        self.exposure
    }
}

impl Summed {
    /// Those who are not among some of them.
    fn beyond(&self, some: &Self) -> ByForm {
        let of = |(place, people): (&String, &u64)| {
            let beyond = people.saturating_sub(some.by_jurisdiction.get(place).copied().unwrap_or(0));
            (beyond > 0).then(|| (place.clone(), beyond))
        };
        ByForm {
            subjects: self.people.saturating_sub(some.people),
            by_jurisdiction: self.by_jurisdiction.iter().filter_map(of).collect(),
        }
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
        forms: BTreeMap::new(),
        proof: BTreeMap::new(),
    }
}
