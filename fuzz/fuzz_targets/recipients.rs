#![no_main]

use std::sync::OnceLock;

use incidents::letters::{self, Common, Kind, Limits, Prepared};
use incidents::plan::{EXAMPLE, Plan};
use serde_json::Map;

/// Rows of a table that are read at most.
const ROWS_MAX: u64 = 2_000;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    let prepared = PREPARED.get_or_init(|| {
        let (facts, plan) = (Map::new(), Plan::parse(EXAMPLE).expect("the example is a plan"));
        let date = "2026-11-30".parse().expect("a day");
        let common = Common { facts: &facts, plan: &plan, reference: "INC-1", date, breached_on: None };
        letters::prepare(Kind::Gdpr34, &common).expect("the texts are whole")
    });
    let limits = Limits { rows: ROWS_MAX, faults: 50, ..Limits::default() };
    let Ok(mut merge) = letters::merge(prepared, data, limits) else { return };
    let (mut letters_seen, mut is_whole) = (0, true);
    for letter in merge.by_ref() {
        let Ok(letter) = letter else {
            is_whole = false;
            break;
        };
        letters_seen += 1;
        let page = letters::to_html(&letter);
        assert!(!page.contains("<script"), "a name is shown and not run");
        if let Some(mail) = letters::to_email(&letter) {
            assert!(
                !mail.subject.contains(['\r', '\n']) && !mail.to.contains(['\r', '\n', ',']),
                "one recipient, one line"
            );
        }
    }
    let merged = merge.into_merged();
    assert!(merged.told.len() <= 50);
    assert_eq!(merged.made, merged.by_post + merged.by_email);
    if is_whole {
        assert_eq!(merged.made + merged.unreachable, letters_seen);
        assert_eq!(merged.rows, merged.made + merged.unreachable + merged.duplicates + merged.faults);
    }
});
