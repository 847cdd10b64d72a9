//! The obligations of content/obligations, built in.

use std::sync::OnceLock;

use crate::library::{Library, LibraryError};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/obligations.rs"));
}

/// The obligations that come with the program. A test excludes that they are broken.
///
/// # Errors
///
/// What is wrong with them, were they broken.
pub fn shipped() -> Result<&'static Library, &'static LibraryError> {
    static LIBRARY: OnceLock<Result<Library, LibraryError>> = OnceLock::new();
    LIBRARY.get_or_init(|| Library::of(embedded::FILES)).as_ref()
}
