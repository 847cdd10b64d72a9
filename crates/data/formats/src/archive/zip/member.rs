//! The bytes of one member.

use std::io::{BufRead, Read, SeekFrom};

use crate::archive::buffered::{Buffered, Checked, Metered};
use crate::budget::Meter;
use crate::source::ReadSeek;
use crate::{Problem, ReadError};

use super::{Entry, Output};

pub(super) const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
pub(super) const LOCAL_HEADER_BYTES: usize = 30;
/// The largest LZMA dictionary, in bytes.
const DICTIONARY_BYTES_MAX: u32 = 128 << 20;

/// Opens a member for reading, with its expansion metered and its checksum checked at the end.
///
/// # Errors
/// A problem when it is encrypted, its method is not read, or its header is not there.
pub(crate) fn open<'a, 'b>(
    file: &'a mut (dyn ReadSeek + '_),
    entry: &Entry,
    meter: Meter<'b>,
) -> Result<Output<'a, 'b>, ReadError> {
    if entry.is_encrypted() {
        return Err(encrypted().into());
    }
    let start = entry.data_at(file)?;
    file.seek(SeekFrom::Start(start))?;
    let input = Buffered::new(file.take(entry.packed));
    let packed = input.consumed();
    let output: Box<dyn Read + 'a> = Box::new(Checked::new(decoder(entry.method, input, entry.size)?, entry.crc));
    Ok(Metered::new(output, meter, packed))
}

pub(super) fn encrypted() -> Problem {
    Problem::encrypted("is protected by a password; unpack it first")
}

/// The decoder for a compression method (APPNOTE 4.4.5).
pub(super) fn decoder<'a>(
    method: u16,
    mut input: impl BufRead + 'a,
    size: u64,
) -> Result<Box<dyn Read + 'a>, ReadError> {
    Ok(match method {
        0 => Box::new(input),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(input)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(input)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(input)),
        14 => {
            // Version (2 bytes), length of the properties (2), properties (1), dictionary (4).
            let mut header = [0; 9];
            input.read_exact(&mut header)?;
            let [_, _, 5, 0, properties, a, b, c, d] = header else {
                return Err(Problem::malformed("the LZMA header is damaged").into());
            };
            let dictionary = u32::from_le_bytes([a, b, c, d]);
            if dictionary > DICTIONARY_BYTES_MAX {
                return Err(Problem::limit("needs too large a dictionary to unpack; unpack it first").into());
            }
            Box::new(lzma_rust2::LzmaReader::new_with_props(input, size, properties, dictionary, None)?)
        }
        20 | 93 => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        95 => Box::new(lzma_rust2::XzReader::new(input, true)),
        99 => return Err(encrypted().into()),
        other => {
            return Err(
                Problem::unsupported(format!("compression method `{other}` is not read; unpack it first")).into()
            );
        }
    })
}
