//! Playbooks of incidents at work: what people answer goes in, what a playbook tells Lazaret to do is done, time passes.
//!
//! A run lies in the entries of its incident. Whatever is still to be done after a kill stands there, and is done again under the
//! same number: each deed is made so that doing it twice is as doing it once.

pub(crate) mod announce;
mod deeds;
mod evidence;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use incidents::case::{Case, What};
use incidents::desk::DeskError;
use model::event::{Actor, Origin};
use model::{By, IncidentState, PrincipalId, PrincipalKind};
use playbooks::{Act, Input, Playbook, Role, Verb};
use serde_json::Value;
use tokio::sync::watch;

use crate::ops::{OpsError, standing};
use crate::{Guarded, outside};

/// The standing rule that does what playbooks say.
const PLAYBOOK_RULE: &str = "rule:playbook";
/// How often it is looked whether time has passed for a run.
const TICK: Duration = Duration::from_secs(1);
/// Deeds that one answer may bring about before something else gets its turn.
const DEEDS_MAX: usize = 500;

/// How long it takes until what could not be done at its time is tried again, in milliseconds.
const AGAIN_MS: i64 = 1_000;

/// An incident as it was last looked at.
struct Seen {
    version: u64,
    wake_at: Option<i64>,
    partners: BTreeSet<String>,
}

/// Makes a backup now, for whoever asks; its id.
pub trait BackUp: Send + Sync + 'static {
    /// Makes it.
    fn back_up(&self) -> model::Answer<'_, Result<String, String>>;
}

/// A playbook that is to be run.
pub(crate) fn book(name: &str, brought: Option<Value>) -> Result<Vec<Value>, OpsError> {
    let wrong = |error: playbooks::ParseError| OpsError::Wrong(error.to_string());
    let first = match brought {
        Some(brought) => Playbook::parse(brought.to_string().as_bytes(), "the playbook").map_err(wrong)?,
        None => {
            let none =
                || OpsError::Wrong(format!("there is no playbook `{name}`; `lazaret playbooks list` shows them"));
            playbooks::named(name).ok_or_else(none)?.clone()
        }
    };
    // Whatever it may call comes along, so that the run is whole.
    let mut books = vec![first.source().clone()];
    let mut open = vec![first];
    while let Some(book) = open.pop() {
        for called in book.calls() {
            let Some(found) = playbooks::shipped().iter().find(|one| one.id == *called) else { continue };
            if !books.contains(found.source()) {
                books.push(found.source().clone());
                open.push(found.clone());
            }
        }
    }
    Ok(books)
}

impl Guarded {
    /// What makes backups when a playbook asks for one.
    pub fn backs_up_by(&self, by: Arc<dyn BackUp>) {
        // Whoever came first stays.
        let _ = self.back_up.set(by);
    }

