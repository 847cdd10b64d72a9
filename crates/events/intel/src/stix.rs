//! STIX 2.1 bundles (OASIS STIX Version 2.1): indicators (section 4.7), and the malware, actors and vulnerabilities that
//! relationships (section 5.1) tie them to.

mod lexer;
mod lower;
pub mod pattern;

use std::collections::HashMap;

use serde_json::Value;

use crate::indicator::{Context, Looks, Reference};
use crate::normal::shortened;
use crate::parse::{Draft, Out};
use crate::time::milliseconds;

/// Relationships that are followed from one indicator, at most.
const LINKS_MAX: usize = 256;

/// A thing that an indicator may point to.
struct Thing<'a> {
    kind: &'a str,
    name: String,
}

/// Reads a bundle, an envelope, a list of objects, or a single object.
pub(crate) fn read(value: &Value, out: &mut Out<'_>) {
    let objects: &[Value] = match value {
        Value::Array(objects) => objects,
        other => match other.get("objects").and_then(Value::as_array) {
            Some(objects) => objects,
            // Some senders put a lone object where section 8.1 wants a bundle.
            None => std::slice::from_ref(other),
        },
    };
    let (things, links) = index(objects);
    for (at, object) in objects.iter().enumerate() {
        match field(object, "type") {
            "indicator" => indicator(object, at, &things, &links, out),
            "" => out.problem(&format!("objects[{at}]"), "`type` is missing".to_owned()),
            "bundle" if objects.len() == 1 => out.warn("the feed", "the bundle holds no objects".to_owned()),
            "vulnerability"
            | "malware"
            | "threat-actor"
            | "intrusion-set"
            | "campaign"
            | "tool"
            | "relationship"
            | "attack-pattern"
            | "identity"
            | "marking-definition"
            | "infrastructure"
            | "extension-definition" => {}
            _ => out
                .count(&format!("objects[{at}]"), "objects other than indicators and what they point to are not used"),
        }
    }
}

type Links<'a> = HashMap<&'a str, Vec<&'a str>>;

fn index(objects: &[Value]) -> (HashMap<&str, Thing<'_>>, Links<'_>) {
    let (mut things, mut links) = (HashMap::new(), Links::new());
    for object in objects {
        if object.get("revoked").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        match field(object, "type") {
            kind @ ("malware" | "tool" | "threat-actor" | "intrusion-set" | "campaign" | "attack-pattern") => {
                things.insert(field(object, "id"), Thing { kind, name: field(object, "name").to_owned() });
            }
            "relationship" => {
                let (from, to) = (field(object, "source_ref"), field(object, "target_ref"));
                links.entry(from).or_default().push(to);
                // Malware that an actor uses is tied from the actor's side (section 4.17.2).
                if field(object, "relationship_type") == "uses" {
                    links.entry(to).or_default().push(from);
                }
            }
            _ => {}
        }
    }
    (things, links)
}

fn indicator(object: &Value, at: usize, things: &HashMap<&str, Thing<'_>>, links: &Links<'_>, out: &mut Out<'_>) {
    let id = field(object, "id");
    let place = if id.is_empty() { format!("objects[{at}]") } else { id.to_owned() };
    if id.is_empty() {
        return out.problem(&place, "`id` is missing: a later version could not replace it".to_owned());
    }
    let text = field(object, "pattern");
    let kind = field(object, "pattern_type");
    let looks = if text.is_empty() {
        return out.problem(&place, "`pattern` is missing".to_owned());
    } else if !matches!(kind, "stix" | "") {
        // Only STIX 2.0 had no `pattern_type`.
        kept(text, format!("its language is `{}`, not stix", shortened(kind)))
    } else {
        match pattern::parse(text) {
            Ok(parsed) => lower::looks(&parsed).map_or_else(|why| kept(text, why), Looks::For),
            Err(error) => kept(text, error.to_string()),
        }
    };
    match &looks {
        Looks::Kept { why, .. } => out.warn(&place, format!("kept, but not matched: {why}")),
        Looks::For(expression) => expression.atoms(&mut |atom| {
            if let Some(why) = out.benign.why(atom) {
                out.warn(&place, format!("{why}; taken, because the pattern names it"));
            }
        }),
    }
    let time = |key: &str, out: &mut Out<'_>| {
        let text = field(object, key);
        let read = milliseconds(text);
        if read.is_none() && !text.is_empty() {
            out.warn(&place, format!("`{key}` is `{}`, which is no time", shortened(text)));
        }
        read
    };
    let (since_ms, until_ms) = (time("valid_from", out), time("valid_until", out));
    if let (Some(since), Some(until)) = (since_ms, until_ms)
        && until <= since
    {
        out.warn(&place, "`valid_until` is not after `valid_from`: it never holds".to_owned());
    }
    let mut context = Context {
        name: Some(field(object, "name").to_owned()).filter(|name| !name.is_empty()),
        labels: texts(object, "indicator_types").chain(texts(object, "labels")).collect(),
        phases: list(object, "kill_chain_phases")
            .iter()
            .map(|phase| format!("{}:{}", field(phase, "kill_chain_name"), field(phase, "phase_name")))
            .collect(),
        references: references(object),
        ..Context::default()
    };
    follow(id, things, links, &mut context);
    let named_ms = milliseconds(field(object, "modified")).max(since_ms);
    let confidence = object
        .get("confidence")
        .and_then(Value::as_u64)
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| *value <= 100);
    out.add(Draft {
        since_ms,
        until_ms,
        named_ms,
        revoked: object.get("revoked").and_then(Value::as_bool) == Some(true),
        confidence,
        context,
        ..Draft::new(id.to_owned(), looks)
    });
}

fn kept(pattern: &str, why: String) -> Looks {
    Looks::Kept { pattern: pattern.to_owned(), why }
}

/// Names what an indicator points to, and who uses what it points to.
fn follow(id: &str, things: &HashMap<&str, Thing<'_>>, links: &Links<'_>, context: &mut Context) {
    let near = links.get(id).map_or(&[][..], Vec::as_slice);
    let mut budget = LINKS_MAX;
    for first in near {
        name(first, things, context);
        for second in links.get(first).map_or(&[][..], Vec::as_slice) {
            // Only who is behind it: an actor's other malware says nothing about this indicator.
            if things.get(second).is_some_and(|thing| is_actor(thing.kind)) {
                name(second, things, context);
            }
            budget = budget.saturating_sub(1);
            if budget == 0 {
                return;
            }
        }
    }
}

fn is_actor(kind: &str) -> bool {
    matches!(kind, "threat-actor" | "intrusion-set" | "campaign")
}

fn name(id: &str, things: &HashMap<&str, Thing<'_>>, context: &mut Context) {
    let Some(thing) = things.get(id).filter(|thing| !thing.name.is_empty()) else { return };
    let into = match thing.kind {
        "malware" | "tool" => &mut context.malware,
        kind if is_actor(kind) => &mut context.actors,
        _ => &mut context.labels,
    };
    if !into.contains(&thing.name) {
        into.push(thing.name.clone());
    }
}

fn references(object: &Value) -> Vec<Reference> {
    let own = |reference: &Value, key: &str| Some(field(reference, key).to_owned()).filter(|text| !text.is_empty());
    list(object, "external_references")
        .iter()
        .map(|reference| Reference {
            source: field(reference, "source_name").to_owned(),
            id: own(reference, "external_id"),
            url: own(reference, "url"),
        })
        .collect()
}

fn field<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn texts(object: &Value, key: &str) -> impl Iterator<Item = String> {
    list(object, key).iter().filter_map(Value::as_str).map(str::to_owned)
}
