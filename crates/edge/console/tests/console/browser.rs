//! The console in headless Chromium: logging in, every page, no violation of the policy, the keyboard alone, and
//! screenshots in target/screenshots to look at.

use std::sync::Arc;

use console::Role;
use model::{RecoveryKind, RecoveryState};
use serde_json::json;
use tokio::net::TcpListener;

use crate::backups::{self, IDS};
use crate::obligations::Keeper;
use crate::sample_tree;
use crate::site::{NOON, Site, target};
use crate::webdriver::{Browser, ENTER, TAB};

const PASSWORD: &str = "four plain words here";

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::new().await;
    let folder = sample_tree::ingest(&site, "/srv/aurelion").await;
    site.now.fetch_add(90 * 60_000, std::sync::atomic::Ordering::Relaxed);
    let link = console::first_run(site.store(), [9; 32], NOON).await.unwrap().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(console::serve(listener, Arc::clone(&site.console), stopped));
    tokio::task::spawn_blocking(move || {
        browser.resize(1400, 1000);
        set_up(&browser, &address, &link);
        keyboard(&browser, &address);
        search(&browser, &address);
        every_page(&browser, &address);
        scan(&browser, &address, folder.path());
        let lines = browser.console_lines();
        assert!(lines.is_empty(), "the browser complains: {lines:#?}");
    })
    .await
    .unwrap();
    stop.send(()).unwrap();
    server.abort();
}

/// Creates the administrator by keyboard alone, logs out and in again.
fn set_up(browser: &Browser, address: &str, link: &str) {
    browser.open(&format!("{address}{link}"));
    browser.screenshot(&target().join("screenshots/setup.png"));
    browser.press(&format!("Ada{TAB}{PASSWORD}{TAB}{PASSWORD}{ENTER}"));
    browser
        .wait_for("return location.pathname === '/' && document.querySelector('h1')?.textContent === 'Data landscape'");
    browser.script("document.querySelector('form[action=\"/logout\"]').requestSubmit()");
    browser.wait_for("return location.pathname === '/login'");
    browser.screenshot(&target().join("screenshots/login.png"));
    browser.press(&format!("Ada{TAB}wrong words at first{ENTER}"));
    browser.wait_for("return document.querySelector('[role=alert]') !== null");
    let refused = browser.console_lines();
    assert!(refused.iter().all(|line| line.contains("status of 401")), "{refused:#?}");
    browser.press(&format!("{PASSWORD}{ENTER}"));
    browser.wait_for("return location.pathname === '/'");
}

/// Walks the landscape with the tab key: the skip link first, then navigation, and every area of the treemap has a name.
fn keyboard(browser: &Browser, address: &str) {
    browser.open(&format!("{address}/"));
    browser.wait_for("return document.readyState === 'complete' && document.activeElement === document.body");
    let focused = "const e = document.activeElement; return e.getAttribute('aria-label') || e.textContent.trim()";
    browser.press(&TAB.to_string());
    assert_eq!(browser.script(focused), "Skip to content");
    let mut reached = Vec::new();
    for _ in 0..40 {
        browser.press(&TAB.to_string());
        reached.push(browser.script(focused).as_str().unwrap().to_owned());
    }
    for name in ["Landscape", "Objects", "Recognisers", "Users", "Log out", "Study", "People"] {
        assert!(reached.iter().any(|found| found == name), "{name} is not reached: {reached:#?}");
    }
    assert!(reached.iter().any(|found| found.contains(" objects, ")), "no area of the map is reached: {reached:#?}");
    assert!(reached.iter().all(|found| !found.is_empty()), "something has no name: {reached:#?}");
    let visible = "const s = getComputedStyle(document.activeElement.querySelector('rect') ?? document.activeElement); \
                   return s.outlineStyle !== 'none' || s.strokeWidth === '3px'";
    assert_eq!(browser.script(visible), true, "focus is to be seen");
    browser.press(&ENTER.to_string());
    browser.wait_for("return location.pathname === '/objects'");
}

/// Filters and pages without reloading, and the address keeps up.
fn search(browser: &Browser, address: &str) {
    browser.open(&format!("{address}/objects"));
    browser.script("window.kept = true");
    browser.script("document.querySelector('#more a').click()");
    browser.wait_for("return document.querySelectorAll('#rows tr').length === 100");
    let label = "const e = document.querySelector('#label'); e.value = 'secret'; \
                 e.dispatchEvent(new Event('change', {bubbles: true}))";
    browser.script(label);
    browser.wait_for(
        "return location.search.includes('label=secret') && document.querySelectorAll('#rows tr').length < 50",
    );
    browser.wait_for(
        "return [...document.querySelectorAll('#rows tr')].every(row => row.querySelector('.tag.secret') !== null)",
    );
    assert_eq!(browser.script("return window.kept"), true, "the page was not loaded anew");
    browser.open(&format!("{address}/"));
    browser.script("window.kept = true; document.querySelector('#map nav a[href*=\"by=label\"]').click()");
    browser.wait_for("return document.querySelector('#map-title').textContent.includes('by label')");
    assert_eq!(browser.script("return window.kept"), true);
}

