//! The patients of the made-up hospitals, some of whom take part in trials. One person carries the same name, birth
//! date and numbers through every file.

use std::collections::BTreeMap;

use model::Jurisdiction;

use crate::address::{self, Address};
use crate::calendar::Date;
use crate::identifier;
use crate::lexicon::{words, words_in};
use crate::notes::{self, About};
use crate::person::{Language, Name, Surnames};
use crate::random::Random;

/// A hospital that exports data and enrols for trials.
#[derive(Debug, Clone, Copy)]
pub struct Hospital {
    /// Folder name.
    pub key: &'static str,
    /// Name.
    pub name: &'static str,
    /// Language of its notes.
    pub language: Language,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// ISO 3166-1 alpha-3, as trial data has it.
    pub country3: &'static str,
    /// Number of its trial site.
    pub site: u32,
    /// Patients at scale 1.
    pub patients: usize,
}

/// All hospitals.
pub const HOSPITALS: [Hospital; 7] = [
    hospital("whitcombe", "Whitcombe Memorial Hospital", Language::En, ("US", "USA"), 101, 420),
    hospital("lindenhof", "Klinikum Lindenhof", Language::De, ("DE", "DEU"), 201, 120),
    hospital("valmont", "CHU de Valmont", Language::Fr, ("FR", "FRA"), 301, 80),
    hospital("virgen-del-valle", "Hospital Virgen del Valle", Language::Es, ("ES", "ESP"), 401, 80),
    hospital("san-aurelio", "Ospedale San Aurelio", Language::It, ("IT", "ITA"), 501, 50),
    hospital("de-linde", "Ziekenhuis De Linde", Language::Nl, ("NL", "NLD"), 601, 50),
    hospital("aobanomori", "青葉の森総合病院", Language::Ja, ("JP", "JPN"), 701, 180),
];

const fn hospital(
    key: &'static str,
    name: &'static str,
    language: Language,
    (country, country3): (&'static str, &'static str),
    site: u32,
    patients: usize,
) -> Hospital {
    Hospital { key, name, language, country, country3, site, patients }
}

/// A trial of the made-up sponsor.
#[derive(Debug, Clone, Copy)]
pub struct Study {
    /// Protocol number.
    pub id: &'static str,
    /// Folder name.
    pub folder: &'static str,
    /// Title.
    pub title: &'static str,
    /// Registry number, in a range not given out.
    pub registry: &'static str,
    /// Product under trial and its comparator.
    pub arms: [&'static str; 2],
    /// Share of patients that take part, in percent.
    pub share: u32,
}

/// All trials.
pub const STUDIES: [Study; 4] = [
    Study {
        id: "AUR-101",
        registry: "NCT09101101",
        folder: "AUR-101-lumen-oncology",
        title: "LUMEN: aurelotinib in advanced non-small cell lung cancer",
        arms: ["aurelotinib 40 mg", "docetaxel"],
        share: 14,
    },
    Study {
        id: "AUR-202",
        registry: "NCT09202202",
        folder: "AUR-202-kestrel-rare-disease",
        title: "KESTREL: an enzyme replacement in Halden-Voss syndrome",
        arms: ["kestrelase alfa", "placebo"],
        share: 6,
    },
    Study {
        id: "AUR-303",
        registry: "NCT09303303",
        folder: "AUR-303-harbour-cardiology",
        title: "HARBOUR: brinaxaban in atrial fibrillation",
        arms: ["brinaxaban 5 mg", "placebo"],
        share: 16,
    },
    Study {
        id: "AUR-404",
        registry: "NCT09404404",
        folder: "AUR-404-compound-programme",
        title: "First-in-human study of AUR-0040417",
        arms: ["AUR-0040417", "placebo"],
        share: 5,
    },
];

/// Taking part in a trial.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Index into [`STUDIES`].
    pub study: usize,
    /// Subject number within the site.
    pub subjid: String,
    /// Unique subject identifier.
    pub usubjid: String,
    /// Index of the arm.
    pub arm: usize,
    /// Randomisation number.
    pub kit: String,
    /// First day of treatment.
    pub start: Date,
}

/// A patient.
#[derive(Debug, Clone)]
pub struct Patient {
    /// Number of this person in the truth.
    pub number: u32,
    /// Index into [`HOSPITALS`].
    pub hospital: usize,
    /// The name.
    pub name: Name,
    /// Birth date.
    pub birth: Date,
    /// Home.
    pub address: Address,
    /// Telephone.
    pub phone: String,
    /// E-mail address.
    pub email: String,
    /// Medical record number within the hospital.
    pub mrn: String,
    /// National number: SSN in the US, the country's own elsewhere.
    pub national: String,
    /// ICD-10 code.
    pub icd: &'static str,
    /// Diagnosis in words.
    pub diagnosis: &'static str,
    /// Medication.
    pub medication: &'static str,
    /// Trial, if any.
    pub enrolment: Option<Enrolment>,
    /// Sample in the biobank.
    pub sample: String,
}

