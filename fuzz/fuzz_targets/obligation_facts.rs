#![no_main]

use obligations::{Facts, Options, faults, shipped};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    let library = shipped().expect("the obligations are whole");
    let facts = match Facts::from_json(data, library.vocabulary()) {
        Ok(facts) => facts,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "facts that are refused say why");
            return;
        }
    };
    let whole: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(data).expect("what was read as facts is one object");
    assert!(faults(&whole, library.vocabulary()).is_empty(), "facts that are read have no fault");
    for at in [None, Some(jiff::Timestamp::UNIX_EPOCH), Some(jiff::Timestamp::MAX)] {
        for with_proposed in [false, true] {
            let options = Options { at, with_proposed };
            let _contradictions = library.contradictions(&facts, at);
            let answers = library.answers(&facts, options);
            for answer in &answers {
                assert!(!answer.because.is_empty(), "every answer says why");
            }
            let again = library.answers(&facts, options);
            assert_eq!(answers.len(), again.len(), "the same facts tell the same");
        }
    }
});
