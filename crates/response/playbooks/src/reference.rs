//! Where to read more (section 10.9), and who may be told (section 9).

use std::collections::BTreeMap;

use crate::fault::{Log, shown};
use crate::id::Id;
use crate::node::Node;

/// A source outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its author or title.
    pub name: String,
    /// What it says.
    pub about: Option<String>,
    /// How it is cited.
    pub source: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// Its number there.
    pub number: Option<String>,
}

const KNOWN: &[&str] = &["name", "description", "source", "url", "external_id", "reference_id"];

pub(crate) fn references(node: &Node<'_>, log: &mut Log) -> Vec<Reference> {
    let Some(value) = node.value("external_references") else { return Vec::new() };
    let Some(items) = value.as_array() else {
        log.fault(node.place, "`external_references` is no list", "write it between `[` and `]`");
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        let Some(inner) = Node::of(item, node.place, log) else { continue };
        inner.unknown(&[KNOWN], log);
        if inner.value("name").is_none() {
            log.depart(node.place, "an external reference should have a `name`");
        }
        out.push(Reference {
            name: inner.text("name", log).unwrap_or_default(),
            about: inner.text("description", log),
            source: inner.text("source", log),
            url: inner.text("url", log),
            number: inner.text("external_id", log).or_else(|| inner.text("reference_id", log)),
        });
    }
    out
}

/// Whom a playbook may be shown to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// A level of the Traffic Light Protocol 2, as `TLP:GREEN`.
    Tlp(String),
    /// A statement, as of copyright.
    Statement(String),
    /// A policy of the Information Exchange Policy, by its name.
    Iep(String),
}

/// Levels of the Traffic Light Protocol, version 2.
const TLP: &[&str] = &["TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"];

pub(crate) fn markings(node: &Node<'_>, log: &mut Log) -> BTreeMap<Id, Marking> {
    let mut out = BTreeMap::new();
    for (key, value) in node.map("data_marking_definitions", log).into_iter().flatten() {
        let place = format!("marking {}", shown(key));
        let Some(inner) = Node::of(value, &place, log) else { continue };
        let kind = inner.need_text("type", log);
        let marking = match kind.as_str() {
            "marking-tlp" => {
                let level = inner.need_text("tlpv2_level", log);
                if !TLP.contains(&level.as_str()) {
                    let why = format!("there is no level `{}`", shown(&level));
                    log.fault(&place, why, format!("write one of {}", TLP.join(", ")));
                }
                Marking::Tlp(level)
            }
            "marking-statement" => Marking::Statement(inner.need_text("statement", log)),
            "marking-iep" => Marking::Iep(inner.need_text("name", log)),
            other => {
                let why = format!("there is no marking of type `{}`", shown(other));
                log.fault(&place, why, "write `marking-tlp`, `marking-statement` or `marking-iep`");
                continue;
            }
        };
        if let Some(id) = node.as_id("data_marking_definitions", key, log) {
            out.insert(id, marking);
        }
    }
    out
}
