//! Obligations: which clocks facts start, which clauses of contracts hold, and what the law says.

mod answers;
pub(crate) mod clauses;
pub(crate) mod explore;
mod form;

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use obligations::{LawStatus, Library, Obligation, Period};

use super::access::Tab;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;

/// The pages of the section, `here` the one that is shown.
fn tabs(here: &str) -> Vec<Tab> {
    [
        ("Clocks from facts", "/obligations"),
        ("Contracts", "/obligations/contracts"),
        ("What the law says", "/obligations/texts"),
    ]
    .into_iter()
    .map(|(name, href)| Tab { name, href, is_here: href == here })
    .collect()
}

/// What is in force.
fn library() -> Result<Arc<Library>, Failure> {
    obligations::in_force().map_err(|error| {
        tracing::error!(%error, "the obligations that are shipped cannot be read");
        Failure::Internal
    })
}

struct Row {
    id: String,
    title: String,
    period: String,
    recipient: String,
    says: String,
    note: String,
    citation: String,
    jurisdiction: String,
    source_url: String,
    /// What the law says of more time, and where.
    extensions: Vec<(String, String)>,
    roles: String,
    from: String,
    to: String,
    text_version: String,
    checked: String,
    confidence: String,
    is_proposed: bool,
    contents: Vec<(String, String)>,
}

struct Regime {
    id: String,
    name: String,
    obligations: Vec<Row>,
}

#[derive(Template)]
#[template(path = "obligations/texts.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    regimes: Vec<Regime>,
}

fn period(of: &Obligation) -> String {
    match of.period {
        Period::Promptly => "promptly".to_owned(),
        Period::Hours(hours) => format!("within {hours} hours"),
        Period::Days { days, after_year_end: true, .. } => format!("within {days} days after the end of the year"),
        Period::Days { days, .. } => format!("within {days} days"),
        Period::Months(months) => format!("within {months} months").replace(" 1 months", " a month"),
        Period::BusinessDays { days, .. } => format!("within {days} business days"),
    }
}

/// `GET /obligations/texts`.
pub(crate) async fn texts(visitor: Visitor) -> Result<Response, Failure> {
    let library = library()?;
    let row = |of: &Obligation| Row {
        id: of.id.clone(),
        title: of.title.clone(),
        period: period(of),
        recipient: of.recipient.clone(),
        says: of.says.clone(),
        note: of.note.clone(),
        citation: of.citation.clone(),
        jurisdiction: of.jurisdiction.clone().or_else(|| of.partner.clone()).unwrap_or_default(),
        source_url: of.source_url.clone().unwrap_or_default(),
        extensions: of.extensions.iter().map(|one| (one.says.clone(), one.cites.clone())).collect(),
        roles: library.vocabulary().role_names(of.roles).collect::<Vec<_>>().join(", "),
        from: of.from.to_string(),
        to: of.to.map_or_else(String::new, |to| to.to_string()),
        text_version: of.text_version.to_string(),
        checked: of.checked.to_string(),
        confidence: format!("{:?}", of.confidence),
        is_proposed: of.status == LawStatus::Proposed,
        contents: of.contents.iter().map(|one| (one.text.clone(), one.cites.clone())).collect(),
    };
    let regimes = library.regimes().iter().map(|(id, name)| Regime {
        id: id.clone(),
        name: name.clone(),
        obligations: library.obligations().iter().filter(|of| of.regime == *id).map(row).collect(),
    });
    let regimes = regimes.collect();
    render(&Page {
        frame: visitor.frame("Obligations", Section::Obligations),
        tabs: tabs("/obligations/texts"),
        regimes,
    })
}
