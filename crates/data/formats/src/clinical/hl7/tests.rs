use std::fs;

use model::Format;

use crate::ProblemKind;
use crate::testing::{Recorder, corpus, survives_truncation};

const ADMISSION: &str = "MSH|^~\\&|LAB|SITE|HIS|SITE|20240102||ADT^A01|7|P|2.5\r\
PID|1||4711^^^CLINIC&1.2.3&ISO^MR~078-05-1120^^^USA^SS||Muster^Anna^B~Vorher^Anna||19610203|F|||Weg 1&A^^Bonn^^53111^DE||0228/1^PRN^PH~^NET^Internet^anna@example.org\r\
PV1|1|I|||||77^Arzt^Otto^^^^^^KVNR&9&X^^^^NPI\r\
OBX|1|TX|N||Seen by A & B \\T\\ C^D~line two\\.br\\ends \\X41\\||||||F\r\
OBX|2|ED|PDF||^text^plain^Base64^SGVsbG8gQW5uYQ==||||||F\r\
ZPI|1|own^\"\"^data\r";

#[test]
fn fields_have_paths_places_and_qualifiers() {
    let read = Recorder::proved(ADMISSION.as_bytes());
    assert_eq!((read.format(), read.problems.len()), (Format::Hl7, 0));
    let seen: Vec<_> = read
        .fields
        .iter()
        .filter(|f| f.path.starts_with("PID-3") || f.path.starts_with("PID-5") || f.path.starts_with("PID-1"))
        .map(|f| format!("{} {} = {} ({}; {})", f.path, f.place, f.value, f.issuer, f.kind))
        .collect();
    let want = [
        "PID-1 PID-1 = 1 (; )",
        "PID-3.1 PID-3.1 = 4711 (CLINIC; MR)",
        "PID-3.4.1 PID-3.4.1 = CLINIC (CLINIC; MR)",
        "PID-3.4.2 PID-3.4.2 = 1.2.3 (CLINIC; MR)",
        "PID-3.4.3 PID-3.4.3 = ISO (CLINIC; MR)",
        "PID-3.5 PID-3.5 = MR (CLINIC; MR)",
        "PID-3.1 PID-3[2].1 = 078-05-1120 (USA; SS)",
        "PID-3.4 PID-3[2].4 = USA (USA; SS)",
        "PID-3.5 PID-3[2].5 = SS (USA; SS)",
        "PID-5.1 PID-5.1 = Muster (; )",
        "PID-5.2 PID-5.2 = Anna (; )",
        "PID-5.3 PID-5.3 = B (; )",
        "PID-5.1 PID-5[2].1 = Vorher (; )",
        "PID-5.2 PID-5[2].2 = Anna (; )",
        "PID-11.1.1 PID-11.1.1 = Weg 1 (; )",
        "PID-11.1.2 PID-11.1.2 = A (; )",
        "PID-11.3 PID-11.3 = Bonn (; )",
        "PID-11.5 PID-11.5 = 53111 (; )",
        "PID-11.6 PID-11.6 = DE (; )",
        "PID-13.1 PID-13.1 = 0228/1 (; PH)",
        "PID-13.2 PID-13.2 = PRN (; PH)",
        "PID-13.3 PID-13.3 = PH (; PH)",
        "PID-13.2 PID-13[2].2 = NET (; Internet)",
        "PID-13.3 PID-13[2].3 = Internet (; Internet)",
        "PID-13.4 PID-13[2].4 = anna@example.org (; Internet)",
    ];
    assert_eq!(seen, want);
    assert_eq!((read.field("PV1-7.1").issuer.as_str(), read.field("PV1-7.1").kind.as_str()), ("KVNR", "NPI"));
    assert_eq!(read.values("ZPI-2.1"), ["own"]);
    assert_eq!(read.values("ZPI-2.2"), [""; 0]);
    assert_eq!(read.values("MSH-9.2"), ["A01"]);
    assert_eq!(read.values("PID-7"), ["19610203"]);
}

#[test]
fn free_text_keeps_its_marks_and_escapes_are_decoded() {
    let read = Recorder::proved(ADMISSION.as_bytes());
    assert_eq!(read.values("OBX-5"), ["Seen by A & B & C^D", "line two\nends A"]);
    assert_eq!(read.fields.iter().filter(|f| f.path == "OBX-5").nth(1).unwrap().place, "OBX-5[2]");
    assert_eq!(read.text(), "Hello Anna", "{:#?}", read.lines);
    assert!(read.lines.contains(&"enter OBX[2]-5.5".to_owned()));
}

