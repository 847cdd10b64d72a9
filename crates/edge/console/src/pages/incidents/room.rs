//! The room of one incident: clocks, exposure, facts, tasks, notices, what was done and said.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use incidents::brief::{self, brief_of};
use incidents::case::{Case, Reader, What};
use incidents::drafts::{self, LANGUAGES};
use model::{IncidentState, Severity, UnknownName};
use playbooks::Role;
use serde_json::Value;

use super::assess::FormRow;
use super::clocks::{Dial, dials};
use super::exposed::{self, Exposed};
use super::facts;
use super::letters::{LettersCard, Mail};
use super::measures::Measures;
use super::runs::{Runs, runs};
use super::story::{self, StoryRow};
use super::tasks::{TaskRow, due, tasks};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::responding::{Act, ActFault, Asked};
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared};

struct FactRow {
    name: String,
    question: String,
    value: String,
    /// Words that answer; empty for a text.
    words: Vec<(String, bool)>,
    is_long: bool,
    is_asked: bool,
}

struct RoleBox {
    name: String,
    means: String,
    is_ours: bool,
}

struct NoticeRow {
    obligation: String,
    language: String,
    text: String,
    /// By what the text is known that whoever reads the page has before them.
    sha256: String,
    written_by: String,
    approved_by: String,
    /// Why whoever looks cannot approve it; empty: they can.
    not_approved: String,
    missing: Vec<String>,
    said: usize,
    asked: usize,
    /// Who receives it by the plan, and how.
    to: Vec<String>,
    mail: Mail,
}

#[derive(Template)]
#[template(path = "incidents/room.html")]
struct Page {
    frame: Frame,
    id: u32,
    title: String,
    state: &'static str,
    severity: &'static str,
    study: String,
    finding: String,
    version: u64,
    is_open: bool,
    is_exercise: bool,
    is_practised: bool,
    runs: Runs,
    forms: Vec<FormRow>,
    dials: Vec<Dial>,
    languages: Vec<(&'static str, String)>,
    /// What is told though no law asks for it: id and title.
    statements: Vec<(&'static str, &'static str)>,
    open_questions: usize,
    exposed: Option<Exposed>,
    facts: Vec<FactRow>,
    roles: Vec<RoleBox>,
    /// Those affected, a line for each place.
    affected: String,
    timezone: String,
    delay: [String; 4],
    people: Vec<(&'static str, String)>,
    tasks: Vec<TaskRow>,
    task_roles: Vec<&'static str>,
    notices: Vec<NoticeRow>,
    letters: LettersCard,
    /// Kind, kind in words, and target.
    contained: Vec<(String, &'static str, String)>,
    measures: Measures,
    story: Vec<StoryRow>,
    /// Whether the story has what the record tells besides.
    is_told: bool,
    told_notes: Vec<String>,
    states: Vec<&'static str>,
    severities: Vec<&'static str>,
}

/// The number in an address.
pub(crate) fn number(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_wrong: std::num::ParseIntError| {
        Failure::NotFound("There is no such incident; look for it in the list.".to_owned())
    })
}

/// Languages of notices, by their own names.
pub(crate) fn languages() -> Vec<(&'static str, String)> {
    LANGUAGES.iter().filter_map(|id| Some((*id, drafts::words(id).ok()?.name.clone()))).collect()
}

/// `GET /incidents/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let guard = console.guard()?;
    let (row, case) = guard.view.incidents.case(id).await?;
    let now = console.now();
    let reader = console.reader(&visitor).await?;
    let dials = dials(&case, case.clock(now));
    let open_questions = dials.iter().filter(|dial| dial.is_owed && !dial.questions.is_empty()).count();
    let story = story::own(&console, &case, &reader, now).await?;
    render(&Page {
        frame: visitor.frame(&case.title, Section::Incidents),
        id,
        title: case.title.clone(),
        state: case.state.as_str(),
        severity: case.severity.as_str(),
        study: case.study.clone().unwrap_or_default(),
        finding: case.finding.map_or_else(String::new, |finding| finding.to_string()),
        version: row.version,
        is_open: case.state != IncidentState::Closed,
        open_questions,
        is_exercise: case.is_exercise,
        is_practised: super::runs::is_practised(&case),
        runs: runs(id, &case, &reader, now),
        forms: super::assess::rows(&case),
        exposed: match &case.exposure {
            Some(summary) => Some(exposed::in_short(&console, id, summary).await?),
            None => None,
        },
        facts: fact_rows(&case, &dials),
        roles: roles(&case),
        affected: case.facts.get("affected").map(facts::affected_lines).unwrap_or_default(),
        timezone: case.facts.get("timezone").and_then(Value::as_str).unwrap_or_default().to_owned(),
        delay: facts::delay_parts(case.facts.get("law_enforcement_delay").unwrap_or(&Value::Null)),
        people: case.roles.iter().map(|(role, name)| (role.as_str(), name.clone())).collect(),
        tasks: tasks(&case, now),
        task_roles: Role::ALL.iter().map(|role| role.as_str()).collect(),
        notices: notices(&console, &case, &reader).await?,
        letters: super::letters::card(&console, &case, now).await?,
        contained: case.contained.iter().map(|(kind, target)| (kind.clone(), of_kind(kind), target.clone())).collect(),
        measures: super::measures::measures(&case, now),
        story,
        is_told: false,
        told_notes: Vec::new(),
        states: IncidentState::ALL.iter().filter(|state| **state != case.state).map(|state| state.as_str()).collect(),
        severities: Severity::ALL.iter().map(|severity| severity.as_str()).collect(),
        dials,
        languages: languages(),
        statements: brief::statements().into_iter().flatten().map(|one| (one.id, one.title)).collect(),
    })
}

/// Whether a question of a clock that waits asks for a fact.
fn fact_rows(case: &Case, dials: &[Dial]) -> Vec<FactRow> {
    let Ok(library) = obligations::in_force() else { return Vec::new() };
    let asked: Vec<&String> = dials.iter().flat_map(|dial| &dial.questions).collect();
    let mut rows: Vec<FactRow> = library
        .vocabulary()
        .facts()
        .map(|fact| {
            let value = match case.facts.get(fact.name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(is)) => is.to_string(),
                _ => String::new(),
            };
            let words: Vec<&str> =
                if fact.is_flag() { vec!["true", "false"] } else { fact.words.iter().map(String::as_str).collect() };
            FactRow {
                words: words.into_iter().map(|word| (word.to_owned(), word == value)).collect(),
                is_asked: asked.iter().any(|question| *question == fact.question),
                is_long: fact.is_text(),
                name: fact.name.to_owned(),
                question: fact.question.to_owned(),
                value,
            }
        })
        .collect();
    // What clocks ask for first, then what is known, then the rest.
    rows.sort_by_key(|row| (!row.is_asked, row.value.is_empty(), row.is_long));
    rows
}

