//! The trials' folders: protocol, consent, site files, identification logs, safety reports, correspondence.

use model::IdentifierType as T;

use super::WriteError;
use super::population::{HOSPITALS, Hospital, Patient, STUDIES, Study};
use super::tree::{Planted, Tree};
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::mail::Message;
use crate::write::table::Table;
use crate::write::{office, pdf};

/// Writes the documents below `clinical/STUDY/`.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    for (index, study) in STUDIES.iter().enumerate() {
        let mut random = Random::stream(seed, study.id);
        let subjects: Vec<&Patient> = patients
            .iter()
            .filter(|p| p.enrolment.as_ref().is_some_and(|enrolment| enrolment.study == index))
            .collect();
        let folder = format!("clinical/{}", study.folder);
        protocol(tree, &mut random, &folder, study)?;
        for (number, hospital) in HOSPITALS.iter().enumerate() {
            let own: Vec<&Patient> = subjects.iter().filter(|p| p.hospital == number).copied().collect();
            if !own.is_empty() {
                site(tree, &mut random, &folder, hospital, &own)?;
            }
        }
        safety(tree, &mut random, &folder, &subjects)?;
    }
    Ok(())
}

fn protocol(tree: &mut Tree, random: &mut Random, folder: &str, study: &Study) -> Result<(), WriteError> {
    let registry = study.registry;
    let author = Name::draw(random, Language::En, Surnames::Test).full(Language::En);
    let text = format!(
        "CONFIDENTIAL - property of Aurelion Bio\nProtocol {id}\n{title}\nRegistry number: {registry}\nVersion 3.0\n\n1 Rationale\nThe product under trial is {arm}. The comparator is {other}.\n\n2 Design\nRandomised, two arms, 1:1, stratified by site. The primary endpoint is analysed with a Cox regression.\n\n3 Blinding\nThe allocation list is kept by the unblinded statistician alone.\n\nSponsor's medical monitor: {author}\n",
        id = study.id,
        title = study.title,
        arm = study.arms[0],
        other = study.arms[1],
    );
    let planted = || Planted::default().with(T::TrialId, 1).with(T::Person, 1).with(T::ConfidentialMark, 1);
    tree.put(&format!("{folder}/protocol/protocol-v3.docx"), office::docx(&author, &text)?, planted())?;
    tree.put(&format!("{folder}/protocol/protocol-v3.pdf"), pdf::document(study.title, &author, &text), planted())?;
    tree.put(&format!("{folder}/protocol/synopsis.md"), format!("# {}\n\n{text}", study.id), planted())?;
    let consent = "Informed consent form (template)\n\nI agree to take part in the trial.\n\nName: ____________________   Date: ____________\n";
    tree.put(
        &format!("{folder}/protocol/consent-template.rtf"),
        office::rtf("Clinical Operations", consent),
        Planted::default(),
    )
}

fn site(
    tree: &mut Tree,
    random: &mut Random,
    folder: &str,
    hospital: &Hospital,
    subjects: &[&Patient],
) -> Result<(), WriteError> {
    let place = format!("{folder}/sites/{}-{}", hospital.country, hospital.site);
    let log = identification_log(subjects);
    let count = subjects.len();
    let planted = Planted::default()
        .with(T::SubjectId, count)
        .with(T::Person, count)
        .with(T::Date, count)
        .with(T::Mrn, count)
        .about(subjects.iter().copied());
    tree.put(&format!("{place}/subject-identification-log.xlsx"), office::xlsx("Site staff", &[log])?, planted)?;
    for patient in subjects {
        let note = patient.note(random);
        let Some(enrolment) = &patient.enrolment else { continue };
        let text = format!("Source document - subject {}\n\n{}\n", enrolment.usubjid, note.text);
        let planted = Planted::default().with(T::SubjectId, 1).spans(&note.spans).about([*patient]);
        tree.put(&format!("{place}/source/{}.txt", enrolment.subjid), text, planted)?;
    }
    let people: Vec<Name> = (0..5).map(|_| Name::draw(random, hospital.language, Surnames::Test)).collect();
    letters(tree, random, &place, hospital, subjects, &people)
}

