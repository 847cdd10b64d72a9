//! The timeline of an incident: its own entries, and between them what the record has about those whom it concerns. Where that is thousands of
//! entries, a line stands for many and opens into them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use incidents::case::{Case, Reader, What};
use incidents::timeline::{EntryLine, Line, Listing};
use serde_json::Value;

use super::room::{number, words};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, address};

/// A line of the timeline.
pub(super) struct StoryRow {
    /// By what it is sorted, in milliseconds since 1970: when it happened, or ended to.
    pub(super) at: i64,
    pub(super) kind: String,
    pub(super) words: String,
    pub(super) who: String,
    pub(super) when: Moment,
    /// Where it opens, and what that is called.
    pub(super) href: String,
    pub(super) opens: String,
    /// An entry of the incident, and not of the record besides.
    pub(super) is_own: bool,
    pub(super) is_privileged: bool,
    pub(super) is_refused: bool,
}

/// The incident's own entries, the newest first.
pub(super) async fn own(console: &Console, case: &Case, reader: &Reader, now: i64) -> Result<Vec<StoryRow>, Failure> {
    let mut names = Named::default();
    let mut rows = Vec::with_capacity(case.entries.len());
    for entry in case.entries.iter().rev() {
        rows.push(StoryRow {
            at: entry.at,
            kind: entry.what.kind().to_owned(),
            words: if case.may_read(entry, reader) { words(&entry.what) } else { "a privileged note".to_owned() },
            who: names.of(console, &entry.by).await?,
            when: wording::moment(entry.at, now),
            href: format!("/record/{}", entry.recorded),
            opens: format!("entry {}", entry.recorded),
            is_own: true,
            is_privileged: matches!(entry.what, What::Note { privileged: true, .. }),
            is_refused: false,
        });
    }
    Ok(rows)
}

/// A line of what the record has besides.
async fn besides(console: &Console, id: u32, line: &Line, now: i64, names: &mut Named) -> Result<StoryRow, Failure> {
    let mut words = Vec::new();
    if line.of_several_studies {
        words.push("in several studies".to_owned());
    } else if !line.study.is_empty() {
        words.push(format!("in study {}", line.study));
    }
    words.extend([&line.object, &line.entity].into_iter().filter(|text| !text.is_empty()).cloned());
    if line.bytes > 0 {
        words.push(wording::bytes(line.bytes));
    }
    if !line.code.is_empty() {
        words.push(line.code.clone());
    }
    let (kind, href, opens) = if line.is_one() {
        (line.activity.clone(), format!("/record/{}", line.first), format!("entry {}", line.first))
    } else {
        let exact = |at| wording::moment(at, now).exact;
        words.insert(0, format!("between {} and {}", exact(line.first_ms), exact(line.last_ms)));
        let kind = format!("{} × {}", wording::count(line.times), line.activity);
        (kind, entries_of(id, &Listing::of(line)), wording::counted(line.entries, "entry", "entries"))
    };
    let who = match line.by_several {
        true => "several".to_owned(),
        false if line.principal.is_empty() => String::new(),
        false => names.of(console, &line.principal).await?,
    };
    Ok(StoryRow {
        at: line.last_ms,
        kind,
        words: words.join(", "),
        who,
        when: wording::moment(line.last_ms, now),
        href,
        opens,
        is_own: false,
        is_privileged: false,
        is_refused: line.is_failure,
    })
}

