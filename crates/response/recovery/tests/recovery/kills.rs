//! Backups and restores that are killed at random moments: whatever is there afterwards is consistent, and the same command goes
//! on. `LAZARET_KILLS` says how often (30 unless told; `cargo xtask soak recovery` kills 1,000 times).

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::tree::{NOW_MS, back_up, contents, repository, restore, write};

/// Tells the child what to do, and where.
const WORK: &str = "LAZARET_RECOVERY_TEST_WORK";

/// Not a test of its own: the process that is killed.
#[test]
fn child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let mut words = work.split('|');
    let (what, data, place, other) =
        (words.next().unwrap(), words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let repository = repository(Path::new(place));
    match what {
        "backup" => drop(back_up(&repository, Path::new(data), other.parse().unwrap()).unwrap()),
        "restore" => drop(restore(&repository, "latest", Path::new(other)).unwrap()),
        "expire" => {
            let keep = recovery::Keep::Graded { last: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
            drop(repository.expire(&keep, other.parse().unwrap()).unwrap());
        }
        other => panic!("`{other}` is no work"),
    }
}

/// Runs the child for at most `time`; whether it came to its end.
fn run(work: &str, time: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--nocapture"])
        .env(WORK, work)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ends = std::time::Instant::now() + time;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let output = child.wait_with_output().unwrap();
            assert!(status.success(), "{work}: {}", String::from_utf8_lossy(&output.stderr));
            return true;
        }
        if std::time::Instant::now() >= ends {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_kill_at_any_moment_leaves_what_is_consistent() {
    let kills: u32 = std::env::var("LAZARET_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let seed = std::env::var("LAZARET_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let (data, place, into) =
        (folder.path().join("data"), folder.path().join("repository"), folder.path().join("into"));
    let mut random = StdRng::seed_from_u64(seed);
    write(&data, seed, 60);
    let (data_name, place_name) = (data.to_str().unwrap(), place.to_str().unwrap());
    let ours = repository(&place);
    back_up(&ours, &data, NOW_MS).unwrap();
    let mut good = ours.snapshots().unwrap();
    let mut clock = NOW_MS;
    let (mut killed, mut rounds) = (0, 0);
    let long = Duration::from_secs(600);
    while killed < kills {
        rounds += 1;
        clock += 60_000;
        let time = Duration::from_millis(random.random_range(1..700));
        match rounds % 3 {
            0 => {
                let work = format!("restore|{data_name}|{place_name}|{}", into.display());
                if !run(&work, time) {
                    killed += 1;
                    // A folder that is not whole says so, and the same command ends it.
                    if into.exists() && std::fs::read_dir(&into).unwrap().next().is_some() {
                        assert!(recovery::is_unfinished(&into).is_some() || contents(&into).len() > 60);
                    }
                    if recovery::is_unfinished(&into).is_some()
                        || !into.exists()
                        || std::fs::read_dir(&into).unwrap().next().is_none()
                    {
                        assert!(run(&work, long));
                    }
                }
                let wanted = folder.path().join("wanted");
                restore(&ours, "latest", &wanted).unwrap();
                assert_eq!(contents(&into), contents(&wanted));
                std::fs::remove_dir_all(&into).unwrap();
                std::fs::remove_dir_all(&wanted).unwrap();
            }
            1 => {
                // Half of the files change.
                write(&data, random.random(), 30);
                let work = format!("backup|{data_name}|{place_name}|{clock}");
                if !run(&work, time) {
                    killed += 1;
                    // Every snapshot from before is there; the new one is there as a whole or not at all.
                    let now = ours.snapshots().unwrap();
                    assert!(good.iter().all(|old| now.iter().any(|new| new.id == old.id)), "a snapshot is gone");
                    assert!(now.len() <= good.len() + 1);
                    assert!(ours.open().unwrap().snapshot("latest").is_ok());
                    assert!(run(&work, long));
                }
                good = ours.snapshots().unwrap();
            }
            _ => {
                let work = format!("expire|{data_name}|{place_name}|{clock}");
                if !run(&work, time) {
                    killed += 1;
                    assert!(ours.open().unwrap().snapshot("latest").is_ok());
                    assert!(run(&work, long));
                }
                good = ours.snapshots().unwrap();
            }
        }
    }
    let checked = ours.check(true).unwrap();
    assert!(checked.holds, "{:?}", checked.faults);
    for snapshot in &good {
        let to = folder.path().join(&snapshot.id);
        restore(&ours, &snapshot.id, &to).unwrap();
    }
}
