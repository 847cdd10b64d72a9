//! How fast events are looked through: `cargo run --release -p intel --example rate -- [LOG…]`, over logs that `intake` reads, or
//! over made-up events where none is given, with 100,000 made-up indicators.
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use intel::{Basis, Matcher, Options, parse};

type Failure = Box<dyn std::error::Error>;

/// Indicators: half domains, a quarter addresses, the rest blocks, hashes, web and e-mail addresses.
const INDICATORS: u32 = 100_000;

#[derive(Default)]
struct Events {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl intake::Sink for Events {
    fn record(&mut self, record: intake::Record<'_>) -> ControlFlow<()> {
        self.bytes.extend_from_slice(record.json);
        self.ends.push(self.bytes.len());
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _problem: intake::Problem) {}
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let feed = feed();
    let begun = Instant::now();
    let parsed = parse(feed.as_bytes(), &Options { source: "made up", now_ms: 0, allow_benign: false });
    let parsing = begun.elapsed();
    let begun = Instant::now();
    let matcher = Matcher::new(&parsed.indicators, Basis::At(0))?;
    writeln!(
        out,
        "{} indicators read in {:.3} s ({} problems), {} built in {:.3} s",
        parsed.indicators.len(),
        parsing.as_secs_f64(),
        parsed.problems.len(),
        matcher.len(),
        begun.elapsed().as_secs_f64()
    )?;
    let logs: Vec<String> = std::env::args().skip(1).collect();
    if logs.is_empty() {
        rate(&mut out, "made-up connections, names and requests", &matcher, &made_up())?;
    }
    for log in logs {
        let mut events = Events::default();
        intake::read_file(Path::new(&log), &intake::Limits::default(), &mut events)?;
        rate(&mut out, &log, &matcher, &events)?;
    }
    Ok(())
}

fn rate(out: &mut impl Write, name: &str, matcher: &Matcher<'_>, events: &Events) -> Result<(), Failure> {
    let mut scratch = matcher.scratch();
    let (mut count, mut matches, mut bytes) = (0u64, 0u64, 0u64);
    let (begun, busy) = (Instant::now(), cpu_seconds());
    while begun.elapsed() < Duration::from_secs(3) {
        let mut from = 0;
        for to in &events.ends {
            let event = events.bytes.get(from..*to).unwrap_or_default();
            from = *to;
            matcher.each(event, &mut scratch, &mut |_found| matches += 1);
            count += 1;
            bytes += event.len() as u64;
        }
    }
    let seconds = match (busy, cpu_seconds()) {
        (Some(before), Some(after)) => after - before,
        _ => begun.elapsed().as_secs_f64(),
    };
    writeln!(
        out,
        "{name}: {:.0} events and {:.0} MB a CPU-second, {:.0} bytes an event, {:.2} matches in 1,000",
        count as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        bytes as f64 / count.max(1) as f64,
        matches as f64 * 1000.0 / count.max(1) as f64
    )?;
    Ok(())
}

/// Seconds that this process spent on a processor, where the system tells; others may use the machine, too.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// Numbers without pattern (Steele and Vigna's SplitMix).
fn number(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn address(number: u64) -> String {
    let [a, b, c, ..] = number.to_le_bytes();
    // Between 20 and 99: nothing private.
    format!("{}.{b}.{c}.{}", 20 + a % 80, number >> 56)
}

fn feed() -> String {
    let mut feed = String::new();
    let tops = ["com", "net", "org", "ru", "cn", "info", "xyz", "top", "io", "example"];
    for at in 0..u64::from(INDICATORS) {
        let n = number(at);
        let name = format!("h{:x}.{}", n >> 32, tops.get((n % 10) as usize).unwrap_or(&"com"));
        match at % 20 {
            0..10 => feed.push_str(&format!("{name}\n")),
            10..15 => feed.push_str(&format!("{}\n", address(n))),
            15 => feed.push_str(&format!("{}/{}\n", address(n), 18 + n % 8)),
            16 | 17 => {
                feed.push_str(&format!("{:016x}{:016x}{:016x}{:016x}\n", n, number(n), number(n + 1), number(n + 2)))
            }
            18 => feed.push_str(&format!("http://{name}/gate/{:x}.php\n", n & 0xffff)),
            _ => feed.push_str(&format!("user{:x}@{name}\n", n & 0xffff)),
        }
    }
    feed
}

fn made_up() -> Events {
    let mut events = Events::default();
    for at in 0..50_000u64 {
        let n = number(at + 1_000_000_000);
        let (from, to) = (address(number(n)), address(number(n + 7)));
        let event = match at % 3 {
            0 => format!(
                r#"{{"ts":{at}.25,"uid":"C{n:x}","id.orig_h":"10.20.{}.{}","id.orig_p":{},"id.resp_h":"{to}","id.resp_p":443,"proto":"tcp","service":"ssl","duration":1.25,"orig_bytes":1420,"resp_bytes":53201,"conn_state":"SF","history":"ShADadfF","orig_pkts":21,"resp_pkts":44}}"#,
                n & 255,
                n >> 8 & 255,
                n & 0xffff
            ),
            1 => format!(
                r#"{{"ts":{at}.5,"uid":"C{n:x}","id.orig_h":"{from}","id.resp_h":"10.0.0.53","proto":"udp","trans_id":{},"query":"cdn{}.assets{}.net","qtype_name":"A","rcode_name":"NOERROR","answers":["edge{}.delivery.com","{to}"],"TTLs":[60.0,60.0]}}"#,
                n & 0xffff,
                n & 63,
                n >> 8 & 0xfff,
                n >> 20 & 0xfff
            ),
            _ => format!(
                r#"{{"time":"2026-05-01T10:00:00Z","class_uid":4002,"http_request":{{"http_method":"GET","url":"https://portal{}.site.org/api/v1/records/{n:x}?page=2","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"}},"src_endpoint":{{"ip":"{from}"}},"dst_endpoint":{{"ip":"{to}","hostname":"portal{}.site.org"}},"actor":{{"user":{{"email_addr":"ada{}@lab.example"}}}}}}"#,
                n & 255,
                n & 255,
                n & 31
            ),
        };
        events.bytes.extend_from_slice(event.as_bytes());
        events.ends.push(events.bytes.len());
    }
    events
}
