#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _checkpoint = verify::note::Checkpoint::parse(&text);
    let _key = text.parse::<verify::note::VerifierKey>();
});
