//! Checksums of a whole from those of its parts. A CRC is a remainder of polynomials over GF(2), so that the parts'
//! remainders, moved to where each part stands, add up to that of the whole; nothing has to be read again.

use base64_simd::STANDARD;

/// A reflected CRC whose start value and final complement are all ones, as those of S3 are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc {
    /// Bits of a remainder.
    width: u32,
    /// The polynomial without its highest term, lowest power in the highest bit.
    polynomial: u64,
}

/// CRC-32 (RFC 1952 section 8).
pub(crate) const CRC32: Crc = Crc { width: 32, polynomial: 0xEDB8_8320 };
/// CRC-32C (RFC 9260 appendix A).
pub(crate) const CRC32C: Crc = Crc { width: 32, polynomial: 0x82F6_3B78 };
/// CRC-64/NVME (NVM Command Set Specification 1.0c section 5.2.1.3.4).
pub(crate) const CRC64NVME: Crc = Crc { width: 64, polynomial: 0x9A6C_9329_AC4B_C9B5 };

impl Crc {
    /// The polynomial 1.
    const fn one(self) -> u64 {
        1 << (self.width - 1)
    }

    /// `a · b` modulo the polynomial.
    fn multiply(self, a: u64, mut b: u64) -> u64 {
        let (mut product, mut power) = (0, self.one());
        while power != 0 {
            if a & power != 0 {
                product ^= b;
            }
            power >>= 1;
            b = if b & 1 == 0 { b >> 1 } else { (b >> 1) ^ self.polynomial };
        }
        product
    }

    /// `x` to the power of `8 · bytes` modulo the polynomial.
    fn power_of_bytes(self, mut bytes: u64) -> u64 {
        let (mut power, mut square) = (self.one(), self.one() >> 8);
        while bytes != 0 {
            if bytes & 1 == 1 {
                power = self.multiply(power, square);
            }
            square = self.multiply(square, square);
            bytes >>= 1;
        }
        power
    }

    /// The CRC of `a` followed by `b`, which has `b_bytes` bytes.
    fn join(self, a: u64, b: u64, b_bytes: u64) -> u64 {
        self.multiply(self.power_of_bytes(b_bytes), a) ^ b
    }

    /// The CRC of a whole, in base64, from those of its parts in their order, each with its length in bytes. `None` when
    /// there are none or one is not of this width.
    pub(crate) fn of_parts<'a>(self, parts: impl IntoIterator<Item = (&'a str, u64)>) -> Option<String> {
        let mut whole = None;
        for (text, bytes) in parts {
            let crc = self.read(text)?;
            whole = Some(whole.map_or(crc, |whole| self.join(whole, crc, bytes)));
        }
        let bytes = whole?.to_be_bytes();
        Some(STANDARD.encode_to_string(bytes.get(bytes.len() - self.bytes()..)?))
    }

    fn read(self, text: &str) -> Option<u64> {
        let bytes = STANDARD.decode_to_vec(text).ok().filter(|bytes| bytes.len() == self.bytes())?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    const fn bytes(self) -> usize {
        self.width as usize / 8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme};

    use super::{CRC32, CRC32C, CRC64NVME, Crc, STANDARD};

    fn sums(bytes: &[u8]) -> [(Crc, String); 3] {
        let text = |bytes: &[u8]| STANDARD.encode_to_string(bytes);
        [
            (CRC32, text(&Crc32::checksum(bytes))),
            (CRC32C, text(&Crc32c::checksum(bytes))),
            (CRC64NVME, text(&Crc64Nvme::checksum(bytes))),
        ]
    }

    /// The check values of the catalogue of parametrised CRC algorithms: those of `123456789`.
    #[test]
    fn the_check_values_come_out_of_any_division() {
        let whole: [(Crc, &[u8]); 3] = [
            (CRC32, &0xCBF4_3926_u32.to_be_bytes()),
            (CRC32C, &0xE306_9283_u32.to_be_bytes()),
            (CRC64NVME, &0xAE8B_1486_0A79_9888_u64.to_be_bytes()),
        ];
        let text = b"123456789";
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            for (index, (crc, check)) in whole.iter().enumerate() {
                let parts = [(sums(a)[index].1.clone(), a), (sums(b)[index].1.clone(), b)];
                let joined = crc.of_parts(parts.iter().map(|(sum, part)| (sum.as_str(), part.len() as u64)));
                assert_eq!(joined.unwrap(), STANDARD.encode_to_string(check), "at {at}");
            }
        }
    }

    #[test]
    fn what_is_no_sum_makes_none() {
        assert_eq!(CRC32.of_parts([]), None);
        assert_eq!(CRC32.of_parts([("bad", 1)]), None);
        assert_eq!(CRC32.of_parts([("AAAAAAAAAAA=", 1)]), None, "of another width");
        assert_eq!(CRC32.of_parts([("y/Q5Jg==", 9)]).as_deref(), Some("y/Q5Jg=="));
    }

    proptest! {
        #[test]
        fn joined_parts_have_the_sum_of_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..9)) {
            let all = parts.concat();
            for (index, (crc, whole)) in sums(&all).into_iter().enumerate() {
                let own: Vec<String> = parts.iter().map(|part| sums(part)[index].1.clone()).collect();
                let joined = crc.of_parts(own.iter().zip(&parts).map(|(sum, part)| (sum.as_str(), part.len() as u64)));
                prop_assert_eq!(joined.unwrap(), whole);
            }
        }
    }
}