fn roles(case: &Case) -> Vec<RoleBox> {
    let Ok(library) = obligations::in_force() else { return Vec::new() };
    let ours: Vec<&str> =
        case.facts.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let boxed = |(name, means): (&str, &str)| RoleBox {
        is_ours: ours.contains(&name),
        name: name.to_owned(),
        means: means.to_owned(),
    };
    library.vocabulary().roles().map(boxed).collect()
}

/// Notices, with names of who wrote them.
async fn notices(console: &Console, case: &Case, reader: &Reader) -> Result<Vec<NoticeRow>, Failure> {
    let mut names = Named::default();
    let mut notices = Vec::new();
    let plan = console.plan()?.and_then(Result::ok);
    for (obligation, languages) in &case.notices {
        for (language, notice) in languages {
            let checked = checked(case, obligation, &notice.text, language);
            notices.push(NoticeRow {
                to: super::letters::receivers(plan.as_ref(), case, obligation),
                mail: super::letters::mail(plan.as_ref(), case, obligation, language),
                not_approved: match case.check_approval(obligation, language, reader) {
                    Ok(()) => String::new(),
                    Err(why) => why.to_string(),
                },
                obligation: obligation.clone(),
                language: language.clone(),
                text: notice.text.clone(),
                sha256: notice.sha256(),
                written_by: names.of(console, &notice.written_by).await?,
                approved_by: match &notice.approved_by {
                    Some(who) => names.of(console, who).await?,
                    None => String::new(),
                },
                missing: checked
                    .iter()
                    .filter(|one| !one.is_said)
                    .map(|one| format!("{} ({})", one.text, one.cites))
                    .collect(),
                said: checked.iter().filter(|one| one.is_said).count(),
                asked: checked.len(),
            });
        }
    }
    Ok(notices)
}

/// What is contained, in words.
fn of_kind(kind: &str) -> &'static str {
    match kind {
        "principal" => "the principal",
        "device" => "the device",
        "access_key" => "the access key",
        "partner" => "everybody of the partner",
        "study" => "the study",
        "study_writes" => "writing in the study",
        _ => "",
    }
}

