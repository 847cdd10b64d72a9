//! `lazaret incidents letters send`: letters by e-mail, one message a recipient, over one connection.
//!
//! Progress is durable after each message, so that a stop of any kind sends at most the one that was on its way twice; it bears the same
//! `Message-ID` both times. Names stay in the table.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use guard::IncidentRequest;
use incidents::case::What;
use incidents::letters::{self, How, Limits, Prepared};
use outlets::{MailFault, Mailer, Post, SendError};
use serde_json::{Value, json};

use super::letters::{Table, agreed, asked, failed, merged};
use super::progress::{Of, Progress, Row};
use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::now;
use crate::failure::{Failure, Outcome};
use crate::guarding::Counter;

/// So many in a row that the server did not take: then it is the server, and not the addresses.
const IN_A_ROW_MAX: u32 = 10;

#[derive(Debug, Args)]
pub(crate) struct SendLetters {
    /// The incident's number.
    id: u32,
    /// The number under which they were asked for.
    letters: u64,
    /// The same table.
    #[arg(long, value_name = "FILE")]
    recipients: PathBuf,
    /// Where the ids of those whose addresses are refused are written; beside the table when not given.
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// When the breach happened, in words or as a day.
    #[arg(long, value_name = "WHEN")]
    breached_on: Option<String>,
    /// Send them though something that the law wants said is missing.
    #[arg(long)]
    incomplete: bool,
    /// Try those again whose addresses were refused.
    #[arg(long)]
    again: bool,
    /// Begin anew, though what was sent is not known any more: everybody is written to, also those who have the letter.
    #[arg(long)]
    anew: bool,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    format: ListFormat,
}

/// What happened this time.
#[derive(Default)]
struct Tally {
    /// Messages that may have arrived twice.
    repeated: u64,
    deferred: u64,
    in_a_row: u32,
}

pub(super) async fn send(
    global: &Global,
    config: &Config,
    counter: &Counter,
    arguments: &SendLetters,
) -> Result<Outcome, Failure> {
    let SendLetters { id, letters: number, recipients, .. } = arguments;
    let sender = config.needed_sender(global.config.as_deref())?;
    let case = asked(counter, IncidentRequest::Show { id: *id, privileged: false }).await?;
    if case["is_exercise"] == true {
        return Err(Failure::usage("an exercise sends nothing to anybody"));
    }
    let (prepared, sha256) = agreed(
        global,
        &case,
        (*id, *number),
        Table::File(recipients),
        arguments.breached_on.as_deref(),
        arguments.incomplete,
    )?;
    let of = &case["letters"][number.to_string()];
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let by_email = count(&of["by_email"]);
    let uid = case["uid"].as_str().unwrap_or_default();
    let told = count(&of["mailed"]["sent"]) + count(&of["mailed"]["refused"]);
    let of = Of { uid, letters: *number, sha256: &sha256, told };
    let mut progress = Progress::open(&global.data_dir, &of, arguments.anew)?;
    let (sent, refused) = progress.counts();
    let left = by_email.saturating_sub(sent + if arguments.again { 0 } else { refused });
    let mut tally = Tally::default();
    let mut ended = Ok(());
    if left > 0 {
        let what = What::LettersSending { letters: *number, left };
        asked(counter, IncidentRequest::Add { id: *id, what: Box::new(what) }).await?;
        let mut mailer = Mailer::new(sender);
        let text = Text { prepared: &prepared, recipients, uid, number: *number, again: arguments.again };
        ended = over(&text, &mut mailer, &mut progress, &mut tally).await;
        mailer.close().await;
    }
    let (sent, refused) = progress.counts();
    let left_now = by_email.saturating_sub(sent + refused);
    if left > 0 {
        let at = jiff::Timestamp::now().to_string();
        let what = What::LettersSent { letters: *number, sent, refused, left: left_now, at };
        asked(counter, IncidentRequest::Add { id: *id, what: Box::new(what) }).await?;
    }
    let beside = || recipients.with_extension("refused.txt");
    let list = arguments.refused.clone().unwrap_or_else(beside);
    if refused > 0 || list.exists() {
        listed(&list, recipients, &prepared, &progress)?;
    }
    let standing = asked(counter, IncidentRequest::Letters { id: *id }).await?;
    let ours = standing["letters"].as_array().into_iter().flatten().find(|one| one["letters"] == *number);
    let ours = ours.cloned().unwrap_or_default();
    let answer = json!({
        "letters": number, "by_email": by_email, "sent": sent, "refused": refused, "left": left_now, "deferred": tally.deferred,
        "repeated": tally.repeated, "refused_file": (refused > 0).then(|| list.display().to_string()),
        "unreachable": ours["unreachable"], "substitute": ours["substitute"],
    });
    tell(&answer, arguments.format)?;
    ended.map(|()| Outcome::Done)
}

