//! Statements in; steps of CACAO out.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::lines::Line;
use super::statement::{Statement, What, block, outermost, wait};
use super::{Shared, Wrong, head};
use crate::extension::{AUTHOR, LAZARET};
use crate::id::is_uuid;
use crate::limits::TEXT_BYTES_MAX;
use crate::role::Role;
use crate::verb::Verb;

/// The playbooks' agent for what Lazaret does by itself.
const OWN_AGENT: &str = "security-category";

/// What playbooks share: `share NAME` with variables below it; `work NAME` with `title`, `source`, `url`, `number`.
pub(super) fn common(tree: Vec<Line>, shared: &mut Shared) -> Result<(), Wrong> {
    for line in tree {
        match line.word.as_str() {
            "share" => {
                line.only(&["var"])?;
                shared.variables.insert(line.rest, line.inner);
            }
            "work" => {
                line.only(&["title", "source", "url", "number", "about"])?;
                let keys = [
                    ("title", "name"),
                    ("about", "description"),
                    ("source", "source"),
                    ("url", "url"),
                    ("number", "external_id"),
                ];
                let known = keys.into_iter().filter_map(|(word, key)| Some((key.to_owned(), line.below(word)?.into())));
                let work = Value::Object(known.collect());
                shared.works.insert(line.rest, work);
            }
            other => return Err((line.number, format!("`{other}` is neither `share` nor `work`"))),
        }
    }
    Ok(())
}

/// A whole playbook.
pub(super) fn playbook(name: &str, tree: &[Line], shared: &Shared) -> Result<Value, Wrong> {
    let uuid = head(tree, "id")?;
    if !is_uuid(uuid) {
        return Err((1, format!("`id {uuid}` is no UUID")));
    }
    let mut emit = Emit {
        uuid,
        shared,
        steps: Map::new(),
        titles: BTreeSet::new(),
        roles: BTreeSet::new(),
        activities: BTreeSet::new(),
        is_manual: true,
        kinds: BTreeSet::new(),
        has_time: false,
    };
    let end = emit.end("the playbook");
    let first = emit.block(&outermost(tree)?, &end)?;
    let start = emit.id("start", "Start");
    let end = emit.end("the exception");
    let exception = match tree.iter().find(|line| line.word == "exception") {
        None => emit.exception(&end),
        Some(line) => emit.block(&block(&line.inner)?, &end)?,
    };
    let Declared { variables, choices, facts } = variables(tree, shared)?;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("type", "playbook".into());
    put("spec_version", "cacao-2.0".into());
    put("id", format!("playbook--{uuid}").into());
    put("name", head(tree, "name")?.into());
    put("description", about(tree)?.into());
    put("playbook_types", words(head(tree, "types")?));
    put("playbook_activities", emit.activities.iter().cloned().collect::<Vec<_>>().into());
    put("playbook_processing_summary", emit.summary());
    put("created_by", AUTHOR.into());
    put("created", time(head(tree, "created").unwrap_or("2026-11-29")));
    put("modified", time(head(tree, "modified").unwrap_or("2026-11-30")));
    for (key, value) in ranks(tree)? {
        put(&key, value);
    }
    put("industry_sectors", words(head(tree, "sectors")?));
    put("labels", words(&format!("{name} {}", head(tree, "labels")?)));
    put("external_references", cited(tree, shared)?);
    put("playbook_variables", variables);
    put("workflow_start", start.clone().into());
    put("workflow_exception", exception.into());
    let mut workflow = Map::new();
    workflow.insert(start, json!({ "type": "start", "name": "Start", "on_completion": first }));
    // Steps were made from the last to the first.
    let steps: Vec<_> = std::mem::take(&mut emit.steps).into_iter().collect();
    workflow.extend(steps.into_iter().rev());
    put("workflow", Value::Object(workflow));
    let mut own = Map::new();
    for (key, of) in [("choices", choices), ("facts", facts)] {
        if !of.is_empty() {
            own.insert(key.to_owned(), Value::Object(of));
        }
    }
    if !own.is_empty() {
        put("playbook_extensions", json!({ LAZARET: own }));
    }
    put("agent_definitions", emit.agents());
    put("extension_definitions", json!({ LAZARET: definition() }));
    Ok(Value::Object(out))
}