#[test]
fn batches_frames_and_line_ends_make_no_difference() {
    let plain = Recorder::proved(ADMISSION.as_bytes());
    let values = |read: &Recorder| read.fields.iter().map(|f| (f.place.clone(), f.value.clone())).collect::<Vec<_>>();
    for file in [
        ADMISSION.replace('\r', "\n"),
        ADMISSION.replace('\r', "\r\n"),
        format!("\u{b}{ADMISSION}\u{1c}\r"),
        format!("\u{FEFF}{ADMISSION}"),
    ] {
        assert_eq!(values(&Recorder::proved(file.as_bytes())), values(&plain));
    }
    let batch = format!("FHS|^~\\&|A|B\rBHS|^~\\&|A|B\r{ADMISSION}{ADMISSION}BTS|2|end\rFTS|1\r");
    let read = Recorder::proved(batch.as_bytes());
    assert_eq!(read.format(), Format::Hl7);
    let places: Vec<_> =
        read.fields.iter().filter(|f| f.value == "4711").map(|f| (f.place.as_str(), f.record)).collect();
    assert_eq!(places, [("PID-3.1", 1), ("PID-3.1", 2)]);
    assert_eq!(read.values("BTS-2"), ["end"]);
}

#[test]
fn delimiters_are_those_of_the_message() {
    let file = "MSH*:#/!*LAB*X\rPID*1**12:::H!2:MR#13*Muster:Anna/S/\r";
    let read = Recorder::proved(file.as_bytes());
    assert_eq!(read.values("PID-3.1"), ["12"]);
    assert_eq!(read.field("PID-3.1").issuer, "H");
    assert_eq!(read.values("PID-3"), ["13"]);
    assert_eq!(read.values("PID-4.2"), ["Anna:"]);
}

#[test]
fn several_patients_are_several_records() {
    let file = "MSH|^~\\&|A\rPID|1||1\rOBX|1|ST|x||a\rPID|2||2\rOBX|1|ST|x||b\r";
    let read = Recorder::proved(file.as_bytes());
    let records: Vec<_> =
        read.fields.iter().filter(|f| f.path == "OBX-5").map(|f| (f.record, f.place.as_str())).collect();
    assert_eq!(records, [(0, "OBX-5"), (1, "OBX[2]-5")]);
}

#[test]
fn the_character_set_is_told_by_the_message() {
    let text = |set: &str| {
        format!(
            "MSH|^~\\&|A|B|C|D|20240102||ADT^A01|7|P|2.5||||||{set}\rPID|1||4711||山田^太郎~ヤマダ^タロウ||1961\rZZZ|表|予|十\r"
        )
    };
    for (set, encoding) in [
        ("~ISO IR87", encoding_rs::ISO_2022_JP),
        ("ISO IR87", encoding_rs::ISO_2022_JP),
        ("UNICODE UTF-8", encoding_rs::UTF_8),
        ("SHIFT_JIS", encoding_rs::SHIFT_JIS),
        ("", encoding_rs::SHIFT_JIS),
    ] {
        let bytes = encoding.encode(&text(set)).0.into_owned();
        let read = Recorder::proved(&bytes);
        assert_eq!(read.values("PID-5.1"), ["山田", "ヤマダ"], "{set} {encoding:?}");
        assert_eq!(read.values("ZZZ-1"), ["表"], "{set} {encoding:?}");
    }
    let latin = "MSH|^~\\&|A|B|C|D|1||ADT^A01|7|P|2.5||||||8859/1\rPID|1||4711||M\u{fc}ller^J\u{fc}rgen\r";
    let bytes: Vec<u8> = latin.chars().map(|c| c as u8).collect();
    assert_eq!(Recorder::proved(&bytes).values("PID-5.1"), ["Müller"]);
}

#[test]
fn a_segment_without_end_is_told_and_does_not_fill_memory() {
    let limits = crate::Limits { whole_bytes_max: 1 << 18, ..Default::default() };
    let file = format!("MSH|^~\\&|A\rOBX|1|TX|||{}\rPID|1||4711\r", "lorem ".repeat(300_000));
    let read = Recorder::read_with(crate::Source::bytes(file.as_bytes()), limits, Some(file.clone().into()));
    assert_eq!(read.problems.first().unwrap().kind, ProblemKind::Limit);
    assert_eq!(read.values("PID-3"), ["4711"]);
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(ADMISSION.as_bytes());
}

#[test]
fn the_corpus_is_read_without_problems() {
    let Some(folder) = corpus("hl7") else { return };
    for (name, path, want) in [
        ("sample_unix.hl7", "PID-5.1", "DOE"),
        ("sample_win.hl7", "PID-3.1", "PID1234"),
        ("ORU-multiline-short.hl7", "PID-5.1", "Patient"),
        ("ORU-multiline-short-mixed.hl7", "PID-11.5", "L6G 1C7"),
    ] {
        let bytes = fs::read(folder.join(name)).unwrap();
        let read = Recorder::proved(&bytes);
        assert_eq!((read.format(), read.problems.len()), (Format::Hl7, 0), "{name}");
        assert_eq!(read.field(path).value, want, "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in proptest::collection::vec(0_u8..=255, 0..300)) {
        let mut file = b"MSH|^~\\&|A\rPID|1||".to_vec();
        file.extend(body);
        Recorder::proved(&file);
    }
}
