//! Where incidents are kept: each entry is recorded before it is, sealed, and added by who has seen all others.

mod pieces;

use std::sync::Arc;

use model::event::{Activity, Detail, Resource};
use model::{By, Envelope, EnvelopeError, Record, RecordError, Scope, Severity, StudyId};
use serde_json::{Map, Value};
use store::incidents::{self as table, Incident, Standing};
use store::{Store, StoreError};
use tokio::sync::Mutex;

use crate::case::{Case, CaseError, Entry, Reader, What};

/// What sealed entries are sealed for.
const CONTEXT: &str = "lazaret/incident/v1/";
/// Bytes of an entry: a playbook of the longest kind with those that it calls.
const ENTRY_BYTES_MAX: usize = 8 << 20;
/// The role of the console whose holders administer the installation.
const ADMINISTRATOR: &str = "administrator";
/// How titles of exercises begin.
pub const EXERCISE: &str = "Exercise: ";
/// How often it is tried to add an entry while other servers add theirs.
const TRIES_MAX: usize = 8;

/// Why something about an incident was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An entry could not be sealed or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It cannot be done as it was asked.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// There is none.
    #[error("there is no incident {0}; `lazaret incidents list` shows them")]
    Missing(u32),
    /// An entry is no entry.
    #[error("entry {number} of incident {incident} cannot be read: {source}")]
    Entry {
        /// Which incident.
        incident: u32,
        /// Which entry.
        number: u64,
        /// Why not.
        source: serde_json::Error,
    },
    /// Others were faster, again and again.
    #[error("others changed incident {0} again and again meanwhile; look at it and try once more")]
    Busy(u32),
}

/// An incident to be opened.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// What it is called.
    pub title: String,
    /// How grave it is.
    pub severity: Severity,
    /// The finding that it begins with.
    pub finding: Option<u32>,
    /// The study it is about.
    pub study: Option<StudyId>,
    /// It is practised, on nothing that is real.
    pub exercise: bool,
    /// Random: the name under which it is in the record.
    pub uid: [u8; 16],
}

/// Keeps incidents.
pub struct Desk {
    store: Store,
    recorder: Arc<dyn Record>,
    envelope: Arc<dyn Envelope>,
    adding: Mutex<()>,
}

/// Whose key seals what is said about an incident: that of the day on which it was opened. A study may be shredded, and what became of its
/// data has still to be accounted for (45 CFR 164.414(b) and 164.530(j): six years); what is said here names nobody.
fn scope(opened_at: i64) -> Scope {
    let day = jiff::Timestamp::from_millisecond(opened_at).unwrap_or_default();
    Scope::Day(day.to_zoned(jiff::tz::TimeZone::UTC).date())
}

impl Desk {
    /// Over a store, a record and keys.
    #[must_use]
    pub fn new(store: Store, recorder: Arc<dyn Record>, envelope: Arc<dyn Envelope>) -> Self {
        Self { store, recorder, envelope, adding: Mutex::new(()) }
    }

    /// Opens an incident; its number.
    ///
    /// # Errors
    /// When it has no title, or something does not answer.
    pub async fn open(&self, new: NewIncident, by: &By) -> Result<u32, DeskError> {
        let uid: String = new.uid.iter().map(|byte| format!("{byte:02x}")).collect();
        let what = What::Opened {
            title: if new.exercise { format!("{EXERCISE}{}", new.title.trim()) } else { new.title.trim().to_owned() },
            severity: new.severity,
            finding: new.finding,
            study: new.study.as_ref().map(ToString::to_string),
            exercise: new.exercise,
        };
        let first = Entry { number: 1, at: by.now_ms, by: by.actor.id.to_string(), recorded: 0, what: what.clone() };
        let case = Case::of([first])?;
        if new.title.trim().is_empty() || case.title.chars().count() > 200 {
            return Err(CaseError("an incident is called something, in at most 200 characters".to_owned()).into());
        }
        let scope = scope(by.now_ms);
        let recorded = self.record(Activity::Create, &uid, new.study.as_ref(), &scope, &what, by).await?;
        let row = Incident {
            id: 0,
            title_sealed: self.seal(&scope, &uid, case.title.as_bytes()).await?,
            uid: uid.clone(),
            version: 1,
            state: case.state,
            severity: case.severity,
            study: new.study,
            finding: new.finding,
            opened_at: by.now_ms,
            changed_at: by.now_ms,
            due_at: None,
        };
        let first = self.sealed(&scope, &uid, &what, recorded, by).await?;
        Ok(table::open(&self.store, &row, &first).await?)
    }

