//! One's own credentials: the second step of logging in, recovery codes, sessions.

use axum::http::StatusCode;
use identity::{Algorithm, code};

use crate::site::{NOON, Site, between, set_cookie};

const PASSWORD: &str = "four+plain+words+here";
const STEP_MS: i64 = 30_000;

fn later(site: &Site, by: i64) {
    site.now.fetch_add(by, std::sync::atomic::Ordering::Relaxed);
}

async fn first_user(site: &Site) -> String {
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let form = format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}");
    set_cookie(&site.post("/setup", &form, "").await)
}

/// RFC 4648 base32.
fn secret(text: &str) -> Vec<u8> {
    let mut bits = Vec::new();
    for letter in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits.extend((0..5).rev().map(|bit| (value >> bit & 1) as u8));
    }
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

fn present(site: &Site, secret: &[u8]) -> String {
    let now = site.now.load(std::sync::atomic::Ordering::Relaxed);
    code(Algorithm::Sha1, secret, u64::try_from(now / STEP_MS).unwrap(), 6)
}

/// Sets one-time codes up; the secret and the recovery codes.
async fn enrolled(site: &Site, cookie: &str) -> (Vec<u8>, Vec<String>) {
    let page = site.post("/security/codes", "", cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("<svg") && page.text.contains("h1v1h-1z"), "{}", page.text);
    let secret = secret(between(&page.text, "type this secret: <code>", "</code>"));
    assert_eq!(secret.len(), 20);
    let wrong = site.post("/security/codes/confirm", "code=000000", cookie).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let form = format!("code={}", present(site, &secret));
    let page = site.post("/security/codes/confirm", &form, cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let list = between(&page.text, "<h2>Recovery codes</h2>", "</ul>").to_owned();
    let codes: Vec<String> =
        list.split("<code>").skip(1).map(|rest| rest.split("</code>").next().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

async fn password(site: &Site) -> String {
    let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}&next=/objects"), "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/login/second"), "{}", answer.text);
    let cookie = set_cookie(&answer);
    assert!(cookie.starts_with("lazaret_login="), "a password alone begins no session: {cookie}");
    assert_eq!(site.get("/objects", &cookie).await.status, StatusCode::SEE_OTHER);
    cookie
}

#[tokio::test]
async fn a_password_asks_for_a_code_once_there_are_codes() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    assert!(site.get("/objects", &cookie).await.text.contains("href=\"/security\""));
    let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}"), "").await;
    assert_eq!(answer.header("location"), "/", "no codes, no second step");
    let (secret, recovery) = enrolled(&site, &cookie).await;
    let again = site.post("/security/codes", "", &cookie).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "an open session puts no other generator in its place");

    later(&site, STEP_MS);
    let step = password(&site).await;
    assert!(site.get("/login/second", &step).await.text.contains("recovery codes"));
    let wrong = site.post("/login/second", "code=000000", &step).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{}", wrong.text);
    let form = format!("code={}", present(&site, &secret));
    let answer = site.post("/login/second", &form, &step).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/objects"), "{}", answer.text);
    let session = set_cookie(&answer);
    assert!(site.get("/security", &session).await.text.contains("You showed a second factor"));
    assert!(!site.get("/security", &cookie).await.text.contains("You showed a second factor"));
    let twice = site.post("/login/second", &form, &step).await;
    assert_eq!(twice.header("location"), "/login", "a step is done once");
    let step = password(&site).await;
    let used = site.post("/login/second", &form, &step).await;
    assert_eq!(used.status, StatusCode::UNAUTHORIZED, "a code is good once");

    let form = format!("code={}", recovery[0].to_lowercase());
    let answer = site.post("/login/second", &form, &step).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let step = password(&site).await;
    assert_eq!(site.post("/login/second", &form, &step).await.status, StatusCode::UNAUTHORIZED, "used up");
    assert!(site.get("/security", &session).await.text.contains("9 recovery codes"));

    later(&site, STEP_MS);
    assert_eq!(site.post("/security/codes/remove", "code=1", &session).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("code={}", present(&site, &secret));
    let removed = site.post("/security/codes/remove", &form, &session).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}"), "").await;
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test]
async fn guessing_codes_is_made_slow_and_a_step_does_not_wait_for_ever() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    let (secret, _) = enrolled(&site, &cookie).await;
    later(&site, STEP_MS);
    let step = password(&site).await;
    for _ in 0..5 {
        assert_eq!(site.post("/login/second", "code=000000", &step).await.status, StatusCode::UNAUTHORIZED);
    }
    let form = format!("code={}", present(&site, &secret));
    let locked = site.post("/login/second", &form, &step).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.text);
    assert!(locked.text.contains("Too many attempts"));
    let locked = site.post("/login", &format!("name=Ada&password={PASSWORD}"), "").await;
    assert!(locked.text.contains("Too many attempts"), "nor is the password looked at: {}", locked.text);
    later(&site, 2 * 60_000);
    let form = format!("code={}", present(&site, &secret));
    assert_eq!(site.post("/login/second", &form, &step).await.status, StatusCode::SEE_OTHER);
    later(&site, STEP_MS);
    let step = password(&site).await;
    later(&site, 5 * 60_000);
    let late = site.post("/login/second", &format!("code={}", present(&site, &secret)), &step).await;
    assert_eq!(late.header("location"), "/login", "five minutes are over");
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let site = Site::guarded().await;
    let here = first_user(&site).await;
    let enter = async || set_cookie(&site.post("/login", &format!("name=Ada&password={PASSWORD}"), "").await);
    let (there, elsewhere) = (enter().await, enter().await);
    let page = site.get("/security", &here).await.text;
    assert_eq!(page.matches("/end\"").count(), 2, "{page}");
    let token = there.split_once('=').unwrap().1;
    let digest = blake3::hash(token.as_bytes()).to_hex();
    let ended = site.post(&format!("/security/sessions/{digest}/end"), "", &here).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/objects", &there).await.status, StatusCode::SEE_OTHER, "it has ended");
    assert_eq!(site.get("/objects", &elsewhere).await.status, StatusCode::OK);
    let again = site.post(&format!("/security/sessions/{digest}/end"), "", &here).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    site.post("/security/sessions/end-others", "", &here).await;
    assert_eq!(site.get("/objects", &elsewhere).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/objects", &here).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_s_sessions_are_ended_by_another() {
    let site = Site::guarded().await;
    let ada = site.user("Ada", console::Role::Administrator).await;
    let rita = site.user("Rita", console::Role::Reader).await;
    let digest = blake3::hash(b"token-of-Rita").to_hex();
    let answer = site.post(&format!("/security/sessions/{digest}/end"), "", &ada).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/objects", &rita).await.status, StatusCode::OK);
}
