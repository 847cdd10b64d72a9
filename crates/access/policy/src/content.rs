//! Policies, their schema and roles, as they lie in `content/policies`.

use std::sync::LazyLock;

use model::Action;
use serde::Deserialize;

use crate::question::ActionSet;

/// The schema of every policy.
pub(crate) const SCHEMA: &str = include_str!("../../../../content/policies/schema.cedarschema");
const REACH: &str = include_str!("../../../../content/policies/reach.cedar");
const LIMITS: &str = include_str!("../../../../content/policies/limits.cedar");
const ROLES: &str = include_str!("../../../../content/policies/roles.toml");

/// One policy's text, or several in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The id that the policy must have; `None` where a file holds several.
    pub id: Option<String>,
    /// In Cedar.
    pub text: String,
}

/// The policies that come with Lazaret.
#[must_use]
pub fn shipped() -> Vec<Source> {
    [REACH, LIMITS].map(|text| Source { id: None, text: text.to_owned() }).into()
}

/// A named set of actions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// What it lets do.
    pub actions: Vec<Action>,
    /// Whether it must not see what would break a blind.
    #[serde(default)]
    pub blinded: bool,
    /// Whether it may reach credentials in objects.
    #[serde(default)]
    pub steward: bool,
}

impl Role {
    /// The role called `id`.
    #[must_use]
    pub fn named(id: &str) -> Option<&'static Self> {
        roles().iter().find(|role| role.id == id)
    }

    pub(crate) fn set(&self) -> ActionSet {
        self.actions.iter().copied().collect()
    }
}

/// Every role.
#[must_use]
pub fn roles() -> &'static [Role] {
    #[derive(Deserialize)]
    struct File {
        role: Vec<Role>,
    }
    static PARSED: LazyLock<Vec<Role>> =
        // A test reads the embedded file. A file that cannot be read grants nothing to anybody.
        LazyLock::new(|| toml::from_str::<File>(ROLES).map(|file| file.role).unwrap_or_default());
    &PARSED
}

#[cfg(test)]
mod tests {
    use super::{Role, roles};
    use model::Action;

    #[test]
    fn roles_can_be_read() {
        assert_eq!(roles().len(), 8);
        assert!(Role::named("monitor").unwrap().blinded);
        assert!(Role::named("steward").unwrap().set().contains(Action::Administer));
        assert_eq!(Role::named("root"), None);
    }
}
