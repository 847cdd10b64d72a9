//! Discovery chemistry: structures, notebooks, models, results, and the group's code.

use std::fmt::Write as _;

use model::IdentifierType as T;

use super::tree::{Planted, Trap, Tree};
use super::{WriteError, secrets};
use crate::identifier;
use crate::lexicon::words;
use crate::noise;
use crate::person::{Language, Name, Surnames};
use crate::random::Random;
use crate::write::{archive, chemistry, markup, office};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const AMINO_ACIDS: &str = "ACDEFGHIKLMNPQRSTVWY";

/// A structure that no catalogue holds: a listed scaffold with a chain.
pub fn compound(random: &mut Random) -> String {
    let scaffold = random.pick(words("smiles"));
    let chain = random.pick(&["C", "CC", "OC", "N(C)C", "C(F)(F)F", "CCO", "C#N", "OCCN1CCOCC1"]);
    format!("{scaffold}{chain}")
}

/// Writes `discovery/`.
pub fn write(tree: &mut Tree, seed: u64) -> Result<(), WriteError> {
    let mut random = Random::stream(seed, "discovery");
    structures(tree, &mut random)?;
    biologics(tree, &mut random)?;
    notebooks(tree, &mut random)?;
    code(tree, &mut random, seed)
}

fn structures(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    for series in 1..=6 {
        let mut sdf = String::new();
        let mut list = String::new();
        for number in 1..=150 {
            let name = format!("AUR-00{series}{number:04}");
            let smiles = compound(random);
            let data = [
                ("COMPOUND_ID", name.clone()),
                ("SMILES", smiles.clone()),
                ("CAS", identifier::cas(random)),
                ("INCHIKEY", format!("{}-{}SA-N", random.letters(UPPER, 14), random.letters(UPPER, 8))),
                ("IC50_NM", random.within(1..=9_000).to_string()),
            ];
            sdf.push_str(&chemistry::sdf_record(random, &name, &data));
            let _ = writeln!(list, "{smiles}\t{name}");
        }
        let planted = || Planted::default().with(T::Smiles, 150);
        tree.put(
            &format!("discovery/chemistry/series-{series}.sdf"),
            sdf,
            planted().with(T::CasNumber, 150).with(T::Inchikey, 150),
        )?;
        tree.put(&format!("discovery/chemistry/series-{series}.smi"), list, planted())?;
    }
    let model = chemistry::mmcif(random, "9AU9", 600);
    tree.put("discovery/models/complex.cif", model, Planted::default())?;
    for model in 1..=4 {
        let author = Name::draw(random, Language::En, Surnames::Test);
        let text = chemistry::pdb(
            random,
            &format!("9AU{model}"),
            &format!("{}.{}", author.given.chars().next().unwrap_or('A'), author.family),
            900,
        );
        tree.put(
            &format!("discovery/models/target-{model}.pdb"),
            text,
            Planted::default().with(T::ConfidentialMark, 1),
        )?;
    }
    Ok(())
}

/// Sequences of antibodies under development.
fn biologics(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    let mut chains = String::new();
    for clone in 1..=40 {
        for chain in ["heavy", "light"] {
            let _ = writeln!(chains, ">AUR-mAb-{clone:03} {chain} chain, confidential");
            for _ in 0..4 {
                let _ = writeln!(chains, "{}", random.letters(AMINO_ACIDS, 60));
            }
        }
    }
    tree.put("discovery/biologics/antibodies.fasta", chains, Planted::default().with(T::Sequence, 80))?;
    let guide = random.letters("ACGT", 20);
    let note = format!(
        "STRICTLY CONFIDENTIAL\nInvention disclosure: guide RNA against a regulator of CFTR.\nSpacer: {guide}\nDo not forward outside Aurelion Bio.\n"
    );
    tree.put("discovery/biologics/invention-disclosure.txt", note, Planted::default().with(T::ConfidentialMark, 1))
}

fn notebooks(tree: &mut Tree, random: &mut Random) -> Result<(), WriteError> {
    for page in 1..=60 {
        let chemist = Name::draw(random, Language::En, Surnames::Test).full(Language::En);
        let witness = Name::draw(random, Language::En, Surnames::Test).full(Language::En);
        let (structure, cas) = (compound(random), identifier::cas(random));
        let text = format!(
            "Electronic laboratory notebook\nExperiment ELN-{page:05}\nConfidential - Aurelion Bio\nChemist: {chemist}\nWitness: {witness}\nAim: coupling in series {}\nReactant: {structure}\nReagent CAS {cas}\nProcedure: The acid was stirred with base for {} h, quenched and extracted.\nYield: {}%\n",
            page % 6 + 1,
            random.within(2..=30),
            random.within(5..=98)
        );
        let planted =
            Planted::default().with(T::Person, 2).with(T::Smiles, 1).with(T::CasNumber, 1).with(T::ConfidentialMark, 1);
        let path = format!("discovery/eln/ELN-{page:05}");
        match page % 4 {
            0 => tree.put(&format!("{path}.docx"), office::docx(&chemist, &text)?, planted)?,
            1 => tree.put(&format!("{path}.md"), text, planted)?,
            _ => tree.put(&format!("{path}.html"), markup::html("Experiment", &text), planted)?,
        }
    }
    Ok(())
}

fn code(tree: &mut Tree, random: &mut Random, seed: u64) -> Result<(), WriteError> {
    for module in 0..24_u64 {
        let name = format!("discovery/code/assay/module_{module:02}.py");
        tree.put(&name, noise::source_code(seed ^ module, 18_000), Planted::default())?;
        let plate = noise::numeric_table(seed ^ module, 90_000);
        tree.put(&format!("discovery/plates/plate-{module:03}.csv"), plate, Planted::default())?;
    }
    tree.put("discovery/raw/spectra.bin", noise::binary(seed, 3_000_000), Planted::default())?;
    let (id, secret) = secrets::cloud_key(random);
    let structure = compound(random);
    let notebook = markup::notebook(&[
        ("md", "# Dose response\nNotes of the screening group.\n", ""),
        (
            "code",
            &format!(
                "import os\nos.environ['AWS_ACCESS_KEY_ID'] = '{id}'\nos.environ['AWS_SECRET_ACCESS_KEY'] = '{secret}'\n"
            ),
            "",
        ),
        ("code", &format!("mol = parse('{structure}')\nprint(fit(mol))\n"), "ic50 = 12.5\n"),
    ]);
    let planted = Planted::default().with(T::Secret, 2).with(T::Smiles, 1).trap(Trap::CloudKeys);
    tree.put("discovery/notebooks/dose-response.ipynb", serde_json::to_vec_pretty(&notebook)?, planted)?;
    let plates = noise::numeric_table(seed, 400_000);
    let packed = archive::tar(&[("plates/2025.csv", &plates)])?;
    tree.put("discovery/plates/archive-2025.tar.zst", archive::zstd(&packed)?, Planted::default())
}
