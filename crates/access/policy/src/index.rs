//! Grants, studies and emergencies in memory, so that a decision reads no database.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{Action, Label, PrincipalId, StudyId};
use store::grants::{Grant, GrantState};
use store::studies::Study;

use crate::content::Role;
use crate::question::{ActionSet, LabelSet};

/// What somebody's grants come to in one place at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Actions that a grant in force allows.
    pub granted: ActionSet,
    /// Those of them that two people decided.
    pub approved: ActionSet,
    /// Roles that a grant in force gives.
    pub roles: Vec<Box<str>>,
    /// Whether one of them is blinded.
    pub blinded: bool,
    /// Whether one of them may reach secrets.
    pub steward: bool,
    /// Whether the glass is broken.
    pub emergency: bool,
    /// The grants, with what each allows here.
    pub by_grant: Vec<(u32, ActionSet)>,
}

impl Standing {
    /// Whether a grant or an emergency says anything for `action`. Only used to choose the words of a denial.
    pub(crate) fn reaches(&self, action: Action) -> bool {
        self.granted.contains(action) || self.emergency
    }
}

#[derive(Debug, Clone)]
struct Entry {
    id: u32,
    actions: ActionSet,
    labels: Option<LabelSet>,
    role: Option<Box<str>>,
    blinded: bool,
    steward: bool,
    from: i64,
    until: Option<i64>,
    two_people: bool,
}

impl Entry {
    fn of(grant: &Grant) -> Self {
        let role = grant.role.as_deref().and_then(Role::named);
        Self {
            id: grant.id,
            actions: grant.actions.iter().copied().collect(),
            labels: grant.labels.as_ref().map(|labels| labels.iter().copied().collect()),
            role: grant.role.as_deref().map(Into::into),
            blinded: role.is_some_and(|role| role.blinded),
            steward: role.is_some_and(|role| role.steward),
            from: grant.valid_from,
            until: grant.valid_until,
            two_people: grant.approved_by.is_some_and(|by| by != grant.requested_by && by != grant.principal),
        }
    }

    fn holds(&self, now: i64) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

type Place = Option<StudyId>;

/// Every active grant, by principal and place and the other way round.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: HashMap<(PrincipalId, Place), Vec<Entry>>,
    by_place: HashMap<Place, BTreeSet<PrincipalId>>,
    by_principal: HashMap<PrincipalId, BTreeSet<Place>>,
    studies: HashMap<StudyId, Arc<Study>>,
    emergencies: HashMap<(PrincipalId, StudyId), i64>,
}

impl Index {
    /// Takes a grant in, or out when it is not active (any more).
    pub(crate) fn put(&mut self, grant: &Grant) {
        let (principal, place) = (grant.principal, grant.study.clone());
        let entries = self.entries.entry((principal, place.clone())).or_default();
        entries.retain(|entry| entry.id != grant.id);
        if grant.state == GrantState::Active {
            entries.push(Entry::of(grant));
        }
        if !entries.is_empty() {
            self.by_place.entry(place.clone()).or_default().insert(principal);
            self.by_principal.entry(principal).or_default().insert(place);
            return;
        }
        self.entries.remove(&(principal, place.clone()));
        if let Some(principals) = self.by_place.get_mut(&place) {
            principals.remove(&principal);
        }
        if let Some(places) = self.by_principal.get_mut(&principal) {
            places.remove(&place);
        }
    }

    pub(crate) fn put_study(&mut self, study: Study) {
        self.studies.insert(study.id.clone(), Arc::new(study));
    }

    pub(crate) fn study(&self, id: &StudyId) -> Option<Arc<Study>> {
        self.studies.get(id).map(Arc::clone)
    }

    /// Opens a study until `until`, or longer where it is open longer already.
    pub(crate) fn open_emergency(&mut self, principal: PrincipalId, study: StudyId, until: i64) {
        let known = self.emergencies.entry((principal, study)).or_insert(until);
        *known = until.max(*known);
    }

    /// Sets until when a study is open.
    pub(crate) fn set_emergency(&mut self, principal: PrincipalId, study: StudyId, until: i64) {
        self.emergencies.insert((principal, study), until);
    }

    /// Forgets emergencies that are over.
    pub(crate) fn sweep(&mut self, now: i64) {
        self.emergencies.retain(|_, until| *until > now);
    }

    /// What the grants of `principal` come to at `place` for something that holds `labels`.
    pub(crate) fn standing(
        &self,
        principal: PrincipalId,
        place: Option<&StudyId>,
        labels: &[Label],
        now: i64,
    ) -> Standing {
        let mut standing = Standing::default();
        let labels: LabelSet = labels.iter().copied().collect();
        let key = (principal, place.cloned());
        for entry in self.entries.get(&key).into_iter().flatten().filter(|entry| entry.holds(now)) {
            // What a role forbids holds for everything, whatever the grant is limited to.
            standing.blinded |= entry.blinded;
            if entry.labels.is_some_and(|limit| !limit.contains_all(labels)) {
                continue;
            }
            standing.steward |= entry.steward;
            standing.granted = standing.granted.union(entry.actions);
            if entry.two_people {
                standing.approved = standing.approved.union(entry.actions);
            }
            if let Some(role) = entry.role.as_ref().filter(|role| !standing.roles.contains(role)) {
                standing.roles.push(role.clone());
            }
            standing.by_grant.push((entry.id, entry.actions));
        }
        if let (principal, Some(study)) = key {
            standing.emergency = self.emergencies.get(&(principal, study)).is_some_and(|until| now < *until);
        }
        standing
    }

    /// The actions that some grant in force allows there to every object, whatever it holds.
    pub(crate) fn unlimited(&self, principal: PrincipalId, place: Option<&StudyId>, now: i64) -> ActionSet {
        let key = (principal, place.cloned());
        let entries = self.entries.get(&key).into_iter().flatten();
        let all = entries.filter(|entry| entry.holds(now) && entry.labels.is_none());
        all.fold(ActionSet::default(), |set, entry| set.union(entry.actions))
    }

    /// Everybody with a grant anywhere, with where.
    pub(crate) fn everybody(&self) -> Vec<(PrincipalId, Place)> {
        let mut all: Vec<_> = self.entries.keys().cloned().collect();
        let emergencies = self.emergencies.keys().map(|(who, study)| (*who, Some(study.clone())));
        all.extend(emergencies);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Everybody who could reach `place`: no policy lets anybody in without a grant or an emergency there.
    pub(crate) fn candidates(&self, place: Option<&StudyId>) -> BTreeSet<PrincipalId> {
        let mut found = self.by_place.get(&place.cloned()).cloned().unwrap_or_default();
        let emergencies = self.emergencies.keys().filter(|(_, study)| Some(study) == place);
        found.extend(emergencies.map(|(principal, _)| *principal));
        found
    }

    /// Every place that `principal` could reach.
    pub(crate) fn places(&self, principal: PrincipalId) -> BTreeSet<Place> {
        let mut found = self.by_principal.get(&principal).cloned().unwrap_or_default();
        let emergencies = self.emergencies.keys().filter(|(who, _)| *who == principal);
        found.extend(emergencies.map(|(_, study)| Some(study.clone())));
        found
    }
}
