//! Who reaches this, and what does this one reach? Answered by deciding, grant by grant; nothing is estimated.

use model::{Action, Label, PrincipalId, StudyId};
use store::principals;
use store::principals::Principal;

use crate::access::Access;
use crate::engine::Decision;
use crate::error::AccessError;
use crate::question::{Circumstances, Thing};

/// Somebody who reaches something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Who.
    pub principal: PrincipalId,
    /// Its name.
    pub name: String,
    /// By doing what.
    pub action: Action,
    /// And why: the policies and the grants.
    pub decision: Decision,
}

/// Something that somebody reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The study; `None`: the organisation itself.
    pub study: Option<StudyId>,
    /// Objects that hold just these labels; `None`: the study itself.
    pub labels: Option<Vec<Label>>,
    /// By doing what.
    pub action: Action,
    /// And why.
    pub decision: Decision,
}

/// What one action comes to for one principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The action.
    pub action: Action,
    /// Whether a grant in force names it here, whatever the policies say.
    pub granted: bool,
    /// Whether it is granted for every object, whatever it holds.
    pub unlimited: bool,
    /// What is decided, and why.
    pub decision: Decision,
}

impl Access {
    /// What each of `actions` comes to for `principal`, allowed or not.
    #[must_use]
    pub fn tell(
        &self,
        principal: &Principal,
        actions: &[Action],
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
    ) -> Vec<Told> {
        let labels = object.map_or(&[][..], |thing| thing.labels);
        let now = circumstances.now_ms;
        let (standing, unlimited) = self.look(|index| {
            (index.standing(principal.id, study, labels, now), index.unlimited(principal.id, study, now))
        });
        let tell = |action: Action| Told {
            action,
            granted: standing.granted.contains(action),
            unlimited: unlimited.contains(action),
            decision: self.judge(principal, action, study, object, circumstances),
        };
        actions.iter().copied().map(tell).collect()
    }

    /// Whether the glass is broken for `principal` in a study at `now_ms`.
    #[must_use]
    pub fn in_emergency(&self, principal: PrincipalId, study: &StudyId, now_ms: i64) -> bool {
        self.look(|index| index.standing(principal, Some(study), &[], now_ms).emergency)
    }

    /// Everybody who could reach a place by a grant or an emergency, by id after `after`, at most `limit`; and how many they
    /// are in all.
    #[must_use]
    pub fn candidates(
        &self,
        study: Option<&StudyId>,
        after: Option<PrincipalId>,
        limit: usize,
    ) -> (Vec<PrincipalId>, usize) {
        let all = self.look(|index| index.candidates(study));
        let total = all.len();
        let later = all.into_iter().filter(|id| after.is_none_or(|after| *id > after));
        (later.take(limit).collect(), total)
    }

    /// Every place where `principal` has a grant or an emergency; `None` is the organisation itself.
    #[must_use]
    pub fn places(&self, principal: PrincipalId) -> Vec<Option<StudyId>> {
        self.look(|index| index.places(principal)).into_iter().collect()
    }

    /// Everybody who could reach a study, or an object of it, in these circumstances, by each action.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn who(
        &self,
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
    ) -> Result<Vec<Reach>, AccessError> {
        let mut found = Vec::new();
        for id in self.look(|index| index.candidates(study)) {
            let Some(principal) = principals::by_id(&self.store, id).await? else { continue };
            self.reaches(&principal, study, object, circumstances, |action, decision| {
                found.push(Reach { principal: id, name: principal.name.clone(), action, decision });
            });
        }
        Ok(found)
    }

    /// Everything that `principal` could reach in these circumstances: studies, and objects by what they hold. `holds` says
    /// which sets of labels the objects of a study have, such as from the catalogue.
    #[must_use]
    pub fn what(
        &self,
        principal: &Principal,
        holds: impl Fn(&StudyId) -> Vec<Vec<Label>>,
        circumstances: &Circumstances,
    ) -> Vec<Reached> {
        let mut found = Vec::new();
        for place in self.look(|index| index.places(principal.id)) {
            let study = place.as_ref();
            self.reaches(principal, study, None, circumstances, |action, decision| {
                found.push(Reached { study: place.clone(), labels: None, action, decision });
            });
            for labels in study.map(&holds).unwrap_or_default() {
                let thing = Some(Thing { id: None, labels: &labels });
                self.reaches(principal, study, thing, circumstances, |action, decision| {
                    found.push(Reached { study: place.clone(), labels: Some(labels.clone()), action, decision });
                });
            }
        }
        found
    }

    fn reaches(
        &self,
        principal: &Principal,
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
        mut tell: impl FnMut(Action, Decision),
    ) {
        for action in Action::ALL.iter().copied() {
            let decision = self.judge(principal, action, study, object, circumstances);
            if decision.allowed {
                tell(action, decision);
            }
        }
    }
}
