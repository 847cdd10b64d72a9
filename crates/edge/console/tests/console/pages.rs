//! What the pages say, over an empty catalogue and over one that holds something.

use axum::http::StatusCode;
use console::Role;
use landscape::catalogue::Batch;
use landscape::report::ObjectReport;
use model::Label;

use crate::reports::{inspected, patients, person, report};
use crate::site::{Site, between};

const PAGES: [&str; 8] = ["/", "/changes", "/objects", "/people", "/recognizers", "/scans", "/problems", "/users"];

/// 40 people from Germany, 40 from the US, 20 of them the same; one unreadable file; one archive with two members.
async fn filled() -> (Site, String) {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    let source = site.source("/srv/share").await;
    let broken = ObjectReport {
        errors: vec![formats::Problem::encrypted("the workbook is protected by a password; scan a decrypted copy")],
        ..report("finance/locked.xlsx", Label::None)
    };
    let archive = vec![
        report("old.zip", Label::None),
        report("old.zip!keys.txt", Label::Secret),
        report("old.zip!readme.txt", Label::None),
    ];
    let batch = vec![
        inspected("trials/subjects.csv", vec![patients("trials/subjects.csv", 0..40, "DE")]),
        inspected("trials/us/more.csv", vec![patients("trials/us/more.csv", 20..60, "US")]),
        inspected("finance/locked.xlsx", vec![broken]),
        inspected("old.zip", archive),
    ];
    site.ingest(source, batch).await;
    (site, cookie)
}

async fn id_of(site: &Site, path: &str) -> u32 {
    store::objects::by_path(site.store(), 1, path).await.unwrap().unwrap_or_else(|| panic!("no {path}")).id
}

#[tokio::test]
async fn every_page_stands_over_an_empty_catalogue() {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    for path in PAGES {
        let answer = site.get(path, &cookie).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.contains("<h1"), "{path}");
    }
    let page = site.get("/", &cookie).await.text;
    assert!(page.contains("Nothing has been scanned yet") && page.contains("Scan a source"));
    let reader = site.user("rea", Role::Reader).await;
    assert!(site.get("/", &reader).await.text.contains("Ask an administrator"));
}

#[tokio::test]
async fn the_landscape_tells_what_there_is() {
    let (site, cookie) = filled().await;
    let page = site.get("/", &cookie).await.text;
    let figures = between(&page, "class=\"figures\"", "</ul>");
    for value in [">6<", ">60<", ">3<", ">2<", ">1<"] {
        assert!(figures.contains(value), "no {value} in {figures}");
    }
    let places = between(&page, "People by jurisdiction", "</section>");
    assert!(places.contains("Germany") && places.contains("United States"), "{places}");
    assert_eq!(places.matches(">40<").count(), 2, "{places}");
}

