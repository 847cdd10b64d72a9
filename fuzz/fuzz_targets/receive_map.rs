#![no_main]

use std::sync::OnceLock;

use intake::{Family, Messages};
use receive::{Frame, Mapper, Payload};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static MAPPER: OnceLock<Mapper> = OnceLock::new();
    let mapper = MAPPER.get_or_init(|| Mapper::shipped().expect("the tables are whole"));
    let Some((first, rest)) = data.split_first() else { return };
    let family = Family::ALL[usize::from(*first) % Family::ALL.len()];
    let payloads = [Payload::Message(rest.to_vec()), Payload::Record { family, json: rest.to_vec() }];
    for payload in payloads {
        let frame = Frame { source: "fuzz".to_owned(), arrival_ms: 0, peer: None, cut_bytes: 0, payload };
        let event = receive::pump::event(1, &frame, mapper, &mut Messages::default());
        let outside = event.outside.expect("it came from elsewhere");
        assert!(mapper.classes().has(outside.class_uid, outside.activity_id));
        assert!(event.details.iter().map(|detail| detail.value.len()).sum::<usize>() < 60_000);
    }
});
