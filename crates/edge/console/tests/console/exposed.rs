//! Figures of an exposure and the timeline of an incident, as the room shows and opens them.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use console::{Act, ActFault, Asked, Figure, Respond, Role};
use incidents::case::What;
use incidents::exposure::Grade;
use incidents::timeline::{EntryLine, Line, Listing, Timeline};
use model::event::{Actor, Origin};
use model::{Answer, By, PrincipalId, PrincipalKind};
use obligations::{ClauseChange, Clauses};
use serde_json::{Value, json};

use crate::site::{NOON, Site};

/// Answers what it is given, and notes what it was asked.
#[derive(Default)]
struct Told {
    acts: Mutex<Vec<Act>>,
    figures: Mutex<Vec<Figure>>,
    listings: Mutex<Vec<Listing>>,
    lines: Vec<Value>,
    timeline: Timeline,
    entries: Vec<EntryLine>,
}

impl Respond for Told {
    fn act<'a>(&'a self, _incident: u32, act: Act, _by: &'a By) -> Answer<'a, Result<(), ActFault>> {
        self.acts.lock().unwrap().push(act);
        Box::pin(std::future::ready(Ok(())))
    }

    fn figure<'a>(&'a self, _incident: u32, figure: Figure, _by: &'a By) -> Answer<'a, Result<Vec<Value>, ActFault>> {
        let is_known = figure.place.as_deref() != Some("Atlantis");
        self.figures.lock().unwrap().push(figure);
        let wrong = || ActFault::Wrong("`Atlantis` is no jurisdiction".to_owned());
        Box::pin(std::future::ready(if is_known { Ok(self.lines.clone()) } else { Err(wrong()) }))
    }

    fn reaching<'a>(&'a self, _incident: u32, _by: &'a By) -> Answer<'a, Result<Vec<Value>, ActFault>> {
        Box::pin(std::future::ready(Ok(self.lines.clone())))
    }

    fn timeline(&self, _incident: u32) -> Answer<'_, Result<Timeline, ActFault>> {
        Box::pin(std::future::ready(Ok(self.timeline.clone())))
    }

    fn timeline_entries(
        &self,
        _incident: u32,
        listing: Listing,
    ) -> Answer<'_, Result<(Vec<EntryLine>, bool), ActFault>> {
        self.listings.lock().unwrap().push(listing);
        Box::pin(std::future::ready(Ok((self.entries.clone(), true))))
    }

    fn clauses(&self) -> Result<Clauses, ActFault> {
        Ok(Clauses::default())
    }

    fn change_clause<'a>(&'a self, _: ClauseChange, _: String, _: &'a By) -> Answer<'a, Result<u64, ActFault>> {
        Box::pin(std::future::ready(Err(ActFault::Wrong("it keeps no clauses".to_owned()))))
    }

    fn plan(&self) -> Result<Option<String>, ActFault> {
        Ok(None)
    }
}

fn by() -> By {
    let actor = Actor { id: PrincipalId::from_bytes([1; 16]), kind: PrincipalKind::Person, credential: None };
    By { actor, origin: Origin::default(), now_ms: NOON }
}

fn line(activity: &str, times: u64, first: u64) -> Line {
    Line {
        activity: activity.to_owned(),
        is_failure: false,
        code: String::new(),
        principal: "ada-id".to_owned(),
        study: "onc-201".to_owned(),
        object: String::new(),
        entity: String::new(),
        times,
        entries: if times == 1 { 1 } else { times * 2 },
        bytes: 3_000_000,
        first,
        last: first + times,
        first_ms: NOON - 7_200_000,
        last_ms: NOON - 3_600_000,
        of_several_studies: false,
        by_several: false,
    }
}

fn entry(number: u64) -> EntryLine {
    EntryLine {
        entry: number,
        time_ms: NOON - 3_600_000,
        activity: "released".to_owned(),
        code: String::new(),
        principal: "ada-id".to_owned(),
        study: "onc-201".to_owned(),
        object: "0b".repeat(16),
        version: String::new(),
        entity: String::new(),
        bytes: Some(1_048_576),
        first_byte: Some(0),
    }
}

