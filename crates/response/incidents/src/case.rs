//! One incident: what was done and said, in order, and where that leaves it.
//!
//! The words are those of NIST SP 800-61r3 (CSF 2.0 Respond and Recover): an incident is opened, contained, eradicated and
//! recovered from, and closed with lessons. Entries are never changed; a changed fact is another entry, and the clocks that it moves are
//! issued anew beside those that were issued before.

mod facts;
mod letters;
mod measures;
mod reader;
mod running;
mod sending;
mod what;

use std::collections::{BTreeMap, BTreeSet};

use model::{IncidentState, Severity};
use obligations::{Facts, Library, Obligation};
use playbooks::{Role, Run};
use serde::Serialize;
use serde_json::{Map, Value};

pub use facts::check_facts;
pub use letters::{Letters, Mailed, Posting, PostingChannel};
pub use measures::{Assigned, WATCHED, Watched};
pub use reader::{APPROVERS, COUNSEL, Reader};
pub use sending::{Dispatch, Outcome};
pub use what::{Card, Entry, InPlace, What};

/// Characters of a text.
pub const TEXT_MAX: usize = 8_000;
/// Entries of one incident.
pub const ENTRIES_MAX: u64 = 10_000;
/// Tasks of one incident.
pub const TASKS_MAX: usize = 500;
/// Playbooks that run or ran in one incident.
pub const RUNS_MAX: usize = 40;
/// Minutes by which the clock of an exercise may be put forward at once: a month.
pub const FORWARD_MINUTES_MAX: u32 = 31 * 24 * 60;

/// Why something about an incident cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CaseError(pub String);

fn wrong<T>(why: impl Into<String>) -> Result<T, CaseError> {
    Err(CaseError(why.into()))
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its number: that of the entry that made it.
    pub number: u64,
    /// What is to be done.
    pub text: String,
    /// By whom.
    pub role: Role,
    /// By when.
    pub due_at: Option<i64>,
    /// What came of it; `None`: nothing yet.
    pub done: Option<String>,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its text.
    pub text: String,
    /// By whom it was last written.
    pub written_by: String,
    /// Whether somebody wrote it, and not the program.
    pub by_hand: bool,
    /// By whom it was approved as it stands.
    pub approved_by: Option<String>,
}

/// An incident as its entries leave it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub state: IncidentState,
    /// How grave it is.
    pub severity: Severity,
    /// The finding that it began with.
    pub finding: Option<u32>,
    /// The study it is about.
    pub study: Option<String>,
    /// Facts as they are known.
    pub facts: Map<String, Value>,
    /// Clocks as they were last issued, by obligation.
    pub clocks: BTreeMap<String, Value>,
    /// Clocks that need nothing any more, with the reason.
    pub settled: BTreeMap<String, String>,
    /// Who has which role.
    pub roles: BTreeMap<Role, String>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Notices, by obligation and language.
    pub notices: BTreeMap<String, BTreeMap<String, Notice>>,
    /// Who and what is contained: kind and target.
    pub contained: BTreeSet<(String, String)>,
    /// Who and what is or was watched more closely, and until when.
    pub watched: Vec<Watched>,
    /// Courses that people have to take.
    pub trained: Vec<Assigned>,
    /// The last exposure that was told.
    pub exposure: Option<Value>,
    /// Assessments: by form the entry that was signed last.
    pub assessments: BTreeMap<String, u64>,
    /// Letters to those concerned, by the entry that asked for them.
    pub letters: BTreeMap<u64, Letters>,
    /// What was posted, by its entry.
    pub postings: BTreeMap<u64, Posting>,
    /// Notices that left by e-mail, or should have, by the entry that announced them.
    pub dispatches: BTreeMap<u64, Dispatch>,
    /// Lessons.
    pub lessons: u64,
    /// It is practised, on nothing that is real.
    pub is_exercise: bool,
    /// By how much the clock of an exercise is ahead, in milliseconds.
    pub ahead_ms: i64,
    /// Playbooks that run or ran, by the entry that began them.
    #[serde(skip)]
    pub runs: BTreeMap<u64, Run>,
    /// Roles: the entry that gave each, and by whom.
    #[serde(skip)]
    pub given: BTreeMap<Role, (u64, String)>,
    /// When containments end by themselves, in milliseconds since 1970.
    #[serde(skip)]
    pub until: BTreeMap<(String, String), i64>,
    /// Whom they hold, by id.
    #[serde(skip)]
    pub members: BTreeMap<(String, String), BTreeSet<String>>,
    /// Cards of runs of which their holders were told.
    #[serde(skip)]
    pub told: BTreeSet<Card>,
    /// How often somebody was reminded of a card, by run and task.
    #[serde(skip)]
    reminded: BTreeMap<(u64, u32), u32>,
    /// Entries that a newer version of the program no longer understands, with why. They stand, and nothing follows from them.
    pub strange: BTreeMap<u64, String>,
    /// All entries.
    pub entries: Vec<Entry>,
}

