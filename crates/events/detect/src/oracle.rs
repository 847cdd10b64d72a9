//! The slow and obvious way to try rules on an event, to hold the fast one to.

use crate::logsource::Logsources;
use crate::pattern::fold;
use crate::rule::{Expression, Rule};
use crate::test::{Place, Test};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The values of an event's fields, by their names; `None` is JSON's null.
#[derive(Debug, Default)]
pub struct Event {
    fields: BTreeMap<String, Vec<Option<String>>>,
    /// Every text and number in it.
    texts: Vec<String>,
}

impl Event {
    /// Names the values of a JSON object as rules name them.
    pub fn new(json: &Value, logsources: &Logsources) -> Self {
        let mut event = Self::default();
        event.walk(json, &[], logsources);
        event
    }

    fn walk(&mut self, value: &Value, path: &[&str], logsources: &Logsources) {
        let scalar = match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
                    self.walk(member, &path, logsources);
                }
                return;
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.walk(item, path, logsources));
                return;
            }
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        self.texts.extend(scalar.clone());
        for name in names(path, &logsources.wrappers) {
            self.fields.entry(name).or_default().push(scalar.clone());
        }
    }

    fn values(&self, field: &str, aliases: &[(&str, &str)]) -> &[Option<String>] {
        let own = self.fields.get(field).or_else(|| {
            aliases.iter().filter(|(name, _)| *name == field).find_map(|(_, other)| self.fields.get(*other))
        });
        own.map_or(&[], Vec::as_slice)
    }

    fn first(&self, field: &str) -> Option<Cow<'_, str>> {
        self.fields.get(field)?.iter().flatten().next().map(|text| Cow::Borrowed(text.as_str()))
    }
}

/// The names of a path: the longest wrapper is taken off, `#text` is the element itself, attributes are joined by `_`.
fn names(path: &[&str], wrappers: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let off = wrappers
        .iter()
        .filter(|wrapper| {
            let parts: Vec<&str> = wrapper.split('.').collect();
            parts.len() < path.len() && parts.iter().zip(path).all(|(part, key)| *part == "*" || part == key)
        })
        .map(|wrapper| wrapper.split('.').count())
        .max()
        .unwrap_or(0);
    let rest: Vec<&str> = path.iter().skip(off).copied().filter(|key| *key != "#text").collect();
    names.push(match rest.as_slice() {
        [element, "#attributes", attribute] => format!("{element}_{attribute}"),
        other => other.join("."),
    });
    names
}

/// The indices of the rules that match, in order.
pub fn matches(rules: &[Rule], logsources: &Logsources, family: &str, json: &Value) -> Vec<usize> {
    let event = Event::new(json, logsources);
    let sources: Vec<_> =
        logsources.sources.iter().filter(|source| source.tells(family, |field| event.first(field))).collect();
    let aliases: Vec<(&str, &str)> = sources
        .iter()
        .flat_map(|source| {
            source
                .fields
                .iter()
                .flat_map(|(name, others)| others.iter().map(move |other| (name.as_str(), other.as_str())))
        })
        .collect();
    rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| sources.iter().any(|source| rule.logsource.covers(&source.logsource)))
        .filter(|(_, rule)| holds(&rule.expression, &event, &aliases))
        .map(|(index, _)| index)
        .collect()
}

fn holds(expression: &Expression, event: &Event, aliases: &[(&str, &str)]) -> bool {
    match expression {
        Expression::All(parts) => parts.iter().all(|part| holds(part, event, aliases)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, event, aliases)),
        Expression::Not(part) => !holds(part, event, aliases),
        Expression::Keyword(test) => event.texts.iter().any(|text| one(test, text)),
        Expression::Field(field, test) => {
            let values = event.values(field, aliases);
            match test {
                Test::Null => values.iter().all(Option::is_none),
                Test::Exists(wanted) => values.is_empty() != *wanted,
                Test::FieldRef(place, other) => values.iter().flatten().any(|value| {
                    event.values(other, aliases).iter().flatten().any(|other| stands(*place, value, other))
                }),
                test => values.iter().flatten().any(|value| one(test, value)),
            }
        }
    }
}

/// Whether two texts stand so, without regard to case.
pub(crate) fn stands(place: Place, value: &str, other: &str) -> bool {
    let (value, other) = (fold(value), fold(other));
    match place {
        Place::Equal => value == other,
        Place::Start => value.starts_with(&other),
        Place::End => value.ends_with(&other),
        Place::Within => value.contains(&other),
    }
}

/// Whether a single value passes a test that needs nothing else.
pub fn one(test: &Test, value: &str) -> bool {
    match test {
        Test::Text(pattern) if pattern.cased => pattern.fits(value),
        Test::Text(pattern) => pattern.fits(&fold(value)),
        Test::Regex(expression) => expression.regex().is_match(value),
        Test::Cidr(network) => network.holds(value),
        Test::Compare(order, number) => order.holds(value, *number),
        Test::TimePart(part, number) => part.of(value) == Some(*number),
        Test::Null | Test::Exists(_) | Test::FieldRef(..) | Test::Never => false,
    }
}
