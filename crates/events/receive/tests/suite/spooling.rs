use proptest::prelude::*;
use receive::spool::{ROOM_BYTES_MIN, SpoolError};
use receive::{Frame, Payload, Spool};
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{message, open, settings, waiting};

fn segments(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "spool"))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn frames_come_out_as_they_went_in_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for round in 0..3 {
        let spool = open(folder.path());
        let frames = [message(&format!("a{round}")), message(&format!("b{round}"))];
        let numbers = spool.append(&frames).await.unwrap();
        expected.extend(numbers.zip(frames));
        assert_eq!(waiting(&spool), expected);
    }
    let first = expected[0].0;
    assert!(expected.iter().map(|(number, _)| *number).eq(first..first + 6));
    assert_eq!(segments(folder.path()).len(), 3);
}

#[tokio::test]
async fn nothing_lies_there_in_clear_and_another_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    spool.append(&[message("Doe_Jane_1961")]).await.unwrap();
    assert!(matches!(Spool::open(settings(folder.path())), Err(SpoolError::Locked { .. })));
    drop(spool);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("Doe"));
    }
    let mut other = settings(folder.path());
    other.key = [8; 32].into();
    assert!(matches!(Spool::open(other), Err(SpoolError::Key { .. })));
}

#[tokio::test]
async fn segments_go_once_all_in_them_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let big = message(&"x".repeat(6 << 20));
    for _ in 0..9 {
        spool.append(std::slice::from_ref(&big)).await.unwrap();
    }
    assert_eq!(segments(folder.path()).len(), 3);
    // Full: nothing more until something was recorded.
    let blocked = tokio::time::timeout(Duration::from_millis(200), async {
        for _ in 0..2 {
            spool.append(std::slice::from_ref(&big)).await.unwrap();
        }
    });
    assert!(blocked.await.is_err());
    let mut place = spool.place();
    place.next += 6;
    place.ledger_from = Some(4);
    spool.keep(place.clone()).unwrap();
    spool.append(std::slice::from_ref(&big)).await.unwrap();
    assert!(spool.used().0 < ROOM_BYTES_MIN);
    drop(spool);
    let again = open(folder.path());
    assert_eq!(again.place(), place);
    assert!(waiting(&again).len() >= 4);
}

#[tokio::test]
async fn marks_live_and_die_with_the_frames_before_them() {
    let folder = tempfile::tempdir().unwrap();
    let mark = |key: &str, value: &[u8]| Frame {
        payload: Payload::Mark { key: key.to_owned(), value: value.to_vec() },
        ..message("")
    };
    let spool = open(folder.path());
    spool.append(&[message("a"), mark("one", b"1"), mark("two", b"2")]).await.unwrap();
    spool.append(&[mark("one", b"3"), mark("two", b"")]).await.unwrap();
    drop(spool);
    let spool = open(folder.path());
    assert_eq!(spool.marks().into_iter().collect::<Vec<_>>(), [("one".to_owned(), b"3".to_vec())]);
}

#[tokio::test]
async fn many_producers_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let spool = std::sync::Arc::clone(&spool);
            tokio::spawn(async move { spool.append(&[message(&number.to_string())]).await.unwrap() })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().start);
    }
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(waiting(&spool).len(), 200);
}

#[tokio::test]
async fn a_damaged_segment_is_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["first", "second"] {
        open(folder.path()).append(&[message(text)]).await.unwrap();
    }
    let path = segments(folder.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let spool = open(folder.path());
    let damage = &spool.recovered().damaged[0];
    assert_eq!(std::fs::read(&damage.path).unwrap(), bytes);
    let left: Vec<Frame> = waiting_from(&spool);
    assert_eq!(left, [message("second")]);
}

fn waiting_from(spool: &Spool) -> Vec<Frame> {
    let mut reader = spool.reader(spool.place().next);
    let mut frames = Vec::new();
    while let Some(block) = reader.next(Duration::from_millis(1)).unwrap() {
        frames.extend(block.frames);
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Killed at any byte of what was written last, and again while it was mended.
    #[test]
    fn a_kill_at_any_byte_leaves_what_was_acknowledged(
        batches in proptest::collection::vec(proptest::collection::vec(".{0,60}", 1..5), 1..6),
        cut in any::<prop::sample::Index>(), noise in any::<[u8; 8]>(), adds_noise: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut ends = Vec::new();
        let mut frames = Vec::new();
        let spool = open(folder.path());
        let path = segments(folder.path()).pop().unwrap();
        let header = std::fs::metadata(&path).unwrap().len();
        for batch in &batches {
            let batch: Vec<Frame> = batch.iter().map(|text| message(text)).collect();
            runtime.block_on(spool.append(&batch)).unwrap();
            frames.extend(batch);
            ends.push((std::fs::metadata(&path).unwrap().len(), frames.len()));
        }
        drop(spool);
        let bytes = std::fs::read(&path).unwrap();
        let at = usize::try_from(header).unwrap() + cut.index(bytes.len() - usize::try_from(header).unwrap() + 1);
        let mut left = bytes[..at].to_vec();
        if adds_noise && at < bytes.len() {
            left.extend_from_slice(&noise);
        }
        std::fs::write(&path, &left).unwrap();
        let whole = ends.iter().rev().find(|(end, _)| *end <= at as u64).map_or(0, |(_, count)| *count);
        let spool = open(folder.path());
        prop_assert_eq!(waiting_from(&spool), &frames[..whole]);
        prop_assert!(spool.recovered().damaged.is_empty());
        let first = spool.place().next;
        let numbers = runtime.block_on(spool.append(&[message("after")])).unwrap();
        prop_assert_eq!(numbers.start, first + whole as u64);
        drop(spool);
        let spool = open(folder.path());
        prop_assert_eq!(spool.recovered().cut_bytes, 0);
        prop_assert_eq!(waiting_from(&spool).len(), whole + 1);
    }
}
