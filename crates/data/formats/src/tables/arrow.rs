//! Apache Arrow IPC files and streams (Arrow columnar format 1.5, "Serialization and Interprocess Communication").
//!
//! A file is a stream between magic and footer, and is read as one: batch by batch. Messages are cut apart and their
//! sizes judged here, before the `arrow-ipc` crate makes arrays of them.

mod array;
pub(super) mod schema;

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, MessageHeader, root_as_message};

use crate::foreign::guarded;
use crate::{Problem, ReadError, Reader, Source};

use super::rows::Rows;
use array::Leaf;

const FILE_MAGIC: &[u8] = b"ARROW1\0\0";
/// Zeros after the magic, at most; writers align to 64 bytes.
const PADDING_BYTES_MAX: usize = 512;
/// Feather version 1, which came before the format.
const FEATHER_MAGIC: &[u8] = b"FEA1";
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// The description of one message.
const METADATA_BYTES_MAX: usize = 16 << 20;
/// Rows of one batch: columns of nulls take no bytes at all.
const BATCH_ROWS_MAX: usize = 16 << 20;

pub(super) fn sniff(head: &[u8]) -> bool {
    if head.starts_with(FILE_MAGIC) || head.starts_with(FEATHER_MAGIC) {
        return true;
    }
    let Some(([a, b, c, d], rest)) = head.strip_prefix(&CONTINUATION).and_then(|rest| rest.split_first_chunk()) else {
        return false;
    };
    let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    let message = rest.get(..len).and_then(|metadata| root_as_message(metadata).ok());
    message.is_some_and(|message| message.header_type() == MessageHeader::Schema)
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    if source.head().starts_with(FEATHER_MAGIC) {
        return Err(Problem::unsupported("feather version 1 is not read; write the file as version 2").into());
    }
    let is_file = source.head().starts_with(FILE_MAGIC);
    // Some writers pad the magic to their own alignment.
    let padding = source.head().get(FILE_MAGIC.len()..).unwrap_or_default().chunks_exact(8);
    let padding =
        padding.take(PADDING_BYTES_MAX / 8).take_while(|bytes| bytes.iter().all(|byte| *byte == 0)).count() * 8;
    let mut stream = source.into_stream();
    if is_file {
        let magic = (FILE_MAGIC.len() + padding) as u64;
        std::io::copy(&mut (&mut stream).take(magic), &mut std::io::sink())?;
    }
    let mut ipc = Ipc { stream, is_file, reader, decoder: StreamDecoder::new(), held_bytes: 0, open: None, rows: 0 };
    while let Some(message) = ipc.message()? {
        ipc.decode(message.description)?;
        ipc.decode(message.body)?;
    }
    // A message without a body is only taken in when something follows.
    ipc.decode([CONTINUATION, [0; 4]].concat())?;
    if ipc.open.is_none() {
        let schema = ipc.decoder.schema().ok_or_else(|| Problem::truncated("the file ends before its schema does"))?;
        // Some types that a schema may name have no arrays, not even empty ones.
        ipc.open(&guarded(|| RecordBatch::new_empty(schema))?)?;
    }
    Ok(())
}

/// One message, cut out of the stream.
struct Encapsulated {
    /// Continuation, length and metadata.
    description: Vec<u8>,
    body: Vec<u8>,
}

struct Ipc<'a, 'w, 'r, 'b> {
    stream: Box<dyn Read + 'a>,
    is_file: bool,
    reader: &'w mut Reader<'r, 'b>,
    decoder: StreamDecoder,
    /// Bytes of dictionaries, which stay.
    held_bytes: usize,
    open: Option<Rows>,
    rows: u64,
}

impl Ipc<'_, '_, '_, '_> {
    /// The next message; `None` at the end of the stream.
    fn message(&mut self) -> Result<Option<Encapsulated>, ReadError> {
        self.reader.check()?;
        let mut marks = Vec::new();
        (&mut self.stream).take(8).read_to_end(&mut marks)?;
        let Some([mark @ .., a, b, c, d]) = marks.first_chunk::<8>() else {
            // Streams may end without a mark; files have their footer.
            let ends_well = marks.is_empty() && !self.is_file;
            return if ends_well { Ok(None) } else { Err(truncated().into()) };
        };
        let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        if *mark != CONTINUATION {
            // The footer of a file that was written without an end mark.
            return if self.is_file && self.rows > 0 { Ok(None) } else { Err(damaged().into()) };
        }
        if len == 0 {
            return Ok(None);
        }
        if len > METADATA_BYTES_MAX {
            return Err(damaged().into());
        }
        let mut description = marks;
        if (&mut self.stream).take(len as u64).read_to_end(&mut description)? < len {
            return Err(truncated().into());
        }
        let body = self.body(description.get(8..).unwrap_or_default())?;
        Ok(Some(Encapsulated { description, body }))
    }

