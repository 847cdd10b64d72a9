#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    lazaret_fuzz::watch::read(None, data);
});
