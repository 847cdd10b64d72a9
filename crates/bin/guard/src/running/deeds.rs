//! What Lazaret does when a playbook tells it to, verb by verb.

use std::collections::BTreeMap;

use incidents::brief::{self, brief_of};
use incidents::case::{Case, Entry, What};
use incidents::exposure::{Exposure, Form, Grade, lies_in};
use model::{By, Scope, StudyId};
use obligations::Audience;
use playbooks::{Act, Role, Verb};
use serde_json::{Map, Value};
use store::incidents::Incident;

use crate::Guarded;
use crate::exposing::ExposureRequest;
use crate::ops::{OpsError, time};
use crate::running::announce::Call;

/// The days that are looked back where a playbook says nothing.
const DAYS_BACK: i64 = 90;
const HOUR_MS: i64 = 60 * 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What stands for the results of deeds that an exercise does not do.
const PRACTISED: &str = "exercise";

type Values = BTreeMap<String, String>;

fn wrong<T>(why: impl Into<String>) -> Result<T, OpsError> {
    Err(OpsError::Wrong(why.into()))
}

fn argument<'a>(act: &'a Act, name: &str) -> &'a str {
    act.arguments.get(name).map_or("", String::as_str)
}

fn role(act: &Act) -> Result<Role, OpsError> {
    let text = argument(act, "role");
    Role::parse(text).ok_or_else(|| OpsError::Wrong(format!("`{text}` is no role")))
}

fn number(act: &Act, name: &str) -> Option<i64> {
    argument(act, name).parse().ok()
}

/// What an act asks to be looked at, as a question about the record.
pub(super) fn question(act: &Act, now_ms: i64) -> Result<ExposureRequest, OpsError> {
    let what = argument(act, "what").to_owned();
    let back = number(act, "days").unwrap_or(DAYS_BACK);
    let mut asked = ExposureRequest { from: Some(now_ms.saturating_sub(back * DAY_MS)), ..ExposureRequest::default() };
    match argument(act, "kind") {
        "principal" => asked.principal = Some(what),
        "device" => asked.device = Some(what),
        "access_key" => asked.credential = Some(what),
        "partner" => asked.partner = Some(what),
        "study" => asked.study = Some(study(&what)?),
        "object" => asked.objects = vec![what],
        "finding" => {
            let id = what.parse().map_err(|_wrong| OpsError::Wrong(format!("`{what}` is no number of a finding")))?;
            // A finding says itself over which time.
            asked = ExposureRequest { finding: Some(id), ..ExposureRequest::default() };
        }
        other => return wrong(format!("nothing is known about a `{other}`")),
    }
    Ok(asked)
}

fn study(text: &str) -> Result<StudyId, OpsError> {
    text.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))
}

impl Guarded {
    /// Does what an act says. What it gives back is what its playbook waits for.
    pub(super) async fn carry_out(
        &self,
        row: &Incident,
        case: &Case,
        run: u64,
        act: &Act,
        by: &By,
    ) -> Result<Values, OpsError> {
        let mut values = self.done(row, case, run, act, by).await?;
        values.retain(|name, _| act.gives.iter().any(|give| give.trim_matches('_') == name));
        Ok(values)
    }

