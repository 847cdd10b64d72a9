//! Letters and notices that leave: what was sent and posted, what takes the place of letters, and how far that is.

use incidents::brief::brief_of;
use incidents::case::{Case, Outcome, PostingChannel, What};
use incidents::letters::{Demand, Met, Standing, bars, standing};
use incidents::plan::Plan;
use jiff::civil::Date;
use obligations::Audience;
use serde_json::Value;

use crate::Console;
use crate::failure::Failure;
use crate::pages::record::entry::Named;
use crate::responding::Act;
use crate::wording;

/// Something that takes the place of letters.
pub(crate) struct DemandRow {
    pub(crate) title: &'static str,
    pub(crate) word: &'static str,
    /// A further class of its mark.
    pub(crate) style: &'static str,
    pub(crate) says: String,
}

/// Letters.
pub(crate) struct LettersRow {
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    pub(crate) recipients: String,
    pub(crate) asked_by: String,
    pub(crate) agreed_by: String,
    pub(crate) made: Option<u64>,
    pub(crate) by_post: u64,
    pub(crate) posted: u64,
    pub(crate) returned: u64,
    /// So many may still come back.
    pub(crate) can_return: u64,
    pub(crate) by_email: u64,
    pub(crate) emailed: u64,
    pub(crate) refused: u64,
    pub(crate) email_left: u64,
    pub(crate) unreachable: u64,
    /// Of those by post, to the next of kin of people who have died.
    pub(crate) kin: u64,
    /// People who have died and whose next of kin no letter reached.
    pub(crate) kin_unreached: u64,
    pub(crate) law: String,
    pub(crate) demands: Vec<DemandRow>,
}

/// Something that was posted.
pub(crate) struct BarRow {
    pub(crate) number: u64,
    pub(crate) title: &'static str,
    pub(crate) place: String,
    pub(crate) days: String,
    pub(crate) stood: u32,
    /// 0: no law says for how long.
    pub(crate) days_min: u32,
    pub(crate) stands: bool,
}

/// The card of letters.
pub(crate) struct LettersCard {
    pub(crate) rows: Vec<LettersRow>,
    pub(crate) bars: Vec<BarRow>,
    pub(crate) channels: Vec<(&'static str, &'static str)>,
    pub(crate) today: String,
}

/// A notice by e-mail: to whom it can go, and what went.
pub(crate) struct Mail {
    /// Names and addresses of those who receive it by e-mail.
    pub(crate) addresses: Vec<(String, String)>,
    /// What was sent, or not.
    pub(crate) gone: Vec<String>,
    /// It is told to people by letters.
    pub(crate) to_people: bool,
}

fn demand(demand: &Demand) -> DemandRow {
    let (word, style) = match demand.met {
        Met::Missing => ("missing", " gone"),
        Met::Short => ("too short", " gone"),
        Met::Planned => ("planned", ""),
        Met::Standing => ("under way", ""),
        Met::Done => ("done", " good"),
        Met::Judge => ("to be judged", ""),
    };
    DemandRow { title: demand.what.title(), word, style, says: demand.to_string() }
}

/// The card of letters, as entries leave them.
pub(crate) async fn card(console: &Console, case: &Case, now: i64) -> Result<LettersCard, Failure> {
    let today = case.day(now);
    let broken = |error: incidents::letters::LetterError| {
        tracing::error!(%error, "the rules of letters are broken");
        Failure::Internal
    };
    let mut names = Named::default();
    let mut rows = Vec::new();
    for one in standing(case, today).map_err(broken)? {
        let Some(of) = case.letters.get(&one.letters) else { continue };
        let asked_by = names.of(console, &of.asked_by).await?;
        let agreed_by = match &of.agreed_by {
            Some(who) => names.of(console, who).await?,
            None => String::new(),
        };
        rows.push(row(&one, of.made, asked_by, agreed_by));
    }
    let bar = |bar: &incidents::letters::Bar| BarRow {
        number: bar.posting,
        title: bar.channel.title(),
        place: bar.place.clone(),
        days: match (bar.count, bar.ends) {
            (Some(count), _) => format!("{} on {}", wording::count(count), bar.at),
            (None, Some(ends)) => format!("from {} until {ends}", bar.at),
            (None, None) => format!("since {}", bar.at),
        },
        stood: bar.days_stood.min(bar.days_min.unwrap_or(u32::MAX)),
        days_min: bar.days_min.unwrap_or(0),
        stands: !bar.channel.counts() && bar.ends.is_none_or(|ends| ends >= today),
    };
    let bars = bars(case, today).map_err(broken)?.iter().map(bar).collect();
    let channels = PostingChannel::ALL.iter().map(|channel| (channel.as_str(), channel.title())).collect();
    Ok(LettersCard { rows, bars, channels, today: today.to_string() })
}

fn row(one: &Standing, made: Option<u64>, asked_by: String, agreed_by: String) -> LettersRow {
    let substitute = &one.substitute;
    LettersRow {
        number: one.letters,
        kind: one.kind.title(),
        recipients: wording::count(one.recipients),
        asked_by,
        agreed_by,
        made,
        by_post: one.by_post,
        posted: one.posted,
        returned: one.returned,
        can_return: one.posted.saturating_sub(one.returned),
        by_email: one.by_email,
        emailed: one.emailed,
        refused: one.refused,
        email_left: one.email_left,
        unreachable: one.unreachable,
        kin: one.kin,
        kin_unreached: one.kin_unreached,
        law: if substitute.says.is_empty() {
            String::new()
        } else {
            format!("{} ({})", substitute.says, substitute.cites)
        },
        demands: one.demands.iter().map(demand).collect(),
    }
}

