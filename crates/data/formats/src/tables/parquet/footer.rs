//! The footer: where it lies, whether it can be believed, and what it says.

use std::io::SeekFrom;

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::foreign::guarded;
use crate::source::ReadSeek;
use crate::{Problem, ReadError};

use super::thrift::{self, Item};

/// Footer length and magic.
const TAIL_BYTES: u64 = 8;
/// Longer footers describe more columns and row groups than fit into memory once unpacked.
const FOOTER_BYTES_MAX: usize = 16 << 20;
/// Row groups are numbered by 16-bit integers.
const ROW_GROUPS_MAX: usize = 32_767;

/// The footer's bytes.
pub(super) fn read(file: &mut dyn ReadSeek) -> Result<Vec<u8>, ReadError> {
    let len = file.seek(SeekFrom::End(0))?;
    let ends = || Problem::truncated("the file ends before its footer, without which nothing can be read");
    let start = len.checked_sub(TAIL_BYTES).filter(|start| *start >= 4).ok_or_else(ends)?;
    let tail = super::read_at(file, start, 8)?;
    let [a, b, c, d, magic @ ..] = tail.as_slice() else { return Err(ends().into()) };
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(encrypted().into()),
        _ => return Err(ends().into()),
    }
    let footer = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    if footer > FOOTER_BYTES_MAX {
        return Err(Problem::limit(format!(
            "the footer is longer than {FOOTER_BYTES_MAX} bytes; split the file or merge its row groups to have it read"
        ))
        .into());
    }
    let at =
        start.checked_sub(footer as u64).ok_or_else(|| Problem::malformed("the footer is longer than the file"))?;
    super::read_at(file, at, footer)
}

fn encrypted() -> Problem {
    Problem::encrypted("the file is encrypted; decrypt it with its keys first")
}

/// What the footer says, and which column chunks are encrypted, in the order of row groups and columns.
pub(super) fn decode(footer: &[u8], nesting_max: usize) -> Result<(ParquetMetaData, Vec<bool>), Problem> {
    let damaged = || Problem::malformed("the footer is damaged");
    let mut check = Check::default();
    thrift::walk(footer, &mut |path, item| check.visit(path, item)).map_err(|_fault| damaged())?;
    if !check.is_sound(nesting_max) {
        return Err(damaged());
    }
    let is_encrypted = check.is_encrypted || check.sealed.contains(&true);
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata(footer))?;
    let metadata = metadata.map_err(|_error| if is_encrypted { encrypted() } else { damaged() })?;
    Ok((metadata, check.sealed))
}

/// What the library takes on trust (field numbers of parquet.thrift, `FileMetaData`).
#[derive(Default)]
struct Check {
    /// Children of each element of the schema, in preorder.
    children: Vec<i64>,
    row_groups: usize,
    is_encrypted: bool,
    /// Whether each column chunk says with which key it is encrypted.
    sealed: Vec<bool>,
}

impl Check {
    fn visit(&mut self, path: &[i16], item: Item) {
        match (path, item) {
            ([2], Item::Structure) => self.children.push(0),
            ([2, 5], Item::Integer(count)) => {
                if let Some(last) = self.children.last_mut() {
                    *last = count;
                }
            }
            ([4], Item::List(len)) => self.row_groups = len,
            ([8], Item::Structure) => self.is_encrypted = true,
            ([4, 1], Item::Structure) => self.sealed.push(false),
            ([4, 1, 8], Item::Structure) => {
                if let Some(last) = self.sealed.last_mut() {
                    *last = true;
                }
            }
            _ => {}
        }
    }

    /// Numbers that fit what is there, and a schema that does not nest without end.
    fn is_sound(&self, nesting_max: usize) -> bool {
        let mut open: Vec<i64> = Vec::new();
        for count in &self.children {
            if !(0..=self.children.len() as i64).contains(count) || open.len() > nesting_max {
                return false;
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if *count > 0 {
                open.push(*count);
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        self.row_groups <= ROW_GROUPS_MAX
    }
}
