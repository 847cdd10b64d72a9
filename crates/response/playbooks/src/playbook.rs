//! A playbook: CACAO 2.0 in JSON, read and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::extension::{self, Binding};
use crate::fault::{Log, ParseError, shown};
use crate::graph;
use crate::id::Id;
use crate::json;
use crate::limits::{BYTES_MAX, STEPS_MAX};
use crate::node::{Node, Time};
use crate::reference::{Marking, Reference, markings, references};
use crate::role::Role;
use crate::step::{self, Kind, Step};
use crate::variable::{self, Variable};

/// A playbook that can be run.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// Its id; versions of one playbook share it.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What it is used for (`playbook-type-ov`).
    pub kinds: Vec<String>,
    /// Who wrote it: an identity of STIX.
    pub created_by: Id,
    /// When it was first written.
    pub created: Time,
    /// When this version was written.
    pub modified: Time,
    /// Whether its author took it back.
    pub is_revoked: bool,
    /// From when on it may be run.
    pub valid_from: Option<Time>,
    /// Until when it may be run.
    pub valid_until: Option<Time>,
    /// Its urgency among others: 1 is the highest, 100 the lowest.
    pub priority: Option<u8>,
    /// How grave what it answers is: 1 to 100.
    pub severity: Option<u8>,
    /// How much running it disturbs: 1 to 100.
    pub impact: Option<u8>,
    /// For which industries (`industry-sector-ov`).
    pub sectors: Vec<String>,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// What it stands on.
    pub references: Vec<Reference>,
    /// Whom it may be shown to.
    pub markings: Vec<Marking>,
    /// Its variables.
    pub variables: BTreeMap<String, Variable>,
    /// Its start step.
    pub start: Id,
    /// The step for failures that nothing else takes care of.
    pub exception: Option<Id>,
    /// Its steps.
    pub steps: BTreeMap<Id, Step>,
    /// Who carries steps out.
    pub agents: BTreeMap<String, Agent>,
    /// On what.
    pub targets: BTreeMap<String, Agent>,
    /// Extensions in use: id and name.
    pub extensions: BTreeMap<String, String>,
    /// Where it departs from the standard without harm.
    pub departures: Vec<String>,
    source: Arc<Value>,
}

/// An agent or a target (section 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its type, as `group`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// The role of those asked, where Lazaret's extension names one.
    pub role: Option<Role>,
}

/// A variable that is a fact of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<'a> {
    /// The step that gives it, with its id, or `the playbook`.
    pub place: String,
    /// The variable, as `__name__`.
    pub name: &'a str,
    /// Its declaration.
    pub variable: &'a Variable,
    /// The fact.
    pub fact: &'a Binding,
}

impl<'a> Bound<'a> {
    fn of(place: String, name: &'a str, variable: &'a Variable) -> Option<Self> {
        Some(Self { place, name, variable, fact: variable.fact.as_ref()? })
    }
}

impl Playbook {
    /// Reads a playbook; `origin` is named in errors.
    ///
    /// # Errors
    /// With all that is wrong, each with its place and what to do.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self, ParseError> {
        let mut log = Log::default();
        let read = read(bytes, &mut log);
        match read {
            Some(mut playbook) if log.faults.is_empty() => {
                playbook.departures = log.departures;
                Ok(playbook)
            }
            _ => Err(ParseError { origin: origin.to_owned(), faults: log.faults }),
        }
    }

    /// The playbook as it was read.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// A step.
    #[must_use]
    pub fn step(&self, id: &Id) -> Option<&Step> {
        self.steps.get(id)
    }

    /// Playbooks that its steps call.
    pub fn calls(&self) -> impl Iterator<Item = &Id> {
        self.steps.values().filter_map(|step| match &step.kind {
            Kind::Call { playbook, .. } => Some(playbook),
            _ => None,
        })
    }

    /// Variables that are facts of an incident: once for each step that gives one, and for the playbook where whoever starts it does.
    #[must_use]
    pub fn facts(&self) -> Vec<Bound<'_>> {
        let mut bound = Vec::new();
        for step in self.steps.values() {
            let gives = match &step.kind {
                Kind::Action { gives, .. } | Kind::Call { gives, .. } => gives.as_slice(),
                _ => &[],
            };
            for (name, variable) in &step.variables {
                bound.extend(Bound::of(step.place(), name, variable));
            }
            let shared = gives.iter().filter(|name| !step.variables.contains_key(*name));
            for (name, variable) in shared.filter_map(|name| self.variables.get_key_value(name)) {
                bound.extend(Bound::of(step.place(), name, variable));
            }
        }
        for (name, variable) in &self.variables {
            if variable.is_external || bound.iter().all(|one| one.name != name) {
                bound.extend(Bound::of(WHOLE.to_owned(), name, variable));
            }
        }
        bound
    }

    /// Variables that whoever starts it has to give a value.
    pub fn asked(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.variables
            .iter()
            .filter(|(_, variable)| variable.is_asked())
            .map(|(name, variable)| (name.as_str(), variable))
    }
}

