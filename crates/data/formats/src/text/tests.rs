use model::Format;

use crate::testing::{Recorder, survives_truncation};
use crate::{Limits, Source};

const JAPANESE: &str =
    "患者の山田太郎さんは昨日、東京大学病院を受診しました。\nカルテ番号は１２３４です。ｶﾀｶﾅ と Latin が混ざります。\n";
const GERMAN: &str =
    "Die Patientin Frau Müller aus Köln wurde gestern entlassen.\nNächste Prüfung: Überweisung an Dr. Groß.\n";

#[test]
fn encodings_are_told_and_offsets_are_true() {
    for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
        let bytes = encoding.encode(&JAPANESE.repeat(5)).0.into_owned();
        let read = Recorder::proved(&bytes);
        assert_eq!((read.format(), read.text()), (Format::Text, JAPANESE.repeat(5)), "{encoding:?}");
    }
    let jis = JAPANESE.replace("ｶﾀｶﾅ", "");
    let bytes = encoding_rs::ISO_2022_JP.encode(&jis).0.into_owned();
    assert_eq!(Recorder::proved(&bytes).text(), jis);
    for encoding in [encoding_rs::WINDOWS_1252, encoding_rs::UTF_8] {
        let bytes = encoding.encode(GERMAN).0.into_owned();
        assert_eq!(Recorder::proved(&bytes).text(), GERMAN, "{encoding:?}");
    }
    for text in [GERMAN, JAPANESE] {
        let units = || text.encode_utf16();
        for bytes in [
            units().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            units().flat_map(u16::to_be_bytes).collect(),
            [0xFF, 0xFE].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect(),
        ] {
            let read = Recorder::proved(&bytes);
            assert_eq!((read.format(), read.text().as_str()), (Format::Text, text));
        }
    }
    let marked = ["\u{FEFF}".as_bytes(), GERMAN.as_bytes()].concat();
    let read = Recorder::proved(&marked);
    assert_eq!((read.text().as_str(), read.texts.first().unwrap().span.unwrap().0), (GERMAN, 3));
}

#[test]
fn latin_2_and_cyrillic_are_told() {
    let polish = "Pacjentka została przyjęta do szpitala w Łodzi. Źródło: książka przyjęć, łóżko ósme.\n".repeat(4);
    let russian = "Пациент Иванов поступил в больницу утром и был выписан вечером того же дня.\n".repeat(4);
    for (text, encoding) in [(polish, encoding_rs::ISO_8859_2), (russian, encoding_rs::KOI8_R)] {
        assert_eq!(Recorder::proved(&encoding.encode(&text).0).text(), text);
    }
}

#[test]
fn damaged_bytes_split_the_text_and_move_nothing() {
    let mut file = b"Frau M\xC3\xBCller\xFF und \xE2\x82 Herr G\xC3\xB6tz\nzweite Zeile \xC3\xA4\n".to_vec();
    file.extend("und noch viel mehr Text ohne Schaden\n".repeat(5).bytes());
    let read = Recorder::proved(&file);
    let parts: Vec<_> = read.texts.iter().map(|t| (t.value.as_str(), t.span.unwrap())).collect();
    assert_eq!(parts.get(..2).unwrap(), [("Frau Müller", (0, 12)), (" und ", (13, 18))]);
    assert!(
        matches!(parts.get(2), Some((text, (20, _))) if text.starts_with(" Herr Götz\nzweite Zeile ä\n")),
        "{parts:?}"
    );
}

#[test]
fn long_texts_come_in_whole_lines_and_lines_are_counted() {
    let file = "The quick brown fox.\n".repeat(150_000);
    let read = Recorder::read(file.as_bytes());
    assert!(read.texts.len() >= 3);
    assert_eq!(read.text(), file);
    let mut line = 1;
    for text in &read.texts {
        assert_eq!(text.place, format!("line {line}"));
        assert!(text.value.ends_with('\n') && text.value.len() <= 1 << 20);
        line += text.value.matches('\n').count();
    }
}

#[test]
fn a_line_without_end_is_cut_at_white_space() {
    let file = "wörter ".repeat(500_000);
    let read = Recorder::read(file.as_bytes());
    assert!(read.texts.iter().all(|t| t.value.ends_with(' ') && t.value.len() <= 1 << 20));
    assert_eq!(read.text(), file);
    let file = "é".repeat(2_000_000);
    let read = Recorder::read_with(Source::bytes(file.as_bytes()), Limits::default(), Some(file.clone().into()));
    assert_eq!(read.text(), file);
}

#[test]
fn a_torn_stream_is_told_after_what_it_gave() {
    let mut zipped = Vec::new();
    let text = "Ann Miller was seen today.\n".repeat(1000);
    let mut encoder = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
    std::io::Read::read_to_end(&mut encoder, &mut zipped).unwrap();
    zipped.truncate(zipped.len() - 30);
    let stream = std::io::BufReader::with_capacity(16, flate2::read::GzDecoder::new(&zipped[..]));
    let mut ahead = std::io::Cursor::new("head line\n".repeat(7000));
    let source = Source::stream(std::io::Read::chain(&mut ahead, stream), None).unwrap();
    let read = Recorder::read_with(source, Limits::default(), None);
    assert!(read.text().contains("Ann Miller"));
    assert_eq!(read.problems.len(), 1);
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(GERMAN.as_bytes());
    survives_truncation(&encoding_rs::SHIFT_JIS.encode(JAPANESE).0);
    survives_truncation(&encoding_rs::ISO_2022_JP.encode("カルテ 123 山田").0);
    survives_truncation(&"ä山\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
}

#[test]
fn random_bytes_are_binary() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(5000)
    .collect();
    assert_eq!(crate::detect(&noise, true), Format::Binary);
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(0_u8..=255, 0..400)) {
        Recorder::proved(&bytes);
    }
}
