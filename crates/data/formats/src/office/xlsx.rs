//! SpreadsheetML workbooks (ECMA-376 Part 1, section 18), sheet by sheet and row by row.

mod sheet;
mod strings;
mod styles;

use crate::{Place, Problem, Raw, ReadError, Reader, Text};

use super::flow::{self, Places};
use super::parts::{Package, document_field};
use super::xml::{Piece, Xml};

pub(super) use styles::date_text;

/// What all sheets share.
struct Workbook {
    strings: strings::Strings,
    styles: styles::Styles,
    sheets: Vec<(String, String)>,
}

pub(super) fn read(package: &mut Package<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    package.properties(&["docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"], reader)?;
    if package.has("xl/workbook.bin") {
        return Err(Problem::unsupported("binary workbooks (xlsb) are not read; save it as xlsx first").into());
    }
    let mut workbook =
        Workbook { strings: strings::Strings::default(), styles: styles::Styles::default(), sheets: Vec::new() };
    package.part("xl/workbook.xml", reader, |xml, reader| workbook.read_index(xml, reader))?;
    let targets = package.relationships("xl/workbook.xml", reader)?;
    package.part("xl/styles.xml", reader, |xml, _| workbook.styles.read(xml))?;
    package.part("xl/sharedStrings.xml", reader, |xml, reader| workbook.strings.read(xml, reader))?;
    for (name, id) in std::mem::take(&mut workbook.sheets) {
        let Some(part) = targets.get(&id) else {
            reader.problem(Problem::malformed("a sheet's part is missing"))?;
            continue;
        };
        package
            .part(part, reader, |xml, reader| sheet::read(xml, &name, &workbook.strings, &workbook.styles, reader))?;
        let mut related: Vec<String> = package.relationships(part, reader)?.into_values().collect();
        related.sort();
        for comments in related.iter().filter(|name| name.to_ascii_lowercase().contains("comment")) {
            package.part(comments, reader, |xml, reader| read_comments(xml, &name, reader))?;
        }
    }
    for name in package.names("xl/drawings/drawing", ".xml") {
        package.part(&name, reader, |xml, reader| flow::read(xml, &Places::Part("drawing"), false, reader))?;
    }
    Ok(())
}

impl Workbook {
    /// Sheets, hidden ones too, and defined names.
    fn read_index(&mut self, xml: &mut Xml<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let mut defined = String::new();
        let mut value = String::new();
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Start(element) => {
                    value.clear();
                    match element.name() {
                        "sheet" => {
                            let name = element.attribute("name").unwrap_or_default();
                            self.sheets.push((name, element.attribute("id").unwrap_or_default()));
                        }
                        "workbookPr" => {
                            let is_1904 = element.attribute("date1904").is_some_and(|v| v == "1" || v == "true");
                            self.styles.set_1904(is_1904);
                        }
                        "definedName" => defined = element.attribute("name").unwrap_or_default(),
                        _ => {}
                    }
                }
                Piece::Text(text) => value.push_str(text),
                Piece::End("definedName") => document_field(&format!("definedName.{defined}"), &value, reader)?,
                Piece::End(_) => {}
            }
        }
        Ok(())
    }
}

/// Notes and threaded comments with the cells they stand at.
fn read_comments(xml: &mut Xml<'_>, sheet: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut place = String::new();
    let mut text = String::new();
    let mut in_author = false;
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(element) => match element.name() {
                "comment" | "threadedComment" => {
                    place = format!("{sheet}!{}", element.attribute("ref").unwrap_or_default());
                    text.clear();
                }
                "author" => {
                    in_author = true;
                    text.clear();
                }
                _ => {}
            },
            Piece::Text(more) => text.push_str(more),
            Piece::End("author") if in_author => {
                in_author = false;
                document_field("author", text.trim(), reader)?;
                text.clear();
            }
            Piece::End("comment" | "threadedComment") => {
                reader.text(&Text { text: &text, place: Place::Path(&place), raw: Raw::None, last: true })?;
            }
            Piece::End(_) => {}
        }
    }
    Ok(())
}