fn definition() -> Value {
    json!({
        "type": "extension-definition",
        "name": "Lazaret",
        "description": "Commands that Lazaret carries out by itself, roles of those who are asked, the only values of a \
                        variable, facts that variables are, when somebody is reminded, and the most turns of a loop.",
        "created_by": AUTHOR,
        "schema": "Commands of type `lazaret` have `verb` and `arguments`. On a playbook or step, `choices` lists the only values \
                   of variables, and `facts` the facts of an incident that they are: `fact`, with `jurisdiction` where it counts people, and \
                   `values` where values of the variable say something else of it. On a while step, `max_iterations` bounds its turns. On an action step, after \
                   `remind_after` milliseconds somebody is reminded. On an agent, `role` names whom to ask.",
        "version": "1.1.0"
    })
}

fn about(tree: &[Line]) -> Result<String, Wrong> {
    let line = tree.iter().find(|line| line.word == "about").ok_or((1, "`about` is missing".to_owned()))?;
    let text = line.text();
    Ok(if text.is_empty() { line.rest.clone() } else { text })
}

fn time(date: &str) -> Value {
    format!("{date}T00:00:00.000Z").into()
}

fn words(text: &str) -> Value {
    text.split_whitespace().collect::<Vec<_>>().into()
}

/// `rank priority=5 severity=90 impact=40`.
fn ranks(tree: &[Line]) -> Result<Vec<(String, Value)>, Wrong> {
    let mut ranks = Vec::new();
    for part in head(tree, "rank")?.split_whitespace() {
        let read =
            part.split_once('=').and_then(|(key, value)| Some((key.to_owned(), value.parse::<u8>().ok()?.into())));
        ranks.push(read.ok_or_else(|| (1, format!("`{part}` is no rank; write `severity=90`")))?);
    }
    Ok(ranks)
}

fn cited(tree: &[Line], shared: &Shared) -> Result<Value, Wrong> {
    let mut out = Vec::new();
    for line in tree.iter().filter(|line| line.word == "cites") {
        for name in line.rest.split_whitespace() {
            let work = shared.works.get(name).cloned();
            out.push(
                work.ok_or_else(|| (line.number, format!("`{name}` is not listed in common.play; add it there")))?,
            );
        }
    }
    Ok(Value::Array(out))
}

/// Variables as they are declared, and what Lazaret's extension says of them.
struct Declared {
    variables: Value,
    choices: Map<String, Value>,
    facts: Map<String, Value>,
}

/// `var NAME TYPE [external] [constant] [fact=…] [= VALUE] -- what it means`, where TYPE may be `a|b|c`.
fn variables(tree: &[Line], shared: &Shared) -> Result<Declared, Wrong> {
    let (mut out, mut choices, mut facts) = (Map::new(), Map::new(), Map::new());
    let mut lines: Vec<&Line> = tree.iter().filter(|line| line.word == "var").collect();
    for line in tree.iter().filter(|line| line.word == "shares") {
        let list = shared.variables.get(&line.rest);
        lines.extend(list.ok_or_else(|| (line.number, format!("`{}` is not shared in common.play", line.rest)))?);
    }
    for line in lines {
        let wrong = || (line.number, "write `var name type -- what it means`".to_owned());
        let (declared, about) = line.rest.split_once(" -- ").ok_or_else(wrong)?;
        let (declared, value) = declared.split_once(" = ").map_or((declared, None), |(d, v)| (d, Some(v.trim())));
        let mut parts = declared.split_whitespace();
        let (name, kind) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
        let key = format!("__{name}__");
        let mut variable = Map::new();
        variable.insert("type".to_owned(), if kind.contains('|') { "string" } else { kind }.into());
        variable.insert("description".to_owned(), about.trim().into());
        if let Some(value) = value {
            variable.insert("value".to_owned(), value.into());
        }
        for flag in parts {
            if let Some(fact) = flag.strip_prefix("fact=") {
                facts.insert(key.clone(), self::fact(fact).ok_or_else(|| (line.number, FACT.to_owned()))?);
            } else if matches!(flag, "external" | "constant") {
                variable.insert(flag.to_owned(), true.into());
            } else {
                return Err((line.number, format!("`{flag}` is neither `external`, `constant` nor `fact=…`")));
            }
        }
        if kind.contains('|') {
            choices.insert(key.clone(), kind.split('|').collect::<Vec<_>>().into());
        }
        out.insert(key, Value::Object(variable));
    }
    Ok(Declared { variables: Value::Object(out), choices, facts })
}

