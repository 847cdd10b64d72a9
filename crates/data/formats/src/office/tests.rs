use model::Format;
use proptest::prelude::*;
use zip::CompressionMethod;

use crate::archive::zip::tests::archive;
use crate::testing::Recorder;
use crate::{Limits, ProblemKind, Source};

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");

fn docx(body: &str) -> Vec<u8> {
    let document = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    let comments = "<w:comments><w:comment w:author='Rev Iewer'><w:p><w:r><w:t>a comment</w:t></w:r></w:p></w:comment></w:comments>";
    let core = "<cp:coreProperties><dc:creator>Ann Author</dc:creator></cp:coreProperties>";
    archive(
        &[
            ("docProps/core.xml", core.as_bytes()),
            ("word/comments.xml", comments.as_bytes()),
            ("word/document.xml", document.as_bytes()),
            ("word/media/note.txt", b"an embedded note\n"),
            TYPES,
        ],
        CompressionMethod::Deflated,
    )
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn xlsx() -> Vec<u8> {
    let workbook = "<workbook><sheets><sheet name='Visible' r:id='r1'/><sheet name='Out of sight' state='hidden' r:id='r2'/></sheets>\
        <definedNames><definedName name='Sponsor'>Visible!$A$1</definedName></definedNames></workbook>";
    let relations = "<Relationships><Relationship Id='r1' Target='worksheets/sheet1.xml'/>\
        <Relationship Id='r2' Target='/xl/worksheets/sheet2.xml'/></Relationships>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='dd.mm.yyyy'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>";
    let strings = "<sst><si><t>Patient ID</t></si><si><r><t>Birth </t></r><r><t>date</t></r></si><si><t>P-1 &amp; co</t></si></sst>";
    let sheet = "<worksheet><sheetData><row r='2'><c r='B2' t='s'><v>0</v></c><c r='C2' t='s'><v>1</v></c></row>\
        <row r='3'><c r='B3' t='s'><v>2</v></c><c r='C3' s='1'><v>22462</v></c></row>\
        <row r='4'><c r='B4' t='inlineStr'><is><t>P-2</t></is></c><c r='C4' s='1'><v>22463</v></c></row></sheetData></worksheet>";
    let hidden = "<worksheet><sheetData><row><c t='str'><v>a hidden remark</v></c></row></sheetData></worksheet>";
    let comments = "<comments><authors><author>Rev Iewer</author></authors><commentList><comment ref='B3'><text><r><t>ask her</t></r></text></comment></commentList></comments>";
    let sheet_relations = "<Relationships><Relationship Id='x' Target='../comments1.xml'/></Relationships>";
    archive(
        &[
            TYPES,
            ("xl/workbook.xml", workbook.as_bytes()),
            ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
            ("xl/styles.xml", styles.as_bytes()),
            ("xl/sharedStrings.xml", strings.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ("xl/worksheets/sheet2.xml", hidden.as_bytes()),
            ("xl/worksheets/_rels/sheet1.xml.rels", sheet_relations.as_bytes()),
            ("xl/comments1.xml", comments.as_bytes()),
        ],
        CompressionMethod::Deflated,
    )
}

#[test]
fn a_document_gives_paragraphs_tables_comments_properties_and_members() {
    let row = |cells: &[&str]| {
        let cells: String = cells.iter().map(|cell| format!("<w:tc>{}</w:tc>", paragraph(cell))).collect();
        format!("<w:tr>{cells}</w:tr>")
    };
    let table = [
        row(&["Name", "MRN", "Date"]),
        row(&["Jane Roe", "MRN-100", "2021-03-04"]),
        row(&["Max Muster", "MRN-101", "2021-03-05"]),
    ]
    .concat();
    let body = format!(
        "{}<w:p><w:r><w:t>with a </w:t></w:r><w:del w:author='Ed Itor'><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>\
        <w:tbl>{table}</w:tbl><w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>{}</w:txbxContent></mc:Choice>\
        <mc:Fallback><w:txbxContent>{}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        paragraph("first &amp; foremost"),
        paragraph("boxed"),
        paragraph("boxed"),
    );
    let read = Recorder::read(&docx(&body));
    assert_eq!(read.formats[0], Format::Docx);
    let texts: Vec<(&str, &str)> = read.texts.iter().map(|t| (t.place.as_str(), t.value.as_str())).collect();
    assert!(texts.contains(&("paragraph 1", "first & foremost")), "{texts:?}");
    assert!(texts.contains(&("paragraph 2", "with a deleted")), "{texts:?}");
    assert_eq!(texts.iter().filter(|(_, text)| *text == "boxed").count(), 1, "{texts:?}");
    assert!(texts.contains(&("comments paragraph 1", "a comment")), "{texts:?}");
    assert!(texts.iter().any(|(_, text)| *text == "an embedded note\n"));
    assert_eq!(read.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Name", "MRN", "Date"]);
    assert_eq!(read.rows, 2);
    assert_eq!(read.values("creator"), ["Ann Author"]);
    assert_eq!(read.values("author"), ["Ed Itor", "Rev Iewer"]);
    assert_eq!(read.problems, []);
}

#[test]
fn a_workbook_gives_sheets_dates_comments_and_names() {
    let read = Recorder::read(&xlsx());
    assert_eq!(read.formats, [Format::Xlsx]);
    let cells: Vec<&str> = read.cells.iter().map(|c| c.value.as_str()).filter(|v| !v.is_empty()).collect();
    assert_eq!(cells, ["P-1 & co", "1961-06-30", "P-2", "1961-07-01", "a hidden remark"]);
    assert!(read.texts.iter().any(|t| t.place == "Visible!B3" && t.value == "ask her"), "{:?}", read.texts);
    assert_eq!(read.values("definedName.Sponsor"), ["Visible!$A$1"]);
    assert_eq!(read.tables, 2);
    assert_eq!(read.problems, []);
}

#[test]
fn open_documents_are_told_by_their_mimetype_and_encrypted_ones_are_reported() {
    let content = "<office:document-content><table:table table:name='T'><table:table-row>\
        <table:table-cell table:number-columns-repeated='2'/><table:table-cell><text:p>only value</text:p></table:table-cell>\
        </table:table-row></table:table></office:document-content>";
    let kind: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    let plain = archive(&[("mimetype", kind), ("content.xml", content.as_bytes())], CompressionMethod::Stored);
    let read = Recorder::read(&plain);
    assert_eq!(read.formats, [Format::Ods]);
    let cells: Vec<&str> = read.cells.iter().map(|cell| cell.value.as_str()).collect();
    assert_eq!(cells, ["", "", "only value"]);
    let manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>";
    let sealed = archive(
        &[("mimetype", kind), ("content.xml", b"????"), ("META-INF/manifest.xml", manifest.as_bytes())],
        CompressionMethod::Stored,
    );
    let kinds: Vec<ProblemKind> = Recorder::read(&sealed).problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Encrypted]);
}

#[test]
fn rich_text_is_decoded_by_code_page_font_and_escape() {
    let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset128 Mincho;}}{\info{\author Ann \'c4uthor}}{\*\generator x;}J\'f6rg M\u252?ller\par {\f1 \'8e\'52}\u-10179?\u-8704?{\pict 0102}\par}";
    let read = Recorder::read(rtf);
    assert_eq!(read.formats, [Format::Rtf]);
    assert_eq!(read.text(), "Jörg Müller\n山😀\n");
    assert_eq!(read.values("creator"), ["Ann Äuthor"]);
    let cut = Recorder::read(&rtf[..rtf.len() - 8]);
    assert_eq!(cut.problems[0].kind, ProblemKind::Truncated);
}

/// A document of one page that shows `content`.
fn pdf(content: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        "<</Author(Ann Author)>>".to_owned(),
        "<</FT/Tx/T(patient)/V(Jane Roe)>>".to_owned(),
    ];
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(bytes.len());
        bytes.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = bytes.len();
    bytes.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).as_bytes());
    offsets.iter().for_each(|at| bytes.extend_from_slice(format!("{at:010} 00000 n \n").as_bytes()));
    bytes
        .extend_from_slice(format!("trailer<</Size 8/Root 1 0 R/Info 6 0 R>>\nstartxref\n{start}\n%%EOF\n").as_bytes());
    bytes
}

