//! Writing what a scan found, one batch a transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use store::changes::NewChange;
use store::corrections::CorrectionRow;
use store::guarded::people::{self, VersionPart};
use store::identifiers::{Findings, IdentifierRow};
use store::objects::ObjectRow;
use store::postings::{CHUNK_OBJECTS, Changes};
use store::scans::Progress;
use store::subjects::UnionKey;
use store::totals::Deltas;
use store::{Transaction, changes, corrections, identifiers, objects, subjects};

use super::rows::{self, GONE, UNREADABLE};
use super::{Catalogue, CatalogueError, labels, terms};
use crate::report::{ObjectReport, SubjectRecord};
use crate::subjects::{Accumulator, bitmap};

/// One top-level object that was inspected.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// Its path within the source.
    pub path: String,
    /// Equal stamps mean that it need not be opened again; `None` forces a look.
    pub stamp: Option<String>,
    /// Its size as the source has it.
    pub bytes: u64,
    /// When it was written to, milliseconds since 1970, UTC.
    pub modified_at: Option<i64>,
    /// Operating-system user or bucket owner; empty when unknown.
    pub owner: String,
    /// What was found: the object itself and all that is nested in it.
    pub reports: Vec<ObjectReport>,
    /// The version behind the guard that this is: who is in it stays known when a newer one takes its place.
    pub version: Option<[u8; 16]>,
}

/// What is written together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The source.
    pub source_id: u32,
    /// The run, 0 for none.
    pub scan_id: u32,
    /// Objects that were inspected.
    pub inspected: Vec<Inspected>,
    /// Top-level objects that are no longer there.
    pub gone: Vec<u32>,
    /// The run's progress including this batch.
    pub progress: Option<Progress>,
}

/// An object before and after.
struct Step<'r> {
    old: Option<ObjectRow>,
    old_identifiers: Vec<IdentifierRow>,
    new: ObjectRow,
    /// `None` when it was not inspected (it is gone).
    report: Option<&'r ObjectReport>,
    /// Path of the top-level object; its own for that object.
    top: &'r str,
    /// The version behind the guard that it is, or is part of.
    version: Option<[u8; 16]>,
}

impl Catalogue {
    /// Writes a batch at `now` (milliseconds since 1970, UTC): all of it, or nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ingest(&self, batch: &Batch, now: i64) -> Result<(), CatalogueError> {
        let mut known = self.known.write().await;
        let mut transaction = self.begin(&mut known).await?;
        // Until the commit, memory may be ahead of the store: whatever ends this early has it loaded again.
        known.generation = None;
        let mut steps = steps(&mut transaction, batch, now).await?;
        number(&mut transaction, &mut steps).await?;
        let records: Vec<&[SubjectRecord]> =
            steps.iter().map(|step| step.report.map_or(&[][..], |report| &report.subject_records)).collect();
        let assigned = known.people.assign(records, now);
        subjects::apply(&mut transaction, &assigned.delta, now).await?;
        for (step, profiles) in steps.iter_mut().zip(&assigned.profiles) {
            if step.report.is_some_and(|report| !report.subject_records.is_empty()) {
                let mut own = Accumulator::new();
                profiles.iter().for_each(|profile| own.insert(*profile));
                step.new.subjects = known.people.count(own).people;
            }
        }
        correct(&mut transaction, &mut steps).await?;
        write(&mut transaction, &steps, &assigned.profiles, now).await?;
        if let Some(progress) = &batch.progress {
            store::scans::checkpoint(&mut transaction, batch.scan_id, progress, now).await?;
        }
        let generation = subjects::bump(&mut transaction).await?;
        transaction.commit().await?;
        known.generation = Some(generation);
        Ok(())
    }
}

