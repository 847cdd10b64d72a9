//! Clauses of contracts: those that hold, and the form in which people enter, change and end them.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use obligations::{
    Audience, Clause, ClauseChange, ClauseError, ClauseFault, Clauses, Confidence, Content, Library, Shape, Within,
};
use serde::Deserialize;

use super::form::Entered;
use super::{library, tabs};
use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::pages::access::Tab;
use crate::responding::Respond;
use crate::session::Visitor;
use crate::{Console, Shared};

/// What a form calls a period without a number.
const PROMPTLY: &str = "promptly";
/// Units of periods as a form has them, and in words.
const UNITS: [(&str, &str); 5] = [
    ("hours", "hours"),
    ("days", "calendar days"),
    ("business", "business days"),
    ("months", "months"),
    (PROMPTLY, "without delay, no number"),
];
/// What a form calls the trigger that is written out.
const OTHER: &str = "other";
/// Ids of contents that no fact answers begin so.
const OWN: &str = "own-";

/// One version of a clause, in words.
struct Row {
    id: String,
    partner: String,
    title: String,
    citation: String,
    says: String,
    note: String,
    period: String,
    recipient: String,
    trigger: String,
    roles: String,
    contents: Vec<String>,
    from: String,
    to: String,
    /// `holds`, `to come`, `ended`.
    state: &'static str,
    is_newest: bool,
    recorded: Vec<u64>,
}

#[derive(Template)]
#[template(path = "obligations/clauses.html")]
struct List {
    frame: Frame,
    tabs: Vec<Tab>,
    may_change: bool,
    rows: Vec<Row>,
    /// Clauses of the settings' files: id, where it stands, title, and to whom.
    of_settings: Vec<(String, String, String, String)>,
    today: String,
}

impl Console {
    /// Whoever keeps clauses.
    fn keeper(&self) -> Result<&dyn Respond, Failure> {
        let none = || Failure::BadInput("This server keeps no clauses of contracts.".to_owned());
        self.respond.as_deref().ok_or_else(none)
    }

    fn clauses(&self) -> Result<Clauses, Failure> {
        match &self.respond {
            Some(respond) => Ok(respond.clauses()?),
            None => Ok(Clauses::default()),
        }
    }

    fn today(&self) -> Date {
        let now = jiff::Timestamp::from_millisecond(self.now()).unwrap_or_default();
        now.to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// A condition in plain words, where it is a usual one.
fn trigger(library: &Library, when: &str) -> String {
    let usual = library.triggers().iter().find(|usual| usual.when == when);
    usual.map_or_else(|| format!("`{when}`"), |usual| usual.means.clone())
}

fn rows(clauses: &Clauses, library: &Library, today: Date) -> Vec<Row> {
    let row = |clause: &Clause| {
        let is_newest = clauses.newest(&clause.id) == Some(clause);
        Row {
            id: clause.id.clone(),
            partner: clause.partner.clone(),
            title: clause.title.clone(),
            citation: clause.citation.clone(),
            says: clause.says.clone(),
            note: clause.note.clone(),
            period: clause.period.to_string(),
            recipient: clause.recipient.clone(),
            trigger: trigger(library, &clause.when),
            roles: clause.roles.join(", "),
            contents: clause.contents.iter().map(|one| one.text.clone()).collect(),
            from: clause.from.to_string(),
            to: clause.to.map_or_else(String::new, |to| to.to_string()),
            state: match clause.to {
                Some(to) if to < today => "ended",
                _ if clause.from > today => "to come",
                _ => "holds",
            },
            recorded: if is_newest { clauses.recorded(&clause.id).to_vec() } else { Vec::new() },
            is_newest,
        }
    };
    clauses.versions().iter().rev().map(row).collect()
}

/// `GET /obligations/contracts`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (library, clauses, today) = (library()?, console.clauses()?, console.today());
    let of_settings = obligations::base().map_err(|_broken| Failure::Internal)?;
    let of_settings = of_settings.obligations().iter().filter(|of| of.confidence == Confidence::User);
    let of_settings =
        of_settings.map(|of| (of.id.clone(), of.citation.clone(), of.title.clone(), of.recipient.clone())).collect();
    render(&List {
        frame: visitor.frame("Contracts", Section::Obligations),
        tabs: tabs("/obligations/contracts"),
        may_change: visitor.administers() && console.respond.is_some(),
        rows: rows(&clauses, &library, today),
        of_settings,
        today: today.to_string(),
    })
}

/// What the address of the form may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    id: String,
}

