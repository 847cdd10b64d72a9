//! A bounded look at a 7-Zip header before the library reads it: whether every count and size in it fits into it. The
//! library trusts them, and follows a size that is negative as a signed number backwards, round and round.
//!
//! The layout is that of 7-Zip's DOC/7zFormat.txt; it is read in the order in which the library reads it, so that both
//! see the same bytes as the same thing.

use crate::Problem;

/// Coders of one block, and streams of one coder, that real archives do not reach (7-Zip itself allows 32 and 32).
const CODERS_MAX: u64 = 32;

const END: u8 = 0;
const HEADER: u8 = 0x01;
const ARCHIVE_PROPERTIES: u8 = 0x02;
const MAIN_STREAMS: u8 = 0x04;
const FILES: u8 = 0x05;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SUB_STREAMS: u8 = 0x08;
const SIZE: u8 = 0x09;
const CRC: u8 = 0x0A;
const FOLDER: u8 = 0x0B;
const UNPACK_SIZES: u8 = 0x0C;
const STREAM_COUNTS: u8 = 0x0D;
const EMPTY_STREAM: u8 = 0x0E;
const EMPTY_FILE: u8 = 0x0F;
const ANTI: u8 = 0x10;
const NAMES: u8 = 0x11;
const TIMES: std::ops::RangeInclusive<u8> = 0x12..=0x14;
const ATTRIBUTES: u8 = 0x15;
const ENCODED_HEADER: u8 = 0x17;

/// What a header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// It is packed itself; the description of its streams takes so many bytes before the end of its unpack information.
    Encoded {
        described: usize,
    },
}

/// Checks a header of at most `files_max` files.
pub(super) fn check(header: &[u8], files_max: u64) -> Result<Kind, Problem> {
    let mut walk = Walk { rest: header, files_max };
    match walk.byte()? {
        HEADER => walk.plain().map(|()| Kind::Plain),
        ENCODED_HEADER => {
            let described = walk.streams()?;
            Ok(Kind::Encoded { described: header.len() - 1 - described })
        }
        _ => Err(damaged()),
    }
}

fn damaged() -> Problem {
    Problem::malformed(
        "the header of the archive contradicts itself, perhaps on purpose; repair the archive with 7-Zip first",
    )
}

struct Walk<'a> {
    rest: &'a [u8],
    files_max: u64,
}

/// A block, as far as what follows depends on it.
struct Block {
    outputs: u64,
    has_crc: bool,
    streams: u64,
}