fn places(case: &Case) -> Vec<&str> {
    let affected = case.facts.get("affected").and_then(Value::as_array).into_iter().flatten();
    affected.filter_map(|one| one["jurisdiction"].as_str()).collect()
}

/// Who receives a notice by the plan, and how.
pub(crate) fn receivers(plan: Option<&Plan>, case: &Case, id: &str) -> Vec<String> {
    let Ok(library) = obligations::in_force() else { return Vec::new() };
    let (Some(plan), Ok(of)) = (plan, brief_of(case, &library, id)) else { return Vec::new() };
    let found = plan.receivers(&of, &places(case), case.study.as_deref());
    let told = |one: incidents::plan::Receiver| {
        format!("{}, {}: {}", one.name, one.how.as_str(), one.place.as_deref().unwrap_or("address missing"))
    };
    found.into_iter().map(told).collect()
}

/// To whom a notice can go by e-mail, and what went.
pub(crate) fn mail(plan: Option<&Plan>, case: &Case, id: &str, language: &str) -> Mail {
    let library = obligations::in_force().ok();
    let of = library.as_ref().and_then(|library| brief_of(case, library, id).ok());
    let found = match (plan, &of) {
        (Some(plan), Some(of)) => plan.receivers(of, &places(case), case.study.as_deref()),
        _ => Vec::new(),
    };
    let ours = case.dispatches.values().filter(|one| one.obligation == id && one.language == language);
    let gone = ours.map(|one| {
        let at = jiff::Timestamp::from_millisecond(one.at).map_or_else(|_| String::new(), |at| at.to_string());
        let to = format!("to {} at {at}, {}", one.to, one.message_id);
        match one.outcome {
            Outcome::Sent => format!("Sent {to}"),
            Outcome::Failed => format!("Not sent {to}"),
            Outcome::Uncertain => format!("Handed over {to}, and no answer came: ask whether it arrived"),
            Outcome::Open => format!("On its way {to}; if that does not change, ask whether it arrived"),
        }
    });
    let gone = gone.collect();
    Mail {
        addresses: found.iter().filter_map(|one| Some((one.name.clone(), one.by_email()?.to_owned()))).collect(),
        gone,
        to_people: of.is_some_and(|of| of.audience == Audience::People),
    }
}

/// What is to be sent, once somebody said that it is.
pub(crate) fn send(field: &impl Fn(&str) -> String) -> Result<Act, Failure> {
    if field("confirm") != "on" {
        return Err(Failure::BadInput(
            "Nothing was sent: tick that the notice was read and is to leave as it stands.".to_owned(),
        ));
    }
    let (chosen, other) = (field("to"), field("other"));
    let to = if other.is_empty() { chosen } else { other };
    if to.is_empty() {
        return Err(Failure::BadInput("Nothing was sent: choose or write an address.".to_owned()));
    }
    Ok(Act::Send { obligation: field("obligation"), language: field("language"), to })
}

/// What is said of letters in a form.
pub(crate) fn said(what: &str, field: &impl Fn(&str) -> String) -> Result<What, Failure> {
    let number = |name: &str| {
        let text = field(name);
        text.parse::<u64>().map_err(|error| Failure::BadInput(format!("`{text}` is no number: {error}")))
    };
    let optional = |name: &str| if field(name).is_empty() { Ok(None) } else { number(name).map(Some) };
    let day = |name: &str| {
        let text = field(name);
        text.parse::<Date>()
            .map_err(|error| Failure::BadInput(format!("`{text}` is no day ({error}); write it as 2026-12-01.")))
    };
    Ok(match what {
        "letters-agree" => What::LettersAgreed { letters: number("letters")? },
        "returned" => {
            What::Returned { letters: number("letters")?, count: number("count")?, kin: field("kin") == "on" }
        }
        "taken-down" => What::TakenDown { posting: number("posting")?, at: day("at")? },
        _ => {
            let channel = field("channel");
            let none = || Failure::BadInput(format!("`{channel}` is no way in which something is posted."));
            What::Posted {
                letters: optional("letters")?,
                channel: PostingChannel::parse(&channel).ok_or_else(none)?,
                count: optional("count")?,
                at: day("at")?,
                until: if field("until").is_empty() { None } else { Some(day("until")?) },
                place: field("where"),
            }
        }
    })
}

/// An entry about letters or about a notice that left, in words.
pub(crate) fn words(what: &What) -> String {
    match what {
        What::Sending { obligation, language, to, message_id, .. } => {
            format!("{obligation} ({language}) to {to}, {message_id}")
        }
        What::Sent { obligation, at, how, .. } => format!("{obligation} at {at}: {how}"),
        What::SendFailed { obligation, how, why, uncertain, .. } => {
            let told = if *uncertain { "may not have been sent" } else { "was not sent" };
            format!("{obligation} {told} {how}: {why}")
        }
        What::Letters { kind, recipients, .. } => format!("{kind} to {recipients} people"),
        What::LettersAgreed { letters } => format!("to letters {letters}"),
        What::LettersMade { letters, made } => format!("{made} for {letters}"),
        What::LettersSending { letters, left } => format!("letters {letters}: {left} by e-mail"),
        What::LettersSent { letters, sent, refused, left, .. } => {
            format!("letters {letters} by e-mail: {sent} sent, {refused} refused, {left} left")
        }
        What::Returned { letters, count, kin } => {
            format!("{count} of letters {letters}{}", if *kin { ", to next of kin" } else { "" })
        }
        What::Posted { channel, count, at, until, place, .. } => {
            let count = count.map_or_else(String::new, |count| format!("{count}, "));
            let until = until.map_or_else(String::new, |until| format!(" until {until}"));
            format!("{}: {count}{place}, {at}{until}", channel.title())
        }
        What::TakenDown { posting, at } => format!("posting {posting} on {at}"),
        _ => String::new(),
    }
}