    /// The body of the message that `metadata` describes.
    fn body(&mut self, metadata: &[u8]) -> Result<Vec<u8>, ReadError> {
        let message = root_as_message(metadata).map_err(|_error| damaged())?;
        let len = usize::try_from(message.bodyLength()).map_err(|_negative| damaged())?;
        self.bounded(len)?;
        let mut body = Vec::new();
        if (&mut self.stream).take(len as u64).read_to_end(&mut body)? < len {
            return Err(truncated().into());
        }
        let unpacked = unpacked_bytes(&message, &body).ok_or_else(damaged)?;
        self.bounded(unpacked)?;
        self.reader.expanded(unpacked as u64, unpacked as u64, Some(len as u64))?;
        if message.header_type() == MessageHeader::DictionaryBatch {
            self.held_bytes = self.held_bytes.saturating_add(unpacked);
        }
        Ok(body)
    }

    fn bounded(&self, bytes: usize) -> Result<(), Problem> {
        // A batch lies in memory twice for a moment.
        let max = self.reader.limits().whole_bytes_max;
        if bytes.saturating_add(self.held_bytes) > max {
            return Err(Problem::limit(format!(
                "a batch of rows takes more than {max} bytes; write the file in smaller batches or raise `limits.whole_bytes_max`"
            )));
        }
        Ok(())
    }

    /// Gives bytes to the decoder and reports the rows that come out.
    fn decode(&mut self, bytes: Vec<u8>) -> Result<(), ReadError> {
        let mut buffer = Buffer::from_vec(bytes);
        while !buffer.is_empty() {
            let decoder = &mut self.decoder;
            let batch = guarded(|| decoder.decode(&mut buffer))?.map_err(|_error| damaged())?;
            if let Some(batch) = batch {
                self.batch(&batch)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, batch: &RecordBatch) -> Result<Vec<Leaf>, ReadError> {
        let leaves = guarded(|| array::leaves(batch))?;
        if self.open.is_none() {
            let schema = batch.schema();
            schema::report(&schema, self.reader)?;
            let names = leaves.iter().map(|leaf| leaf.path.clone()).collect();
            self.open = Some(Rows::open("", names, &schema::labels(&schema), self.reader)?);
        }
        Ok(leaves)
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), ReadError> {
        if batch.num_rows() > BATCH_ROWS_MAX {
            return Err(Problem::limit(format!("a batch has more than {BATCH_ROWS_MAX} rows")).into());
        }
        // Nulls take no bytes in the file, and yet rows have to be gone through.
        self.reader.expanded(batch.num_rows() as u64, 0, None)?;
        let leaves = self.open(batch)?;
        let Some(rows) = &mut self.open else { return Ok(()) };
        for row in 0..batch.num_rows() {
            guarded(|| {
                for leaf in &leaves {
                    leaf.push(row, rows);
                    rows.end_cell();
                }
            })?;
            self.rows += 1;
            rows.end_row(self.rows, self.reader)?;
        }
        Ok(())
    }
}

/// How many bytes the buffers of a message take, decompressed: compressed ones begin with their length, or with -1.
fn unpacked_bytes(message: &Message<'_>, body: &[u8]) -> Option<usize> {
    let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch else { return Some(body.len()) };
    if batch.length() < 0 || usize::try_from(batch.length()).ok()? > BATCH_ROWS_MAX.saturating_mul(16) {
        return None;
    }
    if batch.compression().is_none() {
        return Some(body.len());
    }
    let mut total = 0_usize;
    for buffer in batch.buffers().iter().flatten() {
        let start = usize::try_from(buffer.offset()).ok()?;
        let len = usize::try_from(buffer.length()).ok()?;
        let bytes = body.get(start..start.checked_add(len)?)?;
        let Some(prefix) = bytes.first_chunk::<8>() else { continue };
        total = total.checked_add(match i64::from_le_bytes(*prefix) {
            -1 => len,
            unpacked => usize::try_from(unpacked).ok()?,
        })?;
    }
    Some(total)
}

fn damaged() -> Problem {
    Problem::malformed("a message of the file is damaged; rows that follow were not read")
}

fn truncated() -> Problem {
    Problem::truncated("the file ends within a message; rows are missing")
}
