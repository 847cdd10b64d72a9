#![no_main]

use obligations::{Clauses, Condition, Facts, Options, shipped};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let library = shipped().expect("the obligations are whole");
    let facts = Facts::from_json(
        br#"{"roles":["controller"],"aware_at":"2026-03-27T22:30:00+01:00","timezone":"Europe/Berlin",
            "affected":[{"jurisdiction":"EU-DE","subjects":3,"categories":["health"]}]}"#,
        library.vocabulary(),
    )
    .expect("these are facts");
    match Condition::parse(text, library.vocabulary()) {
        Ok(condition) => {
            let _truth = condition.judge(&facts);
        }
        Err(why) => assert!(!why.is_empty()),
    }
    // A text of law as users add them, and the file that keeps clauses of contracts.
    match library.with(&[("fuzz.toml", text)]) {
        Ok(with) => {
            let _answers = with.answers(&facts, Options::default());
        }
        Err(error) => assert!(error.to_string().contains("fuzz.toml"), "{error}"),
    }
    if let Ok(clauses) = Clauses::parse(text) {
        let written = clauses.to_toml().expect("clauses are written");
        let read = Clauses::parse(&written).expect("clauses are read back");
        assert_eq!(read.versions(), clauses.versions(), "nothing of them is lost");
        let _within = clauses.within(library);
    }
});
