//! The obligations of content/obligations, built in.

use std::sync::{Arc, OnceLock};

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
    shared().map(|library| &**library)
}

/// As [`shipped`], to be kept.
pub(crate) fn shared() -> Result<&'static Arc<Library>, &'static LibraryError> {
    static LIBRARY: OnceLock<Result<Arc<Library>, LibraryError>> = OnceLock::new();
    LIBRARY.get_or_init(|| Library::of(embedded::FILES).map(Arc::new)).as_ref()
}
