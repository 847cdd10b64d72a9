//! Notices by e-mail: an approved draft, as it stands, to whom the plan names. It is recorded before it leaves, and what became of it after.

use std::sync::Arc;

use incidents::brief::{Brief, brief_of};
use incidents::case::{Case, Outcome, What};
use incidents::desk::Desk;
use incidents::drafts;
use incidents::letters::{Standing, bars, standing};
use incidents::plan::{Channel, Plan, Receiver};
use model::By;
use obligations::Audience;
use outlets::{MailFault, Mailer, Post, Reply, Sender};
use serde_json::{Value, json};

use crate::ops::{OpsError, time};
use crate::responding::library;
use crate::{Guarded, outside};

/// How long a message may be on its way before nobody can still be sending it: longer than a server may take to answer.
const ON_ITS_WAY_MS: i64 = 5 * 60_000;
/// Where the mail server is set, as people are told who have not.
const UNSET: &str = "no mail server is set: write `server` and `from` under [mail] in the settings and start the server again (docs/reference/cli.md); \
                     or send the notice yourself, and record it with `sent`";

fn wrong<T>(why: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Wrong(why.into()))
}

/// A notice that is ready to leave.
struct Ready {
    incident: u32,
    obligation: String,
    language: String,
    to: String,
    subject: String,
    text: String,
    message_id: String,
}

impl Guarded {
    /// By which server notices leave. Whoever says so first is heard.
    pub fn mails_by(&self, sender: Sender) {
        let _ = self.mailing.set(sender);
    }

