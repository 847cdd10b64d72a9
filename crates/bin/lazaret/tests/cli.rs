//! The program as people and scripts use it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says what it measured"
)]

#[path = "cli/access.rs"]
mod access;
#[path = "cli/adopt.rs"]
mod adopt;
#[path = "cli/backup.rs"]
mod backup;
#[path = "cli/detect.rs"]
mod detect;
#[path = "cli/federation.rs"]
mod federation;
#[path = "cli/findings.rs"]
mod findings;
#[path = "cli/guard.rs"]
mod guard;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/hunt.rs"]
mod hunt;
#[path = "cli/incidents.rs"]
mod incidents;
#[path = "cli/intel.rs"]
mod intel;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/letters.rs"]
mod letters;
#[path = "cli/locked.rs"]
mod locked;
#[path = "cli/mail.rs"]
mod mail;
#[path = "cli/obligations.rs"]
mod obligations;
#[path = "cli/playbooks.rs"]
mod playbooks;
#[path = "cli/recovering.rs"]
mod recovering;
#[path = "cli/run.rs"]
mod run;
#[path = "../../../response/recovery/tests/recovery/s3.rs"]
mod s3;
#[path = "cli/sample.rs"]
mod sample;
#[path = "cli/scan.rs"]
mod scan;
#[path = "cli/tools.rs"]
mod tools;
#[path = "cli/up.rs"]
mod up;
