//! A plan out of its text, with all that is wrong with it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use playbooks::Role;
use serde::Serialize;
use toml::de::DeTable;

use super::entry::{ANY, EMAIL, Entry, ID, LANGUAGE, PHONE, Placed, URL, shown};
use super::pattern::{Pattern, is_place};
use super::{
    Authority, BYTES_MAX, Channel, Contact, ENTRIES_MAX, FAULTS_MAX, Held, NOTE_CHARS_MAX, Organisation, Person, Plan,
    Stakeholder, StakeholderKind, tree,
};

/// The longest time to tell somebody, in hours: a year, as obligations have it.
const HOURS_MAX: u32 = 8_784;
/// The lowest deputy.
const RANK_MAX: u8 = 9;
/// People of a circle that are named in a message.
const CYCLE_NAMES_MAX: usize = 12;
/// Faults of TOML itself that are told: what follows the first few is mostly their echo.
const SYNTAX_FAULTS_MAX: usize = 5;

/// One thing that is wrong with the text of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanFault {
    /// The line, from 1, if it can be told.
    pub line: Option<usize>,
    /// Which entry: `the plan`, `organisation`, ``person `anna` ``, `person no. 3`.
    pub place: String,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "{}: {}; {}", self.place, self.why, self.remedy)
    }
}

impl std::error::Error for PlanFault {}

/// Collects faults.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<(usize, PlanFault)>,
    beyond: usize,
}

impl Faults<'_> {
    pub(super) fn add(
        &mut self,
        at: Option<Range<usize>>,
        place: &str,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.found.len() >= FAULTS_MAX {
            self.beyond += 1;
            return;
        }
        let line = at.as_ref().and_then(|at| self.text.as_bytes().get(..at.start));
        let line = line.map(|before| before.iter().filter(|byte| **byte == b'\n').count() + 1);
        let fault = PlanFault { line, place: place.to_owned(), why: why.into(), remedy: remedy.into() };
        self.found.push((at.map_or(usize::MAX, |at| at.start), fault));
    }

    fn told(mut self) -> Vec<PlanFault> {
        self.found.sort_by_key(|(at, _)| *at);
        let mut told: Vec<PlanFault> = self.found.into_iter().map(|(_, fault)| fault).collect();
        if self.beyond > 0 {
            told.push(PlanFault {
                line: None,
                place: "the plan".to_owned(),
                why: format!("{} more faults are not told", self.beyond),
                remedy: "mend those above first".to_owned(),
            });
        }
        told
    }
}

/// Where each id stands.
type Ids = HashMap<String, usize>;

pub(super) fn read(text: &str) -> Result<Plan, Vec<PlanFault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut log = Faults { text, found: Vec::new(), beyond: 0 };
    if text.len() > BYTES_MAX {
        let why = format!("it has {} bytes, {BYTES_MAX} are the most", text.len());
        log.add(None, "the plan", why, "take out what nobody needs when an incident happens");
        return Err(log.told());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(SYNTAX_FAULTS_MAX) {
        let why = error.message().lines().next().unwrap_or("it cannot be read").to_owned();
        log.add(error.span(), "the plan", why, "write it as TOML; `EXAMPLE` shows how");
    }
    if !errors.is_empty() {
        return Err(log.told());
    }
    let mut file = Entry::new(table.get_ref(), "the plan".to_owned(), 0..0);
    let organisation = file.entry(&mut log, "organisation").map(|entry| organisation(entry, &mut log));
    if organisation.is_none() {
        log.add(None, "the plan", "`[organisation]` is missing", "say first whose plan it is");
    }
    let (people, authorities) = (file.entries(&mut log, "person"), file.entries(&mut log, "authority"));
    let stakeholders = file.entries(&mut log, "stakeholder");
    let entries = people.len() + authorities.len() + stakeholders.len();
    file.finish(&mut log);
    if entries > ENTRIES_MAX {
        let why = format!("it has {entries} entries, {ENTRIES_MAX} are the most");
        log.add(None, "the plan", why, "name offices, not everybody in them");
        return Err(log.told());
    }
    let mut ids = Ids::new();
    let people: Vec<(Person, Vec<Placed>)> =
        people.into_iter().filter_map(|entry| person(entry, &mut ids, &mut log)).collect();
    calls(&people, &ids, &mut log);
    let mut ids = Ids::new();
    let authorities = authorities.into_iter().filter_map(|entry| authority(entry, &mut ids, &mut log)).collect();
    let stakeholders = stakeholders.into_iter().filter_map(|entry| stakeholder(entry, &mut log)).collect();
    let people = people.into_iter().map(|(person, _)| person).collect();
    match organisation {
        Some(organisation) if log.found.is_empty() => Ok(Plan { organisation, people, authorities, stakeholders }),
        _ => Err(log.told()),
    }
}

