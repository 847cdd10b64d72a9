//! The obligations that this organisation is under: those of the law, those of its settings, and clauses that its people entered.

use std::sync::{Arc, PoisonError, RwLock};

use crate::answer::Options;
use crate::clause::Clauses;
use crate::library::{Library, LibraryError};
use crate::shipped;

struct InForce {
    /// Without clauses; `None`: what comes with the program.
    base: Option<Arc<Library>>,
    /// With them; `None`: as `base`.
    library: Option<Arc<Library>>,
    with_proposed: bool,
}

static IN_FORCE: RwLock<InForce> = RwLock::new(InForce { base: None, library: None, with_proposed: false });

/// Says, when a program starts, what applies: `base` in the place of what comes with the program, and with `with_proposed` what is only
/// proposed in the place of the law. No clause applies then until [`put_clauses_in_force`].
pub fn put_in_force(base: Library, with_proposed: bool) {
    let base = Some(Arc::new(base));
    *IN_FORCE.write().unwrap_or_else(PoisonError::into_inner) = InForce { base, library: None, with_proposed };
}

/// Has clauses apply in the place of those before, from now on.
///
/// # Errors
/// When they are no library together with what applies anyway; nothing changes then.
pub fn put_clauses_in_force(clauses: &Clauses) -> Result<(), LibraryError> {
    let base = base().map_err(Clone::clone)?;
    let library = if clauses.versions().is_empty() { None } else { Some(Arc::new(clauses.within(&base)?)) };
    IN_FORCE.write().unwrap_or_else(PoisonError::into_inner).library = library;
    Ok(())
}

/// What applies without clauses: the law, and what the settings name.
///
/// # Errors
/// As [`shipped()`].
pub fn base() -> Result<Arc<Library>, &'static LibraryError> {
    let base = IN_FORCE.read().unwrap_or_else(PoisonError::into_inner).base.clone();
    base.map_or_else(|| shipped::shared().cloned(), Ok)
}

/// What applies; the obligations that come with the program, unless somebody said otherwise.
///
/// # Errors
/// As [`shipped()`].
pub fn in_force() -> Result<Arc<Library>, &'static LibraryError> {
    let library = IN_FORCE.read().unwrap_or_else(PoisonError::into_inner).library.clone();
    library.map_or_else(base, Ok)
}

/// How it is answered by what applies.
#[must_use]
pub fn options() -> Options {
    let with_proposed = IN_FORCE.read().unwrap_or_else(PoisonError::into_inner).with_proposed;
    Options { with_proposed, ..Options::default() }
}
