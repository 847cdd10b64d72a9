//! What the console has done about incidents, by the guard.

use std::sync::Arc;

use console::{Act, ActFault, Respond};
use guard::{ExposureRequest, Guarded, IncidentRequest, OpsError};
use model::{Answer, By};
use obligations::{ClauseChange, Clauses};

/// Acts through the guard.
pub(crate) struct Responder(pub Arc<Guarded>);

impl Respond for Responder {
    fn act<'a>(&'a self, incident: u32, act: Act, by: &'a By) -> Answer<'a, Result<(), ActFault>> {
        let id = incident;
        let request = match act {
            Act::Expose { principal, device } => {
                let given = |name: String| Some(name).filter(|name| !name.is_empty());
                let (principal, device) = (given(principal), given(device));
                let of = ExposureRequest { principal, device, ..ExposureRequest::default() };
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
