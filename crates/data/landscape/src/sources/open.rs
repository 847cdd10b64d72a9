//! An open source, and the reading of one object of it on a worker thread.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use formats::{Budget, Halt, Limits, Problem, ProblemKind, ReadError, ReadSeek, Source};
use recognize::engine::Scratch;
use store::foreign::{Foreign, ForeignTable};
use tokio::runtime::Handle;

use super::bucket::{self, Bucket, Listing};
use super::database::{Database, omissions};
use super::folder::{self, Folder};
use super::found::{Body, Found, Intake};
use super::hashed::Hashed;
use super::ranged::Ranged;
use super::{Part, SampleRule, SourceError, SourceSpec, bounded, is_fresh, storable};
use crate::catalogue::{Inspected, unopened};
use crate::inspect::{EachContact, Inspector, RowsOf};
use crate::report::ObjectReport;
use crate::scan::Clock;

/// A source that is there.
pub(crate) enum OpenSource {
    Folder(Folder),
    Bucket(Bucket),
    Database(Database),
}

/// What became of one object.
pub(crate) enum Inspection {
    /// It was read, in part at least, or it is known why not.
    Inspected(Inspected),
    /// It went away before it could be opened.
    Vanished,
    /// The scan shall stop; what was read of it does not count.
    Stopped,
}

/// What a worker thread reads with.
pub(crate) struct Reading<'a> {
    pub inspector: &'a Inspector,
    pub scratch: Scratch,
    pub limits: &'a Limits,
    pub stop: &'a AtomicBool,
    /// Grows by the bytes that are read.
    pub bytes: &'a AtomicU64,
    pub clock: &'a Clock,
}

impl OpenSource {
    /// Opens a source: a folder is there and can be listed, an address has the right shape. Stores and databases are
    /// connected to when they are listed.
    pub(crate) fn open(
        spec: &SourceSpec,
        sample: SampleRule,
        excluded: &[PathBuf],
        runtime: Handle,
    ) -> Result<Self, SourceError> {
        match spec {
            SourceSpec::Folder(path) => Folder::open(path, excluded).map(Self::Folder),
            SourceSpec::Store(url) => Bucket::open(url, runtime).map(Self::Bucket),
            SourceSpec::Sqlite(path) => {
                let foreign = Foreign::sqlite(&super::canonical(path)?);
                Ok(Self::Database(Database::new(foreign, sample, runtime)))
            }
            SourceSpec::Postgres(url) => {
                let foreign = Foreign::postgres(url.expose()).map_err(|error| SourceError::Unreachable {
                    location: spec.to_string(),
                    why: error.to_string(),
                    instead: "check its address",
                })?;
                Ok(Self::Database(Database::new(foreign, sample, runtime)))
            }
        }
    }

    /// Finds every object of a source, or of some parts of a folder. For a thread outside the runtime.
    pub(crate) fn find(&self, parts: &[Part], stop: &AtomicBool, intake: &mut dyn Intake) -> Result<(), Listing> {
        match self {
            Self::Folder(folder) => Ok(folder.find(parts, intake)?),
            Self::Bucket(bucket) => bucket.find(stop, intake),
            Self::Database(database) => database.find(stop, intake),
        }
    }

    /// Opens one object and inspects it. For a thread outside the runtime.
    pub(crate) fn inspect(&self, found: Found, reading: &mut Reading<'_>) -> Inspection {
        let found_bytes = found.bytes;
        let (outcome, read_bytes) = match (self, found.body.clone()) {
            (_, Body::Unreadable(problem)) => (unreadable(Found { stamp: None, ..found }, problem), 0),
            (_, Body::Other(problem)) => (unreadable(found, problem), 0),
            (Self::Folder(folder), Body::File(_)) => reading.file(folder, found),
            (Self::Bucket(bucket), Body::Key(key)) => reading.object(bucket, key, found),
            (Self::Database(database), Body::Table(table)) => (reading.rows(database, &table, found), 0),
            _ => (Inspection::Vanished, 0),
        };
        if !matches!(outcome, Inspection::Stopped) {
            // What no reader wanted counts as dealt with, so that progress comes to its end.
            reading.bytes.fetch_add(found_bytes.saturating_sub(read_bytes), Ordering::Relaxed);
        }
        outcome
    }
}

