//! Events in, sightings out, the same every time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use behaviour::Options;
use detect::library::Library;
use detect::rule::{Document, Level, parse};
use detect::test::Placeholders;
use model::{FoundBy, Label, PrincipalId};
use watch::document::{Context, Recorded, document, own_access};
use watch::{Known, Seen, Sighting, Watcher};

const RULES: &str = "
title: Unblinding data opened by a blinded role
id: r-unblind
level: critical
tags: [attack.t1530]
logsource: {product: lazaret, service: data}
detection:
  s: {activity_name: download, unmapped.labels: trial.unblinding, context.blinded: true}
  condition: s
---
title: Download
id: r-base
name: download
level: low
logsource: {product: lazaret, service: data}
detection:
  s: {activity_name: download}
  condition: s
---
title: Many downloads
id: r-many
level: high
correlation:
  type: event_count
  rules: [download]
  group-by: [actor.user.uid]
  timespan: 10m
  condition: {gte: 3}
---
title: Very many downloads
id: r-burst
level: high
correlation:
  type: event_count
  rules: [download]
  group-by: [actor.user.uid]
  timespan: 1h
  condition: {gte: 130}
";

fn known() -> Known {
    let (documents, errors) = parse(RULES, &Placeholders::new());
    assert!(errors.is_empty(), "{errors:?}");
    let mut library = Library::default();
    for document in documents {
        match document {
            Document::Rule(rule) => library.rules.push(*rule),
            Document::Correlation(correlation) => library.correlations.push(*correlation),
            Document::Filter(_) => panic!("no filter"),
        }
    }
    Known::of(library).unwrap()
}

fn event(who: u8, label: &str, time: i64) -> String {
    format!(
        r#"{{"class_uid":6006,"category_uid":6,"activity_id":2,"activity_name":"download","type_uid":600602,"time":{time},"severity_id":1,"metadata":{{"version":"1.5.0","product":{{"name":"Lazaret","vendor_name":"Lazaret"}}}},"status_id":1,"actor":{{"user":{{"uid":"{}","type":"person"}}}},"src_endpoint":{{"ip":"192.0.2.7"}},"unmapped":{{"through":"s3","study":"onc-201","labels":["{label}"],"bytes":900,"subject_count":3}}}}"#,
        PrincipalId::from_bytes([who; 16])
    )
}

fn numbers(sighting: &Sighting) -> Vec<u64> {
    sighting.entries.iter().map(|(entry, _)| *entry).collect()
}

fn watched(watcher: &mut Watcher<'_>, entry: u64, json: &str, context: &Context) -> Vec<Sighting> {
    let recorded: Recorded = serde_json::from_str(json).unwrap();
    let text = document(json, recorded.time, context, &jiff::tz::TimeZone::UTC);
    watcher.see(&Seen {
        entry,
        family: "ocsf",
        json: text.as_bytes(),
        time_ms: recorded.time,
        principal: recorded.principal(),
        about: "",
        study: recorded.study(),
        labels: recorded.labels(),
        subjects: recorded.unmapped.subject_count.unwrap_or_default(),
        object: None,
        access: own_access(&recorded, context),
    })
}

#[test]
fn rules_see_what_is_looked_up() {
    let known = known();
    let mut watcher = Watcher::new(&known, Options::default());
    let blinded = Context { blinded: true, ..Context::default() };
    let json = event(1, "trial.unblinding", 1_700_000_000_000);
    let seen = watched(&mut watcher, 5, &json, &blinded);
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].rule.as_str(), seen[0].level, numbers(&seen[0])), ("r-unblind", Level::Critical, vec![5]));
    assert_eq!(seen[0].labels, [Label::TrialUnblinding]);
    assert!(seen[0].matched.contains(&("context.blinded".to_owned(), "true".to_owned())), "{:?}", seen[0].matched);
    assert_eq!(watched(&mut watcher, 6, &json, &Context::default()), []);
    assert_eq!(watcher.counts().unrouted, 0);
}

#[test]
fn a_correlation_names_its_entries_and_its_actor() {
    let known = known();
    let mut watcher = Watcher::new(&known, Options::default());
    let at = 1_700_000_000_000;
    for entry in 0..2_u64 {
        let json = event(1, "phi.direct", at + i64::try_from(entry).unwrap() * 60_000);
        assert_eq!(watched(&mut watcher, entry, &json, &Context::default()), []);
    }
    assert_eq!(watched(&mut watcher, 2, &event(2, "personal", at + 100_000), &Context::default()), []);
    let seen = watched(&mut watcher, 3, &event(1, "personal", at + 180_000), &Context::default());
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].found, numbers(&seen[0])), (FoundBy::Correlation, vec![0, 1, 3]));
    assert_eq!(seen[0].entries[1].1, at + 60_000);
    assert_eq!(seen[0].principal, Some(PrincipalId::from_bytes([1; 16])));
    assert_eq!(seen[0].labels, [Label::PhiDirect, Label::Personal]);
    // The same record gives the same finding under the same id.
    let mut again = Watcher::new(&known, Options::default());
    let mut last = Vec::new();
    for (entry, who, label, after) in [
        (0, 1, "phi.direct", 0),
        (1, 1, "phi.direct", 60_000),
        (2, 2, "personal", 100_000),
        (3, 1, "personal", 180_000),
    ] {
        last = watched(&mut again, entry, &event(who, label, at + after), &Context::default());
    }
    assert_eq!(last[0].uid(), seen[0].uid());
}

