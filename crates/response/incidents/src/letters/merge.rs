//! One text and a table of recipients in, letters out.

use std::collections::HashSet;
use std::io::{self, Read};

use serde::Serialize;

use super::address::{Postal, block, is_whole};
use super::rows::{Rows, Start, TOO_LONG};
use super::{How, Kind, Letter, Prepared};
use crate::plan::shape;

/// Columns that a table may have, in any order; `address1` to `address5` are lines of the postal address. `id` and `name` have to be there, and
/// `address1` with `city`, or `email`. `email_agreed` says `yes` of those who agreed to notices by e-mail; `deceased` says `yes` of those who
/// have died, and `next_of_kin` names their next of kin or personal representative, whose address stands in the row then.
pub const COLUMNS: [&str; 15] = [
    "id", "name", "address1", "address2", "address3", "address4", "address5", "postcode", "city", "country", "email",
    "language", AGREED, DECEASED, KIN,
];
/// The column of which only letters under HIPAA take notice.
const AGREED: &str = "email_agreed";
const DECEASED: &str = "deceased";
const KIN: &str = "next_of_kin";
const LINES: [&str; 5] = ["address1", "address2", "address3", "address4", "address5"];

/// How much a merge takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows, without the header. Ids of rows that were read take 16 bytes each in memory, about 150 MB for five million.
    pub rows: u64,
    /// Characters of a field.
    pub field_chars: usize,
    /// Bytes of a row.
    pub row_bytes: usize,
    /// Faults that are told one by one; beyond, they are counted.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 5_000_000, field_chars: 1_000, row_bytes: 64 * 1024, faults: 1_000 }
    }
}

/// Why a merge ends before the table does.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The table cannot be read on.
    #[error("the table cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no text that is read here.
    #[error("the table is in UTF-16; save it as CSV in UTF-8")]
    Utf16,
    /// Its first line does not name its columns.
    #[error("the first line of the table: {why}; {remedy}")]
    Header {
        /// What is wrong.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// It has too many rows.
    #[error("the table has more than {0} rows; cut it in parts")]
    Rows(u64),
}

/// What is wrong with one row. It holds no value of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowFault {
    /// The line on which it begins, from 1; the header is line 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub why: String,
}

/// What a merge has done so far. At any time, rows = made + unreachable + duplicates + faults + kin_unreached + deceased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Rows that were read, without header and empty lines.
    pub rows: u64,
    /// Letters that go out.
    pub made: u64,
    /// Of these by post.
    pub by_post: u64,
    /// Of these by e-mail.
    pub by_email: u64,
    /// Letters that were made and reach nobody: see [`super::substitute`].
    pub unreachable: u64,
    /// Rows left out, because their id stood further up.
    pub duplicates: u64,
    /// Rows that are wrong. Whoever stands there was not written to: mend them and merge them again.
    pub faults: u64,
    /// The first of these.
    pub told: Vec<RowFault>,
    /// Of the letters by post, those to the next of kin or personal representatives of people who have died.
    pub kin: u64,
    /// People who have died, and of whose next of kin no address is known. Nothing takes the place of these letters (45 CFR 164.404(d)(2)).
    pub kin_unreached: u64,
    /// People who have died, where the law of the letters is about the living: nobody is written to.
    pub deceased: u64,
    /// Letters in another language than the one asked for, because there is no text in it.
    pub other_language: u64,
}

/// Letters, one by one. Ends after the first error.
pub struct Merge<R> {
    prepared: Prepared,
    rows: Rows<R>,
    limits: Limits,
    columns: Vec<&'static str>,
    /// Digests of ids.
    seen: HashSet<[u8; 16]>,
    merged: Merged,
    is_over: bool,
}

/// Counts, and no recipient.
impl<R> std::fmt::Debug for Merge<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merge").field("merged", &self.merged).finish_non_exhaustive()
    }
}

/// Merges a text with a table of recipients: CSV in UTF-8 whose first line names its columns ([`COLUMNS`]), parted by commas or semicolons.
///
/// # Errors
/// When the table cannot be read, or its first line does not name its columns.
pub fn merge<R: Read>(prepared: &Prepared, recipients: R, limits: Limits) -> Result<Merge<R>, MergeError> {
    let mut rows = Rows::new(recipients, limits.row_bytes);
    if rows.begin()? == Start::Utf16 {
        return Err(MergeError::Utf16);
    }
    let columns = match rows.next()? {
        None => return Err(header("it is empty", "name the columns there")),
        Some((_, Err(why))) => return Err(header(why, "name the columns there")),
        Some((_, Ok(fields))) => columns(&fields)?,
    };
    let (prepared, seen, merged) = (prepared.clone(), HashSet::new(), Merged::default());
    Ok(Merge { prepared, rows, limits, columns, seen, merged, is_over: false })
}