impl<'a> Walk<'a> {
    fn byte(&mut self) -> Result<u8, Problem> {
        let (first, rest) = self.rest.split_first().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Problem> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of one to nine bytes.
    fn number(&mut self) -> Result<u64, Problem> {
        let first = self.byte()?;
        let mut value = 0;
        for i in 0..8_u32 {
            let mask = 0x80_u8 >> i;
            if first & mask == 0 {
                return Ok(value | u64::from(first & (mask - 1)) << (8 * i));
            }
            value |= u64::from(self.byte()?) << (8 * i);
        }
        Ok(value)
    }

    /// A number of things that each take a bit at least.
    fn count(&mut self) -> Result<u64, Problem> {
        let count = self.number()?;
        if count > self.rest.len() as u64 * 8 { Err(damaged()) } else { Ok(count) }
    }

    fn numbers(&mut self, count: u64) -> Result<(), Problem> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    /// Which of `count` things are defined: a bit each.
    fn bits(&mut self, count: u64) -> Result<Vec<bool>, Problem> {
        let bytes = self.take(count.div_ceil(8))?;
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0));
        Ok(bits.take(usize::try_from(count).unwrap_or(usize::MAX)).collect())
    }

    /// The same after a byte that says whether all are.
    fn all_or_bits(&mut self, count: u64) -> Result<Vec<bool>, Problem> {
        if self.byte()? == 0 {
            return self.bits(count);
        }
        if count > self.rest.len() as u64 * 8 {
            return Err(damaged());
        }
        Ok(vec![true; usize::try_from(count).unwrap_or(0)])
    }

    /// Checksums of those that have one.
    fn digests(&mut self, count: u64) -> Result<Vec<bool>, Problem> {
        let defined = self.all_or_bits(count)?;
        self.take(defined.iter().filter(|defined| **defined).count() as u64 * 4)?;
        Ok(defined)
    }

    fn plain(&mut self) -> Result<(), Problem> {
        let mut id = self.byte()?;
        if id == ARCHIVE_PROPERTIES {
            while self.byte()? != END {
                let size = self.number()?;
                self.take(size)?;
            }
            id = self.byte()?;
        }
        if id == MAIN_STREAMS {
            self.streams()?;
            id = self.byte()?;
        }
        if id == FILES {
            self.files()?;
            id = self.byte()?;
        }
        if id == END { Ok(()) } else { Err(damaged()) }
    }

    /// The description of streams. Returns how many bytes are left behind pack and unpack information.
    fn streams(&mut self) -> Result<usize, Problem> {
        let mut id = self.byte()?;
        if id == PACK_INFO {
            self.number()?;
            let count = self.count()?;
            id = self.byte()?;
            if id == SIZE {
                self.numbers(count)?;
                id = self.byte()?;
            }
            if id == CRC {
                self.digests(count)?;
                id = self.byte()?;
            }
            if id != END {
                return Err(damaged());
            }
            id = self.byte()?;
        }
        let mut blocks = Vec::new();
        if id == UNPACK_INFO {
            blocks = self.blocks()?;
        }
        let described = self.rest.len() + usize::from(id != UNPACK_INFO);
        if id == UNPACK_INFO {
            id = self.byte()?;
        }
        if id == SUB_STREAMS {
            self.sub_streams(&mut blocks)?;
            id = self.byte()?;
        }
        if id == END { Ok(described) } else { Err(damaged()) }
    }

    fn blocks(&mut self) -> Result<Vec<Block>, Problem> {
        if self.byte()? != FOLDER {
            return Err(damaged());
        }
        let count = self.count()?;
        if self.byte()? != 0 {
            return Err(Problem::unsupported("this kind of 7-Zip archive is not read; unpack it first"));
        }
        let mut blocks = (0..count).map(|_| self.block()).collect::<Result<Vec<_>, _>>()?;
        if self.byte()? != UNPACK_SIZES {
            return Err(damaged());
        }
        for block in &blocks {
            self.numbers(block.outputs)?;
        }
        let mut id = self.byte()?;
        if id == CRC {
            for (block, defined) in blocks.iter_mut().zip(self.digests(count)?) {
                block.has_crc = defined;
            }
            id = self.byte()?;
        }
        if id == END { Ok(blocks) } else { Err(damaged()) }
    }

    fn block(&mut self) -> Result<Block, Problem> {
        let coders = self.number()?;
        if coders > CODERS_MAX {
            return Err(damaged());
        }
        let (mut inputs, mut outputs) = (0, 0);
        for _ in 0..coders {
            let flags = self.byte()?;
            self.take(u64::from(flags & 0x0F))?;
            let (more_in, more_out) = if flags & 0x10 == 0 { (1, 1) } else { (self.number()?, self.number()?) };
            if more_in > CODERS_MAX || more_out > CODERS_MAX {
                return Err(damaged());
            }
            inputs += more_in;
            outputs += more_out;
            if flags & 0x20 != 0 {
                let size = self.number()?;
                self.take(size)?;
            }
        }
        let count = outputs.checked_sub(1).filter(|count| *count <= inputs).ok_or_else(damaged)?;
        let pairs = (0..count).map(|_| Ok((self.number()?, self.number()?))).collect::<Result<Vec<_>, Problem>>()?;
        let packed = inputs - count;
        let mut current = (0..inputs).find(|input| pairs.iter().all(|pair| pair.0 != *input));
        if packed > 1 {
            current = Some(self.number()?);
            self.numbers(packed - 1)?;
        }
        // The library follows the chain of coders from here; one that comes back to itself has no end.
        for _ in 0..=pairs.len() {
            let Some(output) = current else { break };
            current = pairs.iter().find(|pair| pair.1 == output).map(|pair| pair.0);
        }
        if current.is_some() {
            return Err(damaged());
        }
        Ok(Block { outputs, has_crc: false, streams: 1 })
    }

    fn sub_streams(&mut self, blocks: &mut [Block]) -> Result<(), Problem> {
        let mut id = self.byte()?;
        if id == STREAM_COUNTS {
            let mut total: u64 = 0;
            for block in &mut *blocks {
                block.streams = self.number()?;
                total = total.saturating_add(block.streams);
            }
            if total > self.files_max {
                return Err(too_many(self.files_max));
            }
            id = self.byte()?;
        }
        if id == SIZE {
            for block in blocks.iter().filter(|block| block.streams > 0) {
                self.numbers(block.streams - 1)?;
            }
            id = self.byte()?;
        }
        if id == CRC {
            let known = |block: &&Block| block.streams == 1 && block.has_crc;
            let unknown = blocks.iter().filter(|block| !known(block)).map(|block| block.streams).sum();
            self.digests(unknown)?;
            id = self.byte()?;
        }
        if id == END { Ok(()) } else { Err(damaged()) }
    }

    fn files(&mut self) -> Result<(), Problem> {
        let files = self.count()?;
        if files > self.files_max {
            return Err(too_many(self.files_max));
        }
        let mut empty = None;
        loop {
            let id = self.byte()?;
            if id == END {
                return Ok(());
            }
            let size = self.number()?;
            let property = self.take(size)?;
            // The library reads what it expects, whatever the size says: both must be the same.
            let mut inner = Walk { rest: property, files_max: self.files_max };
            match id {
                EMPTY_STREAM => {
                    empty = Some(inner.bits(files)?.iter().filter(|bit| **bit).count() as u64);
                }
                EMPTY_FILE | ANTI => drop(inner.bits(empty.ok_or_else(damaged)?)?),
                NAMES => inner.names(files)?,
                id if TIMES.contains(&id) => inner.values(files, 8)?,
                ATTRIBUTES => inner.values(files, 4)?,
                _ => inner.rest = &[],
            }
            if !inner.rest.is_empty() {
                return Err(damaged());
            }
        }
    }

    fn names(&mut self, files: u64) -> Result<(), Problem> {
        if self.byte()? != 0 {
            return Err(Problem::unsupported("this kind of 7-Zip archive is not read; unpack it first"));
        }
        let names = std::mem::take(&mut self.rest);
        let ends = names.chunks_exact(2).filter(|unit| *unit == [0, 0]).count() as u64;
        let whole = names.len().is_multiple_of(2) && (names.is_empty() || names.ends_with(&[0, 0]));
        if whole && ends == files { Ok(()) } else { Err(damaged()) }
    }

    fn values(&mut self, files: u64, bytes: u64) -> Result<(), Problem> {
        let defined = self.all_or_bits_of(files)?;
        if self.byte()? != 0 {
            return Err(Problem::unsupported("this kind of 7-Zip archive is not read; unpack it first"));
        }
        self.take(defined * bytes).map(drop)
    }

    /// How many of `count` things are defined.
    fn all_or_bits_of(&mut self, count: u64) -> Result<u64, Problem> {
        if self.byte()? != 0 {
            return Ok(count);
        }
        Ok(self.bits(count)?.iter().filter(|bit| **bit).count() as u64)
    }
}

