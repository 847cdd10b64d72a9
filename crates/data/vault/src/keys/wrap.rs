//! Keys under keys: a sealed value ([`crate::format::sealed`]) behind a byte that tells the version.

use store::keys::KeyRow;

use crate::format::{Purpose, VERSION, sealed};
use crate::{Key, Random, VaultError};

/// What a wrapped key is bound to: everything in its row that must not be changed. Each text goes with its length.
pub(super) fn context(row: &KeyRow) -> Vec<u8> {
    let texts = [
        row.name.as_str(),
        &row.kind,
        &row.owner,
        row.study.as_deref().unwrap_or_default(),
        row.subject.as_deref().unwrap_or_default(),
        &row.parent,
    ];
    let mut context = Vec::with_capacity(256);
    for text in texts {
        context.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.extend_from_slice(text.as_bytes());
    }
    context.extend_from_slice(&row.version.to_be_bytes());
    context.extend_from_slice(&row.parent_version.to_be_bytes());
    context
}

pub(super) fn wrap(parent: &Key, row: &KeyRow, key: &Key, random: &Random) -> Result<Vec<u8>, VaultError> {
    let context = context(row);
    let sealed = sealed::seal(parent, &random.bytes()?, Purpose::Wrap, &[&context], &[VERSION], key.expose())?;
    let mut wrapped = Vec::with_capacity(sealed.len() + 1);
    wrapped.push(VERSION);
    wrapped.extend_from_slice(&sealed);
    Ok(wrapped)
}

pub(super) fn unwrap(parent: &Key, row: &KeyRow, wrapped: &[u8]) -> Result<Key, VaultError> {
    let open = || {
        let sealed = wrapped.strip_prefix(&[VERSION])?;
        let key = sealed::open(parent, Purpose::Wrap, &[&context(row)], &[VERSION], sealed)?;
        Key::from_slice(&key)
    };
    open().ok_or_else(|| VaultError::altered(format!("the wrapped key `{}`", row.name)))
}
