//! Checks of chemistry, genetics, trials and coded terms.

use super::Validator;
use super::fields::is_missing;

/// The check of that name.
pub(crate) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "cas_number" => cas_number,
        "inchikey" => inchikey,
        "inchi" => inchi,
        "smiles" => smiles,
        "smiles_text" => smiles_text,
        "icd10_shape" => icd10_shape,
        "snomed_id" => snomed_id,
        "loinc_number" => loinc_number,
        "variant_shape" => variant_shape,
        "sequence_shape" => sequence_shape,
        "nucleotide_text" => nucleotide_text,
        "peptide_text" => peptide_text,
        "hgvs_protein" => hgvs_protein,
        "eudract_number" => eudract_number,
        "usubjid" => usubjid,
        _ => return None,
    })
}

/// CAS Registry Number: 2 to 7 digits, 2 digits, a check digit that is the sum of the digits before it, each times
/// its position from the right, modulo 10 (CAS, "Check Digit Verification of CAS Registry Numbers").
fn cas_number(value: &str) -> bool {
    let mut parts = value.trim().split('-');
    let (Some(first), Some(second), Some(check), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let all_digits = [first, second, check].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !all_digits || !(2..=7).contains(&first.len()) || second.len() != 2 || check.len() != 1 || first.starts_with('0')
    {
        return false;
    }
    let digits = first.chars().chain(second.chars()).rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.zip(1_u32..).map(|(digit, weight)| digit * weight).sum();
    check.parse::<u32>().is_ok_and(|check| sum % 10 == check)
}

/// `InChIKey`: 14 letters, 8 letters with the flag `S` or `N` and the version `A`, a protonation letter
/// (InChI Technical Manual, 1.07, appendix 3).
fn inchikey(value: &str) -> bool {
    let value = value.trim();
    let bytes = value.as_bytes();
    bytes.len() == 27
        && bytes
            .iter()
            .enumerate()
            .all(|(at, b)| if at == 14 || at == 25 { *b == b'-' } else { b.is_ascii_uppercase() })
        && matches!(bytes.get(23), Some(b'S' | b'N'))
        && bytes.get(24) == Some(&b'A')
}

/// `InChI=1S/` or `InChI=1/`, a formula layer, then layers (InChI Technical Manual 1.07).
fn inchi(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("InChI=1S/").or_else(|| value.strip_prefix("InChI=1/")) else { return false };
    let formula = rest.split('/').next().unwrap_or("");
    !formula.is_empty()
        && formula.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && formula.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == 'p')
}

/// Elements that may stand without brackets, two letters first (OpenSMILES 1.0 section 3.1.5).
const ORGANIC: [&str; 18] =
    ["Cl", "Br", "B", "C", "N", "O", "P", "S", "F", "I", "b", "c", "n", "o", "p", "s", "*", "[D]"];

/// What a SMILES string is made of.
#[derive(Default)]
struct Molecule {
    atoms: usize,
    /// Rings, branches, bonds, brackets, aromatic atoms: what words do not have.
    features: usize,
    carbons: usize,
}

