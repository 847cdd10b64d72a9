use model::Format;

use crate::testing::{Recorder, survives_truncation};
use crate::{Limits, ProblemKind, Source};

fn seen(read: &Recorder) -> Vec<String> {
    read.fields.iter().map(|f| format!("{} {} = {} #{}", f.path, f.place, f.value, f.record)).collect()
}

#[test]
fn json_leaves_have_paths_places_and_records() {
    let file = r#"{"study": "S1", "patients": [{"name": "Ann", "contact": {"email": ["a@x.org", "b@x.org"]}}, {"name": "B\u00f6b", "age": 7, "x": null}], "ok": true}"#;
    let read = Recorder::proved(file.as_bytes());
    assert_eq!((read.format(), read.problems.len()), (Format::Json, 0));
    let want = [
        "study study = S1 #0",
        "patients.name patients[0].name = Ann #1",
        "patients.contact.email patients[0].contact.email[0] = a@x.org #1",
        "patients.contact.email patients[0].contact.email[1] = b@x.org #1",
        "patients.name patients[1].name = Böb #2",
        "patients.age patients[1].age = 7 #2",
        "ok ok = true #3",
    ];
    assert_eq!(seen(&read), want);
}

#[test]
fn lines_of_json_are_records_and_damage_ends_with_its_line() {
    let read = Recorder::proved(b"{\"a\": 1}\n{\"a\": oops}\n{\"a\": [{\"b\": 2}, 3]}\n");
    assert_eq!((read.format(), read.problems.len()), (Format::Ndjson, 1));
    assert_eq!(seen(&read), ["a a = 1 #0", "a.b a[0].b = 2 #1", "a a[1] = 3 #2"]);
    let read = Recorder::proved(b"[{\"a\": 1}, {\"a\": 2}]");
    assert_eq!((read.format(), seen(&read)), (Format::Json, vec!["a [0].a = 1 #0".into(), "a [1].a = 2 #1".into()]));
}

#[test]
fn text_with_brackets_is_no_json() {
    let texts = [
        "[INFO] started\n[INFO] done\n",
        "{name} was here\n",
        "[1] Miller A. A study.\n[2] Smith B.\n",
        "[ ] buy milk\n[x] call Ann\n",
        "{\n",
    ];
    for text in texts {
        let format = Recorder::proved(text.as_bytes()).format();
        assert!(!matches!(format, Format::Json | Format::Ndjson), "{text}");
    }
}

#[test]
fn notebooks_show_sources_and_outputs_as_text() {
    let file = r##"{"cells": [{"cell_type": "code", "metadata": {"author": "Ann"}, "source": ["# about Ann\n", "x = \"Miller\""], "outputs": [{"text": ["seen\n"], "data": {"text/plain": ["7"], "image/png": "SGVsbG8gQW5uYQ=="}}]}], "nbformat": 4}"##;
    let read = Recorder::proved(file.as_bytes());
    assert_eq!((read.format(), read.problems.len()), (Format::Json, 0));
    assert_eq!(read.text(), "# about Ann\nx = \"Miller\"seen\n7Hello Anna");
    assert_eq!(read.values("cells.metadata.author"), ["Ann"]);
}

const XML: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<!-- by Ann -->\n<people xmlns=\"urn:x\">\n <p:person id=\"4711\"><name>M&#252;ller &amp; Co &b;</name><tel/><tel>1</tel><tel>2</tel></p:person>\n <p:person id='4712'><name><![CDATA[<Bob>]]></name></p:person>\n</people>";

#[test]
fn xml_has_paths_places_records_and_never_expands() {
    let read = Recorder::proved(XML.as_bytes());
    assert_eq!(read.format(), Format::Xml);
    assert!(matches!(&*read.problems, [one] if one.message.contains("declares entities")), "{:?}", read.problems);
    let want = [
        "people.person.@id people.person.@id = 4711 #0",
        "people.person.name people.person.name = Müller & Co &b; #0",
        "people.person.tel people.person.tel[2] = 1 #0",
        "people.person.tel people.person.tel[3] = 2 #0",
        "people.person.@id people.person[2].@id = 4712 #1",
        "people.person.name people.person[2].name = <Bob> #1",
    ];
    assert_eq!(seen(&read), want);
    let texts: Vec<_> = read.texts.iter().map(|t| t.value.as_str()).collect();
    assert_eq!(texts, ["DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>", " by Ann "]);
}

#[test]
fn xml_in_other_encodings_is_decoded() {
    let text = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a><b c=\"Köln\">Müller &amp; Söhne</b></a>";
    let read = Recorder::proved(&encoding_rs::WINDOWS_1252.encode(text).0);
    assert_eq!(seen(&read), ["a.b.@c a.b.@c = Köln #0", "a.b a.b = Müller & Söhne #0"]);
    let text = "<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a><b>山田太郎</b></a>";
    assert_eq!(Recorder::proved(&encoding_rs::SHIFT_JIS.encode(text).0).values("a.b"), ["山田太郎"]);
    let utf16: Vec<u8> = "\u{FEFF}<a><b>山田</b></a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let read = Recorder::proved(&utf16);
    assert_eq!(read.values("a.b"), ["山田"], "{:?}", read.lines);
}