const FACT: &str = "write `fact=NAME`, `fact=NAME@PLACE` or `fact=NAME(value:says,…)`";

/// `risk`, `affected@EU`, `secured(clear:false,sealed:true)`.
fn fact(text: &str) -> Option<Value> {
    let (name, values) = match text.split_once('(') {
        Some((name, values)) => (name, values.strip_suffix(')')?.split(',').collect()),
        None => (text, Vec::new()),
    };
    let (name, place) = name.split_once('@').map_or((name, None), |(name, place)| (name, Some(place)));
    let mut says = Map::new();
    for pair in values {
        let (value, fact) = pair.split_once(':')?;
        let fact = fact.parse::<bool>().map_or_else(|_text| fact.into(), Value::from);
        says.insert(value.to_owned(), fact);
    }
    let mut out = Map::from_iter([("fact".to_owned(), name.into())]);
    out.extend(place.map(|place| ("jurisdiction".to_owned(), place.into())));
    if !says.is_empty() {
        out.insert("values".to_owned(), Value::Object(says));
    }
    Some(Value::Object(out))
}

struct Emit<'a> {
    uuid: &'a str,
    shared: &'a Shared,
    steps: Map<String, Value>,
    titles: BTreeSet<String>,
    roles: BTreeSet<Role>,
    activities: BTreeSet<String>,
    is_manual: bool,
    kinds: BTreeSet<&'static str>,
    has_time: bool,
}

