//! What an operator, or a person at the console, does about incidents: open, tell facts, look at exposure, contain, draft, send, close.

mod privileged;

use std::collections::BTreeMap;
use std::sync::Arc;

use incidents::assess::{self, Answers};
use incidents::brief::brief_of;
use incidents::case::{Case, Notice, What};
use incidents::desk::{DeskError, NewIncident};
use incidents::drafts;
use incidents::exposure::{self, Exposure, Grade};
use incidents::timeline::Listing;
use model::{By, Severity, StudyId};
use playbooks::Input;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::incidents::Incident;

use crate::exposing::told::{of_entry, of_object};
use crate::exposing::{Answer, ExposureRequest};
use crate::ops::{Operator, OpsError, time};
use crate::{Guarded, outside};

/// What is asked about incidents.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentRequest {
    /// Opens one.
    Open {
        /// What it is called; from the finding, where one is named and this is empty.
        title: String,
        /// How grave it is.
        severity: Severity,
        /// The finding that it begins with.
        finding: Option<u32>,
        /// The study it is about.
        study: Option<StudyId>,
        /// It is practised: nobody is contained, nothing is sent.
        #[serde(default)]
        exercise: bool,
    },
    /// Those that are not closed, or all.
    List {
        /// With those that are closed.
        closed: bool,
    },
    /// One, with its clocks and entries.
    Show {
        /// Its number.
        id: u32,
        /// With the text of privileged notes, as far as they are for whoever asks. That is recorded.
        #[serde(default)]
        privileged: bool,
    },
    /// Changes facts. What somebody else changed since the caller looked is not overwritten where `was` says what was seen.
    Facts {
        /// Its number.
        id: u32,
        /// New values; `null` makes one unknown.
        set: Map<String, Value>,
        /// What the caller had seen; the present values where it is left out.
        was: Option<Map<String, Value>>,
    },
    /// Adds an entry.
    Add {
        /// Its number.
        id: u32,
        /// What.
        what: Box<What>,
    },
    /// Tells whose data was exposed, and puts the people affected into the facts.
    Expose {
        /// Its number.
        id: u32,
        /// Whose exposure.
        of: Box<ExposureRequest>,
    },
    /// What the record has about those whom it concerns, condensed; or the entries of a line one by one.
    Timeline {
        /// Its number.
        id: u32,
        /// Those entries.
        listing: Option<Box<Listing>>,
    },
    /// What the laws and contracts that are in force by now would say of every incident, where it differs. Nothing changes by that; incidents
    /// that are open have their clocks issued anew when the server starts.
    Replay,
    /// Contains somebody or something, or ends that.
    Contain {
        /// Its number.
        id: u32,
        /// `principal`, `device`, `access_key`, `partner`, `study`, or `study_writes` for a study that may only be read.
        kind: String,
        /// Which, by name or id.
        target: String,
        /// When that ends by itself, in milliseconds since 1970.
        #[serde(default)]
        until: Option<i64>,
        /// Whether it is contained from now on.
        on: bool,
    },
    /// Has somebody or something watched more closely, or ends that.
    Watch {
        /// Its number.
        id: u32,
        /// `principal`, `device`, `access_key`, `partner`, `study`, `object`, or `finding` for whom it is about.
        kind: String,
        /// Which, by name or id.
        target: String,
        /// Until when, in milliseconds since 1970; left out: no longer.
        until: Option<i64>,
    },
    /// Assigns a course, or takes that back.
    Train {
        /// Its number.
        id: u32,
        /// The course.
        course: String,
        /// Who, by name or id.
        name: String,
        /// By when, in milliseconds since 1970; left out: it is taken back.
        due_at: Option<i64>,
    },
    /// Begins a playbook.
    Run {
        /// Its number.
        id: u32,
        /// The playbook, by its name among those that are shipped.
        playbook: String,
        /// Another playbook, as CACAO 2.0.
        #[serde(default)]
        brought: Option<Box<Value>>,
        /// Values of its variables, with or without underscores.
        values: BTreeMap<String, String>,
    },
    /// Says that what a playbook asked was done: by a person, or that somebody agrees.
    Answer {
        /// Its number.
        id: u32,
        /// The run.
        run: u64,
        /// The task.
        task: u32,
        /// Variables and their values.
        values: BTreeMap<String, String>,
        /// Something about it; may be empty, unless it is said in the place of who holds the role.
        note: String,
        /// Proposals that whoever answers had before them, by variable: facts that were known then.
        #[serde(default)]
        seen: BTreeMap<String, String>,
    },
    /// Says something about a run of a playbook: an answer, a refusal, that it waits, goes on or ends.
    Step {
        /// Its number.
        id: u32,
        /// The run.
        run: u64,
        /// What.
        input: Box<Input>,
    },
    /// The questions of an assessment of risk, with what is known already or with answers, and what follows from them. It is signed in the
    /// console.
    Assess {
        /// Its number.
        id: u32,
        /// Which: `hipaa-4-factors`, `gdpr-risk`, `appi-triggers`.
        form: String,
        /// Answers by question; what is known already where they are left out.
        answers: Option<Answers>,
    },
    /// The report after the action, as text in Markdown.
    Report {
        /// Its number.
        id: u32,
        /// With privileged notes, as far as they are for whoever asks. That is recorded.
        #[serde(default)]
        privileged: bool,
    },
    /// Drafts the notice for an obligation from the facts and keeps it.
    Draft {
        /// Its number.
        id: u32,
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
        /// In the place of a text that somebody wrote.
        #[serde(default)]
        again: bool,
    },
    /// Sends the approved draft for an obligation by e-mail.
    Send {
        /// Its number.
        id: u32,
        /// For which obligation.
        obligation: String,
        /// In which language; that of the only draft that is approved where it is left out.
        language: Option<String>,
        /// To which address; to whom the plan names where it is left out.
        to: Option<String>,
    },
    /// Objects that say how the exposed people are reached.
    Reaching {
        /// Its number.
        id: u32,
    },
    /// Asks for letters to the exposed people, from what objects say of how they are reached.
    AskLetters {
        /// Its number.
        id: u32,
        /// The kind of letter.
        kind: String,
        /// The objects, by their numbers in the catalogue.
        objects: Vec<u32>,
    },
    /// The table of letters that were asked for in that way, once somebody else agreed.
    DrawLetters {
        /// Its number.
        id: u32,
        /// The letters.
        letters: u64,
    },
    /// Where letters and the notices in their place stand.
    Letters {
        /// Its number.
        id: u32,
    },
}