fn plain(placed: Vec<Placed>) -> Vec<String> {
    placed.into_iter().map(|(text, _)| text).collect()
}

fn organisation(mut entry: Entry<'_, '_>, log: &mut Faults<'_>) -> Organisation {
    let text = |placed: Option<Placed>| placed.map(|(text, _)| text).unwrap_or_default();
    let name = text(entry.needed(log, "name", &ANY));
    let country = entry.needed(log, "country", &ANY);
    if let Some((country, at)) = &country
        && !is_place(country)
    {
        let why = format!("`country` cannot be `{}`", shown(country));
        log.add(Some(at.clone()), &entry.place, why, "write it as `EU-DE`, `US-CA` or `JP`");
    }
    let timezone = entry.text(log, "timezone", &ANY);
    if let Some(zone) = &timezone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        let why = format!("there is no time zone `{}`", shown(zone));
        log.add(None, &entry.place, why, "name one of the IANA database, such as `Europe/Berlin`");
    }
    let organisation = Organisation {
        timezone,
        name,
        address: plain(entry.texts(log, "address", &ANY)),
        country: text(country),
        languages: plain(entry.texts(log, "languages", &LANGUAGE)),
        website: entry.text(log, "website", &URL),
        toll_free: entry.text(log, "toll_free", &PHONE),
        legal_roles: plain(entry.texts(log, "legal_roles", &ID)),
    };
    entry.finish(log);
    organisation
}

/// The id of an entry, which its place in messages has from then on.
fn id(entry: &mut Entry<'_, '_>, what: &str, ids: &mut Ids, log: &mut Faults<'_>) -> Option<String> {
    let (id, at) = entry.needed(log, "id", &ID)?;
    entry.place = format!("{what} `{id}`");
    let index = ids.len();
    if ids.insert(id.clone(), index).is_some() {
        log.add(Some(at), &entry.place, "the id stands there twice", "give one of them another");
    }
    Some(id)
}

fn person(mut entry: Entry<'_, '_>, ids: &mut Ids, log: &mut Faults<'_>) -> Option<(Person, Vec<Placed>)> {
    let id = id(&mut entry, "person", ids, log);
    let name = entry.needed(log, "name", &ANY);
    let mut roles: Vec<Held> = Vec::new();
    for (written, at) in entry.texts(log, "roles", &ANY) {
        match held(&written) {
            Some(held) if roles.iter().any(|one| one.role == held.role) => {
                let why = format!("`roles` has `{}` twice", held.role.as_str());
                log.add(Some(at), &entry.place, why, "take one of them out");
            }
            Some(held) => roles.push(held),
            None => {
                let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
                let remedy = format!("roles are {}; a first deputy is `legal:2`, up to {RANK_MAX}", known.join(", "));
                log.add(Some(at), &entry.place, format!("there is no role `{}`", shown(&written)), remedy);
            }
        }
    }
    let phone = entry.text(log, "phone", &PHONE);
    let mobile = entry.text(log, "mobile", &PHONE);
    let email = entry.text(log, "email", &EMAIL);
    let email_outside = entry.text(log, "email_outside", &EMAIL);
    let calls = entry.texts(log, "calls", &ID);
    let hours = entry.text(log, "hours", &ANY);
    entry.finish(log);
    let called = plain(calls.clone());
    let person = Person { id: id?, name: name?.0, roles, phone, mobile, email, email_outside, calls: called, hours };
    Some((person, calls))
}

fn held(written: &str) -> Option<Held> {
    let (name, rank) = match written.split_once(':') {
        None => (written, 1),
        Some((name, rank)) => (name.trim_end(), rank.trim_start().parse().ok()?),
    };
    (1..=RANK_MAX).contains(&rank).then_some(Held { role: Role::parse(name)?, rank })
}

