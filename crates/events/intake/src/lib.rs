//! Raw logs in; one JSON object a record out, in the order of the log, through a [`Sink`].
//!
//! Forms are recognised by content, never by name; docs/reference/intake.md lists them with their fields. Memory is
//! bounded by [`Limits`], whatever the size of the log, EVTX from a stream or a compressed file apart, which is held up
//! to [`Limits::evtx_bytes`]. This crate must never judge what a record means, write to disk, panic on input or skip in
//! silence: whatever cannot be read becomes a [`Problem`].
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod auditd;
mod cef;
mod evtx;
mod family;
mod json;
mod lines;
mod message;
mod object;
mod postgres;
mod read;
mod source;
mod syslog;
mod text;
mod web;
mod zeek;

use std::ops::ControlFlow;

pub use message::Messages;
pub use read::{ReadError, form, read_file, read_stream, whole_records};
pub use source::expand_head;

/// What wrote the record, as far as the container or the record's own form tells.
#[expect(missing_docs, reason = "the names are the products' own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Windows,
    CloudTrail,
    Zeek,
    Syslog,
    Auditd,
    WebAccess,
    Postgres,
    Kubernetes,
    Okta,
    GitHub,
    AzureActivity,
    EntraAudit,
    EntraSignIn,
    Microsoft365,
    Gcp,
    Cef,
    Leef,
    Ocsf,
    Json,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 19] = [
        Self::Windows,
        Self::CloudTrail,
        Self::Zeek,
        Self::Syslog,
        Self::Auditd,
        Self::WebAccess,
        Self::Postgres,
        Self::Kubernetes,
        Self::Okta,
        Self::GitHub,
        Self::AzureActivity,
        Self::EntraAudit,
        Self::EntraSignIn,
        Self::Microsoft365,
        Self::Gcp,
        Self::Cef,
        Self::Leef,
        Self::Ocsf,
        Self::Json,
    ];

    /// Its name, as tables of content and entries of the record know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::CloudTrail => "cloudtrail",
            Self::Zeek => "zeek",
            Self::Syslog => "syslog",
            Self::Auditd => "auditd",
            Self::WebAccess => "web-access",
            Self::Postgres => "postgres",
            Self::Kubernetes => "kubernetes",
            Self::Okta => "okta",
            Self::GitHub => "github",
            Self::AzureActivity => "azure-activity",
            Self::EntraAudit => "entra-audit",
            Self::EntraSignIn => "entra-sign-in",
            Self::Microsoft365 => "microsoft365",
            Self::Gcp => "gcp",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Ocsf => "ocsf",
            Self::Json => "json",
        }
    }

    /// The family of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
}

/// One record of a log.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its place in the log, from 1; records that could not be read are counted too.
    pub number: u64,
    /// What wrote it.
    pub family: Family,
    /// One JSON object in UTF-8. The objects of JSON logs are handed through as they are: that they open and close is
    /// checked, their inside is not.
    pub json: &'a [u8],
}

/// A record that could not be read, or a log that ended too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The record's place in the log, from 1.
    pub number: u64,
    /// What is wrong, where, and what to do.
    pub why: String,
}

/// Takes what is read.
pub trait Sink {
    /// Takes one record; `Break` ends the reading.
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()>;
    /// Takes one problem; the reading goes on.
    fn problem(&mut self, problem: Problem);
    /// Takes one record that could not be read, with its bytes as far as they were at hand, for those who keep them. Told as a
    /// problem unless the sink knows better.
    fn unread(&mut self, problem: Problem, _bytes: &[u8]) {
        self.problem(problem);
    }
}

/// What reading may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest record, in bytes; 16 MiB.
    pub record_bytes: usize,
    /// The most that compressed content may expand to, in bytes; 1 TiB.
    pub expansion_bytes: u64,
    /// The largest EVTX log that is held in memory where it comes as a stream or compressed, in bytes; 1 GiB.
    pub evtx_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 16 << 20, expansion_bytes: 1 << 40, evtx_bytes: 1 << 30 }
    }
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The event log of Windows.
    Evtx,
    /// One JSON object a line.
    Ndjson,
    /// An array, an envelope such as `{"Records":[…]}`, or objects one after another.
    Json,
    /// Tab-separated values under the header lines of Zeek.
    ZeekTsv,
    /// Comma-separated values of PostgreSQL, quoted over several lines where a message has them.
    PostgresCsv,
    /// Lines of text.
    Text,
    /// Nothing at all.
    Empty,
}

impl Form {
    /// Its name, as shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::ZeekTsv => "zeek-tsv",
            Self::PostgresCsv => "postgres-csv",
            Self::Text => "text",
            Self::Empty => "empty",
        }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Records handed over.
    pub records: u64,
    /// Problems told.
    pub problems: u64,
    /// Bytes of the log, after decompression.
    pub bytes: u64,
    /// How the log is written.
    pub form: Form,
}

/// The sink with the counts of what went into it.
struct Out<'a> {
    sink: &'a mut dyn Sink,
    /// Number of the latest record, from 1.
    number: u64,
    records: u64,
    problems: u64,
}

impl Out<'_> {
    fn record(&mut self, family: Family, json: &[u8]) -> ControlFlow<()> {
        self.number += 1;
        self.records += 1;
        self.sink.record(Record { number: self.number, family, json })
    }

    /// A record that could not be read.
    fn problem(&mut self, why: String, bytes: &[u8]) {
        self.number += 1;
        self.problems += 1;
        self.sink.unread(Problem { number: self.number, why }, bytes);
    }

    /// Something wrong after the latest record that is no record of its own.
    fn note(&mut self, why: String) {
        self.problems += 1;
        self.sink.problem(Problem { number: self.number.max(1), why });
    }
}
