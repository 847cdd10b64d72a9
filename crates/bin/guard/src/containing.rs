//! Containment as incidents want it. An entry says who is held back from then on; then it is done. What was not done because the process
//! ended in between is done at the next look, and nobody is let go whom another incident holds.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use identity::IdentityError;
use incidents::case::{Case, What};
use incidents::desk::DeskError;
use model::event::Actor;
use model::{By, PrincipalId, PrincipalKind, StudyId};
use store::principals::{self, Principal};

use crate::Guarded;
use crate::ops::OpsError;

/// What cannot be contained is told with what can.
const KINDS: &str = "principal, device, access_key, partner, study and study_writes";

fn wrong<T>(why: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Wrong(why.into()))
}

/// Whose streams end now: the next request is refused by policy, and what is on its way already is cut by this.
#[derive(Debug, Default)]
pub struct CutOff(RwLock<Cut>);

#[derive(Debug, Default)]
struct Cut {
    principals: HashSet<PrincipalId>,
    keys: HashSet<String>,
    studies: HashSet<StudyId>,
    closed: HashSet<StudyId>,
}

impl CutOff {
    /// Whether what `actor` takes from `study`, or with `writes` brings into it, is to end.
    #[must_use]
    pub fn ends(&self, actor: &Actor, study: &StudyId, writes: bool) -> bool {
        let cut = self.0.read().unwrap_or_else(PoisonError::into_inner);
        cut.principals.contains(&actor.id)
            || cut.studies.contains(study)
            || (writes && cut.closed.contains(study))
            || actor.credential.as_ref().is_some_and(|key| cut.keys.contains(key))
    }