impl From<DeskError> for OpsError {
    fn from(error: DeskError) -> Self {
        Self::Incident(Box::new(error))
    }
}

pub(crate) fn library() -> Result<Arc<obligations::Library>, OpsError> {
    obligations::in_force().map_err(|error| OpsError::Wrong(error.to_string()))
}

impl Guarded {
    /// Answers an operator about incidents.
    ///
    /// # Errors
    /// When it cannot be done as it was asked, or something does not answer.
    pub async fn about_incidents(&self, operator: &Operator, request: IncidentRequest) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        match request {
            IncidentRequest::Show { id, privileged: true } => self.shown_with_privileged(&by, id).await,
            IncidentRequest::Report { id, privileged } => self.reported(&by, id, privileged).await,
            request => self.about_incidents_by(&by, request).await,
        }
    }

    /// As [`Guarded::about_incidents`], on behalf of whoever is named.
    ///
    /// # Errors
    /// As there.
    pub async fn about_incidents_by(&self, by: &By, request: IncidentRequest) -> Result<Vec<Value>, OpsError> {
        match request {
            IncidentRequest::Open { title, severity, finding, study, exercise } => {
                let uid = outside::random_16()();
                self.open_incident(by, NewIncident { title, severity, finding, study, exercise, uid }).await
            }
            IncidentRequest::List { closed } => {
                let listed = self.incidents.listed(closed, store::PAGE_ROWS_MAX).await?;
                Ok(listed.iter().map(|(row, title)| line(row, title)).collect())
            }
            IncidentRequest::Show { id, .. } => self.shown(id).await,
            IncidentRequest::Facts { id, set, was } => {
                let was = match was {
                    Some(was) => was,
                    None => {
                        let facts = self.incidents.case(id).await?.1.facts;
                        set.keys().filter_map(|name| Some((name.clone(), facts.get(name)?.clone()))).collect()
                    }
                };
                let (row, case) = self.incidents.add(id, What::Facts { set, was }, by).await?;
                Ok(vec![whole(&row, &case)])
            }
            IncidentRequest::Replay => self.replayed(by).await,
            IncidentRequest::Add { id, what } => self.add_entry(by, id, *what).await,
            IncidentRequest::Expose { id, of } => self.expose(by, id, *of).await,
            IncidentRequest::Timeline { id, listing } => self.told_timeline(id, listing.map(|listing| *listing)).await,
            IncidentRequest::Contain { id, kind, target, until, on } => {
                self.contain(by, id, &kind, &target, until, on).await?;
                self.shown(id).await
            }
            IncidentRequest::Watch { id, kind, target, until } => {
                self.watch_closer(by, id, &kind, &target, until).await?;
                self.shown(id).await
            }
            IncidentRequest::Train { id, course, name, due_at } => {
                self.train(by, id, &course, &name, due_at).await?;
                self.shown(id).await
            }
            IncidentRequest::Run { id, playbook, brought, values } => {
                Box::pin(self.run_playbook(by, id, &playbook, brought.map(|book| *book), values)).await?;
                self.shown(id).await
            }
            IncidentRequest::Answer { id, run, task, values, note, seen } => {
                let (_, case) = self.incidents.case(id).await?;
                let known = case.proposed_in(run, task);
                if let Some((name, _)) =
                    seen.iter().find(|(name, was)| known.get(*name).map_or("", String::as_str) != *was)
                {
                    let is = known.get(name).map_or("nothing", String::as_str);
                    return Err(OpsError::Wrong(format!(
                        "somebody else changed what is known of `{name}` to {is} meanwhile; look at it again, then answer"
                    )));
                }
                let reason = note.clone();
                let is_own = case.acts().iter().any(|(at, act)| *at == run && act.task == task);
                let input = if is_own {
                    Input::Acted { task, values }
                } else {
                    Input::Answered { task, who: String::new(), note, values }
                };
                Box::pin(self.step_playbook(by, id, run, input, &reason)).await?;
                self.shown(id).await
            }
            IncidentRequest::Step { id, run, input } => {
                let reason = match &*input {
                    Input::Answered { note, .. } => note.clone(),
                    Input::Refused { why, .. } => why.clone(),
                    _ => String::new(),
                };
                Box::pin(self.step_playbook(by, id, run, *input, &reason)).await?;
                self.shown(id).await
            }
            IncidentRequest::Assess { id, form, answers } => {
                let (_, case) = self.incidents.case(id).await?;
                Ok(vec![assessed(&case, id, &form, answers)?])
            }
            IncidentRequest::Report { id, .. } => self.reported(by, id, false).await,
            IncidentRequest::Draft { id, obligation, language, again } => {
                self.draft(by, id, &obligation, &language, again).await
            }
            IncidentRequest::Send { id, obligation, language, to } => {
                self.send_notice(by, id, &obligation, language.as_deref(), to.as_deref()).await
            }
            IncidentRequest::Reaching { id } => Box::pin(self.reaching(by, id)).await,
            IncidentRequest::AskLetters { id, kind, objects } => {
                Box::pin(self.ask_letters(by, id, &kind, &objects)).await
            }
            IncidentRequest::DrawLetters { id, letters } => Box::pin(self.draw_letters(by, id, letters)).await,
            IncidentRequest::Letters { id } => self.letters_standing(by, id).await,
        }
    }

    async fn add_entry(&self, by: &By, id: u32, what: What) -> Result<Vec<Value>, OpsError> {
        let is_own = matches!(
            what,
            What::Clocks { .. }
                | What::Containment { .. }
                | What::CloserWatch { .. }
                | What::Training { .. }
                | What::Exposure { .. }
                | What::Run { .. }
                | What::Step { .. }
                | What::Told { .. }
                | What::Sending { .. }
                | What::SendFailed { .. }
                | What::Sent { sending: Some(_), .. }
        );
        if matches!(what, What::Assessment { .. }) {
            let why = "an assessment is signed in the console, where whoever signs proves who they are";
            return Err(OpsError::Wrong(why.to_owned()));
        }
        if is_own {
            return Err(OpsError::Wrong(format!("`{}` is written by the program alone", what.kind())));
        }
        if let What::Sent { at, .. } = &what
            && at.parse().is_ok_and(|at: jiff::Timestamp| at.as_millisecond() > by.now_ms + CLOCKS_DIFFER_MS)
        {
            return Err(OpsError::Wrong(format!("`{at}` is still to come; say when it was sent once it was")));
        }
        let is_later = matches!(what, What::Forward { .. });
        self.incidents.add(id, what, by).await?;
        if is_later {
            Box::pin(self.do_what_is_open(id)).await?;
        }
        self.shown(id).await
    }

    async fn open_incident(&self, by: &By, new: NewIncident) -> Result<Vec<Value>, OpsError> {
        let mut new = new;
        if let Some(id) = new.finding {
            let missing = || OpsError::Wrong(format!("there is no finding {id}; `lazaret findings list` shows them"));
            let found = store::findings::by_id(&self.store, id).await?.ok_or_else(missing)?;
            if new.title.trim().is_empty() {
                new.title.clone_from(&found.title);
            }
            new.study = new.study.or(found.study);
        }
        let id = self.incidents.open(new, by).await?;
        // What is true of the organisation in every incident need not be said in each.
        let known = self.organisation();
        if !known.is_empty() {
            self.incidents.add(id, What::Facts { set: known, was: Map::new() }, by).await?;
        }
        self.shown(id).await
    }

    /// What the laws and contracts in force by now would say of every incident, closed ones too, where that differs from what they were told.
    async fn replayed(&self, by: &By) -> Result<Vec<Value>, OpsError> {
        let mut lines = Vec::new();
        for (row, title) in self.incidents.listed(true, store::PAGE_ROWS_MAX).await? {
            let (_, case) = self.incidents.case(row.id).await?;
            let issued = case.reissue(&*library()?, by.now_ms).map_err(DeskError::from)?;
            for clock in issued {
                let obligation = clock["obligation"].as_str().unwrap_or_default();
                let was = case.clocks.get(obligation);
                lines.push(json!({
                    "incident": row.id, "title": title, "state": row.state, "obligation": obligation,
                    "was": was.map_or_else(|| "never told".to_owned(), in_short), "is": in_short(&clock), "clock": clock,
                }));
            }
        }
        Ok(lines)
    }

    async fn shown(&self, id: u32) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        Ok(vec![whole(&row, &case)])
    }

    async fn expose(&self, by: &By, id: u32, of: ExposureRequest) -> Result<Vec<Value>, OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        let of = of.in_incident(&case);
        self.exposure_of_incident(by, id, &of).await?;
        self.shown(id).await
    }

    /// Tells whose data was exposed, keeps that in the incident, and puts the people affected into its facts.
    pub(crate) async fn exposure_of_incident(
        &self,
        by: &By,
        id: u32,
        of: &ExposureRequest,
    ) -> Result<Exposure, OpsError> {
        let Answer { exposure, is_cut, end, .. } = self.exposure(by, of).await?;
        let question = serde_json::to_value(of).unwrap_or_default();
        let summary = kept_of(&exposure, is_cut, end, by.now_ms);
        self.incidents.add(id, What::Exposure { question, summary }, by).await?;
        // What is certain and likely is what clocks are told from; what was only within reach is for people to judge. Where the record
        // knows of nothing that left, that is no word about what happened elsewhere: then nothing is said.
        let affected = exposure.affected(Grade::Likely);
        let (_, case) = self.incidents.case(id).await?;
        let before = case.facts.get("affected");
        let affected = exposure::at_least(before, &affected);
        if affected.as_ref() != before
            && let Some(affected) = affected
        {
            let set = Map::from_iter([("affected".to_owned(), affected)]);
            let was = before.map(|value| Map::from_iter([("affected".to_owned(), value.clone())])).unwrap_or_default();
            self.incidents.add(id, What::Facts { set, was }, by).await?;
        }
        Ok(exposure)
    }

    /// The timeline as the record tells it, a line each; or entries one by one, and at last from where it goes on.
    async fn told_timeline(&self, id: u32, listing: Option<Listing>) -> Result<Vec<Value>, OpsError> {
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut lines: Vec<Value> = Vec::new();
        let summary = match listing {
            None => {
                let timeline = self.timeline(id).await?;
                for line in &timeline.lines {
                    let mut told = serde_json::to_value(line).unwrap_or_default();
                    told["from"] = json!(time(line.first_ms));
                    told["to"] = json!(time(line.last_ms));
                    lines.push(told);
                }
                json!({ "entries": timeline.entries, "notes": timeline.notes })
            }
            Some(listing) => {
                let (entries, has_more) = self.timeline_entries(id, listing).await?;
                lines.extend(entries.iter().map(of_entry));
                json!({ "next": entries.last().filter(|_| has_more).map(|last| last.entry + 1) })
            }
        };
        for line in &mut lines {
            let principal = line["principal"].as_str().unwrap_or_default().to_owned();
            if !names.contains_key(&principal) {
                let name = self.name_of(&principal).await?;
                names.insert(principal.clone(), name);
            }
            line["name"] = json!(names.get(&principal));
        }
        lines.push(json!({ "summary": summary }));
        Ok(lines)
    }

    pub(crate) async fn draft(
        &self,
        by: &By,
        id: u32,
        obligation: &str,
        language: &str,
        again: bool,
    ) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        let before = case.notice(obligation, language);
        if before.is_some_and(|notice| notice.by_hand) && !again {
            return Err(OpsError::Wrong(format!(
                "somebody wrote the notice for {obligation} in `{language}`; with `--again` it is drafted anew, and theirs stays among the entries"
            )));
        }
        let library = library()?;
        let of = brief_of(&case, &library, obligation).map_err(|error| OpsError::Wrong(error.to_string()))?;
        let recipients: Vec<String> = case
            .clocks
            .get(obligation)
            .and_then(|clock| clock["recipients"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect();
        let reference = format!("INC-{}", row.id);
        let drafted = drafts::draft(&of, &case.facts, &recipients, &reference, language);
        let drafted = drafted.map_err(|error| OpsError::Wrong(error.to_string()))?;
        let what = What::Draft {
            obligation: obligation.to_owned(),
            language: language.to_owned(),
            text: drafted.text.clone(),
            by_hand: false,
            // What somebody writes meanwhile is not written over.
            was: Some(before.map_or_else(|| incidents::sha256_hex(b""), Notice::sha256)),
        };
        self.incidents.add(id, what, by).await?;
        Ok(vec![json!({
            "incident": id, "obligation": obligation, "language": language, "complete": drafted.is_complete(),
            "checked": drafted.checked, "text": drafted.text,
        })])
    }
}

