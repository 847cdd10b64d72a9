#![no_main]

use receive::Frame;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((count, plain)) = data.split_first() else { return };
    // What a block says it holds is not believed.
    if let Ok(frames) = receive::spool::fuzz_block(plain, u32::from(*count)) {
        let mut again = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut again));
        assert_eq!(again, plain, "frames are written as they were read");
    }
    let mut rest = plain;
    while let Ok(frame) = Frame::decode(&mut rest) {
        assert!(frame.bytes() <= plain.len() + 64);
    }
});
