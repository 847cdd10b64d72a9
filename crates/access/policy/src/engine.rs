//! Cedar: policies compiled once, and one decision over the few entities that it needs.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, Schema, ValidationMode, Validator,
};
use model::{Action, PrincipalKind};

use crate::content::{self, SCHEMA, Source};
use crate::error::AccessError;
use crate::question::Question;
use crate::shapes;

/// Policies in force at a time: Cedar's time grows with their number.
pub const POLICIES_MAX: usize = 16;
/// The code of a denial for want of a grant.
const NO_GRANT: &str = "policy:no-grant";
/// The code of a denial because something failed.
const FAILED: &str = "policy:failed";

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The policies that decided, by id, in the order of the files.
    pub policies: Vec<String>,
    /// What decided, in words.
    pub because: String,
    /// What to do about a denial; empty where it is allowed.
    pub hint: String,
    /// A stable code for events, such as `policy:training`; empty where it is allowed.
    pub code: String,
    /// The grants that allowed it, by id.
    pub grants: Vec<u32>,
}

impl Decision {
    pub(crate) fn failed(because: String) -> Self {
        Self {
            allowed: false,
            policies: Vec::new(),
            because,
            hint: "nothing was released; try again, and tell an administrator if it fails again".to_owned(),
            code: FAILED.to_owned(),
            grants: Vec::new(),
        }
    }

    pub(crate) fn into_error(self) -> AccessError {
        AccessError::Denied { rule: self.code, because: self.because, hint: self.hint }
    }
}

/// A policy as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it says, in a sentence.
    pub title: String,
    /// The text of law or standard that it follows.
    pub why: String,
    /// What to do about a denial.
    pub hint: String,
    /// Whether it opens a door; the others close one.
    pub opens: bool,
    /// Its text in Cedar.
    pub text: String,
}

/// The id that a policy's text gives itself (`@id`). The text is not checked any further.
///
/// # Errors
/// When it cannot be read or holds more than one policy.
pub fn id_of(text: &str) -> Result<String, AccessError> {
    let source = Source { id: None, text: text.to_owned() };
    let mut found = parse(&source)?;
    let one = found.pop().filter(|_| found.is_empty());
    one.map(|(rule, _)| rule.id).ok_or_else(|| wrong("new", "one text holds one policy; split it"))
}

/// Compiled policies.
pub struct Engine {
    policies: PolicySet,
    /// By Cedar's id, with the place in the order of the files.
    rules: HashMap<PolicyId, (usize, Rule)>,
    authorizer: Authorizer,
    kinds: [EntityTypeName; PrincipalKind::ALL.len()],
    actions: [EntityUid; Action::ALL.len()],
    places: [EntityTypeName; 3],
    #[cfg(test)]
    schema: Schema,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("policies", &self.ids()).finish_non_exhaustive()
    }
}

impl Engine {
    /// The shipped policies, with `own` ones beside them or, where the id is the same, in place of them.
    ///
    /// # Errors
    /// When a policy cannot be read, does not fit the schema, has no id, title, source or hint, or may not be there.
    pub fn new(own: &[Source]) -> Result<Self, AccessError> {
        let schema = Schema::from_str(SCHEMA).map_err(|error| wrong("schema", error))?;
        let mut policies: Vec<(Rule, cedar_policy::Policy)> = Vec::new();
        for source in content::shipped() {
            policies.extend(parse(&source)?);
        }
        for source in own {
            for (rule, policy) in parse(source)? {
                add_own(&mut policies, rule, policy)?;
            }
        }
        Self::compile(policies, schema)
    }

