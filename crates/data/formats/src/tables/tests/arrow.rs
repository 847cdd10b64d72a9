use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    RecordBatch, StringArray, StringViewArray, StructArray, TimestampMillisecondArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use model::Format;

use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source, detect};

fn batch() -> RecordBatch {
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("John Smith"), None, Some("山田太郎")]));
    let sites: DictionaryArray<Int32Type> = [Some("Köln"), Some("Tokyo"), Some("Köln")].into_iter().collect();
    let mut phones = ListBuilder::new(StringBuilder::new());
    phones.append_value([Some("030-1"), Some("030-2")]);
    phones.append_null();
    phones.append_value([Some("040-1")]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("born", Arc::new(Date32Array::from(vec![Some(-3653), None, Some(11_016)]))),
        ("seen", Arc::new(TimestampMillisecondArray::from(vec![None, Some(1_000), None]))),
        ("dose", Arc::new(Decimal128Array::from(vec![12_345, 0, -5]).with_precision_and_scale(9, 2).unwrap())),
        ("site", Arc::new(sites)),
        ("phones", Arc::new(phones.finish())),
        ("drug", Arc::new(StringViewArray::from(vec!["a", "a much longer name", "c"]))),
        ("weight", Arc::new(Float64Array::from(vec![71.5, 60.0, 80.25]))),
        ("alive", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("raw", Arc::new(BinaryArray::from(vec![b"text".as_slice(), b"", b"\xff\x00"]))),
    ];
    let person = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8, true)), names)]);
    let mut fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let described = HashMap::from([("description".to_owned(), "the person treated".to_owned())]);
    fields.push(Field::new("patient", DataType::Struct(person.fields().clone()), true).with_metadata(described));
    let mut arrays: Vec<ArrayRef> = columns.into_iter().map(|column| column.1).collect();
    arrays.push(Arc::new(person));
    let note = HashMap::from([("note".to_owned(), "exported by Ann Author".to_owned())]);
    RecordBatch::try_new(SchemaRef::new(Schema::new_with_metadata(fields, note)), arrays).unwrap()
}

fn options(compression: Option<CompressionType>) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(compression).unwrap()
}

pub(super) fn stream(compression: Option<CompressionType>) -> Vec<u8> {
    let batch = batch();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options(compression)).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

pub(super) fn file(compression: Option<CompressionType>) -> Vec<u8> {
    let batch = batch();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options(compression)).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

const ROWS: [&str; 6] = [
    "row 1 1|1960-01-01||123.45|Köln|030-1; 030-2|a|71.5|true|text|John Smith",
    "row 2 2||1970-01-01T00:00:01|0.00|Tokyo||a much longer name|60|false||",
    "row 3 3|2000-02-29||-0.05|Köln|040-1|c|80.25|true||山田太郎",
    "row 4 1|1960-01-01||123.45|Köln|030-1; 030-2|a|71.5|true|text|John Smith",
    "row 5 2||1970-01-01T00:00:01|0.00|Tokyo||a much longer name|60|false||",
    "row 6 3|2000-02-29||-0.05|Köln|040-1|c|80.25|true||山田太郎",
];

#[test]
fn files_and_streams_give_their_rows() {
    let compressions = [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];
    for bytes in compressions.into_iter().flat_map(|compression| [stream(compression), file(compression)]) {
        let read = Recorder::read(&bytes);
        assert_eq!(read.formats, [Format::Arrow]);
        assert_eq!(read.problems, []);
        let rows: Vec<&str> = read.lines.iter().filter(|line| line.starts_with("row ")).map(String::as_str).collect();
        assert_eq!(rows, ROWS);
        assert_eq!(read.columns.last().unwrap(), &("patient.name".to_owned(), "the person treated".to_owned()));
        assert_eq!(read.values("note"), ["exported by Ann Author"]);
        assert_eq!(Recorder::read_stream(&bytes, 1000).lines, read.lines);
    }
}

#[test]
fn a_file_without_rows_has_its_columns() {
    let schema = batch().schema();
    let bytes = StreamWriter::try_new(Vec::new(), &schema).unwrap().into_inner().unwrap();
    let read = Recorder::read(&bytes);
    assert_eq!((read.tables, read.rows, read.columns.len(), read.problems.len()), (1, 0, 11, 0));
}

#[test]
fn what_cannot_be_read_says_why() {
    let whole = file(None);
    let kinds = |bytes: &[u8]| Recorder::read(bytes).problems.iter().map(|problem| problem.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&whole[..whole.len() / 3]), [ProblemKind::Truncated]);
    assert_eq!(kinds(b"FEA1 and what follows"), [ProblemKind::Unsupported]);
    assert_eq!(detect(&whole, true), Format::Arrow);
    let limits = Limits { whole_bytes_max: 1 << 10, ..Limits::default() };
    let read = Recorder::read_with(Source::bytes(&whole), limits, None);
    assert_eq!(read.problems.first().map(|problem| problem.kind), Some(ProblemKind::Limit));
}

#[test]
fn a_buffer_that_says_it_is_huge_is_not_made() {
    let mut bytes = stream(Some(CompressionType::ZSTD));
    let zstd = [0x28, 0xB5, 0x2F, 0xFD];
    let at = memchr::memmem::find(&bytes, &zstd).unwrap();
    bytes[at - 8..at].copy_from_slice(&(1_i64 << 46).to_le_bytes());
    let read = Recorder::read(&bytes);
    assert_eq!(read.problems.first().map(|problem| problem.kind), Some(ProblemKind::Limit));
}