/// What a notice has to say, and whether the text says it.
fn checked(case: &Case, obligation: &str, text: &str, language: &str) -> Vec<drafts::Checked> {
    let Ok(library) = obligations::in_force() else { return Vec::new() };
    let Ok(of) = brief_of(case, &library, obligation) else { return Vec::new() };
    drafts::check(&of, text, language).unwrap_or_default()
}

pub(super) fn words(what: &What) -> String {
    match what {
        What::Opened { title, .. } => title.clone(),
        What::Facts { set, .. } => {
            let told: Vec<String> = set
                .iter()
                .map(|(name, value)| format!("{name}: {}", wording::shortened(&value.to_string(), 80)))
                .collect();
            told.join("; ")
        }
        What::Clocks { issued } => {
            let told: Vec<String> = issued
                .iter()
                .map(|clock| {
                    let due = if clock["due_at"].is_null() { &clock["due_on"] } else { &clock["due_at"] };
                    let status = clock["status"].as_str().unwrap_or_default();
                    format!(
                        "{} {status} {}",
                        clock["obligation"].as_str().unwrap_or_default(),
                        due.as_str().unwrap_or_default()
                    )
                })
                .collect();
            told.join("; ")
        }
        What::Exposure { summary, .. } => {
            let people = summary["figures"].get(1).and_then(|figure| figure["subjects"].as_u64()).unwrap_or(0);
            format!(
                "{} in {}",
                wording::counted(people, "person", "people"),
                wording::counted(summary["objects"].as_u64().unwrap_or(0), "object", "objects")
            )
        }
        What::Note { text, .. } | What::Lesson { text } => text.clone(),
        What::Decision { text, reason } => format!("{text} Because: {reason}"),
        What::Task { text, role, .. } => format!("{text} ({})", role.as_str()),
        What::TaskDue { task, due_at } => match due_at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()) {
            Some(at) => format!("task {task} by {at:.0}"),
            None => format!("task {task} has no hurry"),
        },
        What::TaskDone { task, text } => format!("task {task} {text}"),
        What::Takes { role, name } => format!("{name} is {}", role.as_str()),
        What::Evidence { text, sha256, from } => format!("{text}, from {from}, SHA-256 {sha256}"),
        What::Containment { kind, target, on, .. } => {
            format!("{kind} {target} {}", if *on { "contained" } else { "released" })
        }
        What::CloserWatch { .. } | What::Training { .. } => super::measures::words(what),
        What::Draft { obligation, language, .. } => format!("{obligation} ({language})"),
        What::Approved { obligation, language, .. } => format!("{obligation} ({language})"),
        What::Settled { obligation, reason } => format!("{obligation}: {reason}"),
        What::Assessment { form, concluded, signature, .. } => {
            format!("{form}: {}; signed by {} as: {}", concluded.outcome, signature.printed_name, signature.meaning)
        }
        What::Sending { .. }
        | What::Sent { .. }
        | What::SendFailed { .. }
        | What::Letters { .. }
        | What::LettersAgreed { .. }
        | What::LettersMade { .. }
        | What::LettersSending { .. }
        | What::LettersSent { .. }
        | What::Returned { .. }
        | What::Posted { .. }
        | What::TakenDown { .. } => super::letters::words(what),
        What::Moved { state, reason } => format!("{}: {reason}", state.as_str()),
        What::Run { .. } | What::Step { .. } | What::Told { .. } | What::Forward { .. } => super::runs::words(what),
        What::Graded { severity, reason } => format!("{}: {reason}", severity.as_str()),
    }
}

