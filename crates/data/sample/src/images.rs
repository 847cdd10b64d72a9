//! Small DICOM images of made-up patients by the thousand, to measure reading on.

use crate::address::Address;
use crate::calendar::Date;
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::dicom::Dataset;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.7.2";
/// Rows and columns of a small image.
const SIZE: u16 = 64;

/// `count` files of about 9 KB: what a scanner writes of a patient in the head, 64 × 64 pixels of 16 bits behind it.
pub fn dicom(seed: u64, count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::stream(seed, "images");
    (0..count).map(move |_| {
        let instance = format!("2.999.271.{}", random.within(1..=999_999_999));
        let mut dataset = described(&mut random, CT, &instance, "CT");
        let pixels: Vec<u8> = (0..SIZE * SIZE).flat_map(|at| (at % 1024).to_le_bytes()).collect();
        dataset.bytes(0x7FE0_0010, "OW", pixels);
        dataset.file(CT, &instance)
    })
}

/// Everything before the pixels of a secondary capture of many frames.
#[must_use]
pub fn multi_frame_head(seed: u64) -> Vec<u8> {
    let mut random = Random::stream(seed, "frames");
    let instance = format!("2.999.272.{}", random.within(1..=999_999_999));
    described(&mut random, MULTI_FRAME, &instance, "OT").file(MULTI_FRAME, &instance)
}

fn described(random: &mut Random, class: &str, instance: &str, modality: &str) -> Dataset {
    let name = Name::draw(random, Language::En, Surnames::Test);
    let physician = Name::draw(random, Language::En, Surnames::Train);
    let place = Address::draw(random, Language::En);
    let mut dataset = Dataset::default();
    dataset
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", class)
        .text(0x0008_0018, "UI", instance)
        .text(0x0008_0020, "DA", &Date::between(random, 2019, 2025).compact())
        .text(0x0008_0030, "TM", "103000")
        .text(0x0008_0050, "SH", &format!("ACC{}", random.number(7)))
        .text(0x0008_0060, "CS", modality)
        .text(0x0008_0070, "LO", "Aurelion Imaging")
        .text(0x0008_0080, "LO", "Whitcombe Memorial Hospital")
        .text(0x0008_0090, "PN", &format!("{}^{}", physician.family, physician.given))
        .text(0x0008_1030, "LO", "Chest follow-up")
        .text(0x0010_0010, "PN", &format!("{}^{}", name.family, name.given))
        .text(0x0010_0020, "LO", &random.number(8))
        .text(0x0010_0030, "DA", &Date::between(random, 1935, 2006).compact())
        .text(0x0010_0040, "CS", if name.female { "F" } else { "M" })
        .text(0x0010_1040, "LO", &format!("{}, {}", place.street, place.city))
        .text(0x0018_1000, "LO", &format!("SN{}", random.number(7)))
        .text(0x0020_000D, "UI", &format!("{instance}.1"))
        .text(0x0020_000E, "UI", &format!("{instance}.1.1"))
        .text(0x0020_0013, "IS", "1")
        .short(0x0028_0002, 1)
        .text(0x0028_0004, "CS", "MONOCHROME2")
        .short(0x0028_0010, SIZE)
        .short(0x0028_0011, SIZE)
        .short(0x0028_0100, 16)
        .short(0x0028_0101, 12)
        .short(0x0028_0102, 11)
        .short(0x0028_0103, 0);
    dataset
}
