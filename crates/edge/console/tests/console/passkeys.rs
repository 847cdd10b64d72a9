//! Passkeys in the console: with an authenticator in software, and with the one that Chromium has.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use console::Role;
use model::event::{Actor, Origin};
use model::{Action, By, PrincipalId, PrincipalKind};
use policy::{NewGrant, Rights};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::authenticator::{Authenticator, altered};
use crate::site::{HERE, NOON, Site, between, set_cookie, target};
use crate::webdriver::{Browser, ENTER, TAB};

const PASSWORD: &str = "four plain words here";
const MINUTE: i64 = 60_000;

fn later(site: &Site, by: i64) {
    site.now.fetch_add(by, Ordering::Relaxed);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn first_user(site: &Site) -> String {
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let password = encoded(PASSWORD);
    let form = format!("token={token}&name=Ada&password={password}&again={password}");
    set_cookie(&site.post("/setup", &form, "").await)
}

fn shown(credential: &Value) -> String {
    format!("credential={}", encoded(&credential.to_string()))
}

/// Makes a passkey in a session that is fresh.
async fn with_passkey(site: &Site, cookie: &str, number: u8) -> Authenticator {
    let mut device = Authenticator::new(number, HERE);
    let options = site.post("/security/passkeys/begin", "name=laptop", cookie).await;
    assert!(options.header("content-type").starts_with("application/json"), "{}", options.text);
    let made = site.post("/security/passkeys", &shown(&device.create(&options.text)), cookie).await;
    assert!(made.status == StatusCode::OK || made.header("location") == "/security", "{}", made.text);
    device
}

/// Asks for a passkey before anybody is known; the options and the cookie.
async fn asked(site: &Site) -> (String, String) {
    let options = site.post("/login/passkey/ask", "", "").await;
    assert_eq!(options.status, StatusCode::OK, "{}", options.text);
    (options.text.clone(), set_cookie(&options))
}

async fn log_in(site: &Site, device: &mut Authenticator) -> String {
    let (options, cookie) = asked(site).await;
    let answer = site.post("/login/passkey", &shown(&device.get(&options)), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    set_cookie(&answer)
}

async fn passkey_id(site: &Site, cookie: &str) -> String {
    let page = site.get("/security", cookie).await.text;
    between(&page, "/security/passkeys/", "/remove").to_owned()
}

#[tokio::test]
async fn a_passkey_alone_logs_in_and_counts_as_both_factors() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    assert!(site.get("/login", "").await.text.contains("data-passkeys=\"http://localhost:8080\""));
    let mut device = Authenticator::new(1, HERE);
    let options = site.post("/security/passkeys/begin", "name=laptop", &cookie).await;
    let page = site.post("/security/passkeys", &shown(&device.create(&options.text)), &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("<h2>Recovery codes</h2>") && page.text.contains("10 recovery codes are left"));
    let twice = site.post("/security/passkeys", &shown(&device.create(&options.text)), &cookie).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "a challenge is good once");
    assert!(twice.text.contains("took too long"));

    let (options, browser) = asked(&site).await;
    let form = shown(&device.get(&options)) + "&next=/objects";
    assert_eq!(site.post("/login/passkey", &form, "").await.status, StatusCode::UNAUTHORIZED, "another browser");
    let answer = site.post("/login/passkey", &form, &browser).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/objects"), "{}", answer.text);
    let session = set_cookie(&answer);
    let page = site.get("/security", &session).await.text;
    assert!(page.contains("You showed a second factor") && page.contains("<td>passkey</td>"), "{page}");
    let replayed = site.post("/login/passkey", &form, &browser).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "what was shown is good once");
    let (options, browser) = asked(&site).await;
    let form = shown(&device.get(&options)) + "&next=//evil.example";
    assert_eq!(site.post("/login/passkey", &form, &browser).await.header("location"), "/");

    let (options, browser) = asked(&site).await;
    let form = shown(&device.get(&options));
    later(&site, 5 * MINUTE);
    let late = site.post("/login/passkey", &form, &browser).await;
    assert!(late.status == StatusCode::UNAUTHORIZED && late.text.contains("took too long"), "{}", late.text);

    let recorded = site.guard.as_ref().unwrap().recorded().await;
    let log_on = recorded.lines().find(|line| line.contains("through=passkey second-factor=true"));
    assert!(log_on.is_some_and(|line| line.contains("LZPK")), "{recorded}");
    assert!(recorded.contains("passkey=LZPK") && recorded.contains("recovery-codes=10"), "{recorded}");
    assert!(!recorded.contains("laptop"), "names are sealed");
}

