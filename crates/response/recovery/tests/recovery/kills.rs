//! Backups and restores that are killed at random moments: whatever is there afterwards is consistent, and the same command goes
//! on. `LAZARET_KILLS` says how often (30 unless told; `cargo xtask soak recovery` kills 1,000 times).

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use recovery::{Repository, Snapshot};

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

/// Longer than any work takes.
const LONG: Duration = Duration::from_secs(600);

/// A repository with what is backed up into it, and work on it that is killed.
struct Soak {
    folder: tempfile::TempDir,
    ours: Repository,
    random: StdRng,
    /// Snapshots that must stay.
    good: Vec<Snapshot>,
    clock: i64,
}

/// Work of one kind: how long it takes, so that kills fall anywhere within it and seldom behind its end, and its kills.
struct Kind {
    name: &'static str,
    round: fn(&mut Soak, &mut Kind) -> bool,
    takes: Duration,
    kills: u32,
}

impl Kind {
    const fn new(name: &'static str, round: fn(&mut Soak, &mut Self) -> bool) -> Self {
        Self { name, round, takes: Duration::from_millis(700), kills: 0 }
    }

    /// Kills `work` at a random moment, or lets it end if it is faster; whether it was killed.
    fn kills(&mut self, work: &str, random: &mut StdRng) -> bool {
        let time = self.takes.mul_f64(random.random_range(0.0..1.1));
        !self.ends(work, time)
    }

    fn ends(&mut self, work: &str, time: Duration) -> bool {
        let begun = Instant::now();
        let has_ended = run(work, time);
        if has_ended {
            self.takes = (self.takes * 3 + begun.elapsed()) / 4;
        }
        has_ended
    }
}

impl Soak {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write(&data, seed, 60);
        let ours = repository(&folder.path().join("repository"));
        back_up(&ours, &data, NOW_MS).unwrap();
        let good = ours.snapshots().unwrap();
        Self { folder, ours, random: StdRng::seed_from_u64(seed), good, clock: NOW_MS }
    }

    fn work(&self, what: &str, other: &str) -> String {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        format!("{what}|{}|{}|{other}", at("data"), at("repository"))
    }

    fn restore(&mut self, kind: &mut Kind) -> bool {
        let (into, wanted) = (self.folder.path().join("into"), self.folder.path().join("wanted"));
        let work = self.work("restore", into.to_str().unwrap());
        let is_killed = kind.kills(&work, &mut self.random);
        if is_killed {
            // A folder that is not whole says so, and the same command ends it.
            let is_empty = !into.exists() || std::fs::read_dir(&into).unwrap().next().is_none();
            let is_unfinished = recovery::is_unfinished(&into).is_some();
            assert!(is_empty || is_unfinished || contents(&into).len() > 60);
            assert!((!is_empty && !is_unfinished) || kind.ends(&work, LONG));
        }
        restore(&self.ours, "latest", &wanted).unwrap();
        assert_eq!(contents(&into), contents(&wanted));
        std::fs::remove_dir_all(&into).unwrap();
        std::fs::remove_dir_all(&wanted).unwrap();
        is_killed
    }

    fn backup(&mut self, kind: &mut Kind) -> bool {
        // Half of the files change.
        write(&self.folder.path().join("data"), self.random.random(), 30);
        let work = self.work("backup", &self.clock.to_string());
        let is_killed = kind.kills(&work, &mut self.random);
        if is_killed {
            // Every snapshot from before is there; the new one is there as a whole or not at all.
            let now = self.ours.snapshots().unwrap();
            assert!(self.good.iter().all(|old| now.iter().any(|new| new.id == old.id)), "a snapshot is gone");
            assert!(now.len() <= self.good.len() + 1);
            assert!(self.ours.open().unwrap().snapshot("latest").is_ok());
            assert!(kind.ends(&work, LONG));
        }
        is_killed
    }

    fn expire(&mut self, kind: &mut Kind) -> bool {
        let work = self.work("expire", &self.clock.to_string());
        let is_killed = kind.kills(&work, &mut self.random);
        if is_killed {
            assert!(self.ours.open().unwrap().snapshot("latest").is_ok());
            assert!(kind.ends(&work, LONG));
        }
        is_killed
    }
}

#[test]
fn a_kill_at_any_moment_leaves_what_is_consistent() {
    let kills: u32 = std::env::var("LAZARET_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let seed = std::env::var("LAZARET_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut soak = Soak::new(seed);
    let mut kinds =
        [Kind::new("backup", Soak::backup), Kind::new("clean-up", Soak::expire), Kind::new("restore", Soak::restore)];
    let begun = Instant::now();
    let (mut killed, mut rounds) = (0, 0);
    while killed < kills {
        let kind = &mut kinds[rounds % 3];
        rounds += 1;
        soak.clock += 60_000;
        if (kind.round)(&mut soak, kind) {
            kind.kills += 1;
            killed += 1;
        }
        soak.good = soak.ours.snapshots().unwrap();
    }
    let each = begun.elapsed().as_secs_f64() / f64::from(killed.max(1));
    let of: Vec<String> = kinds.iter().map(|kind| format!("{} {}", kind.kills, kind.name)).collect();
    println!("killed {killed} times ({}) in {rounds} rounds, {each:.2} s each, seed {seed}", of.join(", "));
    let checked = soak.ours.check(true).unwrap();
    assert!(checked.holds, "{:?}", checked.faults);
    for snapshot in &soak.good {
        restore(&soak.ours, &snapshot.id, &soak.folder.path().join(&snapshot.id)).unwrap();
    }
}