/// Walks a SMILES string by the grammar of OpenSMILES 1.0; `None` when it is none.
fn molecule(value: &str) -> Option<Molecule> {
    let mut molecule = Molecule::default();
    let mut open_rings = std::collections::BTreeSet::new();
    let mut depth = 0_usize;
    let mut rest = value;
    let mut after_bond = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = 1;
        match c {
            '[' => {
                let end = rest.find(']')?;
                let inside = rest.get(1..end)?;
                let element = inside.trim_start_matches(|c: char| c.is_ascii_digit());
                let shaped = element.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*')
                    && inside.bytes().all(|b| b.is_ascii_alphanumeric() || b"@+-:*".contains(&b));
                if !shaped || inside.len() > 24 {
                    return None;
                }
                molecule.atoms += 1;
                molecule.features += 1;
                taken = end + 1;
                after_bond = false;
            }
            '(' => {
                depth += 1;
                molecule.features += 1;
                if molecule.atoms == 0 {
                    return None;
                }
            }
            ')' => depth = depth.checked_sub(1)?,
            '-' | '=' | '#' | ':' | '$' | '/' | '\\' | '~' => {
                if after_bond || (molecule.atoms == 0 && c != '/' && c != '\\') {
                    return None;
                }
                molecule.features += usize::from(c == '=' || c == '#');
                after_bond = true;
            }
            '.' => after_bond = false,
            '0'..='9' | '%' => {
                if molecule.atoms == 0 {
                    return None;
                }
                let ring = if c == '%' { rest.get(1..3)?.parse::<u8>().ok()? } else { rest.get(..1)?.parse().ok()? };
                taken = if c == '%' { 3 } else { 1 };
                if !open_rings.remove(&ring) {
                    open_rings.insert(ring);
                }
                molecule.features += 1;
                after_bond = false;
            }
            _ => {
                let atom = ORGANIC.iter().find(|atom| rest.starts_with(**atom))?;
                molecule.atoms += 1;
                molecule.features += usize::from(c.is_ascii_lowercase());
                molecule.carbons += usize::from(*atom == "C" || *atom == "c");
                taken = atom.len();
                after_bond = false;
            }
        }
        rest = rest.get(taken..)?;
    }
    (depth == 0 && open_rings.is_empty() && !after_bond && molecule.atoms > 0).then_some(molecule)
}

/// A SMILES string where a column says that there is one.
fn smiles(value: &str) -> bool {
    let value = value.trim();
    let structure = value.split([' ', '\t', '|']).next().unwrap_or(value);
    structure.len() <= 10_000 && molecule(structure).is_some()
}

/// A SMILES string among words: at least six atoms, mostly carbon, and three rings, branches, bonds or brackets.
fn smiles_text(value: &str) -> bool {
    value.len() >= 8
        && value.len() <= 10_000
        && value.bytes().any(|b| b"(=#[123".contains(&b))
        && molecule(value).is_some_and(|m| m.atoms >= 6 && m.features >= 3 && m.carbons * 3 >= m.atoms)
}

/// A category of ICD-10: letter, digit, digit or letter, and up to four characters after a point (WHO ICD-10 volume 2,
/// section 2.4; ICD-10-CM guidelines 2025 section I.A.2). `U` holds provisional codes.
fn icd10_shape(value: &str) -> bool {
    let value = value.trim();
    let (category, rest) = match value.split_once('.') {
        Some((category, rest)) => (category, rest),
        None => (value.get(..3).unwrap_or(""), value.get(3..).unwrap_or("")),
    };
    let bytes = category.as_bytes();
    let shaped = bytes.len() == 3
        && bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.get(2).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'A' | b'B' | b'M'));
    let rest = rest.trim_end_matches(['-', '+', '*', '!', 'G', 'V', 'Z']);
    shaped && rest.len() <= 4 && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// SCTID: 6 to 18 digits, Verhoeff check digit, partition 00, 01, 02, 10, 11 or 12 (SNOMED CT Technical
/// Implementation Guide, section 5.6).
fn snomed_id(value: &str) -> bool {
    let bytes = value.as_bytes();
    if !(6..=18).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_digit) || value.starts_with('0') {
        return false;
    }
    let partition = value.get(bytes.len() - 3..bytes.len() - 1).unwrap_or("");
    matches!(partition, "00" | "01" | "02" | "10" | "11" | "12") && verhoeff(bytes)
}

/// Verhoeff's scheme over the dihedral group of order ten (J. Verhoeff, 1969).
fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let multiply = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 10 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let mut value = digit - b'0';
        for _ in 0..place % 8 {
            value = PERMUTATION.get(usize::from(value)).copied().unwrap_or(0);
        }
        multiply(sum, value)
    });
    sum == 0
}

/// LOINC: 1 to 7 digits, a hyphen, a check digit by modulo 10 (Luhn) (LOINC Users' Guide, appendix B).
fn loinc_number(value: &str) -> bool {
    let Some((number, check)) = value.split_once('-') else { return false };
    if number.is_empty() || number.len() > 7 || check.len() != 1 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let digits = number.chars().rev().filter_map(|c| c.to_digit(10)).enumerate();
    let sum: u32 = digits.map(|(place, digit)| if place % 2 == 0 { doubled(digit) } else { digit }).sum();
    check.parse::<u32>().is_ok_and(|check| (sum + check).is_multiple_of(10))
}