    async fn done(&self, row: &Incident, case: &Case, run: u64, act: &Act, by: &By) -> Result<Values, OpsError> {
        let id = row.id;
        let none = Values::new();
        match act.verb {
            Verb::ContainPrincipal => self.hold_off(case, id, act, "principal", "principal", by).await,
            Verb::ContainAccessKey => self.hold_off(case, id, act, "access_key", "access_key", by).await,
            Verb::ContainPartner => self.hold_off(case, id, act, "partner", "partner", by).await,
            Verb::ContainDevice => self.hold_off(case, id, act, "device", "device", by).await,
            Verb::ContainStudy => {
                let kind = if argument(act, "mode") == "read_only" { "study_writes" } else { "study" };
                self.hold_off(case, id, act, kind, "study", by).await
            }
            Verb::ReleaseContainment => {
                let (kind, what) = (argument(act, "kind"), argument(act, "what"));
                let is_meant = |held: &str| held == kind || (kind == "study" && held == "study_writes");
                // A playbook may know somebody by id whom the incident has by name.
                let named = match kind {
                    "principal" | "device" => self.somebody(what).await.ok().map(|one| one.name),
                    _ => None,
                };
                for (held, target) in &case.contained {
                    if is_meant(held) && (target == what || Some(target) == named.as_ref()) {
                        self.contain(by, id, held, target, None, false).await?;
                    }
                }
                Ok(none)
            }
            Verb::SnapshotEvidence if case.is_exercise => Ok(one("evidence", PRACTISED)),
            Verb::SnapshotEvidence => self.snapshot(case, id, run, act, by).await,
            Verb::LegalHold if case.is_exercise => Ok(none),
            Verb::LegalHold => {
                let scope = Scope::Study(study(argument(act, "study"))?);
                self.hold_by(by, &scope, &format!("incident-{id}"), true).await?;
                Ok(none)
            }
            Verb::RaiseLogging => {
                let until = case.clock(by.now_ms).saturating_add(number(act, "hours").unwrap_or(1) * HOUR_MS);
                self.watch_closer(by, id, argument(act, "kind"), argument(act, "what"), Some(until)).await?;
                Ok(none)
            }
            Verb::StartBackup => Ok(one("backup", PRACTISED)),
            Verb::AskApproval => wrong("somebody else has to agree"),
            Verb::ComputeExposure => {
                let exposure = self.exposure_of_incident(by, id, &question(act, by.now_ms)?).await?;
                if exposure.entries == 0 && exposure.objects.is_empty() {
                    return wrong(format!(
                        "the record knows nothing about {} {}: what happened outside Lazaret is counted by people",
                        argument(act, "kind"),
                        argument(act, "what")
                    ));
                }
                Ok(counted(&exposure))
            }
            Verb::StartClocks => self.start_clocks(case, id, argument(act, "because"), by).await,
            Verb::DraftNotices => self.draft_for(case, id, argument(act, "audience"), by).await,
            Verb::NotifyRole => {
                let is_urgent = argument(act, "urgent") == "yes";
                let call = Call { role: role(act)?, text: argument(act, "text"), is_urgent, about: None };
                self.announce(case, id, call, by).await?;
                Ok(none)
            }
            Verb::OpenTask => {
                let due = case.clock(by.now_ms).saturating_add(number(act, "days").unwrap_or(1) * DAY_MS);
                let text = argument(act, "text").to_owned();
                let task = self.open_task(case, id, role(act)?, text, Some(due), by).await?;
                Ok(one("task", &task.to_string()))
            }
            Verb::AssignTraining => {
                let due = case.clock(by.now_ms).saturating_add(number(act, "days").unwrap_or(1) * DAY_MS);
                let course = argument(act, "course");
                let whom = match (argument(act, "principal"), argument(act, "role")) {
                    ("", _) => {
                        let role = role(act)?;
                        let none = || {
                            format!("nobody holds the role `{}` in this incident; say who does first", role.as_str())
                        };
                        case.roles.get(&role).cloned().ok_or_else(|| OpsError::Wrong(none()))?
                    }
                    (principal, _) => principal.to_owned(),
                };
                let who = self.somebody(&whom).await?;
                self.train(by, id, course, &who.id.to_string(), Some(due)).await?;
                let text = format!(
                    "Have {} take the course `{course}`, and note until when their training counts then.",
                    who.name
                );
                self.open_task(case, id, Role::Quality, text, Some(due), by).await?;
                Ok(none)
            }
        }
    }

    /// Keeps what the record says about something, with proofs.
    async fn snapshot(&self, case: &Case, id: u32, run: u64, act: &Act, by: &By) -> Result<Values, OpsError> {
        let asked = question(act, by.now_ms)?;
        let name = format!("incident-{id}-{run}-{}.jsonl", act.task);
        // It was kept, and the process ended before its playbook heard of it.
        let place = format!("evidence/{name}");
        let is_kept = |entry: &Entry| matches!(&entry.what, What::Evidence { text, .. } if text.contains(&place));
        if case.entries.iter().any(is_kept) {
            return Ok(one("evidence", &name));
        }
        let kept = self.keep_evidence(&asked, &name).await?;
        let text = format!(
            "{} entries of the record about {} {} with their proofs, in evidence/{name}. Because: {}",
            kept.entries,
            argument(act, "kind"),
            argument(act, "what"),
            argument(act, "reason")
        );
        let what = What::Evidence { text, sha256: kept.sha256, from: "the record".to_owned() };
        self.incidents.add(id, what, by).await?;
        Ok(one("evidence", &name))
    }

