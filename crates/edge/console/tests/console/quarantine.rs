//! Quarantine's page.

use axum::http::StatusCode;
use console::Role;
use model::VersionId;
use store::guarded::versions::{self, Condition, StoredVersion};
use store::guarded::{self, GuardedStudy};

use crate::site::{NOON, Site};

/// A version in quarantine; its id.
async fn held(site: &Site, number: u8, name: &str) -> String {
    let version = StoredVersion {
        study: "onc-201".to_owned(),
        name: name.to_owned(),
        sequence: 0,
        version: [number; 16],
        object: [number; 16],
        unversioned: true,
        marker: false,
        latest: false,
        state: "quarantined".to_owned(),
        bytes: 2_048,
        etag: "none".to_owned(),
        modified_at: NOON,
        created_by: [9; 16],
        properties: "{}".to_owned(),
        labels: "phi.direct secret".to_owned(),
        subjects: 3,
        tags: String::new(),
        retention_mode: None,
        retain_until: None,
        legal_hold: false,
        sealed: vec![number],
    };
    versions::put(site.store(), &version, false, &Condition::Always, None, NOON).await.unwrap();
    VersionId::from_bytes([number; 16]).to_string()
}

async fn filled() -> (Site, [String; 2]) {
    let site = Site::guarded().await;
    let row = GuardedStudy {
        study: "onc-201".to_owned(),
        versioning: "off".to_owned(),
        settings: "{}".to_owned(),
        created_at: NOON,
        created_by: [9; 16],
    };
    guarded::create(site.store(), &row).await.unwrap();
    let ids = [held(&site, 1, "a/first.csv").await, held(&site, 2, "a/<b>second.csv").await];
    (site, ids)
}

#[tokio::test]
async fn a_reader_sees_what_waits_and_cannot_decide() {
    let (site, [first, _]) = filled().await;
    let cookie = site.user("rea", Role::Reader).await;
    let page = site.get("/quarantine", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in ["a/first.csv", "onc-201", "phi.direct", "2.0 kB"] {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    assert!(!page.text.contains("Release") && !page.text.contains("<b>second"));
    let answer = site.post(&format!("/quarantine/{first}"), "decision=release&reason=checked", &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_reviewer_decides_with_a_reason_that_is_recorded_sealed() {
    let (site, [first, second]) = filled().await;
    let guard = site.guard.as_ref().unwrap();
    let cookie = site.user("rev", Role::Reviewer).await;
    let (release, refuse) = (format!("/quarantine/{first}"), format!("/quarantine/{second}"));
    for (form, words) in [("decision=release&reason=+", "A reason is needed"), ("decision=x&reason=why", "Choose")] {
        let answer = site.post(&release, form, &cookie).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    assert_eq!(
        site.post(&release, "decision=release&reason=consent-found", &cookie).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(site.post(&refuse, "decision=refuse&reason=wrong-study", &cookie).await.status, StatusCode::SEE_OTHER);
    assert_eq!(*guard.removals.lock().unwrap(), [vec![2]], "only what was refused is taken away");
    for (number, state) in [(1, "visible"), (2, "refused")] {
        let version = versions::by_id(site.store(), [number; 16]).await.unwrap().unwrap();
        assert_eq!(version.state, state);
    }
    let recorded = guard.recorded().await;
    assert!(recorded.contains("\"new\":\"visible\"") && recorded.contains("\"new\":\"refused\""));
    assert!(!recorded.contains("consent-found") && !recorded.contains("wrong-study"), "reasons are sealed");
    let again = site.post(&refuse, "decision=release&reason=changed", &cookie).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(site.get("/quarantine", &cookie).await.text.contains("Nothing waits"));
}