#[tokio::test]
async fn figures_open_into_the_objects_and_entries_that_they_rest_on() {
    let object = json!({
        "object": "0b".repeat(16), "study": "onc-201", "grade": "certain", "people": 412, "subjects": 500,
        "left": "bytes 0–1,048,575 of 5,368,709,120", "entries": [40, 41], "entries_total": 30, "why": null,
    });
    let told = Arc::new(Told {
        lines: vec![
            json!({ "jurisdiction": "EU-DE", "certain": { "subjects": 412, "objects": 1 } }),
            object.clone(),
            json!({ "entry": 41, "time": "2026-11-24T11:00:00Z", "activity": "released", "principal": "", "bytes": 1_048_576, "first_byte": 0 }),
            json!({ "summary": { "figures": [], "notes": ["a note <b>of</b> it"], "next": 41 } }),
        ],
        ..Told::default()
    });
    let site = Site::responding(Arc::clone(&told) as Arc<dyn Respond>).await;
    let (reviewer, reader) = (site.user("rev", Role::Reviewer).await, site.user("rea", Role::Reader).await);
    site.post("/incidents", "title=Ada&severity=high&study=onc-201", &reviewer).await;
    let early = site.get("/incidents/1/exposure?place=EU-DE", &reviewer).await;
    assert!(early.status == StatusCode::NOT_FOUND && early.text.contains("Nobody has told"), "{}", early.text);
    let figure = |subjects: u64| {
        json!({
            "subjects": subjects, "objects": 1, "by_jurisdiction": { "EU-DE": subjects }, "categories": { "EU-DE": ["health"] },
            "proof": { "EU-DE": { "objects": 1, "entries": [40, 41], "entries_total": 30 } },
        })
    };
    let summary = json!({
        "figures": [figure(412), figure(412), figure(412)], "objects": 1, "gravest": [object], "told_at": "2026-11-24T11:30:00Z",
        "principals": {}, "flows": [], "whom": {}, "notes": [], "end": 99,
    });
    let what = What::Exposure { question: json!({ "principal": "ada" }), summary };
    site.guard.as_ref().unwrap().incidents.add(1, what, &by()).await.unwrap();
    let room = site.get("/incidents/1", &reviewer).await;
    for part in [
        "href=\"/incidents/1/exposure?place=EU-DE&#38;grade=certain\"",
        "1 object, 30 entries",
        "bytes 0–1,048,575 of 5,368,709,120",
        "href=\"/record/40\"",
        "and 28 more",
    ] {
        assert!(room.text.contains(part), "no {part} in {}", room.text);
    }
    let page = site.get("/incidents/1/exposure?place=EU-DE&grade=certain", &reviewer).await;
    for part in [
        "<h1>Germany, certain</h1>",
        "<strong>412 people</strong>",
        "<td>412</td>",
        "href=\"/record/41\"",
        "0–1,048,575",
        "a note &#60;b&#62;of",
        "href=\"/incidents/1/exposure?place=EU-DE&#38;grade=certain&#38;after=41\"",
    ] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    site.get("/incidents/1/exposure?object=0b0b&after=41", &reviewer).await;
    let asked = told.figures.lock().unwrap().clone();
    assert_eq!(asked[0], Figure { place: Some("EU-DE".to_owned()), grade: Grade::Certain, object: None, after: None });
    assert_eq!(
        asked[1],
        Figure { place: None, grade: Grade::Possible, object: Some("0b0b".to_owned()), after: Some(41) }
    );
    for (path, says) in [
        ("/incidents/1/exposure?grade=sure", "`sure` is none of"),
        ("/incidents/1/exposure?after=x", "is no number of an entry"),
        ("/incidents/1/exposure?place=Atlantis", "is no jurisdiction"),
    ] {
        let answer = site.get(path, &reviewer).await;
        assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains(says), "{path}: {}", answer.text);
    }
    assert_eq!(site.get("/incidents/1/exposure", &reader).await.status, StatusCode::FORBIDDEN);
    let form =
        "what=expose&principal=&device=&partner=CRO&from=2026-11-01&reach=yes&objects=onc-201%2Fa%0D%0Aonc-201%2Fb%2A";
    assert_eq!(site.post("/incidents/1", form, &reviewer).await.status, StatusCode::SEE_OTHER);
    let objects = "onc-201/a\r\nonc-201/b*".to_owned();
    let acts = told.acts.lock().unwrap();
    let (partner, from) = ("CRO".to_owned(), "2026-11-01".to_owned());
    assert_eq!(*acts, [Act::Expose(Box::new(Asked { objects, partner, from, reach: true, ..Asked::default() }))]);
}

