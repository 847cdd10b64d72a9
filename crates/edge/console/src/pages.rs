//! One module a page, beside its templates under templates/.

pub(crate) mod access;
pub(crate) mod arrival;
pub(crate) mod changes;
pub(crate) mod findings;
pub(crate) mod hunts;
pub(crate) mod keys;
pub(crate) mod landscape;
mod listed;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod object;
pub(crate) mod objects;
pub(crate) mod passkey;
pub(crate) mod people;
pub(crate) mod problems;
pub(crate) mod quarantine;
pub(crate) mod recognizer;
pub(crate) mod recognizers;
pub(crate) mod record;
pub(crate) mod running;
pub(crate) mod scans;
pub(crate) mod second;
pub(crate) mod security;
pub(crate) mod setup;
pub(crate) mod theme;
pub(crate) mod users;
