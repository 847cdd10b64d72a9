//! What became of a folder's files between two listings: which look encrypted now, and which are there under a new ending, whatever
//! became of their names.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{GAIN_BITS, RANDOM_BITS};
use crate::listing::Seen;

/// What became of a folder's files.
#[derive(Default)]
pub(super) struct Change<'a> {
    pub(super) risen: usize,
    /// How many got which ending.
    pub(super) endings: BTreeMap<&'a str, usize>,
    /// Where new names are.
    pub(super) notes: BTreeMap<&'a str, BTreeSet<&'a str>>,
    pub(super) examples: BTreeSet<&'a str>,
}

pub(super) type Files = HashMap<String, Seen>;

impl<'a> Change<'a> {
    pub(super) fn between(old: &'a Files, new: &'a Files) -> Self {
        let mut change = Self::default();
        let known: HashSet<&str> = old.keys().filter_map(|path| ending(path)).collect();
        let mut gone = Gone::between(old, new);
        // Sorted, so that the same listings always tell the same.
        let mut fresh: Vec<&'a Seen> = Vec::new();
        let paths: BTreeSet<&'a String> = new.keys().collect();
        for now in paths.into_iter().filter_map(|path| new.get(path)) {
            match old.get(&now.path) {
                Some(was) if has_risen(was, now) => change.rise(now),
                Some(_) => {}
                None => fresh.push(now),
            }
        }
        for now in &fresh {
            let (at, name) = split(&now.path);
            change.notes.entry(name).or_default().insert(at);
        }
        // What says most is looked for first: a name with something behind it, then the same name or content under a new ending, then
        // other names under one.
        fresh.retain(|now| match gone.appended(now) {
            Some((was, ending)) => {
                change.rename(now, ending, has_risen(was, now));
                false
            }
            None => true,
        });
        fresh.retain(|now| {
            let Some(ending) = ending(&now.path) else { return true };
            let is_new = !known.contains(ending);
            let was = gone.same_content(now).filter(|_| is_new).or_else(|| {
                let was = gone.same_stem(now)?;
                (has_risen(was, now) || (is_new && is_same_content(was, now))).then_some(was)
            });
            let Some(was) = was else { return true };
            gone.take(&was.path);
            change.rename(now, ending, has_risen(was, now));
            false
        });
        for now in fresh {
            let Some(ending) = ending(&now.path).filter(|ending| !known.contains(ending)) else { continue };
            if now.entropy.is_some_and(|entropy| entropy >= RANDOM_BITS) && gone.take_any(split(&now.path).0) {
                change.rename(now, ending, true);
            }
        }
        change
    }

    fn rise(&mut self, now: &'a Seen) {
        self.risen += 1;
        self.examples.insert(&now.path);
    }

    fn rename(&mut self, now: &'a Seen, ending: &'a str, has_risen: bool) {
        *self.endings.entry(ending).or_default() += 1;
        self.examples.insert(&now.path);
        self.risen += usize::from(has_risen);
    }
}

/// Files that are not there any more.
struct Gone<'a> {
    left: BTreeMap<&'a str, &'a Seen>,
    by_content: HashMap<(u64, i64), Vec<&'a str>>,
    by_stem: HashMap<&'a str, Vec<&'a str>>,
    /// Those that did not look encrypted, by their folder.
    plain: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Gone<'a> {
    fn between(old: &'a Files, new: &Files) -> Self {
        let left: BTreeMap<&str, &Seen> =
            old.iter().filter(|(path, _)| !new.contains_key(*path)).map(|(path, seen)| (path.as_str(), seen)).collect();
        let mut by_content: HashMap<(u64, i64), Vec<&str>> = HashMap::new();
        let (mut by_stem, mut plain) = (HashMap::<&str, Vec<&str>>::new(), HashMap::<&str, Vec<&str>>::new());
        for (path, seen) in &left {
            if seen.bytes > 0 {
                by_content.entry((seen.bytes, seen.modified_ns)).or_default().push(*path);
            }
            by_stem.entry(stem(path)).or_default().push(*path);
            if seen.entropy.is_some_and(|entropy| entropy < RANDOM_BITS - GAIN_BITS) {
                plain.entry(split(path).0).or_default().push(*path);
            }
        }
        Self { left, by_content, by_stem, plain }
    }

    fn take(&mut self, path: &str) -> Option<&'a Seen> {
        self.left.remove(path)
    }

    /// `scan.dcm` gone and `scan.dcm.locked` there.
    fn appended<'n>(&mut self, now: &'n Seen) -> Option<(&'a Seen, &'n str)> {
        let path = now.path.as_str();
        let cuts = path.char_indices().rev().filter(|(_, character)| matches!(character, '.' | '-' | '_'));
        let (stem, ending) =
            cuts.map(|(index, _)| path.split_at(index)).find(|(stem, _)| self.left.contains_key(*stem))?;
        Some((self.take(stem)?, ending))
    }

    /// `scan.dcm` gone and the same bytes, of the same time, there under another name.
    fn same_content(&self, now: &Seen) -> Option<&'a Seen> {
        let paths = self.by_content.get(&(now.bytes, now.modified_ns))?;
        paths.iter().filter_map(|path| self.left.get(path).copied()).find(|was| is_same_content(was, now))
    }

    /// `scan.dcm` gone and `scan.locked` there.
    fn same_stem(&self, now: &Seen) -> Option<&'a Seen> {
        self.by_stem.get(stem(&now.path))?.iter().find_map(|path| self.left.get(path).copied())
    }

    /// Any file of a folder that did not look encrypted.
    fn take_any(&mut self, at: &str) -> bool {
        while let Some(path) = self.plain.get_mut(at).and_then(Vec::pop) {
            if self.take(path).is_some() {
                return true;
            }
        }
        false
    }
}

/// The folder and the name of a path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A name's ending with its dot; a dot at its beginning begins none.
fn ending(path: &str) -> Option<&str> {
    let name = split(path).1;
    let at = name.rfind('.').filter(|at| *at > 0)?;
    name.get(at..)
}

/// A path without its ending.
fn stem(path: &str) -> &str {
    let cut = path.len() - ending(path).map_or(0, str::len);
    path.get(..cut).unwrap_or(path)
}

/// Whether a file is the same as one elsewhere, as far as a listing tells.
fn is_same_content(was: &Seen, now: &Seen) -> bool {
    was.bytes > 0 && was.bytes == now.bytes && was.modified_ns == now.modified_ns && was.entropy == now.entropy
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
