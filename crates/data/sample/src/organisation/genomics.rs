//! The genomics group: reference, reads, alignments, variants.

use model::IdentifierType as T;

use super::WriteError;
use super::population::Patient;
use super::tree::{Planted, Trap, Tree};
use crate::noise;
use crate::person::{Language, ascii};
use crate::random::Random;
use crate::write::{archive, genomics};

/// Writes `genomics/`.
pub fn write(tree: &mut Tree, seed: u64, patients: &[Patient]) -> Result<(), WriteError> {
    let mut random = Random::stream(seed, "genomics");
    let donors: Vec<&Patient> = patients.iter().step_by(6).collect();
    reference(tree, &mut random, seed)?;
    for group in donors.chunks(24) {
        let samples: Vec<String> = group.iter().map(|donor| donor.sample.clone()).collect();
        let first = samples.first().cloned().unwrap_or_default();
        let calls = genomics::vcf(&mut random, &samples, 800);
        let planted = || Planted::default().with(T::SampleId, samples.len()).with(T::GeneticVariant, 800);
        tree.put(&format!("genomics/cohort/{first}-cohort.vcf"), &calls, planted())?;
        tree.put(&format!("genomics/cohort/{first}-cohort.vcf.gz"), archive::bgzf(calls.as_bytes())?, planted())?;
    }
    for donor in donors.iter().step_by(4) {
        let samples = [donor.sample.clone()];
        let planted = || Planted::default().with(T::SampleId, 1).with(T::Sequence, 1);
        let folder = format!("genomics/alignments/{}", donor.sample);
        tree.put(&format!("{folder}.bam"), genomics::bam(&mut random, &samples, 400)?, planted())?;
        tree.put(
            &format!("{folder}.fastq.gz"),
            archive::gzip(genomics::fastq(&mut random, 400).as_bytes())?,
            Planted::default().with(T::Sequence, 1),
        )?;
    }
    named(tree, &mut random, patients)
}

fn reference(tree: &mut Tree, random: &mut Random, seed: u64) -> Result<(), WriteError> {
    let sequences = || Planted::default().with(T::Sequence, 1);
    tree.put("genomics/reference/contigs.fa", noise::fasta(seed, 6_000_000), sequences())?;
    tree.put("genomics/reference/annotation.gff3", genomics::gff(random, 3_000), Planted::default())?;
    tree.put("genomics/reference/targets.bed", genomics::bed(random, 2_000), Planted::default())?;
    tree.put("genomics/reads/run-12.fastq", genomics::fastq(random, 8_000), sequences())?;
    let sites = noise::vcf(seed, 1_500_000);
    tree.put("genomics/reference/known-sites.vcf", sites, Planted::default().with(T::GeneticVariant, 1))
}

/// Alignments in whose read groups a laboratory wrote the patients' names.
fn named(tree: &mut Tree, random: &mut Random, patients: &[Patient]) -> Result<(), WriteError> {
    let people: Vec<&Patient> =
        patients.iter().filter(|patient| patient.language() == Language::En).skip(30).take(3).collect();
    let samples: Vec<String> = people
        .iter()
        .map(|patient| {
            format!(
                "{}_{}_{}",
                capitalised(patient.name.family),
                capitalised(patient.name.given),
                patient.birth.compact()
            )
        })
        .collect();
    let planted =
        || Planted::default().with(T::Person, samples.len()).with(T::Sequence, 1).trap(Trap::NamesInReadGroups);
    tree.put("genomics/from-outside-lab/batch-7.sam", genomics::sam(random, &samples, 300), planted())?;
    tree.put("genomics/from-outside-lab/batch-7.bam", genomics::bam(random, &samples, 300)?, planted())
}

fn capitalised(name: &str) -> String {
    let plain = ascii(name);
    let mut letters = plain.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
