//! Health, readiness, numbers.

use axum::http::StatusCode;
use console::Role;

use crate::reports::{inspected, patients};
use crate::site::Site;

#[tokio::test]
async fn health_and_readiness() {
    let site = Site::new().await;
    let health = site.get("/healthz", "").await;
    assert_eq!((health.status, health.text.as_str()), (StatusCode::OK, "ok\n"));
    assert_eq!(site.get("/readyz", "").await.status, StatusCode::OK);
    site.store().close().await;
    assert_eq!(site.get("/readyz", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.get("/healthz", "lazaret_session=x").await.status, StatusCode::OK, "the process still answers");
    let answer = site.get("/", "lazaret_session=x").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("the server&#39;s log") || answer.text.contains("server's log"), "{}", answer.text);
}

#[tokio::test]
async fn numbers_are_for_this_machine_and_for_users() {
    let site = Site::new().await;
    let source = site.source("/data").await;
    site.ingest(source, vec![inspected("a.csv", vec![patients("a.csv", 0..30, "JP")])]).await;
    assert_eq!(site.get("/metrics", "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(site.get_from("/metrics", [192, 0, 2, 1]).await.status, StatusCode::UNAUTHORIZED);
    let cookie = site.user("rea", Role::Reader).await;
    assert_eq!(site.get("/metrics", &cookie).await.status, StatusCode::OK);
    let answer = site.get_from("/metrics", [127, 0, 0, 1]).await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in [
        "lazaret_objects 1",
        "lazaret_subjects 30",
        "lazaret_objects_by_label{label=\"phi.direct\"} 1",
        "lazaret_scans_running 0",
        "lazaret_http_responses_total{class=\"2xx\"} 1",
        "lazaret_http_responses_total{class=\"4xx\"} 2",
        "lazaret_logins_total{result=\"right\"} 0",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "no `{line}` in {}", answer.text);
    }
    for line in answer.text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("lazaret_") && value.parse::<u64>().is_ok(), "{line}");
    }
}
