//! One table of the file: its fields taken one by one, and what nobody took is unknown.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::Faults;
use super::{LINE_CHARS_MAX, LIST_MAX, shape};

/// A text and where it stands.
pub(super) type Placed = (String, Range<usize>);

/// A table that is being read.
pub(super) struct Entry<'a, 'i> {
    table: &'a DeTable<'i>,
    /// What it is called in messages.
    pub(super) place: String,
    /// Where it stands.
    pub(super) at: Range<usize>,
    known: Vec<&'static str>,
}

/// What a field should look like.
pub(super) struct Shape {
    holds: fn(&str) -> bool,
    remedy: &'static str,
}

pub(super) const EMAIL: Shape =
    Shape { holds: shape::is_email, remedy: "write an address such as `name@example.org`, without a name before it" };
pub(super) const PHONE: Shape =
    Shape { holds: shape::is_phone, remedy: "write a number such as `+00 00 0000-000` or `112`, digits only" };
pub(super) const URL: Shape =
    Shape { holds: shape::is_url, remedy: "write the whole address, from `https://` on, without blanks" };
pub(super) const LANGUAGE: Shape =
    Shape { holds: shape::is_language, remedy: "write codes of languages such as `en`, `de` or `ja`" };
pub(super) const ID: Shape =
    Shape { holds: shape::is_id, remedy: "an id is 1 to 64 letters, digits, `-`, `.` and `_`" };
pub(super) const ANY: Shape = Shape { holds: |_| true, remedy: "" };

impl<'a, 'i> Entry<'a, 'i> {
    pub(super) fn new(table: &'a DeTable<'i>, place: String, at: Range<usize>) -> Self {
        Self { table, place, at, known: Vec::new() }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.get(key)
    }

    fn wrong_type(&self, log: &mut Faults<'_>, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let why = format!("`{key}` is of type {}", value.get_ref().type_str());
        log.add(Some(value.span()), &self.place, why, format!("write {wanted}"));
    }

    /// A text of one line, trimmed, if there is one.
    pub(super) fn text(&mut self, log: &mut Faults<'_>, key: &'static str, shape: &Shape) -> Option<String> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(log, key, value, "a text in quotes");
            return None;
        };
        self.line(log, key, text, value.span(), shape)
    }

    /// A text of several lines, if there is one.
    pub(super) fn note(&mut self, log: &mut Faults<'_>, key: &'static str, chars_max: usize) -> Option<String> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(log, key, value, "a text in quotes");
            return None;
        };
        self.plain(log, key, &text.replace(['\n', '\t'], " "), value.span(), chars_max)
    }

    /// A text of one line that has to be there.
    pub(super) fn needed(&mut self, log: &mut Faults<'_>, key: &'static str, shape: &Shape) -> Option<Placed> {
        match self.value(key) {
            None => {
                log.add(
                    Some(self.at.clone()),
                    &self.place,
                    format!("`{key}` is missing"),
                    format!("add `{key} = \"…\"`"),
                );
                None
            }
            Some(value) => self.text(log, key, shape).map(|text| (text, value.span())),
        }
    }

    /// A list of texts; one text alone is taken for a list of one.
    pub(super) fn texts(&mut self, log: &mut Faults<'_>, key: &'static str, shape: &Shape) -> Vec<Placed> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let items: Vec<&Spanned<DeValue<'i>>> = match value.get_ref() {
            DeValue::Array(all) => all.iter().collect(),
            DeValue::String(_) => vec![value],
            _ => {
                self.wrong_type(log, key, value, "a list of texts such as `[\"…\", \"…\"]`");
                return Vec::new();
            }
        };
        if items.len() > LIST_MAX {
            let why = format!("`{key}` has {} items", items.len());
            log.add(Some(value.span()), &self.place, why, format!("{LIST_MAX} are the most"));
            return Vec::new();
        }
        let mut found: Vec<Placed> = Vec::new();
        for item in items {
            let Some(text) = item.get_ref().as_str() else {
                self.wrong_type(log, key, item, "texts in quotes");
                continue;
            };
            let Some(text) = self.line(log, key, text, item.span(), shape) else { continue };
            if found.iter().any(|(one, _)| *one == text) {
                let why = format!("`{key}` names `{text}` twice");
                log.add(Some(item.span()), &self.place, why, "take one of them out");
            } else {
                found.push((text, item.span()));
            }
        }
        found
    }

    /// A whole number within a range, if there is one.
    pub(super) fn number(&mut self, log: &mut Faults<'_>, key: &'static str, range: Range<u32>) -> Option<u32> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer().and_then(|digits| {
            u32::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|number| range.contains(number))
        });
        if number.is_none() {
            let remedy = format!("write a whole number from {} to {}", range.start, range.end.saturating_sub(1));
            log.add(Some(value.span()), &self.place, format!("`{key}` is no such number"), remedy);
        }
        number
    }

    /// Tables of a list, each with its place in messages.
    pub(super) fn entries(&mut self, log: &mut Faults<'_>, key: &'static str) -> Vec<Entry<'a, 'i>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(all) = value.get_ref().as_array() else {
            self.wrong_type(log, key, value, &format!("`[[{key}]]` above each entry"));
            return Vec::new();
        };
        let mut entries = Vec::with_capacity(all.len().min(LIST_MAX));
        for (index, item) in all.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(table) => entries.push(Entry::new(table, format!("{key} no. {}", index + 1), item.span())),
                None => self.wrong_type(log, key, item, "a table"),
            }
        }
        entries
    }

    /// One table.
    pub(super) fn entry(&mut self, log: &mut Faults<'_>, key: &'static str) -> Option<Entry<'a, 'i>> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(log, key, value, &format!("`[{key}]` once"));
        }
        Some(Entry::new(table?, key.to_owned(), value.span()))
    }

    /// Names the fields that nobody took.
    pub(super) fn finish(self, log: &mut Faults<'_>) {
        for key in self.table.keys() {
            if !self.known.contains(&key.get_ref().as_ref()) {
                let why = format!("there is no field `{}`", shown(key.get_ref()));
                log.add(Some(key.span()), &self.place, why, format!("known are {}", self.known.join(", ")));
            }
        }
    }

    fn line(&self, log: &mut Faults<'_>, key: &str, text: &str, at: Range<usize>, shape: &Shape) -> Option<String> {
        let text = self.plain(log, key, text, at.clone(), LINE_CHARS_MAX)?;
        if (shape.holds)(&text) {
            return Some(text);
        }
        log.add(Some(at), &self.place, format!("`{key}` cannot be `{}`", shown(&text)), shape.remedy);
        None
    }

    fn plain(&self, log: &mut Faults<'_>, key: &str, text: &str, at: Range<usize>, chars_max: usize) -> Option<String> {
        let text = text.trim();
        let (why, remedy) = if text.is_empty() {
            (format!("`{key}` is empty"), "write it, or take the field out".to_owned())
        } else if text.chars().count() > chars_max {
            (format!("`{key}` is too long"), format!("{chars_max} characters are the most"))
        } else if !text.chars().all(shape::is_plain) {
            (format!("`{key}` has characters that cannot be printed"), "write it on one line, by hand".to_owned())
        } else {
            return Some(text.to_owned());
        };
        log.add(Some(at), &self.place, why, remedy);
        None
    }
}

/// A text as it may stand in a message: on one line, not too long.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if shape::is_plain(c) { c } else { ' ' }).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}