    /// On behalf of a standing rule.
    pub(crate) async fn by_rule(&self, rule: &str) -> Result<By, OpsError> {
        let now_ms = outside::now();
        let nobody = Actor { id: PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
        let origin = Origin { through: "guard".into(), ..Origin::default() };
        let by = By { actor: nobody, origin, now_ms };
        let rule = standing(&self.identity, rule, PrincipalKind::Service, &by).await?;
        Ok(By { actor: Actor { id: rule.id, kind: rule.kind, credential: None }, ..by })
    }

    pub(crate) async fn run_playbook(
        &self,
        by: &By,
        id: u32,
        playbook: &str,
        brought: Option<Value>,
        values: BTreeMap<String, String>,
    ) -> Result<(), OpsError> {
        let books = book(playbook, brought)?;
        // What is known already need not be said again.
        let (_, case) = self.incidents.case(id).await?;
        let mut values = values;
        if let Some(first) = books.first().and_then(|book| Playbook::parse(book.to_string().as_bytes(), playbook).ok())
        {
            for (name, value) in case.proposed_for(&first) {
                let is_given = values.contains_key(&name) || values.contains_key(&format!("__{name}__"));
                if !is_given {
                    values.insert(name, value);
                }
            }
        }
        let sha256 = books.iter().map(|book| incidents::sha256_hex(book.to_string().as_bytes())).collect();
        self.incidents.add(id, What::Run { playbook: playbook.to_owned(), books, sha256, values }, by).await?;
        self.do_what_is_open(id).await
    }

    /// Puts in what somebody says about a run, and does what follows from it. `reason` says why, where they answer in the place of
    /// somebody else.
    pub(crate) async fn step_playbook(
        &self,
        by: &By,
        id: u32,
        run: u64,
        input: Input,
        reason: &str,
    ) -> Result<(), OpsError> {
        // What was too late by then is too late.
        self.pass_time(id).await?;
        let (_, case) = self.incidents.case(id).await?;
        let who = self.identity.by_id(by.actor.id).await?.name;
        let input = match input {
            Input::Answered { task, note, values, .. } => Input::Answered { task, who, note, values },
            Input::Refused { task, why, .. } => Input::Refused { task, who, why },
            Input::Pause { why, .. } => Input::Pause { who, why },
            Input::Resume { note, .. } => Input::Resume { who, note },
            Input::Cancel { why, .. } => Input::Cancel { who, why },
            Input::Acted { task, values } => {
                may_answer_for(&case, run, task, by)?;
                Input::Acted { task, values }
            }
            Input::ActFailed { task, why } if case.is_exercise => Input::ActFailed { task, why },
            Input::ActFailed { .. } | Input::Time => {
                return Err(OpsError::Wrong("that is put in by the program alone".to_owned()));
            }
        };
        let in_place = match &input {
            Input::Answered { task, .. } | Input::Refused { task, .. } | Input::Acted { task, .. } => {
                let reader = self.incidents.reader(by).await?;
                case.in_place(run, *task, &reader, reason).map_err(DeskError::from)?
            }
            _ => None,
        };
        self.incidents.add(id, What::Step { run, input, in_place }, by).await?;
        self.do_what_is_open(id).await
    }

    /// Lets the time pass for the runs of an incident.
    async fn pass_time(&self, id: u32) -> Result<(), OpsError> {
        let turn = self.turn_of(id);
        let _one_at_a_time = turn.lock().await;
        self.pass_time_locked(id).await
    }

    /// What is done about one incident is done one after the other; another does not wait for it.
    fn turn_of(&self, id: u32) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.settling.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(turns.entry(id).or_default())
    }

    async fn pass_time_locked(&self, id: u32) -> Result<(), OpsError> {
        for _ in 0..DEEDS_MAX {
            let (_, case) = self.incidents.case(id).await?;
            let Some(run) = case.late_runs(outside::now()).first().copied() else { return Ok(()) };
            let by = self.by_rule(PLAYBOOK_RULE).await?;
            self.incidents.add(id, What::step(run, Input::Time), &by).await?;
        }
        Ok(())
    }