/// A choice of a form: value, words, and whether it is made.
type Choice = (String, String, bool);

#[derive(Template)]
#[template(path = "obligations/clause.html")]
struct Edit {
    frame: Frame,
    is_new: bool,
    /// The newest version as it was seen, as JSON.
    was: String,
    id: String,
    partner: String,
    citation: String,
    title: String,
    says: String,
    note: String,
    recipient: String,
    number: String,
    units: Vec<Choice>,
    calendars: Vec<Choice>,
    triggers: Vec<Choice>,
    condition: String,
    starts: Vec<Choice>,
    roles: Vec<Choice>,
    contents: Vec<Choice>,
    own: String,
    from: String,
    to: String,
    why: String,
    /// Fields and what is wrong with each.
    faults: Vec<(&'static str, String)>,
    /// What is wrong with none of them alone.
    fault: String,
}

impl Edit {
    /// What is wrong with a field; nothing where it is right.
    fn at(&self, field: &str) -> String {
        let about: Vec<&str> =
            self.faults.iter().filter(|(name, _)| *name == field).map(|(_, why)| why.as_str()).collect();
        about.join("; ")
    }
}

/// `GET /obligations/contracts/edit`: a form that is empty, or holds the newest version of a clause.
pub(crate) async fn edit(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let library = library()?;
    let none = || Failure::NotFound(format!("There is no clause `{}`.", params.id));
    let entered = match params.id.as_str() {
        "" => Entered(vec![
            ("start".to_owned(), "aware_at".to_owned()),
            ("unit".to_owned(), "hours".to_owned()),
            ("from".to_owned(), console.today().to_string()),
        ]),
        id => of_clause(&library, console.clauses()?.newest(id).ok_or_else(none)?)?,
    };
    render(&form(&library, &visitor, &entered))
}

/// A clause as its form has it.
fn of_clause(library: &Library, clause: &Clause) -> Result<Entered, Failure> {
    let was = serde_json::to_string(clause).map_err(|_unlikely| Failure::Internal)?;
    let (number, unit, calendar) = match &clause.period {
        Within::Promptly => (String::new(), PROMPTLY, String::new()),
        Within::Hours(number) => (number.to_string(), "hours", String::new()),
        Within::Days(number) => (number.to_string(), "days", String::new()),
        Within::Months(number) => (number.to_string(), "months", String::new()),
        Within::BusinessDays(number, calendar) => (number.to_string(), "business", calendar.clone()),
    };
    let is_usual = library.triggers().iter().any(|usual| usual.when == clause.when);
    let is_filled = |content: &&Content| library.vocabulary().fillable().any(|(id, _)| id == content.id);
    let own: Vec<&str> = clause.contents.iter().filter(|one| !is_filled(one)).map(|one| one.text.as_str()).collect();
    let to = clause.to.map_or_else(String::new, |to| to.to_string());
    let fields = [
        ("was", was),
        ("id", clause.id.clone()),
        ("partner", clause.partner.clone()),
        ("citation", clause.citation.clone()),
        ("title", clause.title.clone()),
        ("says", clause.says.clone()),
        ("note", clause.note.clone()),
        ("recipient", clause.recipient.clone()),
        ("number", number),
        ("unit", unit.to_owned()),
        ("calendar", calendar),
        ("trigger", if is_usual { clause.when.clone() } else { OTHER.to_owned() }),
        ("condition", if is_usual { String::new() } else { clause.when.clone() }),
        ("start", clause.start.first().cloned().unwrap_or_default()),
        ("own", own.join("\n")),
        ("from", clause.from.to_string()),
        ("to", to),
    ];
    let mut entered: Vec<(String, String)> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    entered.extend(clause.roles.iter().map(|role| ("role".to_owned(), role.clone())));
    entered.extend(clause.contents.iter().filter(is_filled).map(|one| ("content".to_owned(), one.id.clone())));
    Ok(Entered(entered))
}

fn form(library: &Library, visitor: &Visitor, entered: &Entered) -> Edit {
    let vocabulary = library.vocabulary();
    let one = |name: &str| entered.one(name).to_owned();
    let is_picked = |field: &str, value: &str| entered.0.iter().any(|(name, given)| name == field && given == value);
    let choice = |field: &str, value: &str, words: &str| (value.to_owned(), words.to_owned(), is_picked(field, value));
    let timed = vocabulary.facts().filter(|fact| matches!(fact.shape, Shape::Instant | Shape::Day));
    let mut triggers: Vec<Choice> =
        library.triggers().iter().map(|usual| choice("trigger", &usual.when, &usual.means)).collect();
    triggers.push(choice("trigger", OTHER, "Another condition, written below"));
    Edit {
        frame: visitor.frame("Clause of a contract", Section::Obligations),
        is_new: !entered.is_on("was"),
        was: one("was"),
        id: one("id"),
        partner: one("partner"),
        citation: one("citation"),
        title: one("title"),
        says: one("says"),
        note: one("note"),
        recipient: one("recipient"),
        number: one("number"),
        units: UNITS.iter().map(|(unit, words)| choice("unit", unit, words)).collect(),
        calendars: library.calendars().iter().map(|one| choice("calendar", &one.id, &one.id)).collect(),
        triggers,
        condition: one("condition"),
        starts: timed.map(|fact| choice("start", fact.name, fact.question)).collect(),
        roles: vocabulary.roles().map(|(role, means)| choice("role", role, means)).collect(),
        contents: vocabulary.fillable().map(|(id, question)| choice("content", id, question)).collect(),
        own: one("own"),
        from: one("from"),
        to: one("to"),
        why: one("why"),
        faults: Vec::new(),
        fault: String::new(),
    }
}

/// What a form comes to; or the fields that are no clause at all.
fn clause_of(library: &Library, entered: &Entered, today: Date) -> Result<Clause, Vec<ClauseFault>> {
    let mut faults = Vec::new();
    let one = |name: &str| entered.one(name).replace("\r\n", "\n");
    let period = match (entered.one("unit"), entered.one("number")) {
        (PROMPTLY, _) => Some(Within::Promptly),
        (unit, number) => {
            let unit = if unit == "business" { "business days" } else { unit };
            format!("{number} {unit} {}", if unit == "business days" { entered.one("calendar") } else { "" })
                .parse()
                .ok()
        }
    };
    if period.is_none() {
        let why =
            "give a number and its unit, such as 24 hours, or choose `without delay`; business days have a calendar";
        faults.push(ClauseFault { field: "period", why: why.to_owned() });
    }
    let mut day = |field: &'static str| match entered.one(field) {
        "" => None,
        text => {
            let parsed = text.parse::<Date>().ok();
            if parsed.is_none() {
                faults.push(ClauseFault { field, why: format!("`{text}` is no day; write `2026-12-01`") });
            }
            parsed
        }
    };
    let (from, to) = (day("from"), day("to"));
    if from.is_none() && entered.one("from").is_empty() {
        faults.push(ClauseFault { field: "from", why: "say from which day on it is in force".to_owned() });
    }
    let (Some(period), Some(from), true) = (period, from, faults.is_empty()) else { return Err(faults) };
    let citation = one("citation");
    let content = |id: String, text: String| Content { id, text, cites: citation.clone() };
    let filled = library
        .vocabulary()
        .fillable()
        .filter(|(id, _)| entered.0.iter().any(|(name, given)| name == "content" && given == id));
    let mut contents: Vec<Content> = filled.map(|(id, question)| content(id.to_owned(), question.to_owned())).collect();
    let own = one("own");
    let own = own.lines().map(str::trim).filter(|line| !line.is_empty());
    contents
        .extend((1..).zip(own).map(|(number, line): (u32, &str)| content(format!("{OWN}{number}"), line.to_owned())));
    let recipient = one("recipient");
    let title = Some(one("title")).filter(|title| !title.is_empty()).unwrap_or_else(|| format!("Tell {recipient}"));
    Ok(Clause {
        id: one("id"),
        partner: one("partner"),
        title,
        says: one("says"),
        roles: entered.0.iter().filter(|(name, _)| name == "role").map(|(_, role)| role.clone()).collect(),
        when: if entered.one("trigger") == OTHER { one("condition") } else { one("trigger") },
        start: vec![one("start")],
        audience: Audience::Partner,
        note: one("note"),
        checked: today,
        citation,
        recipient,
        period,
        from,
        to,
        contents,
    })
}

