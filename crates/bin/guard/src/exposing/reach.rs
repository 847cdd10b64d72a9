//! What is within reach of whom a question is about: what policy lets them read now, under the circumstances of the credential that leaked.

use std::collections::{BTreeSet, HashMap};

use incidents::exposure::{Form, Grade, Reach};
use model::{Action, StudyId};
use policy::{Circumstances, Thing};
use store::guarded::versions::{self, Described};
use store::principals::{self, Principal};

use super::hex;
use crate::ops::{OpsError, time};
use crate::{Guarded, outside};

/// Objects within reach that are looked through; beyond, that is told.
const REACH_MAX: usize = 200_000;

/// An object that may be exposed.
pub struct Reachable {
    /// The object, in its newest version.
    pub described: Described,
    /// Why, in words.
    pub why: String,
    /// In which form.
    pub form: Form,
}

/// Somebody who may read, and how they are asked for.
pub(super) struct Reader {
    principal: Principal,
    circumstances: Circumstances,
}

impl Reader {
    /// As whoever has shown a second factor, now.
    pub(super) fn of(principal: Principal) -> Self {
        Self { principal, circumstances: crate::access::asked() }
    }
}

/// Why an object is exposed that lies in a copy of the store.
const SEALED_COPY: &str = "in a copy of the store that somebody has: sealed, and the copy has no root key";

/// Whose reach is told, and what is to be said of it.
#[derive(Default)]
pub(super) struct Readers {
    pub(super) who: Vec<Reader>,
    pub(super) notes: Vec<String>,
}

impl Guarded {
    /// Whoever acts by a credential, as the gateway would see them; nobody where it is not good any more, with the reason.
    pub(super) async fn by_credential(&self, id: &str, who: &[Principal]) -> Result<Readers, OpsError> {
        let now_ms = outside::now();
        let missing = || {
            OpsError::Wrong(format!(
                "there is no credential `{id}`, so nothing can be told of its reach: check its id, which begins with `LZAK` or `LZTS`; temporary ones \
                 are forgotten some time after their end, and reach nothing from then on (ask without `--reach`)"
            ))
        };
        let kept = self.identity.kept(id).await?.ok_or_else(missing)?;
        let principal = principals::by_id(&self.store, kept.principal).await?.ok_or_else(missing)?;
        if !who.is_empty() && who.iter().all(|one| one.id != principal.id) {
            return Err(OpsError::Wrong(format!(
                "the credential `{id}` is that of `{}`, who is none of those that the question is about; ask for one or the other",
                principal.name
            )));
        }
        let none = |why: String| Ok(Readers { who: Vec::new(), notes: vec![why] });
        if let Some(at) = kept.revoked_at {
            return none(format!("the credential `{id}` was revoked at {}: it reaches nothing", time(at)));
        }
        if let Some(at) = kept.expires_at.filter(|at| *at <= now_ms) {
            return none(format!("the credential `{id}` ended at {}: it reaches nothing any more", time(at)));
        }
        if let Some(at) = principal.disabled_at {
            return none(format!(
                "`{}`, whose credential `{id}` is, was shut out at {}: it reaches nothing",
                principal.name,
                time(at)
            ));
        }
        let until =
            kept.expires_at.map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {}", time(at)));
        let notes = vec![format!("the credential `{id}` is that of `{}`, and good {until}", principal.name)];
        let circumstances = crate::gate::circumstances(kept.is_temporary, None, now_ms);
        Ok(Readers { who: vec![Reader { principal, circumstances }], notes })
    }

    /// Studies in which somebody has something to reach.
    pub(super) fn places_of(&self, readers: &[Reader]) -> BTreeSet<StudyId> {
        readers.iter().flat_map(|one| self.access.places(one.principal.id)).flatten().collect()
    }

    /// Those of some objects that are within reach of one of the readers.
    pub(super) fn readable(&self, readers: &[Reader], objects: Vec<Described>, why: &str) -> Vec<Reachable> {
        let mut known = HashMap::new();
        let reachable = |described: Described| {
            let form = self.may_read(readers, &described, &mut known)?;
            Some(Reachable { described, why: why.to_owned(), form })
        };
        objects.into_iter().filter_map(reachable).collect()
    }

