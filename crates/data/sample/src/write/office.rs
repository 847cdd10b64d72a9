//! Office documents: Office Open XML (ECMA-376), OpenDocument (ISO/IEC 26300) and RTF 1.9.

use std::fmt::Write as _;
use std::io;

use super::archive;
use super::table::Table;
use super::text::xml;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const PACKAGE_RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const VENDOR: &str = "application/vnd.openxmlformats-officedocument";

/// An OOXML package: the main part, further parts with their content types, and relations of the main part.
struct Package {
    main: (String, &'static str, String),
    parts: Vec<(String, &'static str, String)>,
    /// Relation kind and target, numbered `rId1` on.
    relations: Vec<(&'static str, String)>,
    creator: String,
}

impl Package {
    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut types = format!(
            "{XML}<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>"
        );
        for (name, kind, _) in std::iter::once(&self.main).chain(&self.parts) {
            let _ = write!(types, "<Override PartName=\"/{name}\" ContentType=\"{VENDOR}.{kind}+xml\"/>");
        }
        types.push_str("</Types>");
        let main = &self.main.0;
        let root = format!(
            "{XML}<Relationships xmlns=\"{PACKAGE_RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"{main}\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>"
        );
        let core = format!(
            "{XML}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:creator>{}</dc:creator></cp:coreProperties>",
            xml(&self.creator)
        );
        let mut relations = format!("{XML}<Relationships xmlns=\"{PACKAGE_RELATIONS}\">");
        for (i, (kind, target)) in self.relations.iter().enumerate() {
            let _ = write!(
                relations,
                "<Relationship Id=\"rId{}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>",
                i + 1
            );
        }
        relations.push_str("</Relationships>");
        let (folder, file) = main.split_once('/').unwrap_or(("", main));
        let relations_name = format!("{folder}/_rels/{file}.rels");
        let mut members: Vec<(&str, &[u8])> = vec![
            ("[Content_Types].xml", types.as_bytes()),
            ("_rels/.rels", root.as_bytes()),
            ("docProps/core.xml", core.as_bytes()),
            (main, self.main.2.as_bytes()),
            (&relations_name, relations.as_bytes()),
        ];
        members.extend(self.parts.iter().map(|(name, _, content)| (name.as_str(), content.as_bytes())));
        archive::zip(&members)
    }
}

/// A document of paragraphs, one a line.
pub fn docx(creator: &str, text: &str) -> io::Result<Vec<u8>> {
    let mut body = String::new();
    for line in text.lines() {
        let _ = write!(body, "<w:p><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>", xml(line));
    }
    let document = format!(
        "{XML}<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    Package {
        main: ("word/document.xml".to_owned(), "wordprocessingml.document.main", document),
        parts: Vec::new(),
        relations: Vec::new(),
        creator: creator.to_owned(),
    }
    .bytes()
}

/// A presentation: a slide a text, a paragraph a line.
pub fn pptx(creator: &str, slides: &[String]) -> io::Result<Vec<u8>> {
    const MAIN: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";
    const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
    let mut list = String::new();
    let mut parts = Vec::new();
    let mut relations = Vec::new();
    for (i, text) in slides.iter().enumerate() {
        let number = i + 1;
        let _ = write!(list, "<p:sldId id=\"{}\" r:id=\"rId{number}\"/>", 256 + i);
        let mut paragraphs = String::new();
        for line in text.lines() {
            let _ = write!(paragraphs, "<a:p><a:r><a:t>{}</a:t></a:r></a:p>", xml(line));
        }
        let slide = format!(
            "{XML}<p:sld xmlns:p=\"{MAIN}\" xmlns:a=\"{DRAWING}\"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/><p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"Text\"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>{paragraphs}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
        );
        parts.push((format!("ppt/slides/slide{number}.xml"), "presentationml.slide", slide));
        relations.push(("slide", format!("slides/slide{number}.xml")));
    }
    let presentation = format!(
        "{XML}<p:presentation xmlns:p=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><p:sldIdLst>{list}</p:sldIdLst><p:sldSz cx=\"9144000\" cy=\"6858000\"/><p:notesSz cx=\"6858000\" cy=\"9144000\"/></p:presentation>"
    );
    Package {
        main: ("ppt/presentation.xml".to_owned(), "presentationml.presentation.main", presentation),
        parts,
        relations,
        creator: creator.to_owned(),
    }
    .bytes()
}

/// A workbook of one sheet for each table.
pub fn xlsx(creator: &str, tables: &[Table]) -> io::Result<Vec<u8>> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let mut list = String::new();
    let mut parts = Vec::new();
    let mut relations = Vec::new();
    for (i, table) in tables.iter().enumerate() {
        let number = i + 1;
        let _ = write!(list, "<sheet name=\"{}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>", xml(table.name));
        let sheet =
            format!("{XML}<worksheet xmlns=\"{MAIN}\"><sheetData>{}</sheetData></worksheet>", sheet_rows(table));
        parts.push((format!("xl/worksheets/sheet{number}.xml"), "spreadsheetml.worksheet", sheet));
        relations.push(("worksheet", format!("worksheets/sheet{number}.xml")));
    }
    let workbook =
        format!("{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>{list}</sheets></workbook>");
    Package {
        main: ("xl/workbook.xml".to_owned(), "spreadsheetml.sheet.main", workbook),
        parts,
        relations,
        creator: creator.to_owned(),
    }
    .bytes()
}

fn sheet_rows(table: &Table) -> String {
    let header: Vec<String> = table.columns.iter().map(|column| column.name.to_owned()).collect();
    let mut rows = String::new();
    for (r, row) in std::iter::once(&header).chain(&table.rows).enumerate() {
        let _ = write!(rows, "<row r=\"{}\">", r + 1);
        for (c, cell) in row.iter().enumerate() {
            let column = char::from(b'A' + u8::try_from(c).unwrap_or(25).min(25));
            let reference = format!("{column}{}", r + 1);
            let numeric = r > 0 && table.columns.get(c).is_some_and(|column| column.numeric);
            let _ = if numeric && cell.parse::<f64>().is_ok() {
                write!(rows, "<c r=\"{reference}\"><v>{cell}</v></c>")
            } else {
                write!(rows, "<c r=\"{reference}\" t=\"inlineStr\"><is><t>{}</t></is></c>", xml(cell))
            };
        }
        rows.push_str("</row>");
    }
    rows
}

/// An OpenDocument text of paragraphs, one a line.
pub fn odt(creator: &str, text: &str) -> io::Result<Vec<u8>> {
    const NAMES: &str = "urn:oasis:names:tc:opendocument:xmlns";
    const TYPE: &str = "application/vnd.oasis.opendocument.text";
    let mut body = String::new();
    for line in text.lines() {
        let _ = write!(body, "<text:p>{}</text:p>", xml(line));
    }
    let content = format!(
        "{XML}<office:document-content xmlns:office=\"{NAMES}:office:1.0\" xmlns:text=\"{NAMES}:text:1.0\" office:version=\"1.3\"><office:body><office:text>{body}</office:text></office:body></office:document-content>"
    );
    let meta = format!(
        "{XML}<office:document-meta xmlns:office=\"{NAMES}:office:1.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" office:version=\"1.3\"><office:meta><dc:creator>{}</dc:creator></office:meta></office:document-meta>",
        xml(creator)
    );
    let manifest = format!(
        "{XML}<manifest:manifest xmlns:manifest=\"{NAMES}:manifest:1.0\" manifest:version=\"1.3\"><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{TYPE}\"/><manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/><manifest:file-entry manifest:full-path=\"meta.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>"
    );
    archive::package(
        ("mimetype", TYPE.as_bytes()),
        &[
            ("content.xml", content.as_bytes()),
            ("meta.xml", meta.as_bytes()),
            ("META-INF/manifest.xml", manifest.as_bytes()),
        ],
    )
}

/// An OpenDocument spreadsheet of one sheet of texts.
pub fn ods(table: &Table) -> io::Result<Vec<u8>> {
    const NAMES: &str = "urn:oasis:names:tc:opendocument:xmlns";
    const TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";
    let header: Vec<String> = table.columns.iter().map(|column| column.name.to_owned()).collect();
    let mut rows = String::new();
    for row in std::iter::once(&header).chain(&table.rows) {
        rows.push_str("<table:table-row>");
        for cell in row {
            let _ = write!(
                rows,
                "<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>",
                xml(cell)
            );
        }
        rows.push_str("</table:table-row>");
    }
    let content = format!(
        "{XML}<office:document-content xmlns:office=\"{NAMES}:office:1.0\" xmlns:table=\"{NAMES}:table:1.0\" xmlns:text=\"{NAMES}:text:1.0\" office:version=\"1.3\"><office:body><office:spreadsheet><table:table table:name=\"{}\">{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        xml(table.name)
    );
    let manifest = format!(
        "{XML}<manifest:manifest xmlns:manifest=\"{NAMES}:manifest:1.0\" manifest:version=\"1.3\"><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{TYPE}\"/><manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>"
    );
    archive::package(
        ("mimetype", TYPE.as_bytes()),
        &[("content.xml", content.as_bytes()), ("META-INF/manifest.xml", manifest.as_bytes())],
    )
}

/// Rich text; characters outside ASCII as `\u` escapes.
pub fn rtf(author: &str, text: &str) -> String {
    let mut document = format!(
        "{{\\rtf1\\ansi\\ansicpg1252\\deff0{{\\fonttbl{{\\f0 Arial;}}}}{{\\info{{\\author {}}}}}\n",
        rtf_text(author)
    );
    for line in text.lines() {
        document.push_str(&rtf_text(line));
        document.push_str("\\par\n");
    }
    document.push('}');
    document
}

fn rtf_text(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{}?", i16::from_ne_bytes(unit.to_ne_bytes()));
                }
            }
        }
    }
    escaped
}