impl Patient {
    /// The hospital.
    pub fn hospital(&self) -> &'static Hospital {
        HOSPITALS.get(self.hospital).unwrap_or(&HOSPITALS[0])
    }

    /// Language of the patient's notes.
    pub fn language(&self) -> Language {
        self.hospital().language
    }

    /// Given and family name in the language's order.
    pub fn full_name(&self) -> String {
        self.name.full(self.language())
    }

    /// `F` or `M`.
    pub fn sex(&self) -> &'static str {
        if self.name.female { "F" } else { "M" }
    }

    /// Where the law sees this person: country, without State.
    pub fn jurisdiction(&self) -> Jurisdiction {
        Jurisdiction::country(self.hospital().country)
    }

    /// Age in the year 2025.
    pub fn age(&self) -> i32 {
        2025 - self.birth.year
    }

    /// A note about this patient.
    pub fn note(&self, random: &mut Random) -> notes::LabelledText {
        let mut numbers =
            BTreeMap::from([("mrn", self.mrn.clone()), ("phone", self.phone.clone()), ("sample", self.sample.clone())]);
        match self.language() {
            Language::En => numbers.insert("ssn", self.national.clone()),
            Language::Ja => numbers.insert("my", self.national.clone()),
            _ => numbers.insert("nid", self.national.clone()),
        };
        if let Some(enrolment) = &self.enrolment {
            numbers.insert("subj", enrolment.usubjid.clone());
            let registry = STUDIES.get(enrolment.study).map_or("", |study| study.registry);
            numbers.insert("trial", registry.to_owned());
        }
        let about = About { name: &self.name, birth: self.birth, email: &self.email, numbers };
        notes::about(random, self.language(), &about)
    }
}

/// Everybody, hospital by hospital.
pub fn draw(seed: u64, scale: usize) -> Vec<Patient> {
    let mut random = Random::stream(seed, "population");
    let mut patients = Vec::new();
    for (index, hospital) in HOSPITALS.iter().enumerate() {
        let mut enrolled = [0_u32; STUDIES.len()];
        for _ in 0..hospital.patients * scale {
            let number = u32::try_from(patients.len()).unwrap_or(u32::MAX);
            let mut patient = patient(&mut random, number, index, hospital);
            patient.enrolment = enrolment(&mut random, hospital, &mut enrolled);
            patients.push(patient);
        }
    }
    patients
}

fn patient(random: &mut Random, number: u32, index: usize, hospital: &Hospital) -> Patient {
    let language = hospital.language;
    let name = Name::draw(random, language, Surnames::Test);
    let national = match language {
        Language::En => identifier::ssn(random),
        _ => identifier::national(random, language, name.female).replace(' ', ""),
    };
    // The first six diagnoses of every language stand in the order of the codes.
    let complaint = random.below(6);
    let at = |list: &[&'static str]| list.get(complaint).copied().unwrap_or("");
    Patient {
        number,
        hospital: index,
        birth: Date::between(random, 1936, 2004),
        address: Address::draw(random, language),
        phone: address::phone(random, language),
        email: format!("{}{number}@example.com", name.mailbox(random)),
        // A step without common factor visits every number once, so no two patients share one.
        mrn: format!("{}", 2_000_003 + u64::from(number) * 104_729 % 7_000_003),
        national,
        icd: at(words("icd")),
        diagnosis: at(words_in("dx", language.code())),
        medication: random.pick(words_in("med", language.code())),
        enrolment: None,
        sample: format!("AUB-{:06}", 100_000 + number),
        name,
    }
}

fn enrolment(random: &mut Random, hospital: &Hospital, enrolled: &mut [u32; 4]) -> Option<Enrolment> {
    let mut drawn = random.within(0..=99);
    for (study, (count, about)) in enrolled.iter_mut().zip(&STUDIES).enumerate() {
        if drawn < about.share {
            *count += 1;
            let subjid = format!("{}-{count:04}", hospital.site);
            return Some(Enrolment {
                study,
                usubjid: format!("{}-{subjid}", about.id),
                subjid,
                arm: random.below(2),
                kit: format!("R{:05}", random.within(10_000..=99_999)),
                start: Date::between(random, 2024, 2026),
            });
        }
        drawn -= about.share;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::draw;

    #[test]
    fn people_are_distinct_and_depend_on_the_seed() {
        let patients = draw(1, 2);
        let numbers: BTreeSet<&str> = patients.iter().map(|patient| patient.mrn.as_str()).collect();
        assert_eq!(numbers.len(), patients.len());
        let subjects: Vec<&str> =
            patients.iter().filter_map(|patient| patient.enrolment.as_ref()).map(|e| e.usubjid.as_str()).collect();
        assert_eq!(subjects.iter().collect::<BTreeSet<_>>().len(), subjects.len());
        let national: BTreeSet<&str> = patients.iter().map(|patient| patient.national.as_str()).collect();
        assert_eq!(national.len(), patients.len());
        let born: BTreeSet<_> = patients.iter().map(|patient| (patient.full_name(), patient.birth)).collect();
        assert_eq!(born.len(), patients.len());
        assert_ne!(draw(2, 1)[0].national, patients[0].national);
    }
}
