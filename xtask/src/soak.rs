//! `cargo xtask soak`: fuzzes every parser for a while. Needs `cargo-fuzz`, which is installed when missing.

use anyhow::{Context, Result};

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut minutes = 2;
    let mut only = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            minutes =
                rest.next().context("`--minutes` wants a number")?.parse().context("`--minutes` wants a number")?;
        } else {
            only = Some(argument.as_str());
        }
    }
    if !std::process::Command::new("cargo").args(["fuzz", "--version"]).output()?.status.success() {
        run::run("cargo", &["install", "--locked", "cargo-fuzz"])?;
    }
    let seconds = format!("-max_total_time={}", minutes * 60);
    for target in targets()?.iter().filter(|target| only.is_none_or(|only| *target == only)) {
        // The stable compiler takes libFuzzer's instrumentation under this switch; sanitizers stay off.
        let fuzz = ["fuzz", "run", "--sanitizer", "none", target, "--", &seconds, "-timeout=20", "-rss_limit_mb=2048"];
        run::run_with("cargo", &fuzz, &[("RUSTC_BOOTSTRAP", "1".to_owned())])?;
    }
    Ok(())
}

/// The names of the fuzz targets, from their files.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(run::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}