#[tokio::test]
async fn the_timeline_has_the_record_between_the_incidents_own_entries() {
    let refused = Line { is_failure: true, code: "policy:<b>".to_owned(), ..line("download", 1, 77) };
    let told = Arc::new(Told {
        timeline: Timeline {
            lines: vec![line("download", 1_204, 500), refused],
            entries: 2_409,
            notes: vec!["told of some".to_owned()],
        },
        entries: vec![entry(500), entry(502)],
        ..Told::default()
    });
    let site = Site::responding(Arc::clone(&told) as Arc<dyn Respond>).await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=Ada&severity=high", &reviewer).await;
    let room = site.get("/incidents/1", &reviewer).await;
    assert!(room.text.contains("hx-get=\"/incidents/1/timeline\" hx-trigger=\"load\""), "{}", room.text);
    let page = site.get("/incidents/1/timeline", &reviewer).await;
    let opens =
        "/incidents/1/entries?activity=download&#38;principal=ada-id&#38;study=onc-201&#38;first=500&#38;last=1704";
    for part in [
        "<strong>1,204 × download</strong>",
        "2,408 entries",
        "between 2026-11-24 10:00 UTC and 2026-11-24 11:00 UTC, in study onc-201, 3.0 MB",
        opens,
        "href=\"/record/77\"",
        "<span class=\"state failed\">refused</span>",
        "policy:&#60;b&#62;",
        "told of some.",
    ] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    let (opened, downloads) = (page.text.find("opened").unwrap(), page.text.find("1,204 ×").unwrap());
    assert!(opened < downloads, "the newest first");
    assert!(!page.text.contains("hx-trigger"), "it is told once");
    let list = site.get(&opens.replace("&#38;", "&"), &reviewer).await;
    for part in ["href=\"/record/500\"", "0–1,048,575", "first=503", "last=1704"] {
        assert!(list.text.contains(part), "no {part} in {}", list.text);
    }
    let asked = told.listings.lock().unwrap()[0].clone();
    assert_eq!(asked, Listing::of(&told.timeline.lines[0]), "a line opens into its own entries");
    let wrong = site.get("/incidents/1/entries?first=x", &reviewer).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_the_record_the_timeline_has_the_incidents_own_entries() {
    let site = Site::guarded().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    site.post("/incidents", "title=Ada&severity=high", &reviewer).await;
    let page = site.get("/incidents/1/timeline", &reviewer).await;
    assert!(page.status == StatusCode::OK && page.text.contains("<strong>opened</strong>"), "{}", page.text);
    let entries = site.get("/incidents/1/entries?first=0", &reviewer).await;
    assert!(entries.text.contains("can only keep incidents"), "{}", entries.text);
    assert_eq!(site.get("/incidents/2/timeline", &reviewer).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn letters_are_asked_for_from_objects_that_say_how_people_are_reached() {
    let object = |number: u32, source: &str, more: u64| {
        json!({
            "object": number, "source": source, "location": "/data", "path": format!("onc-201/contacts-{number}.csv"), "study": "onc-201",
            "people": 12, "more": more, "drawn": source != "postgres",
        })
    };
    let summary = json!({ "summary": { "people": 1_412, "missing": 3, "others": 0, "objects": 3 } });
    let lines = vec![object(7, "guard", 12), object(8, "folder", 0), object(9, "postgres", 4), summary];
    let told = Arc::new(Told { lines, ..Told::default() });
    let site = Site::responding(Arc::clone(&told) as Arc<dyn Respond>).await;
    let (reviewer, reader) = (site.user("rev", Role::Reviewer).await, site.user("rea", Role::Reader).await);
    site.post("/incidents", "title=Ada&severity=high&study=onc-201", &reviewer).await;
    let early = site.get("/incidents/1/letters", &reviewer).await;
    assert!(early.status == StatusCode::NOT_FOUND && early.text.contains("Nobody has told"), "{}", early.text);
    let what = What::Exposure { question: json!({ "principal": "ada" }), summary: json!({ "figures": [] }) };
    site.guard.as_ref().unwrap().incidents.add(1, what, &by()).await.unwrap();
    let page = site.get("/incidents/1/letters", &reviewer).await;
    for part in [
        "<strong>1,412 people</strong>",
        "of <strong>3</strong> none does",
        "value=\"7\" aria-label=\"Draw from onc-201/contacts-7.csv\" checked",
        "value=\"8\" aria-label=\"Draw from onc-201/contacts-8.csv\">",
        "by hand",
        "value=\"hipaa-404\"",
    ] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    assert_eq!(site.get("/incidents/1/letters", &reader).await.status, StatusCode::FORBIDDEN);
    let nothing = site.post("/incidents/1", "what=letters-ask&kind=gdpr-34", &reviewer).await;
    assert!(
        nothing.status == StatusCode::BAD_REQUEST && nothing.text.contains("at least one object"),
        "{}",
        nothing.text
    );
    let form = "what=letters-ask&kind=gdpr-34&object=7&object=8";
    assert_eq!(site.post("/incidents/1", form, &reviewer).await.status, StatusCode::SEE_OTHER);
    assert_eq!(*told.acts.lock().unwrap(), [Act::AskLetters { kind: "gdpr-34".to_owned(), objects: vec![7, 8] }]);
}
