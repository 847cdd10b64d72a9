//! Pages of findings: who sees them, under which names, and that every step is recorded first.

use std::collections::HashSet;

use axum::http::StatusCode;
use console::Role;
use detect::rule::Level;
use model::{FoundBy, Label, PrincipalId, PrincipalKind};
use store::principals::{self, Principal};
use watch::{Measure, Sighting};

use crate::site::{NOON, Site};

const RULE: &str = "7a4f4c1e-0000-4000-8000-000000000000";

fn sighting(entry: u64, title: &str) -> Sighting {
    Sighting {
        found: FoundBy::Behaviour,
        rule: RULE.to_owned(),
        title: title.to_owned(),
        description: "More than usual.".to_owned(),
        level: Level::High,
        tags: vec!["attack.exfiltration".to_owned(), "attack.t1567.002".to_owned()],
        time_ms: NOON - 60_000,
        entries: vec![(entry, NOON - 60_000)],
        principal: Some(PrincipalId::from_bytes([9; 16])),
        about: String::new(),
        study: Some("onc-201".parse().unwrap()),
        labels: vec![Label::PhiDirect],
        subjects: 40,
        matched: vec![("score".to_owned(), "<b>17.5</b>".to_owned())],
        why: vec!["read 431 data subjects on 2026-11-23; usual for it is 3".to_owned()],
        measures: vec![Measure { what: "data subjects".to_owned(), seen: 431.0, usual: 3.0, most: 12.0, peers: 20.0 }],
        object: Some("visits/<i>7.csv".to_owned()),
    }
}

/// A site with an actor called `ada` and one finding about it.
async fn filled() -> Site {
    let site = Site::guarded().await;
    let ada = Principal {
        id: PrincipalId::from_bytes([9; 16]),
        kind: PrincipalKind::Person,
        name: "ada.secret".to_owned(),
        user_id: None,
        organisation: None,
        training_until: None,
        agreement_until: None,
        contained_at: None,
        created_at: NOON - 86_400_000,
        disabled_at: None,
    };
    principals::create(site.store(), &ada).await.unwrap();
    let findings = &site.guard.as_ref().unwrap().findings;
    findings.take(&[sighting(3, "Unusual <em>day</em>")], 4, &HashSet::new(), NOON).await.unwrap();
    site
}

#[tokio::test]
async fn readers_see_no_findings_and_reviewers_see_no_names() {
    let site = filled().await;
    let reader = site.user("rea", Role::Reader).await;
    for path in ["/findings", "/findings/1", "/findings/rules", "/findings/coverage", "/findings/suppressions"] {
        assert_eq!(site.get(path, &reader).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let reviewer = site.user("rev", Role::Reviewer).await;
    let stream = site.get("/findings", &reviewer).await;
    assert_eq!(stream.status, StatusCode::OK, "{}", stream.text);
    for part in ["Unusual &#60;em&#62;day", "phi.direct", "onc-201", "Actor ", "up to 40 people"] {
        assert!(stream.text.contains(part), "no {part} in {}", stream.text);
    }
    let one = site.get("/findings/1", &reviewer).await;
    for part in [
        "431 data subjects",
        "visits/&#60;i&#62;7.csv",
        "T1567.002",
        "/record/3",
        "<svg class=\"timeline\"",
        "/incidents?finding=1#open-title",
    ] {
        assert!(one.text.contains(part), "no {part} in {}", one.text);
    }
    let actor = site.get(&format!("/findings/actors/{}", "09".repeat(16)), &reviewer).await;
    assert_eq!(actor.status, StatusCode::OK);
    for page in [&stream, &one, &actor] {
        assert!(!page.text.contains("ada.secret"), "{}", page.text);
        assert!(!page.text.contains("<i>7") && !page.text.contains("<em>day"));
    }
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(recorded.contains("\"activity_name\":\"look\"") && recorded.contains("\"entity\":\"finding:"));
}

#[tokio::test]
async fn a_name_is_learned_for_a_reason_that_is_recorded() {
    let site = filled().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let refused = site.post("/findings/1", "what=unmask&reason=", &reviewer).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("reason is missing"), "{}", refused.text);
    let done = site.post("/findings/1", "what=unmask&reason=interview+today", &reviewer).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(site.get("/findings/1", &reviewer).await.text.contains("ada.secret"));
    let other = site.user("oth", Role::Reviewer).await;
    assert!(!site.get("/findings/1", &other).await.text.contains("ada.secret"), "who it is is learned by each alone");
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(recorded.contains("\"reason\":\"unmask\"") && !recorded.contains("interview today"));
}

#[tokio::test]
async fn a_finding_is_taken_up_settled_and_opened_again() {
    let site = filled().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    for (form, words) in [
        ("what=take-up&reason=", "in-progress"),
        ("what=benign&reason=planned+audit", "benign"),
        ("what=reopen&reason=not+so", "in-progress"),
    ] {
        assert_eq!(site.post("/findings/1", form, &reviewer).await.status, StatusCode::SEE_OTHER, "{form}");
        let page = site.get("/findings/1", &reviewer).await;
        assert!(page.text.contains(words), "no {words} in {}", page.text);
    }
    assert!(site.get("/findings/1", &reviewer).await.text.contains("planned audit"));
    assert_eq!(site.post("/findings/1", "what=explode&reason=x", &reviewer).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.post("/findings/99", "what=note&reason=x", &reviewer).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rules_are_listed_suppressed_and_covered() {
    let site = filled().await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let rules = site.get("/findings/rules?text=unblind", &reviewer).await;
    assert_eq!(rules.status, StatusCode::OK);
    let start = rules.text.find("/findings/rules/").map(|at| at + "/findings/rules/".len()).unwrap();
    let id: String = rules.text[start..].chars().take_while(|letter| *letter != '"').collect();
    let rule = format!("/findings/rules/{id}");
    assert_eq!(site.get(&rule, &reviewer).await.status, StatusCode::OK);
    let long = site.post(&format!("{rule}/suppress"), "days=500&reason=why", &reviewer).await;
    assert!(long.status == StatusCode::BAD_REQUEST && long.text.contains("90 days"), "{}", long.text);
    let made = site.post(&format!("{rule}/suppress"), "days=7&study=onc-201&reason=database+lock", &reviewer).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER);
    let list = site.get("/findings/suppressions", &reviewer).await;
    assert!(list.text.contains("database lock") && list.text.contains("onc-201"), "{}", list.text);
    let ended = site.post("/findings/suppressions/1/end", "reason=over", &reviewer).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert!(site.get("/findings/suppressions", &reviewer).await.text.contains("None holds"));
    let coverage = site.get("/findings/coverage", &reviewer).await;
    for part in ["Exfiltration", "T1567", "Impact"] {
        assert!(coverage.text.contains(part), "no {part}");
    }
}
