//! Files of regimes as they are written, and the obligations that they come to.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Pattern};
use crate::library::{Delaying, Library, LibraryError, Shape, read, wrong};
use crate::obligation::{Audience, Confidence, Content, Extension, Guidance, Hint, LaterStage, LawStatus, Obligation};
use crate::period::{Period, Start};
use crate::within::Within;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelayRule {
    citation: String,
    says: String,
    oral_days_max: i64,
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    #[serde(rename = "confidence")]
    _confidence: Confidence,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimeFile {
    regime: String,
    name: String,
    /// Whose people the law is about, where it is about people of a place.
    people: Option<String>,
    /// Where the law is law; where it is left out, the place that `people` names.
    jurisdiction: Option<String>,
    /// Where the text can be read, unless an obligation says so itself.
    source_url: Option<String>,
    #[serde(default)]
    define: HashMap<String, String>,
    delay: Option<DelayRule>,
    obligation: Vec<WrittenObligation>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenLength {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_day_counts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cites: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum WrittenPeriod {
    Word(String),
    Length(Box<WrittenLength>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherPeriod {
    when: String,
    period: WrittenPeriod,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherStart {
    when: String,
    start: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherRecipient {
    when: String,
    recipient: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStage {
    name: String,
    /// The obligation whose notice is this step.
    obligation: String,
    when: Option<String>,
    start: Vec<String>,
    period: WrittenPeriod,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHint {
    fact: String,
    when: String,
    says: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenObligation {
    id: String,
    #[serde(default)]
    status: LawStatus,
    title: String,
    citation: String,
    source_url: Option<String>,
    says: String,
    /// With whom the contract is whose clause it is.
    partner: Option<String>,
    roles: Vec<String>,
    when: String,
    requested: Option<String>,
    start: Vec<String>,
    start_at_latest: Option<String>,
    #[serde(default)]
    other_starts: Vec<OtherStart>,
    period: WrittenPeriod,
    #[serde(default)]
    other_periods: Vec<OtherPeriod>,
    #[serde(default)]
    stages: Vec<WrittenStage>,
    rolls: Option<String>,
    target_days: Option<i64>,
    guidance: Option<WrittenLength>,
    #[serde(default)]
    extensions: Vec<Extension>,
    #[serde(default)]
    delayable: bool,
    recipient: String,
    #[serde(default)]
    other_recipients: Vec<OtherRecipient>,
    #[serde(default)]
    audience: Audience,
    recipients_for: Option<String>,
    recipient_is: Option<String>,
    hint: Option<WrittenHint>,
    #[serde(default)]
    note: String,
    from: toml::value::Datetime,
    to: Option<toml::value::Datetime>,
    text_version: toml::value::Datetime,
    checked: toml::value::Datetime,
    confidence: Confidence,
    #[serde(default)]
    contents: Vec<Content>,
}

impl Library {
    pub(crate) fn add(&mut self, files: &[(&str, &str)]) -> Result<(), LibraryError> {
        let mut read_files = Vec::with_capacity(files.len());
        for (name, text) in files {
            let file: RegimeFile = read(name, text)?;
            for obligation in &file.obligation {
                if !well_formed(&obligation.id) {
                    return Err(wrong(name, format!("obligation `{}`: ", obligation.id), written_id()));
                }
                self.vocabulary.add_id(&obligation.id);
            }
            read_files.push((*name, file));
        }
        for (name, file) in read_files {
            if !self.regimes.iter().any(|(regime, _)| *regime == file.regime) {
                self.regimes.push((file.regime.clone(), file.name.clone()));
            }
            if let Some(DelayRule { citation, says, oral_days_max, .. }) = &file.delay {
                let rule = Delaying { citation: citation.clone(), says: says.clone(), oral_days_max: *oral_days_max };
                self.delaying.insert(file.regime.clone(), rule);
            }
            for written in &file.obligation {
                let made = self.obligation(written, &file);
                let made = made.map_err(|why| wrong(name, format!("obligation `{}`: ", written.id), why))?;
                self.obligations.push(made);
            }
        }
        self.group().map_err(|(id, why)| wrong("obligations", format!("obligation `{id}`: "), why))
    }

    fn group(&mut self) -> Result<(), (String, String)> {
        let rank = |of: &Obligation| self.vocabulary.id(&of.id).unwrap_or(usize::MAX);
        let mut obligations = std::mem::take(&mut self.obligations);
        obligations.sort_by_key(|of| (rank(of), of.status == LawStatus::Proposed, of.from));
        self.groups.clear();
        let mut begins = 0;
        for group in obligations.chunk_by(|one, next| one.id == next.id) {
            for pair in group.windows(2) {
                if let [one, next] = pair
                    && one.status == next.status
                    && one.to.is_none_or(|to| to >= next.from)
                {
                    return Err((one.id.clone(), format!("two versions hold on {}", next.from)));
                }
            }
            self.groups.push(begins..begins + group.len());
            begins += group.len();
        }
        self.obligations = obligations;
        Ok(())
    }

    fn obligation(&self, written: &WrittenObligation, file: &RegimeFile) -> Result<Obligation, String> {
        let vocabulary = &self.vocabulary;
        let mut roles = 0;
        for role in &written.roles {
            roles |= 1 << vocabulary.role(role).ok_or_else(|| vocabulary.no_role(role))?;
        }
        if roles == 0 {
            return Err("it is nobody's duty: `roles` is empty".to_owned());
        }
        if written.delayable && file.delay.is_none() {
            return Err("`delayable` needs the regime's `[delay]`".to_owned());
        }
        let condition = |text: &str| self.condition(text, &file.define);
        let guidance = written.guidance.as_ref().map(|length| {
            let cites = length.cites.clone().ok_or("`guidance` says who gives it, in `cites`")?;
            Ok::<_, String>(Guidance { period: self.length(length)?, cites })
        });
        let mut obligation = Obligation {
            id: written.id.clone(),
            regime: file.regime.clone(),
            jurisdiction: self.jurisdiction(file)?,
            title: written.title.clone(),
            citation: written.citation.clone(),
            source_url: written.source_url.as_deref().or(file.source_url.as_deref()).map(url).transpose()?,
            says: written.says.clone(),
            partner: written.partner.clone(),
            roles,
            when: condition(&written.when)?,
            requested: written.requested.as_deref().map(condition).transpose()?,
            start: self.starts(&written.start)?,
            start_at_latest: written.start_at_latest.as_deref().map(|name| self.timed_fact(name)).transpose()?,
            other_starts: Vec::new(),
            period: self.period(&written.period)?,
            other_periods: Vec::new(),
            rolls: written.rolls.as_deref().map(|id| self.calendar_index(id)).transpose()?,
            target_days: written.target_days,
            guidance: guidance.transpose()?,
            stages: Vec::new(),
            extensions: written.extensions.clone(),
            delayable: written.delayable,
            recipient: written.recipient.clone(),
            other_recipients: Vec::new(),
            audience: written.audience,
            recipients_for: written.recipients_for.as_deref().map(|text| self.recipients_for(text)).transpose()?,
            recipient_is: written.recipient_is.as_deref().map(|name| self.place_fact(name)).transpose()?,
            hint: None,
            note: written.note.clone(),
            status: written.status,
            from: day(&written.from)?,
            to: written.to.as_ref().map(day).transpose()?,
            text_version: day(&written.text_version)?,
            checked: day(&written.checked)?,
            confidence: written.confidence,
            contents: written.contents.clone(),
            index: self.known_id(&written.id)?,
            reads: crate::condition::Reads::default(),
        };
        self.alternatives(written, &file.define, &mut obligation)?;
        obligation.reads = obligation.read();
        Ok(obligation)
    }

    /// What depends on more conditions than the one that triggers it.
    fn alternatives(
        &self,
        written: &WrittenObligation,
        define: &HashMap<String, String>,
        obligation: &mut Obligation,
    ) -> Result<(), String> {
        for other in &written.other_starts {
            obligation.other_starts.push((self.condition(&other.when, define)?, self.starts(&other.start)?));
        }
        for other in &written.other_periods {
            obligation.other_periods.push((self.condition(&other.when, define)?, self.period(&other.period)?));
        }
        for other in &written.other_recipients {
            obligation.other_recipients.push((self.condition(&other.when, define)?, other.recipient.clone()));
        }
        for stage in &written.stages {
            let when = stage.when.as_deref().map(|text| self.condition(text, define)).transpose()?;
            obligation.stages.push(LaterStage {
                name: stage.name.clone(),
                notice: self.known_id(&stage.obligation)?,
                when: when.unwrap_or_else(Condition::always),
                start: self.starts(&stage.start)?,
                period: self.period(&stage.period)?,
            });
        }
        if let Some(hint) = &written.hint {
            let fact = self.vocabulary.fact(&hint.fact).ok_or_else(|| format!("there is no fact `{}`", hint.fact))?;
            let when = self.condition(&hint.when, define)?;
            obligation.hint = Some(Hint { fact, when, says: hint.says.clone() });
        }
        Ok(())
    }

    fn condition(&self, text: &str, define: &HashMap<String, String>) -> Result<Condition, String> {
        let text = defined(text, define)?;
        Condition::parse(&text, &self.vocabulary).map_err(|why| format!("condition `{text}`: {why}"))
    }

    fn jurisdiction(&self, file: &RegimeFile) -> Result<Option<String>, String> {
        let people = file.people.as_deref().map(|text| Pattern::parse(text, &self.vocabulary)).transpose()?;
        match &file.jurisdiction {
            Some(named) => self.vocabulary.jurisdiction(named).map(|place| Some(place.to_owned())),
            None => Ok(people.as_ref().map(|pattern| pattern.place().to_owned())),
        }
    }

    /// A fact whose words are places.
    fn place_fact(&self, name: &str) -> Result<usize, String> {
        let fact = self.vocabulary.fact(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
        let words = self.vocabulary.words(fact);
        let strange = words.iter().find_map(|word| self.vocabulary.jurisdiction(word).err());
        match strange {
            Some(why) => Err(format!("the words of fact `{name}` are no places: {why}")),
            None if words.is_empty() => Err(format!("fact `{name}` has no words that are places")),
            None => Ok(fact),
        }
    }

    fn known_id(&self, id: &str) -> Result<usize, String> {
        self.vocabulary.id(id).ok_or_else(|| format!("there is no obligation `{id}`"))
    }

    fn calendar_index(&self, id: &str) -> Result<usize, String> {
        let found = self.calendars.iter().position(|calendar| calendar.id == id);
        found.ok_or_else(|| format!("there is no calendar `{id}`"))
    }

    /// The period as it is reckoned with.
    pub(crate) fn within(&self, within: &Within) -> Result<Period, String> {
        self.period(&within.clone().into())
    }

    pub(crate) fn starts(&self, written: &[String]) -> Result<Vec<Start>, String> {
        let one = |text: &String| match text.split_once(' ') {
            Some(("day", name)) => self.timed_fact(name).map(Start::DayOf),
            Some(("notice", id)) => self.known_id(id).map(Start::Notice),
            None => self.timed_fact(text).map(Start::Fact),
            Some(_) => Err(format!("`{text}` is no start; write a fact, `day FACT` or `notice ID`")),
        };
        if written.is_empty() {
            return Err("`start` is empty: say from when the period runs".to_owned());
        }
        written.iter().map(one).collect()
    }

    /// A fact that is an instant or a day.
    fn timed_fact(&self, name: &str) -> Result<usize, String> {
        let fact = self.vocabulary.fact(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
        match self.vocabulary.shape(fact) {
            Some(Shape::Instant | Shape::Day) => Ok(fact),
            _ => Err(format!("`{name}` is no time")),
        }
    }

    fn period(&self, written: &WrittenPeriod) -> Result<Period, String> {
        match written {
            WrittenPeriod::Word(word) if word == "promptly" => Ok(Period::Promptly),
            WrittenPeriod::Word(word) => Err(format!("`{word}` is no period; write `promptly` or `{{ hours = 72 }}`")),
            WrittenPeriod::Length(length) => self.length(length),
        }
    }

    fn length(&self, length: &WrittenLength) -> Result<Period, String> {
        let after_year_end = match length.after.as_deref() {
            None => false,
            Some("year-end") => true,
            Some(other) => return Err(format!("`after = \"{other}\"` means nothing; write `year-end`")),
        };
        let plain = !length.first_day_counts && !after_year_end;
        let period = match (length.hours, length.days, length.months, length.business_days, &length.calendar) {
            (Some(hours), None, None, None, None) if plain => Period::Hours(hours),
            (None, Some(days), None, None, None) => {
                Period::Days { days, first_day_counts: length.first_day_counts, after_year_end }
            }
            (None, None, Some(months), None, None) if plain => Period::Months(months),
            (None, None, None, Some(days), Some(calendar)) if plain => {
                Period::BusinessDays { days, calendar: self.calendar_index(calendar)? }
            }
            _ => {
                return Err(
                    "a period has one of `hours`, `days`, `months`, or `business_days` with `calendar`".to_owned()
                );
            }
        };
        let number = length.hours.or(length.days).or(length.months).or(length.business_days).unwrap_or(0);
        if (1..=8_784).contains(&number) {
            Ok(period)
        } else {
            Err(format!("{number} is no length of a period; from 1 to 8,784 can be"))
        }
    }

    fn recipients_for(&self, text: &str) -> Result<(Pattern, u64), String> {
        match text.split_once(" > ") {
            None => Pattern::parse(text, &self.vocabulary).map(|pattern| (pattern, 0)),
            Some((pattern, number)) => {
                let limit = number.parse().map_err(|source| format!("`{number}` is no number: {source}"))?;
                Pattern::parse(pattern, &self.vocabulary).map(|pattern| (pattern, limit))
            }
        }
    }
}

/// Puts what is defined in the place of `@name`. Definitions hold no others.
fn defined(text: &str, define: &HashMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let length = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(length).unwrap_or((after, ""));
        let meaning = define.get(name).ok_or_else(|| format!("`@{name}` is not defined in the file"))?;
        out.push_str(before);
        out.push('(');
        out.push_str(meaning);
        out.push(')');
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn url(text: &str) -> Result<String, String> {
    if text.starts_with("https://") && !text.contains(char::is_whitespace) {
        Ok(text.to_owned())
    } else {
        Err(format!("`source_url` is `{text}`; write one that begins with `https://`"))
    }
}

/// How an id is written.
pub(crate) const fn written_id() -> &'static str {
    "an id is 1 to 64 letters, digits, `-`, `.` and `_`"
}

pub(crate) fn well_formed(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn day(written: &toml::value::Datetime) -> Result<Date, String> {
    let text = written.to_string();
    text.parse().map_err(|source| format!("`{text}` is no day: {source}"))
}