#[tokio::test]
async fn the_treemap_divides_and_measures_as_asked() {
    let (site, cookie) = filled().await;
    for by in ["study", "label", "format", "source"] {
        for measure in ["bytes", "objects&show=all", "people"] {
            let page = site.get(&format!("/?by={by}&measure={measure}"), &cookie).await.text;
            let map = between(&page, "class=\"treemap wide\"", "class=\"treemap narrow\"");
            assert!(map.matches("<a href=\"/objects?").count() >= 2, "{by} {measure}: {map}");
            assert_eq!(
                map.matches("<a ").count(),
                map.matches("aria-label=\"").count() - 1,
                "each area is told in words"
            );
            assert!(page.contains("The same as a table"));
        }
    }
    let page = site.get("/?by=study&measure=people", &cookie).await.text;
    let map = between(&page, "class=\"treemap wide\"", "class=\"treemap narrow\"");
    assert!(map.contains("phi.direct in STUDY-1: 2 objects, 2.0 kB, 60 people"), "{map}");
    assert!(
        map.contains("href=\"/objects?study=STUDY-1&#38;label=phi.direct\"")
            || map.contains("href=\"/objects?study=STUDY-1&amp;label=phi.direct\""),
        "{map}"
    );
    assert!(page.contains("2 objects (100 B) without anything sensitive left out."), "{page}");
    let page = site.get("/?by=label&measure=objects&show=all", &cookie).await.text;
    assert!(!page.contains("left out.") && page.contains("none: 2 objects, 100 B"), "{page}");
    let page = site.get("/?by=nonsense&measure=nonsense", &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn search_finds_counts_and_pages() {
    let (site, cookie) = filled().await;
    for (query, matches, people) in [
        ("", "6 objects", "60 distinct people"),
        ("?text=TRIALS", "2 objects", "60 distinct people"),
        ("?text=us/more", "1 object", "40 distinct people"),
        ("?label=secret", "1 object", "0 distinct people"),
        ("?study=STUDY-1&label=phi.direct", "2 objects", "60 distinct people"),
        ("?jurisdiction=EU-DE", "1 object", "40 distinct people"),
        ("?state=unreadable", "1 object", "0 distinct people"),
        ("?problems=1", "1 object", "0 distinct people"),
        ("?law=hipaa&format=csv&identifier=PERSON&source=1", "2 objects", "60 distinct people"),
        ("?text=nothing-like-this", "0 objects", "0 distinct people"),
    ] {
        let page = site.get(&format!("/objects{query}"), &cookie).await.text;
        let result = between(&page, "class=\"result\"", "</p>");
        assert!(result.contains(&format!("<strong>{matches}</strong>")), "{query}: {result}");
        assert!(result.contains(&format!("<strong>{people}</strong>")), "{query}: {result}");
    }
    let source = site.source("/srv/many").await;
    let many =
        (0..120).map(|n| inspected(&format!("m/{n:03}.txt"), vec![report(&format!("m/{n:03}.txt"), Label::Secret)]));
    site.ingest(source, many.collect()).await;
    let (mut path, mut seen) = ("/objects?text=m%2F".to_owned(), std::collections::BTreeSet::new());
    for _ in 0..3 {
        let page = site.get(&path, &cookie).await.text;
        let rows = between(&page, "<tbody id=\"rows\">", "</tbody>");
        for row in rows.split("<wbr>").skip(1) {
            assert!(seen.insert(row.split('<').next().unwrap().to_owned()), "{row}");
        }
        if let Some((_, more)) = page.split_once("<a class=\"button\" href=\"") {
            path = more.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        }
    }
    assert_eq!(seen.len(), 120);
}

#[tokio::test]
async fn an_object_tells_what_was_found_where_and_why() {
    let (site, cookie) = filled().await;
    let id = id_of(&site, "trials/subjects.csv").await;
    let page = site.get(&format!("/objects/{id}"), &cookie).await.text;
    for words in [
        "J*** D**",
        "line 2, name",
        "the column is called `name`",
        "Person name",
        "90 %",
        "40 distinct people",
        "Germany",
        "HIPAA (US)",
        "45 CFR Parts 160 and 164",
        "found by recognition",
        "STUDY-1",
        "/srv/share",
        "someone",
    ] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    let archive = id_of(&site, "old.zip").await;
    let page = site.get(&format!("/objects/{archive}"), &cookie).await.text;
    assert!(page.contains("2 objects inside") && page.contains("keys.txt"));
    let member = id_of(&site, "old.zip!keys.txt").await;
    let page = site.get(&format!("/objects/{member}"), &cookie).await.text;
    assert!(page.contains(&format!("in <a href=\"/objects/{archive}\">old.zip</a>")), "{page}");
    let locked = id_of(&site, "finance/locked.xlsx").await;
    let page = site.get(&format!("/objects/{locked}"), &cookie).await.text;
    assert!(page.contains("protected by a password") && page.contains("unreadable"));
    let page = site.get("/problems", &cookie).await.text;
    assert!(page.contains("locked.xlsx") && page.contains("keep a decrypted copy"));
}

#[tokio::test]
async fn a_reviewer_corrects_labels_with_a_reason() {
    let (site, _) = filled().await;
    let reviewer = site.user("Rev", Role::Reviewer).await;
    let id = id_of(&site, "trials/subjects.csv").await;
    let path = format!("/objects/{id}/labels");
    let answer = site.post(&path, "label=phi.direct&action=remove&reason=+", &reviewer).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text.contains("A reason is needed"));
    for wrong in
        ["label=nonsense&action=add&reason=x", "label=none&action=add&reason=x", "label=secret&action=x&reason=x"]
    {
        assert_eq!(site.post(&path, wrong, &reviewer).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let answer = site.post(&path, "label=phi.direct&action=remove&reason=made+up+data", &reviewer).await;
    assert_eq!(answer.header("location"), format!("/objects/{id}#labels"));
    site.post(&path, "label=ip.confidential&action=add&reason=stamped", &reviewer).await;
    let page = site.get(&format!("/objects/{id}"), &reviewer).await.text;
    let labels = between(&page, "id=\"labels\"", "</section>");
    assert!(labels.contains("removed by Rev: made up data") && labels.contains("taken away, corrected"), "{labels}");
    assert!(labels.contains("added by Rev: stamped"));
    let found = site.get("/objects?label=phi.direct", &reviewer).await.text;
    assert!(found.contains("<strong>1 object</strong>"));
    site.post(&path, "label=phi.direct&action=withdraw&reason=real+after+all", &reviewer).await;
    let found = site.get("/objects?label=phi.direct", &reviewer).await.text;
    assert!(found.contains("<strong>2 objects</strong>"));
    let reader = site.user("rea", Role::Reader).await;
    let page = site.get(&format!("/objects/{id}"), &reader).await.text;
    assert!(!page.contains(&format!("action=\"{path}\"")), "a reader is offered no form");
    assert_eq!(site.post(&path, "label=secret&action=add&reason=x", &reader).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_merge_is_shown_with_its_evidence_and_undone() {
    let site = Site::new().await;
    let reviewer = site.user("Rev", Role::Reviewer).await;
    let source = site.source("/data").await;
    let mut one = report("a.csv", Label::Personal);
    one.subject_records = vec![person(Some(1), Some(7), "US"), person(None, Some(7), "US")];
    site.ingest(source, vec![inspected("a.csv", vec![one])]).await;
    let page = site.get("/people", &reviewer).await.text;
    assert!(page.contains("1 distinct person") && page.contains("the same full name and birth date"), "{page}");
    let undo = between(&page, "action=\"/people/merges/", "\"").to_owned();
    let path = format!("/people/merges/{undo}");
    assert_eq!(site.post(&path, "reason=", &reviewer).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.post(&path, "reason=twins", &reviewer).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.post(&path, "reason=twins", &reviewer).await.status, StatusCode::NOT_FOUND, "it ended");
    let page = site.get("/people", &reviewer).await.text;
    assert!(page.contains("2 distinct people") && page.contains("twins") && page.contains("Rev"));
    let withdraw = between(&page, "action=\"/people/separations/", "\"").to_owned();
    site.post(&format!("/people/separations/{withdraw}"), "", &reviewer).await;
    assert!(site.get("/people", &reviewer).await.text.contains("1 distinct person"));
}

#[tokio::test]
async fn people_by_place_and_label() {
    let (site, cookie) = filled().await;
    let page = site.get("/people", &cookie).await.text;
    let matrix = between(&page, "class=\"matrix\"", "</table>");
    assert!(matrix.contains("phi.direct") && matrix.contains("EU-DE"), "{matrix}");
    assert!(matrix.contains("jurisdiction=US\">40</a>"), "{matrix}");
}

#[tokio::test]
async fn changes_are_told_since_when() {
    let (site, cookie) = filled().await;
    site.now.fetch_add(3 * 24 * 60 * 60_000, std::sync::atomic::Ordering::Relaxed);
    let cookie_later = cookie;
    let gone = Batch { source_id: 1, gone: vec![id_of(&site, "trials/subjects.csv").await], ..Batch::default() };
    site.catalogue.ingest(&gone, site.now.load(std::sync::atomic::Ordering::Relaxed)).await.unwrap();
    store::users::by_name(site.store(), "ada").await.unwrap().unwrap();
    let digest = blake3::hash(b"late");
    let now = site.now.load(std::sync::atomic::Ordering::Relaxed);
    store::sessions::begin(site.store(), digest.as_bytes(), 1, now, now + 1_000_000).await.unwrap();
    assert_eq!(site.get("/changes", &cookie_later).await.status, StatusCode::SEE_OTHER, "the old session has ended");
    let page = |since: &str| {
        let path = format!("/changes?since={since}");
        let site = &site;
        async move { site.get(&path, "lazaret_session=late").await.text }
    };
    let day = page("day").await;
    assert!(day.contains("<strong>1</strong> gone") && day.contains("<strong>0</strong> new"), "{day}");
    let week = page("week").await;
    assert!(week.contains("<strong>6</strong> new"), "{week}");
}

#[tokio::test]
async fn the_catalogue_of_recognisers_is_complete_and_cited() {
    let site = Site::new().await;
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/recognizers?country=JP", &cookie).await.text;
    assert!(page.contains("jp-my-number") && page.contains("マイナンバー"), "{page}");
    let page = site.get("/recognizers?type=SECRET", &cookie).await.text;
    assert!(page.contains("Next page"), "430 secrets do not fit on one page");
    let page = site.get("/recognizers/jp-my-number", &cookie).await.text;
    for words in
        ["Act No. 27 of 2013", "2014-11-20", "<mark>7520 7946-6524</mark>", "equal values of one issuer", "Japan"]
    {
        assert!(page.contains(words), "no {words} in {page}");
    }
    for spec in crate::site::inspector().engine().recognizers() {
        let answer = site.get(&format!("/recognizers/{}", spec.id), &cookie).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", spec.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_are_started_scheduled_and_refused_on_the_page() {
    let (site, cookie) = filled().await;
    let page = site.get("/scans", &cookie).await.text;
    assert!(page.contains("/srv/share") && page.contains("Scan again"));
    let answer = site.post("/scans/schedules", "source_id=1&rule=daily+02:30", &cookie).await;
    assert_eq!(answer.header("location"), "/scans#schedules");
    let page = site.get("/scans", &cookie).await.text;
    let schedules = between(&page, "id=\"schedules\"", "</section>");
    assert!(schedules.contains("daily 02:30") && schedules.contains("2026-11-25 02:30 UTC"), "{schedules}");
    let id = between(schedules, "/scans/schedules/", "/remove").to_owned();
    site.post(&format!("/scans/schedules/{id}/remove"), "", &cookie).await;
    assert!(site.get("/scans", &cookie).await.text.contains("Sources are scanned when somebody asks"));
    for (path, form, status) in [
        ("/scans/schedules", "source_id=1&rule=now+and+then", 400),
        ("/scans/schedules", "source_id=77&rule=daily+02:30", 404),
        ("/scans/start", "place=/no/such/folder/here", 400),
        ("/scans/start", "place=", 400),
        ("/scans/start", "source_id=77", 404),
    ] {
        let answer = site.post(path, form, &cookie).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {form}: {}", answer.text);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "nothing").unwrap();
    let form = format!("place={}", folder.path().display());
    assert_eq!(site.post("/scans/start", &form, &cookie).await.header("location"), "/scans");
    assert_eq!(site.get("/scans/running", &cookie).await.status, StatusCode::OK);
    for _ in 0..300 {
        let page = site.get("/scans", &cookie).await.text;
        assert!(page.contains(folder.path().to_str().unwrap()), "{page}");
        if page.contains("<span class=\"state done\">done</span>") {
            assert!(site.get("/objects?text=a.txt", &cookie).await.text.contains("<strong>1 object</strong>"));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the scan did not end");
}
