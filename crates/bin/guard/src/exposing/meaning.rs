//! What a question about exposure means: whose entries of the record, and what else may be exposed.

use std::collections::{BTreeSet, HashSet};

use incidents::exposure::{Form, Reach};
use lake::Wanted;
use model::{ObjectId, PrincipalId, PrincipalKind};
use store::findings::Finding;
use store::guarded::versions;
use store::principals::{self, Principal};

use super::ExposureRequest;
use super::reach::{Reachable, Reader, Readers};
use crate::ops::OpsError;
use crate::{Guarded, outside};

/// Why an object is possible that somebody could read and did not.
const WITHIN_REACH: &str = "within reach of whom the question is about; nothing says that it was touched";
/// Why an object is possible that is asked about by itself.
const ASKED_ABOUT: &str = "asked about; nothing says that it was touched";
/// A download that began by the end of a finding may end within this time.
pub(super) const RELEASED_WITHIN_MS: i64 = 60 * 60_000;

/// What a request means, looked up.
#[derive(Default)]
pub(super) struct Meant {
    /// Entries that say what was touched.
    pub(super) wanted: Wanted,
    /// Entries of somebody of whom nothing says that it is who is asked about, and why they are looked at.
    pub(super) present: Vec<(Wanted, String)>,
    /// Objects that may be exposed, and why.
    pub(super) reachable: Vec<Reachable>,
    /// Objects that are named elsewhere than in the guard, or by entries that let nothing out.
    pub(super) elsewhere: Vec<Reach>,
    /// More was within reach than was looked through.
    pub(super) is_cut: bool,
    /// What else has to be known, in words.
    pub(super) notes: Vec<String>,
}

/// A part of a question that names whose entries are meant.
struct Part {
    /// As it was asked.
    words: String,
    who: Vec<Principal>,
}

/// Whom all parts name: each narrows the others.
fn named_by_all(parts: Vec<Part>) -> Result<Vec<Principal>, OpsError> {
    let words: Vec<String> = parts.iter().map(|part| part.words.clone()).collect();
    let all = parts.into_iter().map(|part| part.who).reduce(|mut one, other| {
        one.retain(|who| other.iter().any(|also| also.id == who.id));
        one
    });
    match all {
        Some(who) if who.is_empty() => Err(OpsError::Wrong(format!(
            "nobody is all of {}: parts of a question narrow each other, and an entry of the record has one actor; ask for each by itself",
            words.join(", ")
        ))),
        all => Ok(all.unwrap_or_default()),
    }
}

impl Guarded {
    /// The rows of the record that a question means.
    pub(crate) async fn wanted(&self, request: &ExposureRequest) -> Result<Wanted, OpsError> {
        Ok(self.meant(request).await?.wanted)
    }

    pub(super) async fn meant(&self, request: &ExposureRequest) -> Result<Meant, OpsError> {
        let mut meant = Meant {
            wanted: Wanted { from_ms: request.from, to_ms: request.to, end: request.end, ..Wanted::default() },
            ..Meant::default()
        };
        if request.sealed_copy {
            return self.sealed_copy_meant(request, meant).await;
        }
        let (who, finding) = self.who_is_meant(request, &mut meant).await?;
        let mut found = None;
        if let Some(unknown) = finding {
            let naming = self.as_evidence_names(&unknown, request, &who, &mut meant);
            found = Some(Box::pin(naming).await?);
        }
        let set = |text: &String| HashSet::from([text.clone()]);
        let wanted = &mut meant.wanted;
        if !who.is_empty() {
            wanted.principals = Some(who.iter().map(|principal| principal.id.to_string()).collect());
        }
        wanted.credentials = request.credential.as_ref().map(set);
        wanted.addresses = request.address.as_ref().map(set);
        if let Some(study) = &request.study {
            wanted.studies = Some(HashSet::from([study.to_string()]));
        }
        let asked = self.objects_of(request).await?;
        if let Some(asked) = &asked {
            meant.notes.extend(asked.notes.iter().cloned());
            meant.elsewhere.retain(|reach| asked.objects.contains(&reach.object));
            let named = meant.wanted.objects.take();
            let both = |named: HashSet<String>| named.intersection(&asked.objects).cloned().collect();
            meant.wanted.objects = Some(named.map_or_else(|| asked.objects.clone(), both));
        }
        let wanted = &meant.wanted;
        let names_nothing = wanted.principals.is_none()
            && wanted.credentials.is_none()
            && wanted.addresses.is_none()
            && wanted.objects.is_none()
            && wanted.studies.is_none()
            && wanted.from_ms.is_none();
        if names_nothing {
            let why = "say whose exposure: a principal, device, partner, credential, address, object, study, finding, or from \
                       when";
            return Err(OpsError::Wrong(why.to_owned()));
        }
        if request.reach && found.is_none() {
            Box::pin(self.reach_meant(request, who, asked.map(|asked| asked.objects), &mut meant)).await?;
        } else if let (Some(studies), None) = (found, &asked) {
            let why = "in a study that the finding is about; the record does not say that it was touched";
            meant.is_cut = self.within_reach(None, &studies, why, &mut meant.reachable).await?;
        }
        let mut seen = HashSet::new();
        meant.reachable.retain(|one| seen.insert(one.described.object));
        Ok(meant)
    }