/// What happens to every object of the batch: inspected ones, their vanished members, and what is gone.
async fn steps<'r>(transaction: &mut Transaction, batch: &'r Batch, now: i64) -> Result<Vec<Step<'r>>, CatalogueError> {
    let mut steps: Vec<Step<'r>> = Vec::new();
    let mut taken: HashSet<String> = HashSet::new();
    let latest: HashMap<&str, usize> = batch.inspected.iter().enumerate().map(|(at, i)| (&*i.path, at)).collect();
    for (at, inspected) in batch.inspected.iter().enumerate() {
        if latest.get(&*inspected.path) == Some(&at) {
            collect(inspected, (batch.source_id, batch.scan_id), now, &mut taken, &mut steps);
        }
    }
    let paths: Vec<&str> = steps.iter().map(|step| &*step.new.path).collect();
    let before = objects::by_paths(transaction, batch.source_id, &paths).await?;
    let mut before: HashMap<String, ObjectRow> = before.into_iter().map(|row| (row.path.clone(), row)).collect();
    let tops: BTreeSet<u32> = latest
        .keys()
        .filter_map(|path| before.get(*path))
        .map(|row| row.id)
        .chain(batch.gone.iter().copied())
        .collect();
    for step in &mut steps {
        step.old = before.remove(&step.new.path);
    }
    let tops: Vec<u32> = tops.into_iter().collect();
    let mut vanished = objects::members(transaction, &tops).await?;
    vanished.extend(objects::by_ids_within(transaction, &batch.gone).await?);
    for old in vanished.into_iter().filter(|row| row.state != GONE && !taken.contains(&row.path)) {
        let new = ObjectRow {
            state: GONE.to_owned(),
            stamp: None,
            risk: 0,
            changed_at: now,
            scan_id: batch.scan_id,
            ..old.clone()
        };
        steps.push(Step { old: Some(old), old_identifiers: Vec::new(), new, report: None, top: "", version: None });
    }
    attach_identifiers(transaction, &mut steps).await?;
    Ok(steps)
}

/// The reports of one top-level object, the object itself first. Names that occur twice in one container get a number.
fn collect<'r>(
    inspected: &'r Inspected,
    batch: (u32, u32),
    now: i64,
    taken: &mut HashSet<String>,
    steps: &mut Vec<Step<'r>>,
) {
    let members = member_counts(inspected);
    let mut reports: Vec<&ObjectReport> = inspected.reports.iter().collect();
    reports.sort_by_key(|report| report.object != inspected.path);
    for report in reports {
        let mut path = report.object.clone();
        let mut copy = 1_u32;
        while !taken.insert(path.clone()) {
            copy += 1;
            path = format!("{}#{copy}", report.object);
        }
        let inside = members.get(&*report.object).copied().unwrap_or(0);
        let new = rows::object(path, report, inspected, batch, inside, now);
        let (top, version) = (inspected.path.as_str(), inspected.version);
        steps.push(Step { old: None, old_identifiers: Vec::new(), new, report: Some(report), top, version });
    }
}

/// How many objects lie in each container, at any depth: every `!` in a path ends the name of one.
fn member_counts(inspected: &Inspected) -> HashMap<&str, u64> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for report in &inspected.reports {
        for (at, _) in report.object.match_indices('!') {
            if let Some(container) = report.object.get(..at) {
                *counts.entry(container).or_default() += 1;
            }
        }
    }
    counts
}

