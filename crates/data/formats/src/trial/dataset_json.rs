//! CDISC Dataset-JSON 1.0 and 1.1, as one document or as NDJSON (Dataset-JSON specification 1.1, 2024-11).
//!
//! Rows are cells of a table that is named after the data set; metadata are fields.

use crate::json::{Event, Json, ScalarKind};
use crate::{Column, Field, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Table, TableStyle, Vocabulary};

use super::row::RowBuffer;

/// Whether a JSON document says of itself that it is Dataset-JSON, or has the shape of version 1.0.
pub(super) fn sniff(head: &[u8]) -> bool {
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if !start.starts_with(b"{") {
        return false;
    }
    let first = start.get(..16 * 1024).unwrap_or(start);
    let holds = |key: &str| memchr::memmem::find(first, key.as_bytes()).is_some();
    holds("\"datasetJSONVersion\"")
        || (holds("\"itemGroupOID\"") && holds("\"columns\"") && holds("\"itemOID\""))
        || ((holds("\"clinicalData\"") || holds("\"referenceData\"")) && holds("\"itemGroupData\""))
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let json = Json::new(source, reader.limits())?;
    let mut file =
        File { json, reader, name: String::new(), columns: Vec::new(), announced: false, path: Vec::new(), rows: 0 };
    loop {
        match file.json.next()? {
            Event::End => return Ok(()),
            Event::BeginObject => file.object()?,
            // NDJSON: a line after the first is a row.
            Event::BeginArray => file.row()?,
            Event::Key(_) | Event::Scalar(_) | Event::EndObject | Event::EndArray => {}
        }
    }
}

struct File<'a, 'w, 'r, 'b> {
    json: Json<'a>,
    reader: &'w mut Reader<'r, 'b>,
    name: String,
    /// Name and label.
    columns: Vec<(String, String)>,
    announced: bool,
    /// Last keys of the objects that are open.
    path: Vec<String>,
    rows: u64,
}

/// What comes next inside a metadata object.
enum Next {
    Open,
    Close,
    Array,
    Key(String),
    Value(String),
    End,
}

impl File<'_, '_, '_, '_> {
    /// An object has begun: its keys are metadata, columns or rows.
    fn object(&mut self) -> Result<(), ReadError> {
        let outer = self.path.len();
        self.path.push(String::new());
        while self.path.len() > outer {
            let next = match self.json.next()? {
                Event::BeginObject => Next::Open,
                Event::EndObject => Next::Close,
                Event::BeginArray => Next::Array,
                Event::Key(key) => Next::Key(key.to_owned()),
                Event::Scalar(scalar) if scalar.kind != ScalarKind::Null => Next::Value(scalar.text.to_owned()),
                Event::Scalar(_) | Event::EndArray => continue,
                Event::End => Next::End,
            };
            match next {
                Next::Open => self.path.push(String::new()),
                Next::Close => self.path.truncate(self.path.len() - 1),
                Next::Array => self.array()?,
                Next::Key(key) => key.clone_into(self.path.last_mut().unwrap_or(&mut String::new())),
                Next::Value(value) => self.metadata(&value)?,
                Next::End => return Ok(()),
            }
        }
        Ok(())
    }

    fn metadata(&mut self, value: &str) -> Result<(), ReadError> {
        let key = self.path.last().map_or("", String::as_str);
        if key == "name" && !self.path.iter().any(|key| key == "sourceSystem") {
            value.clone_into(&mut self.name);
        }
        let place = self.path.join(".");
        self.reader.field(&Field {
            vocabulary: Vocabulary::Odm,
            path: &format!("DatasetJson.{key}"),
            place: Place::Path(&place),
            value,
            raw: Raw::None,
            qualifiers: Qualifiers::default(),
        })
    }

    /// An array has begun inside the metadata.
    fn array(&mut self) -> Result<(), ReadError> {
        match self.path.last().map_or("", String::as_str) {
            "columns" | "items" => self.read_columns(),
            "rows" | "itemData" => self.read_rows(),
            _ => self.skip_array(),
        }
    }

    fn skip_array(&mut self) -> Result<(), ReadError> {
        let depth = self.json.depth();
        while self.json.depth() >= depth {
            if matches!(self.json.next()?, Event::End) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_columns(&mut self) -> Result<(), ReadError> {
        let depth = self.json.depth();
        self.columns.clear();
        self.announced = false;
        self.rows = 0;
        let mut key = String::new();
        while self.json.depth() >= depth {
            match self.json.next()? {
                Event::BeginObject => self.columns.push((String::new(), String::new())),
                Event::Key(name) => name.clone_into(&mut key),
                Event::Scalar(scalar) => {
                    let Some(column) = self.columns.last_mut() else { continue };
                    match key.as_str() {
                        "name" => scalar.text.clone_into(&mut column.0),
                        "label" => scalar.text.clone_into(&mut column.1),
                        _ => {}
                    }
                }
                Event::End => return Ok(()),
                Event::BeginArray | Event::EndObject | Event::EndArray => {}
            }
        }
        Ok(())
    }

    fn read_rows(&mut self) -> Result<(), ReadError> {
        loop {
            match self.json.next()? {
                Event::BeginArray => self.row()?,
                Event::EndArray | Event::End => return Ok(()),
                Event::BeginObject => {
                    return Err(
                        Problem::malformed("a row of the data set is an object; rows are arrays of values").into()
                    );
                }
                Event::Key(_) | Event::Scalar(_) | Event::EndObject => {}
            }
        }
    }

    /// A row's array has begun.
    fn row(&mut self) -> Result<(), ReadError> {
        let depth = self.json.depth();
        let limit = self.reader.limits().value_bytes_max.saturating_mul(4);
        let mut row = RowBuffer::default();
        let mut more = false;
        while self.json.depth() >= depth {
            match self.json.next()? {
                Event::Scalar(scalar) => {
                    let text = if scalar.kind == ScalarKind::Null { "" } else { scalar.text };
                    if more {
                        row.extend(text)
                    } else {
                        row.push(text, placed(&scalar.raw, text))
                    }
                    more = scalar.more;
                }
                Event::End => break,
                Event::BeginObject | Event::BeginArray | Event::Key(_) | Event::EndObject | Event::EndArray => {}
            }
            if row.bytes() > limit {
                return Err(
                    Problem::limit("a row of the data set is larger than four times `limits.value_bytes_max`").into()
                );
            }
        }
        self.announce()?;
        self.rows += 1;
        row.report(self.rows, self.reader)
    }

    fn announce(&mut self) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.announced, true) {
            return Ok(());
        }
        if self.columns.is_empty() {
            self.reader
                .problem(Problem::malformed("rows stand before the columns, whose names are therefore not known"))?;
        }
        let columns: Vec<_> = self.columns.iter().map(|(name, label)| Column { name, label }).collect();
        let (name, style) = (self.name.as_str(), TableStyle::Dataset);
        self.reader.table(&Table { name, vocabulary: Vocabulary::Cdisc, style, columns: &columns })
    }
}

/// The place without the borrow: text that stands in the file as it is, or the value as a whole.
fn placed(raw: &Raw<'_>, text: &str) -> Raw<'static> {
    match (*raw, raw.locate(text, 0, text.len())) {
        (Raw::Verbatim { start }, _) => Raw::Verbatim { start },
        (Raw::Encoded { start, encoding }, _) => Raw::Encoded { start, encoding },
        (_, Some((start, end))) => Raw::Whole { start, end },
        (_, None) => Raw::None,
    }
}
