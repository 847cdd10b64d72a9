//! WordprocessingML documents (ECMA-376 Part 1, section 17).

use crate::{ReadError, Reader};

use super::flow::{self, Places};
use super::parts::Package;

/// Parts with running text and what their places begin with, besides the main one.
const PARTS: &[&str] = &["header", "footer", "footnotes", "endnotes", "comments", "glossary/document"];

pub(super) fn read(package: &mut Package<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    package.properties(&["docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"], reader)?;
    for name in package.names("word/document", ".xml") {
        package.part(&name, reader, |xml, reader| flow::read(xml, &Places::Paragraph(""), false, reader))?;
    }
    for part in PARTS {
        for name in package.names(&format!("word/{part}"), ".xml") {
            let stem = name.trim_start_matches("word/").trim_end_matches(".xml");
            let prefix = format!("{stem} ");
            package.part(&name, reader, |xml, reader| flow::read(xml, &Places::Paragraph(&prefix), false, reader))?;
        }
    }
    Ok(())
}
