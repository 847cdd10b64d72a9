use std::fmt::Write;

use model::Format;

use crate::testing::{Recorder, survives_truncation};
use crate::{Limits, Source};

#[test]
fn cells_keep_their_places_whatever_the_dialect() {
    for delimiter in [',', ';', '\t', '|'] {
        let file = "name,city,note\nAnn,Köln,\"first, \"\"second\"\"\nthird\"\r\n\r\nBob,,x\n"
            .replace(',', &delimiter.to_string());
        let read = Recorder::proved(file.as_bytes());
        assert_eq!(read.format(), Format::Csv);
        assert_eq!(read.columns.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["name", "city", "note"]);
        let values: Vec<_> = read.cells.iter().map(|c| (c.place.as_str(), c.value.as_str())).collect();
        let note = format!("first{delimiter} \"second\"\nthird");
        assert_eq!(
            values,
            [
                ("row 2 column 1", "Ann"),
                ("row 2 column 2", "Köln"),
                ("row 2 column 3", note.as_str()),
                ("row 5 column 1", "Bob"),
                ("row 5 column 2", ""),
                ("row 5 column 3", "x"),
            ]
        );
    }
}

#[test]
fn asides_comments_and_told_separators_are_no_rows() {
    let read = Recorder::proved(b"sep=;\nid;when\n1;2020-01-02\n2;2020-01-03\n");
    assert_eq!((read.columns.len(), read.rows, read.texts.len()), (2, 2, 1));
    let read = Recorder::proved(b"# made by hand\n#id\tname\tdose\n1\tAnn\t5\n# later\n2\tBob\t6\n");
    assert_eq!(read.columns.first().unwrap().0, "#id");
    assert_eq!((read.rows, read.texts.len()), (2, 2));
    let read = Recorder::proved(b"Listing of the study\n\npatient_id,age,sex\n1,50,F\n2,61,M\n3,70,F\n");
    assert_eq!(read.columns.first().unwrap().0, "patient_id");
    assert_eq!((read.rows, read.text().as_str()), (3, "Listing of the study\n"));
    // Spreadsheets fill the row of a title up with empty cells.
    let read = Recorder::proved(b"Title,,\nMRN,LAST,DOB\n7741002,Vroom,1951-03-14\n7741003,Prins,1944-01-02\n");
    assert_eq!(read.columns.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["MRN", "LAST", "DOB"]);
    assert_eq!(read.rows, 2);
}

#[test]
fn abbreviations_name_columns() {
    let read = Recorder::proved("Nachname;Geb.dat.;Diagn.\nÖztürk;24.12.38;E05.0\nGroß;03.05.41;I50.1\n".as_bytes());
    assert_eq!(read.columns.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["Nachname", "Geb.dat.", "Diagn."]);
}

#[test]
fn a_table_without_names_has_columns_without_names() {
    let read = Recorder::proved(b"1,Ann,1980-01-02\n2,Bob,1981-03-04\n3,Eve,1990-12-31\n");
    assert_eq!(read.columns, vec![(String::new(), String::new()); 3]);
    assert_eq!(read.rows, 3);
}

#[test]
fn prose_code_logs_and_markdown_are_no_tables() {
    let prose =
        "Dear Ann,\nthanks for your letter, which came today.\nWe will see, I hope,\nhow it goes.\nYours, Bob\n";
    let python = "import os, sys\n\ndef f(a, b):\n    return a, b\n\nx = [\n    (1, 2),\n    (3, 4),\n]\nprint(x, 3)\n";
    let c = "#include <stdio.h>\nint main(void) {\n  int a = 1;\n  int b = 2;\n  return a;\n}\n";
    let log = "2024-01-01 10:00:00,123 INFO started the service\n2024-01-01 10:00:01,456 WARN slow answer from peer\n"
        .repeat(20);
    let table = "| name | age |\n| --- | --- |\n| Ann | 5 |\n| Bob | 6 |\n";
    let letter = "Boston, May 5\n\nDear colleague, I saw the patient today.\nShe is well, and sleeps.\n";
    let makefile = "all: a b\n\tcc -o a a.c\n\tcc -o b b.c\n\nclean:\n\trm a b\n";
    let rust = "use a::{b, c};\n\nfn f(x: u8, y: u8) -> u8 {\n    g(x, y);\n    h(x, y)\n}\n";
    let list = "apples, pears\nbread, butter\nmilk, sugar\n";
    for text in [prose, python, c, &log, table, letter, makefile, rust, list] {
        assert_eq!(Recorder::proved(text.as_bytes()).format(), Format::Text, "{text}");
    }
}

#[test]
fn a_column_of_free_text_leaves_it_a_table() {
    let mut file = "record,seen on,remarks\n".to_owned();
    for n in 0..20 {
        writeln!(
            file,
            "{n},2024-02-{:02},\"Was tired, slept badly; came back, as told, with \"\"pain\"\".\"",
            n % 28 + 1
        )
        .unwrap();
    }
    let read = Recorder::proved(file.as_bytes());
    assert_eq!((read.format(), read.rows), (Format::Csv, 20));
}

