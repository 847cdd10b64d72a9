//! What was found in the objects of a source, as their last inspection reported it.

use std::collections::{BTreeMap, HashMap};

use formats::{Problem, ProblemKind};
use model::{Format, Label};
use store::identifiers::{self, IdentifierRow, ProblemRow};
use store::objects::{self, ObjectRow};

use crate::report::{IdentifierSummary, ObjectReport};
use crate::{Catalogue, CatalogueError};

/// Reports of a source's objects.
#[derive(Debug, Clone, Default)]
pub struct ReportPage {
    /// In the order in which the objects were first seen. Labels are those in force; spans, samples and subject
    /// records are not kept in this form and stay empty.
    pub reports: Vec<ObjectReport>,
    /// Ask for the next page with this; `None` at the end.
    pub next: Option<u32>,
}

impl Catalogue {
    /// What was found in the objects of a source that are still there, after the object with id `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reports(&self, source_id: u32, after: u32, limit: u32) -> Result<ReportPage, CatalogueError> {
        let rows = objects::of_source(self.store(), source_id, after, limit).await?;
        let next = rows.last().map(|row| row.id).filter(|_| rows.len() >= limit as usize);
        let ids: Vec<u32> = rows.iter().map(|row| row.id).collect();
        let mut found: HashMap<u32, Vec<IdentifierRow>> = HashMap::new();
        for row in identifiers::of_page(self.store(), &ids).await? {
            found.entry(row.object_id).or_default().push(row);
        }
        let with_problems: Vec<u32> = rows.iter().filter(|row| row.problems > 0).map(|row| row.id).collect();
        let mut problems: HashMap<u32, Vec<ProblemRow>> = HashMap::new();
        for row in identifiers::problems_of_page(self.store(), &with_problems).await? {
            problems.entry(row.object_id).or_default().push(row);
        }
        let reports = rows
            .into_iter()
            .map(|row| {
                let (found, problems) = (found.remove(&row.id), problems.remove(&row.id));
                report(row, found.unwrap_or_default(), problems.unwrap_or_default())
            })
            .collect();
        Ok(ReportPage { reports, next })
    }
}

fn report(row: ObjectRow, found: Vec<IdentifierRow>, problems: Vec<ProblemRow>) -> ObjectReport {
    let mut labels: Vec<Label> = row.labels.split(',').filter_map(|name| name.parse().ok()).collect();
    labels.sort_unstable();
    let mut identifiers: Vec<IdentifierSummary> = found.into_iter().filter_map(summary).collect();
    identifiers.sort_by_key(|summary| summary.kind);
    ObjectReport {
        object: row.path,
        format: row.format.parse().unwrap_or(Format::Binary),
        bytes: row.bytes,
        digest: row.digest.and_then(|digest| digest.try_into().ok()),
        labels: if labels.is_empty() { vec![Label::None] } else { labels },
        laws: row.laws.split(',').filter_map(|name| name.parse().ok()).collect(),
        identifiers,
        subject_records: Vec::new(),
        subjects: row.subjects,
        jurisdictions: serde_json::from_str(&row.jurisdictions).unwrap_or_default(),
        spans: Vec::new(),
        samples: Vec::new(),
        errors: problems.into_iter().map(|p| Problem::new(ProblemKind::from_code(&p.kind), p.message)).collect(),
        study: Some(row.study).filter(|study| !study.is_empty()),
    }
}

fn summary(row: IdentifierRow) -> Option<IdentifierSummary> {
    #[expect(clippy::cast_possible_truncation, reason = "a confidence between 0 and 1")]
    let confidence = row.confidence as f32;
    let finer: BTreeMap<String, u64> = serde_json::from_str(&row.finer).unwrap_or_default();
    Some(IdentifierSummary { kind: row.kind.parse().ok()?, count: row.occurrences, confidence, finer })
}
