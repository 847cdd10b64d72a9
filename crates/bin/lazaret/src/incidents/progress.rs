//! How far the e-mails of some letters are, as a file of the data folder: numbers of rows of the very table that was agreed to, and nothing of
//! what stands in them.
//!
//! The first line names the table by its digest, the incident and the letters. Each further line is a row: `b` its message begins to leave, `s` it
//! was sent, `r` it was refused (with the server's code), `d` it is to be tried later. A row that begins and has no other line was on its way when
//! the program was stopped.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::data::create_private;
use crate::failure::Failure;

/// Where these files lie, below the data folder.
const FOLDER: &str = "letters";

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// Its message was on its way, and nobody knows whether it left.
    Begun,
    /// It was sent.
    Sent,
    /// The address was refused.
    Refused,
    /// It is to be tried later.
    Deferred,
}

/// Which letters.
pub(super) struct Of<'a> {
    /// The incident, by its random name.
    pub(super) uid: &'a str,
    /// The letters.
    pub(super) letters: u64,
    /// The SHA-256 of the table.
    pub(super) sha256: &'a str,
    /// To how many the incident says that it was sent, or that they were refused.
    pub(super) told: u64,
}

/// How far it is.
#[derive(Debug)]
pub(super) struct Progress {
    /// Locked as long as this is: one program at a time sends.
    file: File,
    path: PathBuf,
    rows: HashMap<u64, Row>,
}

impl Progress {
    /// Opens it, or begins it.
    pub(super) fn open(data_dir: &Path, of: &Of<'_>, anew: bool) -> Result<Self, Failure> {
        let folder = data_dir.join(FOLDER);
        create_private(&folder)?;
        let path = folder.join(format!("{}-{}.progress", of.uid, of.letters));
        let failed = |error: std::io::Error| {
            Failure::failed("letters", anyhow::anyhow!("`{}` cannot be read or written: {error}", path.display()))
        };
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Failure::usage("these letters are being sent right now").hint("wait until that ends"));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let header = format!("lazaret letters 1 {} {} {}", of.sha256, of.uid, of.letters);
        if anew || text.is_empty() {
            if !anew && of.told > 0 {
                return Err(lost(&path, of.told, 0));
            }
            file.set_len(0).map_err(failed)?;
            file.write_all(format!("{header}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
            return Ok(Self { file, path, rows: HashMap::new() });
        }
        // A line that was cut by the end of the machine was never acknowledged.
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        let mut lines = text.get(..whole).unwrap_or_default().lines();
        if lines.next() != Some(&header) {
            return Err(Failure::usage(format!("`{}` is not about this table", path.display()))
                .hint("put the file back as it was; it says to whom was written already"));
        }
        let mut rows = HashMap::new();
        for (at, line) in lines.enumerate() {
            let (row, outcome) = parsed(line).ok_or_else(|| {
                Failure::usage(format!("line {} of `{}` cannot be read", at + 2, path.display()))
                    .hint("put the file back as it was; it says to whom was written already")
            })?;
            rows.insert(row, outcome);
        }
        let own = Self { file, path, rows };
        let known = own.rows.len() as u64;
        if known < of.told {
            return Err(lost(&own.path, of.told, known));
        }
        Ok(own)
    }

    /// What became of a row.
    pub(super) fn of(&self, row: u64) -> Option<Row> {
        self.rows.get(&row).copied()
    }

    /// How many were sent, and how many refused.
    pub(super) fn counts(&self) -> (u64, u64) {
        let count = |what: Row| self.rows.values().filter(|row| **row == what).count() as u64;
        (count(Row::Sent), count(Row::Refused))
    }

    /// Says that a row's message begins to leave.
    pub(super) fn begin(&mut self, row: u64) -> Result<(), Failure> {
        self.write(&format!("b {row}\n"), false)?;
        self.rows.insert(row, Row::Begun);
        Ok(())
    }

    /// Says what became of it, durably; `codes` are the server's.
    pub(super) fn end(&mut self, row: u64, outcome: Row, codes: &str) -> Result<(), Failure> {
        let letter = match outcome {
            Row::Begun => 'b',
            Row::Sent => 's',
            Row::Refused => 'r',
            Row::Deferred => 'd',
        };
        let line = format!("{letter} {row} {codes}");
        self.write(&format!("{}\n", line.trim_end()), true)?;
        self.rows.insert(row, outcome);
        Ok(())
    }

    fn write(&mut self, line: &str, is_synced: bool) -> Result<(), Failure> {
        let written = self.file.write_all(line.as_bytes());
        let written = if is_synced { written.and_then(|()| self.file.sync_data()) } else { written };
        written.map_err(|error| {
            let why = anyhow::anyhow!("`{}` cannot be written: {error}", self.path.display());
            Failure::failed("letters", why).hint("make room on the disk; the same command goes on then")
        })
    }
}

fn lost(path: &Path, told: u64, known: u64) -> Failure {
    Failure::usage(format!(
        "`{}` knows of {known} messages, and the incident of {told} that were sent or refused",
        path.display()
    ))
    .hint("bring the file back from a backup; `--anew` writes to everybody again, also to those who have the letter")
}

fn parsed(line: &str) -> Option<(u64, Row)> {
    let mut words = line.split(' ');
    let outcome = match words.next()? {
        "b" => Row::Begun,
        "s" => Row::Sent,
        "r" => Row::Refused,
        "d" => Row::Deferred,
        _ => return None,
    };
    Some((words.next()?.parse().ok()?, outcome))
}

#[cfg(test)]
mod tests {
    use super::{Of, Progress, Row};

    #[test]
    fn what_was_sent_is_known_after_a_kill_and_what_is_lost_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let of = |told| Of { uid: "u", letters: 9, sha256: "00", told };
        let mut progress = Progress::open(folder.path(), &of(0), false).unwrap();
        for row in 1..=3 {
            progress.begin(row).unwrap();
        }
        progress.end(1, Row::Sent, "250").unwrap();
        progress.end(2, Row::Refused, "550 5.1.1").unwrap();
        assert!(format!("{:?}", Progress::open(folder.path(), &of(0), false).unwrap_err()).contains("right now"));
        drop(progress);
        let path = folder.path().join("letters/u-9.progress");
        let mut text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("s 1 250\nr 2 550 5.1.1\n"), "{text}");
        // The machine ended while a line was written.
        text.push_str("s 4");
        std::fs::write(&path, &text).unwrap();
        let progress = Progress::open(folder.path(), &of(2), false).unwrap();
        assert_eq!(progress.counts(), (1, 1));
        assert_eq!(
            [1, 2, 3, 4].map(|row| progress.of(row)),
            [Some(Row::Sent), Some(Row::Refused), Some(Row::Begun), None]
        );
        drop(progress);
        let lost = Progress::open(folder.path(), &of(4), false).unwrap_err();
        assert!(format!("{lost:?}").contains("knows of 3"), "{lost:?}");
        std::fs::write(&path, text.replace("b 3", "x 3")).unwrap();
        assert!(format!("{:?}", Progress::open(folder.path(), &of(0), false).unwrap_err()).contains("line 4"));
        let other = Of { sha256: "01", ..of(0) };
        assert!(format!("{:?}", Progress::open(folder.path(), &other, false).unwrap_err()).contains("not about"));
        std::fs::remove_file(&path).unwrap();
        assert!(Progress::open(folder.path(), &of(1), false).is_err(), "it was lost");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Progress::open(folder.path(), &of(1), true).unwrap().counts(), (0, 0));
    }
}