    fn compile(policies: Vec<(Rule, cedar_policy::Policy)>, schema: Schema) -> Result<Self, AccessError> {
        if policies.len() > POLICIES_MAX {
            let why = format!("{} policies are more than {POLICIES_MAX}; put data in their place", policies.len());
            return Err(wrong(&policies.last().map(|(rule, _)| rule.id.clone()).unwrap_or_default(), why));
        }
        let mut rules = HashMap::new();
        let mut set = PolicySet::new();
        for (at, (rule, policy)) in policies.into_iter().enumerate() {
            let id = PolicyId::new(&rule.id);
            set.add(policy.new_id(id.clone())).map_err(|error| wrong(&rule.id, error))?;
            rules.insert(id, (at, rule));
        }
        let checked = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            let id = rules.get(error.policy_id()).map_or("", |(_, rule)| rule.id.as_str());
            return Err(wrong(id, error));
        }
        let named = |name: &str| EntityTypeName::from_str(name).map_err(|error| wrong("schema", error));
        let [person, service, partner, device, agent] = ["Person", "Service", "Partner", "Device", "Agent"].map(named);
        let [organisation, study, object] = ["Organisation", "Study", "Object"].map(named);
        let action_type = named("Action")?;
        #[cfg(not(test))]
        drop(schema);
        Ok(Self {
            policies: set,
            rules,
            authorizer: Authorizer::new(),
            kinds: [person?, service?, partner?, device?, agent?],
            actions: std::array::from_fn(|at| {
                let name = Action::ALL.get(at).map_or("", |action| action.as_str());
                EntityUid::from_type_name_and_id(action_type.clone(), EntityId::new(name))
            }),
            places: [organisation?, study?, object?],
            #[cfg(test)]
            schema,
        })
    }

    /// The policies in force, by id, in the order of the files.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let mut rules: Vec<&(usize, Rule)> = self.rules.values().collect();
        rules.sort_by_key(|(at, _)| *at);
        rules.into_iter().map(|(_, rule)| rule.id.clone()).collect()
    }

    /// The policies in force, in the order of the files.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<&(usize, Rule)> = self.rules.values().collect();
        rules.sort_by_key(|(at, _)| *at);
        rules.into_iter().map(|(_, rule)| rule.clone()).collect()
    }

    /// What the policies say. Whatever fails denies.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        match self.slice(question) {
            Ok(slice) => self.judge(question, &slice),
            Err(why) => unput(&why),
        }
    }

    /// What these policies and `others` say; the question is put together once.
    pub(crate) fn decide_both(&self, others: &Self, question: &Question<'_>) -> (Decision, Decision) {
        match self.slice(question) {
            Ok(slice) => (self.judge(question, &slice), others.judge(question, &slice)),
            Err(why) => (unput(&why), unput(&why)),
        }
    }

    fn judge(&self, question: &Question<'_>, (request, entities): &(Request, Entities)) -> Decision {
        let response = self.authorizer.is_authorized(request, &self.policies, entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Decision::failed(format!("a policy could not be evaluated: {error}"));
        }
        let mut decisive: Vec<&(usize, Rule)> =
            response.diagnostics().reason().filter_map(|id| self.rules.get(id)).collect();
        decisive.sort_by_key(|(at, _)| *at);
        let policies = decisive.iter().map(|(_, rule)| rule.id.clone()).collect();
        let first = decisive.first().map(|(_, rule)| rule);
        match (response.decision(), first) {
            (Verdict::Allow, Some(rule)) => {
                let grants = question.standing.by_grant.iter();
                let grants = grants.filter(|(_, actions)| actions.contains(question.action)).map(|(id, _)| *id);
                Decision {
                    allowed: true,
                    policies,
                    because: rule.title.clone(),
                    hint: String::new(),
                    code: String::new(),
                    grants: grants.collect(),
                }
            }
            // Whoever was granted nothing learns nothing of what is there: which labels, whether contained.
            (Verdict::Deny, _) if !question.standing.reaches(question.action) => {
                Decision { policies, ..self.no_grant(question.action) }
            }
            (Verdict::Deny, Some(rule)) => Decision {
                allowed: false,
                policies,
                because: rule.title.clone(),
                hint: rule.hint.clone(),
                code: format!("policy:{}", rule.id),
                grants: Vec::new(),
            },
            _ => self.no_grant(question.action),
        }
    }

    fn no_grant(&self, action: Action) -> Decision {
        let hint = self.rules.get(&PolicyId::new("grant")).map(|(_, rule)| rule.hint.clone());
        Decision {
            allowed: false,
            policies: Vec::new(),
            because: format!("no grant in force allows `{action}` here"),
            hint: hint.unwrap_or_default(),
            code: NO_GRANT.to_owned(),
            grants: Vec::new(),
        }
    }

    /// The request and the two entities that it is about.
    fn slice(&self, question: &Question<'_>) -> Result<(Request, Entities), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let missing = || "a type of the schema is missing".to_owned();
        let kind = self.kinds.get(question.principal.kind as usize).ok_or_else(missing)?;
        let action = self.actions.get(question.action as usize).ok_or_else(missing)?;
        let [organisation, study, object] = &self.places;
        let (place, id) = match (question.study, question.object) {
            (None, _) => (organisation, String::new()),
            (Some(of), None) => (study, of.id.to_string()),
            (Some(_), Some(thing)) => (object, thing.id.map_or_else(String::new, |id| id.to_string())),
        };
        let principal =
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(question.principal.id.to_string()));
        let resource = EntityUid::from_type_name_and_id(place.clone(), EntityId::new(id));
        let entities = [
            Entity::new(principal.clone(), shapes::principal(question), HashSet::new()),
            Entity::new(resource.clone(), shapes::resource(question), HashSet::new()),
        ];
        let [one, other] = entities;
        let entities = [one.map_err(|error| text(&error))?, other.map_err(|error| text(&error))?];
        // Policies are checked against the schema when they are compiled and shapes by the tests; checking every question
        // again would take most of its time.
        #[cfg(test)]
        let schema = Some(&self.schema);
        #[cfg(not(test))]
        let schema = None;
        let context = Context::from_pairs(shapes::context(question)).map_err(|error| text(&error))?;
        let entities = Entities::from_entities(entities, schema).map_err(|error| text(&error))?;
        let request =
            Request::new(principal, action.clone(), resource, context, schema).map_err(|error| text(&error))?;
        Ok((request, entities))
    }
}

