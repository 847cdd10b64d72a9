use std::io::{Cursor, Write as _};

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, survives_truncation};

const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description rdf:about="" aux:SerialNumber="77">
<dc:creator><rdf:Seq><rdf:li>Ann &amp; Bob</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"#;

/// A TIFF, which is what EXIF blocks are.
fn exif_block() -> Vec<u8> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let rational = |parts: [u32; 3]| Value::Rational(parts.map(|num| Rational { num, denom: 1 }).to_vec());
    let fields = [
        field(Tag::Artist, Value::Ascii(vec![b"Ann Sample".to_vec()])),
        field(Tag::ImageDescription, Value::Ascii(vec![b"left hand of subject 12".to_vec()])),
        field(Tag::UserComment, Value::Undefined(b"ASCII\0\0\0a comment".to_vec(), 0)),
        field(Tag::GPSLatitude, rational([35, 30, 0])),
        field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"S".to_vec()])),
        field(Tag::GPSLongitude, rational([139, 45, 36])),
        field(Tag::GPSLongitudeRef, Value::Ascii(vec![b"E".to_vec()])),
        field(Tag::ImageWidth, Value::Long(vec![64])),
        field(Tag::ImageLength, Value::Long(vec![48])),
    ];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false).unwrap();
    block.into_inner()
}

fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[0xFF, marker], (body.len() as u16 + 2).to_be_bytes().as_slice(), &body].concat()
}

fn jpeg() -> Vec<u8> {
    let caption = b"\x1C\x02\x78\x00\x0Bthe caption\x1C\x02\x50\x00\x03Eve";
    let resource =
        [b"Photoshop 3.0\08BIM\x04\x04\0\0".as_slice(), &(caption.len() as u32).to_be_bytes(), caption].concat();
    [
        vec![0xFF, 0xD8],
        segment(0xE1, &[b"Exif\0\0", &exif_block()]),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()]),
        segment(0xED, &[&resource]),
        segment(0xFE, &[b"a remark"]),
        segment(0xC0, &[&[8, 0, 48, 0, 64, 3]]),
        segment(0xDA, &[&[0]]),
        vec![1, 2, 3],
    ]
    .concat()
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), kind.as_slice(), body, &[0; 4]].concat()
}

fn png() -> Vec<u8> {
    let mut packed = ZlibEncoder::new(b"Comment\0\0".to_vec(), Compression::default());
    packed.write_all(b"packed words").unwrap();
    let itxt = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), XMP.as_bytes()].concat();
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 64, 0, 0, 0, 48, 8, 2, 0, 0, 0]),
        chunk(b"tEXt", b"Author\0Ann Sample"),
        chunk(b"zTXt", &packed.finish().unwrap()),
        chunk(b"iTXt", &itxt),
        chunk(b"eXIf", &exif_block()),
        chunk(b"IDAT", &[0; 100]),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn metadata_of_jpeg_and_png_are_reported() {
    for bytes in [jpeg(), png()] {
        let seen = Recorder::read(&bytes);
        assert_eq!((seen.format(), seen.problems.as_slice()), (Format::Image, [].as_slice()));
        assert_eq!(seen.values("exif.Artist"), ["Ann Sample"]);
        assert_eq!(seen.values("exif.UserComment"), ["a comment"]);
        assert_eq!(seen.values("exif.GPSPosition"), ["-35.500000, 139.760000"]);
        assert_eq!(seen.values("xmp.dc:creator"), ["Ann & Bob"]);
        assert_eq!(seen.values("xmp.aux:SerialNumber"), ["77"]);
        assert!(seen.values("image.size").contains(&"64x48"));
    }
    let seen = Recorder::read(&jpeg());
    assert_eq!((seen.values("iptc.Caption-Abstract"), seen.values("iptc.By-line")), (vec!["the caption"], vec!["Eve"]));
    assert_eq!(seen.values("comments"), ["a remark"]);
    let seen = Recorder::read(&png());
    assert_eq!((seen.values("Author"), seen.values("Comment")), (vec!["Ann Sample"], vec!["packed words"]));
}

/// A BigTIFF with one directory: size and a description behind it.
fn big_tiff() -> Vec<u8> {
    let description = b"Aperio slide of donor 12";
    let mut file = b"II\x2B\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
    file.extend(3_u64.to_le_bytes());
    for (tag, kind, count, value) in [(256_u16, 3_u16, 1_u64, 64_u64), (257, 3, 1, 48), (270, 2, 24, 16 + 8 + 60 + 8)] {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend(0_u64.to_le_bytes());
    file.extend(description);
    file
}

#[test]
fn other_containers_are_read() {
    let seen = Recorder::read(&exif_block());
    assert_eq!((seen.format(), seen.values("exif.Artist")), (Format::Image, vec!["Ann Sample"]));
    let seen = Recorder::read(&big_tiff());
    assert_eq!(seen.problems, []);
    assert_eq!(seen.values("exif.ImageDescription"), ["Aperio slide of donor 12"]);
    assert_eq!(seen.values("image.size"), ["64x48"]);
    let gif = b"GIF89a\x40\0\x30\0\0\0\0!\xFE\x08a remark\0,\0\0\0\0\x40\0\x30\0\0\x02\x01\0\0;";
    let seen = Recorder::read(gif);
    assert_eq!((seen.values("image.size"), seen.values("comments")), (vec!["64x48"], vec!["a remark"]));
    assert_eq!(seen.problems, []);
    let exif = exif_block();
    let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x3F\0\0\x2F\0\0EXIF".to_vec();
    webp.extend((exif.len() as u32).to_le_bytes());
    webp.extend(&exif);
    let seen = Recorder::read(&webp);
    assert_eq!((seen.values("image.size"), seen.values("exif.Artist").len()), (vec!["64x48", "64x48"], 1));
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x40\0\0\0\x30\0\0\0".to_vec();
    bmp.resize(80, 0);
    assert_eq!(Recorder::read(&bmp).values("image.size"), ["64x48"]);
}

#[test]
fn every_truncation_is_survived() {
    for bytes in [jpeg(), png(), exif_block(), big_tiff()] {
        survives_truncation(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutations_are_survived(which in 0_usize..4, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = [jpeg(), png(), exif_block(), big_tiff()][which].clone();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::read(&bytes);
    }
}
