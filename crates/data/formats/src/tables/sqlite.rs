//! SQLite databases (sqlite.org/fileformat2.html): every ordinary table, straight from its b-tree. Indexes, free
//! pages and the write-ahead log beside the file are left out.

mod btree;
mod record;
mod schema;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

use crate::{Problem, ReadError, Reader, Source};

use super::rows::Rows;
use btree::{Entry, Pager, Walk};
use record::{Record, Value};
use schema::Schema;

/// What every database begins with (section 1.3).
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";
/// Bytes of all `CREATE TABLE` statements that are kept.
const SCHEMA_BYTES_MAX: usize = 16 << 20;

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let header = source.head().get(..100).ok_or_else(|| Problem::truncated("the database ends within its header"))?;
    let encoding = match header.get(56..60) {
        Some([0, 0, 0, 2]) => UTF_16LE,
        Some([0, 0, 0, 3]) => UTF_16BE,
        _ => UTF_8,
    };
    let (page_bytes, reserved) = page_size(header)?;
    let room = reader.room_to_hold();
    let mut pager = Pager::new(source.into_seek(room)?, page_bytes, reserved, room)?;
    let mut database = Database { pager: &mut pager, reader, encoding };
    for table in database.tables()? {
        database.table(&table)?;
    }
    Ok(())
}

/// Bytes of a page, and of those the bytes at its end that are reserved (sections 1.3.2 and 1.3.4).
fn page_size(header: &[u8]) -> Result<(usize, usize), Problem> {
    let size = match header.get(16..18) {
        Some([0, 1]) => 65_536,
        Some([a, b]) => usize::from(u16::from_be_bytes([*a, *b])),
        _ => 0,
    };
    let reserved = header.get(20).copied().map_or(0, usize::from);
    if !size.is_power_of_two() || size < 512 || size - reserved < 480 {
        return Err(Problem::malformed("the database's page size is none that SQLite has"));
    }
    Ok((size, reserved))
}

/// One table that holds rows.
struct Table {
    name: String,
    root: u32,
    schema: Schema,
}

struct Database<'p, 'a, 'r, 'b> {
    pager: &'p mut Pager<'a>,
    reader: &'p mut Reader<'r, 'b>,
    encoding: &'static encoding_rs::Encoding,
}

impl Database<'_, '_, '_, '_> {
    /// The tables that `sqlite_schema` lists, whose root is page 1 (section 2.6). Virtual tables have no b-tree of their own.
    fn tables(&mut self) -> Result<Vec<Table>, ReadError> {
        let mut tables = Vec::new();
        let mut statements_bytes = 0;
        let mut walk = Walk::new(1);
        while let Some(entry) = self.next(&mut walk, "sqlite_schema")? {
            self.reader.check()?;
            let record = Record::new(&entry.payload);
            let text = |at: usize| record.value(at).map(|value| value.text(self.encoding)).unwrap_or_default();
            let root = match record.value(3) {
                Some(Value::Integer(root)) => u32::try_from(root).unwrap_or(0),
                _ => 0,
            };
            if text(0) != "table" || root == 0 {
                continue;
            }
            let statement = text(4);
            statements_bytes += statement.len();
            if statements_bytes > SCHEMA_BYTES_MAX {
                self.reader.problem(Problem::limit(format!(
                    "the table definitions are longer than {SCHEMA_BYTES_MAX} bytes; the tables that follow were not read"
                )))?;
                break;
            }
            tables.push(Table { name: text(1), root, schema: Schema::parse(&statement) });
        }
        Ok(tables)
    }

    fn table(&mut self, table: &Table) -> Result<(), ReadError> {
        let schema = &table.schema;
        let columns: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
        let mut rows = Rows::open(&table.name, columns, &[], self.reader)?;
        let positions = schema.positions();
        let mut number = 0;
        let mut walk = Walk::new(table.root);
        while let Some(entry) = self.next(&mut walk, &table.name)? {
            number += 1;
            let record = Record::new(&entry.payload);
            // Columns beyond those that the definition tells are shown all the same.
            let beyond = positions.len()..record.len().max(positions.len());
            for (column, position) in positions.iter().copied().chain(beyond.map(Some)).enumerate() {
                let value = position.and_then(|position| record.value(position));
                match value {
                    Some(Value::Null) | None if schema.row_id == Some(column) => rows.value(&entry.row_id.to_string()),
                    Some(Value::Null) | None => {}
                    Some(Value::Blob(bytes)) => rows.bytes(bytes),
                    Some(value) => rows.value(&value.text(self.encoding)),
                }
                rows.end_cell();
            }
            if entry.is_cut {
                self.reader.problem(Problem::limit(format!(
                    "row {number} of table `{}` is too long to hold; its end was not read",
                    table.name
                )))?;
            }
            rows.end_row(number, self.reader)?;
        }
        Ok(())
    }

    /// The next entry of a b-tree; damage is reported once for each tree and what can be reached is read.
    fn next(&mut self, walk: &mut Walk, table: &str) -> Result<Option<Entry>, ReadError> {
        loop {
            match walk.next(self.pager) {
                Ok(entry) => return Ok(entry),
                Err(error) => {
                    let problem = error.into_problem().ok_or(crate::Halt)?;
                    if !std::mem::replace(&mut walk.is_damaged, true) {
                        let message = format!("table `{table}`: {}", problem.message);
                        self.reader.problem(Problem::new(problem.kind, message))?;
                    }
                }
            }
        }
    }
}