#[tokio::test]
async fn a_passkey_is_a_second_step_and_a_recovery_code_stands_in() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    let mut device = Authenticator::new(1, HERE);
    let options = site.post("/security/passkeys/begin", "name=laptop", &cookie).await;
    let page = site.post("/security/passkeys", &shown(&device.create(&options.text)), &cookie).await.text;
    let code = between(&page, "<li><code>", "</code>").to_owned();
    let password = async || {
        let answer = site.post("/login", &format!("name=Ada&password={}&next=/objects", encoded(PASSWORD)), "").await;
        assert_eq!(answer.header("location"), "/login/second", "a password alone is not enough any more");
        set_cookie(&answer)
    };
    let step = password().await;
    let page = site.get("/login/second", &step).await.text;
    assert!(page.contains("Use a passkey") && page.contains("One of your recovery codes."), "{page}");
    let options = site.post("/login/second/passkey/ask", "", &step).await.text;
    assert!(options.contains("\"allowCredentials\":[{"), "{options}");
    let wrong = altered(&device.get(&options), "signature", Vec::clear);
    let refused = site.post("/login/second/passkey", &format!("credential={}", encoded(&wrong)), &step).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.text.contains("was not accepted"), "{}", refused.text);
    let form = shown(&device.get(&options));
    let replayed = site.post("/login/second/passkey", &form, &step).await;
    assert!(replayed.text.contains("took too long"), "one attempt for each question: {}", replayed.text);
    let options = site.post("/login/second/passkey/ask", "", &step).await.text;
    let answer = site.post("/login/second/passkey", &shown(&device.get(&options)), &step).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/objects"), "{}", answer.text);
    let session = set_cookie(&answer);
    assert!(site.get("/security", &session).await.text.contains("password and passkey"));
    let over = site.post("/login/second/passkey/ask", "", &step).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED, "the step is done");
    assert!(over.text.contains("\"fault\""), "{}", over.text);

    let step = password().await;
    let answer = site.post("/login/second", &format!("code={code}"), &step).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(site.get("/security", &session).await.text.contains("9 recovery codes are left"));
}

