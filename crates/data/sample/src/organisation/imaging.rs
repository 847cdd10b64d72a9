//! Images: DICOM of hospitals and trials, with private elements, a structured report, an encapsulated PDF, several
//! frames; and what dangers hide in them.

use model::IdentifierType as T;

use super::WriteError;
use super::population::{Patient, STUDIES};
use super::tree::{Planted, Trap, Tree};
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::dicom::Dataset;
use crate::write::pdf;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.7.2";
const REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// Below the arc 2.999, which is kept for examples (ITU-T X.660).
const ROOT: &str = "2.999.314";

/// Writes `imaging/` and the trials' images.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    let mut random = Random::stream(seed, "imaging");
    for patient in patients.iter().step_by(6) {
        hospital_images(tree, &mut random, patient)?;
    }
    for patient in patients.iter().filter(|p| p.enrolment.as_ref().is_some_and(|e| e.study == 0)) {
        trial_image(tree, &mut random, patient)?;
    }
    if let (Some(first), Some(second)) = (patients.first(), patients.get(9)) {
        special(tree, &mut random, first)?;
        private_name(tree, &mut random, second)?;
        truncated(tree, &mut random, second)?;
    }
    Ok(())
}

fn uid(random: &mut Random, patient: &Patient) -> String {
    format!("{ROOT}.{}.{}", patient.number + 1, random.within(1..=999_999_999))
}

/// A person name of PS3.5 6.2: family and given name, in Japanese with ideographic and phonetic groups.
fn person_name(name: &Name, language: Language) -> String {
    if language == Language::Ja {
        return format!("={}^{}={}^{}", name.family, name.given, name.kana.1, name.kana.0);
    }
    format!("{}^{}", name.family, name.given)
}

/// Everything but pixels, with the patient in clear.
fn identified(random: &mut Random, patient: &Patient, class: &str, instance: &str, modality: &str) -> Dataset {
    let hospital = patient.hospital();
    let physician = Name::draw(random, hospital.language, Surnames::Test);
    let mut dataset = Dataset::default();
    dataset
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", class)
        .text(0x0008_0018, "UI", instance)
        .text(0x0008_0020, "DA", "20250301")
        .text(0x0008_0030, "TM", "103000")
        .text(0x0008_0050, "SH", &format!("ACC{:07}", patient.number + 70_000))
        .text(0x0008_0060, "CS", modality)
        .text(0x0008_0070, "LO", "Aurelion Imaging")
        .text(0x0008_0080, "LO", hospital.name)
        .text(0x0008_0090, "PN", &person_name(&physician, hospital.language))
        .text(0x0008_1030, "LO", "Chest follow-up")
        .text(0x0010_0010, "PN", &person_name(&patient.name, hospital.language))
        .text(0x0010_0020, "LO", &patient.mrn)
        .text(0x0010_0021, "LO", &format!("2.999.{}", hospital.site))
        .text(0x0010_0030, "DA", &patient.birth.compact())
        .text(0x0010_0040, "CS", patient.sex())
        .text(0x0010_1040, "LO", &format!("{}, {}", patient.address.street, patient.address.city))
        .text(0x0010_2154, "SH", patient.phone.get(..16).unwrap_or(&patient.phone))
        .text(0x0018_1000, "LO", &format!("SN{}", random.number(7)))
        .text(0x0020_000D, "UI", &format!("{ROOT}.{}.1", patient.number + 1))
        .text(0x0020_000E, "UI", &format!("{ROOT}.{}.1.1", patient.number + 1))
        .text(0x0020_0013, "IS", "1");
    dataset
}

/// Sixteen-bit grey pixels of a gradient.
fn pixels(dataset: &mut Dataset, size: u16, frames: usize) {
    let row: Vec<u8> = (0..size).flat_map(|x| (x % 512).to_le_bytes()).collect();
    let frame = row.repeat(usize::from(size));
    dataset
        .short(0x0028_0002, 1)
        .text(0x0028_0004, "CS", "MONOCHROME2")
        .short(0x0028_0010, size)
        .short(0x0028_0011, size)
        .short(0x0028_0100, 16)
        .short(0x0028_0101, 12)
        .short(0x0028_0102, 11)
        .short(0x0028_0103, 0)
        .bytes(0x7FE0_0010, "OW", frame.repeat(frames));
    if frames > 1 {
        dataset.text(0x0028_0008, "IS", &frames.to_string());
    }
}

fn planted(patient: &Patient) -> Planted {
    Planted::default().with(T::Person, 2).with(T::Mrn, 1).with(T::Date, 1).with(T::Address, 1).about([patient])
}

fn hospital_images(tree: &mut Tree, random: &mut Random, patient: &Patient) -> Result<(), WriteError> {
    for slice in 1..=2 {
        let instance = uid(random, patient);
        let mut dataset = identified(random, patient, CT, &instance, "CT");
        pixels(&mut dataset, 176, 1);
        let path = format!("imaging/{}/{:05}/ct-{slice}.dcm", patient.hospital().key, patient.number);
        tree.put(&path, dataset.file(CT, &instance), planted(patient))?;
    }
    Ok(())
}

