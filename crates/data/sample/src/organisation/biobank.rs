//! The biobank: samples and their donors, freezers, consents.

use model::IdentifierType as T;

use super::WriteError;
use super::population::Patient;
use super::tree::{Planted, Tree};
use crate::person::Language;
use crate::random::Random;
use crate::write::table::Table;
use crate::write::{archive, office, pdf};

/// Writes `biobank/`.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    let mut random = Random::stream(seed, "biobank");
    let donors: Vec<&Patient> = patients.iter().step_by(2).collect();
    let mut register = Table::of(
        "donors",
        &["sample_id", "donor_mrn", "last_name", "first_name", "birth_date", "country", "collected", "tissue"],
    );
    let mut freezers = Table::of("freezers", &["sample_id", "freezer", "rack", "box", "position", "volume_ul"]);
    for donor in &donors {
        register.rows.push(vec![
            donor.sample.clone(),
            donor.mrn.clone(),
            donor.name.family.to_owned(),
            donor.name.given.to_owned(),
            donor.birth.iso(),
            donor.hospital().country.to_owned(),
            format!("2024-{:02}-{:02}", random.within(1..=12), random.within(1..=28)),
            random.pick(&["blood", "plasma", "tumour", "saliva"]).to_owned(),
        ]);
        freezers.rows.push(vec![
            donor.sample.clone(),
            format!("F{}", random.within(1..=8)),
            random.within(1..=20).to_string(),
            random.within(1..=90).to_string(),
            format!("{}{}", random.letter("ABCDEFGH"), random.within(1..=12)),
            random.within(20..=900).to_string(),
        ]);
    }
    let count = donors.len();
    let planted = Planted::default()
        .with(T::SampleId, count)
        .with(T::Person, count)
        .with(T::Date, count)
        .about(donors.iter().copied());
    tree.put("biobank/donor-register.tsv", register.delimited('\t'), planted.clone())?;
    let quarter = archive::bzip2(register.delimited(',').as_bytes())?;
    let packed =
        archive::tar(&[("2024-q4/donor-register.csv.bz2", &quarter), ("2024-q4/README.txt", b"Quarterly copy.\n")])?;
    tree.put("biobank/quarterly/2024-q4.tar.gz", archive::gzip(&packed)?, planted)?;
    let places = Planted::default().with(T::SampleId, count);
    tree.put("biobank/freezers.xlsx", office::xlsx("Biobank", &[freezers])?, places)?;
    for donor in donors.iter().filter(|donor| donor.language() != Language::Ja).step_by(7) {
        let text = format!(
            "Consent to storage and research\n\nI, {}, born {}, agree that my sample {} is stored and used for research.\n\nAddress: {}, {} {}\nSigned on 2024-06-11\n",
            donor.full_name(),
            donor.birth.iso(),
            donor.sample,
            donor.address.street,
            donor.address.postcode,
            donor.address.city
        );
        let planted = Planted::default().with(T::Person, 1).with(T::Date, 1).with(T::SampleId, 1).about([*donor]);
        tree.put(
            &format!("biobank/consents/{}.pdf", donor.sample),
            pdf::document("Consent", "Biobank", &text),
            planted,
        )?;
    }
    Ok(())
}
