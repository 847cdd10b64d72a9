//! What waits in the spool, byte by byte: one frame a record. All numbers are big-endian; docs/reference/intake.md has the
//! same as a table.

use std::net::IpAddr;

use intake::Family;

/// The longest name of a source, in bytes.
pub const SOURCE_BYTES_MAX: usize = 128;
/// The longest note (why a record cannot be read, or whose mark it is), in bytes.
pub const NOTE_BYTES_MAX: usize = 512;

/// Of what cannot be read, so much goes on, in bytes; an entry of the ledger holds less.
pub(crate) const UNREADABLE_BYTES_MAX: usize = 64 << 10;

const MESSAGE: u8 = 1;
const RECORD: u8 = 2;
const UNREADABLE: u8 = 3;
const MARK: u8 = 4;

/// One record on its way, or a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The listener, folder or token that it came through.
    pub source: String,
    /// When it came, in milliseconds since 1970, UTC.
    pub arrival_ms: i64,
    /// The address that sent it, where it came from a socket.
    pub peer: Option<IpAddr>,
    /// Bytes that were cut off before it came here.
    pub cut_bytes: u64,
    /// What came.
    pub payload: Payload,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A message as it was sent, not read yet.
    Message(Vec<u8>),
    /// A record that was read.
    Record {
        /// What wrote it.
        family: Family,
        /// One JSON object.
        json: Vec<u8>,
    },
    /// Something that could not be read.
    Unreadable {
        /// Why.
        why: String,
        /// It.
        bytes: Vec<u8>,
    },
    /// How far a listener has read what the frames before this one came from. Durable together with them.
    Mark {
        /// Whose.
        key: String,
        /// How far; empty when it can be forgotten.
        value: Vec<u8>,
    },
}

/// Bytes that are no frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no frame of the spool: {0}")]
pub struct FrameError(pub(crate) &'static str);

impl Frame {
    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let note = match &self.payload {
            Payload::Message(bytes) => bytes.len(),
            Payload::Record { family, json } => family.as_str().len() + json.len(),
            Payload::Unreadable { why, bytes } => why.len() + bytes.len(),
            Payload::Mark { key, value } => key.len() + value.len(),
        };
        note + self.source.len() + 42
    }

    /// Whether it is a record, and no mark.
    #[must_use]
    pub const fn is_record(&self) -> bool {
        !matches!(self.payload, Payload::Mark { .. })
    }

    /// Appends it to `out`. Names and notes are cut to what the form can hold.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let family;
        let (kind, note, bytes): (u8, &str, &[u8]) = match &self.payload {
            Payload::Message(bytes) => (MESSAGE, "", bytes),
            Payload::Record { family: of, json } => {
                family = of.as_str();
                (RECORD, family, json)
            }
            Payload::Unreadable { why, bytes } => (UNREADABLE, why, bytes),
            Payload::Mark { key, value } => (MARK, key, value),
        };
        let (source, note) = (cut(&self.source, SOURCE_BYTES_MAX), cut(note, NOTE_BYTES_MAX));
        out.push(kind);
        out.extend_from_slice(&self.arrival_ms.to_be_bytes());
        out.extend_from_slice(&self.cut_bytes.to_be_bytes());
        match self.peer {
            None => out.push(0),
            Some(IpAddr::V4(address)) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            Some(IpAddr::V6(address)) => {
                out.push(16);
                out.extend_from_slice(&address.octets());
            }
        }
        out.push(u8::try_from(source.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(source.as_bytes());
        out.extend_from_slice(&u16::try_from(note.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(note.as_bytes());
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(bytes);
    }

    /// Reads one frame off the front of `bytes`.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, FrameError> {
        let kind = take::<1>(bytes)?[0];
        let arrival_ms = i64::from_be_bytes(take(bytes)?);
        let cut_bytes = u64::from_be_bytes(take(bytes)?);
        let peer = match take::<1>(bytes)?[0] {
            0 => None,
            4 => Some(IpAddr::from(take::<4>(bytes)?)),
            16 => Some(IpAddr::from(take::<16>(bytes)?)),
            _ => return Err(FrameError("an address is of 0, 4 or 16 bytes")),
        };
        let length = usize::from(take::<1>(bytes)?[0]);
        let source = text(bytes, length)?;
        let length = usize::from(u16::from_be_bytes(take(bytes)?));
        let note = text(bytes, length)?;
        let length = usize::try_from(u32::from_be_bytes(take(bytes)?)).unwrap_or(usize::MAX);
        let body = slice(bytes, length)?.to_vec();
        let payload = match kind {
            MESSAGE if note.is_empty() => Payload::Message(body),
            RECORD => {
                let family = Family::named(&note).ok_or(FrameError("its family is not known"))?;
                Payload::Record { family, json: body }
            }
            UNREADABLE => Payload::Unreadable { why: note, bytes: body },
            MARK => Payload::Mark { key: note, value: body },
            _ => return Err(FrameError("its kind is not known")),
        };
        Ok(Self { source, arrival_ms, peer, cut_bytes, payload })
    }
}

/// What of something that cannot be read goes on, and how many bytes do not.
pub(crate) fn unreadable(why: String, bytes: &[u8]) -> (Payload, u64) {
    let kept = bytes.get(..UNREADABLE_BYTES_MAX).unwrap_or(bytes);
    (Payload::Unreadable { why, bytes: kept.to_vec() }, (bytes.len() - kept.len()) as u64)
}

/// The first `most` bytes of `text`, whole characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(FrameError("it ends too early"))?;
    *bytes = rest;
    Ok(*taken)
}

fn slice<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], FrameError> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(FrameError("it ends too early"))?;
    *bytes = rest;
    Ok(taken)
}

fn text(bytes: &mut &[u8], length: usize) -> Result<String, FrameError> {
    let text = std::str::from_utf8(slice(bytes, length)?).map_err(|_utf8| FrameError("a name is not UTF-8"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Frame, Payload};
    use intake::Family;
    use proptest::prelude::*;

    fn payload() -> impl Strategy<Value = Payload> {
        prop_oneof![
            any::<Vec<u8>>().prop_map(Payload::Message),
            (0..19_usize, any::<Vec<u8>>())
                .prop_map(|(family, json)| Payload::Record { family: Family::ALL[family], json }),
            (".{0,40}", any::<Vec<u8>>()).prop_map(|(why, bytes)| Payload::Unreadable { why, bytes }),
            (".{0,40}", any::<Vec<u8>>()).prop_map(|(key, value)| Payload::Mark { key, value }),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written(
            source in ".{0,30}", arrival_ms: i64, cut_bytes: u64, peer: Option<std::net::IpAddr>, payload in payload(),
        ) {
            let frame = Frame { source, arrival_ms, peer, cut_bytes, payload };
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            prop_assert!(bytes.len() <= frame.bytes());
            for end in 0..bytes.len() {
                prop_assert!(Frame::decode(&mut &bytes[..end]).is_err());
            }
            let mut rest = bytes.as_slice();
            prop_assert_eq!(Frame::decode(&mut rest).unwrap(), frame);
            prop_assert!(rest.is_empty());
        }
    }
}