/// What an incident keeps of an exposure: figures with what each rests on, and the gravest objects.
fn kept_of(exposure: &Exposure, is_cut: bool, end: u64, now_ms: i64) -> Value {
    let mut gravest: Vec<Value> =
        exposure.objects.iter().take(SUMMARY_OBJECTS).map(|known| of_object(exposure, known)).collect();
    let mut figures: Vec<Value> =
        exposure.figures.iter().filter_map(|figures| serde_json::to_value(figures).ok()).collect();
    let proofs = figures.iter_mut().filter_map(|figure| figure["proof"].as_object_mut()).flat_map(Map::values_mut);
    for listing in gravest.iter_mut().chain(proofs) {
        for name in ["entries", "ranges", "ranges_unended"] {
            if let Some(all) = listing.get_mut(name).and_then(Value::as_array_mut) {
                all.truncate(SUMMARY_ENTRIES);
            }
        }
    }
    let touched = || exposure.objects.iter().filter(|known| known.touch.entries_total > 0).map(|known| &known.touch);
    json!({
        "figures": figures, "objects": exposure.objects.len(), "gravest": gravest, "principals": exposure.principals,
        "flows": exposure.flows.iter().take(SUMMARY_FLOWS).collect::<Vec<_>>(), "whom": exposure.whom,
        "entries": exposure.entries, "refused": exposure.refused, "uncounted_subjects": exposure.uncounted_subjects,
        "deidentified": exposure.deidentified, "form": exposure.form(Grade::Likely), "reach_cut": is_cut, "notes": exposure.notes, "told_at": time(now_ms),
        "first_ms": touched().map(|touch| touch.first_ms).min(), "last_ms": touched().map(|touch| touch.last_ms).max(),
        "end": end,
    })
}

