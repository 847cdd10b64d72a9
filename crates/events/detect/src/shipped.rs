//! The rules of content/rules, built in; their library out.

use crate::library::Library;
use crate::test::Placeholders;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/rules.rs"));
}

/// The files as they stand in content/rules, sorted: the path below that folder, and the text.
pub fn files() -> &'static [(&'static str, &'static str)] {
    embedded::FILES
}

/// The rules that come with the program. A test excludes that one of them is rejected.
pub fn shipped() -> Library {
    Library::of(files(), &Placeholders::new())
}
