//! What can be done and said about an incident: its entries.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::{IncidentState, Severity};
use playbooks::{Input, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PostingChannel;
use crate::assess::{Answers, Concluded, Signature};

/// One thing that was done or said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It began.
    Opened {
        /// What it is called.
        title: String,
        /// How grave it is.
        severity: Severity,
        /// The finding that it began with.
        finding: Option<u32>,
        /// The study it is about.
        study: Option<String>,
        /// It is practised, on nothing that is real.
        #[serde(default)]
        exercise: bool,
    },
    /// Facts changed: only those that did. `null` makes one unknown again.
    Facts {
        /// The new values.
        set: Map<String, Value>,
        /// The values that whoever changed them had seen.
        was: Map<String, Value>,
    },
    /// Clocks were issued, because facts changed. Written by the program.
    Clocks {
        /// Answers of the engine that differ from those issued before.
        issued: Vec<Value>,
    },
    /// Whose data was exposed was told from the record.
    Exposure {
        /// Its question.
        question: Value,
        /// Its summary.
        summary: Value,
    },
    /// Somebody says something.
    Note {
        /// What.
        text: String,
        /// It is for counsel, and stays out of what others are shown.
        privileged: bool,
    },
    /// Something was decided.
    Decision {
        /// What.
        text: String,
        /// Why.
        reason: String,
    },
    /// Something is to be done.
    Task {
        /// What.
        text: String,
        /// By whom.
        role: Role,
        /// By when, in milliseconds since 1970.
        due_at: Option<i64>,
    },
    /// A task is to be done by another time.
    TaskDue {
        /// Its number.
        task: u64,
        /// By when, in milliseconds since 1970; `null`: there is no hurry.
        due_at: Option<i64>,
    },
    /// A task was done, or is not needed.
    TaskDone {
        /// Its number.
        task: u64,
        /// What came of it.
        text: String,
    },
    /// Somebody takes a role.
    Takes {
        /// Which.
        role: Role,
        /// Who.
        name: String,
    },
    /// Something is kept as evidence.
    Evidence {
        /// What it is, and where it lies.
        text: String,
        /// Its SHA-256, in hexadecimal digits.
        sha256: String,
        /// From whom it came.
        from: String,
    },
    /// Somebody or something was contained, or that ended.
    Containment {
        /// `principal`, `device`, `access_key`, `partner`, `study`, or `study_writes` for a study that may only be read.
        kind: String,
        /// Which.
        target: String,
        /// Whether it is contained from now on.
        on: bool,
        /// When that ends by itself, in milliseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
        /// Who that was, by id: whoever is let go later is who was held, whatever they are called by then.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        members: Vec<String>,
    },
    /// Somebody or something is watched more closely for a time, or no longer.
    CloserWatch {
        /// `principal`, `device`, `access_key`, `partner`, `study` or `object`.
        kind: String,
        /// Which.
        target: String,
        /// Whether it is from now on.
        on: bool,
        /// When that ends by itself, in milliseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
        /// Who or what that is, by id, where `target` is a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
    },
    /// Somebody has to take a course, or that was taken back: their training counts no longer from the day on which it is due.
    Training {
        /// The course.
        course: String,
        /// Who.
        name: String,
        /// By id.
        member: String,
        /// Whether it is assigned from now on.
        on: bool,
        /// By when, in milliseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<i64>,
        /// Until when their training counted before, in milliseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_before: Option<i64>,
    },
    /// A notice was drafted, or its text changed.
    Draft {
        /// For which obligation.
        obligation: String,
        /// In which language: `en`, `de`, `fr`, `es`, `ja`.
        language: String,
        /// The text.
        text: String,
        /// Somebody wrote it; the program does not write over it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_hand: bool,
        /// The SHA-256 of the text that whoever wrote this had before them, in hexadecimal digits; of nothing, where there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
    },
    /// A draft was approved as it stands.
    Approved {
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
        /// The SHA-256 of the text that was read, in hexadecimal digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// A clock needs nothing any more, for a reason that is none of the facts. It runs on where the facts change it.
    Settled {
        /// Which obligation.
        obligation: String,
        /// Why.
        reason: String,
    },
    /// An approved notice is going to be sent by e-mail. Written by the program, before it does so.
    Sending {
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
        /// To which address.
        to: String,
        /// The SHA-256 of its text, in hexadecimal digits.
        sha256: String,
        /// The `Message-ID` that it bears.
        message_id: String,
    },
    /// A notice was submitted.
    Sent {
        /// For which obligation.
        obligation: String,
        /// When, RFC 3339.
        at: String,
        /// How, and under which reference.
        how: String,
        /// The entry that announced it, if the program sent it by e-mail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sending: Option<u64>,
    },
    /// A notice did not leave by e-mail. Written by the program.
    SendFailed {
        /// For which obligation.
        obligation: String,
        /// The entry that announced it.
        sending: u64,
        /// By which server, to which address.
        how: String,
        /// Why not.
        why: String,
        /// It was handed over, and no answer came: it may have left.
        uncertain: bool,
    },
    /// An assessment that a law demands, concluded and signed.
    Assessment {
        /// Which: `hipaa-4-factors`, `gdpr-risk`, `appi-triggers`.
        form: String,
        /// Its answers.
        answers: Answers,
        /// What was concluded.
        concluded: Concluded,
        /// The record that was signed.
        document: String,
        /// The signature under it.
        signature: Signature,
    },
    /// Letters to those concerned were asked for, from a table of the systems that know their names. What stands here names nobody.
    Letters {
        /// Which kind, as `letters::Kind` writes it.
        kind: String,
        /// The SHA-256 of the table, in hexadecimal digits.
        sha256: String,
        /// Rows of it.
        recipients: u64,
        /// Letters by post.
        by_post: u64,
        /// Letters by e-mail.
        by_email: u64,
        /// People whom neither reaches.
        unreachable: u64,
        /// Rows that are wrong.
        faults: u64,
        /// Of the letters by post, those to the next of kin or personal representatives of people who have died.
        #[serde(default, skip_serializing_if = "is_zero")]
        kin: u64,
        /// People who have died, and of whose next of kin no address is known.
        #[serde(default, skip_serializing_if = "is_zero")]
        kin_unreached: u64,
        /// Objects of the catalogue that the table is drawn from; none: somebody brings it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        objects: Vec<u32>,
    },
    /// Somebody else agrees that names are put to what happened.
    LettersAgreed {
        /// The letters: the number of the entry that asked for them.
        letters: u64,
    },
    /// The letters were made.
    LettersMade {
        /// The letters.
        letters: u64,
        /// How many.
        made: u64,
    },
    /// Letters are going to be sent by e-mail.
    LettersSending {
        /// The letters.
        letters: u64,
        /// How many are still to be sent.
        left: u64,
    },
    /// What came of the e-mails of letters so far, all in all.
    LettersSent {
        /// The letters.
        letters: u64,
        /// The mail server took so many.
        sent: u64,
        /// It refused the addresses of so many.
        refused: u64,
        /// So many are still to be sent.
        left: u64,
        /// When, RFC 3339.
        at: String,
    },
    /// Letters came back from the post.
    Returned {
        /// The letters.
        letters: u64,
        /// How many, besides those of which it was said before.
        count: u64,
        /// They were to the next of kin or personal representatives of people who have died.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        kin: bool,
    },
    /// Letters were handed to the post, or a notice stands in their place.
    Posted {
        /// The letters; `None`: all of the incident.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        letters: Option<u64>,
        /// By which way.
        channel: PostingChannel,
        /// How many letters or people, for `post` and `other`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        /// From which day on.
        at: Date,
        /// Until which day, as far as that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
        /// Where: an address, a newspaper, a number, a post office.
        #[serde(rename = "where")]
        place: String,
    },
    /// A notice in the place of letters was taken down, or a number is answered no more.
    TakenDown {
        /// Its number: that of the entry that posted it.
        posting: u64,
        /// The last day on which it stood.
        at: Date,
    },
    /// It stands elsewhere now.
    Moved {
        /// Where.
        state: IncidentState,
        /// Why.
        reason: String,
    },
    /// It is more or less grave.
    Graded {
        /// How grave.
        severity: Severity,
        /// Why.
        reason: String,
    },
    /// What is learnt from it.
    Lesson {
        /// What.
        text: String,
    },
    /// A playbook begins to run. It is known by the number of this entry.
    Run {
        /// Its name among those that are shipped; empty: it was brought.
        playbook: String,
        /// The playbook and those that it may call, as CACAO 2.0: it goes on as it began, whatever becomes of the shipped ones.
        books: Vec<Value>,
        /// SHA-256 of each of them, in hexadecimal digits.
        sha256: Vec<String>,
        /// Values of its variables.
        values: BTreeMap<String, String>,
    },
    /// Something happened in a run.
    Step {
        /// Which run.
        run: u64,
        /// What.
        input: Input,
        /// That an administrator said it in the place of who holds the role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_place: Option<InPlace>,
    },
    /// Those who have a role were told something.
    Told {
        /// The role.
        role: Role,
        /// What they were told.
        text: String,
        /// By which ways it left.
        ways: Vec<String>,
        /// By which it did not, and why not.
        failed: Vec<String>,
        /// What of a run that was about: a card that somebody is asked, or a reminder of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Card>,
    },
    /// The clock of an exercise was put forward.
    Forward {
        /// By how many minutes.
        minutes: u32,
    },
}

/// In whose place an administrator said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPlace {
    /// Whose: the role that was asked.
    pub role: Role,
    /// Why.
    pub reason: String,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A card of a run, and how often its holder was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Card {
    /// The run.
    pub run: u64,
    /// The task.
    pub task: u32,
    /// 0: that it is asked; then the number of the reminder.
    pub reminder: u32,
}

impl What {
    /// That something happened in a run, by who may say so without more.
    #[must_use]
    pub const fn step(run: u64, input: Input) -> Self {
        Self::Step { run, input, in_place: None }
    }

    /// Its name, as the record has it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Facts { .. } => "facts",
            Self::Clocks { .. } => "clocks",
            Self::Exposure { .. } => "exposure",
            Self::Note { .. } => "note",
            Self::Decision { .. } => "decision",
            Self::Task { .. } => "task",
            Self::TaskDue { .. } => "task-due",
            Self::TaskDone { .. } => "task-done",
            Self::Takes { .. } => "role",
            Self::Evidence { .. } => "evidence",
            Self::Containment { .. } => "containment",
            Self::CloserWatch { .. } => "closer-watch",
            Self::Training { .. } => "training",
            Self::Draft { .. } => "draft",
            Self::Approved { .. } => "approved",
            Self::Settled { .. } => "settled",
            Self::Sending { .. } => "sending",
            Self::Sent { .. } => "sent",
            Self::SendFailed { .. } => "send-failed",
            Self::Assessment { .. } => "assessment",
            Self::Letters { .. } => "letters",
            Self::LettersAgreed { .. } => "letters-agreed",
            Self::LettersMade { .. } => "letters-made",
            Self::LettersSending { .. } => "letters-sending",
            Self::LettersSent { .. } => "letters-sent",
            Self::Returned { .. } => "returned",
            Self::Posted { .. } => "posted",
            Self::TakenDown { .. } => "taken-down",
            Self::Moved { .. } => "state",
            Self::Graded { .. } => "severity",
            Self::Lesson { .. } => "lesson",
            Self::Run { .. } => "playbook",
            Self::Step { .. } => "playbook-step",
            Self::Told { .. } => "told",
            Self::Forward { .. } => "forward",
        }
    }

    /// Whether it may be said of an incident that is closed: what people add afterwards, and what became of messages that were on their way.
    pub(super) const fn follows_closing(&self) -> bool {
        matches!(
            self,
            Self::Moved { .. }
                | Self::Note { .. }
                | Self::Lesson { .. }
                | Self::Sent { sending: Some(_), .. }
                | Self::SendFailed { .. }
                | Self::LettersSent { .. }
        )
    }

    /// As it is recorded and shown: as it is, but what is long or privileged, which is told by its digest.
    #[must_use]
    pub fn told(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        let Some(told) = value.as_object_mut() else { return value };
        match self {
            Self::Run { books, .. } => {
                let names = books.iter().map(|book| book["name"].clone()).collect();
                told.insert("books".to_owned(), Value::Array(names));
            }
            // What is for counsel stays out of what others are shown; its digest proves it.
            Self::Note { text, privileged: true } => {
                told.remove("text");
                told.insert("sha256".to_owned(), crate::sha256_hex(text.as_bytes()).into());
            }
            // What names thousands of objects does not fit into one entry of the record: its digest stands for the rest.
            Self::Exposure { question, summary } => {
                let bytes = question.to_string().len() + summary.to_string().len();
                if bytes > EXPOSURE_BYTES_MAX {
                    shorten(told, question, summary);
                }
            }
            // The signature names the digest of the record, and that holds the answers.
            Self::Assessment { .. } => told.retain(|name, _| !matches!(name.as_str(), "document" | "answers")),
            _ => {}
        }
        value
    }

    /// Texts that people wrote.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Opened { title, .. } => vec![title],
            Self::Note { text, .. }
            | Self::Told { text, .. }
            | Self::Task { text, .. }
            | Self::TaskDone { text, .. }
            | Self::Lesson { text } => {
                vec![text]
            }
            Self::Decision { text, reason } => vec![text, reason],
            Self::Takes { name, .. } => vec![name],
            Self::Evidence { text, .. } => vec![text],
            Self::Containment { target, .. } | Self::CloserWatch { target, .. } => vec![target],
            Self::Training { course, name, .. } => vec![course, name],
            Self::Draft { text, .. } => vec![text],
            Self::Sending { to, .. } => vec![to],
            Self::Sent { how, .. } => vec![how],
            Self::SendFailed { how, why, .. } => vec![how, why],
            Self::Posted { place, .. } => vec![place],
            Self::Step { in_place: Some(in_place), .. } => vec![&in_place.reason],
            Self::Moved { reason, .. } | Self::Graded { reason, .. } | Self::Settled { reason, .. } => vec![reason],
            Self::Facts { .. }
            | Self::Clocks { .. }
            | Self::Exposure { .. }
            | Self::Approved { .. }
            | Self::TaskDue { .. }
            | Self::Assessment { .. }
            | Self::Letters { .. }
            | Self::LettersAgreed { .. }
            | Self::LettersMade { .. }
            | Self::LettersSending { .. }
            | Self::LettersSent { .. }
            | Self::Returned { .. }
            | Self::TakenDown { .. }
            | Self::Run { .. }
            | Self::Step { .. }
            | Self::Forward { .. } => Vec::new(),
        }
    }
}