/// Who is who: what ties trial subjects to patients, and must stay at the site.
pub fn identification_log(subjects: &[&Patient]) -> Table {
    let mut table = Table::of(
        "Identification log",
        &["USUBJID", "Last name", "First name", "Date of birth", "MRN", "Country", "Consent date"],
    );
    for patient in subjects {
        let Some(enrolment) = &patient.enrolment else { continue };
        table.rows.push(vec![
            enrolment.usubjid.clone(),
            patient.name.family.to_owned(),
            patient.name.given.to_owned(),
            patient.birth.iso(),
            patient.mrn.clone(),
            patient.hospital().country.to_owned(),
            enrolment.start.iso(),
        ]);
    }
    table
}

fn letters(
    tree: &mut Tree,
    random: &mut Random,
    place: &str,
    hospital: &Hospital,
    subjects: &[&Patient],
    people: &[Name],
) -> Result<(), WriteError> {
    let address = |name: &Name, random: &mut Random| {
        format!("{} <{}@example.org>", name.full(hospital.language), name.mailbox(random))
    };
    for (i, pair) in people.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let subject = subjects.get(i % subjects.len().max(1));
        let subjid = subject.and_then(|p| p.enrolment.as_ref()).map_or("", |enrolment| enrolment.usubjid.as_str());
        let (sender, receiver) = (address(from, random), address(to, random));
        let body = format!(
            "Dear {},\n\nplease find the monitoring report attached. The open query concerns subject {subjid}.\n\nKind regards\n{}\n",
            to.given,
            from.full(hospital.language)
        );
        let report = pdf::document(
            "Monitoring report",
            from.family,
            &format!("Monitoring visit report\nSite {}\nSubject {subjid}: query resolved.\n", hospital.site),
        );
        let message = Message {
            from: &sender,
            to: &receiver,
            subject: "Monitoring report",
            date: "Thu, 05 Mar 2026 09:30:00 +0000",
            body: &body,
            attachments: vec![("report.pdf", "application/pdf", report)],
        };
        let planted = Planted::default().with(T::Person, 2).with(T::Email, 2).with(T::SubjectId, 1);
        tree.put(
            &format!("{place}/correspondence/{:02}.eml", i + 1),
            message.eml(random.within(1..=99_999_999)),
            planted,
        )?;
    }
    Ok(())
}

fn safety(tree: &mut Tree, random: &mut Random, folder: &str, subjects: &[&Patient]) -> Result<(), WriteError> {
    for (i, patient) in subjects.iter().step_by(9).enumerate() {
        let Some(enrolment) = &patient.enrolment else { continue };
        let text = format!(
            "SERIOUS ADVERSE EVENT REPORT {number:04}\nSubject: {usubjid}\nAge: {age}   Sex: {sex}   Country: {country}\nEvent: {event}\nOnset: {onset}\nStudy drug: blinded\nConcomitant medication: {medication}\n\nNarrative: The subject was admitted to hospital {days} days after the first dose and recovered. The investigator considered the event possibly related.\n",
            number = i + 1,
            usubjid = enrolment.usubjid,
            age = patient.age(),
            sex = patient.sex(),
            country = patient.hospital().country3,
            event = patient.diagnosis,
            onset = enrolment.start.plus(12).iso(),
            medication = patient.medication,
            days = random.within(3..=40),
        );
        let planted = Planted::default().with(T::SubjectId, 1).with(T::Date, 1).with(T::Diagnosis, 1).about([*patient]);
        let path = format!("{folder}/safety/sae-{:04}", i + 1);
        if patient.language() == Language::Ja || i % 2 == 0 {
            tree.put(&format!("{path}.txt"), text, planted)?;
        } else {
            tree.put(&format!("{path}.pdf"), pdf::document("SAE report", "Drug Safety", &text), planted)?;
        }
    }
    Ok(())
}
