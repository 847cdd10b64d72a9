//! The segments, chunks and blocks of JPEG, PNG, GIF, WebP and BMP files.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::{Problem, ReadError, Reader, Source};

use super::{exif, field, iptc, size, text, xmp};

const XMP_NAMESPACE: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// Metadata chunks longer than this are not read.
const CHUNK_BYTES_MAX: u64 = 16 << 20;

fn skip(stream: &mut dyn Read, bytes: u64, reader: &Reader<'_, '_>) -> Result<(), ReadError> {
    let mut left = bytes;
    while left > 0 {
        reader.check()?;
        let passed = io::copy(&mut (&mut *stream).take(left.min(1 << 20)), &mut io::sink())?;
        if passed == 0 {
            return Err(ends());
        }
        left -= passed;
    }
    Ok(())
}

fn ends() -> ReadError {
    Problem::truncated("the image ends within its structure").into()
}

fn take(stream: &mut dyn Read, bytes: u64) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    (&mut *stream).take(bytes).read_to_end(&mut out)?;
    if (out.len() as u64) < bytes { Err(ends()) } else { Ok(out) }
}

fn array<const N: usize>(stream: &mut dyn Read) -> Result<[u8; N], ReadError> {
    let mut out = [0; N];
    stream.read_exact(&mut out)?;
    Ok(out)
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Segments up to the first scan (ITU-T T.81 annex B).
pub(super) fn jpeg(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut stream = source.into_stream();
    skip(&mut stream, 2, reader)?;
    loop {
        let [first, mut marker] = array::<2>(&mut stream)?;
        if first != 0xFF {
            return Err(Problem::malformed("a segment of the image does not begin with a marker").into());
        }
        while marker == 0xFF {
            [marker] = array::<1>(&mut stream)?;
        }
        match marker {
            0xD9 | 0xDA => return Ok(()),
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let length = u64::from(u16::from_be_bytes(array::<2>(&mut stream)?));
        let body = take(&mut stream, length.saturating_sub(2))?;
        match marker {
            0xE1 => {
                if let Some(raw) = body.strip_prefix(b"Exif\0\0") {
                    exif::report(raw.to_vec(), reader)?;
                } else if let Some(packet) = body.strip_prefix(XMP_NAMESPACE) {
                    xmp::report(packet, reader)?;
                }
            }
            0xED => {
                if let Some(resources) = body.strip_prefix(PHOTOSHOP) {
                    iptc::resources(resources, reader)?;
                }
            }
            0xFE => field(reader, "comments", &text(&body))?,
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                if let (Some(height), Some(width)) = (u16_be(&body, 1), u16_be(&body, 3)) {
                    size(reader, width, height)?;
                }
            }
            _ => {}
        }
    }
}

/// Chunks (W3C PNG, third edition).
pub(super) fn png(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut stream = source.into_stream();
    skip(&mut stream, 8, reader)?;
    loop {
        let head = array::<8>(&mut stream)?;
        let length = u64::from(u32_be(&head, 0).unwrap_or(0));
        let kind = head.get(4..8).unwrap_or(&[]);
        let wanted = matches!(kind, b"IHDR" | b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf");
        if kind == b"IEND" {
            return Ok(());
        }
        if !wanted {
            skip(&mut stream, length + 4, reader)?;
            continue;
        }
        if length > CHUNK_BYTES_MAX {
            reader.problem(Problem::limit(format!(
                "a metadata chunk is larger than {CHUNK_BYTES_MAX} bytes; it is not read"
            )))?;
            skip(&mut stream, length + 4, reader)?;
            continue;
        }
        let body = take(&mut stream, length)?;
        skip(&mut stream, 4, reader)?;
        match kind {
            b"IHDR" => {
                if let (Some(width), Some(height)) = (u32_be(&body, 0), u32_be(&body, 4)) {
                    size(reader, width, height)?;
                }
            }
            b"eXIf" => exif::report(body, reader)?,
            _ => png_text(kind, &body, reader)?,
        }
    }
}

fn png_text(kind: &[u8], body: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let Some(end) = memchr::memchr(0, body) else { return Ok(()) };
    let keyword = text(body.get(..end).unwrap_or(&[])).into_owned();
    let rest = body.get(end + 1..).unwrap_or(&[]);
    let (packed, rest) = match kind {
        b"zTXt" => (true, rest.get(1..).unwrap_or(&[])),
        b"iTXt" => {
            // Flag, method, language tag, translated keyword.
            let mut parts = rest.get(2..).unwrap_or(&[]).splitn(3, |b| *b == 0);
            (rest.first() == Some(&1), parts.nth(2).unwrap_or(&[]))
        }
        _ => (false, rest),
    };
    let value = if packed { inflate(rest, reader)? } else { rest.to_vec() };
    if keyword == "XML:com.adobe.xmp" {
        return xmp::report(&value, reader);
    }
    field(reader, &keyword, &text(&value))
}

fn inflate(packed: &[u8], reader: &mut Reader<'_, '_>) -> Result<Vec<u8>, ReadError> {
    let limit = reader.limits().value_bytes_max;
    let mut out = Vec::new();
    let outcome = ZlibDecoder::new(packed).take(limit as u64).read_to_end(&mut out);
    reader.expanded(out.len() as u64, out.len() as u64, Some(packed.len() as u64))?;
    if outcome.is_err() {
        reader.problem(Problem::malformed("a compressed text of the image is damaged"))?;
    }
    if out.len() >= limit {
        reader.problem(Problem::limit("a compressed text of the image is longer than `limits.value_bytes_max`"))?;
    }
    Ok(out)
}

/// Chunks of RIFF (WebP container specification, RFC 9649).
pub(super) fn webp(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut stream = source.into_stream();
    skip(&mut stream, 12, reader)?;
    loop {
        let mut head = [0; 8];
        match stream.read(&mut head)? {
            0 => return Ok(()),
            n => stream.read_exact(head.get_mut(n..).unwrap_or_default())?,
        }
        let [a, b, c, d, e, f, g, h] = head;
        let length = u64::from(u32::from_le_bytes([e, f, g, h]));
        let kind = [a, b, c, d];
        if !matches!(&kind, b"EXIF" | b"XMP " | b"VP8X") || length > CHUNK_BYTES_MAX {
            skip(&mut stream, length + length % 2, reader)?;
            continue;
        }
        let body = take(&mut stream, length)?;
        skip(&mut stream, length % 2, reader)?;
        match &kind {
            b"EXIF" => exif::report(body.strip_prefix(b"Exif\0\0").unwrap_or(&body).to_vec(), reader)?,
            b"XMP " => xmp::report(&body, reader)?,
            _ => {
                let dimension = |at: usize| {
                    let byte = |at: usize| body.get(at).copied().map_or(0, u32::from);
                    1 + (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16))
                };
                size(reader, dimension(4), dimension(7))?;
            }
        }
    }
}

/// Blocks (GIF89a specification).
pub(super) fn gif(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut stream = source.into_stream();
    let head = array::<13>(&mut stream)?;
    let [_, _, _, _, _, _, w0, w1, h0, h1, flags, ..] = head;
    size(reader, u32::from(u16::from_le_bytes([w0, w1])), u32::from(u16::from_le_bytes([h0, h1])))?;
    skip(&mut stream, table_bytes(flags), reader)?;
    loop {
        match array::<1>(&mut stream)? {
            [0x3B] => return Ok(()),
            [0x21] => {
                let [label] = array::<1>(&mut stream)?;
                let body = gif_blocks(&mut stream, matches!(label, 0xFE | 0x01 | 0xFF), reader)?;
                match label {
                    0xFE => field(reader, "comments", &text(&body))?,
                    0x01 => field(reader, "description", &text(body.get(12..).unwrap_or(&[])))?,
                    0xFF => {
                        if let Some(packet) = body.strip_prefix(b"XMP DataXMP") {
                            xmp::report(packet, reader)?;
                        }
                    }
                    _ => {}
                }
            }
            [0x2C] => {
                let [.., flags] = array::<9>(&mut stream)?;
                skip(&mut stream, table_bytes(flags) + 1, reader)?;
                gif_blocks(&mut stream, false, reader)?;
            }
            _ => return Err(Problem::malformed("an unknown block stands in the image; the rest is not read").into()),
        }
    }
}

/// Bytes of the colour table that the flags announce.
fn table_bytes(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Sub-blocks up to the empty one. XMP lies in them unpacked, so that its lengths are part of the text: they are kept.
fn gif_blocks(stream: &mut dyn Read, kept: bool, reader: &Reader<'_, '_>) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    let mut is_xmp = false;
    for count in 0_u64.. {
        let [length] = array::<1>(stream)?;
        if length == 0 {
            break;
        }
        if kept && (body.len() as u64) < CHUNK_BYTES_MAX {
            if is_xmp {
                body.push(length);
            }
            body.extend(take(stream, u64::from(length))?);
            is_xmp |= count == 0 && body == b"XMP DataXMP";
        } else {
            skip(stream, u64::from(length), reader)?;
        }
    }
    Ok(body)
}

pub(super) fn bmp(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let number = |at: usize| source.head().get(at..at + 4)?.try_into().ok().map(i32::from_le_bytes);
    match (number(14), number(18), number(22)) {
        (Some(40..), Some(width), Some(height)) => size(reader, width.unsigned_abs(), height.unsigned_abs()),
        (Some(12), Some(both), _) => size(reader, both.cast_unsigned() & 0xFFFF, both.cast_unsigned() >> 16),
        _ => Err(ends()),
    }
}