#[tokio::test]
async fn attempts_are_counted_and_lock() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    let mut device = with_passkey(&site, &cookie, 1).await;
    for _ in 0..5 {
        let (options, browser) = asked(&site).await;
        let wrong = altered(&device.get(&options), "signature", Vec::clear);
        let refused = site.post("/login/passkey", &format!("credential={}", encoded(&wrong)), &browser).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
    }
    let (options, browser) = asked(&site).await;
    let locked = site.post("/login/passkey", &shown(&device.get(&options)), &browser).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(locked.text.contains("Too many attempts. Wait"), "{}", locked.text);
    let password = site.post("/login", &format!("name=Ada&password={}", encoded(PASSWORD)), "").await;
    assert!(password.text.contains("Too many attempts"), "whatever is tried");
    later(&site, 2 * MINUTE);
    log_in(&site, &mut device).await;
    device.counter = 0;
    let (options, browser) = asked(&site).await;
    let copy = site.post("/login/passkey", &shown(&device.get(&options)), &browser).await;
    assert_eq!(copy.status, StatusCode::UNAUTHORIZED);
    let page = site.get("/security", &cookie).await.text;
    assert!(page.contains("may be copied"), "{page}");
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    assert!(recorded.contains("identity:passkey-counter") && recorded.contains("identity:wrong-proof"), "{recorded}");
    for form in ["", "credential=", "credential=%7B%7D", "credential=null", "x=y"] {
        let (_, browser) = asked(&site).await;
        let refused = site.post("/login/passkey", form, &browser).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{form}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_session_that_was_left_open_makes_and_removes_none() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    let mut device = with_passkey(&site, &cookie, 1).await;
    later(&site, 11 * MINUTE);
    assert!(site.get("/security", &cookie).await.text.contains("id=\"passkey-password\""));
    let refused = site.post("/security/passkeys/begin", "name=phone&password=not+this+one+at+all", &cookie).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("The password is wrong"), "{}", refused.text);
    let form = format!("name=phone&password={}", encoded(PASSWORD));
    let options = site.post("/security/passkeys/begin", &form, &cookie).await;
    let mut other = Authenticator::new(2, HERE);
    let made = site.post("/security/passkeys", &shown(&other.create(&options.text)), &cookie).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/security"), "{}", made.text);
    for form in ["name=", "name=%20", &format!("name={}", "x".repeat(61))] {
        let form = format!("{form}&password={}", encoded(PASSWORD));
        let refused = site.post("/security/passkeys/begin", &form, &cookie).await;
        assert!(
            refused.text.contains("give the passkey a name") || refused.text.contains("Give the passkey a name"),
            "{}",
            refused.text
        );
    }

    let id = passkey_id(&site, &cookie).await;
    let path = format!("/security/passkeys/{id}/remove");
    let page = site.get(&path, &cookie).await.text;
    assert!(page.contains("Remove the passkey laptop") && !page.contains("last second factor"), "{page}");
    for form in ["", "password=not+this+one", "credential=%7B%7D"] {
        let refused = site.post(&path, form, &cookie).await;
        assert!(refused.status.is_client_error(), "{form}: {}", refused.text);
    }
    later(&site, 2 * MINUTE);
    let options = site.post("/security/again", "", &cookie).await.text;
    let removed = site.post(&path, &shown(&other.get(&options)), &cookie).await;
    assert_eq!((removed.status, removed.header("location")), (StatusCode::SEE_OTHER, "/security"), "{}", removed.text);
    assert_eq!(site.get(&path, &cookie).await.status, StatusCode::NOT_FOUND);
    let (options, browser) = asked(&site).await;
    let gone = site.post("/login/passkey", &shown(&device.get(&options)), &browser).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED, "it works no more");

    let id = passkey_id(&site, &cookie).await;
    let path = format!("/security/passkeys/{id}/remove");
    assert!(site.get(&path, &cookie).await.text.contains("your last second factor"));
    let removed = site.post(&path, &format!("password={}", encoded(PASSWORD)), &cookie).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    let answer = site.post("/login", &format!("name=Ada&password={}", encoded(PASSWORD)), "").await;
    assert_eq!(answer.header("location"), "/", "a password alone is enough again");
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    for words in ["through=password", "through=passkey", "\"again\""] {
        assert!(recorded.contains(words), "{words}: {recorded}");
    }
}

#[tokio::test]
async fn nobody_removes_another_s_and_an_administrator_does() {
    let site = Site::guarded().await;
    let ada = first_user(&site).await;
    let rea = site.user("Rea", Role::Reader).await;
    let mut device = with_passkey(&site, &rea, 1).await;
    let id = passkey_id(&site, &rea).await;
    let path = format!("/security/passkeys/{id}/remove");
    let foreign = site.post(&path, &format!("password={}", encoded(PASSWORD)), &ada).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.text);

    let options = site.post("/security/again", "", &rea).await.text;
    let stolen = shown(&device.get(&options));
    with_passkey(&site, &ada, 2).await;
    let own = format!("/security/passkeys/{}/remove", passkey_id(&site, &ada).await);
    assert!(site.post(&own, &stolen, &ada).await.status.is_client_error(), "another's passkey proves nothing");

    let guard = site.guard.as_ref().unwrap();
    let of = async |name: &str| guard.identity.by_name(name).await.unwrap().id;
    let path = format!("/access/principals/{}/passkeys/remove", of("Rea").await);
    let form = format!("passkey={id}");
    assert_eq!(site.post(&path, &form, &rea).await.status, StatusCode::FORBIDDEN, "a reader is no administrator");
    let page = site.get(&format!("/access/principals/{}", of("Rea").await), &ada).await.text;
    assert!(page.contains("<h2 id=\"passkeys-title\">Passkeys</h2>") && page.contains(&path), "{page}");
    assert_eq!(site.post(&path, &form, &ada).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.post(&path, &form, &ada).await.status, StatusCode::NOT_FOUND);
    let own = format!("/access/principals/{}/passkeys/remove", of("Ada").await);
    let refused = site.post(&own, &form, &ada).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "one's own take a proof");
}

