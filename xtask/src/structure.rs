//! `cargo xtask structure`: the layout is the architecture, so it is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run;

/// Groups of crates, from the outside in. A crate may depend on its own group and on groups further in; `data`,
/// `access`, `events`, `response` and `assurance` stand side by side and meet only in `bin`.
const LEVELS: [(&str, u8); 8] = [
    ("bin", 3),
    ("edge", 2),
    ("data", 1),
    ("access", 1),
    ("events", 1),
    ("response", 1),
    ("assurance", 1),
    ("base", 0),
];
/// No production file is longer, in lines.
const FILE_LINES_MAX: usize = 800;
/// Nine of ten production files are no longer, in lines.
const FILE_LINES_P90: usize = 400;

pub(crate) fn run() -> Result<()> {
    let mut faults = Vec::new();
    directions(&mut faults)?;
    sizes(&mut faults)?;
    if faults.is_empty() {
        println!("structure: crate directions and file sizes hold");
        return Ok(());
    }
    for fault in &faults {
        eprintln!("structure: {fault}");
    }
    bail!("{} faults in the structure", faults.len())
}

fn directions(faults: &mut Vec<String>) -> Result<()> {
    let output = run::command("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(run::root())
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let group_of: BTreeMap<&str, String> =
        packages.iter().filter_map(|p| Some((p["name"].as_str()?, group(p)?))).collect();
    for package in packages {
        let (Some(name), Some(from)) = (package["name"].as_str(), group(package)) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"] == "dev" {
                continue;
            }
            let Some(to) = dependency["name"].as_str().and_then(|name| group_of.get(name)) else { continue };
            if from != *to && level(&from) <= level(to) {
                faults.push(format!("crate `{name}` ({from}) must not depend on `{}` ({to})", dependency["name"]));
            }
        }
    }
    Ok(())
}

/// The folder below crates/ that a package lies in.
fn group(package: &serde_json::Value) -> Option<String> {
    let manifest = PathBuf::from(package["manifest_path"].as_str()?);
    let inside = manifest.strip_prefix(run::root().join("crates")).ok()?;
    Some(inside.components().next()?.as_os_str().to_string_lossy().into_owned())
}

fn level(group: &str) -> u8 {
    LEVELS.iter().find(|(name, _)| *name == group).map_or(u8::MAX, |(_, level)| *level)
}

fn sizes(faults: &mut Vec<String>) -> Result<()> {
    let mut lengths = Vec::new();
    for folder in ["crates", "xtask", "bench"] {
        walk(&run::root().join(folder), &mut lengths)?;
    }
    for (path, lines) in &lengths {
        if *lines > FILE_LINES_MAX {
            faults.push(format!("`{}` has {lines} lines, more than {FILE_LINES_MAX}", path.display()));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            faults.push(format!("`{}`: write `name.rs` beside `name/` instead of `mod.rs`", path.display()));
        }
    }
    let mut sorted: Vec<usize> = lengths.iter().map(|(_, lines)| *lines).collect();
    sorted.sort_unstable();
    let p90 = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0);
    if p90 > FILE_LINES_P90 {
        faults.push(format!("nine of ten production files should have at most {FILE_LINES_P90} lines; it is {p90}"));
    }
    Ok(())
}

fn walk(folder: &Path, lengths: &mut Vec<(PathBuf, usize)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("target") {
                walk(&path, lengths)?;
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path)?;
            // Unit tests at a file's end are not production lines.
            let production = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
            lengths.push((path, production.lines().count()));
        }
    }
    Ok(())
}
