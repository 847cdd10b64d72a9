//! A digest taken while an object is read, so that it is read once.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes read at a time for the digest of what no reader wanted.
const CHUNK_BYTES: usize = 1 << 20;

/// Reads and seeks, and hashes each byte the first time it is passed in order.
pub(crate) struct Hashed<'a, R> {
    inner: R,
    at: u64,
    /// Bytes up to here are in the digest.
    hashed: u64,
    hasher: blake3::Hasher,
    /// Grows by every byte that enters the digest.
    progress: &'a AtomicU64,
}

impl<'a, R: Read + Seek> Hashed<'a, R> {
    /// Over `inner`, which stands at its start.
    pub(crate) fn new(inner: R, progress: &'a AtomicU64) -> Self {
        Self { inner, at: 0, hashed: 0, hasher: blake3::Hasher::new(), progress }
    }

    /// Bytes that entered the digest.
    pub(crate) fn hashed(&self) -> u64 {
        self.hashed
    }

    /// The digest of the whole. What no reader wanted is read now where `reads_rest`; without it, and where reading fails
    /// or is stopped, there is no digest of a part.
    pub(crate) fn digest(&mut self, reads_rest: bool, stop: &AtomicBool) -> Option<[u8; 32]> {
        let end = self.seek(SeekFrom::End(0)).ok()?;
        if self.hashed < end {
            if !reads_rest {
                return None;
            }
            self.seek(SeekFrom::Start(self.hashed)).ok()?;
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                match self.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return None,
                }
            }
        }
        Some(*self.hasher.finalize().as_bytes())
    }
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let end = self.at.saturating_add(count as u64);
        if self.at <= self.hashed && self.hashed < end {
            let known = usize::try_from(self.hashed - self.at).unwrap_or(usize::MAX);
            let fresh = buffer.get(known..count).unwrap_or_default();
            self.hasher.update(fresh);
            self.hashed = end;
            self.progress.fetch_add(fresh.len() as u64, Ordering::Relaxed);
        }
        self.at = end;
        Ok(count)
    }
}

impl<R: Seek> Seek for Hashed<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::Hashed;
    use proptest::prelude::*;
    use std::io::{Cursor, Read, Seek, SeekFrom};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    proptest! {
        #[test]
        fn the_digest_is_of_the_whole_however_it_was_read(
            bytes in proptest::collection::vec(any::<u8>(), 0..5_000),
            steps in proptest::collection::vec((0_u64..6_000, 0_usize..3_000), 0..20),
        ) {
            let progress = AtomicU64::new(0);
            let mut hashed = Hashed::new(Cursor::new(&bytes), &progress);
            for (at, len) in steps {
                hashed.seek(SeekFrom::Start(at)).unwrap();
                let mut part = vec![0; len];
                let count = hashed.read(&mut part).unwrap();
                prop_assert_eq!(&part[..count], bytes.get(at as usize..).unwrap_or_default().get(..count).unwrap_or_default());
            }
            let digest = hashed.digest(true, &AtomicBool::new(false));
            prop_assert_eq!(digest, Some(*blake3::hash(&bytes).as_bytes()));
            prop_assert_eq!(progress.load(Ordering::Relaxed), bytes.len() as u64);
        }
    }

    #[test]
    fn there_is_no_digest_of_a_part() {
        let progress = AtomicU64::new(0);
        let mut hashed = Hashed::new(Cursor::new(vec![1; 100]), &progress);
        let mut part = [0; 40];
        hashed.read_exact(&mut part).unwrap();
        assert_eq!(hashed.digest(false, &AtomicBool::new(false)), None);
        assert_eq!(hashed.digest(true, &AtomicBool::new(true)), None);
        assert_eq!(hashed.hashed(), 40);
        let mut rest = [0; 60];
        hashed.seek(SeekFrom::Start(40)).unwrap();
        hashed.read_exact(&mut rest).unwrap();
        assert!(hashed.digest(false, &AtomicBool::new(false)).is_some(), "everything was read in order");
    }
}
