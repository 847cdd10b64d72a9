//! Calls into parsers that we did not write: should one of them panic on hostile input, that becomes a problem of
//! the object and not the end of the program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Problem;

/// Runs `call`; a panic in it is reported as damage.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|_panic| Problem::malformed("its structure is so damaged that the parser gave up"))
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_becomes_a_problem() {
        assert_eq!(guarded(|| 7), Ok(7));
        let index = std::hint::black_box(9);
        assert!(guarded(|| [1, 2, 3][index]).is_err());
    }
}
