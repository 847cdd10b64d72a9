//! Facts that cannot be read, that nobody knows, or that do not go together.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use obligations::{Answer, Facts, Library, Options, Status};
use serde_json::{Value, json};

fn library() -> &'static Library {
    obligations::shipped().unwrap_or_else(|error| panic!("{error}"))
}

fn read(value: &Value) -> Result<Facts, String> {
    Facts::from_json(value.to_string().as_bytes(), library().vocabulary()).map_err(|error| error.to_string())
}

fn answers_at(value: &Value, at: Option<&str>) -> Vec<Answer<'static>> {
    let at = at.map(|at| at.parse().expect("a time"));
    library().answers(&read(value).expect("facts"), Options { at, with_proposed: false })
}

fn notes(value: &Value, id: &str, at: Option<&str>) -> Vec<String> {
    let found = answers_at(value, at).into_iter().find(|answer| answer.obligation == id);
    let notes = found.unwrap_or_else(|| panic!("no {id} for {value}")).notes;
    notes.into_iter().map(std::borrow::Cow::into_owned).collect()
}

fn of(place: &str) -> Value {
    json!({"roles": ["controller"], "affected": [{"jurisdiction": "JP", "subjects": 1}, {"jurisdiction": place, "subjects": 1200}]})
}

#[test]
fn a_place_that_is_none_is_refused_with_what_to_write() {
    for (place, says) in [
        ("DE", "write `EU-DE`"),
        ("DE-BY", "write `EU-DE`"),
        ("de", "write `EU-DE`"),
        ("eu-de", "write `EU-DE`"),
        ("NO", "write `EU-NO`"),
        ("UK", "write `GB`"),
        ("EU-GB", "write `GB`"),
        ("EU-CH", "write `CH`"),
        ("EU-EL", "write `EU-GR`"),
        ("EU-PR", "write `US-PR`"),
        ("EU-ZZ", "`ZZ` is not a State where the GDPR applies"),
        ("US-ZZ", "`ZZ` is not a State, the District of Columbia or a territory"),
        ("us-ca", "write `US-CA`"),
        ("--", "is no jurisdiction"),
        ("", "is no jurisdiction"),
        ("ZZ", "is no jurisdiction"),
        ("JP-", "is no jurisdiction"),
        ("JP-TOKYO", "is no jurisdiction"),
        ("Germany", "is no jurisdiction"),
        ("Unknown", "write `unknown`"),
    ] {
        let why = read(&of(place)).expect_err(place);
        assert!(
            why.contains("`affected[1].jurisdiction`") && why.contains(says) && why.contains("line 1"),
            "{place}: {why}"
        );
    }
    for (place, counts_as) in [
        ("EU-DE", "EU-DE"),
        ("EU", "EU"),
        ("US", "US"),
        ("US-CA", "US-CA"),
        ("US-PR", "US-PR"),
        ("PR", "US-PR"),
        ("RE", "EU-FR"),
        ("JP", "JP"),
        ("JP-13", "JP-13"),
        ("GB-SCT", "GB-SCT"),
        ("CH", "CH"),
        ("unknown", "unknown"),
    ] {
        let facts = read(&of(place)).expect(place);
        assert_eq!(&*facts.affected().expect("it is known")[1].jurisdiction, counts_as);
    }
}

#[test]
fn every_place_with_an_authority_is_one() {
    let vocabulary = library().vocabulary();
    for gdpr in "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split(' ') {
        let place = model::Jurisdiction::country(gdpr);
        assert_eq!(vocabulary.jurisdiction(place.as_str()), Ok(place.as_str()), "what the catalogue calls it is read");
        assert!(library().authority("gdpr", place.as_str()).is_some(), "{place}");
    }
}

