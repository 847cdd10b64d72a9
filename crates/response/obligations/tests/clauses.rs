//! Clauses of contracts as people enter, change and end them; and what is wrong with facts, beside the fact.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use obligations::{
    CLAUSES_FILE, Clause, ClauseChange, ClauseError, Clauses, Content, Facts, Library, Options, Status, Within, faults,
};
use serde_json::{Map, Value, json};

fn library() -> &'static Library {
    obligations::shipped().unwrap_or_else(|error| panic!("{error}"))
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().expect("a day")
}

fn clause() -> Clause {
    Clause {
        id: "MSA-7.2".to_owned(),
        partner: "Partner \"A\"".to_owned(),
        title: "Tell the sponsor".to_owned(),
        citation: "Master services agreement 7.2".to_owned(),
        says: "An incident is told within 24 hours.\nBy telephone first.".to_owned(),
        roles: vec!["processor".to_owned()],
        when: "people in * > 0".to_owned(),
        start: vec!["aware_at".to_owned()],
        period: Within::Hours(24),
        recipient: "security desk of the sponsor".to_owned(),
        audience: obligations::Audience::Partner,
        note: String::new(),
        from: day("2026-01-01"),
        to: None,
        checked: day("2026-11-30"),
        contents: vec![Content {
            id: "nature".to_owned(),
            text: "what happened".to_owned(),
            cites: "7.2(a)".to_owned(),
        }],
    }
}

fn add(clauses: &Clauses, clause: Clause) -> Result<Clauses, ClauseError> {
    clauses.changed(&ClauseChange::Add(Box::new(clause)), library())
}

fn change(clauses: &Clauses, was: &Clause, clause: Clause) -> Result<Clauses, ClauseError> {
    clauses.changed(&ClauseChange::Change { clause: Box::new(clause), was: Box::new(was.clone()) }, library())
}

/// When the clause is due for an incident of that time; `None`: there is no such duty.
fn due(clauses: &Clauses, aware_at: &str) -> Option<String> {
    let library = clauses.within(library()).expect("a library");
    let facts =
        json!({"roles": ["processor"], "aware_at": aware_at, "affected": [{"jurisdiction": "JP", "subjects": 2}]});
    let facts = Facts::from_json(facts.to_string().as_bytes(), library.vocabulary()).expect("facts");
    let answers = library.answers(&facts, Options::default());
    let answer = answers.iter().find(|answer| answer.obligation == "MSA-7.2")?;
    assert_eq!(answer.status, Status::Due);
    Some(answer.due_at.map(|at| at.to_string()).or_else(|| answer.due_on.map(|on| on.to_string())).expect("a time"))
}

