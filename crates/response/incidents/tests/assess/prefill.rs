//! What facts and exposure suggest.

use std::collections::BTreeMap;

use incidents::assess::Answers;
use serde_json::{Map, Value, json};

use super::form;

fn facts(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("a map")
}

/// As the incident room sums exposure up.
fn summary(certain: u64, likely: u64, possible: u64, jurisdiction: &str, categories: &[&str]) -> Value {
    let figures = |grade: &str, people: u64| {
        let places = if people > 0 { json!({jurisdiction: people}) } else { json!({}) };
        let kinds = if people > 0 { json!({jurisdiction: categories}) } else { json!({}) };
        json!({"grade": grade, "objects": people, "subjects": people, "by_jurisdiction": places, "categories": kinds})
    };
    json!({
        "figures": [figures("certain", certain), figures("likely", likely), figures("possible", possible)], "objects": possible,
        "gravest": [], "principals": {}, "entries": 3, "refused": 0, "uncounted_subjects": 0, "deidentified": false, "reach_cut": false,
        "told_at": "2026-11-02T09:00:00Z",
    })
}

fn suggested(id: &str, known: Value, exposure: Option<&Value>) -> Answers {
    form(id).prefilled(&facts(known), exposure)
}

#[test]
fn nothing_known_suggests_nothing() {
    for id in super::IDS {
        assert_eq!(suggested(id, json!({}), None), BTreeMap::new(), "{id}");
        assert_eq!(suggested(id, json!({"secured": null, "affected": []}), Some(&json!({}))), BTreeMap::new(), "{id}");
    }
}

#[test]
fn that_it_is_sealed_is_suggested_by_the_form_in_which_it_left() {
    for (id, option) in [("hipaa-4-factors", "yes"), ("gdpr-risk", "yes"), ("appi-triggers", "encrypted")] {
        let with = |form: &str, known: Value| {
            let suggested = suggested(id, known, Some(&json!({ "form": form })));
            suggested.into_values().find(|answer| answer == option || answer == "no")
        };
        assert_eq!(with("sealed", json!({ "secured": null })).as_deref(), Some(option), "{id}");
        assert_eq!(with("clear", json!({})).as_deref(), Some("no"), "{id}");
        assert_eq!(with("deidentified", json!({})), None, "{id}: what is de-identified may be encrypted besides");
        assert_eq!(with("sealed", json!({ "secured": false })).as_deref(), Some("no"), "{id}: a fact goes before");
        assert_eq!(with("melted", json!({})), None, "{id}");
    }
}

#[test]
fn hipaa_takes_what_the_record_shows() {
    let exposure = summary(12, 14, 20, "US-CA", &["contact", "health", "identification"]);
    let known = json!({
        "secured": false, "wrongful_purpose": true, "measures_taken": "The account was closed.",
        "affected": [{"jurisdiction": "US-CA", "subjects": 14, "categories": ["health"]}, {"jurisdiction": "JP", "subjects": 3}],
    });
    let found = suggested("hipaa-4-factors", known, Some(&exposure));
    let expected = [
        ("acquired", "yes"),
        (
            "extent_why",
            "People entered as affected: US-CA 14.\nPeople whose data are exposed, certain: US-CA 12.\nPeople whose data are exposed, certain or likely: US-CA 14.\nPeople whose data are exposed, certain, likely or possible: US-CA 20.\nKinds of data: contact, health, identification.",
        ),
        ("mitigated_why", "The account was closed."),
        ("recipient", "hostile"),
        ("reidentification", "high"),
        ("secured", "no"),
    ];
    assert_eq!(found, expected.map(|(id, answer)| (id.to_owned(), answer.to_owned())).into());
}

#[test]
fn what_was_let_and_did_not_end_is_unknown_and_what_was_in_reach_suggests_nothing() {
    let acquired = |exposure: &Value| suggested("hipaa-4-factors", json!({}), Some(exposure)).get("acquired").cloned();
    assert_eq!(acquired(&summary(0, 3, 3, "US-CA", &[])).as_deref(), Some("unknown"));
    assert_eq!(
        acquired(&summary(0, 0, 3, "US-CA", &[])),
        None,
        "that nothing is recorded does not prove that nothing left"
    );
}

#[test]
fn a_thousand_is_not_more_than_a_thousand_and_who_is_not_counted_may_make_it_more() {
    let number =
        |known: Value, exposure: Option<&Value>| suggested("appi-triggers", known, exposure).get("number").cloned();
    let japan = |subjects: Value| json!({"affected": [{"jurisdiction": "JP", "subjects": subjects, "categories": []}]});
    assert_eq!(number(japan(json!(1000)), None).as_deref(), Some("no"));
    assert_eq!(number(japan(json!(1001)), None).as_deref(), Some("yes"));
    assert_eq!(number(japan(json!(null)), None), None);
    let many = summary(5, 5, 1001, "JP", &[]);
    assert_eq!(number(japan(json!(5)), Some(&many)).as_deref(), Some("yes"), "a possibility counts");
    let mut cut = summary(5, 5, 5, "JP", &[]);
    assert_eq!(number(json!({}), Some(&cut)).as_deref(), Some("no"));
    cut["uncounted_subjects"] = json!(1);
    assert_eq!(number(json!({}), Some(&cut)), None);
    let unknown =
        json!({"affected": [{"jurisdiction": "JP", "subjects": 5}, {"jurisdiction": "unknown", "subjects": 1}]});
    assert_eq!(number(unknown, None), None);
}

#[test]
fn places_are_kept_apart_and_categories_suggest_the_graver_answer_only() {
    let german = summary(1, 1, 1, "EU-DE", &["health"]);
    assert_eq!(suggested("gdpr-risk", json!({}), Some(&german)).get("nature").map(String::as_str), Some("high"));
    assert_eq!(suggested("appi-triggers", json!({}), Some(&german)).get("special_care"), None);
    let contact = summary(1, 1, 1, "EU-DE", &["contact"]);
    assert_eq!(suggested("gdpr-risk", json!({}), Some(&contact)).get("nature"), None);
    let nowhere = json!({"affected": [{"jurisdiction": "unknown", "subjects": 1, "categories": ["special_care"]}]});
    assert_eq!(suggested("appi-triggers", nowhere, None).get("special_care").map(String::as_str), Some("yes"));
}

#[test]
fn a_text_that_could_not_be_answered_is_not_suggested() {
    let known = json!({"measures_taken": "x".repeat(4_001), "likely_consequences": "a\u{0}b"});
    assert_eq!(suggested("hipaa-4-factors", known.clone(), None), BTreeMap::new());
    assert_eq!(suggested("gdpr-risk", known, None), BTreeMap::new());
}
