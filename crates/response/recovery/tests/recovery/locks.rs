//! Repositories on S3 with object lock: stored under it, held for as long as it is asked, and had back after somebody with the
//! access key deleted or overwrote everything.

use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use recovery::{BucketFault, InBucket, Keep, Lock, LockMode, Place, RecoveryError, Repository};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::s3::S3;
use super::tree::{back_up, contents, restore, write};

const DAY_MS: i64 = 24 * 60 * 60_000;
/// Who asks where access keys do not count.
const TESTER: &str = "tester";

/// A server, and where calls to it wait.
struct Buckets {
    s3: S3,
    runtime: Runtime,
}

impl Buckets {
    fn start() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Some(Self { s3: S3::start()?, runtime })
    }

    fn obey(&mut self, ask: &Value) -> Value {
        self.s3.obey(ask)
    }

    /// A bucket with object lock, and a default retention unless that is 0.
    fn locked(&mut self, name: &str, days: u32) {
        self.s3.obey(&json!(["make", name, true, days]));
    }

    fn builder(&self, key: &str, secret: &str) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(&self.s3.address)
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id(key)
            .with_secret_access_key(secret)
    }

    /// A repository there.
    fn repository(&self, address: &str, lock: Option<Lock>) -> Repository {
        self.with(address, lock, self.builder(TESTER, TESTER))
    }

    fn with(&self, address: &str, lock: Option<Lock>, builder: AmazonS3Builder) -> Repository {
        let place = InBucket::s3(address, builder, lock, self.runtime.handle().clone()).unwrap();
        Repository::new(Place::Bucket(place), SecretString::from("a password"))
    }

    /// How each file that is there is locked: until when, in seconds since 1970, and how.
    fn held(&mut self, bucket: &str) -> Vec<(String, Option<(f64, String)>)> {
        let told = self.s3.obey(&json!(["held", bucket]));
        let held = |value: &Value| Some((value[0].as_f64()?, value[1].as_str()?.to_owned()));
        told.as_object().unwrap().iter().map(|(key, value)| (key.clone(), held(value))).collect()
    }
}

