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