    /// Contains what the argument names. An exercise only says so.
    async fn hold_off(
        &self,
        case: &Case,
        id: u32,
        act: &Act,
        kind: &str,
        argument_name: &str,
        by: &By,
    ) -> Result<Values, OpsError> {
        let target = argument(act, argument_name);
        let until = number(act, "hours").map(|hours| case.clock(by.now_ms).saturating_add(hours * HOUR_MS));
        let name = match kind {
            "principal" | "device" => self.somebody(target).await?.name,
            _ => target.to_owned(),
        };
        let held = (kind.to_owned(), name);
        // Who is contained for longer already stays so; a later end, or none, comes in the place of an earlier one.
        let is_longer = match (case.until.get(&held), until) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(is), Some(until)) => until > *is,
        };
        if !case.contained.contains(&held) || is_longer {
            self.contain(by, id, kind, target, until, true).await?;
        }
        Ok(Values::new())
    }

    /// A task, unless there is one that says the same and is not done.
    async fn open_task(
        &self,
        case: &Case,
        id: u32,
        role: Role,
        text: String,
        due_at: Option<i64>,
        by: &By,
    ) -> Result<u64, OpsError> {
        let same = case.tasks.iter().find(|task| task.done.is_none() && task.role == role && task.text == text);
        if let Some(task) = same {
            return Ok(task.number);
        }
        let (number, ..) = self.incidents.add_numbered(id, What::Task { text, role, due_at }, by).await?;
        Ok(number)
    }

    async fn start_clocks(&self, case: &Case, id: u32, because: &str, by: &By) -> Result<Values, OpsError> {
        let mut set = Map::new();
        let now = case.clock(by.now_ms);
        if !case.facts.contains_key("aware_at") {
            set.insert("aware_at".to_owned(), time(now).into());
        }
        if !case.facts.contains_key("discovered_on") {
            let zone = case.facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
            let day = jiff::Timestamp::from_millisecond(now).ok().and_then(|at| at.in_tz(zone).ok());
            set.extend(day.map(|day| ("discovered_on".to_owned(), day.date().to_string().into())));
        }
        let mut known = case.clone();
        if !set.is_empty() {
            let text = format!("The organisation is aware. Because: {because}");
            self.incidents.add(id, What::Note { text, privileged: false }, by).await?;
            known = self.incidents.add(id, What::Facts { set, was: Map::new() }, by).await?.1;
        }
        let runs = |clock: &&Value| matches!(clock["status"].as_str(), Some("due" | "promptly" | "tolled" | "waiting"));
        let clocks = known.clocks.values().filter(runs).count();
        let first = known.next_due_at().map_or_else(|| "none".to_owned(), time);
        Ok(Values::from([("clocks".to_owned(), clocks.to_string()), ("first_due".to_owned(), first)]))
    }

    /// Drafts the notices to an audience that the clocks ask for, and the statement to it, where nobody has drafted them.
    async fn draft_for(&self, case: &Case, id: u32, audience: &str, by: &By) -> Result<Values, OpsError> {
        let is_meant = |of: Audience| match audience {
            "authorities" => of == Audience::Authority,
            "people" => matches!(of, Audience::People | Audience::Media),
            "partners" | "sponsor" => of == Audience::Partner,
            other => of.as_str() == other,
        };
        let library = crate::responding::library()?;
        let (mut drafts, mut asked) = (0_u32, Vec::new());
        for (obligation, clock) in &case.clocks {
            let runs = matches!(clock["status"].as_str(), Some("due" | "promptly" | "tolled" | "waiting"));
            if !runs {
                continue;
            }
            let of = brief_of(case, &library, obligation).map_err(|error| OpsError::Wrong(error.to_string()))?;
            if is_meant(of.audience) {
                asked.push(of);
            }
        }
        // Whom no law names is told by a statement; partners are where a law or contract names them.
        let statements = brief::statements().map_err(|error| OpsError::Wrong(error.to_string()))?;
        for statement in statements.filter(|one| one.audience.as_str() == audience) {
            asked.push(statement);
        }
        for of in asked {
            for language in self.languages_of(case, of.id) {
                if case.notice(of.id, &language).is_none() {
                    self.draft(by, id, of.id, &language, false).await?;
                }
                drafts += 1;
            }
        }
        Ok(one("drafts", &drafts.to_string()))
    }
}

fn one(name: &str, value: &str) -> Values {
    Values::from([(name.to_owned(), value.to_owned())])
}

/// What a playbook decides by. Who is known in two countries counts in both.
fn counted(exposure: &Exposure) -> Values {
    let figures = exposure.up_to(Grade::Likely);
    let of = |is: &dyn Fn(&str) -> bool| -> u64 {
        let places = figures.into_iter().flat_map(|figures| &figures.by_jurisdiction);
        places.filter(|(place, _)| is(place)).map(|(_, people)| *people).sum()
    };
    let people = figures.map_or(0, |figures| figures.subjects).saturating_add(exposure.uncounted_subjects);
    // Who lives nobody knows where may live anywhere: they count for every region.
    let somewhere = of(&|place| place == "unknown").saturating_add(exposure.uncounted_subjects);
    let anywhere = |known: u64| known.saturating_add(somewhere).to_string();
    // What leaves the gateway is open to whoever asked for it. What did not leave lies sealed.
    let readable = match exposure.form(Grade::Likely) {
        None | Some(Form::Sealed) => "sealed",
        Some(Form::Deidentified) => "unknown",
        Some(Form::Clear) => "clear",
    };
    [
        ("people", people.to_string()),
        ("people_eu", anywhere(of(&|place| lies_in(place, "EU")))),
        ("people_us", anywhere(of(&|place| lies_in(place, "US")))),
        ("people_jp", anywhere(of(&|place| lies_in(place, "JP")))),
        ("readable", readable.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
