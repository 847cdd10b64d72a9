//! The tables, read and made ready.

use std::collections::{BTreeMap, HashMap};

use detect::logsource::Logsources;
use detect::pattern::{Pattern, fold};
use intake::Family;
use serde::Deserialize;

use super::fields::{Names, Values};
use super::template::{Taken, Template};
use super::{LOGSOURCES_MAX, OTHER};

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
#[error("the table of OCSF classes: {0}")]
pub struct MapError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: Schema,
    class: Vec<ClassEntry>,
    family: Vec<FamilyEntry>,
    map: Vec<MapEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    version: String,
    checked: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassEntry {
    uid: u32,
    name: String,
    activities: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct FamilyEntry {
    name: String,
    #[serde(default)]
    operation: Vec<String>,
    #[serde(flatten)]
    parts: PartsEntry,
}

type When = BTreeMap<String, Vec<String>>;

#[derive(Deserialize, Default)]
struct PartsEntry {
    time: Option<Vec<String>>,
    actor: Option<Vec<String>>,
    ip: Option<Vec<String>>,
    host: Option<Vec<String>>,
    object: Option<Vec<String>>,
    bytes: Option<Vec<String>>,
    code: Option<Vec<String>>,
    failed: Option<When>,
    done: Option<When>,
}

#[derive(Deserialize)]
struct MapEntry {
    family: String,
    #[serde(default)]
    when: When,
    #[serde(default)]
    text: When,
    class: u32,
    activity: u32,
    #[serde(default)]
    by: Vec<ByEntry>,
    #[serde(flatten)]
    parts: PartsEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByEntry {
    when: When,
    activity: u32,
}

/// Classes of OCSF and their activities.
#[derive(Debug, Default)]
pub struct Classes {
    version: String,
    checked: String,
    names: BTreeMap<u32, String>,
    activities: HashMap<(u32, u32), String>,
}

impl Classes {
    /// The version of OCSF, and the day on which the table was held against it.
    #[must_use]
    pub fn dated(&self) -> (&str, &str) {
        (&self.version, &self.checked)
    }

    /// Whether OCSF defines that activity of that class.
    #[must_use]
    pub fn has(&self, class: u32, activity: u32) -> bool {
        self.activities.contains_key(&(class, activity))
    }

    /// The activity's caption.
    #[must_use]
    pub fn name(&self, class: u32, activity: u32) -> Option<&str> {
        self.activities.get(&(class, activity)).map(String::as_str)
    }

    /// Each class's number and name.
    pub fn all(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().map(|(uid, name)| (*uid, name.as_str()))
    }
}

/// Fields, each of which must have one of the values.
#[derive(Debug, Default, Clone)]
struct Condition(Vec<(Vec<usize>, Vec<Pattern>)>);

impl Condition {
    fn holds(&self, values: &Values<'_>) -> bool {
        self.0.iter().all(|(places, wanted)| values.first(places).is_some_and(|value| one_fits(wanted, value)))
    }

    fn any(&self, values: &Values<'_>) -> bool {
        self.0.iter().any(|(places, wanted)| values.first(places).is_some_and(|value| one_fits(wanted, value)))
    }
}

fn one_fits(wanted: &[Pattern], value: &str) -> bool {
    let folded = fold(value);
    wanted.iter().any(|pattern| pattern.fits(&folded))
}

/// Where the parts of a record lie.
#[derive(Debug, Default, Clone)]
pub struct Parts {
    pub time: Vec<usize>,
    pub actor: Vec<Vec<usize>>,
    pub ip: Vec<usize>,
    pub host: Vec<Vec<usize>>,
    pub object: Vec<Vec<usize>>,
    pub bytes: Vec<usize>,
    pub code: Vec<usize>,
    failed: Condition,
    done: Condition,
}

impl Parts {
    /// Whether the record says that it was not done.
    pub fn has_failed(&self, values: &Values<'_>) -> bool {
        let not_done = |(places, wanted): &(Vec<usize>, Vec<Pattern>)| {
            values.first(places).is_some_and(|value| !one_fits(wanted, value))
        };
        self.failed.any(values) || self.done.0.iter().any(not_done)
    }
}

/// What tells a class and an activity.
#[derive(Debug)]
pub struct Rule {
    when: Condition,
    text: Vec<(Vec<usize>, Vec<Template>)>,
    pub class: u32,
    activity: u32,
    by: Vec<(Condition, u32)>,
    pub parts: Parts,
}

impl Rule {
    /// What is taken from the record's texts, where the rule fits.
    pub fn fits<'v>(&self, values: &'v Values<'_>) -> Option<Taken<'v>> {
        if !self.when.holds(values) {
            return None;
        }
        let mut taken = Taken::default();
        for (places, templates) in &self.text {
            let text = values.first(places)?;
            taken = templates.iter().find_map(|template| template.take(text))?;
        }
        Some(taken)
    }

    pub fn activity(&self, values: &Values<'_>) -> u32 {
        self.by.iter().find(|(when, _)| when.holds(values)).map_or(self.activity, |(_, activity)| *activity)
    }
}

/// All that is known of a family.
#[derive(Debug, Default)]
pub struct Spread {
    pub parts: Parts,
    pub operation: Vec<usize>,
    pub rules: Vec<Rule>,
    /// Where a record says class and activity itself.
    pub own: (Option<usize>, Option<usize>),
}

/// A log source: whose records, which fields have which values, its name.
#[derive(Debug)]
struct Source {
    family: Option<Family>,
    when: Vec<(usize, Vec<Pattern>)>,
    name: String,
}

#[derive(Debug)]
pub struct Table {
    pub names: Names,
    pub classes: Classes,
    pub families: HashMap<Family, Spread>,
    sources: Vec<Source>,
    /// Fields that tell log sources, each once.
    telling: Vec<usize>,
}

impl Table {
    pub fn shipped() -> Result<Self, MapError> {
        let logsources = Logsources::shipped().map_err(|error| MapError(error.to_string()))?;
        Self::parse(include_str!("../../../../../content/detection/ocsf.toml"), &logsources)
    }

    pub fn parse(text: &str, logsources: &Logsources) -> Result<Self, MapError> {
        let file: File = toml::from_str(text).map_err(|error| MapError(error.to_string()))?;
        let classes = classes(file.schema, file.class)?;
        let mut names = Names::new(&logsources.wrappers);
        let mut families: HashMap<Family, Spread> = HashMap::new();
        for entry in file.family {
            let family = named(&entry.name)?;
            let operation: Vec<usize> = entry.operation.iter().map(|name| names.place(name)).collect();
            let parts = parts(entry.parts, &Parts::default(), &operation, &mut names);
            let own = (Some(names.place("class_uid")), Some(names.place("activity_id")));
            families.insert(family, Spread { parts, operation, rules: Vec::new(), own });
        }
        for entry in file.map {
            let family = named(&entry.family)?;
            let spread = families.get_mut(&family);
            let spread = spread.ok_or_else(|| MapError(format!("`{}` maps and is no family", entry.family)))?;
            let rule = rule(entry, spread, &classes, &mut names)?;
            spread.rules.push(rule);
        }
        let (sources, telling) = sources(logsources, &mut names);
        Ok(Self { names, classes, families, sources, telling })
    }

    /// The log sources that a record belongs to.
    pub fn logsources(&self, family: Family, values: &Values<'_>) -> Vec<String> {
        let folded: HashMap<usize, String> =
            self.telling.iter().filter_map(|place| Some((*place, fold(values.get(*place)?)))).collect();
        let tells = |source: &&Source| {
            source.family.is_none_or(|of| of == family)
                && source.when.iter().all(|(place, wanted)| {
                    folded.get(place).is_some_and(|value| wanted.iter().any(|pattern| pattern.fits(value)))
                })
        };
        let mut told: Vec<String> = Vec::new();
        for source in self.sources.iter().filter(tells) {
            if told.len() < LOGSOURCES_MAX && !told.contains(&source.name) {
                told.push(source.name.clone());
            }
        }
        told
    }
}

fn named(name: &str) -> Result<Family, MapError> {
    Family::named(name).ok_or_else(|| MapError(format!("`{name}` is no family")))
}

fn classes(schema: Schema, entries: Vec<ClassEntry>) -> Result<Classes, MapError> {
    let mut classes = Classes { version: schema.version, checked: schema.checked, ..Classes::default() };
    for entry in entries {
        // Every class has these two (OCSF 1.5, base_event).
        classes.activities.insert((entry.uid, 0), "Unknown".to_owned());
        classes.activities.insert((entry.uid, OTHER), "Other".to_owned());
        for (number, caption) in entry.activities {
            let number = number.parse().map_err(|error| MapError(format!("activity `{number}`: {error}")))?;
            classes.activities.insert((entry.uid, number), caption);
        }
        classes.names.insert(entry.uid, entry.name);
    }
    Ok(classes)
}

fn rule(entry: MapEntry, spread: &Spread, classes: &Classes, names: &mut Names) -> Result<Rule, MapError> {
    let operation = &spread.operation;
    let mut by = Vec::new();
    for choice in entry.by {
        by.push((condition(choice.when, operation, names), choice.activity));
    }
    for activity in by.iter().map(|(_, activity)| *activity).chain([entry.activity]) {
        if !classes.has(entry.class, activity) {
            return Err(MapError(format!("class {} has no activity {activity}", entry.class)));
        }
    }
    let mut text = Vec::new();
    for (field, templates) in entry.text {
        let read = |template: &String| {
            Template::parse(template).ok_or_else(|| MapError(format!("`{template}` is no template")))
        };
        let templates = templates.iter().map(read).collect::<Result<_, _>>()?;
        text.push((vec![names.place(&field)], templates));
    }
    Ok(Rule {
        when: condition(entry.when, operation, names),
        text,
        class: entry.class,
        activity: entry.activity,
        by,
        parts: parts(entry.parts, &spread.parts, operation, names),
    })
}

fn condition(when: When, operation: &[usize], names: &mut Names) -> Condition {
    let read = |(field, wanted): (String, Vec<String>)| {
        // `operation` stands for the family's fields of that kind.
        let places =
            if field == "operation" && !operation.is_empty() { operation.to_vec() } else { vec![names.place(&field)] };
        (places, wanted.iter().map(|value| Pattern::parse(value).folded()).collect())
    };
    Condition(when.into_iter().map(read).collect())
}

fn parts(entry: PartsEntry, family: &Parts, operation: &[usize], names: &mut Names) -> Parts {
    let one = |given: Option<Vec<String>>, usual: &[usize], names: &mut Names| {
        given.map_or_else(|| usual.to_vec(), |given| given.iter().map(|name| names.place(name)).collect())
    };
    let joined = |given: Option<Vec<String>>, usual: &[Vec<usize>], names: &mut Names| {
        let split = |name: &String, names: &mut Names| name.split(" + ").map(|part| names.place(part)).collect();
        given.map_or_else(|| usual.to_vec(), |given| given.iter().map(|name| split(name, names)).collect())
    };
    Parts {
        time: one(entry.time, &family.time, names),
        actor: joined(entry.actor, &family.actor, names),
        ip: one(entry.ip, &family.ip, names),
        host: joined(entry.host, &family.host, names),
        object: joined(entry.object, &family.object, names),
        bytes: one(entry.bytes, &family.bytes, names),
        code: one(entry.code, &family.code, names),
        failed: entry.failed.map_or_else(|| family.failed.clone(), |when| condition(when, operation, names)),
        done: entry.done.map_or_else(|| family.done.clone(), |when| condition(when, operation, names)),
    }
}

fn sources(logsources: &Logsources, names: &mut Names) -> (Vec<Source>, Vec<usize>) {
    let mut telling = Vec::new();
    let mut sources = Vec::new();
    for source in &logsources.sources {
        let mut when = Vec::new();
        for (field, wanted) in &source.when {
            let place = names.place(field);
            if !telling.contains(&place) {
                telling.push(place);
            }
            when.push((place, wanted.clone()));
        }
        let of = &source.logsource;
        let name: Vec<&str> =
            [&of.product, &of.service, &of.category].into_iter().flatten().map(String::as_str).collect();
        let family = source.family.as_deref();
        // A source of a family that intake does not know can never be told.
        if family.is_none_or(|family| Family::named(family).is_some()) {
            sources.push(Source { family: family.and_then(Family::named), when, name: name.join("/") });
        }
    }
    (sources, telling)
}
