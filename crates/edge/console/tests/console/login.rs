//! Creating the first user, logging in and out, sessions, lock-out.

use axum::http::StatusCode;
use console::Role;

use crate::site::{NOON, Site, set_cookie};

const PASSWORD: &str = "four+plain+words+here";
const MINUTE: i64 = 60_000;

fn later(site: &Site, by: i64) {
    site.now.fetch_add(by, std::sync::atomic::Ordering::Relaxed);
}

async fn first_user(site: &Site) -> String {
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let form = format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}");
    let answer = site.post("/setup", &form, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    set_cookie(&answer)
}

#[tokio::test]
async fn the_first_link_creates_the_administrator_once() {
    let site = Site::new().await;
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let page = site.get(&link, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("administrator"));
    let token = link.strip_prefix("/setup?token=").unwrap();
    for (name, password, again, fault) in [
        ("Ada", "short", "short", "too short"),
        ("Ada", PASSWORD, "another+long+password", "two passwords differ"),
        ("", PASSWORD, PASSWORD, "Give a name"),
        ("Ada", "aaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaa", "easy to guess"),
    ] {
        let form = format!("token={token}&name={name}&password={password}&again={again}");
        let answer = site.post("/setup", &form, "").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(fault), "{fault}: {}", answer.text);
    }
    let form = format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}");
    let answer = site.post("/setup", &form, "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(site.get("/users", &set_cookie(&answer)).await.status, StatusCode::OK);
    assert_eq!(site.post("/setup", &form, "").await.status, StatusCode::NOT_FOUND, "a link is good once");
    assert_eq!(site.get(&link, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(console::first_run(site.store(), [8; 32], NOON).await.unwrap(), None, "there is a user");
    let stored = store::users::by_name(site.store(), "Ada").await.unwrap().unwrap();
    assert!(stored.password_hash.starts_with("$argon2id$"));
}

#[tokio::test]
async fn an_invitation_expires() {
    let site = Site::new().await;
    let link = console::invite(site.store(), Role::Reader, [9; 32], NOON).await.unwrap();
    later(&site, 4 * 24 * 60 * MINUTE);
    let answer = site.get(&link, "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("has expired"));
}

#[tokio::test]
async fn logging_in_and_out() {
    let site = Site::new().await;
    first_user(&site).await;
    let page = site.get("/login?next=%2Fobjects", "").await.text;
    assert!(page.contains("name=\"next\" value=\"/objects\""), "{page}");
    let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}&next=/objects"), "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/objects"));
    let cookie = set_cookie(&answer);
    let token = cookie.split_once('=').unwrap().1;
    assert_eq!(token.len(), 64);
    let kept = store::sessions::find(site.store(), blake3::hash(token.as_bytes()).as_bytes(), NOON).await.unwrap();
    assert!(kept.is_some(), "only the token's digest is kept");
    assert_eq!(site.get("/", &cookie).await.status, StatusCode::OK);
    assert_eq!(site.get("/login", &cookie).await.header("location"), "/", "already logged in");
    let answer = site.post("/logout", "", &cookie).await;
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.get("/", &cookie).await.status, StatusCode::SEE_OTHER, "the session has ended on the server");
    for hostile in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}&next={hostile}"), "").await;
        assert_eq!(answer.header("location"), "/", "{hostile}");
    }
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_alike_and_lock_out() {
    let site = Site::new().await;
    first_user(&site).await;
    let mut answers = Vec::new();
    for name in ["Ada", "Nobody"] {
        for attempt in 0..5 {
            let answer = site.post("/login", &format!("name={name}&password=wrong+words+{attempt}"), "").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert!(answer.text.contains("Name or password is wrong"));
            if attempt == 0 {
                answers.push(answer.text.replace(name, "NAME"));
            }
        }
        let answer = site.post("/login", &format!("name={name}&password={PASSWORD}"), "").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even with the right password");
        assert!(answer.text.contains("Too many attempts. Wait "));
    }
    assert_eq!(answers[0], answers[1], "nobody learns which names exist");
    later(&site, 2 * MINUTE);
    let answer = site.post("/login", &format!("name=Ada&password={PASSWORD}"), "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the lock-out ends");
}

#[tokio::test]
async fn sessions_end_when_idle_and_when_the_user_is_shut_out() {
    let site = Site::new().await;
    let cookie = first_user(&site).await;
    for _ in 0..4 {
        later(&site, 50 * MINUTE);
        assert_eq!(site.get("/", &cookie).await.status, StatusCode::OK, "use keeps it alive");
    }
    later(&site, 61 * MINUTE);
    assert_eq!(site.get("/", &cookie).await.status, StatusCode::SEE_OTHER, "idle for too long");
    let site = Site::new().await;
    let cookie = first_user(&site).await;
    let reader = site.user("Rea", Role::Reader).await;
    assert_eq!(site.get("/", &reader).await.status, StatusCode::OK);
    let id = store::users::by_name(site.store(), "Rea").await.unwrap().unwrap().id;
    assert_eq!(site.post(&format!("/users/{id}/disable"), "", &cookie).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/", &reader).await.status, StatusCode::SEE_OTHER);
    let own = store::users::by_name(site.store(), "Ada").await.unwrap().unwrap().id;
    let answer = site.post(&format!("/users/{own}/disable"), "", &cookie).await;
    assert!(answer.text.contains("cannot shut yourself out"));
}

#[tokio::test]
async fn an_administrator_invites_and_the_invited_gets_the_role() {
    let site = Site::new().await;
    let cookie = first_user(&site).await;
    let page = site.post("/users/invite", "role=reviewer", &cookie).await;
    let token = crate::site::between(&page.text, "/setup?token=", "<").to_owned();
    let form = format!("token={token}&name=Rev&password={PASSWORD}&again={PASSWORD}");
    let answer = site.post("/setup", &form, "").await;
    let reviewer = set_cookie(&answer);
    assert_eq!(site.get("/people", &reviewer).await.status, StatusCode::OK);
    assert_eq!(site.get("/users", &reviewer).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post("/users/invite", "role=emperor", &cookie).await.status, StatusCode::BAD_REQUEST);
    // A name that is taken leaves the invitation good.
    let page = site.post("/users/invite", "role=reader", &cookie).await;
    let token = crate::site::between(&page.text, "/setup?token=", "<").to_owned();
    let answer = site.post("/setup", &form.replace(&form[6..70], &token), "").await;
    assert!(answer.text.contains("exists already"), "{}", answer.text);
    assert_eq!(site.get(&format!("/setup?token={token}"), "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn over_tls_cookies_are_secure() {
    let site = Site::with(true).await;
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let form = format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}");
    let answer = site.post("/setup", &form, "").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-lazaret_session=") && cookie.contains("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    assert_eq!(site.get("/", &set_cookie(&answer)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn colours_are_chosen_without_script() {
    let site = Site::new().await;
    let answer = site.post("/theme", "theme=dark&next=/login", "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/login"));
    let page = site.get("/login", &set_cookie(&answer)).await.text;
    assert!(page.contains("<html lang=\"en\" data-theme=\"dark\">"));
    let page = site.get("/login", "lazaret_theme=\"><script>").await.text;
    assert!(page.contains("data-theme=\"system\""));
}
