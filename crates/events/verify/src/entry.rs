//! Entries, byte by byte. All numbers are big-endian; docs/reference/ledger.md has the same as a table.

use crate::bytes::{Cursor, Short};
use crate::merkle::{Hash, sha256};
use crate::note::{NoteError, SigningKey, VerifierKey};
use crate::tile::ENTRY_BYTES_MAX;

/// The version of this format: the first byte of every entry.
pub const VERSION: u8 = 1;
/// Bytes before the body.
pub const HEADER_BYTES: usize = 46;
/// The longest body.
pub const BODY_BYTES_MAX: usize = ENTRY_BYTES_MAX - HEADER_BYTES;
/// Details of one event.
pub const DETAILS_MAX: usize = 255;
/// Bytes of the salt before a detail's value inside the seal.
pub const SALT_BYTES: usize = 32;

/// Bytes that are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// They end too early.
    #[error(transparent)]
    Short(#[from] Short),
    /// They go on behind the end.
    #[error("{count} bytes follow the entry's end")]
    Long {
        /// How many.
        count: usize,
    },
    /// Another version than 1.
    #[error("version {version} of entries is not known; use a newer verifier")]
    Version {
        /// Which.
        version: u8,
    },
    /// A kind that is not known.
    #[error("kind {kind} of entries is not known; use a newer verifier")]
    Kind {
        /// Which.
        kind: u8,
    },
    /// Text that is not UTF-8.
    #[error("the {what} is not UTF-8")]
    Text {
        /// Which text.
        what: &'static str,
    },
    /// A part is longer than the format can say.
    #[error("the {what} takes {length} bytes, more than {limit}; shorten it")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The longest.
        limit: usize,
    },
    /// A verifier key inside is none.
    #[error(transparent)]
    Key(#[from] NoteError),
}

/// What stands before the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Random id of the process's ledger writer.
    pub writer: [u8; 16],
    /// Number of the entry among the writer's own, from 0.
    pub sequence: u64,
    /// Milliseconds since 1970, UTC. Never less than the entry's before: when the clock went back, the time stands still
    /// and the drift tells.
    pub time_ms: i64,
    /// Milliseconds of a clock that never goes back, since the writer began.
    pub monotonic_ms: u64,
    /// Clock drift in milliseconds: the wall clock minus (the wall clock when the writer began + `monotonic_ms`).
    pub drift_ms: i32,
}

/// A detail as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// What it is, such as `object.name`.
    pub field: &'a str,
    /// Whose key seals it, as `model::Scope` prints.
    pub scope: &'a str,
    /// `HMAC-SHA-256(token key, field ‖ 0x00 ‖ value)`: equal for equal values, for those who hold the key.
    pub token: Hash,
    /// [`commitment`] of salt and value.
    pub commitment: Hash,
    /// `salt ‖ value`, sealed under the scope's key.
    pub sealed: &'a [u8],
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// Something happened.
    Event {
        /// The event in OCSF, as JSON.
        json: &'a str,
        /// Its details.
        details: Vec<Sealed<'a>>,
    },
    /// From the next checkpoint on another key signs.
    Rotation {
        /// The new key.
        key: VerifierKey,
        /// The old key's signature over [`rotation_text`].
        signature: &'a [u8],
    },
    /// A witness saw a checkpoint.
    Cosigned {
        /// The witness's key.
        key: VerifierKey,
        /// The checkpoint with the log's signature and the witness's.
        note: &'a [u8],
    },
    /// A time-stamping authority saw a checkpoint (RFC 3161).
    Anchor {
        /// Size of the tree then.
        size: u64,
        /// The `TimeStampResp`, DER.
        reply: &'a [u8],
    },
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What stands before the body.
    pub header: Header,
    /// The body.
    pub body: Body<'a>,
}

/// `SHA-256("lazaret/commitment/v1" ‖ 0x00 ‖ salt ‖ value)`. The salt lies inside the seal alone: with its key it is gone,
/// and what is left cannot be tried with guesses.
#[must_use]
pub fn commitment(salt: &[u8; SALT_BYTES], value: &[u8]) -> Hash {
    let mut bytes = b"lazaret/commitment/v1\0".to_vec();
    bytes.extend_from_slice(salt);
    bytes.extend_from_slice(value);
    sha256(&bytes)
}

/// What a detail is sealed for, so that it opens nowhere else: its field, the event it belongs to and its commitment.
#[must_use]
pub fn seal_context(field: &str, json: &str, commitment: &Hash) -> Vec<u8> {
    let mut context = b"lazaret/detail/v1\0".to_vec();
    context.extend_from_slice(&sha256(field.as_bytes()));
    context.extend_from_slice(&sha256(json.as_bytes()));
    context.extend_from_slice(commitment);
    context
}

/// What the old key signs to name the new one, in entry `index`.
#[must_use]
pub fn rotation_text(origin: &str, index: u64, key: &VerifierKey) -> String {
    format!("lazaret/rotation/v1\n{origin}\n{index}\n{key}\n")
}

/// The body of a rotation in entry `index`.
///
/// # Errors
/// When the new key's name is too long.
pub fn rotation(index: u64, old: &SigningKey, new: &VerifierKey) -> Result<Vec<u8>, EntryError> {
    let text = rotation_text(old.verifier().name(), index, new);
    let mut body = Vec::new();
    put(&mut body, Width::Two, "verifier key", new.to_string().as_bytes())?;
    body.extend(old.sign_bare(text.as_bytes()));
    Ok(body)
}

/// The body of a cosigned checkpoint.
///
/// # Errors
/// When the witness's name is too long.
pub fn cosigned(key: &VerifierKey, note: &str) -> Result<Vec<u8>, EntryError> {
    let mut body = Vec::new();
    put(&mut body, Width::Two, "verifier key", key.to_string().as_bytes())?;
    body.extend_from_slice(note.as_bytes());
    Ok(body)
}