impl Case {
    /// From its entries, in their order.
    ///
    /// # Errors
    /// When there is none, or the first does not open it.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Result<Self, CaseError> {
        let mut entries = entries.into_iter();
        let first = entries.next().ok_or_else(|| CaseError("an incident without entries".to_owned()))?;
        let What::Opened { title, severity, finding, study, exercise } = &first.what else {
            return wrong("an incident begins with being opened");
        };
        let mut case = Self {
            title: title.clone(),
            state: IncidentState::Open,
            severity: *severity,
            finding: *finding,
            study: study.clone(),
            facts: Map::new(),
            clocks: BTreeMap::new(),
            settled: BTreeMap::new(),
            roles: BTreeMap::new(),
            tasks: Vec::new(),
            notices: BTreeMap::new(),
            contained: BTreeSet::new(),
            watched: Vec::new(),
            trained: Vec::new(),
            exposure: None,
            assessments: BTreeMap::new(),
            letters: BTreeMap::new(),
            postings: BTreeMap::new(),
            dispatches: BTreeMap::new(),
            lessons: 0,
            is_exercise: *exercise,
            ahead_ms: 0,
            runs: BTreeMap::new(),
            given: BTreeMap::new(),
            until: BTreeMap::new(),
            members: BTreeMap::new(),
            told: BTreeSet::new(),
            reminded: BTreeMap::new(),
            strange: BTreeMap::new(),
            entries: vec![first],
        };
        // What was taken stands: laws, words and limits may have changed since, and an incident is read all the same.
        for entry in entries {
            if let Err(why) = case.apply(entry.clone()) {
                case.strange.insert(entry.number, why.0);
                case.entries.push(entry);
            }
        }
        Ok(case)
    }

    /// How many entries it has.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether something may be added now.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check(&self, what: &What) -> Result<(), CaseError> {
        if self.version() >= ENTRIES_MAX {
            return wrong(format!("the incident has {ENTRIES_MAX} entries, as many as there may be; open another"));
        }
        if self.state == IncidentState::Closed && !what.follows_closing() {
            return wrong("the incident is closed; open it again first");
        }
        for text in what.texts() {
            if text.trim().is_empty() && !matches!(what, What::TaskDone { .. }) {
                return wrong("something has to be said: the text is empty");
            }
            if text.chars().count() > TEXT_MAX {
                return wrong(format!("the text has more than {TEXT_MAX} characters; say it shorter"));
            }
        }
        match what {
            What::Opened { .. } => wrong("the incident was opened already"),
            What::Facts { was, set } => self.check_facts(set, was),
            What::TaskDue { task, .. } | What::TaskDone { task, .. } => {
                match self.tasks.iter().find(|one| one.number == *task) {
                    None => wrong(format!("there is no task {task}")),
                    Some(Task { done: Some(_), .. }) => wrong(format!("task {task} is done already")),
                    Some(_) => Ok(()),
                }
            }
            What::Task { .. } if self.tasks.len() >= TASKS_MAX => wrong(format!("there are {TASKS_MAX} tasks already")),
            What::Letters { .. }
            | What::LettersAgreed { .. }
            | What::LettersMade { .. }
            | What::LettersSending { .. }
            | What::LettersSent { .. }
            | What::Returned { .. }
            | What::Posted { .. }
            | What::TakenDown { .. } => self.check_letters(what),
            What::Sending { .. } | What::Sent { .. } | What::SendFailed { .. } => self.check_dispatch(what),
            What::CloserWatch { .. } | What::Training { .. } => self.check_measure(what),
            What::Evidence { sha256, .. } => check_digest(sha256),
            What::Approved { obligation, language, sha256 } => match self.notice(obligation, language) {
                None => wrong(format!("there is no draft for {obligation} in `{language}`")),
                Some(notice) if notice.approved_by.is_some() => wrong("it is approved already"),
                Some(notice) if sha256.as_ref().is_some_and(|read| *read != notice.sha256()) => {
                    wrong("somebody else changed the text meanwhile; read it again, then approve it")
                }
                Some(_) => Ok(()),
            },
            What::Draft { obligation, language, was: Some(was), .. } => {
                let is = self.notice(obligation, language).map_or_else(|| crate::sha256_hex(b""), Notice::sha256);
                if *was == is {
                    return Ok(());
                }
                wrong("somebody else changed the text meanwhile; look at it, and write yours into it")
            }
            What::Settled { obligation, .. } => match self.clocks.get(obligation) {
                None => wrong(format!("there is no clock for {obligation} in this incident")),
                Some(clock) if !is_open(clock) => wrong(format!("the clock for {obligation} does not run")),
                Some(_) if self.settled.contains_key(obligation) => wrong("it is settled already"),
                Some(_) => Ok(()),
            },
            What::Moved { state, .. } if *state == self.state => wrong(format!("it is {} already", state.as_str())),
            What::Moved { state: IncidentState::Closed, .. } => self.check_closing(),
            What::Assessment { document, signature, .. } if !signature.is_of(document) => {
                wrong("the signature is not of this record; sign it again")
            }
            What::Run { .. } if self.runs.len() >= RUNS_MAX => {
                wrong(format!("{RUNS_MAX} playbooks ran in this incident, as many as may; open another incident"))
            }
            What::Run { books, .. } => check_books(books),
            What::Forward { .. } if !self.is_exercise => wrong("only the clock of an exercise can be put forward"),
            What::Forward { minutes } if !(1..=FORWARD_MINUTES_MAX).contains(minutes) => {
                wrong(format!("give the minutes by which the clock goes forward: 1 to {FORWARD_MINUTES_MAX}"))
            }
            _ => Ok(()),
        }
    }

    /// Two people at once: a fact is changed by who has seen it as it is.
    fn check_facts(&self, set: &Map<String, Value>, was: &Map<String, Value>) -> Result<(), CaseError> {
        if set.is_empty() {
            return wrong("no fact changes");
        }
        for name in set.keys() {
            let (seen, is) = (was.get(name).unwrap_or(&Value::Null), self.facts.get(name).unwrap_or(&Value::Null));
            if seen != is {
                return wrong(format!("somebody else changed `{name}` to {is} meanwhile; look at it again"));
            }
        }
        let library = obligations::in_force().map_err(|error| CaseError(error.to_string()))?;
        let facts = Value::Object(self.with(set)).to_string();
        let facts =
            Facts::from_json(facts.as_bytes(), library.vocabulary()).map_err(|error| CaseError(error.to_string()))?;
        match facts.strange.first() {
            Some(strange) => {
                wrong(format!("{strange} means nothing here; `lazaret obligations --list` shows what is asked for"))
            }
            None => Ok(()),
        }
    }

    /// What is open keeps an incident open: clocks that run, and containments.
    fn check_closing(&self) -> Result<(), CaseError> {
        let running: Vec<&str> = self
            .clocks
            .iter()
            .filter(|(obligation, clock)| is_open(clock) && !self.settled.contains_key(*obligation))
            // What only waits to be told which roles the organisation has concerns nobody that is known.
            .filter(|(_, clock)| self.facts.contains_key("roles") || clock["status"] != "waiting")
            .map(|(obligation, _)| obligation.as_str())
            .collect();
        if !running.is_empty() {
            return wrong(format!(
                "clocks still run: {}; send the notices, change the facts that trigger them, or settle them with a reason",
                running.join(", ")
            ));
        }
        if let Some((number, run)) = self.runs.iter().find(|(_, run)| !run.state().is_over()) {
            let name = run.playbook().map_or("", |book| book.name.as_str());
            return wrong(format!("the playbook `{name}` (run {number}) is {}; end it first", run.state().as_str()));
        }
        if let Some((kind, target)) = self.contained.first() {
            return wrong(format!(
                "{kind} `{target}` is still contained; release it, or move the containment to another incident"
            ));
        }
        Ok(())
    }

    /// The facts, with some changed.
    #[must_use]
    pub fn with(&self, set: &Map<String, Value>) -> Map<String, Value> {
        let mut facts = self.facts.clone();
        for (name, value) in set {
            if value.is_null() {
                facts.remove(name);
            } else {
                facts.insert(name.clone(), value.clone());
            }
        }
        facts
    }

    /// The notice for an obligation in a language.
    #[must_use]
    pub fn notice(&self, obligation: &str, language: &str) -> Option<&Notice> {
        self.notices.get(obligation)?.get(language)
    }

    /// Adds an entry that [`Case::check`] let.
    ///
    /// # Errors
    /// When a playbook cannot begin, or a run does not take what is put in; nothing changed then.
    pub fn apply(&mut self, entry: Entry) -> Result<(), CaseError> {
        match &entry.what {
            What::Opened { .. } | What::Note { .. } | What::Decision { .. } | What::Evidence { .. } => {}
            What::Told { about, .. } => self.told.extend(*about),
            What::Run { books, values, .. } => self.begin_run(&entry, books, values)?,
            What::Step { run, input, .. } => self.step_run(entry.at, *run, input)?,
            What::Forward { minutes } => self.ahead_ms += i64::from(*minutes) * 60_000,
            What::Facts { set, .. } => self.facts = self.with(set),
            What::Clocks { issued } => {
                for clock in issued {
                    if let Some(obligation) = clock["obligation"].as_str() {
                        // Whoever settled it had another one before them.
                        self.settled.remove(obligation);
                        self.clocks.insert(obligation.to_owned(), clock.clone());
                    }
                }
            }
            What::Exposure { summary, .. } => self.exposure = Some(summary.clone()),
            What::Task { text, role, due_at } => {
                let number = entry.number;
                self.tasks.push(Task { number, text: text.clone(), role: *role, due_at: *due_at, done: None });
            }
            What::TaskDue { task, due_at } => {
                if let Some(task) = self.tasks.iter_mut().find(|one| one.number == *task) {
                    task.due_at = *due_at;
                }
            }
            What::TaskDone { task, text } => {
                if let Some(task) = self.tasks.iter_mut().find(|one| one.number == *task) {
                    task.done = Some(text.clone());
                }
            }
            What::Takes { role, name } => {
                self.roles.insert(*role, name.clone());
                self.given.insert(*role, (entry.number, entry.by.clone()));
            }
            What::Containment { kind, target, on, until, members } => {
                let key = (kind.clone(), target.clone());
                self.until.remove(&key);
                if *on {
                    self.until.extend(until.map(|until| (key.clone(), until)));
                    self.members.entry(key.clone()).or_default().extend(members.iter().cloned());
                    self.contained.insert(key);
                } else {
                    self.members.remove(&key);
                    self.contained.remove(&key);
                }
            }
            What::CloserWatch { .. } | What::Training { .. } => self.apply_measure(&entry.what, entry.at),
            What::Settled { obligation, reason } => {
                self.settled.insert(obligation.clone(), reason.clone());
            }
            What::Draft { obligation, language, text, by_hand, .. } => {
                let (text, written_by, by_hand) = (text.clone(), entry.by.clone(), *by_hand);
                let notice = Notice { text, written_by, by_hand, approved_by: None };
                self.notices.entry(obligation.clone()).or_default().insert(language.clone(), notice);
            }
            What::Approved { obligation, language, .. } => {
                let notice = self.notices.get_mut(obligation).and_then(|all| all.get_mut(language));
                if let Some(notice) = notice {
                    notice.approved_by = Some(entry.by.clone());
                }
            }
            What::Sending { .. } | What::Sent { .. } | What::SendFailed { .. } => self.apply_dispatch(&entry),
            What::Assessment { form, .. } => {
                self.assessments.insert(form.clone(), entry.number);
            }
            What::Letters { .. }
            | What::LettersAgreed { .. }
            | What::LettersMade { .. }
            | What::LettersSending { .. }
            | What::LettersSent { .. }
            | What::Returned { .. }
            | What::Posted { .. }
            | What::TakenDown { .. } => self.apply_letters(&entry)?,
            What::Moved { state, .. } => self.state = *state,
            What::Graded { severity, .. } => self.severity = *severity,
            What::Lesson { .. } => self.lessons += 1,
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Clocks that its facts start and that differ from those issued before. What is no longer said of an obligation is told once
    /// more as not triggered. A delay that law enforcement asked for ends with its day; `at` is in milliseconds since 1970.
    ///
    /// # Errors
    /// When the facts are none, which [`Case::check`] excludes.
    pub fn reissue(&self, library: &Library, at: i64) -> Result<Vec<Value>, CaseError> {
        let facts = self.read_facts(library)?;
        let answers = library.answers(&facts, obligations::options());
        let mut issued: Vec<Value> = answers.iter().filter_map(|answer| serde_json::to_value(answer).ok()).collect();
        for clock in &mut issued {
            if delay_ends(clock, &self.facts).is_some_and(|ends| ends <= self.clock(at)) {
                clock["status"] = "due".into();
            }
        }
        for (obligation, before) in &self.clocks {
            if !answers.iter().any(|answer| answer.obligation == obligation) && before["status"] != "not_triggered" {
                let mut gone = before.clone();
                if let Some(gone) = gone.as_object_mut() {
                    gone.retain(|name, _| {
                        ["obligation", "recipient", "citation", "text_version", "confidence"].contains(&name.as_str())
                    });
                    gone.insert("status".to_owned(), "not_triggered".into());
                    let is_in_force = library.version(obligation, &facts, obligations::options()).is_some();
                    let because = if is_in_force {
                        "none of the roles whose duty it is is among `roles` any more"
                    } else {
                        "no text of it was in force on the day of the incident"
                    };
                    gone.insert("because".to_owned(), because.into());
                }
                issued.push(gone);
            }
        }
        issued.retain(|clock| clock["obligation"].as_str().and_then(|id| self.clocks.get(id)) != Some(clock));
        Ok(issued)
    }

    /// The version of an obligation that it is judged by.
    ///
    /// # Errors
    /// When there is none, or the facts are none, which [`Case::check`] excludes.
    pub fn judged_by<'l>(&self, library: &'l Library, id: &str) -> Result<&'l Obligation, CaseError> {
        let none = || CaseError(format!("there is no obligation `{id}`; `lazaret obligations --list` shows them"));
        library.version(id, &self.read_facts(library)?, obligations::options()).ok_or_else(none)
    }

    fn read_facts(&self, library: &Library) -> Result<Facts, CaseError> {
        let facts = Value::Object(self.facts.clone()).to_string();
        Facts::from_json(facts.as_bytes(), library.vocabulary()).map_err(|error| CaseError(error.to_string()))
    }

    /// When the breach began, if that is a fact, in milliseconds since 1970, UTC: the begin of its day where the organisation is.
    #[must_use]
    pub fn breach_began_at(&self) -> Option<i64> {
        let day: jiff::civil::Date = self.facts.get("breached_on")?.as_str()?.parse().ok()?;
        let zone = self.facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
        Some(day.in_tz(zone).ok()?.timestamp().as_millisecond())
    }

    /// When the next clock ends that runs, in milliseconds since 1970, UTC.
    #[must_use]
    pub fn next_due_at(&self) -> Option<i64> {
        self.clocks
            .iter()
            .filter(|(obligation, clock)| is_open(clock) && !self.settled.contains_key(*obligation))
            .filter_map(|(_, clock)| due_ms(clock, &self.facts))
            .min()
    }

    /// When the next delay of law enforcement ends, in milliseconds since 1970, UTC.
    pub(crate) fn delay_ends_at(&self) -> Option<i64> {
        self.clocks.values().filter_map(|clock| delay_ends(clock, &self.facts)).min()
    }
}