#[test]
fn endless_texts_and_depths_are_bounded() {
    let deep = "<?xml version='1.0'?>".to_owned() + &"<a>".repeat(5000);
    let read = Recorder::proved(deep.as_bytes());
    assert_eq!(read.problems.first().unwrap().kind, ProblemKind::Limit);
    let limits = || Limits { value_bytes_max: 1 << 12, ..Limits::default() };
    let long = format!("<a><b>{}</b><c>x</c></a>", "wörter ".repeat(10_000));
    let read = Recorder::read_with(Source::bytes(long.as_bytes()), limits(), Some(long.clone().into()));
    assert!(read.values("a.b").len() > 10 && read.values("a.c") == ["x"]);
    let tag = format!("<a><b {}>x</b></a>", "y".repeat(100_000));
    let read = Recorder::read_with(Source::bytes(tag.as_bytes()), limits(), Some(tag.clone().into()));
    assert!(!read.fields.is_empty());
}

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Visit</title><style>p{color:red}</style><script>var k = \"secret\";</script></head>\n<body class=x><p>Frau&nbsp;M&uuml;ller &amp; Herr <b>G\u{f6}tz</b></p><!-- hidden -->\n<table><tr><td>MRN</td><td>4711</td></tr></table><a href=\"mailto:a@x.org\">mail</a></body></html>\n";

#[test]
fn html_text_keeps_its_places_with_tags_blanked() {
    let read = Recorder::proved(HTML.as_bytes());
    assert_eq!(read.format(), Format::Html);
    let words: Vec<_> = read.texts.iter().map(|t| t.value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let want = ["Visit", "var k = \"secret\";", "Frau Müller & Herr Götz", "hidden", "MRN 4711 mail"];
    assert_eq!(words, want);
    assert_eq!(seen(&read), ["a.@href line 4 = mailto:a@x.org #0"]);
    let last = read.texts.last().unwrap();
    let raw = HTML.get(last.span.unwrap().0 as usize..).unwrap();
    assert!(raw.starts_with("\n<table>"), "{raw}");
}

#[test]
fn html_in_shift_jis_is_read_node_by_node() {
    let text = "<html><head><meta charset=\"Shift_JIS\"></head><body><p>山田太郎</p><p>&amp; 東京都</p></body></html>";
    let read = Recorder::proved(&encoding_rs::SHIFT_JIS.encode(text).0);
    assert_eq!((read.format(), read.text().as_str()), (Format::Html, "山田太郎& 東京都"));
}

#[test]
fn markdown_and_angle_brackets_are_text() {
    let readme = "<p align=\"center\">\n  <b>Tool</b>\n</p>\n\n# Tool\n\nA tool.\n\n## Use\n\nRun it.\nThen look.\nThat is all.\nReally.\n";
    for text in [readme, "<ann@example.org> wrote:\n> hello\n", "<Ann> hi\n<Bob> hello\n", "<?php echo 1; ?>\n"] {
        assert_eq!(Recorder::proved(text.as_bytes()).format(), Format::Text, "{text}");
    }
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(XML.as_bytes());
    survives_truncation(HTML.as_bytes());
    survives_truncation(br#"{"a": [{"b": "x\n\u00e9"}, 2], "c": {"d": true}}"#);
}

proptest::proptest! {
    #[test]
    fn no_markup_is_too_strange(body in "[<>/!\\-\\[\\]\"'=&;#ab \néD?]{0,120}") {
        Recorder::proved(format!("<?xml version='1.0'?><a>{body}").as_bytes());
        Recorder::proved(format!("<html><p>{body}").as_bytes());
        Recorder::proved(format!("<ClinicalDocument><text>x</text>{body}").as_bytes());
    }

    #[test]
    fn streams_and_slices_agree(body in "(<[ab]( c=\"é&amp;\")?>|</[ab]>|x|&lt;| |<!-- y -->){0,30}") {
        let xml = format!("<?xml version='1.0'?><r>{body}");
        proptest::prop_assert_eq!(Recorder::proved(xml.as_bytes()).lines, Recorder::read_stream(xml.as_bytes(), 3).lines);
    }

    #[test]
    fn no_bytes_are_too_strange(body in proptest::collection::vec(0_u8..=255, 0..200)) {
        for start in ["<?xml version='1.0'?><a>", "<html><p>", "[{\"a\":1},", "<ClinicalDocument><text>"] {
            let mut file = start.as_bytes().to_vec();
            file.extend(&body);
            Recorder::proved(&file);
        }
    }
}
