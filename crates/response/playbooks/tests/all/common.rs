//! What the tests share: playbooks in few words, and answers for whatever a run asks.

use std::collections::BTreeMap;

use playbooks::{Input, Playbook, Run, Todo};
use serde_json::{Value, json};

pub const T0: i64 = 1_795_910_400_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
const LAZARET: &str = playbooks::extension::LAZARET;

/// `action--…` with a number in its UUID.
pub fn id(kind: &str, number: u32) -> String {
    format!("{kind}--00000000-0000-4000-8000-{number:012}")
}

pub fn agent() -> String {
    id("group", 900)
}

pub fn ask(name: &str, text: &str, next: &str) -> Value {
    json!({ "type": "action", "name": name, "agent": agent(), "on_completion": next,
            "commands": [{ "type": "manual", "command": text }] })
}

pub fn act(name: &str, verb: &str, arguments: Value, next: &str) -> Value {
    json!({ "type": "action", "name": name, "agent": agent(), "on_completion": next,
            "commands": [{ "type": "lazaret", "verb": verb, "arguments": arguments }] })
}

/// A playbook with these variables and steps, of which `first` is the first after the start.
pub fn book(number: u32, first: &str, variables: Value, steps: &[(String, Value)]) -> Value {
    let start = id("start", number);
    let mut workflow = serde_json::Map::new();
    workflow.insert(start.clone(), json!({ "type": "start", "on_completion": first }));
    for (key, step) in steps {
        workflow.insert(key.clone(), step.clone());
    }
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": id("playbook", number), "name": format!("Playbook {number}"),
        "created_by": "identity--00000000-0000-4000-8000-000000000001",
        "created": "2026-11-29T00:00:00.000Z", "modified": "2026-11-29T00:00:00.000Z",
        "playbook_variables": variables, "workflow_start": start, "workflow": workflow,
        "agent_definitions": { agent(): { "type": "group", "name": "The team",
            "agent_target_extensions": { LAZARET: { "role": "it" } } } },
        "extension_definitions": { LAZARET: { "type": "extension-definition", "name": "Lazaret",
            "created_by": "identity--00000000-0000-4000-8000-000000000001", "schema": "see there", "version": "1.0.0" } },
    })
}

pub fn parse(value: &Value) -> Playbook {
    Playbook::parse(value.to_string().as_bytes(), "test").unwrap()
}

pub fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

pub fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn answer(task: u32, pairs: &[(&str, &str)]) -> Input {
    Input::Answered { task, who: "ana".to_owned(), note: "done".to_owned(), values: values(pairs) }
}

pub fn fail(task: u32) -> Input {
    Input::Refused { task, who: "ben".to_owned(), why: "it is locked".to_owned() }
}

/// Numbers and names of what is open.
pub fn open(run: &Run) -> Vec<(u32, String)> {
    run.open()
        .into_iter()
        .map(|todo| match todo {
            Todo::Ask(ask) => (ask.task, ask.name),
            Todo::Act(act) => (act.task, act.name),
            Todo::Remind { task } | Todo::Withdraw { task } => (task, "not open".to_owned()),
        })
        .collect()
}

/// The only open task of that name.
pub fn task(run: &Run, name: &str) -> u32 {
    let open = open(run);
    open.iter().find(|(_, open)| open == name).unwrap_or_else(|| panic!("no `{name}` among {open:?}")).0
}
