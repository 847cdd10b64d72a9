//! The hospitals' exports: patient tables, notes in many encodings, HL7 v2, FHIR, CDA.

use model::IdentifierType as T;

use super::WriteError;
use super::population::{HOSPITALS, Hospital, Patient};
use super::tree::{Planted, Tree};
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::table::Table;
use crate::write::{archive, clinical, fhir, markup, office, pdf, sqlite, text};

/// Writes `hospital-exports/`.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    for (index, hospital) in HOSPITALS.iter().enumerate() {
        let mut random = Random::stream(seed, hospital.key);
        let own: Vec<&Patient> = patients.iter().filter(|patient| patient.hospital == index).collect();
        let folder = format!("hospital-exports/{}", hospital.key);
        patient_table(tree, &folder, hospital, &own)?;
        notes(tree, &mut random, &folder, &own)?;
        if matches!(hospital.language, Language::En | Language::Nl | Language::Ja | Language::De) {
            messages(tree, &mut random, &folder, hospital, &own)?;
            resources(tree, &folder, &own)?;
        }
        if matches!(hospital.language, Language::En | Language::It) {
            documents(tree, &mut random, &folder, &own)?;
        }
    }
    Ok(())
}

/// The columns of a patient table in the hospital's language.
const fn columns(language: Language) -> &'static [&'static str] {
    match language {
        Language::De => &[
            "Patientennummer",
            "Nachname",
            "Vorname",
            "Geburtsdatum",
            "Geschlecht",
            "Strasse",
            "PLZ",
            "Ort",
            "Telefon",
            "E-Mail",
            "Versichertennummer",
            "Diagnose",
            "Land",
        ],
        Language::Fr => &[
            "IPP",
            "Nom",
            "Prénom",
            "Date de naissance",
            "Sexe",
            "Adresse",
            "Code postal",
            "Ville",
            "Téléphone",
            "Courriel",
            "NIR",
            "Diagnostic",
            "Pays",
        ],
        Language::Es => &[
            "NHC",
            "Apellidos",
            "Nombre",
            "Fecha de nacimiento",
            "Sexo",
            "Domicilio",
            "Código postal",
            "Ciudad",
            "Teléfono",
            "Correo",
            "DNI",
            "Diagnóstico",
            "País",
        ],
        Language::Ja => &[
            "患者ID",
            "姓",
            "名",
            "生年月日",
            "性別",
            "住所",
            "郵便番号",
            "市区町村",
            "電話番号",
            "メール",
            "個人番号",
            "病名",
            "国",
        ],
        _ => &[
            "mrn",
            "last_name",
            "first_name",
            "birth_date",
            "sex",
            "street",
            "zip",
            "city",
            "phone",
            "email",
            "national_id",
            "diagnosis",
            "country",
        ],
    }
}

fn patient_table(tree: &mut Tree, folder: &str, hospital: &Hospital, patients: &[&Patient]) -> Result<(), WriteError> {
    let mut table = Table::of("patients", columns(hospital.language));
    if hospital.language == Language::En
        && let Some(column) = table.columns.get_mut(10)
    {
        column.name = "ssn";
    }
    for patient in patients {
        table.rows.push(vec![
            patient.mrn.clone(),
            patient.name.family.to_owned(),
            patient.name.given.to_owned(),
            patient.birth.iso(),
            patient.sex().to_owned(),
            patient.address.street.clone(),
            patient.address.postcode.clone(),
            patient.address.city.to_owned(),
            patient.phone.clone(),
            patient.email.clone(),
            patient.national.clone(),
            format!("{} {}", patient.icd, patient.diagnosis),
            hospital.country.to_owned(),
        ]);
    }
    let national = match hospital.language {
        Language::En => T::UsSsn,
        Language::Ja => T::JpMyNumber,
        _ => T::NationalId,
    };
    let count = patients.len();
    let planted = [T::Person, T::Date, T::Address, T::Postcode, T::Phone, T::Email, national, T::Diagnosis, T::Mrn]
        .into_iter()
        .fold(Planted::default(), |planted, kind| planted.with(kind, count))
        .about(patients.iter().copied());
    let register = table.clone();
    let (name, bytes) = match hospital.language {
        Language::De => ("patients.csv", text::encoded(&table.delimited(';'), encoding_rs::WINDOWS_1252)),
        Language::Fr => ("patients.csv", text::encoded(&table.delimited(';'), encoding_rs::WINDOWS_1252)),
        Language::Es => ("patients.tsv", text::utf16(&table.delimited('\t'))),
        Language::Ja => ("患者一覧.csv", text::encoded(&table.delimited(','), encoding_rs::SHIFT_JIS)),
        Language::Nl => ("patients.xlsx", office::xlsx("Zorgadministratie", &[table])?),
        _ => ("patients.csv", table.delimited(',').into_bytes()),
    };
    match hospital.language {
        Language::Fr => tree.put(&format!("{folder}/registre.sqlite"), sqlite::database(&register), planted.clone())?,
        Language::It => tree.put(&format!("{folder}/pazienti.ods"), office::ods(&register)?, planted.clone())?,
        _ => {}
    }
    tree.put(&format!("{folder}/{name}"), bytes, planted)
}