    fn turn(&self, turn: impl FnOnce(&mut Cut)) {
        turn(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

fn put<T: Eq + std::hash::Hash>(set: &mut HashSet<T>, one: T, on: bool) {
    if on {
        set.insert(one);
    } else {
        set.remove(&one);
    }
}

/// Whom or what a containment is about, once it is known.
#[derive(Debug)]
enum Meant {
    People(BTreeSet<PrincipalId>),
    Key(String),
    Study(StudyId),
    Writes(StudyId),
}

impl Meant {
    fn members(&self) -> Vec<String> {
        match self {
            Self::People(all) => all.iter().map(ToString::to_string).collect(),
            Self::Key(_) | Self::Study(_) | Self::Writes(_) => Vec::new(),
        }
    }
}

impl Guarded {
    /// Says who is contained, or no longer, and has it take effect.
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
        if until.is_some_and(|until| until <= by.now_ms) {
            return wrong("a containment cannot end in the past; give a later end");
        }
        let _one_after_the_other = self.containing.lock().await;
        let (_, case) = self.incidents.case(id).await?;
        let (target, meant) = self.meant(&case, id, kind, target, on).await?;
        let what = What::Containment { kind: kind.to_owned(), target, on, until, members: meant.members() };
        case.check(&what).map_err(DeskError::from)?;
        let (_, case) = self.incidents.add(id, what, by).await?;
        // What is practised is only said.
        if case.is_exercise {
            return Ok(());
        }
        if on { self.hold(&meant, by).await } else { self.let_go(&meant, by).await }
    }

    /// Who is meant, by the name that the incident has it under.
    async fn meant(
        &self,
        case: &Case,
        id: u32,
        kind: &str,
        target: &str,
        on: bool,
    ) -> Result<(String, Meant), OpsError> {
        if on { self.to_be_held(case, kind, target).await } else { self.held(case, id, kind, target).await }
    }

    async fn to_be_held(&self, case: &Case, kind: &str, target: &str) -> Result<(String, Meant), OpsError> {
        match kind {
            "principal" | "device" => {
                let principal = self.somebody(target).await?;
                if kind == "device" && principal.kind != PrincipalKind::Device {
                    return wrong(format!("`{target}` is no device; contain it as a principal"));
                }
                Ok((principal.name, Meant::People(BTreeSet::from([principal.id]))))
            }
            "access_key" => {
                let key = store::credentials::key(&self.store, target).await?;
                let none = || OpsError::Wrong(format!("there is no access key `{target}`; check its id"));
                let is_revoked = key.ok_or_else(none)?.disabled_at.is_some();
                let held = (kind.to_owned(), target.to_owned());
                // Only a key that incidents took away is given back by them.
                if is_revoked && !case.contained.contains(&held) && !self.holds_otherwise(&held).await? {
                    return wrong(format!("the access key `{target}` is revoked already; there is nothing to contain"));
                }
                Ok((target.to_owned(), Meant::Key(target.to_owned())))
            }
            "partner" => {
                let members = self.of_partner(target).await?;
                Ok((target.to_owned(), Meant::People(members.into_iter().map(|one| one.id).collect())))
            }
            "study" | "study_writes" => {
                let study = study(target)?;
                if self.access.study(&study).is_none() {
                    return wrong(format!("there is no study `{study}`; check its name"));
                }
                Ok((target.to_owned(), if kind == "study" { Meant::Study(study) } else { Meant::Writes(study) }))
            }
            other => wrong(format!("`{other}` cannot be contained; there are {KINDS}")),
        }
    }

    /// What the incident holds under that name. People are those who were held, whatever they are called by now, and those who came to a
    /// partner since.
    async fn held(&self, case: &Case, id: u32, kind: &str, target: &str) -> Result<(String, Meant), OpsError> {
        let mut key = (kind.to_owned(), target.to_owned());
        if !case.contained.contains(&key) && matches!(kind, "principal" | "device") {
            key.1 = self.somebody(target).await?.name;
        }
        if !case.contained.contains(&key) {
            return wrong(format!(
                "incident {id} does not contain {kind} `{target}`; `lazaret incidents list` and `show` tell which does"
            ));
        }
        let meant = match kind {
            "principal" | "device" | "partner" => {
                let mut people: BTreeSet<PrincipalId> =
                    case.members.get(&key).into_iter().flatten().filter_map(|id| id.parse().ok()).collect();
                if kind == "partner" {
                    people.extend(self.belonging(&BTreeSet::from([target.to_owned()])).await?.iter().map(|one| one.id));
                } else if people.is_empty() {
                    people.insert(self.somebody(&key.1).await?.id);
                }
                Meant::People(people)
            }
            "access_key" => Meant::Key(target.to_owned()),
            "study" => Meant::Study(study(target)?),
            _ => Meant::Writes(study(target)?),
        };
        Ok((key.1, meant))
    }

    async fn hold(&self, meant: &Meant, by: &By) -> Result<(), OpsError> {
        match meant {
            Meant::People(people) => {
                for id in people {
                    self.cut_off.turn(|cut| put(&mut cut.principals, *id, true));
                    if principals::by_id(&self.store, *id).await?.is_some_and(|one| one.contained_at.is_none()) {
                        self.identity.contain(*id, true, by).await?;
                    }
                }
            }
            Meant::Key(key) => {
                self.cut_off.turn(|cut| put(&mut cut.keys, key.clone(), true));
                if store::credentials::key(&self.store, key).await?.is_some_and(|key| key.disabled_at.is_none()) {
                    self.identity.revoke_key(key, by).await?;
                }
            }
            Meant::Study(study) => {
                self.cut_off.turn(|cut| put(&mut cut.studies, study.clone(), true));
                if self.access.study(study).is_some_and(|study| study.contained_at.is_none()) {
                    self.access.contain_study(study, true, by).await?;
                }
            }
            Meant::Writes(study) => {
                self.cut_off.turn(|cut| put(&mut cut.closed, study.clone(), true));
                if self.access.study(study).is_some_and(|study| study.closed_at.is_none()) {
                    self.access.close_study(study, true, by).await?;
                }
            }
        }
        Ok(())
    }

    /// Lets go what no incident holds.
    async fn let_go(&self, meant: &Meant, by: &By) -> Result<(), OpsError> {
        let holding = self.holding().await?;
        let is_held = |kind: &str, target: &str| {
            holding.iter().any(|case| case.contained.contains(&(kind.to_owned(), target.to_owned())))
        };
        match meant {
            Meant::People(people) => {
                let held = self.people_held(&holding).await?;
                for id in people.iter().filter(|id| !held.contains(id)) {
                    self.cut_off.turn(|cut| put(&mut cut.principals, *id, false));
                    if principals::by_id(&self.store, *id).await?.is_some_and(|one| one.contained_at.is_some()) {
                        self.identity.contain(*id, false, by).await?;
                    }
                }
            }
            Meant::Key(key) if !is_held("access_key", key) => {
                self.cut_off.turn(|cut| put(&mut cut.keys, key.clone(), false));
                match self.identity.restore_key(key, by).await {
                    // Whose key it was is shut out by now: it stays revoked, and that is no reason to hold up the incident.
                    Err(error @ (IdentityError::Missing { .. } | IdentityError::Disabled { .. })) => {
                        tracing::warn!(%key, %error, "an access key that is no longer contained stays revoked");
                    }
                    other => other?,
                }
            }
            Meant::Study(study) if !is_held("study", study.as_str()) => {
                self.cut_off.turn(|cut| put(&mut cut.studies, study.clone(), false));
                if self.access.study(study).is_some_and(|study| study.contained_at.is_some()) {
                    self.access.contain_study(study, false, by).await?;
                }
            }
            Meant::Writes(study) if !is_held("study_writes", study.as_str()) => {
                self.cut_off.turn(|cut| put(&mut cut.closed, study.clone(), false));
                if self.access.study(study).is_some_and(|study| study.closed_at.is_some()) {
                    self.access.close_study(study, false, by).await?;
                }
            }
            Meant::Key(_) | Meant::Study(_) | Meant::Writes(_) => {}
        }
        Ok(())
    }

    /// Incidents that hold anybody or anything.
    async fn holding(&self) -> Result<Vec<Case>, OpsError> {
        let mut holding = Vec::new();
        for row in store::incidents::listed(&self.store, false, store::PAGE_ROWS_MAX).await? {
            let (_, case) = self.incidents.case(row.id).await?;
            if !case.is_exercise && !case.contained.is_empty() {
                holding.push(case);
            }
        }
        Ok(holding)
    }

    async fn holds_otherwise(&self, held: &(String, String)) -> Result<bool, OpsError> {
        Ok(self.holding().await?.iter().any(|case| case.contained.contains(held)))
    }

    /// Everybody whom these incidents hold, by themselves or as belonging to a partner.
    async fn people_held(&self, holding: &[Case]) -> Result<HashSet<PrincipalId>, OpsError> {
        let mut held = HashSet::new();
        let mut partners = BTreeSet::new();
        for case in holding {
            for key in &case.contained {
                held.extend(case.members.get(key).into_iter().flatten().filter_map(|id| id.parse().ok()));
                match key.0.as_str() {
                    "partner" => {
                        partners.insert(key.1.clone());
                    }
                    "principal" | "device" if !case.members.contains_key(key) => {
                        held.extend(self.somebody(&key.1).await.ok().map(|one| one.id));
                    }
                    _ => {}
                }
            }
        }
        held.extend(self.belonging(&partners).await?.iter().map(|one| one.id));
        Ok(held)
    }

    /// Everybody of some organisations.
    async fn belonging(&self, organisations: &BTreeSet<String>) -> Result<Vec<Principal>, OpsError> {
        let (mut found, mut after) = (Vec::new(), None);
        if organisations.is_empty() {
            return Ok(found);
        }
        loop {
            let page = principals::page(&self.store, after).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.id);
            let is_one = |one: &Principal| one.organisation.as_ref().is_some_and(|of| organisations.contains(of));
            found.extend(page.into_iter().filter(is_one));
        }
    }

    /// Has everything take effect that an incident holds: what was said before a process ended, and not done.
    pub(crate) async fn hold_all(&self, id: u32, by: &By) -> Result<(), OpsError> {
        let _one_after_the_other = self.containing.lock().await;
        let (_, case) = self.incidents.case(id).await?;
        if case.is_exercise {
            return Ok(());
        }
        for key in &case.contained {
            let people = || case.members.get(key).into_iter().flatten().filter_map(|id| id.parse().ok()).collect();
            let meant = match key.0.as_str() {
                "access_key" => Meant::Key(key.1.clone()),
                "study" => Meant::Study(study(&key.1)?),
                "study_writes" => Meant::Writes(study(&key.1)?),
                _ => Meant::People(people()),
            };
            self.hold(&meant, by).await?;
        }
        Ok(())
    }

    /// Contains whoever came to a contained partner since. `partners` are theirs by incident.
    pub(crate) async fn hold_newcomers(
        &self,
        partners: &HashMap<u32, BTreeSet<String>>,
        by: &By,
    ) -> Result<(), OpsError> {
        let _one_after_the_other = self.containing.lock().await;
        let all: BTreeSet<String> = partners.values().flatten().cloned().collect();
        let free: Vec<Principal> =
            self.belonging(&all).await?.into_iter().filter(|one| one.contained_at.is_none()).collect();
        for (id, own) in partners {
            for partner in own {
                let came = free.iter().filter(|one| one.organisation.as_deref() == Some(partner.as_str()));
                let meant = Meant::People(came.map(|one| one.id).collect());
                if meant.members().is_empty() {
                    continue;
                }
                let (_, case) = self.incidents.case(*id).await?;
                let key = ("partner".to_owned(), partner.clone());
                if !case.contained.contains(&key) {
                    continue;
                }
                let until = case.until.get(&key).copied();
                let (kind, target) = key;
                let what = What::Containment { kind, target, on: true, until, members: meant.members() };
                self.incidents.add(*id, what, by).await?;
                self.hold(&meant, by).await?;
            }
        }
        Ok(())
    }
}

fn study(target: &str) -> Result<StudyId, OpsError> {
    target.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))
}
