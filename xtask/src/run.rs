//! Running other programs, with the command shown before its output.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The project's root.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Runs a program in the project's root and fails when it fails.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    run_with(program, arguments, &[])
}

/// The same with further environment variables.
pub(crate) fn run_with(program: &str, arguments: &[&str], variables: &[(&str, String)]) -> Result<()> {
    eprintln!("$ {program} {}", arguments.join(" "));
    let status = command(program)
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
        .current_dir(root())
        .status()
        .with_context(|| format!("`{program}` could not be started; is it installed?"))?;
    if !status.success() {
        bail!("`{program} {}` failed with {status}", arguments.join(" "));
    }
    Ok(())
}

/// A program to be started without what `cargo run` told this one about its own package: build scripts that watch
/// `CARGO_MANIFEST_DIR` or `CARGO_PKG_*` would run anew for each checkout, and all that stands on them be built again.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let told =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if told {
            command.env_remove(name);
        }
    }
    command
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let told =
        command("cargo").args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root()).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&told.stdout).context("cargo metadata")?;
    metadata["target_directory"].as_str().map(PathBuf::from).context("cargo metadata tells where it builds")
}

/// Whether a program answers to `--version`.
pub(crate) fn answers(program: &str) -> bool {
    answers_to(program, "--version")
}

/// Whether a program is there and knows a command or flag.
pub(crate) fn answers_to(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

/// The Python environment of the tests.
pub(crate) fn venv() -> PathBuf {
    root().join("target/test-venv")
}
