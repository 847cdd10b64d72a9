//! Answers to the forms that assess risk in; outcomes, facts that follow and the record that is signed out.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use incidents::assess::{self, Answers, Concluded, Form, Kind, Weight};
use obligations::{Facts, Options, Status};
use serde_json::{Map, Value, json};

#[path = "assess/content.rs"]
mod content;
#[path = "assess/faults.rs"]
mod faults;
#[path = "assess/prefill.rs"]
mod prefill;
#[path = "assess/properties.rs"]
mod properties;
#[path = "assess/record.rs"]
mod record;

const IDS: [&str; 3] = ["hipaa-4-factors", "gdpr-risk", "appi-triggers"];
const WHY: &str = "As entries 4 to 9 of the record show, and the person asked confirmed in writing.";

fn form(id: &str) -> &'static Form {
    assess::form(id).expect("a form that is shipped")
}

/// Complete answers: those given, and else the first option, or a reason.
fn answers(form: &Form, given: &[(&str, &str)]) -> Answers {
    let mut answers = Answers::new();
    for question in &form.questions {
        if !form.asked(&answers).iter().any(|asked| asked.id == question.id) {
            continue;
        }
        let first = question.options.first().map_or(WHY, |option| option.id.as_str());
        let answer = given.iter().find(|(id, _)| *id == question.id).map_or(first, |(_, answer)| *answer);
        answers.insert(question.id.clone(), answer.to_owned());
    }
    for (id, _) in given {
        assert!(answers.contains_key(*id), "{}: `{id}` is not asked in this case", form.id);
    }
    answers
}

fn as_computed(form: &Form, answers: &Answers) -> Concluded {
    Concluded { outcome: form.outcome(answers).expect("they are complete").id, reason: String::new() }
}

fn otherwise(outcome: &str, reason: &str) -> Concluded {
    Concluded { outcome: outcome.to_owned(), reason: reason.to_owned() }
}

type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);

