//! Databases of others: each table or view is an object `schema.table`, read row by row.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use formats::{Problem, ProblemKind};
use model::Format;
use store::Engine;
use store::foreign::{Access, Foreign, ForeignRows, ForeignTable, Sample};
use tokio::runtime::Handle;

use super::bucket::Listing;
use super::found::{Body, Found, Intake, Stopped};
use super::wait::wait;
use super::{SampleRule, SourceError, name};

/// Rows fetched at a time.
const BATCH_ROWS: u32 = 1_000;

/// A database as a source.
pub(crate) struct Database {
    foreign: Foreign,
    sample: Sample,
    runtime: Handle,
}

impl Database {
    /// The database behind `foreign`. Nothing is connected yet.
    pub(crate) fn new(foreign: Foreign, rule: SampleRule, runtime: Handle) -> Self {
        let sample = match rule {
            SampleRule::All => Sample::All,
            SampleRule::Rows(rows) => Sample::Rows(rows),
        };
        Self { foreign, sample, runtime }
    }

    /// What the rows of its tables are called as a format. A server's table has no file format of its own; its rows are
    /// those of a delimited table.
    pub(crate) fn format(&self) -> Format {
        match self.foreign.engine() {
            Engine::Sqlite => Format::Sqlite,
            Engine::Postgres => Format::Csv,
        }
    }

    /// Finds every table and view, by schema and name. For a thread outside the runtime.
    pub(crate) fn find(&self, stop: &AtomicBool, intake: &mut dyn Intake) -> Result<(), Listing> {
        let tables = wait(&self.runtime, stop, self.foreign.tables())?.map_err(|error| {
            Listing::Failed(SourceError::Unreachable {
                location: self.foreign.location().to_owned(),
                why: error.to_string(),
                instead: "check its address, user and password",
            })
        })?;
        let mut taken = HashSet::new();
        for table in tables {
            let mut name = name::bounded(&table.path()).into_owned();
            // `a.b` of schema `c` and `b` of schema `c.a` are written alike.
            while !taken.insert(name.clone()) {
                name.push('#');
            }
            intake.found(self.described(name, table))?;
        }
        Ok(())
    }

    fn described(&self, name: String, table: ForeignTable) -> Found {
        let rows = match self.sample {
            Sample::All => "all".to_owned(),
            Sample::Rows(rows) => rows.to_string(),
        };
        Found {
            name,
            bytes: table.bytes.unwrap_or(0),
            stamp: table.stamp.as_ref().map(|stamp| format!("{stamp} rows:{rows}")),
            modified_at: None,
            owner: table.owner.as_deref().unwrap_or("").into(),
            body: match &table.access {
                Access::None(reason) => Body::Unreadable(Problem::new(ProblemKind::Io, reason.clone())),
                _ => Body::Table(Arc::new(table)),
            },
        }
    }

    /// Begins to read a table. For a thread outside the runtime.
    pub(crate) fn rows(
        &self,
        table: &ForeignTable,
        stop: &AtomicBool,
    ) -> Result<Result<ForeignRows, Problem>, Stopped> {
        let rows = wait(&self.runtime, stop, self.foreign.rows(table, self.sample, BATCH_ROWS))?;
        Ok(rows.map_err(|error| Problem::new(ProblemKind::Io, error.to_string())))
    }

    /// The next rows of a table.
    pub(crate) fn next(
        &self,
        rows: &mut ForeignRows,
        stop: &AtomicBool,
    ) -> Result<Option<Vec<Vec<Option<String>>>>, formats::ReadError> {
        match wait(&self.runtime, stop, rows.next()) {
            Err(Stopped) => Err(formats::Halt.into()),
            Ok(next) => next.map_err(|error| Problem::new(ProblemKind::Io, error.to_string()).into()),
        }
    }
}

/// What of a table was not read although reading it went well.
pub(crate) fn omissions(table: &ForeignTable, rows: &ForeignRows) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Access::Partial(reason) = &table.access {
        problems.push(Problem::new(ProblemKind::Io, reason.clone()));
    }
    let cut = rows.cut_values();
    if cut > 0 {
        problems.push(Problem::limit(format!("{cut} long values were read in part")));
    }
    problems
}
