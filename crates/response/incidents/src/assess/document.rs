//! The record of an assessment as it is signed: a plain text, and the signature that names its digest.
//!
//! What somebody wrote stands behind `| `, line by line, so that no answer can look like a part of the record. 21 CFR 11.50: the signed
//! record shows the printed name, date and time, and meaning; 11.70: the signature cannot be taken to another record.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answers::{self, Answers, Given, TextFault};
use super::conclude::{Concluded, ConclusionFault, Deviation, Standing};
use super::{Form, Kind, Possible, Question};

/// The longest printed name, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// What is assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// How the incident is called, such as `INC-7`.
    pub reference: String,
    /// Its title.
    pub title: String,
    /// The organisation that assesses. Empty: not entered.
    pub organisation: String,
}

/// Who signs, when and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The printed name.
    pub printed_name: String,
    /// When.
    pub signed_at: Timestamp,
    /// What for: the id of one of [`Form::meanings`].
    pub meaning: String,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The printed name.
    pub printed_name: String,
    /// When.
    pub signed_at: Timestamp,
    /// What it means, in the words of the form.
    pub meaning: String,
    /// The SHA-256 of the record without signatures; as text, in hexadecimal.
    #[serde(with = "hex")]
    pub digest: [u8; 32],
}

/// Why an assessment cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Its conclusion does not stand.
    #[error(transparent)]
    Conclusion(#[from] ConclusionFault),
    /// What is assessed cannot be printed.
    #[error("{field} of the incident: {fault}")]
    Subject {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        #[source]
        fault: TextFault,
    },
    /// The name is blank.
    #[error("whoever signs has no printed name; enter one for the account")]
    NoName,
    /// The name cannot be printed.
    #[error("printed name: {0}")]
    Name(#[source] TextFault),
    /// The form knows no such meaning.
    #[error("a signature cannot mean `{given}` here; sign as one of {known}")]
    Meaning {
        /// What was given, cut.
        given: String,
        /// What there is.
        known: String,
    },
}

/// The SHA-256 of a record without signatures.
#[must_use]
pub fn digest(document: &str) -> [u8; 32] {
    let mut out = [0; 32];
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, document.as_bytes());
    for (to, from) in out.iter_mut().zip(sum.as_ref()) {
        *to = *from;
    }
    out
}

impl Signature {
    /// Whether it was made for this record (without signatures).
    #[must_use]
    pub fn is_of(&self, document: &str) -> bool {
        self.digest == digest(document)
    }

    /// How it is printed under a record.
    #[must_use]
    pub fn block(&self) -> String {
        let mut text = String::from("\nSIGNATURE\n");
        let _ = writeln!(text, "Signed by: {}", one_line(&self.printed_name));
        let _ = writeln!(text, "Signed at: {}", self.signed_at);
        let _ = writeln!(text, "Meaning: {}", one_line(&self.meaning));
        let _ =
            writeln!(text, "Signed record: SHA-256 {} of all lines above the first signature", hex::text(&self.digest));
        text
    }
}

