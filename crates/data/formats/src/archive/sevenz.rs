//! 7-Zip archives, block by block. They need random access, so inside a stream they are held whole.

mod header;
mod patched;

use std::io::{self, Read};

use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::buffered::{Count, Metered};
use crate::foreign::guarded;
use crate::{Member, Problem, ReadError, Reader, Source};

/// The largest dictionary or model that a block may ask for, in bytes.
const DICTIONARY_BYTES_MAX: u64 = 160 << 20;
/// Signature, version, and the start header with its checksum (7-Zip's DOC/7zFormat.txt, "SignatureHeader").
const START_BYTES: usize = 32;
/// Where the version ends.
const VERSION_END: usize = 8;
/// Method ids of the 7-Zip format (its DOC/Methods.txt).
const LZMA: &[u8] = &[3, 1, 1];
const LZMA2: &[u8] = &[0x21];
const PPMD: &[u8] = &[3, 4, 1];

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut file = source.into_seek(reader.limits().whole_bytes_max)?;
    check_start(&mut file)?;
    check_header(&mut file, reader)?;
    let password = Password::empty();
    let archive = guarded(|| Archive::read(&mut file, &password)).and_then(|archive| archive.map_err(problem))?;
    for block in 0..archive.blocks.len() {
        if let Err(error) = read_block(&archive, block, &mut file, reader) {
            match error {
                ReadError::Halted(_) => return Err(error),
                error => {
                    reader.meter().check()?;
                    if let Some(problem) = error.into_problem() {
                        reader.problem(problem)?;
                    }
                }
            }
        }
    }
    for entry in archive.files.iter().filter(|entry| !entry.has_stream && !entry.is_directory) {
        reader.member(&Member { name: &entry.name, len: Some(0) }, Source::bytes(&[]))?;
    }
    Ok(())
}

/// Refuses an archive whose start header is empty, as a writer leaves it that was stopped. The library would look for the
/// header at the end instead, without the checksum that tells a damaged one, and may go round in it for ever.
fn check_start<R: Read + io::Seek>(file: &mut R) -> Result<(), ReadError> {
    let mut start = [0; START_BYTES];
    file.rewind()?;
    file.read_exact(&mut start).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::truncated("the archive ends within its first header").into(),
        _ => from_io(error),
    })?;
    file.rewind()?;
    if start.iter().skip(VERSION_END).all(|byte| *byte == 0) {
        let why = "the archive was not written to its end: its first header is empty; repair it with 7-Zip first";
        return Err(Problem::truncated(why).into());
    }
    Ok(())
}

/// Refuses an archive whose header would lead the library astray; see [`header`].
fn check_header<R: Read + io::Seek>(file: &mut R, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let (bytes_max, files_max) = (reader.limits().whole_bytes_max as u64, reader.limits().members_max);
    let mut start = [0; START_BYTES];
    file.read_exact(&mut start)?;
    let field = |at: usize| start.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    let (offset, bytes) = (field(12), field(20));
    if bytes > bytes_max {
        let why = format!("the header of the archive is larger than {bytes_max} bytes; raise `limits.whole_bytes_max`");
        return Err(Problem::limit(why).into());
    }
    let mut header = Vec::new();
    file.seek(io::SeekFrom::Start(offset.saturating_add(START_BYTES as u64).min(i64::MAX as u64)))?;
    Read::take(&mut *file, bytes).read_to_end(&mut header)?;
    // What is cut off or empty the library tells by itself.
    if header.len() as u64 == bytes
        && bytes > 0
        && let header::Kind::Encoded { described } = header::check(&header, files_max)?
    {
        let described = header.get(1..=described).unwrap_or_default();
        let plain = unpacked_header(file, described, bytes_max)?;
        header::check(&plain, files_max)?;
    }
    file.rewind()?;
    Ok(())
}

/// The header that is packed as `described`: the library unpacks it as the only member of an archive made for that.
fn unpacked_header<R: Read + io::Seek>(file: &mut R, described: &[u8], bytes_max: u64) -> Result<Vec<u8>, ReadError> {
    let mut patched = patched::Patched::new(file, described)?;
    let password = Password::empty();
    let archive = guarded(|| Archive::read(&mut patched, &password)).and_then(|archive| archive.map_err(problem))?;
    check_memory(&archive, 0)?;
    let mut plain = Vec::new();
    let outcome = guarded(|| {
        let decoder = BlockDecoder::new(1, 0, &archive, &password, &mut patched);
        decoder.for_each_entries(&mut |_, stream| {
            stream.take(bytes_max + 1).read_to_end(&mut plain)?;
            Ok(false)
        })
    })?;
    outcome.map_err(problem)?;
    if plain.len() as u64 > bytes_max {
        let why =
            format!("the header of the archive unpacks to more than {bytes_max} bytes; raise `limits.whole_bytes_max`");
        return Err(Problem::limit(why).into());
    }
    Ok(plain)
}

