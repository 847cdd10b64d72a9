//! Trial data as tables: SDTM in SAS transport files, Dataset-JSON, ODM, Define-XML, and listings.

use model::IdentifierType as T;

use super::WriteError;
use super::population::{Patient, STUDIES, Study};
use super::tree::{Planted, Tree};
use crate::random::Random;
use crate::write::table::Table;
use crate::write::{archive, cdisc, xpt};

/// Writes `clinical/STUDY/data/`.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    for (index, study) in STUDIES.iter().enumerate() {
        let mut random = Random::stream(seed, study.folder);
        let subjects: Vec<&Patient> = patients
            .iter()
            .filter(|p| p.enrolment.as_ref().is_some_and(|enrolment| enrolment.study == index))
            .collect();
        let tables = [
            demographics(study, &subjects),
            adverse_events(&mut random, study, &subjects),
            vital_signs(&mut random, study, &subjects),
            laboratory(&mut random, study, &subjects),
            exposure(study, &subjects),
        ];
        datasets(tree, study, &tables, &subjects)?;
        allocation(tree, study, &subjects)?;
    }
    Ok(())
}

fn datasets(tree: &mut Tree, study: &Study, tables: &[Table], subjects: &[&Patient]) -> Result<(), WriteError> {
    let folder = format!("clinical/{}/data", study.folder);
    let all: Vec<&Table> = tables.iter().collect();
    for table in tables {
        let planted = || Planted::default().with(T::SubjectId, table.rows.len()).about(subjects.iter().copied());
        let name = table.name.to_lowercase();
        tree.put(&format!("{folder}/sdtm/{name}.xpt"), xpt::v5(table), planted())?;
        tree.put(&format!("{folder}/sdtm/{name}.json"), cdisc::dataset_json(table, study.id).to_string(), planted())?;
        tree.put(&format!("{folder}/sdtm/{name}.ndjson"), cdisc::dataset_ndjson(table, study.id), planted())?;
        tree.put(&format!("{folder}/listings/{name}.csv"), table.delimited(','), planted())?;
        if table.name == "LB" {
            let packed = archive::zstd(table.delimited('\t').as_bytes())?;
            tree.put(&format!("{folder}/listings/{name}.tsv.zst"), packed, planted())?;
        }
    }
    let early: Vec<&Table> = all.iter().take(2).copied().collect();
    let planted = Planted::default().with(T::SubjectId, subjects.len()).about(subjects.iter().copied());
    tree.put(&format!("{folder}/edc/odm-snapshot.xml"), cdisc::odm(study.id, &early), planted)?;
    tree.put(&format!("{folder}/sdtm/define.xml"), cdisc::define(study.id, study.title, &all), Planted::default())
}

/// The allocation list where it belongs.
fn allocation(tree: &mut Tree, study: &Study, subjects: &[&Patient]) -> Result<(), WriteError> {
    let list = allocation_list(study, subjects);
    let planted = Planted::default()
        .with(T::Unblinding, list.rows.len())
        .with(T::SubjectId, list.rows.len())
        .about(subjects.iter().copied());
    let path = format!("clinical/{}/restricted-unblinded/randomisation-list.csv", study.folder);
    tree.put(&path, list.delimited(','), planted)
}

/// Which subject is in which arm.
pub fn allocation_list(study: &Study, subjects: &[&Patient]) -> Table {
    let mut table = Table::of("randomisation", &["USUBJID", "RANDNO", "TREATMENT_ARM", "KIT_NUMBER", "RANDDATE"]);
    for (number, patient) in subjects.iter().enumerate() {
        let Some(enrolment) = &patient.enrolment else { continue };
        let arm = study.arms.get(enrolment.arm).copied().unwrap_or("placebo");
        table.rows.push(vec![
            enrolment.usubjid.clone(),
            format!("{:04}", number + 1),
            arm.to_owned(),
            enrolment.kit.clone(),
            enrolment.start.iso(),
        ]);
    }
    table
}

fn demographics(study: &Study, subjects: &[&Patient]) -> Table {
    let mut table = Table::dataset(
        "DM",
        "Demographics",
        &[
            ("STUDYID", "Study Identifier"),
            ("DOMAIN", "Domain Abbreviation"),
            ("USUBJID", "Unique Subject Identifier"),
            ("SUBJID", "Subject Identifier for the Study"),
            ("SITEID", "Study Site Identifier"),
            ("BRTHDTC", "Date/Time of Birth"),
            ("#AGE", "Age"),
            ("AGEU", "Age Units"),
            ("SEX", "Sex"),
            ("COUNTRY", "Country"),
            ("RFSTDTC", "Subject Reference Start Date/Time"),
        ],
    );
    for patient in subjects {
        let Some(enrolment) = &patient.enrolment else { continue };
        table.rows.push(vec![
            study.id.to_owned(),
            "DM".to_owned(),
            enrolment.usubjid.clone(),
            enrolment.subjid.clone(),
            patient.hospital().site.to_string(),
            patient.birth.iso(),
            patient.age().to_string(),
            "YEARS".to_owned(),
            patient.sex().to_owned(),
            patient.hospital().country3.to_owned(),
            enrolment.start.iso(),
        ]);
    }
    table
}