fn unput(why: &str) -> Decision {
    Decision::failed(format!("the question could not be put: {why}"))
}

fn add_own(
    policies: &mut Vec<(Rule, cedar_policy::Policy)>,
    rule: Rule,
    policy: cedar_policy::Policy,
) -> Result<(), AccessError> {
    // Reach comes from grants alone, so that it can be told exactly who reaches what.
    if policy.effect() == Effect::Permit {
        return Err(wrong(&rule.id, "an organisation's own policies may only forbid; give a grant to allow something"));
    }
    match policies.iter_mut().find(|(there, _)| there.id == rule.id) {
        Some((_, there)) if there.effect() == Effect::Permit => {
            Err(wrong(&rule.id, "this policy opens doors and cannot be replaced; forbid beside it"))
        }
        Some(there) => {
            *there = (rule, policy);
            Ok(())
        }
        None => {
            policies.push((rule, policy));
            Ok(())
        }
    }
}

fn parse(source: &Source) -> Result<Vec<(Rule, cedar_policy::Policy)>, AccessError> {
    let named = source.id.as_deref().unwrap_or("new");
    let set = PolicySet::from_str(&source.text).map_err(|error| wrong(named, error))?;
    if set.templates().next().is_some() {
        return Err(wrong(named, "templates are not used; write a policy without `?principal` and `?resource`"));
    }
    let mut policies: Vec<&cedar_policy::Policy> = set.policies().collect();
    // Cedar numbers policies in the order of the text: `policy0`, `policy1`, …
    policies.sort_by_key(|policy| (policy.id().to_string().len(), policy.id().to_string()));
    if source.id.is_some() && policies.len() != 1 {
        return Err(wrong(named, format!("it holds {} policies where one is expected", policies.len())));
    }
    policies.into_iter().map(|policy| Ok((rule(named, source.id.as_deref(), policy)?, policy.clone()))).collect()
}

fn rule(named: &str, wanted: Option<&str>, policy: &cedar_policy::Policy) -> Result<Rule, AccessError> {
    let annotation = |key: &str| {
        let text = policy.annotation(key).filter(|text| !text.trim().is_empty());
        text.map(str::to_owned).ok_or_else(|| wrong(named, format!("the annotation `@{key}` is missing")))
    };
    let rule = Rule {
        id: annotation("id")?,
        title: annotation("title")?,
        why: annotation("why")?,
        hint: annotation("hint")?,
        opens: policy.effect() == Effect::Permit,
        text: policy.to_string(),
    };
    if wanted.is_some_and(|wanted| wanted != rule.id) {
        return Err(wrong(named, format!("its annotation `@id` says `{}`", rule.id)));
    }
    Ok(rule)
}

fn wrong(id: &str, why: impl std::fmt::Display) -> AccessError {
    AccessError::Policy { id: id.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{Engine, POLICIES_MAX};
    use crate::change::population;

    #[test]
    fn facts_have_the_shapes_of_the_schema() {
        // In unit tests every question is checked against the schema.
        let engine = Engine::new(&[]).unwrap();
        assert!(engine.ids().len() <= POLICIES_MAX);
        assert_eq!(engine.ids().first().map(String::as_str), Some("grant"));
        for case in population().step_by(31) {
            let decision = case.decide(&engine);
            assert_ne!(decision.code, "policy:failed", "{case:?}: {decision:?}");
        }
    }
}
