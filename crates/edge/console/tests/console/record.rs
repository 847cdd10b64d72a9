//! The record's pages.

use axum::http::StatusCode;
use console::Role;
use model::event::{Activity, Actor, Detail, Event, Origin, Outcome};
use model::{By, ObjectId, PrincipalKind, Scope};

use crate::site::{NOON, Site};

async fn filled() -> Site {
    let site = Site::guarded().await;
    let guard = site.guard.as_ref().unwrap();
    for number in 0..130_u8 {
        let mut event = Event::new(Activity::Download, NOON, "s3");
        event.resource.study = Some(if number % 10 == 0 { "cardio-7" } else { "onc-201" }.parse().unwrap());
        if number % 50 == 0 {
            event.outcome = Outcome::Failure { code: "policy:no-grant".into() };
        }
        let scope = Scope::Object(ObjectId::from_bytes([7; 16]));
        event.details.push(Detail { field: "object.name".into(), scope, value: format!("doe_jane_{number}") });
        guard.recorder.record(event).await.unwrap();
    }
    guard.ledger.publish().await.unwrap();
    site
}

#[tokio::test]
async fn without_a_guard_there_is_no_page_of_it() {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    for (method, path, _) in console::access_table() {
        let guarded = ["/record", "/quarantine", "/access", "/keys"].iter().any(|start| path.starts_with(start));
        if guarded && method == "GET" {
            let answer = site.get(&path.replace("{id}", "1"), &cookie).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    assert!(!site.get("/", &cookie).await.text.contains("href=\"/record\""));
}

#[tokio::test]
async fn entries_are_listed_newest_first_and_filtered() {
    let site = filled().await;
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/record", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("<strong>130 entries</strong>") && page.text.contains("href=\"/record\""));
    let (newest, older) = (page.text.find("/record/129\"").unwrap(), page.text.find("/record/30\"").unwrap());
    assert!(newest < older);
    assert!(!page.text.contains("/record/29\"") && page.text.contains("/record?before=30"));
    let rest = site.get("/record?before=30", &cookie).await.text;
    assert!(rest.contains("/record/29\"") && rest.contains("/record/0\"") && !rest.contains("before=0"));
    for (query, rows) in
        [("?study=cardio", 13), ("?outcome=failure", 3), ("?activity=upload", 0), ("?activity=download&study=nil", 0)]
    {
        let page = site.get(&format!("/record{query}"), &cookie).await.text;
        assert_eq!(page.matches("<th scope=\"row\"").count(), rows, "{query}");
    }
    assert!(!page.text.contains("doe_jane") && !page.text.contains("Verify now"), "a reader sees no details");
}

