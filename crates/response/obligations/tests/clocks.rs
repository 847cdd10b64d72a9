//! Facts in, clocks out, over the law as it is shipped. Dates are those reckoned with another calendar library.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use obligations::{Answer, Facts, Library, Options, Status};
use proptest::prelude::{ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use serde_json::{Value, json};

fn library() -> &'static Library {
    obligations::shipped().unwrap_or_else(|error| panic!("{error}"))
}

fn facts(value: &Value) -> Facts {
    Facts::from_json(value.to_string().as_bytes(), library().vocabulary()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    Facts::from_json(text.as_bytes(), library().vocabulary()).expect_err(text).to_string()
}

fn answers(value: &Value) -> Vec<Answer<'static>> {
    library().answers(&facts(value), Options::default())
}

fn answer(value: &Value, id: &str) -> Answer<'static> {
    answers(value).into_iter().find(|answer| answer.obligation == id).unwrap_or_else(|| panic!("no {id} for {value}"))
}

fn due_at(value: &Value, id: &str) -> String {
    answer(value, id).due_at.map_or_else(String::new, |at| at.to_string())
}

fn due_on(value: &Value, id: &str) -> String {
    answer(value, id).due_on.map_or_else(String::new, |on| on.to_string())
}

#[test]
fn hours_are_exact_across_changes_of_the_clock() {
    let gdpr = json!({"roles": ["controller"], "aware_at": "2026-03-27T22:30:00+01:00", "timezone": "Europe/Berlin",
        "risk": "risk", "affected": [{"jurisdiction": "EU-DE", "subjects": 1200, "categories": ["health"]}]});
    assert_eq!(due_at(&gdpr, "GDPR-33-1"), "2026-03-30T23:30:00+02:00");
    let nis2 = json!({"roles": ["essential_entity"], "aware_at": "2026-10-23T09:00:00+02:00",
        "timezone": "Europe/Berlin", "significant_service_incident": true});
    assert_eq!(due_at(&nis2, "NIS2-24"), "2026-10-24T09:00:00+02:00");
    assert_eq!(due_at(&nis2, "NIS2-72"), "2026-10-26T08:00:00+01:00");
}

#[test]
fn nis2_final_runs_from_the_notification() {
    let mut nis2 = json!({"roles": ["essential_entity"], "aware_at": "2026-01-28T09:00:00Z", "significant_service_incident": true});
    let waiting = answer(&nis2, "NIS2-fin");
    assert_eq!(waiting.status, Status::Waiting);
    assert_eq!(waiting.questions, ["When was the notice for NIS2-72 submitted?"]);
    nis2["notifications"] = json!([{"obligation": "NIS2-72", "submitted_at": "2026-01-31T10:00:00Z"}]);
    assert_eq!(due_on(&nis2, "NIS2-fin"), "2026-02-28");
    assert_eq!(answer(&nis2, "NIS2-fin").legal_due_on.map(|on| on.to_string()).as_deref(), Some("2026-03-02"));
    assert_eq!(answer(&nis2, "NIS2-72").status, Status::Met);
    assert_eq!(due_at(&nis2, "NIS2-72"), "2026-01-31T09:00:00+00:00", "a notice sent moves no clock");
}

#[test]
fn an_exception_that_is_shown_ends_what_hipaa_asks_for_and_nothing_else() {
    const EXCEPTIONS: [&str; 3] =
        ["good_faith_workforce_access", "inadvertent_internal_disclosure", "recipient_could_not_retain"];
    let mut breach = hipaa("2026-01-15", &[("US-CA", 501)]);
    breach["roles"] = json!(["covered_entity", "business_associate", "phr_vendor"]);
    let status = |facts: &Value, id: &str| answer(facts, id).status;
    for id in ["HIPAA-404", "HIPAA-406", "HIPAA-408b", "HIPAA-410", "FTC-HBNR"] {
        assert_eq!(status(&breach, id), Status::Due, "{id}: an exception that nobody has shown is none");
    }
    for exception in EXCEPTIONS {
        let mut facts = breach.clone();
        facts[exception] = json!(true);
        for id in ["HIPAA-404", "HIPAA-406", "HIPAA-408b", "HIPAA-408c", "HIPAA-410"] {
            let answer = answer(&facts, id);
            assert_eq!(answer.status, Status::NotTriggered, "{id} {exception}");
        }
        assert!(answer(&facts, "HIPAA-404").because.contains(exception), "{:?}", answer(&facts, "HIPAA-404").because);
        assert_eq!(status(&facts, "FTC-HBNR"), Status::Due);
        facts[exception] = json!(null);
        assert_eq!(status(&facts, "HIPAA-404"), Status::Due);
    }
}