/// `POST /obligations/contracts`: enters a clause, or changes one.
pub(crate) async fn save(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (_, by) = console.acting(&visitor).await?;
    let keeper = console.keeper()?;
    let (library, entered) = (library()?, Entered(fields));
    let base = obligations::base().map_err(|_broken| Failure::Internal)?;
    let tried = clause_of(&library, &entered, console.today()).map_err(ClauseError::Faults).and_then(|clause| {
        let change = change_of(entered.one("was"), clause)?;
        first_checked(keeper, &change, &base).map(|()| change)
    });
    let why = entered.one("why");
    match tried {
        Ok(change) if !why.is_empty() => {
            keeper.change_clause(change, why.to_owned(), &by).await?;
            Ok(Redirect::to("/obligations/contracts").into_response())
        }
        tried => {
            let mut page = form(&library, &visitor, &entered);
            if why.is_empty() {
                page.faults.push(("why", "say why; it is recorded beside the change".to_owned()));
            }
            match tried {
                Ok(_) => {}
                Err(ClauseError::Faults(faults)) => {
                    page.faults.extend(faults.into_iter().map(|fault| (fault.field, fault.why)));
                }
                Err(error @ ClauseError::Taken(_)) => page.faults.push(("id", error.to_string())),
                Err(error) => page.fault = sentence(&error),
            }
            let page = render(&page)?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
    }
}

/// The change that a form means: a clause that is new, or another version of the one that its writer saw.
fn change_of(was: &str, clause: Clause) -> Result<ClauseChange, ClauseError> {
    if was.is_empty() {
        return Ok(ClauseChange::Add(Box::new(clause)));
    }
    let was: Result<Clause, _> = serde_json::from_str(was);
    let was =
        was.map_err(|error| ClauseError::Wrong(format!("the form was altered on its way ({error}); open it anew")))?;
    Ok(ClauseChange::Change { clause: Box::new(clause), was: Box::new(was) })
}

/// Whether the change can be made, so that what is wrong is told beside the field.
fn first_checked(keeper: &dyn Respond, change: &ClauseChange, base: &Library) -> Result<(), ClauseError> {
    let clauses = keeper.clauses().map_err(|fault| ClauseError::Wrong(fault.to_string()))?;
    clauses.changed(change, base).map(drop)
}

/// The end of a clause.
#[derive(Debug, Deserialize)]
pub(crate) struct End {
    id: String,
    last: String,
    why: String,
}

/// `POST /obligations/contracts/end`.
pub(crate) async fn end(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(end): Form<End>,
) -> Result<Response, Failure> {
    let (_, by) = console.acting(&visitor).await?;
    let no_day =
        |error: jiff::Error| Failure::BadInput(format!("`{}` is no day ({error}); write it as 2026-12-01.", end.last));
    let last: Date = end.last.trim().parse().map_err(no_day)?;
    let change = ClauseChange::End { id: end.id.trim().to_owned(), last };
    console.keeper()?.change_clause(change, end.why, &by).await?;
    Ok(Redirect::to("/obligations/contracts").into_response())
}
