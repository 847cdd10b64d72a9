#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _filter = identity::ScimFilter::parse(text);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return };
    if let Ok(user) = identity::ScimUser::read(&value) {
        let _changed = user.patched(&value);
    }
    let known = identity::ScimUser { name: "ada".into(), external_id: None, active: true, details: Default::default() };
    if let Ok(changed) = known.patched(&value) {
        assert!(!changed.name.is_empty(), "nobody is left without a name");
    }
});