    /// Sends the approved draft for an obligation.
    pub(crate) async fn send_notice(
        &self,
        by: &By,
        id: u32,
        obligation: &str,
        language: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<Value>, OpsError> {
        let one_at_a_time = Arc::clone(&self.sending).lock_owned().await;
        let (row, case) = self.incidents.case(id).await?;
        if case.is_exercise {
            return wrong("an exercise sends nothing to anybody; say with `sent` that it was sent");
        }
        let library = library()?;
        let of = brief_of(&case, &library, obligation).map_err(|error| OpsError::Wrong(error.to_string()))?;
        if of.audience == Audience::People {
            return wrong(format!(
                "{obligation} is told to the people concerned themselves: by letters, with `lazaret incidents letters`"
            ));
        }
        let language = language_of(&case, obligation, language)?;
        let to = match to.map(str::trim).filter(|to| !to.is_empty()) {
            Some(to) => to.to_owned(),
            None => self.receiver(&case, &of)?,
        };
        let Some(notice) = case.notice(obligation, &language) else {
            return wrong(format!("there is no draft for {obligation} in `{language}`; make one first"));
        };
        let is_on_its_way = case.dispatches.values().any(|one| {
            (one.obligation.as_str(), &one.to, one.outcome) == (obligation, &to, Outcome::Open)
                && by.now_ms.saturating_sub(one.at) < ON_ITS_WAY_MS
        });
        if is_on_its_way {
            return wrong(format!(
                "a notice for {obligation} is on its way to {to} right now; look again in five minutes"
            ));
        }
        let Some(sender) = self.mailing.get() else { return wrong(UNSET) };
        let random: String = outside::random_16()().iter().map(|byte| format!("{byte:02x}")).collect();
        let subject = drafts::subject(&of, &format!("INC-{}", row.id), &language);
        let ready = Ready {
            incident: id,
            obligation: obligation.to_owned(),
            subject: subject.map_err(|error| OpsError::Wrong(error.to_string()))?,
            text: notice.text.clone(),
            message_id: format!("<lazaret.{random}@{}>", sender.domain()),
            language,
            to,
        };
        // Whoever asked may go away meanwhile; what has begun is told to its end.
        let (desk, sender, by) = (Arc::clone(&self.incidents), sender.clone(), by.clone());
        let sending = tokio::spawn(async move {
            let told = send(&desk, sender, ready, &by).await;
            drop(one_at_a_time);
            told
        });
        sending.await.map_err(|_ended: tokio::task::JoinError| {
            OpsError::Wrong(
                "the server stopped while the notice was sent; the incident says how far it came".to_owned(),
            )
        })?
    }

    /// Who receives the notice by the plan: exactly one, by e-mail.
    fn receiver(&self, case: &Case, of: &Brief<'_>) -> Result<String, OpsError> {
        let id = of.id;
        let text = self.plan_text().map_err(|error| OpsError::Wrong(format!("the plan cannot be read: {error}")))?;
        let plan = match text.as_deref().map(Plan::parse) {
            Some(Ok(plan)) => plan,
            Some(Err(_)) => return wrong("the plan is wrong; `lazaret plan check` tells where. Or give an address"),
            None => {
                return wrong(
                    "there is no plan that says who receives it; `lazaret plan init` writes a skeleton. Or give an address",
                );
            }
        };
        let affected = case.facts.get("affected").and_then(Value::as_array).into_iter().flatten();
        let places: Vec<&str> = affected.filter_map(|one| one["jurisdiction"].as_str()).collect();
        let found = plan.receivers(of, &places, case.study.as_deref());
        let by_email: Vec<(&Receiver, &str)> = found.iter().filter_map(|one| Some((one, one.by_email()?))).collect();
        match (by_email.as_slice(), found.as_slice()) {
            ([(_, email)], _) => Ok((*email).to_owned()),
            ([], []) => wrong(format!(
                "the plan names nobody who receives {id}; add an [[authority]] to it, or give an address"
            )),
            ([], others) => {
                let told: Vec<String> = others.iter().map(way).collect();
                wrong(format!(
                    "nobody takes {id} by e-mail: {}. Send it there, and record it with `lazaret incidents add` and an entry `sent`; or give an address",
                    told.join("; ")
                ))
            }
            (several, _) => {
                let told: Vec<String> = several.iter().map(|(one, email)| format!("{} ({email})", one.name)).collect();
                wrong(format!("several receive {id}: {}; give the address of one", told.join("; ")))
            }
        }
    }

    /// Where letters and the notices in their place stand.
    pub(crate) async fn letters_standing(&self, by: &By, id: u32) -> Result<Vec<Value>, OpsError> {
        let (_, case) = self.incidents.case(id).await?;
        let today = case.day(by.now_ms);
        let failed = |error: incidents::letters::LetterError| OpsError::Wrong(error.to_string());
        let told = |one: &Standing| {
            let mut told = json!(one);
            // With the words that people read.
            for (demand, words) in told["demands"].as_array_mut().into_iter().flatten().zip(&one.demands) {
                demand["title"] = words.what.title().into();
                demand["says"] = words.to_string().into();
            }
            told
        };
        let letters: Vec<Value> = standing(&case, today).map_err(failed)?.iter().map(told).collect();
        let postings = bars(&case, today).map_err(failed)?;
        Ok(vec![json!({ "incident": id, "today": today, "letters": letters, "postings": postings })])
    }
}

/// How somebody takes notices who does not take them by e-mail.
fn way(one: &Receiver) -> String {
    let place = one.place.as_deref().unwrap_or("address missing");
    match one.how {
        Channel::Portal => format!("{} by its form ({place})", one.name),
        Channel::Phone => format!("{} by telephone ({place})", one.name),
        Channel::Post => format!("{} by letter ({place})", one.name),
        Channel::Email => format!("{} by e-mail, of which the plan has only a placeholder ({place})", one.name),
    }
}

/// The language that is asked for, or that of the one draft that is approved.
fn language_of(case: &Case, obligation: &str, asked: Option<&str>) -> Result<String, OpsError> {
    if let Some(asked) = asked.map(str::trim).filter(|asked| !asked.is_empty()) {
        return Ok(asked.to_owned());
    }
    let Some(drafts) = case.notices.get(obligation) else {
        return wrong(format!("there is no draft for {obligation}; `lazaret incidents draft` makes one"));
    };
    let approved: Vec<&str> =
        drafts.iter().filter(|(_, one)| one.approved_by.is_some()).map(|(language, _)| language.as_str()).collect();
    match approved.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => wrong(format!("no draft for {obligation} is approved as it stands; somebody approves it first")),
        several => {
            wrong(format!("drafts for {obligation} are approved in {}; say in which language", several.join(", ")))
        }
    }
}

