//! Genomic files: VCF 4.2, SAM and BAM 1.6, FASTQ, GFF3, BED.

use std::fmt::Write as _;
use std::io;

use super::archive;
use crate::lexicon::words;
use crate::noise;
use crate::random::Random;

/// Chromosomes with invented lengths.
const CONTIGS: [(&str, u32); 3] = [("chr1", 248_956_422), ("chr2", 242_193_529), ("chr17", 83_257_441)];

/// Genotypes of samples at `records` places.
pub fn vcf(random: &mut Random, samples: &[String], records: usize) -> String {
    let mut text = String::from("##fileformat=VCFv4.2\n##source=AurelionCaller_2.4.1\n");
    for (name, length) in CONTIGS {
        let _ = writeln!(text, "##contig=<ID={name},length={length}>");
    }
    text.push_str("##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
    for sample in samples {
        let _ = write!(text, "\t{sample}");
    }
    text.push('\n');
    let mut position = 100_000;
    for record in 0..records {
        position += random.within(10..=2_000);
        let contig = CONTIGS.get(record * CONTIGS.len() / records.max(1)).map_or("chr1", |contig| contig.0);
        let _ = write!(
            text,
            "{contig}\t{position}\trs{}\t{}\t{}\t{}\tPASS\tDP={}\tGT",
            100_000_000 + random.within(0..=900_000_000),
            random.letter("AC"),
            random.letter("GT"),
            random.within(30..=900),
            random.within(10..=120)
        );
        for _ in samples {
            text.push_str(random.pick(&["\t0/0", "\t0/0", "\t0/1", "\t1/1"]));
        }
        text.push('\n');
    }
    text
}

/// A SAM header whose read groups carry the given sample names, with reads.
pub fn sam(random: &mut Random, samples: &[String], reads: usize) -> String {
    let mut text = sam_header(samples);
    let mut position = 10_000;
    for read in 0..reads {
        position += random.within(1..=300);
        let _ = write!(text, "read{read:06}\t0\tchr1\t{position}\t60\t100M\t*\t0\t0\t");
        noise::bases(random, &mut text, 100);
        let _ = writeln!(text, "\t{}\tRG:Z:rg{}", "F".repeat(100), read % samples.len().max(1));
    }
    text
}

fn sam_header(samples: &[String]) -> String {
    let mut text = String::from("@HD\tVN:1.6\tSO:coordinate\n");
    for (name, length) in CONTIGS {
        let _ = writeln!(text, "@SQ\tSN:{name}\tLN:{length}");
    }
    for (i, sample) in samples.iter().enumerate() {
        let _ = writeln!(text, "@RG\tID:rg{i}\tSM:{sample}\tLB:lib{i}\tPL:ILLUMINA\tCN:Aurelion Bio");
    }
    text.push_str("@PG\tID:aligner\tPN:aligner\tVN:0.7.17\tCL:aligner mem -t 8 ref.fa reads.fq\n");
    text
}

/// The same as BAM, with unpaired mapped reads of 100 bases.
pub fn bam(random: &mut Random, samples: &[String], reads: usize) -> io::Result<Vec<u8>> {
    let header = sam_header(samples);
    let mut bytes = b"BAM\x01".to_vec();
    let number = |bytes: &mut Vec<u8>, value: usize| bytes.extend(u32::try_from(value).unwrap_or(0).to_le_bytes());
    number(&mut bytes, header.len());
    bytes.extend(header.as_bytes());
    number(&mut bytes, CONTIGS.len());
    for (name, length) in CONTIGS {
        number(&mut bytes, name.len() + 1);
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.extend(length.to_le_bytes());
    }
    let mut position = 10_000_u32;
    for read in 0..reads {
        position += random.within(1..=300);
        let record = alignment(random, read, position);
        number(&mut bytes, record.len());
        bytes.extend(record);
    }
    archive::bgzf(&bytes)
}

/// One alignment record (section 4.2): fixed fields, name, one CIGAR operation of 100M, bases, qualities.
fn alignment(random: &mut Random, read: usize, position: u32) -> Vec<u8> {
    let name = format!("read{read:06}\0");
    let mut record = Vec::with_capacity(220);
    record.extend(0_u32.to_le_bytes());
    record.extend(position.to_le_bytes());
    record.push(u8::try_from(name.len()).unwrap_or(0));
    record.push(60);
    let first_bin = 4681 + (position >> 14);
    record.extend(u16::try_from(first_bin & 0xFFFF).unwrap_or(0).to_le_bytes());
    record.extend(1_u16.to_le_bytes());
    record.extend(0_u16.to_le_bytes());
    record.extend(100_u32.to_le_bytes());
    record.extend((-1_i32).to_le_bytes());
    record.extend((-1_i32).to_le_bytes());
    record.extend(0_u32.to_le_bytes());
    record.extend(name.as_bytes());
    record.extend((100_u32 << 4).to_le_bytes());
    for _ in 0..50 {
        record.push(random.pick(&[0x11, 0x12, 0x14, 0x18, 0x21, 0x22, 0x41, 0x42, 0x48, 0x81, 0x84, 0x88]));
    }
    record.extend([37; 100]);
    record
}

/// Reads with qualities.
pub fn fastq(random: &mut Random, reads: usize) -> String {
    let mut text = String::with_capacity(reads * 260);
    let quality = "F".repeat(90) + "FFF:FFF,#F";
    for read in 0..reads {
        let _ = writeln!(text, "@AUR01:12:HFLOWCELL:1:{}:{}:{}", 1101 + read % 8, read, random.within(1000..=30_000));
        noise::bases(random, &mut text, 100);
        let _ = writeln!(text, "\n+\n{quality}");
    }
    text
}

/// Annotations of invented places of real gene symbols.
pub fn gff(random: &mut Random, features: usize) -> String {
    let mut text = String::from("##gff-version 3\n");
    let mut position = 1_000;
    for feature in 0..features {
        position += random.within(100..=5_000);
        let _ = writeln!(
            text,
            "chr1\taurelion\texon\t{position}\t{}\t.\t+\t.\tID=exon{feature};gene={}",
            position + random.within(80..=400),
            random.pick(words("gene"))
        );
    }
    text
}

/// Intervals.
pub fn bed(random: &mut Random, intervals: usize) -> String {
    let mut text = String::from("track name=targets description=\"panel targets\"\n");
    let mut position = 1_000;
    for interval in 0..intervals {
        position += random.within(100..=5_000);
        let _ = writeln!(text, "chr17\t{position}\t{}\ttarget{interval}\t0\t+", position + 120);
    }
    text
}
