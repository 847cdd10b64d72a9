//! Large objects: a zip archive, a compressed tape archive, a DICOM file of many frames.

use std::fs::File;
use std::io::{BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Options;

/// What the object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Members of 50 MB, compressed, and one that holds half of all.
    Zip,
    /// The same as a tape archive in one gzip stream.
    TarGzip,
    /// Encapsulated pixels of many frames. The frames are holes in the file, which read as zeros.
    MultiFrame,
}

/// What the members expand to, or the pixels take, in bytes.
const FULL_BYTES: u64 = 5_000_000_000;
const USUAL_BYTES: u64 = 500_000_000;
const MEMBER_BYTES: u64 = 50_000_000;
const FRAME_BYTES: u32 = 32 << 20;

/// The object, made when it is not there yet.
pub(super) fn file(shape: Shape, options: &Options) -> Result<PathBuf> {
    let bytes = if options.full { FULL_BYTES } else { USUAL_BYTES };
    let path = options.data.join(format!("{shape:?}-{}.data", bytes / 1_000_000).to_lowercase());
    if path.exists() {
        return Ok(path);
    }
    let partial = path.with_extension("partial");
    match shape {
        Shape::Zip => zip_archive(&partial, bytes)?,
        Shape::TarGzip => tape_archive(&partial, bytes)?,
        Shape::MultiFrame => multi_frame(&partial, bytes)?,
    }
    std::fs::rename(&partial, &path)?;
    Ok(path)
}

/// Sizes of the members: half in one, the rest in pieces.
fn members(bytes: u64) -> impl Iterator<Item = u64> {
    std::iter::once(bytes / 2).chain((0..bytes / 2 / MEMBER_BYTES).map(|_| MEMBER_BYTES))
}

/// Notes, over and over.
struct Notes {
    text: Vec<u8>,
    at: usize,
}

impl Notes {
    fn new() -> Self {
        Self { text: sample::notes::corpus(3, 8 << 20).into_bytes(), at: 0 }
    }
}

impl Read for Notes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.at = (self.at + count) % self.text.len();
        Ok(count)
    }
}

fn zip_archive(path: &Path, bytes: u64) -> Result<()> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path)?));
    let how = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    let mut notes = Notes::new();
    for (number, size) in members(bytes).enumerate() {
        zip.start_file(format!("notes/{number:04}.txt"), how)?;
        std::io::copy(&mut (&mut notes).take(size), &mut zip)?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

fn tape_archive(path: &Path, bytes: u64) -> Result<()> {
    let gzip = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::fast());
    let mut tape = tar::Builder::new(gzip);
    let mut notes = Notes::new();
    for (number, size) in members(bytes).enumerate() {
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        tape.append_data(&mut header, format!("notes/{number:04}.txt"), (&mut notes).take(size))?;
    }
    tape.into_inner()?.finish()?.flush()?;
    Ok(())
}

/// Encapsulated pixel data (PS3.5 A.4): an empty offset table, one fragment a frame, a delimiter.
fn multi_frame(path: &Path, bytes: u64) -> Result<()> {
    const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
    let mut file = File::create(path)?;
    file.write_all(&sample::images::multi_frame_head(5))?;
    file.write_all(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])?;
    file.write_all(&[ITEM, [0; 4]].concat())?;
    for _ in 0..bytes / u64::from(FRAME_BYTES) {
        file.write_all(&[ITEM, FRAME_BYTES.to_le_bytes()].concat())?;
        file.seek(SeekFrom::Current(i64::from(FRAME_BYTES)))?;
    }
    file.write_all(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0])?;
    Ok(())
}
