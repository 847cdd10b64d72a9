//! Where letters and the notices in their place stand: counters and days, told from the entries of an incident.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::{Form, Kind, LetterError, Substitute, substitute};
use crate::case::{Case, Letters, Posting, PostingChannel};

/// Whether something that is demanded is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// Nothing of it is recorded.
    Missing,
    /// It begins on a later day.
    Planned,
    /// It stands, and has to go on.
    Standing,
    /// It ended, or is to end, too early: it has to stand again, for the whole time.
    Short,
    /// It is done.
    Done,
    /// The law has no measure: that is for people to judge.
    Judge,
}

/// Something that takes the place of letters, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// What is demanded.
    pub what: DemandKind,
    /// For how many days it has to stand; `None`: the law has no number.
    pub days_min: Option<u32>,
    /// Whether it is there.
    pub met: Met,
    /// Since when it stands, or from when it will.
    pub since: Option<Date>,
    /// The last day on which it has to stand.
    pub until: Option<Date>,
    /// For how many days it has stood.
    pub days_stood: u32,
    /// For how many days it still has to stand.
    pub days_left: u32,
    /// By how many days it ended, or is to end, too early.
    pub days_missing: u32,
    /// How many people were told in another way, and how many have to be; zero where days count.
    pub told: u64,
    /// How many people have to be told.
    pub people: u64,
}

/// What can be demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandKind {
    /// A notice on the home page, or in print or broadcast media.
    Notice,
    /// A toll-free number.
    TollFree,
    /// Another form of written notice, telephone, or other means, person by person.
    Alternative,
    /// A communication to the public.
    PublicCommunication,
    /// Measures that the law leaves open.
    Measures,
}

impl DemandKind {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Notice => "notice on the home page or in media",
            Self::TollFree => "toll-free number",
            Self::Alternative => "other form of notice",
            Self::PublicCommunication => "communication to the public",
            Self::Measures => "measures that protect people",
        }
    }
}

/// A notice that stands somewhere, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Its number: that of its entry.
    pub posting: u64,
    /// The letters in whose place it stands; `None`: all of the incident.
    pub letters: Option<u64>,
    /// By which way.
    pub channel: PostingChannel,
    /// Where.
    #[serde(rename = "where")]
    pub place: String,
    /// From when on.
    pub at: Date,
    /// Until when, as far as that is known.
    pub ends: Option<Date>,
    /// How many letters or people.
    pub count: Option<u64>,
    /// For how many days it has stood.
    pub days_stood: u32,
    /// For how many days it has to; `None`: no law says so here.
    pub days_min: Option<u32>,
}

/// Letters, and what stands in their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Their number.
    pub letters: u64,
    /// Which kind.
    pub kind: Kind,
    /// Rows of the table.
    pub recipients: u64,
    /// How many were made.
    pub made: u64,
    /// How many go by post.
    pub by_post: u64,
    /// Of these handed to the post.
    pub posted: u64,
    /// Of these still to be handed to it.
    pub post_left: u64,
    /// Of those that were posted, came back.
    pub returned: u64,
    /// How many go by e-mail.
    pub by_email: u64,
    /// Of these taken by the mail server.
    pub emailed: u64,
    /// Of these refused by it.
    pub refused: u64,
    /// Of these still to be sent.
    pub email_left: u64,
    /// People whom no letter reached: without an address, refused, or come back.
    pub unreachable: u64,
    /// Of those by post, to the next of kin or personal representatives of people who have died.
    pub kin: u64,
    /// People who have died and whose next of kin no letter reached: nothing takes its place (45 CFR 164.404(d)(2)).
    pub kin_unreached: u64,
    /// What the law wants in the place of letters to them.
    pub substitute: Substitute,
    /// That, piece by piece.
    pub demands: Vec<Demand>,
}

impl Standing {
    /// Whether nothing more is demanded in the place of letters, as far as that can be told.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.demands.iter().all(|demand| demand.met == Met::Done)
    }
}

/// Where all letters of an incident stand on a day.
///
/// # Errors
/// When the rules that are shipped are broken.
pub fn standing(case: &Case, today: Date) -> Result<Vec<Standing>, LetterError> {
    case.letters
        .iter()
        .filter_map(|(number, of)| Some((*number, of, Kind::parse(&of.kind)?)))
        .map(|one| of_letters(case, one, today))
        .collect()
}

