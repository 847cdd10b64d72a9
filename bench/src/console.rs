//! `bench console`: pages of the console over a million objects, on SQLite, as a browser waits for them.
//!
//! The catalogue is that of `bench catalogue`. Each page is asked for once cold and then five times warm over HTTP on
//! this machine; the slowest of the warm ones counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::console::{Console, Role};
use anyhow::{Context, Result, ensure};
use landscape::Catalogue;
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::scan::{Desk, ScanOptions, Scanner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::catalogue::populate;

/// Objects of the catalogue, and people that they are about.
const OBJECTS: u32 = 1_000_000;
/// Each page is asked for so often while warm.
const ROUNDS: u32 = 5;
/// What a person may wait for a page.
const TARGET: Duration = Duration::from_millis(200);
const PAGES: [(&str, &str); 16] = [
    ("landscape", "/"),
    ("landscape by label and people", "/?by=label&measure=people"),
    ("landscape by format", "/?by=format&measure=objects&show=all"),
    ("all objects", "/objects"),
    ("objects of a label", "/objects?label=phi.direct"),
    ("objects of a study and label", "/objects?study=STUDY-007&label=phi.direct"),
    ("objects of a law and place", "/objects?law=gdpr&jurisdiction=US"),
    ("objects by a word", "/objects?text=visit"),
    ("objects by two letters", "/objects?text=vi"),
    ("objects by a rare word", "/objects?text=visits-0123456"),
    ("object", "/objects/500001"),
    ("people", "/people"),
    ("scans", "/scans"),
    ("problems", "/problems"),
    ("changes", "/changes?since=ever"),
    ("metrics", "/metrics"),
];

/// Fills a catalogue in a temporary folder and asks for every page.
///
/// # Errors
/// When the store fails, or when a page is slower than promised.
pub fn run() -> Result<()> {
    let objects = std::env::var("LAZARET_BENCH_OBJECTS").ok().map_or(Ok(OBJECTS), |count| count.parse())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(objects))
}

async fn measure(objects: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lazaret.db");
    let catalogue = Catalogue::new(store::Store::sqlite(&path).await?);
    populate(&catalogue, objects, OBJECTS).await?;
    // Opened anew, as by a server that starts.
    catalogue.store().close().await;
    let catalogue = Arc::new(Catalogue::new(store::Store::sqlite(&path).await?));
    let cookie = log_in(&catalogue).await?;
    let clock: ::console::Clock = Arc::new(now);
    let inspector = Inspector::embedded(InspectOptions::default(), TokenKey::new([7; 32]))?;
    let scanner = Scanner::new(Arc::clone(&catalogue), inspector, ScanOptions::new(Arc::clone(&clock)));
    let random: ::console::Random = Arc::new(|| Ok([7; 32]));
    let console = Console::new(catalogue, Arc::new(Desk::new(scanner)), clock, random, false)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(::console::serve(listener, Arc::new(console), std::future::pending()));
    let mut slow = Vec::new();
    for (name, path) in PAGES {
        let cold = page(port, path, &cookie).await?.0;
        let (mut slowest, mut bytes) = (Duration::ZERO, 0);
        for _ in 0..ROUNDS {
            let (took, length) = page(port, path, &cookie).await?;
            (slowest, bytes) = (slowest.max(took), length);
        }
        let (cold, warm) = (cold.as_secs_f64() * 1e3, slowest.as_secs_f64() * 1e3);
        say(&format!("{name:32} {cold:9.1} ms cold {warm:9.1} ms warm {bytes:9} bytes"));
        if slowest > TARGET {
            slow.push(format!("{name} ({warm:.0} ms)"));
        }
    }
    ensure!(slow.is_empty(), "slower than promised: {}", slow.join(", "));
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A user with a session; the cookie.
async fn log_in(catalogue: &Catalogue) -> Result<String> {
    let store = catalogue.store();
    let id = store::users::create(store, "bench", "none", Role::Administrator.as_str(), now()).await?;
    store::sessions::begin(store, blake3::hash(b"bench").as_bytes(), id, now(), now() + 3_600_000).await?;
    Ok("lazaret_session=bench".to_owned())
}

/// Asks for a page; how long it took to its last byte, and its length.
async fn page(port: u16, path: &str, cookie: &str) -> Result<(Duration, usize)> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let took = started.elapsed();
    let status = answer.get(9..12).context("an answer")?;
    ensure!(status == b"200", "`{path}` answers {}", String::from_utf8_lossy(status));
    Ok((took, answer.len()))
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}
