//! Lazaret's extension of CACAO (section 8): what the standard has no property for.
//!
//! On a playbook or a step: `choices`, the only values of a variable. On a while step: `max_iterations`. On an
//! action step: `remind_after`. On an agent: `role`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fault::Log;
use crate::limits::ITERATIONS_MAX;
use crate::node::Node;
use crate::role::Role;

/// The id of the extension's definition.
pub const LAZARET: &str = "extension-definition--b3c2f7a4-9d51-4e08-8c6a-52f0d9e17b36";
/// Who wrote what is shipped.
pub const AUTHOR: &str = "identity--6f1d2c08-4be7-4c93-9a35-0e7d81b4f2ca";

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
