//! Which techniques of ATT&CK rules look for, and which of them were seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::findings as table;

use super::{Tab, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Shared, address};

/// Tactics of ATT&CK for Enterprise, in the order of its matrix: the name in tags, and as it is written there.
/// Source: MITRE ATT&CK 19, in which two tactics took the place of defense evasion; a tag of that name counts as stealth.
const TACTICS: [(&str, &str); 15] = [
    ("reconnaissance", "Reconnaissance"),
    ("resource-development", "Resource development"),
    ("initial-access", "Initial access"),
    ("execution", "Execution"),
    ("persistence", "Persistence"),
    ("privilege-escalation", "Privilege escalation"),
    ("stealth", "Stealth"),
    ("defense-impairment", "Defense impairment"),
    ("credential-access", "Credential access"),
    ("discovery", "Discovery"),
    ("lateral-movement", "Lateral movement"),
    ("collection", "Collection"),
    ("command-and-control", "Command and control"),
    ("exfiltration", "Exfiltration"),
    ("impact", "Impact"),
];

struct Technique {
    id: String,
    href: String,
    rules: usize,
    fired: String,
    heat: &'static str,
}

struct Tactic {
    name: &'static str,
    techniques: Vec<Technique>,
    rules: usize,
}

#[derive(Template)]
#[template(path = "findings/coverage.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    tactics: Vec<Tactic>,
    techniques: String,
    untagged: usize,
}

/// `GET /findings/coverage`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let board = &console.guard()?.view.board;
    let mut fired: HashMap<String, u64> = HashMap::new();
    let mut after = String::new();
    loop {
        let page = table::hits(console.catalogue.store(), &after).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.rule);
        fired.extend(page.into_iter().map(|one| (one.rule, one.matches)));
    }
    let mut by_tactic: BTreeMap<&str, BTreeMap<String, (usize, u64)>> = BTreeMap::new();
    let mut rules_of: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut all, mut untagged) = (BTreeSet::new(), 0);
    for rule in board.rules() {
        let tags: Vec<String> = rule.tags.iter().filter_map(|tag| tag.strip_prefix("attack.")).map(current).collect();
        let numbers: Vec<String> = tags.iter().filter(|tag| is_technique(tag)).map(|tag| tag.to_uppercase()).collect();
        if tags.is_empty() {
            untagged += 1;
        }
        let seen = fired.get(&rule.id).copied().unwrap_or_default();
        for (tactic, _) in TACTICS.iter().filter(|(tactic, _)| tags.iter().any(|tag| tag == tactic)) {
            *rules_of.entry(tactic).or_default() += 1;
            for number in &numbers {
                let cell = by_tactic.entry(tactic).or_default().entry(number.clone()).or_default();
                cell.0 += 1;
                cell.1 += seen;
            }
        }
        all.extend(numbers);
    }
    let tactics = TACTICS.iter().map(|(tactic, name)| Tactic {
        name,
        rules: rules_of.get(tactic).copied().unwrap_or_default(),
        techniques: by_tactic
            .remove(tactic)
            .unwrap_or_default()
            .into_iter()
            .map(|(id, (rules, fired))| Technique {
                href: format!("/findings/rules{}", address::query(&[("text", &id.to_lowercase())])),
                id,
                rules,
                heat: heat(rules),
                fired: if fired > 0 { wording::counted(fired, "match", "matches") } else { String::new() },
            })
            .collect(),
    });
    render(&Page {
        frame: visitor.frame("Coverage", Section::Findings),
        tabs: tabs("/findings/coverage"),
        tactics: tactics.collect(),
        techniques: wording::counted(all.len() as u64, "technique", "techniques"),
        untagged,
    })
}

/// A tag as the present version writes it.
fn current(tag: &str) -> String {
    let tag = tag.replace('_', "-");
    if tag == "defense-evasion" { "stealth".to_owned() } else { tag }
}

/// Whether a tag is a technique's number, such as `t1567.002`.
fn is_technique(tag: &str) -> bool {
    tag.strip_prefix('t').is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

const fn heat(rules: usize) -> &'static str {
    match rules {
        0 | 1 => "heat1",
        2..=3 => "heat2",
        4..=9 => "heat3",
        _ => "heat4",
    }
}
