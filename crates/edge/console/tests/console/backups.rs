//! Backups in the console: who sees them, what reports say, what is begun and stopped, and whether folders were encrypted.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use console::{Listing, Recover, RecoverFault, RecoveryPlan, RecoveryWork, Role, SnapshotRow};
use model::{By, PrincipalId, RecoveryKind, RecoveryState};
use serde_json::{Value, json};
use store::recovery::{self, Report};

use crate::site::{NOON, Site};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Ids of snapshots, the oldest first.
pub const IDS: [&str; 3] = ["aa11223344556677", "bb11223344556677", "cc11223344556677"];

/// Remembers what it is asked to do.
#[derive(Default)]
pub struct Hands {
    pub plan: Option<RecoveryPlan>,
    pub work: Mutex<Option<RecoveryWork>>,
    pub begun: Mutex<Vec<(RecoveryKind, bool, By)>>,
    pub stopped: Mutex<u32>,
    pub listing: Mutex<Listing>,
}

impl Recover for Hands {
    fn plan(&self) -> Option<RecoveryPlan> {
        self.plan.clone()
    }

    fn running(&self) -> Option<RecoveryWork> {
        self.work.lock().unwrap().clone()
    }

    fn begin(&self, kind: RecoveryKind, reads_data: bool, by: &By) -> Result<(), RecoverFault> {
        if let Some(work) = self.running() {
            return Err(RecoverFault::Busy(Some(work.kind)));
        }
        self.begun.lock().unwrap().push((kind, reads_data, by.clone()));
        *self.work.lock().unwrap() = Some(RecoveryWork {
            kind,
            began_at: by.now_ms,
            by: Some(by.actor.id),
            through: "console".to_owned(),
            stage: "storing files",
            done_bytes: 250_000,
            total_bytes: 1_000_000,
            is_stopping: false,
        });
        Ok(())
    }

    fn stop(&self, _: &By) -> bool {
        *self.stopped.lock().unwrap() += 1;
        self.work.lock().unwrap().as_mut().map(|work| work.is_stopping = true).is_some()
    }

    fn listing(&self, _: i64) -> Listing {
        self.listing.lock().unwrap().clone()
    }
}

pub fn plan() -> RecoveryPlan {
    RecoveryPlan {
        repository: "/srv/backup/<main>".to_owned(),
        key_repository: "/mnt/other/keys".to_owned(),
        schedule: Some("daily 02:30".parse().unwrap()),
        due_at: Some(NOON + 14 * HOUR),
        rpo_seconds: 24 * 3_600,
        rto_seconds: 4 * 3_600,
        watched: vec!["/instruments/out".to_owned()],
        studies: vec!["onc-201".to_owned(), "cns-2".to_owned()],
        key_days: 35,
        lock_days: None,
        root_key: "the file /data/keys/root.json".to_owned(),
        is_catalogue_elsewhere: false,
    }
}

pub fn hands() -> Arc<Hands> {
    Arc::new(Hands { plan: Some(plan()), ..Hands::default() })
}

/// Keeps a report as the server would.
pub async fn keep(
    site: &Site,
    kind: RecoveryKind,
    state: RecoveryState,
    at: i64,
    snapshot: Option<&str>,
    report: Value,
) {
    let row = Report {
        id: 0,
        kind,
        name: at.to_string(),
        state,
        began_at: at,
        ended_at: (state != RecoveryState::Running).then_some(at + 90_000),
        by: PrincipalId::from_bytes([9; 16]),
        through: "schedule".to_owned(),
        snapshot: snapshot.map(str::to_owned),
        began_entry: (kind == RecoveryKind::Backup).then_some(3),
        ended_entry: Some(5),
    };
    recovery::put(site.store(), &row, &report.to_string(), recovery::KEPT_MAX).await.unwrap();
}

