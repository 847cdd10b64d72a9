//! What a question about exposure means: whose entries of the record, and what else may be exposed.

use std::collections::{BTreeSet, HashMap, HashSet};

use incidents::exposure::Reach;
use lake::Wanted;
use model::{ObjectId, PrincipalId, PrincipalKind, StudyId};
use policy::Thing;
use store::guarded::versions::{self, Described};
use store::principals::{self, Principal};

use super::{ExposureRequest, hex};
use crate::Guarded;
use crate::ops::OpsError;

/// Objects within reach that are looked through; beyond, that is told.
const REACH_MAX: usize = 200_000;
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
    pub(super) reachable: Vec<(Described, String)>,
    /// Objects that are named elsewhere than in the guard, or by entries that let nothing out.
    pub(super) elsewhere: Vec<Reach>,
    /// More was within reach than was looked through.
    pub(super) is_cut: bool,
    /// What else has to be known, in words.
    pub(super) notes: Vec<String>,
}

impl Guarded {
    /// The rows of the record that a question means.
    pub(crate) async fn wanted(&self, request: &ExposureRequest) -> Result<Wanted, OpsError> {
        Ok(self.meant(request).await?.wanted)
    }

    pub(super) async fn meant(&self, request: &ExposureRequest) -> Result<Meant, OpsError> {
        let mut meant = Meant {
            wanted: Wanted { from_ms: request.from, to_ms: request.to, ..Wanted::default() },
            ..Meant::default()
        };
        let mut who: Vec<Principal> = Vec::new();
        if let Some(name) = &request.principal {
            who.push(self.somebody(name).await?);
        }
        if let Some(name) = &request.device {
            who.push(self.a_device(name).await?);
        }
        if let Some(organisation) = &request.partner {
            who.extend(self.of_partner(organisation).await?);
        }
        let set = |text: &String| HashSet::from([text.clone()]);
        let mut found = None;
        if let Some(id) = request.finding
            && let Some(unknown) = self.as_found(id, &mut meant.wanted, &mut who).await?
        {
            let naming = self.as_evidence_names(&unknown, request, &who, &mut meant);
            found = Some(Box::pin(naming).await?);
        }
        let wanted = &mut meant.wanted;
        if !who.is_empty() {
            wanted.principals = Some(who.iter().map(|principal| principal.id.to_string()).collect());
        }
        wanted.credentials = request.credential.as_ref().map(set);
        wanted.addresses = request.address.as_ref().map(set);
        if let Some(study) = &request.study {
            wanted.studies = Some(HashSet::from([study.to_string()]));
        }
        if let Some(object) = &request.object {
            let asked = self.an_object(object).await?;
            wanted.objects = Some(HashSet::from([hex(&asked.object)]));
            meant.elsewhere.retain(|reach| reach.object == hex(&asked.object));
            if request.reach {
                meant.reachable.push((asked, ASKED_ABOUT.to_owned()));
            }
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
        if request.reach && request.object.is_none() && found.is_none() {
            let studies = match &request.study {
                Some(study) => BTreeSet::from([study.clone()]),
                None => who.iter().flat_map(|one| self.access.places(one.id)).flatten().collect(),
            };
            meant.is_cut = self.within_reach(&who, &studies, WITHIN_REACH, &mut meant.reachable).await?;
        }
        if let (Some(studies), None) = (found, &request.object) {
            let why = "in a study that the finding is about; the record does not say that it was touched";
            meant.is_cut = self.within_reach(&[], &studies, why, &mut meant.reachable).await?;
        }
        let mut seen = HashSet::new();
        meant.reachable.retain(|(described, _)| seen.insert(described.object));
        Ok(meant)
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

    pub(crate) async fn an_object(&self, text: &str) -> Result<Described, OpsError> {
        let missing = || OpsError::Wrong(format!("there is no object `{text}`; give its id, or `study/name`"));
        if let Ok(id) = text.parse::<ObjectId>() {
            return versions::describe_objects(&self.store, &[*id.as_bytes()])
                .await?
                .into_iter()
                .next()
                .ok_or_else(missing);
        }
        let (study, name) = text.split_once('/').ok_or_else(missing)?;
        let found = versions::latest(&self.store, study, name).await?.ok_or_else(missing)?;
        versions::describe(&self.store, &[found.version]).await?.into_iter().next().ok_or_else(missing)
    }

    /// Objects of these studies that are within reach of `who`, or all of them where nobody is named. Whether there are more than are
    /// looked through.
    async fn within_reach(
        &self,
        who: &[Principal],
        studies: &BTreeSet<StudyId>,
        why: &str,
        reachable: &mut Vec<(Described, String)>,
    ) -> Result<bool, OpsError> {
        let circumstances = crate::access::asked();
        for study in studies {
            let mut may_read: HashMap<String, bool> = HashMap::new();
            let mut after = Vec::new();
            loop {
                let page = versions::describe_study(&self.store, study.as_str(), &after, store::PAGE_ROWS_MAX).await?;
                let Some(last) = page.last() else { break };
                after = last.name.as_bytes().to_vec();
                for described in page {
                    let is_allowed = who.is_empty()
                        || *may_read.entry(described.labels.clone()).or_insert_with(|| {
                            let labels = crate::access::labels(&described.labels);
                            let thing = Thing { id: None, labels: &labels };
                            who.iter().any(|one| {
                                let told = self.access.tell(
                                    one,
                                    &[model::Action::Read],
                                    Some(study),
                                    Some(thing),
                                    &circumstances,
                                );
                                told.iter().any(|told| told.decision.allowed)
                            })
                        });
                    if is_allowed {
                        if reachable.len() >= REACH_MAX {
                            return Ok(true);
                        }
                        reachable.push((described, why.to_owned()));
                    }
                }
            }
        }
        Ok(false)
    }
}
