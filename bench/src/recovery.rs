//! `bench recovery`: backups of a tree as data folders are (sealed objects that do not shrink, text that does, small files), made, made
//! again, checked and restored, with `restic` doing the same beside it; and the way from a backup to a console that answers.
//!
//! Each piece of work is a process of its own, so that its processor time and memory are told alike for both. The page cache is warm
//! for both, neither keeps a cache of its own (`--no-cache`), and `restic` compresses as it does by default.

mod start;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use recovery::{Piece, Place, Progress, Repository, Target, Task, walk};
use secrecy::SecretString;

use crate::cost::Cost;
use crate::table::{self, Line, Style};

/// The size of the tree unless it is told.
const MEGABYTES: usize = 1024;
const PASSWORD: &str = "a password of the bench";
/// How often each piece of work is measured: the median is told.
const ROUNDS: usize = 3;
const PLACES: [(&str, &str); 1] = [("data/", "")];

/// The child's half: does one thing with our own code.
pub fn work(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let at = |place: &str| Repository::new(Place::Folder(PathBuf::from(place)), SecretString::from(PASSWORD));
    let now_ms = jiff::Timestamp::now().as_millisecond();
    match words.as_slice() {
        ["backup", data, place] => {
            let (mut pieces, mut problems) = (vec![Piece::of_folder("data", now_ms)], Vec::new());
            walk(Path::new(data), "data", &|_| false, &mut pieces, &mut problems);
            anyhow::ensure!(problems.is_empty(), "{problems:?}");
            recovery::make(&at(place), pieces, serde_json::Value::Null, "bench", now_ms)?;
        }
        [how @ ("check" | "check-data"), place] => {
            let checked = at(place).check(*how == "check-data")?;
            anyhow::ensure!(checked.holds, "{:?}", checked.faults);
        }
        [how @ ("restore" | "restore-compared"), place, into] => {
            let opened = at(place).open()?;
            let (found, manifest) = opened.snapshot("latest")?;
            let target = Target::claim(Path::new(into), &found.id)?;
            let task = Task { snapshot: &found.id, places: &PLACES, only: None, rank: &|_| 0 };
            recovery::restore(&opened, &target, &task)?;
            if *how == "restore-compared" {
                let (root, differing) = manifest.look(Path::new(into), &PLACES, &Progress::default())?;
                anyhow::ensure!(differing.is_empty() && root == manifest.root, "{differing:?}");
            }
            target.finish()?;
        }
        _ => bail!(
            "`bench recovery-do` takes `backup`, `check`, `check-data`, `restore` or `restore-compared`, and folders"
        ),
    }
    Ok(())
}

pub fn run(arguments: &[String]) -> Result<()> {
    let value = |name: &str| arguments.iter().skip_while(|one| *one != name).nth(1);
    let megabytes =
        value("--megabytes").map_or(Ok(MEGABYTES), |text| text.parse()).context("`--megabytes` takes a number")?;
    let style = if value("--format").is_some_and(|format| format == "json") { Style::Json } else { Style::Text };
    table::head(style)?;
    let has_peer =
        Command::new("restic").arg("version").stdout(Stdio::null()).status().is_ok_and(|told| told.success());
    if !has_peer {
        table::complain("restic is not installed, so nothing stands beside ours; `cargo xtask setup` installs it");
    }
    let folder = tempfile::tempdir_in("target").context("run it from the repository")?;
    let data = folder.path().join("data");
    fill(&data, megabytes)?;
    let mut rounds: Vec<Vec<(&'static str, Cost)>> = vec![Vec::new(); if has_peer { 2 } else { 1 }];
    for round in 0..ROUNDS {
        for (who, told) in rounds.iter_mut().enumerate() {
            let tool = if who == 0 { Tool::Ours } else { Tool::Restic };
            let scratch = folder.path().join(format!("{}-{round}", tool.name()));
            once(tool, &data, &scratch, told)?;
            std::fs::remove_dir_all(&scratch)?;
            // Both begin with the same tree.
            change(&data, 0)?;
        }
    }
    let names = [
        "backup-first",
        "backup-unchanged",
        "backup-tenth-changed",
        "check",
        "check-data",
        "restore",
        "restore-compared",
    ];
    for name in names {
        let of = |who: usize| rounds.get(who).and_then(|all| median(all, name));
        let Some(ours) = of(0) else { continue };
        let peer = of(1);
        let beside = peer.map_or_else(String::new, |cost| {
            format!(
                "; restic {:.2} CPU-s, {:.2} s, {} MB",
                cost.cpu_seconds,
                cost.wall.as_secs_f64(),
                cost.peak_bytes >> 20
            )
        });
        let line = Line {
            name: format!("recovery-{name}"),
            value: ours.cpu_seconds,
            unit: "CPU-s",
            target: peer.map(|cost| cost.cpu_seconds),
            cpu_seconds: ours.cpu_seconds,
            peak_bytes: ours.peak_bytes,
            note: format!("{:.2} s on the clock, of {megabytes} MB{beside}", ours.wall.as_secs_f64()),
        };
        table::line(style, &line)?;
    }
    drop(folder);
    start::run(style)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Ours,
    Restic,
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Restic => "restic",
        }
    }

    fn command(self, words: &[&str]) -> Result<Command> {
        match self {
            Self::Ours => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("recovery-do").args(words);
                Ok(command)
            }
            Self::Restic => {
                let (name, rest) = words.split_first().context("a command")?;
                let mut command = Command::new("restic");
                command.env("RESTIC_PASSWORD", PASSWORD).args(["--no-cache", "--quiet"]);
                match (*name, rest) {
                    ("init", [place]) => command.args(["--repo", place, "init"]),
                    ("backup", [data, place]) => command.args(["--repo", place, "backup", "."]).current_dir(data),
                    ("check", [place]) => command.args(["--repo", place, "check"]),
                    ("check-data", [place]) => command.args(["--repo", place, "check", "--read-data"]),
                    ("restore", [place, into]) => {
                        command.args(["--repo", place, "restore", "latest", "--target", into])
                    }
                    ("restore-compared", [place, into]) => {
                        command.args(["--repo", place, "restore", "latest", "--verify", "--target", into])
                    }
                    _ => bail!("restic does not know `{name}`"),
                };
                Ok(command)
            }
        }
    }
}

