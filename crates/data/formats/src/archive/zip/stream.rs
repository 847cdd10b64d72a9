//! An archive by its local headers, as they come: for streams, and where the directory is missing or damaged.

use std::io::{self, BufRead, Read};

use crate::archive::buffered::{Buffered, Metered};
use crate::{Member, Problem, ReadError, Reader, Source};

use super::Entry;
use super::directory::{entry_name, u16_at, u32_at, widen};
use super::member::{LOCAL_HEADER, LOCAL_HEADER_BYTES, decoder, encrypted};

const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// The sizes stand behind the data (APPNOTE 4.4.4).
const FLAG_DESCRIPTOR: u16 = 1 << 3;

pub(super) fn read(body: impl Read, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut input = Buffered::new(body);
    let mut resynchronised = false;
    loop {
        reader.check()?;
        match input.peek(4)? {
            signature if *signature == LOCAL_HEADER => {
                if !read_member(&mut input, reader)? {
                    resynchronised |= seek_member(&mut input, reader, resynchronised)?;
                }
            }
            [b'P', b'K', 1, 2] | [b'P', b'K', 5, 6] | [b'P', b'K', 6, 6..=8] => return Ok(()),
            signature if *signature == DESCRIPTOR => input.skip(4)?,
            signature if signature.len() < 4 => {
                return Err(Problem::truncated("the archive ends before its directory").into());
            }
            _ => resynchronised |= seek_member(&mut input, reader, resynchronised)?,
        }
    }
}

/// Passes over damaged bytes to where a member or the directory seems to begin, and says so once.
fn seek_member<R: Read>(input: &mut Buffered<R>, reader: &mut Reader<'_, '_>, said: bool) -> Result<bool, ReadError> {
    if !said {
        reader.problem(Problem::malformed("damaged between members; what could be found behind was read"))?;
    }
    loop {
        let window = input.peek(64 * 1024)?;
        if window.len() < 4 {
            let rest = window.len();
            input.consume(rest);
            return Ok(true);
        }
        let begins = |w: &[u8]| matches!(w, [b'P', b'K', 3, 4] | [b'P', b'K', 1, 2] | [b'P', b'K', 5, 6]);
        let found = memchr::memmem::find_iter(window, b"PK").find(|&at| window.get(at..at + 4).is_some_and(begins));
        let (skip, done) = match found {
            Some(at) => (at, true),
            None => (window.len() - 3, false),
        };
        input.consume(skip);
        if done {
            return Ok(true);
        }
        reader.check()?;
    }
}

/// Reads one member; `false` when where it ends is not known.
fn read_member<R: Read>(input: &mut Buffered<R>, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
    let (entry, has_descriptor) = local_header(input)?;
    let member = Member { name: &entry.name, len: (!has_descriptor).then_some(entry.size) };
    if entry.is_folder() {
        input.skip(entry.packed)?;
        return Ok(true);
    }
    let open_ended = has_descriptor && entry.packed == 0;
    if entry.is_encrypted() {
        reader.unreadable_member(&member, encrypted())?;
    } else if !open_ended {
        let start = input.consumed().get();
        let mut limited = (&mut *input).take(entry.packed);
        stream_member(&mut limited, &entry, reader, &member)?;
        let read = input.consumed().get() - start;
        input.skip(entry.packed.saturating_sub(read))?;
    } else if entry.method == 0 {
        let problem = "is stored in a stream without its length, so its end cannot be told; unpack it first";
        reader.unreadable_member(&member, Problem::unsupported(problem))?;
        return Ok(false);
    } else {
        return open_ended_member(input, &entry, reader, &member);
    }
    if entry.is_encrypted() {
        input.skip(entry.packed)?;
    }
    if has_descriptor && input.peek(4)? == DESCRIPTOR {
        input.skip(16)?;
    }
    Ok(!(entry.is_encrypted() && open_ended))
}

/// A member whose length stands in a descriptor behind it: the compressed data itself tells where it ends.
fn open_ended_member<R: Read>(
    input: &mut Buffered<R>,
    entry: &Entry,
    reader: &mut Reader<'_, '_>,
    member: &Member<'_>,
) -> Result<bool, ReadError> {
    let start = input.consumed().get();
    let Some(out) = stream_member(input, entry, reader, member)? else { return Ok(false) };
    let packed = input.consumed().get() - start;
    let ahead = input.peek(24)?;
    let signature = if ahead.starts_with(&DESCRIPTOR) { 4 } else { 0 };
    let at = |at: usize| u64::from(u32_at(ahead, signature + 4 + at));
    // Sizes are 4 bytes each, or 8 in a zip64 archive.
    let len = if at(0) == packed & 0xFFFF_FFFF && at(4) == out & 0xFFFF_FFFF { 12 } else { 20 };
    input.skip(signature as u64 + len)?;
    Ok(true)
}

/// Reads a member to its end and gives its expanded length, or `None` where it could not be read to its end.
fn stream_member(
    input: &mut impl BufRead,
    entry: &Entry,
    reader: &mut Reader<'_, '_>,
    member: &Member<'_>,
) -> Result<Option<u64>, ReadError> {
    let mut counted = Consumed { inner: input, count: Default::default() };
    let packed = std::rc::Rc::clone(&counted.count);
    let decoder = match decoder(entry.method, &mut counted, entry.size) {
        Ok(decoder) => decoder,
        Err(error) => {
            unreadable(error, reader, member)?;
            return Ok(None);
        }
    };
    let mut output = Metered::new(decoder, reader.meter(), packed);
    match Source::stream(&mut output, None) {
        Ok(source) => reader.member(member, source)?,
        Err(error) => {
            unreadable(error.into(), reader, member)?;
            return Ok(None);
        }
    }
    match io::copy(&mut output, &mut io::sink()) {
        Ok(_) => Ok(Some(output.out())),
        Err(error) => match ReadError::from(error).into_problem() {
            Some(_) => Ok(None),
            None => Err(crate::Halt.into()),
        },
    }
}

fn unreadable(error: ReadError, reader: &mut Reader<'_, '_>, member: &Member<'_>) -> Result<(), ReadError> {
    match error.into_problem() {
        Some(problem) => reader.unreadable_member(member, problem),
        None => Err(crate::Halt.into()),
    }
}

fn local_header<R: Read>(input: &mut Buffered<R>) -> Result<(Entry, bool), ReadError> {
    let fixed = input.array::<LOCAL_HEADER_BYTES>()?;
    let mut name = vec![0; usize::from(u16_at(&fixed, 26))];
    input.read_exact(&mut name)?;
    let mut extra = vec![0; usize::from(u16_at(&fixed, 28))];
    input.read_exact(&mut extra)?;
    let flags = u16_at(&fixed, 6);
    let mut entry = Entry {
        name: entry_name(&name, &extra, flags),
        header_at: 0,
        packed: u64::from(u32_at(&fixed, 18)),
        size: u64::from(u32_at(&fixed, 22)),
        crc: u32_at(&fixed, 14),
        method: u16_at(&fixed, 8),
        flags,
    };
    widen(&extra, &mut [&mut entry.size, &mut entry.packed]);
    Ok((entry, flags & FLAG_DESCRIPTOR != 0))
}

/// Counts what a decoder consumes of input that somebody else owns.
struct Consumed<'a, B> {
    inner: &'a mut B,
    count: crate::archive::buffered::Count,
}

impl<B: BufRead> Read for Consumed<'_, B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

impl<B: BufRead> BufRead for Consumed<'_, B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }
    fn consume(&mut self, n: usize) {
        self.count.set(self.count.get() + n as u64);
        self.inner.consume(n);
    }
}
