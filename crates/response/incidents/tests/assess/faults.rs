//! Answers that cannot be taken, and whatever else somebody sends.

use incidents::assess::{Answers, FAULTS_MAX, TEXT_CHARS_MAX};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use super::record::subject;
use super::{IDS, WHY, answers, form, otherwise};

/// What `check` says, one a line.
fn said(id: &str, answers: &Answers) -> String {
    let faults = form(id).check(answers).expect_err("something is wrong");
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn with(id: &str, given: &[(&str, &str)], question: &str, answer: &str) -> String {
    let mut all = answers(form(id), given);
    all.insert(question.to_owned(), answer.to_owned());
    said(id, &all)
}

#[test]
fn each_fault_names_its_question_and_says_what_to_do() {
    let cases = [
        (
            with("gdpr-risk", &[], "shoe_size", "44"),
            "`shoe_size`: the form has no such question; leave the answer out\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity", "grave"),
            "`severity`: has no option `grave`; choose one of low, medium, high\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity", " "),
            "`severity`: has to be answered: How severe would the consequences for people be?\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "effort", "no"),
            "`effort`: it is not asked after the answers before it; leave the answer out, or change those\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity_why", &"ü".repeat(TEXT_CHARS_MAX + 1)),
            "`severity_why`: the text has 4001 characters; shorten it to 4000, and file the rest with the incident\n"
                .to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity_why", "a\u{1b}[2J"),
            "`severity_why`: character 2 is `U+001B`, which cannot be read on paper; take it out\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity_why", "ok \u{202E}ko"),
            "`severity_why`: character 4 is `U+202E`, which cannot be read on paper; take it out\n".to_owned(),
        ),
        (
            with("gdpr-risk", &[], "severity_why", "a\rb"),
            "`severity_why`: character 2 is `U+000D`, which cannot be read on paper; take it out\n".to_owned(),
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn texts_may_be_as_long_as_they_may_and_written_as_people_write() {
    let form = form("gdpr-risk");
    let mut all = answers(form, &[]);
    for text in [&"ü".repeat(TEXT_CHARS_MAX), "one\r\ntwo\n\n\t- three", "影響は軽微である。", "می‌شود"]
    {
        all.insert("severity_why".to_owned(), text.to_owned());
        assert_eq!(form.check(&all), Ok(()), "{text:?}");
    }
}

#[test]
fn what_strangers_send_is_cut_before_it_is_shown() {
    let huge = "x\u{7}\n".repeat(100_000);
    let mut all = Answers::from([("secured".to_owned(), huge.clone()), (huge, "x".to_owned())]);
    let first = said("hipaa-4-factors", &all);
    assert!(first.chars().count() < 900 && !first.contains('\u{7}'), "{}", first.len());
    all.extend((0..10_000).map(|at| (format!("q{at}"), String::new())));
    assert_eq!(form("hipaa-4-factors").check(&all).expect_err("they are strange").len(), FAULTS_MAX);
    let text = form("hipaa-4-factors").document(&subject(), &all, &otherwise("low", WHY), None);
    assert!(text.contains("NOT FIT TO BE SIGNED") && text.len() < 40_000, "{}", text.len());
}

fn anything() -> impl Strategy<Value = String> {
    let ids = prop_oneof![
        Just("secured"),
        Just("exception"),
        Just("kind"),
        Just("event"),
        Just("protected"),
        Just("yes"),
        Just("no"),
        Just("none"),
        Just("several"),
        Just("high"),
        Just("low"),
        Just("severity"),
        Just("likelihood"),
        Just("breach"),
        Just("why"),
    ];
    prop_oneof![3 => ids.prop_map(str::to_owned), 1 => any::<String>(), 1 => "\\PC{0,60}"]
}

fn shapes() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("affected"),
        Just("secured"),
        Just("wrongful_purpose"),
        Just("figures"),
        Just("grade"),
        Just("certain"),
        Just("possible"),
        Just("by_jurisdiction"),
        Just("categories"),
        Just("JP"),
        Just("EU-DE"),
        Just("jurisdiction"),
        Just("subjects"),
        Just("objects"),
        Just("measures_taken"),
        Just("uncounted_subjects"),
    ];
    let leaf = prop_oneof![
        names.clone().prop_map(|name| json!(name)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|is| json!(is)),
        any::<String>().prop_map(|text| json!(text)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let map = prop::collection::vec((names.clone(), inner.clone()), 0..6);
        let map =
            map.prop_map(|all| Value::Object(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
        prop_oneof![prop::collection::vec(inner, 0..6).prop_map(Value::Array), map]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Nothing that is sent ends in a panic, and what is not sound is told.
    #[test]
    fn nothing_panics(at in 0..IDS.len(), all in prop::collection::btree_map(anything(), anything(), 0..20), outcome in anything(), reason in anything()) {
        let form = form(IDS[at]);
        let concluded = otherwise(&outcome, &reason);
        let text = form.document(&subject(), &all, &concluded, None);
        let is_sound = form.check(&all).is_ok() && form.conclude(&all, &concluded).is_ok();
        prop_assert!(is_sound != text.contains("NOT FIT TO BE SIGNED"));
        prop_assert!(text.chars().all(|one| one == '\n' || one == '\t' || !one.is_control()));
        let _ = (form.outcome(&all), form.asked(&all), form.applying(&all));
    }

    /// Whatever facts and summaries look like, what they suggest is an answer that can be taken.
    #[test]
    fn suggestions_are_answers(at in 0..IDS.len(), facts in shapes(), exposure in shapes()) {
        let form = form(IDS[at]);
        let facts: Map<String, Value> = facts.as_object().cloned().unwrap_or_default();
        let suggested = form.prefilled(&facts, Some(&exposure));
        for (id, answer) in &suggested {
            let question = form.question(id).expect("it is the form's");
            prop_assert!(question.options.is_empty() || question.option(answer).is_some(), "{id}: {answer:?}");
        }
        let faults = form.check(&form.applying(&suggested)).err().unwrap_or_default();
        prop_assert!(faults.iter().all(|fault| fault.to_string().contains("has to be answered")), "{faults:?}");
    }
}
