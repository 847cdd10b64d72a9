//! Steps of a workflow (section 4).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::{self, Command};
use crate::condition::Condition;
use crate::extension;
use crate::fault::{Log, shown};
use crate::id::Id;
use crate::limits::{BRANCHES_MAX, COMMANDS_MAX, ITERATIONS_DEFAULT};
use crate::node::Node;
use crate::reference::{Reference, references};
use crate::variable::{self, Piece, Variable, pieces};

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Why it is done.
    pub about: String,
    /// What it does.
    pub kind: Kind,
    /// How long to wait before it begins, in milliseconds.
    pub delay_ms: i64,
    /// How long it may take, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// After how long somebody is reminded, in milliseconds; nothing fails then.
    pub remind_ms: Option<i64>,
    /// Variables of its own.
    pub variables: BTreeMap<String, Variable>,
    /// Who answers for it: an identity of STIX.
    pub owner: Option<Id>,
    /// Where it goes on, whatever came of it.
    pub on_completion: Option<Id>,
    /// Where it goes on when it succeeded.
    pub on_success: Option<Id>,
    /// Where it goes on when it failed.
    pub on_failure: Option<Id>,
    /// Where to read more.
    pub references: Vec<Reference>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Begins a playbook.
    Start,
    /// Ends a playbook or a branch.
    End,
    /// Carries out commands, one after another.
    Action {
        /// What to do.
        commands: Vec<Command>,
        /// Who does it: a key of the agents.
        agent: String,
        /// On what: keys of the targets.
        targets: Vec<String>,
        /// Variables it is given.
        takes: Vec<String>,
        /// Variables it gives back.
        gives: Vec<String>,
    },
    /// Runs another playbook.
    Call {
        /// Which.
        playbook: Id,
        /// Which version of it: when that was modified.
        version: Option<String>,
        /// Variables it is given.
        takes: Vec<String>,
        /// Variables it gives back.
        gives: Vec<String>,
    },
    /// Runs branches at once, and waits for all.
    Parallel(Vec<Id>),
    /// Runs one of two branches.
    If {
        /// What decides.
        condition: Condition,
        /// Where it holds.
        yes: Id,
        /// Where it does not.
        no: Option<Id>,
    },
    /// Runs a branch as long as something holds.
    While {
        /// What decides.
        condition: Condition,
        /// The branch.
        body: Id,
        /// How often at most.
        most: u32,
    },
    /// Runs the branch of a variable's value.
    Switch {
        /// The variable.
        variable: String,
        /// Value and branch, in the order written.
        cases: Vec<(String, Id)>,
        /// The branch of any other value.
        default: Option<Id>,
    },
}

impl Kind {
    /// Its name in CACAO.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Action { .. } => "action",
            Self::Call { .. } => "playbook-action",
            Self::Parallel(_) => "parallel",
            Self::If { .. } => "if-condition",
            Self::While { .. } => "while-condition",
            Self::Switch { .. } => "switch-condition",
        }
    }
}

