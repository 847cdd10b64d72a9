//! Checks of nucleotide and peptide sequences: what letters, how many different, and that they are no words.

use super::Validator;

pub(super) const CHECKS: &[(&str, Validator)] = &[
    ("sequence_shape", sequence_shape),
    ("nucleotide_text", nucleotide_text),
    ("oligo_text", oligo_text),
    ("primer_text", primer_text),
    ("peptide_text", peptide_text),
    ("peptide_short", peptide_short),
];

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

/// An oligonucleotide written with its ends, `5'-…-3'`: eight bases or more between them.
fn oligo_text(value: &str) -> bool {
    let letters: Vec<u8> = value.bytes().filter(u8::is_ascii_alphabetic).collect();
    let bases = letters.iter().filter(|b| b"ACGTUNacgtu".contains(b)).count();
    bases >= 8 && bases * 2 >= letters.len() && distinct(&letters) >= 3
}

/// A short primer: three different bases at least and no unit repeated.
fn primer_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    distinct(bytes) >= 3 && (1..=6).all(|period| !repeats(bytes, period))
}

/// A peptide or protein among words: at least nine different residues, none more than a third of it, and pairs of letters
/// unlike those of words.
fn peptide_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    distinct(bytes) >= 9 && mixed(bytes) && !reads_like_words(bytes)
}

/// A short peptide where words speak of peptides: at least five different residues, and no word in capitals.
fn peptide_short(value: &str) -> bool {
    let bytes = value.as_bytes();
    distinct(bytes) >= 5 && mixed(bytes) && !reads_like_words(bytes)
}

/// Whether all are residues and no letter is more than a third of it.
fn mixed(bytes: &[u8]) -> bool {
    let most = (b'A'..=b'Y').map(|letter| bytes.iter().filter(|b| **b == letter).count()).max().unwrap_or(0);
    bytes.iter().all(|b| b"ACDEFGHIKLMNPQRSTVWY".contains(b)) && most * 3 <= bytes.len()
}

/// The 48 commonest pairs of letters in the words of content/names/words.txt of which both letters also stand for residues.
/// They make up 63 % of such pairs in those words, and 12 to 20 % in proteins.
const WORD_PAIRS: [&[u8; 2]; 48] = [
    b"IN", b"ER", b"ES", b"NG", b"RE", b"ED", b"EN", b"TE", b"TI", b"ST", b"AT", b"LE", b"RA", b"RI", b"AN", b"AR",
    b"LI", b"NT", b"IS", b"AL", b"DE", b"IE", b"SE", b"NE", b"LA", b"CH", b"IT", b"DI", b"TA", b"NS", b"VE", b"EL",
    b"IC", b"LL", b"ND", b"HE", b"ME", b"SI", b"PE", b"RS", b"TR", b"CA", b"MA", b"AS", b"NI", b"IL", b"GE", b"NA",
];

/// Whether more than two of five pairs of neighbouring letters are among the commonest of words.
fn reads_like_words(bytes: &[u8]) -> bool {
    let common = bytes.windows(2).filter(|pair| WORD_PAIRS.iter().any(|common| common.as_slice() == *pair)).count();
    common * 5 > bytes.len().saturating_sub(1) * 2
}

#[cfg(test)]
mod tests {
    use super::CHECKS;

    #[test]
    fn sequences_pass_and_words_do_not() {
        for (name, good, bad) in [
            ("sequence_shape", &["ACGTACGTNN", "MKTAYIAKQR"][..], &["hello world", "ACG", "running"][..]),
            (
                "nucleotide_text",
                &["ATGGCCATTGTAATGGGCCGCTGAAAGG"],
                &["ATATATATATATATATATATATAT", "AAAAAAAAAAAAAAAAAAAAAAAA", "CATTAG"],
            ),
            (
                "peptide_text",
                &["MKTAYIAKQRQISFVKSHFSRQ"],
                &["AAAAAAAAAAAAAAAAAAAA", "CHARACTERISTICS", "DIFFERENTIATEDINSTANCES"],
            ),
            ("oligo_text", &["5'-GATTACAGATTGCACC-3'", "5'-mA*mC*GUGCAUGCA-3'"], &["5'-aaaaaaaaaaaa-3'", "5'-GAT-3'"]),
            ("primer_text", &["GATTACAGATTGCACC"], &["ATATATATATATATAT", "AAAAAAAAAAAAAAAA"]),
            ("peptide_short", &["SIINFEKL", "CARDYYGSSYWYFDVW"], &["SYNTHESIS", "LLLLLLLL", "PRACTICES"]),
        ] {
            let valid = CHECKS.iter().find(|(known, _)| *known == name).unwrap().1;
            for value in good {
                assert!(valid(value), "{name} must accept {value}");
            }
            for value in bad {
                assert!(!valid(value), "{name} must refuse {value}");
            }
        }
    }
}
