//! Assessments of risk, guided: questions with their sources, what follows from the answers, a conclusion, a signature.
//!
//! Whoever signs proves then who they are (21 CFR 11.200(a)(1)); the signature names the digest of the record that it is under (11.70).

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use incidents::assess::{self, Answers, Concluded, ConclusionFault, Kind, Signer, Subject};
use incidents::case::{Case, What};
use serde_json::Value;

use super::room::number;
use crate::again::{Again, Proof};
use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::passkeys::Offer;
use crate::session::Visitor;
use crate::{Console, Shared};

struct Asked {
    id: String,
    text: String,
    help: String,
    cites: String,
    note: String,
    is_text: bool,
    is_needed: bool,
    /// It stands there because the record or the facts suggest it; nobody has looked at it yet.
    is_suggested: bool,
    options: Vec<(String, String, bool)>,
    answer: String,
    fault: String,
}

struct Follows {
    title: String,
    text: String,
    cites: String,
    because: Vec<String>,
}

#[derive(Template)]
#[template(path = "incidents/assess.html")]
struct Page {
    frame: Frame,
    passkeys: Offer,
    id: u32,
    incident: String,
    form: String,
    title: String,
    about: String,
    cites: String,
    note: String,
    questions: Vec<Asked>,
    follows: Option<Follows>,
    /// The answers are complete: it can be concluded and signed.
    is_complete: bool,
    outcomes: Vec<(String, String, bool)>,
    meanings: Vec<(String, String, bool)>,
    reason: String,
    fault: String,
    has_password: bool,
    /// All answers again, for the form that a passkey signs.
    given: Vec<(String, String)>,
}

/// What somebody has written so far.
#[derive(Default)]
struct Written {
    answers: Answers,
    concluded: Concluded,
    meaning: String,
    fault: String,
    is_new: bool,
}

fn found(id: &str) -> Result<&'static assess::Form, Failure> {
    assess::form(id).map_err(|error| Failure::NotFound(sentence(&error)))
}

fn subject(id: u32, case: &Case) -> Subject {
    let organisation = case.facts.get("organisation").and_then(Value::as_str).unwrap_or_default().to_owned();
    Subject { reference: format!("INC-{id}"), title: case.title.clone(), organisation }
}

fn page(
    console: &Console,
    visitor: &Visitor,
    (id, case): (u32, &Case),
    form: &assess::Form,
    written: Written,
) -> Result<Response, Failure> {
    let Written { answers, concluded, meaning, fault, is_new } = written;
    let faults = if is_new { Vec::new() } else { form.check(&answers).err().unwrap_or_default() };
    let is_complete = !is_new && faults.is_empty();
    let fault_of = |question: &str| {
        faults.iter().find(|fault| fault.question == question).map_or_else(String::new, |fault| sentence(&fault.wrong))
    };
    let questions = form.asked(&answers).into_iter().map(|question| {
        let answer = answers.get(&question.id).cloned().unwrap_or_default();
        Asked {
            id: question.id.clone(),
            text: question.text.clone(),
            help: question.help.clone(),
            cites: question.cites.clone(),
            note: question.note.clone().unwrap_or_default(),
            is_text: question.kind == Kind::Text,
            is_needed: question.needed,
            is_suggested: is_new && !answer.is_empty(),
            options: question
                .options
                .iter()
                .map(|option| (option.id.clone(), option.text.clone(), option.id == answer))
                .collect(),
            fault: fault_of(&question.id),
            answer,
        }
    });
    let outcome = form.outcome(&answers).filter(|_| !is_new);
    let chosen = match (&outcome, concluded.outcome.as_str()) {
        (Some(outcome), "") => outcome.id.clone(),
        (_, given) => given.to_owned(),
    };
    let text_of = |question: &String| form.question(question).map_or_else(String::new, |one| one.text.clone());
    let follows = outcome.as_ref().and_then(|outcome| {
        let possible = form.possible(&outcome.id)?;
        Some(Follows {
            title: possible.title.clone(),
            text: possible.text.clone(),
            cites: possible.cites.clone(),
            because: outcome.because.iter().map(text_of).collect(),
        })
    });
    let person = visitor.person.as_ref().ok_or(Failure::Forbidden)?;
    render(&Page {
        frame: visitor.frame(&form.title, Section::Incidents),
        passkeys: console.passkeys.offer(),
        id,
        incident: case.title.clone(),
        form: form.id.clone(),
        title: form.title.clone(),
        about: form.about.clone(),
        cites: form.cites.join("; "),
        note: form.note.clone().unwrap_or_default(),
        questions: questions.collect(),
        follows,
        is_complete,
        outcomes: form.outcomes.iter().map(|one| (one.id.clone(), one.title.clone(), one.id == chosen)).collect(),
        meanings: form.meanings.iter().map(|one| (one.id.clone(), one.text.clone(), one.id == meaning)).collect(),
        given: answers.into_iter().collect(),
        reason: concluded.reason,
        fault,
        has_password: person.has_password,
    })
}

