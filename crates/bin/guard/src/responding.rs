//! What an operator, or a person at the console, does about incidents: open, tell facts, look at exposure, contain, draft, send, close.

use incidents::case::{Case, What};
use incidents::desk::{DeskError, NewIncident};
use incidents::drafts;
use incidents::exposure::Grade;
use model::{By, Severity, StudyId};
use obligations::{Obligation, Options};
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
        /// `principal`, `partner` or `study`.
        kind: String,
        /// Which, by name.
        target: String,
        /// Whether it is contained from now on.
        on: bool,
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
        self.about_incidents_by(&by, request).await
    }

    /// As [`Guarded::about_incidents`], on behalf of whoever is named.
    ///
    /// # Errors
    /// As there.
    pub async fn about_incidents_by(&self, by: &By, request: IncidentRequest) -> Result<Vec<Value>, OpsError> {
        match request {
            IncidentRequest::Open { title, severity, finding, study } => {
                self.open_incident(by, title, severity, finding, study).await
            }
            IncidentRequest::List { closed } => {
                let listed = self.incidents.listed(closed, store::PAGE_ROWS_MAX).await?;
                Ok(listed.iter().map(|(row, title)| line(row, title)).collect())
            }
            IncidentRequest::Show { id } => {
                let (row, case) = self.incidents.case(id).await?;
                Ok(vec![whole(&row, &case)])
            }
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
                if matches!(*what, What::Clocks { .. } | What::Containment { .. } | What::Exposure { .. }) {
                    return Err(OpsError::Wrong(format!("`{}` is written by the program alone", what.kind())));
                }
                if let What::Sent { obligation, at, .. } = &*what {
                    sent_is_sound(obligation, at)?;
                }
                let (row, case) = self.incidents.add(id, *what, by).await?;
                Ok(vec![whole(&row, &case)])
            }
            IncidentRequest::Expose { id, of } => self.expose(by, id, *of).await,
            IncidentRequest::Contain { id, kind, target, on } => self.contain(by, id, &kind, &target, on).await,
            IncidentRequest::Draft { id, obligation, language } => self.draft(by, id, &obligation, &language).await,
        }
    }

    async fn open_incident(
        &self,
        by: &By,
        title: String,
        severity: Severity,
        finding: Option<u32>,
        study: Option<StudyId>,
    ) -> Result<Vec<Value>, OpsError> {
        let (mut title, mut study) = (title, study);
        if let Some(id) = finding {
            let missing = || OpsError::Wrong(format!("there is no finding {id}; `lazaret findings list` shows them"));
            let found = store::findings::by_id(&self.store, id).await?.ok_or_else(missing)?;
            if title.trim().is_empty() {
                title.clone_from(&found.title);
            }
            study = study.or(found.study);
        }
        let uid = outside::random_16()();
        let id = self.incidents.open(NewIncident { title, severity, finding, study, uid }, by).await?;
        let (row, case) = self.incidents.case(id).await?;
        Ok(vec![whole(&row, &case)])
    }

    async fn expose(&self, by: &By, id: u32, of: ExposureRequest) -> Result<Vec<Value>, OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        let of = if of == ExposureRequest::default() { ExposureRequest { finding: case.finding, ..of } } else { of };
        let (exposure, is_cut) = self.exposure(by, &of).await?;
        let question = serde_json::to_value(&of).unwrap_or_default();
        let mut gravest: Vec<Value> = Vec::new();
        for known in exposure.objects.iter().take(SUMMARY_OBJECTS) {
            gravest.push(json!({
                "object": known.object, "version": known.version, "study": known.study, "grade": known.grade, "labels": known.labels,
                "subjects": known.subjects, "bytes": known.touch.bytes, "entries": known.touch.entries.iter().take(8).collect::<Vec<_>>(),
                "entries_total": known.touch.entries_total, "deidentified": known.touch.deidentified,
            }));
        }
        let summary = json!({
            "figures": exposure.figures, "objects": exposure.objects.len(), "gravest": gravest, "principals": exposure.principals,
            "entries": exposure.entries, "refused": exposure.refused, "uncounted_subjects": exposure.uncounted_subjects,
            "deidentified": exposure.deidentified, "reach_cut": is_cut, "told_at": time(by.now_ms),
        });
        self.incidents.add(id, What::Exposure { question, summary }, by).await?;
        // What is certain and likely is what clocks are told from; what was only within reach is for people to judge.
        let affected = exposure.affected(Grade::Likely);
        let (row, case) = self.incidents.case(id).await?;
        let before = case.facts.get("affected").cloned();
        let (row, case) = if before.as_ref() == Some(&affected) {
            (row, case)
        } else {
            let set = Map::from_iter([("affected".to_owned(), affected)]);
            let was = before.map(|value| Map::from_iter([("affected".to_owned(), value)])).unwrap_or_default();
            self.incidents.add(id, What::Facts { set, was }, by).await?
        };
        Ok(vec![whole(&row, &case)])
    }

    /// Contains first and says so then: what is said twice does no harm, what is not contained does.
    async fn contain(&self, by: &By, id: u32, kind: &str, target: &str, on: bool) -> Result<Vec<Value>, OpsError> {
        let what = What::Containment { kind: kind.to_owned(), target: target.to_owned(), on };
        self.incidents.case(id).await?.1.check(&what).map_err(DeskError::from)?;
        match kind {
            "principal" => {
                let principal = self.identity.by_name(target).await?;
                self.identity.contain(principal.id, on, by).await?;
            }
            "partner" => {
                for principal in self.of_partner(target).await? {
                    if principal.disabled_at.is_none() {
                        self.identity.contain(principal.id, on, by).await?;
                    }
                }
            }
            "study" => {
                let study: StudyId =
                    target.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))?;
                self.access.contain_study(&study, on, by).await?;
            }
            other => {
                let why = format!("`{other}` cannot be contained; there are principal, partner and study");
                return Err(OpsError::Wrong(why));
            }
        }
        let (row, case) = self.incidents.add(id, what, by).await?;
        Ok(vec![whole(&row, &case)])
    }

    async fn draft(&self, by: &By, id: u32, obligation: &str, language: &str) -> Result<Vec<Value>, OpsError> {
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
    }
    value
}
