//! One-time codes by time: RFC 6238 over RFC 4226.

use aws_lc_rs::hmac;

/// Seconds that one code is good for (RFC 6238 section 5.2).
pub(crate) const STEP_S: i64 = 30;
/// Steps before and after the present one whose code is taken, for clocks that differ (RFC 6238 section 5.2).
pub(crate) const STEPS_AROUND: i64 = 1;
/// Digits of a code: the six that NIST SP 800-63B-4 section 3.1.4.1 asks for at least.
pub(crate) const DIGITS: u32 = 6;

/// The hash function of the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1, which is what authenticator programs understand. HMAC does not rest on its resistance to collisions.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The code of `secret` at the time step `step`, with `digits` (6 to 8) digits.
#[must_use]
pub fn code(algorithm: Algorithm, secret: &[u8], step: u64, digits: u32) -> String {
    let algorithm = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0F));
    let word = tag.iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) & 0x7FFF_FFFF;
    let digits = digits.clamp(6, 8);
    format!("{:0width$}", word % 10_u32.pow(digits), width = digits as usize)
}

/// The time step at `now_ms`, milliseconds since 1970, UTC.
pub(crate) fn step_at(now_ms: i64) -> i64 {
    now_ms.div_euclid(1000 * STEP_S)
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, code};

    /// RFC 6238 appendix B.
    #[test]
    fn the_vectors_of_the_rfc_hold() {
        let secrets: [(Algorithm, &[u8]); 3] = [
            (Algorithm::Sha1, b"12345678901234567890"),
            (Algorithm::Sha256, b"12345678901234567890123456789012"),
            (Algorithm::Sha512, b"1234567890123456789012345678901234567890123456789012345678901234"),
        ];
        let expected = [
            (59_u64, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        for (time, codes) in expected {
            for ((algorithm, secret), expected) in secrets.into_iter().zip(codes) {
                assert_eq!(code(algorithm, secret, time / 30, 8), expected, "{algorithm:?} {time}");
            }
        }
    }

    /// RFC 4226 appendix D.
    #[test]
    fn the_vectors_of_hotp_hold() {
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (count, expected) in (0..).zip(expected) {
            assert_eq!(code(Algorithm::Sha1, b"12345678901234567890", count, 6), expected);
        }
    }
}
