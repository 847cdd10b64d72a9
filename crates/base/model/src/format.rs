//! The formats that objects are read in.

use crate::closed_set;

closed_set! {
    /// What an object's bytes turned out to be, recognised by content and not by name.
    Format, "format", {
        /// Prose, Markdown, source code, logs: anything readable without a finer structure.
        Text = "text",
        /// Delimited tables, whatever the delimiter.
        Csv = "csv",
        /// One JSON document.
        Json = "json",
        /// One JSON document a line.
        Ndjson = "ndjson",
        /// XML without a finer vocabulary.
        Xml = "xml",
        /// HTML of any version.
        Html = "html",
        /// HL7 v2 messages, single or batched.
        Hl7 = "hl7",
        /// FHIR resources, as JSON or NDJSON.
        Fhir = "fhir",
        /// HL7 CDA documents.
        Ccda = "ccda",
        /// DICOM files, with or without preamble.
        Dicom = "dicom",
        /// SAS transport files, version 5 or 8.
        Xpt = "xpt",
        /// CDISC Dataset-JSON, as JSON or NDJSON.
        DatasetJson = "dataset-json",
        /// CDISC ODM and Define-XML.
        Odm = "odm",
        /// Variant calls, text.
        Vcf = "vcf",
        /// Variant calls, binary.
        Bcf = "bcf",
        /// Alignments, text.
        Sam = "sam",
        /// Alignments, binary.
        Bam = "bam",
        /// Alignments, reference-compressed.
        Cram = "cram",
        /// Sequences.
        Fasta = "fasta",
        /// Sequences with qualities.
        Fastq = "fastq",
        /// Genome annotations (GFF3, GTF).
        Gff = "gff",
        /// Genome intervals.
        Bed = "bed",
        /// Structures with data (SDF, MOL).
        Sdf = "sdf",
        /// Lists of SMILES strings.
        Smiles = "smiles",
        /// Macromolecular structures (PDB, mmCIF).
        Pdb = "pdb",
        /// Office Open XML workbook.
        Xlsx = "xlsx",
        /// Binary Excel workbook.
        Xls = "xls",
        /// OpenDocument spreadsheet.
        Ods = "ods",
        /// Office Open XML document.
        Docx = "docx",
        /// Office Open XML presentation.
        Pptx = "pptx",
        /// OpenDocument text or presentation.
        Odt = "odt",
        /// Portable Document Format.
        Pdf = "pdf",
        /// Rich Text Format.
        Rtf = "rtf",
        /// One e-mail message.
        Eml = "eml",
        /// A mailbox of messages.
        Mbox = "mbox",
        /// Apache Parquet.
        Parquet = "parquet",
        /// Apache Arrow IPC file or stream.
        Arrow = "arrow",
        /// SQLite database file.
        Sqlite = "sqlite",
        /// Raster images (their metadata is read).
        Image = "image",
        /// ZIP archive.
        Zip = "zip",
        /// Tape archive.
        Tar = "tar",
        /// gzip or BGZF stream.
        Gzip = "gzip",
        /// Zstandard stream.
        Zstd = "zstd",
        /// xz stream.
        Xz = "xz",
        /// bzip2 stream.
        Bzip2 = "bzip2",
        /// 7-Zip archive.
        SevenZip = "7z",
        /// Anything else: readable strings in it are still looked at.
        Binary = "binary",
    }
}