impl Reading<'_> {
    fn file(&mut self, folder: &Folder, mut found: Found) -> (Inspection, u64) {
        let Some(path) = folder.path(&found) else { return (Inspection::Vanished, 0) };
        let now = (self.clock)();
        let opened = match folder::open(&path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (Inspection::Vanished, 0),
            Err(error) => return (unreadable(found, unopenable(&error)), 0),
        };
        let mut hashed = Hashed::new(&opened.file, self.bytes);
        let reports = self.bytes_of(&found.name, &mut hashed);
        let digest = if reports.is_ok() { hashed.digest(true, self.stop) } else { None };
        let read = hashed.hashed();
        let unchanged = opened.file.metadata().is_ok_and(|now| folder::stamp(&now) == opened.stamp);
        let certain = unchanged && !is_fresh(opened.modified_at, now);
        found.stamp = certain.then_some(opened.stamp);
        (found.bytes, found.modified_at) = (opened.bytes, opened.modified_at);
        (finished(found, reports, digest.filter(|_| unchanged)), read)
    }

    fn object(&mut self, bucket: &Bucket, key: object_store::path::Path, found: Found) -> (Inspection, u64) {
        let tag = found.stamp.as_deref().and_then(bucket::tag).map(ToOwned::to_owned);
        let ranged = Ranged::new(bucket, key, found.bytes, tag, self.stop);
        let mut hashed = Hashed::new(ranged, self.bytes);
        let reports = self.bytes_of(&found.name, &mut hashed);
        // What no reader wanted is not fetched: the store's own tag tells versions apart.
        let digest = if reports.is_ok() { hashed.digest(false, self.stop) } else { None };
        let read = hashed.hashed();
        (finished(found, reports, digest), read)
    }

    fn rows(&mut self, database: &Database, table: &ForeignTable, found: Found) -> Inspection {
        let mut rows = match database.rows(table, self.stop) {
            Err(_) => return Inspection::Stopped,
            Ok(Err(problem)) => return unreadable(found, problem),
            Ok(Ok(rows)) => rows,
        };
        let columns: Vec<(&str, &str)> = table
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.comment.as_deref().unwrap_or("")))
            .collect();
        let of = RowsOf {
            object: &found.name,
            table: &table.name,
            format: database.format(),
            columns: &columns,
            bytes: table.bytes,
        };
        let (inspector, stop) = (self.inspector, self.stop);
        let mut reports = self.guarded(&found.name, |budget, scratch, each| {
            let mut next = || database.next(&mut rows, stop);
            inspector.inspect_rows(&of, &mut next, budget, scratch, each)
        });
        if let Ok(reports) = &mut reports
            && let Some(own) = reports.last_mut()
        {
            own.errors.extend(omissions(table, &rows));
        }
        finished(found, reports, None)
    }

    /// Inspects the bytes of one object.
    pub(crate) fn bytes_of(&mut self, name: &str, file: impl ReadSeek) -> Result<Vec<ObjectReport>, Halt> {
        self.source_of(name, Source::seek, file)
    }

    /// Inspects one object that `open` makes a source of.
    pub(crate) fn source_of<'s, R: 's>(
        &mut self,
        name: &str,
        open: impl FnOnce(R) -> std::io::Result<Source<'s>>,
        bytes: R,
    ) -> Result<Vec<ObjectReport>, Halt> {
        let source = match open(bytes) {
            Ok(source) => source,
            Err(error) => {
                let problem = ReadError::from(error).into_problem().ok_or(Halt)?;
                return Ok(vec![unopened(name, 0, problem)]);
            }
        };
        let inspector = self.inspector;
        self.guarded(name, |budget, scratch, each| inspector.inspect(name, source, budget, scratch, each))
    }

    /// Tells how the subjects of an object's records are reached. The reports say what could not be read.
    pub(crate) fn contacts_of(
        &mut self,
        name: &str,
        file: impl ReadSeek,
        told: EachContact<'_>,
    ) -> Result<Vec<ObjectReport>, Halt> {
        let source = match Source::seek(file) {
            Ok(source) => source,
            Err(error) => {
                let problem = ReadError::from(error).into_problem().ok_or(Halt)?;
                return Ok(vec![unopened(name, 0, problem)]);
            }
        };
        let inspector = self.inspector;
        self.guarded(name, |budget, scratch, _each| inspector.contacts(name, source, budget, scratch, told))
    }

    /// Runs an inspection within its limits; should it panic, that is a problem of the object and not the end of the scan.
    fn guarded(
        &mut self,
        name: &str,
        inspect: impl FnOnce(&mut Budget<'_>, &mut Scratch, &mut dyn FnMut(ObjectReport)) -> Result<(), Halt>,
    ) -> Result<Vec<ObjectReport>, Halt> {
        let began = Instant::now();
        let elapsed = || began.elapsed();
        let mut budget = Budget::new(self.limits.clone(), self.stop, &elapsed);
        let mut reports = Vec::new();
        let scratch = &mut self.scratch;
        let outcome =
            catch_unwind(AssertUnwindSafe(|| inspect(&mut budget, scratch, &mut |report| reports.push(report))));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(Halt)) => return Err(Halt),
            Err(_panic) => {
                let read = self.scratch.model_bytes;
                self.scratch = self.inspector.scratch();
                self.scratch.model_bytes = read;
                let problem =
                    Problem::malformed("is so damaged that reading it was given up; please report such a file");
                reports.push(unopened(name, 0, problem));
            }
        }
        Ok(reports)
    }
}

