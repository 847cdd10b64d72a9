//! Where one is in a tree of elements: the generic path, and the place with numbers.

use crate::{Problem, ReadError};

/// How many differently named children of one element are told apart; beyond, places go without a number.
const NAMES_MAX: usize = 512;
/// Longer names are shortened in paths.
const NAME_BYTES_MAX: usize = 128;

struct Level {
    name: Box<[u8]>,
    path: usize,
    place: usize,
    children: Vec<(Box<[u8]>, u64)>,
    has_children: bool,
    /// Whether the child that ended last had children itself.
    last_had_children: bool,
}

/// The open elements.
pub(crate) struct Path {
    levels: Vec<Level>,
    path: String,
    place: String,
    separator: char,
    /// The root's name stays out of paths.
    hide_root: bool,
}

impl Path {
    pub(crate) fn new(separator: char, hide_root: bool) -> Self {
        Self { levels: Vec::new(), path: String::new(), place: String::new(), separator, hide_root }
    }

    /// An element begins. `true` when it begins another record: the next of a list of like elements that are the
    /// root's children, or all the children of the root's child.
    pub(crate) fn open(&mut self, name: &[u8], nesting_max: usize) -> Result<bool, ReadError> {
        if self.levels.len() >= nesting_max {
            return Err(Problem::limit(format!(
                "elements nest deeper than {nesting_max}; raise `limits.nesting_max` to read on"
            ))
            .into());
        }
        let local = local_name(name);
        let (path, place) = (self.path.len(), self.place.len());
        let depth = self.levels.len();
        let (count, next_record) = match self.levels.last_mut() {
            Some(parent) => {
                let count = parent.count(local);
                let alone = depth == 1 || (depth == 2 && parent.children.len() == 1 && parent.last_had_children);
                parent.has_children = true;
                (count, alone && count > 1)
            }
            None => (1, false),
        };
        if !(self.hide_root && self.levels.is_empty()) {
            self.push(&String::from_utf8_lossy(local));
            if count > 1 {
                self.place.push_str(&format!("[{count}]"));
            }
        }
        self.levels.push(Level {
            name: local.into(),
            path,
            place,
            children: Vec::new(),
            has_children: false,
            last_had_children: false,
        });
        Ok(next_record)
    }

    /// An element ends. `false` when no such element is open.
    pub(crate) fn close(&mut self, name: &[u8]) -> bool {
        let local = local_name(name);
        let Some(at) = self.levels.iter().rposition(|level| *level.name == *local) else { return false };
        while self.levels.len() > at {
            self.close_last();
        }
        true
    }

    pub(crate) fn close_last(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.path.truncate(level.path);
            self.place.truncate(level.place);
            if let Some(parent) = self.levels.last_mut() {
                parent.last_had_children = level.has_children;
            }
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// The innermost element's name.
    pub(crate) fn name(&self) -> &[u8] {
        self.levels.last().map_or(b"", |level| &level.name)
    }

    /// The innermost element's path and place.
    pub(crate) fn here(&self) -> (&str, &str) {
        (&self.path, &self.place)
    }

    /// Does `then` with the path and place of an attribute.
    pub(crate) fn with_attribute<T>(&mut self, name: &str, then: impl FnOnce(&str, &str) -> T) -> T {
        let (path, place) = (self.path.len(), self.place.len());
        let short: String = std::iter::once('@').chain(name.chars().take(NAME_BYTES_MAX)).collect();
        self.push(&short);
        let result = then(&self.path, &self.place);
        self.path.truncate(path);
        self.place.truncate(place);
        result
    }

    fn push(&mut self, name: &str) {
        let mut end = name.len().min(NAME_BYTES_MAX);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        for into in [&mut self.path, &mut self.place] {
            if !into.is_empty() {
                into.push(self.separator);
            }
            into.push_str(name.get(..end).unwrap_or_default());
        }
    }
}

impl Level {
    fn count(&mut self, name: &[u8]) -> u64 {
        if let Some(known) = self.children.iter_mut().find(|known| *known.0 == *name) {
            known.1 += 1;
            return known.1;
        }
        if self.children.len() < NAMES_MAX {
            self.children.push((name.into(), 1));
        }
        1
    }
}

/// A name without its namespace's prefix.
pub(crate) fn local_name(name: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', name) {
        Some(at) if at + 1 < name.len() => name.get(at + 1..).unwrap_or(name),
        _ => name,
    }
}
