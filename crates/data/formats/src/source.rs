//! Where an object's bytes come from: a stream, or something that can seek.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use crate::Problem;

/// How many leading bytes detection may look at.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// Reads and seeks.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

enum Body<'a> {
    Stream(Box<dyn Read + 'a>),
    Seek(Box<dyn ReadSeek + 'a>),
}

/// The bytes of one object with its first [`HEAD_BYTES`] already at hand.
pub struct Source<'a> {
    head: Vec<u8>,
    body: Body<'a>,
    len: Option<u64>,
}

impl<'a> Source<'a> {
    /// From a stream that cannot seek; `len` when it is known.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn stream(mut stream: impl Read + 'a, len: Option<u64>) -> io::Result<Self> {
        let head = read_head(&mut stream)?;
        Ok(Self { head, body: Body::Stream(Box::new(stream)), len })
    }

    /// From something that can seek, such as a file. It is read from its start.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn seek(mut file: impl ReadSeek + 'a) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let head = read_head(&mut file)?;
        Ok(Self { head, body: Body::Seek(Box::new(file)), len: Some(len) })
    }

    /// From bytes in memory.
    #[must_use]
    pub fn bytes(bytes: &'a [u8]) -> Self {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes).to_vec();
        let mut cursor = Cursor::new(bytes);
        cursor.set_position(head.len() as u64);
        Self { head, body: Body::Seek(Box::new(cursor)), len: Some(bytes.len() as u64) }
    }

    /// The first bytes, for detection: all of them when the object is shorter than 64 KiB.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The object's length, when it is known beforehand.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.len
    }

    /// Whether the head is the whole object.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.head.len() < HEAD_BYTES || self.len.is_some_and(|len| len <= self.head.len() as u64)
    }

    /// Whether the object is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Whether the source can seek without being held whole.
    #[must_use]
    pub fn can_seek(&self) -> bool {
        matches!(self.body, Body::Seek(_))
    }

    /// The whole object from its first byte, as a stream.
    #[must_use]
    pub fn into_stream(self) -> Box<dyn Read + 'a> {
        match self.body {
            Body::Stream(rest) => Box::new(Cursor::new(self.head).chain(rest)),
            Body::Seek(rest) => Box::new(Cursor::new(self.head).chain(rest)),
        }
    }

    /// The whole object with random access, positioned at its start. A stream is held in memory up to `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read, or a stream is longer than `limit`.
    pub fn into_seek(self, limit: usize) -> Result<Box<dyn ReadSeek + 'a>, crate::ReadError> {
        match self.body {
            Body::Seek(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(file)
            }
            Body::Stream(rest) => Ok(Box::new(Cursor::new(collect(self.head, rest, limit)?))),
        }
    }

    /// The whole object in memory, up to `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than `limit`.
    pub fn into_bytes(self, limit: usize) -> Result<Vec<u8>, crate::ReadError> {
        match self.body {
            Body::Stream(rest) => collect(self.head, rest, limit),
            Body::Seek(rest) => collect(self.head, rest, limit),
        }
    }
}

fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4096);
    stream.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn collect(head: Vec<u8>, rest: impl Read, limit: usize) -> Result<Vec<u8>, crate::ReadError> {
    let mut bytes = head;
    let room = (limit as u64 + 1).saturating_sub(bytes.len() as u64);
    rest.take(room).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(Problem::limit(format!(
            "needs random access and is larger than {limit} bytes inside a stream; unpack it first or raise `limits.whole_bytes_max`"
        ))
        .into());
    }
    Ok(bytes)
}
