//! Random secrets and their digests.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest as sha};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::IdentityError;

/// Gives 32 random bytes.
pub type Random = Arc<dyn Fn() -> std::io::Result<[u8; 32]> + Send + Sync>;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(crate) fn draw(random: &Random) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    random().map(Zeroizing::new).map_err(IdentityError::Random)
}

/// `characters` characters of base32 (RFC 4648), five random bits each.
pub(crate) fn base32(bytes: &[u8], characters: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let digit = |at: usize| (0..5).fold(0, |digit, next| digit << 1 | bit(at * 5 + next));
    (0..characters).map(|at| BASE32.get(usize::from(digit(at))).copied().map_or('A', char::from)).collect()
}

/// A secret of 40 characters: 240 random bits in base64 for URLs.
pub(crate) fn secret_of_40(random: &Random) -> Result<SecretString, IdentityError> {
    let bytes = draw(random)?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes.get(..30).unwrap_or_default())))
}

/// A token of 256 random bits in base64 for URLs.
pub(crate) fn token(random: &Random) -> Result<SecretString, IdentityError> {
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(draw(random)?.as_slice())))
}

/// SHA-256. Enough for secrets of 112 random bits and more (NIST SP 800-63B-4 section 3.1.2.2).
pub(crate) fn hash(text: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(sha(&SHA256, text).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base32;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"fooba", 8), "MZXW6YTB");
        assert_eq!(base32(b"foobar", 10), "MZXW6YTBOI");
    }
}
