//! Lists of SMILES (OpenSMILES 1.0): one structure a line, with a name behind or columns beside it.

use crate::lines::Lines;
use crate::{ReadError, Reader, Source};

use super::{field, trimmed};

/// Lines that are looked at.
const LINES_SEEN: usize = 50;

/// Whether nearly every line begins with a valid SMILES, and enough of them could be nothing else.
pub(super) fn sniff(head: &[u8], complete: bool) -> bool {
    let end = if complete { head.len() } else { memchr::memrchr(b'\n', head).unwrap_or(0) };
    let lines = head.get(..end).unwrap_or(&[]).split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let (mut seen, mut structures, mut certain) = (0, 0, 0);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).take(LINES_SEEN) {
        let token = first_token(line);
        seen += 1;
        // A header may stand on the first line.
        if seen == 1 && is_header(token) {
            seen = 0;
            continue;
        }
        match judge(token) {
            Judgement::Certain => (structures, certain) = (structures + 1, certain + 1),
            Judgement::Possible => structures += 1,
            Judgement::No => {}
        }
        if structures + 2 < seen {
            return false;
        }
    }
    // Methane is `C` and ethane `CC`: a list has such lines, but not many, and prose has hardly any other.
    let enough = certain >= 2 || (certain == 1 && seen == 1);
    enough && structures * 20 >= seen * 19 && certain * 2 >= seen
}

fn first_token(line: &[u8]) -> &[u8] {
    line.split(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';')).next().unwrap_or(line)
}

fn is_header(token: &[u8]) -> bool {
    let token = token.to_ascii_lowercase();
    token.ends_with(b"smiles") || token == b"structure"
}

enum Judgement {
    /// Valid, and too odd in its signs to be a word.
    Certain,
    /// Valid, and could be a word or a code.
    Possible,
    No,
}

fn judge(token: &[u8]) -> Judgement {
    if !is_smiles(token) {
        return Judgement::No;
    }
    let count = |signs: &[u8]| token.iter().filter(|b| signs.contains(b)).count();
    let letters = token.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let odd =
        count(b"=#()[]@/\\") + token.windows(2).filter(|w| matches!(w, [b'c' | b'n' | b'C', b'1'..=b'9'])).count();
    if token.len() >= 5 && letters >= 3 && odd >= 2 { Judgement::Certain } else { Judgement::Possible }
}

/// Whether a token is a SMILES: atoms, bonds, branches that close, rings that close.
fn is_smiles(token: &[u8]) -> bool {
    if token.is_empty() || token.len() > 4096 {
        return false;
    }
    let (mut at, mut depth, mut atoms) = (0, 0_usize, 0);
    let mut rings = [false; 100];
    while let Some(&byte) = token.get(at) {
        let step = match byte {
            b'(' if atoms > 0 => {
                depth += 1;
                1
            }
            b')' if depth > 0 && token.get(at.wrapping_sub(1)) != Some(&b'(') => {
                depth -= 1;
                1
            }
            b'-' | b'=' | b'#' | b'$' | b':' | b'/' | b'\\' | b'.' if atoms > 0 && at + 1 < token.len() => 1,
            b'0'..=b'9' | b'%' if atoms > 0 => match ring(token, at) {
                Some((number, step)) => {
                    if let Some(open) = rings.get_mut(number) {
                        *open = !*open;
                    }
                    step
                }
                None => return false,
            },
            _ => match atom(token.get(at..).unwrap_or(&[])) {
                Some(step) => {
                    atoms += 1;
                    step
                }
                None => return false,
            },
        };
        at += step;
    }
    depth == 0 && atoms > 0 && rings.iter().all(|open| !open)
}

/// A ring-closing number and its length: one digit, or `%` and two.
fn ring(token: &[u8], at: usize) -> Option<(usize, usize)> {
    let digit = |at: usize| token.get(at).filter(|b| b.is_ascii_digit()).map(|b| usize::from(b - b'0'));
    match token.get(at)? {
        b'%' => Some((digit(at + 1)? * 10 + digit(at + 2)?, 3)),
        _ => Some((digit(at)?, 1)),
    }
}

/// The length of the atom at the start: of the organic subset, or in brackets.
fn atom(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'C', b'l', ..] | [b'B', b'r', ..] => Some(2),
        [
            b'B' | b'C' | b'N' | b'O' | b'P' | b'S' | b'F' | b'I' | b'b' | b'c' | b'n' | b'o' | b'p' | b's' | b'*',
            ..,
        ] => Some(1),
        [b'[', ..] => {
            let end = memchr::memchr(b']', rest.get(..32.min(rest.len()))?)?;
            let inner = rest.get(1..end)?;
            let symbol = inner.iter().position(|b| !b.is_ascii_digit())?;
            let first = inner.get(symbol)?;
            let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'+' | b'-' | b':' | b'*');
            ((first.is_ascii_alphabetic() || *first == b'*') && inner.iter().all(known)).then_some(end + 1)
        }
        _ => None,
    }
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let (line, before) = trimmed(lines.line());
        let start = lines.start() + before;
        let token = first_token(line);
        let (rest, blanks) = trimmed(line.get(token.len()..).unwrap_or(&[]));
        if is_smiles(token) {
            field(reader, "SMILES.smiles", lines.number(), token, Some(start))?;
            field(reader, "SMILES.name", lines.number(), rest, Some(start + token.len() as u64 + blanks))?;
        } else {
            field(reader, "SMILES.name", lines.number(), line, Some(start))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_smiles;

    #[test]
    fn valid_and_invalid_tokens() {
        for valid in ["CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]", "N[C@@H](C)C(=O)O", "C%12CCCCC%12", "F/C=C/F", "C"] {
            assert!(is_smiles(valid.as_bytes()), "{valid}");
        }
        for invalid in ["", "Hello", "C1CC", "C(C", "C)", "()", "=C", "C=", "123", "the", "CCx", "[C", "C%1"] {
            assert!(!is_smiles(invalid.as_bytes()), "{invalid}");
        }
    }
}
