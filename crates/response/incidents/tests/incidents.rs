//! Incidents from being opened to being closed, over a real store, a record that remembers, and keys that can be told apart.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use incidents::brief::{self, Brief};
use incidents::case::{Reader, What};
use incidents::desk::{Desk, DeskError, NewIncident};
use incidents::drafts::{self, LANGUAGES};
use incidents::report::Report;
use model::event::{Actor, Origin};
use model::{
    Answer, By, Envelope, EnvelopeError, Event, IncidentState, PrincipalId, PrincipalKind, Receipt, Record,
    RecordError, Scope, Severity,
};
use playbooks::Role;
use serde_json::{Map, Value, json};
use store::Store;

#[derive(Default)]
struct Remembers(Mutex<Vec<Event>>);

impl Record for Remembers {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        let mut all = self.0.lock().expect("nobody panics");
        all.push(event);
        let index = all.len() as u64;
        Box::pin(async move { Ok(Receipt { index }) })
    }
}

/// Seals by writing scope and context before the text.
struct Plainly;

impl Envelope for Plainly {
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        let mut sealed = format!("{scope}|{}|", String::from_utf8_lossy(context)).into_bytes();
        sealed.extend(plain);
        Box::pin(async move { Ok(sealed) })
    }

    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        let head = format!("{scope}|{}|", String::from_utf8_lossy(context)).into_bytes();
        let opened = sealed.strip_prefix(head.as_slice()).map(<[u8]>::to_vec);
        Box::pin(async move { opened.ok_or_else(|| EnvelopeError::Altered { scope: scope.clone() }) })
    }
}

fn by(person: u8, now_ms: i64) -> By {
    let actor = Actor { id: PrincipalId::from_bytes([person; 16]), kind: PrincipalKind::Person, credential: None };
    By { actor, origin: Origin { through: "cli".into(), ..Origin::default() }, now_ms }
}

async fn desk(folder: &tempfile::TempDir) -> (Desk, Arc<Remembers>) {
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.expect("a store");
    let record = Arc::new(Remembers::default());
    (Desk::new(store, Arc::<Remembers>::clone(&record), Arc::new(Plainly)), record)
}

fn new(title: &str) -> NewIncident {
    let study = "onc-201".parse().ok();
    NewIncident {
        title: title.to_owned(),
        severity: Severity::High,
        finding: Some(3),
        study,
        exercise: false,
        uid: [7; 16],
    }
}

fn facts(set: Value, was: Value) -> What {
    let map = |value: Value| value.as_object().cloned().unwrap_or_else(Map::new);
    What::Facts { set: map(set), was: map(was) }
}

#[tokio::test]
async fn a_changed_fact_issues_clocks_anew_and_keeps_those_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record) = desk(&folder).await;
    let id = desk.open(new("Lost laptop"), &by(1, 1_000)).await.expect("it opens");
    let first = facts(
        json!({"roles": ["controller"], "aware_at": "2026-11-01T00:00:00Z", "risk": "risk",
        "affected": [{"jurisdiction": "EU-DE", "subjects": 4, "categories": ["health"]}]}),
        json!({}),
    );
    let (row, case) = desk.add(id, first, &by(1, 2_000)).await.expect("facts");
    assert_eq!(case.clocks["GDPR-33-1"]["due_at"], "2026-11-04T00:00:00+00:00");
    assert_eq!(row.due_at, Some("2026-11-04T00:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond()));
    let later = facts(json!({"aware_at": "2026-11-02T00:00:00Z"}), json!({"aware_at": "2026-11-01T00:00:00Z"}));
    let (_, case) = desk.add(id, later, &by(2, 3_000)).await.expect("facts");
    assert_eq!(case.clocks["GDPR-33-1"]["due_at"], "2026-11-05T00:00:00+00:00");
    let issued: Vec<&Value> = case
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Clocks { issued } => issued.iter().find(|clock| clock["obligation"] == "GDPR-33-1"),
            _ => None,
        })
        .collect();
    assert_eq!(issued.len(), 2, "the clock that was issued first is still there");
    let stale = facts(json!({"aware_at": "2026-11-03T00:00:00Z"}), json!({"aware_at": "2026-11-01T00:00:00Z"}));
    let refused = desk.add(id, stale, &by(1, 4_000)).await.expect_err("somebody changed it meanwhile").to_string();
    assert!(refused.contains("somebody else changed `aware_at`"), "{refused}");
    let wrong = facts(json!({"risk": "medium"}), json!({"risk": "risk"}));
    assert!(
        desk.add(id, wrong, &by(1, 4_000))
            .await
            .expect_err("no such risk")
            .to_string()
            .contains("unlikely, risk, high")
    );
    let (_, case) = desk
        .add(id, facts(json!({"roles": ["sponsor"]}), json!({"roles": ["controller"]})), &by(1, 5_000))
        .await
        .expect("facts");
    assert_eq!(case.clocks["GDPR-33-1"]["status"], "not_triggered", "what no longer runs is told");
    let events = record.0.lock().expect("nobody panics");
    assert!(
        events.iter().all(|event| event.resource.entity.as_deref() == Some(&*format!("incident:{}", "07".repeat(16))))
    );
    let told = serde_json::to_string(&*events).expect("events are JSON");
    assert!(!told.contains("Lost laptop"), "what people wrote is sealed: {told}");
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("clocks")));
}

