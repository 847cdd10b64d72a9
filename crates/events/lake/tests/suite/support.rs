//! Rows and lakes that are made up.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use lake::{Checkpoint, Lake, LakeKey, Random, Row, Snapshot};

/// Bytes that differ from one call to the next.
pub fn random() -> Random {
    static CALLS: AtomicU8 = AtomicU8::new(0);
    Arc::new(|bytes: &mut [u8]| {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = call.wrapping_mul(31) ^ at);
        Ok(())
    })
}

pub fn key() -> LakeKey {
    LakeKey::new([9; 32])
}

pub fn open(folder: &Path) -> Lake {
    Lake::open(folder, key(), random()).unwrap()
}

pub fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { size, note: format!("lake.example/log\n{size}\nroot\n") }
}

/// Rows from `first` on; every third has details.
pub fn rows(first: u64, count: u64) -> Vec<Row> {
    let row = |index: u64| Row {
        index,
        time_ms: index as i64 * 1000,
        class_uid: if index.is_multiple_of(2) { 6006 } else { 6003 },
        study: Some(format!("onc-{}", index % 2)),
        object: Some(format!("{:032x}", index % 5)),
        object_name: index.is_multiple_of(3).then(|| format!("Doe_Jane_{index}.dcm")),
        details: index.is_multiple_of(3).then(|| r#"{"reason":"for Jane Doe"}"#.to_owned()),
        scope: index.is_multiple_of(3).then(|| "object".to_owned()),
        ..Row::default()
    };
    (first..first + count).map(row).collect()
}

/// Every row of a lake, in order.
pub fn all(snapshot: &Snapshot) -> Vec<Row> {
    snapshot.manifest.segments.iter().flat_map(|segment| snapshot.rows(segment).unwrap()).collect()
}

/// The rows as they were given, whatever they are bound to.
pub fn unbound(mut rows: Vec<Row>) -> Vec<Row> {
    rows.iter_mut().for_each(|row| row.checkpoint = 0);
    rows
}

/// Every byte of every file in a folder.
pub fn bytes_in(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}
