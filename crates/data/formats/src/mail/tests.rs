use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, survives_truncation};
use crate::{ProblemKind, detect};

const PLAIN: &str = "Received: from mx.example.org (mx.example.org [192.0.2.1])\r\n\tby mail.example.com; Thu, 05 Mar 2026 09:30:00 +0100\r\nFrom: =?ISO-2022-JP?B?GyRCOzNFREJATzobKEI=?= <yamada@example.jp>\r\nTo: \"Roe, Jane\" <jane@example.com>, bob@example.com\r\nSubject: =?UTF-8?Q?Termin_f=C3=BCr?=\r\n =?UTF-8?Q?_Frau_M=C3=BCller?=\r\nDate: Thu, 05 Mar 2026 09:30:00 +0100\r\nMessage-ID: <1@example.com>\r\n\r\nDear colleague,\r\nMRN 12345 was seen today.\r\n";

fn multipart() -> String {
    [
        "From: a@example.com",
        "To: b@example.com",
        "Subject: report",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=\"outer\"",
        "",
        "This is a multi-part message.",
        "--outer",
        "Content-Type: multipart/alternative; boundary=outer-2",
        "",
        "--outer-2",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Frau M=FCller ist=",
        " da",
        "--outer-2",
        "Content-Type: text/html; charset=utf-8",
        "",
        "<p>Frau <b>Müller</b></p>",
        "--outer-2--",
        "",
        "--outer",
        "Content-Type: text/csv; name*=utf-8''liste%20%C3%A4.csv",
        "Content-Disposition: attachment",
        "Content-Transfer-Encoding: base64",
        "",
        "bmFtZSxtcm4KSm9obiBTbWl0aCwxMjM0NQpKYW5lIFJvZSwxMjM0NgpBbm4gTWlsbGVyLDEyMzQ3",
        "Cg==",
        "--outer",
        "Content-Type: message/rfc822",
        "",
        "From: c@example.com",
        "Date: Thu, 05 Mar 2026 09:30:00 +0100",
        "Subject: inner",
        "",
        "inner body",
        "--outer--",
        "",
    ]
    .join("\r\n")
}

#[test]
fn headers_are_decoded_fields_with_true_places() {
    let read = Recorder::proved(PLAIN.as_bytes());
    assert_eq!(read.formats, [Format::Eml]);
    assert_eq!(read.values("From.name"), ["山田太郎"]);
    assert_eq!(read.values("To.name"), ["Roe, Jane"]);
    assert_eq!(read.values("To.address"), ["jane@example.com", "bob@example.com"]);
    assert_eq!(read.values("Subject"), ["Termin für Frau Müller"]);
    let jane = read.field("To.name");
    assert_eq!(jane.place, "To[1].name");
    let (start, end) = jane.span.unwrap();
    assert_eq!(&PLAIN[start as usize..end as usize], "Roe, Jane");
    assert_eq!(read.problems, []);
}

#[test]
fn a_plain_body_lies_where_it_lies_in_the_file() {
    let read = Recorder::proved(PLAIN.as_bytes());
    let body = &read.texts[0];
    let start = PLAIN.find("Dear").unwrap();
    assert_eq!(body.span.unwrap().0 as usize, start);
    assert_eq!((body.place.as_str(), body.value.as_str()), ("line 10", &PLAIN[start..]));
}

#[test]
fn parts_are_bodies_and_members() {
    let message = multipart();
    let read = Recorder::proved(message.as_bytes());
    let text = read.text();
    assert!(text.contains("Frau Müller ist da"), "{text}");
    assert!(
        read.texts.iter().any(|text| text.value.contains("Müller") && text.place == "part 1.1"),
        "{:?}",
        read.texts
    );
    assert!(read.texts.iter().any(|text| text.value.contains("Müller") && text.place == "line 20"), "{:?}", read.texts);
    assert!(text.contains("multi-part"));
    assert_eq!(read.formats, [Format::Eml, Format::Csv, Format::Eml]);
    assert_eq!(read.values("attachment.name"), ["liste ä.csv"]);
    assert!(read.lines.iter().any(|line| line == "enter liste ä.csv"), "{:#?}", read.lines);
    assert!(read.lines.iter().any(|line| line == "enter part 3"), "{:#?}", read.lines);
    assert_eq!((read.rows, read.columns.len()), (3, 2));
    assert!(text.ends_with("inner body"), "{text:?}");
    assert_eq!(read.values("Subject"), ["report", "inner"]);
    assert_eq!(read.problems, []);
}

