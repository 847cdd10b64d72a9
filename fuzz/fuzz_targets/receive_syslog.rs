#![no_main]

use receive::syslog::{Framer, MESSAGE_BYTES_MAX};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((step, stream)) = data.split_first() else { return };
    let mut framer = Framer::default();
    for piece in stream.chunks(usize::from(*step).max(1)) {
        framer.feed(piece);
        while let Some(message) = framer.message() {
            assert!(message.bytes.len() <= MESSAGE_BYTES_MAX);
        }
    }
    let _left = framer.finish();
    assert_eq!(framer.finish(), None, "nothing is told twice");
});
