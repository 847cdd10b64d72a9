//! Whose data was exposed: entries of the record, gathered by object and version, graded, and summed.
//!
//! - **certain**: the record says that bytes left, or that somebody looked at the object: `released` with bytes, `preview`.
//! - **likely**: a download was let, and the record does not say that it ended (a kill, a cut connection): up to all of it left.
//! - **possible**: nothing says that it was touched, but it was within reach; or something was touched, and nothing says that it was by
//!   whom the question is about. Why is told in words.
//!
//! A refused request exposes nothing; it is counted beside.

use std::collections::{BTreeMap, HashMap};

use model::Touched;
use ranges::grouped;
use serde::Serialize;

mod affected;
mod ranges;
mod sum;

pub use affected::{at_least, counted_in, lies_in, shrinks, with_counted};
pub use ranges::{RANGES_MAX, Ranges};
pub use sum::{
    Category, CategoryError, Exposure, Figures, Flow, Grade, Holder, Known, PROOF_MAX, Place, Proof, Reach, Summed,
    Tally,
};

/// Entries that are kept one by one for an object; further ones are counted, and the record has them.
pub const ENTRIES_MAX: usize = 256;

/// What is known of how one version of one object was touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Touch {
    /// Downloads that were let.
    pub downloads: u64,
    /// Downloads of which the record says that they ended.
    pub released: u64,
    /// Bytes that really left, those that left twice counted twice.
    pub bytes: u64,
    /// Which bytes of it left.
    pub ranges: Ranges,
    /// Bytes that left and of which the record does not say which they were.
    pub bytes_unplaced: u64,
    /// Bytes of downloads that were let and of which no end is recorded.
    pub bytes_unended: u64,
    /// Which further bytes those may have been, at most.
    pub ranges_unended: Ranges,
    /// How often somebody looked at it in the console.
    pub previews: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// What left was de-identified, all of it.
    pub deidentified: bool,
    /// The first time, in milliseconds since 1970, UTC.
    pub first_ms: i64,
    /// The last time.
    pub last_ms: i64,
    /// Entries that say so, rising, at most [`ENTRIES_MAX`]; refused requests are none of them.
    pub entries: Vec<u64>,
    /// How many there are.
    pub entries_total: u64,
    clear: u64,
    bytes_let: u64,
    ranges_let: Ranges,
}

/// Gathers entries in any order; parts gathered apart are merged.
#[derive(Debug, Default)]
pub struct Gathered {
    names: Names,
    touched: HashMap<(u32, u32, u32), Touch>,
    principals: HashMap<u32, u64>,
    /// Entries by who and in which study.
    flows: HashMap<(u32, u32), u64>,
    entries: u64,
}

/// Texts, each kept once.
#[derive(Debug, Default)]
struct Names {
    index: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
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
}

/// What the activities of the record mean for exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Let,
    Left,
    Looked,
}

/// Activities of the record that tell that something was let, left or was looked at.
pub const TELLING: [&str; 3] = ["download", "released", "preview"];

/// Whether an entry of such an activity proves an exposure: a refused request does not, the end of a download that broke off does.
#[must_use]
pub fn proves(entry: &Touched<'_>) -> bool {
    Means::of(entry.activity).is_some_and(|means| entry.is_success || means == Means::Left)
}

impl Means {
    fn of(activity: &str) -> Option<Self> {
        match activity {
            "download" => Some(Self::Let),
            "released" => Some(Self::Left),
            "preview" => Some(Self::Looked),
            _ => None,
        }
    }
}

impl Gathered {
    /// Takes one entry. What says nothing about exposure is passed over.
    pub fn take(&mut self, entry: Touched<'_>) {
        let Some(means) = Means::of(entry.activity) else { return };
        if entry.object.is_empty() {
            return;
        }
        self.entries += 1;
        let key = (self.names.number(entry.object), self.names.number(entry.version), self.names.number(entry.study));
        let touch = self.touched.entry(key).or_insert_with(|| Touch {
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            ..Touch::default()
        });
        touch.note(means, &entry);
        if proves(&entry) {
            let principal = self.names.number(entry.principal);
            *self.principals.entry(principal).or_default() += 1;
            *self.flows.entry((principal, key.2)).or_default() += 1;
        }
    }

    /// Takes what was gathered apart.
    pub fn merge(&mut self, other: Self) {
        self.entries += other.entries;
        for ((object, version, study), touch) in other.touched {
            let key = [object, version, study].map(|number| self.names.number(other.names.text(number)));
            let [object, version, study] = key;
            match self.touched.entry((object, version, study)) {
                std::collections::hash_map::Entry::Occupied(mut there) => there.get_mut().merge(touch),
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(touch);
                }
            }
        }
        for (principal, count) in other.principals {
            let principal = self.names.number(other.names.text(principal));
            *self.principals.entry(principal).or_default() += count;
        }
        for ((principal, study), count) in other.flows {
            let [principal, study] = [principal, study].map(|number| self.names.number(other.names.text(number)));
            *self.flows.entry((principal, study)).or_default() += count;
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
        self.principals.iter().map(|(number, count)| (self.names.text(*number).to_owned(), *count)).collect()
    }