#[tokio::test]
async fn people_stand_in_the_record_under_pseudonyms_until_a_reason_is_given() {
    let site = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let root = Actor { id: model::PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
    let by = By { actor: root, origin: Origin::default(), now_ms: NOON };
    let mut ids = Vec::new();
    for (name, kind) in [("ada.secret", PrincipalKind::Person), ("nightly-export", PrincipalKind::Service)] {
        let new = identity::NewPrincipal { kind, name: name.to_owned(), organisation: None };
        let made = guard.identity.create(new, &by).await.unwrap();
        let mut event = Event::new(Activity::Download, NOON, "s3");
        event.actor = Some(Actor { id: made.id, kind, credential: None });
        guard.recorder.record(event).await.unwrap();
        ids.push(made.id.to_string());
    }
    guard.ledger.publish().await.unwrap();
    let reviewer = site.user("rev", Role::Reviewer).await;
    let list = site.get("/record", &reviewer).await.text;
    assert!(list.contains("Actor ") && list.contains("nightly-export") && !list.contains("ada.secret"), "{list}");
    // 130 entries, then each of the two is created and acts.
    let page = site.get("/record/131", &reviewer).await.text;
    assert!(page.contains("Learn who it is") && !page.contains("ada.secret") && !page.contains(&ids[0]), "{page}");
    let service = site.get("/record/133", &reviewer).await.text;
    assert!(service.contains("nightly-export") && service.contains(&ids[1]), "{service}");
    assert!(!service.contains("Learn who it is"));
    let reader = site.user("rea", Role::Reader).await;
    assert!(!site.get("/record/131", &reader).await.text.contains("Learn who it is"));
    assert_eq!(site.post("/record/131/actor", "reason=curious", &reader).await.status, StatusCode::FORBIDDEN);
    let refused = site.post("/record/131/actor", "reason=+", &reviewer).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(!guard.recorded().await.contains("\"reason\":\"unmask\""));
    let told = site.post("/record/131/actor", "reason=interview+today", &reviewer).await;
    assert!(told.text.contains("ada.secret") && told.text.contains(&ids[0]), "{}", told.text);
    let recorded = guard.recorded().await;
    assert!(recorded.contains("\"reason\":\"unmask\"") && recorded.contains("record:131"));
    assert!(!recorded.contains("interview today"), "the words are sealed");
    assert!(!site.get("/record/131", &reviewer).await.text.contains("ada.secret"), "it is learned once");
}

#[tokio::test]
async fn details_are_opened_by_administrators_after_that_was_recorded() {
    let site = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let (reader, cookie) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    let page = site.get("/record/5", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("class_uid") && page.text.contains("object.name") && !page.text.contains("doe_jane"));
    assert!(!site.get("/record/5", &reader).await.text.contains("Open the details"));
    for path in ["/record/5/details", "/record/verify"] {
        assert_eq!(site.post(path, "", &reader).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let before = guard.recorded().await;
    assert!(!before.contains("record:5"));
    let page = site.post("/record/5/details", "", &cookie).await;
    assert!(page.text.contains("doe_jane_5"), "{}", page.text);
    let after = guard.recorded().await;
    assert!(
        after.contains("record:5") && after.contains("details opened") && after.contains("\"through\":\"console\"")
    );
    guard.vault.shred(&Scope::Object(ObjectId::from_bytes([7; 16]))).await.unwrap();
    let page = site.post("/record/5/details", "", &cookie).await.text;
    assert!(page.contains("was destroyed") && !page.contains("doe_jane_5"), "{page}");
    assert_eq!(site.get("/record/999", &cookie).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&format!("/record/{}", u64::MAX), &cookie).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn proofs_checkpoint_and_key_are_downloaded_and_hold() {
    let site = filled().await;
    let cookie = site.user("rea", Role::Reader).await;
    let proof = site.get("/record/77/proof", &cookie).await;
    assert!(proof.header("content-disposition").contains("entry-77-proof.json"));
    let proof: serde_json::Value = serde_json::from_str(&proof.text).unwrap();
    let checkpoint = site.get("/record/checkpoint", &cookie).await.text;
    assert!(checkpoint.starts_with("console.test/record\n130\n"), "{checkpoint}");
    assert_eq!(proof["checkpoint"], checkpoint.as_str());
    assert_eq!(proof["proof"].as_array().unwrap().len(), 8);
    let key = site.get("/record/vkey", &cookie).await;
    assert!(key.text.starts_with("console.test/record+"), "{}", key.text);
    assert_eq!(key.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_administrator_verifies_the_record_and_sees_what_is_wrong() {
    let site = filled().await;
    let cookie = site.user("ada", Role::Administrator).await;
    assert!(site.get("/record", &cookie).await.text.contains("Not verified since the start"));
    assert_eq!(site.post("/record/verify", "", &cookie).await.header("location"), "/record");
    let page = site.get("/record", &cookie).await.text;
    assert!(page.contains("Every entry holds"), "{page}");
    let guard = site.guard.as_ref().unwrap();
    assert!(guard.recorded().await.contains("record:audit"));
    let tiles = guard.ledger_dir.join("tile/entries/000.p");
    for bundle in std::fs::read_dir(tiles).unwrap() {
        let path = bundle.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[200] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    site.post("/record/verify", "", &cookie).await;
    let page = site.get("/record", &cookie).await.text;
    assert!(page.contains("does not hold") && page.contains("entry 0"), "{page}");
}
