//! Memory and speed of a million entities: `cargo run --release -p behaviour --example million`. On the first of three days each
//! is seen for the first time.
use behaviour::{Behaviour, Options, parse_event};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut watch = Behaviour::new(Options::default());
    let begun = std::time::Instant::now();
    let mut events = 0_u32;
    let mut first = 0.0;
    for day in 0..3_i64 {
        if day == 1 {
            first = f64::from(events) / begun.elapsed().as_secs_f64();
        }
        for who in 0..1_000_000_i64 {
            let time = behaviour::time::rfc3339((20_458 + day) * 86_400 + who * 86_400 / 1_000_000);
            let line = format!(
                r#"{{"time":"{time}","principal":"u{who}","action":"read","object":"ST-1/edc/{who}","study":"ST-1","host":"h{who}"}}"#
            );
            watch.update(&parse_event(line.as_bytes())?);
            events += 1;
        }
    }
    watch.finish();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    let rate = f64::from(events) / begun.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{events} events of 1000000 entities, {first:.0}/s seen for the first time, {rate:.0}/s in all, with parsing; {peak}"
    )?;
    Ok(())
}
