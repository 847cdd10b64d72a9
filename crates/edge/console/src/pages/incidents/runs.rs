//! Playbooks of an incident: how one begins, what it asks now, where it stands as a picture, and the report afterwards.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use incidents::case::{Case, InPlace, Reader, What};
use incidents::report::{Asked, Report, span};
use model::IncidentState;
use playbooks::{Input, Mark, Role, State as RunState, Verb, variable};
use serde::Deserialize;

use super::clocks::left;
use super::room::number;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::playbooks::{Boxed, Line, picture};
use crate::pages::record::entry::Named;
use crate::responding::Act;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// A variable to be filled in.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) hint: String,
    pub(crate) choices: Vec<(String, bool)>,
    pub(crate) value: String,
    pub(crate) is_needed: bool,
    /// It is a fact of the incident: what is known of it, perhaps nothing.
    pub(crate) known: Option<String>,
}

/// What a run waits for.
pub(crate) struct Card {
    pub(crate) run: u64,
    pub(crate) task: u32,
    pub(crate) playbook: String,
    pub(crate) name: String,
    pub(crate) whom: String,
    /// That somebody else is wanted for it than whoever looks; empty: it is theirs, or anybody's.
    pub(crate) wanted: String,
    /// Whoever looks may answer it: it is theirs, anybody's, or they may in somebody's place.
    pub(crate) may_answer: bool,
    pub(crate) about: String,
    pub(crate) text: String,
    pub(crate) given: Vec<(String, String)>,
    pub(crate) fields: Vec<Field>,
    /// How long is left, or by how much it is late; empty where there is no hurry.
    pub(crate) left: String,
    pub(crate) is_late: bool,
    /// Somebody else than whoever began the playbook has to agree.
    pub(crate) is_approval: bool,
    /// Lazaret does it; nobody can answer.
    pub(crate) is_own: bool,
}

/// A playbook that runs or ran.
pub(crate) struct RunRow {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) state: &'static str,
    pub(crate) done: usize,
    pub(crate) open: usize,
}

/// What the room shows of playbooks.
pub(crate) struct Runs {
    pub(crate) cards: Vec<Card>,
    pub(crate) rows: Vec<RunRow>,
    /// Those that may begin: name in addresses, and title.
    pub(crate) startable: Vec<(&'static str, String)>,
}

fn name_of(at: usize) -> &'static str {
    playbooks::files().get(at).map_or("", |(name, _)| name.strip_suffix(".json").unwrap_or(name))
}

/// Who is wanted for something that whoever looks has not the role for, and whether they may answer it all the same.
fn wanted(case: &Case, reader: &Reader, role: Role) -> (String, bool) {
    if case.roles_of(reader).any(|own| own == role) {
        return (String::new(), true);
    }
    let own = if case.roles_of(reader).next().is_none() { "You have no role in this incident. " } else { "" };
    let instead =
        if reader.is_administrator { " As an administrator you may answer in their place, and say why." } else { "" };
    let words = match case.roles.get(&role) {
        Some(name) => format!("{own}{} is wanted here: {name}.{instead}", role.title()),
        None => format!(
            "{own}{} is wanted here, and nobody has that role yet; whoever takes it says so under To do.{instead}",
            role.title()
        ),
    };
    (words, reader.is_administrator)
}