/// `GET /incidents/{id}/assess/{form}`: the questions, with what is known already.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path((id, form)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, form) = (number(&id)?, found(&form)?);
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    // What was signed before is where whoever assesses anew begins.
    let before = case.assessments.get(&form.id).and_then(|number| signed(&case, *number));
    let answers = match before {
        Some((answers, _)) => answers.clone(),
        None => form.prefilled(&case.facts, case.exposure.as_ref()),
    };
    page(&console, &visitor, (id, &case), form, Written { answers, is_new: true, ..Written::default() })
}

fn signed(case: &Case, number: u64) -> Option<(&Answers, String)> {
    let entry = case.entries.iter().find(|entry| entry.number == number)?;
    match &entry.what {
        What::Assessment { answers, document, signature, .. } => {
            Some((answers, format!("{document}{}", signature.block())))
        }
        _ => None,
    }
}

/// `POST /incidents/{id}/assess/{form}`: what follows from the answers, or the signature.
pub(crate) async fn submit(
    State(console): State<Shared>,
    visitor: Visitor,
    Path((id, form)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, form) = (number(&id)?, found(&form)?);
    let (guard, by) = console.acting(&visitor).await?;
    let (_, case) = guard.view.incidents.case(id).await?;
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim());
    let answers: Answers = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("a.")?.to_owned(), value.trim().to_owned())))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    // What other answers no longer ask for goes without a word: the page does not show it any more.
    let answers = form.applying(&answers);
    let concluded = Concluded { outcome: field("outcome").to_owned(), reason: field("reason").to_owned() };
    let meaning = field("meaning").to_owned();
    let written = |fault: String| Written {
        answers: answers.clone(),
        concluded: concluded.clone(),
        meaning: meaning.clone(),
        fault,
        is_new: false,
    };
    if field("what") != "sign" {
        return page(&console, &visitor, (id, &case), form, written(String::new()));
    }
    let refused = |status: StatusCode, fault: String| {
        let page = page(&console, &visitor, (id, &case), form, written(fault))?;
        Ok::<_, Failure>((status, page).into_response())
    };
    let person = visitor.person.as_ref().ok_or(Failure::Forbidden)?;
    let signed_at = jiff::Timestamp::from_millisecond(by.now_ms).map_err(|_beyond: jiff::Error| Failure::Internal)?;
    let signer = Signer { printed_name: person.name.clone(), signed_at, meaning: meaning.clone() };
    let subject = subject(id, &case);
    // What cannot be signed is told before anybody is asked who they are.
    let signature = match form.sign(&subject, &answers, &concluded, &signer) {
        Ok(signature) => signature,
        Err(error) => return refused(StatusCode::UNPROCESSABLE_ENTITY, sentence(&error)),
    };
    if let Again::Refused(status, fault) = console.prove_again(&visitor, &Proof::of(&fields)).await? {
        return refused(status, fault);
    }
    let follow = form.facts(&answers, &concluded);
    let follow = follow.map_err(|error: ConclusionFault| Failure::BadInput(sentence(&error)))?;
    let document = form.document(&subject, &answers, &concluded, None);
    let what = What::Assessment { form: form.id.clone(), answers: answers.clone(), concluded, document, signature };
    guard.view.incidents.add_with(id, what, &follow.into_iter().collect(), &by).await?;
    Ok(Redirect::to(&format!("/incidents/{id}#assessments-title")).into_response())
}

/// `GET /incidents/{id}/assessments/{entry}`: a signed record as text.
pub(crate) async fn text(
    State(console): State<Shared>,
    _visitor: Visitor,
    Path((id, entry)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    let none = || Failure::NotFound("There is no such assessment in this incident.".to_owned());
    let entry = entry.parse().map_err(|_wrong: std::num::ParseIntError| none())?;
    let (_, text) = signed(&case, entry).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// A form in the room: what was signed last.
pub(crate) struct FormRow {
    pub(crate) form: String,
    pub(crate) title: String,
    /// The outcome that was concluded; empty where nothing was signed.
    pub(crate) outcome: String,
    pub(crate) signed_by: String,
    pub(crate) meaning: String,
    pub(crate) entry: u64,
}

pub(crate) fn rows(case: &Case) -> Vec<FormRow> {
    let row = |form: &assess::Form| {
        let mut row = FormRow {
            form: form.id.clone(),
            title: form.title.clone(),
            outcome: String::new(),
            signed_by: String::new(),
            meaning: String::new(),
            entry: 0,
        };
        let last = case.assessments.get(&form.id);
        let entry = last.and_then(|number| case.entries.iter().find(|entry| entry.number == *number));
        if let Some(entry) = entry
            && let What::Assessment { concluded, signature, .. } = &entry.what
        {
            row.outcome = form.possible(&concluded.outcome).map_or_else(String::new, |one| one.title.clone());
            row.signed_by = format!("{}, {}", signature.printed_name, signature.signed_at);
            row.meaning.clone_from(&signature.meaning);
            row.entry = entry.number;
        }
        row
    };
    assess::forms().unwrap_or_default().iter().map(row).collect()
}
