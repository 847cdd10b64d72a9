//! Playbooks and letters as entries: a run is the same however often it is read, what does not fit is neither recorded nor kept, and two
//! people agree to letters.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use incidents::case::{InPlace, What};
use incidents::desk::{Desk, NewIncident};
use incidents::report::Report;
use model::event::{Actor, Origin};
use model::{
    Answer, By, Envelope, EnvelopeError, Event, PrincipalId, PrincipalKind, Receipt, Record, RecordError, Scope,
    Severity,
};
use playbooks::{Input, Role, State, shipped};
use store::Store;

const MINUTE: i64 = 60_000;

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

/// Seals by writing scope and context before the text, at most 64 KiB as the vault does.
struct Plainly;

impl Envelope for Plainly {
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        assert!(plain.len() <= 64 << 10, "an envelope takes no more");
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

async fn desk(folder: &tempfile::TempDir, exercise: bool) -> (Desk, Arc<Remembers>, u32) {
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.expect("a store");
    let record = Arc::new(Remembers::default());
    let desk = Desk::new(store, Arc::<Remembers>::clone(&record), Arc::new(Plainly));
    let new = NewIncident {
        title: "A key".to_owned(),
        severity: Severity::High,
        finding: None,
        study: None,
        exercise,
        uid: [7; 16],
    };
    let id = desk.open(new, &by(1, 1_000)).await.expect("it opens");
    (desk, record, id)
}

fn begun() -> What {
    let book = playbooks::named("stolen-access-key").expect("it is shipped");
    let mut books = vec![book.source().clone()];
    books.extend(shipped().iter().filter(|one| one.id != book.id).map(|one| one.source().clone()));
    let values = [("what", "LZR1"), ("principal", "ada"), ("study", "onc-201")];
    What::Run {
        playbook: "stolen-access-key".to_owned(),
        sha256: Vec::new(),
        books,
        values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

#[tokio::test]
async fn a_run_is_what_its_entries_make_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record, id) = desk(&folder, false).await;
    let lacking = match begun() {
        What::Run { playbook, books, sha256, .. } => What::Run { playbook, books, sha256, values: BTreeMap::new() },
        other => other,
    };
    let told = desk.add(id, lacking, &by(1, 2_000)).await.expect_err("it needs values").to_string();
    assert!(told.contains("needs"), "{told}");
    let (row, case) = desk.add(id, begun(), &by(1, 2_000)).await.expect("it begins");
    assert_eq!((row.version, case.runs.len()), (2, 1));
    let recorded = record.0.lock().expect("nobody panics").last().map(|event| event.details[0].value.clone());
    assert!(recorded.is_some_and(|value| value.len() < 4_000), "playbooks stand in the record by name and digest");
    let (run, act) = case.acts().first().cloned().expect("Lazaret is to refuse the key");
    let step = |task: u32| What::step(run, Input::Acted { task, values: BTreeMap::new() });
    let before = record.0.lock().expect("nobody panics").len();
    assert!(desk.add(id, step(99), &by(2, 3_000)).await.is_err(), "there is no such task");
    assert_eq!(record.0.lock().expect("nobody panics").len(), before, "what cannot be is not recorded");
    let (_, case) = desk.add(id, step(act.task), &by(2, 3_000)).await.expect("it was done");
    let (_, again) = desk.case(id).await.expect("it is read again");
    assert_eq!(case, again);
    assert!(!case.asked().is_empty(), "people are asked then");
    assert!(case.wake_at().is_some_and(|at| at > 3_000));
    // Nothing is answered in time.
    let late = case.wake_at().expect("it wakes") + MINUTE;
    assert_eq!((case.late_runs(3_001).len(), case.late_runs(late)), (0, vec![run]));
    let (_, case) = desk.add(id, What::step(run, Input::Time), &by(2, late)).await.expect("time passes");
    let report = Report::of(&case, late);
    assert!(report.ran[0].asked.iter().any(|asked| asked.became == "done"), "{report:?}");
    let closing = What::Moved { state: model::IncidentState::Closed, reason: "x".to_owned() };
    let told = desk.add(id, closing.clone(), &by(1, late)).await.expect_err("it still runs").to_string();
    assert!(told.contains("end it first"), "{told}");
    let end = Input::Cancel { who: "ada".to_owned(), why: "enough".to_owned() };
    let (_, case) = desk.add(id, What::step(run, end), &by(1, late)).await.expect("it ends");
    assert_eq!(case.runs[&run].state(), State::Cancelled);
    desk.add(id, closing, &by(1, late)).await.expect("it closes");
}

#[test]
fn facts_of_shipped_playbooks_are_facts_and_what_is_none_is_told_with_its_step() {
    let vocabulary = obligations::shipped().expect("they are read").vocabulary();
    let mut bound = 0;
    for book in shipped() {
        incidents::case::check_facts(book, &book.name, vocabulary).expect("its facts fit");
        bound += book.facts().len();
    }
    assert!(bound > 60, "{bound}");
    let book = playbooks::named("assess-exposure").expect("it is shipped").source().to_string();
    for (from, to, says) in [
        ("\"fact\":\"risk\"", "\"fact\":\"rsk\"", "there is no such fact"),
        ("\"fact\":\"risk\"", "\"fact\":\"secured\"", "true or false"),
        ("\"fact\":\"risk\"", "\"fact\":\"affected\"", "where those live"),
        ("\"clear\":false", "\"clear\":\"no\"", "it is never \"no\""),
        ("\"jurisdiction\":\"EU\"", "\"jurisdiction\":\"Europe\"", "is no jurisdiction"),
    ] {
        assert!(book.contains(from), "{from} is not in {book}");
        let wrong = playbooks::Playbook::parse(book.replace(from, to).as_bytes(), "x").expect("the form is right");
        let told = incidents::case::check_facts(&wrong, "x", vocabulary).expect_err(to).to_string();
        assert!(told.contains(says) && told.contains("step `"), "{to}: {told}");
    }
}

/// A playbook begun by hand; the number of its run.
async fn judging(desk: &Desk, id: u32) -> u64 {
    let books = vec![playbooks::named("assess-exposure").expect("it is shipped").source().clone()];
    let values = [("kind", "principal"), ("what", "ada")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let playbook = "assess-exposure".to_owned();
    let what = What::Run { playbook, sha256: Vec::new(), books, values: values.into() };
    let (run, ..) = desk.add_numbered(id, what, &by(1, 2_000)).await.expect("it begins");
    run
}

fn said(run: u64, task: u32, values: &[(&str, &str)], instead: Option<Role>) -> What {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let input = Input::Answered { task, who: "Ana".to_owned(), note: "by the lists".to_owned(), values };
    let in_place = instead.map(|role| InPlace { role, reason: "by the lists".to_owned() });
    What::Step { run, input, in_place }
}

#[tokio::test]
async fn answers_become_facts_with_their_clocks_and_known_facts_are_proposed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record, id) = desk(&folder, false).await;
    let known = serde_json::json!({
        "roles": ["controller"], "aware_at": "2026-11-02T09:00:00+01:00", "timezone": "Europe/Berlin",
        "affected": [{"jurisdiction": "EU-DE", "subjects": 10, "categories": ["health"]}],
    });
    let set = known.as_object().expect("an object").clone();
    desk.add(id, What::Facts { set, was: serde_json::Map::new() }, &by(1, 1_500)).await.expect("facts");
    let run = judging(&desk, id).await;
    let (_, case) = desk.case(id).await.expect("a case");
    let (_, act) = case.acts().first().cloned().expect("people are counted first");
    let failed = Input::ActFailed { task: act.task, why: "nothing is recorded".to_owned() };
    let (_, case) = desk.add(id, What::step(run, failed), &by(1, 3_000)).await.expect("it failed");
    let (_, ask) = case.asked().first().cloned().expect("the privacy office counts by hand");
    let value = |name: &str| ask.fields.iter().find(|field| field.name == name).and_then(|field| field.value.clone());
    assert_eq!((value("__people_eu__").as_deref(), value("__people__").as_deref()), (Some("10"), Some("10")));
    let privacy = Some(Role::Privacy);
    let counted = |eu: &'static str, readable: &'static str| {
        [("people", "130"), ("people_eu", eu), ("people_us", "7"), ("people_jp", "0"), ("readable", readable)]
    };
    let fewer = said(run, ask.task, &counted("3", "clear"), privacy);
    let before = record.0.lock().expect("nobody panics").len();
    let told = desk.add(id, fewer, &by(1, 4_000)).await.expect_err("fewer than known").to_string();
    assert!(told.contains("fewer than the 10") && told.contains("change `affected`"), "{told}");
    assert_eq!(record.0.lock().expect("nobody panics").len(), before, "what cannot be is not recorded");
    let counted = said(run, ask.task, &counted("120", "clear"), privacy);
    let (_, case) = desk.add(id, counted, &by(2, 5_000)).await.expect("counted");
    let affected = serde_json::json!([
        {"jurisdiction": "EU-DE", "subjects": 10, "categories": ["health"]},
        {"jurisdiction": "EU", "subjects": 110, "categories": null},
        {"jurisdiction": "US", "subjects": 7, "categories": null},
    ]);
    assert_eq!((&case.facts["affected"], &case.facts["secured"]), (&affected, &false.into()), "{:?}", case.facts);
    let fact = case.entries.iter().rev().find(|entry| matches!(entry.what, What::Facts { .. })).expect("an entry");
    assert_eq!(fact.by, by(2, 0).actor.id.to_string(), "who answered is who said so");
    assert_eq!(case.clocks["GDPR-33-1"]["status"], "waiting", "{}", case.clocks["GDPR-33-1"]);
    let (_, ask) = case.asked().first().cloned().expect("the risk is judged");
    let risk = said(run, ask.task, &[("risk", "high")], privacy);
    let (_, case) = desk.add(id, risk, &by(2, 6_000)).await.expect("judged");
    assert_eq!(case.clocks["GDPR-33-1"]["due_at"], "2026-11-05T09:00:00+01:00", "the clock runs by the answer");
    let runs = matches!(case.clocks["GDPR-34-1"]["status"].as_str(), Some("due" | "promptly"));
    assert!(runs, "{}", case.clocks["GDPR-34-1"]);
    // What is known is proposed the next time, and to whoever begins a playbook that asks for it.
    let notify = playbooks::named("notify-those-concerned").expect("it is shipped");
    let proposed = case.proposed_for(notify);
    let of = |name: &str| proposed.get(name).map(String::as_str);
    assert_eq!(
        (of("risk"), of("readable"), of("people_us"), of("people")),
        (Some("high"), Some("clear"), Some("7"), Some("127"))
    );
    let (_, again) = desk.case(id).await.expect("it is read again");
    assert_eq!(case, again);
}

