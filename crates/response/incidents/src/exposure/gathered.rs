//! Entries about objects, gathered by object, version and study. A record has them by the ten million: names are numbers here, each
//! given once.

use std::collections::{BTreeMap, HashMap};

use model::{Access, Numbering, Touched};

use super::{Flow, Means, TELLING, Touch};

/// The action of reading what is de-identified.
const DEIDENTIFIED: &str = "read-deidentified";

/// Gathers entries in any order; parts gathered apart are merged.
#[derive(Debug, Default)]
pub struct Gathered {
    names: Names,
    touched: Vec<(Named, Touch)>,
    /// Where what was named stands in `touched`.
    places: HashMap<Named, usize>,
    /// By number of an object, in which version and study it was named last, and where that stands.
    last: Vec<Option<(Named, usize)>>,
    /// Entries by who and in which study.
    flows: HashMap<(u32, u32), u64>,
    entries: u64,
}

/// An object in a version and a study, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Named {
    object: u32,
    version: u32,
    study: u32,
}

/// Texts, each kept once.
#[derive(Debug)]
struct Names {
    index: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

/// The numbers of texts that mean something here; [`Names`] begin with them.
const NONE: u32 = 0;
const CLEARED: u32 = 1;
const FIRST_TELLING: u32 = 2;

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { index: HashMap::new(), texts: Vec::new() };
        for text in ["", DEIDENTIFIED].into_iter().chain(TELLING) {
            names.number(text);
        }
        names
    }
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.index.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.into());
        self.index.insert(text.into(), number);
        number
    }

    fn text(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.texts.get(number)).map_or("", AsRef::as_ref)
    }

    fn text_of(&self, named: Named) -> [&str; 3] {
        [named.object, named.version, named.study].map(|number| self.text(number))
    }
}

/// Accesses that wait before they are put in order.
const WAITING_MAX: usize = 512 << 10;

/// Gathers very many entries. What is known of an object lies somewhere in memory, and entries come in the order of time: so they wait, some
/// hundred thousand, and are taken object by object.
#[derive(Debug, Default)]
pub struct Gathering {
    gathered: Gathered,
    waiting: Vec<Access<u32>>,
}

impl Numbering for Gathering {
    fn number(&mut self, text: &str) -> u32 {
        self.gathered.names.number(text)
    }
}

impl Gathering {
    /// Takes one entry, with names as this gave them numbers. What says nothing about exposure is passed over.
    pub fn take(&mut self, entry: Access<u32>) {
        if means(entry.activity).is_none() || entry.object == NONE {
            return;
        }
        self.waiting.push(entry);
        if self.waiting.len() >= WAITING_MAX {
            self.settle();
        }
    }

    /// What was gathered.
    #[must_use]
    pub fn gathered(mut self) -> Gathered {
        self.settle();
        self.gathered
    }

    /// Takes what waits by the number of its object, of each in the order in which it came.
    fn settle(&mut self) {
        let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let mut places = vec![0_usize; self.gathered.names.texts.len() + 1];
        for entry in &self.waiting {
            places.get_mut(place(entry.object).saturating_add(1)).into_iter().for_each(|count| *count += 1);
        }
        let mut before = 0;
        for count in &mut places {
            before += *count;
            *count = before;
        }
        let mut order = vec![0_usize; self.waiting.len()];
        for (at, entry) in self.waiting.iter().enumerate() {
            if let Some(next) = places.get_mut(place(entry.object))
                && let Some(free) = order.get_mut(*next)
            {
                *free = at;
                *next += 1;
            }
        }
        for at in order {
            self.waiting.get(at).into_iter().for_each(|entry| self.gathered.take_numbered(entry));
        }
        self.waiting.clear();
    }
}

/// What an activity means, by its number.
fn means(activity: u32) -> Option<Means> {
    let at = usize::try_from(activity.checked_sub(FIRST_TELLING)?).ok()?;
    Means::ALL.get(at).copied()
}

impl Gathered {
    /// Takes one entry. What says nothing about exposure is passed over.
    pub fn take(&mut self, entry: Touched<'_>) {
        let Access { activity, principal, study, object, version, action, .. } = entry;
        if Means::of(activity).is_none() || object.is_empty() {
            return;
        }
        let [activity, principal, study, object, version, action] =
            [activity, principal, study, object, version, action].map(|text| self.names.number(text));
        let Access { entry, time_ms, is_success, bytes, first_byte, .. } = entry;
        self.take_numbered(&Access {
            entry,
            time_ms,
            activity,
            is_success,
            principal,
            study,
            object,
            version,
            action,
            bytes,
            first_byte,
        });
    }

