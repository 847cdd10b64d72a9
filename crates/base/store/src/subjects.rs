//! Data subjects: tokens, profiles, merges with their evidence, separations, and who is in which object.

use crate::batch::select_in_store;
use crate::postings::CHUNK_OBJECTS;
use crate::{Delete, Insert, Row, Store, StoreError, Transaction, Value, select_in};

/// A keyed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRow {
    /// Dense id, from 0.
    pub id: u32,
    /// 128 bits.
    pub token: [u8; 16],
    /// The domain of a strong identifier; `None` for name and birth date.
    pub domain: Option<u32>,
}

/// A set of tokens that records carry together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// Dense id, from 0: what bitmaps hold.
    pub id: u32,
    /// Token ids, rising.
    pub tokens: Vec<u32>,
    /// The profile that stands for the same data subject.
    pub canonical: u32,
}

/// Why two profiles are one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRow {
    /// Its id; ignored when it is new.
    pub id: u32,
    /// One profile.
    pub first: u32,
    /// The other.
    pub second: u32,
    /// The token that both carry.
    pub token_id: u32,
    /// `strong` or `name_birth`.
    pub rule: String,
    /// When it was found, milliseconds since 1970, UTC.
    pub merged_at: i64,
    /// When it ceased to hold.
    pub ended_at: Option<i64>,
}

/// A person's decision that two profiles are two people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeparationRow {
    /// Its id; ignored when it is new.
    pub id: u32,
    /// One profile.
    pub first: u32,
    /// The other.
    pub second: u32,
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub person: String,
    /// When, milliseconds since 1970, UTC.
    pub made_at: i64,
    /// When it was taken back.
    pub withdrawn_at: Option<i64>,
}

/// What one batch changes.
#[derive(Debug, Default)]
pub struct Delta {
    /// New tokens.
    pub tokens: Vec<TokenRow>,
    /// New profiles.
    pub profiles: Vec<ProfileRow>,
    /// Profiles (old or new) with another canonical one.
    pub canonical: Vec<(u32, u32)>,
    /// Profiles now also known in a jurisdiction.
    pub jurisdictions: Vec<(u32, String)>,
    /// New merges.
    pub merges: Vec<MergeRow>,
    /// Merges that no longer hold: first, second, token.
    pub ended: Vec<(u32, u32, u32)>,
}

/// Writes a delta that came to be at `now`.
///
/// # Errors
/// When the engine refuses.
pub async fn apply(transaction: &mut Transaction, delta: &Delta, now: i64) -> Result<(), StoreError> {
    let mut insert = Insert::into("tokens", &["id", "token", "domain"]);
    for row in &delta.tokens {
        insert.row([row.id.into(), row.token.as_slice().into(), row.domain.into()]);
    }
    insert.run(transaction).await?;
    let mut insert = Insert::into("profiles", &["id", "tokens", "canonical", "first_seen_at"]);
    for row in &delta.profiles {
        insert.row([row.id.into(), encode_ids(&row.tokens).into(), row.canonical.into(), now.into()]);
    }
    insert.run(transaction).await?;
    for (profile, canonical) in &delta.canonical {
        let values = [(*profile).into(), (*canonical).into()];
        transaction.execute("UPDATE profiles SET canonical = $2 WHERE id = $1", &values).await?;
    }
    let columns = &["profile_id", "jurisdiction"];
    let mut insert = Insert::or_ignore("profile_jurisdictions", columns, "profile_id, jurisdiction");
    for (profile, jurisdiction) in &delta.jurisdictions {
        insert.row([(*profile).into(), jurisdiction.clone().into()]);
    }
    insert.run(transaction).await?;
    for (first, second, token) in &delta.ended {
        let sql =
            "UPDATE merges SET ended_at = $4 WHERE first = $1 AND second = $2 AND token_id = $3 AND ended_at IS NULL";
        let values = [(*first).into(), (*second).into(), (*token).into(), now.into()];
        transaction.execute(sql, &values).await?;
    }
    put_merges(transaction, &delta.merges).await
}