#[test]
fn mailboxes_give_their_messages_as_records() {
    let one = "From a@example.com Thu Mar  5 09:30:00 2026\nFrom: A <a@example.com>\nSubject: one\nDate: Thu, 05 Mar 2026 09:30:00 +0100\n\nFrom the ward: fine.\n>From here on quoted.\n\n";
    let two = format!("From b@example.com Fri Mar  6 09:30:00 2026\n{}\n", multipart().replace("\r\n", "\n"));
    let mailbox = format!("{one}{two}{one}");
    let read = Recorder::proved(mailbox.as_bytes());
    assert_eq!(read.format(), Format::Mbox);
    let subjects: Vec<_> = read
        .fields
        .iter()
        .filter(|field| field.path == "Subject" && field.depth == 0)
        .map(|field| (field.value.as_str(), field.record, field.place.as_str()))
        .collect();
    assert_eq!(
        subjects,
        [("one", 0, "message 1 Subject"), ("report", 1, "message 2 Subject"), ("one", 2, "message 3 Subject")]
    );
    assert!(read.lines.iter().any(|line| line == "enter message 2/liste ä.csv"), "{:#?}", read.lines);
    assert!(read.text().contains("From the ward: fine.\n>From here"));
    assert_eq!(read.problems, []);
    let streamed = Recorder::read_stream(mailbox.as_bytes(), 1000);
    assert_eq!(streamed.lines, read.lines);
}

#[test]
fn notes_and_memos_are_no_messages() {
    for note in [
        "From: Dr. Smith\nPatient: John Miller\n\nSeen today.\n",
        "From: Dr. Smith\nTo: Ward 7\nDate: 5 March 2026\nSubject: transfer\n\nPlease move him.\n",
        "From Monday on the patient took 5 mg.\nDate: today\n",
        "Date: 2026-01-01\nSubject: 1001-007\nVisit 3\n",
        "name: x\nversion: 2\n",
        "Subject: a\nPatient name: b\n\nMessage-ID: c\n",
    ] {
        assert_eq!(detect(note.as_bytes(), true), Format::Text, "{note}");
    }
}

#[test]
fn messages_are_told_by_their_headers() {
    for message in [
        "Subject: x\nMIME-Version: 1.0\n\nbody",
        "From: a@example.com\nSubject: x\n\nbody",
        "\u{FEFF}Return-Path: <a@example.com>\r\nDate: x\r\n\r\n",
        "Message-ID: <a@b>\nIn-Reply-To: <c@d>",
    ] {
        assert_eq!(detect(message.as_bytes(), true), Format::Eml, "{message}");
    }
}

#[test]
fn encrypted_and_cut_messages_say_so() {
    let sealed = "From: a@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIB\r\n";
    let read = Recorder::read(sealed.as_bytes());
    assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::Encrypted]);
    let message = multipart();
    let read = Recorder::read(&message.as_bytes()[..message.find("inner body").unwrap()]);
    assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::Truncated]);
}

#[test]
fn headers_and_multiparts_without_end_are_bounded() {
    let endless = format!("From: a@example.com\nSubject: x\nMIME-Version: 1.0\n{}\nbody", "X-A: b\n".repeat(400_000));
    let read = Recorder::read(endless.as_bytes());
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::Limit), "{:?}", read.problems);
    assert_eq!(read.text(), "body");
    let mut deep = "From: a@example.com\nSubject: x\nMIME-Version: 1.0\n".to_owned();
    for level in 0..100 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
    }
    deep.push_str("\nthe deepest");
    let read = Recorder::read(deep.as_bytes());
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::Limit), "{:?}", read.problems);
    assert!(read.text().contains("the deepest"));
}

#[test]
fn long_lines_and_bodies_pass_whole() {
    let body = format!("{}\r\n--not a boundary\r\n", "word ".repeat(50_000));
    let message = format!("From: a@example.com\r\nSubject: x\r\n\r\n{body}");
    let read = Recorder::proved(message.as_bytes());
    assert_eq!(read.text(), body);
    let attached = "QUJD".repeat(100_000);
    let message = format!(
        "From: a@example.com\nSubject: x\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n{attached}"
    );
    let read = Recorder::read(message.as_bytes());
    assert!(read.lines.iter().any(|line| line == "leave 300000"), "{:?}", read.lines.last());
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(PLAIN.as_bytes());
    survives_truncation(multipart().as_bytes());
    survives_truncation(format!("From a@b.c Thu Mar  5 09:30:00 2026\n{}", multipart()).as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn mutated_messages_neither_panic_nor_hang(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        is_mailbox in any::<bool>(),
    ) {
        let mut bytes = multipart().into_bytes();
        if is_mailbox {
            bytes = [b"From a@b.c Thu Mar  5 09:30:00 2026\n".as_slice(), &bytes, b"\n", PLAIN.as_bytes()].concat();
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::proved(&bytes);
    }
}
