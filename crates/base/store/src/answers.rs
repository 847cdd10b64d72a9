//! Answers over the whole catalogue that are kept across starts, each for the batch after which it was worked out.

use crate::{Store, StoreError};

/// The answer of this name, if it is still the one for `generation` (see [`crate::subjects::generation`]).
///
/// # Errors
/// When the engine refuses.
pub async fn kept(store: &Store, name: &str, generation: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT answer FROM kept_answers WHERE name = $1 AND generation = $2";
    store.row(sql, &[name.into(), generation.into()]).await?.map(|row| row.bytes(0)).transpose()
}

/// Keeps an answer in the place of an older one. One for a later batch stays.
///
/// # Errors
/// When the engine refuses; what was kept stays then.
pub async fn keep(store: &Store, name: &str, generation: i64, answer: Vec<u8>) -> Result<(), StoreError> {
    let sql = "INSERT INTO kept_answers (name, generation, answer) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
               SET generation = excluded.generation, answer = excluded.answer \
               WHERE kept_answers.generation <= excluded.generation";
    store.execute(sql, &[name.into(), generation.into(), answer.into()]).await?;
    Ok(())
}