fn header(why: impl Into<String>, remedy: impl Into<String>) -> MergeError {
    MergeError::Header { why: why.into(), remedy: remedy.into() }
}

fn columns(fields: &[Vec<u8>]) -> Result<Vec<&'static str>, MergeError> {
    let mut columns: Vec<&'static str> = Vec::new();
    for field in fields {
        let name = String::from_utf8_lossy(field).trim().to_lowercase();
        let known = COLUMNS.into_iter().find(|known| *known == name);
        let Some(known) = known else {
            let shown: String = name.chars().take(40).filter(|c| shape::is_plain(*c)).collect();
            let remedy = format!("take out what letters do not need; columns are {}", COLUMNS.join(", "));
            return Err(header(format!("there is no column `{shown}`"), remedy));
        };
        if columns.contains(&known) {
            return Err(header(format!("the column `{known}` stands there twice"), "take one of them out"));
        }
        columns.push(known);
    }
    for needed in ["id", "name"] {
        if !columns.contains(&needed) {
            return Err(header(format!("the column `{needed}` is missing"), "add it"));
        }
    }
    let has = |column: &str| columns.contains(&column);
    let is_reachable = has("email") || (has("address1") && has("city"));
    if !is_reachable {
        return Err(header("nobody can be reached", "add `address1` and `city`, or `email`"));
    }
    Ok(columns)
}

impl<R> Merge<R> {
    /// What was done so far; after the last letter, all of it.
    #[must_use]
    pub const fn merged(&self) -> &Merged {
        &self.merged
    }

    /// What was done.
    #[must_use]
    pub fn into_merged(self) -> Merged {
        self.merged
    }

    /// What a row becomes.
    fn letter(&mut self, fields: Vec<Vec<u8>>) -> Result<Became, String> {
        let values = self.values(fields)?;
        let of = |column: &str| -> &str {
            let at = self.columns.iter().position(|one| *one == column);
            at.and_then(|at| values.get(at)).map_or("", String::as_str)
        };
        let (id, name, email) = (of("id"), of("name"), of("email"));
        if id.is_empty() {
            return Err("`id` is empty; give each recipient one".to_owned());
        }
        let digest = blake3::hash(id.as_bytes());
        let mut key = [0; 16];
        key.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        if self.seen.contains(&key) {
            return Ok(Became::Twice);
        }
        if name.is_empty() {
            return Err("`name` is empty; a letter needs one".to_owned());
        }
        let language = self.prepared.language(of("language"));
        let lines: Vec<&str> = LINES.into_iter().map(of).filter(|line| !line.is_empty()).collect();
        let (postcode, city, country) = (of("postcode"), of("city"), of("country"));
        let kin = of(KIN);
        let has_died = says_yes(DECEASED, of(DECEASED))?;
        if !has_died && !kin.is_empty() {
            return Err(format!("`{KIN}` is for people who have died; say so in `{DECEASED}`, or leave it empty"));
        }
        let postal = Postal { name: if has_died { kin } else { name }, lines, postcode, city, country };
        let how = match has_died {
            // First-class mail alone: nobody asked them whether they agree to e-mail.
            true if self.prepared.kind().writes_to_kin() && !kin.is_empty() && is_whole(&postal) => How::Post,
            true => {
                self.seen.insert(key);
                return Ok(if self.prepared.kind().writes_to_kin() { Became::KinUnreached } else { Became::Deceased });
            }
            false => how(&self.prepared, is_whole(&postal), email, of(AGREED))?,
        };
        let address = if is_whole(&postal) { block(&postal, language) } else { Vec::new() };
        let text =
            if has_died { self.prepared.text_to_kin(language, name, kin) } else { self.prepared.text(language, name) };
        let Some(text) = text else {
            return Err(format!("there is no text in `{language}`"));
        };
        let letter = Letter {
            recipient_id: id.to_owned(),
            language,
            how,
            address,
            email: (how == How::Email).then(|| email.to_owned()),
            sender: self.prepared.sender().to_vec(),
            subject: text.subject,
            text: text.text,
            to_kin: has_died,
        };
        let asked = of("language");
        let is_other = !asked.is_empty() && !asked.to_lowercase().starts_with(language);
        self.seen.insert(key);
        self.merged.other_language += u64::from(is_other);
        Ok(Became::Letter(letter))
    }