#[tokio::test]
async fn a_notice_is_drafted_approved_sent_and_met_and_then_the_case_may_close() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    let id = desk.open(new("Bucket exposed"), &by(1, 1_000)).await.expect("it opens");
    let set = json!({"roles": ["controller"], "aware_at": "2026-11-01T00:00:00Z", "risk": "risk",
        "what_happened": "A bucket could be read by anybody.", "affected": [{"jurisdiction": "EU-FR", "subjects": 12, "categories": ["health"]}]});
    let (_, case) = desk.add(id, facts(set, json!({})), &by(1, 2_000)).await.expect("facts");
    let closing = || What::Moved { state: IncidentState::Closed, reason: "done".to_owned() };
    let refused = desk.add(id, closing(), &by(1, 2_500)).await.expect_err("a clock runs").to_string();
    assert!(refused.contains("clocks still run: GDPR-33-1"), "{refused}");
    let library = obligations::shipped().expect("the library");
    let of = &Brief::from(library.obligations().iter().find(|one| one.id == "GDPR-33-1").expect("it is there"));
    for language in LANGUAGES {
        let draft = drafts::draft(of, &case.facts, &["CNIL (EU-FR)".to_owned()], "INC-1", language).expect(language);
        assert!(
            draft.text.contains("A bucket could be read by anybody.") && draft.text.contains("Art. 33(1)"),
            "{}",
            draft.text
        );
        assert!(draft.text.contains("12"), "{}", draft.text);
        let unsaid: Vec<&str> = draft.checked.iter().filter(|one| !one.is_said).map(|one| one.id.as_str()).collect();
        assert_eq!(unsaid, ["contact", "consequences", "measures"], "{language}");
        assert!(!draft.is_complete());
        let said = |text: &str| -> Vec<bool> {
            drafts::check(of, text, language).expect(language).iter().map(|one| one.is_said).collect()
        };
        let told: Vec<bool> = draft.checked.iter().map(|one| one.is_said).collect();
        assert_eq!(said(&draft.text), told, "{language}: the text says what the facts said\n{}", draft.text);
        assert!(said("Somebody wrote something else.").iter().all(|is_said| !is_said));
    }
    let approve = || What::Approved { obligation: "GDPR-33-1".to_owned(), language: "fr".to_owned(), sha256: None };
    assert!(desk.add(id, approve(), &by(2, 3_000)).await.is_err(), "there is no draft yet");
    let text = What::Draft {
        obligation: "GDPR-33-1".to_owned(),
        language: "fr".to_owned(),
        text: "Nous vous notifions.".to_owned(),
        by_hand: true,
        was: None,
    };
    desk.add(id, text, &by(1, 3_100)).await.expect("a draft");
    let (_, case) = desk.add(id, approve(), &by(2, 3_200)).await.expect("approved");
    assert_eq!(case.notice("GDPR-33-1", "fr").and_then(|notice| notice.approved_by.clone()), Some("02".repeat(16)));
    let sent = What::Sent {
        obligation: "GDPR-33-1".to_owned(),
        at: "2026-11-02T09:00:00Z".to_owned(),
        how: "portal, ref 77".to_owned(),
        sending: None,
    };
    let (row, case) = desk.add(id, sent, &by(1, 3_300)).await.expect("sent");
    assert_eq!((case.clocks["GDPR-33-1"]["status"].as_str(), row.due_at), (Some("met"), None));
    let contain = |on| What::Containment {
        kind: "principal".to_owned(),
        target: "jane".to_owned(),
        on,
        until: None,
        members: Vec::new(),
    };
    desk.add(id, contain(true), &by(1, 3_400)).await.expect("contained");
    assert!(
        desk.add(id, closing(), &by(1, 3_500)).await.expect_err("contained").to_string().contains("still contained")
    );
    desk.add(id, contain(false), &by(1, 3_600)).await.expect("released");
    let (row, _) = desk.add(id, closing(), &by(1, 3_700)).await.expect("it closes");
    assert_eq!(row.state, IncidentState::Closed);
    let note = |text: &str| What::Note { text: text.to_owned(), privileged: false };
    let task = What::Task { text: "late".to_owned(), role: Role::It, due_at: None };
    assert!(desk.add(id, task, &by(1, 3_800)).await.expect_err("closed").to_string().contains("closed"));
    desk.add(id, note("a word afterwards"), &by(1, 3_900)).await.expect("notes go on");
}

