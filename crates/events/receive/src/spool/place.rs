//! Up to where everything is recorded. A file of its own, sealed, replaced as a whole.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SpoolError;
use super::seal::{Key, SALT_BYTES};
use crate::Random;

const NAME: &str = "place";

/// Up to where everything is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Every frame with a lower number is recorded.
    pub next: u64,
    /// Entries of the ledger from this one on may record frames from [`Place::next`] on; none before does. `None` as long as
    /// nothing was recorded.
    pub ledger_from: Option<u64>,
    /// How far listeners have read what lies before [`Place::next`].
    pub marks: BTreeMap<String, Vec<u8>>,
}

impl Place {
    /// Reads it; `None` where there is none.
    pub(super) fn read(folder: &Path, master: &[u8; 32]) -> Result<Option<Self>, SpoolError> {
        let path = folder.join(NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SpoolError::io("read", &path)(error)),
        };
        let damaged = |why| SpoolError::Damaged { path: path.clone(), at: 0, why };
        let (salt, rest) = bytes.split_first_chunk::<SALT_BYTES>().ok_or_else(|| damaged("it is too short"))?;
        let (commitment, sealed) = rest.split_first_chunk::<SALT_BYTES>().ok_or_else(|| damaged("it is too short"))?;
        let key = Key::derive(master, salt, b"place")?;
        if key.commitment != *commitment {
            return Err(SpoolError::Key { path });
        }
        let plain = key.open(0, b"", sealed).ok_or_else(|| damaged("it is not what was sealed"))?;
        serde_json::from_slice(&plain).map(Some).map_err(|_json| damaged("it holds no place"))
    }

    /// Replaces it, durably.
    pub(super) fn write(&self, folder: &Path, master: &[u8; 32], random: &Random) -> Result<(), SpoolError> {
        let (path, beside) = (folder.join(NAME), folder.join("place.new"));
        let mut salt = [0; SALT_BYTES];
        random(&mut salt).map_err(SpoolError::io("draw the salt of", &path))?;
        let key = Key::derive(master, &salt, b"place")?;
        let mut bytes = [salt, key.commitment].concat();
        let from = bytes.len();
        let kept = serde_json::to_vec(self).map_err(|error| SpoolError::io("write", &path)(error.into()))?;
        bytes.extend_from_slice(&kept);
        key.seal(0, b"", from, &mut bytes)?;
        let _none_was_left = std::fs::remove_file(&beside);
        let mut file = super::recover::private(&beside).map_err(SpoolError::io("make", &beside))?;
        file.write_all(&bytes).map_err(SpoolError::io("write", &beside))?;
        file.sync_all().map_err(SpoolError::io("sync", &beside))?;
        std::fs::rename(&beside, &path).map_err(SpoolError::io("replace", &path))?;
        super::recover::sync_folder(folder)
    }
}