    /// Fields as texts of one line.
    fn values(&self, fields: Vec<Vec<u8>>) -> Result<Vec<String>, String> {
        if fields.len() != self.columns.len() {
            return Err(format!(
                "it has {} fields, and the first line {}; put fields with commas or semicolons in quotes",
                fields.len(),
                self.columns.len()
            ));
        }
        let mut values = Vec::with_capacity(fields.len());
        for (field, column) in fields.into_iter().zip(&self.columns) {
            let text = String::from_utf8(field).map_err(|error| {
                format!(
                    "`{column}` is no UTF-8 from byte {}; save the table in UTF-8",
                    error.utf8_error().valid_up_to()
                )
            })?;
            let text = text.trim().replace(['\n', '\r', '\t'], " ");
            if text.chars().nth(self.limits.field_chars).is_some() {
                return Err(format!("`{column}` is too long; {} characters are the most", self.limits.field_chars));
            }
            if !text.chars().all(shape::is_plain) {
                return Err(format!("`{column}` has characters that cannot be printed; write it anew"));
            }
            values.push(text);
        }
        Ok(values)
    }

    fn count(&mut self, line: u64, outcome: Result<Became, String>) -> Option<Letter> {
        self.merged.rows += 1;
        match outcome {
            Ok(Became::Twice) => {
                self.merged.duplicates += 1;
                None
            }
            Ok(Became::KinUnreached) => {
                self.merged.kin_unreached += 1;
                None
            }
            Ok(Became::Deceased) => {
                self.merged.deceased += 1;
                None
            }
            Ok(Became::Letter(letter)) => {
                self.merged.kin += u64::from(letter.to_kin);
                match letter.how {
                    How::Post => self.merged.by_post += 1,
                    How::Email => self.merged.by_email += 1,
                    How::None => self.merged.unreachable += 1,
                }
                self.merged.made += u64::from(letter.how != How::None);
                Some(letter)
            }
            Err(why) => {
                self.merged.faults += 1;
                if self.merged.told.len() < self.limits.faults {
                    self.merged.told.push(RowFault { line, why });
                }
                None
            }
        }
    }
}

/// What a row becomes.
enum Became {
    Letter(Letter),
    /// Its id stood further up.
    Twice,
    /// Whoever it is about has died, and nobody can be written to in their place.
    KinUnreached,
    /// Whoever it is about has died, and nobody need be written to.
    Deceased,
}

/// A column that says `yes` or `no`.
fn says_yes(column: &str, text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "" | "no" | "n" | "false" | "0" => Ok(false),
        _ => Err(format!("`{column}` is neither `yes` nor `no`; write one of them")),
    }
}

/// How a letter goes out. 45 CFR 164.404(d)(1): by e-mail only to those who agreed.
fn how(prepared: &Prepared, has_address: bool, email: &str, agreed: &str) -> Result<How, String> {
    let agreed = says_yes(AGREED, agreed)?;
    let may_email = !email.is_empty() && (agreed || prepared.kind() != Kind::Hipaa404);
    let is_email = shape::is_email(email);
    match (has_address, may_email) {
        (true, true) if prepared.is_email_first() && is_email => Ok(How::Email),
        (true, _) => Ok(How::Post),
        (false, true) if is_email => Ok(How::Email),
        (false, true) => Err("`email` is no address, and there is no other; write it as `name@example.org`".to_owned()),
        (false, false) => Ok(How::None),
    }
}

impl<R: Read> Iterator for Merge<R> {
    type Item = Result<Letter, MergeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let (line, fields) = match self.rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    self.is_over = true;
                    break;
                }
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error.into()));
                }
            };
            if self.merged.rows >= self.limits.rows {
                self.is_over = true;
                return Some(Err(MergeError::Rows(self.limits.rows)));
            }
            let outcome = match fields {
                Ok(fields) => self.letter(fields),
                Err(why) if why == TOO_LONG => Err(format!("{why}; {} bytes are the most", self.limits.row_bytes)),
                Err(why) => Err(why.to_owned()),
            };
            if let Some(letter) = self.count(line, outcome) {
                return Some(Ok(letter));
            }
        }
        None
    }
}
