//! Clinical formats: HL7 v2, FHIR, CDA, DICOM.

pub(crate) mod base64;
mod ccda;
mod dicom;
mod fhir;
pub(crate) mod hl7;

use model::Format;

use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    if dicom::sniff(head) {
        return Some(Format::Dicom);
    }
    if hl7::sniff(head, complete) {
        return Some(Format::Hl7);
    }
    if fhir::sniff(head, complete) {
        return Some(Format::Fhir);
    }
    ccda::sniff(head, complete).then_some(Format::Ccda)
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Hl7 => hl7::read(source, reader),
        Format::Fhir => fhir::read(source, reader),
        Format::Ccda => ccda::read(source, reader),
        _ => dicom::read(source, reader),
    }
}
