//! An answer as text, JSON lines, CSV or Parquet.

use std::fmt::Write as _;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::arrow::csv;
use datafusion::arrow::json;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::HuntError;
use crate::run::Sink;

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// RFC 4180, with a header.
    Csv,
    /// Parquet.
    Parquet,
}

/// A sink that writes `format` to `to`.
pub fn sink<'w>(format: Format, to: Box<dyn Write + Send + 'w>) -> Box<dyn Sink + Send + 'w> {
    match format {
        Format::Text => Box::new(Text { to, head: Vec::new(), rows: Vec::new(), numbers: Vec::new(), widths: None }),
        Format::Json => Box::new(Json(to)),
        Format::Csv => Box::new(Csv { to, has_header: false }),
        Format::Parquet => Box::new(Columns { to: Some(to), writer: None }),
    }
}

fn broken(error: arrow_schema::ArrowError) -> HuntError {
    HuntError::Output(std::io::Error::other(error))
}

/// Rows whose widths are looked at before the first is written; wider ones that follow stand out.
const ALIGNED_ROWS: usize = 10_000;
/// A column is padded up to so many characters.
const WIDTH_MAX: usize = 80;

/// Columns that are aligned by what stands in the first rows.
struct Text<'w> {
    to: Box<dyn Write + Send + 'w>,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    numbers: Vec<bool>,
    widths: Option<Vec<usize>>,
}

impl Text<'_> {
    fn flush(&mut self) -> Result<(), HuntError> {
        let head = std::mem::take(&mut self.head);
        if self.widths.is_none() {
            let of_column = |column: usize| {
                let rows = std::iter::once(&head).chain(&self.rows);
                let widths = rows.filter_map(|row| row.get(column)).map(|text| text.chars().count());
                widths.max().unwrap_or(0).min(WIDTH_MAX)
            };
            let widths: Vec<usize> = (0..head.len()).map(of_column).collect();
            let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            self.widths = Some(widths);
            self.line(&head)?;
            self.line(&rule)?;
        }
        for row in std::mem::take(&mut self.rows) {
            self.line(&row)?;
        }
        Ok(())
    }

    fn line(&mut self, row: &[String]) -> Result<(), HuntError> {
        let widths = self.widths.as_deref().unwrap_or_default();
        let mut line = String::new();
        for ((text, width), is_number) in row.iter().zip(widths).zip(&self.numbers) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            // Writing to a String cannot fail.
            let _ = match is_number {
                true => write!(line, "{text:>width$}"),
                false => write!(line, "{text:<width$}"),
            };
        }
        writeln!(self.to, "{}", line.trim_end()).map_err(HuntError::Output)
    }
}

/// What would move a terminal's cursor, change its colours or its direction, or begin another line, written out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let is_harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    if text.chars().all(is_harmless) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if is_harmless(c) => out.push(c),
            '\n' | '\r' | '\t' => out.extend(c.escape_default()),
            c => out.extend(c.escape_unicode()),
        }
    }
    out
}

impl Sink for Text<'_> {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), HuntError> {
        self.head = schema.fields().iter().map(|field| escaped(field.name())).collect();
        self.numbers = schema.fields().iter().map(|field| field.data_type().is_numeric()).collect();
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        let options = FormatOptions::new().with_null("-").with_display_error(true);
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        for at in 0..batch.num_rows() {
            self.rows.push(columns.iter().map(|column| escaped(&column.value(at).to_string())).collect());
        }
        if self.rows.len() >= ALIGNED_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), HuntError> {
        self.flush()?;
        self.to.flush().map_err(HuntError::Output)
    }
}

struct Json<'w>(Box<dyn Write + Send + 'w>);

impl Sink for Json<'_> {
    fn begin(&mut self, _schema: &SchemaRef) -> Result<(), HuntError> {
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        let builder = json::WriterBuilder::new().with_explicit_nulls(true);
        let mut writer = builder.build::<_, json::writer::LineDelimited>(&mut self.0);
        writer.write(batch).and_then(|()| writer.finish()).map_err(broken)
    }

    fn end(&mut self) -> Result<(), HuntError> {
        self.0.flush().map_err(HuntError::Output)
    }
}

struct Csv<'w> {
    to: Box<dyn Write + Send + 'w>,
    has_header: bool,
}

impl Csv<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        let mut writer = csv::WriterBuilder::new().with_header(!self.has_header).build(&mut self.to);
        self.has_header = true;
        writer.write(batch).map_err(broken)
    }
}

impl Sink for Csv<'_> {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), HuntError> {
        self.write(&RecordBatch::new_empty(schema.clone()))
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        self.write(batch)
    }

    fn end(&mut self) -> Result<(), HuntError> {
        self.to.flush().map_err(HuntError::Output)
    }
}

struct Columns<'w> {
    to: Option<Box<dyn Write + Send + 'w>>,
    writer: Option<ArrowWriter<Box<dyn Write + Send + 'w>>>,
}

fn parquet_broken(error: parquet::errors::ParquetError) -> HuntError {
    HuntError::Output(std::io::Error::other(error))
}

impl Sink for Columns<'_> {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), HuntError> {
        let Some(to) = self.to.take() else { return Ok(()) };
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(zstd).build();
        self.writer = Some(ArrowWriter::try_new(to, schema.clone(), Some(properties)).map_err(parquet_broken)?);
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(batch)).map_err(parquet_broken)
    }

    fn end(&mut self) -> Result<(), HuntError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut to = writer.into_inner().map_err(parquet_broken)?;
        to.flush().map_err(HuntError::Output)
    }
}