fn notes(tree: &mut Tree, random: &mut Random, folder: &str, patients: &[&Patient]) -> Result<(), WriteError> {
    for (i, patient) in patients.iter().enumerate() {
        if patient.language() == Language::It && i % 2 == 0 {
            continue;
        }
        let note = patient.note(random);
        let planted = Planted::default().spans(&note.spans).about([*patient]);
        let author = Name::draw(random, patient.language(), Surnames::Test).full(patient.language());
        let id = format!("{folder}/notes/{:05}", patient.number);
        let latin = note.text.chars().all(|c| u32::from(c) < 256);
        match (patient.language(), i % 12) {
            (Language::Ja, 0..=3) => {
                tree.put(&format!("{id}.txt"), text::encoded(&note.text, encoding_rs::SHIFT_JIS), planted)?
            }
            (Language::Ja, 4..=6) => {
                tree.put(&format!("{id}.txt"), text::encoded(&note.text, encoding_rs::EUC_JP), planted)?
            }
            (_, 0 | 1) if latin => {
                tree.put(&format!("{id}.txt"), text::encoded(&note.text, encoding_rs::WINDOWS_1252), planted)?
            }
            (_, 2) => tree.put(&format!("{id}.txt"), text::utf16(&note.text), planted)?,
            (_, 7) => tree.put(&format!("{id}.rtf"), office::rtf(&author, &note.text), planted)?,
            (_, 8) => tree.put(&format!("{id}.docx"), office::docx(&author, &note.text)?, planted)?,
            (_, 9) if latin => {
                tree.put(&format!("{id}.pdf"), pdf::document("Clinical note", &author, &note.text), planted)?
            }
            (_, 10) => tree.put(&format!("{id}.html"), markup::html("Clinical note", &note.text), planted)?,
            (_, 11) => tree.put(&format!("{id}.odt"), office::odt(&author, &note.text)?, planted)?,
            _ => tree.put(&format!("{id}.txt"), note.text, planted)?,
        }
    }
    Ok(())
}

fn messages(
    tree: &mut Tree,
    random: &mut Random,
    folder: &str,
    hospital: &Hospital,
    patients: &[&Patient],
) -> Result<(), WriteError> {
    for (day, group) in patients.chunks(20).enumerate() {
        let mut admissions = Vec::new();
        let mut results = Vec::new();
        for (i, patient) in group.iter().enumerate() {
            let provider = Name::draw(random, hospital.language, Surnames::Test);
            admissions.push(clinical::admission(patient, day * 20 + i, (provider.family, provider.given)));
            results.push(clinical::result(patient, day * 20 + i, &patient.note(random).text));
        }
        let planted = |planted: Planted| {
            let ssns = if hospital.language == Language::En { group.len() } else { 0 };
            let kinds = [T::Person, T::Mrn, T::Date, T::Phone];
            let planted = kinds.into_iter().fold(planted, |planted, kind| planted.with(kind, group.len()));
            let planted = if ssns > 0 { planted.with(T::UsSsn, ssns) } else { planted };
            planted.about(group.iter().copied())
        };
        let number = day + 1;
        tree.put(
            &format!("{folder}/hl7/adt-{number:03}.hl7"),
            clinical::batch(&admissions, hospital.site),
            planted(Planted::default()),
        )?;
        tree.put(
            &format!("{folder}/hl7/oru-{number:03}.hl7"),
            clinical::batch(&results, hospital.site),
            planted(Planted::default()),
        )?;
    }
    Ok(())
}

fn resources(tree: &mut Tree, folder: &str, patients: &[&Patient]) -> Result<(), WriteError> {
    let counted = |count: usize| {
        [T::Person, T::Mrn, T::Date, T::Phone, T::Email, T::Address, T::Postcode]
            .into_iter()
            .fold(Planted::default(), |planted, kind| planted.with(kind, count))
    };
    for patient in patients.iter().step_by(3) {
        let bundle = serde_json::to_vec_pretty(&fhir::bundle(patient))?;
        let planted = counted(1).with(T::Diagnosis, 1).with(T::Medication, 1).about([*patient]);
        tree.put(&format!("{folder}/fhir/bundle-{:05}.json", patient.number), bundle, planted)?;
    }
    let mut lines = String::new();
    for patient in patients {
        lines.push_str(&serde_json::to_string(&fhir::patient(patient))?);
        lines.push('\n');
    }
    let planted = counted(patients.len()).about(patients.iter().copied());
    tree.put(&format!("{folder}/fhir/bulk/Patient.ndjson.gz"), archive::gzip(lines.as_bytes())?, planted.clone())?;
    tree.put(&format!("{folder}/fhir/bulk/Patient.ndjson"), lines, planted)
}

fn documents(tree: &mut Tree, random: &mut Random, folder: &str, patients: &[&Patient]) -> Result<(), WriteError> {
    for patient in patients.iter().step_by(6) {
        let provider = Name::draw(random, patient.language(), Surnames::Test);
        let narrative = patient.note(random);
        let document = clinical::ccda(patient, (provider.family, provider.given), &narrative.text);
        let planted = Planted::default().with(T::Person, 1).with(T::Mrn, 1).with(T::Date, 1).about([*patient]);
        tree.put(&format!("{folder}/ccda/{:05}.xml", patient.number), document, planted)?;
    }
    Ok(())
}
