//! `cargo xtask bench NAME`: builds the bench crate in release and runs one of its measurements.

use anyhow::{Context as _, Result};

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut build = vec!["build", "--release", "--quiet", "--package", "bench"];
    if arguments.first().is_some_and(|name| name == "recovery") {
        // It starts the program itself, too.
        build.extend(["--package", "lazaret"]);
    }
    run::run("cargo", &build)?;
    let program = run::target()?.join("release/bench").display().to_string();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run::run(&program, &arguments).context("the bench did not come to its end")
}
