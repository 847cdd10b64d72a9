//! What a change of policy would do to the people and machines that there are, beside the cases of the population.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Action, Label, PrincipalId, StudyId};
use store::principals;

use crate::access::{Access, own};
use crate::content::Source;
use crate::engine::{Decision, Engine};
use crate::error::AccessError;
use crate::question::{Circumstances, Question, Thing};

/// Pairs of principal and place that are compared; an organisation with more is told how many were looked at.
const PAIRS_MAX: usize = 2_000;
/// Sets of labels that are tried in one study.
const SETS_MAX: usize = 8;
/// Differences that are told.
const TOLD_MAX: usize = 200;

/// Somebody for whom something would be decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Who.
    pub principal: PrincipalId,
    /// Its name.
    pub name: String,
    /// In which study; `None`: in the organisation itself.
    pub study: Option<StudyId>,
    /// Objects that hold just these; `None`: the study itself.
    pub labels: Option<Vec<Label>>,
    /// Doing what.
    pub action: Action,
    /// What is decided now.
    pub before: Decision,
    /// What would be decided.
    pub after: Decision,
}

/// What a change would do to those who have grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Who would gain or lose something, at most 200.
    pub told: Vec<Effect>,
    /// How many principals would lose something.
    pub losing: usize,
    /// How many would gain something.
    pub gaining: usize,
    /// Pairs of principal and place that were compared.
    pub compared: usize,
    /// Pairs that there are.
    pub pairs: usize,
}

impl Access {
    /// Who would gain or lose something if `text` were in force as policy `id` (`None`: if the organisation's policy `id` were
    /// not), in these circumstances. `holds` are the sets of labels that the objects of each study have.
    ///
    /// # Errors
    /// When the policy cannot be used, or the store refuses.
    pub async fn effects(
        &self,
        id: &str,
        text: Option<&str>,
        holds: &HashMap<StudyId, Vec<Vec<Label>>>,
        circumstances: &Circumstances,
    ) -> Result<Effects, AccessError> {
        let mut sources = own(&self.store).await?;
        sources.retain(|source| source.id.as_deref() != Some(id));
        sources.extend(text.map(|text| Source { id: Some(id.to_owned()), text: text.to_owned() }));
        let (before, after) = (self.engine(), Engine::new(&sources)?);
        let all = self.look(crate::index::Index::everybody);
        let mut effects = Effects { pairs: all.len(), ..Effects::default() };
        let (mut losing, mut gaining) = (Vec::new(), Vec::new());
        for (id, study) in all.into_iter().take(PAIRS_MAX) {
            effects.compared += 1;
            let Some(principal) = principals::by_id(&self.store, id).await? else { continue };
            let none = Vec::new();
            let sets = study.as_ref().and_then(|study| holds.get(study)).unwrap_or(&none);
            let things = std::iter::once(None).chain(sets.iter().take(SETS_MAX).map(Some));
            for labels in things {
                let thing = labels.map(|labels| Thing { id: None, labels });
                for action in Action::ALL.iter().copied() {
                    let Some((was, becomes)) =
                        self.differs(&before, &after, &principal, action, study.as_ref(), thing, circumstances)
                    else {
                        continue;
                    };
                    if was.allowed {
                        losing.push(id)
                    } else {
                        gaining.push(id)
                    }
                    if effects.told.len() < TOLD_MAX {
                        effects.told.push(Effect {
                            principal: id,
                            name: principal.name.clone(),
                            study: study.clone(),
                            labels: labels.cloned(),
                            action,
                            before: was,
                            after: becomes,
                        });
                    }
                }
            }
        }
        for (ids, count) in [(&mut losing, &mut effects.losing), (&mut gaining, &mut effects.gaining)] {
            ids.sort_unstable();
            ids.dedup();
            *count = ids.len();
        }
        Ok(effects)
    }

    #[expect(clippy::too_many_arguments, reason = "one question to two sets of policies")]
    fn differs(
        &self,
        before: &Arc<Engine>,
        after: &Engine,
        principal: &store::principals::Principal,
        action: Action,
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
    ) -> Option<(Decision, Decision)> {
        let labels = object.map_or(&[][..], |thing| thing.labels);
        let (standing, found) = self.look(|index| {
            let standing = index.standing(principal.id, study, labels, circumstances.now_ms);
            (standing, study.map(|id| index.study(id)))
        });
        // Where nothing is granted and no glass is broken, both deny.
        if !standing.reaches(action) {
            return None;
        }
        let found = match found {
            Some(None) => return None,
            Some(Some(study)) => Some(study),
            None => None,
        };
        let question =
            Question { principal, action, study: found.as_deref(), object, circumstances, standing: &standing };
        let (was, becomes) = before.decide_both(after, &question);
        (was.allowed != becomes.allowed).then_some((was, becomes))
    }
}
