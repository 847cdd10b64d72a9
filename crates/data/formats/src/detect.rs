//! Recognising a format by its first bytes.

use model::Format;

use crate::{archive, chemistry, clinical, delimited, genomics, image, mail, office, tables, text, tree, trial};

/// What an object is, judged by its first bytes (up to 64 KiB). `complete`: `head` is the whole object.
///
/// Binary signatures come first, then structured text from the most to the least distinctive, then delimited
/// tables, then text; what is none of them is binary.
#[must_use]
pub fn detect(head: &[u8], complete: bool) -> Format {
    type Sniff = fn(&[u8], bool) -> Option<Format>;
    const BINARY: [Sniff; 6] =
        [office::sniff, genomics::sniff, clinical::sniff, trial::sniff, tables::sniff, archive::sniff];
    const TEXT: [Sniff; 3] = [mail::sniff, tree::sniff, chemistry::sniff];
    for sniff in BINARY.iter().chain(&TEXT) {
        if let Some(format) = sniff(head, complete) {
            return format;
        }
    }
    if image::is_image(head) {
        return Format::Image;
    }
    if !text::is_text(head, complete) {
        return Format::Binary;
    }
    if delimited::is_table(head, complete) { Format::Csv } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use model::Format;

    use super::detect;
    use crate::ProblemKind;
    use crate::testing::Recorder;

    const TABLE: &str =
        "patient,mrn,born\nJohn Smith,12345,1960-01-02\nJane Roe,12346,1961-02-03\nAnn Miller,12347,1962-03-04\n";
    const VCF: &str = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tDoe-John\n1\t1\trs1\tA\tG\t.\t.\t.\tGT\t0/1\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn text_is_told_by_its_shape() {
        let notebook = r##"{"cells":[{"cell_type":"markdown","metadata":{},"source":["# Ann"]}],"metadata":{},"nbformat":4,"nbformat_minor":5}"##;
        for (text, format) in [
            ("# Protocol\n\n- one\n- two\n\nSome **bold** words.\n", Format::Text),
            ("import os\n\ndef main():\n    print(os.environ['HOME'], 1, 2)\n", Format::Text),
            ("study:\n  id: ABC-001\n  sites:\n    - 101\n    - 102\n", Format::Text),
            ("[database]\nhost = db.example.com\npassword = secret\n", Format::Text),
            ("fn main() {\n    let a = [1, 2, 3];\n}\n", Format::Text),
            (notebook, Format::Json),
            (TABLE, Format::Csv),
            (VCF, Format::Vcf),
            ("<html><body><p>Jane</p></body></html>", Format::Html),
            ("<?xml version=\"1.0\"?><a><b>Jane</b></a>", Format::Xml),
        ] {
            assert_eq!(detect(text.as_bytes(), true), format, "{text}");
        }
        assert_eq!(detect(TABLE.replace(',', "\t").as_bytes(), true), Format::Csv);
    }

    #[test]
    fn tables_are_told_in_any_encoding() {
        let marked = [0xFF, 0xFE].into_iter().chain(TABLE.encode_utf16().flat_map(u16::to_le_bytes));
        for bytes in [marked.collect(), TABLE.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()] {
            let read = Recorder::proved(&bytes);
            assert_eq!((read.format(), read.rows), (Format::Csv, 3));
            assert_eq!(read.cells[0].value, "John Smith");
        }
    }

    #[test]
    fn members_are_told_however_deep() {
        let read = Recorder::read(&gzip(VCF.as_bytes()));
        assert_eq!(read.formats, [Format::Gzip, Format::Vcf]);
        let read = Recorder::read(&zip(&[("calls.vcf.gz", &gzip(VCF.as_bytes()))]));
        assert_eq!(read.formats, [Format::Zip, Format::Gzip, Format::Vcf]);
        let document = zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            (
                "word/document.xml",
                b"<w:document xmlns:w='w'><w:body><w:p><w:r><w:t>Jane Roe</w:t></w:r></w:p></w:body></w:document>",
            ),
        ]);
        let letters = zip(&[("letters/one.docx", &document)]);
        let mut message = b"From: a@example.com\nSubject: letters\nContent-Type: application/zip; name=letters.zip\nContent-Transfer-Encoding: binary\n\n".to_vec();
        message.extend(letters);
        let read = Recorder::read(&message);
        assert_eq!(read.formats, [Format::Eml, Format::Zip, Format::Docx]);
        assert_eq!((read.text().as_str(), read.problems.as_slice()), ("Jane Roe", [].as_slice()));
    }

    #[test]
    fn next_to_nothing_is_no_problem() {
        assert_eq!(Recorder::read(b"").lines.len(), 1);
        for byte in 0..=u8::MAX {
            assert_eq!(Recorder::read(&[byte]).problems, [], "{byte}");
        }
    }

    #[test]
    fn a_workbook_under_a_password_says_so() {
        // A compound file with one stream, `Workbook`, that begins with BOF and FILEPASS ([MS-XLS] 2.4.117).
        let mut file = vec![0_u8; 512];
        file[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
        file[24..34].copy_from_slice(&[0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0]);
        let mut word = |at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        word(44, 1);
        word(48, 1);
        word(56, 0);
        word(60, 0xFFFF_FFFE);
        word(68, 0xFFFF_FFFE);
        (1..109).for_each(|entry| word(76 + entry * 4, 0xFFFF_FFFF));
        word(76, 0);
        let table = [0xFFFF_FFFD_u32, 0xFFFF_FFFE, 0xFFFF_FFFE];
        let table = table.into_iter().chain(std::iter::repeat(0xFFFF_FFFF)).take(128);
        file.extend(table.flat_map(u32::to_le_bytes));
        for (name, kind, first, len) in [("Root Entry", 5, 0xFFFF_FFFE_u32, 0_u32), ("Workbook", 2, 2, 512)] {
            let mut entry = vec![0_u8; 128];
            name.encode_utf16()
                .enumerate()
                .for_each(|(at, unit)| entry[at * 2..at * 2 + 2].copy_from_slice(&unit.to_le_bytes()));
            entry[64] = u8::try_from(name.len() * 2 + 2).unwrap();
            entry[66] = kind;
            entry[116..120].copy_from_slice(&first.to_le_bytes());
            entry[120..124].copy_from_slice(&len.to_le_bytes());
            file.extend(entry);
        }
        file.resize(512 * 3, 0);
        file.extend([0x09, 0x08, 4, 0, 0, 6, 5, 0, 0x2F, 0, 6, 0, 1, 0, 1, 0, 1, 0]);
        file.resize(512 * 4, 0);
        let read = Recorder::read(&file);
        assert_eq!(read.format(), Format::Xls);
        assert_eq!(read.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [ProblemKind::Encrypted]);
    }
}
