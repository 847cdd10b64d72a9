//! From facts to clocks, before or beside an incident. Nothing of it is kept or recorded.

use askama::Template;
use axum::extract::{Form, State};
use axum::response::Response;
use model::Jurisdiction;
use obligations::{Facts, Library};
use serde_json::{Map, Value};

use super::answers::{Answers, answers};
use super::form::{Beside, Entered, Filled};
use super::{library, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::access::Tab;
use crate::session::Visitor;
use crate::{Shared, wording};

#[derive(Template)]
#[template(path = "obligations/explore.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    form: Filled,
    /// How many fields are wrong.
    faults: usize,
    answers: Option<Answers>,
    /// The facts as JSON, for an incident that begins with them; empty for whoever opens none.
    facts: String,
}

/// A jurisdiction by name, as far as it has one.
pub(super) fn place(code: &str) -> String {
    code.parse::<Jurisdiction>().map_or_else(|_| code.to_owned(), |place| wording::place(&place))
}

/// `GET /obligations`: an empty form, but for what the plan says of the organisation.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let library = library()?;
    let mut entered = Entered::default();
    let (roles, timezone) = console.organisation()?;
    entered.0.extend(roles.into_iter().map(|role| ("role".to_owned(), role)));
    entered.0.extend(timezone.map(|zone| ("timezone".to_owned(), zone)));
    let form = entered.filled(&library, place, &Beside::default());
    page(&visitor, form, 0, None, String::new())
}

/// `POST /obligations`: what follows from the facts that were entered.
pub(crate) async fn answer(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let library = library()?;
    let entered = Entered(fields);
    let facts = entered.facts(&library);
    let (mut beside, read) = looked_at(&library, &facts, console.now());
    let mut answers = match read {
        // Another row is asked for, no answer yet.
        _ if entered.is_on("more-places") => None,
        Some(read) => Some(answers(&library, &read, console.now(), entered.is_on("proposed"))),
        None => None,
    };
    beside.asked = answers.as_ref().map(Answers::asked).unwrap_or_default();
    let form = entered.filled(&library, place, &beside);
    if let Some(answers) = &mut answers {
        answers.link(&form);
    }
    let opens = answers.is_some() && visitor.reviews() && !facts.is_empty();
    let facts = if opens { Value::Object(facts).to_string() } else { String::new() };
    page(&visitor, form, beside.faults.len(), answers, facts)
}

/// What is to be said beside facts; and the facts, if nothing is wrong with them.
fn looked_at(library: &Library, facts: &Map<String, Value>, now_ms: i64) -> (Beside, Option<Facts>) {
    let mut beside = Beside { faults: obligations::faults(facts, library.vocabulary()), ..Beside::default() };
    if !beside.faults.is_empty() {
        return (beside, None);
    }
    let text = Value::Object(facts.clone()).to_string();
    let Ok(read) = Facts::from_json(text.as_bytes(), library.vocabulary()) else { return (beside, None) };
    let at = jiff::Timestamp::from_millisecond(now_ms).ok();
    let found = library.contradictions(&read, at);
    beside.doubts = found.into_iter().map(|one| (one.facts, one.says)).collect();
    (beside, Some(read))
}

fn page(
    visitor: &Visitor,
    form: Filled,
    faults: usize,
    answers: Option<Answers>,
    facts: String,
) -> Result<Response, Failure> {
    let frame = visitor.frame("Obligations", Section::Obligations);
    render(&Page { frame, tabs: tabs("/obligations"), form, faults, answers, facts })
}
