//! CRAM 2.1 and 3.x (CRAMv3, 2024-09): the SAM header in the first container.

use std::io::Read;

use crate::{Problem, ReadError, Reader, Source};

use super::alignment::header_text;
use super::bgzf::Counted;

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut cram = Counted { stream: source.into_stream(), bytes: 0 };
    let mut definition = [0; 26];
    cram.read_exact(&mut definition)?;
    let major = definition.get(4).copied().unwrap_or(0);
    if !(2..=3).contains(&major) {
        return Err(Problem::unsupported(format!("CRAM version {major} is not read; versions 2 and 3 are")).into());
    }
    container_header(&mut cram, major)?;
    let method = byte(&mut cram)?;
    let content_type = byte(&mut cram)?;
    itf8(&mut cram)?;
    let (compressed, raw) = (itf8(&mut cram)?, itf8(&mut cram)?);
    if content_type != 0 {
        return Err(Problem::malformed("the first block does not hold the file's header").into());
    }
    let block = cram.by_ref().take(compressed);
    let stream: Box<dyn Read> = match method {
        0 => Box::new(block),
        1 => Box::new(flate2::read::GzDecoder::new(block)),
        2 => Box::new(bzip2::read::BzDecoder::new(block)),
        3 => Box::new(lzma_rust2::XzReader::new(block, true)),
        _ => {
            return Err(Problem::unsupported(
                "the header is compressed by rANS or a newer method; rewrite the file with \
                                             a gzip header to read it",
            )
            .into());
        }
    };
    let mut text = Counted { stream, bytes: 0 };
    let bytes = text.length()?.min(raw);
    header_text("CRAM", &mut text, bytes, reader)?;
    reader.expanded(text.bytes, text.bytes, Some(compressed))
}

/// Passes over a container's header (section 7).
fn container_header(cram: &mut Counted<'_>, major: u8) -> Result<(), ReadError> {
    cram.length()?;
    for _ in 0..4 {
        itf8(cram)?;
    }
    if major >= 3 {
        ltf8(cram)?
    } else {
        itf8(cram)?
    };
    ltf8(cram)?;
    itf8(cram)?;
    let landmarks = itf8(cram)?;
    for _ in 0..landmarks.min(1 << 20) {
        itf8(cram)?;
    }
    if major >= 3 { cram.pass(4) } else { Ok(()) }
}

fn byte(stream: &mut impl Read) -> Result<u8, ReadError> {
    let mut one = [0; 1];
    stream.read_exact(&mut one)?;
    Ok(one[0])
}

/// An integer of up to 32 bits: leading ones of the first byte count the bytes that follow (section 2.3). Negative
/// numbers come out large.
fn itf8(stream: &mut impl Read) -> Result<u64, ReadError> {
    let first = byte(stream)?;
    let more = first.leading_ones().min(4);
    if more == 4 {
        let mut rest = [0; 4];
        stream.read_exact(&mut rest)?;
        let high = u32::from(first & 0x0F) << 28;
        let [a, b, c, d] = rest.map(u32::from);
        return Ok(u64::from(high | (a << 20) | (b << 12) | (c << 4) | (d & 0x0F)));
    }
    let mut value = u64::from(first & (0xFF >> (more + 1)));
    for _ in 0..more {
        value = (value << 8) | u64::from(byte(stream)?);
    }
    Ok(value)
}

/// An integer of up to 64 bits, in the same way.
fn ltf8(stream: &mut impl Read) -> Result<u64, ReadError> {
    let first = byte(stream)?;
    let more = first.leading_ones();
    let mut value = if more >= 7 { 0 } else { u64::from(first & (0xFF >> (more + 1))) };
    for _ in 0..more {
        value = (value << 8) | u64::from(byte(stream)?);
    }
    Ok(value)
}