#[test]
fn encodings_are_decoded_with_true_offsets() {
    let file = "氏名,生年月日,住所\n山田 太郎,1980-01-02,東京都千代田区丸の内一丁目\n佐藤 花子,1975-11-30,\"大阪府, \"\"北区\"\"\"\n".repeat(30);
    for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP, encoding_rs::ISO_2022_JP] {
        let bytes = encoding.encode(&file).0;
        let read = Recorder::proved(&bytes);
        assert_eq!(read.format(), Format::Csv, "{encoding:?}");
        assert_eq!(read.columns.first().unwrap().0, "氏名", "{encoding:?}");
        assert_eq!(read.cells.first().unwrap().value, "山田 太郎");
        assert_eq!(read.cells.get(5).unwrap().value, "大阪府, \"北区\"");
    }
    for bytes in [
        file.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        [0xFE, 0xFF].into_iter().chain(file.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
    ] {
        let read = Recorder::proved(&bytes);
        assert_eq!((read.format(), read.cells.first().unwrap().value.as_str()), (Format::Csv, "山田 太郎"));
    }
    let latin = encoding_rs::WINDOWS_1252
        .encode("name;ort;straße\nMüller;Köln;Große Straße 5\nJürgens;Fürth;Am Bach 7\n")
        .0
        .into_owned();
    let read = Recorder::proved(&latin);
    assert_eq!(read.cells.first().unwrap().value, "Müller");
}

#[test]
fn an_encoding_that_shows_late_is_noticed() {
    let mut file = String::from("id,name\n");
    while file.len() < 200_000 {
        file.push_str("12345,Smith\n");
    }
    file.push_str("77,Müller\n78,Jäger aus Köln\n");
    let bytes = encoding_rs::WINDOWS_1252.encode(&file).0.into_owned();
    let read = Recorder::proved(&bytes);
    let last: Vec<_> = read.cells.iter().rev().take(3).map(|c| c.value.as_str()).collect();
    assert_eq!(last, ["Jäger aus Köln", "78", "Müller"]);
}

#[test]
fn damage_stays_in_its_cell() {
    let read =
        Recorder::proved(b"id,name,city\n1,J\xFFrg,Bonn \xE2\x82\xAC\n2,Ann,K\xC3\xB6ln\n3,\"Bob,Rome\n4,Eve,Oslo\n");
    let values: Vec<_> = read.cells.iter().map(|c| c.value.as_str()).collect();
    let want = ["1", "J\u{FFFD}rg", "Bonn €", "2", "Ann", "Köln", "3", "\"Bob", "Rome", "4", "Eve", "Oslo"];
    assert_eq!(values, want);
}

#[test]
fn a_row_without_end_takes_no_more_memory_than_the_limit() {
    let mut file = b"id,name\n1,Ann\n2,Bob\n3,Eve\n4,".to_vec();
    file.extend(std::iter::repeat_n(b"lorem ipsum,".as_slice(), 200_000).flatten());
    let limits = Limits { value_bytes_max: 1 << 16, ..Limits::default() };
    let read = Recorder::read_with(Source::bytes(&file), limits, Some(file.clone()));
    assert_eq!(read.problems.len(), 1);
    assert!(read.cells.len() > 200_000, "{} {:?}", read.cells.len(), read.lines.get(..20));
}

#[test]
fn every_prefix_is_read() {
    survives_truncation("name;größe\n\"Ann \"\"A\"\"\";5\r\nJürgen;\"6\n7\"\nx\n".as_bytes());
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in proptest::collection::vec(0_u8..=255, 0..300)) {
        let mut file = b"id,name\n1,Ann\n2,Bob\n3,Eve\n4,Joe\n5,Zoe\n6,Ned\n7,Ted\n".to_vec();
        file.extend(body);
        Recorder::proved(&file);
    }

    #[test]
    fn streams_and_slices_agree(body in "([a-c\",;é]{0,6}[,\n]){0,40}") {
        let file = format!("id,name\n1,Ann\n2,Bob\n{body}");
        let whole = Recorder::proved(file.as_bytes());
        proptest::prop_assert_eq!(&whole.lines, &Recorder::read_stream(file.as_bytes(), 3).lines);
    }
}

/// Half-width kana and JIS Roman take one byte each, which their text does not show.
#[test]
fn switching_character_sets_does_not_lead_places_astray() {
    let file = b"name,code\n\x1b$B;3ED\x1b(B,A-1\n\x1b(I6@6E\x1b(B,A-2\n\x1b(J\\5\x1b(B,A-3\n\x1b$B;3ED\x1b(B,A-4\n";
    let read = Recorder::proved(file);
    for value in ["A-1", "A-2", "A-3", "A-4"] {
        let cell = read.cells.iter().find(|cell| cell.value == value).unwrap();
        let at = memchr::memmem::find(file, value.as_bytes()).unwrap() as u64;
        assert_eq!(cell.span, Some((at, at + 3)), "{value}: {:?}", read.lines);
    }
}
