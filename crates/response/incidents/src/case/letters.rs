//! Letters to those concerned, as entries leave them: asked for, agreed to, made, sent, posted, come back; and notices in their place.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Case, CaseError, Entry, What, wrong};

/// Letters to those concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letters {
    /// Which kind.
    pub kind: String,
    /// The SHA-256 of the table of recipients.
    pub sha256: String,
    /// Rows of it.
    pub recipients: u64,
    /// Letters by post.
    pub by_post: u64,
    /// Letters by e-mail.
    pub by_email: u64,
    /// People whom no letter reaches.
    pub unreachable: u64,
    /// Who asked for them.
    pub asked_by: String,
    /// Who else agreed.
    pub agreed_by: Option<String>,
    /// How many were made.
    pub made: Option<u64>,
    /// When e-mails began to leave, by the first entry that says so.
    pub sending: Option<u64>,
    /// What came of the e-mails, as it was told last.
    pub mailed: Option<Mailed>,
    /// How many were handed to the post.
    pub posted: u64,
    /// How many came back.
    pub returned: u64,
    /// Of the letters by post, those to the next of kin or personal representatives of people who have died.
    pub kin: u64,
    /// People who have died, and of whose next of kin no address is known.
    pub kin_unreached: u64,
    /// Of the letters to next of kin, those that came back; not among [`Letters::returned`].
    pub kin_returned: u64,
    /// Objects of the catalogue that the table is drawn from; none: somebody brings it.
    pub objects: Vec<u32>,
}

/// What came of the e-mails of letters, all in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mailed {
    /// The mail server took so many.
    pub sent: u64,
    /// It refused the addresses of so many.
    pub refused: u64,
    /// So many are still to be sent.
    pub left: u64,
}

/// By which way people were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostingChannel {
    /// Letters were handed to the post.
    Post,
    /// A notice stands on the home page.
    Website,
    /// A notice in print or broadcast media.
    Media,
    /// A toll-free number is answered.
    Telephone,
    /// People were told one by one in another way: in another form of writing, by telephone.
    Other,
}

impl PostingChannel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Post, Self::Website, Self::Media, Self::Telephone, Self::Other];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Website => "website",
            Self::Media => "media",
            Self::Telephone => "telephone",
            Self::Other => "other",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Post => "Letters handed to the post",
            Self::Website => "Notice on the home page",
            Self::Media => "Notice in print or broadcast media",
            Self::Telephone => "Toll-free number",
            Self::Other => "People told in another way",
        }
    }

    /// The channel of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// Whether people are counted, rather than days.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Post | Self::Other)
    }
}

/// What was posted: letters handed to the post, or a notice that stands somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting {
    /// In the place of these letters; `None`: of all letters of the incident.
    pub letters: Option<u64>,
    /// By which way.
    pub channel: PostingChannel,
    /// How many letters, or people.
    pub count: Option<u64>,
    /// From which day on.
    pub at: Date,
    /// Until which day; `None`: until further notice.
    pub until: Option<Date>,
    /// Where it stands: an address, a newspaper, a number.
    pub place: String,
    /// On which day it was taken down.
    pub taken_down: Option<Date>,
}

impl Posting {
    /// The last day on which it stands, as far as that is known.
    #[must_use]
    pub fn ends(&self) -> Option<Date> {
        match (self.until, self.taken_down) {
            (Some(until), Some(down)) => Some(until.min(down)),
            (until, down) => down.or(until),
        }
    }
}

impl Case {
    fn letters_of(&self, number: u64) -> Result<&Letters, CaseError> {
        self.letters.get(&number).ok_or_else(|| CaseError(format!("nobody asked for letters under {number}")))
    }

