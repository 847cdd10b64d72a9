//! Playbooks and letters as entries: a run is the same however often it is read, what does not fit is neither recorded nor kept, and two
//! people agree to letters.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use incidents::case::What;
use incidents::desk::{Desk, NewIncident};
use incidents::report::Report;
use model::event::{Actor, Origin};
use model::{
    Answer, By, Envelope, EnvelopeError, Event, PrincipalId, PrincipalKind, Receipt, Record, RecordError, Scope,
    Severity,
};
use playbooks::{Input, State, shipped};
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
    let step = |task: u32| What::Step { run, input: Input::Acted { task, values: BTreeMap::new() } };
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
    let (_, case) = desk.add(id, What::Step { run, input: Input::Time }, &by(2, late)).await.expect("time passes");
    let report = Report::of(&case, late);
    assert!(report.ran[0].asked.iter().any(|asked| asked.became == "done"), "{report:?}");
    let closing = What::Moved { state: model::IncidentState::Closed, reason: "x".to_owned() };
    let told = desk.add(id, closing.clone(), &by(1, late)).await.expect_err("it still runs").to_string();
    assert!(told.contains("end it first"), "{told}");
    let end = Input::Cancel { who: "ada".to_owned(), why: "enough".to_owned() };
    let (_, case) = desk.add(id, What::Step { run, input: end }, &by(1, late)).await.expect("it ends");
    assert_eq!(case.runs[&run].state(), State::Cancelled);
    desk.add(id, closing, &by(1, late)).await.expect("it closes");
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
