#![no_main]

use vault::format::part::{HEADER_BYTES, Header};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(header) = Header::parse(data) {
        // Every byte of a header has a meaning: what was read is written the same.
        assert_eq!(header.to_bytes(), data[..HEADER_BYTES]);
    }
});
