//! How long indicators hold whose sources say nothing: content/intel/lifetimes.toml.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::DAY_MS;
use crate::indicator::{Expression, Kind, Looks, Until};

/// How long indicators of a kind hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// Days after the source last named it; without, it does not end.
    pub days: Option<u32>,
    /// Who says so; `own` where nobody does.
    pub source: String,
    /// Days before the source knew it in which events count too when logs are searched back in time; without, all do.
    pub back_days: Option<u32>,
    /// Who says so.
    pub back_source: String,
}

/// The table of lifetimes.
#[derive(Clone, Debug)]
pub struct Lifetimes(BTreeMap<Kind, Lifetime>);

impl Lifetimes {
    /// The table that comes with the program.
    ///
    /// # Errors
    /// Only if the file that was built in is broken, which a test excludes.
    pub fn shipped() -> Result<Self, String> {
        Self::parse(include_str!("../../../../content/intel/lifetimes.toml"))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// Not TOML, unknown kinds or keys, or a kind that is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: BTreeMap<Kind, Lifetime> =
            toml::from_str(text).map_err(|error| format!("the table of lifetimes: {error}"))?;
        match Kind::ALL.iter().find(|kind| !table.contains_key(kind)) {
            Some(missing) => Err(format!("the table of lifetimes: `{}` is missing", missing.as_str())),
            None => Ok(Self(table)),
        }
    }

    /// When something ends that its source gives no end, and was last named at `named_ms`. What looks for several kinds ends
    /// with the kind that ends first.
    pub(crate) fn end(&self, looks: &Looks, named_ms: i64) -> (Option<i64>, Until) {
        let days = match looks {
            Looks::For(expression) => kinds(expression).filter_map(|kind| self.0.get(&kind)?.days).min(),
            Looks::Kept { .. } => None,
        };
        match days {
            Some(days) => (Some(named_ms.saturating_add(i64::from(days) * DAY_MS)), Until::Default),
            None => (None, Until::Never),
        }
    }

    /// Milliseconds before something was known in which events count too.
    pub(crate) fn back_ms(&self, expression: &Expression) -> i64 {
        let days = kinds(expression).filter_map(|kind| self.0.get(&kind)?.back_days).min();
        days.map_or(i64::MAX, |days| i64::from(days) * DAY_MS)
    }
}

fn kinds(expression: &Expression) -> impl Iterator<Item = Kind> {
    let mut kinds = Vec::new();
    expression.atoms(&mut |atom| kinds.push(atom.kind()));
    kinds.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Atom;

    #[test]
    fn the_shipped_table_has_every_kind_and_a_source_for_every_number() {
        let table = Lifetimes::shipped().unwrap();
        assert!(table.0.values().all(|lifetime| !lifetime.source.is_empty() && !lifetime.back_source.is_empty()));
        let domain = Looks::For(Expression::One(Atom::Domain("bad.example".to_owned())));
        assert_eq!(table.end(&domain, 0), (Some(120 * DAY_MS), Until::Default));
        let flaw = Looks::For(Expression::One(Atom::Vulnerability("CVE-2026-0001".to_owned())));
        assert_eq!(table.end(&flaw, 0), (None, Until::Never));
        assert!(
            Lifetimes::parse("[ip]\nsource = 'own'\nback_source = 'own'").unwrap_err().contains("`domain` is missing")
        );
    }
}
