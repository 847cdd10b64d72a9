//! Tape archives: v7, POSIX ustar and pax (IEEE Std 1003.1-2017, pax), GNU long names and sparse files. Links are
//! reported, never followed.

mod sparse;

use std::io::{self, Read};

use crate::archive::buffered::{Buffered, Metered};
use crate::{Field, Member, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

const BLOCK_BYTES: usize = 512;
type Block = [u8; BLOCK_BYTES];
/// Long names and pax headers that are kept in memory.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// A first block with the right checksum and a type that is in use.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.first_chunk::<BLOCK_BYTES>().is_some_and(|block| block[0] != 0 && is_header(block))
}

/// What headers of their own say about the member that follows them.
#[derive(Default)]
struct Pending {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sparse: Option<sparse::Map>,
    real_size: Option<u64>,
    sparse_in_data: bool,
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut input = Buffered::new(source.into_stream());
    let mut pending = Pending::default();
    let mut damaged = false;
    loop {
        let Some(block) = next_block(&mut input)? else { return Ok(()) };
        if block.iter().all(|&byte| byte == 0) {
            // Two zero blocks end an archive, but archives are also joined end to end.
            continue;
        }
        if !is_header(&block) {
            if !damaged {
                damaged = true;
                reader.problem(Problem::malformed("a header is damaged; what could be found behind was read"))?;
            }
            reader.check()?;
            continue;
        }
        let size = pending.size.unwrap_or_else(|| number(block.get(124..136).unwrap_or_default()));
        match block[156] {
            b'L' => pending.name = Some(text(&header_data(&mut input, size)?)),
            b'K' => pending.link = Some(text(&header_data(&mut input, size)?)),
            b'x' | b'X' => pax(&header_data(&mut input, size)?, &mut pending),
            b'g' => drop(header_data(&mut input, size)?),
            _ => read_member(&mut input, &block, std::mem::take(&mut pending), reader)?,
        }
    }
}