/// `POST /incidents/{id}`: what is done about it.
pub(crate) async fn act(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (guard, by) = console.acting(&visitor).await?;
    let field =
        |name: &str| form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim()).to_owned();
    let acts = match field("what").as_str() {
        "expose" => Some(Act::Expose(Box::new(Asked {
            principal: field("principal"),
            device: field("device"),
            partner: field("partner"),
            credential: field("credential"),
            objects: field("objects"),
            from: field("from"),
            to: field("to"),
            reach: !field("reach").is_empty(),
            sealed_copy: !field("sealed_copy").is_empty(),
        }))),
        "contain" => Some(Act::Contain { kind: field("kind"), target: field("target"), on: true }),
        "release" => Some(Act::Contain { kind: field("kind"), target: field("target"), on: false }),
        measure @ ("watch" | "unwatch" | "train" | "untrain") => {
            let (_, case) = guard.view.incidents.case(id).await?;
            Some(super::measures::said(measure, &case, &field)?)
        }
        "draft" => Some(Act::Draft { obligation: field("obligation"), language: field("language") }),
        "letters-ask" => Some(super::reaching::asked(&form)?),
        "send" => Some(super::letters::send(&field)?),
        other => super::runs::said(other, &form)?,
    };
    if let Some(act) = acts {
        let none = || Failure::BadInput("This server can only keep incidents, not act on them.".to_owned());
        let respond = console.respond.as_ref().ok_or_else(none)?;
        respond.act(id, act, &by).await?;
    } else {
        let what = match field("what").as_str() {
            "facts" => facts::given(&guard.view.incidents.case(id).await?.1, &form)?,
            "task" => {
                let due_at = due(&guard.view.incidents.case(id).await?.1, &field("due"))?;
                What::Task { text: field("text"), role: role(&field("role"))?, due_at }
            }
            "task-due" => {
                let due_at = due(&guard.view.incidents.case(id).await?.1, &field("due"))?;
                What::TaskDue { task: numbered(&field("task"))?, due_at }
            }
            other => said(other, &field)?,
        };
        if matches!(&what, What::Sent { at, .. } if is_to_come(at, by.now_ms)) {
            return Err(Failure::BadInput("That time is still to come. Say when it was sent once it was.".to_owned()));
        }
        guard.view.incidents.add(id, what, &by).await?;
    }
    Ok(Redirect::to(&format!("/incidents/{id}")).into_response())
}

/// Whether a time is later than clocks of people and of this machine may differ by.
fn is_to_come(at: &str, now: i64) -> bool {
    at.parse::<jiff::Timestamp>().is_ok_and(|at| at.as_millisecond() > now + 10 * 60_000)
}

impl From<ActFault> for Failure {
    fn from(fault: ActFault) -> Self {
        match fault {
            ActFault::Wrong(why) => Self::BadInput(why),
            ActFault::Failed(why) => {
                tracing::error!(why, "an incident could not be acted on");
                Self::Internal
            }
        }
    }
}

fn wrong(error: &UnknownName) -> Failure {
    Failure::BadInput(format!("{error}."))
}

/// A role as a form has it.
pub(crate) fn role(text: &str) -> Result<Role, Failure> {
    let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::parse(text).ok_or_else(|| Failure::BadInput(format!("`{text}` is no role; there are {}.", known.join(", "))))
}

fn numbered(text: &str) -> Result<u64, Failure> {
    text.parse::<u64>().map_err(|error| Failure::BadInput(format!("`{text}` is no number: {error}")))
}

fn said(what: &str, field: &impl Fn(&str) -> String) -> Result<What, Failure> {
    let number = |name: &str| numbered(&field(name));
    Ok(match what {
        "note" => What::Note { text: field("text"), privileged: field("privileged") == "on" },
        "decision" => What::Decision { text: field("text"), reason: field("reason") },
        "lesson" => What::Lesson { text: field("text") },
        "forward" => {
            let hours = number("hours")?;
            let minutes = u32::try_from(hours.saturating_mul(60)).unwrap_or(u32::MAX);
            What::Forward { minutes }
        }
        "task-done" => What::TaskDone { task: number("task")?, text: field("text") },
        "role" => What::Takes { role: role(&field("role"))?, name: field("name") },
        "approve" => What::Approved {
            obligation: field("obligation"),
            language: field("language"),
            sha256: Some(field("seen")).filter(|seen| !seen.is_empty()),
        },
        "save" => What::Draft {
            obligation: field("obligation"),
            language: field("language"),
            // Browsers end lines with two characters.
            text: field("text").replace("\r\n", "\n"),
            by_hand: true,
            was: Some(field("seen")).filter(|seen| !seen.is_empty()),
        },
        "settle" => What::Settled { obligation: field("obligation"), reason: field("reason") },
        "sent" => What::Sent { obligation: field("obligation"), at: field("at"), how: field("how"), sending: None },
        "state" => {
            What::Moved { state: field("state").parse().map_err(|error| wrong(&error))?, reason: field("reason") }
        }
        "severity" => What::Graded {
            severity: field("severity").parse().map_err(|error| wrong(&error))?,
            reason: field("reason"),
        },
        "letters-agree" | "posted" | "taken-down" | "returned" => super::letters::said(what, field)?,
        other => return Err(Failure::BadInput(format!("`{other}` cannot be done about an incident."))),
    })
}
