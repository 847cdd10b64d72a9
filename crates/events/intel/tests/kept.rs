//! What is kept in a folder, and what servers are asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use intel::fetch::{Credential, FetchError, Fetched, Fetcher};
use intel::taxii::{Client, TaxiiError, choose};
use intel::{Collection, CollectionError, Indicator, Options, Remembered, parse, parse_stix};
use serde_json::{Value, json};

const NOW: i64 = 1_780_000_000_000;

fn list(text: &str, now_ms: i64) -> Vec<Indicator> {
    parse(text.as_bytes(), &Options { source: "list", now_ms, allow_benign: false }).indicators
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_was_imported_is_there_again() {
    let folder = folder();
    let path = folder.path().join("intel");
    let mut collection = Collection::open(&path).unwrap();
    let merged = collection.merge(list("bad.example\n192.0.2.1\n", NOW), NOW);
    assert_eq!((merged.added, merged.replaced), (2, 0));
    collection.remember(
        "list",
        Remembered { from: "list.txt".to_owned(), imported_ms: NOW, etag: Some("\"1\"".to_owned()), added_after: None },
    );
    collection.save(&path).unwrap();
    let mut again = Collection::open(&path).unwrap();
    assert_eq!(again.entries(), collection.entries());
    assert_eq!(again.remembered("list").and_then(|source| source.etag.as_deref()), Some("\"1\""));
    // Named again, it holds for longer and is as old as it was.
    let later = NOW + 1000;
    assert_eq!(again.merge(list("bad.example\nnew.example\n", later), later).replaced, 1);
    let first = &again.entries()[0];
    assert_eq!((first.first_seen_ms, first.last_seen_ms, first.indicator.since_ms), (NOW, later, NOW));
    assert_eq!(first.indicator.until_ms, Some(later + 120 * intel::DAY_MS));
    let mut gone = list("192.0.2.1\n", later);
    gone[0].revoked = true;
    assert_eq!(again.merge(gone, later).revoked, 1);
    assert_eq!(again.indicators().filter(|indicator| indicator.is_live(later)).count(), 2);
    again.save(&path).unwrap();
    assert_eq!(Collection::open(&path).unwrap().entries().len(), 3);
    // Nothing but the two files, for the owner alone.
    let names: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path.join("indicators.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_broken_folder_is_told_with_its_line() {
    let folder = folder();
    for (text, line) in [("", 1), ("{\"lazaret_intel\":2}\n", 1), ("{\"lazaret_intel\":1}\n{\n", 2), ("nonsense", 1)] {
        std::fs::write(folder.path().join("indicators.jsonl"), text).unwrap();
        match Collection::open(folder.path()) {
            Err(CollectionError::Broken { line: found, .. }) => assert_eq!(found, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_vulnerability_is_known_by_its_id() {
    let catalogue = json!({"vulnerabilities": [{"cveID": "CVE-2026-0001", "vendorProject": "Example", "product": "Gateway", "dateAdded": "2026-05-01", "dueDate": "2026-05-22", "knownRansomwareCampaignUse": "Unknown"}]});
    let mut collection = Collection::default();
    collection.merge(
        parse(catalogue.to_string().as_bytes(), &Options { source: "kev", now_ms: NOW, allow_benign: false })
            .indicators,
        NOW,
    );
    assert_eq!(collection.vulnerability("cve-2026-0001").count(), 1);
    assert_eq!(collection.vulnerability("CVE-2026-0002").count(), 0);
}

/// A server that counts what it is asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>, Arc<AtomicUsize>);

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn taxii(value: Value) -> Response {
    ([("content-type", "application/taxii+json;version=2.1")], value.to_string()).into_response()
}

fn is_known(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    said("authorization") == "Bearer t0ken" && said("accept") == "application/taxii+json;version=2.1"
}

type Asks = std::collections::HashMap<String, String>;

async fn objects(State(asked): State<Asked>, Query(query): Query<Asks>, headers: HeaderMap) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let after = query.get("added_after").cloned().unwrap_or_default();
    let next = query.get("next").cloned().unwrap_or_default();
    asked.0.lock().unwrap().push(format!("{after}|{next}"));
    let page = |number: u32, more: bool| {
        let object = json!({"type": "indicator", "spec_version": "2.1", "id": format!("indicator--{number}"), "pattern": format!("[ipv4-addr:value = '192.0.2.{number}']"), "pattern_type": "stix", "valid_from": "2026-05-01T00:00:00Z"});
        let mut envelope = json!({"more": more, "objects": [object]});
        if more {
            envelope["next"] = json!(format!("page{}", number + 1));
        }
        let mut answer = taxii(envelope);
        answer.headers_mut().insert("x-taxii-date-added-last", format!("2026-05-0{number}T00:00:00Z").parse().unwrap());
        answer
    };
    if !after.is_empty() {
        return taxii(json!({}));
    }
    match next.as_str() {
        "" => page(1, true),
        "page2" => page(2, true),
        _ => page(3, false),
    }
}

fn server(asked: Asked) -> Router {
    let known = |value: Value| {
        move |headers: HeaderMap| async move {
            if is_known(&headers) { taxii(value) } else { StatusCode::UNAUTHORIZED.into_response() }
        }
    };
    Router::new()
        .route("/taxii2/", get(known(json!({"title": "Sharing", "default": "/api/", "api_roots": ["/api/"]}))))
        .route("/api/", get(known(json!({"title": "Root", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 1000}))))
        .route("/api/collections/", get(known(json!({"collections": [
            {"id": "c1", "title": "Indicators", "can_read": true, "can_write": false},
            {"id": "c2", "title": "Others", "can_read": true, "can_write": false},
            {"id": "c3", "title": "Closed", "can_read": false, "can_write": true},
        ]}))))
        .route("/api/collections/c1/objects/", get(objects))
        .route("/stuck/collections/", get(|| async { taxii(json!({"collections": [{"id": "c1", "title": "", "can_read": true}]})) }))
        .route("/stuck/collections/c1/objects/", get(|| async { taxii(json!({"more": true, "next": "same", "objects": [{}]})) }))
        .route("/page/", get(|| async { "<html>" }))
        .route("/elsewhere/", get(|| async { taxii(json!({"api_roots": ["http://192.0.2.1/api/"]})) }))
        .route("/broken/", get(|| async { taxii(Value::Null) }))
        .with_state(asked)
}

#[tokio::test]
async fn a_collection_is_polled_page_by_page() {
    let asked = Asked::default();
    let base = serve(server(asked.clone())).await;
    let client = Client::new(Credential::Bearer("t0ken".into())).unwrap();
    for address in ["/taxii2/", "/taxii2", "/api/", "/api/collections/"] {
        let found = client.collections(&format!("{base}{address}")).await.unwrap();
        assert_eq!(found.len(), 3, "{address}");
        let chosen = choose(found.clone(), Some("Indicators")).unwrap();
        assert_eq!(chosen.collection.id, "c1");
        assert!(matches!(choose(found.clone(), None), Err(TaxiiError::Which { .. })));
        let closed = choose(found, Some("c3")).unwrap_err().to_string();
        assert!(closed.contains("`c1` (Indicators), `c2` (Others)"), "{closed}");
        asked.0.lock().unwrap().clear();
        let polled = client.poll(&chosen, None).await.unwrap();
        assert_eq!((polled.objects, polled.pages, polled.added_after.as_deref()), (3, 3, Some("2026-05-03T00:00:00Z")));
        assert_eq!(*asked.0.lock().unwrap(), ["|", "|page2", "|page3"]);
        let parsed = parse_stix(&polled.envelope, &Options { source: "taxii", now_ms: NOW, allow_benign: false });
        assert_eq!(parsed.indicators.len(), 3);
        let later = client.poll(&chosen, Some("2026-05-03T00:00:00Z")).await.unwrap();
        assert_eq!((later.objects, later.added_after.as_deref()), (0, Some("2026-05-03T00:00:00Z")));
        let none = parse_stix(&later.envelope, &Options { source: "taxii", now_ms: NOW, allow_benign: false });
        assert!(none.indicators.is_empty() && none.problems.is_empty(), "{none:?}");
    }
}

#[tokio::test]
async fn a_server_that_misleads_is_told() {
    let base = serve(server(Asked::default())).await;
    let client = Client::new(Credential::None).unwrap();
    for (address, wanted) in [
        ("/taxii2/", "401: check the user"),
        ("/nowhere/", "404: check the address"),
        ("/page/", "not `application/taxii+json;version=2.1`"),
        ("/elsewhere/", "is another server's"),
        ("/broken/", "neither discovery nor an API root"),
    ] {
        let error = client.collections(&format!("{base}{address}")).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{address}: {error}");
    }
    let stuck = client.collections(&format!("{base}/stuck/collections/")).await.unwrap();
    let error = client.poll(&stuck[0], None).await.unwrap_err().to_string();
    assert!(error.contains("not how to go on"), "{error}");
    let dead = client.collections("http://127.0.0.1:1/taxii2/").await.unwrap_err().to_string();
    assert!(dead.contains("does not answer"), "{dead}");
}

#[tokio::test]
async fn a_file_is_fetched_only_if_it_changed() {
    let asked = Asked::default();
    let file = |State(asked): State<Asked>, headers: HeaderMap| async move {
        asked.1.fetch_add(1, Ordering::SeqCst);
        match headers.get("if-none-match").and_then(|mark| mark.to_str().ok()) {
            Some("\"v1\"") => StatusCode::NOT_MODIFIED.into_response(),
            _ => ([("etag", "\"v1\"")], "bad.example\n").into_response(),
        }
    };
    let router = Router::new()
        .route("/list.txt", get(file))
        .route("/moved", get(|| async { (StatusCode::FOUND, [("location", "/list.txt")]) }))
        .route("/busy", get(|| async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")]) }))
        .with_state(asked.clone());
    let base = serve(router).await;
    let fetcher = Fetcher::new(Credential::None, 1000).unwrap();
    let address = format!("{base}/list.txt");
    let Fetched::New { bytes, etag } = fetcher.file(&address, None).await.unwrap() else { panic!("it is new") };
    assert_eq!((bytes.as_slice(), etag.as_deref()), (&b"bad.example\n"[..], Some("\"v1\"")));
    assert!(matches!(fetcher.file(&address, etag.as_deref()).await.unwrap(), Fetched::Unchanged));
    assert!(matches!(fetcher.file(&format!("{base}/moved"), None).await.unwrap(), Fetched::New { .. }));
    let told = |error: Result<Fetched, FetchError>| error.unwrap_err().to_string();
    assert!(told(fetcher.file(&format!("{base}/busy?key=secret"), None).await).contains("try again after 60"));
    let small = Fetcher::new(Credential::None, 5).unwrap();
    assert!(told(small.file(&address, None).await).contains("longer than 5 bytes"));
    let secret = Fetcher::new(Credential::Bearer("t0ken".into()), 1000).unwrap();
    assert!(told(secret.file("http://feeds.example/list", None).await).contains("use https"));
    assert!(told(secret.file(&format!("{base}/moved"), None).await).contains("points to"));
    for (wrong, part) in [
        ("file:///etc/passwd", "not spoken"),
        ("ftp://feeds.example/x", "not spoken"),
        ("list", "relative"),
        ("https://u:p@feeds.example/?k=v", "give them apart"),
    ] {
        let error = told(fetcher.file(wrong, None).await);
        assert!(error.contains(part) && !error.contains("u:p") && !error.contains("k=v"), "{error}");
    }
}