#[test]
fn parts_of_a_country_count_as_it_and_nobody_knows_where_the_unknown_live() {
    let appi = |places: &[(&str, u64)]| {
        let affected: Vec<Value> = places
            .iter()
            .map(|(place, subjects)| json!({"jurisdiction": place, "subjects": subjects, "categories": ["contact"]}))
            .collect();
        let facts = json!({"roles": ["pihbo", "controller"], "aware_at": "2026-04-01T09:00:00+09:00", "secured": false, "wrongful_purpose": false,
            "property_damage_risk": false, "risk": "risk", "affected": affected});
        let status = |id: &str| {
            answers_at(&facts, None).iter().find(|answer| answer.obligation == id).map(|answer| answer.status)
        };
        (status("APPI-26-pre").expect("a line"), status("GDPR-33-1").expect("a line"))
    };
    assert_eq!(appi(&[("JP-13", 600), ("JP-27", 401)]), (Status::Promptly, Status::NotTriggered));
    assert_eq!(appi(&[("JP-13", 600), ("JP", 400)]).0, Status::NotTriggered);
    assert_eq!(appi(&[("JP", 1000), ("unknown", 1)]), (Status::Waiting, Status::Waiting));
    assert_eq!(appi(&[("EU", 1)]).1, Status::Due, "somewhere in the EU is in the EU");
}

#[test]
fn counts_that_are_none_are_refused_and_absurd_ones_told() {
    let facts = |subjects: Value| json!({"roles": ["controller"], "risk": "risk", "affected": [{"jurisdiction": "EU-DE", "subjects": subjects}]});
    for subjects in [json!(-1), json!(1.5), json!(-0.5)] {
        let why = read(&facts(subjects.clone())).expect_err("no count");
        assert!(
            why.contains("`affected`") && why.contains("from 0 on") && why.contains(&subjects.to_string()),
            "{why}"
        );
    }
    assert!(read(&facts(json!("many"))).expect_err("no count").contains("`subjects` as a whole number"));
    assert!(read(&facts(Value::Null)).is_ok());
    let told = notes(&facts(json!(12_000_000_000_u64)), "GDPR-33-1", None);
    assert!(told[0].contains("`affected[0].subjects`") && told[0].contains("12000000000"), "{told:?}");
    assert!(notes(&facts(json!(8_000_000_000_u64)), "GDPR-33-1", None).is_empty());
}

#[test]
fn nobody_knows_the_roles_and_one_question_asks_for_them() {
    let facts = json!({"aware_at": "2026-11-02T08:00:00Z", "risk": "risk", "significant_service_incident": false,
        "affected": [{"jurisdiction": "EU-DE", "subjects": 3}]});
    let answers = answers_at(&facts, None);
    let gdpr = answers.iter().find(|answer| answer.obligation == "GDPR-33-1").expect("a line");
    assert_eq!(
        gdpr.due_at.map(|at| at.to_string()).as_deref(),
        Some("2026-11-05T08:00:00+00:00"),
        "time runs while one is asking"
    );
    for answer in &answers {
        assert_eq!(answer.status, Status::Waiting, "{}", answer.obligation);
        assert_eq!(answer.questions, [library().vocabulary().roles_question()], "{}", answer.obligation);
        assert!(answer.because.starts_with("`roles` is not given"), "{}", answer.because);
        assert!(!answer.is_on_request(), "{}", answer.obligation);
    }
    for no in ["NIS2-24", "HIPAA-404", "APPI-26-pre"] {
        assert!(answers.iter().all(|answer| answer.obligation != no), "{no} is not owed in any role");
    }
    let none = json!({"roles": [], "risk": "risk"});
    assert!(answers_at(&none, None).is_empty(), "no role has no duty");
    assert!(!answers_at(&json!({}), None).is_empty());
}

