//! Search: any combination of filters, exact, by falling risk.

use model::{Format, IdentifierType, Jurisdiction, Label, LawId};
use store::objects;
use store::postings::{self, ChunkSet, Posting};

use super::ObjectSummary;
use crate::catalogue::GONE;
use crate::catalogue::terms::{Family, GRAM_CHARS, Wanted, of_query};
use crate::subjects::Counts;
use crate::{Catalogue, CatalogueError};

/// What is looked for; everything given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Text in the path, upper and lower case alike.
    pub text: String,
    /// A label in force.
    pub label: Option<Label>,
    /// A law.
    pub law: Option<LawId>,
    /// A format.
    pub format: Option<Format>,
    /// A study.
    pub study: Option<String>,
    /// A jurisdiction; `US` finds `US-CA` too.
    pub jurisdiction: Option<Jurisdiction>,
    /// A type of identifier.
    pub identifier: Option<IdentifierType>,
    /// `present`, `unreadable` or `gone`. What is gone is only found when asked for.
    pub state: Option<String>,
    /// A source.
    pub source_id: Option<u32>,
    /// Only objects with problems.
    pub with_problems: bool,
}

/// One page of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    /// Objects by falling risk.
    pub objects: Vec<ObjectSummary>,
    /// Ask for the next page with this; `None` at the end.
    pub next: Option<(i64, u32)>,
    /// How many objects were found in all.
    pub matches: u64,
    /// Whether `matches` is exact; otherwise it may be too high by objects that hold all letters of a text in groups of
    /// three but not the text.
    pub exact: bool,
}

/// Up to this many objects are fetched and sorted; more are found rank by rank.
pub(super) const SORTED_OBJECTS_MAX: u64 = 2_000;

impl Catalogue {
    /// Searches; `after` is `next` of the page before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search(
        &self,
        filter: &Filter,
        after: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<SearchPage, CatalogueError> {
        let limit = limit.clamp(1, store::PAGE_ROWS_MAX);
        let found = self.found(filter).await?;
        let matches: u64 = found.values().map(ChunkSet::len).sum();
        let text = filter.text.to_lowercase();
        let verified = text.chars().count() > GRAM_CHARS;
        if matches <= SORTED_OBJECTS_MAX {
            return self.sorted(&found, &text, after, limit).await;
        }
        let (objects, next) = self.ranked(&found, &text, after, limit).await?;
        Ok(SearchPage { objects, next, matches, exact: !verified })
    }

    /// Distinct people in everything that a search finds; `None` when that may be more than `objects_max` objects.
    ///
    /// # Errors
    /// When the store fails or a stored set is damaged.
    pub async fn people_found(&self, filter: &Filter, objects_max: u64) -> Result<Option<Counts>, CatalogueError> {
        let found = self.found(filter).await?;
        if found.values().map(ChunkSet::len).sum::<u64>() > objects_max {
            return Ok(None);
        }
        let mut ids: Vec<u32> = found.iter().flat_map(|(chunk, set)| set.ids(*chunk)).collect();
        let text = filter.text.to_lowercase();
        if text.chars().count() > GRAM_CHARS {
            let rows = objects::by_ids(self.store(), &ids).await?;
            ids = rows.into_iter().filter(|row| row.path.to_lowercase().contains(&text)).map(|row| row.id).collect();
        }
        self.people_in(&ids).await.map(Some)
    }

    /// Sets of objects by chunk.
    async fn found(&self, filter: &Filter) -> Result<Posting, CatalogueError> {
        let mut found: Option<Posting> = None;
        for term in terms(filter) {
            narrow(&mut found, postings::of_term(self.store(), &term).await?);
        }
        match of_query(&filter.text) {
            Some(Wanted::Beginning(prefix)) => narrow(&mut found, postings::of_prefix(self.store(), &prefix).await?),
            Some(Wanted::All(grams)) => {
                for gram in grams {
                    narrow(&mut found, postings::of_term(self.store(), &gram).await?);
                    if found.as_ref().is_some_and(Posting::is_empty) {
                        break;
                    }
                }
            }
            None => {}
        }
        let mut found = match found {
            Some(found) => found,
            None => postings::of_prefix(self.store(), &Family::State.term("")).await?,
        };
        if filter.state.is_none() {
            for (chunk, gone) in postings::of_term(self.store(), &Family::State.term(GONE)).await? {
                if let Some(set) = found.get_mut(&chunk) {
                    set.subtract(&gone);
                }
            }
        }
        Ok(found)
    }

    async fn sorted(
        &self,
        found: &Posting,
        text: &str,
        after: Option<(i64, u32)>,
        limit: u32,
    ) -> Result<SearchPage, CatalogueError> {
        let ids: Vec<u32> = found.iter().flat_map(|(chunk, set)| set.ids(*chunk)).collect();
        let mut rows = objects::by_ids(self.store(), &ids).await?;
        rows.retain(|row| row.path.to_lowercase().contains(text));
        let matches = rows.len() as u64;
        rows.sort_by_key(|row| std::cmp::Reverse((row.risk, row.id)));
        rows.retain(|row| after.is_none_or(|after| (row.risk, row.id) < after));
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| (row.risk, row.id));
        Ok(SearchPage { objects: rows.into_iter().map(ObjectSummary::from).collect(), next, matches, exact: true })
    }
}

fn terms(filter: &Filter) -> Vec<Vec<u8>> {
    let mut terms = Vec::new();
    terms.extend(filter.label.map(|label| Family::Label.term(label.as_str())));
    terms.extend(filter.law.as_ref().map(|law| Family::Law.term(law.as_str())));
    terms.extend(filter.format.map(|format| Family::Format.term(format.as_str())));
    terms.extend(filter.study.as_ref().map(|study| Family::Study.term(study)));
    terms.extend(filter.jurisdiction.as_ref().map(|place| Family::Jurisdiction.term(place.as_str())));
    terms.extend(filter.identifier.map(|kind| Family::Identifier.term(kind.as_str())));
    terms.extend(filter.state.as_ref().map(|state| Family::State.term(state)));
    terms.extend(filter.source_id.map(|id| Family::Source.term(&id.to_string())));
    if filter.with_problems {
        terms.push(Family::Problem.term(""));
    }
    terms
}

/// Keeps of `found` what `other` holds too.
fn narrow(found: &mut Option<Posting>, other: Posting) {
    match found {
        None => *found = Some(other),
        Some(found) => {
            found.retain(|chunk, set| match other.get(chunk) {
                Some(other) => {
                    set.intersect(other);
                    !set.is_empty()
                }
                None => false,
            });
        }
    }
}