/// Everything once with one tool, in a scratch folder of its own.
fn once(tool: Tool, data: &Path, scratch: &Path, told: &mut Vec<(&'static str, Cost)>) -> Result<()> {
    std::fs::create_dir_all(scratch)?;
    let absolute = |path: PathBuf| std::path::absolute(path).map(|path| path.display().to_string());
    let (data_name, place) = (absolute(data.to_owned())?, absolute(scratch.join("repository"))?);
    if tool == Tool::Restic {
        measured(tool.command(&["init", &place])?)?;
    }
    let mut step = |name: &'static str, words: &[&str]| -> Result<()> {
        told.push((name, measured(tool.command(words)?)?));
        Ok(())
    };
    step("backup-first", &["backup", &data_name, &place])?;
    step("backup-unchanged", &["backup", &data_name, &place])?;
    change(data, 1)?;
    step("backup-tenth-changed", &["backup", &data_name, &place])?;
    step("check", &["check", &place])?;
    step("check-data", &["check-data", &place])?;
    step("restore", &["restore", &place, &absolute(scratch.join("back"))?])?;
    std::fs::remove_dir_all(scratch.join("back"))?;
    step("restore-compared", &["restore-compared", &place, &absolute(scratch.join("again"))?])
}

/// Runs a child to its end and tells what it cost.
fn measured(mut command: Command) -> Result<Cost> {
    let before = children()?;
    let clock = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().with_context(|| format!("{command:?}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_bytes = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0);
        peak_bytes = peak_bytes.max(kilobytes * 1024);
        std::thread::sleep(Duration::from_millis(5));
    };
    anyhow::ensure!(ended.success(), "{command:?} ended with {ended}");
    Ok(Cost { cpu_seconds: children()? - before, wall: clock.elapsed(), peak_bytes })
}

/// Processor time of all children that have ended: fields 16 and 17 of proc(5), in clock ticks of a hundredth of a second.
fn children() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u32>().ok());
    let (Some(user), Some(system)) = (ticks(13), ticks(14)) else { bail!("`/proc/self/stat` is not as expected") };
    Ok(f64::from(user + system) / 100.0)
}

/// The run of `name` whose processor time is in the middle.
fn median(all: &[(&'static str, Cost)], name: &str) -> Option<Cost> {
    let mut of: Vec<Cost> = all.iter().filter(|(one, _)| *one == name).map(|(_, cost)| *cost).collect();
    of.sort_by(|a, b| a.cpu_seconds.total_cmp(&b.cpu_seconds));
    of.get(of.len() / 2).copied()
}

/// Bytes that do not shrink, the same for the same seed (splitmix64).
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed;
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        out.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    out.truncate(bytes);
    out
}

/// Where the object of a number lies.
fn object(data: &Path, number: usize) -> PathBuf {
    data.join("objects").join(format!("{:02x}", number % 256)).join(format!("{number:08x}"))
}

/// Seven tenths sealed objects of a megabyte, two tenths text, one tenth files of four kilobytes.
fn fill(data: &Path, megabytes: usize) -> Result<()> {
    for number in 0..megabytes * 7 / 10 {
        let path = object(data, number);
        std::fs::create_dir_all(path.parent().context("it lies in a folder")?)?;
        std::fs::write(path, noise(number as u64, 1 << 20))?;
    }
    std::fs::create_dir_all(data.join("ledger"))?;
    for number in 0..(megabytes / 5).div_ceil(8) {
        std::fs::write(
            data.join("ledger").join(format!("{number:04}")),
            sample::notes::corpus(number as u64, 8 << 20),
        )?;
    }
    for number in 0..megabytes * 256 / 10 {
        let shelf = data.join("small").join(format!("{:02x}", number % 64));
        std::fs::create_dir_all(&shelf)?;
        std::fs::write(shelf.join(format!("{number:06}")), noise(1_000_000 + number as u64, 4096))?;
    }
    Ok(())
}

/// Writes every tenth object as it is in `generation`.
fn change(data: &Path, generation: u64) -> Result<()> {
    for number in (0..).step_by(10) {
        let path = object(data, number);
        if !path.exists() {
            return Ok(());
        }
        std::fs::write(path, noise(number as u64 + generation * 10_000_000, 1 << 20))?;
    }
    Ok(())
}
