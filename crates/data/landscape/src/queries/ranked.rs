//! Many found objects by falling risk, without looking at those that were not found: ranks that hold none are passed
//! over, and where a rank holds many, its objects are walked in order until the page is full.

use std::collections::HashMap;

use store::objects::{self, ObjectRow};
use store::postings::{self, CHUNK_OBJECTS, ChunkSet, Posting};

use super::ObjectSummary;
use super::search::SORTED_OBJECTS_MAX;
use crate::catalogue::terms::{Family, RANKS_TOGETHER, lowest_rank, of_rank};
use crate::{Catalogue, CatalogueError};

/// Objects looked at in one step of a walk.
const WALK_OBJECTS: u32 = 4_096;
/// What the store calls the index by ranks; catalogues of before have none.
const INDEX: &str = "ranks";

/// A page that is being filled.
struct Page<'t> {
    rows: Vec<ObjectRow>,
    text: &'t str,
    limit: usize,
}

impl Page<'_> {
    /// One more than asked for tells that another page follows.
    fn is_full(&self) -> bool {
        self.rows.len() > self.limit
    }

    /// Fetches objects by id, in the order given, until the page is full.
    async fn fetch(&mut self, catalogue: &Catalogue, ids: &[u32]) -> Result<(), CatalogueError> {
        for ids in ids.chunks(self.limit * 2) {
            if self.is_full() {
                break;
            }
            let rows = objects::by_ids(catalogue.store(), ids).await?;
            let mut rows: HashMap<u32, ObjectRow> = rows.into_iter().map(|row| (row.id, row)).collect();
            let rows = ids.iter().filter_map(|id| rows.remove(id));
            self.rows.extend(rows.filter(|row| row.path.to_lowercase().contains(self.text)));
        }
        Ok(())
    }
}

impl Catalogue {
    /// A page of `found` after the object with this rank and id, as far as paths hold `text`; where the next begins.
    pub(super) async fn ranked(
        &self,
        found: &Posting,
        text: &str,
        after: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<(Vec<ObjectSummary>, Option<(i64, u32)>), CatalogueError> {
        self.index_ranks().await?;
        let mut page = Page { rows: Vec::new(), text, limit: limit as usize };
        for (term, ranked) in postings::terms(self.store(), &Family::Rank.term("")).await?.into_iter().rev() {
            let Some(lowest) = lowest_rank(&term) else { continue };
            let wanted = common(found, &ranked);
            if after.is_some_and(|(risk, _)| risk < lowest) || wanted.is_empty() {
                continue;
            }
            let above = (lowest.saturating_add(RANKS_TOGETHER), 0);
            let after = after.map_or(above, |after| after.min(above));
            if wanted.values().map(ChunkSet::len).sum::<u64>() <= SORTED_OBJECTS_MAX {
                self.sort_into(&mut page, &wanted, after).await?;
            } else {
                self.walk_into(&mut page, &wanted, after, lowest).await?;
            }
            if page.is_full() {
                page.rows.truncate(page.limit);
                let next = page.rows.last().map(|row| (row.risk, row.id));
                return Ok((page.rows.into_iter().map(ObjectSummary::from).collect(), next));
            }
        }
        Ok((page.rows.into_iter().map(ObjectSummary::from).collect(), None))
    }

    async fn sort_into(&self, page: &mut Page<'_>, wanted: &Posting, after: (i64, u32)) -> Result<(), CatalogueError> {
        let ids: Vec<u32> = wanted.iter().flat_map(|(chunk, set)| set.ids(*chunk)).collect();
        let mut ranks = objects::risks(self.store(), &ids).await?;
        ranks.retain(|rank| *rank < after);
        ranks.sort_unstable_by(|a, b| b.cmp(a));
        page.fetch(self, &ranks.into_iter().map(|(_, id)| id).collect::<Vec<_>>()).await
    }

    async fn walk_into(
        &self,
        page: &mut Page<'_>,
        wanted: &Posting,
        mut after: (i64, u32),
        lowest: i64,
    ) -> Result<(), CatalogueError> {
        let holds = |id: u32| wanted.get(&(id / CHUNK_OBJECTS)).is_some_and(|set| set.contains(id));
        while !page.is_full() {
            let ranks = objects::ids_by_risk(self.store(), Some(after), WALK_OBJECTS).await?;
            let ids: Vec<u32> =
                ranks.iter().filter(|(risk, id)| *risk >= lowest && holds(*id)).map(|(_, id)| *id).collect();
            page.fetch(self, &ids).await?;
            match ranks.last() {
                Some(last) if last.0 >= lowest && ranks.len() == WALK_OBJECTS as usize => after = *last,
                _ => break,
            }
        }
        Ok(())
    }

    /// Indexes every object by rank, where a catalogue was begun before there was this index.
    async fn index_ranks(&self) -> Result<(), CatalogueError> {
        if postings::is_indexed(self.store(), INDEX).await? {
            return Ok(());
        }
        // Whoever writes waits until this ends, so that no rank changes meanwhile.
        let mut transaction = self.store().begin().await?;
        let mut changes = postings::Changes::default();
        let mut after = None;
        loop {
            let ranks = objects::ids_by_risk(self.store(), after, WALK_OBJECTS).await?;
            ranks.iter().for_each(|(risk, id)| changes.add(&of_rank(*risk), *id));
            after = ranks.last().copied();
            if ranks.len() < WALK_OBJECTS as usize {
                break;
            }
        }
        changes.run(&mut transaction).await?;
        postings::mark_indexed(&mut transaction, INDEX).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What both hold; chunks without such objects are left out.
fn common(one: &Posting, other: &Posting) -> Posting {
    let mut both = Posting::new();
    for (chunk, set) in other {
        if let Some(own) = one.get(chunk) {
            let mut set = set.clone();
            set.intersect(own);
            if !set.is_empty() {
                both.insert(*chunk, set);
            }
        }
    }
    both
}