    /// Objects and versions that were named, each pair once.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.touched.keys().map(|(object, version, _)| (self.names.text(*object), self.names.text(*version)))
    }

    /// What was gathered: object, version, study, and how it was touched; by object and version.
    #[must_use]
    pub fn touched(self) -> Vec<(String, String, String, Touch)> {
        let Self { names, touched, .. } = self;
        let mut all: Vec<(String, String, String, Touch)> = touched
            .into_iter()
            .map(|((object, version, study), touch)| {
                let [object, version, study] = [object, version, study].map(|number| names.text(number).to_owned());
                (object, version, study, touch.settled())
            })
            .collect();
        all.sort_unstable_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        all
    }
}

impl Touch {
    /// Of what entries name, without saying that anything left.
    #[must_use]
    pub fn named(mut entries: Vec<(u64, i64)>) -> Self {
        entries.sort_unstable();
        let times = || entries.iter().map(|(_, at)| *at);
        Self {
            first_ms: times().min().unwrap_or(0),
            last_ms: times().max().unwrap_or(0),
            entries: entries.iter().take(ENTRIES_MAX).map(|(entry, _)| *entry).collect(),
            entries_total: entries.len() as u64,
            ..Self::default()
        }
    }

    fn note(&mut self, means: Means, entry: &Touched<'_>) {
        // The end of a download that broke off is no success, and says all the same what had left by then.
        if !proves(entry) {
            self.refused += 1;
            return;
        }
        self.first_ms = self.first_ms.min(entry.time_ms);
        self.last_ms = self.last_ms.max(entry.time_ms);
        self.entries_total += 1;
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push(entry.entry);
        } else if let Some(largest) = self.entries.iter_mut().max()
            && *largest > entry.entry
        {
            *largest = entry.entry;
        }
        let bytes = entry.bytes.unwrap_or(0);
        match means {
            Means::Let => {
                self.downloads += 1;
                self.bytes_let = self.bytes_let.saturating_add(bytes);
                if let Some(first) = entry.first_byte {
                    self.ranges_let.add(first, bytes);
                }
            }
            Means::Left => {
                self.released += 1;
                self.bytes = self.bytes.saturating_add(bytes);
                match entry.first_byte {
                    Some(first) => self.ranges.add(first, bytes),
                    None => self.bytes_unplaced = self.bytes_unplaced.saturating_add(bytes),
                }
            }
            Means::Looked => self.previews += 1,
        }
        self.clear += u64::from(entry.action != "read-deidentified");
    }

    fn merge(&mut self, other: Self) {
        self.downloads += other.downloads;
        self.released += other.released;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.bytes_let = self.bytes_let.saturating_add(other.bytes_let);
        self.bytes_unplaced = self.bytes_unplaced.saturating_add(other.bytes_unplaced);
        self.ranges.merge(other.ranges);
        self.ranges_let.merge(other.ranges_let);
        self.previews += other.previews;
        self.refused += other.refused;
        self.clear += other.clear;
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.entries_total += other.entries_total;
        self.entries.extend(other.entries);
        self.entries.sort_unstable();
        self.entries.truncate(ENTRIES_MAX);
    }

    fn settled(mut self) -> Self {
        self.entries.sort_unstable();
        self.ranges.settle();
        let mut ranges_let = std::mem::take(&mut self.ranges_let);
        // A download that did not end may have sent all that it was let to send.
        if self.downloads > self.released {
            ranges_let.settle();
            self.bytes_unended = self.bytes_let.saturating_sub(self.bytes);
            self.ranges_unended = ranges_let.without(&self.ranges);
        }
        self.deidentified = self.clear == 0 && self.downloads + self.released + self.previews > 0;
        self
    }

    /// Whether the record says which bytes left, and that they are all of something of that size.
    #[must_use]
    pub fn is_whole(&self, size: Option<u64>) -> bool {
        size.is_some_and(|size| self.ranges.are_all_of(size))
    }

    /// What left of something of that size, in words.
    #[must_use]
    pub fn left_in_words(&self, size: Option<u64>) -> String {
        let of = |size: Option<u64>| match size {
            Some(size) => format!(" of {}", grouped(size)),
            None => String::new(),
        };
        let mut words = Vec::new();
        match size {
            Some(size) if self.is_whole(Some(size)) => words.push(format!("all {} bytes", grouped(size))),
            _ if !self.ranges.is_empty() => {
                let sum = if self.ranges.len() > 1 && !self.ranges.has_gaps() {
                    format!(" ({} bytes)", grouped(self.ranges.bytes()))
                } else {
                    String::new()
                };
                words.push(format!("bytes {}{}{sum}", self.ranges.words(), of(size)));
            }
            _ => {}
        }
        if self.bytes_unplaced > 0 {
            words.push(format!("{} bytes{}, the record does not say which", grouped(self.bytes_unplaced), of(size)));
        }
        if !self.ranges_unended.is_empty() {
            words.push(format!("maybe bytes {}{}", self.ranges_unended.words(), of(size)));
        }
        if self.previews > 0 {
            words.push("looked at in the console".to_owned());
        }
        words.join("; ")
    }

    /// How sure it is that somebody has what is in it. `None`: it was only refused.
    #[must_use]
    pub const fn grade(&self) -> Option<Grade> {
        if (self.released > 0 && self.bytes > 0) || self.previews > 0 {
            Some(Grade::Certain)
        } else if self.downloads > self.released {
            Some(Grade::Likely)
        } else {
            None
        }
    }
}
