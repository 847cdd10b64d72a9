#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((step, form)) = data.split_first() else { return };
    let _has_a_file = gateway::probe_form(form, usize::from(*step));
});
