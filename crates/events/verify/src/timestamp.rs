//! Time stamps (RFC 3161): the request, and the least that must hold of a reply. The authority's own signature is for its
//! tools to verify (`openssl ts -verify`): an organisation's trust anchors are not this program's.

use crate::bytes::{Cursor, Short};
use crate::merkle::Hash;

/// The longest reply that is looked at: what fits into an entry, in bytes.
pub const REPLY_BYTES_MAX: usize = 60_000;
/// `AlgorithmIdentifier` of SHA-256: OID 2.16.840.1.101.3.4.2.1 with NULL.
const SHA256: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// OID 2.16.840.1.101.3.4.2.1, with tag and length.
const SHA256_OID: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// OID 1.2.840.113549.1.7.2, `id-signedData`.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// OID 1.2.840.113549.1.9.16.1.4, `id-ct-TSTInfo`.
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TIME: u8 = 0x18;
const EXPLICIT_0: u8 = 0xa0;

/// A reply that is none, or not for this hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It ends too early.
    #[error(transparent)]
    Short(#[from] Short),
    /// It is not built as RFC 3161 says.
    #[error("the reply of the time-stamping authority has no {what}")]
    Form {
        /// What is missing.
        what: &'static str,
    },
    /// The authority refused.
    #[error("the time-stamping authority refused with status {status}; ask its operator")]
    Refused {
        /// `PKIStatus`.
        status: u64,
    },
    /// It is about something else.
    #[error("the time stamp is for another hash")]
    OtherImprint,
    /// It answers another request.
    #[error("the time stamp answers another request")]
    OtherNonce,
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The hash that was stamped.
    pub imprint: Hash,
    /// When, in milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// The nonce of the request, without leading zeros.
    pub nonce: Vec<u8>,
}

/// A `TimeStampReq` for a SHA-256 hash, asking for the authority's certificate.
#[must_use]
pub fn request(imprint: &Hash, nonce: u64) -> Vec<u8> {
    let mut digest = SHA256.to_vec();
    digest.extend(element(OCTETS, imprint));
    let mut body = element(INTEGER, &[1]);
    body.extend(element(SEQUENCE, &digest));
    body.extend(element(INTEGER, &integer(nonce)));
    body.extend([0x01, 0x01, 0xff]);
    element(SEQUENCE, &body)
}

/// A positive integer's content bytes: shortest form, with a zero before a set high bit.
fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let skip = bytes.iter().take(7).take_while(|byte| **byte == 0).count();
    let mut content: Vec<u8> = bytes.iter().skip(skip).copied().collect();
    if content.first().is_some_and(|byte| *byte >= 0x80) {
        content.insert(0, 0);
    }
    content
}

/// Tag, length and content; contents here are shorter than 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, u8::try_from(content.len()).unwrap_or(0x7f)];
    bytes.extend_from_slice(content);
    bytes
}

/// Reads a `TimeStampResp`.
///
/// # Errors
/// When it is none, or a refusal.
pub fn parse(reply: &[u8]) -> Result<Stamp, StampError> {
    let mut outer = Cursor::new(reply);
    let mut response = Cursor::new(expect(&mut outer, SEQUENCE, "response")?);
    if !outer.rest().is_empty() {
        return Err(StampError::Form { what: "end where it should end" });
    }
    let mut status = Cursor::new(expect(&mut response, SEQUENCE, "status")?);
    let status = number(expect(&mut status, INTEGER, "status")?);
    // RFC 3161 §2.4.2: 0 granted, 1 granted with modifications.
    if status > 1 {
        return Err(StampError::Refused { status });
    }
    let mut content = Cursor::new(expect(&mut response, SEQUENCE, "token")?);
    named(&mut content, SIGNED_DATA, "signed data")?;
    let mut explicit = Cursor::new(expect(&mut content, EXPLICIT_0, "signed data")?);
    let mut signed = Cursor::new(expect(&mut explicit, SEQUENCE, "signed data")?);
    expect(&mut signed, INTEGER, "version")?;
    expect(&mut signed, SET, "digest algorithms")?;
    let mut info = Cursor::new(expect(&mut signed, SEQUENCE, "content")?);
    named(&mut info, TST_INFO, "time-stamp content")?;
    let mut explicit = Cursor::new(expect(&mut info, EXPLICIT_0, "time-stamp content")?);
    let mut octets = Cursor::new(expect(&mut explicit, OCTETS, "time-stamp content")?);
    tst_info(expect(&mut octets, SEQUENCE, "time-stamp information")?)
}

