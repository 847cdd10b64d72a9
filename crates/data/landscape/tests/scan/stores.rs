//! Object stores, against a small S3 server of our own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use landscape::scan::{ScanHandle, ScanOutcome, State};
use landscape::sources::SourceSpec;

use crate::world::{World, child, problem, table_of, variable};

/// Just enough of S3: lists of at most three keys, whole objects and ranges, conditions on tags.
struct Server {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    gets: AtomicUsize,
    unsigned: AtomicUsize,
    failures: AtomicUsize,
}

impl Server {
    fn start(objects: &[(&str, &[u8])]) -> (Arc<Self>, String) {
        let objects = objects.iter().map(|(key, bytes)| ((*key).to_owned(), bytes.to_vec())).collect();
        let server = Arc::new(Self {
            objects: Mutex::new(objects),
            gets: AtomicUsize::new(0),
            unsigned: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let own = Arc::clone(&server);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&own);
                std::thread::spawn(move || server.serve(stream));
            }
        });
        (server, address)
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        loop {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line.trim().is_empty() {
                    break;
                }
                lines.push(line.trim().to_owned());
            }
            let target = lines[0].split(' ').nth(1).unwrap().to_owned();
            let is_head = lines[0].starts_with("HEAD");
            let header = |name: &str| {
                let found = lines.iter().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
                found.map(|line| line[name.len() + 1..].trim().to_owned())
            };
            if header("authorization").is_none() {
                self.unsigned.fetch_add(1, Ordering::Relaxed);
            }
            let (status, headers, body) = self.answer(&target, header("range"), header("if-match"));
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
            writer.write_all(head.as_bytes()).unwrap();
            if !is_head && writer.write_all(&body).is_err() {
                return;
            }
        }
    }

    fn answer(&self, target: &str, range: Option<String>, if_match: Option<String>) -> (String, String, Vec<u8>) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.fetch_sub(1, Ordering::Relaxed);
            return ("503 Slow Down".into(), String::new(), Vec::new());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let objects = self.objects.lock().unwrap();
        if path == "/bucket" || path == "/bucket/" {
            let xml = "content-type: application/xml\r\n".to_owned();
            return ("200 OK".into(), xml, list(&objects, query).into_bytes());
        }
        let key = path.strip_prefix("/bucket/").unwrap_or("").replace("%20", " ");
        let Some(bytes) = objects.get(&key) else {
            return ("404 Not Found".into(), String::new(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
        };
        self.gets.fetch_add(1, Ordering::Relaxed);
        if if_match.is_some_and(|wanted| wanted != tag(bytes)) {
            return ("412 Precondition Failed".into(), String::new(), Vec::new());
        }
        let mut headers = format!("etag: {}\r\nlast-modified: Sun, 01 Mar 2026 10:00:00 GMT\r\n", tag(bytes));
        let Some(range) = range else { return ("200 OK".into(), headers, bytes.clone()) };
        let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let from: usize = from.parse().unwrap();
        let to = to.parse::<usize>().map_or(bytes.len(), |last| (last + 1).min(bytes.len()));
        headers.push_str(&format!("content-range: bytes {from}-{}/{}\r\n", to - 1, bytes.len()));
        ("206 Partial Content".into(), headers, bytes[from..to].to_vec())
    }
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32])
}

fn list(objects: &BTreeMap<String, Vec<u8>>, query: &str) -> String {
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace("%2F", "/")).unwrap_or_default()
    };
    let (prefix, after) = (parameter("prefix"), parameter("continuation-token"));
    let mut keys = objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
    let page: Vec<_> = keys.by_ref().take(3).collect();
    let mut xml = "<?xml version=\"1.0\"?><ListBucketResult>".to_owned();
    if keys.next().is_some() {
        let last = page.last().unwrap().0;
        xml.push_str(&format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"));
    }
    for (key, bytes) in page {
        let tag = tag(bytes).replace('"', "&quot;");
        xml.push_str(&format!(
            "<Contents><Key>{key}</Key><LastModified>2026-03-01T10:00:00.000Z</LastModified><ETag>{tag}</ETag>\
             <Size>{}</Size></Contents>",
            bytes.len()
        ));
    }
    xml + "</ListBucketResult>"
}

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "a-secret-that-nobody-may-see";

