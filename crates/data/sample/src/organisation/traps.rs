//! What should not be where it is: the landscape has to bring these to light.

use model::IdentifierType as T;

use super::WriteError;
use super::population::{Patient, STUDIES};
use super::tree::{Planted, Trap, Tree};
use super::{edc, study};
use crate::noise;
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::mail::{self, Message};
use crate::write::table::Table;
use crate::write::{archive, locked, office};

/// Writes the traps.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    let mut random = Random::stream(seed, "traps");
    let cardiology: Vec<&Patient> =
        patients.iter().filter(|p| p.enrolment.as_ref().is_some_and(|enrolment| enrolment.study == 2)).collect();
    unblinding(tree, &cardiology)?;
    downloads(tree, patients)?;
    mailbox(tree, &mut random, patients)?;
    unreadable(tree, seed, patients)?;
    tree.put("README.txt", "Files of Aurelion Bio. Everything in here is made up.\n", Planted::default())
}

fn unblinding(tree: &mut Tree, subjects: &[&Patient]) -> Result<(), WriteError> {
    let Some(about) = STUDIES.get(2) else { return Ok(()) };
    let list = edc::allocation_list(about, subjects);
    let planted = Planted::default()
        .with(T::Unblinding, list.rows.len())
        .with(T::SubjectId, list.rows.len())
        .about(subjects.iter().copied())
        .trap(Trap::UnblindingInShare);
    tree.put("shared/everyone/meeting-material/arm-overview.xlsx", office::xlsx("Biostatistics", &[list])?, planted)
}

/// A developer's copy of the American patients, zipped twice.
fn downloads(tree: &mut Tree, patients: &[Patient]) -> Result<(), WriteError> {
    let own: Vec<&Patient> = patients.iter().filter(|p| p.language() == Language::En).take(250).collect();
    let mut table = Table::of("export", &["mrn", "name", "dob", "ssn", "phone", "email", "zip", "country", "dx"]);
    for patient in &own {
        table.rows.push(vec![
            patient.mrn.clone(),
            patient.full_name(),
            patient.birth.iso(),
            patient.national.clone(),
            patient.phone.clone(),
            patient.email.clone(),
            patient.address.postcode.clone(),
            "US".to_owned(),
            patient.icd.to_owned(),
        ]);
    }
    let inner = archive::zip(&[("export/patients_full.csv", table.delimited(',').as_bytes())])?;
    let outer = archive::zip(&[("old/backup-march.zip", &inner), ("old/notes.txt", b"delete after debugging\n")])?;
    let count = own.len();
    let planted = [T::Person, T::UsSsn, T::Mrn, T::Date, T::Email, T::Phone]
        .into_iter()
        .fold(Planted::default(), |planted, kind| planted.with(kind, count))
        .about(own.iter().copied())
        .trap(Trap::PatientExportInDownloads);
    tree.put("users/dev-07/Downloads/stuff.zip", outer, planted)
}

fn mailbox(tree: &mut Tree, random: &mut Random, patients: &[Patient]) -> Result<(), WriteError> {
    let subjects: Vec<&Patient> = patients
        .iter()
        .filter(|p| p.language() == Language::De && p.enrolment.as_ref().is_some_and(|e| e.study == 0))
        .collect();
    let people: Vec<Name> = (0..12).map(|_| Name::draw(random, Language::En, Surnames::Test)).collect();
    let mut messages = Vec::new();
    for (number, pair) in people.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let sender = format!("{} <{}@example.com>", from.full(Language::En), from.mailbox(random));
        let receiver = format!("{} <{}@example.org>", to.full(Language::En), to.mailbox(random));
        let with_list = number == 5;
        let attachments = if with_list {
            let list = study::identification_log(&subjects).delimited(',').into_bytes();
            vec![("subjects.csv", "text/csv", list)]
        } else {
            Vec::new()
        };
        let body = if with_list {
            format!("Hi {},\n\nhere is the list with the names, please do not forward.\n\n{}\n", to.given, from.given)
        } else {
            format!(
                "Hi {},\n\ncan we move the call of study {} to Tuesday?\n\n{}\n",
                to.given, STUDIES[0].id, from.given
            )
        };
        let message = Message {
            from: &sender,
            to: &receiver,
            subject: if with_list { "list" } else { "call" },
            date: "Thu, 05 Mar 2026 09:30:00 +0000",
            body: &body,
            attachments,
        };
        messages.push(message.eml(number as u32));
    }
    let planted = Planted::default()
        .with(T::Email, 22)
        .with(T::Person, 22 + subjects.len())
        .with(T::SubjectId, subjects.len())
        .about(subjects.iter().copied())
        .trap(Trap::SubjectListInMail);
    tree.put("mail/monitoring-team.mbox", mail::mbox(&messages), planted)
}

fn unreadable(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    let secret_list: String = patients.iter().take(20).map(|p| format!("{},{}\n", p.mrn, p.full_name())).collect();
    let locked = locked::zip("patients.csv", secret_list.as_bytes(), "open sesame");
    tree.put("shared/everyone/transfer/locked.zip", locked, Planted::default().trap(Trap::EncryptedArchive))?;
    // Frames stand one after another: 320 MB of zeros, more than what is always let through, in a few kilobytes.
    let frames = archive::zstd(&vec![0; 8 * 1024 * 1024])?.repeat(40);
    let bomb = archive::zip(&[("textures/sky.raw.zst", &frames)])?;
    tree.put("users/dev-07/Downloads/assets.zip", bomb, Planted::default().trap(Trap::DecompressionBomb))?;
    damaged(tree)?;
    let packed = archive::gzip(&noise::numeric_table(seed, 60_000))?;
    let half = packed.get(..packed.len() / 2).unwrap_or_default();
    tree.put("discovery/plates/incomplete.csv.gz", half, Planted::default().trap(Trap::Truncated))
}

/// Documents that are broken or made to exhaust a reader.
fn damaged(tree: &mut Tree) -> Result<(), WriteError> {
    let mut laughs = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY a0 \"lol\">\n");
    for level in 1..=9 {
        let inner = format!("&a{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY a{level} \"{inner}\">\n"));
    }
    laughs.push_str("]>\n<lolz>&a9;</lolz>\n");
    let bomb = || Planted::default().trap(Trap::DecompressionBomb);
    tree.put("shared/everyone/incoming/config.xml", laughs, bomb())?;
    let cut =
        "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [{\"resource\": {\"resourceType\": \"Pat";
    tree.put("shared/everyone/incoming/bundle-cut.json", cut, Planted::default().trap(Trap::Truncated))?;
    let cyclic = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [2 0 R] /Count 1 >>\nendobj\ntrailer\n<< /Size 3 /Root 1 0 R >>\n%%EOF\n";
    tree.put("shared/everyone/incoming/form.pdf", cyclic, Planted::default().trap(Trap::Truncated))
}
