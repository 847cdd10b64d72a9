use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use receive::folder::{Watched, watch};
use receive::{Board, Clock, Inlet, Payload, Spool};

use crate::support::{NOW, open, waiting};

/// Watches `folder` until `count` records wait, or a while.
async fn watching(spool: &Arc<Spool>, folder: &Path, count: usize) {
    // Time goes a minute a question, so that files are quiet soon.
    let time = AtomicI64::new(NOW);
    let clock: Clock = Arc::new(move || time.fetch_add(20_000, Ordering::Relaxed));
    let inlet = Inlet::new(Arc::clone(spool), Arc::new(Board::default()), clock);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let watched = Watched { name: "lab".to_owned(), path: folder.to_owned() };
    let task = tokio::spawn(watch(inlet, watched, stopped));
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if records(spool).len() >= count {
            break;
        }
    }
    // Once more, so that something that is read twice shows.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    stop.send(true).unwrap();
    task.await.unwrap();
}

fn records(spool: &Spool) -> Vec<String> {
    let text = |payload| match payload {
        Payload::Record { json, .. } => {
            let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
            Some(value["message"].as_str().or(value["n"].as_str()).unwrap_or_default().to_owned())
        }
        Payload::Unreadable { why, .. } => Some(format!("unreadable: {why}")),
        Payload::Message(_) | Payload::Mark { .. } => None,
    };
    waiting(spool).into_iter().filter_map(|(_, frame)| text(frame.payload)).collect()
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

#[tokio::test]
async fn a_file_is_read_on_across_restarts_rotations_and_compression() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, kept) = (folder.path().join("logs"), folder.path().join("spool"));
    std::fs::create_dir(&logs).unwrap();
    let log = logs.join("app.log");
    append(&log, "first\nsecond\n");
    let spool = open(&kept);
    watching(&spool, &logs, 2).await;
    assert_eq!(records(&spool), ["first", "second"]);
    drop(spool);

    // Another process, which finds how far the first one read; the file was renamed and a new one begun meanwhile.
    append(&log, "third\n");
    std::fs::rename(&log, logs.join("app.log.1")).unwrap();
    append(&log, "fourth\n");
    let spool = open(&kept);
    watching(&spool, &logs, 4).await;
    let mut all = records(&spool);
    all.sort();
    assert_eq!(all, ["first", "fourth", "second", "third"]);

    // The old one is compressed, the new one emptied where it lies.
    std::fs::write(logs.join("app.log.1.gz"), gzip("first\nsecond\nthird\n")).unwrap();
    std::fs::remove_file(logs.join("app.log.1")).unwrap();
    std::fs::write(&log, "fifth and longer\n").unwrap();
    watching(&spool, &logs, 5).await;
    let mut all = records(&spool);
    all.sort();
    assert_eq!(all, ["fifth and longer", "first", "fourth", "second", "third"]);
}

#[tokio::test]
async fn whole_files_and_hopeless_ones_are_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, kept) = (folder.path().join("logs"), folder.path().join("spool"));
    std::fs::create_dir_all(logs.join("deep")).unwrap();
    std::fs::write(logs.join("deep/export.json"), "[{\"n\":\"one\"},\n {\"n\":\"two\"}]").unwrap();
    std::fs::write(logs.join("old.log.gz"), gzip("alpha\nbeta")).unwrap();
    std::fs::write(logs.join("report.pdf"), "%PDF-1.7").unwrap();
    std::fs::write(logs.join(".hidden"), "no\n").unwrap();
    std::fs::write(logs.join("last.log"), "no line feed").unwrap();
    let spool = open(&kept);
    watching(&spool, &logs, 6).await;
    let mut all = records(&spool);
    all.sort();
    let expected = ["alpha", "beta", "no line feed", "one", "two", "unreadable: a file that looks like a PDF document"];
    assert_eq!(all, expected);
}
