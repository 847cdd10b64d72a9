//! Lazaret's extension of CACAO (section 8): what the standard has no property for.
//!
//! On a playbook or a step: `choices`, the only values of a variable, and `facts`, the facts of an incident that variables are. On a
//! while step: `max_iterations`. On an action step: `remind_after`. On an agent: `role`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::{Log, shown};
use crate::limits::ITERATIONS_MAX;
use crate::node::Node;
use crate::role::Role;

/// The id of the extension's definition.
pub const LAZARET: &str = "extension-definition--b3c2f7a4-9d51-4e08-8c6a-52f0d9e17b36";
/// Who wrote what is shipped.
pub const AUTHOR: &str = "identity--6f1d2c08-4be7-4c93-9a35-0e7d81b4f2ca";

/// The fact of an incident that a variable is. Which facts there are is for whoever runs playbooks to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The fact.
    pub fact: String,
    /// For a fact that counts people: where those live whom the variable counts; `*` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
    /// What values of the variable say of the fact, texts or flags; empty: the value is the fact. A value that is not listed says nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
}

/// What this object says in Lazaret's extension; `key` is the property that holds extensions.
fn own<'a>(node: &Node<'a>, key: &str, log: &mut Log) -> Option<&'a Map<String, Value>> {
    let own = node.map(key, log)?.get(LAZARET)?;
    if !own.is_object() {
        log.fault(
            node.place,
            format!("Lazaret's extension below `{key}` is no object"),
            "write it between `{` and `}`",
        );
    }
    own.as_object()
}

pub(crate) fn choices(node: &Node<'_>, key: &str, log: &mut Log) -> BTreeMap<String, Vec<String>> {
    let mut choices = BTreeMap::new();
    let Some(map) = own(node, key, log) else { return choices };
    let own = Node { map, place: node.place };
    let Some(lists) = own.map("choices", log) else { return choices };
    let lists = Node { map: lists, place: node.place };
    for name in lists.map.keys() {
        choices.insert(name.clone(), lists.texts(name, log));
    }
    choices
}

/// The facts that variables are, by variable.
pub(crate) fn facts(node: &Node<'_>, key: &str, log: &mut Log) -> BTreeMap<String, Binding> {
    let mut facts = BTreeMap::new();
    let Some(map) = own(node, key, log) else { return facts };
    let own = Node { map, place: node.place };
    for (name, value) in own.map("facts", log).into_iter().flatten() {
        let place = format!("{}, fact of `{}`", node.place, shown(name));
        let Some(inner) = Node::of(value, &place, log) else { continue };
        for key in inner.map.keys().filter(|key| !["fact", "jurisdiction", "values"].contains(&key.as_str())) {
            log.fault(&place, format!("it has no `{}`", shown(key)), "write `fact`, `jurisdiction`, `values`");
        }
        let mut values = BTreeMap::new();
        for (word, says) in inner.map("values", log).into_iter().flatten() {
            if !says.is_string() && !says.is_boolean() {
                log.fault(&place, format!("`{}` says neither a text nor a flag", shown(word)), "write one of them");
            }
            values.insert(word.clone(), says.clone());
        }
        let fact = inner.need_text("fact", log);
        facts.insert(name.clone(), Binding { fact, jurisdiction: inner.text("jurisdiction", log), values });
    }
    facts
}

pub(crate) fn iterations(node: &Node<'_>, log: &mut Log) -> Option<u32> {
    let most = own(node, "step_extensions", log)?.get("max_iterations")?;
    let most = most.as_u64().and_then(|most| u32::try_from(most).ok()).filter(|m| (1..=ITERATIONS_MAX).contains(m));
    if most.is_none() {
        let why = format!("`max_iterations` is not between 1 and {ITERATIONS_MAX}");
        log.fault(node.place, why, "write a whole number in that range");
    }
    most
}

/// After how many milliseconds somebody is reminded; nothing fails then.
pub(crate) fn reminder(node: &Node<'_>, log: &mut Log) -> Option<i64> {
    let map = own(node, "step_extensions", log)?;
    Node { map, place: node.place }.wait("remind_after", log).filter(|wait| *wait > 0)
}

pub(crate) fn role(node: &Node<'_>, log: &mut Log) -> Option<Role> {
    let role = own(node, "agent_target_extensions", log)?.get("role")?.as_str().unwrap_or_default();
    let known = Role::parse(role);
    if known.is_none() {
        let why = format!("there is no role `{}`", crate::fault::shown(role));
        log.fault(node.place, why, format!("write one of {}", Role::names()));
    }
    known
}