/// Whoever may break the glass keeps a second factor, whichever it is.
#[tokio::test]
async fn the_last_second_factor_stays_where_policy_needs_one() {
    let site = Site::guarded().await;
    let cookie = first_user(&site).await;
    with_passkey(&site, &cookie, 1).await;
    let guard = site.guard.as_ref().unwrap();
    let ada = guard.identity.by_name("Ada").await.unwrap().id;
    let actor = Actor { id: PrincipalId::from_bytes([9; 16]), kind: PrincipalKind::Person, credential: None };
    let by = By { actor, origin: Origin { through: "test".into(), ..Origin::default() }, now_ms: NOON };
    let root = identity::NewPrincipal { kind: PrincipalKind::Person, name: "root".into(), organisation: None };
    let root = guard.identity.create(root, &by).await.unwrap();
    let by = By { actor: Actor { id: root.id, ..by.actor.clone() }, ..by };
    let study: model::StudyId = "onc-1".parse().unwrap();
    guard.access.create_study(study.clone(), "One", None, Vec::new(), &by).await.unwrap();
    let rights = Rights::Actions(vec![Action::List, Action::BreakGlass]);
    let grant = NewGrant { principal: ada, study: Some(study), rights, labels: None, from: None, until: None };
    let grant = guard.access.give(grant, &by).await.unwrap();

    let path = format!("/security/passkeys/{}/remove", passkey_id(&site, &cookie).await);
    let form = format!("password={}", encoded(PASSWORD));
    let refused = site.post(&path, &form, &cookie).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("needs a second factor"), "{}", refused.text);
    with_passkey(&site, &cookie, 2).await;
    assert_eq!(site.post(&path, &form, &cookie).await.status, StatusCode::SEE_OTHER, "another one is left");
    guard.access.revoke(grant.id, &by).await.unwrap();
    let path = format!("/security/passkeys/{}/remove", passkey_id(&site, &cookie).await);
    assert_eq!(site.post(&path, &form, &cookie).await.status, StatusCode::SEE_OTHER, "nothing needs one any more");
}

