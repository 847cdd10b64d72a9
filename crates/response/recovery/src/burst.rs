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

/// A folder in a listing, and what became of it since the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The folder.
    pub folder: String,
    /// Files that are there.
    pub files: usize,
    /// Those that are long enough to tell how random they look.
    pub measured: usize,
    /// Those of them that look encrypted, or well compressed.
    pub random: usize,
    /// Files that look encrypted and did not before.
    pub risen: usize,
    /// Files that got the same ending behind their names.
    pub renamed: usize,
    /// What happened, where it is a burst.
    pub burst: Option<Burst>,
}

/// What became of each folder between two listings.
#[must_use]
pub fn steps(before: &[Seen], after: &[Seen]) -> Vec<Step> {
    let folders: BTreeSet<&str> = before.iter().chain(after).map(|seen| seen.folder.as_str()).collect();
    folders.into_iter().map(|folder| of_folder(folder, before, after)).collect()
}

/// Bursts between two listings, folder by folder.
#[must_use]
pub fn bursts(before: &[Seen], after: &[Seen]) -> Vec<Burst> {
    steps(before, after).into_iter().filter_map(|step| step.burst).collect()
}

fn of_folder(folder: &str, before: &[Seen], after: &[Seen]) -> Step {
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
    let burst = (is_many(risen) || is_many(renamed)).then(|| Burst {
        folder: folder.to_owned(),
        files: old.len(),
        risen,
        renamed,
        ending: ending.filter(|_| renamed > 0).map(str::to_owned),
        note: note.map(|(name, _)| name.to_owned()),
        examples: examples.into_iter().take(EXAMPLES_MAX).map(str::to_owned).collect(),
    });
    let entropies = || new.values().filter_map(|seen| seen.entropy);
    Step {
        folder: folder.to_owned(),
        files: new.len(),
        measured: entropies().count(),
        random: entropies().filter(|entropy| *entropy >= RANDOM_BITS).count(),
        risen,
        renamed,
        burst,
    }
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

/// One listing of a series, folder by folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The snapshot that keeps it; none for what lies there now.
    pub snapshot: Option<String>,
    /// The snapshot that it was held against.
    pub before: Option<String>,
    /// When it was made, in milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// Its folders.
    pub folders: Vec<Step>,
}

/// Goes through listings, oldest first, and keeps no more than one of them.
#[derive(Debug, Default)]
pub struct Trail {
    last: Option<(String, Vec<Seen>)>,
    points: Vec<Point>,
    suspicion: Option<Suspicion>,
}

impl Trail {
    /// The next snapshot's listing.
    pub fn add(&mut self, snapshot: &str, made_ms: i64, seen: Vec<Seen>) {
        self.hold(Some(snapshot.to_owned()), made_ms, &seen);
        self.last = Some((snapshot.to_owned(), seen));
    }

    /// What the last one listed.
    #[must_use]
    pub fn last(&self) -> &[Seen] {
        self.last.as_ref().map_or(&[], |(_, seen)| seen)
    }

    /// What lies there now ends the series: every listing of it, and the first burst if there was one.
    #[must_use]
    pub fn end(mut self, now_ms: i64, now: &[Seen]) -> (Vec<Point>, Option<Suspicion>) {
        self.hold(None, now_ms, now);
        (self.points, self.suspicion)
    }

    fn hold(&mut self, snapshot: Option<String>, made_ms: i64, seen: &[Seen]) {
        let before = self.last.as_ref().map(|(snapshot, _)| snapshot.clone());
        // Nothing is told of the first: it is held against itself.
        let folders = steps(if before.is_some() { self.last() } else { seen }, seen);
        let bursts: Vec<Burst> = folders.iter().filter_map(|step| step.burst.clone()).collect();
        if self.suspicion.is_none() && !bursts.is_empty() {
            self.suspicion = Some(Suspicion { clean: before.clone(), first: snapshot.clone(), bursts });
        }
        self.points.push(Point { snapshot, before, made_ms, folders });
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Trail, bursts, steps};

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
        let trail = |series: &[(&str, &[Seen])], now: &[Seen]| {
            let mut trail = Trail::default();
            series.iter().for_each(|(name, seen)| trail.add(name, 7, seen.to_vec()));
            trail.end(9, now)
        };
        let series = [("a", &*calm), ("b", &*calm), ("c", &*bad), ("d", &*bad)];
        let (points, found) = trail(&series, &bad);
        let found = found.unwrap();
        assert_eq!((found.clean.as_deref(), found.first.as_deref()), (Some("b"), Some("c")));
        let told =
            |at: usize| (points[at].before.as_deref(), points[at].folders[0].random, points[at].folders[0].risen);
        assert_eq!([told(0), told(1), told(2)], [(None, 0, 0), (Some("a"), 0, 0), (Some("b"), 100, 100)]);
        assert_eq!((told(3), told(4)), ((Some("c"), 100, 0), (Some("d"), 100, 0)));
        assert_eq!((points.len(), points[4].snapshot.as_deref(), points[4].made_ms), (5, None, 9));
        assert_eq!(trail(&series[..2], &calm).1, None);
        let live = trail(&series[..2], &bad).1.unwrap();
        assert_eq!((live.clean.as_deref(), live.first), (Some("b"), None));
        assert_eq!(trail(&[], &bad).1, None, "there is nothing to hold it against");
    }

    #[test]
    fn a_folder_is_told_also_where_nothing_happened() {
        let before = calm(30);
        let mut after = before.clone();
        after.push(Seen { entropy: None, bytes: 7, ..seen("short.txt", 2, 1.0) });
        after.push(seen("archive.gz", 2, 7.99));
        let told = steps(&before, &after);
        assert_eq!((told.len(), told[0].files, told[0].measured, told[0].random), (1, 32, 31, 1));
        assert_eq!((told[0].risen, told[0].renamed, &told[0].burst), (0, 0, &None));
        // A folder that vanished as a whole is told with nothing in it.
        assert_eq!(steps(&before, &[])[0].files, 0);
    }
}
