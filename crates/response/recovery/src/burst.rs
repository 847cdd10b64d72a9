//! Whether between two listings somebody encrypted a folder: many files at once that look random and did not before, many with
//! the same ending behind their old names, the same new file in many folders. And the last snapshot before it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::listing::Seen;

/// Bits a byte from which content looks encrypted: 4,096 random bytes have 7.95, compressed scans and archives often less.
const RANDOM_BITS: f32 = 7.9;
/// Bits a byte that content must have gained.
const GAIN_BITS: f32 = 0.3;
/// So many files are a burst, if they are the share below of those that were there.
const FILES_MIN: usize = 10;
const SHARE_MIN: f64 = 0.1;
/// So many folders with one new name are a note left in each.
const NOTES_MIN: usize = 5;
/// Names that are told.
const EXAMPLES_MAX: usize = 5;

/// What happened to a folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Burst {
    /// The folder.
    pub folder: String,
    /// Files that were there before.
    pub files: usize,
    /// Files that look encrypted now and did not before.
    pub risen: usize,
    /// Files that got `ending` behind their names.
    pub renamed: usize,
    /// The ending that most of them got.
    pub ending: Option<String>,
    /// A new name in many folders, such as a ransom note.
    pub note: Option<String>,
    /// Some of the files.
    pub examples: Vec<String>,
}

/// Bursts between two listings, folder by folder.
#[must_use]
pub fn bursts(before: &[Seen], after: &[Seen]) -> Vec<Burst> {
    let folders: BTreeSet<&str> = before.iter().map(|seen| seen.folder.as_str()).collect();
    folders.into_iter().filter_map(|folder| of_folder(folder, before, after)).collect()
}

fn of_folder(folder: &str, before: &[Seen], after: &[Seen]) -> Option<Burst> {
    let within = |all: &'_ [Seen]| -> HashMap<String, Seen> {
        all.iter().filter(|seen| seen.folder == folder).map(|seen| (seen.path.clone(), seen.clone())).collect()
    };
    let (old, new) = (within(before), within(after));
    let (mut risen, mut examples) = (0, BTreeSet::new());
    let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
    let mut notes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, now) in &new {
        if let Some(was) = old.get(path) {
            if has_risen(was, now) {
                risen += 1;
                examples.insert(path.as_str());
            }
            continue;
        }
        let (at, name) = path.rsplit_once('/').unwrap_or(("", path));
        notes.entry(name).or_default().insert(at);
        // `scan.dcm` gone and `scan.dcm.locked` there.
        let renamed = path.char_indices().rev().filter(|(_, character)| matches!(character, '.' | '-' | '_'));
        let origin = renamed
            .map(|(index, _)| path.split_at(index))
            .find(|(stem, _)| !new.contains_key(*stem) && old.contains_key(*stem));
        if let Some((stem, ending)) = origin {
            *endings.entry(ending).or_default() += 1;
            examples.insert(path.as_str());
            if old.get(stem).is_some_and(|was| has_risen(was, now)) {
                risen += 1;
            }
        }
    }
    let (ending, renamed) =
        endings.into_iter().max_by_key(|(_, count)| *count).map_or((None, 0), |(e, n)| (Some(e), n));
    let note = notes.into_iter().filter(|(_, at)| at.len() >= NOTES_MIN).max_by_key(|(_, at)| at.len());
    #[expect(clippy::cast_precision_loss, reason = "a share of files")]
    let is_many = |count: usize| count >= FILES_MIN && count as f64 >= SHARE_MIN * old.len() as f64;
    if !is_many(risen) && !is_many(renamed) {
        return None;
    }
    Some(Burst {
        folder: folder.to_owned(),
        files: old.len(),
        risen,
        renamed,
        ending: ending.filter(|_| renamed > 0).map(str::to_owned),
        note: note.map(|(name, _)| name.to_owned()),
        examples: examples.into_iter().take(EXAMPLES_MAX).map(str::to_owned).collect(),
    })
}

/// Whether content became what encryption looks like.
fn has_risen(was: &Seen, now: &Seen) -> bool {
    let is_changed = was.bytes != now.bytes || was.modified_ns != now.modified_ns;
    match (was.entropy, now.entropy) {
        (Some(was), Some(now)) => is_changed && now >= RANDOM_BITS && now - was >= GAIN_BITS,
        // Short files say nothing.
        _ => false,
    }
}

/// One snapshot's listing.
#[derive(Debug, Clone)]
pub struct Point {
    /// The snapshot.
    pub snapshot: String,
    /// When it was made, in milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// What it listed.
    pub seen: Vec<Seen>,
}

