//! The search index: which objects a term applies to.
//!
//! A term is any byte string: a label, a law, a format, three letters of a path. For every term and every 4,096
//! object ids there is one small set. Searching intersects sets, so any combination of filters is exact, costs the
//! same on both engines and needs neither trigram nor full-text extensions. Terms are bytes, because both engines
//! order bytes alike, which text collations do not.

use std::collections::BTreeMap;

use crate::batch::select_in_pairs;
use crate::{Insert, Store, StoreError, Transaction, Value};

/// Object ids in one set.
pub const CHUNK_OBJECTS: u32 = 4_096;
const WORDS: usize = CHUNK_OBJECTS as usize / 64;
const BITMAP_BYTES: usize = CHUNK_OBJECTS as usize / 8;

/// A set of positions within one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkSet([u64; WORDS]);

impl Default for ChunkSet {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl ChunkSet {
    /// Every position.
    #[must_use]
    pub fn full() -> Self {
        Self([u64::MAX; WORDS])
    }

    /// Adds an object by its id.
    pub fn insert(&mut self, id: u32) {
        let at = id % CHUNK_OBJECTS;
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// Takes an object out by its id.
    pub fn remove(&mut self, id: u32) {
        let at = id % CHUNK_OBJECTS;
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    /// Whether it holds an object, by its id.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        let at = id % CHUNK_OBJECTS;
        self.0.get(at as usize / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    /// Keeps what `other` holds too.
    pub fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    /// Adds what `other` holds.
    pub fn union(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Takes out what `other` holds.
    pub fn subtract(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    /// How many objects it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Ids of its objects, rising, given its chunk's number.
    pub fn ids(&self, chunk: u32) -> impl Iterator<Item = u32> + '_ {
        (0..CHUNK_OBJECTS).filter(|at| self.contains(*at)).map(move |at| chunk * CHUNK_OBJECTS + at)
    }

    /// Few positions as 16-bit numbers, many as a bitmap: at most 512 bytes, told apart by their length.
    fn encode(&self) -> Vec<u8> {
        if self.len() < BITMAP_BYTES as u64 / 2 {
            let positions = (0..CHUNK_OBJECTS).filter(|at| self.contains(*at));
            positions.filter_map(|at| u16::try_from(at).ok()).flat_map(u16::to_le_bytes).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    fn decode(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        if bytes.len() == BITMAP_BYTES {
            for (word, eight) in set.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*eight);
            }
        } else {
            for two in bytes.as_chunks::<2>().0 {
                set.insert(u32::from(u16::from_le_bytes(*two)));
            }
        }
        set
    }
}

/// Sets of one term by chunk; chunks without objects are absent.
pub type Posting = BTreeMap<u32, ChunkSet>;

/// Additions and removals to be written together.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<(u32, Vec<u8>), (ChunkSet, ChunkSet)>);

impl Changes {
    /// The term now applies to the object.
    pub fn add(&mut self, term: &[u8], object: u32) {
        let (added, removed) = self.0.entry((object / CHUNK_OBJECTS, term.to_vec())).or_default();
        added.insert(object);
        removed.remove(object);
    }

    /// The term no longer applies to the object.
    pub fn remove(&mut self, term: &[u8], object: u32) {
        let (added, removed) = self.0.entry((object / CHUNK_OBJECTS, term.to_vec())).or_default();
        removed.insert(object);
        added.remove(object);
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn run(mut self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let mut pairs: Vec<Value> = Vec::with_capacity(self.0.len() * 2);
        for (chunk, term) in self.0.keys() {
            pairs.extend([term.clone().into(), (*chunk).into()]);
        }
        let select = "SELECT term, chunk, ids FROM postings WHERE (term, chunk)";
        for row in select_in_pairs(transaction, select, &pairs).await? {
            if let Some((added, removed)) = self.0.get_mut(&(row.id(1)?, row.bytes(0)?)) {
                let mut present = ChunkSet::decode(&row.bytes(2)?);
                present.subtract(removed);
                added.union(&present);
            }
        }
        let mut insert = Insert::or_replace("postings", &["term", "chunk", "ids"], "term, chunk");
        for ((chunk, term), (present, _)) in self.0 {
            insert.row([term.into(), chunk.into(), present.encode().into()]);
        }
        insert.run(transaction).await
    }
}

/// The objects that a term applies to.
///
/// # Errors
/// When the engine refuses.
pub async fn of_term(store: &Store, term: &[u8]) -> Result<Posting, StoreError> {
    let rows = store.rows("SELECT chunk, ids FROM postings WHERE term = $1", &[term.into()]).await?;
    let mut posting = Posting::new();
    for row in rows {
        posting.insert(row.id(0)?, ChunkSet::decode(&row.bytes(1)?));
    }
    Ok(posting)
}

/// The objects that any term beginning with `prefix` applies to.
///
/// # Errors
/// When the engine refuses.
pub async fn of_prefix(store: &Store, prefix: &[u8]) -> Result<Posting, StoreError> {
    let mut end = prefix.to_vec();
    end.push(u8::MAX);
    let sql = "SELECT chunk, ids FROM postings WHERE term >= $1 AND term < $2";
    let mut posting = Posting::new();
    for row in store.rows(sql, &[prefix.into(), end.into()]).await? {
        posting.entry(row.id(0)?).or_default().union(&ChunkSet::decode(&row.bytes(1)?));
    }
    Ok(posting)
}

/// Terms that begin with `prefix`, with how many objects each applies to. For small families such as labels or studies.
///
/// # Errors
/// When the engine refuses.
pub async fn terms(store: &Store, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Posting)>, StoreError> {
    let mut end = prefix.to_vec();
    end.push(u8::MAX);
    let sql = "SELECT term, chunk, ids FROM postings WHERE term >= $1 AND term < $2 ORDER BY term";
    let mut terms: Vec<(Vec<u8>, Posting)> = Vec::new();
    for row in store.rows(sql, &[prefix.into(), end.into()]).await? {
        let term = row.bytes(0)?;
        if terms.last().is_none_or(|(last, _)| *last != term) {
            terms.push((term, Posting::new()));
        }
        if let Some((_, posting)) = terms.last_mut() {
            posting.insert(row.id(1)?, ChunkSet::decode(&row.bytes(2)?));
        }
    }
    Ok(terms)
}

/// Whether every object is in the index called `name`; one that came later than the database may have to be built.
///
/// # Errors
/// When the engine refuses.
pub async fn is_indexed(store: &Store, name: &str) -> Result<bool, StoreError> {
    let key = format!("indexed {name}");
    Ok(store.row("SELECT value FROM counters WHERE name = $1", &[key.into()]).await?.is_some())
}

/// Notes that every object is in the index called `name`.
///
/// # Errors
/// When the engine refuses.
pub async fn mark_indexed(transaction: &mut Transaction, name: &str) -> Result<(), StoreError> {
    let mut insert = Insert::or_replace("counters", &["name", "value"], "name");
    insert.row([format!("indexed {name}").into(), 1.into()]);
    insert.run(transaction).await
}

#[cfg(test)]
mod tests {
    use super::ChunkSet;

    #[test]
    fn small_and_large_sets_survive_encoding() {
        for step in [1, 2, 16, 17, 1000, 4095] {
            let mut set = ChunkSet::default();
            (0..4096).step_by(step).for_each(|id| set.insert(id + 8192));
            assert_eq!(ChunkSet::decode(&set.encode()), set, "step {step}");
            assert_eq!(set.ids(2).next(), Some(8192));
            assert_eq!(set.ids(2).count() as u64, set.len());
        }
    }
}
