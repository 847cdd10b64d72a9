#![no_main]

use incidents::plan::Plan;
use playbooks::Role;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let plan = match Plan::parse(text) {
        Ok(plan) => plan,
        Err(faults) => {
            assert!(!faults.is_empty(), "a plan that is refused says why");
            assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
            return;
        }
    };
    let library = obligations::shipped().expect("the obligations are whole");
    let _gaps = plan.gaps(library);
    for role in Role::ALL {
        let _holders = plan.holders(role);
    }
    for obligation in library.obligations() {
        let _recipients = plan.recipients(&obligation.id, &["EU-DE", "US-CA", "JP"]);
    }
    let _tree = plan.tree();
    let (_text, html) = (plan.to_text(), plan.to_html());
    assert!(!html.contains("<script"), "what stands in a plan is shown and not run");
});
