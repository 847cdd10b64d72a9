//! Playbooks: what is done when something happened, listed, and each as a picture of its steps.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use playbooks::{Mark, Playbook, Sheet, WayKind};

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;

/// A step's box, and what lies between boxes.
const WIDTH: f64 = 178.0;
const HEIGHT: f64 = 50.0;
const BESIDE: f64 = 22.0;
const BELOW: f64 = 34.0;
/// Characters of a step's name on one line of its box.
const LINE: usize = 26;

struct Row {
    href: String,
    name: String,
    about: String,
    steps: usize,
    asks: usize,
    acts: usize,
}

#[derive(Template)]
#[template(path = "playbooks/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    may_review: bool,
}

/// A step in the picture.
pub(crate) struct Boxed {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) middle: f64,
    pub(crate) kind: &'static str,
    /// How it stands in a run; empty where it was not reached, or nothing runs.
    pub(crate) mark: &'static str,
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) whole: String,
}

/// A way in the picture.
pub(crate) struct Line {
    pub(crate) from_x: f64,
    pub(crate) from_y: f64,
    pub(crate) to_x: f64,
    pub(crate) to_y: f64,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) name_x: f64,
    pub(crate) name_y: f64,
}

/// Steps and the ways between them, in their places.
pub(crate) struct Picture {
    pub(crate) boxes: Vec<Boxed>,
    pub(crate) lines: Vec<Line>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A playbook, or a run of it, as a picture.
pub(crate) fn picture(sheet: &Sheet) -> Picture {
    let (boxes, width, height) = laid(sheet);
    let lines = lines(sheet, &boxes);
    Picture { boxes, lines, width, height }
}

struct StepRow {
    name: String,
    kind: &'static str,
    by: String,
    what: String,
}

#[derive(Template)]
#[template(path = "playbooks/one.html")]
struct One {
    frame: Frame,
    name: String,
    about: String,
    modified: String,
    boxes: Vec<Boxed>,
    lines: Vec<Line>,
    width: f64,
    height: f64,
    steps: Vec<StepRow>,
    references: Vec<(String, String)>,
    asked: Vec<String>,
}

fn name_of(at: usize) -> &'static str {
    playbooks::files().get(at).map_or("", |(name, _)| name.strip_suffix(".json").unwrap_or(name))
}

/// `GET /playbooks`.
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let row = |(at, one): (usize, &Playbook)| {
        let sheet = one.sheet();
        Row {
            href: format!("/playbooks/{}", name_of(at)),
            name: one.name.clone(),
            about: one.about.clone(),
            steps: sheet.steps.iter().filter(|step| !matches!(step.kind, "start" | "end")).count(),
            asks: sheet.steps.iter().filter(|step| step.kind == "action" && step.by != "Lazaret").count(),
            acts: sheet.steps.iter().filter(|step| step.by == "Lazaret").count(),
        }
    };
    let rows = playbooks::shipped().iter().enumerate().map(row).collect();
    let may_review = visitor.reviews();
    render(&List { frame: visitor.frame("Playbooks", Section::Playbooks), rows, may_review })
}

/// `GET /playbooks/{name}`.
pub(crate) async fn one(visitor: Visitor, Path(name): Path<String>) -> Result<Response, Failure> {
    let none = || Failure::NotFound("There is no such playbook; look for it in the list.".to_owned());
    let found = playbooks::named(&name).ok_or_else(none)?;
    let sheet = found.sheet();
    let Picture { boxes, lines, width, height } = picture(&sheet);
    let steps = sheet.steps.iter().filter(|step| !matches!(step.kind, "start" | "end")).map(|step| StepRow {
        name: step.name.clone(),
        kind: step.kind,
        by: step.by.clone(),
        what: step.what.clone(),
    });
    render(&One {
        frame: visitor.frame(&found.name, Section::Playbooks),
        name: found.name.clone(),
        about: found.about.clone(),
        modified: found.modified.text.clone(),
        steps: steps.collect(),
        references: found
            .references
            .iter()
            .map(|one| (one.name.clone(), one.about.clone().unwrap_or_default()))
            .collect(),
        asked: found.asked().map(|(name, variable)| format!("{name}: {}", variable.about)).collect(),
        boxes,
        lines,
        width,
        height,
    })
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
fn laid(sheet: &Sheet) -> (Vec<Boxed>, f64, f64) {
    let widest = sheet.layers.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let width = widest * (WIDTH + BESIDE) + BESIDE;
    let mut places = vec![(0.0, 0.0); sheet.steps.len()];
    for (row, layer) in sheet.layers.iter().enumerate() {
        let taken = layer.len() as f64 * (WIDTH + BESIDE) - BESIDE;
        for (column, step) in layer.iter().enumerate() {
            if let Some(place) = places.get_mut(*step) {
                let x = (width - taken) / 2.0 + column as f64 * (WIDTH + BESIDE);
                *place = (x, BESIDE + row as f64 * (HEIGHT + BELOW));
            }
        }
    }
    let boxed = sheet.steps.iter().zip(&places).map(|(step, (x, y))| {
        let (first, second) = broken(&step.name);
        Boxed {
            x: *x,
            y: *y,
            middle: x + WIDTH / 2.0,
            kind: match step.kind {
                "start" | "end" => "edge",
                "action" if step.by == "Lazaret" => "own",
                "action" => "ask",
                "playbook-action" => "call",
                _ => "choice",
            },
            mark: match step.mark {
                Mark::Ahead => "",
                Mark::Delayed | Mark::Open => "open",
                Mark::Done => "done",
                Mark::Failed => "failed",
                Mark::TimedOut => "late",
                Mark::Withdrawn => "withdrawn",
            },
            first,
            second,
            whole: format!("{} ({})", step.name, step.by),
        }
    });
    let height = sheet.layers.len() as f64 * (HEIGHT + BELOW) + BESIDE;
    (boxed.collect(), width, height)
}

/// A name on two lines at most.
fn broken(name: &str) -> (String, String) {
    if name.chars().count() <= LINE {
        return (name.to_owned(), String::new());
    }
    let (mut first, mut second) = (String::new(), String::new());
    for word in name.split(' ') {
        if second.is_empty() && first.chars().count() + word.chars().count() < LINE {
            first.push_str(if first.is_empty() { "" } else { " " });
            first.push_str(word);
        } else {
            second.push_str(if second.is_empty() { "" } else { " " });
            second.push_str(word);
        }
    }
    (first, wording::shortened(&second, LINE))
}

fn lines(sheet: &Sheet, boxes: &[Boxed]) -> Vec<Line> {
    let line = |way: &playbooks::Way| {
        let (from, to) = (boxes.get(way.from)?, boxes.get(way.to)?);
        let (from_x, from_y, to_x, to_y) = (from.middle, from.y + HEIGHT, to.middle, to.y);
        Some(Line {
            from_x,
            from_y,
            to_x,
            to_y,
            kind: match (way.kind, way.is_taken) {
                (WayKind::Failure, false) => "failure",
                (WayKind::Failure, true) => "failure taken",
                (_, false) => "next",
                (_, true) => "next taken",
            },
            name: wording::shortened(&way.name, 18),
            name_x: from_x + (to_x - from_x) * 0.35 + 4.0,
            name_y: from_y + (to_y - from_y) * 0.35 + 4.0,
        })
    };
    sheet.ways.iter().filter_map(line).collect()
}
