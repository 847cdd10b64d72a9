//! Buffered input that can look ahead and counts, and output that is metered against the limits.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use flate2::Crc;

use crate::budget::Meter;

const BUFFER_BYTES: usize = 64 * 1024;
/// Expanded bytes between two looks at the budget.
const METER_BYTES: u64 = 64 * 1024;
/// Expanded bytes between two looks at the clock and at cancellation.
const CHECK_BYTES: u64 = 1 << 20;

/// A shared count of bytes.
pub(crate) type Count = Rc<Cell<u64>>;

/// Buffered input whose next bytes can be looked at, and which counts what was consumed.
pub(crate) struct Buffered<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    consumed: Count,
}

impl<R: Read> Buffered<R> {
    pub(crate) fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { inner, buffer, start: 0, end: 0, consumed: Count::default() }
    }

    /// Bytes consumed so far, as a handle that stays up to date.
    pub(crate) fn consumed(&self) -> Count {
        Rc::clone(&self.consumed)
    }

    /// The next `n` bytes without consuming them; fewer at the end of the input. `n` is at most 64 KiB.
    pub(crate) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let n = n.min(BUFFER_BYTES);
        if self.end - self.start < n {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < n {
                match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                    Ok(0) => break,
                    Ok(read) => self.end += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let to = self.end.min(self.start + n);
        Ok(self.buffer.get(self.start..to).unwrap_or_default())
    }

    /// Consumes exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Consumes `n` bytes unseen.
    pub(crate) fn skip(&mut self, n: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.take(n), &mut io::sink())?;
        if skipped == n { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl<R: Read> BufRead for Buffered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.peek(1)?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.consumed.set(self.consumed.get() + n as u64);
    }
}

impl<R: Read> Read for Buffered<R> {
    /// Small reads are filled whole, because some decoders take a short read for the end.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = if buf.len() <= 64 { self.peek(buf.len())? } else { self.fill_buf()? };
        let n = available.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), available.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

/// Expanded output, counted against the limits as it is read.
pub(crate) struct Metered<'b, R> {
    inner: R,
    meter: Meter<'b>,
    packed: Count,
    packed_before: u64,
    out: u64,
    unmetered: u64,
    unchecked: u64,
    /// Why the decoder gave up. Some go round for ever when they are read again after that.
    failed: Option<(io::ErrorKind, String)>,
}

impl<'b, R> Metered<'b, R> {
    /// `packed` counts the compressed bytes that `inner` consumes.
    pub(crate) fn new(inner: R, meter: Meter<'b>, packed: Count) -> Self {
        let packed_before = packed.get();
        Self { inner, meter, packed, packed_before, out: 0, unmetered: 0, unchecked: 0, failed: None }
    }

    /// Bytes given out so far.
    pub(crate) fn out(&self) -> u64 {
        self.out
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, why)) = &self.failed {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let n = self.inner.read(buf).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some((error.kind(), error.to_string()));
            }
        })?;
        self.out += n as u64;
        self.unmetered += n as u64;
        self.unchecked += n as u64;
        if self.unmetered >= METER_BYTES || n == 0 {
            let packed = self.packed.get().saturating_sub(self.packed_before);
            let unmetered = std::mem::take(&mut self.unmetered);
            self.meter.expanded(unmetered, self.out, Some(packed)).map_err(crate::ReadError::from)?;
        }
        if self.unchecked >= CHECK_BYTES {
            self.unchecked = 0;
            self.meter.check()?;
        }
        Ok(n)
    }
}

/// Output whose CRC-32 is checked at its end.
pub(crate) struct Checked<R> {
    inner: R,
    crc: Crc,
    expected: u32,
}

impl<R> Checked<R> {
    pub(crate) fn new(inner: R, expected: u32) -> Self {
        Self { inner, crc: Crc::new(), expected }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.crc.update(buf.get(..n).unwrap_or_default());
        if n == 0 && !buf.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match"));
        }
        Ok(n)
    }
}