pub(crate) fn runs(id: u32, case: &Case, reader: &Reader, now: i64) -> Runs {
    let clock = case.clock(now);
    let title = |run: u64| case.runs.get(&run).and_then(|run| run.playbook()).map_or("", |book| book.name.as_str());
    let mut cards = Vec::new();
    for (run, ask) in case.asked() {
        let due = ask.wanted_at.or(ask.due_at);
        let fields = ask.fields.iter().map(|field| Field {
            choices: choices(&field.choices, &field.hint, field.value.as_deref().unwrap_or_default()),
            name: variable::plain(&field.name).to_owned(),
            about: field.about.clone(),
            hint: field.hint.clone(),
            value: field.value.clone().unwrap_or_default(),
            is_needed: true,
            known: field.fact.as_ref().map(|fact| case.proposed(fact).unwrap_or_default()),
        });
        let (wanted, may_answer) = ask.role.map_or_else(|| (String::new(), true), |role| wanted(case, reader, role));
        cards.push(Card {
            run,
            task: ask.task,
            playbook: title(run).to_owned(),
            name: ask.name.clone(),
            wanted,
            may_answer,
            whom: ask.role.map_or_else(|| ask.agent.clone(), |role| role.title().to_owned()),
            about: ask.about.clone(),
            text: ask.text.clone(),
            given: ask.given.iter().map(|(name, value)| (variable::plain(name).to_owned(), value.clone())).collect(),
            fields: fields.collect(),
            left: due.map_or_else(String::new, |due| left(due, clock)),
            is_late: due.is_some_and(|due| due < clock),
            is_approval: false,
            is_own: false,
        });
    }
    for (run, act) in case.acts() {
        let is_approval = act.verb == Verb::AskApproval;
        let is_asked = is_approval || (case.is_exercise && act.verb == Verb::ComputeExposure);
        let given = |name: &String| {
            let name = variable::plain(name).to_owned();
            let about = act.verb.gives().iter().find(|given| given.name == name);
            let hint = if about.is_some_and(|given| given.kind == "bool") { "`true` or `false`" } else { "" };
            Field {
                choices: choices(&[], hint, ""),
                about: about.map_or_else(String::new, |given| given.about.to_owned()),
                hint: String::new(),
                value: String::new(),
                is_needed: true,
                known: None,
                name,
            }
        };
        let role = act.arguments.get("role").and_then(|role| Role::parse(role));
        let arguments = act.arguments.iter().filter(|(name, _)| !matches!(name.as_str(), "text" | "role"));
        let asked = role.filter(|_| is_asked);
        let (wanted, may_answer) = asked.map_or_else(|| (String::new(), true), |role| wanted(case, reader, role));
        cards.push(Card {
            run,
            task: act.task,
            playbook: title(run).to_owned(),
            name: act.name.clone(),
            wanted,
            may_answer,
            whom: match (is_asked, role) {
                (false, _) => "Lazaret".to_owned(),
                (true, Some(role)) => role.title().to_owned(),
                (true, None) => "Whoever leads the exercise".to_owned(),
            },
            about: String::new(),
            text: act.arguments.get("text").cloned().unwrap_or_else(|| format!("Lazaret {}.", act.verb.about())),
            given: arguments.map(|(name, value)| (name.clone(), value.clone())).collect(),
            fields: if is_asked { act.gives.iter().map(given).collect() } else { Vec::new() },
            left: act.due_at.map_or_else(String::new, |due| left(due, clock)),
            is_late: act.due_at.is_some_and(|due| due < clock),
            is_approval,
            is_own: !is_asked,
        });
    }
    let row = |(number, run): (&u64, &playbooks::Run)| RunRow {
        href: format!("/incidents/{id}/runs/{number}"),
        name: title(*number).to_owned(),
        state: run.state().as_str(),
        done: run.tasks().filter(|(_, task)| task.state != playbooks::TaskState::Open).count(),
        open: run.open().len(),
    };
    let mut startable: Vec<(&'static str, String)> =
        playbooks::shipped().iter().enumerate().map(|(at, book)| (name_of(at), book.name.clone())).collect();
    startable.sort_by(|one, other| one.1.cmp(&other.1));
    Runs { cards, rows: case.runs.iter().map(row).collect(), startable }
}

fn choices(listed: &[String], hint: &str, value: &str) -> Vec<(String, bool)> {
    let words: Vec<String> = match hint {
        "`true` or `false`" if listed.is_empty() => vec!["true".to_owned(), "false".to_owned()],
        _ => listed.to_vec(),
    };
    words.into_iter().map(|word| (word.clone(), word == value)).collect()
}

#[derive(Template)]
#[template(path = "incidents/begin.html")]
struct Begin {
    frame: Frame,
    id: u32,
    incident: String,
    is_exercise: bool,
    playbook: String,
    name: String,
    about: String,
    fields: Vec<Field>,
    boxes: Vec<Boxed>,
    lines: Vec<Line>,
    width: f64,
    height: f64,
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    playbook: String,
}

/// `GET /incidents/{id}/begin?playbook=…`: what a playbook needs to know before it begins.
pub(crate) async fn begin(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (row, case) = console.guard()?.view.incidents.case(id).await?;
    let none = || Failure::NotFound("There is no such playbook; choose one in the incident's room.".to_owned());
    let found = playbooks::named(&params.playbook).ok_or_else(none)?;
    let usual = |name: &str| match name {
        "study" => row.study.as_ref().map_or_else(String::new, ToString::to_string),
        "finding" => row.finding.map_or_else(String::new, |finding| finding.to_string()),
        _ => String::new(),
    };
    let known = case.proposed_for(found);
    let fields = found.variables.iter().filter(|(_, variable)| variable.is_external && !variable.is_constant);
    let fields = fields.map(|(name, variable)| {
        let plain = variable::plain(name);
        let known = variable.fact.as_ref().map(|_fact| known.get(plain).cloned().unwrap_or_default());
        let value = known.clone().filter(|value| !value.is_empty()).or_else(|| variable.value.clone());
        let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| usual(plain));
        Field {
            choices: choices(&variable.choices, variable.kind.hint(), &value),
            name: plain.to_owned(),
            about: variable.about.clone(),
            hint: variable.kind.hint().to_owned(),
            is_needed: found.asked().any(|(asked, _)| asked == name),
            known,
            value,
        }
    });
    let fields = fields.collect();
    let picture = picture(&found.sheet());
    render(&Begin {
        frame: visitor.frame(&found.name, Section::Incidents),
        id,
        incident: case.title.clone(),
        is_exercise: case.is_exercise,
        playbook: params.playbook,
        name: found.name.clone(),
        about: found.about.clone(),
        fields,
        boxes: picture.boxes,
        lines: picture.lines,
        width: picture.width,
        height: picture.height,
    })
}

