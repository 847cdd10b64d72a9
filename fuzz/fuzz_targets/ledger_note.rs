#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(note) = verify::note::Note::parse(data) {
        let _checkpoint = verify::note::Checkpoint::parse(&note.text);
    }
});
