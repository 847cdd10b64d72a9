//! The playbooks of content/playbooks, built in.

use std::sync::OnceLock;

use crate::playbook::Playbook;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/playbooks.rs"));
}

/// The files as they stand in content/playbooks: name and text, sorted by name.
#[must_use]
pub fn files() -> &'static [(&'static str, &'static str)] {
    embedded::FILES
}

/// What they were written as: the files of content/playbooks/source.
#[must_use]
pub fn sources() -> &'static [(&'static str, &'static str)] {
    embedded::SOURCES
}

/// The shipped playbook of that name, as `lost-laptop`.
#[must_use]
pub fn named(name: &str) -> Option<&'static Playbook> {
    shipped().iter().find(|playbook| playbook.labels.first().is_some_and(|label| label == name))
}

/// The playbooks that come with the program; the first label of each is its file's name. A test excludes that one of them cannot be read.
pub fn shipped() -> &'static [Playbook] {
    static BOOKS: OnceLock<Vec<Playbook>> = OnceLock::new();
    BOOKS.get_or_init(|| {
        embedded::FILES.iter().filter_map(|(name, text)| Playbook::parse(text.as_bytes(), name).ok()).collect()
    })
}