impl Emit<'_> {
    fn id(&self, kind: &str, title: &str) -> String {
        format!("{kind}--{}", derived(&format!("{}/{title}", self.uuid)))
    }

    /// An end step for a branch.
    fn end(&mut self, of: &str) -> String {
        let id = self.id("end", &format!("end of {of}"));
        self.steps.insert(id.clone(), json!({ "type": "end", "name": format!("End of {of}") }));
        id
    }

    /// Steps of a block, the last of which goes on at `after`; the id of the first.
    fn block(&mut self, block: &[Statement<'_>], after: &str) -> Result<String, Wrong> {
        let mut next = after.to_owned();
        for statement in block.iter().rev() {
            next = self.statement(statement, &next)?;
        }
        Ok(next)
    }

    /// A branch that ends by itself; nothing where nothing is done in it.
    fn branch(&mut self, block: &[Statement<'_>], of: &str) -> Result<Option<String>, Wrong> {
        if block.is_empty() {
            return Ok(None);
        }
        let end = self.end(of);
        self.block(block, &end).map(Some)
    }

    fn statement(&mut self, statement: &Statement<'_>, next: &str) -> Result<String, Wrong> {
        let line = statement.line;
        let title = statement.title.as_str();
        if !self.titles.insert(title.to_owned()) {
            return Err((line.number, format!("the title `{title}` stands twice; give each step its own")));
        }
        let mut step = Map::new();
        let kind = match &statement.what {
            What::Ask(_) | What::Act(_) => "action",
            What::Call(_) => "playbook-action",
            What::If { .. } => "if-condition",
            What::While { .. } => "while-condition",
            What::Switch { .. } => "switch-condition",
            What::Together(_) => "parallel",
        };
        self.kinds.insert(kind);
        step.insert("type".to_owned(), kind.into());
        step.insert("name".to_owned(), title.into());
        let about = if matches!(statement.what, What::Ask(_)) {
            line.below("why").unwrap_or_default().to_owned()
        } else {
            line.text()
        };
        if !about.is_empty() {
            step.insert("description".to_owned(), about.into());
        }
        if let Some(delay) = line.below("delay") {
            step.insert("delay".to_owned(), wait(line.number, delay)?.into());
            self.has_time = true;
        }
        if let Some(timeout) = statement.timeout_ms {
            // A question that has no other way stays open: somebody is reminded, and nothing fails.
            if matches!(statement.what, What::Ask(_)) && statement.fails.is_none() {
                step.insert("step_extensions".to_owned(), json!({ LAZARET: { "remind_after": timeout } }));
            } else {
                step.insert("timeout".to_owned(), timeout.into());
            }
            self.has_time = true;
        }
        self.what(statement, &mut step)?;
        match self.failure(statement, next)? {
            None => step.insert("on_completion".to_owned(), next.into()),
            Some(failure) => {
                step.insert("on_success".to_owned(), next.into());
                step.insert("on_failure".to_owned(), failure.into())
            }
        };
        let id = self.id(kind, title);
        self.steps.insert(id.clone(), Value::Object(step));
        Ok(id)
    }

    /// Where a step goes when it fails. A call whose failure was handled by hand goes on; what it should have given is asked for.
    fn failure(&mut self, statement: &Statement<'_>, next: &str) -> Result<Option<String>, Wrong> {
        if let Some(fails) = &statement.fails {
            return self.block(fails, next).map(Some);
        }
        if !matches!(statement.what, What::Call(_)) {
            return Ok(None);
        }
        let Some(gives) = statement.line.below("gives") else { return Ok(Some(next.to_owned())) };
        self.roles.insert(Role::Commander);
        self.activities.insert("analyze-collected-data".to_owned());
        let title = format!("Enter what is missing: {}", statement.title);
        let id = self.id("action", &title);
        let names: Vec<_> = gives.split_whitespace().map(|name| format!("__{name}__")).collect();
        let text = "The playbook for this could not be brought to its end. Enter what it should have found out; where you do not know, enter \
                    the worst that is possible, and correct it later.";
        let step = json!({
            "type": "action",
            "name": title,
            "step_extensions": { LAZARET: { "remind_after": 86_400_000 } },
            "agent": agent(Role::Commander),
            "commands": [{ "type": "manual", "command": text, "playbook_activity": "analyze-collected-data" }],
            "out_args": names,
            "on_completion": next,
        });
        self.steps.insert(id.clone(), step);
        Ok(Some(id))
    }

    /// What is done about a failure that nothing else takes care of, where a source does not say.
    fn exception(&mut self, end: &str) -> String {
        self.roles.insert(Role::Commander);
        self.activities.insert("identify-steps".to_owned());
        let title = "Take over by hand";
        let id = self.id("action", title);
        let text = "A step could not be done, and the playbook knows no other way. Look at the record to see which. Decide who does that \
                    step and what is left after it, and note it here; or start another playbook.";
        let step = json!({
            "type": "action",
            "name": title,
            "step_extensions": { LAZARET: { "remind_after": 3_600_000 } },
            "agent": agent(Role::Commander),
            "commands": [{ "type": "manual", "command": text, "playbook_activity": "identify-steps" }],
            "on_completion": end,
        });
        self.steps.insert(id.clone(), step);
        id
    }

    /// What is particular to a kind of step.
    fn what(&mut self, statement: &Statement<'_>, step: &mut Map<String, Value>) -> Result<(), Wrong> {
        let line = statement.line;
        let title = &statement.title;
        let mut put = |key: &str, value: Value| step.insert(key.to_owned(), value);
        match &statement.what {
            What::Ask(role) => {
                self.roles.insert(*role);
                let activity = line.below("activity").unwrap_or(usual(*role, line.below("gives").is_some()));
                self.activities.insert(activity.to_owned());
                put("agent", agent(*role).into());
                let text = placed(&line.text());
                if text.len() > TEXT_BYTES_MAX {
                    return Err((line.number, "the text is too long; shorten it".to_owned()));
                }
                put("commands", json!([{ "type": "manual", "command": text, "playbook_activity": activity }]));
            }
            What::Act(verb) => {
                self.is_manual = false;
                let mut arguments = Map::new();
                for inner in line.inner.iter().filter(|inner| inner.word == "with") {
                    let (name, value) = inner
                        .rest
                        .split_once(" = ")
                        .ok_or_else(|| (inner.number, "write `with name = value`".to_owned()))?;
                    arguments.insert(name.trim().to_owned(), placed(value.trim()).into());
                }
                self.activities.insert(activity(*verb).to_owned());
                put("agent", own_agent().into());
                put(
                    "commands",
                    json!([{
                        "type": "lazaret", "verb": verb.as_str(), "arguments": arguments, "playbook_activity": activity(*verb),
                    }]),
                );
            }
            What::Call(name) => {
                let id = self.shared.ids.get(*name);
                let id = id.ok_or_else(|| (line.number, format!("there is no playbook `{name}`")))?;
                put("playbook_id", id.as_str().into());
            }
            What::If { when, then, otherwise } => {
                put("condition", placed(when).into());
                let yes = self.branch(then, &format!("yes: {title}"))?;
                put("on_true", yes.into());
                if let Some(no) = self.branch(otherwise, &format!("no: {title}"))? {
                    put("on_false", no.into());
                }
            }
            What::While { when, most, body } => {
                put("condition", placed(when).into());
                put("on_true", self.branch(body, title)?.into());
                put("step_extensions", json!({ LAZARET: { "max_iterations": most } }));
            }
            What::Switch { on, cases } => {
                put("switch", placed(on).into());
                let mut out = Map::new();
                for (value, body) in cases {
                    out.insert((*value).to_owned(), self.branch(body, &format!("{value}: {title}"))?.into());
                }
                put("cases", Value::Object(out));
            }
            What::Together(branches) => {
                let mut heads = Vec::new();
                for (number, body) in (1..).zip(branches) {
                    heads.extend(self.branch(body, &format!("branch {number}: {title}"))?);
                }
                put("next_steps", heads.into());
            }
        }
        for (word, key) in [("takes", "in_args"), ("gives", "out_args")] {
            if let Some(names) = line.below(word) {
                let names: Vec<_> = names.split_whitespace().map(|name| format!("__{name}__")).collect();
                put(key, names.into());
            }
        }
        Ok(())
    }

    fn agents(&self) -> Value {
        let mut agents = Map::new();
        for role in &self.roles {
            let group = json!({
                "type": "group",
                "name": role.title(),
                "agent_target_extensions": { LAZARET: { "role": role.as_str() } },
            });
            agents.insert(agent(*role), group);
        }
        if !self.is_manual {
            let own = json!({ "type": OWN_AGENT, "name": "Lazaret", "category": ["orchestrator"] });
            agents.insert(own_agent(), own);
        }
        Value::Object(agents)
    }

    fn summary(&self) -> Value {
        let has = |kind| self.kinds.contains(kind);
        json!({
            "manual_playbook": self.is_manual,
            "external_playbooks": has("playbook-action"),
            "parallel_processing": has("parallel"),
            "if_logic": has("if-condition"),
            "while_logic": has("while-condition"),
            "switch_logic": has("switch-condition"),
            "temporal_logic": self.has_time,
            "data_markings": false,
            "digital_signatures": false,
            "countersigned_signatures": false,
            "extensions": true,
        })
    }
}

/// `{name}` becomes `__name__:value`.
fn placed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                out.push_str(&format!("__{name}__:value"));
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A UUID of version 4 in form, the same for the same text.
fn derived(text: &str) -> String {
    let hash = blake3::hash(text.as_bytes());
    let hex: String = hash.to_hex().chars().take(32).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let variant = match part(16, 17) {
        "0" | "4" | "8" | "c" => '8',
        "1" | "5" | "9" | "d" => '9',
        "2" | "6" | "a" | "e" => 'a',
        _ => 'b',
    };
    format!("{}-{}-4{}-{variant}{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn agent(role: Role) -> String {
    format!("group--{}", derived(&format!("role/{}", role.as_str())))
}

fn own_agent() -> String {
    format!("{OWN_AGENT}--{}", derived("lazaret"))
}

/// What a question usually is, by `playbook-activity-type-ov`.
fn usual(role: Role, gives: bool) -> &'static str {
    match role {
        _ if gives => "analyze-collected-data",
        Role::Communications => "deliver-content",
        Role::Privacy | Role::Legal => "compose-content",
        Role::It => "eliminate-risk",
        Role::Commander | Role::Scribe | Role::StudyLead | Role::Quality => "identify-steps",
    }
}

/// What a verb is, by `playbook-activity-type-ov`.
fn activity(verb: Verb) -> &'static str {
    match verb {
        Verb::ContainPrincipal | Verb::ContainAccessKey | Verb::ContainPartner | Verb::ContainStudy => {
            "restrict-access"
        }
        Verb::ContainDevice => "disconnect-system",
        Verb::ReleaseContainment => "restore-capabilities",
        Verb::SnapshotEvidence | Verb::ComputeExposure => "analyze-collected-data",
        Verb::LegalHold | Verb::RaiseLogging | Verb::StartBackup => "configure-systems",
        Verb::AskApproval | Verb::OpenTask => "identify-steps",
        Verb::StartClocks => "identify-audience",
        Verb::DraftNotices => "compose-content",
        Verb::NotifyRole | Verb::AssignTraining => "deliver-content",
    }
}
