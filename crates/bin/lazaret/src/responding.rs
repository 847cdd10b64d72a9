//! What the console has done about incidents, by the guard.

use std::sync::Arc;

use console::{Act, ActFault, Figure, Respond};
use guard::{ExposureRequest, Guarded, IncidentRequest, OpsError, Shown};
use incidents::timeline::{EntryLine, Listing, Timeline};
use model::{Answer, By};
use obligations::{ClauseChange, Clauses};

use crate::exposing;

/// Acts through the guard.
pub(crate) struct Responder(pub Arc<Guarded>);

impl Respond for Responder {
    fn act<'a>(&'a self, incident: u32, act: Act, by: &'a By) -> Answer<'a, Result<(), ActFault>> {
        let id = incident;
        let request = match act {
            Act::Expose { principal, device, objects } => {
                let given = |name: String| Some(name).filter(|name| !name.is_empty());
                let (principal, device) = (given(principal), given(device));
                let listed = match objects.trim() {
                    "" => Ok((Vec::new(), Vec::new())),
                    text => exposing::listed("objects", text.as_bytes()),
                };
                let (objects, prefixes) = match listed {
                    Ok(listed) => listed,
                    Err(why) => {
                        let advice = why.advice().map_or_else(String::new, |advice| format!("; {advice}"));
                        let why = ActFault::Wrong(format!("{}{advice}", why.words()));
                        return Box::pin(std::future::ready(Err(why)));
                    }
                };
                let of = ExposureRequest { principal, device, objects, prefixes, ..ExposureRequest::default() };
                IncidentRequest::Expose { id, of: Box::new(of) }
            }
            Act::Contain { kind, target, on } => IncidentRequest::Contain { id, kind, target, until: None, on },
            Act::Watch { kind, target, until } => IncidentRequest::Watch { id, kind, target, until },
            Act::Train { course, name, due_at } => IncidentRequest::Train { id, course, name, due_at },
            Act::Run { playbook, values } => IncidentRequest::Run { id, playbook, brought: None, values },
            Act::Answer { run, task, values, note, seen } => {
                IncidentRequest::Answer { id, run, task, values, note, seen }
            }
            Act::Step { run, input } => IncidentRequest::Step { id, run, input: Box::new(input) },
            Act::Draft { obligation, language } => IncidentRequest::Draft { id, obligation, language, again: false },
            Act::Send { obligation, language, to } => {
                IncidentRequest::Send { id, obligation, language: Some(language), to: Some(to) }
            }
        };
        Box::pin(async move { self.0.about_incidents_by(by, request).await.map(drop).map_err(fault) })
    }

    fn clauses(&self) -> Result<Clauses, ActFault> {
        self.0.clauses().map_err(|error| ActFault::Failed(guard::whole(&error)))
    }

    fn change_clause<'a>(&'a self, change: ClauseChange, why: String, by: &'a By) -> Answer<'a, Result<u64, ActFault>> {
        Box::pin(async move { self.0.change_clauses(&change, &why, by).await.map_err(fault) })
    }

    fn figure<'a>(
        &'a self,
        incident: u32,
        figure: Figure,
        by: &'a By,
    ) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>> {
        let Figure { place: jurisdiction, grade, object, after } = figure;
        let shown = Shown { jurisdiction, grade: Some(grade), object, entries: true, after };
        Box::pin(async move { self.0.figure_of_incident(by, incident, &shown).await.map_err(fault) })
    }

    fn timeline(&self, incident: u32) -> Answer<'_, Result<Timeline, ActFault>> {
        Box::pin(async move { self.0.timeline(incident).await.map_err(fault) })
    }

    fn timeline_entries(
        &self,
        incident: u32,
        listing: Listing,
    ) -> Answer<'_, Result<(Vec<EntryLine>, bool), ActFault>> {
        Box::pin(async move { self.0.timeline_entries(incident, listing).await.map_err(fault) })
    }

    fn plan(&self) -> Result<Option<String>, ActFault> {
        self.0.plan_text().map_err(|error| ActFault::Failed(error.to_string()))
    }
}

/// What people can mend is told to them; what they cannot is for the log.
fn fault(error: OpsError) -> ActFault {
    match error {
        OpsError::Wrong(_) | OpsError::Incident(_) | OpsError::Identity(_) | OpsError::Access(_) => {
            ActFault::Wrong(guard::whole(&error))
        }
        error => ActFault::Failed(guard::whole(&error)),
    }
}
