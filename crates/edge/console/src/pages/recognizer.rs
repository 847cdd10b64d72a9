//! One recogniser: what it looks for, how it is proved, where that is written.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use recognize::content::RecognizerSpec;

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Shared, address};

struct Example {
    /// Text before, the identifier, and after it; pieces in turn, the identifiers marked.
    pieces: Vec<(bool, String)>,
}

#[derive(Template)]
#[template(path = "recognizer/recognizer.html")]
struct Page {
    frame: Frame,
    spec: RecognizerSpec,
    kind: String,
    objects_href: String,
    countries: String,
    laws: String,
    without_context: String,
    with_context: String,
    positive: Vec<Example>,
    near_miss: Vec<Example>,
}

/// `GET /recognizers/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let spec = console.knowledge.recognizer(&id).cloned();
    let spec =
        spec.ok_or_else(|| Failure::NotFound("There is no such recogniser; look for it in the list.".to_owned()))?;
    let [without_context, with_context] = spec.confidence.map(|percent| format!("{percent} %"));
    let countries: Vec<String> = spec.countries.iter().map(|code| wording::country(code)).collect();
    let laws: Vec<String> = spec.laws.iter().map(wording::law).collect();
    render(&Page {
        frame: visitor.frame(&spec.name, Section::Recognizers),
        kind: console.knowledge.type_name(spec.kind),
        objects_href: format!("/objects{}", address::query(&[("identifier", spec.kind.as_str())])),
        countries: countries.join(", "),
        laws: laws.join(", "),
        without_context,
        with_context,
        positive: spec.cases.positive.iter().map(|text| example(text)).collect(),
        near_miss: spec.cases.near_miss.iter().map(|text| example(text)).collect(),
        spec,
    })
}

/// Parts an example at its marks. Repetitions stay as they are written.
fn example(text: &str) -> Example {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once('«') {
        pieces.push((false, before.to_owned()));
        let (inside, after) = marked.split_once('»').unwrap_or((marked, ""));
        pieces.push((true, inside.to_owned()));
        rest = after;
    }
    pieces.push((false, rest.to_owned()));
    pieces.retain(|(_, piece)| !piece.is_empty());
    Example { pieces }
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn examples_part_at_their_marks() {
        let pieces = example("a «b» c «d»").pieces;
        let expected = [(false, "a "), (true, "b"), (false, " c "), (true, "d")];
        assert_eq!(pieces, expected.map(|(is_marked, text)| (is_marked, text.to_owned())));
        assert_eq!(example("open «end").pieces.len(), 2);
    }
}
