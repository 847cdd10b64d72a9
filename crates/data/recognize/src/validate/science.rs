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
        "ec_number" => ec_number,
        "icd10_shape" => icd10_shape,
        "icd10_category" => icd10_category,
        "icd10_list" => icd10_list,
        "snomed_id" => snomed_id,
        "loinc_number" => loinc_number,
        "variant_shape" => variant_shape,
        "hgvs_protein" => hgvs_protein,
        "eudract_number" => eudract_number,
        "usubjid" => usubjid,
        "variant_with_gene" => variant_with_gene,
        "pzn" => pzn,
        "inn_stem" => inn_stem,
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
    /// Aromatic atoms without brackets.
    aromatic: usize,
    /// Ring closures.
    rings: usize,
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
                if open_rings.remove(&ring) {
                    molecule.rings += 1;
                } else {
                    open_rings.insert(ring);
                }
                molecule.features += 1;
                after_bond = false;
            }
            _ => {
                let atom = ORGANIC.iter().find(|atom| rest.starts_with(**atom))?;
                molecule.atoms += 1;
                molecule.features += usize::from(c.is_ascii_lowercase());
                molecule.aromatic += usize::from(c.is_ascii_lowercase());
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

/// A SMILES string among words: at least six atoms, mostly carbon, and three rings, branches, bonds or brackets; aromatic
/// atoms stand in rings, at least four of them.
fn smiles_text(value: &str) -> bool {
    value.len() >= 8
        && value.len() <= 10_000
        && value.bytes().any(|b| b"(=#[123".contains(&b))
        && molecule(value).is_some_and(|m| {
            let in_rings = m.aromatic == 0 || (m.rings > 0 && m.aromatic >= 4);
            m.atoms >= 6 && m.features >= 3 && m.carbons * 3 >= m.atoms && in_rings
        })
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

/// EC number: three digits, three digits, a check digit that is the sum of the six, each times its place, modulo 11
/// (OJ C 146 A, 15.6.1990, explanatory note to EINECS).
fn ec_number(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let [first @ .., check] = digits.as_slice() else { return false };
    let sum: u32 = first.iter().zip(1_u32..).map(|(digit, place)| digit * place).sum();
    first.len() == 6 && sum % 11 == *check
}

/// Categories that letters and two digits may stand for, by letter: those that the tabular list holds or a national
/// modification adds, which leaves out much of what such codes mean elsewhere (WHO ICD-10 2019).
const CATEGORIES: [(u8, &[(u8, u8)]); 19] = [
    (b'A', &[(0, 9), (15, 28), (30, 44), (46, 46), (48, 60), (63, 75), (77, 99)]),
    (b'B', &[(0, 10), (15, 27), (33, 60), (64, 83), (85, 99)]),
    (b'C', &[(0, 26), (30, 34), (37, 41), (43, 58), (60, 86), (88, 97)]),
    (b'D', &[(0, 7), (9, 53), (55, 77), (80, 89)]),
    (b'E', &[(0, 7), (10, 16), (20, 36), (40, 46), (50, 68), (70, 90)]),
    (b'F', &[(0, 7), (9, 25), (28, 34), (38, 45), (48, 48), (50, 55), (59, 66), (68, 73), (78, 95), (98, 99)]),
    (b'G', &[(0, 14), (20, 26), (30, 32), (35, 37), (40, 47), (50, 65), (70, 73), (80, 83), (89, 99)]),
    (b'H', &[(0, 6), (10, 13), (15, 22), (25, 28), (30, 36), (40, 55), (57, 62), (65, 75), (80, 83), (90, 95)]),
    (b'I', &[(0, 2), (5, 16), (20, 28), (30, 52), (60, 74), (77, 89), (95, 99)]),
    (b'J', &[(0, 22), (30, 47), (60, 70), (80, 86), (90, 99)]),
    (b'K', &[(0, 14), (20, 31), (35, 38), (40, 46), (50, 52), (55, 68), (70, 77), (80, 87), (90, 95)]),
    (b'L', &[(0, 5), (8, 8), (10, 14), (20, 30), (40, 45), (50, 60), (62, 68), (70, 76), (80, 95), (97, 99)]),
    (b'M', &[(0, 36), (40, 54), (60, 63), (65, 68), (70, 73), (75, 96), (99, 99)]),
    (b'N', &[(0, 8), (10, 23), (25, 37), (39, 53), (60, 65), (70, 77), (80, 99)]),
    (b'O', &[(0, 16), (20, 26), (28, 36), (40, 48), (60, 77), (80, 92), (94, 99)]),
    (b'R', &[(0, 99)]),
    (b'S', &[(0, 99)]),
    (b'T', &[(7, 7), (14, 28), (30, 34), (36, 88)]),
    (b'Z', &[(0, 23), (28, 68), (69, 99)]),
];

/// A category of ICD-10 alone, without a subcategory, see [`CATEGORIES`].
fn icd10_category(value: &str) -> bool {
    let Some(number) = value.get(1..3).and_then(|two| two.parse::<u8>().ok()) else { return icd10_shape(value) };
    let letter = value.as_bytes().first();
    CATEGORIES
        .iter()
        .any(|(known, ranges)| Some(known) == letter && ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)))
}