/// A clock in a few words: how it stands, and when it ends.
fn in_short(clock: &Value) -> String {
    let text = |name: &str| clock[name].as_str();
    let due = text("due_at").or_else(|| text("due_on")).map_or_else(String::new, |due| format!(" {due}"));
    format!("{}{due}", text("status").unwrap_or_default())
}

/// The questions of a form, and what follows from answers.
fn assessed(case: &Case, id: u32, form: &str, answers: Option<Answers>) -> Result<Value, OpsError> {
    let form = assess::form(form).map_err(|error| OpsError::Wrong(error.to_string()))?;
    let is_given = answers.is_some();
    let answers = answers.unwrap_or_else(|| form.prefilled(&case.facts, case.exposure.as_ref()));
    let questions: Vec<Value> = form
        .asked(&answers)
        .into_iter()
        .map(|one| {
            let options: Vec<Value> =
                one.options.iter().map(|option| json!({ "id": option.id, "text": option.text })).collect();
            json!({
                "question": one.id, "asks": one.text, "help": one.help, "cites": one.cites, "needed": one.needed,
                "options": options, "answer": answers.get(&one.id),
            })
        })
        .collect();
    let faults = if is_given { form.check(&answers).err().unwrap_or_default() } else { Vec::new() };
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let outcome = form.outcome(&answers).and_then(|outcome| {
        let possible = form.possible(&outcome.id)?;
        Some(json!({
            "id": outcome.id, "title": possible.title, "text": possible.text, "cites": possible.cites,
            "because": outcome.because, "facts": possible.facts,
        }))
    });
    Ok(json!({
        "incident": id, "form": form.id, "title": form.title, "cites": form.cites, "questions": questions, "faults": faults,
        "outcome": outcome,
    }))
}

