//! The bytes of a JSON object in; where the values of the fields that matter lie, out.
//!
//! One pass over the bytes, no tree of values. Paths are learned as they are seen: what a key stands for is worked out
//! once, and because logs repeat themselves, the key that followed last time is tried first.

use crate::logsource::Logsources;
use std::collections::{HashMap, HashSet};

/// A field that rules or routes read.
pub(crate) type FieldId = u32;
/// Stands for any text of the event.
pub(crate) const KEYWORD: FieldId = 0;
/// Paths kept in memory; a log with more begins to learn anew.
const PATHS_MAX: usize = 50_000;
/// Levels an event may nest.
const DEPTH_MAX: usize = 64;

/// Where a value lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub field: FieldId,
    pub start: u32,
    pub end: u32,
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text without escapes.
    Text,
    /// Text with escapes.
    Escaped,
    /// A number or boolean.
    Bare,
    /// Null.
    Null,
}

/// Why a record is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object: {why} at byte {at}")]
pub struct Malformed {
    /// Byte of the record, from 0.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// The names of fields that matter.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub names: Vec<String>,
    ids: HashMap<String, FieldId>,
    /// Names and paths below which a field that matters may lie.
    prefixes: HashSet<String>,
    wrappers: Vec<Vec<String>>,
}

impl Fields {
    pub(crate) fn new(logsources: &Logsources) -> Self {
        let wrappers =
            logsources.wrappers.iter().map(|wrapper| wrapper.split('.').map(str::to_owned).collect()).collect();
        let mut fields = Self { wrappers, ..Self::default() };
        fields.id("\u{0}any text");
        fields
    }

    /// The id of a name, a new one at first.
    pub(crate) fn id(&mut self, name: &str) -> FieldId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = FieldId::try_from(self.names.len()).unwrap_or(FieldId::MAX);
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        for (at, c) in name.char_indices() {
            if matches!(c, '.' | '_') {
                self.prefixes.insert(name.get(..at).unwrap_or_default().to_owned());
            }
        }
        id
    }

    pub(crate) fn known(&self, name: &str) -> Option<FieldId> {
        self.ids.get(name).copied()
    }

    /// What a path stands for: its field, and whether something below it may matter.
    fn meaning(&self, path: &[&str]) -> (Option<FieldId>, bool) {
        let fits = |wrapper: &[String]| wrapper.iter().zip(path).all(|(part, key)| part == "*" || part == key);
        let off = self
            .wrappers
            .iter()
            .filter(|wrapper| wrapper.len() < path.len() && fits(wrapper))
            .map(Vec::len)
            .max()
            .unwrap_or(0);
        let within = self.wrappers.iter().any(|wrapper| wrapper.len() >= path.len() && fits(wrapper));
        let rest: Vec<&str> = path.iter().skip(off).copied().filter(|key| *key != "#text").collect();
        let name = match rest.as_slice() {
            [element, "#attributes", attribute] => format!("{element}_{attribute}"),
            [element, "#attributes"] => (*element).to_owned(),
            other => other.join("."),
        };
        let field = self.ids.get(&name).copied().filter(|id| *id != KEYWORD);
        // A text of an element lies below the element's own name.
        let below = within || self.prefixes.contains(&name) || (field.is_some() && path.last() != Some(&"#text"));
        (field.filter(|_| rest.last() != Some(&"#attributes")), below)
    }
}

#[derive(Debug)]
struct Path {
    parent: u32,
    /// The key as it stands in the log, escapes and all.
    key: Box<[u8]>,
    field: Option<FieldId>,
    below: bool,
    /// The path that followed in the same object last time.
    next: u32,
    /// The path of the first key inside it last time.
    first: u32,
}

const NONE: u32 = u32::MAX;

/// Reads events, and learns their shapes.
#[derive(Debug)]
pub(crate) struct Scanner {
    paths: Vec<Path>,
    children: HashMap<(u32, Box<[u8]>), u32, foldhash::fast::RandomState>,
    pub slots: Vec<Slot>,
}

