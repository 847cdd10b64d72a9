//! Embeds every playbook of content/playbooks, so that the program needs none beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../../content/playbooks");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", root.display());
    let mut code = String::new();
    list(&root, "json", "FILES", &mut code)?;
    list(&root.join("source"), "play", "SOURCES", &mut code)?;
    std::fs::write(out.join("playbooks.rs"), code)?;
    Ok(())
}

/// A constant with the name and the text of each file with this ending, sorted by name.
fn list(folder: &Path, ending: &str, constant: &str, code: &mut String) -> Outcome<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
    files.sort();
    writeln!(code, "pub(super) const {constant}: &[(&str, &str)] = &[")?;
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::canonicalize(file)?;
        writeln!(code, "    ({name:?}, include_str!({text:?})),")?;
    }
    code.push_str("];\n");
    Ok(())
}
