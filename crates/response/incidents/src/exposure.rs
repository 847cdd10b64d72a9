//! Whose data was exposed: entries of the record, gathered by object and version, graded, and summed.
//!
//! - **certain**: the record says that bytes left, or that somebody looked at the object: `released` with bytes, `preview`.
//! - **likely**: a download was let, and the record does not say that it ended (a kill, a cut connection): up to all of it left.
//! - **possible**: nothing says that it was touched, but it was within reach; or something was touched, and nothing says that it was by
//!   whom the question is about. Why is told in words.
//!
//! A refused request exposes nothing; it is counted beside.
//!
//! Beside how sure it is stands in which [`Form`] it is: in clear, de-identified, or sealed.

use model::{Access, Touched};
use ranges::grouped;
use serde::Serialize;

mod affected;
mod gathered;
mod ranges;
mod sum;

pub use affected::{at_least, counted_in, lies_in, shrinks, with_counted};
pub use gathered::{Gathered, Gathering};
pub use ranges::{RANGES_MAX, Ranges};
pub use sum::{
    ByForm, Category, CategoryError, Exposure, Figures, Flow, Form, Grade, Holder, Known, PROOF_MAX, Place, Proof,
    Reach, Summed, Tally,
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
    Means::of(entry.activity).is_some_and(|means| means.proves(entry.is_success))
}

impl Means {
    /// In the order of [`TELLING`].
    const ALL: [Self; TELLING.len()] = [Self::Let, Self::Left, Self::Looked];

    fn of(activity: &str) -> Option<Self> {
        let at = TELLING.iter().position(|one| *one == activity)?;
        Self::ALL.get(at).copied()
    }

    /// The end of a download that broke off is no success, and says all the same what had left by then.
    const fn proves(self, is_success: bool) -> bool {
        is_success || matches!(self, Self::Left)
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

    fn note<N>(&mut self, means: Means, entry: &Access<N>, is_deidentified: bool) {
        if !means.proves(entry.is_success) {
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
        self.clear += u64::from(!is_deidentified);
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
        // Each of the two rises, mostly: the stable sort merges them.
        self.entries.sort();
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

    /// In which form it left, or was let.
    #[must_use]
    pub const fn form(&self) -> Form {
        if self.deidentified { Form::Deidentified } else { Form::Clear }
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