/// Form, answers that matter, outcome, and questions that it is because of.
const CASES: &[Case] = &[
    ("hipaa-4-factors", &[("secured", "yes")], "secured", &["secured", "secured_why"]),
    ("hipaa-4-factors", &[("secured", "no"), ("exception", "workforce")], "exception", &["exception", "exception_why"]),
    (
        "hipaa-4-factors",
        &[("secured", "no"), ("extent", "medium")],
        "low",
        &[
            "exception",
            "extent",
            "reidentification",
            "extent_why",
            "recipient",
            "recipient_why",
            "acquired",
            "acquired_why",
            "mitigated",
            "mitigated_why",
        ],
    ),
    ("hipaa-4-factors", &[("secured", "no"), ("acquired", "unknown"), ("extent", "medium")], "breach", &["acquired"]),
    (
        "hipaa-4-factors",
        &[("secured", "no"), ("recipient", "known"), ("mitigated", "partly")],
        "breach",
        &["recipient", "mitigated"],
    ),
    (
        "gdpr-risk",
        &[("nature", "high")],
        "unlikely",
        &[
            "nature",
            "volume",
            "identification",
            "recipient",
            "people",
            "controller",
            "scale",
            "severity",
            "severity_why",
            "likelihood",
            "likelihood_why",
        ],
    ),
    ("gdpr-risk", &[("nature", "high"), ("people", "high")], "risk", &["nature", "people"]),
    ("gdpr-risk", &[("severity", "medium")], "risk", &["severity"]),
    (
        "gdpr-risk",
        &[("unreadable", "no"), ("severity", "high"), ("likelihood", "medium"), ("later_measures", "no")],
        "high",
        &["unreadable", "severity", "likelihood"],
    ),
    (
        "gdpr-risk",
        &[("unreadable", "no"), ("severity", "medium"), ("likelihood", "high"), ("later_measures", "no")],
        "high",
        &["unreadable", "severity", "likelihood"],
    ),
    (
        "gdpr-risk",
        &[
            ("kind", "availability"),
            ("nature", "high"),
            ("volume", "high"),
            ("scale", "high"),
            ("likelihood", "medium"),
            ("later_measures", "no"),
        ],
        "high",
        &["nature", "volume", "scale", "likelihood"],
    ),
    (
        "gdpr-risk",
        &[("severity", "high"), ("likelihood", "high")],
        "high_unreadable",
        &["unreadable", "unreadable_why", "severity", "likelihood"],
    ),
    (
        "gdpr-risk",
        &[("unreadable", "no"), ("severity", "high"), ("likelihood", "high")],
        "high_removed",
        &["unreadable", "severity", "likelihood", "later_measures", "later_measures_why"],
    ),
    (
        "gdpr-risk",
        &[
            ("unreadable", "no"),
            ("severity", "high"),
            ("likelihood", "high"),
            ("later_measures", "no"),
            ("effort", "yes"),
        ],
        "high_public",
        &["unreadable", "severity", "likelihood", "later_measures", "effort", "effort_why"],
    ),
    ("appi-triggers", &[("event", "recovered")], "not_leaked", &["event", "event_why"]),
    ("appi-triggers", &[], "encrypted", &["protected", "protected_why"]),
    ("appi-triggers", &[("protected", "pseudonymised")], "protected", &["protected", "protected_why"]),
    (
        "appi-triggers",
        &[("protected", "no")],
        "report_several",
        &["event", "protected", "special_care", "property", "purpose", "number"],
    ),
    (
        "appi-triggers",
        &[("protected", "no"), ("special_care", "no"), ("property", "no"), ("purpose", "possible"), ("number", "no")],
        "report_purpose",
        &["event", "protected", "purpose"],
    ),
    (
        "appi-triggers",
        &[("protected", "no"), ("special_care", "no"), ("property", "yes"), ("purpose", "no"), ("number", "no")],
        "report_property",
        &["event", "protected", "property"],
    ),
    (
        "appi-triggers",
        &[("event", "possible"), ("protected", "no"), ("property", "no"), ("purpose", "no"), ("number", "no")],
        "report_special_care",
        &["event", "protected", "special_care"],
    ),
    (
        "appi-triggers",
        &[("protected", "no"), ("special_care", "no"), ("property", "no"), ("purpose", "no"), ("number", "yes")],
        "report_number",
        &["event", "protected", "number"],
    ),
    (
        "appi-triggers",
        &[("protected", "no"), ("special_care", "no"), ("property", "no"), ("purpose", "no"), ("number", "no")],
        "no_trigger",
        &["special_care", "property", "purpose", "number"],
    ),
];

#[test]
fn each_case_leads_where_it_should_and_says_why() {
    for (id, given, outcome, because) in CASES {
        let form = form(id);
        let answers = answers(form, given);
        assert_eq!(form.check(&answers), Ok(()), "{id} {given:?}");
        let found = form.outcome(&answers).expect("complete answers lead to an outcome");
        assert_eq!(
            (found.id.as_str(), found.because),
            (*outcome, because.iter().map(|one| (*one).to_owned()).collect()),
            "{id} {given:?}"
        );
    }
}

#[test]
fn every_outcome_is_reached_by_some_answers() {
    for id in IDS {
        let reached: BTreeSet<&str> = CASES.iter().filter(|case| case.0 == id).map(|case| case.2).collect();
        let possible: BTreeSet<&str> = form(id).outcomes.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(reached, possible, "{id}");
    }
}

#[test]
fn every_form_is_whole() {
    let all: Vec<&str> = assess::forms().expect("they are sound").iter().map(|form| form.id.as_str()).collect();
    assert_eq!(all, IDS);
    for id in IDS {
        let form = form(id);
        assert_eq!(form.checked.to_string(), "2026-11-30");
        assert!(form.meanings.len() >= 3 && !form.cites.is_empty() && !form.about.is_empty());
        for question in &form.questions {
            let texts = [&question.text, &question.help, &question.cites];
            assert!(texts.iter().all(|text| !text.trim().is_empty()), "{id} {}", question.id);
            assert_eq!(question.options.len() >= 2, question.kind == Kind::Choice, "{id} {}", question.id);
            assert!(!question.uncertain || question.note.is_some());
        }
        let gravities: BTreeSet<u8> = form.outcomes.iter().map(|one| one.gravity).collect();
        assert!(gravities.len() >= 2, "{id}: nothing is milder than anything");
    }
    let none = assess::form("dpia").expect_err("there is none");
    assert_eq!(none.to_string(), "there is no assessment `dpia`; there are hipaa-4-factors, gdpr-risk, appi-triggers");
}