/// Everything that was posted, each for itself.
///
/// # Errors
/// When the rules that are shipped are broken.
pub fn bars(case: &Case, today: Date) -> Result<Vec<Bar>, LetterError> {
    let standing = standing(case, today)?;
    let bar = |(number, posting): (&u64, &Posting)| {
        let concerned = standing.iter().filter(|one| posting.letters.is_none_or(|letters| letters == one.letters));
        let days_min = concerned.filter_map(|one| days_of(&one.substitute, posting.channel)).max();
        Bar {
            posting: *number,
            letters: posting.letters,
            channel: posting.channel,
            place: posting.place.clone(),
            at: posting.at,
            ends: posting.ends(),
            count: posting.count,
            days_stood: if posting.channel.counts() { 0 } else { stood(posting.at, posting.ends(), today) },
            days_min,
        }
    };
    Ok(case.postings.iter().map(bar).collect())
}

/// For how many days something has to stand by a rule.
const fn days_of(substitute: &Substitute, channel: PostingChannel) -> Option<u32> {
    match channel {
        PostingChannel::Website => substitute.posted_days_min,
        PostingChannel::Telephone => substitute.toll_free_days_min,
        _ => None,
    }
}

fn of_letters(case: &Case, (number, of, kind): (u64, &Letters, Kind), today: Date) -> Result<Standing, LetterError> {
    let mailed = of.mailed;
    let refused = mailed.map_or(0, |mailed| mailed.refused);
    let emailed = mailed.map_or(0, |mailed| mailed.sent);
    let unreachable = of.unreachable.saturating_add(refused).saturating_add(of.returned);
    let substitute = substitute(kind, unreachable)?;
    let postings = |channel: PostingChannel| {
        let concerns = move |posting: &&Posting| {
            posting.channel == channel && posting.letters.is_none_or(|letters| letters == number)
        };
        case.postings.values().filter(concerns)
    };
    let intervals = |channel| -> Vec<(Date, Option<Date>)> {
        postings(channel).map(|posting| (posting.at, posting.ends())).collect()
    };
    let told = postings(PostingChannel::Other).filter(|posting| posting.at <= today);
    let told = told.fold(0_u64, |sum, posting| sum.saturating_add(posting.count.unwrap_or(0)));
    let notice = |what, days_min| {
        let on_page = days(what, days_min, intervals(PostingChannel::Website), today);
        let in_media = days(what, None, intervals(PostingChannel::Media), today);
        // One of them is enough.
        match (on_page.met, in_media.met) {
            (Met::Done, _) | (_, Met::Missing) => on_page,
            (_, Met::Done) | (Met::Missing | Met::Short, _) => in_media,
            _ => on_page,
        }
    };
    let demands = match substitute.form {
        Form::None => Vec::new(),
        Form::Alternative => vec![people(told, unreachable)],
        Form::Posting => vec![
            notice(DemandKind::Notice, substitute.posted_days_min),
            days(DemandKind::TollFree, substitute.toll_free_days_min, intervals(PostingChannel::Telephone), today),
        ],
        Form::PublicCommunication => vec![notice(DemandKind::PublicCommunication, None)],
        Form::Measures => vec![Demand { met: Met::Judge, ..nothing(DemandKind::Measures, None) }],
    };
    Ok(Standing {
        letters: number,
        kind,
        recipients: of.recipients,
        made: of.made.unwrap_or(0),
        by_post: of.by_post,
        posted: of.posted,
        post_left: of.by_post.saturating_sub(of.posted),
        returned: of.returned.saturating_add(of.kin_returned),
        kin: of.kin,
        kin_unreached: of.kin_unreached.saturating_add(of.kin_returned),
        by_email: of.by_email,
        emailed,
        refused,
        email_left: of.by_email.saturating_sub(emailed.saturating_add(refused)),
        unreachable,
        substitute,
        demands,
    })
}

const fn nothing(what: DemandKind, days_min: Option<u32>) -> Demand {
    let days_left = match days_min {
        Some(days) => days,
        None => 0,
    };
    Demand {
        what,
        days_min,
        met: Met::Missing,
        since: None,
        until: None,
        days_stood: 0,
        days_left,
        days_missing: 0,
        told: 0,
        people: 0,
    }
}