/// Codes in a row: each of a category that there is, and at least one with a subcategory.
fn icd10_list(value: &str) -> bool {
    let mut codes = value.split([' ', ',', ';', '/', '|']).filter(|code| !code.is_empty());
    value.contains('.') && codes.all(|code| icd10_shape(code) && icd10_category(code))
}

/// A gene and what is changed in it: the second word holds a digit or says that it is deleted or duplicated.
fn variant_with_gene(value: &str) -> bool {
    let Some((gene, change)) = value.split_once(' ') else { return false };
    let lower = change.to_ascii_lowercase();
    gene.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && (change.bytes().any(|b| b.is_ascii_digit()) || matches!(lower.as_str(), "del" | "dup" | "deletion"))
}

/// PZN: seven digits, each times its place, and the sum modulo 11 as check digit; older ones have six, times their place
/// plus one (IFA GmbH, Technical information on the PZN).
fn pzn(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let first_weight: u32 = match digits.len() {
        8 => 1,
        7 => 2,
        _ => return false,
    };
    let [first @ .., check] = digits.as_slice() else { return false };
    let sum: u32 = first.iter().zip(first_weight..).map(|(digit, weight)| digit * weight).sum();
    sum > 0 && sum % 11 == *check
}

/// A medicine's name by its stem: long enough to hold more than the stem, and none of the ordinary words that end so.
fn inn_stem(value: &str) -> bool {
    let lower = value.to_lowercase();
    lower.chars().count() >= 7 && !matches!(lower.as_str(), "spartan" | "spartans" | "pro-spartan")
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
            ("ec_number", &["200-064-1", "231-791-2"], &["200-064-2", "200-06-1"]),
            ("icd10_category", &["I10", "G35", "J45"], &["B12", "A12", "V10", "L33"]),
            ("icd10_list", &["K51.90 G35", "E11.9, I10"], &["A01 A02", "E11.9 B12"]),
            ("pzn", &["08999658", "03041347"], &["08999653", "0000000", "123"]),
            ("inn_stem", &["imatinib", "candesartan"], &["spartan", "dipine"]),
            ("variant_with_gene", &["CFTR F508del", "HFE C282Y"], &["CFTR gene", "HFE"]),
            ("snomed_id", &["44054006", "19169002", "424213003"], &["44054007", "123456", "22298005"]),
            ("loinc_number", &["8302-2", "57698-3", "48004-6"], &["8302-3", "2023-1", "8302"]),
            ("variant_shape", &["0/1", "A/G", "rs429358", "c.76A>T", "*1/*4", "AG"], &["0.5", "n/a", "high"]),
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
