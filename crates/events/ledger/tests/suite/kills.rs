//! A real process, killed with SIGKILL at any moment. How often: `LAZARET_KILLS` (24 by default).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use verify::Pins;

use crate::support::{Memory, block_on, event, open};

const FOLDER: &str = "LAZARET_LEDGER_CHILD";

#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let ledger = open(std::path::Path::new(&folder), u64::try_from(seed & 0xFFFF_FFFF_FFFF).unwrap());
    block_on(async {
        for number in 0.. {
            let receipt = ledger.append(event(number)).await.unwrap();
            let line = format!("ack {} {}\n", receipt.index, verify::bytes::hex(&receipt.leaf));
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            if number % 97 == 5 {
                ledger.publish().await.unwrap();
            }
        }
    });
}

#[test]
fn no_acknowledged_entry_is_lost_when_the_process_is_killed() {
    let kills: u64 = std::env::var("LAZARET_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut random = StdRng::seed_from_u64(7);
    let mut promised = Vec::new();
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child", "--ignored", "--nocapture"])
            .env(FOLDER, &data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            let parse = |line: String| {
                let mut parts = line.strip_prefix("ack ")?.split(' ').map(str::to_owned);
                Some((parts.next()?.parse::<u64>().ok()?, parts.next().filter(|hash| hash.len() == 64)?))
            };
            out.lines().map_while(Result::ok).filter_map(parse).collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(random.random_range(5..250)));
        child.kill().unwrap();
        child.wait().unwrap();
        promised.extend(reader.join().unwrap());
    }
    let ledger = open(&data, 1);
    assert!(!promised.is_empty(), "no child got as far as an entry");
    for (index, leaf) in &promised {
        let stored = ledger.read(*index..index + 1).unwrap();
        assert_eq!(&verify::bytes::hex(&verify::merkle::leaf(&stored[0].bytes)), leaf);
    }
    drop(ledger);
    let report = Memory::load(&data.join("ledger")).audit(&Pins::default());
    assert!(report.holds(), "{report}");
}