#[tokio::test]
async fn only_who_holds_the_role_answers_or_an_administrator_who_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record, id) = desk(&folder, false).await;
    let run = judging(&desk, id).await;
    let (_, case) = desk.case(id).await.expect("a case");
    let (_, act) = case.acts().first().cloned().expect("people are counted first");
    let failed = Input::ActFailed { task: act.task, why: "nothing is recorded".to_owned() };
    let (_, case) = desk.add(id, What::step(run, failed), &by(1, 3_000)).await.expect("it failed");
    let (_, ask) = case.asked().first().cloned().expect("the privacy office counts by hand");
    let values = [("people", "1"), ("people_eu", "1"), ("people_us", "0"), ("people_jp", "0"), ("readable", "clear")];
    let person =
        |person: u8| By { origin: Origin { through: "console".into(), ..Origin::default() }, ..by(person, 4_000) };
    let before = record.0.lock().expect("nobody panics").len();
    let told = desk.add(id, said(run, ask.task, &values, None), &person(3)).await.expect_err("no role").to_string();
    assert!(told.contains("is for the privacy office") && told.contains("nobody holds that role"), "{told}");
    let told = desk
        .add(id, said(run, ask.task, &values, Some(Role::Privacy)), &person(3))
        .await
        .expect_err("no administrator");
    assert!(told.to_string().contains("an administrator may answer"), "{told}");
    let refused = Input::Refused { task: ask.task, who: "Ben".to_owned(), why: "no time".to_owned() };
    assert!(desk.add(id, What::step(run, refused), &person(3)).await.is_err(), "nor refuse in their name");
    let told =
        desk.add(id, said(run, ask.task, &values, None), &by(1, 4_000)).await.expect_err("no reason").to_string();
    assert!(told.contains("say in the note why"), "{told}");
    assert_eq!(record.0.lock().expect("nobody panics").len(), before, "nothing of it is recorded");
    let takes = What::Takes { role: Role::Privacy, name: person(3).actor.id.to_string() };
    desk.add(id, takes, &person(3)).await.expect("they take it");
    let wrong = said(run, ask.task, &values, Some(Role::Privacy));
    assert!(desk.add(id, wrong, &person(3)).await.is_err(), "nobody answers in their own place");
    let (_, case) = desk.add(id, said(run, ask.task, &values, None), &person(3)).await.expect("it is theirs now");
    let (_, ask) = case.asked().first().cloned().expect("the risk is judged");
    let instead = said(run, ask.task, &[("risk", "risk")], Some(Role::Privacy));
    let (_, case) = desk.add(id, instead, &by(1, 5_000)).await.expect("an administrator, with a reason");
    let last = case.entries.iter().rev().find_map(|entry| match &entry.what {
        What::Step { in_place: Some(in_place), .. } => Some(in_place.clone()),
        _ => None,
    });
    assert_eq!(last.map(|one| (one.role, one.reason)), Some((Role::Privacy, "by the lists".to_owned())));
}