/// Scans a folder, watches the progress renew itself, and stops it.
fn scan(browser: &Browser, address: &str, folder: &std::path::Path) {
    browser.resize(1400, 1000);
    browser.open(&format!("{address}/scans"));
    browser.script("document.querySelector('#place').focus()");
    browser.press(&format!("{}{ENTER}", folder.display()));
    browser.wait_for("return document.querySelector('#running progress') !== null");
    browser.script("window.first = document.querySelector('#running')");
    browser.wait_for(
        "const e = document.querySelector('#running'); return e !== window.first && / of /.test(e.textContent)",
    );
    browser.screenshot(&target().join("screenshots/scans-running.png"));
    browser.script("document.querySelector('#running button').click()");
    browser.wait_for("return document.querySelector('#running progress') === null");
    browser.open(&format!("{address}/scans"));
    browser.wait_for("return document.querySelector('.state.cancelled') !== null");
}

/// Opens every page of the landscape.
fn every_page(browser: &Browser, address: &str) {
    browser.open(&format!("{address}/objects?label=phi.direct"));
    let object = browser.script("return document.querySelector('#rows a').getAttribute('href')");
    let object = object.as_str().unwrap().to_owned();
    let pages = [
        ("landscape", "/"),
        ("landscape-by-label", "/?by=label&measure=people"),
        ("objects", "/objects"),
        ("object", &object),
        ("people", "/people"),
        ("recognizers", "/recognizers?country=JP"),
        ("recognizer", "/recognizers/jp-my-number"),
        ("scans", "/scans"),
        ("problems", "/problems"),
        ("changes", "/changes"),
        ("users", "/users"),
    ];
    look_at(browser, address, &pages);
}

