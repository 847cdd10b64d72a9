//! What an operator, or a person at the console, does about incidents: open, tell facts, look at exposure, contain, draft, send, close.

mod privileged;

use std::collections::BTreeMap;

use incidents::assess::{self, Answers};
use incidents::case::{Case, What};
use incidents::desk::{DeskError, NewIncident};
use incidents::drafts;
use incidents::exposure::{Exposure, Grade};
use model::{By, PrincipalKind, Severity, StudyId};
use obligations::{Obligation, Options};
use playbooks::Input;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::incidents::Incident;

use crate::exposing::ExposureRequest;
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
        /// Something about it; may be empty.
        note: String,
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
    },
}

impl From<DeskError> for OpsError {
    fn from(error: DeskError) -> Self {
        Self::Incident(Box::new(error))
    }
}

fn library() -> Result<&'static obligations::Library, OpsError> {
    obligations::shipped().map_err(|error| OpsError::Wrong(error.to_string()))
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
            IncidentRequest::Add { id, what } => {
                let is_own = matches!(
                    *what,
                    What::Clocks { .. }
                        | What::Containment { .. }
                        | What::Exposure { .. }
                        | What::Run { .. }
                        | What::Step { .. }
                        | What::Told { .. }
                );
                if matches!(*what, What::Assessment { .. }) {
                    let why = "an assessment is signed in the console, where whoever signs proves who they are";
                    return Err(OpsError::Wrong(why.to_owned()));
                }
                if is_own {
                    return Err(OpsError::Wrong(format!("`{}` is written by the program alone", what.kind())));
                }
                if let What::Sent { obligation, at, .. } = &*what {
                    sent_is_sound(obligation, at)?;
                }
                let is_later = matches!(*what, What::Forward { .. });
                self.incidents.add(id, *what, by).await?;
                if is_later {
                    Box::pin(self.do_what_is_open(id)).await?;
                }
                self.shown(id).await
            }
            IncidentRequest::Expose { id, of } => self.expose(by, id, *of).await,
            IncidentRequest::Contain { id, kind, target, until, on } => {
                self.contain(by, id, &kind, &target, until, on).await?;
                self.shown(id).await
            }
            IncidentRequest::Run { id, playbook, brought, values } => {
                Box::pin(self.run_playbook(by, id, &playbook, brought.map(|book| *book), values)).await?;
                self.shown(id).await
            }
            IncidentRequest::Answer { id, run, task, values, note } => {
                let (_, case) = self.incidents.case(id).await?;
                let is_own = case.acts().iter().any(|(at, act)| *at == run && act.task == task);
                let input = if is_own {
                    Input::Acted { task, values }
                } else {
                    Input::Answered { task, who: String::new(), note, values }
                };
                Box::pin(self.step_playbook(by, id, run, input)).await?;
                self.shown(id).await
            }
            IncidentRequest::Step { id, run, input } => {
                Box::pin(self.step_playbook(by, id, run, *input)).await?;
                self.shown(id).await
            }
            IncidentRequest::Assess { id, form, answers } => {
                let (_, case) = self.incidents.case(id).await?;
                Ok(vec![assessed(&case, id, &form, answers)?])
            }
            IncidentRequest::Report { id, .. } => self.reported(by, id, false).await,
            IncidentRequest::Draft { id, obligation, language } => self.draft(by, id, &obligation, &language).await,
        }
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
        self.shown(id).await
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
        let (exposure, is_cut) = self.exposure(by, of).await?;
        let question = serde_json::to_value(of).unwrap_or_default();
        let mut gravest: Vec<Value> = Vec::new();
        for known in exposure.objects.iter().take(SUMMARY_OBJECTS) {
            gravest.push(json!({
                "object": known.object, "version": known.version, "study": known.study, "grade": known.grade, "why": known.why, "labels": known.labels,
                "subjects": known.subjects, "bytes": known.touch.bytes, "entries": known.touch.entries.iter().take(8).collect::<Vec<_>>(),
                "entries_total": known.touch.entries_total, "deidentified": known.touch.deidentified,
            }));
        }
        let summary = json!({
            "figures": exposure.figures, "objects": exposure.objects.len(), "gravest": gravest, "principals": exposure.principals,
            "flows": exposure.flows.iter().take(SUMMARY_FLOWS).collect::<Vec<_>>(), "whom": exposure.whom,
            "entries": exposure.entries, "refused": exposure.refused, "uncounted_subjects": exposure.uncounted_subjects,
            "deidentified": exposure.deidentified, "reach_cut": is_cut, "notes": exposure.notes, "told_at": time(by.now_ms),
        });
        self.incidents.add(id, What::Exposure { question, summary }, by).await?;
        // What is certain and likely is what clocks are told from; what was only within reach is for people to judge.
        let affected = exposure.affected(Grade::Likely);
        let (_, case) = self.incidents.case(id).await?;
        let before = case.facts.get("affected").cloned();
        if before.as_ref() != Some(&affected) {
            let set = Map::from_iter([("affected".to_owned(), affected)]);
            let was = before.map(|value| Map::from_iter([("affected".to_owned(), value)])).unwrap_or_default();
            self.incidents.add(id, What::Facts { set, was }, by).await?;
        }
        Ok(exposure)
    }

    /// Contains first and says so then: what is said twice does no harm, what is not contained does.
    pub(crate) async fn contain(
        &self,
        by: &By,
        id: u32,
        kind: &str,
        target: &str,
        until: Option<i64>,
        on: bool,
    ) -> Result<(), OpsError> {
        let until = until.filter(|_| on);
        let what = What::Containment { kind: kind.to_owned(), target: target.to_owned(), on, until };
        let (_, case) = self.incidents.case(id).await?;
        case.check(&what).map_err(DeskError::from)?;
        if until.is_some_and(|until| until <= by.now_ms) {
            return Err(OpsError::Wrong("a containment cannot end in the past; give a later end".to_owned()));
        }
        // What is practised is only said.
        if !case.is_exercise {
            self.hold_back(by, kind, target, on, &case).await?;
        }
        self.incidents.add(id, what, by).await?;
        Ok(())
    }

    async fn hold_back(&self, by: &By, kind: &str, target: &str, on: bool, case: &Case) -> Result<(), OpsError> {
        match kind {
            "principal" | "device" => {
                let principal = self.somebody(target).await?;
                if kind == "device" && principal.kind != PrincipalKind::Device {
                    return Err(OpsError::Wrong(format!("`{target}` is no device; contain it as a principal")));
                }
                self.identity.contain(principal.id, on, by).await?;
            }
            "access_key" => {
                // Only a key that this incident took away is given back by it.
                let is_ours = case.contained.contains(&(kind.to_owned(), target.to_owned()));
                if on {
                    let key = store::credentials::key(&self.store, target).await?;
                    if key.is_some_and(|key| key.disabled_at.is_some()) {
                        let why = format!("the access key `{target}` is revoked already; there is nothing to contain");
                        return Err(OpsError::Wrong(why));
                    }
                    self.identity.revoke_key(target, by).await?;
                } else if is_ours {
                    self.identity.restore_key(target, by).await?;
                }
            }
            "partner" => {
                for principal in self.of_partner(target).await? {
                    if principal.disabled_at.is_none() {
                        self.identity.contain(principal.id, on, by).await?;
                    }
                }
            }
            "study" | "study_writes" => {
                let study: StudyId =
                    target.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))?;
                if kind == "study" {
                    self.access.contain_study(&study, on, by).await?;
                } else {
                    self.access.close_study(&study, on, by).await?;
                }
            }
            other => {
                let why = format!(
                    "`{other}` cannot be contained; there are principal, device, access_key, partner, study and study_writes"
                );
                return Err(OpsError::Wrong(why));
            }
        }
        Ok(())
    }

    pub(crate) async fn draft(
        &self,
        by: &By,
        id: u32,
        obligation: &str,
        language: &str,
    ) -> Result<Vec<Value>, OpsError> {
        let (row, case) = self.incidents.case(id).await?;
        let of = obligation_of(&case, obligation)?;
        let recipients: Vec<String> = case
            .clocks
            .get(obligation)
            .and_then(|clock| clock["recipients"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect();
        let reference = format!("INC-{}", row.id);
        let drafted = drafts::draft(of, &case.facts, &recipients, &reference, language);
        let drafted = drafted.map_err(|error| OpsError::Wrong(error.to_string()))?;
        let what = What::Draft {
            obligation: obligation.to_owned(),
            language: language.to_owned(),
            text: drafted.text.clone(),
        };
        self.incidents.add(id, what, by).await?;
        Ok(vec![json!({
            "incident": id, "obligation": obligation, "language": language, "complete": drafted.is_complete(),
            "checked": drafted.checked, "text": drafted.text,
        })])
    }
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

/// Who took from which study: as many as an incident's summary of exposure lists.
const SUMMARY_FLOWS: usize = 40;
/// Objects that an incident's summary of exposure lists.
const SUMMARY_OBJECTS: usize = 50;

fn sent_is_sound(obligation: &str, at: &str) -> Result<(), OpsError> {
    if library()?.obligations().iter().all(|one| one.id != obligation) {
        return Err(OpsError::Wrong(format!(
            "there is no obligation `{obligation}`; `lazaret obligations --list` shows them"
        )));
    }
    let parsed: Result<jiff::Timestamp, _> = at.parse();
    parsed.map(|_| ()).map_err(|error| {
        OpsError::Wrong(format!("`{at}` is no time with offset ({error}); write `2026-11-02T09:00:00+01:00`"))
    })
}

/// The version of an obligation that an incident is judged by.
///
/// # Errors
/// When there is none.
pub fn obligation_of(case: &Case, id: &str) -> Result<&'static Obligation, OpsError> {
    let library = library()?;
    let facts = Value::Object(case.facts.clone()).to_string();
    let facts = obligations::Facts::from_json(facts.as_bytes(), library.vocabulary());
    let facts = facts.map_err(|error| OpsError::Wrong(error.to_string()))?;
    let none = || OpsError::Wrong(format!("there is no obligation `{id}`; `lazaret obligations --list` shows them"));
    library.version(id, &facts, Options::default()).ok_or_else(none)
}

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