#[tokio::test]
async fn the_clock_of_an_exercise_goes_forward_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, _, id) = desk(&folder, true).await;
    desk.add(id, begun(), &by(1, 2_000)).await.expect("it begins");
    let (_, case) = desk.add(id, What::Forward { minutes: 60 }, &by(1, 3_000)).await.expect("an hour");
    assert_eq!(case.clock(3_000), 3_000 + 60 * MINUTE);
    assert_eq!(case.late_runs(3_000).len(), 1, "five minutes for the key are over");
    assert!(desk.add(id, What::Forward { minutes: 0 }, &by(1, 3_000)).await.is_err());
    let other = tempfile::tempdir().expect("a folder");
    let (desk, _, id) = self::desk(&other, false).await;
    let told = desk.add(id, What::Forward { minutes: 60 }, &by(1, 3_000)).await.expect_err("it is real").to_string();
    assert!(told.contains("only the clock of an exercise"), "{told}");
}

#[tokio::test]
async fn two_people_agree_to_letters() {
    let folder = tempfile::tempdir().expect("a folder");
    let (desk, record, id) = desk(&folder, false).await;
    let asked = |kind: &str| What::Letters {
        kind: kind.to_owned(),
        sha256: "ab".repeat(32),
        recipients: 3,
        by_post: 2,
        by_email: 0,
        unreachable: 1,
        faults: 0,
        kin: 0,
        kin_unreached: 0,
        objects: Vec::new(),
    };
    assert!(desk.add(id, asked("postcard"), &by(1, 2_000)).await.is_err());
    let (row, _) = desk.add(id, asked("gdpr-34"), &by(1, 2_000)).await.expect("asked for");
    let letters = row.version;
    let made = What::LettersMade { letters, made: 2 };
    assert!(desk.add(id, made.clone(), &by(1, 3_000)).await.is_err(), "nobody agreed");
    let before = record.0.lock().expect("nobody panics").len();
    let told = desk.add(id, What::LettersAgreed { letters }, &by(1, 3_000)).await.expect_err("the same").to_string();
    assert!(told.contains("somebody else has to"), "{told}");
    assert_eq!(record.0.lock().expect("nobody panics").len(), before);
    desk.add(id, What::LettersAgreed { letters }, &by(2, 4_000)).await.expect("another agrees");
    assert!(desk.add(id, What::LettersAgreed { letters }, &by(3, 5_000)).await.is_err(), "once is enough");
    let (_, case) = desk.add(id, made, &by(1, 6_000)).await.expect("made");
    assert_eq!((case.letters[&letters].made, case.letters[&letters].agreed_by.is_some()), (Some(2), true));
}
