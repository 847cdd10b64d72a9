//! Labels corrected by a person: they stay, whatever later scans find.

use model::Label;
use store::changes::NewChange;
use store::corrections::CorrectionRow;
use store::objects::ObjectRow;
use store::postings::Changes;
use store::totals::Deltas;
use store::{Transaction, changes, corrections, identifiers, objects, subjects};

use super::ingest::{relabelling, reunite, union_key};
use super::{Catalogue, CatalogueError, labels, rows, terms};

/// What a person does to a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The object holds it although recognition did not find it.
    Add,
    /// The object does not hold it although recognition found it.
    Remove,
    /// What recognition says counts again.
    Withdraw,
}

/// A person's correction of one label of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The object.
    pub object_id: u32,
    /// The label.
    pub label: Label,
    /// What happens to it.
    pub action: Action,
    /// Why; must not be empty.
    pub reason: String,
    /// Who.
    pub person: String,
}

impl Catalogue {
    /// Corrects a label at `now` (milliseconds since 1970, UTC). It stays corrected over rescans and versions.
    ///
    /// # Errors
    /// When there is no such object, no reason, or the store fails.
    pub async fn correct(&self, correction: &Correction, now: i64) -> Result<(), CatalogueError> {
        if correction.reason.trim().is_empty() {
            return Err(CatalogueError::NoReason);
        }
        let mut known = self.known.write().await;
        let mut transaction = self.begin(&mut known).await?;
        let found = objects::by_ids_within(&mut transaction, &[correction.object_id]).await?;
        let old = found.into_iter().next().ok_or(CatalogueError::NoObject { id: correction.object_id })?;
        record(&mut transaction, correction, now).await?;
        let in_force = corrections::in_force(&mut transaction, &[old.id]).await?;
        let mut new = ObjectRow { labels: labels::in_force(&old.found, &in_force), ..old.clone() };
        if new.state != rows::GONE {
            rows::rank(&mut new);
        }
        if new.labels != old.labels {
            new.changed_at = now;
            relabel(&mut transaction, &old, &new, correction, now).await?;
        }
        let generation = subjects::bump(&mut transaction).await?;
        transaction.commit().await?;
        known.generation = Some(generation);
        Ok(())
    }
}

async fn record(transaction: &mut Transaction, correction: &Correction, now: i64) -> Result<(), CatalogueError> {
    let action = match correction.action {
        Action::Add => "add",
        Action::Remove => "remove",
        Action::Withdraw => {
            corrections::withdraw(transaction, correction.object_id, correction.label.as_str(), now).await?;
            return Ok(());
        }
    };
    let row = CorrectionRow {
        id: 0,
        object_id: correction.object_id,
        label: correction.label.as_str().to_owned(),
        action: action.to_owned(),
        reason: correction.reason.trim().to_owned(),
        person: correction.person.clone(),
        made_at: now,
        withdrawn_at: None,
    };
    corrections::add(transaction, &row).await?;
    Ok(())
}

async fn relabel(
    transaction: &mut Transaction,
    old: &ObjectRow,
    new: &ObjectRow,
    correction: &Correction,
    now: i64,
) -> Result<(), CatalogueError> {
    objects::put(transaction, std::slice::from_ref(new)).await?;
    let mut deltas = Deltas::default();
    deltas.object(old, -1);
    deltas.object(new, 1);
    deltas.run(transaction).await?;
    let kinds: Vec<String> =
        identifiers::of_objects(transaction, &[old.id]).await?.into_iter().map(|row| row.kind).collect();
    let (before, after) = (terms::of_object(old, kinds.clone()), terms::of_object(new, kinds));
    let mut postings = Changes::default();
    before.difference(&after).for_each(|term| postings.remove(term, new.id));
    after.difference(&before).for_each(|term| postings.add(term, new.id));
    postings.run(transaction).await?;
    let detail = format!("{} by {}", relabelling(old, new), correction.person);
    changes::record(transaction, &[NewChange { object_id: new.id, kind: "relabelled", detail }], now).await?;
    for key in [union_key(old), union_key(new)] {
        reunite(transaction, &key).await?;
    }
    Ok(())
}