struct Happened {
    name: String,
    kind: &'static str,
    by: String,
    became: &'static str,
    who: String,
    note: String,
    entered: Option<Moment>,
    took: String,
}

struct Sheet {
    name: String,
    boxes: Vec<Boxed>,
    lines: Vec<Line>,
    width: f64,
    height: f64,
    steps: Vec<Happened>,
}

#[derive(Template)]
#[template(path = "incidents/run.html")]
struct One {
    frame: Frame,
    id: u32,
    run: u64,
    incident: String,
    name: String,
    state: &'static str,
    is_running: bool,
    is_paused: bool,
    began: Moment,
    began_by: String,
    variables: Vec<(String, String)>,
    sheets: Vec<Sheet>,
}

const fn became(mark: Mark) -> &'static str {
    match mark {
        Mark::Ahead => "ahead",
        Mark::Delayed => "waits",
        Mark::Open => "open",
        Mark::Done => "done",
        Mark::Failed => "failed",
        Mark::TimedOut => "late",
        Mark::Withdrawn => "withdrawn",
    }
}

/// `GET /incidents/{id}/runs/{run}`: where a run stands.
pub(crate) async fn one(
    State(console): State<Shared>,
    visitor: Visitor,
    Path((id, run)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    let none = || Failure::NotFound("No such playbook ran in this incident; look for it in the room.".to_owned());
    let run_number: u64 = run.parse().map_err(|_wrong: std::num::ParseIntError| none())?;
    let run = case.runs.get(&run_number).ok_or_else(none)?;
    let view = run.view();
    let now = case.clock(console.now());
    let mut names = Named::default();
    let sheets = view.sheets.iter().map(|sheet| {
        let drawn = picture(sheet);
        let steps = sheet.steps.iter().filter(|step| !matches!(step.kind, "start" | "end") && step.mark != Mark::Ahead);
        let steps = steps.map(|step| Happened {
            name: step.name.clone(),
            kind: step.kind,
            by: step.by.clone(),
            became: became(step.mark),
            who: step.who.clone().unwrap_or_default(),
            note: step.note.clone().unwrap_or_default(),
            entered: step.entered_at.map(|at| wording::moment(at, now)),
            took: step.entered_at.zip(step.left_at).map_or_else(String::new, |(from, to)| span(to - from)),
        });
        Sheet {
            name: sheet.name.clone(),
            steps: steps.collect(),
            boxes: drawn.boxes,
            lines: drawn.lines,
            width: drawn.width,
            height: drawn.height,
        }
    });
    let name = run.playbook().map_or_else(String::new, |book| book.name.clone());
    let variables = run.variables().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    render(&One {
        frame: visitor.frame(&name, Section::Incidents),
        id,
        run: run_number,
        incident: case.title.clone(),
        state: run.state().as_str(),
        is_running: run.state() == RunState::Running,
        is_paused: run.state() == RunState::Paused,
        began: wording::moment(run.started_at(), now),
        began_by: names.of(&console, run.started_by()).await?,
        variables: variables.map(|(name, value)| (variable::plain(name).to_owned(), value.to_owned())).collect(),
        sheets: sheets.collect(),
        name,
    })
}

struct RanRow {
    name: String,
    state: &'static str,
    late: usize,
    asked: Vec<Asked>,
}

#[derive(Template)]
#[template(path = "incidents/report.html")]
struct Reported {
    frame: Frame,
    id: u32,
    title: String,
    is_exercise: bool,
    firsts: Vec<(&'static str, String)>,
    ran: Vec<RanRow>,
    clocks: Vec<(String, String, bool)>,
    decisions: Vec<(String, String)>,
    lessons: Vec<String>,
    open_tasks: Vec<(String, &'static str)>,
    took_part: Vec<(String, u64)>,
}

/// The report of an incident, with its number and the names of who took part, by id.
async fn told(console: &Console, id: &str) -> Result<(u32, Report, BTreeMap<String, String>), Failure> {
    let id = number(id)?;
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    let report = Report::of(&case, console.now());
    let mut named = Named::default();
    let mut names = BTreeMap::new();
    for who in report.took_part.keys() {
        names.insert(who.clone(), named.of(console, who).await?);
    }
    Ok((id, report, names))
}

/// `GET /incidents/{id}/report`: the report after the action.
pub(crate) async fn report(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (id, report, names) = told(&console, &id).await?;
    let took = |at: Option<i64>| at.map_or_else(|| "not done".to_owned(), span);
    render(&Reported {
        frame: visitor.frame("Report", Section::Incidents),
        id,
        title: report.title.clone(),
        is_exercise: report.is_exercise,
        firsts: vec![
            ("contained", took(report.to_containment)),
            ("exposure told", took(report.to_exposure)),
            ("clocks issued", took(report.to_clocks)),
            ("first draft", took(report.to_draft)),
            ("first notice", took(report.to_notice)),
            ("last entry", span(report.lasted)),
        ],
        ran: report
            .ran
            .into_iter()
            .map(|ran| RanRow {
                late: ran.asked.iter().filter(|asked| asked.is_late).count(),
                name: ran.name,
                state: ran.state.as_str(),
                asked: ran.asked,
            })
            .collect(),
        clocks: report.clocks.iter().map(|one| (one.obligation.clone(), one.status.clone(), one.is_missed)).collect(),
        decisions: report.decisions,
        lessons: report.lessons,
        open_tasks: report.open_tasks.into_iter().map(|(task, role)| (task, role.title())).collect(),
        took_part: report
            .took_part
            .into_iter()
            .map(|(who, entries)| (names.get(&who).cloned().unwrap_or(who), entries))
            .collect(),
    })
}

/// `GET /incidents/{id}/report.md`: the same as text.
pub(crate) async fn report_text(
    State(console): State<Shared>,
    _visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (id, report, names) = told(&console, &id).await?;
    let text = report.markdown(id, &|who| names.get(who).cloned());
    let disposition = format!("attachment; filename=\"incident-{id}-report.md\"");
    let headers =
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, text).into_response())
}

/// What a form says about a run, if it does.
pub(crate) fn said(what: &str, form: &[(String, String)]) -> Result<Option<Act>, Failure> {
    let field = |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim());
    let number = |name: &str| {
        field(name)
            .parse::<u64>()
            .map_err(|error| Failure::BadInput(format!("`{}` is no number: {error}.", field(name))))
    };
    let task =
        || u32::try_from(number("task")?).map_err(|error| Failure::BadInput(format!("`{}`: {error}.", field("task"))));
    let values = || -> BTreeMap<String, String> {
        let given = form.iter().filter_map(|(name, value)| Some((name.strip_prefix("v.")?, value.trim())));
        given.filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let seen = || -> BTreeMap<String, String> {
        let had = form.iter().filter_map(|(name, value)| Some((name.strip_prefix("s.")?.to_owned(), value.clone())));
        had.collect()
    };
    let text = || field("text").to_owned();
    let step = |input| Ok(Some(Act::Step { run: number("run")?, input }));
    match what {
        "begin" => Ok(Some(Act::Run { playbook: field("playbook").to_owned(), values: values() })),
        "answer" => {
            Ok(Some(Act::Answer { run: number("run")?, task: task()?, values: values(), note: text(), seen: seen() }))
        }
        "refuse" => step(Input::Refused { task: task()?, who: String::new(), why: text() }),
        "pause" => step(Input::Pause { who: String::new(), why: text() }),
        "resume" => step(Input::Resume { who: String::new(), note: text() }),
        "end-run" => step(Input::Cancel { who: String::new(), why: text() }),
        _ => Ok(None),
    }
}

/// How an entry about a playbook reads.
pub(crate) fn words(what: &What) -> String {
    match what {
        What::Run { books, .. } => books.first().and_then(|book| book["name"].as_str()).unwrap_or_default().to_owned(),
        What::Step { run, input, in_place } => match input {
            Input::Answered { task, note, values, .. } => {
                format!("run {run}, task {task} done{}{}{}", listed(values), beside(note), for_whom(in_place.as_ref()))
            }
            Input::Refused { task, why, .. } => {
                format!("run {run}, task {task} refused: {why}{}", for_whom(in_place.as_ref()))
            }
            Input::Acted { task, values } => {
                format!("run {run}, task {task} done{}{}", listed(values), for_whom(in_place.as_ref()))
            }
            Input::ActFailed { task, why } => format!("run {run}, task {task} failed: {why}"),
            Input::Time => format!("run {run}: time passed"),
            Input::Pause { why, .. } => format!("run {run} waits: {why}"),
            Input::Resume { note, .. } => format!("run {run} goes on{}", beside(note)),
            Input::Cancel { why, .. } => format!("run {run} was ended: {why}"),
        },
        What::Told { role, text, ways, failed, .. } => {
            let sent = if ways.is_empty() { "shown here".to_owned() } else { format!("sent by {}", ways.join(", ")) };
            let not = if failed.is_empty() { String::new() } else { format!("; not by {}", failed.join("; ")) };
            format!("{}: {text} ({sent}{not})", role.title())
        }
        What::Forward { minutes } => format!("by {}", span(i64::from(*minutes) * 60_000)),
        _ => String::new(),
    }
}

fn listed(values: &BTreeMap<String, String>) -> String {
    let told: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{} = {}", variable::plain(name), wording::shortened(value, 60)))
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// In whose place it was said.
fn for_whom(in_place: Option<&InPlace>) -> String {
    in_place.map_or_else(String::new, |one| {
        format!(" (by an administrator in the place of the {}: {})", one.role.title().to_lowercase(), one.reason)
    })
}

fn beside(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(": {note}") }
}

/// Whether the clock of an exercise may be put forward.
pub(crate) fn is_practised(case: &Case) -> bool {
    case.is_exercise && case.state != IncidentState::Closed
}
