//! Where an object's bytes come from: a stream, or something that can seek.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use encoding_rs::Encoding;

use crate::Problem;

/// How many leading bytes detection may look at.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// Reads and seeks.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The bytes themselves.
pub(crate) enum Body<'a> {
    /// Whole, from the first byte.
    Stream(Box<dyn Read + 'a>),
    /// With random access.
    Seek(Box<dyn ReadSeek + 'a>),
}

/// A part of a file with random access, as a file of its own.
pub(crate) struct Window<'a, F: ?Sized> {
    file: &'a mut F,
    start: u64,
    len: u64,
    at: u64,
}

impl<'a, F: ReadSeek + ?Sized> Window<'a, F> {
    pub(crate) fn new(file: &'a mut F, start: u64, len: u64) -> Self {
        Self { file, start, len, at: 0 }
    }
}

impl<F: ReadSeek + ?Sized> Read for Window<'_, F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let n = left.min(buf.len());
        if n == 0 {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let n = self.file.read(buf.get_mut(..n).unwrap_or_default())?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += n as u64;
        Ok(n)
    }
}

impl<F: ReadSeek + ?Sized> Seek for Window<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The bytes of one object with its first [`HEAD_BYTES`] already at hand.
pub struct Source<'a> {
    head: Vec<u8>,
    body: Body<'a>,
    len: Option<u64>,
    complete: bool,
    tally: Rc<Tally>,
    encoding: Option<&'static Encoding>,
}

/// How much of a stream was read.
#[derive(Default)]
pub(crate) struct Tally {
    bytes: Cell<u64>,
    ended: Cell<bool>,
}

impl Tally {
    /// The stream's length where it was read to its end, else the larger of what was read and what was declared.
    pub(crate) fn len(&self, declared: Option<u64>) -> u64 {
        if self.ended.get() { self.bytes.get() } else { self.bytes.get().max(declared.unwrap_or(0)) }
    }
}

struct Tallied<R> {
    inner: R,
    tally: Rc<Tally>,
}

impl<R: Read> Read for Tallied<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.tally.bytes.set(self.tally.bytes.get() + n as u64);
        if n == 0 && !buf.is_empty() {
            self.tally.ended.set(true);
        }
        Ok(n)
    }
}

/// Where a stream failed within its first bytes: it fails again once they have been looked at.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}

impl<'a> Source<'a> {
    /// From a stream that cannot seek; `len` when it is known. A stream that fails within its first bytes is read
    /// as far as it goes, and fails there.
    ///
    /// # Errors
    /// When not even its first byte can be read.
    pub fn stream(stream: impl Read + 'a, len: Option<u64>) -> io::Result<Self> {
        let tally = Rc::<Tally>::default();
        let mut stream = Tallied { inner: stream, tally: Rc::clone(&tally) };
        let (head, failed) = read_head(&mut stream);
        let body: Body<'a> = match failed {
            Some(error) if head.is_empty() => return Err(error),
            Some(error) => Body::Stream(Box::new(Failed(Some(error)))),
            None => Body::Stream(Box::new(stream)),
        };
        let complete = tally.ended.get();
        Ok(Self { head, body, len, complete, tally, encoding: None })
    }

    /// From something that can seek, such as a file. It is read from its start.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn seek(mut file: impl ReadSeek + 'a) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let (head, failed) = read_head(&mut file);
        if let Some(error) = failed {
            return Err(error);
        }
        let complete = head.len() as u64 >= len;
        let body = Body::Seek(Box::new(file));
        Ok(Self { head, body, len: Some(len), complete, tally: Rc::default(), encoding: None })
    }

    /// From bytes in memory.
    #[must_use]
    pub fn bytes(bytes: &'a [u8]) -> Self {
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes).to_vec();
        let mut cursor = Cursor::new(bytes);
        cursor.set_position(head.len() as u64);
        let complete = head.len() == bytes.len();
        let len = Some(bytes.len() as u64);
        Self { head, body: Body::Seek(Box::new(cursor)), len, complete, tally: Rc::default(), encoding: None }
    }

    /// Says what the object's container states about its encoding.
    pub(crate) fn encoded_in(mut self, encoding: Option<&'static Encoding>) -> Self {
        self.encoding = encoding;
        self
    }

    /// The encoding that the object's container states.
    pub(crate) fn encoding(&self) -> Option<&'static Encoding> {
        self.encoding
    }

    /// The first bytes, for detection: all of them when the object is shorter than 64 KiB.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether the head is the whole object.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Counts what is read of a stream from here on.
    pub(crate) fn tally(&self) -> Rc<Tally> {
        Rc::clone(&self.tally)
    }

    /// The bytes, as a stream or with random access, from the first one on.
    pub(crate) fn into_body(self) -> Body<'a> {
        match self.body {
            Body::Stream(rest) => Body::Stream(Box::new(Cursor::new(self.head).chain(rest))),
            Body::Seek(file) => Body::Seek(file),
        }
    }

    /// The same object with random access where it is not longer than `limit`, else still as a stream. Says how many
    /// bytes are now held in memory.
    pub(crate) fn hold(self, limit: usize) -> Result<(Self, usize), crate::ReadError> {
        let Body::Stream(mut rest) = self.body else { return Ok((self, 0)) };
        let mut bytes = self.head.clone();
        let room = (limit as u64 + 1).saturating_sub(bytes.len() as u64);
        (&mut rest).take(room).read_to_end(&mut bytes)?;
        let held = bytes.len();
        let (body, len, bytes_held): (Body<'a>, _, _) = if held > limit {
            let tail = bytes.split_off(self.head.len().min(held));
            (Body::Stream(Box::new(Cursor::new(tail).chain(rest))), self.len, 0)
        } else {
            (Body::Seek(Box::new(Cursor::new(bytes))), Some(held as u64), held)
        };
        Ok((
            Self { head: self.head, body, len, complete: self.complete, tally: self.tally, encoding: self.encoding },
            bytes_held,
        ))
    }

    /// The object's length, when it is known beforehand.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        self.len
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

fn read_head(stream: &mut impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::with_capacity(4096);
    let failed = stream.take(HEAD_BYTES as u64).read_to_end(&mut head).err();
    (head, failed)
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
