//! The obligations that this organisation is under: those of the law, and those of its contracts.

use std::sync::OnceLock;

use crate::answer::Options;
use crate::library::{Library, LibraryError};
use crate::shipped::shipped;

struct InForce {
    library: Library,
    with_proposed: bool,
}

static IN_FORCE: OnceLock<InForce> = OnceLock::new();

/// Says once, when a program starts, what applies: `library` in the place of what comes with the program, and with `with_proposed` what is
/// only proposed in the place of the law. Whether it was the first to say so.
pub fn put_in_force(library: Library, with_proposed: bool) -> bool {
    IN_FORCE.set(InForce { library, with_proposed }).is_ok()
}

/// What applies; the obligations that come with the program, unless somebody said otherwise.
///
/// # Errors
/// As [`shipped`].
pub fn in_force() -> Result<&'static Library, &'static LibraryError> {
    IN_FORCE.get().map_or_else(shipped, |in_force| Ok(&in_force.library))
}

/// How it is answered by what applies.
#[must_use]
pub fn options() -> Options {
    Options { with_proposed: IN_FORCE.get().is_some_and(|in_force| in_force.with_proposed), ..Options::default() }
}