    /// As [`Gathered::take`], with numbers of this for names.
    fn take_numbered(&mut self, entry: &Access<u32>) {
        let Some(means) = means(entry.activity) else { return };
        if entry.object == NONE {
            return;
        }
        self.entries += 1;
        let at = self.place(Named { object: entry.object, version: entry.version, study: entry.study });
        let Some((_, touch)) = self.touched.get_mut(at) else { return };
        touch.note(means, entry, entry.action == CLEARED);
        if means.proves(entry.is_success) {
            *self.flows.entry((entry.principal, entry.study)).or_default() += 1;
        }
    }

    /// Where what is named stands, from now on if it did not yet.
    fn place(&mut self, named: Named) -> usize {
        let object = usize::try_from(named.object).unwrap_or(usize::MAX);
        if let Some(Some((last, at))) = self.last.get(object)
            && *last == named
        {
            return *at;
        }
        let at = *self.places.entry(named).or_insert_with(|| {
            self.touched.push((named, Touch { first_ms: i64::MAX, last_ms: i64::MIN, ..Touch::default() }));
            self.touched.len() - 1
        });
        if self.last.len() <= object {
            self.last.resize(self.names.texts.len().max(object.saturating_add(1)), None);
        }
        if let Some(last) = self.last.get_mut(object) {
            *last = Some((named, at));
        }
        at
    }

    /// Takes what was gathered apart.
    pub fn merge(&mut self, other: Self) {
        self.entries += other.entries;
        let numbers: Vec<u32> = other.names.texts.iter().map(|text| self.names.number(text)).collect();
        let own = |number: u32| usize::try_from(number).ok().and_then(|at| numbers.get(at)).copied().unwrap_or(NONE);
        for (Named { object, version, study }, touch) in other.touched {
            let named = Named { object: own(object), version: own(version), study: own(study) };
            let new = self.touched.len();
            let at = self.place(named);
            if let Some((_, there)) = self.touched.get_mut(at) {
                if at == new {
                    *there = touch;
                } else {
                    there.merge(touch);
                }
            }
        }
        for ((principal, study), count) in other.flows {
            *self.flows.entry((own(principal), own(study))).or_default() += count;
        }
    }

    /// Who took from which study, and in how many entries; the most first.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let text = |number: u32| self.names.text(number).to_owned();
        let flow = |((principal, study), entries): (&(u32, u32), &u64)| Flow {
            principal: text(*principal),
            study: text(*study),
            entries: *entries,
        };
        let mut flows: Vec<Flow> = self.flows.iter().map(flow).collect();
        flows.sort_unstable_by(|one, other| {
            other
                .entries
                .cmp(&one.entries)
                .then_with(|| (&one.principal, &one.study).cmp(&(&other.principal, &other.study)))
        });
        flows
    }

    /// How many entries bear on exposure.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Who was let, by id, and in how many entries.
    #[must_use]
    pub fn principals(&self) -> BTreeMap<String, u64> {
        let mut principals: BTreeMap<u32, u64> = BTreeMap::new();
        for ((principal, _), count) in &self.flows {
            *principals.entry(*principal).or_default() += count;
        }
        principals.into_iter().map(|(number, count)| (self.names.text(number).to_owned(), count)).collect()
    }

    /// Objects and versions that were named, each pair once for every study it was named in.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.touched.iter().map(|(named, _)| {
            let [object, version, _] = self.names.text_of(*named);
            (object, version)
        })
    }

    /// What was gathered: object, version, study, and how it was touched; by object and version.
    #[must_use]
    pub fn touched(self) -> Vec<(String, String, String, Touch)> {
        let Self { names, mut touched, .. } = self;
        touched.sort_by(|(one, _), (other, _)| names.text_of(*one).cmp(&names.text_of(*other)));
        let settled = |(named, touch): (Named, Touch)| {
            let [object, version, study] = names.text_of(named).map(str::to_owned);
            (object, version, study, touch.settled())
        };
        touched.into_iter().map(settled).collect()
    }
}
