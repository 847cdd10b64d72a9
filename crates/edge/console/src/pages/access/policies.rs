//! Policies: those in force, their history, and a change shown as a difference in effective access before it applies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::{Action, Label, PrincipalKind, StudyId};
use policy::{Decision, Difference, Effect, POLICIES_MAX, Preview, Rule, id_of, roles};
use serde::Deserialize;
use store::{policies as table, studies};

use super::cells::{HEADS, label_sets};
use super::{Tab, asked, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Console, Shared};

/// Cases of the population that a page lists.
const CASES: usize = 100;

struct Row {
    rule: Rule,
    href: String,
    /// The version in force where the organisation made it; 0 for one that came with Lazaret.
    version: u32,
}

struct Withdrawn {
    id: String,
    href: String,
    version: u32,
}

#[derive(Template)]
#[template(path = "access/policies.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    withdrawn: Vec<Withdrawn>,
    policies_max: usize,
    may_change: bool,
    example: &'static str,
}

/// What the field for a new policy begins with.
const EXAMPLE: &str = r#"@id("office-network")
@title("Exports leave from inside only")
@why("the organisation's own rule, with its date")
@hint("use a machine in the organisation's network")
forbid (principal, action == Action::"export", resource)
when { context.network == "external" };
"#;

/// `GET /access/policies`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let newest = table::newest(console.catalogue.store(), "").await?;
    let own: HashMap<&str, u32> =
        newest.iter().filter(|policy| policy.is_active).map(|policy| (policy.id.as_str(), policy.version)).collect();
    let row = |rule: Rule| Row {
        href: format!("/access/policies/{}", rule.id),
        version: own.get(rule.id.as_str()).copied().unwrap_or(0),
        rule,
    };
    let withdrawn = newest.iter().filter(|policy| !policy.is_active).map(|policy| Withdrawn {
        id: policy.id.clone(),
        href: format!("/access/policies/{}", policy.id),
        version: policy.version,
    });
    render(&Page {
        frame: visitor.frame("Policies", Section::Access),
        tabs: tabs("/access/policies"),
        rows: guard.view.access.engine().rules().into_iter().map(row).collect(),
        withdrawn: withdrawn.collect(),
        policies_max: POLICIES_MAX,
        may_change: visitor.administers(),
        example: EXAMPLE,
    })
}

struct Version {
    version: u32,
    is_active: bool,
    when: Moment,
    by: String,
    text: String,
}

#[derive(Template)]
#[template(path = "access/policy.html")]
struct OnePage {
    frame: Frame,
    id: String,
    rule: Option<Rule>,
    versions: Vec<Version>,
    is_own: bool,
    may_change: bool,
    /// What the field for its next version begins with.
    text: String,
}

/// `GET /access/policies/{id}`.
pub(crate) async fn one(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let rule = guard.view.access.engine().rules().into_iter().find(|rule| rule.id == id);
    let kept = table::versions(console.catalogue.store(), &id).await?;
    if rule.is_none() && kept.is_empty() {
        return Err(Failure::NotFound("There is no such policy; choose one from the list.".to_owned()));
    }
    let mut names = Named::default();
    let mut versions = Vec::with_capacity(kept.len());
    for policy in kept {
        versions.push(Version {
            version: policy.version,
            is_active: policy.is_active,
            when: wording::moment(policy.created_at, console.now()),
            by: names.of(&console, &policy.created_by.to_string()).await?,
            text: policy.text,
        });
    }
    let newest = versions.first().map(|version| version.text.clone());
    render(&OnePage {
        frame: visitor.frame(&format!("Policy {id}"), Section::Access),
        is_own: versions.iter().any(|version| version.is_active),
        may_change: visitor.administers() && rule.as_ref().is_none_or(|rule| !rule.opens),
        text: newest.or_else(|| rule.as_ref().map(|rule| rule.text.clone())).unwrap_or_default(),
        id,
        rule,
        versions,
    })
}

/// One field of the picture of a difference: cases that would be denied, and cases that would be allowed.
struct Count {
    denied: usize,
    allowed: usize,
}

struct CountRow {
    role: &'static str,
    counts: Vec<Count>,
}

struct CaseRow {
    kind: &'static str,
    role: &'static str,
    action: &'static str,
    tag: Option<Tag>,
    flag: String,
    before: String,
    after: String,
    is_denied: bool,
}

struct EffectRow {
    name: String,
    href: String,
    study: String,
    tags: Vec<Tag>,
    action: &'static str,
    before: String,
    after: String,
    is_denied: bool,
}

#[derive(Template)]
#[template(path = "access/difference.html")]
struct DifferencePage {
    frame: Frame,
    id: String,
    version: u32,
    /// Empty when the policy is taken out of force.
    text: String,
    removes: bool,
    denied: String,
    allowed: String,
    otherwise: usize,
    losing: String,
    gaining: String,
    compared: usize,
    pairs: usize,
    heads: &'static [&'static str],
    rows: Vec<CountRow>,
    effects: Vec<EffectRow>,
    cases: Vec<CaseRow>,
    cases_more: usize,
}

