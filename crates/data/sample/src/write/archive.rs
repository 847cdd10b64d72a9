//! Archives and compressed streams. Times in them are fixed, so that the same content gives the same bytes.

use std::io::{self, Write as _};

use flate2::Compression;
use zip::write::SimpleFileOptions;

/// A file in an archive: name and content.
pub type Member<'a> = (&'a str, &'a [u8]);

/// A deflated ZIP archive.
pub fn zip(members: &[Member]) -> io::Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, options())?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// A ZIP package whose first member lies there uncompressed, as OpenDocument asks for its `mimetype`.
pub fn package(first: Member, members: &[Member]) -> io::Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    writer.start_file(first.0, options().compression_method(zip::CompressionMethod::Stored))?;
    writer.write_all(first.1)?;
    for (name, content) in members {
        writer.start_file(*name, options())?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .last_modified_time(zip::DateTime::default())
        .compression_method(zip::CompressionMethod::Deflated)
}

/// A tape archive.
pub fn tar(members: &[Member]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, name, *content)?;
    }
    builder.into_inner()
}

/// A gzip stream.
pub fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}

/// A Zstandard frame.
pub fn zstd(content: &[u8]) -> io::Result<Vec<u8>> {
    zstd::encode_all(content, 3)
}

/// A bzip2 stream.
pub fn bzip2(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}

/// A blocked gzip stream with its end marker (SAM specification, section 4.1).
pub fn bgzf(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for block in content.chunks(0xFF00) {
        bgzf_block(&mut bytes, block)?;
    }
    bgzf_block(&mut bytes, &[])?;
    Ok(bytes)
}

fn bgzf_block(bytes: &mut Vec<u8>, block: &[u8]) -> io::Result<()> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(block)?;
    let deflated = encoder.finish()?;
    let mut crc = flate2::Crc::new();
    crc.update(block);
    let size = u16::try_from(deflated.len() + 25).map_err(io::Error::other)?;
    bytes.extend([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF, 6, 0, b'B', b'C', 2, 0]);
    bytes.extend(size.to_le_bytes());
    bytes.extend(deflated);
    bytes.extend(crc.sum().to_le_bytes());
    bytes.extend(crc.amount().to_le_bytes());
    Ok(())
}
