//! Commands of an action step (section 5): for people, for Lazaret, and those of other systems, which people carry out.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use crate::fault::{Log, shown};
use crate::limits::TEXT_BYTES_MAX;
use crate::node::Node;
use crate::reference::{Reference, references};
use crate::verb::Verb;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is to be done.
    pub what: What,
    /// A sentence about it.
    pub about: String,
    /// The version of the command's type.
    pub version: Option<String>,
    /// What part of a playbook it is (`playbook-activity-type-ov`).
    pub activity: Option<String>,
    /// Where to read more.
    pub references: Vec<Reference>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A person does what is written.
    Manual(String),
    /// Lazaret does it.
    Lazaret {
        /// What.
        verb: Verb,
        /// With what; values may name variables.
        arguments: BTreeMap<String, String>,
    },
    /// A command for another system. Lazaret runs none of these: a person is shown it.
    Foreign(Foreign),
}

/// A command for another system, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its type, as `http-api`.
    pub kind: String,
    /// What is to be run, read from Base64 where it was text.
    pub command: String,
    /// Headers of a request.
    pub headers: Vec<(String, Vec<String>)>,
    /// What is sent with a request.
    pub content: Option<String>,
}

/// Types of section 5 other than `manual`, and what each needs.
const FOREIGN: &[(&str, Needs)] = &[
    ("bash", Needs::Either),
    ("caldera-cmd", Needs::Either),
    ("elastic", Needs::Either),
    ("http-api", Needs::Plain),
    ("jupyter", Needs::Base64),
    ("kestrel", Needs::Either),
    ("openc2-http", Needs::PlainAndContent),
    ("powershell", Needs::Either),
    ("sigma", Needs::Base64),
    ("ssh", Needs::Either),
    ("yara", Needs::Base64),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Either,
    Plain,
    Base64,
    PlainAndContent,
}

const KNOWN: &[&str] = &["type", "description", "version", "playbook_activity", "external_references"];
const TEXTS: &[&str] = &["command", "command_b64"];
const REQUEST: &[&str] = &["headers", "content", "content_b64"];
const OWN: &[&str] = &["verb", "arguments"];

pub(crate) fn read(value: &Value, place: &str, log: &mut Log) -> Option<Command> {
    let node = Node::of(value, place, log)?;
    let kind = node.need_text("type", log);
    let what = match kind.as_str() {
        "manual" => {
            node.unknown(&[KNOWN, TEXTS], log);
            What::Manual(command(&node, log)?)
        }
        "lazaret" => {
            node.unknown(&[KNOWN, OWN], log);
            lazaret(&node, log)?
        }
        _ => What::Foreign(foreign(&node, kind, log)?),
    };
    Some(Command {
        what,
        about: node.text("description", log).unwrap_or_default(),
        version: node.text("version", log),
        activity: node.text("playbook_activity", log),
        references: references(&node, log),
    })
}

fn lazaret(node: &Node<'_>, log: &mut Log) -> Option<What> {
    let name = node.need_text("verb", log);
    let Some(verb) = Verb::parse(&name) else {
        let why = format!("Lazaret has no verb `{}`", shown(&name));
        log.fault(node.place, why, format!("write one of {}", Verb::names()));
        return None;
    };
    let mut arguments = BTreeMap::new();
    if let Some(map) = node.map("arguments", log) {
        let inner = Node { map, place: node.place };
        for name in map.keys() {
            arguments.insert(name.clone(), inner.text(name, log).unwrap_or_default());
        }
    }
    if let Err(why) = verb.check(&arguments) {
        log.fault(node.place, why, "correct its arguments");
    }
    Some(What::Lazaret { verb, arguments })
}

fn foreign(node: &Node<'_>, kind: String, log: &mut Log) -> Option<Foreign> {
    let needs = FOREIGN.iter().find(|(name, _)| *name == kind).map(|(_, needs)| *needs);
    if let Some(needs) = needs {
        let is_request = matches!(needs, Needs::Plain | Needs::PlainAndContent);
        node.unknown(&[KNOWN, TEXTS, if is_request { REQUEST } else { &[] }], log);
        let missing = match needs {
            Needs::Plain if node.value("command").is_none() => Some("command"),
            Needs::PlainAndContent if node.value("command").is_none() => Some("command"),
            Needs::PlainAndContent if node.value("content_b64").is_none() => Some("content_b64"),
            Needs::Base64 if node.value("command_b64").is_none() => Some("command_b64"),
            _ => None,
        };
        if let Some(missing) = missing {
            log.depart(node.place, format!("a command of type `{kind}` should have `{missing}`"));
        }
    } else {
        log.depart(node.place, format!("its type `{}` is none of CACAO 2.0; people are shown it", shown(&kind)));
    }
    let text = if node.value("command").is_some() || node.value("command_b64").is_some() {
        command(node, log)?
    } else if needs.is_none() {
        Value::Object(node.map.clone()).to_string()
    } else {
        log.fault(node.place, "it has neither `command` nor `command_b64`", "say what is to be run");
        return None;
    };
    let mut headers = Vec::new();
    if let Some(map) = node.map("headers", log) {
        let inner = Node { map, place: node.place };
        headers.extend(map.keys().map(|name| (name.clone(), inner.texts(name, log))));
    }
    let content = node.text("content", log).or_else(|| node.text("content_b64", log));
    Some(Foreign { kind, command: text, headers, content })
}

/// `command`, or `command_b64` read.
fn command(node: &Node<'_>, log: &mut Log) -> Option<String> {
    if let Some(text) = node.text("command", log) {
        if text.trim().is_empty() {
            log.fault(node.place, "`command` is empty", "say what is to be done");
            return None;
        }
        return Some(text);
    }
    let Some(coded) = node.text("command_b64", log) else {
        log.fault(node.place, "it has neither `command` nor `command_b64`", "say what is to be done");
        return None;
    };
    let text =
        base64::engine::general_purpose::STANDARD.decode(coded.trim()).ok().and_then(|b| String::from_utf8(b).ok());
    let text = text.filter(|text| !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX);
    if text.is_none() {
        log.fault(node.place, "`command_b64` is no text in Base64", "encode UTF-8 by RFC 4648, section 4");
    }
    text
}