async fn attach_identifiers(transaction: &mut Transaction, steps: &mut [Step<'_>]) -> Result<(), CatalogueError> {
    let known: Vec<u32> = steps.iter().filter_map(|step| step.old.as_ref().map(|old| old.id)).collect();
    let mut by_object: HashMap<u32, Vec<IdentifierRow>> = HashMap::new();
    for row in identifiers::of_objects(transaction, &known).await? {
        by_object.entry(row.object_id).or_default().push(row);
    }
    for step in steps {
        if let Some(old) = &step.old {
            step.old_identifiers = by_object.remove(&old.id).unwrap_or_default();
        }
    }
    Ok(())
}

/// Gives new objects their ids, and known ones what they keep.
async fn number(transaction: &mut Transaction, steps: &mut [Step<'_>]) -> Result<(), CatalogueError> {
    let fresh = u32::try_from(steps.iter().filter(|step| step.old.is_none()).count()).unwrap_or(u32::MAX);
    let mut next = if fresh > 0 { transaction.allocate("objects", fresh).await? } else { 0 };
    let mut tops: HashMap<String, u32> = HashMap::new();
    for step in steps.iter_mut().filter(|step| step.report.is_some()) {
        match &step.old {
            Some(old) => {
                step.new.id = old.id;
                step.new.first_seen_at = old.first_seen_at;
                step.new.version = old.version;
            }
            None => {
                step.new.id = u32::try_from(next).unwrap_or(u32::MAX);
                next += 1;
            }
        }
        if step.new.path == step.top {
            tops.insert(step.new.path.clone(), step.new.id);
        }
    }
    for step in steps.iter_mut().filter(|step| step.report.is_some()) {
        step.new.top_id = tops.get(step.top).copied().filter(|top| *top != step.new.id);
    }
    Ok(())
}

/// Applies corrections in force, ranks, and settles versions.
async fn correct(transaction: &mut Transaction, steps: &mut [Step<'_>]) -> Result<(), CatalogueError> {
    let known: Vec<u32> = steps.iter().filter_map(|step| step.old.as_ref().map(|old| old.id)).collect();
    let mut by_object: HashMap<u32, Vec<CorrectionRow>> = HashMap::new();
    for row in corrections::in_force(transaction, &known).await? {
        by_object.entry(row.object_id).or_default().push(row);
    }
    for step in steps.iter_mut().filter(|step| step.report.is_some()) {
        let corrections = by_object.get(&step.new.id);
        step.new.labels = labels::in_force(&step.new.found, corrections.into_iter().flatten());
        rows::rank(&mut step.new);
        if let Some(old) = &step.old {
            let differs = rows::content_differs(old, &step.new);
            if differs {
                step.new.version = old.version + 1;
            }
            if !differs && old.labels == step.new.labels && old.state == step.new.state {
                step.new.changed_at = old.changed_at;
            }
        }
    }
    Ok(())
}

async fn write(
    transaction: &mut Transaction,
    steps: &[Step<'_>],
    profiles: &[Vec<u32>],
    now: i64,
) -> Result<(), CatalogueError> {
    let rows: Vec<ObjectRow> = steps.iter().map(|step| step.new.clone()).collect();
    objects::put(transaction, &rows).await?;
    let inspected = || steps.iter().filter_map(|step| step.report.map(|report| (step, report)));
    let mut findings = Findings::default();
    inspected().for_each(|(step, report)| rows::findings(step.new.id, report, &mut findings));
    let known: Vec<u32> = inspected().filter(|(step, _)| step.old.is_some()).map(|(step, _)| step.new.id).collect();
    identifiers::replace(transaction, &known, &findings).await?;
    let versions: Vec<_> = inspected()
        .map(|(step, report)| rows::version(&step.new, report.identifiers.iter().map(|summary| summary.count).sum()))
        .collect();
    objects::put_versions(transaction, &versions).await?;
    let mut deltas = Deltas::default();
    let mut postings = Changes::default();
    for step in steps {
        sum(step, &mut deltas);
        post(step, &mut postings);
    }
    deltas.run(transaction).await?;
    postings.run(transaction).await?;
    changes::record(transaction, &steps.iter().filter_map(change).collect::<Vec<_>>(), now).await?;
    let bitmaps: Vec<(u32, Vec<u8>)> = steps
        .iter()
        .zip(profiles)
        .filter(|(step, profiles)| step.report.is_some() && (step.old.is_some() || !profiles.is_empty()))
        .map(|(step, profiles)| (step.new.id, bitmap(profiles.iter().copied())))
        .collect();
    subjects::put_people(transaction, &bitmaps).await?;
    people::keep(transaction, &of_versions(steps, profiles), now).await?;
    unite(transaction, steps, &bitmaps.into_iter().collect()).await
}

/// Who is in versions behind the guard, part by part.
fn of_versions(steps: &[Step<'_>], profiles: &[Vec<u32>]) -> Vec<VersionPart> {
    let mut parts: Vec<VersionPart> = Vec::new();
    for (step, profiles) in steps.iter().zip(profiles).filter(|(_, profiles)| !profiles.is_empty()) {
        let Some(version) = step.version else { continue };
        let before = parts.iter().rev().find(|one| one.version == version);
        parts.push(VersionPart {
            version,
            part: before.map_or(0, |one| one.part + 1),
            labels: step.new.labels.clone(),
            subjects: step.new.subjects,
            ids: bitmap(profiles.iter().copied()),
        });
    }
    parts
}

fn sum(step: &Step<'_>, deltas: &mut Deltas) {
    if let Some(old) = &step.old {
        deltas.object(old, -1);
        if old.state != GONE {
            step.old_identifiers.iter().for_each(|row| deltas.identifier(&row.kind, row.occurrences, -1));
        }
    }
    deltas.object(&step.new, 1);
    for summary in step.report.into_iter().flat_map(|report| &report.identifiers) {
        deltas.identifier(summary.kind.as_str(), summary.count, 1);
    }
}

fn post(step: &Step<'_>, postings: &mut Changes) {
    let old_kinds = || step.old_identifiers.iter().map(|row| row.kind.clone());
    let before = step.old.as_ref().map(|old| terms::of_object(old, old_kinds())).unwrap_or_default();
    let after = match step.report {
        Some(report) => {
            terms::of_object(&step.new, report.identifiers.iter().map(|summary| summary.kind.as_str().to_owned()))
        }
        None => terms::of_object(&step.new, old_kinds()),
    };
    before.difference(&after).for_each(|term| postings.remove(term, step.new.id));
    after.difference(&before).for_each(|term| postings.add(term, step.new.id));
    if step.old.is_none() {
        terms::of_path(&step.new.path).iter().for_each(|term| postings.add(term, step.new.id));
    }
}

fn change(step: &Step<'_>) -> Option<NewChange> {
    let new = &step.new;
    let Some(old) = &step.old else {
        return Some(NewChange { object_id: new.id, kind: "new", detail: new.labels.clone() });
    };
    let kind = if new.state == GONE {
        "gone"
    } else if old.state == GONE {
        "returned"
    } else if new.state == UNREADABLE && old.state != UNREADABLE {
        "unreadable"
    } else if new.version != old.version {
        "changed"
    } else if new.labels != old.labels {
        "relabelled"
    } else {
        return None;
    };
    Some(NewChange { object_id: new.id, kind, detail: relabelling(old, new) })
}

/// Labels before and after, where they differ.
pub(super) fn relabelling(old: &ObjectRow, new: &ObjectRow) -> String {
    if old.labels == new.labels { new.labels.clone() } else { format!("{} → {}", old.labels, new.labels) }
}

pub(super) fn union_key(object: &ObjectRow) -> UnionKey {
    UnionKey { study: object.study.clone(), labels: object.labels.clone(), chunk: object.id / CHUNK_OBJECTS }
}

/// Keeps the unions by study and labels up to date: new objects are added, anything else is worked out anew.
async fn unite(
    transaction: &mut Transaction,
    steps: &[Step<'_>],
    bitmaps: &HashMap<u32, Vec<u8>>,
) -> Result<(), CatalogueError> {
    let mut grown: BTreeMap<UnionKey, Accumulator> = BTreeMap::new();
    let mut stale: BTreeSet<UnionKey> = BTreeSet::new();
    for step in steps {
        match &step.old {
            None => {
                if let Some(bytes) = bitmaps.get(&step.new.id) {
                    grown.entry(union_key(&step.new)).or_default().add(bytes)?;
                }
            }
            Some(old) => stale.extend([union_key(old), union_key(&step.new)]),
        }
    }
    for key in &stale {
        grown.remove(key);
        reunite(transaction, key).await?;
    }
    for (key, mut set) in grown {
        if let Some(bytes) = subjects::union(transaction, &key).await? {
            set.add(&bytes)?;
        }
        subjects::put_union(transaction, &key, set.to_bitmap()).await?;
    }
    Ok(())
}

/// Works one union out anew from its objects.
pub(super) async fn reunite(transaction: &mut Transaction, key: &UnionKey) -> Result<(), CatalogueError> {
    let mut set = Accumulator::new();
    for bytes in subjects::people_of_union(transaction, key).await? {
        set.add(&bytes)?;
    }
    subjects::put_union(transaction, key, set.to_bitmap()).await?;
    Ok(())
}