/// Facts of a form, wherever they stand.
fn all_facts(form: &Form) -> Vec<&Map<String, Value>> {
    let options = form.questions.iter().flat_map(|question| &question.options).map(|option| &option.facts);
    options.chain(form.outcomes.iter().map(|outcome| &outcome.facts)).filter(|facts| !facts.is_empty()).collect()
}

fn read(facts: &Map<String, Value>) -> Facts {
    let library = obligations::shipped().expect("the library that is shipped");
    let text = Value::Object(facts.clone()).to_string();
    Facts::from_json(text.as_bytes(), library.vocabulary()).expect("they are facts")
}

#[test]
fn every_fact_that_follows_is_one_that_clocks_know() {
    for id in IDS {
        let facts = all_facts(form(id));
        assert!(facts.len() >= 3, "{id}");
        for facts in facts {
            assert!(read(facts).strange.is_empty(), "{id}: {facts:?}");
        }
    }
    for (id, given, ..) in CASES {
        let form = form(id);
        let answers = answers(form, given);
        let facts = form.facts(&answers, &as_computed(form, &answers)).expect("it stands");
        assert!(read(&facts).strange.is_empty(), "{id} {given:?}: {facts:?}");
    }
    assert!(
        !read(json!({"low_probability": true}).as_object().expect("a map")).strange.is_empty(),
        "the check can fail"
    );
}

#[test]
fn facts_are_those_of_the_outcome() {
    let facts_of = |id: &str, outcome: &str| {
        let case = CASES.iter().find(|case| case.0 == id && case.2 == outcome).expect("a case");
        let answers = answers(form(id), case.1);
        Value::Object(form(id).facts(&answers, &as_computed(form(id), &answers)).expect("it stands"))
    };
    const EXCEPTIONS: [&str; 3] =
        ["good_faith_workforce_access", "inadvertent_internal_disclosure", "recipient_could_not_retain"];
    for (outcome, is_low) in [("low", true), ("breach", false)] {
        let facts = facts_of("hipaa-4-factors", outcome);
        assert_eq!((&facts["low_probability_of_compromise"], &facts["secured"]), (&json!(is_low), &json!(false)));
        assert!(EXCEPTIONS.iter().all(|name| facts[name] == false), "{outcome}: {facts}");
    }
    let facts = facts_of("hipaa-4-factors", "exception");
    assert!(facts.get("low_probability_of_compromise").is_none(), "nobody assessed four factors: {facts}");
    assert_eq!(EXCEPTIONS.iter().filter(|name| facts[name] == true).count(), 1, "{facts}");
    assert_eq!(facts_of("hipaa-4-factors", "secured"), json!({"secured": true}));
    assert_eq!(facts_of("gdpr-risk", "unlikely")["risk"], "unlikely");
    assert_eq!(facts_of("gdpr-risk", "risk")["risk"], "risk");
    let high = json!({"risk": "high", "secured": false, "disproportionate_effort": false});
    assert_eq!(facts_of("gdpr-risk", "high"), high);
    assert_eq!(facts_of("gdpr-risk", "high_public")["disproportionate_effort"], true);
    assert_eq!(facts_of("gdpr-risk", "high_unreadable"), json!({"risk": "high", "secured": true}));
    assert_eq!(facts_of("gdpr-risk", "high_removed"), json!({"risk": "risk", "secured": false}));
    for (outcome, is_met) in [("report_several", true), ("no_trigger", false)] {
        let facts = facts_of("appi-triggers", outcome);
        let expected = json!({"property_damage_risk": is_met, "secured": false, "wrongful_purpose": is_met,
            "protected_otherwise": false, "pseudonymised_information": false});
        assert_eq!(facts, expected, "{outcome}");
    }
    let facts = facts_of("appi-triggers", "protected");
    let exempt = ["protected_otherwise", "pseudonymised_information"];
    assert_eq!(exempt.iter().filter(|name| facts[name] == true).count(), 1, "{facts}");
}

