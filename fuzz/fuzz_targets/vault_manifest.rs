#![no_main]

use vault::Key;
use vault::format::Place;
use vault::format::manifest::Manifest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let place = Place {
        study: "onc-201".parse().expect("a name of a study"),
        object: model::ObjectId::from_bytes([1; 16]),
        version: model::VersionId::from_bytes([2; 16]),
    };
    let key = Key::from_slice(&[3; 32]).expect("32 bytes");
    assert!(Manifest::open(data, &key, &place).is_none(), "nobody guesses a tag");
    if let Some(blobs) = Manifest::blobs(data) {
        // As if the tag had fitted: the rest of the input is the body.
        let body = data.get(16 + blobs.len() * 16..).unwrap_or_default();
        let context = place.context();
        if let Some(manifest) = Manifest::parse_body(&[&context, body].concat(), &context, &blobs) {
            assert_eq!(manifest.parts.len(), blobs.len());
        }
    }
});
