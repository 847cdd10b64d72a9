//! `SQLite` databases of one table (file format 4, sqlite.org/fileformat2.html), without overflow pages.

use super::table::Table;

const PAGE: usize = 4096;
/// The largest payload that a leaf of this page size keeps whole: page size − 35.
const PAYLOAD_MAX: usize = PAGE - 35;

/// A database; rows that would not fit into a page are left out.
pub fn database(table: &Table) -> Vec<u8> {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\" TEXT", column.name)).collect();
    let sql = format!("CREATE TABLE {} ({})", table.name, columns.join(", "));
    let mut leaves: Vec<(u64, Vec<Vec<u8>>)> = vec![(0, Vec::new())];
    let mut used = 8;
    for (key, row) in (1..).zip(&table.rows) {
        let values: Vec<Value> = row.iter().map(|cell| Value::Text(cell)).collect();
        let Some(cell) = leaf_cell(key, &values) else { continue };
        if used + cell.len() + 2 > PAGE {
            leaves.push((key, Vec::new()));
            used = 8;
        }
        used += cell.len() + 2;
        if let Some((last, cells)) = leaves.last_mut() {
            *last = key;
            cells.push(cell);
        }
    }
    let schema =
        [Value::Text("table"), Value::Text(table.name), Value::Text(table.name), Value::Small(2), Value::Text(&sql)];
    let schema: Vec<Vec<u8>> = leaf_cell(1, &schema).into_iter().collect();
    let pages = if leaves.len() == 1 { 2 } else { 2 + leaves.len() };
    let mut bytes = page(0x0D, &schema, None, &header(pages));
    if leaves.len() > 1 {
        bytes.extend(interior(&leaves));
    }
    for (_, cells) in &leaves {
        bytes.extend(page(0x0D, cells, None, &[]));
    }
    bytes
}

enum Value<'a> {
    Text(&'a str),
    Small(u8),
}

/// Length, key and record; `None` when it would overflow a page.
fn leaf_cell(key: u64, values: &[Value]) -> Option<Vec<u8>> {
    let mut types = Vec::new();
    let mut body = Vec::new();
    for value in values {
        match value {
            Value::Text(text) => {
                varint(&mut types, 13 + 2 * text.len() as u64);
                body.extend(text.as_bytes());
            }
            Value::Small(number) => {
                varint(&mut types, 1);
                body.push(*number);
            }
        }
    }
    // The header counts its own length, which takes one byte up to 127 and two from there.
    let own = if types.len() < 127 { 1 } else { 2 };
    let mut record = Vec::new();
    varint(&mut record, (types.len() + own) as u64);
    record.extend(types);
    record.extend(body);
    let mut cell = Vec::new();
    varint(&mut cell, record.len() as u64);
    varint(&mut cell, key);
    let fits = record.len() <= PAYLOAD_MAX;
    cell.extend(record);
    fits.then_some(cell)
}

/// The root over the leaves, which follow it from page 3 on.
fn interior(leaves: &[(u64, Vec<Vec<u8>>)]) -> Vec<u8> {
    let number = |index: usize| u32::try_from(index + 3).unwrap_or(0);
    let mut cells = Vec::new();
    for (index, (last, _)) in leaves.iter().enumerate().take(leaves.len() - 1) {
        let mut cell = number(index).to_be_bytes().to_vec();
        varint(&mut cell, *last);
        cells.push(cell);
    }
    page(0x05, &cells, Some(number(leaves.len() - 1)), &[])
}

/// A b-tree page: `before` (the database header on page 1), page header, cell pointers, cells from the end.
fn page(kind: u8, cells: &[Vec<u8>], rightmost: Option<u32>, before: &[u8]) -> Vec<u8> {
    let mut pointers = Vec::new();
    let mut content: Vec<u8> = Vec::new();
    for cell in cells.iter().rev() {
        content.extend(cell);
    }
    let start = PAGE - content.len();
    let mut at = PAGE;
    for cell in cells {
        at -= cell.len();
        pointers.extend(u16::try_from(at).unwrap_or(0).to_be_bytes());
    }
    let mut bytes = before.to_vec();
    bytes.extend([kind, 0, 0]);
    bytes.extend(u16::try_from(cells.len()).unwrap_or(0).to_be_bytes());
    bytes.extend(u16::try_from(start).unwrap_or(0).to_be_bytes());
    bytes.push(0);
    if let Some(page) = rightmost {
        bytes.extend(page.to_be_bytes());
    }
    bytes.extend(pointers);
    bytes.resize(start, 0);
    bytes.extend(content);
    bytes
}

/// The database header.
fn header(pages: usize) -> Vec<u8> {
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.extend([0x10, 0x00, 1, 1, 0, 64, 32, 32]);
    let pages = u32::try_from(pages).unwrap_or(0);
    for word in [1, pages, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3_045_000] {
        bytes.extend(u32::to_be_bytes(word));
    }
    bytes
}

/// Big-endian groups of seven bits; the values here never need the ninth byte.
fn varint(bytes: &mut Vec<u8>, value: u64) {
    let groups = (1..8).find(|groups| value >> (7 * groups) == 0).unwrap_or(8);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        bytes.push((value >> (7 * group) & 0x7F) as u8 | more);
    }
}
