//! Which genomic format the first bytes are.

use model::Format;

use super::bgzf;

/// By magic number, also inside blocked gzip.
pub(super) fn binary(head: &[u8]) -> Option<Format> {
    let magic = |bytes: &[u8]| match bytes {
        [b'B', b'A', b'M', 1, ..] => Some(Format::Bam),
        [b'B', b'C', b'F', 2 | 4, ..] => Some(Format::Bcf),
        [b'C', b'R', b'A', b'M', 1..=4, ..] => Some(Format::Cram),
        _ => None,
    };
    magic(head).or_else(|| magic(&bgzf::first(head)))
}

/// By their lines. `complete`: the head is the whole object.
pub(super) fn text(head: &[u8], complete: bool) -> Option<Format> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let first = *head.first()?;
    if head.starts_with(b"##fileformat=VCF") || head.starts_with(b"#CHROM\tPOS\tID\tREF\tALT") {
        return Some(Format::Vcf);
    }
    if head.starts_with(b"##gff-version") || head.starts_with(b"##gtf-version") {
        return Some(Format::Gff);
    }
    let lines: Vec<&[u8]> = whole_lines(head, complete).take(64).collect();
    let lines = lines.as_slice();
    match first {
        b'@' if is_sam_header(lines) => Some(Format::Sam),
        b'@' if is_fastq(lines) => Some(Format::Fastq),
        b'>' | b';' if is_fasta(lines) => Some(Format::Fasta),
        b'#' => columns_of(lines),
        b't' | b'b' if is_track(lines) => Some(Format::Bed),
        _ if first.is_ascii_graphic() => columns_of(lines),
        _ => None,
    }
}

/// Lines without their ends; the last one only when it is whole.
fn whole_lines(head: &[u8], complete: bool) -> impl Iterator<Item = &[u8]> {
    let end = if complete { head.len() } else { memchr::memrchr(b'\n', head).unwrap_or(head.len()) };
    let body = head.get(..end).unwrap_or(&[]);
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    body.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// `@HD\tVN:` and its like (SAMv1 section 1.3).
fn is_sam_header(lines: &[&[u8]]) -> bool {
    lines.first().is_some_and(|line| match line.get(1..3) {
        // Comments may come first; what follows them must then be SAM too.
        Some(b"CO") => lines
            .iter()
            .take_while(|line| !is_read(line))
            .all(|line| line.first() == Some(&b'@') && line.get(3).is_none_or(|b| *b == b'\t')),
        Some(b"HD" | b"SQ" | b"RG" | b"PG") => {
            line.get(3) == Some(&b'\t')
                && line.get(6) == Some(&b':')
                && line.get(4..6).is_some_and(|tag| tag.is_ascii())
        }
        _ => false,
    })
}

/// Four lines a record: name, sequence, `+`, qualities of the same length. Sequences may be wrapped.
fn is_fastq(lines: &[&[u8]]) -> bool {
    let Some(plus) = lines.iter().position(|line| line.starts_with(b"+")) else {
        // A read so long that its end does not show.
        return lines.len() <= 2 && lines.get(1).is_some_and(|s| s.len() > 1000 && s.iter().all(is_base));
    };
    let sequence = lines.get(1..plus).unwrap_or(&[]);
    let bases: usize = sequence.iter().map(|line| line.len()).sum();
    let quality = lines.get(plus + 1..).unwrap_or(&[]).iter().map(|line| line.len());
    let mut total = 0;
    let fits = quality.clone().any(|len| {
        total += len;
        total == bases
    });
    plus >= 1 && sequence.iter().all(|line| line.iter().all(is_base)) && (fits || (quality.count() == 0 && bases > 0))
}

/// Headers and sequence lines, and nothing else.
fn is_fasta(lines: &[&[u8]]) -> bool {
    let (mut sequences, mut after_header) = (0, false);
    for line in lines.iter().take(40) {
        if line.starts_with(b">") || line.starts_with(b";") {
            after_header = true;
        } else if line.is_empty() {
            continue;
        } else if after_header && is_residues(line) {
            sequences += 1;
        } else {
            return false;
        }
    }
    sequences > 0
}

/// Nucleotides of either case, or capital letters of the amino-acid alphabet.
fn is_residues(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let nucleotides = line.iter().filter(|b| is_base(b)).count();
    let residues = line.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'*' | b'-' | b'.'));
    !line.is_empty() && (nucleotides == line.len() || residues)
}

