use std::sync::Arc;

use model::Format;
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    Int96, Int96Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source};

const SCHEMA: &str = "message patients {
    required int32 id;
    optional binary name (STRING);
    optional int32 born (DATE);
    optional int64 seen (TIMESTAMP(MICROS, true));
    optional fixed_len_byte_array(4) dose (DECIMAL(9, 2));
    optional group phones (LIST) { repeated group list { optional binary element (STRING); } }
    optional group address { optional binary city (STRING); required boolean current; }
    required int96 visited;
    optional double weight;
    optional fixed_len_byte_array(16) token (UUID);
}";

fn text(values: &[&str]) -> Vec<ByteArray> {
    values.iter().map(|value| ByteArray::from(*value)).collect()
}

fn row_group(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) {
    macro_rules! column {
        ($kind:ty, $values:expr, $definitions:expr, $repetitions:expr) => {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<$kind>().write_batch(&$values, $definitions, $repetitions).unwrap();
            column.close().unwrap();
        };
    }
    column!(Int32Type, [1, 2, 3], None, None);
    column!(ByteArrayType, text(&["John Smith", "山田太郎"]), Some(&[1, 0, 1]), None);
    column!(Int32Type, [-3653, 11_016], Some(&[1, 1, 0]), None);
    column!(Int64Type, [1_700_000_000_000_001], Some(&[0, 1, 0]), None);
    let dose = FixedLenByteArray::from(12_345_i32.to_be_bytes().to_vec());
    column!(FixedLenByteArrayType, [dose], Some(&[1, 0, 0]), None);
    column!(ByteArrayType, text(&["030-1", "030-2", "040-1"]), Some(&[3, 3, 0, 3, 2]), Some(&[0, 1, 0, 0, 1]));
    column!(ByteArrayType, text(&["Köln"]), Some(&[2, 1, 0]), None);
    column!(BoolType, [true, false], Some(&[1, 1, 0]), None);
    let moment = Int96::from(vec![0, 0, 2_440_588]);
    column!(Int96Type, [moment, moment, moment], None, None);
    column!(DoubleType, [71.5], Some(&[1, 0, 0]), None);
    let token = FixedLenByteArray::from((0..16).collect::<Vec<u8>>());
    column!(FixedLenByteArrayType, [token], Some(&[0, 0, 1]), None);
}

fn with(properties: WriterProperties, groups: usize) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        row_group(&mut group);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

/// Two row groups of three patients.
pub(super) fn file(compression: &str) -> Vec<u8> {
    let compression: Compression = compression.parse().unwrap();
    let note = KeyValue::new("note".to_owned(), "exported by Ann Author".to_owned());
    let properties = WriterProperties::builder().set_compression(compression).set_key_value_metadata(Some(vec![note]));
    with(properties.build(), 2)
}

const ROWS: [&str; 3] = [
    "1|John Smith|1960-01-01||123.45|030-1; 030-2|Köln|true|1970-01-01T00:00:00|71.5|",
    "2||2000-02-29|2023-11-14T22:13:20.000001||||false|1970-01-01T00:00:00||",
    "3|山田太郎||||040-1|||1970-01-01T00:00:00||00010203-0405-0607-0809-0a0b0c0d0e0f",
];

fn rows(read: &Recorder) -> Vec<String> {
    let rows = read.lines.iter().filter_map(|line| line.strip_prefix("row "));
    rows.map(|row| row.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn rows_of_all_row_groups_under_every_compression() {
    for compression in ["UNCOMPRESSED", "SNAPPY", "GZIP(6)", "ZSTD(1)", "BROTLI(4)", "LZ4_RAW", "LZ4"] {
        let read = Recorder::read(&file(compression));
        assert_eq!(read.formats, [Format::Parquet]);
        assert_eq!(read.problems, [], "{compression}");
        assert_eq!(rows(&read), [ROWS, ROWS].concat(), "{compression}");
        assert_eq!(read.cells.last().unwrap().place, "row 6 column 11");
        let names: Vec<&str> = read.columns.iter().map(|column| column.0.as_str()).collect();
        assert_eq!(
            names,
            [
                "id",
                "name",
                "born",
                "seen",
                "dose",
                "phones",
                "address.city",
                "address.current",
                "visited",
                "weight",
                "token"
            ]
        );
        assert_eq!(read.values("note"), ["exported by Ann Author"]);
    }
}

#[test]
fn both_kinds_of_data_pages_and_pages_of_one_row() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for dictionary in [true, false] {
            let properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_dictionary_enabled(dictionary)
                .set_data_page_row_count_limit(1)
                .set_write_batch_size(1)
                .set_compression(Compression::SNAPPY);
            let read = Recorder::read(&with(properties.build(), 1));
            assert_eq!((rows(&read), read.problems), (ROWS.map(str::to_owned).to_vec(), vec![]));
        }
    }
}

#[test]
fn many_rows_come_in_batches() {
    let schema = Arc::new(parse_message_type("message m { required int64 n; optional group l (LIST) { repeated group list { required int64 element; } } }").unwrap());
    let properties = WriterProperties::builder().set_data_page_size_limit(4096).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let numbers: Vec<i64> = (0..20_000).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let pairs: Vec<i64> = (0..40_000).collect();
    let repetitions = [0, 1].repeat(20_000);
    column.typed::<Int64Type>().write_batch(&pairs, Some(&vec![2; 40_000]), Some(&repetitions)).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let read = Recorder::read(&writer.into_inner().unwrap());
    assert_eq!(read.problems, []);
    let all = rows(&read);
    assert_eq!(all.len(), 20_000);
    for (at, row) in all.iter().enumerate() {
        assert_eq!(*row, format!("{at}|{}; {}", 2 * at, 2 * at + 1));
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let whole = file("SNAPPY");
    let kinds = |bytes: &[u8]| Recorder::read(bytes).problems.iter().map(|problem| problem.kind).collect::<Vec<_>>();
    let mut sealed = whole.clone();
    let end = sealed.len();
    sealed[end - 1] = b'E';
    assert_eq!(kinds(&sealed), [ProblemKind::Encrypted]);
    assert_eq!(kinds(&whole[..end - 9]), [ProblemKind::Truncated]);
    assert_eq!(kinds(b"PAR1"), [ProblemKind::Truncated]);
    let mut footer = whole.clone();
    footer[end - 20..end - 8].fill(0xFF);
    assert_eq!(kinds(&footer), [ProblemKind::Malformed]);
    let mut page = whole.clone();
    page[5..60].fill(0xFF);
    assert!(kinds(&page).contains(&ProblemKind::Malformed));
    let limits = Limits { whole_bytes_max: 1 << 10, ..Limits::default() };
    let source = Source::stream(&whole[..], None).unwrap();
    let read = Recorder::read_with(source, limits, None);
    assert_eq!(read.problems.first().map(|problem| problem.kind), Some(ProblemKind::Limit));
}