impl Form {
    /// Signs an assessment. The signature is no more than the text says: whoever calls this has made sure who signs.
    ///
    /// # Errors
    /// Why it cannot be signed.
    pub fn sign(
        &self,
        subject: &Subject,
        answers: &Answers,
        concluded: &Concluded,
        signer: &Signer,
    ) -> Result<Signature, SignatureFault> {
        self.conclude(answers, concluded)?;
        for (field, text) in subject.fields() {
            if let Some(fault) = answers::line_fault(text, answers::TEXT_CHARS_MAX) {
                return Err(SignatureFault::Subject { field, fault });
            }
        }
        if answers::is_blank(&signer.printed_name) {
            return Err(SignatureFault::NoName);
        }
        if let Some(fault) = answers::line_fault(&signer.printed_name, NAME_CHARS_MAX) {
            return Err(SignatureFault::Name(fault));
        }
        let meaning = self.meanings.iter().find(|meaning| meaning.id == signer.meaning);
        let meaning = meaning.ok_or_else(|| SignatureFault::Meaning {
            given: answers::shown(&signer.meaning),
            known: self.meanings.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        Ok(Signature {
            printed_name: signer.printed_name.clone(),
            signed_at: signer.signed_at,
            meaning: meaning.text.clone(),
            digest: digest(&self.document(subject, answers, concluded, None)),
        })
    }

    /// The record of an assessment: every question with its source and answer, what follows from the answers, what is concluded and the
    /// facts that follow. The same in, the same out. Where the conclusion does not stand, the record says that it cannot be signed and why.
    /// With a signature, its block follows; a signature of another record is told as such.
    #[must_use]
    pub fn document(
        &self,
        subject: &Subject,
        answers: &Answers,
        concluded: &Concluded,
        signature: Option<&Signature>,
    ) -> String {
        let mut text = String::new();
        let given = self.given(answers);
        self.head(&mut text, subject);
        text.push_str("\nQUESTIONS AND ANSWERS\n");
        for (at, question) in self.questions.iter().enumerate() {
            answered(&mut text, at, question, &given);
        }
        text.push_str("\nWHAT FOLLOWS FROM THE ANSWERS\n");
        self.follows(&mut text, answers);
        text.push_str("\nCONCLUSION\n");
        match self.standing(answers, concluded) {
            Ok(standing) => self.conclusion(&mut text, &standing, concluded, &given),
            Err(fault) => unfit(&mut text, &fault),
        }
        if let Some(signature) = signature {
            let is_of = signature.is_of(&text);
            text.push_str(&signature.block());
            if !is_of {
                text.push_str("NOT VALID HERE: this signature was made for another record.\n");
            }
        }
        text
    }

    fn head(&self, text: &mut String, subject: &Subject) {
        let _ = writeln!(text, "RISK ASSESSMENT\n\n{}", self.title);
        let _ = writeln!(text, "Form: {}, content checked on {}", self.id, self.checked);
        let _ = writeln!(text, "Sources: {}", self.cites.join("; "));
        for (field, value) in subject.fields() {
            let _ = writeln!(
                text,
                "{field}: {}",
                if value.is_empty() { "(not entered)".to_owned() } else { one_line(value) }
            );
        }
        let _ = writeln!(text, "\n{}", self.about);
        if let Some(note) = &self.note {
            let _ = writeln!(text, "Note: {note}");
        }
    }

    fn follows(&self, text: &mut String, answers: &Answers) {
        let Some(outcome) = self.outcome(answers) else {
            text.push_str("Nothing yet: questions that have to be answered are open.\n");
            return;
        };
        if let Some(possible) = self.possible(&outcome.id) {
            told(text, possible);
        }
        let number =
            |id: &String| self.questions.iter().position(|one| one.id == *id).map(|at| format!("{} ({id})", at + 1));
        let because: Vec<String> = outcome.because.iter().filter_map(number).collect();
        let _ = writeln!(text, "Because of the answers to: {}", because.join(", "));
    }

    fn conclusion(&self, text: &mut String, standing: &Standing<'_>, of: &Concluded, given: &Given<'_>) {
        told(text, standing.concluded);
        let computed = &standing.computed.id;
        let _ = match standing.deviation {
            Deviation::Same => writeln!(text, "This is the outcome of the answers."),
            Deviation::Graver => writeln!(text, "DEVIATION, GRAVER: the answers lead to {computed}."),
            Deviation::Other => writeln!(text, "DEVIATION, AS GRAVE: the answers lead to {computed}."),
            Deviation::Milder => writeln!(text, "DEVIATION, MILDER: the answers lead to {computed}, which is graver."),
        };
        if !answers::is_blank(&of.reason) {
            text.push_str("Reason:\n");
            written(text, &of.reason);
        }
        text.push_str("\nFACTS THAT FOLLOW\n");
        let facts = self.following(given, standing.concluded);
        for (name, value) in &facts {
            let _ = writeln!(text, "{name} = {value}");
        }
        if facts.is_empty() {
            text.push_str("None.\n");
        }
    }
}

impl Subject {
    fn fields(&self) -> [(&'static str, &str); 3] {
        [("Incident", &self.reference), ("Title", &self.title), ("Organisation", &self.organisation)]
    }
}

fn answered(text: &mut String, at: usize, question: &Question, given: &Given<'_>) {
    let _ = writeln!(text, "\n{}. {}\n   Source: {}", at + 1, question.text, question.cites);
    if let Some(note) = &question.note {
        let _ = writeln!(text, "   {}: {note}", if question.uncertain { "Uncertain" } else { "Note" });
    }
    match given.answer(at) {
        None if !given.is_asked(at) => text.push_str("   Not asked after the answers before it.\n"),
        None => text.push_str("   (not answered)\n"),
        Some(answer) if question.kind == Kind::Text => {
            text.push_str("   Answer:\n");
            written(text, answer);
        }
        Some(answer) => {
            let option = question.option(answer);
            let _ = writeln!(text, "   Answer: {}", option.map_or(answer, |option| option.text.as_str()));
            let weight = option.and_then(|option| option.weighs);
            let _ = writeln!(
                text,
                "   ({answer}{})",
                weight.map(|one| format!("; weighs {}", one.as_str())).unwrap_or_default()
            );
        }
    }
}

fn told(text: &mut String, possible: &Possible) {
    let _ = writeln!(text, "{} ({})\n{}\nSource: {}", possible.title, possible.id, possible.text, possible.cites);
    if let Some(note) = &possible.note {
        let _ = writeln!(text, "{}: {note}", if possible.uncertain { "Uncertain" } else { "Note" });
    }
}

fn unfit(text: &mut String, fault: &ConclusionFault) {
    let _ = writeln!(text, "NOT FIT TO BE SIGNED: {fault}");
    if let ConclusionFault::Answers(faults) = fault {
        for fault in faults {
            let _ = writeln!(text, "- {fault}");
        }
    }
}

/// What a person wrote, line by line.
fn written(text: &mut String, answer: &str) {
    for line in answer.split('\n') {
        let _ = writeln!(text, "   | {}", line.strip_suffix('\r').unwrap_or(line));
    }
}

/// What stands on one line, whatever is in it.
fn one_line(text: &str) -> String {
    text.chars().map(|one| if answers::is_readable(one) { one } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Digests as text.
mod hex {
    use std::fmt::Write as _;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn text(digest: &[u8; 32]) -> String {
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let no_digest = || D::Error::custom("a digest is 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(no_digest());
        }
        let mut digest = [0; 32];
        for (to, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_never| no_digest())?;
            *to = u8::from_str_radix(pair, 16).map_err(|_never| no_digest())?;
        }
        Ok(digest)
    }
}
