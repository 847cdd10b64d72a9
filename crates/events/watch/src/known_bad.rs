//! An indicator of threat intelligence that an event matched, as a sighting.

use intel::{Indicator, Match};
use model::FoundBy;

use crate::watcher::Seen;
use crate::{Ranking, Sighting};

/// Before the id of an indicator, the rule id of what it found.
pub const INDICATOR_RULE: &str = "lazaret-indicator:";
/// Names of actors and malware that a sighting tells.
const NAMES_MAX: usize = 10;

/// The sighting of a match on `seen`.
#[must_use]
pub fn indicated(matched: &Match<'_>, seen: &Seen<'_>, ranking: &Ranking) -> Sighting {
    let indicator = matched.indicator;
    let kind = matched.seen.first().map_or_else(|| "indicator".to_owned(), |one| one.kind.as_str().replace('_', " "));
    Sighting {
        found: FoundBy::Indicator,
        rule: format!("{INDICATOR_RULE}{}", indicator.id),
        title: format!("Known bad: a {kind} that {} names", indicator.source),
        description: described(indicator),
        level: ranking.confidence(indicator.confidence),
        tags: Vec::new(),
        time_ms: seen.time_ms,
        entries: vec![(seen.entry, seen.time_ms)],
        principal: seen.principal,
        about: seen.about.to_owned(),
        study: seen.study.clone(),
        labels: seen.labels.clone(),
        subjects: seen.subjects,
        matched: matched.seen.iter().map(|one| (one.field.clone(), one.value.clone())).collect(),
        why: why(matched),
        measures: Vec::new(),
        object: seen.object.clone(),
    }
}

fn described(indicator: &Indicator) -> String {
    let context = indicator.context.as_deref();
    let named = context.and_then(|context| context.name.as_deref()).unwrap_or(&indicator.id);
    format!("`{named}` of {} was seen.", indicator.source)
}

/// Age, end, confidence, and who is behind it.
fn why(matched: &Match<'_>) -> Vec<String> {
    let indicator = matched.indicator;
    let mut why = Vec::new();
    let age = matched.age_days();
    let known = if indicator.since_stated { "known to its source" } else { "imported" };
    why.push(match age {
        ..0 => format!("{known} {} days after the event", -age),
        0 => format!("{known} on the day of the event"),
        _ => format!("{known} {age} days before the event"),
    });
    if let Some(until) = indicator.until_ms.and_then(|until| jiff::Timestamp::from_millisecond(until).ok()) {
        why.push(format!("holds until {}", until.strftime("%Y-%m-%d")));
    }
    if let Some(confidence) = indicator.confidence {
        why.push(format!("its source is {confidence} of 100 sure"));
    }
    if let Some(context) = indicator.context.as_deref() {
        let list = |names: &[String]| names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        if !context.actors.is_empty() {
            why.push(format!("behind it: {}", list(&context.actors)));
        }
        if !context.malware.is_empty() {
            why.push(format!("belongs to: {}", list(&context.malware)));
        }
    }
    why
}
