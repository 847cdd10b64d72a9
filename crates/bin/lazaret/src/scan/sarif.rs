//! SARIF 2.1.0 (OASIS), for code hosts and editors.

use std::collections::BTreeSet;
use std::io::Write;

use landscape::inspect::Inspector;
use landscape::report::{ObjectReport, Span};
use serde_json::{Value, json};

use super::{Output, Summary};

pub(super) struct Sarif {
    rules: Vec<(String, String, String)>,
    used: BTreeSet<String>,
    results: Vec<Value>,
    notifications: Vec<Value>,
}

impl Sarif {
    pub(super) fn new(inspector: &Inspector) -> Self {
        let rules = inspector
            .engine()
            .recognizers()
            .map(|spec| (spec.id.clone(), spec.name.clone(), spec.citation.clone()))
            .collect();
        Self { rules, used: BTreeSet::new(), results: Vec::new(), notifications: Vec::new() }
    }
}

impl Output for Sarif {
    fn object(&mut self, report: &ObjectReport, _out: &mut dyn Write) -> std::io::Result<()> {
        for span in &report.spans {
            self.used.insert(span.recognizer.clone());
            self.results.push(result(&report.object, span));
        }
        for error in &report.errors {
            self.notifications.push(json!({
                "level": "warning",
                "descriptor": { "id": error.kind.code() },
                "message": { "text": error.message },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&report.object) } } }],
            }));
        }
        Ok(())
    }

    fn end(&mut self, _summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
        let mut rules: Vec<Value> = Vec::new();
        for id in &self.used {
            let known = self.rules.iter().find(|(known, _, _)| known == id);
            let (name, help) = known.map_or((id.as_str(), ""), |(_, name, citation)| (name, citation));
            let mut rule = json!({ "id": id, "shortDescription": { "text": name } });
            if !help.is_empty() {
                rule["help"] = json!({ "text": help });
            }
            rules.push(rule);
        }
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "lazaret",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": self.notifications }],
                "results": self.results,
            }],
        });
        serde_json::to_writer_pretty(&mut *out, &log)?;
        out.write_all(b"\n")
    }
}

fn result(object: &str, span: &Span) -> Value {
    let mut location = json!({ "physicalLocation": { "artifactLocation": { "uri": uri(object) } },
        "logicalLocations": [{ "fullyQualifiedName": span.place }] });
    if let Some((start, end)) = span.offsets {
        location["physicalLocation"]["region"] = json!({ "byteOffset": start, "byteLength": end - start });
    }
    let mut text = format!("{} at {}", span.kind, span.place);
    if let Some(why) = &span.why {
        text = format!("{text}: {why}");
    }
    json!({
        "ruleId": span.recognizer,
        "level": if span.kind == model::IdentifierType::Secret { "error" } else { "warning" },
        "message": { "text": text },
        "rank": (f64::from(span.confidence) * 100.0).round(),
        "locations": [location],
    })
}

/// A relative URI: everything but unreserved characters and `/` is escaped (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for &byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'!') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