const fn days(days: u16) -> Option<Lock> {
    Some(Lock { mode: LockMode::Compliance, days })
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// S3 tells whole seconds: what comes next is in another one.
fn another_second() {
    std::thread::sleep(Duration::from_millis(1_100));
}

fn fault<T: std::fmt::Debug>(done: Result<T, RecoveryError>) -> BucketFault {
    match done.unwrap_err() {
        RecoveryError::Bucket { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

fn opens(repository: &Repository) -> Result<usize, RecoveryError> {
    repository.snapshots().map(|all| all.len())
}

#[test]
fn every_file_is_stored_under_a_lock_and_held_as_long_as_it_is_asked() {
    let Some(mut s3) = Buckets::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 12);
    s3.locked("vault", 0);
    let repository = s3.repository("s3://vault/main and more", days(8));
    let begun = now_ms();
    let made = back_up(&repository, &data, begun).unwrap();
    let held = s3.held("vault");
    assert!(held.len() >= 5, "{held:?}");
    let seconds = |days: i64| ((begun + days * DAY_MS) / 1_000) as f64;
    for (key, lock) in &held {
        let (until, mode) = lock.clone().unwrap_or_else(|| panic!("{key} is not locked"));
        assert!(key.starts_with("main and more/") && mode == "COMPLIANCE", "{key} {mode}");
        assert!(until >= seconds(10) && until < seconds(11), "{key} {until}");
    }
    assert_eq!(repository.locking().unwrap().map(|locking| (locking.days, locking.is_renewed)), Some((8, true)));
    // Nothing is to be done the day after; once less than eight days are left, all of it is.
    let renewed = repository.renew_locks(begun + DAY_MS).unwrap().unwrap();
    assert_eq!((renewed.files, renewed.renewed), (held.len(), 0));
    let renewed = repository.renew_locks(begun + 5 * DAY_MS).unwrap().unwrap();
    assert_eq!((renewed.files, renewed.renewed), (held.len(), held.len()));
    assert!(s3.held("vault").iter().all(|(_, lock)| lock.as_ref().unwrap().0 >= seconds(15) - 1.0));
    assert_eq!(restore(&repository, "latest", &into).unwrap().root, made.root);
    assert!(repository.check(true).unwrap().holds);
    // Nobody takes a version away for good.
    let gone = s3.obey(&json!(["destroy", "vault", ""]));
    assert_eq!(gone, json!([0, held.len()]));
    let governed = Some(Lock { mode: LockMode::Governance, days: 2 });
    back_up(&s3.repository("s3://vault/other", governed), &data, begun).unwrap();
    let other = s3.held("vault").into_iter().filter(|(key, _)| key.starts_with("other/"));
    assert!(other.map(|(_, lock)| lock.unwrap().1).all(|mode| mode == "GOVERNANCE"));
}

#[test]
fn a_bucket_without_object_lock_is_told_before_anything_is_written() {
    let Some(mut s3) = Buckets::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, 2);
    s3.obey(&json!(["make", "plain", false, 0]));
    let locked = s3.repository("s3://plain/main", days(8));
    assert_eq!(fault(back_up(&locked, folder.path(), now_ms())), BucketFault::Unlocked);
    assert_eq!(fault(locked.locking()), BucketFault::Unlocked);
    assert_eq!(s3.obey(&json!(["versions", "plain"])), json!([]));
    // Without the wish for a lock it is a bucket like any other, and one repository there is not looked at as of a time.
    let plain = s3.repository("s3://plain/main", None);
    back_up(&plain, folder.path(), now_ms()).unwrap();
    assert_eq!(plain.locking().unwrap(), None);
    assert_eq!(fault(plain.history()), BucketFault::Unversioned);
    assert_eq!(fault(opens(&plain.as_of(now_ms()).unwrap())), BucketFault::Unversioned);
    // And a lock that is asked for later is refused just so.
    assert_eq!(fault(back_up(&locked, folder.path(), now_ms())), BucketFault::Unlocked);
}

#[test]
fn a_default_retention_of_the_bucket_is_told_and_what_it_keeps_too_long_is_no_place_for_keys() {
    let Some(mut s3) = Buckets::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, 2);
    s3.locked("keeping", 40);
    let repository = s3.repository("s3://keeping/main", None);
    let told = repository.locking().unwrap().unwrap();
    assert_eq!((told.mode, told.days, told.is_renewed), (LockMode::Compliance, 40, false));
    back_up(&repository, folder.path(), now_ms()).unwrap();
    assert!(s3.held("keeping").iter().all(|(_, lock)| lock.is_some()));
    assert_eq!(repository.renew_locks(now_ms()).unwrap(), None);
    let keys = s3.repository("s3://keeping/keys", None);
    assert_eq!(fault(keys.check_forgets(35)), BucketFault::Keeps { days: 40, allowed: 35 });
    assert_eq!(keys.check_forgets(40).map_err(|error| error.to_string()), Ok(()));
}

#[test]
fn keys_that_are_over_leave_a_bucket_that_keeps_versions() {
    let Some(mut s3) = Buckets::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("keys");
    std::fs::create_dir(&data).unwrap();
    s3.locked("versioned", 0);
    let keys = s3.repository("s3://versioned/keys", None);
    let start = now_ms() - 20 * DAY_MS;
    for day in 0..6 {
        std::fs::write(data.join("keys.db"), format!("the keys of day {day} {}", "x".repeat(5_000))).unwrap();
        back_up(&keys, &data, start + day * DAY_MS).unwrap();
        keys.expire(&Keep::Days(3), start + day * DAY_MS).unwrap();
    }
    let all = s3.obey(&json!(["versions", "versioned"]));
    let old = all.as_array().unwrap().iter().filter(|one| one[3] != true || one[2] == true).count();
    assert_eq!(old, 0, "what was taken away is still there: {all}");
    assert!(keys.check(true).unwrap().holds && opens(&keys).unwrap() == 4);
    // A lock that somebody put on them beyond the time that they may stay is an error, and what is whole stays whole.
    let locked = s3.repository("s3://versioned/keys", days(30));
    std::fs::write(data.join("keys.db"), "locked keys").unwrap();
    back_up(&locked, &data, start + 6 * DAY_MS).unwrap();
    let refused = keys.expire(&Keep::Days(3), start + 15 * DAY_MS);
    assert!(matches!(fault(refused), BucketFault::Locked { allowed: 3, .. }));
    assert!(keys.check(true).unwrap().holds);
}

#[test]
fn what_an_attacker_deleted_or_overwrote_comes_back_as_of_a_time_before() {
    let Some(mut s3) = Buckets::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 12);
    s3.locked("target", 0);
    let repository = s3.repository("s3://target/main", days(8));
    let first = back_up(&repository, &data, now_ms()).unwrap();
    std::fs::write(data.join("words.txt"), b"other words").unwrap();
    let second = back_up(&repository, &data, now_ms()).unwrap();
    let was = contents(&data);
    let calm = repository.history().unwrap();
    assert_eq!((calm.whole_as_of_ms, calm.moments.len()), (None, 0), "{calm:?}");
    another_second();
    assert!(s3.obey(&json!(["delete", "target", "main/data/"])).as_u64().unwrap() > 0);
    let whole = repository.history().unwrap();
    let before_data = whole.whole_as_of_ms.unwrap();
    assert!(whole.moments[0].suspicion.unwrap().contains("index"), "{whole:?}");
    assert!(restore(&repository, "latest", &folder.path().join("not")).is_err());
    another_second();
    s3.obey(&json!(["overwrite", "target", "main/index/"]));
    s3.obey(&json!(["delete", "target", "main/"]));
    // There is nothing that can be opened, and nothing is begun over it.
    assert!(matches!(repository.snapshots().unwrap_err(), RecoveryError::Missing { .. }));
    assert_eq!(fault(back_up(&repository, &data, now_ms())), BucketFault::Deleted);
    let told = repository.history().unwrap();
    assert_eq!(told.whole_as_of_ms, Some(before_data), "{told:?}");
    assert!(told.moments[0].overwritten["index"] > 0 && told.moments[0].deleted["config"] == 1, "{told:?}");
    let then = repository.as_of(before_data).unwrap();
    assert_eq!(opens(&then).unwrap(), 2);
    assert!(then.check(true).unwrap().holds);
    for made in [&first, &second] {
        let into = folder.path().join(&made.snapshot);
        assert_eq!(restore(&then, &made.snapshot, &into).unwrap().root, made.root);
    }
    assert_eq!(contents(&folder.path().join(&second.snapshot)), was);
    // It is looked at, and not written.
    let before = s3.obey(&json!(["versions", "target"]));
    assert!(back_up(&then, &data, now_ms()).is_err());
    assert_eq!(s3.obey(&json!(["versions", "target"])), before);
    assert!(matches!(fault(opens(&repository.as_of(1_000).unwrap())), BucketFault::TooOld(_)));
    // At another prefix it goes on.
    back_up(&s3.repository("s3://target/anew", days(8)), &data, now_ms()).unwrap();
}

