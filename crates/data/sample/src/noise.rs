//! Files of the kinds that fill a life-science share and hold no person's data: what a recogniser must stay silent on.

use std::fmt::Write as _;

use crate::random::Random;

/// Sequences in FASTA, at least `bytes` long.
#[must_use]
pub fn fasta(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::stream(seed, "fasta");
    let mut text = String::with_capacity(bytes + 8192);
    let mut record = 0;
    while text.len() < bytes {
        record += 1;
        let _ =
            writeln!(text, ">contig_{record:06} length=6000 cov={}.{}", random.within(8..=90), random.within(0..=9));
        for _ in 0..100 {
            bases(&mut random, &mut text, 60);
            text.push('\n');
        }
    }
    text.into_bytes()
}

/// Appends `count` bases, 32 from each random word.
pub(crate) fn bases(random: &mut Random, text: &mut String, count: usize) {
    let mut left = count;
    while left > 0 {
        let mut word = random.word();
        for _ in 0..left.min(32) {
            text.push(char::from(b"ACGT"[(word & 3) as usize]));
            word >>= 2;
        }
        left = left.saturating_sub(32);
    }
}

/// Variant calls without samples, at least `bytes` long.
#[must_use]
pub fn vcf(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::stream(seed, "vcf");
    let mut text = String::with_capacity(bytes + 1024);
    text.push_str("##fileformat=VCFv4.2\n");
    for contig in 1..=22 {
        let _ = writeln!(text, "##contig=<ID=chr{contig},length=248956422>");
    }
    text.push_str("##INFO=<ID=AF,Number=A,Type=Float,Description=\"Allele frequency\">\n");
    text.push_str("##INFO=<ID=MQ,Number=1,Type=Float,Description=\"Mapping quality\">\n");
    text.push_str(
        "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
    );
    let mut position = 10_000;
    while text.len() < bytes {
        position += random.within(1..=900);
        let (from, to) = (random.letter("ACGT"), random.letter("ACGT"));
        let _ = writeln!(
            text,
            "chr{}\t{position}\t.\t{from}\t{to}\t{}.{}\tPASS\tDP={};AF=0.{};MQ={}.{}",
            random.within(1..=22),
            random.within(20..=900),
            random.digits(2),
            random.within(8..=220),
            random.digits(4),
            random.within(20..=60),
            random.digits(2)
        );
    }
    text.into_bytes()
}

/// Source code in three languages' manner, at least `bytes` long.
#[must_use]
pub fn source_code(seed: u64, bytes: usize) -> Vec<u8> {
    const NOUNS: [&str; 24] = [
        "buffer",
        "record",
        "offset",
        "matrix",
        "sample_rate",
        "window",
        "table",
        "vertex",
        "cursor",
        "kernel",
        "index",
        "weight",
        "threshold",
        "channel",
        "frame",
        "segment",
        "header",
        "payload",
        "column",
        "bucket",
        "token",
        "grid",
        "score",
        "range",
    ];
    const VERBS: [&str; 12] =
        ["read", "write", "merge", "scale", "find", "append", "flush", "map", "count", "align", "sort", "clip"];
    let mut random = Random::stream(seed, "source");
    let mut text = String::with_capacity(bytes + 1024);
    while text.len() < bytes {
        let (noun, other, verb) = (random.pick(&NOUNS), random.pick(&NOUNS), random.pick(&VERBS));
        let (a, b) = (random.within(0..=65_535), random.within(1..=4096));
        let _ = match random.within(0..=5) {
            0 => writeln!(
                text,
                "def {verb}_{noun}(self, {other}, limit={b}):\n    \"\"\"{verb} every {noun} below {other}.\"\"\"\n    return [x for x in {other} if x.{noun} < {a}]\n"
            ),
            1 => writeln!(
                text,
                "pub fn {verb}_{noun}({other}: &[u8]) -> Option<usize> {{\n    let end = {other}.len().checked_sub({b})?;\n    {other}.get(..end).map(|s| s.iter().filter(|&&b| b > 0x{:02x}).count())\n}}\n",
                a % 256
            ),
            2 => writeln!(
                text,
                "static const uint32_t {}_{}[] = {{ 0x{:08x}, 0x{:08x}, {a}, {b} }};\n",
                noun.to_uppercase(),
                other.to_uppercase(),
                random.word() >> 32,
                random.word() >> 32
            ),
            3 => writeln!(
                text,
                "if ({noun}_{other} >= {a}) {{ /* {verb} when the {noun} is full */\n  {verb}({noun}, {other}, {b}.5f);\n}}\n"
            ),
            4 => writeln!(
                text,
                "// version {}.{}.{} -- {verb} {noun} in place, {b} bytes at a time\n#define {}_MAX {a}\n",
                b % 9,
                a % 20,
                b % 30,
                noun.to_uppercase()
            ),
            _ => writeln!(
                text,
                "assert_eq!({verb}_{noun}(&{other}[{}..{}]), {}.{});\n",
                b % 100,
                b % 100 + a % 50,
                a,
                random.digits(6)
            ),
        };
    }
    text.into_bytes()
}

/// A table of measurements, at least `bytes` long.
#[must_use]
pub fn numeric_table(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::stream(seed, "numbers");
    let mut text = String::with_capacity(bytes + 512);
    text.push_str("well,plate,dose_um,signal,background,ratio,cv,counts,area,flag\n");
    while text.len() < bytes {
        let _ = writeln!(
            text,
            "{}{:02},{},{}.{},{}.{},{}.{},0.{},{}.{},{},{},{}",
            random.letter("ABCDEFGH"),
            random.within(1..=12),
            random.within(1..=400),
            random.within(0..=100),
            random.digits(3),
            random.within(100..=99_999),
            random.digits(4),
            random.within(10..=999),
            random.digits(2),
            random.digits(6),
            random.within(0..=30),
            random.digits(2),
            random.number(9),
            random.number(7),
            random.within(0..=1)
        );
    }
    text.into_bytes()
}

/// Random bytes, exactly `bytes` of them, beginning with a zero byte.
#[must_use]
pub fn binary(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::stream(seed, "binary");
    let mut data = vec![0];
    data.reserve(bytes + 8);
    while data.len() < bytes {
        data.extend_from_slice(&random.word().to_le_bytes());
    }
    data.truncate(bytes);
    data
}
