//! Time and randomness of the machine.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand::TryRngCore as _;
use zeroize::Zeroizing;

/// The time, in milliseconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub(crate) fn clock() -> Arc<dyn Fn() -> i64 + Send + Sync> {
    Arc::new(now)
}

/// Both clocks of the ledger.
pub(crate) struct Clocks(Instant);

impl Clocks {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl ledger::Clock for Clocks {
    fn wall_ms(&self) -> i64 {
        now()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Bytes that nobody can predict.
pub(crate) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    rand::rngs::OsRng.try_fill_bytes(bytes).map_err(io::Error::other)
}

pub(crate) fn random_32() -> identity::Random {
    Arc::new(|| {
        let mut bytes = [0; 32];
        fill(&mut bytes).map(|()| bytes)
    })
}

/// Ids of objects and versions. A system without randomness cannot go on at all.
pub(crate) fn random_16() -> Arc<dyn Fn() -> [u8; 16] + Send + Sync> {
    Arc::new(|| {
        let mut bytes = [0; 16];
        assert!(fill(&mut bytes).is_ok(), "the operating system gives random bytes");
        bytes
    })
}

/// The key kept in a file that its owner alone can read; drawn when there is none.
pub(crate) fn kept_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    match std::fs::File::open(path) {
        Ok(mut file) => {
            file.read_exact(key.as_mut_slice())?;
            return Ok(key);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fill(key.as_mut_slice())?;
    put(path, key.as_slice())?;
    Ok(key)
}

/// Writes a file that its owner alone can read: beside its place first, so that a kill leaves all of it or none.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