#[tokio::test]
async fn several_people_at_once_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    let desk = Arc::new(desk);
    let id = desk.open(new("Ransomware"), &by(1, 1_000)).await.expect("it opens");
    let adding = (0..20_u8).map(|person| {
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let note = What::Note { text: format!("seen by {person}"), privileged: person % 2 == 0 };
            desk.add(id, note, &by(person, 2_000)).await.map(|_| ())
        })
    });
    for one in adding.collect::<Vec<_>>() {
        one.await.expect("no panic").expect("it is added");
    }
    let (row, case) = desk.case(id).await.expect("it is there");
    assert_eq!((row.version, case.entries.len()), (21, 21));
    assert!(case.entries.iter().zip(1..).all(|(entry, number)| entry.number == number));
}

/// A principal that roles can be given to by name.
async fn named(store: &Store, person: u8, name: &str) {
    let principal = store::principals::Principal {
        id: PrincipalId::from_bytes([person; 16]),
        kind: PrincipalKind::Person,
        name: name.to_owned(),
        user_id: None,
        organisation: None,
        training_until: None,
        agreement_until: None,
        contained_at: None,
        created_at: 1,
        disabled_at: None,
    };
    store::principals::create(store, &principal).await.expect("a principal");
}

#[tokio::test]
async fn a_notice_is_approved_by_who_answers_for_it_or_else_by_somebody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.expect("a store");
    for (person, name) in [(1, "Ada"), (2, "Ben"), (3, "Cleo")] {
        named(&store, person, name).await;
    }
    let desk = Desk::new(store, Arc::new(Remembers::default()), Arc::new(Plainly));
    let id = desk.open(new("Bucket exposed"), &by(1, 1_000)).await.expect("it opens");
    let (obligation, language) = ("GDPR-33-1".to_owned(), "en".to_owned());
    let draft = |text: &str| What::Draft {
        obligation: obligation.clone(),
        language: language.clone(),
        text: text.to_owned(),
        by_hand: true,
        was: None,
    };
    let approve = || What::Approved { obligation: obligation.clone(), language: language.clone(), sha256: None };
    desk.add(id, draft("one"), &by(1, 2_000)).await.expect("a draft");
    let refused = desk.add(id, approve(), &by(1, 2_100)).await.expect_err("their own").to_string();
    assert!(refused.contains("whoever wrote a draft cannot approve it"), "{refused}");
    desk.add(id, approve(), &by(2, 2_200)).await.expect("nobody has a role: anybody else");
    let takes = |role, name: &str| What::Takes { role, name: name.to_owned() };
    desk.add(id, takes(Role::It, "Ben"), &by(1, 2_300)).await.expect("a role");
    desk.add(id, draft("two"), &by(1, 2_400)).await.expect("a draft");
    desk.add(id, takes(Role::Privacy, " cleo "), &by(1, 2_500)).await.expect("a role");
    let refused = desk.add(id, approve(), &by(2, 2_600)).await.expect_err("another role").to_string();
    assert!(refused.contains(" cleo  (privacy)") && refused.contains("ask one of them"), "{refused}");
    let (_, case) = desk.add(id, approve(), &by(3, 2_700)).await.expect("who answers for privacy");
    assert_eq!(case.notice("GDPR-33-1", "en").and_then(|one| one.approved_by.clone()), Some("03".repeat(16)));
    desk.add(id, draft("three"), &by(3, 2_800)).await.expect("a draft");
    desk.add(id, approve(), &by(3, 2_900)).await.expect("the role is enough, also for who wrote it");
    assert!(desk.case(id).await.is_ok(), "and it is read back");
}