fn too_many(files_max: u64) -> Problem {
    Problem::limit(format!("the archive holds more than {files_max} members; raise `limits.members_max` to read it"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, check};
    use crate::ProblemKind;

    /// One empty file, with a property of a kind that is skipped.
    fn header(property: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x01, 0x05, 0x01, 0x0E, 0x01, 0x80, 0x11, 0x05, 0x00, b'a', 0, 0, 0];
        bytes.extend(property);
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn sound_headers_pass_and_others_do_not() {
        assert_eq!(check(&header(&[]), 10), Ok(Kind::Plain));
        assert_eq!(check(&header(&[0x19, 0x02, 0, 0]), 10), Ok(Kind::Plain));
        // A size that is minus ten as a signed number: what comes before would be read again.
        let back = [0x19, 0xFF, 0xF6, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        for wrong in [&back[..], &[0x19, 0x7F], &[0x12, 0x02, 1, 0], &[0x0F, 0x02, 0, 0], &[0x19]] {
            let found = check(&header(wrong), 10).map_err(|problem| problem.kind);
            assert_eq!(found, Err(ProblemKind::Malformed), "{wrong:?}");
        }
        assert_eq!(check(&header(&[]), 0).map_err(|problem| problem.kind), Err(ProblemKind::Limit));
        assert!(check(&[], 10).is_err() && check(&[0x17], 10).is_err() && check(&[0x09], 10).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = check(&bytes, 100);
            let mut header = vec![0x01, 0x05];
            header.extend(bytes);
            let _ = check(&header, 100);
        }
    }
}
