#![no_main]

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Source};
use landscape::inspect::{InspectOptions, Inspector, TokenKey};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static INSPECTOR: OnceLock<Inspector> = OnceLock::new();
    lazaret_fuzz::quiet_panics();
    let inspector = INSPECTOR.get_or_init(|| {
        let options = InspectOptions { spans: true, explain: true, ..InspectOptions::default() };
        Inspector::embedded(options, TokenKey::new([7; 32])).expect("the embedded content is right")
    });
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(lazaret_fuzz::watch::limits(), &cancelled, &elapsed);
    let mut reports = 0;
    let mut scratch = inspector.scratch();
    let each = &mut |report: landscape::report::ObjectReport| {
        reports += 1;
        for span in &report.spans {
            if let Some((start, end)) = span.offsets {
                assert!(start <= end, "a span that ends before it begins");
            }
        }
    };
    let outcome = inspector.inspect("input", Source::bytes(data), &mut budget, &mut scratch, each);
    assert!(outcome.is_ok() && reports > 0, "no report");
});