impl PartialEq for Playbook {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Serialize for Playbook {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Playbook {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let mut log = Log::default();
        let read = of(value, &mut log);
        match read {
            Some(mut playbook) if log.faults.is_empty() => {
                playbook.departures = log.departures;
                Ok(playbook)
            }
            _ => Err(serde::de::Error::custom(ParseError { origin: "a kept playbook".to_owned(), faults: log.faults })),
        }
    }
}

/// What the place of a fault is called that is in no step.
const WHOLE: &str = "the playbook";

fn read(bytes: &[u8], log: &mut Log) -> Option<Playbook> {
    if bytes.len() > BYTES_MAX {
        let why = format!("it has {} bytes, more than {BYTES_MAX}", bytes.len());
        log.fault(WHOLE, why, "split it and call its parts");
        return None;
    }
    match json::read(bytes) {
        Ok(value) => of(value, log),
        Err(error) => {
            log.fault(WHOLE, format!("it is no JSON: {error}"), "correct it there");
            None
        }
    }
}

const KNOWN: &[&str] = &[
    "type",
    "spec_version",
    "id",
    "name",
    "description",
    "playbook_types",
    "playbook_activities",
    "playbook_processing_summary",
    "created_by",
    "created",
    "modified",
    "revoked",
    "valid_from",
    "valid_until",
    "derived_from",
    "related_to",
    "priority",
    "severity",
    "impact",
    "industry_sectors",
    "labels",
    "external_references",
    "markings",
    "playbook_variables",
    "workflow_start",
    "workflow_exception",
    "workflow",
    "playbook_extensions",
    "authentication_info_definitions",
    "agent_definitions",
    "target_definitions",
    "extension_definitions",
    "data_marking_definitions",
    "signatures",
];

fn of(value: Value, log: &mut Log) -> Option<Playbook> {
    let node = Node::of(&value, WHOLE, log)?;
    node.unknown(&[KNOWN], log);
    if node.need_text("type", log) != "playbook" {
        log.fault(WHOLE, "its `type` is not `playbook`", "write `\"type\": \"playbook\"`");
    }
    let version = node.need_text("spec_version", log);
    if version != "cacao-2.0" {
        let why = format!("its `spec_version` is `{}`", shown(&version));
        log.fault(WHOLE, why, "only `cacao-2.0` can be run; convert it");
        return None;
    }
    let defined = markings(&node, log);
    let used: Vec<_> = node.ids("markings", log).iter().filter_map(|id| marking(id, &defined, log)).collect();
    let steps = steps(&node, log);
    if node.value("signatures").is_some() {
        log.depart(WHOLE, "its signatures are kept, and not checked");
    }
    node.ids("derived_from", log);
    node.ids("related_to", log);
    node.texts("playbook_activities", log);
    let id = need_id(&node, "id", log);
    let created_by = need_id(&node, "created_by", log);
    let start = need_id(&node, "workflow_start", log);
    let (created, modified) = (need_time(&node, "created", log), need_time(&node, "modified", log));
    let playbook = Playbook {
        id: id?,
        name: node.need_text("name", log),
        about: node.text("description", log).unwrap_or_default(),
        kinds: node.texts("playbook_types", log),
        created_by: created_by?,
        created: created?,
        modified: modified?,
        is_revoked: node.flag("revoked", log),
        valid_from: node.time("valid_from", log),
        valid_until: node.time("valid_until", log),
        priority: node.rank("priority", log),
        severity: node.rank("severity", log),
        impact: node.rank("impact", log),
        sectors: node.texts("industry_sectors", log),
        labels: node.texts("labels", log),
        references: references(&node, log),
        markings: used,
        variables: variable::read(&node, "playbook_variables", "playbook_extensions", log),
        start: start?,
        exception: node.id("workflow_exception", log),
        steps,
        agents: agents(&node, "agent_definitions", log),
        targets: agents(&node, "target_definitions", log),
        extensions: extensions(&node, log),
        departures: Vec::new(),
        source: Arc::new(Value::Null),
    };
    whole(&playbook, log);
    graph::check(&playbook, log);
    Some(Playbook { source: Arc::new(value), ..playbook })
}

/// What must hold for the playbook as such.
fn whole(playbook: &Playbook, log: &mut Log) {
    if playbook.id.kind() != "playbook" {
        log.fault(WHOLE, format!("its id is `{}`", playbook.id), "write `playbook--UUID`");
    }
    if playbook.name.trim().is_empty() {
        log.fault(WHOLE, "its name is empty", "give it a name");
    }
    for time in [&playbook.created, &playbook.modified] {
        if time.text.len() != "2026-11-29T00:00:00.000Z".len() {
            log.depart(WHOLE, format!("`{}` should have milliseconds: three digits after the point", time.text));
        }
    }
    if playbook.modified.at < playbook.created.at {
        log.fault(WHOLE, "it was modified before it was created", "correct `modified`");
    }
    if let (Some(from), Some(until)) = (&playbook.valid_from, &playbook.valid_until)
        && until.at <= from.at
    {
        log.fault(WHOLE, "its validity ends before it begins", "correct `valid_until`");
    }
    let is_extended = playbook.steps.values().any(|step| {
        matches!(&step.kind, Kind::Action { commands, .. }
            if commands.iter().any(|c| matches!(c.what, crate::command::What::Lazaret { .. })))
    });
    if is_extended && !playbook.extensions.contains_key(extension::LAZARET) {
        let why = format!("it has commands of type `lazaret`, and does not define `{}`", extension::LAZARET);
        log.fault(WHOLE, why, "add it to `extension_definitions`");
    }
}

fn marking(id: &Id, defined: &BTreeMap<Id, Marking>, log: &mut Log) -> Option<Marking> {
    let marking = defined.get(id).cloned();
    if marking.is_none() {
        log.fault(WHOLE, format!("its marking {id} is not defined"), "add it to `data_marking_definitions`");
    }
    marking
}

fn steps(node: &Node<'_>, log: &mut Log) -> BTreeMap<Id, Step> {
    let Some(map) = node.map("workflow", log) else {
        log.fault(WHOLE, "it has no `workflow`", "add its steps");
        return BTreeMap::new();
    };
    if map.len() > STEPS_MAX {
        let why = format!("it has {} steps, more than {STEPS_MAX}", map.len());
        log.fault(WHOLE, why, "split it and call its parts");
        return BTreeMap::new();
    }
    map.iter().filter_map(|(key, value)| step::read(key, value, log)).map(|step| (step.id.clone(), step)).collect()
}

fn agents(node: &Node<'_>, key: &str, log: &mut Log) -> BTreeMap<String, Agent> {
    let mut out = BTreeMap::new();
    for (id, value) in node.map(key, log).into_iter().flatten() {
        let place = format!("`{key}`, {}", shown(id));
        let Some(inner) = Node::of(value, &place, log) else { continue };
        node.as_id(key, id, log);
        let agent = Agent {
            kind: inner.need_text("type", log),
            name: inner.need_text("name", log),
            about: inner.text("description", log).unwrap_or_default(),
            role: extension::role(&inner, log),
        };
        out.insert(id.clone(), agent);
    }
    out
}

fn extensions(node: &Node<'_>, log: &mut Log) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (id, value) in node.map("extension_definitions", log).into_iter().flatten() {
        let place = format!("extension {}", shown(id));
        let Some(inner) = Node::of(value, &place, log) else { continue };
        node.as_id("extension_definitions", id, log);
        for needed in ["type", "created_by", "schema", "version"] {
            inner.need_text(needed, log);
        }
        out.insert(id.clone(), inner.need_text("name", log));
    }
    out
}

fn need_id(node: &Node<'_>, key: &str, log: &mut Log) -> Option<Id> {
    if node.value(key).is_none() {
        log.fault(node.place, format!("`{key}` is missing"), "add it");
    }
    node.id(key, log)
}

fn need_time(node: &Node<'_>, key: &str, log: &mut Log) -> Option<Time> {
    if node.value(key).is_none() {
        log.fault(node.place, format!("`{key}` is missing"), "add it");
    }
    node.time(key, log)
}
