//! The program as people and scripts use it.

#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/sample.rs"]
mod sample;
#[path = "cli/scan.rs"]
mod scan;
#[path = "cli/up.rs"]
mod up;
