//! `cargo xtask bench NAME`: builds the bench crate in release and runs one of its measurements.

use anyhow::Result;

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut command = vec!["run", "--release", "--quiet", "--package", "bench", "--"];
    command.extend(arguments.iter().map(String::as_str));
    run::run("cargo", &command)
}
