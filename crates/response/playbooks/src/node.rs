//! One object of JSON, read with what is wrong with it told.

use serde_json::{Map, Value};

use crate::fault::{Log, shown};
use crate::id::Id;
use crate::limits::{TEXT_BYTES_MAX, WAIT_MS_MAX};

/// An object and where it stands.
pub(crate) struct Node<'a> {
    pub(crate) map: &'a Map<String, Value>,
    pub(crate) place: &'a str,
}

impl<'a> Node<'a> {
    pub(crate) fn of(value: &'a Value, place: &'a str, log: &mut Log) -> Option<Self> {
        let map = value.as_object();
        if map.is_none() {
            log.fault(place, "it is no object", "write it between `{` and `}`");
        }
        map.map(|map| Self { map, place })
    }

    /// What is written there; `null` counts as missing.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, key: &str, log: &mut Log) -> Option<String> {
        let value = self.value(key)?;
        let Some(text) = value.as_str() else {
            log.fault(self.place, format!("`{key}` is no text"), "write it between quotation marks");
            return None;
        };
        if text.len() > TEXT_BYTES_MAX {
            let why = format!("`{key}` has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
            log.fault(self.place, why, "shorten it");
            return None;
        }
        Some(text.to_owned())
    }

    pub(crate) fn need_text(&self, key: &str, log: &mut Log) -> String {
        if self.value(key).is_none() {
            log.fault(self.place, format!("`{key}` is missing"), "add it");
        }
        self.text(key, log).unwrap_or_default()
    }

    pub(crate) fn flag(&self, key: &str, log: &mut Log) -> bool {
        let value = self.value(key);
        if value.is_some_and(|value| !value.is_boolean()) {
            log.fault(self.place, format!("`{key}` is neither true nor false"), "write `true` or `false`");
        }
        value.and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number of milliseconds.
    pub(crate) fn wait(&self, key: &str, log: &mut Log) -> Option<i64> {
        let value = self.value(key)?;
        let wait = value.as_i64().filter(|wait| (0..=WAIT_MS_MAX).contains(wait));
        if wait.is_none() {
            let why = format!("`{key}` is not between 0 and {WAIT_MS_MAX}");
            log.fault(self.place, why, "write a whole number of milliseconds, at most 366 days");
        }
        wait
    }

    /// A whole number between 0 and 100 (section 3.1).
    pub(crate) fn rank(&self, key: &str, log: &mut Log) -> Option<u8> {
        let value = self.value(key)?;
        let rank = value.as_u64().and_then(|rank| u8::try_from(rank).ok()).filter(|rank| *rank <= 100);
        if rank.is_none() {
            log.fault(self.place, format!("`{key}` is not between 0 and 100"), "write a whole number in that range");
        }
        rank
    }

    pub(crate) fn id(&self, key: &str, log: &mut Log) -> Option<Id> {
        let text = self.text(key, log)?;
        self.as_id(key, &text, log)
    }

    pub(crate) fn as_id(&self, key: &str, text: &str, log: &mut Log) -> Option<Id> {
        match Id::parse(text) {
            Ok(id) => Some(id),
            Err(error) => {
                log.fault(self.place, format!("`{key}`: {error}"), "correct it");
                None
            }
        }
    }

    pub(crate) fn texts(&self, key: &str, log: &mut Log) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let texts = value.as_array().map(|items| {
            items.iter().map(|item| item.as_str().filter(|t| t.len() <= TEXT_BYTES_MAX).map(str::to_owned)).collect()
        });
        if let Some(Some(texts)) = texts {
            return texts;
        }
        log.fault(self.place, format!("`{key}` is no list of texts"), "write texts between `[` and `]`");
        Vec::new()
    }

    pub(crate) fn ids(&self, key: &str, log: &mut Log) -> Vec<Id> {
        let texts = self.texts(key, log);
        texts.iter().filter_map(|text| self.as_id(key, text, log)).collect()
    }

    pub(crate) fn map(&self, key: &str, log: &mut Log) -> Option<&'a Map<String, Value>> {
        let value = self.value(key)?;
        if !value.is_object() {
            log.fault(self.place, format!("`{key}` is no object"), "write it between `{` and `}`");
        }
        value.as_object()
    }

    /// A time of section 10.16, kept as it is written.
    pub(crate) fn time(&self, key: &str, log: &mut Log) -> Option<Time> {
        let text = self.text(key, log)?;
        let time = text.parse::<jiff::Timestamp>().ok().filter(|_| text.ends_with('Z'));
        if time.is_none() {
            let why = format!("`{key}`, `{}`, is no time", shown(&text));
            log.fault(self.place, why, "write it in UTC, as in `2026-11-29T00:00:00.000Z`");
        }
        time.map(|time| Time { text, at: time.as_millisecond() })
    }

    /// Notes what the standard does not know. Own properties belong into extensions (section 8).
    pub(crate) fn unknown(&self, known: &[&[&str]], log: &mut Log) {
        for key in self.map.keys().filter(|key| !known.iter().any(|list| list.contains(&key.as_str()))) {
            log.depart(self.place, format!("`{}` is no property of CACAO 2.0 and is passed over", shown(key)));
        }
    }
}

/// A time as it is written and in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// As it is written.
    pub text: String,
    /// Milliseconds since 1970, UTC.
    pub at: i64,
}