    /// An incident with all its entries.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn case(&self, id: u32) -> Result<(Incident, Case), DeskError> {
        let row = table::by_id(&self.store, id).await?.ok_or(DeskError::Missing(id))?;
        let mut entries = Vec::new();
        loop {
            let page = table::entries(&self.store, id, entries.len() as u64).await?;
            if page.is_empty() {
                break;
            }
            for one in page {
                let plain = self.opened(&row, &one.what_sealed).await?;
                let what = serde_json::from_slice(&plain);
                let what = what.map_err(|source| DeskError::Entry { incident: id, number: one.number, source })?;
                entries.push(Entry {
                    number: one.number,
                    at: one.at,
                    by: one.by.to_string(),
                    recorded: one.recorded,
                    what,
                });
            }
        }
        Ok((row, Case::of(entries)?))
    }

    /// Incidents with their titles, those whose clocks end first before others.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn listed(&self, with_closed: bool, limit: u32) -> Result<Vec<(Incident, String)>, DeskError> {
        let mut listed = Vec::new();
        for row in table::listed(&self.store, with_closed, limit).await? {
            let title = match self.opened(&row, &row.title_sealed).await {
                Ok(title) => String::from_utf8_lossy(&title).into_owned(),
                Err(EnvelopeError::Destroyed { .. }) => "(erased)".to_owned(),
                Err(error) => return Err(error.into()),
            };
            listed.push((row, title));
        }
        Ok(listed)
    }

    /// Adds an entry, and the clocks that it moves. Gives the case as it is then.
    ///
    /// # Errors
    /// When it cannot follow what is there, or something does not answer; nothing is added then.
    pub async fn add(&self, id: u32, what: What, by: &By) -> Result<(Incident, Case), DeskError> {
        let (_, row, case) = self.add_numbered(id, what, by).await?;
        Ok((row, case))
    }

    /// As [`Desk::add`]; with the number of the entry.
    ///
    /// # Errors
    /// As there.
    pub async fn add_numbered(&self, id: u32, what: What, by: &By) -> Result<(u64, Incident, Case), DeskError> {
        self.add_with(id, what, &Map::new(), by).await
    }

    /// As [`Desk::add_numbered`]; and the facts that follow from it, both or neither.
    ///
    /// # Errors
    /// As there.
    pub async fn add_with(
        &self,
        id: u32,
        what: What,
        facts: &Map<String, Value>,
        by: &By,
    ) -> Result<(u64, Incident, Case), DeskError> {
        let _one_at_a_time = self.adding.lock().await;
        let (row, mut case) = self.case(id).await?;
        let reader = self.reader(by).await?;
        checked(&case, &what, &reader)?;
        if let Some(facts) = following(&case, &with_said(&case, facts, &what)?) {
            case.check(&facts)?;
        }
        let bytes = serde_json::to_vec(&what).map_or(0, |text| text.len());
        if bytes > ENTRY_BYTES_MAX {
            let why = format!("this has {bytes} bytes, and an entry at most {ENTRY_BYTES_MAX}; say it in parts");
            return Err(CaseError(why).into());
        }
        if matches!(what, What::Run { .. } | What::Step { .. } | What::LettersAgreed { .. }) {
            // Whether a playbook takes it, and who may agree, is only known by putting it in.
            let tried = Entry {
                number: case.version() + 1,
                at: by.now_ms,
                by: by.actor.id.to_string(),
                recorded: 0,
                what: what.clone(),
            };
            case.clone().apply(tried)?;
        }
        let scope = scope(row.opened_at);
        let recorded = self.record(Activity::Change, &row.uid, row.study.as_ref(), &scope, &what, by).await?;
        let sealed = self.sealed(&scope, &row.uid, &what, recorded, by).await?;
        for _ in 0..TRIES_MAX {
            let version = case.version();
            checked(&case, &what, &reader)?;
            let fewer = fewer(&case, &what);
            let facts = with_said(&case, facts, &what)?;
            case.apply(entry(version + 1, recorded, what.clone(), by))?;
            let mut entries = vec![sealed.clone()];
            let facts = following(&case, &facts);
            if let Some(facts) = &facts {
                case.check(facts)?;
            }
            let moves = facts.is_some() || matches!(what, What::Facts { .. } | What::Sent { .. });
            let mut follows: Vec<What> = fewer.into_iter().chain(facts).collect();
            follows.reverse();
            let mut clocks_are_told = !moves;
            loop {
                let what = match follows.pop() {
                    Some(what) => what,
                    None if clocks_are_told => break,
                    None => {
                        clocks_are_told = true;
                        match moved(&case, by.now_ms)? {
                            Some(clocks) => clocks,
                            None => break,
                        }
                    }
                };
                let recorded = self.record(Activity::Change, &row.uid, row.study.as_ref(), &scope, &what, by).await?;
                entries.push(self.sealed(&scope, &row.uid, &what, recorded, by).await?);
                case.apply(entry(case.version() + 1, recorded, what, by))?;
            }
            let standing = Standing {
                state: case.state,
                severity: case.severity,
                // What is practised is urgent to nobody else.
                due_at: case.next_due_at().filter(|_| !case.is_exercise),
            };
            if table::add(&self.store, id, version, &standing, &entries).await? {
                let (row, case) = self.case(id).await?;
                return Ok((version + 1, row, case));
            }
            case = self.case(id).await?.1;
        }
        Err(DeskError::Busy(id))
    }

    /// Issues the clocks that moved by themselves, because time passed: such as where a delay that law enforcement asked for is over.
    ///
    /// # Errors
    /// As [`Desk::add`].
    pub async fn look_at_clocks(&self, id: u32, by: &By) -> Result<(), DeskError> {
        let (_, case) = self.case(id).await?;
        match moved(&case, by.now_ms)? {
            Some(clocks) if case.state != model::IncidentState::Closed => self.add(id, clocks, by).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Who acts, as roles of incidents know them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reader(&self, by: &By) -> Result<Reader, DeskError> {
        let found = store::principals::by_id(&self.store, by.actor.id).await?;
        let user = match found.as_ref().and_then(|found| found.user_id) {
            Some(user) => store::users::by_id(&self.store, user).await?,
            None => None,
        };
        // Whoever operates on the data folder itself holds its keys.
        let operates = by.origin.through == "cli";
        Ok(Reader {
            id: by.actor.id.to_string(),
            name: found.map_or_else(String::new, |found| found.name),
            is_administrator: operates || user.is_some_and(|user| user.role == ADMINISTRATOR),
        })
    }

    async fn record(
        &self,
        activity: Activity,
        uid: &str,
        study: Option<&StudyId>,
        scope: &Scope,
        what: &What,
        by: &By,
    ) -> Result<u64, DeskError> {
        let mut event = by.event(activity);
        event.resource =
            Resource { entity: Some(format!("incident:{uid}")), study: study.cloned(), ..Resource::default() };
        event.reason = Some(what.kind().to_owned());
        let value = what.told().to_string();
        event.details.push(Detail { field: "entry".into(), scope: scope.clone(), value });
        Ok(self.recorder.record(event).await?.index)
    }

    async fn sealed(
        &self,
        scope: &Scope,
        uid: &str,
        what: &What,
        recorded: u64,
        by: &By,
    ) -> Result<table::Entry, DeskError> {
        let plain = serde_json::to_vec(what).unwrap_or_default();
        let what_sealed = pieces::seal(&*self.envelope, scope, &context(uid), &plain).await?;
        Ok(table::Entry { number: 0, at: by.now_ms, by: by.actor.id, recorded, what_sealed })
    }

    /// What is sealed of an incident. Early ones of a study were sealed under its key.
    async fn opened(&self, row: &Incident, sealed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let context = context(&row.uid);
        let error = match pieces::open(&*self.envelope, &scope(row.opened_at), &context, sealed).await {
            Ok(plain) => return Ok(plain),
            Err(error) => error,
        };
        let Some(study) = &row.study else { return Err(error) };
        pieces::open(&*self.envelope, &Scope::Study(study.clone()), &context, sealed).await
    }

    async fn seal(&self, scope: &Scope, uid: &str, plain: &[u8]) -> Result<Vec<u8>, DeskError> {
        Ok(self.envelope.seal(scope, context(uid).as_bytes(), plain).await?)
    }
}

fn entry(number: u64, recorded: u64, what: What, by: &By) -> Entry {
    Entry { number, at: by.now_ms, by: by.actor.id.to_string(), recorded, what }
}

/// The facts that are not as they should be yet.
fn following(case: &Case, facts: &Map<String, Value>) -> Option<What> {
    let differs = |(name, value): &(&String, &Value)| case.facts.get(*name) != Some(*value);
    let set: Map<String, Value> =
        facts.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect();
    let was = set.keys().filter_map(|name| Some((name.clone(), case.facts.get(name)?.clone()))).collect();
    (!set.is_empty()).then_some(What::Facts { set, was })
}

/// Facts, and those that what is said to a playbook makes known.
fn with_said(case: &Case, facts: &Map<String, Value>, what: &What) -> Result<Map<String, Value>, CaseError> {
    let mut all = case.facts_said(what)?;
    all.extend(facts.clone());
    Ok(all)
}

/// The clocks that a case's facts and the time move.
fn moved(case: &Case, now_ms: i64) -> Result<Option<What>, CaseError> {
    let library = obligations::in_force().map_err(|error| CaseError(error.to_string()))?;
    let issued = case.reissue(&library, now_ms)?;
    Ok((!issued.is_empty()).then_some(What::Clocks { issued }))
}

/// That fewer people are affected than were said to be is told beside it: a clock may end by that, and somebody will ask why.
fn fewer(case: &Case, what: &What) -> Option<What> {
    let What::Facts { set, .. } = what else { return None };
    let fewer = crate::exposure::shrinks(case.facts.get("affected")?, set.get("affected")?)?;
    let text = format!("Fewer people are affected than were said to be: {fewer}.");
    Some(What::Note { text, privileged: false })
}

/// Whether something may be added now, and by whoever does.
fn checked(case: &Case, what: &What, reader: &Reader) -> Result<(), CaseError> {
    case.check(what)?;
    match what {
        What::Approved { obligation, language, .. } => case.check_approval(obligation, language, reader),
        What::Step { .. } => case.check_step(what, reader),
        _ => Ok(()),
    }
}

fn context(uid: &str) -> String {
    format!("{CONTEXT}{uid}")
}
