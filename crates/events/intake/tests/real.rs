//! Real logs, where they are at hand: `../shared/logs` and `../shared/sigma` beside the project.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail as tests do")]

use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use intake::{Family, Limits, Problem, Record, Sink, Summary, read_file, read_stream};
use serde_json::Value;

#[derive(Default)]
struct Seen {
    families: Vec<Family>,
    values: Vec<Value>,
    problems: Vec<Problem>,
}

impl Sink for Seen {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.families.push(record.family);
        self.values.push(serde_json::from_slice(record.json).unwrap());
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

fn read(path: &Path) -> (Summary, Seen) {
    let mut seen = Seen::default();
    let summary = read_file(path, &Limits::default(), &mut seen).unwrap();
    (summary, seen)
}

/// `path` below the shared folder; `None`, told, where it is missing, which must not be in CI.
fn shared(path: &str) -> Option<PathBuf> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(path);
    if full.exists() {
        return Some(full);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "`../shared/{path}` is missing");
    eprintln!("skipped: `../shared/{path}` is missing");
    None
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_evtx_record_is_read_as_the_parser_reads_it() {
    for folder in ["logs/evtx", "sigma/regression_data"] {
        let Some(folder) = shared(folder) else { return };
        let mut logs = Vec::new();
        files(&folder, ".evtx", &mut logs);
        assert!(logs.len() > 50);
        for log in logs {
            let mut direct = evtx::EvtxParser::from_path(&log).unwrap();
            let expected: Vec<Value> = direct.records_json_value().map(|record| record.unwrap().data).collect();
            let (summary, seen) = read(&log);
            assert_eq!(seen.problems, [], "{}", log.display());
            assert_eq!(seen.values, expected, "{}", log.display());
            assert_eq!(summary.records as usize, expected.len());
            assert!(seen.families.iter().all(|family| *family == Family::Windows));
        }
    }
}

#[test]
fn a_damaged_evtx_log_gives_its_other_records() {
    let Some(folder) = shared("logs/evtx") else { return };
    let mut logs = Vec::new();
    files(&folder, ".evtx", &mut logs);
    let mut told = 0;
    for log in logs.iter().take(40) {
        let mut bytes = std::fs::read(log).unwrap();
        // In the first chunk, behind its header.
        for at in (4096 + 700..bytes.len().min(4096 + 4000)).step_by(97) {
            bytes[at] ^= 0x5a;
        }
        let mut seen = Seen::default();
        read_stream("damaged", Box::new(Cursor::new(bytes.clone())), &Limits::default(), &mut seen).unwrap();
        told += seen.problems.len();
        // The magic of the first chunk.
        bytes[4096] = b'X';
        let mut seen = Seen::default();
        read_stream("damaged", Box::new(Cursor::new(bytes)), &Limits::default(), &mut seen).unwrap();
        assert!(!seen.problems.is_empty());
    }
    assert!(told > 20, "{told}");
}

#[test]
fn every_cloudtrail_record_is_read() {
    let Some(folder) = shared("logs/cloudtrail") else { return };
    let mut logs = Vec::new();
    files(&folder, ".json", &mut logs);
    assert!(!logs.is_empty());
    for log in logs {
        let whole: Value = serde_json::from_slice(&std::fs::read(&log).unwrap()).unwrap();
        let (_, seen) = read(&log);
        assert_eq!(seen.problems, []);
        assert_eq!(Some(&seen.values), whole["Records"].as_array(), "{}", log.display());
        assert!(seen.families.iter().all(|family| *family == Family::CloudTrail));
    }
}

#[test]
fn zeek_logs_agree_in_both_forms() {
    let Some(folder) = shared("logs/zeek") else { return };
    let mut logs = Vec::new();
    files(&folder.join("tsv"), ".log.gz", &mut logs);
    assert!(!logs.is_empty());
    let mut compared = 0;
    for log in logs {
        let name = log.file_name().unwrap().to_string_lossy().replace(".log.gz", ".json.gz");
        let other = folder.join("json").join(name);
        if !other.exists() {
            continue;
        }
        let (tsv, json) = (read(&log).1, read(&other).1);
        assert_eq!((&tsv.problems, &json.problems), (&Vec::new(), &Vec::new()), "{}", log.display());
        assert_eq!(tsv.values.len(), json.values.len(), "{}", log.display());
        let uids = |seen: &Seen| {
            let mut uids: Vec<String> = seen.values.iter().map(|value| value["uid"].to_string()).collect();
            uids.sort();
            uids
        };
        assert_eq!(uids(&tsv), uids(&json), "{}", log.display());
        assert!(tsv.families.iter().chain(&json.families).all(|family| *family == Family::Zeek));
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn all_lines_of_a_large_ndjson_log_are_read() {
    let Some(log) = shared("logs/windows-20k.ndjson.zst") else { return };
    let (summary, seen) = read(&log);
    assert_eq!((summary.records, seen.problems.len()), (20_000, 0));
}

/// `cargo test --release -p intake --test real -- --ignored --nocapture rates`
#[test]
#[ignore = "measures"]
fn rates() {
    struct Count(u64);
    impl Sink for Count {
        fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
            self.0 += record.json.len() as u64;
            ControlFlow::Continue(())
        }
        fn problem(&mut self, _problem: Problem) {}
    }
    let Some(log) = shared("logs/windows-20k.ndjson.zst") else { return };
    let mut plain = Vec::new();
    zstd::Decoder::new(std::fs::File::open(log).unwrap()).unwrap().read_to_end(&mut plain).unwrap();
    let plain = plain.repeat(8);
    let start = std::time::Instant::now();
    read_stream("plain", Box::new(plain.as_slice()), &Limits::default(), &mut Count(0)).unwrap();
    eprintln!("ndjson: {:.0} MB/s", plain.len() as f64 / 1e6 / start.elapsed().as_secs_f64());
    let mut logs = Vec::new();
    files(&shared("logs/evtx").unwrap(), ".evtx", &mut logs);
    for _ in 0..3 {
        let start = std::time::Instant::now();
        for log in &logs {
            read_file(log, &Limits::default(), &mut Count(0)).unwrap();
        }
        let ours = start.elapsed();
        let start = std::time::Instant::now();
        let mut bytes = 0;
        for log in &logs {
            let settings = evtx::ParserSettings::new().num_threads(1).indent(false);
            let mut direct = evtx::EvtxParser::from_path(log).unwrap().with_configuration(settings);
            bytes += direct.records_json().map(|record| record.unwrap().data.len()).sum::<usize>();
        }
        eprintln!("evtx: {ours:?}, the parser alone {:?}, {bytes} bytes of JSON", start.elapsed());
    }
}
