//! Sealed files. What is in a file is cut into chunks of 64 KiB, each sealed with AES-256-GCM; the nonce is the chunk's number and
//! whether it is the last one (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that chunks can
//! be opened by themselves and none can be dropped, moved or repeated. The key is drawn by HKDF-SHA-256 from the lake's key, a random salt
//! and the file's name, with a commitment beside it: AES-GCM alone would open under more than one key. docs/reference/lake.md has
//! the bytes as a table.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::{LakeError, Random};

/// What a sealed file begins with: its version is the last digit.
const MAGIC: &[u8; 8] = b"LZLAKE01";
const SALT_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + SALT_BYTES + COMMITMENT_BYTES;
/// Bytes of a full chunk before it is sealed.
const CHUNK_BYTES: usize = 64 << 10;
const TAG_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Bytes of plaintext in a sealed file of so many bytes; `None` where no sealed file has that length.
pub(crate) const fn plain_bytes_of(sealed_bytes: u64) -> Option<u64> {
    let Some(body) = sealed_bytes.checked_sub(HEADER_BYTES as u64) else { return None };
    let chunks = body.div_ceil(SEALED_CHUNK_BYTES as u64);
    if chunks == 0 { None } else { body.checked_sub(chunks * TAG_BYTES as u64) }
}

/// The key of a lake.
pub type LakeKey = Zeroizing<[u8; 32]>;

/// How many bytes HKDF is asked for.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The key of one file and the commitment to it.
fn derive(key: &LakeKey, salt: &[u8], name: &str) -> Result<(LessSafeKey, [u8; COMMITMENT_BYTES]), LakeError> {
    let failed = |Unspecified| LakeError::Primitive { what: "HKDF-SHA-256" };
    let mut drawn = Zeroizing::new([0; 32 + COMMITMENT_BYTES]);
    let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(key.as_slice());
    let info = [b"lazaret/lake/v1\0".as_slice(), name.as_bytes()];
    pseudorandom
        .expand(&info, Length(drawn.len()))
        .and_then(|material| material.fill(drawn.as_mut_slice()))
        .map_err(failed)?;
    let (secret, committed) = drawn.split_at(32);
    let mut commitment = [0; COMMITMENT_BYTES];
    commitment.copy_from_slice(committed);
    Ok((LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).map_err(failed)?), commitment))
}

/// Three zero bytes, the number of the chunk (big-endian, 64 bits), 1 for the last chunk or else 0.
fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; 12];
    let number = number.to_be_bytes();
    bytes.iter_mut().skip(3).zip(number.iter().chain([&u8::from(is_last)])).for_each(|(to, from)| *to = *from);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals `plain` for a file called `name`.
pub(crate) fn seal(key: &LakeKey, random: &Random, name: &str, plain: &[u8]) -> Result<Vec<u8>, LakeError> {
    let mut salt = [0; SALT_BYTES];
    random(&mut salt).map_err(LakeError::Random)?;
    let (cipher, commitment) = derive(key, &salt, name)?;
    let count = plain.len().div_ceil(CHUNK_BYTES).max(1);
    let mut sealed = Vec::with_capacity(HEADER_BYTES + plain.len() + count * TAG_BYTES);
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(&commitment);
    for number in 0..count {
        let from = number * CHUNK_BYTES;
        let chunk = plain.get(from..plain.len().min(from + CHUNK_BYTES)).unwrap_or_default();
        let at = sealed.len();
        sealed.extend_from_slice(chunk);
        let in_place = sealed.get_mut(at..).unwrap_or_default();
        let nonce = nonce(number as u64, number + 1 == count);
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::empty(), in_place);
        let tag = tag.map_err(|Unspecified| LakeError::Primitive { what: "AES-256-GCM" })?;
        sealed.extend_from_slice(tag.as_ref());
    }
    Ok(sealed)
}

/// A sealed file, opened a range at a time.
pub struct SealedFile {
    path: PathBuf,
    file: File,
    cipher: LessSafeKey,
    chunks: u64,
    plain_bytes: u64,
}

impl std::fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedFile").field("path", &self.path).field("plain_bytes", &self.plain_bytes).finish()
    }
}