#[test]
fn a_page_gives_whole_words_and_lines() {
    let content =
        "BT /F 12 Tf 72 700 Td [(Pa) 20 (tient) -300 (John)] TJ 0 -14 Td (MRN 12345) Tj 200 0 Td (right) Tj ET";
    let read = Recorder::read(&pdf(content));
    assert_eq!(read.formats, [Format::Pdf]);
    assert_eq!(read.text(), "Patient John\nMRN 12345\tright");
    assert_eq!(read.texts[0].place, "page 1");
    assert_eq!(read.values("creator"), ["Ann Author"]);
    assert_eq!(read.values("patient"), ["Jane Roe"]);
    assert_eq!(read.problems, []);
}

#[test]
fn deep_elements_and_endless_tokens_end_at_their_limits() {
    let deep = docx(&"<w:p>".repeat(2000));
    assert!(Recorder::read(&deep).problems.iter().any(|problem| problem.kind == ProblemKind::Limit));
    let limits = Limits { value_bytes_max: 1 << 16, ..Limits::default() };
    let endless = docx(&format!("<w:p a='{}'/>", "x".repeat(1 << 18)));
    let read = Recorder::read_with(Source::bytes(&endless), limits, None);
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::Limit), "{:?}", read.problems);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mutated_documents_neither_panic_nor_hang(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = match which {
            0 => docx(&paragraph("some words")),
            1 => xlsx(),
            2 => pdf("BT /F 12 Tf (some words) Tj ET"),
            _ => br"{\rtf1\ansi{\info{\author A}}some \'e4\u252? {\b words}\par}".to_vec(),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::read(&bytes);
        Recorder::read(&bytes[..end.index(bytes.len())]);
    }
}