/// Announces, sends, and tells what became of it.
async fn send(desk: &Desk, sender: Sender, ready: Ready, by: &By) -> Result<Vec<Value>, OpsError> {
    let Ready { incident, obligation, to, message_id, .. } = &ready;
    let announced = What::Sending {
        obligation: obligation.clone(),
        language: ready.language.clone(),
        to: to.clone(),
        sha256: incidents::sha256_hex(ready.text.as_bytes()),
        message_id: message_id.clone(),
    };
    let (_, case) = desk.add(*incident, announced, by).await?;
    let ours = case.dispatches.iter().rev().find(|(_, one)| one.message_id == *message_id);
    let Some((&sending, _)) = ours else {
        return wrong("the entry that announces the notice is gone; nothing was sent");
    };
    let server = format!("{}:{}", sender.server, sender.port);
    let mut mailer = Mailer::new(sender);
    let post = Post { to, subject: &ready.subject, text: &ready.text, id: message_id, at_ms: outside::now() };
    let outcome = mailer.send(&post).await;
    mailer.close().await;
    let by = By { now_ms: outside::now(), ..by.clone() };
    let fault = match outcome {
        Ok(reply) => return taken(desk, sending, &ready, &server, &reply, &by).await,
        Err(fault) => fault,
    };
    let (uncertain, remedy) = remedy(&fault);
    let why = crate::whole(&fault);
    let how = format!("by {server} to {to}, {message_id}");
    let failed = What::SendFailed { obligation: obligation.clone(), sending, how, why: why.clone(), uncertain };
    if let Err(error) = desk.add(*incident, failed, &by).await {
        tracing::error!(incident, %error, "that a notice was not sent could not be recorded");
    }
    let told = if uncertain { "may not have been sent" } else { "was not sent" };
    wrong(format!("the notice for {obligation} {told}: {why}; {remedy}"))
}

/// Records that a mail server took a notice.
async fn taken(
    desk: &Desk,
    sending: u64,
    ready: &Ready,
    server: &str,
    reply: &Reply,
    by: &By,
) -> Result<Vec<Value>, OpsError> {
    let Ready { incident, obligation, language, to, message_id, .. } = ready;
    let at = time(by.now_ms);
    let how = format!("by e-mail to {to} in `{language}`, {message_id}; {server} answered `{reply}`");
    let sent = What::Sent { obligation: obligation.clone(), at: at.clone(), how, sending: Some(sending) };
    let (_, case) = desk.add(*incident, sent, by).await.map_err(|error| {
        OpsError::Wrong(format!(
            "the notice for {obligation} was sent to {to} at {at} as {message_id}, and that could not be recorded: {}; \
             record it with `sent`, and do not send it again",
            crate::whole(&error)
        ))
    })?;
    Ok(vec![json!({
        "incident": incident, "obligation": obligation, "language": language, "sent": at, "to": to, "message_id": message_id,
        "answer": reply.to_string(), "clock": case.clocks.get(obligation).map(|clock| clock["status"].clone()),
    })])
}

/// Whether it may have left all the same, and what to do.
fn remedy(fault: &MailFault) -> (bool, &'static str) {
    match fault {
        MailFault::Message(_) => (false, "mend the address, then send it again"),
        MailFault::Unreachable { .. } => (
            false,
            "look at [mail] in the settings and at the server, then send it again; if the clock does not wait, use the telephone or a form",
        ),
        MailFault::Denied { .. } => {
            (false, "look at `user`, the password and `from` under [mail] in the settings, then send it again")
        }
        MailFault::Refused(_) => (false, "check the address with whoever it is, then send it again, or by another way"),
        MailFault::Deferred(_) => (false, "send it again in a few minutes"),
        MailFault::Uncertain { .. } => {
            (true, "ask whoever it was for whether it came, then record it with `sent` or send it again")
        }
    }
}
