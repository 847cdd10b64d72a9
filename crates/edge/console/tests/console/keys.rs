//! The pages of keys: hierarchy, rotation, holds, shredding.

use axum::http::StatusCode;
use console::Role;
use model::event::{Actor, Origin};
use model::{By, ObjectId, PrincipalKind, Scope, StudyId, SubjectId};
use store::guarded::versions::{self, Condition, StoredVersion};
use store::guarded::{self, GuardedStudy};
use vault::Receipt;

use crate::site::{NOON, Site};

const STUDY: &str = "onc-201";

fn study() -> StudyId {
    STUDY.parse().unwrap()
}

/// A visible version of an object with a data key; of a data subject, if one is given.
async fn object(site: &Site, number: u8, subject: Option<SubjectId>, has_hold: bool) {
    let vault = &site.guard.as_ref().unwrap().vault;
    vault.object_key(&study(), ObjectId::from_bytes([number; 16]), subject).await.unwrap();
    let version = StoredVersion {
        study: STUDY.to_owned(),
        name: format!("visit-{number}.csv"),
        sequence: 0,
        version: [number; 16],
        object: [number; 16],
        unversioned: true,
        marker: false,
        latest: true,
        state: "visible".to_owned(),
        bytes: 1_000,
        etag: "none".to_owned(),
        modified_at: NOON,
        created_by: [9; 16],
        properties: "{}".to_owned(),
        labels: "trial.subject".to_owned(),
        subjects: 1,
        tags: String::new(),
        retention_mode: None,
        retain_until: None,
        legal_hold: has_hold,
        sealed: vec![number],
    };
    versions::put(site.store(), &version, false, &Condition::Always, None, NOON).await.unwrap();
}