async fn put_merges(transaction: &mut Transaction, merges: &[MergeRow]) -> Result<(), StoreError> {
    if merges.is_empty() {
        return Ok(());
    }
    let mut id = transaction.allocate("merges", u32::try_from(merges.len()).unwrap_or(u32::MAX)).await?;
    let mut insert = Insert::into("merges", &["id", "first", "second", "token_id", "rule", "merged_at"]);
    for row in merges {
        insert.row([
            id.into(),
            row.first.into(),
            row.second.into(),
            row.token_id.into(),
            row.rule.clone().into(),
            row.merged_at.into(),
        ]);
        id += 1;
    }
    insert.run(transaction).await
}

/// Rows read by one statement while everything is loaded.
const LOAD_ROWS: u32 = 50_000;

/// Every token, by id.
///
/// # Errors
/// When the engine refuses.
pub async fn tokens(store: &Store) -> Result<Vec<TokenRow>, StoreError> {
    let mut tokens: Vec<TokenRow> = Vec::new();
    loop {
        let after = tokens.last().map_or(-1, |row| i64::from(row.id));
        let sql = format!("SELECT id, token, domain FROM tokens WHERE id > $1 ORDER BY id LIMIT {LOAD_ROWS}");
        let rows = store.rows(&sql, &[after.into()]).await?;
        for row in &rows {
            let bytes = row.bytes(1)?;
            let shape = StoreError::Shape { column: 1, found: "bytes", wanted: "16 bytes" };
            let token = bytes.try_into().map_err(|_length| shape)?;
            tokens.push(TokenRow { id: row.id(0)?, token, domain: row.id_opt(2)? });
        }
        if rows.len() < LOAD_ROWS as usize {
            return Ok(tokens);
        }
    }
}

/// Every profile, by id.
///
/// # Errors
/// When the engine refuses.
pub async fn profiles(store: &Store) -> Result<Vec<ProfileRow>, StoreError> {
    let mut profiles: Vec<ProfileRow> = Vec::new();
    loop {
        let after = profiles.last().map_or(-1, |row| i64::from(row.id));
        let sql = format!("SELECT id, tokens, canonical FROM profiles WHERE id > $1 ORDER BY id LIMIT {LOAD_ROWS}");
        let rows = store.rows(&sql, &[after.into()]).await?;
        for row in &rows {
            profiles.push(ProfileRow { id: row.id(0)?, tokens: decode_ids(&row.bytes(1)?), canonical: row.id(2)? });
        }
        if rows.len() < LOAD_ROWS as usize {
            return Ok(profiles);
        }
    }
}

/// Every pair of profile and jurisdiction.
///
/// # Errors
/// When the engine refuses.
pub async fn jurisdictions(store: &Store) -> Result<Vec<(u32, String)>, StoreError> {
    let rows = store.rows("SELECT profile_id, jurisdiction FROM profile_jurisdictions", &[]).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.text(1)?))).collect()
}

fn merge(row: &Row) -> Result<MergeRow, StoreError> {
    Ok(MergeRow {
        id: row.id(0)?,
        first: row.id(1)?,
        second: row.id(2)?,
        token_id: row.id(3)?,
        rule: row.text(4)?,
        merged_at: row.int(5)?,
        ended_at: row.int_opt(6)?,
    })
}

/// Merges of any of `profiles`, newest first, at most a page; those that ended too.
///
/// # Errors
/// When the engine refuses.
pub async fn merges_of(store: &Store, profiles: &[u32]) -> Result<Vec<MergeRow>, StoreError> {
    let keys: Vec<Value> = profiles.iter().take(crate::PAGE_ROWS_MAX as usize).map(|id| (*id).into()).collect();
    let select = "SELECT id, first, second, token_id, rule, merged_at, ended_at FROM merges WHERE first";
    let mut merges = select_in_store(store, select, &keys).await?.iter().map(merge).collect::<Result<Vec<_>, _>>()?;
    merges.sort_by_key(|row| std::cmp::Reverse(row.id));
    merges.truncate(crate::PAGE_ROWS_MAX as usize);
    Ok(merges)
}

