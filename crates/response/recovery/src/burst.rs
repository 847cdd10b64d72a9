//! Whether between two listings somebody encrypted a folder: many more files at once than ever in its own past that look random
//! and did not before, or are there under a new ending; the same new file in many folders. And the last snapshot before it.

mod change;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::listing::Seen;
use change::{Change, Files};

/// Where the past of watched folders lies in a snapshot.
pub const PAST: &str = "listing-past.json";
/// Bits a byte from which content looks encrypted: 4,096 random bytes have 7.95, compressed scans and archives often less.
const RANDOM_BITS: f32 = 7.9;
/// Bits a byte that content must have gained.
const GAIN_BITS: f32 = 0.3;
/// So many files are a burst, if they are the share below of those that were there.
const FILES_MIN: usize = 10;
const SHARE_MIN: f64 = 0.1;
/// The same, once so many listings tell what is usual in the folder.
const PAST_MIN: usize = 5;
const SHARE_KNOWN_MIN: f64 = 0.01;
/// A burst is so many times as much as ever in the folder's past, or nearly all of it and more than ever.
const TIMES_USUAL: usize = 3;
const SHARE_ALL: f64 = 0.8;
/// Listings of the past that count.
const PAST_MAX: usize = 30;
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
    /// Files that are there under a new ending: behind their names, in place of the old one, or under other names altogether.
    pub renamed: usize,
    /// The most that rose or were renamed at once in the folder's past.
    pub usual: usize,
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
    /// Files that are there under the same new ending.
    pub renamed: usize,
    /// The most that rose or were renamed at once in the folder's past.
    pub usual: usize,
    /// What happened, where it is a burst.
    pub burst: Option<Burst>,
}

/// How many files rose or were renamed from listing to listing, folder by folder, the newest last. Bursts are left out: they do not
/// become usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past(BTreeMap<String, Vec<usize>>);

impl Past {
    /// As it was kept; empty where it cannot be read, as in backups of before it was.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    /// As it is kept.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// What came of one more listing.
    pub fn add(&mut self, steps: &[Step]) {
        for step in steps.iter().filter(|step| step.burst.is_none()) {
            let of = self.0.entry(step.folder.clone()).or_default();
            of.push(step.risen.max(step.renamed));
            let over = of.len().saturating_sub(PAST_MAX);
            of.drain(..over);
        }
    }

    fn of(&self, folder: &str) -> &[usize] {
        self.0.get(folder).map_or(&[], Vec::as_slice)
    }
}

/// What became of each folder between two listings, held against its past.
#[must_use]
pub fn steps(before: &[Seen], after: &[Seen], past: &Past) -> Vec<Step> {
    let folders: BTreeSet<&str> = before.iter().chain(after).map(|seen| seen.folder.as_str()).collect();
    folders.into_iter().map(|folder| of_folder(folder, before, after, past.of(folder))).collect()
}

/// Whether so many of a folder's files are more than its past explains.
fn is_many(count: usize, files: usize, past: &[usize]) -> bool {
    let usual = past.iter().copied().max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a share of files")]
    let reaches = |share: f64| count as f64 >= share * files as f64;
    let share = if past.len() >= PAST_MIN { SHARE_KNOWN_MIN } else { SHARE_MIN };
    let is_unusual = count > usual.saturating_mul(TIMES_USUAL) || (reaches(SHARE_ALL) && count > usual);
    count >= FILES_MIN && reaches(share) && is_unusual
}

fn of_folder(folder: &str, before: &[Seen], after: &[Seen], past: &[usize]) -> Step {
    let within = |all: &[Seen]| -> Files {
        all.iter().filter(|seen| seen.folder == folder).map(|seen| (seen.path.clone(), seen.clone())).collect()
    };
    let (old, new) = (within(before), within(after));
    let change = Change::between(&old, &new);
    let (ending, renamed) =
        change.endings.iter().max_by_key(|(_, count)| **count).map_or((None, 0), |(ending, n)| (Some(*ending), *n));
    let note = change.notes.iter().filter(|(_, at)| at.len() >= NOTES_MIN).max_by_key(|(_, at)| at.len());
    let usual = past.iter().copied().max().unwrap_or(0);
    let is_burst = [change.risen, renamed].into_iter().any(|count| is_many(count, old.len(), past));
    let burst = is_burst.then(|| Burst {
        folder: folder.to_owned(),
        files: old.len(),
        risen: change.risen,
        renamed,
        usual,
        ending: ending.filter(|_| renamed > 0).map(str::to_owned),
        note: note.map(|(name, _)| (*name).to_owned()),
        examples: change.examples.iter().take(EXAMPLES_MAX).map(|path| (*path).to_owned()).collect(),
    });
    let entropies = || new.values().filter_map(|seen| seen.entropy);
    Step {
        folder: folder.to_owned(),
        files: new.len(),
        measured: entropies().count(),
        random: entropies().filter(|entropy| *entropy >= RANDOM_BITS).count(),
        risen: change.risen,
        renamed,
        usual,
        burst,
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
    past: Past,
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
        let folders = steps(if before.is_some() { self.last() } else { seen }, seen, &self.past);
        if before.is_some() {
            self.past.add(&folders);
        }
        let bursts: Vec<Burst> = folders.iter().filter_map(|step| step.burst.clone()).collect();
        if self.suspicion.is_none() && !bursts.is_empty() {
            self.suspicion = Some(Suspicion { clean: before.clone(), first: snapshot.clone(), bursts });
        }
        self.points.push(Point { snapshot, before, made_ms, folders });
    }
}

#[cfg(test)]
mod tests {
    use super::{Burst, Past, Seen, Trail, steps};