/// RFC 3161 §2.4.2, `TSTInfo`.
fn tst_info(bytes: &[u8]) -> Result<Stamp, StampError> {
    let mut info = Cursor::new(bytes);
    expect(&mut info, INTEGER, "version")?;
    expect(&mut info, OID, "policy")?;
    let mut imprint = Cursor::new(expect(&mut info, SEQUENCE, "message imprint")?);
    let algorithm = expect(&mut imprint, SEQUENCE, "hash algorithm")?;
    if !algorithm.starts_with(SHA256_OID) {
        return Err(StampError::Form { what: "SHA-256 imprint" });
    }
    let imprint = Hash::try_from(expect(&mut imprint, OCTETS, "message imprint")?)
        .or(Err(StampError::Form { what: "imprint of 32 bytes" }))?;
    expect(&mut info, INTEGER, "serial number")?;
    let time = expect(&mut info, TIME, "time")?;
    let time_ms = time_ms(time).ok_or(StampError::Form { what: "time in UTC" })?;
    let mut nonce = Vec::new();
    while !info.rest().is_empty() {
        let (tag, content) = any(&mut info)?;
        if tag == INTEGER {
            nonce = content.iter().copied().skip_while(|byte| *byte == 0).collect();
        }
    }
    Ok(Stamp { imprint, time_ms, nonce })
}

/// Reads a reply and holds it against the request.
///
/// # Errors
/// When it is none, a refusal, or for another hash or request.
pub fn check(reply: &[u8], imprint: &Hash, nonce: u64) -> Result<Stamp, StampError> {
    let stamp = parse(reply)?;
    let asked: Vec<u8> = nonce.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if stamp.imprint != *imprint {
        Err(StampError::OtherImprint)
    } else if stamp.nonce != asked {
        Err(StampError::OtherNonce)
    } else {
        Ok(stamp)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum: u64, byte| sum.saturating_mul(256).saturating_add(u64::from(*byte)))
}

fn named(cursor: &mut Cursor<'_>, oid: &[u8], what: &'static str) -> Result<(), StampError> {
    if expect(cursor, OID, what)? == oid { Ok(()) } else { Err(StampError::Form { what }) }
}

fn expect<'a>(cursor: &mut Cursor<'a>, tag: u8, what: &'static str) -> Result<&'a [u8], StampError> {
    match any(cursor)? {
        (found, content) if found == tag => Ok(content),
        _ => Err(StampError::Form { what }),
    }
}

/// The next DER element: its tag and content (X.690 §8.1).
fn any<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, &'a [u8]), StampError> {
    let tag = cursor.u8("a tag")?;
    let length = match cursor.u8("a length")? {
        short if short < 0x80 => usize::from(short),
        0x81 => usize::from(cursor.u8("a length")?),
        0x82 => usize::from(cursor.u16("a length")?),
        _ => return Err(StampError::Form { what: "element of less than 64 KiB" }),
    };
    Ok((tag, cursor.take(length, "an element")?))
}

/// `YYYYMMDDHHMMSS[.f…]Z` (RFC 3161 §2.4.2) in milliseconds since 1970.
fn time_ms(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let holds = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    // Days since 1970 of a date in the Gregorian calendar: years begin in March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    holds.then_some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::{parse, request, time_ms};

    #[test]
    fn times_are_read() {
        assert_eq!(time_ms(b"19700101000000Z"), Some(0));
        assert_eq!(time_ms(b"20000229235959.5Z"), Some(951_868_799_500));
        assert_eq!(time_ms(b"20261124215327Z"), Some(1_795_557_207_000));
        for wrong in [&b""[..], b"Z", b"20261324215327Z", b"20261124215327", b"2026112421532xZ"] {
            assert_eq!(time_ms(wrong), None);
        }
    }

    #[test]
    fn nothing_is_read_from_a_request_or_from_rubbish() {
        let request = request(&[5; 32], u64::MAX);
        for cut in 0..request.len() {
            assert!(parse(&request[..cut]).is_err());
        }
    }
}
