//! The obligations explorer: which laws say that somebody has to be told.

use askama::Template;
use axum::response::Response;
use obligations::{LawStatus, Obligation, Period};

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;

struct Row {
    id: String,
    title: String,
    period: String,
    recipient: String,
    says: String,
    note: String,
    citation: String,
    roles: String,
    from: String,
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
#[template(path = "obligations/obligations.html")]
struct Page {
    frame: Frame,
    regimes: Vec<Regime>,
}

fn period(of: &Obligation) -> String {
    match of.period {
        Period::Promptly => "promptly".to_owned(),
        Period::Hours(hours) => format!("within {hours} hours"),
        Period::Days { days, after_year_end: true, .. } => format!("within {days} days after the end of the year"),
        Period::Days { days, .. } => format!("within {days} days"),
        Period::Months(months) => format!("within {months} months").replace("1 months", "a month"),
        Period::BusinessDays { days, .. } => format!("within {days} business days"),
    }
}

/// `GET /obligations`.
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let library = obligations::in_force().map_err(|error| {
        tracing::error!(%error, "the obligations that are shipped cannot be read");
        Failure::Internal
    })?;
    let row = |of: &Obligation| Row {
        id: of.id.clone(),
        title: of.title.clone(),
        period: period(of),
        recipient: of.recipient.clone(),
        says: of.says.clone(),
        note: of.note.clone(),
        citation: of.citation.clone(),
        roles: library.vocabulary().role_names(of.roles).collect::<Vec<_>>().join(", "),
        from: of.from.to_string(),
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
    render(&Page { frame: visitor.frame("Obligations", Section::Obligations), regimes: regimes.collect() })
}
