//! The values of a record that the tables ask for, under the names that Sigma's rules use too.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

/// Levels that a record may nest before what lies deeper is passed over.
const DEPTH_MAX: usize = 64;

/// Names that are asked for, each with its place.
#[derive(Debug, Default)]
pub struct Names {
    places: HashMap<String, usize>,
    /// Containers whose members are named as if they stood alone; `*` stands for any one name.
    wrappers: Vec<Vec<String>>,
}

impl Names {
    pub fn new(wrappers: &[String]) -> Self {
        let wrappers = wrappers.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect();
        Self { places: HashMap::new(), wrappers }
    }

    /// The place of a name, a new one at first.
    pub fn place(&mut self, name: &str) -> usize {
        let next = self.places.len();
        *self.places.entry(name.to_owned()).or_insert(next)
    }

    /// How many of the first keys of `path` are wrappers.
    fn off(&self, path: &[&str]) -> usize {
        let fits = |wrapper: &&Vec<String>| {
            wrapper.len() < path.len() && wrapper.iter().zip(path).all(|(part, key)| part == "*" || part == key)
        };
        self.wrappers.iter().filter(fits).map(Vec::len).max().unwrap_or(0)
    }
}

/// The values of one record.
pub struct Values<'a> {
    values: Vec<Option<Cow<'a, str>>>,
}

impl<'a> Values<'a> {
    pub fn of(record: &'a Map<String, Value>, names: &Names) -> Self {
        let mut values = Self { values: vec![None; names.places.len()] };
        let mut path = Vec::new();
        let mut name = String::new();
        for (key, value) in record {
            path.push(key.as_str());
            values.walk(value, &mut path, &mut name, names);
            path.pop();
        }
        values
    }

    fn walk(&mut self, value: &'a Value, path: &mut Vec<&'a str>, name: &mut String, names: &Names) {
        let text = match value {
            Value::Object(members) => {
                if path.len() < DEPTH_MAX {
                    for (key, member) in members {
                        path.push(key);
                        self.walk(member, path, name, names);
                        path.pop();
                    }
                }
                return;
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.walk(item, path, name, names));
                return;
            }
            Value::Null => return,
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        write(name, path.get(names.off(path)..).unwrap_or_default());
        if let Some(slot) = names.places.get(name.as_str()).and_then(|place| self.values.get_mut(*place))
            && slot.is_none()
        {
            *slot = Some(text);
        }
    }

    pub fn get(&self, place: usize) -> Option<&str> {
        self.values.get(place)?.as_deref()
    }

    /// The first of these that has a value.
    pub fn first(&self, places: &[usize]) -> Option<&str> {
        places.iter().find_map(|place| self.get(*place))
    }

    /// The first of these that reads as what is asked for.
    pub fn find<T>(&self, places: &[usize], read: impl Fn(&str) -> Option<T>) -> Option<T> {
        places.iter().filter_map(|place| self.get(*place)).find_map(read)
    }

    /// The first of these of which every part has a value, joined by slashes.
    pub fn joined(&self, names: &[Vec<usize>]) -> Option<Cow<'_, str>> {
        names.iter().find_map(|parts| match parts.as_slice() {
            [one] => self.get(*one).filter(|text| !matches!(*text, "" | "-")).map(Cow::Borrowed),
            many => {
                let parts: Option<Vec<&str>> = many.iter().map(|place| self.get(*place)).collect();
                Some(Cow::Owned(parts?.join("/")))
            }
        })
    }
}

/// The name of a path: `#text` is the element itself, attributes are joined by `_`.
fn write(name: &mut String, path: &[&str]) {
    name.clear();
    if let [element, "#attributes", attribute] = path {
        name.push_str(element);
        name.push('_');
        name.push_str(attribute);
        return;
    }
    for key in path.iter().filter(|key| **key != "#text") {
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(key);
    }
}
