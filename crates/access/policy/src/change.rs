//! Changes of policy: checked, shown as a difference in what is allowed, versioned, recorded.

use model::event::Activity;
use model::{Action, By, Event, Label, PrincipalId, PrincipalKind};
use store::policies;
use store::principals::Principal;
use store::studies::Study;

use crate::access::{Access, own};
use crate::content::{Role, Source, roles};
use crate::engine::{Decision, Engine};
use crate::error::AccessError;
use crate::index::Standing;
use crate::question::{ActionSet, Circumstances, Question, Thing};

/// Longest text of a policy, in bytes.
const TEXT_MAX: usize = 16 * 1024;

/// What is unusual about a case of the [`population`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// Nothing: trained, with an agreement, a second factor and two people's approval, to a country of the study.
    Usual,
    /// The training is not current.
    Untrained,
    /// No agreement holds.
    NoAgreement,
    /// The principal is contained.
    ContainedPrincipal,
    /// The principal is disabled.
    Disabled,
    /// The study is contained.
    ContainedStudy,
    /// The study is closed.
    Closed,
    /// No second factor was shown.
    NoSecondFactor,
    /// One person alone gave the grant.
    OnePerson,
    /// The glass is broken.
    Emergency,
    /// It goes to a country that is none of the study's.
    Abroad,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 11] = [
        Self::Usual,
        Self::Untrained,
        Self::NoAgreement,
        Self::ContainedPrincipal,
        Self::Disabled,
        Self::ContainedStudy,
        Self::Closed,
        Self::NoSecondFactor,
        Self::OnePerson,
        Self::Emergency,
        Self::Abroad,
    ];
}

/// One case of the [`population`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What kind of principal.
    pub kind: PrincipalKind,
    /// With which role: a role's id, `every-action` for a grant of all actions by name, or `no-grant`.
    pub role: &'static str,
    /// Does what.
    pub action: Action,
    /// To an object that holds this; `None`: to the study itself.
    pub label: Option<Label>,
    /// In which unusual circumstances.
    pub flag: Flag,
}

/// Every kind of principal with every role doing every action to an object of every label, in usual and unusual
/// circumstances: what a change of policy is shown by, and what the golden matrix holds.
pub fn population() -> impl Iterator<Item = Case> {
    Flag::ALL.into_iter().flat_map(|flag| {
        PrincipalKind::ALL.iter().flat_map(move |kind| {
            role_names().flat_map(move |role| {
                Action::ALL.iter().flat_map(move |action| {
                    let labels = std::iter::once(None).chain(Label::ALL.iter().copied().map(Some));
                    labels.map(move |label| Case { kind: *kind, role, action: *action, label, flag })
                })
            })
        })
    })
}

fn role_names() -> impl Iterator<Item = &'static str> {
    ["no-grant", "every-action"].into_iter().chain(roles().iter().map(|role| role.id.as_str()))
}

impl Case {
    /// What `engine` says to it.
    #[must_use]
    pub fn decide(&self, engine: &Engine) -> Decision {
        let failed = || Decision::failed("no study".to_owned());
        self.put(|question| engine.decide(question)).unwrap_or_else(failed)
    }

    /// Hands the case over as a question.
    fn put<T>(&self, ask: impl FnOnce(&Question<'_>) -> T) -> Option<T> {
        let is = |flag: Flag| (self.flag == flag).then_some(0);
        let lasts = |missing: Flag| (self.flag != missing).then_some(10);
        let principal = Principal {
            id: PrincipalId::from_bytes([1; 16]),
            kind: self.kind,
            name: "somebody".to_owned(),
            user_id: None,
            organisation: None,
            training_until: lasts(Flag::Untrained),
            agreement_until: lasts(Flag::NoAgreement),
            contained_at: is(Flag::ContainedPrincipal),
            created_at: 0,
            disabled_at: is(Flag::Disabled),
        };
        let id = "golden".parse().ok()?;
        let study = Study {
            id,
            title: String::new(),
            sponsor: None,
            countries: vec!["DE".to_owned()],
            created_at: 0,
            contained_at: is(Flag::ContainedStudy),
            closed_at: is(Flag::Closed),
        };
        let circumstances = Circumstances {
            now_ms: 1,
            mfa: self.flag != Flag::NoSecondFactor,
            destination: Some(if self.flag == Flag::Abroad { "US" } else { "DE" }.to_owned()),
            ..Circumstances::default()
        };
        let labels = self.label.map(|label| [label]);
        let standing = self.standing();
        Some(ask(&Question {
            principal: &principal,
            action: self.action,
            study: Some(&study),
            object: labels.as_ref().map(|labels| Thing { id: None, labels }),
            circumstances: &circumstances,
            standing: &standing,
        }))
    }

    fn standing(&self) -> Standing {
        let role = Role::named(self.role);
        let granted = match self.role {
            "every-action" => Action::ALL.iter().copied().collect(),
            _ => role.map(Role::set).unwrap_or_default(),
        };
        Standing {
            granted,
            approved: if self.flag == Flag::OnePerson { ActionSet::default() } else { granted },
            roles: role.map(|role| role.id.as_str().into()).into_iter().collect(),
            blinded: role.is_some_and(|role| role.blinded),
            steward: role.is_some_and(|role| role.steward),
            emergency: self.flag == Flag::Emergency,
            by_grant: Vec::new(),
        }
    }
}

/// One case that a change of policy decides otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub case: Case,
    /// What is decided now.
    pub before: Decision,
    /// What would be decided.
    pub after: Decision,
}