fn adverse_events(random: &mut Random, study: &Study, subjects: &[&Patient]) -> Table {
    let mut table = Table::dataset(
        "AE",
        "Adverse Events",
        &[
            ("STUDYID", "Study Identifier"),
            ("DOMAIN", "Domain Abbreviation"),
            ("USUBJID", "Unique Subject Identifier"),
            ("#AESEQ", "Sequence Number"),
            ("AETERM", "Reported Term for the Adverse Event"),
            ("AESEV", "Severity/Intensity"),
            ("AESTDTC", "Start Date/Time of Adverse Event"),
        ],
    );
    for patient in subjects {
        let Some(enrolment) = &patient.enrolment else { continue };
        for sequence in 1..=random.within(1..=4) {
            table.rows.push(vec![
                study.id.to_owned(),
                "AE".to_owned(),
                enrolment.usubjid.clone(),
                sequence.to_string(),
                random.pick(&["Nausea", "Headache", "Fatigue", "Rash", "Dizziness", "Neutropenia", "Cough"]).to_owned(),
                random.pick(&["MILD", "MODERATE", "SEVERE"]).to_owned(),
                enrolment.start.plus(random.within(1..=150)).iso(),
            ]);
        }
    }
    table
}

/// A findings domain: tests at visits.
fn findings(
    random: &mut Random,
    study: &Study,
    subjects: &[&Patient],
    domain: (&'static str, &'static str),
    columns: [(&'static str, &'static str); 4],
    tests: &[(&str, u32, u32)],
) -> Table {
    let mut names = vec![
        ("STUDYID", "Study Identifier"),
        ("DOMAIN", "Domain Abbreviation"),
        ("USUBJID", "Unique Subject Identifier"),
    ];
    names.extend(columns);
    let mut table = Table::dataset(domain.0, domain.1, &names);
    for patient in subjects {
        let Some(enrolment) = &patient.enrolment else { continue };
        for visit in 1..=6 {
            for (test, low, high) in tests {
                table.rows.push(vec![
                    study.id.to_owned(),
                    domain.0.to_owned(),
                    enrolment.usubjid.clone(),
                    (*test).to_owned(),
                    format!("{}.{}", random.within(*low..=*high), random.within(0..=9)),
                    format!("VISIT {visit}"),
                    enrolment.start.plus(visit * 14).iso(),
                ]);
            }
        }
    }
    table
}

fn vital_signs(random: &mut Random, study: &Study, subjects: &[&Patient]) -> Table {
    let columns = [
        ("VSTESTCD", "Vital Signs Test Short Name"),
        ("#VSSTRESN", "Numeric Result/Finding in Standard Units"),
        ("VISIT", "Visit Name"),
        ("VSDTC", "Date/Time of Measurements"),
    ];
    let tests = [("SYSBP", 95, 170), ("DIABP", 55, 100), ("PULSE", 50, 110), ("TEMP", 36, 38), ("WEIGHT", 45, 110)];
    findings(random, study, subjects, ("VS", "Vital Signs"), columns, &tests)
}

fn laboratory(random: &mut Random, study: &Study, subjects: &[&Patient]) -> Table {
    let columns = [
        ("LBTESTCD", "Lab Test or Examination Short Name"),
        ("#LBSTRESN", "Numeric Result/Finding in Standard Units"),
        ("VISIT", "Visit Name"),
        ("LBDTC", "Date/Time of Specimen Collection"),
    ];
    let tests = [
        ("ALT", 10, 90),
        ("AST", 10, 90),
        ("CREAT", 50, 140),
        ("K", 3, 5),
        ("HGB", 90, 170),
        ("PLAT", 120, 400),
        ("WBC", 3, 11),
        ("GLUC", 4, 12),
    ];
    findings(random, study, subjects, ("LB", "Laboratory Test Results"), columns, &tests)
}

fn exposure(study: &Study, subjects: &[&Patient]) -> Table {
    let mut table = Table::dataset(
        "EX",
        "Exposure",
        &[
            ("STUDYID", "Study Identifier"),
            ("DOMAIN", "Domain Abbreviation"),
            ("USUBJID", "Unique Subject Identifier"),
            ("#EXSEQ", "Sequence Number"),
            ("EXTRT", "Name of Treatment"),
            ("EXSTDTC", "Start Date/Time of Treatment"),
        ],
    );
    for patient in subjects {
        let Some(enrolment) = &patient.enrolment else { continue };
        for sequence in 1..=4 {
            table.rows.push(vec![
                study.id.to_owned(),
                "EX".to_owned(),
                enrolment.usubjid.clone(),
                sequence.to_string(),
                "BLINDED STUDY TREATMENT".to_owned(),
                enrolment.start.plus((sequence - 1) * 21).iso(),
            ]);
        }
    }
    table
}