impl Step {
    /// Its name, or its id where it has none.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.name.is_empty() { self.id.as_str() } else { &self.name }
    }

    /// Where it goes on when it succeeded.
    #[must_use]
    pub fn next(&self) -> Option<&Id> {
        self.on_completion.as_ref().or(self.on_success.as_ref())
    }

    /// First steps of its branches, with what each is called.
    #[must_use]
    pub fn branches(&self) -> Vec<(String, &Id)> {
        match &self.kind {
            Kind::Parallel(heads) => heads.iter().enumerate().map(|(n, id)| (format!("{}", n + 1), id)).collect(),
            Kind::If { yes, no, .. } => {
                let no = no.iter().map(|id| ("no".to_owned(), id));
                std::iter::once(("yes".to_owned(), yes)).chain(no).collect()
            }
            Kind::While { body, .. } => vec![("again".to_owned(), body)],
            Kind::Switch { cases, default, .. } => {
                let cases = cases.iter().map(|(value, id)| (value.clone(), id));
                cases.chain(default.iter().map(|id| ("default".to_owned(), id))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How it is named in messages.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.name, self.id.as_str())
    }
}

fn place(name: &str, id: &str) -> String {
    if name.is_empty() { format!("step {}", shown(id)) } else { format!("step `{}` ({})", shown(name), shown(id)) }
}

const COMMON: &[&str] = &[
    "type",
    "name",
    "description",
    "external_references",
    "delay",
    "timeout",
    "step_variables",
    "owner",
    "on_completion",
    "on_success",
    "on_failure",
    "step_extensions",
];

pub(crate) fn read(key: &str, value: &Value, log: &mut Log) -> Option<Step> {
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
    let place = place(name, key);
    let node = Node::of(value, &place, log)?;
    let id = node.as_id("workflow", key, log)?;
    let kind = node.need_text("type", log);
    if !kind.is_empty() && id.kind() != kind {
        log.fault(&place, format!("its id does not begin with its type, `{}`", shown(&kind)), "give it another id");
    }
    let kind = read_kind(&kind, &node, log)?;
    let step = Step {
        id,
        name: node.text("name", log).unwrap_or_default(),
        about: node.text("description", log).unwrap_or_default(),
        kind,
        delay_ms: node.wait("delay", log).unwrap_or(0),
        timeout_ms: node.wait("timeout", log),
        remind_ms: extension::reminder(&node, log),
        variables: variable::read(&node, "step_variables", "step_extensions", log),
        owner: node.id("owner", log),
        on_completion: node.id("on_completion", log),
        on_success: node.id("on_success", log),
        on_failure: node.id("on_failure", log),
        references: references(&node, log),
    };
    ways(&step, &place, log);
    Some(step)
}

fn read_kind(kind: &str, node: &Node<'_>, log: &mut Log) -> Option<Kind> {
    let own: &[&str];
    let kind = match kind {
        "start" => {
            own = &[];
            Kind::Start
        }
        "end" => {
            own = &[];
            Kind::End
        }
        "action" => {
            own = &["commands", "agent", "targets", "in_args", "out_args"];
            action(node, log)
        }
        "playbook-action" => {
            own = &["playbook_id", "playbook_version", "in_args", "out_args"];
            let playbook = need_id(node, "playbook_id", log)?;
            let version = node.time("playbook_version", log).map(|time| time.text);
            Kind::Call { playbook, version, takes: node.texts("in_args", log), gives: node.texts("out_args", log) }
        }
        "parallel" => {
            own = &["next_steps"];
            let branches = node.ids("next_steps", log);
            if !(2..=BRANCHES_MAX).contains(&branches.len()) {
                let why = format!("`next_steps` names {} steps", branches.len());
                log.fault(node.place, why, format!("name 2 to {BRANCHES_MAX}"));
            }
            Kind::Parallel(branches)
        }
        "if-condition" => {
            own = &["condition", "on_true", "on_false"];
            let condition = condition(node, log);
            let (yes, no) = (need_id(node, "on_true", log)?, node.id("on_false", log));
            Kind::If { condition: condition?, yes, no }
        }
        "while-condition" => {
            own = &["condition", "on_true"];
            let condition = condition(node, log);
            let body = need_id(node, "on_true", log)?;
            Kind::While {
                condition: condition?,
                body,
                most: extension::iterations(node, log).unwrap_or(ITERATIONS_DEFAULT),
            }
        }
        "switch-condition" => {
            own = &["switch", "cases"];
            switch(node, log)?
        }
        other => {
            let why = format!("there is no step of type `{}`", shown(other));
            let remedy = "write start, end, action, playbook-action, parallel, if-condition, while-condition or switch-condition";
            log.fault(node.place, why, remedy);
            return None;
        }
    };
    node.unknown(&[COMMON, own], log);
    Some(kind)
}

fn action(node: &Node<'_>, log: &mut Log) -> Kind {
    let listed = node.value("commands").and_then(Value::as_array);
    let items = listed.map_or(&[][..], Vec::as_slice);
    if items.is_empty() || items.len() > COMMANDS_MAX {
        let why = format!("`commands` lists {} commands", items.len());
        log.fault(node.place, why, format!("list 1 to {COMMANDS_MAX}"));
    }
    let mut commands = Vec::new();
    for (number, item) in items.iter().take(COMMANDS_MAX).enumerate() {
        commands.extend(command::read(item, &format!("{}, command {}", node.place, number + 1), log));
    }
    Kind::Action {
        commands,
        agent: node.need_text("agent", log),
        targets: node.texts("targets", log),
        takes: node.texts("in_args", log),
        gives: node.texts("out_args", log),
    }
}

fn switch(node: &Node<'_>, log: &mut Log) -> Option<Kind> {
    let text = node.need_text("switch", log);
    let variable = match pieces(&text).as_slice() {
        [Piece::Variable(name)] => (*name).to_owned(),
        _ => {
            log.fault(node.place, "`switch` is no variable", "write `__name__:value`");
            return None;
        }
    };
    let map = node.map("cases", log).filter(|map| !map.is_empty());
    let Some(map) = map.filter(|map| map.len() <= BRANCHES_MAX) else {
        log.fault(node.place, "`cases` lists none, or too many", format!("list 1 to {BRANCHES_MAX}"));
        return None;
    };
    let (mut cases, mut default) = (Vec::new(), None);
    for (value, step) in map {
        let id = node.as_id("cases", step.as_str().unwrap_or_default(), log)?;
        if value == "default" { default = Some(id) } else { cases.push((value.clone(), id)) }
    }
    Some(Kind::Switch { variable, cases, default })
}

fn condition(node: &Node<'_>, log: &mut Log) -> Option<Condition> {
    let text = node.need_text("condition", log);
    match Condition::parse(&text) {
        Ok(condition) => Some(condition),
        Err(error) => {
            log.fault(node.place, error.to_string(), "correct `condition`");
            None
        }
    }
}

fn need_id(node: &Node<'_>, key: &str, log: &mut Log) -> Option<Id> {
    if node.value(key).is_none() {
        log.fault(node.place, format!("`{key}` is missing"), "name the step or playbook");
    }
    node.id(key, log)
}

/// Where a step may go on (section 4.1).
fn ways(step: &Step, place: &str, log: &mut Log) {
    let has_both = step.on_completion.is_some() && (step.on_success.is_some() || step.on_failure.is_some());
    if has_both {
        let why = "it has `on_completion` beside `on_success` or `on_failure`";
        log.fault(place, why, "keep `on_completion`, or the two others");
    }
    match step.kind {
        Kind::End if step.on_completion.is_some() || step.on_success.is_some() || step.on_failure.is_some() => {
            log.fault(place, "an end step goes on", "take `on_completion`, `on_success` and `on_failure` away");
        }
        Kind::Start if step.on_success.is_some() || step.on_failure.is_some() => {
            log.fault(place, "a start step has `on_success` or `on_failure`", "write `on_completion`");
        }
        Kind::Start | Kind::Action { .. } | Kind::Call { .. } if step.next().is_none() => {
            log.fault(place, "it leads nowhere", "add `on_completion`, or `on_success`; an end step ends a branch");
        }
        _ => {}
    }
}
