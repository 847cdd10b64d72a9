//! Captions in the IPTC Information Interchange Model 4.2, inside Photoshop's image resources.

use crate::{ReadError, Reader};

use super::{field, text};

/// Names of data sets of the application record (IIM 4.2 chapter 6).
const NAMES: [(u8, &str); 22] = [
    (5, "ObjectName"),
    (22, "FixtureIdentifier"),
    (25, "Keywords"),
    (40, "SpecialInstructions"),
    (55, "DateCreated"),
    (80, "By-line"),
    (85, "By-lineTitle"),
    (90, "City"),
    (92, "Sub-location"),
    (95, "Province-State"),
    (100, "CountryCode"),
    (101, "Country"),
    (103, "OriginalTransmissionReference"),
    (105, "Headline"),
    (110, "Credit"),
    (115, "Source"),
    (116, "CopyrightNotice"),
    (118, "Contact"),
    (120, "Caption-Abstract"),
    (121, "LocalCaption"),
    (122, "Writer-Editor"),
    (221, "Prefs"),
];
/// The resource that holds IPTC data (Adobe Photoshop file format, image resource ids).
const IPTC_RESOURCE: [u8; 2] = [0x04, 0x04];

/// Finds and reports the captions among image resources: `8BIM`, id, padded name, length, data padded to even.
pub(super) fn resources(bytes: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut rest = bytes;
    while let Some(body) = rest.strip_prefix(b"8BIM") {
        let name_bytes = body.get(2).copied().map_or(0, usize::from);
        let at = 2 + (name_bytes + 2) / 2 * 2;
        let Some(length) = body.get(at..at + 4).and_then(|raw| raw.try_into().ok()).map(u32::from_be_bytes) else {
            break;
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let data = body.get(at + 4..).unwrap_or(&[]);
        let data = data.get(..length).unwrap_or(data);
        if body.get(..2) == Some(IPTC_RESOURCE.as_slice()) {
            report(data, reader)?;
        }
        rest = body.get((at + 4).saturating_add(length).saturating_add(length % 2)..).unwrap_or(&[]);
    }
    Ok(())
}

/// Reports data sets: `1C`, record, number, length, value.
pub(super) fn report(bytes: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut rest = bytes;
    while let [0x1C, record, number, high, low, body @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Lengths with the high bit set have another form, which holds no caption.
        let Some((value, next)) = body.split_at_checked(length) else { break };
        if let Some((_, name)) = NAMES.iter().find(|(known, _)| known == number).filter(|_| *record == 2) {
            field(reader, &format!("iptc.{name}"), &text(value))?;
        }
        rest = next;
    }
    Ok(())
}