/// Clocks that run, once the facts that follow are entered.
fn running(id: &str, outcome: &str) -> BTreeSet<String> {
    let case = CASES.iter().find(|case| case.0 == id && case.2 == outcome).expect("a case");
    let answers = answers(form(id), case.1);
    let mut facts = form(id).facts(&answers, &as_computed(form(id), &answers)).expect("it stands");
    let known = json!({
        "roles": ["controller", "covered_entity", "pihbo"], "aware_at": "2026-11-02T09:00:00+01:00", "discovered_on": "2026-11-02",
        "affected": [{"jurisdiction": "EU-DE", "subjects": 3, "categories": ["contact"]},
            {"jurisdiction": "US-CA", "subjects": 2, "categories": ["health"]}, {"jurisdiction": "JP", "subjects": 4, "categories": ["contact"]}],
    });
    facts.extend(known.as_object().expect("a map").clone());
    let library = obligations::shipped().expect("the library");
    let runs = |status: Status| matches!(status, Status::Due | Status::Promptly);
    let answers = library.answers(&read(&facts), Options::default());
    let running = answers.iter().filter(|answer| runs(answer.status)).map(|answer| answer.obligation.to_owned());
    running.collect()
}

#[test]
fn outcomes_start_and_stop_the_clocks_that_they_should() {
    let runs = |id: &str, outcome: &str, clock: &str| running(id, outcome).contains(clock);
    for (outcome, individuals) in [("breach", true), ("low", false), ("secured", false), ("exception", false)] {
        assert_eq!(runs("hipaa-4-factors", outcome, "HIPAA-404"), individuals, "{outcome}");
    }
    let gdpr = [
        ("unlikely", false, false),
        ("risk", true, false),
        ("high", true, true),
        ("high_public", true, true),
        ("high_unreadable", true, false),
        ("high_removed", true, false),
    ];
    for (outcome, authority, people) in gdpr {
        let found = (runs("gdpr-risk", outcome, "GDPR-33-1"), runs("gdpr-risk", outcome, "GDPR-34-1"));
        assert_eq!(found, (authority, people), "{outcome}");
    }
    for (outcome, report) in [
        ("report_purpose", true),
        ("report_property", true),
        ("no_trigger", false),
        ("encrypted", false),
        ("protected", false),
    ] {
        assert_eq!(runs("appi-triggers", outcome, "APPI-26-pre"), report, "{outcome}");
    }
}

#[test]
fn a_question_is_asked_once_an_earlier_answer_calls_for_it() {
    let form = form("hipaa-4-factors");
    let ids = |answers: &Answers| form.asked(answers).iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&Answers::new()), ["secured"]);
    let mut answers = Answers::from([("secured".to_owned(), "no".to_owned())]);
    assert_eq!(ids(&answers), ["secured", "exception"]);
    answers.insert("exception".to_owned(), "colleague".to_owned());
    assert_eq!(ids(&answers), ["secured", "exception", "exception_why"]);
    answers.insert("exception_why".to_owned(), WHY.to_owned());
    answers.insert("secured".to_owned(), "yes".to_owned());
    assert_eq!(ids(&answers), ["secured", "secured_why"], "an answer that is no longer asked for calls for nothing");
    assert_eq!(form.applying(&answers), BTreeMap::from([("secured".to_owned(), "yes".to_owned())]));
}

#[test]
fn until_the_contrary_is_shown_hipaa_presumes_a_breach_and_the_others_conclude_nothing() {
    let found = form("hipaa-4-factors").outcome(&Answers::new()).expect("the law presumes one");
    assert_eq!((found.id.as_str(), found.because), ("breach", vec!["secured".to_owned()]));
    for id in ["gdpr-risk", "appi-triggers"] {
        assert_eq!(form(id).outcome(&Answers::new()), None, "{id}");
    }
}

#[test]
fn an_option_of_a_weight_that_is_counted_is_never_the_only_one() {
    // A question whose answers all weigh the same tells nothing apart, and would make counting it a constant.
    for id in IDS {
        for question in form(id).questions.iter().filter(|one| one.kind == Kind::Choice && one.id != "effort") {
            let weights: BTreeSet<Option<Weight>> = question.options.iter().map(|option| option.weighs).collect();
            assert!(weights.len() >= 2 || weights.contains(&None), "{id} {}", question.id);
        }
    }
}