/// Merges, newest first, before the one with id `before`.
///
/// # Errors
/// When the engine refuses.
pub async fn merges_page(store: &Store, before: Option<u32>, limit: u32) -> Result<Vec<MergeRow>, StoreError> {
    let sql = format!(
        "SELECT id, first, second, token_id, rule, merged_at, ended_at FROM merges WHERE id < $1 \
         ORDER BY id DESC LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    let before = before.map_or(i64::from(u32::MAX), i64::from);
    store.rows(&sql, &[before.into()]).await?.iter().map(merge).collect()
}

/// Merges in force: first, second, token.
///
/// # Errors
/// When the engine refuses.
pub async fn merges_in_force(store: &Store) -> Result<Vec<(u32, u32, u32)>, StoreError> {
    let rows = store.rows("SELECT first, second, token_id FROM merges WHERE ended_at IS NULL", &[]).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.id(1)?, row.id(2)?))).collect()
}

/// Records a separation.
///
/// # Errors
/// When the engine refuses.
pub async fn separate(transaction: &mut Transaction, new: &SeparationRow) -> Result<u32, StoreError> {
    let id = transaction.allocate("separations", 1).await?;
    let sql = "INSERT INTO separations (id, first, second, reason, person, made_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        id.into(),
        new.first.into(),
        new.second.into(),
        new.reason.clone().into(),
        new.person.clone().into(),
        new.made_at.into(),
    ];
    transaction.execute(sql, &values).await?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// Takes a separation back; whether it was in force.
///
/// # Errors
/// When the engine refuses.
pub async fn withdraw_separation(transaction: &mut Transaction, id: u32, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE separations SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL";
    Ok(transaction.execute(sql, &[id.into(), now.into()]).await? > 0)
}

/// Separations, oldest first; those taken back too.
///
/// # Errors
/// When the engine refuses.
pub async fn separations(store: &Store) -> Result<Vec<SeparationRow>, StoreError> {
    let sql = "SELECT id, first, second, reason, person, made_at, withdrawn_at FROM separations ORDER BY id";
    let separation = |row: &Row| {
        Ok(SeparationRow {
            id: row.id(0)?,
            first: row.id(1)?,
            second: row.id(2)?,
            reason: row.text(3)?,
            person: row.text(4)?,
            made_at: row.int(5)?,
            withdrawn_at: row.int_opt(6)?,
        })
    };
    store.rows(sql, &[]).await?.iter().map(separation).collect()
}

/// Replaces the bitmaps of objects; an empty one removes the row.
///
/// # Errors
/// When the engine refuses.
pub async fn put_people(transaction: &mut Transaction, bitmaps: &[(u32, Vec<u8>)]) -> Result<(), StoreError> {
    let empty = bitmaps.iter().filter(|(_, ids)| ids.is_empty()).map(|(id, _)| (*id).into()).collect();
    Delete::from("object_people", "object_id", empty).run(transaction).await?;
    let mut insert = Insert::or_replace("object_people", &["object_id", "ids"], "object_id");
    for (object, ids) in bitmaps.iter().filter(|(_, ids)| !ids.is_empty()) {
        insert.row([(*object).into(), ids.clone().into()]);
    }
    insert.run(transaction).await
}

/// Bitmaps of objects; objects without people are absent.
///
/// # Errors
/// When the engine refuses.
pub async fn people(store: &Store, objects: &[u32]) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let rows = select_in_store(store, "SELECT object_id, ids FROM object_people WHERE object_id", &keys).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.bytes(1)?))).collect()
}

/// As [`people`], with the labels in force of each, joined by commas; of objects in which nobody is there is no row.
///
/// # Errors
/// When the engine refuses.
pub async fn people_labelled(store: &Store, objects: &[u32]) -> Result<Vec<(u32, String, Vec<u8>)>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let select = "SELECT p.object_id, o.labels, p.ids FROM object_people p JOIN objects o ON o.id = p.object_id \
                  WHERE p.object_id";
    let rows = select_in_store(store, select, &keys).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.text(1)?, row.bytes(2)?))).collect()
}

/// As [`people`], inside a transaction.
///
/// # Errors
/// When the engine refuses.
pub async fn people_within(transaction: &mut Transaction, objects: &[u32]) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let rows = select_in(transaction, "SELECT object_id, ids FROM object_people WHERE object_id", &keys).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.bytes(1)?))).collect()
}

