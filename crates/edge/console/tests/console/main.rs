//! The console from outside: requests in, pages out; and in a real browser.

mod browser;
mod hostile;
mod login;
mod ops;
mod pages;
#[path = "../../../../data/landscape/tests/support/reports.rs"]
mod reports;
mod routes;
mod sample_tree;
mod site;
mod tls;
mod webdriver;