    /// The gravest form in which one of the readers may read an object. Objects of a study with equal labels are asked for once.
    fn may_read(
        &self,
        readers: &[Reader],
        described: &Described,
        known: &mut HashMap<(String, String), Option<Form>>,
    ) -> Option<Form> {
        let key = (described.study.clone(), described.labels.clone());
        if let Some(known) = known.get(&key) {
            return *known;
        }
        let labels = crate::access::labels(&described.labels);
        let thing = Thing { id: None, labels: &labels };
        let study: Option<StudyId> = described.study.parse().ok();
        let may = |action| {
            study.as_ref().is_some_and(|study| {
                readers.iter().any(|Reader { principal, circumstances }| {
                    let told = self.access.tell(principal, &[action], Some(study), Some(thing), circumstances);
                    told.iter().any(|told| told.decision.allowed)
                })
            })
        };
        let forms = [(Action::Read, Form::Clear), (Action::ReadDeidentified, Form::Deidentified)];
        let form = forms.into_iter().find(|(action, _)| may(*action)).map(|(_, form)| form);
        known.insert(key, form);
        form
    }

    /// Objects of these studies that are within reach of one of the readers, or all of them where none is given. Whether there are more
    /// than are looked through.
    pub(super) async fn within_reach(
        &self,
        readers: Option<&[Reader]>,
        studies: &BTreeSet<StudyId>,
        why: &str,
        reachable: &mut Vec<Reachable>,
    ) -> Result<bool, OpsError> {
        let mut known = HashMap::new();
        for study in studies {
            let mut after = Vec::new();
            loop {
                let page = versions::describe_study(&self.store, study.as_str(), &after, store::PAGE_ROWS_MAX).await?;
                let Some(last) = page.last() else { break };
                after = last.name.as_bytes().to_vec();
                for described in page {
                    let form = match readers {
                        Some(readers) => self.may_read(readers, &described, &mut known),
                        None => Some(Form::Clear),
                    };
                    let Some(form) = form else { continue };
                    if reachable.len() >= REACH_MAX {
                        return Ok(true);
                    }
                    reachable.push(Reachable { described, why: why.to_owned(), form });
                }
            }
        }
        Ok(false)
    }

    /// What a copy of the store has, as it lay at that time: every version, sealed. Whether there are more than are looked through.
    pub(super) async fn in_sealed_copy(
        &self,
        study: Option<&StudyId>,
        until_ms: i64,
        is_asked: impl Fn(&str) -> bool,
    ) -> Result<(Vec<Reach>, bool), OpsError> {
        let mut found = Vec::new();
        for study in self.studies_meant(study).await? {
            let mut after = (Vec::new(), 0);
            loop {
                let page = versions::describe_stored(&self.store, &study, until_ms, (&after.0, after.1)).await?;
                let Some((last, sequence)) = page.last() else { break };
                after = (last.name.as_bytes().to_vec(), *sequence);
                for (one, _) in page {
                    let object = hex(&one.object);
                    if !is_asked(&object) {
                        continue;
                    }
                    if found.len() >= REACH_MAX {
                        return Ok((found, true));
                    }
                    found.push(Reach {
                        object,
                        version: hex(&one.version),
                        study: one.study,
                        why: SEALED_COPY.to_owned(),
                        grade: Grade::Certain,
                        form: Form::Sealed,
                        ..Reach::default()
                    });
                }
            }
        }
        Ok((found, false))
    }

    /// The study that is named, or all of them.
    async fn studies_meant(&self, study: Option<&StudyId>) -> Result<Vec<String>, OpsError> {
        if let Some(study) = study {
            return Ok(vec![study.to_string()]);
        }
        let mut all: Vec<String> = Vec::new();
        loop {
            let after = all.last().cloned().unwrap_or_default();
            let page = store::guarded::page(&self.store, &after, store::PAGE_ROWS_MAX).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(|one| one.study));
        }
    }
}