/// Opens pages in light and dark, wide and narrow: nothing sticks out, every control has a name.
fn look_at(browser: &Browser, address: &str, pages: &[(&str, &str)]) {
    for (theme, width) in [("light", 1400), ("dark", 1400), ("light", 400)] {
        browser.resize(width, 1000);
        let choose = format!("document.querySelector('.themes button[value=\"{theme}\"]').click()");
        browser.open(&format!("{address}/scans"));
        browser.script(&choose);
        browser.wait_for(&format!("return document.documentElement.dataset.theme === '{theme}'"));
        for (name, path) in pages {
            browser.open(&format!("{address}{path}"));
            let nameless = "return [...document.querySelectorAll('input:not([type=hidden]), select, button, a')].filter(e => \
                            !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)";
            assert_eq!(browser.script(nameless), serde_json::json!([]), "{path}: controls without a name");
            let wide = browser.script("return document.documentElement.scrollWidth <= window.innerWidth");
            assert_eq!(wide, true, "{path} is wider than its window at {width}");
            let height = browser.script("return document.documentElement.scrollHeight").as_u64().unwrap();
            let height = u32::try_from(height).unwrap().clamp(600, 4_000);
            browser.resize(width, height + 140);
            let screen = if width < 500 { "narrow" } else { theme };
            browser.screenshot(&target().join(format!("screenshots/{name}-{screen}.png")));
            browser.resize(width, 1000);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn obligations_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::responding(Arc::new(Keeper::default())).await;
    let cookie = site.user("adm", Role::Administrator).await;
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(console::serve(listener, Arc::clone(&site.console), stopped));
    tokio::task::spawn_blocking(move || {
        browser.resize(1280, 1000);
        browser.open(&format!("{address}/login"));
        browser.script(&format!("document.cookie = 'lazaret_session={token}; path=/; SameSite=Strict'"));
        // By keyboard alone: a place, how many people, and send.
        browser.open(&format!("{address}/obligations"));
        browser.script("document.querySelector('input[name=role][value=controller]').checked = true");
        browser.script("document.querySelector('#f-aware_at').value = '2026-11-24T09:00'; document.querySelector('#place-0').focus()");
        browser.press(&format!("EU-DE{TAB}1200{ENTER}"));
        browser.wait_for("return document.querySelector('#answer svg.deadlines.wide') !== null");
        assert_eq!(browser.script("return location.hash"), "#answer");
        browser.script("document.querySelector('.questions a').focus()");
        browser.press(&ENTER.to_string());
        browser.wait_for("return location.hash.startsWith('#f-') || location.hash === '#people'");
        for (width, shown) in [(1280, "wide"), (400, "narrow")] {
            browser.resize(width, 1000);
            let drawn = browser.script("return [...document.querySelectorAll('svg.deadlines')].filter(e => e.clientWidth > 0).map(e => e.classList[1]).join()");
            assert_eq!(drawn, shown);
            let wide = browser.script("return document.documentElement.scrollWidth <= window.innerWidth");
            assert_eq!(wide, true, "the answer is wider than its window at {width}");
            browser.screenshot(&target().join(format!("screenshots/clocks-{shown}.png")));
        }
        let pages = [
            ("obligations", "/obligations"),
            ("obligations-texts", "/obligations/texts"),
            ("contracts", "/obligations/contracts"),
            ("contract", "/obligations/contracts/edit"),
        ];
        look_at(&browser, &address, &pages);
        let lines = browser.console_lines();
        assert!(lines.is_empty(), "the browser complains: {lines:#?}");
    })
    .await
    .unwrap();
    stop.send(()).unwrap();
    server.abort();
}

/// Half a year of backups, one of which failed, some that were missed, and folders that were encrypted in the end.
async fn half_a_year(site: &Site) {
    const DAY: i64 = 86_400_000;
    for ago in (1..150_i64).rev() {
        let at = NOON - ago * DAY - 9 * 3_600_000;
        let (state, report) = match ago {
            30 | 97 => (RecoveryState::Failed, json!({ "error": "the disk of `/srv/backup/main` is full" })),
            51..=53 => continue,
            17 | 18 => (RecoveryState::Unproven, json!({ "snapshot": format!("{ago:016x}") })),
            3 => (RecoveryState::Holds, backups::made(0, backups::folders(38, 0))),
            2 => (RecoveryState::Holds, backups::made(1, backups::folders(41, 0))),
            1 => (RecoveryState::Holds, backups::made(2, backups::folders(1_140, 1_100))),
            _ => {
                let before = format!("{:016x}", ago + 1);
                let told =
                    json!({ "before": before, "folders": backups::folders(30 + u64::try_from(ago % 9).unwrap(), 0) });
                (RecoveryState::Holds, json!({ "watched": told }))
            }
        };
        let id = format!("{ago:016x}");
        let id = usize::try_from(3 - ago).ok().and_then(|at| IDS.get(at).copied()).unwrap_or(&id);
        let snapshot = (state != RecoveryState::Failed).then_some(id);
        backups::keep(site, RecoveryKind::Backup, state, at, snapshot, report).await;
    }
    let drill = json!({ "snapshot": IDS[1], "root": "5f2c77aa01", "holds": true, "rpo_seconds": 33_000, "rpo_target_seconds": 86_400,
        "rto_seconds": 5_400.0, "rto_target_seconds": 14_400, "proof": backups::proof(),
        "restore": { "root": "5f2c77aa01", "restored_root": "5f2c77aa01", "files": 2_417 } });
    backups::keep(site, RecoveryKind::Drill, RecoveryState::Holds, NOON - DAY, Some(IDS[1]), drill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let hands = backups::hands();
    *hands.listing.lock().unwrap() = console::Listing {
        read_at: Some(NOON),
        main: (0..3).map(|at| backups::snapshot(at, NOON - i64::try_from(3 - at).unwrap() * 86_400_000)).collect(),
        ..console::Listing::default()
    };
    let site = Site::recovering(Arc::<backups::Hands>::clone(&hands)).await;
    half_a_year(&site).await;
    let cookie = site.user("adm", Role::Administrator).await;
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let server = tokio::spawn(console::serve(listener, Arc::clone(&site.console), stopped));
    tokio::task::spawn_blocking(move || {
        browser.open(&format!("{address}/login"));
        browser.script(&format!("document.cookie = 'lazaret_session={token}; path=/; SameSite=Strict'"));
        browser.open(&format!("{address}/backups/history"));
        let newest = browser.script(
            "return [...document.querySelectorAll('#rows tr')].find(row => row.textContent.includes('cc112233')).querySelector('a').getAttribute('href')",
        );
        let newest = newest.as_str().unwrap().to_owned();
        let pages = [("backups", "/backups"), ("backup", &*newest), ("backups-history", "/backups/history"), ("exercises", "/incidents/exercises")];
        look_at(&browser, &address, &pages);
        // What is begun renews itself, and the page is read again when it ended.
        browser.resize(1400, 1000);
        browser.open(&format!("{address}/backups"));
        browser.script("document.querySelector('form[action=\"/backups/begin\"] button').click()");
        browser.wait_for("return document.querySelector('#running progress') !== null");
        browser.screenshot(&target().join("screenshots/backups-running.png"));
        browser.script("window.kept = true");
        hands.work.lock().unwrap().as_mut().unwrap().stage = "opening objects";
        browser.wait_for("return document.querySelector('#running').textContent.includes('opening objects')");
        assert_eq!(browser.script("return window.kept"), true, "only the part was read again");
        *hands.work.lock().unwrap() = None;
        browser.wait_for("return window.kept !== true && document.querySelector('#running progress') === null");
        let lines = browser.console_lines();
        assert!(lines.is_empty(), "the browser complains: {lines:#?}");
    })
    .await
    .unwrap();
    stop.send(()).unwrap();
    server.abort();
}
