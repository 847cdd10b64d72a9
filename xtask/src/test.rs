//! `cargo xtask test`: everything that must be green before a change lands.

use anyhow::Result;

use crate::{run, setup, structure};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    setup::run()?;
    structure::run()?;
    run::run("cargo", &["fmt", "--all", "--check"])?;
    run::run("cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    // Its data base of advisories is on the network, which a change need not have: `cargo deny check` asks that, too.
    if run::answers("cargo-deny") {
        run::run("cargo", &["deny", "--locked", "check", "bans", "licenses", "sources"])?;
    } else {
        println!(
            "licences and sources of dependencies are not checked; `cargo install cargo-deny` brings what checks them"
        );
    }
    let mut test = vec!["test", "--workspace", "--no-fail-fast"];
    test.extend(arguments.iter().map(String::as_str));
    let python = run::venv().join("bin/python").display().to_string();
    // The same generated cases every time: a change is judged by what it changes, and new cases are for `soak` to find.
    let seed = std::env::var("PROPTEST_RNG_SEED").unwrap_or_else(|_| "2026".to_owned());
    run::run_with("cargo", &test, &[("LAZARET_TEST_PYTHON", python), ("PROPTEST_RNG_SEED", seed)])
}