/// A study with three objects, one of them about a data subject alone.
async fn filled() -> (Site, SubjectId) {
    let site = Site::guarded().await;
    let guard = site.guard.as_ref().unwrap();
    let nobody = Actor { id: model::PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
    let by = By { actor: nobody, origin: Origin::default(), now_ms: NOON };
    guard.access.create_study(study(), "A <b>study</b>", None, Vec::new(), &by).await.unwrap();
    let row = GuardedStudy {
        study: STUDY.to_owned(),
        versioning: "off".to_owned(),
        settings: "{}".to_owned(),
        created_at: NOON,
        created_by: [9; 16],
    };
    guarded::create(site.store(), &row).await.unwrap();
    let subject = SubjectId::from_bytes([5; 16]);
    object(&site, 1, None, false).await;
    object(&site, 2, None, false).await;
    object(&site, 3, Some(subject), false).await;
    (site, subject)
}

#[tokio::test]
async fn the_tree_shows_ages_uses_holds_and_tombstones() {
    let (site, subject) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    guard.vault.hold(&Scope::Study(study()), "case-77").await.unwrap();
    guard.vault.study_key(&"gone-1".parse().unwrap()).await.unwrap();
    guard.vault.shred(&Scope::Study("gone-1".parse().unwrap())).await.unwrap();
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/keys", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in ["Root key in ", "Organisation", "/keys/studies/onc-201", "4 keys", "1 hold", "case-77", ">destroyed<"]
    {
        assert!(page.text.contains(part), "no `{part}` in {}", page.text);
    }
    assert!(!page.text.contains("Rotate") && !page.text.contains("Shred") && !page.text.contains("Lay a hold"));
    let page = site.get("/keys/studies/onc-201", &cookie).await.text;
    assert!(page.contains(&subject.to_string()) && page.contains("<strong>3</strong> objects"), "{page}");
    assert_eq!(site.get("/keys/studies/none", &cookie).await.status, StatusCode::NOT_FOUND);
    // Three years on, everything is due.
    let later = NOON + 3 * 365 * 24 * 60 * 60 * 1000;
    site.now.store(later, std::sync::atomic::Ordering::Relaxed);
    let id = store::users::by_name(site.store(), "rea").await.unwrap().unwrap().id;
    let digest = blake3::hash(b"later");
    store::sessions::begin(site.store(), digest.as_bytes(), id, later, later + 1_000_000).await.unwrap();
    assert!(site.get("/keys", "lazaret_session=later").await.text.contains(">due<"));
}

#[tokio::test]
async fn an_administrator_rotates() {
    let (site, _) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let (rea, ada) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    let rev = site.user("rev", Role::Reviewer).await;
    for path in ["/keys/rotate", "/keys/holds", "/keys/holds/release", "/keys/shred"] {
        assert_eq!(site.post(path, "", &rea).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(site.post(path, "", &rev).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (key, rewrapped) in [("study:onc-201", 3), ("organisation", 2), ("root", 1)] {
        let form = format!("key={key}");
        let answer = site.post("/keys/rotate", &form, &ada).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{key}: {}", answer.text);
        let told: u64 = answer.header("location").trim_start_matches("/keys?rewrapped=").parse().unwrap();
        assert!(told >= rewrapped, "{key} wrapped {told} anew");
    }
    for key in ["", "object:1", "study:", "study:../x"] {
        assert_eq!(
            site.post("/keys/rotate", &format!("key={key}"), &ada).await.status,
            StatusCode::BAD_REQUEST,
            "{key}"
        );
    }
    let recorded = guard.recorded().await;
    assert!(recorded.contains("key:study:onc-201") && recorded.contains("\"through\":\"console\""), "{recorded}");
    assert!(site.get("/keys?rewrapped=3", &ada).await.text.contains("3 keys were wrapped anew"));
}

#[tokio::test]
async fn a_hold_wins_over_shredding_until_it_is_lifted() {
    let (site, _) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let ada = site.user("ada", Role::Administrator).await;
    for (form, status) in [
        ("scope=study:onc-201&reference=", 400),
        ("scope=principal:1&reference=case-9", 400),
        ("scope=study:nowhere-2&reference=case-9", 404),
        ("scope=study:onc-201&reference=case-9", 303),
    ] {
        assert_eq!(site.post("/keys/holds", form, &ada).await.status, status, "{form}");
    }
    let page = site.get("/keys/shred?scope=study:onc-201", &ada).await.text;
    assert!(
        page.contains("It cannot be shredded") && page.contains("case-9") && !page.contains("Destroy for good"),
        "{page}"
    );
    let confirmed = "scope=study:onc-201&name=onc-201";
    let answer = site.post("/keys/shred", confirmed, &ada).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(answer.text.contains("case-9"), "{}", answer.text);
    assert!(guard.recorded().await.contains("vault:held"), "that it was tried is recorded");
    assert!(guard.vault.doom(&Scope::Study(study())).await.unwrap().total() > 0);
    assert_eq!(site.post("/keys/holds/release", "scope=study:onc-201&reference=other", &ada).await.status, 404);
    assert_eq!(site.post("/keys/holds/release", "scope=study:onc-201&reference=case-9", &ada).await.status, 303);
    assert_eq!(site.post("/keys/shred", confirmed, &ada).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_study_is_shredded_once_its_name_was_typed_and_the_receipt_holds() {
    let (site, _) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let (rea, ada) = (site.user("rea", Role::Reader).await, site.user("ada", Role::Administrator).await);
    assert_eq!(site.get("/keys/shred?scope=study:onc-201", &rea).await.status, StatusCode::FORBIDDEN);
    let page = site.get("/keys/shred?scope=study:onc-201", &ada).await.text;
    for part in ["<span class=\"value\">3</span>", "3.0 kB", "Type <strong>onc-201</strong>"] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    for form in ["scope=study:onc-201&name=", "scope=study:onc-201&name=onc-20", "scope=organisation&name=organisation"]
    {
        let answer = site.post("/keys/shred", form, &ada).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    for scope in ["study:none-9", "subject:ffffffff-ffff-ffff-ffff-ffffffffffff", "<script>"] {
        let answer = site.get(&format!("/keys/shred?scope={}", scope.replace(['<', '>'], "%3C")), &ada).await;
        assert!(answer.status.is_client_error(), "{scope}: {}", answer.status);
    }
    let answer = site.post("/keys/shred", "scope=study:onc-201&name=onc-201", &ada).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(guard.vault.doom(&Scope::Study(study())).await.unwrap().total(), 0);
    let place = answer.header("location").to_owned();
    let page = site.get(&place, &rea).await.text;
    assert!(page.contains("the signature fits") && page.contains("study:onc-201"), "{page}");
    let file = site.get(&format!("{place}/download"), &rea).await;
    assert!(file.header("content-disposition").contains("receipt-"));
    let receipt: Receipt = serde_json::from_str(&file.text).unwrap();
    receipt.check().unwrap();
    assert!(site.get("/keys/receipts", &rea).await.text.contains(place.rsplit_once("/").unwrap().1));
    assert_eq!(site.get("/keys/receipts/ffff", &rea).await.status, StatusCode::NOT_FOUND);
    assert!(site.get("/keys/studies/onc-201", &rea).await.text.contains("keys destroyed"));
    assert!(guard.recorded().await.contains("objects=3 versions=3 bytes=3000"));
}

#[tokio::test]
async fn a_data_subject_takes_its_own_objects_alone() {
    let (site, subject) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let ada = site.user("ada", Role::Administrator).await;
    let page = site.get(&format!("/keys/shred?scope=subject:{subject}"), &ada).await.text;
    assert!(page.contains("Shred the data subject") && page.contains("1.0 kB"), "{page}");
    let form = format!("scope=subject:{subject}&name={subject}");
    assert_eq!(site.post("/keys/shred", &form, &ada).await.status, StatusCode::SEE_OTHER);
    let left = guard.vault.doom(&Scope::Study(study())).await.unwrap();
    assert!(left.keys.contains(&("data".to_owned(), 2)), "{left:?}");
}

#[tokio::test]
async fn object_lock_wins_over_shredding_too() {
    let (site, _) = filled().await;
    object(&site, 4, None, true).await;
    let ada = site.user("ada", Role::Administrator).await;
    let page = site.get("/keys/shred?scope=study:onc-201", &ada).await.text;
    assert!(page.contains("1 version</strong> kept by object lock"), "{page}");
    let answer = site.post("/keys/shred", "scope=study:onc-201&name=onc-201", &ada).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text.contains("object lock"), "{}", answer.text);
}
