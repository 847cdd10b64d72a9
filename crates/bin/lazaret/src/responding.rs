//! What the console has done about incidents, by the guard.

use std::sync::Arc;

use console::{Act, ActFault, Asked, Figure, Respond};
use guard::{ExposureRequest, Guarded, IncidentRequest, OpsError, Shown};
use incidents::timeline::{EntryLine, Listing, Timeline};
use model::{Answer, By};
use obligations::{ClauseChange, Clauses};

use crate::exposing;
use crate::failure::Failure;
use crate::guarding::time;

/// Acts through the guard.
pub(crate) struct Responder(pub Arc<Guarded>);

impl Respond for Responder {
    fn act<'a>(&'a self, incident: u32, act: Act, by: &'a By) -> Answer<'a, Result<(), ActFault>> {
        let id = incident;
        let request = match act {
            Act::Expose(asked) => match question(*asked) {
                Ok(of) => IncidentRequest::Expose { id, of: Box::new(of) },
                Err(why) => {
                    let advice = why.advice().map_or_else(String::new, |advice| format!("; {advice}"));
                    let why = ActFault::Wrong(format!("{}{advice}", why.words()));
                    return Box::pin(std::future::ready(Err(why)));
                }
            },
            Act::Contain { kind, target, on } => IncidentRequest::Contain { id, kind, target, until: None, on },
            Act::Watch { kind, target, until } => IncidentRequest::Watch { id, kind, target, until },
            Act::Train { course, name, due_at } => IncidentRequest::Train { id, course, name, due_at },
            Act::Run { playbook, values } => IncidentRequest::Run { id, playbook, brought: None, values },
            Act::Answer { run, task, values, note, seen } => {
                IncidentRequest::Answer { id, run, task, values, note, seen }
            }
            Act::Step { run, input } => IncidentRequest::Step { id, run, input: Box::new(input) },
            Act::Draft { obligation, language } => IncidentRequest::Draft { id, obligation, language, again: false },
            Act::AskLetters { kind, objects } => IncidentRequest::AskLetters { id, kind, objects },
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

    fn reaching<'a>(&'a self, id: u32, by: &'a By) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>> {
        let request = IncidentRequest::Reaching { id };
        Box::pin(async move { self.0.about_incidents_by(by, request).await.map_err(fault) })
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

/// Whose exposure a form asks for.
fn question(asked: Asked) -> Result<ExposureRequest, Failure> {
    let Asked { principal, device, partner, credential, objects, from, to, reach, sealed_copy } = asked;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let (objects, prefixes) = match objects.trim() {
        "" => (Vec::new(), Vec::new()),
        text => exposing::listed("objects", text.as_bytes())?,
    };
    Ok(ExposureRequest {
        principal: given(principal),
        device: given(device),
        partner: given(partner),
        credential: given(credential),
        objects,
        prefixes,
        from: given(from).as_deref().map(exposing::beginning).transpose()?,
        to: given(to).as_deref().map(time).transpose()?,
        reach,
        sealed_copy,
        ..ExposureRequest::default()
    })
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

#[cfg(test)]
mod tests {
    use super::{Asked, question};

    #[test]
    fn a_form_asks_as_the_command_line_does() {
        let text = str::to_owned;
        let asked = Asked {
            partner: text("Example CRO"),
            credential: text("LZAK1"),
            objects: text("onc-201/a\r\nonc-201/b*"),
            from: text("2026-11-01"),
            to: text("2026-11-02"),
            reach: true,
            ..Asked::default()
        };
        let of = question(asked).unwrap();
        assert_eq!((of.partner.as_deref(), of.credential.as_deref()), (Some("Example CRO"), Some("LZAK1")));
        assert_eq!((of.objects, of.prefixes), (vec![text("onc-201/a")], vec![text("onc-201/b")]));
        let day = 86_400_000;
        assert_eq!(of.to.zip(of.from).map(|(to, from)| to - from), Some(2 * day), "the last day is within");
        assert!(of.reach && !of.sealed_copy && of.principal.is_none());
        let wrong = question(Asked { from: text("soon"), ..Asked::default() }).unwrap_err();
        assert!(wrong.words().contains("`soon` is no time"), "{}", wrong.words());
    }
}
