//! The landscape at a glance.

mod areas;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use landscape::queries::Totals;
use model::{Jurisdiction, Label};
use serde::Deserialize;

use super::changes::{Change, Kind, Since};
use super::listed::Listed;
use super::running::Runs;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Tag};
use crate::{Console, Shared, address};
use areas::{Map, Wish};

/// Riskiest objects shown.
const RISKIEST_SHOWN: u32 = 8;
/// Types of identifiers shown before the rest is folded away.
const TYPES_SHOWN: usize = 12;
/// Jurisdictions shown before the rest is folded away.
const PLACES_SHOWN: usize = 12;
/// Newest changes shown.
const CHANGES_SHOWN: u32 = 6;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    by: String,
    measure: String,
    show: String,
    since: String,
}

/// A number that opens the page.
struct Figure {
    name: &'static str,
    value: String,
    detail: String,
    href: String,
    is_warning: bool,
}

/// A row with a bar.
struct Bar {
    name: String,
    code: String,
    value: String,
    /// Share of the largest, in percent, at least a sliver.
    width: String,
    href: String,
}

struct LabelRow {
    tag: Tag,
    objects: String,
    bytes: String,
    people: String,
    href: String,
}

struct LawRow {
    name: String,
    citation: String,
    objects: String,
    href: String,
}

#[derive(Template)]
#[template(path = "landscape/landscape.html")]
struct Page {
    frame: Frame,
    is_empty: bool,
    may_scan: bool,
    figures: Vec<Figure>,
    map: Map,
    labels: Vec<LabelRow>,
    places: Vec<Bar>,
    places_more: Vec<Bar>,
    riskiest: Vec<Listed>,
    laws: Vec<LawRow>,
    types: Vec<Bar>,
    types_more: Vec<Bar>,
    since: Since,
    kinds: Vec<Kind>,
    changes: Vec<Change>,
    runs: Runs,
}

/// `GET /`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let catalogue = &console.catalogue;
    let totals = catalogue.totals().await?;
    let sources = catalogue.sources().await?;
    let riskiest = catalogue.riskiest(None, RISKIEST_SHOWN).await?;
    let since = Since::named(&params.since, console.now());
    let counts = catalogue.change_counts(since.at).await?;
    let changes = catalogue.changes(since.at, None, CHANGES_SHOWN).await?;
    let wish = Wish { by: &params.by, measure: &params.measure, show: &params.show };
    let places = places(&totals);
    let types = types(&console, &totals);
    let split = |mut bars: Vec<Bar>, shown: usize| {
        let more = bars.split_off(shown.min(bars.len()));
        (bars, more)
    };
    let (places, places_more) = split(places, PLACES_SHOWN);
    let (types, types_more) = split(types, TYPES_SHOWN);
    render(&Page {
        frame: visitor.frame("Landscape", Section::Landscape),
        is_empty: totals.all.objects == 0,
        may_scan: visitor.administers(),
        figures: figures(&totals, sources.len()),
        map: areas::map(&console, &wish, &sources).await?,
        labels: labels(&totals),
        places,
        places_more,
        riskiest: riskiest.iter().filter(|object| object.risk > 0).map(Listed::from).collect(),
        laws: laws(&console, &totals),
        types,
        types_more,
        kinds: Kind::all(&counts),
        changes: changes.iter().map(|row| Change::new(row, console.now())).collect(),
        since,
        runs: Runs::now(&console, &visitor),
    })
}

