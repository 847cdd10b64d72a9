//! Asking a witness to cosign the latest checkpoint (C2SP tlog-witness).

use verify::bytes::decimal;
use verify::entry::{self, Kind};
use verify::names;
use verify::note::{Checkpoint, Note, VerifierKey};
use verify::witness::Request;

use crate::{Ledger, LedgerError, Receipt, http};

impl Ledger {
    /// Publishes a checkpoint, has the witness at `url` cosign it, and records that in the log. `old` is the size that it
    /// is believed to have seen last; a witness that knows better is asked once more. Waits for the network on the
    /// calling thread: call it where that is allowed.
    ///
    /// # Errors
    /// When the witness cannot be reached, answers with a signature that does not fit, or has seen another log of this
    /// name ([`LedgerError::Fork`]).
    pub async fn witness(&self, url: &str, key: &VerifierKey, old: u64) -> Result<Receipt, LedgerError> {
        let remote = |what: String| LedgerError::Remote { url: url.to_owned(), what };
        let note = self.publish().await?;
        let size = Checkpoint::parse(&Note::parse(note.as_bytes())?.text)?.size;
        let address = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let mut old = old.min(size);
        for _ in 0..2 {
            let request = Request { old, proof: self.prove_consistency(old, size)?, note: note.clone() };
            let response = http::post(&address, "text/plain", request.encode().as_bytes())?;
            let text = String::from_utf8_lossy(&response.body).into_owned();
            match response.status {
                200 => return self.keep_cosigned(url, key, &note, &text).await,
                409 => match decimal(text.trim_end()) {
                    Some(seen) if seen < size && seen != old => old = seen,
                    Some(seen) => return Err(LedgerError::Fork { url: url.to_owned(), size: seen }),
                    None => return Err(remote("a conflict without a size".to_owned())),
                },
                422 => return Err(LedgerError::Fork { url: url.to_owned(), size: old }),
                status => return Err(remote(format!("status {status}"))),
            }
        }
        Err(remote("it names another size each time".to_owned()))
    }

    async fn keep_cosigned(
        &self,
        url: &str,
        key: &VerifierKey,
        note: &str,
        lines: &str,
    ) -> Result<Receipt, LedgerError> {
        let line = lines.lines().find(|line| {
            verify::note::signature(line).is_ok_and(|line| line.id == key.id() && line.name == key.name())
        });
        let what = || LedgerError::Remote { url: url.to_owned(), what: "no signature by its key".to_owned() };
        let cosigned = format!("{note}{}\n", line.ok_or_else(what)?);
        Note::parse(cosigned.as_bytes())?.verify_cosignature(key)?;
        let receipt = self.append_body(Kind::Cosigned, entry::cosigned(key, &cosigned)?).await?;
        self.copy(names::COSIGNED, &receipt.index.to_string(), cosigned.as_bytes())?;
        Ok(receipt)
    }

    /// Puts a copy of what the log holds where other programs find it. What was begun by a crash is no copy yet.
    pub(crate) fn copy(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        self.disk.create_folder(folder).map_err(LedgerError::io("create", folder))?;
        let path = format!("{folder}/{name}");
        crate::disk::replace(&*self.disk, &path, bytes).map_err(LedgerError::io("write", &path))
    }
}
