#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _entries = verify::tile::entries(data);
    let _hashes = verify::tile::hashes(data);
    let _batch = verify::wal::take(&mut verify::bytes::Cursor::new(data)).map(|batch| batch.entries().is_ok());
    let _tile = verify::tile::Tile::parse(&String::from_utf8_lossy(data));
});