impl SealedFile {
    /// Opens the file at `path` that was sealed under `name`.
    ///
    /// # Errors
    /// When it cannot be read, or was not sealed under this key and name.
    pub(crate) fn open(path: &Path, key: &LakeKey, name: &str) -> Result<Self, LakeError> {
        let altered = || LakeError::Altered { path: path.to_owned() };
        let file = File::open(path).map_err(LakeError::io("opened", path))?;
        let length = file.metadata().map_err(LakeError::io("read", path))?.len();
        let plain_bytes = plain_bytes_of(length).ok_or_else(altered)?;
        let chunks = (length - HEADER_BYTES as u64).div_ceil(SEALED_CHUNK_BYTES as u64);
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, 0).map_err(LakeError::io("read", path))?;
        let rest = header.strip_prefix(MAGIC.as_slice()).ok_or_else(altered)?;
        let (salt, committed) = rest.split_at_checked(SALT_BYTES).ok_or_else(altered)?;
        let (cipher, commitment) = derive(key, salt, name)?;
        if aws_lc_rs::constant_time::verify_slices_are_equal(&commitment, committed).is_err() {
            return Err(altered());
        }
        Ok(Self { path: path.to_owned(), file, cipher, chunks, plain_bytes })
    }

    /// Bytes of plaintext.
    #[must_use]
    pub const fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// The plaintext in `range`, which may end beyond the end.
    ///
    /// # Errors
    /// When the file cannot be read or was altered.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>, LakeError> {
        let range = range.start..range.end.min(self.plain_bytes);
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let (first, last) = (range.start / CHUNK_BYTES as u64, (range.end - 1) / CHUNK_BYTES as u64);
        let from = HEADER_BYTES as u64 + first * SEALED_CHUNK_BYTES as u64;
        let plain_end = self.plain_bytes.min((last + 1) * CHUNK_BYTES as u64);
        let length = plain_end - first * CHUNK_BYTES as u64 + (last - first + 1) * TAG_BYTES as u64;
        let mut sealed = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut sealed, from).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => LakeError::Altered { path: self.path.clone() },
            _ => LakeError::io("read", &self.path)(error),
        })?;
        let skip = usize::try_from(range.start % CHUNK_BYTES as u64).unwrap_or(usize::MAX);
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut plain = Vec::with_capacity(wanted + skip + CHUNK_BYTES);
        for (number, chunk) in (first..).zip(sealed.chunks_mut(SEALED_CHUNK_BYTES)) {
            let nonce = nonce(number, number + 1 == self.chunks);
            let opened = self.cipher.open_in_place(nonce, Aad::empty(), chunk);
            let opened = opened.map_err(|Unspecified| LakeError::Altered { path: self.path.clone() })?;
            plain.extend_from_slice(opened);
        }
        plain.drain(..skip.min(plain.len()));
        plain.truncate(wanted);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CHUNK_BYTES, SealedFile, seal};
    use crate::{LakeError, LakeKey, Random};

    fn random() -> Random {
        Arc::new(|bytes: &mut [u8]| {
            bytes.fill(7);
            Ok(())
        })
    }

    #[test]
    fn every_range_comes_back_and_nothing_that_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("a"), LakeKey::new([1; 32]));
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let sealed = seal(&key, &random(), "a", &plain).unwrap();
            std::fs::write(&path, &sealed).unwrap();
            let file = SealedFile::open(&path, &key, "a").unwrap();
            assert_eq!(file.plain_bytes(), length as u64);
            for (from, to) in [(0, length), (0, 1), (length / 2, length), (CHUNK_BYTES - 1, CHUNK_BYTES + 1)] {
                let expected = &plain[from.min(length)..to.min(length).max(from.min(length))];
                assert_eq!(file.read(from as u64..to as u64).unwrap(), expected);
            }
            for at in [0, 9, 41, 73, sealed.len() - 1] {
                let Some(byte) = sealed.get(at) else { continue };
                let mut changed = sealed.clone();
                changed[at] = byte ^ 1;
                std::fs::write(&path, &changed).unwrap();
                let read = SealedFile::open(&path, &key, "a").and_then(|file| file.read(0..u64::MAX));
                // An empty file has nothing that could be asked for; its tag is looked at by whoever opens it whole.
                assert!(length == 0 && at > 71 || matches!(read, Err(LakeError::Altered { .. })), "{length} {at}");
            }
            std::fs::write(&path, &sealed[..sealed.len().saturating_sub(CHUNK_BYTES + 16).max(72)]).unwrap();
            let cut = SealedFile::open(&path, &key, "a").and_then(|file| file.read(0..u64::MAX));
            assert!(cut.is_err(), "{length}");
            std::fs::write(&path, &sealed).unwrap();
            assert!(SealedFile::open(&path, &key, "b").is_err(), "another name");
            assert!(SealedFile::open(&path, &LakeKey::new([2; 32]), "a").is_err(), "another key");
        }
    }
}
