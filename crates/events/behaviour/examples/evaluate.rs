//! The full evaluation: `cargo run --release -p behaviour --example evaluate -- [FIRST LAST] [--second | --held-out] [-v]` over seeds FIRST to
//! LAST. `--second` adds the insiders of the second group, `--held-out` those and the ones that nothing was tuned on; `-v` prints the
//! alerts at a budget of 1.
use behaviour::{Behaviour, Options, parse_event};
use scenarios::{FIRST_DAY, Scenario, Stream};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Sum {
    found: BTreeMap<Scenario, (u32, u32)>,
    alerts: u32,
    person_days: u64,
    hits: u32,
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (first, last) = (args.first().copied().unwrap_or(101), args.get(1).copied().unwrap_or(105));
    let flag = |name: &str| std::env::args().any(|arg| arg == name);
    let verbose = flag("-v");
    let mut kinds = Scenario::FIRST.to_vec();
    if flag("--second") || flag("--held-out") {
        kinds.extend(Scenario::SECOND);
    }
    if flag("--held-out") {
        kinds.extend(Scenario::HELD_OUT);
    }
    let budgets = [0.25, 0.5, 1.0, 2.0];
    let mut sums: Vec<Sum> = budgets.iter().map(|_| Sum::default()).collect();
    let (mut events, mut parsing, mut updating) = (0_u64, 0.0, 0.0);
    for seed in first..=last {
        let options = scenarios::Options { seed, ..Default::default() };
        let stream = Stream::with(options, &kinds);
        let truths = stream.truths().to_vec();
        let mut watches: Vec<Behaviour> = budgets
            .iter()
            .map(|&budget| Behaviour::new(Options { budget_per_1000_person_days: budget, ..Options::default() }))
            .collect();
        let mut alerts: Vec<Vec<behaviour::Alert>> = vec![Vec::new(); budgets.len()];
        let mut block: Vec<String> = Vec::new();
        let mut stream = stream.map(|event| event.json());
        loop {
            block.clear();
            block.extend(stream.by_ref().take(20_000));
            if block.is_empty() {
                break;
            }
            let begun = Instant::now();
            let parsed = block.iter().map(|line| parse_event(line.as_bytes())).collect::<Result<Vec<_>, _>>()?;
            parsing += begun.elapsed().as_secs_f64();
            events += parsed.len() as u64;
            let begun = Instant::now();
            for (watch, alerts) in watches.iter_mut().zip(&mut alerts) {
                for event in &parsed {
                    alerts.extend(watch.update(event));
                }
            }
            updating += begun.elapsed().as_secs_f64();
        }
        for (((watch, alerts), sum), budget) in watches.iter_mut().zip(&mut alerts).zip(&mut sums).zip(budgets) {
            alerts.extend(watch.finish());
            sum.alerts += alerts.len() as u32;
            sum.person_days += 1000 * (90 - u64::from(Options::default().warm_up_days));
            for truth in &truths {
                let from = day(truth.days.0);
                // The day after still counts: a local day ends after the day in UTC.
                let until = day(truth.days.1 + 2);
                let hits: Vec<_> = alerts
                    .iter()
                    .filter(|alert| {
                        *alert.entity == *truth.principal && *alert.time >= *from && alert.time[..10] <= until[..10]
                    })
                    .collect();
                let row = sum.found.entry(truth.scenario).or_default();
                row.0 += u32::from(!hits.is_empty());
                row.1 += 1;
                sum.hits += hits.len() as u32;
            }
            if verbose && (budget - 1.0).abs() < 1e-9 {
                for alert in alerts.iter() {
                    let truth = truths.iter().find(|truth| *truth.principal == *alert.entity);
                    let truth = truth.map(|truth| (truth.scenario.name(), day(truth.days.0), day(truth.days.1)));
                    writeln!(
                        out,
                        "{} {} {:.1} {truth:?}\n   {}",
                        alert.time,
                        alert.entity,
                        alert.score,
                        alert.why.join("\n   ")
                    )?;
                }
            }
        }
    }
    table(&mut out, &budgets, &sums)?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned();
    writeln!(
        out,
        "\n{events} events, parsed {:.0}/s, updates {:.0}/s; peak memory of the process {}; {} bytes an entity",
        events as f64 / parsing,
        events as f64 * budgets.len() as f64 / updating,
        peak.trim_start_matches("VmHWM:").trim(),
        Behaviour::entity_bytes(),
    )?;
    Ok(())
}

fn table(out: &mut impl Write, budgets: &[f64], sums: &[Sum]) -> Result<(), Failure> {
    write!(out, "{:<22}", "budget")?;
    for budget in budgets {
        write!(out, "{budget:>12}")?;
    }
    let groups =
        [(&Scenario::FIRST[..], "first six"), (&Scenario::SECOND, "second group"), (&Scenario::HELD_OUT, "held out")];
    for (kinds, all) in groups {
        let of = |sum: &Sum, scenario: &Scenario| sum.found.get(scenario).copied().unwrap_or_default();
        if sums.iter().all(|sum| kinds.iter().all(|scenario| of(sum, scenario).1 == 0)) {
            continue;
        }
        for scenario in kinds {
            write!(out, "\n{:<22}", scenario.name())?;
            for sum in sums {
                let (found, all) = of(sum, scenario);
                write!(out, "{:>12}", format!("{found}/{all}"))?;
            }
        }
        write!(out, "\n{all:<22}")?;
        for sum in sums {
            let found = kinds.iter().map(|scenario| of(sum, scenario));
            let (found, all) = found.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
            write!(out, "{:>12}", format!("{:.1} %", 100.0 * f64::from(found) / f64::from(all)))?;
        }
    }
    write!(out, "\n{:<22}", "alerts/1,000 p-days")?;
    for sum in sums {
        write!(out, "{:>12.2}", 1000.0 * f64::from(sum.alerts) / sum.person_days as f64)?;
    }
    write!(out, "\n{:<22}", "alerts right")?;
    for sum in sums {
        write!(out, "{:>12}", format!("{}/{}", sum.hits, sum.alerts))?;
    }
    Ok(())
}

fn day(day: u32) -> String {
    scenarios::rfc3339((FIRST_DAY + i64::from(day)) * 86_400 - 12 * 3600)
}
