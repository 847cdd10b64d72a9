//! Hunts: questions over the record, saved ones and one's own.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::Response;
use lake::saved::{self, Kind, Parameter, Saved};
use serde::Deserialize;

use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::hunting::{HuntAnswer, HuntFault, HuntQuestion, HuntValue};
use crate::session::Visitor;
use crate::{Shared, wording};

/// Rows that are shown.
const ROWS_MAX: u32 = 500;
/// The longest question, in bytes.
const SQL_BYTES_MAX: usize = 16 << 10;

struct Field {
    name: String,
    about: String,
    value: String,
    kind: &'static str,
}

struct HuntRow {
    id: String,
    title: String,
    why: String,
    source: String,
    sql: String,
    fields: Vec<Field>,
    is_open: bool,
}

struct Cell {
    text: String,
    is_number: bool,
    is_null: bool,
}

struct AnswerRow {
    cells: Vec<Cell>,
    /// Width of the bar of the column that is drawn; empty where nothing is drawn.
    width: String,
}

struct Told {
    title: String,
    columns: Vec<String>,
    rows: Vec<AnswerRow>,
    /// The column that is drawn; empty for none.
    drawn: String,
    summary: String,
}

#[derive(Template)]
#[template(path = "hunts/hunts.html")]
struct Page {
    frame: Frame,
    hunts: Vec<HuntRow>,
    sql: String,
    fault: String,
    told: Option<Told>,
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    open: String,
}

/// `GET /hunts`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let hunts = hunt_of(&console)?.library()?;
    render(&Page {
        frame: visitor.frame("Hunts", Section::Hunts),
        hunts: rows(&hunts, &params.open, &BTreeMap::new()),
        sql: String::new(),
        fault: String::new(),
        told: None,
    })
}

/// `POST /hunts`: asks a question, which is recorded before it is answered.
pub(crate) async fn ask(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let hunt = hunt_of(&console)?;
    let field = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim().to_owned());
    let given: BTreeMap<String, String> = form
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("p.")?.to_owned(), value.trim().to_owned())))
        .collect();
    let (id, typed) = (field("id").filter(|id| !id.is_empty()), field("sql").unwrap_or_default());
    let hunts = hunt.library()?;
    let question = question(&hunts, id.as_deref(), &typed, &given, console.now());
    let title = id.as_ref().and_then(|id| hunts.iter().find(|one| one.id == *id)).map(|one| one.title.clone());
    let answered = match question {
        Ok(question) => {
            let (_, by) = console.acting(&visitor).await?;
            hunt.ask(question, ROWS_MAX, &by).await
        }
        Err(error) => Err(error),
    };
    let (told, fault) = match answered {
        Ok(answer) => (Some(told(title.unwrap_or_else(|| "Answer".to_owned()), answer)), String::new()),
        Err(HuntFault::Wrong(why)) => (None, why),
        Err(error @ HuntFault::Failed(_)) => return Err(error.into()),
    };
    render(&Page {
        frame: visitor.frame("Hunts", Section::Hunts),
        hunts: rows(&hunts, id.as_deref().unwrap_or_default(), &given),
        sql: typed,
        fault,
        told,
    })
}

fn hunt_of(console: &Shared) -> Result<&dyn crate::Hunt, Failure> {
    let none = || Failure::NotFound("This server answers no hunts.".to_owned());
    console.hunt.as_deref().ok_or_else(none)
}