    /// What a copy of the store is that was lost or taken. The record has no entry of it: it is what somebody says.
    async fn sealed_copy_meant(&self, request: &ExposureRequest, mut meant: Meant) -> Result<Meant, OpsError> {
        let ExposureRequest { principal, device, partner, credential, address, finding, from, reach, .. } = request;
        let names = [principal, device, partner, credential, address];
        if names.iter().any(|name| name.is_some()) || finding.is_some() || from.is_some() || *reach {
            return Err(OpsError::Wrong(
                "a sealed copy has what was stored until it was made, whoever has it: only a study, objects, beginnings of names and \
                 the time until which (`--to`) narrow it; ask for a person, credential, finding or reach by itself"
                    .to_owned(),
            ));
        }
        let asked = self.objects_of(request).await?;
        meant.wanted.objects = Some(HashSet::new());
        let is_asked = |object: &str| asked.as_ref().is_none_or(|asked| asked.objects.contains(object));
        let until = request.to.unwrap_or_else(outside::now);
        (meant.elsewhere, meant.is_cut) = self.in_sealed_copy(request.study.as_ref(), until, is_asked).await?;
        meant.notes.push(format!(
            "nobody reads a sealed copy without the root key, which the {} holds: if it may be in the same hands, the copy is not sealed for \
             them, and `--study ID --reach` tells what it has; what was deleted after the copy was made is in it, and not told here",
            self.vault.provider()
        ));
        Ok(meant)
    }

    /// Whom a question names, and its finding where that names no actor whom Lazaret knows.
    async fn who_is_meant(
        &self,
        request: &ExposureRequest,
        meant: &mut Meant,
    ) -> Result<(Vec<Principal>, Option<Finding>), OpsError> {
        let mut parts = Vec::new();
        if let Some(name) = &request.principal {
            let words = format!("principal `{name}`");
            parts.push(Part { words, who: vec![self.somebody(name).await?] });
        }
        if let Some(name) = &request.device {
            let words = format!("device `{name}`");
            parts.push(Part { words, who: vec![self.a_device(name).await?] });
        }
        if let Some(name) = &request.partner {
            let words = format!("partner `{name}`");
            parts.push(Part { words, who: self.of_partner(name).await? });
        }
        let mut unknown = None;
        if let Some(id) = request.finding {
            let (finding, actor) = self.as_found(id, &mut meant.wanted).await?;
            match actor {
                Some(actor) => {
                    let words = format!("the actor of finding {id}, `{}`", actor.name);
                    parts.push(Part { words, who: vec![actor] });
                }
                None => unknown = Some(finding),
            }
        }
        Ok((named_by_all(parts)?, unknown))
    }

    /// What else is within reach: of whom the question is about, by the credential that it names, or all objects that it names.
    async fn reach_meant(
        &self,
        request: &ExposureRequest,
        who: Vec<Principal>,
        asked: Option<HashSet<String>>,
        meant: &mut Meant,
    ) -> Result<(), OpsError> {
        let readers = match &request.credential {
            Some(id) => {
                let Readers { who, notes } = self.by_credential(id, &who).await?;
                meant.notes.extend(notes);
                Some(who)
            }
            None if who.is_empty() => None,
            None => Some(who.into_iter().map(Reader::of).collect()),
        };
        if let Some(asked) = asked {
            let ids: Vec<[u8; 16]> =
                asked.iter().filter_map(|id| id.parse::<ObjectId>().ok()).map(|id| *id.as_bytes()).collect();
            let there = versions::describe_objects(&self.store, &ids).await?;
            let asked_about = |described| Reachable { described, why: ASKED_ABOUT.to_owned(), form: Form::Clear };
            meant.reachable.extend(match &readers {
                Some(readers) => self.readable(readers, there, WITHIN_REACH),
                None => there.into_iter().map(asked_about).collect(),
            });
            return Ok(());
        }
        let studies = match (&request.study, &readers) {
            (Some(study), _) => BTreeSet::from([study.clone()]),
            (None, Some(readers)) => self.places_of(readers),
            (None, None) => {
                let why =
                    "nothing says whose reach is meant: name a principal, device, partner, credential, object or study";
                meant.notes.push(why.to_owned());
                return Ok(());
            }
        };
        meant.is_cut = self.within_reach(readers.as_deref(), &studies, WITHIN_REACH, &mut meant.reachable).await?;
        Ok(())
    }

    /// A device by name or id.
    async fn a_device(&self, name: &str) -> Result<Principal, OpsError> {
        let found = self.somebody(name).await?;
        if found.kind != PrincipalKind::Device {
            let why = format!("`{name}` is no device but a {}; ask with `--principal {name}`", found.kind.as_str());
            return Err(OpsError::Wrong(why));
        }
        Ok(found)
    }

    pub(crate) async fn somebody(&self, name: &str) -> Result<Principal, OpsError> {
        if let Ok(id) = name.parse::<PrincipalId>()
            && let Some(found) = principals::by_id(&self.store, id).await?
        {
            return Ok(found);
        }
        Ok(self.identity.by_name(name).await?)
    }

    pub(crate) async fn of_partner(&self, organisation: &str) -> Result<Vec<Principal>, OpsError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = principals::page(&self.store, after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found.extend(page.into_iter().filter(|one| one.organisation.as_deref() == Some(organisation)));
        }
        if found.is_empty() {
            let why = format!(
                "nobody belongs to the partner organisation `{organisation}`; `lazaret user list` shows who does"
            );
            return Err(OpsError::Wrong(why));
        }
        Ok(found)
    }
}