#[test]
fn what_is_left_out_of_the_evidence_is_counted_and_said() {
    let known = known();
    let mut watcher = Watcher::new(&known, Options::default());
    let mut seen = Vec::new();
    for entry in 0..130_u64 {
        let json = event(1, "personal", 1_700_000_000_000 + i64::try_from(entry).unwrap() * 1_000);
        seen.extend(watched(&mut watcher, entry, &json, &Context::default()));
    }
    let burst = seen.iter().find(|seen| seen.rule == "r-burst").unwrap();
    assert_eq!(numbers(burst), (30..130).collect::<Vec<_>>());
    assert!(burst.matched.contains(&("events".to_owned(), "130".to_owned())), "{:?}", burst.matched);
    assert_eq!(burst.why, ["130 events are in the window; the evidence is the newest 100 of them"]);
    let few = seen.iter().find(|seen| seen.rule == "r-many").unwrap();
    assert!(few.why.is_empty() && few.entries.len() == 3, "{few:?}");
}

#[test]
fn behaviour_names_the_entries_of_the_day() {
    let known = known();
    let mut watcher =
        Watcher::new(&known, Options { warm_up_days: 5, budget_per_1000_person_days: 50.0, ..Options::default() });
    let (day, start) = (86_400_000_i64, 1_700_006_400_000_i64);
    let (mut entry, mut alerts) = (0, Vec::new());
    for number in 0..40 {
        for who in 1..12_u8 {
            let strange = who == 3 && number == 35;
            for step in 0..if strange { 200 } else { 4 } {
                let json = event(who, "phi.direct", start + number * day + 9 * 3_600_000 + step * 60_000)
                    .replace("\"subject_count\":3", &format!("\"subject_count\":{}", if strange { 500 } else { 3 }));
                let context = Context { object_name: Some(format!("f{}/o{step}", step % 4)), ..Context::default() };
                let seen = watched(&mut watcher, entry, &json, &context);
                alerts.extend(seen.into_iter().filter(|one| one.found == FoundBy::Behaviour));
                entry += 1;
            }
        }
    }
    let alert = alerts.iter().find(|alert| alert.principal == Some(PrincipalId::from_bytes([3; 16])));
    let alert = alert.unwrap_or_else(|| panic!("{alerts:?}"));
    assert_eq!((alert.subjects, alert.entries.len()), (500, 100));
    let told = alert.why.last().map(String::as_str);
    assert_eq!(told, Some("200 entries are of that day; the evidence is the 100 of them about most data subjects"));
    assert!(watcher.strangest().first().is_some_and(|one| one.entity == "03".repeat(16)));
}

#[test]
fn an_indicator_becomes_a_sighting_with_its_source_and_age() {
    let parsed = intel::parse(
        b"192.0.2.0/24\n",
        &intel::Options { source: "example list", now_ms: 1_699_900_000_000, allow_benign: false },
    );
    let indicators = parsed.indicators;
    let basis = intel::Basis::Back { now_ms: 1_700_000_000_000 };
    let matcher = intel::Matcher::new(&indicators, basis).unwrap().with_time_fields(known().time_fields().to_vec());
    let (json, mut sightings) = (event(1, "phi.direct", 1_700_000_000_000), Vec::new());
    let seen = Seen {
        entry: 8,
        family: "ocsf",
        json: json.as_bytes(),
        time_ms: 1_700_000_000_000,
        principal: Some(PrincipalId::from_bytes([1; 16])),
        about: "",
        study: None,
        labels: vec![Label::PhiDirect],
        subjects: 3,
        object: None,
        access: None,
    };
    matcher.each(json.as_bytes(), &mut matcher.scratch(), &mut |matched| {
        sightings.push(watch::indicated(&matched, &seen, known().ranking()));
    });
    assert_eq!(sightings.len(), 1, "{sightings:?}");
    assert_eq!((sightings[0].found, sightings[0].level), (FoundBy::Indicator, Level::Medium));
    assert!(
        sightings[0].title.contains("example list") && sightings[0].why[0].contains("1 days before"),
        "{sightings:?}"
    );
    assert!(sightings[0].matched.contains(&("src_endpoint.ip".to_owned(), "192.0.2.7".to_owned())), "{sightings:?}");
}
