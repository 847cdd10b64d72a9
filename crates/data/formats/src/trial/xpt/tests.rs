use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, corpus, survives_truncation};

fn domain(name: &str) -> Option<Recorder> {
    corpus("cdisc/sdtm").map(|folder| Recorder::proved(&std::fs::read(folder.join(name)).unwrap()))
}

#[test]
fn transport_json_and_ndjson_hold_the_same_cells() {
    for name in ["ae", "cm", "dm", "ds", "ec", "vs"] {
        let Some(transport) = domain(&format!("{name}.xpt")) else { return };
        assert_eq!((transport.format(), transport.problems.len()), (Format::Xpt, 0), "{name}");
        assert!(transport.rows > 10, "{name}: {} rows", transport.rows);
        for other in ["json", "ndjson"] {
            let json = domain(&format!("{name}.{other}")).unwrap();
            assert_eq!((json.formats.last(), json.problems.len()), (Some(&Format::DatasetJson), 0), "{name}.{other}");
            assert_eq!(json.columns, transport.columns, "{name}.{other}");
            assert_eq!(json.rows, transport.rows, "{name}.{other}");
            for (a, b) in transport.cells.iter().zip(&json.cells) {
                assert_eq!((&a.place, &a.path, &a.value), (&b.place, &b.path, &b.value), "{name}.{other}");
            }
        }
    }
}

fn record(text: &str) -> Vec<u8> {
    let mut record = text.as_bytes().to_vec();
    record.resize(80, b' ');
    record
}

/// A version 8 file with two members, a long name, a long label and a date.
fn version_8() -> Vec<u8> {
    let mut file = record(&format!("HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!{:030}", 0));
    file.extend([record("SAS     SAS     SASLIB  9.4"), record("01JAN20:00:00:00")].concat());
    for (member, value) in [("SUBJECTS_OF_STUDY", "ann"), ("VISITS_OF_SUBJECTS", "bob")] {
        file.extend(record(&format!("HEADER RECORD*******MEMBV8  HEADER RECORD!!!!!!!{:017}1600000000140", 0)));
        file.extend(record(&format!("HEADER RECORD*******DSCPTV8 HEADER RECORD!!!!!!!{:030}", 0)));
        file.extend(record(&format!("SAS     {member:32}SASDATA 9.4")));
        file.extend(record("01JAN20:00:00:00"));
        file.extend(record("HEADER RECORD*******NAMSTV8 HEADER RECORD!!!!!!!00000000000200000000000000000000"));
        let mut entries = Vec::new();
        for (number, kind, bytes, name, format, position) in
            [(1_u16, 2_u16, 5_u16, "A_LONG_VARIABLE_NAME", "", 0_u32), (2, 1, 8, "BIRTH", "DATE", 5)]
        {
            let mut entry = vec![0; 140];
            entry[0..2].copy_from_slice(&kind.to_be_bytes());
            entry[4..6].copy_from_slice(&bytes.to_be_bytes());
            entry[6..8].copy_from_slice(&number.to_be_bytes());
            entry[8..16].copy_from_slice(&format!("{name:8}").as_bytes()[..8]);
            entry[16..56].copy_from_slice(format!("{:40}", "short label").as_bytes());
            entry[56..64].copy_from_slice(format!("{format:8}").as_bytes());
            entry[84..88].copy_from_slice(&position.to_be_bytes());
            entry[88..120].copy_from_slice(format!("{name:32}").as_bytes());
            entries.extend(entry);
        }
        entries.resize(320, b' ');
        file.extend(entries);
        file.extend(record("HEADER RECORD*******LABELV8 HEADER RECORD!!!!!!!1"));
        let label = "a label that is longer than the forty letters of version five";
        let mut labels = [1_u16, 20, label.len() as u16].map(u16::to_be_bytes).concat();
        labels.extend(b"A_LONG_VARIABLE_NAME");
        labels.extend(label.as_bytes());
        labels.resize(160, b' ');
        file.extend(labels);
        file.extend(record(&format!("HEADER RECORD*******OBSV8   HEADER RECORD!!!!!!!{:15}", 1)));
        let mut row = format!("{value:5}").into_bytes();
        row.extend([0x43, 0x10, 0, 0, 0, 0, 0, 0]);
        row.resize(80, b' ');
        file.extend(row);
    }
    file
}

#[test]
fn version_8_members_have_long_names_labels_and_dates() {
    let seen = Recorder::proved(&version_8());
    assert_eq!(seen.problems, []);
    assert_eq!((seen.tables, seen.rows), (2, 2));
    assert_eq!(seen.columns[0].0, "A_LONG_VARIABLE_NAME");
    assert!(seen.columns[0].1.starts_with("a label that is longer"));
    let values: Vec<_> = seen.cells.iter().map(|c| c.value.as_str()).collect();
    assert_eq!(values, ["ann", "1960-09-13", "bob", "1960-09-13"]);
    assert!(seen.lines.iter().any(|line| line.starts_with("table \"SUBJECTS_OF_STUDY\"")));
}

#[test]
fn the_number_of_variables_may_stand_where_version_5_has_it() {
    let told = b"NAMSTV8 HEADER RECORD!!!!!!!000000000002";
    let elsewhere = b"NAMSTV8 HEADER RECORD!!!!!!!000000000200";
    let mut file = version_8();
    while let Some(at) = file.windows(told.len()).position(|window| window == told) {
        file[at..at + told.len()].copy_from_slice(elsewhere);
    }
    let seen = Recorder::proved(&file);
    assert_eq!((seen.problems.len(), seen.tables, seen.rows), (0, 2, 2));
}

#[test]
fn every_truncation_is_survived() {
    survives_truncation(&version_8());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn mutations_are_survived(at in prop::collection::vec((0_usize..1900, any::<u8>()), 1..20)) {
        let mut file = version_8();
        for (at, byte) in at {
            let len = file.len();
            file[at % len] = byte;
        }
        Recorder::read(&file);
    }
}