fn unopenable(error: &std::io::Error) -> Problem {
    Problem::new(ProblemKind::Io, format!("cannot be opened ({error}); check who may read it"))
}

/// An object of which it is known only why it was not read.
fn unreadable(found: Found, problem: Problem) -> Inspection {
    let report = unopened(&found.name, found.bytes, problem);
    finished(found, Ok(vec![report]), None)
}

/// Puts together what the catalogue gets. Whatever failed for reasons outside the object is looked at again next time.
fn finished(found: Found, reports: Result<Vec<ObjectReport>, Halt>, digest: Option<[u8; 32]>) -> Inspection {
    let Ok(mut reports) = reports else { return Inspection::Stopped };
    if let Some(own) = reports.last_mut() {
        own.digest = digest;
    }
    reports.iter_mut().for_each(tidy);
    let fails_outside = |report: &ObjectReport| report.errors.iter().any(|error| error.kind == ProblemKind::Io);
    Inspection::Inspected(Inspected {
        stamp: found.stamp.filter(|_| !reports.iter().any(fails_outside)),
        path: found.name,
        bytes: found.bytes,
        modified_at: found.modified_at,
        owner: found.owner.to_string(),
        reports,
        version: None,
    })
}

/// What the catalogue gets of an object that came by another way than a listing.
pub(crate) fn gathered(name: &str, bytes: u64, modified_at: i64, mut reports: Vec<ObjectReport>) -> Inspected {
    reports.iter_mut().for_each(tidy);
    Inspected {
        path: bounded(name).into_owned(),
        stamp: None,
        bytes,
        modified_at: Some(modified_at),
        owner: String::new(),
        reports,
        version: None,
    }
}

/// Names and text as every engine keeps them.
fn tidy(report: &mut ObjectReport) {
    if let Cow::Owned(name) = bounded(&report.object) {
        report.object = name;
    }
    for sample in &mut report.samples {
        storable(&mut sample.masked);
        storable(&mut sample.place);
    }
    report.errors.iter_mut().for_each(|error| storable(&mut error.message));
    report.study.iter_mut().for_each(storable);
}