/// Whether calls name somebody, and nobody calls somebody who calls them.
fn calls(people: &[(Person, Vec<Placed>)], ids: &Ids, log: &mut Faults<'_>) {
    for (person, calls) in people {
        for (id, at) in calls {
            if !ids.contains_key(id) {
                let place = format!("person `{}`", person.id);
                log.add(
                    Some(at.clone()),
                    &place,
                    format!("`calls` names `{id}`, whom nobody is"),
                    "write an id of a person",
                );
            }
        }
    }
    let only: Vec<&Person> = people.iter().map(|(person, _)| person).collect();
    for cycle in tree::cycles(&only) {
        let Some((first, calls)) = cycle.first().and_then(|index| people.get(*index)) else { continue };
        let all = cycle.iter().filter_map(|index| only.get(*index)).map(|person| person.id.as_str());
        let mut names: Vec<&str> = all.take(CYCLE_NAMES_MAX).collect();
        let next = names.get(1).copied().unwrap_or(&first.id);
        if names.len() < cycle.len() {
            names.push("…");
        }
        names.push(&first.id);
        let at = calls.iter().find(|(id, _)| id == next).map(|(_, at)| at.clone());
        let why = format!("the contact tree turns in a circle: `{}`", names.join("` calls `"));
        log.add(at, &format!("person `{}`", first.id), why, "take one of these calls out");
    }
}

fn authority(mut entry: Entry<'_, '_>, ids: &mut Ids, log: &mut Faults<'_>) -> Option<Authority> {
    let id = id(&mut entry, "authority", ids, log);
    let name = entry.needed(log, "name", &ANY);
    let obligations = plain(entry.texts(log, "obligations", &ID));
    let mut jurisdictions = Vec::new();
    for (written, at) in entry.texts(log, "jurisdictions", &ANY) {
        match Pattern::parse(&written) {
            Some(pattern) => jurisdictions.push(pattern),
            None => {
                let why = format!("`jurisdictions` cannot have `{}`", shown(&written));
                log.add(Some(at), &entry.place, why, "write `JP`, `EU-DE`, `EU-*`, `US*`, or `*` for all");
            }
        }
    }
    let how = entry.needed(log, "how", &ANY).and_then(|(how, at)| {
        let found = Channel::ALL.into_iter().find(|one| one.as_str() == how);
        if found.is_none() {
            let why = format!("`how` cannot be `{}`", shown(&how));
            log.add(Some(at), &entry.place, why, "write `portal`, `email`, `phone` or `post`");
        }
        found
    });
    for (key, is_empty) in [("obligations", obligations.is_empty()), ("jurisdictions", jurisdictions.is_empty())] {
        if is_empty {
            let remedy = "say for which obligations and where it is told, such as `[\"GDPR-33-1\"]` and `[\"EU-DE\"]`";
            log.add(Some(entry.at.clone()), &entry.place, format!("`{key}` names none"), remedy);
        }
    }
    let url = entry.text(log, "url", &URL);
    let email = entry.text(log, "email", &EMAIL);
    let phone = entry.text(log, "phone", &PHONE);
    let address = plain(entry.texts(log, "address", &ANY));
    let languages = plain(entry.texts(log, "languages", &LANGUAGE));
    let hours = entry.text(log, "hours", &ANY);
    let note = entry.note(log, "note", NOTE_CHARS_MAX);
    entry.finish(log);
    Some(Authority {
        id: id?,
        name: name?.0,
        obligations,
        jurisdictions,
        how: how?,
        url,
        email,
        phone,
        address,
        languages,
        hours,
        note,
    })
}

fn stakeholder(mut entry: Entry<'_, '_>, log: &mut Faults<'_>) -> Option<Stakeholder> {
    let name = entry.needed(log, "name", &ANY).map(|(name, _)| name);
    if let Some(name) = &name {
        entry.place = format!("stakeholder `{}`", shown(name));
    }
    let kind = entry.needed(log, "kind", &ANY).and_then(|(kind, at)| {
        let found = StakeholderKind::ALL.into_iter().find(|one| one.as_str() == kind);
        if found.is_none() {
            let known: Vec<&str> = StakeholderKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let why = format!("`kind` cannot be `{}`", shown(&kind));
            log.add(Some(at), &entry.place, why, format!("kinds are {}", known.join(", ")));
        }
        found
    });
    let study = entry.text(log, "study", &ANY);
    let contract = entry.text(log, "contract", &ANY);
    let hours_to_tell = entry.number(log, "hours_to_tell", 1..HOURS_MAX + 1);
    let mut contacts = Vec::new();
    for mut one in entry.entries(log, "contacts") {
        one.place = format!("{}, {}", entry.place, one.place);
        let name = one.needed(log, "name", &ANY);
        let phone = one.text(log, "phone", &PHONE);
        let email = one.text(log, "email", &EMAIL);
        let hours = one.text(log, "hours", &ANY);
        one.finish(log);
        contacts.extend(name.map(|(name, _)| Contact { name, phone, email, hours }));
    }
    entry.finish(log);
    Some(Stakeholder { kind: kind?, name: name?, study, contract, contacts, hours_to_tell })
}