/// The body of a time stamp.
#[must_use]
pub fn anchor(size: u64, reply: &[u8]) -> Vec<u8> {
    let mut body = size.to_be_bytes().to_vec();
    body.extend_from_slice(reply);
    body
}

/// The body of an event.
///
/// # Errors
/// When a part is longer than the format can say, or all of it than [`BODY_BYTES_MAX`].
pub fn event(json: &str, details: &[Sealed<'_>]) -> Result<Vec<u8>, EntryError> {
    let mut body =
        Vec::with_capacity(json.len() + 3 + details.iter().map(|detail| detail.sealed.len() + 160).sum::<usize>());
    put(&mut body, Width::Two, "event", json.as_bytes())?;
    let too_many = EntryError::TooLong { what: "list of details", length: details.len(), limit: DETAILS_MAX };
    body.push(u8::try_from(details.len()).or(Err(too_many))?);
    for detail in details {
        put(&mut body, Width::One, "field of a detail", detail.field.as_bytes())?;
        put(&mut body, Width::One, "scope of a detail", detail.scope.as_bytes())?;
        body.extend_from_slice(&detail.token);
        body.extend_from_slice(&detail.commitment);
        put(&mut body, Width::Two, "sealed detail", detail.sealed)?;
    }
    check_length(&body)?;
    Ok(body)
}

fn check_length(body: &[u8]) -> Result<(), EntryError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(EntryError::TooLong { what: "entry", length: body.len(), limit: BODY_BYTES_MAX });
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Width {
    One,
    Two,
}

fn put(to: &mut Vec<u8>, width: Width, what: &'static str, bytes: &[u8]) -> Result<(), EntryError> {
    let too_long = |limit| EntryError::TooLong { what, length: bytes.len(), limit };
    match width {
        Width::One => to.push(u8::try_from(bytes.len()).or(Err(too_long(0xFF)))?),
        Width::Two => to.extend(u16::try_from(bytes.len()).or(Err(too_long(0xFFFF)))?.to_be_bytes()),
    }
    to.extend_from_slice(bytes);
    Ok(())
}

/// What kind a body is, as the second byte of its entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`Body::Event`].
    Event = 1,
    /// [`Body::Rotation`].
    Rotation = 2,
    /// [`Body::Cosigned`].
    Cosigned = 3,
    /// [`Body::Anchor`].
    Anchor = 4,
}

/// An entry's bytes.
///
/// # Errors
/// When the body is longer than [`BODY_BYTES_MAX`].
pub fn encode(header: &Header, kind: Kind, body: &[u8]) -> Result<Vec<u8>, EntryError> {
    check_length(body)?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend([VERSION, kind as u8]);
    bytes.extend(header.writer);
    bytes.extend(header.sequence.to_be_bytes());
    bytes.extend(header.time_ms.to_be_bytes());
    bytes.extend(header.monotonic_ms.to_be_bytes());
    bytes.extend(header.drift_ms.to_be_bytes());
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// Reads an entry.
///
/// # Errors
/// When the bytes are none, or more than one.
pub fn parse(bytes: &[u8]) -> Result<Entry<'_>, EntryError> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u8("the version")?;
    if version != VERSION {
        return Err(EntryError::Version { version });
    }
    let kind = cursor.u8("the kind")?;
    let header = Header {
        writer: cursor.array("the writer")?,
        sequence: cursor.u64("the sequence number")?,
        time_ms: i64::from_be_bytes(cursor.array("the time")?),
        monotonic_ms: cursor.u64("the monotonic time")?,
        drift_ms: i32::from_be_bytes(cursor.array("the drift")?),
    };
    let body = match kind {
        1 => parse_event(cursor)?,
        2 => {
            let key = parse_key(&mut cursor)?;
            Body::Rotation { key, signature: cursor.rest() }
        }
        3 => {
            let key = parse_key(&mut cursor)?;
            Body::Cosigned { key, note: cursor.rest() }
        }
        4 => Body::Anchor { size: cursor.u64("the size of the tree")?, reply: cursor.rest() },
        kind => return Err(EntryError::Kind { kind }),
    };
    Ok(Entry { header, body })
}

fn parse_key(cursor: &mut Cursor<'_>) -> Result<VerifierKey, EntryError> {
    let length = cursor.u16("the verifier key")?;
    Ok(text(cursor.take(usize::from(length), "the verifier key")?, "verifier key")?.parse()?)
}

fn parse_event(mut cursor: Cursor<'_>) -> Result<Body<'_>, EntryError> {
    let length = cursor.u16("the length of the event")?;
    let json = text(cursor.take(usize::from(length), "the event")?, "event")?;
    let count = cursor.u8("the number of details")?;
    let mut details = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = cursor.u8("the field of a detail")?;
        let field = text(cursor.take(usize::from(length), "the field of a detail")?, "field of a detail")?;
        let length = cursor.u8("the scope of a detail")?;
        let scope = text(cursor.take(usize::from(length), "the scope of a detail")?, "scope of a detail")?;
        let token = cursor.array("the token of a detail")?;
        let commitment = cursor.array("the commitment of a detail")?;
        let length = cursor.u16("the sealed detail")?;
        let sealed = cursor.take(usize::from(length), "the sealed detail")?;
        details.push(Sealed { field, scope, token, commitment, sealed });
    }
    match cursor.rest().len() {
        0 => Ok(Body::Event { json, details }),
        count => Err(EntryError::Long { count }),
    }
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, EntryError> {
    std::str::from_utf8(bytes).or(Err(EntryError::Text { what }))
}