fn next_block<R: Read>(input: &mut Buffered<R>) -> Result<Option<Block>, ReadError> {
    match input.peek(BLOCK_BYTES)?.len() {
        BLOCK_BYTES => Ok(Some(input.array()?)),
        0 => Ok(None),
        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

fn read_member<R: Read>(
    input: &mut Buffered<R>,
    block: &Block,
    pending: Pending,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let name = pending.name.unwrap_or_else(|| header_name(block));
    let stored = pending.size.unwrap_or_else(|| number(field(block, 124, 12)));
    match block[156] {
        b'1' | b'2' => {
            let target = pending.link.unwrap_or_else(|| text(field(block, 157, 100)));
            return link(&name, &target, reader);
        }
        // Folders, devices and pipes have no content, whatever their size says; a dumped folder (`D`) lists names.
        b'3'..=b'6' => return Ok(()),
        _ => {}
    }
    let padded =
        stored.checked_next_multiple_of(BLOCK_BYTES as u64).ok_or_else(|| Problem::malformed("a size is damaged"))?;
    let start = input.consumed().get();
    let old_map = if block[156] == b'S' { Some(sparse::Map::old_gnu(block, input)?) } else { None };
    let start = if old_map.is_some() { input.consumed().get() } else { start };
    let data = (&mut *input).take(stored);
    let member = Member { name: &name, len: Some(pending.real_size.unwrap_or(stored)) };
    let map = old_map.or(pending.sparse);
    if map.is_some() || pending.sparse_in_data {
        read_sparse(data, map, pending.real_size, &member, reader)?;
    } else {
        open(data, &member, reader)?;
    }
    let read = input.consumed().get() - start;
    input.skip(padded.saturating_sub(read))?;
    Ok(())
}

fn read_sparse(
    mut data: impl Read,
    map: Option<sparse::Map>,
    real_size: Option<u64>,
    member: &Member<'_>,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let map = match map {
        Some(map) => map,
        None => sparse::Map::in_data(&mut data, real_size)?,
    };
    let packed = crate::archive::buffered::Count::default();
    packed.set(map.stored());
    let filled = Metered::new(sparse::Filled::new(data, map), reader.meter(), packed);
    open(filled, member, reader)
}

fn open(data: impl Read, member: &Member<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match Source::stream(data, None) {
        Ok(source) => reader.member(member, source),
        Err(error) => match ReadError::from(error).into_problem() {
            Some(problem) => reader.unreadable_member(member, problem),
            None => Err(crate::Halt.into()),
        },
    }
}

/// A link is a member without content whose target is a property.
fn link(name: &str, target: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    reader.field(&Field {
        vocabulary: Vocabulary::Document,
        path: "link",
        place: Place::Path(name),
        value: target,
        raw: Raw::None,
        qualifiers: Qualifiers::default(),
    })
}

fn header_data<R: Read>(input: &mut Buffered<R>, size: u64) -> Result<Vec<u8>, ReadError> {
    if size > HEADER_BYTES_MAX {
        return Err(Problem::limit(format!("a header is longer than {HEADER_BYTES_MAX} bytes")).into());
    }
    let mut bytes = Vec::new();
    (&mut *input).take(size).read_to_end(&mut bytes)?;
    let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
    input.skip(padding)?;
    Ok(bytes)
}

/// Records of the form `length key=value\n`, the length counting itself.
fn pax(mut records: &[u8], pending: &mut Pending) {
    let mut map = sparse::Map::default();
    let mut offset = 0;
    while let Some(space) = memchr::memchr(b' ', records) {
        let len = std::str::from_utf8(records.get(..space).unwrap_or_default()).ok().and_then(|len| len.parse().ok());
        let Some(len) = len.filter(|&len: &usize| len > space + 1 && len <= records.len()) else { break };
        let record = records.get(space + 1..len - 1).unwrap_or_default();
        records = records.get(len..).unwrap_or_default();
        let Some(equals) = memchr::memchr(b'=', record) else { continue };
        let (key, value) = record.split_at(equals);
        let value = text(value.get(1..).unwrap_or_default());
        match key {
            b"path" => pending.name = Some(value),
            b"GNU.sparse.name" => pending.name = Some(value),
            b"linkpath" => pending.link = Some(value),
            b"size" => pending.size = value.parse().ok(),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => pending.real_size = value.parse().ok(),
            b"GNU.sparse.major" => pending.sparse_in_data = value == "1",
            b"GNU.sparse.map" => map = sparse::Map::listed(&value),
            b"GNU.sparse.offset" => offset = value.parse().unwrap_or(0),
            b"GNU.sparse.numbytes" => map.push(offset, value.parse().unwrap_or(0)),
            _ => {}
        }
    }
    if !map.is_empty() {
        map.end_at(pending.real_size);
        pending.sparse = Some(map);
    }
}

/// The checksum counts the header with its own field as spaces; old archives counted signed bytes.
fn is_header(block: &Block) -> bool {
    let (mut unsigned, mut signed) = (0u64, 0i64);
    for (at, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    let stated = number(field(block, 148, 8));
    stated == unsigned || i64::try_from(stated) == Ok(signed)
}

fn field(block: &Block, at: usize, len: usize) -> &[u8] {
    block.get(at..at + len).unwrap_or_default()
}

/// Octal digits, or big-endian binary where the first bit is set (GNU).
fn number(field: &[u8]) -> u64 {
    if let Some(first) = field.first()
        && first & 0x80 != 0
    {
        let tail = field.get(field.len().saturating_sub(8)..).unwrap_or_default();
        return tail.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    }
    let digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| (b'0'..=b'7').contains(b));
    digits.fold(0u64, |value, digit| value.wrapping_mul(8).wrapping_add(u64::from(digit - b'0')))
}

fn header_name(block: &Block) -> String {
    let name = text(field(block, 0, 100));
    let prefix = text(field(block, 345, 155));
    if field(block, 257, 6) == b"ustar\0" && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// Up to the first zero byte; names that are not UTF-8 are shown with replacement characters.
fn text(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