fn read_block<R: Read + io::Seek>(
    archive: &Archive,
    block: usize,
    file: &mut R,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    check_memory(archive, block)?;
    let password = Password::empty();
    let packed_bytes = archive.pack_sizes().iter().fold(0u64, |sum, size| sum.saturating_add(*size));
    let mut failure: Option<ReadError> = None;
    let outcome = guarded(|| {
        let decoder = BlockDecoder::new(1, block, archive, &password, file);
        decoder.for_each_entries(&mut |entry, stream| {
            let result = read_entry(entry, stream, packed_bytes, reader);
            let go_on = result.is_ok();
            failure = result.err();
            Ok(go_on)
        })
    });
    match (failure, outcome) {
        (Some(error), _) => Err(error),
        (None, Ok(Ok(_))) => Ok(()),
        (None, Ok(Err(error))) => Err(problem(error).into()),
        (None, Err(problem)) => Err(problem.into()),
    }
}

fn read_entry(
    entry: &sevenz_rust2::ArchiveEntry,
    stream: &mut dyn Read,
    packed_bytes: u64,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    if entry.is_directory {
        return Ok(());
    }
    let member = Member { name: &entry.name, len: Some(entry.size) };
    let packed = Count::default();
    let mut metered = Metered::new(stream, reader.meter(), packed.clone());
    packed.set(packed_bytes);
    match Source::stream(&mut metered, None) {
        Ok(source) => reader.member(&member, source)?,
        Err(error) => match from_io(error).into_problem() {
            Some(problem) => reader.unreadable_member(&member, problem)?,
            None => return Err(crate::Halt.into()),
        },
    }
    // The members of a block are one stream: what the inner reader left has to be passed over.
    io::copy(&mut metered, &mut io::sink()).map_err(from_io)?;
    Ok(())
}

/// Refuses blocks whose decoders would allocate more than [`DICTIONARY_BYTES_MAX`].
fn check_memory(archive: &Archive, block: usize) -> Result<(), Problem> {
    let coders = archive.blocks.get(block).map(|block| block.coders.as_slice()).unwrap_or_default();
    for coder in coders {
        let properties = properties(coder);
        let word = |at: usize| properties.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        let bytes = match coder.encoder_method_id() {
            LZMA | PPMD => u64::from(word(1)),
            LZMA2 => match properties.first() {
                Some(bits @ 0..=39) => u64::from(2 | (bits & 1)) << (bits / 2 + 11),
                Some(_) => u64::from(u32::MAX),
                None => 0,
            },
            _ => 0,
        };
        if bytes > DICTIONARY_BYTES_MAX {
            return Err(Problem::limit(format!(
                "needs a dictionary of {bytes} bytes to unpack, more than {DICTIONARY_BYTES_MAX}; unpack it first"
            )));
        }
    }
    Ok(())
}

/// A coder's properties. The library keeps them to itself, except in its debug output.
fn properties(coder: &sevenz_rust2::Coder) -> Vec<u8> {
    let debug = format!("{coder:?}");
    let list =
        debug.split_once("properties: [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

fn from_io(error: io::Error) -> ReadError {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return match error.into_inner().and_then(|inner| inner.downcast::<Error>().ok()) {
            Some(error) => problem(*error).into(),
            None => Problem::malformed("the archive is damaged").into(),
        };
    }
    error.into()
}

fn problem(error: Error) -> Problem {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => {
            Problem::encrypted("the archive is protected by a password; unpack it first")
        }
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") || method.contains("[6, 241, 7, 1]") => {
            Problem::encrypted("the archive is protected by a password; unpack it first")
        }
        Error::UnsupportedCompressionMethod(method) => {
            Problem::unsupported(format!("compression method `{method}` is not read; unpack it first"))
        }
        Error::Unsupported(_) | Error::ExternalUnsupported | Error::UnsupportedVersion { .. } => {
            Problem::unsupported("this kind of 7-Zip archive is not read; unpack it first")
        }
        Error::MaxMemLimited { .. } => Problem::limit("needs too much memory to unpack; unpack it first"),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => {
            Problem::malformed("the checksum does not match")
        }
        Error::Io(error, _) => ReadError::from(error)
            .into_problem()
            .unwrap_or_else(|| Problem::malformed("the archive could not be read to its end")),
        _ => Problem::malformed("the structure of the archive is damaged"),
    }
}
