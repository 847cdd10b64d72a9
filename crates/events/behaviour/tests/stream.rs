//! What holds for any stream: the same bytes, bounds, clear errors, no panic.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
use behaviour::{Behaviour, Options, parse_event};
use proptest::prelude::*;
use scenarios::Stream;

fn lines(seed: u64, people: u32, days: u32) -> Vec<String> {
    Stream::new(scenarios::Options { seed, people, days, insiders_each: 1 }).map(|event| event.json()).collect()
}

fn run(options: Options, lines: &[String]) -> (Behaviour, String) {
    let mut watch = Behaviour::new(options);
    let mut alerts = Vec::new();
    for line in lines {
        alerts.extend(watch.update(&parse_event(line.as_bytes()).unwrap()));
    }
    alerts.extend(watch.finish());
    let text = alerts.iter().map(|alert| serde_json::to_string(alert).unwrap() + "\n").collect();
    (watch, text)
}

#[test]
fn same_events_same_bytes() {
    let lines = lines(1, 100, 40);
    let options = || Options { budget_per_1000_person_days: 4.0, ..Options::default() };
    let (first, second) = (run(options(), &lines), run(options(), &lines));
    assert!(!first.1.is_empty());
    assert_eq!(first.1, second.1);
    assert_eq!(first.0.ranking(), second.0.ranking());
}

#[test]
fn events_up_to_the_bound_late_are_counted_and_later_ones_left_out() {
    let lines = lines(2, 60, 30);
    let mut shuffled = lines.clone();
    // Within a block of 40 events there are minutes, not hours.
    for block in shuffled.chunks_mut(40) {
        block.reverse();
    }
    let (ordered, mixed) = (run(Options::default(), &lines).0, run(Options::default(), &shuffled).0);
    assert_eq!(mixed.counts().late, 0);
    assert_eq!(ordered.counts().events, mixed.counts().events);
    let mut watch = Behaviour::new(Options::default());
    for line in [&lines[lines.len() - 1], &lines[0]] {
        watch.update(&parse_event(line.as_bytes()).unwrap());
    }
    assert_eq!(watch.counts().late, 1);
}

#[test]
fn whoever_was_away_longest_gives_way_and_is_counted() {
    let lines = lines(3, 100, 20);
    let (watch, _) = run(Options { entities_max: 50, ..Options::default() }, &lines);
    assert!(watch.evicted() > 0);
    assert!(watch.ranking().len() <= 50);
    let counts = watch.counts();
    assert_eq!(counts.events + counts.late + counts.crowded, lines.len() as u64);
    assert_eq!(run(Options { entities_max: 0, ..Options::default() }, &lines).0.counts().events, 0);
}

#[test]
fn an_entity_has_a_bound() {
    assert!(Behaviour::entity_bytes() <= ENTITY_BYTES_MAX, "{}", Behaviour::entity_bytes());
}

#[test]
fn the_past_of_a_busy_entity_takes_less_than_whole_histograms() {
    let (watch, _) = run(Options::default(), &lines(1, 100, 40));
    let each = watch.past_bytes() / 100;
    println!("{each} bytes of past an entity");
    assert!((64..WHOLE_BYTES).contains(&each), "{each}");
}

/// Twenty-two histograms of 24 buckets, two bytes each.
const WHOLE_BYTES: usize = 22 * 24 * 2;

/// With two open days; docs/reference/behaviour.md says what that makes for a million.
const ENTITY_BYTES_MAX: usize = 1600;

#[test]
fn reasons_say_what_was_seen_and_what_is_usual() {
    let mut watch = Behaviour::new(Options { budget_per_1000_person_days: 50.0, ..Options::default() });
    let mut alerts = Vec::new();
    for day in 0..60 {
        for person in 0..20 {
            let many = if person == 7 && day == 55 { 400 } else { 12 + (person + day) % 5 };
            for object in 0..many {
                let time = behaviour::time::rfc3339((20_458 + day) * 86_400 + 9 * 3600 + object);
                let line = format!(
                    r#"{{"time":"{time}","principal":"u{person}","action":"read","object":"ST-1/edc/p/{object}","study":"ST-1","subjects":10}}"#
                );
                alerts.extend(watch.update(&parse_event(line.as_bytes()).unwrap()));
            }
        }
    }
    alerts.extend(watch.finish());
    let alert =
        alerts.iter().find(|alert| alert.entity == "u7" && alert.time.starts_with("2026-03-01")).expect("an alert");
    let why = alert.why.iter().find(|why| why.starts_with("read")).expect("a reason");
    assert!(why.contains("data subjects on 2026-03-01; usual for it is"), "{why}");
    assert!(why.contains("in 55 days), for its peers 150"), "{why}");
    assert_eq!(watch.ranking()[0].entity, "u7");
}