pub fn proof() -> Value {
    json!({ "holds": true, "entries": 48_211, "newest_entry_ms": NOON, "record_faults": [], "database_faults": [], "has_keys": true,
        "sample": { "of": 1_203, "opened": 64, "bytes": 12_300_000, "erased": 2, "failed": [] }, "canary": "erased" })
}

pub fn folders(random: u64, turned: u64) -> Value {
    let burst = json!({ "folder": "/instruments/out", "files": 1_200, "risen": turned, "renamed": turned, "ending": ".locked",
        "note": "READ<b>ME.txt", "examples": ["run-7/scan-12.dcm.locked"] });
    json!([{ "folder": "/instruments/out", "files": 1_200, "measured": 1_150, "random": random, "risen": turned, "renamed": turned,
        "burst": if turned > 0 { burst } else { Value::Null } }])
}

pub fn made(at: usize, folders: Value) -> Value {
    json!({ "snapshot": IDS[at], "root": "5f2c77aa01", "restored_root": "5f2c77aa01", "files": 2_417, "bytes": 8_400_000_000_u64,
        "added_bytes": 12_000_000, "unchanged_files": 2_400, "problems": [], "keys_snapshot": "eeff", "entries": 48_200,
        "expired": { "main": ["x"], "keys": [] }, "holds": true, "proof": proof(), "proof_seconds": 61.0,
        "watched": { "before": at.checked_sub(1).map(|before| IDS[before]), "folders": folders },
        "repository": "/srv/backup/main", "key_repository": "/mnt/other/keys" })
}

pub fn snapshot(at: usize, made_ms: i64) -> SnapshotRow {
    SnapshotRow {
        id: IDS[at].to_owned(),
        made_ms,
        host: "guard<1>".to_owned(),
        files: 2_417,
        bytes: 8_400_000_000,
        added_bytes: 12_000_000,
    }
}