/// Where it began, and the last snapshot before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspicion {
    /// The last snapshot in which nothing was amiss; none if the first listing of all is amiss already or there is none.
    pub clean: Option<String>,
    /// The first one that shows it; none when it is what lies there now.
    pub first: Option<String>,
    /// What happened.
    pub bursts: Vec<Burst>,
}

/// Finds the first burst in a series, oldest first; `now` is what lies there now.
#[must_use]
pub fn clean_point(series: &[Point], now: &[Seen]) -> Option<Suspicion> {
    let mut before: Option<&Point> = None;
    for point in series {
        if let Some(last) = before {
            let found = bursts(&last.seen, &point.seen);
            if !found.is_empty() {
                let (clean, first) = (Some(last.snapshot.clone()), Some(point.snapshot.clone()));
                return Some(Suspicion { clean, first, bursts: found });
            }
        }
        before = Some(point);
    }
    let last = before?;
    let found = bursts(&last.seen, now);
    (!found.is_empty()).then(|| Suspicion { clean: Some(last.snapshot.clone()), first: None, bursts: found })
}

#[cfg(test)]
mod tests {
    use super::{Point, Seen, bursts, clean_point};

    fn seen(path: &str, modified_ns: i64, entropy: f32) -> Seen {
        let folder = "/instruments".to_owned();
        Seen { folder, path: path.to_owned(), bytes: 100_000, modified_ns, entropy: Some(entropy) }
    }

    fn calm(files: usize) -> Vec<Seen> {
        (0..files).map(|at| seen(&format!("run-{}/scan-{at}.dcm", at % 9), 1, 5.0)).collect()
    }

    #[test]
    fn encryption_in_place_is_a_burst() {
        let before = calm(100);
        let after: Vec<_> =
            before.iter().map(|one| Seen { modified_ns: 2, entropy: Some(7.97), ..one.clone() }).collect();
        let found = bursts(&before, &after);
        assert_eq!((found.len(), found[0].risen, found[0].renamed), (1, 100, 0));
    }

    #[test]
    fn renaming_with_an_ending_and_a_note_in_each_folder_is_a_burst() {
        let before = calm(100);
        let mut after: Vec<_> = before
            .iter()
            .map(|one| Seen {
                path: format!("{}.locked", one.path),
                modified_ns: 2,
                entropy: Some(7.97),
                ..one.clone()
            })
            .collect();
        after.extend((0..9).map(|at| seen(&format!("run-{at}/READ_ME.txt"), 2, 4.0)));
        let found = bursts(&before, &after);
        assert_eq!((found[0].risen, found[0].renamed), (100, 100));
        assert_eq!(found[0].ending.as_deref(), Some(".locked"));
        assert_eq!(found[0].note.as_deref(), Some("READ_ME.txt"));
    }

    #[test]
    fn ordinary_work_is_none() {
        let before = calm(100);
        let mut after = before.clone();
        // New compressed files, a few that were compressed, some removed, all of them touched.
        after.extend((0..50).map(|at| seen(&format!("run-3/new-{at}.fastq.gz"), 2, 7.98)));
        after.iter_mut().take(5).for_each(|one| one.entropy = Some(7.98));
        after.iter_mut().for_each(|one| one.modified_ns = 3);
        after.drain(60..90);
        assert_eq!(bursts(&before, &after), []);
        // A whole folder moved elsewhere.
        let moved: Vec<_> =
            before.iter().map(|one| Seen { path: format!("archive/{}", one.path), ..one.clone() }).collect();
        assert_eq!(bursts(&before, &moved), []);
    }

    #[test]
    fn the_clean_point_is_the_snapshot_before_the_first_burst() {
        let calm = calm(100);
        let bad: Vec<_> = calm.iter().map(|one| Seen { modified_ns: 2, entropy: Some(7.97), ..one.clone() }).collect();
        let point = |name: &str, seen: &[Seen]| Point { snapshot: name.to_owned(), made_ms: 0, seen: seen.to_vec() };
        let series = [point("a", &calm), point("b", &calm), point("c", &bad), point("d", &bad)];
        let found = clean_point(&series, &bad).unwrap();
        assert_eq!((found.clean.as_deref(), found.first.as_deref()), (Some("b"), Some("c")));
        assert_eq!(clean_point(&series[..2], &calm), None);
        let live = clean_point(&series[..2], &bad).unwrap();
        assert_eq!((live.clean.as_deref(), live.first), (Some("b"), None));
    }
}
