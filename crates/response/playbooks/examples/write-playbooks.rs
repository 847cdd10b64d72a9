//! Writes content/playbooks from content/playbooks/source: `cargo run -p playbooks --example write-playbooks`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/playbooks");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder.join("source"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "play") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            sources.push((name, std::fs::read_to_string(&path)?));
        }
    }
    sources.sort();
    let borrowed: Vec<_> = sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    for written in playbooks::author::write(&borrowed)? {
        std::fs::write(folder.join(format!("{}.json", written.name)), written.text())?;
    }
    Ok(())
}