/// One entry of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When, in milliseconds since 1970, UTC.
    pub at: i64,
    /// By whom, by id.
    pub by: String,
    /// The entry of the record that announced it.
    pub recorded: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// Bytes of an exposure that are recorded as they are: an entry of the record takes less than 64 KiB.
const EXPOSURE_BYTES_MAX: usize = 40 << 10;
/// Names, objects and so on of a longer one that are.
const EXPOSURE_LISTED: usize = 5;

/// A long exposure as it is recorded: its figures, the first of what it lists, and the digest of the whole.
fn shorten(told: &mut Map<String, Value>, question: &Value, summary: &Value) {
    let whole = format!("{question}{summary}");
    told.insert("sha256".to_owned(), crate::sha256_hex(whole.as_bytes()).into());
    let (mut question, mut summary) = (question.clone(), summary.clone());
    for name in ["objects", "prefixes"] {
        if let Some(names) = question.get_mut(name).and_then(Value::as_array_mut) {
            let total = names.len();
            names.truncate(EXPOSURE_LISTED);
            names.iter_mut().for_each(cut);
            question[format!("{name}_total")] = total.into();
        }
    }
    for name in ["gravest", "flows", "notes"] {
        if let Some(listed) = summary.get_mut(name).and_then(Value::as_array_mut) {
            listed.truncate(EXPOSURE_LISTED);
            listed.iter_mut().for_each(cut);
        }
    }
    for figure in summary.get_mut("figures").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(figure) = figure.as_object_mut() {
            figure.retain(|name, _| !matches!(name.as_str(), "proof" | "categories"));
        }
    }
    if let Some(summary) = summary.as_object_mut() {
        let actors = summary.get("principals").and_then(Value::as_object).map_or(0, Map::len);
        summary.insert("principals_total".to_owned(), actors.into());
        summary.retain(|name, _| !matches!(name.as_str(), "principals" | "whom"));
    }
    told.insert("question".to_owned(), question);
    told.insert("summary".to_owned(), summary);
}

/// Of a text its beginning.
fn cut(value: &mut Value) {
    const CHARACTERS: usize = 500;
    if let Value::String(text) = value
        && text.chars().count() > CHARACTERS
    {
        *text = text.chars().take(CHARACTERS).collect();
    }
}
