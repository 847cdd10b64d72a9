//! `cargo xtask names`: packs the word lists under content/names into the table that the program carries.

use std::path::Path;

use anyhow::Context;
use recognize::names::pack::{LISTS, pack};

/// Reads the lists and writes `content/names/gazetteer.bin`.
///
/// # Errors
/// When a list is missing or wrong, or the table cannot be written.
pub fn build(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("content/names");
    let mut texts = Vec::new();
    for name in LISTS {
        let path = folder.join(name);
        texts.push(std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?);
    }
    let lists: Vec<(&str, &str)> = LISTS.iter().copied().zip(texts.iter().map(String::as_str)).collect();
    let packed = pack(&lists)?;
    let target = folder.join("gazetteer.bin");
    std::fs::write(&target, packed).with_context(|| format!("cannot write `{}`", target.display()))
}
