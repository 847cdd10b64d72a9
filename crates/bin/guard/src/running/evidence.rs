//! Part of the record, kept apart as evidence: each entry about something, with the proof that it is in the record.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::exposing::ExposureRequest;
use crate::lakeside::LakesideError;
use crate::ops::OpsError;
use crate::{Guarded, private};

/// Evidence lies here, below the data folder.
const EVIDENCE: &str = "evidence";
/// Entries of one piece of evidence. Further ones stay in the record, which is told in the last line.
const ENTRIES_MAX: usize = 20_000;

/// What was kept.
pub(super) struct Kept {
    /// Entries.
    pub entries: usize,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

impl Guarded {
    /// Keeps entries about something as a file of that name: a JSON object a line, as `lazaret hunt --prove` gives them.
    pub(super) async fn keep_evidence(&self, asked: &ExposureRequest, name: &str) -> Result<Kept, OpsError> {
        let wanted = self.wanted(asked).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let snapshot = self.lakeside.snapshot(&self.data_dir)?;
        let reading = tokio::task::spawn_blocking(move || {
            let found = snapshot.accesses(&wanted, vec![Vec::new()], |entries: &mut Vec<u64>, touched| {
                entries.push(touched.entry);
            })?;
            Ok::<_, lake::LakeError>(found.into_iter().flatten().collect::<Vec<u64>>())
        });
        let entries = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let mut entries = entries.map_err(LakesideError::Lake)?;
        if let Some(finding) = asked.finding {
            let evidence = store::findings::evidence(&self.store, finding).await?;
            entries.extend(evidence.into_iter().map(|(entry, _)| entry));
        }
        entries.sort_unstable();
        entries.dedup();
        let more = entries.len().saturating_sub(ENTRIES_MAX);
        entries.truncate(ENTRIES_MAX);
        let mut text = String::new();
        for entry in &entries {
            text.push_str(&self.prove(*entry).await?.to_string());
            text.push('\n');
        }
        if more > 0 {
            text.push_str(&serde_json::json!({ "left_in_the_record": more }).to_string());
            text.push('\n');
        }
        let folder = self.data_dir.join(EVIDENCE);
        private(&folder).map_err(|error| OpsError::Wrong(error.to_string()))?;
        let sha256 = incidents::sha256_hex(text.as_bytes());
        let path = folder.join(name);
        let writing = tokio::task::spawn_blocking(move || write(&path, &text).map_err(|error| (path, error)));
        let written = writing.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        written.map_err(|(path, error)| {
            OpsError::Wrong(format!(
                "`{}` could not be written: {error}; check its owner and free space",
                path.display()
            ))
        })?;
        Ok(Kept { entries: entries.len(), sha256 })
    }
}

/// Whole or not at all.
fn write(path: &PathBuf, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
