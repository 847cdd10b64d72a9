//! The console from outside: requests in, pages out; and in a real browser.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a test without its browser says that it is skipped")]

mod access;
#[path = "../../../../access/identity/tests/support/authenticator.rs"]
mod authenticator;
mod backups;
mod browser;
mod contrast;
mod exposed;
mod findings;
mod guards;
mod hostile;
mod hunts;
mod incidents;
mod keys;
mod login;
mod obligations;
mod ops;
mod pages;
mod passkeys;
mod quarantine;
mod record;
#[path = "../../../../data/landscape/tests/support/reports.rs"]
mod reports;
mod routes;
mod sample_tree;
mod scim;
mod security;
mod site;
mod tls;
mod webdriver;
