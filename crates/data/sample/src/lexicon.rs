//! The word lists of this crate, by section name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static SECTIONS: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut sections = BTreeMap::new();
    for file in [include_str!("words/names.txt"), include_str!("words/places.txt"), include_str!("words/medicine.txt")]
    {
        let mut name = "";
        for line in file.lines() {
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(heading) => name = heading,
                None => sections.entry(name).or_insert_with(Vec::new).extend(line.split('|')),
            }
        }
    }
    sections
});

/// The words of a section; none when there is no such section.
pub fn words(section: &str) -> &'static [&'static str] {
    SECTIONS.get(section).map_or(&[], Vec::as_slice)
}

/// The words of `kind.language`, or of `kind.en` where a language has no list of its own.
pub fn words_in(kind: &str, language: &str) -> &'static [&'static str] {
    let own = words(&format!("{kind}.{language}"));
    if own.is_empty() { words(&format!("{kind}.en")) } else { own }
}