/// What a union of bitmaps is over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnionKey {
    /// The study; empty when unknown.
    pub study: String,
    /// Labels in force, sorted, joined by commas.
    pub labels: String,
    /// Object id divided by [`CHUNK_OBJECTS`].
    pub chunk: u32,
}

/// The union kept for a key.
///
/// # Errors
/// When the engine refuses.
pub async fn union(transaction: &mut Transaction, key: &UnionKey) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT ids FROM people_unions WHERE study = $1 AND labels = $2 AND chunk = $3";
    let values = [key.study.clone().into(), key.labels.clone().into(), key.chunk.into()];
    transaction.row(sql, &values).await?.map(|row| row.bytes(0)).transpose()
}

/// Replaces the union kept for a key. An empty one stays, so that [`unions_changed`] tells of it.
///
/// # Errors
/// When the engine refuses.
pub async fn put_union(transaction: &mut Transaction, key: &UnionKey, ids: Vec<u8>) -> Result<(), StoreError> {
    // The number that this batch will get: see `bump`.
    let sql = "INSERT INTO people_unions (study, labels, chunk, ids, generation) VALUES ($1, $2, $3, $4, \
               (SELECT COALESCE(MAX(value), 0) + 1 FROM counters WHERE name = 'generation')) \
               ON CONFLICT (study, labels, chunk) DO UPDATE SET ids = excluded.ids, generation = excluded.generation";
    let values = [key.study.clone().into(), key.labels.clone().into(), key.chunk.into(), ids.into()];
    transaction.execute(sql, &values).await?;
    Ok(())
}

/// Bitmaps of the objects that a union is over, as they are now.
///
/// # Errors
/// When the engine refuses.
pub async fn people_of_union(transaction: &mut Transaction, key: &UnionKey) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT p.ids FROM object_people p JOIN objects o ON o.id = p.object_id \
               WHERE p.object_id >= $1 AND p.object_id < $2 AND o.study = $3 AND o.labels = $4 AND o.state <> 'gone'";
    let first = i64::from(key.chunk) * i64::from(CHUNK_OBJECTS);
    let values =
        [first.into(), (first + i64::from(CHUNK_OBJECTS)).into(), key.study.clone().into(), key.labels.clone().into()];
    transaction.rows(sql, &values).await?.iter().map(|row| row.bytes(0)).collect()
}

/// Study and joined labels of every union that a batch after `generation` wrote.
///
/// # Errors
/// When the engine refuses.
pub async fn unions_changed(store: &Store, generation: i64) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT DISTINCT study, labels FROM people_unions WHERE generation > $1";
    store.rows(sql, &[generation.into()]).await?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// The unions of all chunks of objects with this study and these labels; some may be empty.
///
/// # Errors
/// When the engine refuses.
pub async fn unions_of(store: &Store, study: &str, labels: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT ids FROM people_unions WHERE study = $1 AND labels = $2";
    store.rows(sql, &[study.into(), labels.into()]).await?.iter().map(|row| row.bytes(0)).collect()
}

const GENERATION: &str = "SELECT value FROM counters WHERE name = 'generation'";

/// The number of the last batch that was written; see [`bump`].
///
/// # Errors
/// When the engine refuses.
pub async fn generation(store: &Store) -> Result<i64, StoreError> {
    store.row(GENERATION, &[]).await?.map_or(Ok(0), |row| row.int(0))
}

/// As [`generation`], inside a transaction: nobody else writes until it ends.
///
/// # Errors
/// When the engine refuses.
pub async fn generation_within(transaction: &mut Transaction) -> Result<i64, StoreError> {
    transaction.row(GENERATION, &[]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Notes that this batch changed the catalogue; the number it gets. Caches compare it.
///
/// # Errors
/// When the engine refuses.
pub async fn bump(transaction: &mut Transaction) -> Result<i64, StoreError> {
    transaction.allocate("generation", 1).await
}

fn encode_ids(ids: &[u32]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}

fn decode_ids(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect()
}