    fn bursts(before: &[Seen], after: &[Seen]) -> Vec<Burst> {
        steps(before, after, &Past::default()).into_iter().filter_map(|step| step.burst).collect()
    }

    /// A past in which so many files rose or were renamed each time.
    fn past(counts: &[usize]) -> Past {
        let mut past = Past::default();
        for count in counts {
            let mut calm = steps(&calm(10), &calm(10), &Past::default());
            calm[0].risen = *count;
            past.add(&calm);
        }
        past
    }

    /// The first so many files encrypted in place.
    fn encrypted(before: &[Seen], count: usize) -> Vec<Seen> {
        let one = |(at, one): (usize, &Seen)| match at < count {
            true => Seen { modified_ns: 2, entropy: Some(7.97), ..one.clone() },
            false => one.clone(),
        };
        before.iter().enumerate().map(one).collect()
    }

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
    fn a_folder_is_held_against_its_own_past() {
        let before = calm(1_000);
        let burst = |count: usize, counts: &[usize]| {
            let step = steps(&before, &encrypted(&before, count), &past(counts)).remove(0);
            (step.burst.is_some(), step.usual)
        };
        // Nothing is known: a tenth is a burst, less is not.
        assert_eq!((burst(100, &[]), burst(99, &[])), ((true, 0), (false, 0)));
        // Nothing like it was ever there: fewer are enough.
        assert_eq!((burst(12, &[0; 5]), burst(9, &[0; 5])), ((true, 0), (false, 0)));
        assert_eq!(burst(12, &[0; 4]), (false, 0), "four listings do not tell what is usual");
        // What is done there every day is none, three times as much is.
        assert_eq!(
            (burst(120, &[90, 120, 80, 0, 100]), burst(361, &[90, 120, 80, 0, 100])),
            ((false, 120), (true, 120))
        );
        // A folder where much is usual is not blind to all of it.
        assert_eq!((burst(1_000, &[500; 9]), burst(700, &[500; 9])), ((true, 500), (false, 500)));
        // A burst does not become usual, and what is long past is forgotten.
        let mut known = past(&[0; 6]);
        known.add(&steps(&before, &encrypted(&before, 900), &known));
        assert_eq!(known, past(&[0; 6]));
        let mut counts = vec![400];
        counts.extend([1; 30]);
        assert_eq!(burst(50, &counts), (true, 1));
        let kept = Past::read(&past(&[3, 4]).write().unwrap());
        assert_eq!((kept, Past::read(b"{")), (past(&[3, 4]), Past::default()));
    }

    #[test]
    fn content_under_a_new_ending_is_noticed_whatever_became_of_the_name() {
        let before = calm(100);
        let renamed = |name: &dyn Fn(usize, &str) -> String, is_encrypted: bool| {
            let one = |(at, one): (usize, &Seen)| {
                let path = name(at, &one.path);
                match is_encrypted {
                    true => Seen { path, modified_ns: 2, bytes: one.bytes + 512, entropy: Some(7.97), ..one.clone() },
                    false => Seen { path, ..one.clone() },
                }
            };
            let after: Vec<Seen> = before.iter().enumerate().map(one).collect();
            let found = bursts(&before, &after);
            found.first().map(|burst| (burst.renamed, burst.risen, burst.ending.clone().unwrap_or_default()))
        };
        let told = |renamed, risen, ending: &str| Some((renamed, risen, ending.to_owned()));
        // Another ending in place of the old one, behind it, and with names that tell nothing.
        assert_eq!(renamed(&|_, path| path.replace(".dcm", ".locked"), true), told(100, 100, ".locked"));
        assert_eq!(renamed(&|_, path| format!("{path}.id-7F.locked"), true), told(100, 100, ".id-7F.locked"));
        let random = |at: usize, path: &str| format!("{}/{:x}.crypt", path.split_once('/').unwrap().0, at * 7919);
        assert_eq!(renamed(&random, true), told(100, 100, ".crypt"));
        // The same content, not encrypted yet.
        assert_eq!(renamed(&|_, path| path.replace(".dcm", ".locked"), false), told(100, 0, ".locked"));
        assert_eq!(renamed(&random, false), told(100, 0, ".crypt"));
        // Moved or renamed with the ending that it had: that is work.
        assert_eq!(renamed(&|at, _| format!("archive/{at}.dcm"), false), None);
        assert_eq!(renamed(&|at, path| path.replace("scan", &format!("patient{at}-scan")), false), None);
    }

    #[test]
    fn exports_of_an_instrument_are_ordinary_work() {
        // Unfinished files get the ending that is known, raw files are converted to what does not look encrypted.
        let mut before = calm(100);
        before.extend((0..50).map(|at| seen(&format!("run-1/new-{at}.part"), 1, 5.0)));
        let mut after = calm(100);
        after.extend((0..50).map(|at| seen(&format!("run-1/new-{at}.dcm"), 1, 5.0)));
        assert_eq!(bursts(&before, &after), []);
        let converted: Vec<_> = before
            .iter()
            .map(|one| Seen { path: one.path.replace(".dcm", ".nii"), modified_ns: 2, bytes: 70_000, ..one.clone() })
            .collect();
        assert_eq!(bursts(&before, &converted), []);
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
        let told = steps(&before, &after, &Past::default());
        assert_eq!((told.len(), told[0].files, told[0].measured, told[0].random), (1, 32, 31, 1));
        assert_eq!((told[0].risen, told[0].renamed, &told[0].burst), (0, 0, &None));
        // A folder that vanished as a whole is told with nothing in it.
        assert_eq!(steps(&before, &[], &Past::default())[0].files, 0);
    }
}
