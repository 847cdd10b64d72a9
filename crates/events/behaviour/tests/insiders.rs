//! How many insiders are found within the budget; small, so that every run of the tests sees it. The full measurement is
//! `examples/evaluate.rs`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
use behaviour::{Alert, Behaviour, Options, parse_event};
use scenarios::{FIRST_DAY, Stream, Truth};

const PEOPLE: u32 = 200;
const DAYS: u32 = 60;

/// Watches one seed; returns its alerts and the truth.
fn watch(seed: u64, budget: f64) -> (Vec<Alert>, Vec<Truth>) {
    let stream = Stream::new(scenarios::Options { seed, people: PEOPLE, days: DAYS, insiders_each: 1 });
    let truths = stream.truths().to_vec();
    let mut watch = Behaviour::new(Options { budget_per_1000_person_days: budget, ..Options::default() });
    let mut alerts = Vec::new();
    for event in stream {
        alerts.extend(watch.update(&parse_event(event.json().as_bytes()).unwrap()));
    }
    alerts.extend(watch.finish());
    (alerts, truths)
}

/// Whether an alert names the insider while it goes on, up to the end of the next day in UTC.
fn found(alerts: &[Alert], truth: &Truth) -> bool {
    let noon = |day: u32| scenarios::rfc3339((FIRST_DAY + i64::from(day)) * 86_400 - 12 * 3600);
    let (from, until) = (noon(truth.days.0), noon(truth.days.1 + 2));
    alerts
        .iter()
        .any(|alert| *alert.entity == *truth.principal && *alert.time >= *from && alert.time[..10] <= until[..10])
}

#[test]
fn insiders_are_found_within_the_budget() {
    let (mut hits, mut all, mut alerts_all) = (0, 0, 0);
    for seed in 101..=103 {
        let (alerts, truths) = watch(seed, 1.0);
        hits += truths.iter().filter(|truth| found(&alerts, truth)).count();
        all += truths.len();
        alerts_all += alerts.len();
    }
    let person_days = 3.0 * f64::from(PEOPLE) * f64::from(DAYS - Options::default().warm_up_days);
    let rate = alerts_all as f64 * 1000.0 / person_days;
    println!("{hits} of {all} found, {rate:.2} alerts per 1,000 person-days");
    assert!(rate <= 1.0, "{rate}");
    assert!(hits >= FLOOR, "{hits} of {all}");
}

/// Measured: 14 of 18; less a margin.
const FLOOR: usize = 12;