impl Notice {
    /// By what its text is known.
    #[must_use]
    pub fn sha256(&self) -> String {
        crate::sha256_hex(self.text.as_bytes())
    }
}

/// Whether something is still to be done, or to be found out, about a clock. What only waits for somebody to ask is not.
fn is_open(clock: &Value) -> bool {
    match clock["status"].as_str() {
        Some("due" | "promptly" | "tolled") => true,
        Some("waiting") => clock["on_request"] != true,
        _ => false,
    }
}

/// When the delay ends that law enforcement asked for: with its last day in the organisation's time zone.
fn delay_ends(clock: &Value, facts: &Map<String, Value>) -> Option<i64> {
    if clock["status"] != "tolled" {
        return None;
    }
    end_of(clock["tolled"]["until"].as_str()?, facts)
}

fn sent_is_sound(obligation: &str, at: &str) -> Result<(), CaseError> {
    let library = obligations::in_force().map_err(|error| CaseError(error.to_string()))?;
    if library.obligations().iter().all(|one| one.id != obligation) && !crate::brief::is_statement(obligation) {
        return wrong(format!("there is no obligation `{obligation}`; `lazaret obligations --list` shows them"));
    }
    let parsed: Result<jiff::Timestamp, _> = at.parse();
    parsed.map(drop).map_err(|error| {
        CaseError(format!("`{at}` is no time with offset ({error}); write `2026-11-02T09:00:00+01:00`"))
    })
}