/// Where the entries of a line are listed.
fn entries_of(id: u32, listing: &Listing) -> String {
    let last = listing.last.map(|last| last.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (principal, study) = (text(&listing.principal), text(&listing.study));
    let mut query = address::query(&[
        ("activity", &listing.activity),
        ("outcome", &listing.outcome),
        ("code", &listing.code),
        ("principal", &principal),
        ("study", &study),
        ("object", &listing.object),
        ("first", &listing.first.to_string()),
        ("last", &last),
    ]);
    // None at all is something else than any.
    for (name, value) in [("principal", &listing.principal), ("study", &listing.study)] {
        if value.as_ref().is_some_and(String::is_empty) {
            query.push_str(&format!("&{name}="));
        }
    }
    format!("/incidents/{id}/entries{query}")
}

#[derive(Template)]
#[template(path = "incidents/timeline.html")]
struct Page {
    frame: Frame,
    id: u32,
    title: String,
    version: u64,
    story: Vec<StoryRow>,
    is_told: bool,
    told_notes: Vec<String>,
}

/// `GET /incidents/{id}/timeline`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let guard = console.guard()?;
    let (row, case) = guard.view.incidents.case(id).await?;
    let now = console.now();
    let reader = console.reader(&visitor).await?;
    let mut story = own(&console, &case, &reader, now).await?;
    let mut told_notes = Vec::new();
    if let Some(respond) = &console.respond {
        let timeline = respond.timeline(id).await?;
        let mut names = Named::default();
        for line in &timeline.lines {
            story.push(besides(&console, id, line, now, &mut names).await?);
        }
        // Of one time, what the incident has itself stands first, as it was.
        story.sort_by_key(|row| std::cmp::Reverse(row.at));
        told_notes = timeline.notes;
    }
    render(&Page {
        frame: visitor.frame(&case.title, Section::Incidents),
        id,
        title: case.title.clone(),
        version: row.version,
        story,
        is_told: console.respond.is_some(),
        told_notes,
    })
}

/// An entry of the record in a list.
pub(super) struct ListedRow {
    pub(super) entry: u64,
    pub(super) when: Moment,
    pub(super) who: String,
    pub(super) activity: String,
    pub(super) study: String,
    /// The object or whatever else it was done to.
    pub(super) what: String,
    /// Which bytes; empty where none are told.
    pub(super) bytes: String,
    pub(super) code: String,
}

impl ListedRow {
    async fn of(console: &Console, entry: &EntryLine, names: &mut Named) -> Result<Self, Failure> {
        let bytes = match (entry.first_byte, entry.bytes) {
            (Some(first), Some(bytes)) if bytes > 0 => {
                format!("{}–{}", wording::count(first), wording::count(first.saturating_add(bytes - 1)))
            }
            (None, Some(bytes)) => wording::bytes(bytes),
            _ => String::new(),
        };
        Ok(Self {
            entry: entry.entry,
            when: wording::moment(entry.time_ms, console.now()),
            who: if entry.principal.is_empty() { String::new() } else { names.of(console, &entry.principal).await? },
            activity: entry.activity.clone(),
            study: entry.study.clone(),
            what: if entry.object.is_empty() { entry.entity.clone() } else { entry.object.clone() },
            bytes,
            code: entry.code.clone(),
        })
    }

    /// Of a line that tells an entry.
    pub(super) async fn of_json(console: &Console, line: &Value, names: &mut Named) -> Result<Self, Failure> {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let at: Option<jiff::Timestamp> = text("time").parse().ok();
        let entry = EntryLine {
            entry: line["entry"].as_u64().unwrap_or(0),
            time_ms: at.map_or(0, jiff::Timestamp::as_millisecond),
            activity: text("activity"),
            code: text("code"),
            principal: text("principal"),
            study: text("study"),
            object: text("object"),
            version: text("version"),
            entity: text("entity"),
            bytes: line["bytes"].as_u64(),
            first_byte: line["first_byte"].as_u64(),
        };
        Self::of(console, &entry, names).await
    }
}

#[derive(Template)]
#[template(path = "incidents/entries.html")]
struct Entries {
    frame: Frame,
    id: u32,
    title: String,
    rows: Vec<ListedRow>,
    more: String,
}

/// `GET /incidents/{id}/entries`: those of a line of the timeline, one by one.
pub(crate) async fn entries(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (_, case) = console.guard()?.view.incidents.case(id).await?;
    let unable =
        || Failure::BadInput("This server can only keep incidents, not look into the record for them.".to_owned());
    let respond = console.respond.as_ref().ok_or_else(unable)?;
    let (entries, has_more) = respond.timeline_entries(id, listing.clone()).await?;
    let mut names = Named::default();
    let mut rows = Vec::with_capacity(entries.len());
    for entry in &entries {
        rows.push(ListedRow::of(&console, entry, &mut names).await?);
    }
    let next = entries.last().filter(|_| has_more).map(|last| Listing { first: last.entry + 1, ..listing });
    render(&Entries {
        frame: visitor.frame(&case.title, Section::Incidents),
        id,
        title: case.title.clone(),
        rows,
        more: next.map(|next| entries_of(id, &next)).unwrap_or_default(),
    })
}
