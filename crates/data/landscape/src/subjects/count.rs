//! How many distinct people are in some objects, per country and per category.

use std::collections::BTreeMap;

use model::Jurisdiction;

use super::{Accumulator, DamagedBitmap, People};

/// Distinct people.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// All of them.
    pub people: u64,
    /// By jurisdiction. Who is known in two counts in both, so that the sum may exceed `people`; `unknown` holds those
    /// of whom no record tells.
    pub jurisdictions: BTreeMap<Jurisdiction, u64>,
}

/// Distinct people in the union of stored bitmaps. 10,000 objects over one million people take milliseconds: bitmaps
/// are read from their stored bytes into one dense set, and the merge rule costs only where merges happened.
///
/// # Errors
/// When a stored bitmap is damaged.
pub fn count<'b>(people: &People, bitmaps: impl IntoIterator<Item = &'b [u8]>) -> Result<Counts, DamagedBitmap> {
    let mut union = Accumulator::new();
    for bytes in bitmaps {
        union.add(bytes)?;
    }
    Ok(people.count(union))
}

/// As [`count`], for every label (or other category) of comma-joined `labels`; the empty key is the total. Bitmaps of
/// equal label sets are united once, however many labels they have.
///
/// # Errors
/// When a stored bitmap is damaged.
pub fn count_by_labels<'b>(
    people: &People,
    objects: impl IntoIterator<Item = (&'b str, &'b [u8])>,
) -> Result<BTreeMap<String, Counts>, DamagedBitmap> {
    let mut by_set: BTreeMap<&str, Accumulator> = BTreeMap::new();
    for (labels, bytes) in objects {
        by_set.entry(labels).or_default().add(bytes)?;
    }
    let mut by_label: BTreeMap<String, Accumulator> = BTreeMap::new();
    for (labels, union) in &by_set {
        for label in std::iter::once("").chain(labels.split(',').filter(|label| !label.is_empty())) {
            by_label.entry(label.to_owned()).or_default().union(union);
        }
    }
    Ok(by_label.into_iter().map(|(label, union)| (label, people.count(union))).collect())
}