#[tokio::test]
async fn reviewers_see_backups_and_administrators_make_them() {
    let site = Site::guarded().await;
    let reader = site.user("rea", Role::Reader).await;
    for path in ["/backups", "/backups/running", "/backups/history", "/backups/1", "/backups/1/report.json"] {
        assert_eq!(site.get(path, &reader).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let reviewer = site.user("rev", Role::Reviewer).await;
    let page = site.get("/backups", &reviewer).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("Recovery is not set up") && page.text.contains("key_repository = "), "{}", page.text);
    assert!(!page.text.contains("Back up now"), "nobody makes any");
    for path in ["/backups/begin", "/backups/stop"] {
        for cookie in [&reader, &reviewer] {
            assert_eq!(site.post(path, "what=backup", cookie).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let admin = site.user("adm", Role::Administrator).await;
    assert_eq!(site.post("/backups/begin", "what=backup", &admin).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/backups/7", &reviewer).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/backups/x", &reviewer).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn before_the_first_backup_the_page_says_so() {
    let hands = hands();
    hands.listing.lock().unwrap().is_being_read = true;
    let site = Site::recovering(Arc::<Hands>::clone(&hands)).await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let page = site.get("/backups", &reviewer).await;
    for part in
        ["No backup has been made yet", "in 14 hours", "not known", "They are being read", "/srv/backup/&#60;main&#62;"]
    {
        assert!(page.text.contains(part), "no {part} in {}", page.text);
    }
    assert!(!page.text.contains("Back up now"), "only administrators");
    *hands.listing.lock().unwrap() =
        Listing { read_at: Some(NOON), fault: Some("the password <i> does not open".to_owned()), ..Listing::default() };
    let page = site.get("/backups", &reviewer).await;
    assert!(page.text.contains("could not be read: the password &#60;i&#62; does not open"), "{}", page.text);
    assert!(site.get("/backups/history", &reviewer).await.text.contains("None yet"));
}

#[tokio::test]
async fn history_is_told_with_proof_targets_and_days() {
    let hands = hands();
    *hands.listing.lock().unwrap() = Listing {
        read_at: Some(NOON),
        main: vec![snapshot(0, NOON - 2 * DAY), snapshot(1, NOON - 10 * HOUR)],
        keys: vec![snapshot(2, NOON - 10 * HOUR)],
        ..Listing::default()
    };
    let site = Site::recovering(Arc::<Hands>::clone(&hands)).await;
    let failed = json!({ "error": "the disk of `/srv/<b>` is full", "hint": "make room <now>" });
    keep(&site, RecoveryKind::Backup, RecoveryState::Holds, NOON - 6 * DAY, None, json!({})).await;
    keep(&site, RecoveryKind::Backup, RecoveryState::Holds, NOON - 2 * DAY, Some(IDS[0]), made(0, folders(40, 0)))
        .await;
    keep(&site, RecoveryKind::Backup, RecoveryState::Failed, NOON - DAY, None, failed).await;
    keep(&site, RecoveryKind::Backup, RecoveryState::Holds, NOON - 10 * HOUR, Some(IDS[1]), made(1, folders(41, 0)))
        .await;
    let drill = json!({ "snapshot": IDS[1], "root": "r", "holds": false, "rpo_seconds": 50, "rpo_target_seconds": 86_400,
        "rto_seconds": 18_000.5, "rto_target_seconds": 14_400, "proof": proof(), "restore": { "root": "r", "restored_root": "r", "files": 9 } });
    keep(&site, RecoveryKind::Drill, RecoveryState::Broken, NOON - 9 * HOUR, Some(IDS[1]), drill).await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let page = site.get("/backups", &reviewer).await.text;
    for part in [
        "made <time",
        ">proven<",
        "64 of 1,203 versions, 12.3 MB; 2 whose key was destroyed",
        "48,211 entries",
        "Canary failed to open, as it must",
        "<strong>Age of the newest snapshot</strong> 10 hours",
        "5 hours <span class=\"state failed\">over the target</span>",
        "<code>bb112233</code>",
        "guard&#60;1&#62;",
        "2026-11-23: 1 failed or stopped",
        "2026-11-21: due, and not made",
        "class=\"bursts\"",
        "in no backup: keep a copy",
        "onc-201, then cns-2",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert_eq!(page.matches("<g class=\"proven\">").count(), 3);
    assert_eq!(page.matches("<g class=\"missed\">").count(), 3, "from the first report on: {page}");
    assert!(!page.contains("This looks like encryption"));
    hands.listing.lock().unwrap().is_missing = true;
    let page = site.get("/backups", &reviewer).await.text;
    assert!(page.contains("though backups were made; check that the disk is mounted"), "{page}");
    let all = site.get("/backups/history", &reviewer).await.text;
    assert!(all.contains("not as it should be") && all.contains("schedule"), "{all}");
    let older = site.get(&format!("/backups/history?before={}", NOON - DAY), &reviewer).await.text;
    assert!(!older.contains("not as it should be") && older.contains("aa112233"), "{older}");
    let of = |what: &str| {
        let mut rows = all.split("href=\"").filter(|part| part.contains(">Backup</a>"));
        rows.find(|part| part.contains(what)).unwrap().split('"').next().unwrap().to_owned()
    };
    let backup = site.get(&of("bb112233"), &reviewer).await.text;
    for part in [
        "/record/3",
        "/record/5",
        IDS[1],
        "5f2c77aa01",
        "2,417",
        "lazaret backup restore bb112233</span>",
        ">--study onc-201</span> <span class=\"short\">--study cns-2<",
    ] {
        assert!(backup.contains(part), "no {part} in {backup}");
    }
    let failed = site.get(&of(">failed<"), &reviewer).await.text;
    assert!(failed.contains("/srv/&#60;b&#62;` is full") && failed.contains("make room &#60;now&#62;"), "{failed}");
    let json = site.get(&format!("{}/report.json", of("bb112233")), &reviewer).await;
    assert!(json.header("content-disposition").contains("backup-"), "{:?}", json.headers);
    assert_eq!(serde_json::from_str::<Value>(&json.text).unwrap()["snapshot"], IDS[1]);
}

#[tokio::test]
async fn what_is_begun_goes_on_and_can_be_stopped() {
    let hands = hands();
    let site = Site::recovering(Arc::<Hands>::clone(&hands)).await;
    let admin = site.user("adm", Role::Administrator).await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    let page = site.get("/backups", &admin).await.text;
    for part in ["Back up now", "Drill now", "Look at watched folders", "and read every byte"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("http-equiv=\"refresh\""), "nothing is under way");
    let odd = site.post("/backups/begin", "what=<b>everything", &admin).await;
    assert!(odd.status == StatusCode::BAD_REQUEST && odd.text.contains("&#60;b&#62;everything"), "{}", odd.text);
    let begun = site.post("/backups/begin", "what=check&read_data=1", &admin).await;
    assert_eq!((begun.status, begun.header("location")), (StatusCode::SEE_OTHER, "/backups"), "{}", begun.text);
    {
        let begun = hands.begun.lock().unwrap();
        assert!(begun[0].0 == RecoveryKind::Check && begun[0].1 && &*begun[0].2.origin.through == "console");
    }
    let page = site.get("/backups", &admin).await.text;
    for part in [
        "hx-get=\"/backups/running\"",
        "storing files",
        "250 kB of 1.0 MB",
        "value=\"250\"",
        "by adm",
        "action=\"/backups/stop\"",
        "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("Back up now"), "one at a time");
    let second = site.post("/backups/begin", "what=backup", &admin).await;
    assert!(
        second.status == StatusCode::BAD_REQUEST && second.text.contains("A check is under way"),
        "{}",
        second.text
    );
    let part = site.get("/backups/running", &reviewer).await;
    assert!(part.text.contains("storing files") && !part.text.contains("/backups/stop"), "{}", part.text);
    assert_eq!(part.header("hx-refresh"), "");
    assert_eq!(site.post("/backups/stop", "", &admin).await.status, StatusCode::SEE_OTHER);
    assert_eq!(*hands.stopped.lock().unwrap(), 1);
    assert!(site.get("/backups", &admin).await.text.contains("it is being stopped"));
    *hands.work.lock().unwrap() = None;
    // The page that asks by itself is read again, since what came of it stands elsewhere on it.
    let request = Request::get("/backups/running").header("cookie", &reviewer).header("hx-request", "true");
    let part = site.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(part.header("hx-refresh"), "true");
    assert_eq!(site.post("/backups/stop", "", &admin).await.status, StatusCode::SEE_OTHER, "what ended is no fault");
}

#[tokio::test]
async fn an_encrypted_folder_is_told_with_the_last_clean_snapshot() {
    let site = Site::recovering(hands()).await;
    for (at, told) in [folders(40, 0), folders(41, 0), folders(1_140, 1_100)].into_iter().enumerate() {
        let when = NOON - (3 - i64::try_from(at).unwrap()) * DAY;
        keep(&site, RecoveryKind::Backup, RecoveryState::Holds, when, Some(IDS[at]), made(at, told)).await;
    }
    let reviewer = site.user("rev", Role::Reviewer).await;
    let page = site.get("/backups", &reviewer).await.text;
    for part in [
        "This looks like encryption",
        "Snapshot <code>cc112233</code> shows it first",
        "<strong><code>bb112233</code></strong>",
        "lazaret backup restore bb112233</span> <span class=\"short\">--into /srv/restored</span>",
        ">--study onc-201</span> <span class=\"short\">--study cns-2</span> <span class=\"short\">--root-key ",
        "1,100 were renamed to end with .locked",
        "READ&#60;b&#62;ME.txt",
        "run-7/scan-12.dcm.locked",
        "<g class=\"clean\">",
        "<g class=\"burst\">",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}
