//! Clinical-trial formats: SAS XPT, Dataset-JSON, ODM and Define-XML.

mod dataset_json;
mod odm;
mod row;
mod xpt;

use model::Format;

use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], _complete: bool) -> Option<Format> {
    if xpt::sniff(head) {
        return Some(Format::Xpt);
    }
    if dataset_json::sniff(head) {
        return Some(Format::DatasetJson);
    }
    odm::sniff(head).then_some(Format::Odm)
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Xpt => xpt::read(source, reader),
        Format::DatasetJson => dataset_json::read(source, reader),
        _ => odm::read(source, reader),
    }
}
