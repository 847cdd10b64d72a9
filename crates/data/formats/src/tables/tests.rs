mod arrow;
mod parquet;
mod sqlite;

use proptest::prelude::*;

use crate::testing::Recorder;

/// Bytes of one of the formats, small.
fn sample(which: usize) -> Vec<u8> {
    match which {
        0 => parquet::file("SNAPPY"),
        1 => parquet::file("ZSTD(1)"),
        2 => arrow::stream(None),
        3 => arrow::file(Some(arrow_ipc::CompressionType::LZ4_FRAME)),
        4 => sqlite::database(),
        _ => sqlite::with_overflow(),
    }
}

#[test]
fn what_is_too_long_for_a_cell_is_opened() {
    let long = "Jane Roe was seen. ".repeat(100_000);
    let mut recorder = Recorder::default();
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    let elapsed = || std::time::Duration::ZERO;
    let mut budget = crate::Budget::new(crate::Limits::default(), &cancelled, &elapsed);
    crate::read::with_reader(&mut recorder, &mut budget, |reader| {
        let mut rows = super::rows::Rows::open("notes", vec!["id".into(), "text".into()], &[], reader)?;
        rows.value("1");
        rows.end_cell();
        rows.value(&long);
        rows.value("more");
        rows.bytes(b"\xFF\xD8\xFF\xE0 sixteen bytes");
        rows.end_cell();
        rows.end_row(1, reader)
    });
    assert_eq!(recorder.cells.iter().map(|cell| cell.value.as_str()).collect::<Vec<_>>(), ["1", "more"]);
    assert!(recorder.lines.contains(&"enter notes.text[1]".to_owned()));
    assert!(recorder.text().contains(long.trim_end()));
    assert_eq!(recorder.problems, []);
}

#[test]
fn every_prefix_is_read() {
    for which in 0..6 {
        let bytes = sample(which);
        for end in (0..bytes.len()).step_by(1 + bytes.len() / 1500) {
            Recorder::read(&bytes[..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn mutated_files_neither_panic_nor_hang(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = sample(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::read(&bytes);
    }
}
