//! What somebody does who is watched more closely because of an incident, as sightings: each of their events, from the first one on, whatever
//! rules and the watch over behaviour make of it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use detect::rule::Level;
use model::FoundBy;

use crate::Sighting;
use crate::document::{Context, Recorded};
use crate::watcher::Seen;

/// The rule id of what is seen of those who are watched more closely.
pub const CLOSER_RULE: &str = "lazaret-closer-watch";
/// Beginnings of the names of what answering incidents writes, which is no deed of whom they are about.
const ANSWERS: [&str; 3] = ["incident:", "finding:", "exposure:"];

/// Somebody or something that is watched more closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closer {
    /// `principal`, `device`, `access_key`, `partner`, `study` or `object`.
    pub kind: String,
    /// Which: a principal by id.
    pub target: String,
    /// From when on, in milliseconds since 1970, UTC.
    pub from_ms: i64,
    /// Until when.
    pub until_ms: i64,
    /// Because of which incident.
    pub incident: u32,
}

/// Who is watched more closely, as open incidents say.
#[derive(Debug, Default)]
pub struct Closers(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    by_incident: BTreeMap<u32, Vec<Closer>>,
    all: Arc<Vec<Closer>>,
}

impl Closers {
    /// All of them.
    pub fn all(&self) -> Arc<Vec<Closer>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).all)
    }

    /// Takes what an incident says now in the place of what it said before.
    pub fn set(&self, incident: u32, closer: Vec<Closer>) {
        self.turn(|by_incident| match closer.is_empty() {
            true => drop(by_incident.remove(&incident)),
            false => drop(by_incident.insert(incident, closer)),
        });
    }

    /// Forgets incidents that are no longer open.
    pub fn keep(&self, is_open: impl Fn(u32) -> bool) {
        self.turn(|by_incident| by_incident.retain(|id, _| is_open(*id)));
    }

    fn turn(&self, turn: impl FnOnce(&mut BTreeMap<u32, Vec<Closer>>)) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        turn(&mut held.by_incident);
        held.all = Arc::new(held.by_incident.values().flatten().cloned().collect());
    }
}

impl Closer {
    /// Whether an event is of whom or what is watched, in its time.
    #[must_use]
    pub fn sees(&self, recorded: &Recorded, context: &Context) -> bool {
        let rest = &recorded.unmapped;
        let answers = |entity: &String| ANSWERS.iter().any(|begin| entity.starts_with(begin));
        let Some(actor) = &recorded.actor else { return false };
        if !(self.from_ms..self.until_ms).contains(&recorded.time) || rest.entity.as_ref().is_some_and(answers) {
            return false;
        }
        let is = |value: Option<&String>| value.is_some_and(|value| *value == self.target);
        match self.kind.as_str() {
            "principal" | "device" => actor.user.uid == self.target,
            "access_key" => is(actor.user.credential_uid.as_ref()),
            "partner" => is(context.organisation.as_ref()),
            "study" => is(rest.study.as_ref()),
            "object" => is(rest.object.as_ref()),
            _ => false,
        }
    }
}

/// The sighting of an event of whom `closer` is about.
#[must_use]
pub fn watched(closer: &Closer, recorded: &Recorded, seen: &Seen<'_>) -> Sighting {
    let until = jiff::Timestamp::from_millisecond(closer.until_ms).map_or_else(|_| String::new(), |at| at.to_string());
    let mut matched = vec![("activity".to_owned(), recorded.activity_name.clone())];
    matched.extend(seen.object.clone().map(|name| ("object".to_owned(), name)));
    Sighting {
        found: FoundBy::Rule,
        rule: CLOSER_RULE.to_owned(),
        title: "Watched more closely".to_owned(),
        description: "What an actor does who is watched more closely because of an incident.".to_owned(),
        level: Level::Low,
        tags: Vec::new(),
        time_ms: seen.time_ms,
        entries: vec![(seen.entry, seen.time_ms)],
        principal: seen.principal,
        about: seen.about.to_owned(),
        study: seen.study.clone(),
        labels: seen.labels.clone(),
        subjects: seen.subjects,
        matched,
        why: vec![format!(
            "the {} is watched more closely until {until}, for incident {}",
            closer.kind.replace('_', " "),
            closer.incident
        )],
        measures: Vec::new(),
        object: seen.object.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Closer, Closers, watched};
    use crate::document::{Context, Recorded};
    use crate::watcher::Seen;

    fn recorded(time: i64, uid: &str, more: &str) -> Recorded {
        let json = format!(
            r#"{{"class_uid":6006,"activity_name":"download","time":{time},"actor":{{"user":{{"uid":"{uid}","type":"person","credential_uid":"LZR1"}}}},"unmapped":{{"study":"onc-201"{more}}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn each_event_of_whom_it_is_about_is_seen_in_its_time() {
        let (partner, nobody) =
            (Context { organisation: Some("Example CRO".to_owned()), ..Context::default() }, Context::default());
        let closer = |kind: &str, target: &str| Closer {
            kind: kind.to_owned(),
            target: target.to_owned(),
            from_ms: 100,
            until_ms: 200,
            incident: 7,
        };
        for (kind, target) in [
            ("principal", "a1"),
            ("device", "a1"),
            ("access_key", "LZR1"),
            ("partner", "Example CRO"),
            ("study", "onc-201"),
            ("object", "o1"),
        ] {
            let one = closer(kind, target);
            let event = |time: i64| recorded(time, "a1", r#","object":"o1""#);
            assert!(one.sees(&event(100), &partner) && one.sees(&event(199), &partner), "{kind}");
            assert!(!one.sees(&event(99), &partner) && !one.sees(&event(200), &partner), "{kind}");
            assert!(!closer(kind, "another").sees(&event(150), &partner), "{kind}");
        }
        assert!(!closer("partner", "Example CRO").sees(&recorded(150, "a1", ""), &nobody));
        let answering = recorded(150, "a1", r#","entity":"incident:ab""#);
        assert!(!closer("principal", "a1").sees(&answering, &nobody), "what answering writes is no deed of theirs");
        let (one, event) = (closer("access_key", "LZR1"), recorded(150, "a1", ""));
        let seen = Seen {
            entry: 9,
            family: "ocsf",
            json: b"{}",
            time_ms: 150,
            principal: None,
            about: "a1",
            study: None,
            labels: Vec::new(),
            subjects: 3,
            object: None,
            access: None,
        };
        let told = watched(&one, &event, &seen);
        assert_eq!((told.entries, told.subjects), (vec![(9, 150)], 3));
        assert!(
            told.why[0].contains("access key is watched more closely until 1970-01-01T00:00:00.2Z, for incident 7"),
            "{:?}",
            told.why
        );
    }

    #[test]
    fn what_incidents_say_last_holds_while_they_are_open() {
        let closer = |incident: u32| Closer {
            kind: "study".to_owned(),
            target: "onc-201".to_owned(),
            from_ms: 0,
            until_ms: 1,
            incident,
        };
        let closers = Closers::default();
        closers.set(1, vec![closer(1), closer(1)]);
        closers.set(2, vec![closer(2)]);
        assert_eq!(closers.all().len(), 3);
        closers.set(1, Vec::new());
        assert_eq!(*closers.all(), [closer(2)]);
        closers.keep(|id| id != 2);
        assert!(closers.all().is_empty());
    }
}
