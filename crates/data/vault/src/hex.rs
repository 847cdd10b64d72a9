//! Bytes as lower-case hexadecimal digits, the form of ids, digests and signatures in JSON.

/// The digits of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' - 10 + value });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that lower-case digits stand for.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

/// As [`decode`], for a length that is known.
#[must_use]
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Bytes in JSON, for `#[serde(with = "…")]`.
pub(crate) mod bytes {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::encode(bytes.as_ref()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes =
            super::decode(&text).ok_or_else(|| D::Error::custom("lower-case hexadecimal digits are expected"))?;
        let wrong_length = |_bytes| D::Error::custom("these bytes have another length than expected");
        T::try_from(bytes).map_err(wrong_length)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_and_back() {
        assert_eq!(super::encode(&[0, 0xAB, 0x9F]), "00ab9f");
        assert_eq!(super::decode("00ab9f").as_deref(), Some(&[0, 0xAB, 0x9F][..]));
        for wrong in ["0", "AB", "0g", "0 "] {
            assert_eq!(super::decode(wrong), None, "{wrong}");
        }
    }
}