fn question(
    hunts: &[Saved],
    id: Option<&str>,
    typed: &str,
    given: &BTreeMap<String, String>,
    now: i64,
) -> Result<HuntQuestion, HuntFault> {
    let wrong = |error: saved::SavedError| HuntFault::Wrong(sentence(&error));
    let Some(id) = id else {
        if typed.is_empty() {
            return Err(HuntFault::Wrong("Write a question, such as SELECT count(*) FROM events.".to_owned()));
        }
        if typed.len() > SQL_BYTES_MAX {
            return Err(HuntFault::Wrong(format!("The question has more than {SQL_BYTES_MAX} bytes; ask it shorter.")));
        }
        return Ok(HuntQuestion { id: None, sql: typed.to_owned(), parameters: Vec::<Parameter>::new() });
    };
    let hunt = saved::find(hunts, id).map_err(wrong)?;
    let now = jiff::Timestamp::from_millisecond(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let given: Vec<(String, String)> = given
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let parameters = hunt.parameters(&given, now).map_err(wrong)?;
    Ok(HuntQuestion { id: Some(id.to_owned()), sql: hunt.sql.clone(), parameters })
}

fn rows(hunts: &[Saved], open: &str, given: &BTreeMap<String, String>) -> Vec<HuntRow> {
    let row = |hunt: &Saved| {
        let is_open = hunt.id == open;
        let fields = hunt.parameters.iter().map(|(name, declared)| Field {
            name: name.clone(),
            about: declared.about.clone(),
            value: given
                .get(name)
                .filter(|_| is_open)
                .cloned()
                .or_else(|| declared.default.clone())
                .unwrap_or_default(),
            kind: match declared.kind {
                Kind::Text => "text",
                Kind::Number => "number",
                Kind::Time => "time: a day, an instant, now, -24h, -7d",
            },
        });
        HuntRow {
            id: hunt.id.clone(),
            title: hunt.title.clone(),
            why: hunt.why.clone(),
            source: hunt.source.clone(),
            sql: hunt.sql.trim().to_owned(),
            fields: fields.collect(),
            is_open,
        }
    };
    hunts.iter().map(row).collect()
}

/// The answer as it is shown: the first column of numbers is drawn too.
fn told(title: String, answer: HuntAnswer) -> Told {
    let number = |value: &HuntValue| match value {
        HuntValue::Number(text) => text.parse::<f64>().ok().filter(|number| *number >= 0.0),
        _ => None,
    };
    let is_drawable = |column: &usize| {
        answer.rows.len() > 1
            && answer.rows.iter().all(|row| row.get(*column).and_then(number).is_some())
            && answer.rows.iter().any(|row| row.get(*column).and_then(number) > Some(0.0))
    };
    let drawn = (0..answer.columns.len()).find(is_drawable);
    let value = |row: &[HuntValue]| drawn.and_then(|column| row.get(column)).and_then(number);
    let most = answer.rows.iter().filter_map(|row| value(row)).fold(0.0, f64::max);
    let width = |row: &[HuntValue]| {
        value(row).map_or_else(String::new, |value| format!("{:.0}%", (value / most * 100.0).clamp(1.0, 100.0)))
    };
    let rows = answer.rows.iter().map(|row| AnswerRow { cells: row.iter().map(cell).collect(), width: width(row) });
    let number = wording::counted(answer.rows.len() as u64, "row", "rows");
    let more = if answer.is_cut { "; there is more than is shown here" } else { "" };
    Told {
        title,
        rows: rows.collect(),
        drawn: drawn.and_then(|column| answer.columns.get(column)).cloned().unwrap_or_default(),
        summary: format!("{number} in {} ms{more}.", wording::count(answer.milliseconds)),
        columns: answer.columns,
    }
}

fn cell(value: &HuntValue) -> Cell {
    let (text, is_number, is_null) = match value {
        HuntValue::Null => (String::new(), false, true),
        HuntValue::Number(text) => (text.clone(), true, false),
        HuntValue::Text(text) => (text.clone(), false, false),
    };
    Cell { text, is_number, is_null }
}

impl From<HuntFault> for Failure {
    fn from(error: HuntFault) -> Self {
        match error {
            HuntFault::Wrong(why) => Self::BadInput(why),
            HuntFault::Failed(why) => {
                tracing::error!(why, "a hunt was not answered");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::told;
    use crate::hunting::{HuntAnswer, HuntValue};

    #[test]
    fn the_first_column_of_numbers_is_drawn() {
        let row = |name: &str, number: &str| {
            vec![HuntValue::Text(name.to_owned()), HuntValue::Number(number.to_owned()), HuntValue::Null]
        };
        let answer = HuntAnswer {
            columns: ["who", "bytes", "none"].map(str::to_owned).to_vec(),
            rows: vec![row("a", "200"), row("b", "50"), row("c", "0")],
            is_cut: true,
            milliseconds: 12,
        };
        let told = told("t".to_owned(), answer);
        assert_eq!(told.drawn, "bytes");
        let widths: Vec<&str> = told.rows.iter().map(|row| row.width.as_str()).collect();
        assert_eq!(widths, ["100%", "25%", "1%"]);
        assert!(told.summary.contains("3 rows") && told.summary.contains("more"));
    }
}