#[test]
fn facts_that_do_not_go_together_are_told_and_stop_no_clock() {
    let base = json!({"roles": ["controller", "covered_entity", "sponsor", "sec_registrant", "essential_entity"], "aware_at": "2026-11-02T08:00:00Z",
        "timezone": "UTC", "discovered_on": "2026-11-02", "secured": false, "risk": "risk", "significant_service_incident": true,
        "affected": [{"jurisdiction": "EU-DE", "subjects": 3}, {"jurisdiction": "US-CA", "subjects": 3}]});
    let at = Some("2026-11-03T08:00:00Z");
    let before = answers_at(&base, at);
    assert!(before.iter().all(|answer| answer.notes.is_empty()), "{before:?}");
    for (set, id, names) in [
        (
            json!({"discovered_on": "2026-11-03"}),
            "HIPAA-404",
            ["`discovered_on` (2026-11-03)", "`aware_at` (2026-11-02T08:00:00+00:00)"],
        ),
        (
            json!({"urgent_safety_measures_on": "2026-11-01"}),
            "CTR-54",
            ["`aware_at`", "`urgent_safety_measures_on` (2026-11-01)"],
        ),
        (json!({"material_on": "2026-11-01"}), "SEC-8K", ["`aware_at`", "`material_on`"]),
        (json!({"authority_request_at": "2026-11-02T07:59:59Z"}), "NIS2-int", ["`aware_at`", "`authority_request_at`"]),
        (json!({"incident_ongoing": true, "handled_on": "2026-10-30"}), "NIS2-fin", ["`aware_at`", "`handled_on`"]),
        (json!({"secured": true, "risk": "high"}), "GDPR-34-1", ["`secured` is true", "`risk` is `high`"]),
        (
            json!({"material_on": "2026-11-02", "material": false}),
            "SEC-8K",
            ["`material_on` is given", "`material` is false"],
        ),
        (json!({"aware_at": "2026-11-05T08:00:00Z"}), "GDPR-33-1", ["`aware_at`", "ahead of the present"]),
        (
            json!({"discovered_on": "2026-11-05", "aware_at": null}),
            "HIPAA-404",
            ["`discovered_on`", "ahead of the present"],
        ),
        (
            json!({"notifications": [{"obligation": "NIS2-24", "submitted_at": "2026-12-24T18:00:00Z"}]}),
            "NIS2-24",
            ["`notifications.submitted_at`", "ahead"],
        ),
        (
            json!({"notifications": [{"obligation": "HIPAA-404", "submitted_at": "2026-11-01T18:00:00Z"}]}),
            "HIPAA-404",
            ["before its clock began", "notice"],
        ),
    ] {
        let mut facts = base.clone();
        for (name, value) in set.as_object().expect("an object") {
            facts[name] = value.clone();
        }
        let told = notes(&facts, id, at);
        assert!(told.iter().any(|note| names.iter().all(|name| note.contains(name))), "{set}: {told:?}");
        // Obligations that depend on neither fact say nothing of it, and their clocks are as they were.
        let ctr = answers_at(&facts, at).into_iter().find(|answer| answer.obligation == "CTR-52").expect("a line");
        let is_about_awareness =
            facts["aware_at"] != base["aware_at"] || told.iter().any(|note| note.contains("`aware_at`"));
        assert!(ctr.notes.is_empty() || is_about_awareness, "{set}: {:?}", ctr.notes);
        for (one, other) in answers_at(&facts, at).iter().zip(&before) {
            assert_eq!(one.obligation, other.obligation, "{set}: none is lost");
        }
    }
    let names = library().contradictions(&read(&json!({"secured": true, "risk": "high"})).expect("facts"), None);
    assert_eq!(names[0].facts, ["secured", "risk"]);
    let tomorrow = json!({"roles": ["controller"], "aware_at": "2026-11-03T08:00:00Z"});
    assert!(
        notes(&tomorrow, "GDPR-33-1", Some("2026-11-02T08:00:00Z")).is_empty(),
        "a day ahead may be a clock that is wrong"
    );
    assert!(notes(&tomorrow, "GDPR-33-1", None).is_empty(), "without a present nothing is ahead of it");
}

#[test]
fn a_day_that_is_taken_in_utc_is_told() {
    let mut facts = json!({"roles": ["sponsor"], "aware_at": "2026-02-28T23:30:00Z", "serious_trial_breach": true});
    let told = notes(&facts, "CTR-52", None);
    assert!(told[0].contains("`timezone` is not given"), "{told:?}");
    facts["timezone"] = json!("UTC");
    assert!(notes(&facts, "CTR-52", None).is_empty());
}
