//! The vault from the outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

#[path = "vault/world.rs"]
mod world;

#[path = "vault/crashes.rs"]
mod crashes;
#[path = "vault/details.rs"]
mod details;
#[path = "vault/files.rs"]
mod files;
#[path = "vault/mutations.rs"]
mod mutations;
#[path = "vault/objects.rs"]
mod objects;
#[path = "vault/providers.rs"]
mod providers;
#[path = "vault/rotation.rs"]
mod rotation;
#[path = "vault/shredding.rs"]
mod shredding;
#[path = "vault/vectors.rs"]
mod vectors;