#[tokio::test]
async fn privileged_notes_are_for_their_author_and_for_counsel() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record) = desk(&folder).await;
    let id = desk.open(new("Lost laptop"), &by(1, 1_000)).await.expect("it opens");
    let note = |text: &str| What::Note { text: text.to_owned(), privileged: true };
    let takes = |role, name: &str| What::Takes { role, name: name.to_owned() };
    desk.add(id, note("Our exposure is grave"), &by(1, 2_000)).await.expect("a note");
    desk.add(id, takes(Role::Legal, "Counsel"), &by(1, 2_100)).await.expect("a role");
    desk.add(id, takes(Role::Commander, "Boss"), &by(4, 2_200)).await.expect("a role, by themselves");
    desk.add(id, takes(Role::Privacy, "Dana"), &by(1, 2_300)).await.expect("a role");
    let (_, case) = desk.add(id, note("And graver"), &by(2, 2_400)).await.expect("a note");
    let reader = |person: u8, name: &str| Reader {
        id: by(person, 0).actor.id.to_string(),
        name: name.to_owned(),
        is_administrator: false,
    };
    let read = |of: &Reader| -> Vec<bool> {
        let notes = case.entries.iter().filter(|entry| matches!(entry.what, What::Note { .. }));
        notes.map(|entry| case.may_read(entry, of)).collect()
    };
    for (who, may) in [
        (reader(1, "Ada"), [true, false]),
        (reader(2, "Ben"), [false, true]),
        (reader(3, "counsel"), [true, true]),
        (reader(4, "Boss"), [false, true]),
        (reader(5, "Dana"), [false, false]),
        (Reader::default(), [false, false]),
    ] {
        assert_eq!(read(&who), may, "{who:?}; who took the role by themselves reads what came after it");
    }
    assert!(
        case.entries
            .iter()
            .filter(|entry| !matches!(entry.what, What::Note { .. }))
            .all(|entry| case.may_read(entry, &reader(5, "")))
    );
    let told: Vec<Value> = case.entries.iter().map(|entry| entry.what.told()).collect();
    let told = Value::Array(told).to_string();
    assert!(!told.contains("grave") && told.contains("\"sha256\""), "{told}");
    let details: Vec<String> = {
        let events = record.0.lock().expect("nobody panics");
        events.iter().flat_map(|event| event.details.iter().map(|detail| detail.value.clone())).collect()
    };
    assert!(details.iter().all(|detail| !detail.contains("grave")), "the record has its digest: {details:?}");
    let mut report = Report::of(&case, 9_000);
    let text = report.markdown(1, &|_| None);
    assert!(!text.contains("grave") && text.contains("2 privileged notes are left out"), "{text}");
    report.tell_privileged(&case);
    assert!(report.markdown(1, &|_| None).contains("Our exposure is grave"));
}