/// Whether the facts that playbooks ask for can be had.
fn check_books(books: &[Value]) -> Result<(), CaseError> {
    let library = obligations::in_force().map_err(|error| CaseError(error.to_string()))?;
    for book in books {
        let read = playbooks::Playbook::parse(book.to_string().as_bytes(), "the playbook");
        let checked = read.and_then(|book| check_facts(&book, &book.name, library.vocabulary()));
        checked.map_err(|error| CaseError(error.to_string()))?;
    }
    Ok(())
}

/// What is bound by its digest.
fn check_digest(sha256: &str) -> Result<(), CaseError> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if sha256.len() == 64 && sha256.bytes().all(is_digit) {
        Ok(())
    } else {
        wrong("it is bound by its SHA-256: 64 hexadecimal digits in lower case")
    }
}

/// When a clock ends: to the second, or with the end of its day in the organisation's time zone.
#[must_use]
pub fn due_ms(clock: &Value, facts: &Map<String, Value>) -> Option<i64> {
    if let Some(at) = clock["due_at"].as_str() {
        return at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    }
    end_of(clock["due_on"].as_str()?, facts)
}

fn end_of(day: &str, facts: &Map<String, Value>) -> Option<i64> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let zone = facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
    let end = day.tomorrow().ok()?.in_tz(zone).ok()?;
    Some(end.timestamp().as_millisecond())
}