#[tokio::test]
async fn where_passkeys_cannot_be_the_pages_say_why() {
    let site = Site::guarded_at("https://192.0.2.7:8443").await;
    let cookie = first_user(&site).await;
    let page = site.get("/security", &cookie).await.text;
    assert!(page.contains("None can be made here.") && page.contains("`address` under [console]"), "{page}");
    assert!(!site.get("/login", "").await.text.contains("passkey"));
    for path in ["/login/passkey/ask", "/login/passkey", "/security/again", "/security/passkeys/begin"] {
        assert_eq!(site.post(path, "name=x", &cookie).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // As where it listens when the settings say nothing.
    let site = Site::guarded_at(&format!("http://127.0.0.1:{port}")).await;
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(console::serve(listener, Arc::clone(&site.console), stopped));
    let walked = tokio::task::spawn_blocking(move || {
        browser.resize(1400, 1000);
        by_number(&browser, port);
        let place = format!("http://localhost:{port}");
        made(&browser, &place, &link)
    });
    walked.await.unwrap();
    let recorded = site.guard.as_ref().unwrap().recorded().await;
    for words in ["through=passkey second-factor=true", "through=password+passkey", "passkey=LZPK", "\"again\""] {
        assert!(recorded.contains(words), "{words}: {recorded}");
    }
    stop.send(()).unwrap();
    server.abort();
}

/// Under a number the page says where passkeys work, and nothing else changes.
fn by_number(browser: &Browser, port: u16) {
    browser.open(&format!("http://127.0.0.1:{port}/login"));
    let told = "const e = document.querySelector('[data-elsewhere]'); return !e.hidden && e.textContent.includes('http://localhost:')";
    browser.wait_for(told);
    assert_eq!(browser.script("return document.querySelector('[data-passkey]').hidden"), true);
    browser.screenshot(&target().join("screenshots/login-elsewhere.png"));
}

fn log_out(browser: &Browser) {
    browser.script("document.querySelector('form[action=\"/logout\"]').requestSubmit()");
    browser.wait_for("return location.pathname === '/login' && !document.querySelector('[data-passkey]').hidden");
}

/// Presses the tab key until what has focus says `name`, as somebody without a mouse does.
fn tab_to(browser: &Browser, name: &str) {
    let focused = "const e = document.activeElement; return (e.labels?.[0] ?? e).textContent.trim()";
    for _ in 0..60 {
        if browser.script(focused).as_str().is_some_and(|found| found.starts_with(name)) {
            return;
        }
        browser.press(&TAB.to_string());
    }
    panic!("`{name}` is not reached by keyboard at {}", browser.address());
}

fn pictures(browser: &Browser, name: &str) {
    for (theme, width) in [("light", 1400), ("dark", 1400), ("light", 400), ("dark", 400)] {
        browser.resize(width, 1000);
        browser.script(&format!("document.documentElement.dataset.theme = '{theme}'"));
        let wide = browser.script("return document.documentElement.scrollWidth <= window.innerWidth");
        assert_eq!(wide, true, "{name} is wider than its window at {width}");
        let height = browser.script("return document.documentElement.scrollHeight").as_u64().unwrap();
        browser.resize(width, u32::try_from(height).unwrap().clamp(600, 4_000) + 140);
        let narrow = if width < 500 { "-narrow" } else { "" };
        browser.screenshot(&target().join(format!("screenshots/{name}-{theme}{narrow}.png")));
    }
    browser.resize(1400, 1000);
}

/// Makes passkeys, logs in with one alone and as a second step, and takes them away, all by keyboard.
fn made(browser: &Browser, place: &str, link: &str) {
    let device = browser.add_authenticator();
    browser.open(&format!("{place}{link}"));
    browser.press(&format!("Ada{TAB}{PASSWORD}{TAB}{PASSWORD}{ENTER}"));
    browser.wait_for("return location.pathname === '/'");
    browser.open(&format!("{place}/security"));
    browser.wait_for("return !document.querySelector('[data-passkey]').hidden");
    tab_to(browser, "Name");
    browser.press(&format!("laptop{ENTER}"));
    browser.wait_for("return document.querySelector('.notice h2')?.textContent === 'Recovery codes'");
    assert_eq!(browser.credentials(&device).len(), 1);
    pictures(browser, "security-passkeys-made");
    tab_to(browser, "Name");
    browser.press(&format!("again{ENTER}"));
    browser.wait_for("return document.querySelector('[role=alert]:not([hidden])')?.textContent.includes('has a passkey for you already')");

    log_out(browser);
    pictures(browser, "login-passkey");
    browser.verify_user(&device, false);
    tab_to(browser, "Log in with a passkey");
    browser.press(&ENTER.to_string());
    browser.wait_for(
        "return document.querySelector('[role=alert]:not([hidden])')?.textContent.includes('No passkey was given')",
    );
    browser.verify_user(&device, true);
    browser.press(&ENTER.to_string());
    browser.wait_for("return location.pathname === '/' && document.querySelector('h1') !== null");
    browser.open(&format!("{place}/security"));
    browser.wait_for("return document.body.textContent.includes('You showed a second factor in this session')");

    log_out(browser);
    tab_to(browser, "Name");
    browser.press(&format!("Ada{TAB}{PASSWORD}{ENTER}"));
    browser
        .wait_for("return location.pathname === '/login/second' && !document.querySelector('[data-passkey]').hidden");
    pictures(browser, "login-second");
    tab_to(browser, "Use a passkey");
    browser.press(&ENTER.to_string());
    browser.wait_for("return location.pathname === '/' && document.querySelector('h1') !== null");

    // A second device, so that the first one can be taken away with it.
    browser.remove_authenticator(&device);
    let other = browser.add_authenticator();
    browser.open(&format!("{place}/security"));
    browser.wait_for("return !document.querySelector('[data-passkey]').hidden");
    tab_to(browser, "Name");
    browser.press(&format!("a key in a drawer{ENTER}"));
    browser.wait_for("return document.querySelectorAll('a[href$=\"/remove\"]').length === 2");
    pictures(browser, "security-passkeys");
    tab_to(browser, "Remove laptop");
    browser.press(&ENTER.to_string());
    browser
        .wait_for("return location.pathname.endsWith('/remove') && !document.querySelector('[data-passkey]').hidden");
    pictures(browser, "security-remove");
    tab_to(browser, "Show a passkey and remove");
    browser.press(&ENTER.to_string());
    browser.wait_for(
        "return location.pathname === '/security' && document.querySelectorAll('a[href$=\"/remove\"]').length === 1",
    );
    assert_eq!(browser.credentials(&other).len(), 1);
    let lines = browser.console_lines();
    assert!(lines.is_empty(), "the browser complains: {lines:#?}");
}