    /// Does what the playbooks of an incident wait for, as far as Lazaret does it, and ends containments that are over.
    ///
    /// # Errors
    /// When something does not answer. What was not done is done the next time.
    pub async fn do_what_is_open(&self, id: u32) -> Result<(), OpsError> {
        let turn = self.turn_of(id);
        let _one_at_a_time = turn.lock().await;
        self.keep_containments(id).await;
        for _ in 0..DEEDS_MAX {
            self.pass_time_locked(id).await?;
            let (row, case) = self.incidents.case(id).await?;
            // Who is to be contained is contained before anybody is written to, which may take a while.
            let open = case.acts().into_iter().filter(|(_, act)| !waits(&case, act));
            let Some((run, act)) = open.min_by_key(|(_, act)| !act.verb.contains_somebody()) else {
                return self.tell_holders(id, &case).await;
            };
            let by = self.by_rule(PLAYBOOK_RULE).await?;
            let task = act.task;
            let input = match self.carry_out(&row, &case, run, &act, &by).await {
                Ok(values) => Input::Acted { task, values },
                Err(error) => Input::ActFailed { task, why: words(&error) },
            };
            if !self.say(id, run, input, &by).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Says what came of a deed; whether that was taken. It is not where somebody ended the run or it was too late: then the next look tells.
    async fn say(&self, id: u32, run: u64, input: Input, by: &By) -> Result<bool, OpsError> {
        let task = match &input {
            Input::Acted { task, .. } => Some(*task),
            _ => None,
        };
        let why = match self.incidents.add(id, What::step(run, input), by).await {
            Ok(_) => return Ok(true),
            Err(DeskError::Case(why)) => why,
            Err(error) => return Err(error.into()),
        };
        tracing::warn!(incident = id, run, %why, "what came of a deed was not taken by its playbook");
        // What it gave back does not fit: that is a failure like any other, and not to be done again and again.
        let Some(task) = task else { return Ok(false) };
        let input = Input::ActFailed { task, why: why.to_string() };
        match self.incidents.add(id, What::step(run, input), by).await {
            Ok(_) => Ok(true),
            Err(DeskError::Case(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets time pass for what runs in incidents, until it is stopped.
    pub async fn keep_responding(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut seen: HashMap<u32, Seen> = HashMap::new();
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(TICK) => {}
            }
            if let Err(error) = self.look_again(&mut seen).await {
                tracing::warn!(error = %crate::whole(&error), "what playbooks wait for was not done; it is tried again");
            }
        }
    }

    async fn look_again(self: &Arc<Self>, seen: &mut HashMap<u32, Seen>) -> Result<(), OpsError> {
        let rows = store::incidents::listed(&self.store, false, store::PAGE_ROWS_MAX).await?;
        seen.retain(|id, _| rows.iter().any(|row| row.id == *id));
        self.closers.keep(|id| rows.iter().any(|row| row.id == id));
        let partners: HashMap<u32, BTreeSet<String>> = seen
            .iter()
            .filter(|(_, seen)| !seen.partners.is_empty())
            .map(|(id, seen)| (*id, seen.partners.clone()))
            .collect();
        if !partners.is_empty() {
            let by = self.by_rule(PLAYBOOK_RULE).await?;
            self.hold_newcomers(&partners, &by).await?;
        }
        for row in rows {
            let now = outside::now();
            let is_due = |wake: Option<i64>| wake.is_some_and(|at| at <= now);
            if seen.get(&row.id).is_some_and(|seen| seen.version == row.version && !is_due(seen.wake_at)) {
                continue;
            }
            if let Err(error) = self.do_what_is_open(row.id).await {
                let error = crate::whole(&error);
                tracing::warn!(incident = row.id, %error, "what a playbook waits for was not done; it is tried again");
                continue;
            }
            let (row, case) = self.incidents.case(row.id).await?;
            for (run, act) in case.acts().into_iter().filter(|(_, act)| act.verb == Verb::StartBackup) {
                self.start_backup(row.id, run, act.task);
            }
            let held = case.contained.iter().filter(|(kind, _)| kind == "partner" && !case.is_exercise);
            let partners = held.map(|(_, partner)| partner.clone()).collect();
            // What does not end at its time is tried again with patience.
            let wake_at = case.wake_at().map(|at| at.max(now.saturating_add(AGAIN_MS)));
            seen.insert(row.id, Seen { version: row.version, wake_at, partners });
        }
        Ok(())
    }

    /// A backup takes a while, and nothing waits for it but its step.
    fn start_backup(self: &Arc<Self>, id: u32, run: u64, task: u32) {
        {
            let mut begun = self.backups_begun.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !begun.insert((id, run, task)) {
                return;
            }
        }
        let guarded = Arc::clone(self);
        tokio::spawn(async move {
            let input = match guarded.back_up.get() {
                None => Err("no backups are set up; `[recovery]` in the settings says where they go".to_owned()),
                Some(back_up) => back_up.back_up().await,
            };
            let input = match input {
                Ok(backup) => Input::Acted { task, values: BTreeMap::from([("backup".to_owned(), backup)]) },
                Err(why) => Input::ActFailed { task, why },
            };
            let told = match guarded.by_rule(PLAYBOOK_RULE).await {
                Ok(by) => guarded.say(id, run, input, &by).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::warn!(incident = id, error = %crate::whole(&error), "the end of a backup was not told to its playbook");
            }
            let mut begun = guarded.backups_begun.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            begun.remove(&(id, run, task));
        });
    }

    /// Has containments take effect and end, and issues clocks that time moved. What fails there holds up nothing else.
    async fn keep_containments(&self, id: u32) {
        let kept = async {
            let (row, case) = self.incidents.case(id).await?;
            self.closers.set(id, crate::measures::watched_by(&row, &case));
            if row.state == IncidentState::Closed {
                return Ok(());
            }
            let by = self.by_rule(PLAYBOOK_RULE).await?;
            self.hold_all(id, &by).await?;
            let now = case.clock(outside::now());
            for ((kind, target), _) in case.until.iter().filter(|(_, until)| **until <= now) {
                if let Err(error) = self.contain(&by, id, kind, target, None, false).await {
                    let error = crate::whole(&error);
                    tracing::warn!(incident = id, kind, target, %error, "a containment that is over did not end");
                }
            }
            self.incidents.look_at_clocks(id, &by).await?;
            Ok::<(), OpsError>(())
        };
        if let Err(error) = kept.await {
            tracing::warn!(incident = id, error = %crate::whole(&error), "what is contained was not looked after");
        }
    }

    /// Tells those who are asked something by a playbook that they are, and reminds them.
    async fn tell_holders(&self, id: u32, case: &Case) -> Result<(), OpsError> {
        if case.is_exercise || self.announcing.get().is_none_or(|announcing| announcing.ways.is_empty()) {
            return Ok(());
        }
        let by = self.by_rule(PLAYBOOK_RULE).await?;
        for (card, ask) in case.untold() {
            let role = ask.role.unwrap_or(Role::Commander);
            let is_late = card.reminder > 0;
            let text = if is_late { format!("Still to be done: {}", ask.name) } else { format!("Asked: {}", ask.name) };
            let call = announce::Call { role, text: &text, is_urgent: is_late, about: Some(card) };
            self.announce(case, id, call, &by).await?;
            if is_late && role != Role::Commander {
                self.announce(case, id, announce::Call { role: Role::Commander, ..call }, &by).await?;
            }
        }
        Ok(())
    }
}

/// Whether an act is not for this program to do at once: a second person agrees, a backup takes a while, and in an exercise whoever
/// leads it says what was found.
fn waits(case: &Case, act: &Act) -> bool {
    match act.verb {
        Verb::AskApproval => true,
        Verb::ComputeExposure => case.is_exercise,
        Verb::StartBackup => !case.is_exercise,
        _ => false,
    }
}

/// Somebody may say what came of an act only where that is asked of people.
fn may_answer_for(case: &Case, run: u64, task: u32, by: &By) -> Result<(), OpsError> {
    let found = case.acts().into_iter().find(|(at, act)| *at == run && act.task == task);
    let Some((_, act)) = found else {
        return Err(OpsError::Wrong(format!("run {run} waits for nothing under task {task}; look at what is open")));
    };
    match act.verb {
        // Whoever leads an exercise says what was found.
        Verb::ComputeExposure if case.is_exercise => Ok(()),
        Verb::AskApproval => {
            let starter = case.runs.get(&run).map_or("", playbooks::Run::started_by);
            if starter == by.actor.id.to_string() {
                let why = "whoever began the playbook asks for agreement, and cannot agree; somebody else has to";
                return Err(OpsError::Wrong(why.to_owned()));
            }
            Ok(())
        }
        verb => Err(OpsError::Wrong(format!(
            "`{}` is done by Lazaret; nobody can say for it what came of it",
            verb.as_str()
        ))),
    }
}

/// Why something was not done, short enough for a run.
fn words(error: &OpsError) -> String {
    crate::whole(error).chars().take(1_000).collect()
}
