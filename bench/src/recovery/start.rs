//! From two repositories and a root key to a console that answers, by one command, over the made-up organisation.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::measured;
use crate::cost::Cost;
use crate::table::{self, Line, Style};

/// What the way may take.
const TARGET_SECONDS: f64 = 120.0;
const PLACES: [&str; 4] = ["--repository", "main", "--key-repository", "keys"];

/// A server that ends with the bench.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The program beside this one: `cargo xtask bench recovery` builds both.
fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("lazaret");
    anyhow::ensure!(path.is_file(), "`{}` is not built: `cargo build --release --package lazaret`", path.display());
    Ok(path)
}

fn command(program: &Path, at: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(at)
        .env("LAZARET_BACKUP_PASSWORD", "main words of the bench")
        .env("LAZARET_BACKUP_KEY_PASSWORD", "key words of the bench")
        .args(words);
    command
}

/// Where the console is, once the server says so.
fn console(server: &mut Server) -> Result<String> {
    let mut lines = BufReader::new(server.0.stdout.take().context("the server prints")?).lines();
    loop {
        let line = lines.next().context("the server ended before its console was there")??;
        if let Some((_, rest)) = line.split_once("http://") {
            return Ok(rest.split('/').next().unwrap_or_default().to_owned());
        }
    }
}

fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

pub(super) fn run(style: Style) -> Result<()> {
    let program = program()?;
    let folder = tempfile::tempdir_in("target").context("run it from the repository")?;
    let at = folder.path();
    let listen = ["--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0"];
    let mut up = command(&program, at, &["up", "--sample", "--verbose"]);
    let mut server = Server(up.args(listen).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    let said = BufReader::new(server.0.stderr.take().context("the server prints")?);
    let scanned = said.lines().map_while(Result::ok).any(|line| line.contains("the sample is scanned"));
    anyhow::ensure!(scanned, "the server ended before the sample was scanned");
    drop(server);
    let create = [&["backup", "create"], &PLACES[..]].concat();
    let cost = measured(command(&program, at, &create))?;
    tell(
        style,
        "backup-of-the-sample",
        cost.wall.as_secs_f64(),
        None,
        &cost,
        "made, restored into scratch and proven",
    )?;
    let drill = [&["backup", "drill"], &PLACES[..]].concat();
    let cost = measured(command(&program, at, &drill))?;
    tell(style, "drill-of-the-sample", cost.wall.as_secs_f64(), None, &cost, "restored and proven")?;
    std::fs::copy(at.join("lazaret-data/keys/root.json"), at.join("root.json"))?;
    std::fs::remove_dir_all(at.join("lazaret-data"))?;
    let clock = Instant::now();
    let mut restore =
        command(&program, at, &["backup", "restore", "--into", "back", "--root-key", "root.json", "--start"]);
    restore.args(PLACES).args(listen).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server(restore.spawn()?);
    let address = console(&mut server)?;
    let answer = get(&address, "/readyz")?;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seconds = clock.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.0.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap_or(0);
    let cost = Cost { cpu_seconds: 0.0, wall: clock.elapsed(), peak_bytes: kilobytes * 1024 };
    let note = "`lazaret backup restore --start` on an empty folder until the console answers; processor time not told";
    tell(style, "disaster-start", seconds, Some(TARGET_SECONDS), &cost, note)
}

fn tell(style: Style, name: &str, value: f64, target: Option<f64>, cost: &Cost, note: &str) -> Result<()> {
    let (name, note) = (format!("recovery-{name}"), note.to_owned());
    let (cpu_seconds, peak_bytes) = (cost.cpu_seconds, cost.peak_bytes);
    table::line(style, &Line { name, value, unit: "s", target, cpu_seconds, peak_bytes, note })
}