/// An image as a trial gets it: the subject number in place of the name.
fn trial_image(tree: &mut Tree, random: &mut Random, patient: &Patient) -> Result<(), WriteError> {
    let Some(enrolment) = &patient.enrolment else { return Ok(()) };
    let study = STUDIES.first().map_or("", |study| study.folder);
    let instance = uid(random, patient);
    let mut dataset = Dataset::default();
    dataset
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", CT)
        .text(0x0008_0018, "UI", &instance)
        .text(0x0008_0020, "DA", &enrolment.start.compact())
        .text(0x0008_0060, "CS", "CT")
        .text(0x0010_0010, "PN", &enrolment.usubjid)
        .text(0x0010_0020, "LO", &enrolment.usubjid)
        .text(0x0010_0040, "CS", patient.sex())
        .text(0x0012_0010, "LO", "Aurelion Bio")
        .text(0x0012_0020, "LO", "AUR-101")
        .text(0x0012_0030, "LO", &patient.hospital().site.to_string())
        .text(0x0012_0040, "LO", &enrolment.usubjid)
        .text(0x0012_0062, "CS", "YES")
        .text(0x0020_000D, "UI", &format!("{ROOT}.{}.2", patient.number + 1))
        .text(0x0020_000E, "UI", &format!("{ROOT}.{}.2.1", patient.number + 1));
    pixels(&mut dataset, 128, 1);
    let path = format!("clinical/{study}/imaging/{}/baseline.dcm", enrolment.usubjid);
    let planted = Planted::default().with(T::SubjectId, 1).about([patient]);
    tree.put(&path, dataset.file(CT, &instance), planted)
}

/// A multi-frame image, a structured report and an encapsulated PDF.
fn special(tree: &mut Tree, random: &mut Random, patient: &Patient) -> Result<(), WriteError> {
    let instance = uid(random, patient);
    let mut dataset = identified(random, patient, MULTI_FRAME, &instance, "OT");
    pixels(&mut dataset, 256, 48);
    tree.put("imaging/special/cine-48-frames.dcm", dataset.file(MULTI_FRAME, &instance), planted(patient))?;

    let instance = uid(random, patient);
    let mut dataset = identified(random, patient, REPORT, &instance, "SR");
    let note = patient.note(random);
    let mut observer = Dataset::default();
    observer.text(0x0040_A010, "CS", "HAS OBS CONTEXT").text(0x0040_A040, "CS", "PNAME").text(
        0x0040_A123,
        "PN",
        &person_name(&Name::draw(random, Language::En, Surnames::Test), Language::En),
    );
    let mut finding = Dataset::default();
    finding.text(0x0040_A010, "CS", "CONTAINS").text(0x0040_A040, "CS", "TEXT").text(0x0040_A160, "UT", &note.text);
    dataset.text(0x0040_A040, "CS", "CONTAINER").sequence(0x0040_A730, &[observer, finding]);
    let planted_report = planted(patient).spans(&note.spans).with(T::Person, 1);
    tree.put("imaging/special/structured-report.dcm", dataset.file(REPORT, &instance), planted_report)?;

    let instance = uid(random, patient);
    let mut dataset = identified(random, patient, ENCAPSULATED_PDF, &instance, "DOC");
    let letter = format!("Radiology letter\nPatient: {}\nMRN: {}\n", patient.full_name(), patient.mrn);
    dataset.text(0x0042_0012, "LO", "application/pdf").bytes(
        0x0042_0011,
        "OB",
        pdf::document("Letter", "Radiology", &letter),
    );
    tree.put(
        "imaging/special/letter.dcm",
        dataset.file(ENCAPSULATED_PDF, &instance),
        planted(patient).with(T::Person, 1),
    )
}

/// De-identified by the book, but for a private element that kept what was burned into the pixels.
fn private_name(tree: &mut Tree, random: &mut Random, patient: &Patient) -> Result<(), WriteError> {
    let instance = uid(random, patient);
    let mut dataset = Dataset::default();
    dataset
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", CT)
        .text(0x0008_0018, "UI", &instance)
        .text(0x0008_0060, "CS", "US")
        .text(0x0010_0010, "PN", "ANONYMOUS")
        .text(0x0010_0020, "LO", "ANON-0007")
        .text(0x0012_0062, "CS", "YES")
        .text(0x0019_0010, "LO", "AURELION OVERLAY 1.0")
        .text(0x0019_1001, "PN", &person_name(&patient.name, patient.language()))
        .text(
            0x0019_1002,
            "LO",
            &format!("Burned-in annotation: {}, DOB {}", patient.full_name(), patient.birth.iso()),
        );
    pixels(&mut dataset, 128, 1);
    let planted = Planted::default().with(T::Person, 2).about([patient]).trap(Trap::NameInPrivateTag);
    tree.put("imaging/shared-with-vendor/anonymised/us-0007.dcm", dataset.file(CT, &instance), planted)
}

fn truncated(tree: &mut Tree, random: &mut Random, patient: &Patient) -> Result<(), WriteError> {
    let instance = uid(random, patient);
    let mut dataset = identified(random, patient, CT, &instance, "CT");
    pixels(&mut dataset, 128, 1);
    let whole = dataset.file(CT, &instance);
    let part = whole.get(..whole.len() / 3).unwrap_or_default();
    tree.put("imaging/incoming/transfer-aborted.dcm", part, planted(patient).trap(Trap::Truncated))
}