#[test]
fn what_was_protected_otherwise_is_outside_appi() {
    let mut leak = json!({"roles": ["pihbo", "processor"], "aware_at": "2026-04-01T09:00:00+09:00", "timezone": "Asia/Tokyo",
        "secured": false, "wrongful_purpose": false, "affected": [{"jurisdiction": "JP", "subjects": 5000, "categories": ["health"]}]});
    assert_eq!(due_on(&leak, "APPI-26-fin"), "2026-04-30");
    for exempt in ["protected_otherwise", "pseudonymised_information"] {
        leak[exempt] = json!(true);
        for id in ["APPI-26-pre", "APPI-26-fin", "APPI-26-subj", "APPI-26-entr"] {
            assert_eq!(answer(&leak, id).status, Status::NotTriggered, "{id} {exempt}");
        }
        leak[exempt] = json!(false);
    }
    assert_eq!(answer(&leak, "APPI-26-pre").status, Status::Promptly);
}

#[test]
fn a_breach_after_its_discovery_is_refused_and_its_day_moves_no_clock() {
    let says = |text: &str| refused(text);
    let late = says(r#"{"breached_on":"2026-11-03","discovered_on":"2026-11-02"}"#);
    assert!(late.contains("`breached_on` (2026-11-03) lies after `discovered_on` (2026-11-02)"), "{late}");
    let aware = says(r#"{"breached_on":"2026-11-03","aware_at":"2026-11-02T23:30:00Z","timezone":"UTC"}"#);
    assert!(aware.contains("lies after `aware_at` (2026-11-02)"), "{aware}");
    let same = json!({"breached_on": "2026-11-03", "aware_at": "2026-11-02T23:30:00Z", "timezone": "Europe/Berlin"});
    let _the_day_is_that_of_the_organisation = facts(&same);
    let mut breach = hipaa("2026-01-15", &[("US-CA", 3)]);
    let before = due_on(&breach, "HIPAA-404");
    breach["breached_on"] = json!("1999-01-01");
    assert_eq!(due_on(&breach, "HIPAA-404"), before);
}

fn hipaa(discovered_on: &str, states: &[(&str, u64)]) -> Value {
    let affected: Vec<Value> = states
        .iter()
        .map(|(state, subjects)| json!({"jurisdiction": state, "subjects": subjects, "categories": ["health"]}))
        .collect();
    json!({"roles": ["covered_entity"], "discovered_on": discovered_on, "affected": affected, "secured": false})
}

#[test]
fn hipaa_counts_sixty_days_and_years() {
    assert_eq!(due_on(&hipaa("2026-01-15", &[("US-CA", 501)]), "HIPAA-404"), "2026-03-16");
    assert_eq!(due_on(&hipaa("2026-12-20", &[("US-CA", 501)]), "HIPAA-404"), "2027-02-18");
    for (year, due) in [("2025", "2026-03-01"), ("2026", "2027-03-01"), ("2027", "2028-02-29")] {
        assert_eq!(due_on(&hipaa(&format!("{year}-05-05"), &[("US-CA", 3)]), "HIPAA-408c"), due);
    }
}

#[test]
fn hipaa_thresholds() {
    let status = |states: &[(&str, u64)], id| answer(&hipaa("2026-01-15", states), id).status;
    let triggered =
        |states: &[(&str, u64)]| ["HIPAA-406", "HIPAA-408b", "HIPAA-408c"].map(|id| status(states, id) == Status::Due);
    assert_eq!(triggered(&[("US-CA", 499)]), [false, false, true]);
    assert_eq!(triggered(&[("US-CA", 500)]), [false, true, false]);
    assert_eq!(triggered(&[("US-CA", 501)]), [true, true, false]);
    assert_eq!(triggered(&[("US-CA", 400), ("US-NV", 400)]), [false, true, false]);
    assert_eq!(triggered(&[("US-CA", 250), ("US-CA", 251)]), [true, true, false], "entries of a State add up");
    assert_eq!(status(&[("US", 501)], "HIPAA-406"), Status::Waiting, "all of them may live in one State");
    assert_eq!(status(&[("US", 500)], "HIPAA-406"), Status::NotTriggered);
    assert_eq!(
        status(&[("US-CA", 499), ("unknown", 1)], "HIPAA-408b"),
        Status::Waiting,
        "nobody knows where one lives"
    );
    let media = answer(&hipaa("2026-01-15", &[("US-CA", 501), ("US-NV", 900), ("US-TX", 4)]), "HIPAA-406");
    assert_eq!(media.recipients_for, ["US-CA", "US-NV"]);
}

#[test]
fn appi_triggers_and_days() {
    let appi = |affected: Value, more: Value| {
        let mut facts = json!({"roles": ["pihbo"], "aware_at": "2026-04-01T10:00:00+09:00", "timezone": "Asia/Tokyo",
            "affected": affected, "secured": false, "wrongful_purpose": false, "property_damage_risk": false});
        for (name, value) in more.as_object().into_iter().flatten() {
            facts[name] = value.clone();
        }
        facts
    };
    let contacts = |subjects: u64| json!([{"jurisdiction": "JP", "subjects": subjects, "categories": ["contact"]}]);
    assert_eq!(answer(&appi(contacts(1000), json!({})), "APPI-26-pre").status, Status::NotTriggered);
    assert_eq!(answer(&appi(contacts(1001), json!({})), "APPI-26-pre").status, Status::Promptly);
    assert_eq!(due_on(&appi(contacts(1001), json!({})), "APPI-26-fin"), "2026-04-30");
    let wrongful = answer(&appi(contacts(1), json!({"wrongful_purpose": true})), "APPI-26-fin");
    assert_eq!(wrongful.due_on.map(|on| on.to_string()).as_deref(), Some("2026-05-30"));
    assert_eq!(wrongful.legal_due_on.map(|on| on.to_string()).as_deref(), Some("2026-06-01"));
    let health = json!([{"jurisdiction": "JP", "subjects": 1, "categories": ["health"]}]);
    assert_eq!(answer(&appi(health.clone(), json!({})), "APPI-26-subj").status, Status::Promptly);
    assert_eq!(answer(&appi(health, json!({"secured": true})), "APPI-26-subj").status, Status::NotTriggered);
    let unknown = answer(&appi(contacts(1001), json!({"wrongful_purpose": null})), "APPI-26-fin");
    assert_eq!((unknown.status, unknown.due_on.map(|on| on.to_string()).as_deref()), (Status::Due, Some("2026-04-30")));
    assert_eq!(unknown.questions.len(), 1, "{:?}", unknown.questions);
    assert_eq!(
        due_on(&appi(contacts(2000), json!({"aware_at": "2026-12-02T10:00:00+09:00"})), "APPI-26-fin"),
        "2026-12-31"
    );
    let new_year = answer(&appi(contacts(2000), json!({"aware_at": "2026-12-02T10:00:00+09:00"})), "APPI-26-fin");
    assert_eq!(new_year.legal_due_on.map(|on| on.to_string()).as_deref(), Some("2027-01-04"));
}

#[test]
fn trials_devices_companies_and_clinics() {
    let ctr = json!({"roles": ["sponsor"], "aware_at": "2026-02-28T23:30:00Z", "timezone": "Europe/Berlin", "serious_trial_breach": true});
    assert_eq!(due_on(&ctr, "CTR-52"), "2026-03-08", "the day is where the sponsor is");
    assert_eq!(answer(&ctr, "CTR-54").status, Status::NotTriggered);
    let device = |what: &str| json!({"roles": ["device_manufacturer"], "aware_at": "2026-02-02T12:00:00Z", "serious_device_incident": what});
    assert_eq!(
        ["serious", "death", "public_health_threat"].map(|what| due_on(&device(what), "MDR-87")),
        ["2026-02-17", "2026-02-12", "2026-02-04"]
    );
    let sec = json!({"roles": ["sec_registrant"], "material_on": "2026-11-24"});
    assert_eq!(due_on(&sec, "SEC-8K"), "2026-12-01", "Thanksgiving and a weekend lie between");
    let juneteenth = json!({"roles": ["sec_registrant"], "material_on": "2027-06-16"});
    assert_eq!(due_on(&juneteenth, "SEC-8K"), "2027-06-23", "19 June 2027 is a Saturday and kept on Friday");
    let clinic = json!({"roles": ["licensed_clinic_ca"], "aware_at": "2026-03-23T18:00:00-07:00", "timezone": "America/Los_Angeles",
        "affected": [{"jurisdiction": "US-CA", "subjects": 1}]});
    assert_eq!(due_on(&clinic, "US-state"), "2026-04-14", "31 March is a holiday there");
}

#[test]
fn unknown_facts_ask() {
    let nothing =
        json!({"roles": ["controller", "covered_entity", "sponsor", "pihbo", "essential_entity", "processor"]});
    for answer in answers(&nothing) {
        // What was not said is not: urgent measures that nobody took, an incident that nobody says goes on.
        let is_silent = ["CTR-54", "NIS2-prog"].contains(&answer.obligation);
        let expected = if is_silent { Status::NotTriggered } else { Status::Waiting };
        assert_eq!(answer.status, expected, "{}", answer.obligation);
        assert!(answer.status != Status::Waiting || !answer.questions.is_empty(), "{}", answer.obligation);
    }
    let risk = json!({"roles": ["controller"], "aware_at": "2026-01-01T00:00:00Z", "affected": [{"jurisdiction": "EU-FR", "subjects": 4}]});
    let asked = answer(&risk, "GDPR-33-1");
    assert_eq!(asked.status, Status::Waiting);
    assert_eq!(due_at(&risk, "GDPR-33-1"), "2026-01-04T00:00:00+00:00", "time runs while one is asking");
    let known =
        json!({"roles": ["controller"], "risk": "unlikely", "affected": [{"jurisdiction": "EU-FR", "subjects": 4}]});
    assert_eq!(answer(&known, "GDPR-33-1").status, Status::NotTriggered, "what is known says no already");
    let many = json!({"roles": ["covered_entity"], "discovered_on": "2026-01-15", "secured": false,
        "affected": [{"jurisdiction": "US-CA", "subjects": 600}, {"jurisdiction": "US-NV"}]});
    assert_eq!(answer(&many, "HIPAA-408b").status, Status::Due, "600 are enough, however many more there are");
    assert_eq!(answer(&many, "HIPAA-408c").status, Status::NotTriggered);
}

#[test]
fn law_enforcement_delays_and_they_end() {
    let mut facts = hipaa("2026-01-15", &[("US-CA", 501)]);
    facts["law_enforcement_delay"] = json!({"kind": "written", "stated_on": "2026-01-20", "until": "2026-05-01"});
    let tolled = answer(&facts, "HIPAA-404");
    assert_eq!(
        (tolled.status, tolled.due_on.map(|on| on.to_string()).as_deref()),
        (Status::Tolled, Some("2026-05-01"))
    );
    let options = Options { at: "2026-05-02T08:00:00Z".parse().ok(), with_proposed: false };
    let late = library().answers(&self::facts(&facts), options);
    let late = late.iter().find(|answer| answer.obligation == "HIPAA-404").expect("it is owed");
    assert_eq!((late.status, late.overdue), (Status::Due, Some(true)));
    facts["law_enforcement_delay"] = json!({"kind": "oral", "stated_on": "2026-01-20", "until": "2026-05-01"});
    let oral = answer(&facts, "HIPAA-404");
    assert_eq!(oral.tolled.map(|tolled| tolled.until.to_string()).as_deref(), Some("2026-02-19"), "30 days at most");
    assert_eq!(oral.due_on.map(|on| on.to_string()).as_deref(), Some("2026-03-16"));
    facts["law_enforcement_delay"] = json!({"kind": "written", "stated_on": "2026-01-20", "until": null});
    assert_eq!(answer(&facts, "HIPAA-404").status, Status::Waiting);
}

#[test]
fn who_asked_for_a_delay_is_kept_and_moves_no_clock() {
    let mut facts = hipaa("2026-01-15", &[("US-CA", 10)]);
    let delay = |by: &str| json!({"kind": "oral", "stated_on": "2026-01-20", "stated_by": by});
    facts["law_enforcement_delay"] = json!({"kind": "oral", "stated_on": "2026-01-20"});
    let without = serde_json::to_value(answers(&facts)).expect("answers are JSON");
    facts["law_enforcement_delay"] = delay("a special agent of a field office");
    assert_eq!(serde_json::to_value(answers(&facts)).expect("answers are JSON"), without);
    for by in [" ", &"x".repeat(501)] {
        facts["law_enforcement_delay"] = delay(by);
        let why = refused(&facts.to_string());
        assert!(why.contains("stated_by"), "{why}");
    }
}

#[test]
fn nobody_aims_for_a_day_on_which_law_enforcement_wants_silence() {
    let mut facts = hipaa("2026-01-15", &[("US-CA", 501)]);
    let target = |facts: &Value| answer(facts, "HIPAA-404").target_on.map(|on| on.to_string());
    assert_eq!(target(&facts).as_deref(), Some("2026-02-14"), "thirty days");
    facts["law_enforcement_delay"] = json!({"kind": "written", "stated_on": "2026-01-20", "until": "2026-05-01"});
    assert_eq!(target(&facts).as_deref(), Some("2026-05-01"));
    facts["law_enforcement_delay"] = json!({"kind": "oral", "stated_on": "2026-01-20", "until": null});
    assert_eq!(
        target(&facts).as_deref(),
        Some("2026-02-19"),
        "the delay ends before the deadline and after the target"
    );
    facts["law_enforcement_delay"] = json!({"kind": "written", "stated_on": "2026-01-20", "until": "2026-02-01"});
    assert_eq!(target(&facts).as_deref(), Some("2026-02-14"), "the delay ends before the target");
    facts["law_enforcement_delay"] = json!({"kind": "written", "stated_on": "2026-01-20", "until": null});
    assert_eq!(target(&facts), None, "nobody knows when it ends");
}

#[test]
fn what_waits_for_a_request_says_so_and_ends_with_a_no() {
    let nis2 = |asked: Value| json!({"roles": ["essential_entity"], "aware_at": "2026-11-02T08:00:00Z", "significant_service_incident": true, "authority_asked": asked});
    let open = answer(&nis2(Value::Null), "NIS2-int");
    assert_eq!((open.status, open.is_on_request()), (Status::Waiting, true));
    assert_eq!(open.questions[0], "Has the CSIRT or competent authority asked for an intermediate report?");
    let written = serde_json::to_value(&open).expect("an answer is JSON");
    assert_eq!(written["on_request"], json!(true));
    let closed = answer(&nis2(json!(false)), "NIS2-int");
    assert_eq!((closed.status, closed.is_on_request()), (Status::NotTriggered, false));
    assert!(closed.because.contains("`authority_asked` is false"), "{}", closed.because);
    assert_eq!(answer(&nis2(json!(true)), "NIS2-int").status, Status::Promptly, "it is asked for, whenever that was");
    assert_eq!(serde_json::to_value(&closed).expect("JSON").get("on_request"), None);
    for answer in answers(&nis2(Value::Null)) {
        assert_eq!(
            answer.is_on_request(),
            answer.obligation == "NIS2-int",
            "{}: others wait for more",
            answer.obligation
        );
    }
}

#[test]
fn what_is_not_material_or_no_data_of_nih_is_not_owed() {
    let facts = |material: Value, involved: Value| json!({"roles": ["sec_registrant", "nih_approved_user"], "aware_at": "2026-11-02T08:00:00Z", "material": material, "nih_data_involved": involved});
    let status = |facts: &Value| ["SEC-8K", "NIH-GDS"].map(|id| answer(facts, id).status);
    let unknown = facts(Value::Null, Value::Null);
    assert_eq!(status(&unknown), [Status::Waiting, Status::Waiting]);
    assert_eq!(due_at(&unknown, "NIH-GDS"), "2026-11-03T08:00:00+00:00", "time runs while one is asking");
    assert!(answer(&unknown, "SEC-8K").questions[0].starts_with("Is the incident material"));
    assert_eq!(status(&facts(json!(false), json!(false))), [Status::NotTriggered, Status::NotTriggered]);
    assert_eq!(status(&facts(json!(true), json!(true))), [Status::Waiting, Status::Due]);
}

#[test]
fn each_step_of_the_cra_is_met_by_its_own_notice() {
    let mut cra = json!({"roles": ["product_manufacturer"], "aware_at": "2026-11-02T08:00:00Z", "timezone": "Europe/Berlin",
        "exploited_vulnerability": true, "severe_product_incident": true,
        "notifications": [{"obligation": "CRA-14", "submitted_at": "2026-11-02T20:00:00Z"}]});
    let stages = |facts: &Value| -> Vec<(String, Status, Option<String>)> {
        let told = answer(facts, "CRA-14").stages.into_iter();
        told.map(|stage| (stage.obligation, stage.status, stage.due_on.map(|on| on.to_string()))).collect()
    };
    let stage = |id: &str, status, due: Option<&str>| (id.to_owned(), status, due.map(str::to_owned));
    assert_eq!(answer(&cra, "CRA-14").status, Status::Met);
    assert_eq!(answer(&cra, "CRA-14-72").status, Status::Due, "the early warning is no notification");
    assert_eq!(
        stages(&cra),
        [
            stage("CRA-14-72", Status::Due, None),
            stage("CRA-14-vul", Status::Waiting, None),
            stage("CRA-14-inc", Status::Waiting, None)
        ]
    );
    cra["corrective_measure_on"] = json!("2026-11-15");
    cra["notifications"] = json!([{"obligation": "CRA-14-72", "submitted_at": "2026-11-04T20:00:00Z"}]);
    assert_eq!(answer(&cra, "CRA-14").status, Status::Due, "and the notification is no early warning");
    assert_eq!(
        stages(&cra),
        [
            stage("CRA-14-72", Status::Met, None),
            stage("CRA-14-vul", Status::Due, Some("2026-11-29")),
            stage("CRA-14-inc", Status::Due, Some("2026-12-04"))
        ]
    );
    cra["severe_product_incident"] = json!(false);
    assert_eq!(stages(&cra).len(), 2, "a vulnerability alone has one final report");
}

#[test]
fn gdpr_follows_an_establishment_and_one_authority_leads() {
    let mut facts = json!({"roles": ["controller", "processor"], "aware_at": "2026-11-02T08:00:00Z", "risk": "high", "secured": false,
        "affected": [{"jurisdiction": "US-CA", "subjects": 3}]});
    let silent = answer(&facts, "GDPR-33-1");
    assert_eq!(silent.status, Status::NotTriggered);
    assert!(silent.notes.iter().any(|note| note.contains("`eu_established`")), "{:?}", silent.notes);
    facts["eu_established"] = json!(false);
    assert!(answer(&facts, "GDPR-33-1").notes.is_empty(), "somebody said so");
    facts["eu_established"] = json!(true);
    let owed = answer(&facts, "GDPR-33-1");
    assert_eq!((owed.status, owed.recipients.len()), (Status::Due, 0));
    assert!(owed.questions.iter().any(|question| question.contains("main establishment")), "{:?}", owed.questions);
    assert_eq!(answer(&facts, "GDPR-33-2").status, Status::Promptly);
    facts["lead_authority"] = json!("EU-IE");
    facts["affected"] = json!([{"jurisdiction": "EU-DE", "subjects": 3}, {"jurisdiction": "EU-FR", "subjects": 3}]);
    let led = answer(&facts, "GDPR-33-1");
    assert_eq!(
        (led.recipients_for, led.recipients),
        (vec!["EU-IE".to_owned()], vec!["Data Protection Commission (EU-IE)".to_owned()])
    );
    facts["disproportionate_effort"] = json!(true);
    let public = answer(&facts, "GDPR-34-1");
    assert!(
        public.status == Status::Promptly && public.recipient.contains("public communication"),
        "{}",
        public.recipient
    );
    facts["high_risk_removed"] = json!(true);
    assert_eq!(answer(&facts, "GDPR-34-1").status, Status::NotTriggered);
    assert_eq!(answer(&facts, "GDPR-33-1").status, Status::Due, "the authority is told all the same");
}

#[test]
fn a_discovery_that_is_not_known_is_no_later_than_awareness() {
    let mut facts = hipaa("2026-01-15", &[("US-CA", 501)]);
    facts["discovered_on"] = Value::Null;
    assert_eq!(answer(&facts, "HIPAA-404").due_on, None);
    facts["aware_at"] = json!("2026-01-16T07:30:00Z");
    facts["timezone"] = json!("America/Los_Angeles");
    let bounded = answer(&facts, "HIPAA-404");
    assert_eq!(
        (bounded.status, bounded.due_on.map(|on| on.to_string()).as_deref()),
        (Status::Waiting, Some("2026-03-16"))
    );
    assert!(bounded.questions[0].starts_with("On which day was it first known"), "{:?}", bounded.questions);
    assert!(
        bounded.notes[0].contains("`discovered_on`") && bounded.notes[0].contains("`aware_at`"),
        "{:?}",
        bounded.notes
    );
}

#[test]
fn japanese_equinoxes_are_reckoned_and_those_to_come_are_told() {
    let appi = |aware_at: &str| {
        let facts = json!({"roles": ["pihbo"], "aware_at": aware_at, "timezone": "Asia/Tokyo", "secured": false, "wrongful_purpose": false,
            "property_damage_risk": false, "affected": [{"jurisdiction": "JP-13", "subjects": 1, "categories": ["health"]}]});
        answer(&facts, "APPI-26-fin")
    };
    let legal = |answer: &Answer<'_>| answer.legal_due_on.map(|on| on.to_string());
    // The thirtieth day is the spring equinox: 20 March 2026, a Friday before a weekend; 20 March 2036, a Thursday.
    let announced = appi("2026-02-19T10:00:00+09:00");
    assert_eq!(legal(&announced).as_deref(), Some("2026-03-23"));
    assert!(announced.notes.is_empty(), "{:?}", announced.notes);
    let reckoned = appi("2036-02-20T10:00:00+09:00");
    assert_eq!(
        (reckoned.due_on.map(|on| on.to_string()).as_deref(), legal(&reckoned).as_deref()),
        (Some("2036-03-20"), Some("2036-03-21"))
    );
    assert!(reckoned.notes[0].contains("2036 are not announced yet"), "{:?}", reckoned.notes);
}

#[test]
fn every_obligation_says_where_it_is_law_and_where_to_read_it() {
    for of in library().obligations() {
        assert!(of.jurisdiction.is_some(), "{}", of.id);
        assert!(of.source_url.is_some() || of.status == obligations::LawStatus::Proposed, "{}", of.id);
    }
    let place =
        |id: &str| library().obligations().iter().find(|of| of.id == id).and_then(|of| of.jurisdiction.as_deref());
    assert_eq!(
        ["GDPR-33-1", "HIPAA-404", "APPI-26-pre", "NIS2-24", "SEC-8K"].map(place),
        ["EU", "US", "JP", "EU", "US"].map(Some)
    );
    let gdpr = library().obligations().iter().find(|of| of.id == "GDPR-33-1").expect("it is there");
    assert_eq!(gdpr.extensions.len(), 2);
}

#[test]
fn secured_exempts_but_never_from_the_authority() {
    let facts = json!({"roles": ["controller", "covered_entity", "pihbo"], "aware_at": "2026-01-01T00:00:00Z", "discovered_on": "2026-01-01",
        "risk": "high", "secured": true, "affected": [{"jurisdiction": "EU-DE", "subjects": 9, "categories": ["health"]},
        {"jurisdiction": "US-CA", "subjects": 9000, "categories": ["health"]}, {"jurisdiction": "JP", "subjects": 9000, "categories": ["health"]}]});
    for answer in answers(&facts) {
        let expected = if answer.obligation == "GDPR-33-1" { Status::Due } else { Status::NotTriggered };
        assert_eq!(answer.status, expected, "{}: {}", answer.obligation, answer.because);
    }
}

#[test]
fn a_proposed_law_stands_in_when_asked_for() {
    let facts = json!({"roles": ["controller", "covered_ci_entity"], "aware_at": "2026-11-01T00:00:00Z", "risk": "risk",
        "affected": [{"jurisdiction": "EU-IE", "subjects": 1}]});
    let with = library().answers(&self::facts(&facts), Options { at: None, with_proposed: true });
    let gdpr = with.iter().find(|answer| answer.obligation == "GDPR-33-1").expect("it is there");
    assert_eq!(gdpr.status, Status::NotTriggered, "only high risk would be notified");
    assert!(with.iter().any(|answer| answer.obligation == "CIRCIA-72"));
    assert!(answers(&facts).iter().all(|answer| !answer.obligation.starts_with("CIRCIA")), "it is no law yet");
}

#[test]
fn contracts_and_changes_of_law_are_data() {
    let contract = r#"
regime = "contract"
name = "Contracts"
[[obligation]]
id = "MSA-7.2"
title = "Tell the sponsor"
citation = "Master services agreement 7.2"
says = "A security incident is told within 24 hours."
roles = ["processor"]
when = "always"
start = ["aware_at"]
period = { hours = 24 }
recipient = "sponsor"
from = 2020-01-01
to = 2026-06-30
text_version = 2020-01-01
checked = 2026-11-29
confidence = "user"
[[obligation]]
id = "MSA-7.2"
title = "Tell the sponsor"
citation = "Master services agreement 7.2, first amendment"
says = "A security incident is told within 12 hours."
roles = ["processor"]
when = "always"
start = ["aware_at"]
period = { hours = 12 }
recipient = "sponsor"
from = 2026-07-01
text_version = 2026-07-01
checked = 2026-11-29
confidence = "user"
"#;
    let library = library().with(&[("ours.toml", contract)]).expect("it is well formed");
    let due = |aware_at: &str| {
        let facts = json!({"roles": ["processor"], "aware_at": aware_at}).to_string();
        let facts = Facts::from_json(facts.as_bytes(), library.vocabulary()).expect("facts");
        let answers = library.answers(&facts, Options::default());
        answers
            .iter()
            .find(|answer| answer.obligation == "MSA-7.2")
            .and_then(|answer| answer.due_at)
            .map(|at| at.to_string())
    };
    assert_eq!(due("2026-06-30T12:00:00Z").as_deref(), Some("2026-07-01T12:00:00+00:00"), "by the text of that day");
    assert_eq!(due("2026-07-01T12:00:00Z").as_deref(), Some("2026-07-02T00:00:00+00:00"));
    for (from, to, says) in [
        ("hours = 24", "hours = -1", "no length of a period"),
        ("when = \"always\"", "when = \"alwys\"", "there is no fact `alwys`"),
        ("roles = [\"processor\"]", "roles = [\"procesor\"]", "there is no role `procesor`"),
        ("to = 2026-06-30", "to = 2026-07-30", "two versions hold on 2026-07-01"),
        ("start = [\"aware_at\"]", "start = [\"secured\"]", "`secured` is no time"),
        ("period = { hours = 24 }", "period = \"soon\"", "`soon` is no period"),
    ] {
        let broken = contract.replacen(from, to, 1);
        let why = self::library().with(&[("ours.toml", &broken)]).expect_err(says).to_string();
        assert!(why.contains(says) && why.contains("MSA-7.2"), "{why}");
    }
}

#[test]
fn bad_facts_are_told_with_place() {
    for (text, says) in [
        ("{", "EOF"),
        ("[]", "an object of facts"),
        (r#"{"roles":["controler"]}"#, "there is no role `controler`"),
        (r#"{"aware_at":"2026-03-27T22:30:00"}"#, "no time with offset"),
        (r#"{"aware_at":"yesterday"}"#, "no time with offset"),
        (r#"{"discovered_on":"2026-02-30"}"#, "no day"),
        (r#"{"discovered_on":"1815-06-18"}"#, "outside the years"),
        (r#"{"timezone":"Europe/Atlantis"}"#, "no time zone"),
        (r#"{"affected":[{"jurisdiction":"Germany","subjects":1}]}"#, "no jurisdiction"),
        (r#"{"affected":[{"jurisdiction":"EU-DE","subjects":-1}]}"#, "line 1"),
        (r#"{"risk":"medium"}"#, "unlikely, risk, high"),
        (r#"{"aware_at":7}"#, "`aware_at` has to be a time with offset"),
        (r#"{"secured":[true]}"#, "`secured` has to be `true`, `false` or `null`"),
        (r#"{"secured":"no"}"#, "`true`, `false` or `null`"),
        (r#"{"secured":true,"secured":false}"#, "given twice"),
        (
            r#"{"law_enforcement_delay":{"kind":"oral","stated_on":"2026-02-01","until":"2026-01-01"}}"#,
            "ends before it was stated",
        ),
    ] {
        let why = refused(text);
        assert!(why.contains(says), "{text}: {why}");
    }
    let strange =
        facts(&json!({"note": 1, "affected": [{"jurisdiction": "JP", "subjects": 1, "categories": ["shoes"]}]}));
    assert_eq!(strange.strange, ["fact `note`", "category `shoes`"], "what means nothing is told");
    let empty = facts(&json!({"affected": [], "roles": ["controller"], "risk": "high"}));
    assert_eq!(library().answers(&empty, Options::default())[0].status, Status::NotTriggered, "nobody is nobody");
}

#[test]
fn every_answer_says_why() {
    let facts = json!({"roles": ["controller"], "aware_at": "2026-01-01T00:00:00Z", "risk": "high", "secured": false,
        "affected": [{"jurisdiction": "EU-FR", "subjects": 4}, {"jurisdiction": "EU-DE", "subjects": 1}]});
    let answer = answer(&facts, "GDPR-33-1");
    assert!(
        answer.because.starts_with("as controller; 5 people in EU; `risk` is `high`. Reg. (EU) 2016/679 Art. 33(1): "),
        "{}",
        answer.because
    );
    assert_eq!(answer.recipients.len(), 2);
    assert!(answer.recipients[1].starts_with("Commission nationale"), "{:?}", answer.recipients);
}

fn any_facts() -> impl Strategy<Value = Value> {
    let flag = || prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)];
    let jurisdiction = prop_oneof![Just("EU-DE"), Just("EU-FR"), Just("US-CA"), Just("US"), Just("JP"), Just("CH")];
    let subjects = prop_oneof![Just(Value::Null), (0_u64..2_000).prop_map(Value::from)];
    let entry = (jurisdiction, subjects).prop_map(|(jurisdiction, subjects)| {
        json!({"jurisdiction": jurisdiction, "subjects": subjects, "categories": ["health"]})
    });
    let affected = prop_oneof![Just(Value::Null), prop::collection::vec(entry, 0..4).prop_map(Value::from)];
    let risk = prop_oneof![Just(Value::Null), Just(json!("unlikely")), Just(json!("risk")), Just(json!("high"))];
    (affected, risk, flag(), flag(), flag(), flag()).prop_map(|(affected, risk, secured, wrongful, damage, service)| {
        json!({"roles": ["controller", "processor", "covered_entity", "business_associate", "pihbo", "essential_entity"],
            "aware_at": "2026-01-01T00:00:00Z", "discovered_on": "2026-01-01", "affected": affected, "risk": risk, "secured": secured,
            "wrongful_purpose": wrongful, "property_damage_risk": damage, "significant_service_incident": service,
            "low_probability_of_compromise": false})
    })
}

/// Every way to answer what `facts` leaves unknown, as far as flags, the risk and counts go.
fn completions(facts: &Value) -> Vec<Value> {
    let mut all = vec![facts.clone()];
    let mut fill = |name: &str, values: &[Value]| {
        if facts[name].is_null() {
            all = all
                .iter()
                .flat_map(|one| {
                    values.iter().map(|value| {
                        let mut filled = one.clone();
                        filled[name] = value.clone();
                        filled
                    })
                })
                .collect();
        }
    };
    for flag in ["secured", "wrongful_purpose", "property_damage_risk", "significant_service_incident"] {
        fill(flag, &[json!(true), json!(false)]);
    }
    fill("risk", &[json!("unlikely"), json!("risk"), json!("high")]);
    let one = |place: &str| json!([{"jurisdiction": place, "subjects": 700, "categories": ["health"]}]);
    fill("affected", &[json!([]), one("EU-DE"), one("US-CA"), one("JP")]);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What is settled while facts are unknown stays so, whatever the answers turn out to be.
    #[test]
    fn what_is_settled_stays_settled(facts in any_facts()) {
        let before = answers(&facts);
        for filled in completions(&facts) {
            let after = answers(&filled);
            for (one, other) in before.iter().zip(&after) {
                proptest::prop_assert_eq!(one.obligation, other.obligation);
                let is_count_unknown = facts["affected"].as_array().is_some_and(|all| all.iter().any(|of| of["subjects"].is_null()));
                if one.status != Status::Waiting && !is_count_unknown {
                    proptest::prop_assert_eq!(one.status, other.status, "{}: {} became {}", one.obligation, facts, filled);
                }
            }
        }
    }

    /// Bytes that are no facts are refused, never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Facts::from_json(&bytes, library().vocabulary());
    }
}
