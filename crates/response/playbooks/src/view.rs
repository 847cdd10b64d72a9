//! A run, or a playbook, as plain data for a page: steps in layers, ways between them, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::command::What;
use crate::id::Id;
use crate::playbook::Playbook;
use crate::run::{Mark, Run, Scope, State};
use crate::step::{Kind, Step};

/// A run as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// How it stands.
    pub state: State,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// Who began it.
    pub started_by: String,
    /// A sheet for the playbook that runs, and one for each call of another, in the order of the calls.
    pub sheets: Vec<Sheet>,
}

/// One playbook in one of its runnings, laid out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet {
    /// The playbook.
    pub playbook: Id,
    /// Its name.
    pub name: String,
    /// The sheet and the step that called it.
    pub called_from: Option<(usize, Id)>,
    /// Its steps; those nobody can come to are left away.
    pub steps: Vec<StepView>,
    /// Places of steps from top to bottom, each layer from left to right.
    pub layers: Vec<Vec<usize>>,
    /// Ways between steps, by their places.
    pub ways: Vec<Way>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    /// Its id.
    pub id: Id,
    /// Its name; empty for most end steps.
    pub name: String,
    /// What kind of step it is, as `if-condition`.
    pub kind: &'static str,
    /// Who does it: a role or an agent; empty where nobody does.
    pub by: String,
    /// What it does or asks, in a line.
    pub what: String,
    /// How it stands.
    pub mark: Mark,
    /// How often it was entered.
    pub visits: u32,
    /// When it was last entered.
    pub entered_at: Option<i64>,
    /// When it was last left.
    pub left_at: Option<i64>,
    /// Who answered.
    pub who: Option<String>,
    /// What they wrote.
    pub note: Option<String>,
    /// Branches that were taken.
    pub branches: Vec<String>,
    /// Its layer, from 0.
    pub layer: usize,
}

/// A way from a step to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Way {
    /// From which place.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What kind of way.
    pub kind: WayKind,
    /// The branch's name; empty for other ways.
    pub name: String,
    /// Whether it was gone.
    pub is_taken: bool,
    /// Whether it leads back up.
    pub is_back: bool,
}

/// What kind of way leads from a step to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WayKind {
    /// It goes on.
    Next,
    /// It failed.
    Failure,
    /// Into a branch.
    Branch,
    /// From a branch's end to what follows the step with the branches.
    Join,
}

impl Run {
    /// The run as plain data.
    #[must_use]
    pub fn view(&self) -> View {
        let sheets = self.scopes().iter().filter_map(|scope| Some(sheet(self.books().get(scope.book)?, Some(scope))));
        View {
            state: self.state(),
            started_at: self.started_at(),
            started_by: self.started_by().to_owned(),
            sheets: sheets.collect(),
        }
    }
}

impl Playbook {
    /// The playbook as plain data, before any run.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        sheet(self, None)
    }
}

/// A way before places are known.
struct Link<'a> {
    from: &'a Id,
    to: &'a Id,
    kind: WayKind,
    name: String,
}

fn sheet(book: &Playbook, scope: Option<&Scope>) -> Sheet {
    let links = links(book);
    let order = order(book, &links);
    let places: BTreeMap<&Id, usize> = order.seen.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let depths = depths(&order, &links);
    let mut layers: Vec<Vec<usize>> = Vec::new();
    let mut steps = Vec::new();
    for (place, id) in order.seen.iter().enumerate() {
        let Some(step) = book.step(id) else { continue };
        let layer = depths.get(id).copied().unwrap_or(0);
        if layers.len() <= layer {
            layers.resize(layer + 1, Vec::new());
        }
        if let Some(row) = layers.get_mut(layer) {
            row.push(place);
        }
        steps.push(step_view(book, step, scope, layer));
    }
    let ways = links.iter().filter_map(|link| {
        let (from, to) = (*places.get(link.from)?, *places.get(link.to)?);
        Some(Way {
            from,
            to,
            kind: link.kind,
            name: link.name.clone(),
            is_taken: scope.is_some_and(|scope| is_taken(scope, link)),
            is_back: order.back.contains(&(link.from, link.to)),
        })
    });
    Sheet {
        playbook: book.id.clone(),
        name: book.name.clone(),
        called_from: scope.and_then(|scope| scope.called_from.clone()),
        ways: ways.collect(),
        steps,
        layers,
    }
}

fn step_view(book: &Playbook, step: &Step, scope: Option<&Scope>, layer: usize) -> StepView {
    let trace = scope.and_then(|scope| scope.traces.get(&step.id));
    let (by, what) = match &step.kind {
        Kind::Action { commands, agent, .. } => {
            let agent = book.agents.get(agent);
            let by = agent.map(|agent| agent.role.map_or(agent.name.clone(), |role| role.title().to_owned()));
            let what = commands.iter().map(|command| match &command.what {
                What::Manual(text) => text.clone(),
                What::Lazaret { verb, .. } => format!("{}: {}", verb.as_str(), verb.about()),
                What::Foreign(foreign) => format!("{}: {}", foreign.kind, foreign.command),
            });
            (by.unwrap_or_default(), what.collect::<Vec<_>>().join("\n"))
        }
        Kind::If { condition, .. } | Kind::While { condition, .. } => (String::new(), condition.to_string()),
        Kind::Switch { variable, .. } => (String::new(), variable.clone()),
        Kind::Call { playbook, .. } => (String::new(), playbook.to_string()),
        _ => (String::new(), String::new()),
    };
    StepView {
        id: step.id.clone(),
        name: step.name.clone(),
        kind: step.kind.as_str(),
        by,
        what,
        mark: trace.map_or(Mark::Ahead, |trace| trace.mark),
        visits: trace.map_or(0, |trace| trace.visits),
        entered_at: trace.map(|trace| trace.entered_at),
        left_at: trace.and_then(|trace| trace.left_at),
        who: trace.and_then(|trace| trace.who.clone()),
        note: trace.and_then(|trace| trace.note.clone()),
        branches: trace.map(|trace| trace.branches.clone()).unwrap_or_default(),
        layer,
    }
}

