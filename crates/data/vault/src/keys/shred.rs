//! Destroying keys, and the holds that forbid it.

use model::{ObjectId, Scope, StudyId};
use store::Transaction;
use store::keys::{self as table, Doomed, KeyRow};

use super::{Keys, Spec};
use crate::receipt::{Receipt, Signer};
use crate::{Random, VaultError};

/// What shredding `scope` destroys. `text` is the scope as text.
fn doomed<'a>(scope: &'a Scope, text: &'a str) -> Doomed<'a> {
    match scope {
        Scope::Study(study) => Doomed::Study(study.as_str()),
        Scope::Subject(_) => Doomed::Subject(text.strip_prefix("subject:").unwrap_or(text)),
        _ => Doomed::Owner(text),
    }
}

pub(super) async fn refuse_held(transaction: &mut Transaction, scope: &Scope) -> Result<(), VaultError> {
    let text = scope.to_string();
    match table::hold_against(transaction, &text, doomed(scope, &text)).await? {
        Some((held, reference)) => {
            let held = held.parse().unwrap_or_else(|_unknown| scope.clone());
            Err(VaultError::Held { scope: held, reference })
        }
        None => Ok(()),
    }
}

/// What shredding a scope would destroy, and what forbids it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doom {
    /// Living keys by kind: `study`, `subject`, `data`, `detail`.
    pub keys: Vec<(String, u64)>,
    /// Legal holds that forbid it, by scope; at most 100.
    pub holds: Vec<crate::Hold>,
}

impl Doom {
    /// How many keys would be destroyed.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.keys.iter().map(|(_, keys)| keys).sum()
    }
}

impl Keys {
    pub(crate) async fn doom(&self, scope: &Scope) -> Result<Doom, VaultError> {
        /// Holds that are told.
        const HOLDS_MAX: u32 = 100;
        let text = scope.to_string();
        let doomed = doomed(scope, &text);
        Ok(Doom {
            keys: table::doomed_by_kind(&self.store, doomed).await?,
            holds: table::holds_against(&self.store, &text, doomed, HOLDS_MAX).await?,
        })
    }

    pub(crate) async fn doomed_objects(
        &self,
        scope: &Scope,
        after: &str,
    ) -> Result<(Vec<(StudyId, ObjectId)>, String), VaultError> {
        let text = scope.to_string();
        let rows = table::doomed_objects(&self.store, doomed(scope, &text), after).await?;
        let last = rows.last().map(|(name, _, _)| name.clone()).unwrap_or_default();
        let pair = |(_, study, owner): (String, String, String)| match owner.parse() {
            Ok(Scope::Object(object)) => Some((study.parse().ok()?, object)),
            _ => None,
        };
        Ok((rows.into_iter().filter_map(pair).collect(), last))
    }

    pub(crate) async fn shred(&self, scope: &Scope) -> Result<Receipt, VaultError> {
        if matches!(scope, Scope::Organisation) {
            let why = "it holds every other key; destroy the root key in its provider instead";
            return Err(VaultError::Scope { scope: scope.to_string(), verb: "shredded", why });
        }
        let signer = self.ensure(&Spec::signing()).await?;
        let signer = Signer::new(signer.alive()?)?;
        let text = scope.to_string();
        let doomed = doomed(scope, &text);
        let mut transaction = self.store.begin().await?;
        refuse_held(&mut transaction, scope).await?;
        self.entomb(&mut transaction, scope).await?;
        let gone = table::destroy(&mut transaction, doomed, self.now()).await?;
        transaction.commit().await?;
        self.cache().destroy(&gone);
        // The receipt says that the bytes are gone, so that it comes after they are.
        table::scrub(&self.store).await?;
        let mut transaction = self.store.begin().await?;
        let gone = table::destroyed(&mut transaction, doomed).await?;
        let receipt = Receipt::issue(&signer, &Random::bytes(&self.random)?, scope, &gone, self.now())?;
        table::keep_receipt(&mut transaction, receipt.row()).await?;
        transaction.commit().await?;
        Ok(receipt)
    }

    /// Leaves rows for keys that were never made, so that they never are.
    async fn entomb(&self, transaction: &mut Transaction, scope: &Scope) -> Result<(), VaultError> {
        let mut specs = vec![Spec::detail(scope)];
        if let Scope::Study(study) = scope {
            specs.push(Spec::study(study));
        }
        let mut rows: Vec<KeyRow> = specs.iter().map(|spec| spec.row(0, self.now())).collect();
        if let Scope::Object(object) = scope {
            let mut row = Spec::detail(scope).row(0, self.now());
            (row.name, row.kind) = (format!("data:{object}"), "data".to_owned());
            rows.push(row);
        }
        for mut row in rows {
            if table::newest_in(transaction, &row.name).await?.is_none() {
                row.destroyed_at = Some(self.now());
                table::insert(transaction, vec![row]).await?;
            }
        }
        Ok(())
    }
}
