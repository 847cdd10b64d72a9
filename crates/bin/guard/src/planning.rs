//! The communication plan, as its people wrote it into the data folder.

use std::io::Read as _;
use std::path::Path;

use incidents::case::Case;
use incidents::drafts::LANGUAGES;
use incidents::plan::{BYTES_MAX, Plan};
use playbooks::Role;
use serde_json::{Map, Value};

use crate::Guarded;

/// The plan's name in the data folder.
pub const PLAN: &str = "plan.toml";

/// The text of a plan; `None`: there is none.
///
/// # Errors
/// When it cannot be read, or is longer than a plan may be.
pub fn plan_text(path: &Path) -> std::io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let most = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    if file.take(most + 1).read_to_string(&mut text)? > BYTES_MAX {
        let why = format!("it has more than {BYTES_MAX} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(Some(text))
}

impl Guarded {
    /// The text of the plan; `None`: there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan_text(&self) -> std::io::Result<Option<String>> {
        plan_text(&self.data_dir.join(PLAN))
    }

    /// Addresses of those who hold a role, first that of the organisation, then one that works without it. None where there is no plan.
    pub(crate) fn reached(&self, role: Role) -> Vec<String> {
        let Some(plan) = self.plan() else { return Vec::new() };
        let mut reached: Vec<String> = Vec::new();
        for person in plan.holders(role) {
            for address in [&person.email, &person.email_outside].into_iter().flatten() {
                if !reached.contains(address) {
                    reached.push(address.clone());
                }
            }
        }
        reached
    }

    /// The plan, if there is one that is right.
    fn plan(&self) -> Option<Plan> {
        let text = match self.plan_text() {
            Ok(text) => text?,
            Err(error) => {
                tracing::warn!(%error, "the plan cannot be read; `lazaret plan check` tells more");
                return None;
            }
        };
        let plan = Plan::parse(&text).ok();
        if plan.is_none() {
            tracing::warn!("the plan is wrong; `lazaret plan check` tells where");
        }
        plan
    }

    /// Facts that are true of the organisation in every incident: the roles that laws give it, and its time zone.
    pub(crate) fn organisation(&self) -> Map<String, Value> {
        let mut known = Map::new();
        let Some(organisation) = self.plan().map(|plan| plan.organisation) else { return known };
        let library = obligations::in_force().ok();
        let is_role = |role: &String| {
            library.as_ref().is_some_and(|library| library.vocabulary().roles().any(|(name, _)| name == role))
        };
        let roles: Vec<String> = organisation.legal_roles.into_iter().filter(is_role).collect();
        if !roles.is_empty() {
            known.insert("roles".to_owned(), roles.into());
        }
        known.extend(organisation.timezone.map(|zone| ("timezone".to_owned(), zone.into())));
        known
    }

    /// In which languages a notice is drafted: the first of each of its recipients by the plan that notices are written in; English where the
    /// plan names nobody.
    pub(crate) fn languages_of(&self, case: &Case, obligation: &str) -> Vec<String> {
        let affected = case.facts.get("affected").and_then(Value::as_array).into_iter().flatten();
        let places: Vec<&str> = affected.filter_map(|one| one["jurisdiction"].as_str()).collect();
        let plan = self.plan();
        let recipients = plan.as_ref().map(|plan| plan.recipients(obligation, &places)).unwrap_or_default();
        let mut languages: Vec<String> = Vec::new();
        for recipient in recipients {
            let own = recipient.languages.iter().find(|language| LANGUAGES.contains(&language.as_str()));
            let language = own.map_or("en", String::as_str);
            if !languages.iter().any(|one| one == language) {
                languages.push(language.to_owned());
            }
        }
        if languages.is_empty() {
            languages.push("en".to_owned());
        }
        languages
    }
}