/// What is sent, and to whom.
struct Text<'a> {
    prepared: &'a Prepared,
    recipients: &'a Path,
    uid: &'a str,
    number: u64,
    again: bool,
}

/// Goes over the table, and writes to everybody who has not been written to.
async fn over(text: &Text<'_>, mailer: &mut Mailer, progress: &mut Progress, tally: &mut Tally) -> Result<(), Failure> {
    let stopped = stopped();
    let path = text.recipients;
    let file = File::open(path).map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?;
    let mut merge = letters::merge(text.prepared, BufReader::new(file), Limits::default()).map_err(failed)?;
    while let Some(letter) = merge.next() {
        let letter = letter.map_err(failed)?;
        let row = merge.merged().rows;
        let before = progress.of(row);
        let is_done = match before {
            Some(Row::Sent) => true,
            Some(Row::Refused) => !text.again,
            Some(Row::Begun | Row::Deferred) | None => false,
        };
        let mail = letters::to_email(&letter).filter(|_| letter.how == How::Email && !is_done);
        let Some(mail) = mail else { continue };
        if stopped.load(Ordering::Relaxed) {
            let why = anyhow::anyhow!("stopped: {} are sent", progress.counts().0);
            return Err(Failure::failed("stopped", why).hint("the same command goes on from there"));
        }
        progress.begin(row)?;
        let id = message_id(text, row, &mailer.sender().domain());
        let post = Post { to: &mail.to, subject: &mail.subject, text: &mail.body, id: &id, at_ms: now() };
        let outcome = mailer.send(&post).await;
        tally.repeated += u64::from(before == Some(Row::Begun) && outcome.is_ok());
        settle(outcome, row, progress, tally)?;
    }
    if tally.deferred > 0 {
        let why = anyhow::anyhow!("the mail server put off {} of the messages", tally.deferred);
        return Err(Failure::failed("mail", why).hint("the same command tries those again; wait a quarter of an hour"));
    }
    Ok(())
}

/// The same for the same row, so that a message that leaves twice can be told to be one.
fn message_id(text: &Text<'_>, row: u64, domain: &str) -> String {
    let digest = incidents::sha256_hex(format!("{}/{}/{row}", text.uid, text.number).as_bytes());
    format!("<lazaret.{}@{domain}>", digest.get(..32).unwrap_or_default())
}

