//! A segment of which only what a question reads is opened: its end, which says where columns lie, and then those columns.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::LakeError;
use crate::sealed::SealedFile;

/// Bytes at the end of a segment in which Parquet's description of it lies, nearly always.
const END_BYTES: u64 = 256 << 10;

/// Pieces of a segment. What lies in none of them is opened when it is asked for.
#[derive(Clone)]
pub(crate) struct Pieces {
    file: Arc<SealedFile>,
    /// Where each begins.
    pieces: Vec<(u64, Bytes)>,
}

impl Pieces {
    /// The end of a segment.
    pub fn end_of(file: SealedFile) -> std::result::Result<Self, LakeError> {
        let begin = file.plain_bytes().saturating_sub(END_BYTES);
        let end = Bytes::from(file.read(begin..file.plain_bytes())?);
        Ok(Self { file: Arc::new(file), pieces: vec![(begin, end)] })
    }

    /// Those columns of a group of rows that `is_wanted` by their number.
    pub fn columns(
        &self,
        of: &ParquetMetaData,
        group: usize,
        is_wanted: impl Fn(usize) -> bool,
    ) -> std::result::Result<Self, LakeError> {
        let columns = of.row_group(group).columns().iter().enumerate();
        let ranges = columns.filter(|(number, _)| is_wanted(*number)).map(|(_, column)| column.byte_range());
        let read = |(begin, length): (u64, u64)| {
            Ok((begin, Bytes::from(self.file.read(begin..begin.saturating_add(length))?)))
        };
        let pieces = ranges.map(read).collect::<std::result::Result<_, LakeError>>()?;
        Ok(Self { file: Arc::clone(&self.file), pieces })
    }

    /// What a piece has from there on.
    fn known(&self, start: u64) -> Option<Bytes> {
        self.pieces.iter().find_map(|(begin, bytes)| {
            let skip = usize::try_from(start.checked_sub(*begin)?).ok().filter(|skip| *skip < bytes.len())?;
            Some(bytes.slice(skip..))
        })
    }

    fn opened(&self, start: u64, end: u64) -> Result<Bytes> {
        let read = self.file.read(start..end).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(Bytes::from(read))
    }
}

impl Length for Pieces {
    fn len(&self) -> u64 {
        self.file.plain_bytes()
    }
}

impl ChunkReader for Pieces {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        match self.known(start) {
            Some(bytes) => Ok(bytes.reader()),
            None => Ok(self.opened(start, u64::MAX)?.reader()),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = match self.known(start).filter(|bytes| bytes.len() >= length) {
            Some(bytes) => bytes.slice(..length),
            None => self.opened(start, start.saturating_add(length as u64))?,
        };
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} end beyond the segment")));
        }
        Ok(bytes)
    }
}