fn people(told: u64, people: u64) -> Demand {
    let met = match told {
        told if told >= people => Met::Done,
        0 => Met::Missing,
        _ => Met::Standing,
    };
    Demand { met, told, people, ..nothing(DemandKind::Alternative, None) }
}

/// Days from one to another; zero if the other is before.
fn between(from: Date, to: Date) -> u32 {
    u32::try_from((to - from).get_days()).unwrap_or(0)
}

/// For how many days something has stood: the first day is whole only when the next begins.
fn stood(at: Date, ends: Option<Date>, today: Date) -> u32 {
    between(at, ends.map_or(today, |ends| ends.min(today)))
}

/// Something that has to stand for some days without a break, told from when it stood.
fn days(what: DemandKind, days_min: Option<u32>, mut intervals: Vec<(Date, Option<Date>)>, today: Date) -> Demand {
    intervals.sort_unstable();
    // What follows on the same or the next day goes on.
    let mut whole: Vec<(Date, Option<Date>)> = Vec::new();
    for (at, ends) in intervals {
        match whole.last_mut() {
            Some((_, before)) if before.is_none_or(|before| at <= before.saturating_add(jiff::Span::new().days(1))) => {
                *before = match (*before, ends) {
                    (Some(before), Some(ends)) => Some(before.max(ends)),
                    _ => None,
                };
            }
            _ => whole.push((at, ends)),
        }
    }
    let told = whole.into_iter().map(|(at, ends)| one(what, days_min, (at, ends), today));
    let rank = |demand: &Demand| {
        let of = match demand.met {
            Met::Done => 4,
            Met::Standing => 3,
            Met::Planned => 2,
            Met::Short => 1,
            Met::Missing | Met::Judge => 0,
        };
        (of, demand.days_stood)
    };
    told.max_by_key(rank).unwrap_or_else(|| nothing(what, days_min))
}

fn one(what: DemandKind, days_min: Option<u32>, (at, ends): (Date, Option<Date>), today: Date) -> Demand {
    let days_stood = stood(at, ends, today);
    let wanted = days_min.unwrap_or(0);
    let until = days_min.map(|days| at.saturating_add(jiff::Span::new().days(i64::from(days))));
    let planned = ends.map(|ends| between(at, ends));
    let days_missing = planned.map_or(0, |planned| wanted.saturating_sub(planned));
    let met = if days_missing > 0 {
        Met::Short
    } else if at > today {
        Met::Planned
    } else if days_stood >= wanted {
        Met::Done
    } else {
        Met::Standing
    };
    let days_left = if met == Met::Short { wanted } else { wanted.saturating_sub(days_stood) };
    Demand { met, since: Some(at), until, days_stood, days_left, days_missing, ..nothing(what, days_min) }
}

/// How far it is, in words.
impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        match (self.met, self.days_min) {
            (Met::Judge, _) => f.write_str("the law has no measure; the privacy office judges it"),
            (Met::Missing, _) if self.people > 0 => write!(f, "missing: none of {} people told", self.people),
            (Met::Standing | Met::Done, _) if self.people > 0 => {
                write!(f, "{} of {} people told", self.told.min(self.people), self.people)
            }
            (Met::Missing, Some(days)) => write!(f, "missing: it has to stand for {days} days"),
            (Met::Missing, None) => f.write_str("missing"),
            (Met::Planned, Some(days)) => write!(f, "begins on {}, to stand for {days} days", day(self.since)),
            (Met::Planned, None) => write!(f, "begins on {}", day(self.since)),
            (Met::Short, days) => {
                let days = days.unwrap_or(0);
                write!(f, "{} days too short: it has to stand anew, for {days} days", self.days_missing)
            }
            (Met::Standing, _) => {
                write!(
                    f,
                    "stands since {}, to stand until {}: {} days left",
                    day(self.since),
                    day(self.until),
                    self.days_left
                )
            }
            (Met::Done, Some(days)) => write!(f, "done: {} of {days} days, since {}", self.days_stood, day(self.since)),
            (Met::Done, None) => write!(f, "done, since {}", day(self.since)),
        }
    }
}