/// Keeps what became of a message; an error ends the run.
fn settle(
    outcome: Result<outlets::Reply, MailFault>,
    row: u64,
    progress: &mut Progress,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let stop = |fault: &MailFault, progress: &Progress, hint: &str| {
        let (sent, _) = progress.counts();
        let why = anyhow::anyhow!("{}; {sent} are sent so far", guard::whole(fault));
        Err(Failure::failed("mail", why).hint(format!("{hint}; then the same command goes on from there")))
    };
    let codes = match &outcome {
        Ok(reply) => {
            tally.in_a_row = 0;
            return progress.end(row, Row::Sent, &reply.codes());
        }
        Err(MailFault::Refused(reply)) => {
            let codes = reply.codes();
            progress.end(row, Row::Refused, &codes)?;
            codes
        }
        // An address that no mail can be addressed to: as if the server had refused it (RFC 5321, 4.2.3).
        Err(MailFault::Message(SendError::Address { .. })) => {
            progress.end(row, Row::Refused, "553")?;
            "553".to_owned()
        }
        Err(MailFault::Deferred(reply)) => {
            let codes = reply.codes();
            progress.end(row, Row::Deferred, &codes)?;
            tally.deferred += 1;
            codes
        }
        Err(fault @ MailFault::Message(_)) => {
            progress.end(row, Row::Deferred, "")?;
            return stop(fault, progress, "mend what it says");
        }
        Err(fault @ MailFault::Unreachable { .. }) => {
            progress.end(row, Row::Deferred, "")?;
            return stop(fault, progress, "look at the server and at [mail] in the settings");
        }
        Err(fault @ MailFault::Denied { .. }) => {
            progress.end(row, Row::Deferred, "")?;
            return stop(fault, progress, "look at `user`, the password and `from` under [mail] in the settings");
        }
        // Its row stays begun: it is sent once more, under the same id.
        Err(fault @ MailFault::Uncertain { .. }) => {
            return stop(fault, progress, "one message may arrive twice; look at the server");
        }
    };
    tally.in_a_row += 1;
    if tally.in_a_row < IN_A_ROW_MAX {
        return Ok(());
    }
    let why =
        anyhow::anyhow!("the mail server did not take {IN_A_ROW_MAX} messages in a row, the last one with {codes}");
    Err(Failure::failed("mail", why).hint(
        "that is rather the server than the addresses: look at its log; then the same command goes on from there, with `--again` also to those that it refused",
    ))
}

/// Turns true once somebody wants it to stop: after the message that is on its way.
fn stopped() -> Arc<AtomicBool> {
    let stopped = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stopped);
    tokio::spawn(async move {
        crate::up::interrupted().await;
        on_signal.store(true, Ordering::Relaxed);
    });
    stopped
}

/// Ids of those whose addresses were refused, in a file for its owner alone.
fn listed(list: &Path, recipients: &Path, prepared: &Prepared, progress: &Progress) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::failed("letters", anyhow::anyhow!("`{}` cannot be written: {error}", list.display()))
            .hint("the letters are as far as the incident says; give another file with `--refused`")
    };
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(list).map_err(wrong)?;
    let mut out = std::io::BufWriter::new(file);
    merged(Table::File(recipients), prepared, &mut |row, letter| {
        if progress.of(row) == Some(Row::Refused) {
            writeln!(out, "{}", letter.recipient_id).map_err(wrong)?;
        }
        Ok(())
    })?;
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(wrong)
}

fn tell(value: &Value, format: ListFormat) -> Result<Outcome, Failure> {
    let lines = match format {
        ListFormat::Json => vec![value.to_string()],
        ListFormat::Text => {
            let number = |name: &str| value[name].as_u64().unwrap_or(0);
            let mut lines = vec![format!(
                "{} by e-mail: {} sent, {} refused, {} left",
                number("by_email"),
                number("sent"),
                number("refused"),
                number("left")
            )];
            if number("repeated") > 0 {
                lines.push(format!("{} may have arrived twice, under the same Message-ID", number("repeated")));
            }
            if let Some(file) = value["refused_file"].as_str() {
                lines.push(format!("whose addresses were refused: {file}"));
            }
            let text = |name: &str| value["substitute"][name].as_str().unwrap_or_default().to_owned();
            if !text("says").is_empty() {
                lines.push(format!("substitute notice: {} ({})", text("says"), text("cites")));
            }
            lines
        }
    };
    print(&mut std::io::stdout().lock(), &lines)
}
