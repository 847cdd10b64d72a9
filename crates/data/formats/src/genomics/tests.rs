use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use model::Format;
use proptest::prelude::*;

use crate::testing::{Recorder, corpus, survives_truncation};

fn files() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = corpus("genomics") else { return Vec::new() };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_corpus_file_is_what_its_name_says() {
    for (name, bytes) in files() {
        let expected = match name.rsplit('.').next().unwrap() {
            "sam" => Format::Sam,
            "bam" => Format::Bam,
            "vcf" => Format::Vcf,
            "fa" => Format::Fasta,
            _ => continue,
        };
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let seen = Recorder::proved(&bytes);
        assert_eq!(seen.formats.first(), Some(&expected), "{name}");
        assert!(!seen.fields.is_empty() || bytes.len() < 40, "{name}");
        assert_eq!(Recorder::read_stream(&bytes, 77).fields.len(), seen.fields.len(), "{name}");
    }
}

#[test]
fn samples_read_groups_and_command_lines_are_reported() {
    let vcf = b"##fileformat=VCFv4.2\n##SAMPLE=<ID=NA1,Description=\"blood, \\\"left\\\"\">\n\
        ##bcftoolsCommand=view -o /home/x/y.vcf\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNA1\tNA2\n\
        1\t10\trs6054257\tG\tA\t29\tPASS\tDP=1\tGT:DP\t0|1:3\t1|1:4\n";
    let seen = Recorder::proved(vcf);
    assert_eq!((seen.format(), seen.problems.len()), (Format::Vcf, 0));
    assert_eq!(seen.values("VCF.sample"), ["NA1", "NA2"]);
    assert_eq!(seen.values("VCF.SAMPLE.Description"), ["blood, \\\"left\\\""]);
    assert_eq!(seen.values("VCF.commandline"), ["view -o /home/x/y.vcf"]);
    assert_eq!((seen.values("VCF.ID"), seen.values("VCF.genotype")), (vec!["rs6054257"], vec!["0|1"]));
    let sam = b"@HD\tVN:1.6\n@RG\tID:a\tSM:donor-1\tDS:left knee\n@CO\tfree text\n";
    let seen = Recorder::proved(sam);
    assert_eq!((seen.format(), seen.values("SAM.RG.SM")), (Format::Sam, vec!["donor-1"]));
    assert_eq!((seen.field("SAM.CO").value.as_str(), seen.field("SAM.CO").place.as_str()), ("free text", "line 3"));
}

#[test]
fn a_bam_header_comes_out_of_its_blocks() {
    let text = b"@HD\tVN:1.6\n@RG\tID:a\tSM:donor-1\n";
    let mut inner = b"BAM\x01".to_vec();
    inner.extend((text.len() as u32).to_le_bytes());
    inner.extend(text);
    inner.extend(0_u32.to_le_bytes());
    let seen = Recorder::read(&inner);
    assert_eq!((seen.format(), seen.values("BAM.RG.SM")), (Format::Bam, vec!["donor-1"]));
    assert_eq!(seen.fields[1].place, "@RG[1].ID");
    survives_truncation(&inner);
}