    /// Whether something may be said of letters.
    pub(super) fn check_letters(&self, what: &What) -> Result<(), CaseError> {
        match what {
            What::Letters { kind, .. } if crate::letters::Kind::parse(kind).is_none() => {
                wrong(format!("there are no letters of the kind `{kind}`"))
            }
            What::Letters { sha256, .. } => super::check_digest(sha256),
            What::LettersAgreed { letters } => match self.letters_of(*letters)?.agreed_by {
                Some(_) => wrong("somebody agreed to these letters already"),
                None => Ok(()),
            },
            What::LettersMade { letters, .. } => self.check_agreed(*letters).map(|_| ()),
            What::LettersSending { letters, left } => {
                if self.is_exercise {
                    return wrong("an exercise sends nothing to anybody");
                }
                let of = self.check_agreed(*letters)?;
                if *left > of.by_email {
                    return wrong(format!("{left} e-mails cannot be left of {} that go by e-mail", of.by_email));
                }
                Ok(())
            }
            What::LettersSent { letters, sent, refused, left, .. } => {
                let of = self.letters_of(*letters)?;
                if of.sending.is_none() {
                    return wrong("nobody has begun to send these letters; `lazaret incidents letters send` does it");
                }
                let all = sent.checked_add(*refused).and_then(|all| all.checked_add(*left));
                if all.is_none_or(|all| all > of.by_email) {
                    return wrong(format!(
                        "{sent} sent, {refused} refused and {left} left are more than the {} that go by e-mail",
                        of.by_email
                    ));
                }
                Ok(())
            }
            What::Returned { letters, count, kin } => {
                let of = self.letters_of(*letters)?;
                let left = of.posted.saturating_sub(of.returned.saturating_add(of.kin_returned));
                let left = if *kin { left.min(of.kin.saturating_sub(of.kin_returned)) } else { left };
                match (*count, left) {
                    (count, left) if *kin && count > left => wrong(format!(
                        "{count} letters to next of kin cannot have come back: there are {}, and {} came back before",
                        of.kin, of.kin_returned
                    )),
                    (0, _) => wrong("say how many letters came back: at least one"),
                    (count, left) if count > left => wrong(format!(
                        "{count} letters cannot have come back: of {} that were posted, {} came back before",
                        of.posted, of.returned
                    )),
                    _ => Ok(()),
                }
            }
            What::Posted { .. } => self.check_posted(what),
            What::TakenDown { posting, at } => match self.postings.get(posting) {
                None => wrong(format!("nothing was posted under {posting}")),
                Some(one) if one.channel.counts() => wrong("what was handed over cannot be taken down"),
                Some(one) if one.taken_down.is_some() => wrong(format!("posting {posting} was taken down already")),
                Some(one) if *at < one.at => {
                    wrong(format!("it cannot be taken down on {at}, before it stands from {}", one.at))
                }
                Some(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn check_agreed(&self, letters: u64) -> Result<&Letters, CaseError> {
        let of = self.letters_of(letters)?;
        if of.agreed_by.is_none() {
            return wrong("nobody else has agreed to these letters yet");
        }
        Ok(of)
    }

    fn check_posted(&self, what: &What) -> Result<(), CaseError> {
        let What::Posted { letters, channel, count, at, until, .. } = what else { return Ok(()) };
        let of = letters.map(|letters| self.letters_of(letters)).transpose()?;
        if let Some(until) = until
            && until < at
        {
            return wrong(format!("it cannot end on {until}, before it begins on {at}; turn the days round"));
        }
        if channel.counts() && until.is_some() {
            return wrong(format!("`{}` happens on a day and has no end; leave `until` out", channel.as_str()));
        }
        match (channel.counts(), count) {
            (true, None | Some(0)) => {
                return wrong(format!("say with `count` how many: `{}` is told by number", channel.as_str()));
            }
            (false, Some(_)) => {
                return wrong(format!("`{}` is told by its days; leave `count` out", channel.as_str()));
            }
            _ => {}
        }
        let count = count.unwrap_or(0);
        match (channel, of) {
            (PostingChannel::Post | PostingChannel::Other, None) => {
                wrong("say with `letters` which letters these are; `lazaret incidents letters status` lists them")
            }
            (PostingChannel::Post, Some(of)) => {
                if of.made.is_none() {
                    return wrong("these letters were never made; `lazaret incidents letters make` does it first");
                }
                let left = of.by_post.saturating_sub(of.posted);
                if count > left {
                    return wrong(format!(
                        "{count} letters cannot be posted: of {} by post, {} were posted before",
                        of.by_post, of.posted
                    ));
                }
                Ok(())
            }
            (PostingChannel::Other, Some(of)) if count > of.recipients => {
                wrong(format!("{count} people are more than the {} of the table", of.recipients))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn apply_letters(&mut self, entry: &Entry) -> Result<(), CaseError> {
        match &entry.what {
            What::Letters {
                kind,
                sha256,
                recipients,
                by_post,
                by_email,
                unreachable,
                kin,
                kin_unreached,
                objects,
                ..
            } => {
                let letters = Letters {
                    kind: kind.clone(),
                    sha256: sha256.clone(),
                    recipients: *recipients,
                    by_post: *by_post,
                    by_email: *by_email,
                    unreachable: *unreachable,
                    asked_by: entry.by.clone(),
                    agreed_by: None,
                    made: None,
                    sending: None,
                    mailed: None,
                    posted: 0,
                    returned: 0,
                    kin: *kin,
                    kin_unreached: *kin_unreached,
                    kin_returned: 0,
                    objects: objects.clone(),
                };
                self.letters.insert(entry.number, letters);
            }
            What::LettersAgreed { letters } => {
                if let Some(letters) = self.letters.get_mut(letters) {
                    // Two people decide that names are put to what happened.
                    if letters.asked_by == entry.by {
                        return wrong("whoever asked for letters cannot agree to them; somebody else has to");
                    }
                    letters.agreed_by = Some(entry.by.clone());
                }
            }
            What::LettersMade { letters, made } => {
                if let Some(letters) = self.letters.get_mut(letters) {
                    letters.made = Some(*made);
                }
            }
            What::LettersSending { letters, .. } => {
                if let Some(letters) = self.letters.get_mut(letters) {
                    letters.sending.get_or_insert(entry.number);
                }
            }
            What::LettersSent { letters, sent, refused, left, .. } => {
                if let Some(letters) = self.letters.get_mut(letters) {
                    letters.mailed = Some(Mailed { sent: *sent, refused: *refused, left: *left });
                }
            }
            What::Returned { letters, count, kin } => {
                if let Some(letters) = self.letters.get_mut(letters) {
                    let of = if *kin { &mut letters.kin_returned } else { &mut letters.returned };
                    *of = of.saturating_add(*count);
                }
            }
            What::Posted { letters, channel, count, at, until, place } => {
                let of = letters.and_then(|letters| self.letters.get_mut(&letters));
                if let (PostingChannel::Post, Some(of)) = (channel, of) {
                    of.posted = of.posted.saturating_add(count.unwrap_or(0));
                }
                let posting = Posting {
                    letters: *letters,
                    channel: *channel,
                    count: *count,
                    at: *at,
                    until: *until,
                    place: place.clone(),
                    taken_down: None,
                };
                self.postings.insert(entry.number, posting);
            }
            What::TakenDown { posting, at } => {
                if let Some(posting) = self.postings.get_mut(posting) {
                    posting.taken_down = Some(*at);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