struct Pass<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: &'a Fields,
    everything: bool,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        let mut scanner = Self { paths: Vec::new(), children: HashMap::default(), slots: Vec::new() };
        scanner.forget();
        scanner
    }

    fn forget(&mut self) {
        self.paths.clear();
        self.children.clear();
        self.paths.push(Path { parent: NONE, key: Box::default(), field: None, below: true, next: NONE, first: NONE });
    }

    /// Finds the values that matter; with `everything`, each value as a keyword as well.
    pub(crate) fn read(&mut self, bytes: &[u8], fields: &Fields, everything: bool) -> Result<(), Malformed> {
        if self.paths.len() > PATHS_MAX {
            self.forget();
        }
        self.slots.clear();
        let mut pass = Pass { bytes, at: 0, fields, everything };
        pass.blank();
        pass.expect(b'{', "an object begins with `{`")?;
        self.object(&mut pass, 0, 1)?;
        pass.blank();
        if pass.at == bytes.len() { Ok(()) } else { Err(pass.wrong("something follows the object")) }
    }

    /// The members of an object whose bracket was taken.
    fn object(&mut self, pass: &mut Pass<'_>, parent: u32, depth: usize) -> Result<(), Malformed> {
        pass.blank();
        if pass.take(b'}') {
            return Ok(());
        }
        let mut before = NONE;
        loop {
            pass.blank();
            pass.expect(b'"', "a key begins with a quotation mark")?;
            let path = self.key(pass, parent, before)?;
            before = path;
            pass.blank();
            pass.expect(b':', "a colon follows a key")?;
            self.value(pass, path, depth)?;
            pass.blank();
            if pass.take(b',') {
                continue;
            }
            pass.expect(b'}', "a comma or `}` follows a value")?;
            return Ok(());
        }
    }

    fn path(&self, id: u32) -> Option<&Path> {
        self.paths.get(id as usize)
    }

    fn key(&mut self, pass: &mut Pass<'_>, parent: u32, before: u32) -> Result<u32, Malformed> {
        let guess = if before == NONE {
            self.path(parent).map_or(NONE, |path| path.first)
        } else {
            self.path(before).map_or(NONE, |path| path.next)
        };
        let rest = pass.bytes.get(pass.at..).unwrap_or_default();
        if let Some(path) = self.path(guess)
            && let Some(b'"') = rest.get(path.key.len())
            && rest.get(..path.key.len()) == Some(&*path.key)
        {
            pass.at += path.key.len() + 1;
            return Ok(guess);
        }
        let (start, end) = pass.string()?;
        let key = pass.bytes.get(start..end).unwrap_or_default();
        let found = match self.children.get(&(parent, key) as &dyn Child) {
            Some(found) => *found,
            None => self.learn(pass.fields, parent, key),
        };
        let slot = if before == NONE {
            self.paths.get_mut(parent as usize).map(|path| &mut path.first)
        } else {
            self.paths.get_mut(before as usize).map(|path| &mut path.next)
        };
        if let Some(slot) = slot {
            *slot = found;
        }
        Ok(found)
    }

    fn learn(&mut self, fields: &Fields, parent: u32, key: &[u8]) -> u32 {
        let mut keys = vec![text_of(key, key.contains(&b'\\'))];
        let mut above = parent;
        while let Some(path) = self.path(above).filter(|path| path.parent != NONE) {
            keys.push(text_of(&path.key, path.key.contains(&b'\\')));
            above = path.parent;
        }
        keys.reverse();
        let path: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (field, below) = fields.meaning(&path);
        let id = u32::try_from(self.paths.len()).unwrap_or(NONE - 1);
        self.paths.push(Path { parent, key: key.into(), field, below, next: NONE, first: NONE });
        self.children.insert((parent, key.into()), id);
        id
    }

    fn value(&mut self, pass: &mut Pass<'_>, path: u32, depth: usize) -> Result<(), Malformed> {
        pass.blank();
        let (field, below) = self.path(path).map_or((None, false), |path| (path.field, path.below));
        match pass.bytes.get(pass.at) {
            Some(b'"') => {
                pass.at += 1;
                let (start, end) = pass.string()?;
                if field.is_some() || pass.everything {
                    let escaped = memchr::memchr(b'\\', pass.bytes.get(start..end).unwrap_or_default()).is_some();
                    self.put(pass, field, start, end, if escaped { Kind::Escaped } else { Kind::Text });
                }
                Ok(())
            }
            Some(open @ (b'{' | b'[')) => {
                if depth >= DEPTH_MAX {
                    return Err(pass.wrong("nested too deeply"));
                }
                let object = *open == b'{';
                // The items of a list are values of the field itself.
                let own = field.is_some() && !object;
                if !below && !own && !pass.everything {
                    return pass.skip();
                }
                pass.at += 1;
                if object { self.object(pass, path, depth + 1) } else { self.array(pass, path, depth + 1) }
            }
            Some(b'n') => {
                let start = pass.at;
                pass.bare()?;
                self.put(pass, field, start, start, Kind::Null);
                Ok(())
            }
            Some(_) => {
                let start = pass.at;
                pass.bare()?;
                self.put(pass, field, start, pass.at, Kind::Bare);
                Ok(())
            }
            None => Err(pass.wrong("it ends within a value")),
        }
    }

    fn array(&mut self, pass: &mut Pass<'_>, path: u32, depth: usize) -> Result<(), Malformed> {
        pass.blank();
        if pass.take(b']') {
            return Ok(());
        }
        loop {
            self.value(pass, path, depth)?;
            pass.blank();
            if pass.take(b',') {
                continue;
            }
            return pass.expect(b']', "a comma or `]` follows a value");
        }
    }

    fn put(&mut self, pass: &Pass<'_>, field: Option<FieldId>, start: usize, end: usize, kind: Kind) {
        let (start, end) = (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX));
        if let Some(field) = field {
            self.slots.push(Slot { field, start, end, kind });
        }
        if pass.everything && kind != Kind::Null {
            self.slots.push(Slot { field: KEYWORD, start, end, kind });
        }
    }
}