/// What a change of policy would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The policy's id.
    pub id: String,
    /// The version that it would become.
    pub version: u32,
    /// Cases of the [`population`] that would be decided otherwise: allowed or not, or by another rule. Those that neither a
    /// grant nor an emergency speaks for are left out: they are denied before and after.
    pub differences: Vec<Difference>,
    /// How many of them would be denied that are allowed.
    pub denied: usize,
    /// How many would be allowed that are denied.
    pub allowed: usize,
}

impl Access {
    /// What would change if `text` were in force as policy `id` (`None`: if the organisation's policy `id` were not).
    ///
    /// # Errors
    /// When the policy cannot be used, or the store refuses.
    pub async fn preview(&self, id: &str, text: Option<&str>) -> Result<Preview, AccessError> {
        Ok(self.prepare(id, text, None).await?.0)
    }

    /// Puts `text` in force as the next version of the organisation's policy `id`; `None` takes it out of force, so that
    /// what was shipped under this id holds again. `version` is the one that was previewed: when somebody else changed
    /// the policy meanwhile, nothing is done.
    ///
    /// # Errors
    /// As [`Access::preview`]; when `version` is not the next one; when it cannot be recorded.
    pub async fn change_policy(
        &self,
        id: &str,
        text: Option<&str>,
        version: u32,
        by: &By,
    ) -> Result<Preview, AccessError> {
        let _turn = self.changing.lock().await;
        let (preview, engine) = self.prepare(id, text, Some(version)).await?;
        let activity = match (text, version) {
            (None, _) => Activity::Remove,
            (Some(_), 1) => Activity::Create,
            _ => Activity::Change,
        };
        let mut event: Event = by.event(activity);
        event.resource.entity = Some(format!("policy:{id}"));
        event.old = Some(format!("version={}", version.saturating_sub(1)));
        event.new = Some(match text {
            Some(text) => {
                format!("version={version} denied={} allowed={} text={text}", preview.denied, preview.allowed)
            }
            None => format!("withdrawn denied={} allowed={}", preview.denied, preview.allowed),
        });
        let store = &self.store;
        let happen = async {
            match text {
                Some(text) => policies::put(store, id, version, text, by.actor.id, by.now_ms).await,
                None => policies::withdraw(store, id).await.map(|_was_active| ()),
            }
        };
        self.effect(event, happen).await?;
        self.put_engine(engine);
        Ok(preview)
    }

    /// What would change, with the policies compiled; refused when `expected` is not the next version.
    async fn prepare(
        &self,
        id: &str,
        text: Option<&str>,
        expected: Option<u32>,
    ) -> Result<(Preview, Engine), AccessError> {
        let wrong = |why: &str| Err(AccessError::Policy { id: id.to_owned(), why: why.to_owned() });
        if !is_id(id) {
            return wrong("its id must be 1 to 64 lower-case letters, digits and `-`");
        }
        if text.is_some_and(|text| text.len() > TEXT_MAX) {
            return wrong("its text is longer than 16 KiB; put data in place of text");
        }
        let versions = policies::versions(&self.store, id).await?;
        let version = versions.first().map_or(1, |newest| newest.version.saturating_add(1));
        if expected.is_some_and(|expected| expected != version) {
            let what = format!("policy `{id}` was changed meanwhile; look at the difference again");
            return Err(AccessError::Wrong { what });
        }
        if text.is_none() && !versions.iter().any(|version| version.is_active) {
            return Err(AccessError::Missing { what: "policy of the organisation", id: id.to_owned() });
        }
        let mut sources = own(&self.store).await?;
        sources.retain(|source| source.id.as_deref() != Some(id));
        if let Some(text) = text {
            sources.push(Source { id: Some(id.to_owned()), text: text.to_owned() });
            sources.sort_by(|one, other| one.id.cmp(&other.id));
        }
        let (before, after) = (self.engine(), Engine::new(&sources)?);
        let compared = tokio::task::spawn_blocking(move || {
            let found = differences(&before, &after);
            (found, after)
        });
        let (differences, after) = compared.await.map_err(|error| AccessError::Policy {
            id: id.to_owned(),
            why: format!("its effect could not be computed ({error})"),
        })?;
        let denied = differences.iter().filter(|d| d.before.allowed && !d.after.allowed).count();
        let allowed = differences.iter().filter(|d| !d.before.allowed && d.after.allowed).count();
        Ok((Preview { id: id.to_owned(), version, differences, denied, allowed }, after))
    }
}

fn differences(before: &Engine, after: &Engine) -> Vec<Difference> {
    let differs = |case: Case| {
        let (before, after) = case.put(|question| before.decide_both(after, question))?;
        (before != after).then_some(Difference { case, before, after })
    };
    // What neither a grant nor an emergency speaks for is denied by any policies.
    population().filter(|case| case.standing().reaches(case.action)).filter_map(differs).collect()
}

fn is_id(id: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(is_part)
}