#[test]
fn wrong_keys_rights_names_and_addresses_are_told_apart() {
    let Some(mut s3) = Buckets::start() else { return };
    s3.locked("guarded", 0);
    assert_eq!(fault(opens(&s3.repository("s3://nowhere/main", None))), BucketFault::Missing);
    let pair = s3.obey(&json!(["guard", ["s3:ListBucket", "s3:GetObject"]]));
    let (key, secret) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    let with = |key: &str, secret: &str| s3.with("s3://guarded/main", days(8), s3.builder(key, secret));
    assert!(matches!(fault(opens(&with("AKIANOBODY", secret))), BucketFault::Key(_)));
    assert!(matches!(fault(opens(&with(key, "another"))), BucketFault::Key(_)));
    assert!(matches!(fault(opens(&with(&format!("{key}\n"), secret))), BucketFault::Key(_)));
    let mine = with(key, secret);
    assert!(matches!(mine.snapshots().unwrap_err(), RecoveryError::Missing { .. }));
    // It may read and not more: what is missing is named.
    let denied = fault(mine.history());
    assert!(matches!(&denied, BucketFault::Denied { right: "s3:ListBucketVersions", .. }), "{denied}");
    let nobody = s3.builder(key, secret).with_endpoint("http://127.0.0.1:9");
    let lost = fault(opens(&s3.with("s3://guarded/main", None, nobody)));
    assert!(matches!(&lost, BucketFault::Unreachable(why) if !why.is_empty()), "{lost}");
    assert!(lost.to_string().contains("AWS_ENDPOINT"));
}

#[test]
fn a_clock_that_is_wrong_is_told_with_both_times() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // S3 answers so by its documentation; moto does not look at the clock.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 4096];
            let _read = stream.read(&mut asked);
            let body = "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>";
            let _sent = write!(
                stream,
                "HTTP/1.1 403 Forbidden\r\nDate: Sun, 01 Nov 2020 08:49:37 GMT\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let builder = AmazonS3Builder::new()
        .with_endpoint(address)
        .with_allow_http(true)
        .with_access_key_id("key")
        .with_secret_access_key("secret");
    let place = InBucket::s3("s3://bucket/main", builder, None, runtime.handle().clone()).unwrap();
    let repository = Repository::new(Place::Bucket(place), SecretString::from("a password"));
    let told = fault(opens(&repository));
    assert!(matches!(&told, BucketFault::Clock { theirs, .. } if theirs == "2020-11-01T08:49:37Z"), "{told}");
    assert!(told.to_string().contains("set the clock"));
}

#[test]
fn addresses_that_are_of_no_use_are_told_before_anything_is_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let place = |address: &str, builder| InBucket::s3(address, builder, None, runtime.handle().clone());
    let plain = || AmazonS3Builder::new().with_endpoint("http://s3.example.org");
    let keyed = || plain().with_access_key_id("key").with_secret_access_key("secret");
    for (address, builder, part) in [
        ("s3://", keyed(), "names no bucket"),
        ("s3:///main", keyed(), "names no bucket"),
        ("gs://bucket", keyed(), "does not begin with"),
        ("s3://bucket/main", keyed(), "AWS_ALLOW_HTTP"),
        ("s3://bucket/main", plain().with_allow_http(true), "AWS_ACCESS_KEY_ID"),
    ] {
        let told = place(address, builder).unwrap_err().to_string();
        assert!(told.contains(part), "{address}: {told}");
    }
}
