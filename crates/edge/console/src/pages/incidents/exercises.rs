//! Exercises: when which playbook was practised, how it stands, how long it took, and the report of each.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use incidents::desk::EXERCISE;
use incidents::report::{Report, span};
use model::IncidentState;
use store::PAGE_ROWS_MAX;

use crate::Shared;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};

/// Exercises on the page, each of which is read whole.
const SHOWN: usize = 50;

struct Practised {
    playbook: String,
    state: &'static str,
    done: usize,
    late: usize,
}

struct Row {
    href: String,
    title: String,
    opened: Moment,
    state: &'static str,
    is_closed: bool,
    took: String,
    people: usize,
    lessons: usize,
    practised: Vec<Practised>,
}

#[derive(Template)]
#[template(path = "incidents/exercises.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    left_out: usize,
}

/// `GET /incidents/exercises`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (desk, now) = (&console.guard()?.view.incidents, console.now());
    let mut listed = desk.listed(true, PAGE_ROWS_MAX).await?;
    listed.retain(|(_, title)| title.starts_with(EXERCISE));
    listed.sort_by_key(|(row, _)| std::cmp::Reverse(row.opened_at));
    let left_out = listed.len().saturating_sub(SHOWN);
    let mut rows = Vec::new();
    for (row, title) in listed.into_iter().take(SHOWN) {
        let (row, case) = desk.case(row.id).await?;
        // Whatever is only called an exercise is none.
        if !case.is_exercise {
            continue;
        }
        let report = Report::of(&case, now);
        rows.push(Row {
            href: format!("/incidents/{}", row.id),
            title: title.strip_prefix(EXERCISE).unwrap_or(&title).to_owned(),
            opened: wording::moment(row.opened_at, now),
            state: row.state.as_str(),
            is_closed: row.state == IncidentState::Closed,
            took: span(report.lasted),
            people: report.took_part.len(),
            lessons: report.lessons.len(),
            practised: report
                .ran
                .into_iter()
                .map(|ran| Practised {
                    playbook: ran.name,
                    state: ran.state.as_str(),
                    done: ran.asked.iter().filter(|asked| asked.became == "done").count(),
                    late: ran.asked.iter().filter(|asked| asked.is_late).count(),
                })
                .collect(),
        });
    }
    render(&Page { frame: visitor.frame("Exercises", Section::Incidents), rows, left_out })
}