/// A variant, genotype or allele where a column says that there is one.
fn variant_shape(value: &str) -> bool {
    let value = value.trim();
    let bases = |part: &str| !part.is_empty() && part.bytes().all(|b| b"ACGTacgt-".contains(&b));
    let alleles = value.split(['/', '|', '>', ' ']).collect::<Vec<_>>();
    let pair = alleles.len() == 2 && alleles.iter().all(|part| bases(part));
    let short_pair = value.len() == 2 && bases(value) && !value.contains('-');
    let plain_number = value.parse::<f64>().is_ok();
    !is_missing(value)
        && value.len() <= 200
        && (pair || short_pair || (value.chars().any(|c| c.is_ascii_digit()) && !plain_number))
}

/// Letters that nucleotide and peptide sequences are written in (IUPAC-IUB 1970, NC-IUB 1984, JCBN 1983).
fn sequence_shape(value: &str) -> bool {
    let value = value.trim();
    value.len() >= 6 && value.bytes().all(|b| b.is_ascii_alphabetic() || b == b'*' || b == b'-') && {
        let bytes = value.as_bytes();
        let upper = bytes.iter().filter(|b| b.is_ascii_uppercase()).count();
        let nucleic = bytes.iter().all(|b| b"ACGTUNacgtunRYKMSWrykmsw-*".contains(b));
        nucleic || (upper + 2 >= bytes.len() && distinct(bytes) >= 4)
    }
}

fn distinct(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0_u32, |seen, b| seen | 1 << (b.to_ascii_uppercase() & 31)).count_ones()
}

/// A stretch of DNA or RNA among words: 20 letters or more of one case, at least three of the four bases.
fn nucleotide_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    let bases = bytes.iter().filter(|b| b"ACGTUacgtu".contains(b)).count();
    bytes.len() >= 20
        && bases * 20 >= bytes.len() * 19
        && bytes.iter().all(|b| b"ACGTUNacgtun".contains(b))
        && (bytes.iter().all(u8::is_ascii_uppercase) || bytes.iter().all(u8::is_ascii_lowercase))
        && distinct(bytes) >= 3
        && (2..=8).all(|period| !repeats(bytes, period))
}

/// Whether the whole is one unit of `period` letters repeated.
fn repeats(bytes: &[u8], period: usize) -> bool {
    bytes.iter().zip(bytes.iter().skip(period)).all(|(a, b)| a == b)
}

/// A peptide or protein among words: 15 or more one-letter residues, at least seven different, not one letter more
/// than a third of it, and without the runs of capitals that headings are.
fn peptide_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    if bytes.len() < 15 || !bytes.iter().all(|b| b"ACDEFGHIKLMNPQRSTVWY".contains(b)) || distinct(bytes) < 7 {
        return false;
    }
    let most = (b'A'..=b'Y').map(|letter| bytes.iter().filter(|b| **b == letter).count()).max().unwrap_or(0);
    let vowels = bytes.iter().filter(|b| b"AEIY".contains(b)).count();
    most * 3 <= bytes.len() && vowels * 2 <= bytes.len()
}

/// `p.` changes: residues must be ones of the three- or one-letter codes (HGVS nomenclature 21.0, protein).
fn hgvs_protein(value: &str) -> bool {
    const RESIDUES: [&str; 23] = [
        "Ala", "Arg", "Asn", "Asp", "Cys", "Gln", "Glu", "Gly", "His", "Ile", "Leu", "Lys", "Met", "Phe", "Pro", "Ser",
        "Thr", "Trp", "Tyr", "Val", "Ter", "Sec", "Pyl",
    ];
    let Some((_, change)) = value.split_once("p.") else { return false };
    let change = change.trim_start_matches(['(', '[']);
    let first = change.get(..3).unwrap_or("");
    RESIDUES.contains(&first)
        || (change.starts_with(|c: char| "ACDEFGHIKLMNPQRSTVWY*".contains(c))
            && change.get(1..2).is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit())))
        || change.starts_with(['0', '=', '?'])
}

