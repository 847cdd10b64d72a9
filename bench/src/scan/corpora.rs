//! Generated files of each kind, written piece by piece so that making them takes no memory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use sample::{noise, notes};

use super::Options;

/// What a corpus holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Clinical notes and letters, nine of ten in English.
    Notes,
    /// A table of patients with a note in its last column.
    Csv,
    /// Sequences.
    Fasta,
    /// Random bytes.
    Binary,
    /// Variant calls.
    Vcf,
    /// Source code.
    SourceCode,
    /// A table of measurements.
    Numbers,
}

const PIECE_BYTES: usize = 4 << 20;
/// A shorter piece might be nothing but its header.
const PIECE_BYTES_MIN: usize = 64 << 10;
/// Rows of a table of patients that make about [`PIECE_BYTES`].
const PIECE_ROWS: usize = 4096;

/// The file of a kind, made when it is not there yet.
pub(super) fn file(kind: Kind, options: &Options) -> Result<PathBuf> {
    let path = options.data.join(format!("{kind:?}-{}.data", options.megabytes).to_lowercase());
    if path.exists() {
        return Ok(path);
    }
    let partial = path.with_extension("partial");
    let mut out =
        BufWriter::new(File::create(&partial).with_context(|| format!("cannot write `{}`", partial.display()))?);
    let wanted = options.megabytes * 1_000_000;
    let (mut written, mut seed) = (0, 1);
    while written < wanted {
        let piece = piece(kind, seed, PIECE_BYTES.min(wanted - written).max(PIECE_BYTES_MIN));
        let body = if seed == 1 { &piece[..] } else { without_header(kind, &piece) };
        out.write_all(body)?;
        written += body.len();
        seed += 1;
    }
    out.flush()?;
    std::fs::rename(&partial, &path)?;
    Ok(path)
}

fn piece(kind: Kind, seed: u64, bytes: usize) -> Vec<u8> {
    match kind {
        Kind::Notes => notes::corpus(seed, bytes).into_bytes(),
        Kind::Csv => notes::csv(seed, PIECE_ROWS).0.into_bytes(),
        Kind::Fasta => noise::fasta(seed, bytes),
        Kind::Binary => noise::binary(seed, bytes),
        Kind::Vcf => noise::vcf(seed, bytes),
        Kind::SourceCode => noise::source_code(seed, bytes),
        Kind::Numbers => noise::numeric_table(seed, bytes),
    }
}

/// A later piece of a table goes on below the first one's header.
fn without_header(kind: Kind, piece: &[u8]) -> &[u8] {
    let is_header = |line: &[u8]| match kind {
        Kind::Csv => line.starts_with(b"patient_id,"),
        Kind::Numbers => line.starts_with(b"well,"),
        Kind::Vcf => line.starts_with(b"#"),
        Kind::Notes | Kind::Fasta | Kind::Binary | Kind::SourceCode => false,
    };
    let mut rest = piece;
    while is_header(rest)
        && let Some(end) = rest.iter().position(|&byte| byte == b'\n')
    {
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    rest
}