/// A change of policy, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    id: String,
    text: String,
    remove: String,
    version: String,
}

impl Change {
    /// The policy's id, and its text unless it is to be taken out of force.
    fn read(&self) -> Result<(String, Option<String>), Failure> {
        if !self.remove.is_empty() {
            return Ok((self.id.clone(), None));
        }
        let text = self.text.replace("\r\n", "\n");
        Ok((id_of(&text)?, Some(text)))
    }
}

/// `POST /access/policies/preview`. Nothing is changed.
pub(crate) async fn preview(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Change>,
) -> Result<Response, Failure> {
    let access = &console.guard()?.view.access;
    let (id, text) = form.read()?;
    let preview = access.preview(&id, text.as_deref()).await?;
    let holds = holds(&console).await?;
    let effects = access.effects(&id, text.as_deref(), &holds, &asked(&console)).await?;
    let Preview { version, differences, denied, allowed, .. } = preview;
    let changed = |difference: &&Difference| difference.before.allowed != difference.after.allowed;
    let cases: Vec<&Difference> = differences.iter().filter(changed).collect();
    render(&DifferencePage {
        frame: visitor.frame(&format!("Change of policy {id}"), Section::Access),
        version,
        removes: text.is_none(),
        text: text.unwrap_or_default(),
        denied: wording::counted(denied as u64, "case", "cases"),
        allowed: wording::counted(allowed as u64, "case", "cases"),
        otherwise: differences.len() - cases.len(),
        losing: wording::count(effects.losing as u64),
        gaining: wording::count(effects.gaining as u64),
        compared: effects.compared,
        pairs: effects.pairs,
        heads: &HEADS,
        rows: picture(&cases),
        effects: effects.told.into_iter().map(effect_row).collect(),
        cases_more: cases.len().saturating_sub(CASES),
        cases: cases.into_iter().take(CASES).map(case_row).collect(),
        id,
    })
}

/// What the objects of each study hold.
async fn holds(console: &Console) -> Result<HashMap<StudyId, Vec<Vec<Label>>>, Failure> {
    let mut holds = HashMap::new();
    for study in studies::page(console.catalogue.store(), "").await? {
        let sets = label_sets(console, Some(&study.id)).await?;
        holds.insert(study.id, sets);
    }
    Ok(holds)
}

/// Roles by actions, with how many cases change.
fn picture(cases: &[&Difference]) -> Vec<CountRow> {
    let mut counted: BTreeMap<(&str, Action), Count> = BTreeMap::new();
    for case in cases {
        let count = counted.entry((case.case.role, case.case.action)).or_insert(Count { denied: 0, allowed: 0 });
        if case.after.allowed { count.allowed += 1 } else { count.denied += 1 }
    }
    let touched: BTreeSet<&str> = counted.keys().map(|(role, _)| *role).collect();
    let all = ["no-grant", "every-action"].into_iter().chain(roles().iter().map(|role| role.id.as_str()));
    let row = |role: &'static str| CountRow {
        role,
        counts: Action::ALL
            .iter()
            .map(|action| counted.remove(&(role, *action)).unwrap_or(Count { denied: 0, allowed: 0 }))
            .collect(),
    };
    all.filter(|role| touched.contains(role)).map(row).collect()
}

/// A decision in a few words.
fn verdict(decision: &Decision) -> String {
    match decision.allowed {
        true => format!("allowed by {}", decision.policies.join(", ")),
        false => format!("denied by {}", decision.code.trim_start_matches("policy:")),
    }
}

fn case_row(difference: &Difference) -> CaseRow {
    let case = &difference.case;
    let flag = format!("{:?}", case.flag);
    let mut words = String::new();
    for (at, character) in flag.char_indices() {
        if at > 0 && character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    CaseRow {
        kind: PrincipalKind::as_str(case.kind),
        role: case.role,
        action: case.action.as_str(),
        tag: case.label.map(wording::tag),
        flag: words,
        before: verdict(&difference.before),
        after: verdict(&difference.after),
        is_denied: !difference.after.allowed,
    }
}

fn effect_row(effect: Effect) -> EffectRow {
    EffectRow {
        href: format!("/access/principals/{}", effect.principal),
        study: effect.study.map_or_else(|| "the organisation itself".to_owned(), |study| study.to_string()),
        tags: effect.labels.into_iter().flatten().map(wording::tag).collect(),
        action: effect.action.as_str(),
        before: verdict(&effect.before),
        is_denied: !effect.after.allowed,
        after: verdict(&effect.after),
        name: effect.name,
    }
}

/// `POST /access/policies/apply`: the change that was previewed, if nobody changed the policy meanwhile.
pub(crate) async fn apply(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Change>,
) -> Result<Response, Failure> {
    let wrong =
        |_wrong| Failure::BadInput("Look at the difference first; it says which version comes next.".to_owned());
    let version: u32 = form.version.parse().map_err(wrong)?;
    let (id, text) = form.read()?;
    let (guard, by) = console.acting(&visitor).await?;
    guard.view.access.change_policy(&id, text.as_deref(), version, &by).await?;
    Ok(Redirect::to(&format!("/access/policies/{id}")).into_response())
}
