//! Embeds every file of content/recognizers, so that the program needs none beside it. TOML is turned into JSON, which
//! is read in a tenth of the time at each start, and every pattern is parsed, so that a wrong one ends the build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../../content/recognizers");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut code = String::from("pub(crate) const FILES: &[(&str, &str)] = &[\n");
    for (number, file) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        let embedded = match name.strip_suffix(".toml") {
            Some(_) => {
                let json = out.join(format!("{number}.json"));
                let text = std::fs::read_to_string(file)?;
                std::fs::write(&json, json_of(&text).map_err(|why| format!("content file `{name}`: {why}"))?)?;
                json
            }
            None => std::fs::canonicalize(file)?,
        };
        writeln!(code, "    ({name:?}, include_str!({embedded:?})),")?;
    }
    code.push_str("];\n");
    std::fs::write(out.join("content.rs"), code)?;
    Ok(())
}

fn json_of(text: &str) -> Outcome<String> {
    let content: serde_json::Value = toml::from_str(text)?;
    let recognizers = content.get("recognizer").and_then(serde_json::Value::as_array);
    for recognizer in recognizers.into_iter().flatten() {
        let field = |name: &str| recognizer.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
        regex_syntax::parse(field("pattern")).map_err(|why| format!("recognizer `{}`: {why}", field("id")))?;
    }
    Ok(serde_json::to_string(&content)?)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "toml" || end == "txt") {
            files.push(path);
        }
    }
    Ok(())
}