/// By how much clocks of people and of this machine may differ, in milliseconds.
const CLOCKS_DIFFER_MS: i64 = 10 * 60_000;
/// Who took from which study: as many as an incident's summary of exposure lists.
const SUMMARY_FLOWS: usize = 40;
/// Objects that an incident's summary of exposure lists.
const SUMMARY_OBJECTS: usize = 50;
/// Entries and ranges that it lists of each of them, and of each figure.
const SUMMARY_ENTRIES: usize = 8;

fn line(row: &Incident, title: &str) -> Value {
    json!({
        "incident": row.id, "title": title, "state": row.state, "severity": row.severity, "study": row.study,
        "finding": row.finding, "opened": time(row.opened_at), "changed": time(row.changed_at), "due": row.due_at.map(time),
    })
}

/// An incident with everything about it.
#[must_use]
pub fn whole(row: &Incident, case: &Case) -> Value {
    let mut value = line(row, &case.title);
    if let (Some(value), Ok(Value::Object(rest))) = (value.as_object_mut(), serde_json::to_value(case)) {
        value.insert("uid".to_owned(), json!(row.uid));
        value.insert("version".to_owned(), json!(row.version));
        for (name, part) in rest {
            value.entry(name).or_insert(part);
        }
        let entries = case.entries.iter().map(|entry| {
            // A playbook is long, and is told by its name and digest.
            let mut told =
                json!({ "number": entry.number, "at": entry.at, "by": entry.by, "recorded": entry.recorded });
            if let (Some(told), Value::Object(what)) = (told.as_object_mut(), entry.what.told()) {
                told.extend(what);
            }
            told
        });
        value.insert("entries".to_owned(), entries.collect());
        value.insert("runs".to_owned(), case.told_runs().into());
    }
    value
}
