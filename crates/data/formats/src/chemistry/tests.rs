use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, survives_truncation};

const SDF: &str = "aspirin\n  program\ncomment by A. Chemist\n  2  1  0  0  0  0            999 V2000\n\
    0.0000    0.0000    0.0000 C   0  0\n    1.0000    0.0000    0.0000 O   0  0\n  1  2  2  0\nM  END\n\
    > <CAS>\n50-78-2\n\n>  25  <Chemist>  (7)\nA. Chemist\nsecond line\n\n$$$$\n\
    v3\n\n\n  0  0  0     0  0            999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS 13 13 0 0 0\nM  END\n$$$$\n";

const PDB: &str = "HEADER    HORMONE                                 01-JAN-20   1ABC              \n\
TITLE     A MADE-UP STRUCTURE\nAUTHOR    A.EXAMPLE,B.SAMPLE\n\
SEQRES   1 A   21  GLY ILE VAL GLU GLN CYS\n\
ATOM      1  N   GLY A   1      -8.901   4.127  -0.555  1.00  0.00           N  \n";

const CIF: &str = "data_1ABC\n#\n_entry.id   1ABC\n#\nloop_\n_audit_author.name\n_audit_author.pdbx_ordinal\n\
'Example, A.'  1\n'O'Sample, B.' 2\n#\n_entity_poly.pdbx_seq_one_letter_code\n;GIVEQ\nCCTSI\n;\n\
loop_\n_atom_site.id\n_atom_site.x\n1 2.0\n2 3.0\n";

#[test]
fn data_items_titles_and_structures_are_reported() {
    let seen = Recorder::proved(SDF.as_bytes());
    assert_eq!((seen.format(), seen.problems.len()), (Format::Sdf, 0));
    assert_eq!(seen.values("SDF.title"), ["aspirin", "v3"]);
    assert_eq!(seen.values("SDF.structure"), ["2 atoms", "13 atoms"]);
    assert_eq!(seen.values("SDF.CAS"), ["50-78-2"]);
    assert_eq!(seen.values("SDF.Chemist"), ["A. Chemist", "second line"]);
    assert_eq!(seen.field("SDF.CAS").place, "line 10");
}

#[test]
fn authors_titles_and_sequences_of_entries_are_reported() {
    let seen = Recorder::proved(PDB.as_bytes());
    assert_eq!(seen.format(), Format::Pdb);
    assert_eq!(seen.values("PDB.AUTHOR"), ["A.EXAMPLE,B.SAMPLE"]);
    assert_eq!(seen.values("PDB.SEQRES"), ["GLY ILE VAL GLU GLN CYS"]);
    let seen = Recorder::proved(CIF.as_bytes());
    assert_eq!(seen.format(), Format::Pdb);
    assert_eq!(seen.values("PDB._audit_author.name"), ["Example, A.", "O'Sample, B."]);
    assert_eq!(seen.values("PDB._entity_poly.pdbx_seq_one_letter_code"), ["GIVEQ\nCCTSI"]);
    assert!(seen.fields.iter().all(|field| !field.path.contains("_atom_site")));
}

#[test]
fn lists_of_smiles_are_told_from_words() {
    let list =
        b"smiles,name\nCC(=O)Oc1ccccc1C(=O)O,aspirin\nCn1cnc2c1c(=O)n(C)c(=O)n2C,caffeine\nCCO,ethanol\nC,methane\n";
    let seen = Recorder::proved(list);
    assert_eq!(seen.format(), Format::Smiles);
    assert_eq!(seen.values("SMILES.smiles").len(), 4);
    assert_eq!(Recorder::read(b"CC(=O)Oc1ccccc1C(=O)O aspirin\n").format(), Format::Smiles);
    let others: [&[u8]; 6] = [
        b"No\nCoin\nScoop\nPB\nICON\n",
        b"NO, this is prose.\nSo is this (really).\n",
        b"C\nB\nN\n",
        b"IBAN\nBIC\nC1\n",
        b"f(x)=y\nc(a)=b\n",
        b"if (a[0] == b) { c(); }\nn = n + 1\n",
    ];
    for other in others {
        assert_ne!(Recorder::read(other).format(), Format::Smiles, "{:?}", String::from_utf8_lossy(other));
    }
}

#[test]
fn every_truncation_is_survived() {
    for text in [SDF, PDB, CIF] {
        survives_truncation(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutations_are_survived(which in 0_usize..3, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = [SDF, PDB, CIF][which].as_bytes().to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        Recorder::read(&bytes);
    }
}