fn figures(totals: &Totals, sources: usize) -> Vec<Figure> {
    let figure = |name, value: String, detail: String, href: &str| Figure {
        name,
        value,
        detail,
        href: href.to_owned(),
        is_warning: false,
    };
    let sensitive =
        totals.all.objects - totals.by_label.get(&Label::None).map_or(0, |sum| sum.objects.min(totals.all.objects));
    let places = totals.people.total.jurisdictions.keys().filter(|place| place.is_known()).count() as u64;
    #[expect(clippy::cast_precision_loss, reason = "a share in percent is shown")]
    let share = if totals.all.objects == 0 { 0.0 } else { sensitive as f64 / totals.all.objects as f64 };
    vec![
        figure(
            "Objects",
            wording::count(totals.all.objects),
            format!(
                "{} in {}",
                wording::bytes(totals.all.bytes),
                wording::counted(sources as u64, "source", "sources")
            ),
            "/objects",
        ),
        figure(
            "People",
            wording::count(totals.people.total.people),
            format!("distinct, in {}", wording::counted(places, "known jurisdiction", "known jurisdictions")),
            "/people",
        ),
        figure(
            "Sensitive objects",
            wording::count(sensitive),
            format!("{} of all", wording::percent(share)),
            "/objects",
        ),
        figure(
            "Laws touched",
            wording::count(totals.by_law.len() as u64),
            "as far as content and places tell".to_owned(),
            "#laws",
        ),
        Figure {
            is_warning: totals.unreadable > 0,
            ..figure(
                "Unreadable",
                wording::count(totals.unreadable),
                format!("{} in all", wording::counted(totals.problems, "problem", "problems")),
                "/problems",
            )
        },
    ]
}

fn labels(totals: &Totals) -> Vec<LabelRow> {
    let mut rows: Vec<_> = totals.by_label.iter().filter(|(_, sum)| sum.objects > 0).collect();
    rows.sort_by_key(|(label, _)| (std::cmp::Reverse(landscape::catalogue::risk::weight(**label)), label.as_str()));
    let row = |(label, sum): (&Label, &landscape::queries::Sum)| LabelRow {
        tag: wording::tag(*label),
        objects: wording::count(sum.objects),
        bytes: wording::bytes(sum.bytes),
        people: totals.people.by_label.get(label.as_str()).map_or_else(String::new, |counts| match counts.people {
            0 => String::new(),
            people => wording::count(people),
        }),
        href: format!("/objects{}", address::query(&[("label", label.as_str())])),
    };
    rows.into_iter().map(row).collect()
}

fn places(totals: &Totals) -> Vec<Bar> {
    let mut places: Vec<(&Jurisdiction, u64)> =
        totals.people.total.jurisdictions.iter().map(|(place, people)| (place, *people)).collect();
    places.sort_by_key(|(place, people)| (std::cmp::Reverse(*people), place.as_str().to_owned()));
    let largest = places.first().map_or(0, |(_, people)| *people);
    let bar = |(place, people): (&Jurisdiction, u64)| Bar {
        name: wording::place(place),
        code: place.as_str().to_owned(),
        value: wording::count(people),
        width: share(people, largest),
        href: format!("/objects{}", address::query(&[("jurisdiction", place.as_str())])),
    };
    places.into_iter().map(bar).collect()
}

fn types(console: &Console, totals: &Totals) -> Vec<Bar> {
    let mut types: Vec<_> = totals.identifiers.iter().collect();
    types.sort_by_key(|total| (std::cmp::Reverse(total.occurrences), total.kind.as_str()));
    let largest = types.first().map_or(0, |total| total.occurrences);
    let bar = |total: &&landscape::queries::IdentifierTotal| Bar {
        name: console.knowledge.type_name(total.kind),
        code: format!("in {}", wording::counted(total.objects, "object", "objects")),
        value: wording::count(total.occurrences),
        width: share(total.occurrences, largest),
        href: format!("/objects{}", address::query(&[("identifier", total.kind.as_str())])),
    };
    types.iter().map(bar).collect()
}

fn laws(console: &Console, totals: &Totals) -> Vec<LawRow> {
    let mut laws: Vec<_> = totals.by_law.iter().collect();
    laws.sort_by_key(|(law, objects)| (std::cmp::Reverse(**objects), law.as_str().to_owned()));
    let row = |(law, objects): (&model::LawId, &u64)| LawRow {
        name: wording::law(law),
        citation: console.knowledge.law(law).map_or_else(String::new, |source| source.citation.clone()),
        objects: wording::count(*objects),
        href: format!("/objects{}", address::query(&[("law", law.as_str())])),
    };
    laws.into_iter().map(row).collect()
}

/// A bar's length against the largest; what is there is never invisible.
fn share(value: u64, largest: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a bar is some hundred pixels long")]
    let share = if largest == 0 { 0.0 } else { value as f64 / largest as f64 * 100.0 };
    format!("{:.1}%", share.max(0.5))
}