/// `YYYY-NNNNNN-CC`, years 2003 to 2024 (EudraCT was replaced by CTIS on 31 January 2023), or EU CT numbers
/// `YYYY-5NNNNN-CC-VV` since 2021 (CTIS). How the two check digits are computed is not published.
fn eudract_number(value: &str) -> bool {
    let year = value.get(..4).and_then(|year| year.parse::<u16>().ok()).unwrap_or(0);
    let sequence = value.get(5..11).and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    let eu_ct = sequence >= 500_000;
    sequence > 0 && if eu_ct { (2021..=2099).contains(&year) } else { (2003..=2024).contains(&year) }
}

/// Study, site and subject joined by hyphens or points, subject last and numeric (SDTMIG 3.4 section 5.2 on USUBJID).
fn usubjid(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['-', '.', '_']).collect();
    let number = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() >= 3
        && parts.first().is_some_and(|study| study.bytes().any(|b| b.is_ascii_alphabetic()) && study.len() >= 3)
        && parts.last().is_some_and(|subject| number(subject) && subject.len() >= 3)
        && parts.iter().rev().nth(1).is_some_and(number)
}

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn published_examples_pass_and_their_neighbours_do_not() {
        for (name, good, bad) in [
            (
                "cas_number",
                &["7732-18-5", "50-78-2", "58-08-2"][..],
                &["7732-18-4", "50-78-3", "2023-10-2", "1-2-3"][..],
            ),
            ("inchikey", &["BSYNRYMUTXBXSQ-UHFFFAOYSA-N"], &["BSYNRYMUTXBXSQ-UHFFFAOYXA-N", "ABC"]),
            (
                "inchi",
                &["InChI=1S/C9H8O4/c1-6(10)13-8-5-3-2-4-7(8)9(11)12/h2-5H,1H3,(H,11,12)"],
                &["InChI=2/x", "InChI=1S/"],
            ),
            (
                "smiles",
                &["CC(=O)Oc1ccccc1C(=O)O", "C[C@@H](N)C(=O)O", "[Na+].[Cl-]", "C%12CCCCC%12"],
                &["CC(=O", "c1ccccc", "hello", "12.5", "C==C"],
            ),
            (
                "smiles_text",
                &["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C"],
                &["BIOS", "CCCCCCCC", "CONCOSCO", "Cc(s)"],
            ),
            ("icd10_shape", &["E11.9", "C50.911", "J45", "M16.1", "F32.2G"], &["E1", "11.9", "ABC.1", "V1.2.3"]),
            ("snomed_id", &["44054006", "19169002", "424213003"], &["44054007", "123456", "22298005"]),
            ("loinc_number", &["8302-2", "57698-3", "48004-6"], &["8302-3", "2023-1", "8302"]),
            ("variant_shape", &["0/1", "A/G", "rs429358", "c.76A>T", "*1/*4", "AG"], &["0.5", "n/a", "high"]),
            ("sequence_shape", &["ACGTACGTNN", "MKTAYIAKQR"], &["hello world", "ACG", "running"]),
            (
                "nucleotide_text",
                &["ATGGCCATTGTAATGGGCCGCTGAAAGG"],
                &["ATATATATATATATATATATATAT", "AAAAAAAAAAAAAAAAAAAAAAAA", "CATTAG"],
            ),
            ("peptide_text", &["MKTAYIAKQRQISFVKSHFSRQ"], &["AAAAAAAAAAAAAAAAAAAA", "CONFIDENTIALITYX", "SHORT"]),
            ("hgvs_protein", &["p.Val600Glu", "p.V600E", "NP_004324.2:p.(Val600Glu)"], &["p.Foo12Bar", "p.x"]),
            (
                "eudract_number",
                &["2004-000021-16", "2023-503698-40-00"],
                &["1999-000021-16", "2030-000021-16", "2004-000000-16"],
            ),
            ("usubjid", &["ABC123-701-1015", "CDISCPILOT01-01-701-1015"], &["2023-10-11", "A-1-2", "abc-def-ghi"]),
        ] {
            let valid = by_name(name).unwrap();
            for value in good {
                assert!(valid(value), "{name} must accept {value}");
            }
            for value in bad {
                assert!(!valid(value), "{name} must refuse {value}");
            }
        }
    }
}