impl Pass<'_> {
    fn wrong(&self, why: &'static str) -> Malformed {
        Malformed { at: self.at, why }
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Malformed> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(why)) }
    }

    /// The text up to the closing quotation mark: start and end.
    fn string(&mut self) -> Result<(usize, usize), Malformed> {
        let start = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(found) = memchr::memchr(b'"', rest) else {
                self.at = self.bytes.len();
                return Err(self.wrong("a text is not closed"));
            };
            let end = self.at + found;
            self.at = end + 1;
            // Looked at from its end: an even number of backslashes before the mark are escapes of one another.
            let before = self.bytes.get(start..end).unwrap_or_default();
            if before.iter().rev().take_while(|byte| **byte == b'\\').count().is_multiple_of(2) {
                return Ok((start, end));
            }
        }
    }

    /// A number, boolean or null.
    fn bare(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while self
            .bytes
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
        {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let taken = matches!(word, b"null" | b"true" | b"false")
            || word.first().is_some_and(|first| first.is_ascii_digit() || *first == b'-');
        if taken { Ok(()) } else { Err(self.wrong("no value")) }
    }

    /// Passes over an object or list that nothing asks for.
    fn skip(&mut self) -> Result<(), Malformed> {
        let mut depth = 0usize;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.wrong("a bracket is not closed")),
                Some(b'"') => {
                    self.at += 1;
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth = depth.saturating_sub(1),
                Some(_) => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// A key of the map of paths that can be asked for without allocating.
trait Child {
    fn parts(&self) -> (u32, &[u8]);
}

impl Child for (u32, Box<[u8]>) {
    fn parts(&self) -> (u32, &[u8]) {
        (self.0, &self.1)
    }
}

impl Child for (u32, &[u8]) {
    fn parts(&self) -> (u32, &[u8]) {
        (self.0, self.1)
    }
}

impl<'a> std::borrow::Borrow<dyn Child + 'a> for (u32, Box<[u8]>) {
    fn borrow(&self) -> &(dyn Child + 'a) {
        self
    }
}

impl std::hash::Hash for dyn Child + '_ {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // As a pair of number and bytes hashes.
        self.parts().hash(state);
    }
}

impl PartialEq for dyn Child + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Child + '_ {}

/// The text of a value between its quotation marks.
pub(crate) fn text_of(raw: &[u8], escaped: bool) -> String {
    let mut text = String::new();
    unescape(raw, escaped, &mut text);
    text
}

/// Puts the text of a value into `out`; an escape that stands for no character becomes U+FFFD.
pub(crate) fn unescape(raw: &[u8], escaped: bool, out: &mut String) {
    out.clear();
    let lossy;
    let mut rest = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(_) => {
            lossy = String::from_utf8_lossy(raw);
            &*lossy
        }
    };
    if !escaped {
        out.push_str(rest);
        return;
    }
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = escape.chars().skip(1);
        let (c, taken) = match chars.next() {
            Some('n') => ('\n', 2),
            Some('r') => ('\r', 2),
            Some('t') => ('\t', 2),
            Some('b') => ('\u{8}', 2),
            Some('f') => ('\u{c}', 2),
            Some('u') => unicode(escape),
            Some(other) => (other, 1 + other.len_utf8()),
            None => ('\u{fffd}', escape.len()),
        };
        out.push(c);
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The character of `\uXXXX`, with its second half where it is a surrogate, and the bytes taken.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |from: usize| escape.get(from..from + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let Some(high) = unit(2) else { return ('\u{fffd}', 2) };
    if let Some(c) = char::from_u32(u32::from(high)) {
        return (c, 6);
    }
    let low = if escape.get(6..8) == Some("\\u") { unit(8) } else { None };
    match low.and_then(|low| char::decode_utf16([high, low]).next()?.ok()) {
        Some(c) => (c, 12),
        None => ('\u{fffd}', 6),
    }
}