#[test]
fn a_clause_is_kept_as_it_was_entered() {
    let mut clauses = add(&Clauses::default(), clause()).expect("it is added");
    clauses.note_recorded("MSA-7.2", 7);
    let text = clauses.to_toml().expect("a file");
    assert!(text.contains("from = 2026-01-01\n") && text.contains("confidence = \"user\""), "{text}");
    assert_eq!(Clauses::parse(&text).expect("it is read"), clauses);
    assert_eq!(clauses.recorded("MSA-7.2"), [7]);
    for broken in [text.replace("hours", "hrs"), text.replace("partner =", "parnter ="), text.replace("24", "\"x\"")] {
        let error = Clauses::parse(&broken).expect_err("it is broken");
        assert!(error.file == CLAUSES_FILE, "{error}");
    }
    let json = serde_json::to_string(&clause()).expect("JSON");
    assert!(json.contains(r#""from":"2026-01-01""#) && json.contains(r#""period":{"hours":24}"#), "{json}");
    assert_eq!(serde_json::from_str::<Clause>(&json).expect("a clause"), clause());
}

#[test]
fn a_clause_is_in_force_like_a_law_from_a_day_until_a_day() {
    let first = add(&Clauses::default(), clause()).expect("it is added");
    assert_eq!(due(&first, "2026-03-01T08:00:00Z").as_deref(), Some("2026-03-02T08:00:00+00:00"));
    let amended = Clause { period: Within::Hours(12), from: day("2026-07-01"), ..clause() };
    let second = change(&first, &clause(), amended).expect("it is amended");
    assert_eq!(second.versions().len(), 2, "nothing is deleted");
    assert_eq!(due(&second, "2026-06-30T08:00:00Z").as_deref(), Some("2026-07-01T08:00:00+00:00"), "the old one");
    assert_eq!(due(&second, "2026-07-01T08:00:00Z").as_deref(), Some("2026-07-01T20:00:00+00:00"));
    let ended = ClauseChange::End { id: "MSA-7.2".to_owned(), last: day("2026-09-30") };
    let ended = second.changed(&ended, library()).expect("it ends");
    assert_eq!(due(&ended, "2026-09-30T08:00:00Z").as_deref(), Some("2026-09-30T20:00:00+00:00"));
    assert_eq!(due(&ended, "2026-10-01T08:00:00Z"), None);
    assert_eq!(due(&ended, "2026-06-30T08:00:00Z").as_deref(), Some("2026-07-01T08:00:00+00:00"));
    let promptly = Clause { period: Within::Promptly, ..clause() };
    assert_eq!(change(&first, &clause(), promptly).expect("it is corrected").versions().len(), 1);
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let kept = add(&Clauses::default(), clause()).expect("it is added");
    assert_eq!(add(&kept, clause()), Err(ClauseError::Taken("MSA-7.2".to_owned())));
    let law = add(&kept, Clause { id: "GDPR-33-1".to_owned(), ..clause() }).expect_err("a law has it");
    assert!(law.to_string().contains("gdpr"), "{law}");
    let seen = Clause { says: String::new(), ..clause() };
    assert_eq!(change(&kept, &seen, clause()), Err(ClauseError::Changed("MSA-7.2".to_owned())));
    let earlier = change(&kept, &clause(), Clause { from: day("2025-01-01"), ..clause() }).expect_err("out of order");
    assert!(matches!(&earlier, ClauseError::Faults(faults) if faults[0].field == "from"), "{earlier}");
    assert!(change(&kept, &clause(), clause()).is_err(), "nothing changes");
    let end = |last: &str| kept.changed(&ClauseChange::End { id: "MSA-7.2".to_owned(), last: day(last) }, library());
    assert!(end("2025-12-31").is_err());
    let missing = ClauseChange::End { id: "X".to_owned(), last: day("2026-12-31") };
    assert_eq!(kept.changed(&missing, library()), Err(ClauseError::Missing("X".to_owned())));
    let bad = Clause {
        id: "MSA 7".to_owned(),
        partner: " ".to_owned(),
        roles: Vec::new(),
        when: "risk is dire".to_owned(),
        start: vec!["risk".to_owned()],
        period: Within::BusinessDays(2, "atlantis".to_owned()),
        to: Some(day("2025-01-01")),
        ..clause()
    };
    let fields: Vec<&str> = bad.faults(library()).iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["id", "partner", "roles", "when", "start", "period", "to"]);
    assert!(bad.faults(library()).iter().any(|fault| fault.why.contains("atlantis")));
    assert!(add(&kept, Clause { period: Within::Hours(0), ..clause() }).is_err());
}

#[test]
fn clauses_come_into_force_and_out_of_it_while_the_program_runs() {
    let has = |id: &str| obligations::in_force().expect("a library").obligations().iter().any(|of| of.id == id);
    obligations::put_clauses_in_force(&add(&Clauses::default(), clause()).expect("it is added")).expect("it holds");
    assert!(has("MSA-7.2") && has("GDPR-33-1"));
    let taken = Clauses::parse(
        &add(&Clauses::default(), clause())
            .expect("it is added")
            .to_toml()
            .expect("a file")
            .replace("MSA-7.2", "CTR-52"),
    );
    assert!(obligations::put_clauses_in_force(&taken.expect("it is read")).is_err());
    assert!(has("MSA-7.2"), "what is wrong changes nothing");
    obligations::put_clauses_in_force(&Clauses::default()).expect("nothing holds");
    assert!(!has("MSA-7.2") && has("GDPR-33-1"));
    let settings = library().with(&[("settings.toml", SETTINGS)]).expect("a library");
    obligations::put_in_force(settings, true);
    assert!(obligations::options().with_proposed && has("DPA-3"));
    let error = obligations::put_clauses_in_force(
        &Clauses::parse(&SETTINGS_AS_CLAUSE.replace("DPA-4", "DPA-3")).expect("it is read"),
    );
    assert!(error.expect_err("the settings have it").to_string().contains("DPA-3"));
    assert!(obligations::base().expect("a library").obligations().iter().any(|of| of.id == "DPA-3"));
}

const SETTINGS: &str = r#"
regime = "contract"
name = "Contracts"
[[obligation]]
id = "DPA-3"
title = "Tell the controller"
citation = "Data processing agreement 3"
says = "A breach is told within 48 hours."
roles = ["processor"]
when = "always"
start = ["aware_at"]
period = { hours = 48 }
recipient = "controller"
from = 2026-01-01
text_version = 2026-01-01
checked = 2026-11-29
confidence = "user"
"#;

const SETTINGS_AS_CLAUSE: &str = r#"
regime = "contract"
name = "Contracts"
[[obligation]]
id = "DPA-4"
partner = "Controller"
title = "Tell the controller"
citation = "Data processing agreement 3"
says = "A breach is told within 48 hours."
roles = ["processor"]
when = "always"
start = ["aware_at"]
period = { hours = 48 }
recipient = "controller"
from = 2026-01-01
text_version = 2026-01-01
checked = 2026-11-29
confidence = "user"
"#;

fn told(facts: &Value) -> Vec<(Vec<String>, Option<usize>, String)> {
    let facts: Map<String, Value> = facts.as_object().expect("an object").clone();
    let found = faults(&facts, library().vocabulary());
    found.into_iter().map(|fault| (fault.facts, fault.entry, fault.says)).collect()
}

#[test]
fn every_wrong_fact_is_told_and_which_it_is() {
    let all = told(&json!({
        "aware_at": "2026-03-27T22:30", "discovered_on": "27.3.2026", "timezone": "Berlin", "risk": "dire", "roles": ["sponsr"],
        "affected": [{"jurisdiction": "EU-DE", "subjects": 3}, {"jurisdiction": "DE", "subjects": 1}, {"jurisdiction": "XX"}],
    }));
    let about: Vec<(&str, Option<usize>)> = all.iter().map(|(facts, entry, _)| (facts[0].as_str(), *entry)).collect();
    assert_eq!(
        about,
        [
            ("aware_at", None),
            ("discovered_on", None),
            ("timezone", None),
            ("risk", None),
            ("roles", None),
            ("affected", Some(1)),
            ("affected", Some(2))
        ]
    );
    assert!(all[0].2.contains("no time with offset") && !all[0].2.contains("column"), "{:?}", all[0]);
    assert!(all[5].2.contains("`affected[1].jurisdiction`") && all[5].2.contains("EU-DE"), "{:?}", all[5]);
    let order =
        told(&json!({"aware_at": "2026-03-27T22:30:00Z", "breached_on": "2026-04-01", "discovered_on": "2026-05-01"}));
    assert_eq!(order[0].0, ["aware_at", "breached_on"], "facts that do not fit together are both told: {order:?}");
    assert!(told(&json!({"aware_at": "2026-03-27T22:30:00Z", "risk": null, "affected": []})).is_empty());
}

#[test]
fn every_fact_is_asked_in_a_group_and_places_are_jurisdictions() {
    let vocabulary = library().vocabulary();
    for fact in vocabulary.facts() {
        assert!(vocabulary.groups().iter().any(|group| group.id == fact.group), "{}", fact.name);
    }
    for group in vocabulary.groups() {
        assert!(vocabulary.facts().any(|fact| fact.group == group.id), "`{}` asks for nothing", group.id);
    }
    let places = vocabulary.places();
    assert!(["EU", "EU-DE", "US-CA", "JP", "GB", "unknown"].iter().all(|place| places.iter().any(|one| one == place)));
    for place in &places {
        assert_eq!(vocabulary.jurisdiction(place).as_deref(), Ok(place.as_str()), "it stands for itself");
    }
    assert!(!places.iter().any(|place| place == "DE" || place == "PR"), "they are written otherwise");
    assert!(vocabulary.fillable().any(|(content, question)| content == "nature" && question.ends_with('?')));
    assert!(library().triggers().iter().any(|trigger| trigger.when == "always"));
}
