#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _stamp = verify::timestamp::parse(data);
});