/// IUPAC nucleotide codes, gaps and the unknown base.
fn is_base(byte: &u8) -> bool {
    matches!(
        byte.to_ascii_uppercase(),
        b'A' | b'C'
            | b'G'
            | b'T'
            | b'U'
            | b'N'
            | b'R'
            | b'Y'
            | b'S'
            | b'W'
            | b'K'
            | b'M'
            | b'B'
            | b'D'
            | b'H'
            | b'V'
            | b'-'
            | b'.'
            | b'*'
            | b'='
    )
}

fn is_track(lines: &[&[u8]]) -> bool {
    let begins = lines.first().is_some_and(|line| line.starts_with(b"track ") || line.starts_with(b"browser "));
    let interval = |line: &&[u8]| matches!(columns(line)[..], [_, start, end, ..] if number(start).zip(number(end)).is_some_and(|(a, b)| a <= b));
    begins && lines.iter().any(interval)
}

/// Formats whose every line has the same columns.
fn columns_of(lines: &[&[u8]]) -> Option<Format> {
    let records: Vec<&[u8]> =
        lines.iter().copied().filter(|line| !line.is_empty() && !line.starts_with(b"#")).take(20).collect();
    if records.is_empty() {
        return None;
    }
    let all = |test: fn(&[u8]) -> bool| records.iter().all(|line| test(line));
    if all(is_read) {
        return Some(Format::Sam);
    }
    if all(is_call) {
        return Some(Format::Vcf);
    }
    if all(is_feature) {
        return Some(Format::Gff);
    }
    let plain = all(|line| is_interval(line, false)) && records.len() > 1;
    (plain || all(|line| is_interval(line, true))).then_some(Format::Bed)
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn columns(line: &[u8]) -> Vec<&[u8]> {
    line.split(|b| *b == b'\t').take(16).collect()
}

/// An alignment: eleven columns of known kind (SAMv1 section 1.4).
fn is_read(line: &[u8]) -> bool {
    let [_, flag, _, position, quality, cigar, _, _, _, bases, qualities, ..] = columns(line)[..] else { return false };
    let cigar_ok = cigar == b"*" || cigar.iter().all(|b| b.is_ascii_digit() || b"MIDNSHP=X".contains(b));
    number(flag).is_some_and(|flag| flag < 1 << 16)
        && number(position).is_some()
        && number(quality).is_some_and(|quality| quality < 256)
        && cigar_ok
        && bases.iter().all(is_base)
        && (qualities == b"*" || qualities.len() == bases.len())
}

/// A variant: eight columns of known kind (VCFv4.5 section 1.6).
fn is_call(line: &[u8]) -> bool {
    let [_, position, _, reference, alternative, quality, filter, info, ..] = columns(line)[..] else { return false };
    let allele =
        |b: &u8| is_base(b) || matches!(b, b'<' | b'>' | b',' | b'[' | b']' | b':' | b'_') || b.is_ascii_alphanumeric();
    let decimal = |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok());
    number(position).is_some()
        && !reference.is_empty()
        && reference.iter().all(is_base)
        && alternative.iter().all(allele)
        && (quality == b"." || decimal(quality))
        && !filter.is_empty()
        && (info == b"." || info.contains(&b'=') || info.iter().all(u8::is_ascii_uppercase))
}

/// A feature: nine columns of known kind (GFF3 1.26).
fn is_feature(line: &[u8]) -> bool {
    let [_, _, kind, start, end, _, strand, phase, attributes] = columns(line)[..] else { return false };
    number(start).zip(number(end)).is_some_and(|(start, end)| start <= end)
        && !kind.is_empty()
        && matches!(strand, b"+" | b"-" | b"." | b"?")
        && matches!(phase, b"0" | b"1" | b"2" | b".")
        && (attributes == b"." || attributes.contains(&b'=') || attributes.contains(&b'"'))
}

/// An interval (BED 1.0): a chromosome called so, or with `any` whatever stands there.
fn is_interval(line: &[u8], strand_needed: bool) -> bool {
    if line.starts_with(b"track ") || line.starts_with(b"browser ") {
        return true;
    }
    let columns = columns(line);
    let [chromosome, start, end, rest @ ..] = columns.as_slice() else { return false };
    let interval = number(start).zip(number(end)).is_some_and(|(start, end)| start <= end);
    let named = chromosome.strip_prefix(b"chr").is_some_and(|rest| !rest.is_empty() && rest.len() < 32);
    let stranded =
        matches!(rest, [_, score, b"+" | b"-" | b".", ..] if number(score).is_some_and(|score| score <= 1000));
    interval && chromosome.len() < 64 && if strand_needed { stranded } else { named }
}
