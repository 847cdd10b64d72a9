//! What the generator promises.
use scenarios::{Options, Scenario, Stream};

const SMALL: Options = Options { seed: 11, people: 200, days: 60, insiders_each: 1 };

#[test]
fn same_seed_same_lines_in_order_of_time() {
    let first: Vec<String> = Stream::new(SMALL).map(|event| event.json()).collect();
    let second: Vec<String> = Stream::new(SMALL).map(|event| event.json()).collect();
    assert_eq!(first, second);
    let times: Vec<i64> = Stream::new(SMALL).map(|event| event.time).collect();
    assert!(times.is_sorted());
    assert!(first.len() > 100_000, "{} events", first.len());
}

#[test]
fn every_kind_of_insider_is_there_and_active() {
    let stream = Stream::new(SMALL);
    let truths = stream.truths().to_vec();
    for scenario in Scenario::FIRST {
        assert_eq!(truths.iter().filter(|truth| truth.scenario == scenario).count(), 1, "{}", scenario.name());
    }
    let without: usize = Stream::new(Options { insiders_each: 0, ..SMALL }).count();
    assert!(stream.count() > without);
}

#[test]
fn further_kinds_come_beside_the_first() {
    let kinds = [&Scenario::FIRST[..], &Scenario::SECOND, &Scenario::HELD_OUT].concat();
    let (first, all) = (Stream::new(SMALL), Stream::with(SMALL, &kinds));
    assert_eq!(first.truths(), &all.truths()[..Scenario::FIRST.len()]);
    for scenario in kinds.iter().skip(Scenario::FIRST.len()) {
        let truth = all.truths().iter().find(|truth| truth.scenario == *scenario);
        let truth = truth.unwrap_or_else(|| panic!("no {}", scenario.name()));
        assert!(first.truths().iter().all(|other| other.principal != truth.principal));
        let days = i64::from(truth.days.0)..=i64::from(truth.days.1);
        let of = |stream: Stream| {
            let day = |event: &scenarios::Event| event.time.div_euclid(86_400) - scenarios::FIRST_DAY;
            stream.filter(|event| event.principal == truth.principal && days.contains(&day(event))).count()
        };
        assert!(of(Stream::with(SMALL, &kinds)) > of(Stream::new(SMALL)), "{}", scenario.name());
    }
}

#[test]
fn times_are_written_as_rfc3339() {
    assert_eq!(scenarios::rfc3339(scenarios::FIRST_DAY * 86_400 + 3661), "2026-01-05T01:01:01Z");
    assert_eq!(scenarios::rfc3339(951_782_400), "2000-02-29T00:00:00Z");
}