/// A file of version 3 whose header block is compressed by `method`.
fn cram(method: u8, text: &[u8]) -> Vec<u8> {
    let mut content = (text.len() as u32).to_le_bytes().to_vec();
    content.extend(text);
    let packed = match method {
        0 => content.clone(),
        _ => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(&content).unwrap();
            gzip.finish().unwrap()
        }
    };
    let mut file = b"CRAM\x03\x00".to_vec();
    file.extend([0; 20]);
    file.extend((packed.len() as u32 + 9).to_le_bytes());
    file.extend([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    file.extend([method, 0, 0, packed.len() as u8, content.len() as u8]);
    file.extend(packed);
    file.extend([0; 4]);
    file
}

#[test]
fn a_cram_header_is_read_raw_and_compressed() {
    for method in [0, 1] {
        let file = cram(method, b"@HD\tVN:1.6\n@RG\tID:a\tSM:donor-1\n");
        let seen = Recorder::read(&file);
        assert_eq!((seen.format(), seen.problems.as_slice()), (Format::Cram, [].as_slice()));
        assert_eq!(seen.values("CRAM.RG.SM"), ["donor-1"]);
        survives_truncation(&file);
    }
}

#[test]
fn sequences_and_annotations_are_told_from_prose_and_tables() {
    let cases: [(&[u8], Format); 8] = [
        (b">sp|P1 insulin\nMALWMRLLPLLALLALWGPDPAAA\n", Format::Fasta),
        (b"> quoted mail\nand my answer\n", Format::Text),
        (b"@read1\nACGT\n+\nIIII\n@read2\nAC\n+\nII\n", Format::Fastq),
        (b"##gff-version 3\nchr1\tx\tgene\t1\t9\t.\t+\t.\tID=a\n", Format::Gff),
        (b"chr1\tHAVANA\tgene\t1\t9\t.\t+\t.\tgene_id \"G\"; note \"x\";\n", Format::Gff),
        (b"chr1\t10\t20\tpeak1\nchr1\t30\t40\tpeak2\n", Format::Bed),
        (b"track name=x\nchr1\t10\t20\n", Format::Bed),
        (b"@annotation\npublic class A {\n+ 1\n}\n", Format::Text),
    ];
    for (bytes, expected) in cases {
        let seen = Recorder::proved(bytes);
        let is = seen.format();
        if expected == Format::Text {
            assert!(!matches!(is, Format::Fasta | Format::Fastq | Format::Gff | Format::Bed), "{is:?} {bytes:?}");
        } else {
            assert_eq!(is, expected);
            assert_eq!(seen.problems, []);
        }
    }
}

#[test]
fn no_other_corpus_is_taken_for_science() {
    let science = |format: Format| {
        matches!(
            format,
            Format::Vcf | Format::Bcf | Format::Sam | Format::Bam | Format::Cram | Format::Fasta | Format::Fastq
        ) || matches!(format, Format::Gff | Format::Bed | Format::Sdf | Format::Smiles | Format::Pdb | Format::Image)
            || matches!(format, Format::Dicom | Format::Xpt | Format::DatasetJson | Format::Odm)
    };
    for folder in ["text", "fhir", "hl7", "secrets", "cdisc", "../logs", "../sigma/rules", "../oscal", "../prompts"] {
        let mut open: Vec<_> = corpus(folder).into_iter().collect();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let mut head = Vec::new();
                std::fs::File::open(&path).unwrap().take(64 * 1024).read_to_end(&mut head).unwrap();
                let format = crate::detect(&head, head.len() < 64 * 1024);
                let name = path.to_string_lossy();
                let expected = match path.extension().and_then(|e| e.to_str()) {
                    Some("xpt") => Some(Format::Xpt),
                    Some("json" | "ndjson") if name.contains("/cdisc/") => Some(Format::DatasetJson),
                    Some("xml") if name.contains("/cdisc/") => Some(Format::Odm),
                    _ => None,
                };
                match expected {
                    Some(expected) => assert_eq!(format, expected, "{name}"),
                    None => assert!(!science(format), "{name} is taken for {format:?}"),
                }
            }
        }
    }
}

#[test]
fn every_truncation_is_survived() {
    for (name, bytes) in files() {
        if bytes.len() < 700 {
            survives_truncation(&bytes);
        } else if name.ends_with(".bam") {
            for end in (0..bytes.len()).step_by(97) {
                Recorder::read(&bytes[..end]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_files_are_survived(choice in any::<prop::sample::Index>(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let files = files();
        if !files.is_empty() {
            let mut bytes = choice.get(&files).1.clone();
            for (at, byte) in flips {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            Recorder::read(&bytes);
        }
    }
}
