//! An archive seen with another header: the bytes are the file's own, the header one that names a single member.

use std::io::{self, Read, Seek, SeekFrom};

use super::START_BYTES;

/// Behind the description of packed streams: no sub-streams of their own, one file called `h`, and the ends.
const ONE_FILE: [u8; 14] = [0x08, 0, 0, 0x05, 1, 0x11, 5, 0, b'h', 0, 0, 0, 0, 0];

/// A file behind another start header and in front of another header.
pub(super) struct Patched<'f, R> {
    file: &'f mut R,
    start: [u8; START_BYTES],
    header: Vec<u8>,
    /// Where the file ends and the header begins.
    len: u64,
    at: u64,
}

impl<'f, R: Read + Seek> Patched<'f, R> {
    /// `described`: pack and unpack information of the member.
    pub(super) fn new(file: &'f mut R, described: &[u8]) -> io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        let header = [&[0x01, 0x04], described, &ONE_FILE].concat();
        let mut fields = [0; 20];
        fields[..8].copy_from_slice(&len.saturating_sub(START_BYTES as u64).to_le_bytes());
        fields[8..16].copy_from_slice(&(header.len() as u64).to_le_bytes());
        fields[16..].copy_from_slice(&crc(&header).to_le_bytes());
        let mut start = *b"7z\xBC\xAF\x27\x1C\0\x04________________________";
        start[8..12].copy_from_slice(&crc(&fields).to_le_bytes());
        start[12..].copy_from_slice(&fields);
        Ok(Self { file, start, header, len, at: 0 })
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl<R: Read + Seek> Read for Patched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let behind = usize::try_from(self.at.saturating_sub(self.len)).unwrap_or(usize::MAX);
        let read = if let Some(mut start) = self.start.get(at..).filter(|start| !start.is_empty()) {
            start.read(into)?
        } else if self.at < self.len {
            self.file.seek(SeekFrom::Start(self.at))?;
            let room = usize::try_from(self.len - self.at).unwrap_or(usize::MAX).min(into.len());
            self.file.read(into.get_mut(..room).unwrap_or_default())?
        } else {
            self.header.get(behind..).unwrap_or_default().read(into)?
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for Patched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.len + self.header.len() as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => end.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