#[tokio::test]
async fn a_breach_is_not_after_its_discovery() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    let id = desk.open(new("Lost laptop"), &by(1, 1_000)).await.expect("it opens");
    let set = json!({"timezone": "Europe/Berlin", "aware_at": "2026-11-01T23:30:00Z", "breached_on": "2026-11-02"});
    let (_, case) = desk.add(id, facts(set, json!({})), &by(1, 2_000)).await.expect("the day is Berlin's");
    let begun = "2026-11-01T23:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond();
    assert_eq!(case.breach_began_at(), Some(begun));
    let later = facts(json!({"breached_on": "2026-11-03"}), json!({"breached_on": "2026-11-02"}));
    let refused = desk.add(id, later, &by(1, 3_000)).await.expect_err("a contradiction").to_string();
    assert!(refused.contains("`breached_on` (2026-11-03) lies after `aware_at` (2026-11-02)"), "{refused}");
    let found = facts(json!({"discovered_on": "2026-11-01"}), json!({}));
    let refused = desk.add(id, found, &by(1, 3_000)).await.expect_err("a contradiction").to_string();
    assert!(refused.contains("lies after `discovered_on`"), "{refused}");
    let library = obligations::shipped().expect("the library");
    let of = &Brief::from(library.obligations().iter().find(|one| one.id == "HIPAA-408c").expect("it is there"));
    let mut known = case.facts.clone();
    known.insert("what_happened".to_owned(), json!("A laptop was lost."));
    for (language, word) in [("en", "Happened or began on: 2026-11-02"), ("ja", "発生日: 2026-11-02")] {
        let draft = drafts::draft(of, &known, &[], "INC-1", language).expect(language);
        assert!(draft.text.contains(word), "{}", draft.text);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    assert!(desk.open(new("  "), &by(1, 1_000)).await.is_err());
    let id = desk.open(new("Test"), &by(1, 1_000)).await.expect("it opens");
    let done = |task| What::TaskDone { task, text: String::new() };
    let evidence = |sha256: &str| What::Evidence {
        text: "disk image".to_owned(),
        sha256: sha256.to_owned(),
        from: "IT".to_owned(),
    };
    let empty = What::Note { text: " ".to_owned(), privileged: false };
    let long = What::Note { text: "x".repeat(8_001), privileged: false };
    for (what, says) in [
        (done(9), "there is no task 9"),
        (evidence("abc"), "64 hexadecimal digits"),
        (empty, "the text is empty"),
        (long, "more than 8000 characters"),
        (facts(json!({}), json!({})), "no fact changes"),
        (facts(json!({"shoe_size": 4}), json!({})), "means nothing here"),
        (What::Moved { state: IncidentState::Open, reason: "x".to_owned() }, "open already"),
    ] {
        let why = desk.add(id, what, &by(1, 2_000)).await.expect_err(says).to_string();
        assert!(why.contains(says), "{why}");
    }
    assert!(matches!(desk.case(id + 1).await, Err(DeskError::Missing(_))));
    let task = What::Task { text: "pull the plug".to_owned(), role: Role::It, due_at: Some(9_000) };
    let (_, case) = desk.add(id, task, &by(1, 3_000)).await.expect("a task");
    let due = |task, due_at| What::TaskDue { task, due_at };
    let (_, case) = desk.add(id, due(case.tasks[0].number, Some(12_000)), &by(2, 3_500)).await.expect("another time");
    assert_eq!(case.tasks[0].due_at, Some(12_000));
    assert!(desk.add(id, due(99, None), &by(2, 3_600)).await.expect_err("no task").to_string().contains("no task 99"));
    let (_, case) = desk.add(id, done(case.tasks[0].number), &by(2, 4_000)).await.expect("done");
    assert!(case.tasks[0].done.is_some());
    assert!(
        desk.add(id, done(case.tasks[0].number), &by(2, 5_000))
            .await
            .expect_err("twice")
            .to_string()
            .contains("done already")
    );
}

#[test]
fn every_obligation_can_be_drafted_in_every_language() {
    let library = obligations::shipped().expect("the library");
    let set = json!({"organisation": "Test Hospital", "what_happened": "a", "cause": "b", "likely_consequences": "c", "measures_taken": "d", "steps_for_people": "e",
        "contact_point": "f", "cross_border_effect": "g", "indicators_of_compromise": "h", "suspected_acts": "i", "response_to_people": "j",
        "publication": "k", "other_matters": "l", "instructions_for_staff": "m", "spokesperson": "n", "secured": true,
        "affected": [{"jurisdiction": "JP", "subjects": null, "categories": ["health"]}]});
    let briefs = library.obligations().iter().map(Brief::from).chain(brief::statements().expect("the statements"));
    for of in briefs {
        for language in LANGUAGES {
            let complete =
                drafts::draft(&of, set.as_object().expect("an object"), &[], "INC-1", language).expect(language);
            assert!(complete.is_complete(), "{} {language}: {:?}", of.id, complete.checked);
            let subject = drafts::subject(&of, "INC-1", language).expect(language);
            assert!(subject.len() > of.id.len() + 12, "{subject}");
            assert!(
                complete.text.lines().filter(|line| !line.is_empty()).count() >= 6 + 2 * of.contents.len(),
                "{}",
                complete.text
            );
            let empty = drafts::draft(&of, &Map::new(), &[], "INC-1", language).expect(language);
            assert!(
                empty
                    .checked
                    .iter()
                    .all(|one| !one.is_said && one.question.as_ref().is_some_and(|text| text.len() > 10)),
                "{} {:?}",
                of.id,
                empty.checked
            );
        }
    }
    assert!(drafts::draft(&Brief::from(&library.obligations()[0]), &Map::new(), &[], "INC-1", "la").is_err());
}

