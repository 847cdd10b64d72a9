//! Who reaches which route, and what every answer carries.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use console::Role;

use crate::site::{Answer, Site};

/// Every route and role in one table: a new route changes it, and whoever reviews the change sees who gets in.
#[test]
fn who_is_let_in_where() {
    let mut table = format!("{:<6} {:<38} anyone reader reviewer administrator\n", "method", "route");
    for (method, path, admitted) in console::access_table() {
        let [anyone, reader, reviewer, administrator] = admitted.map(|yes| if yes { "yes" } else { "-" });
        table += &format!("{method:<6} {path:<38} {anyone:<6} {reader:<6} {reviewer:<8} {administrator}\n");
    }
    insta::assert_snapshot!(table);
}

async fn ask(site: &Site, method: &str, path: &str, cookie: &str) -> Answer {
    // No such object, user or merge: whoever is let in changes nothing.
    let path = path.replace("{id}", "999999").replace("{source_id}", "999999").replace("{name}", "none");
    if method == "GET" { site.get(&path, cookie).await } else { site.post(&path, "", cookie).await }
}

#[tokio::test]
async fn the_table_is_what_the_server_does() {
    let site = Site::new().await;
    let mut cookies = vec![String::new()];
    for role in Role::ALL {
        cookies.push(site.user(role.as_str(), role).await);
    }
    for (method, path, admitted) in console::access_table() {
        // The first ends the session; the second sends whoever began no log-in to its first step.
        if path == "/logout" || path == "/login/second" {
            continue;
        }
        for (cookie, is_admitted) in cookies.iter().zip(admitted) {
            let answer = ask(&site, method, path, cookie).await;
            let to_login = answer.header("location").starts_with("/login");
            let is_refused = answer.status == StatusCode::FORBIDDEN
                || (cookie.is_empty() && (to_login || answer.status == StatusCode::UNAUTHORIZED));
            assert_eq!(!is_refused, is_admitted, "{method} {path} `{cookie}`: {} {}", answer.status, answer.text);
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_answer_is_shielded() {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    let mut asked = console::access_table();
    asked.push(("GET", "/nowhere", [true; 4]));
    asked.push(("POST", "/healthz", [true; 4]));
    for (method, path, _) in asked {
        let answer = ask(&site, method, path, &cookie).await;
        let policy = answer.header("content-security-policy");
        for part in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{method} {path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        if !path.starts_with("/assets") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        assert_eq!(answer.header("strict-transport-security"), "", "only over TLS");
        for inline in [" style=", "<style", "javascript:", " onclick=", " onload=", "hx-on"] {
            assert!(!answer.text.contains(inline), "{method} {path} holds `{inline}`");
        }
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    let attempt = |headers: &[(&str, &str)]| {
        let mut request = Request::post("/users/invite").header("cookie", &cookie);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        site.send(request.body(Body::from("role=reader")).unwrap())
    };
    let refused: [&[(&str, &str)]; 6] = [
        &[],
        &[("host", "console.example")],
        &[("host", "console.example"), ("origin", "https://evil.example")],
        &[("host", "console.example"), ("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")],
        &[("sec-fetch-site", "same-site"), ("host", "a"), ("origin", "http://a")],
    ];
    for headers in refused {
        let answer = attempt(headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.text.contains("did not come from a page of this console"));
    }
    let accepted: [&[(&str, &str)]; 2] =
        [&[("sec-fetch-site", "same-origin")], &[("host", "console.example"), ("origin", "http://console.example")]];
    for headers in accepted {
        assert_eq!(attempt(headers).await.status, StatusCode::OK, "{headers:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_on_a_page() {
    let site = Site::new().await;
    let cookie = site.user("ada", Role::Administrator).await;
    for (path, status, words) in [
        ("/nowhere", 404, "There is no page at this address"),
        ("/objects/999", 404, "There is no object 999"),
        ("/objects/abc", 400, "cannot be read"),
        ("/objects?label=nonsense", 400, "Choose one from the list"),
        ("/objects?label=secret&label=none", 400, "cannot be read"),
        ("/recognizers/none", 404, "no such recogniser"),
        ("/users/invite", 405, "cannot be read"),
    ] {
        let answer = site.get(path, &cookie).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text.contains(words), "{path}: {}", answer.text);
        assert!(answer.text.contains("<nav aria-label=\"Main\">"), "{path} keeps the way back");
    }
    let answer = site.post("/scans/start", &format!("place={}", "x".repeat(70_000)), &cookie).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text.contains("larger than"), "{}", answer.text);
}

#[tokio::test]
async fn a_session_that_ended_sends_htmx_to_the_login_page() {
    let site = Site::new().await;
    let request = Request::get("/scans/running").header("hx-request", "true").body(Body::empty()).unwrap();
    let answer = site.send(request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("hx-redirect"), "/login");
    let answer = site.get("/objects?text=a%20b&label=secret", "").await;
    assert_eq!(answer.header("location"), "/login?next=%2Fobjects%3Ftext%3Da%2520b%26label%3Dsecret");
}

#[tokio::test]
async fn assets_are_kept_for_long_under_changing_addresses() {
    let site = Site::new().await;
    let page = site.get("/login", "").await.text;
    for (name, kind) in [("console.css", "text/css"), ("htmx.min.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
    {
        let query = crate::site::between(&page, &format!("/assets/{name}"), "\"");
        let answer = site.get(&format!("/assets/{name}{query}"), "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header("content-type").starts_with(kind));
        assert!(answer.header("cache-control").contains("immutable"));
        assert!(query.len() > 10, "{query}");
    }
}