/// Runs `case` below in a process that has the store's address and credentials in its environment, as users have.
fn with_environment(case: &str, address: &str) {
    let variables = [
        ("AWS_ENDPOINT", address),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("LAZARET_TEST_STORE", "1"),
    ];
    let output = child(&format!("stores::{case}"), &variables).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

async fn scan(world: &World, source: &str) -> Result<ScanOutcome, String> {
    let source: SourceSpec = source.parse().unwrap();
    world.scanner().run(&source, &ScanHandle::new(0), None).await.map_err(|error| error.to_string())
}

#[test]
fn a_bucket_is_scanned_and_rescanned() {
    let patients = table_of(0..2_000);
    let big: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let objects: [(&str, &[u8]); 6] = [
        ("other/outside.txt", b"outside"),
        ("trial/a/big.bin", &big),
        ("trial/a/patients 1.csv", patients.as_bytes()),
        ("trial/empty", b""),
        ("trial/notes.txt", b"some notes"),
        ("trial/z.json", b"{\"email\":\"anna@example.org\"}"),
    ];
    let (server, address) = Server::start(&objects);
    server.failures.store(2, Ordering::Relaxed);
    with_environment("in_a_bucket", &address);
    assert_eq!(server.unsigned.load(Ordering::Relaxed), 0, "every request is signed");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of another test"]
async fn in_a_bucket() {
    if variable("LAZARET_TEST_STORE").is_none() {
        return;
    }
    let world = World::new().await;
    let first = scan(&world, "s3://bucket/trial").await.unwrap();
    assert_eq!((first.state, first.progress.inspected, first.progress.unreadable), (State::Done, 5, 0));
    let objects = world.objects().await;
    let names: Vec<_> = objects.keys().map(String::as_str).collect();
    assert_eq!(names, ["a/big.bin", "a/patients 1.csv", "empty", "notes.txt", "z.json"]);
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 2_000);
    let source = world.catalogue.sources().await.unwrap().remove(0);
    assert_eq!((source.kind.as_str(), source.location.as_str()), ("bucket", "s3://bucket/trial"));
    let row = store::objects::by_path(world.catalogue.store(), source.id, "notes.txt").await.unwrap().unwrap();
    assert_eq!(row.digest.as_deref(), Some(&blake3::hash(b"some notes").as_bytes()[..]));
    assert_eq!(row.modified_at, Some(1_772_359_200_000));
    let again = scan(&world, "s3://bucket/trial/").await.unwrap();
    assert_eq!((again.source_id, again.progress.unchanged, again.progress.inspected), (first.source_id, 5, 0));
    // One object's own address is a source as well.
    let one = scan(&world, "s3://bucket/trial/z.json").await.unwrap();
    assert_eq!(one.progress.inspected, 1);
    let error = scan(&world, "s3://nobucket/").await.unwrap_err();
    assert!(error.contains("s3://nobucket") && error.contains("credentials in the environment"), "{error}");
    assert!(!error.contains(SECRET) && !error.contains('\n'), "{error}");
    let nobody = store::sources::all(world.catalogue.store()).await.unwrap();
    assert!(nobody.iter().all(|source| !source.location.contains(KEY)));
}

#[test]
fn a_store_that_breaks_marks_nothing_as_gone() {
    let (server, address) = Server::start(&[("1", b"one"), ("2", b"two"), ("3", b"three"), ("4", b"four")]);
    drop(server);
    with_environment("in_a_store_that_breaks", &address);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of another test"]
async fn in_a_store_that_breaks() {
    if variable("LAZARET_TEST_STORE").is_none() {
        return;
    }
    let world = World::new().await;
    let first = scan(&world, "s3://bucket").await.unwrap();
    assert_eq!(first.progress.inspected, 4);
    // The same source under an address that does not answer as a bucket does.
    let broken: SourceSpec = "s3://bucket2".parse().unwrap();
    let handle = ScanHandle::new(0);
    let error = world.scanner().run_known(first.source_id, &broken, &handle, None).await.unwrap_err().to_string();
    assert!(error.contains("s3://bucket2"), "{error}");
    assert_eq!(handle.progress().state, State::Failed);
    assert_eq!(world.objects().await.len(), 4);
    assert_eq!(world.catalogue.totals().await.unwrap().gone, 0);
    assert_eq!(problem(&world.catalogue, "1").await, "");
}