#[tokio::test]
async fn a_statement_is_told_and_starts_no_clock() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    let id = desk.open(new("Ransomware on a LIMS"), &by(1, 1_000)).await.expect("it opens");
    let set = json!({"what_happened": "A laboratory system stands still.", "spokesperson": "The press office."});
    let (_, case) = desk.add(id, facts(set, json!({})), &by(1, 2_000)).await.expect("facts");
    let library = obligations::shipped().expect("the library");
    let of = brief::brief_of(&case, library, "STAFF").expect("a statement");
    assert_eq!((of.audience.as_str(), of.citation), ("staff", None));
    let drafted = drafts::draft(&of, &case.facts, &[], "INC-1", "de").expect("a draft");
    assert!(drafted.text.contains("A laboratory system stands still.") && drafted.text.contains("The press office."));
    assert!(!drafted.text.contains("Rechtsgrundlage"), "no law asks for it: {}", drafted.text);
    let unsaid: Vec<&str> = drafted.checked.iter().filter(|one| !one.is_said).map(|one| one.id.as_str()).collect();
    assert_eq!(unsaid, ["measures", "staff_steps", "contact"]);
    let (obligation, language) = ("STAFF".to_owned(), "de".to_owned());
    let draft = What::Draft { obligation, language, text: drafted.text, by_hand: false, was: None };
    desk.add(id, draft, &by(1, 3_000)).await.expect("drafted");
    let at = "2026-11-02T09:00:00+01:00".to_owned();
    let sent =
        What::Sent { obligation: "STAFF".to_owned(), at: at.clone(), how: "on the intranet".to_owned(), sending: None };
    let (_, told) = desk.add(id, sent, &by(1, 4_000)).await.expect("told");
    assert_eq!(told.clocks, case.clocks);
    assert!(!told.facts.contains_key("notifications"), "facts are what laws ask about: {:?}", told.facts);
    let nowhere = What::Sent { obligation: "CAFETERIA".to_owned(), at, how: "by hand".to_owned(), sending: None };
    let refused = desk.add(id, nowhere, &by(1, 5_000)).await.expect_err("no such thing").to_string();
    assert!(refused.contains("there is no obligation `CAFETERIA`"), "{refused}");
}

#[tokio::test]
async fn an_incident_is_judged_by_the_text_of_its_time() {
    let clause = |from: &str, to: &str, title: &str| {
        format!(
            "[[obligation]]\nid = \"MSA-7\"\ntitle = \"{title}\"\ncitation = \"7\"\nsays = \"\"\nroles = [\"processor\"]\nwhen = \"always\"\n\
             start = [\"aware_at\"]\nperiod = \"promptly\"\nrecipient = \"partner\"\nfrom = {from}\n{to}text_version = {from}\nchecked = {from}\n\
             confidence = \"user\"\n"
        )
    };
    let (first, second) =
        (clause("2024-01-01", "to = 2025-12-31\n", "first"), clause("2026-01-01", "to = 2026-06-30\n", "second"));
    let contract = format!("regime = \"contract\"\nname = \"Contracts\"\n{first}{second}");
    let library =
        obligations::shipped().expect("the library").with(&[("contract.toml", &contract)]).expect("a library");
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _) = desk(&folder).await;
    for (uid, aware_at, judged_by) in [
        (1, "2025-11-01T00:00:00Z", Some("first")),
        (2, "2026-02-01T00:00:00Z", Some("second")),
        (3, "2026-07-01T00:00:00Z", None),
    ] {
        let id = desk.open(NewIncident { uid: [uid; 16], ..new("Test") }, &by(1, 1_000)).await.expect("it opens");
        let (_, case) =
            desk.add(id, facts(json!({"aware_at": aware_at}), json!({})), &by(1, 2_000)).await.expect("a fact");
        let of = case.judged_by(&library, "MSA-7");
        assert_eq!(of.as_ref().ok().map(|of| of.title.as_str()), judged_by, "{aware_at}");
        assert!(of.is_ok() || of.is_err_and(|why| why.to_string().contains("there is no obligation `MSA-7`")));
    }
}
