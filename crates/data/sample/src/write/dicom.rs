//! DICOM files in explicit VR little endian (PS3.5, PS3.10).

use std::collections::BTreeMap;

/// A dataset: values by tag, kept in the order that the standard asks for.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    elements: BTreeMap<u32, (&'static str, Vec<u8>)>,
}

impl Dataset {
    /// Sets a text value.
    pub fn text(&mut self, tag: u32, vr: &'static str, value: &str) -> &mut Self {
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.elements.insert(tag, (vr, bytes));
        self
    }

    /// Sets an unsigned short.
    pub fn short(&mut self, tag: u32, value: u16) -> &mut Self {
        self.elements.insert(tag, ("US", value.to_le_bytes().to_vec()));
        self
    }

    /// Sets bytes.
    pub fn bytes(&mut self, tag: u32, vr: &'static str, mut value: Vec<u8>) -> &mut Self {
        if value.len() % 2 == 1 {
            value.push(0);
        }
        self.elements.insert(tag, (vr, value));
        self
    }

    /// Sets a sequence of items of defined length.
    pub fn sequence(&mut self, tag: u32, items: &[Self]) -> &mut Self {
        let mut bytes = Vec::new();
        for item in items {
            let encoded = item.encoded();
            bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
            bytes.extend(u32::try_from(encoded.len()).unwrap_or(0).to_le_bytes());
            bytes.extend(encoded);
        }
        self.elements.insert(tag, ("SQ", bytes));
        self
    }

    fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, (vr, value)) in &self.elements {
            bytes.extend(((tag >> 16) as u16).to_le_bytes());
            bytes.extend(((tag & 0xFFFF) as u16).to_le_bytes());
            bytes.extend(vr.as_bytes());
            if matches!(*vr, "OB" | "OW" | "SQ" | "UN" | "UT") {
                bytes.extend([0, 0]);
                bytes.extend(u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
            } else {
                bytes.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
            }
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// The file: preamble, file meta information, dataset.
    pub fn file(&self, class: &str, instance: &str) -> Vec<u8> {
        let mut meta = Self::default();
        meta.bytes(0x0002_0001, "OB", vec![0, 1])
            .text(0x0002_0002, "UI", class)
            .text(0x0002_0003, "UI", instance)
            .text(0x0002_0010, "UI", "1.2.840.10008.1.2.1")
            .text(0x0002_0012, "UI", "2.25.314159265358979323846")
            .text(0x0002_0013, "SH", "AURELION_1");
        let encoded = meta.encoded();
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend([2, 0, 0, 0]);
        bytes.extend(b"UL\x04\x00");
        bytes.extend(u32::try_from(encoded.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(encoded);
        bytes.extend(self.encoded());
        bytes
    }
}