/// Whether a run went this way: it took the branch, or left its beginning and came to its end in that way.
fn is_taken(scope: &Scope, link: &Link<'_>) -> bool {
    let (Some(from), true) = (scope.traces.get(link.from), scope.traces.contains_key(link.to)) else { return false };
    match link.kind {
        WayKind::Branch => from.branches.contains(&link.name),
        WayKind::Failure => matches!(from.mark, Mark::Failed | Mark::TimedOut),
        WayKind::Next | WayKind::Join => from.mark == Mark::Done,
    }
}

fn links(book: &Playbook) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for step in book.steps.values() {
        let mut add = |to, kind, name| links.push(Link { from: &step.id, to, kind, name });
        let branches = step.branches();
        let has_branches = !branches.is_empty();
        for (name, head) in branches {
            add(head, WayKind::Branch, name);
        }
        if let Some(next) = step.next() {
            // Where branches come together again is drawn from their ends, unless there is a way past them.
            let is_past = match &step.kind {
                Kind::If { no, .. } => no.is_none(),
                Kind::Switch { default, .. } => default.is_none(),
                Kind::While { .. } => true,
                _ => !has_branches,
            };
            if is_past {
                add(next, WayKind::Next, String::new());
            }
        }
        if let Some(next) = &step.on_failure {
            add(next, WayKind::Failure, String::new());
        }
        if has_branches {
            let to = if matches!(step.kind, Kind::While { .. }) { Some(&step.id) } else { step.next() };
            for end in branch_ends(book, step) {
                links.extend(to.map(|to| Link { from: end, to, kind: WayKind::Join, name: String::new() }));
            }
        }
    }
    links
}

/// Where the branches of a step end.
fn branch_ends<'a>(book: &'a Playbook, step: &'a Step) -> BTreeSet<&'a Id> {
    let (mut seen, mut ends) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&Id> = step.branches().into_iter().map(|(_, id)| id).collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(step) = book.step(id) else { continue };
        if step.next().is_none() {
            ends.insert(id);
        }
        open.extend(step.next().into_iter().chain(&step.on_failure));
    }
    ends
}

/// Steps in the order in which a reader meets them, and the ways that lead back.
struct Order<'a> {
    seen: Vec<&'a Id>,
    /// Finished steps, the last first: an order in which every way but those back leads on.
    onward: Vec<&'a Id>,
    back: BTreeSet<(&'a Id, &'a Id)>,
}

fn order<'a>(book: &'a Playbook, links: &[Link<'a>]) -> Order<'a> {
    let mut after: BTreeMap<&Id, Vec<&'a Id>> = BTreeMap::new();
    for link in links {
        after.entry(link.from).or_default().push(link.to);
    }
    let mut order = Order { seen: Vec::new(), onward: Vec::new(), back: BTreeSet::new() };
    let mut met: BTreeSet<&Id> = BTreeSet::new();
    let mut done: BTreeSet<&Id> = BTreeSet::new();
    for root in std::iter::once(&book.start).chain(&book.exception) {
        if !met.insert(root) {
            continue;
        }
        order.seen.push(root);
        let mut path: Vec<(&'a Id, usize)> = vec![(root, 0)];
        while let Some((id, at)) = path.last_mut() {
            let id = *id;
            let next = after.get(id).and_then(|list| list.get(*at)).copied();
            *at += 1;
            match next {
                Some(next) if met.insert(next) => {
                    order.seen.push(next);
                    path.push((next, 0));
                }
                Some(next) if !done.contains(next) => {
                    order.back.insert((id, next));
                }
                Some(_) => {}
                None => {
                    done.insert(id);
                    order.onward.push(id);
                    path.pop();
                }
            }
        }
    }
    order.onward.reverse();
    order
}

/// The layer of each step: one below the lowest that leads to it.
fn depths<'a>(order: &Order<'a>, links: &[Link<'a>]) -> BTreeMap<&'a Id, usize> {
    let mut depths: BTreeMap<&Id, usize> = BTreeMap::new();
    let mut after: BTreeMap<&Id, Vec<&'a Id>> = BTreeMap::new();
    for link in links.iter().filter(|link| !order.back.contains(&(link.from, link.to))) {
        after.entry(link.from).or_default().push(link.to);
    }
    for id in &order.onward {
        let depth = *depths.entry(*id).or_insert(0);
        for next in after.get(id).into_iter().flatten() {
            let below = depths.entry(*next).or_insert(0);
            *below = (*below).max(depth + 1);
        }
    }
    depths
}
