//! JSON, NDJSON, XML and HTML: tree-shaped text.

mod html;
mod json;
mod notebook;
mod xml;

use model::Format;

use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    match crate::text::encoding::opening(head).next()? {
        b'{' | b'[' => json::sniff(head, complete),
        b'<' if html::sniff(head) => Some(Format::Html),
        b'<' if xml::sniff(head, complete) => Some(Format::Xml),
        _ => None,
    }
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Html => html::read(source, reader),
        Format::Xml => xml::read(source, reader),
        _ => json::read(format, source, reader),
    }
}

pub(crate) use xml::{root_name, trim};

#[cfg(test)]
mod tests;
