//! What lay in watched folders when a backup was made: names, lengths and how random their content looks. Kept in the snapshot,
//! where whoever encrypts the folders cannot reach it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::piece::{Content, Problem, walk};

/// Where the listing lies in a snapshot.
pub const LISTING: &str = "listing.jsonl";
/// Bytes that are looked at in each of two places.
const SAMPLE_BYTES: usize = 4096;
/// Files of a folder that are listed.
const FILES_MAX: usize = 2_000_000;

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The watched folder.
    pub folder: String,
    /// Its path below it.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970, UTC.
    pub modified_ns: i64,
    /// Shannon entropy of its beginning and its middle, in bits a byte: 8 is what encryption looks like. None for short files.
    pub entropy: Option<f32>,
}

/// Lists a folder. Files of `before` that have not changed are not opened.
pub fn look(folder: &Path, before: &[Seen], problems: &mut Vec<Problem>) -> Vec<Seen> {
    let name = folder.display().to_string();
    let known: std::collections::HashMap<&str, &Seen> =
        before.iter().filter(|seen| seen.folder == name).map(|seen| (seen.path.as_str(), seen)).collect();
    let mut pieces = Vec::new();
    walk(folder, "w", &|_| false, &mut pieces, problems);
    let mut found = Vec::new();
    for piece in pieces {
        let (Content::File(from), Some(path)) = (&piece.content, piece.path.strip_prefix("w/")) else { continue };
        if found.len() == FILES_MAX {
            problems.push(Problem { path: name, why: format!("only the first {FILES_MAX} files are watched") });
            break;
        }
        let same = known.get(path).filter(|seen| seen.bytes == piece.bytes && seen.modified_ns == piece.modified_ns);
        let entropy = match same {
            Some(seen) => seen.entropy,
            None => match sample(from, piece.bytes) {
                Ok(entropy) => entropy,
                Err(error) => {
                    problems.push(Problem { path: format!("{name}/{path}"), why: error.to_string() });
                    continue;
                }
            },
        };
        let (bytes, modified_ns) = (piece.bytes, piece.modified_ns);
        found.push(Seen { folder: name.clone(), path: path.to_owned(), bytes, modified_ns, entropy });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A listing as it is kept.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn write(all: &[Seen]) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    for seen in all {
        serde_json::to_writer(&mut text, seen)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// A listing that was kept. Lines that cannot be read are left out.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Seen> {
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The entropy of a file's beginning and middle. A file that is encrypted only in parts is encrypted at its beginning.
fn sample(path: &Path, bytes: u64) -> io::Result<Option<f32>> {
    if bytes < SAMPLE_BYTES as u64 {
        return Ok(None);
    }
    let file = File::open(path)?;
    let mut highest = None;
    for offset in [0, bytes / 2] {
        let mut buffer = vec![0; SAMPLE_BYTES];
        let read = file.read_at(&mut buffer, offset)?;
        let found = entropy(buffer.get(..read).unwrap_or_default());
        // Behind the last whole sample too few bytes say little.
        if read >= SAMPLE_BYTES / 2 {
            highest = Some(highest.map_or(found, |highest: f32| highest.max(found)));
        }
    }
    Ok(highest)
}

/// Shannon entropy in bits a byte.
#[must_use]
pub fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a few thousand bytes")]
    let all = bytes.len() as f32;
    #[expect(clippy::cast_precision_loss, reason = "at most a few thousand bytes")]
    let of = |count: &u32| {
        let share = *count as f32 / all;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(of).sum()
}
