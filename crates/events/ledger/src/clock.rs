//! Time and randomness, which the caller gives.

use std::io;

/// Two clocks.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970, UTC. May go back.
    fn wall_ms(&self) -> i64;
    /// Milliseconds since any moment. Never goes back.
    fn monotonic_ms(&self) -> u64;
}

/// A source of randomness fit for keys.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the source gives nothing.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

impl<F: Fn(&mut [u8]) -> io::Result<()> + Send + Sync + 'static> Random for F {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        self(bytes)
    }
}