/// Watches twenty people for 56 days, of whom `u7` does something else on the last; `more` is added to those events. The whole
/// of `busy` does five times as much on that day. Returns the score of `u7` and its reasons.
fn last_day(objects: i64, more: &str, busy: bool) -> (f64, Vec<String>) {
    let mut watch = Behaviour::new(Options { budget_per_1000_person_days: 50.0, ..Options::default() });
    let mut alerts = Vec::new();
    for day in 0..56 {
        for person in 0..20 {
            let (mut many, mut with) = (12 + (person * 7 + day * 3) % 9, "");
            if day == 55 && busy {
                many *= 5;
            }
            if day == 55 && person == 7 {
                (many, with) = (objects, more);
            }
            for object in 0..many {
                let time = behaviour::time::rfc3339((20_458 + day) * 86_400 + 9 * 3600 + object);
                let line = format!(
                    r#"{{"time":"{time}","principal":"u{person}","action":"read","object":"ST-1/edc/p/{object}","study":"ST-1","role":"monitor","site":"site-1"{with}}}"#
                );
                alerts.extend(watch.update(&parse_event(line.as_bytes()).unwrap()));
            }
        }
    }
    alerts.extend(watch.finish());
    let score = watch.ranking().into_iter().find(|ranked| ranked.entity == "u7" && ranked.day == "2026-03-01");
    let alert = alerts.into_iter().find(|alert| alert.entity == "u7" && alert.time.starts_with("2026-03-01"));
    (score.map_or(0.0, |ranked| ranked.score), alert.map(|alert| alert.why).unwrap_or_default())
}

#[test]
fn leaving_raises_the_score_and_is_said() {
    let (plain, _) = last_day(400, "", false);
    let (noticed, told) = last_day(400, r#","leaves_on":"2026-03-31""#, false);
    let (gone, late) = last_day(400, r#","leaves_on":"2026-02-27""#, false);
    assert!(plain > 1.0 && noticed > plain * 1.2 && gone > noticed * 1.1, "{plain} {noticed} {gone}");
    let said = |why: &[String], words: &str| why.iter().any(|why| why.contains(words));
    assert!(said(&told, "after notice of leaving on 2026-03-31; that counts 1.4 times"), "{told:?}");
    assert!(said(&late, "after its last day, 2026-02-27; that counts 1.8 times"), "{late:?}");
    let (bare, _) = last_day(400, r#","notice_of_leaving":true"#, false);
    assert_eq!(bare, noticed);
}

#[test]
fn a_grant_not_used_for_long_raises_the_score_and_is_said() {
    let (plain, _) = last_day(400, "", false);
    let (fresh, _) = last_day(400, r#","grant_idle_days":29"#, false);
    let (dormant, told) = last_day(400, r#","grant_idle_days":120"#, false);
    assert_eq!(plain, fresh);
    assert!(dormant > plain, "{dormant} {plain}");
    assert!(
        told.iter().any(|why| why.contains("went back to 1 studies") && why.contains("`ST-1, 120 days`")),
        "{told:?}"
    );
}

#[test]
fn a_busy_day_of_a_whole_study_is_less_strange_than_of_one_person() {
    let (alone, told) = last_day(80, "", false);
    let (together, _) = last_day(80, "", true);
    assert!(alone > 0.5 && together < alone * 0.8, "{alone} {together}");
    for whom in ["for its peers", "for those of its study", "for those of its job at its site"] {
        assert!(told.iter().any(|why| why.contains(whom)), "{whom}: {told:?}");
    }
}

#[test]
fn optional_fields_may_be_missing_and_ocsf_is_read() {
    let event = parse_event(br#"{"time":"2026-01-05T08:00:00Z","principal":"a","action":"read"}"#).unwrap();
    assert_eq!((event.bytes, event.subjects, &*event.host), (0, 0, ""));
    let ocsf = br#"{"class_uid":1001,"time":1767600000000,"activity_name":"Read","status":"Failure","actor":{"user":{"name":"a"}},
        "file":{"path":"s/x","size":7},"src_endpoint":{"ip":"192.0.2.1"},"unmapped":{}}"#;
    let event = parse_event(ocsf).unwrap();
    assert_eq!((event.time, &*event.object, event.bytes, &*event.host), (1_767_600_000, "s/x", 7, "192.0.2.1"));
    assert_eq!(event.result, behaviour::Outcome::Failed);
}

#[test]
fn errors_name_the_field() {
    for (line, words) in [
        ("", "not an event as json"),
        ("{}", "`principal` is missing"),
        (r#"{"principal":"a"}"#, "`time` is missing"),
        (r#"{"principal":"a","time":"yesterday","action":"read"}"#, "`time` is `yesterday`"),
        (r#"{"principal":"a","time":9223372036854775807,"action":"read"}"#, "`time` is"),
        (
            r#"{"principal":"a","time":"2026-01-05T08:00:00Z","action":"read","leaves_on":"soon"}"#,
            "`leaves_on` is `soon`; write a date such as `2026-03-31`",
        ),
        (r#"{"principal":"a","time":"2026-01-05T08:00:00Z","action":"dance"}"#, "`action` is `dance`"),
        (r#"{"principal":"a","time":"2026-01-05T08:00:00Z","action":"read","bytes":-1}"#, "not an event as json"),
    ] {
        let error = parse_event(line.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_event_or_an_error(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_event(&line);
    }

    #[test]
    fn any_events_are_taken(
        events in prop::collection::vec((0_i64..4_000_000_000_000_000, 0..10_u8, 0..4_usize, any::<u64>(), any::<u64>()), 1..200),
    ) {
        let mut watch = Behaviour::new(Options { entities_max: 3, warm_up_days: 0, ..Options::default() });
        for (time, who, action, bytes, subjects) in events {
            let action = ["read", "export", "archive", "delete"][action];
            let line = format!(
                r#"{{"time":{time},"principal":"{who}","action":"{action}","object":"a/{bytes}","bytes":{bytes},"subjects":{subjects}}}"#
            );
            if let Ok(event) = parse_event(line.as_bytes()) {
                watch.update(&event);
            }
        }
        watch.finish();
        let _ = watch.ranking();
    }
}
