#![no_main]

use std::sync::OnceLock;

use recognize::engine::{Engine, NamesTier};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::embedded().expect("the embedded content is right"));
    let text = String::from_utf8_lossy(data);
    let mut scratch = engine.scratch();
    let mut hits = Vec::new();
    engine.text(&text, NamesTier::Model, None, &mut scratch, &mut hits);
    let mut last = 0;
    for hit in &hits {
        assert!(hit.start < hit.end && hit.start >= last, "hits overlap or run backwards");
        assert!(text.get(hit.start..hit.end).is_some(), "a hit ends inside a character");
        assert!(hit.confidence <= 100, "a confidence above 100");
        last = hit.end;
    }
});
