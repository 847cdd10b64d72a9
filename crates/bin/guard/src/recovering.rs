//! What of a data folder belongs into a backup, and the proof that what comes out of one is that folder again.

mod order;
mod proof;
mod record;
mod staging;

pub use order::ranks;
pub use proof::{Proof, Sampled, prove};
pub use record::BackupRequest;
pub(crate) use staging::sweep;
pub use staging::{KEYS_PLACES, MAIN_PLACES, Material, Reach, STAGING, Staging, about};
