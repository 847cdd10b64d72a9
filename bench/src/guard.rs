//! `bench guard`: the S3 gateway with everything behind it (policy, vault, ledger, inspection) in a process of its own;
//! rates are per CPU-second of that process. The client signs each request and sends bodies with unsigned payload, as
//! clients do over TLS. A plaintext server over the same library runs beside it.

mod containing;
mod plain;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use guard::{Guarded, Opening, Operator, Request, RootKeyAt};
use landscape::Catalogue;
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::scan::{ScanOptions, Scanner};
use model::{Action, PrincipalKind};
use store::Store;

use crate::table::{self, Line, Style};

const MIB: usize = 1 << 20;
const LARGE: usize = 64 * MIB;
const HUGE: usize = 1024 * MIB;
const GETS: usize = 12;
const PUTS: usize = 6;
const SMALL_GETS: usize = 8_000;
const SMALL_CLIENTS: usize = 16;
const RANGES: usize = 2_000;
const RANGE: usize = 64 << 10;

/// The server's half: serves a folder until it is killed.
pub fn serve(arguments: &[String]) -> Result<()> {
    let [folder, inspection] = arguments else {
        bail!("`bench guard-serve` takes a folder and `inspected`, `plain`, `contained` or `peer`")
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = Path::new(folder).to_owned();
        if inspection == "peer" {
            return plain::serve(folder).await;
        }
        let store = Store::sqlite(&folder.join("lazaret.db")).await?;
        let scanner = if inspection == "inspected" {
            let inspector = Inspector::embedded(InspectOptions::default(), TokenKey::new([7; 32]))?;
            let clock = Arc::new(|| jiff::Timestamp::now().as_millisecond());
            Some(Scanner::new(Arc::new(Catalogue::new(store.clone())), inspector, ScanOptions::new(clock)))
        } else {
            None
        };
        let opening = Opening {
            data_dir: folder,
            store,
            scanner,
            root_key: RootKeyAt::File,
            origin: "bench.example/ledger".to_owned(),
            limits: guard::Limits::default(),
            federation: identity::Federation::new(Vec::new())?,
            through: "guard",
        };
        let guarded = Arc::new(Guarded::open(opening).await?);
        let operator = Operator { user: "bench".to_owned(), through: "cli" };
        let study: model::StudyId = "bench-1".parse()?;
        let name = "client".to_owned();
        let kind = PrincipalKind::Service;
        guarded.obey(&operator, Request::StudyCreate { study: study.clone() }).await?;
        guarded.obey(&operator, Request::UserAdd { name: name.clone(), kind, organisation: None }).await?;
        let actions = vec![Action::List, Action::Read, Action::Write];
        let grant =
            Request::Grant { name: name.clone(), study: Some(study), role: None, actions, labels: None, until: None };
        guarded.obey(&operator, grant).await?;
        let key = guarded.obey(&operator, Request::AccessKeyCreate { name, until: None }).await?;
        let key = key.first().context("a key is told")?;
        if inspection == "contained" {
            containing::when_told(Arc::clone(&guarded), operator);
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {} {}", listener.local_addr()?, key["access_key_id"], key["secret_access_key"])?;
        out.flush()?;
        drop(out);
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        gateway::serve(Arc::clone(&guarded.gateway), listener, None, stopped, Duration::ZERO).await?;
        Ok(())
    })
}

pub fn run(arguments: &[String]) -> Result<()> {
    let (only_containment, arguments) = match arguments {
        [option, value, rest @ ..] if option == "--only" && value == "containment" => (true, rest),
        _ => (false, arguments),
    };
    let style = match arguments {
        [] => Style::Text,
        [option, value] if option == "--format" && value == "json" => Style::Json,
        _ => bail!("`bench guard` takes `--only containment` and `--format json`"),
    };
    table::head(style)?;
    containing::run(style)?;
    if only_containment {
        return Ok(());
    }
    let random: Vec<u8> =
        (0..LARGE).map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 13 & 0xFF).unwrap_or(0)).collect();
    let peer = large(style, &Server::start("peer")?, "peer-", &random, None)?;
    let plain = Server::start("plain")?;
    large(style, &plain, "", &random, Some(0.8 * peer))?;
    small(style, &Server::start("peer")?, "peer-", None)?;
    small(style, &plain, "", Some(4_000.0))?;
    ranges(style, &plain, &mut plain.client()?)?;
    drop(plain);
    let inspected = Server::start("inspected")?;
    let mut client = inspected.client()?;
    let text = sample::notes::corpus(3, LARGE / 8).into_bytes();
    client.put("warm", &text)?;
    let put = inspected.measure(|| (0..4).try_for_each(|at| client.put(&format!("text-{at}"), &text)))?;
    rate(style, "put-8m-text", 4 * text.len(), Some(0.15), &put, "notes, inspected in the flow").map(drop)
}

/// Large objects in and out; the rate of those that were read before.
fn large(style: Style, server: &Server, who: &str, body: &[u8], target: Option<f64>) -> Result<f64> {
    let mut client = server.client()?;
    let put = server.measure(|| (0..PUTS).try_for_each(|at| client.put(&format!("large-{at}"), body)))?;
    let wanted = target.map(|_| 0.5);
    rate(
        style,
        &format!("{who}put-64m"),
        PUTS * LARGE,
        wanted,
        &put,
        "no inspection, MD5 as entity tag, unsigned payload",
    )?;
    let mut gets = |count: usize| {
        server.measure(|| (0..count).try_for_each(|at| client.get(&format!("large-{}", at % PUTS), None).map(drop)))
    };
    rate(style, &format!("{who}get-64m-first"), PUTS * LARGE, None, &gets(PUTS)?, "read the first time")?;
    gets(PUTS)?;
    let get = gets(GETS)?;
    rate(style, &format!("{who}get-64m"), GETS * LARGE, target, &get, "read before; wanted: 0.8 of the peer")
}

fn small(style: Style, server: &Server, who: &str, target: Option<f64>) -> Result<()> {
    let body = vec![b'x'; 4096];
    let mut client = server.client()?;
    for at in 0..64 {
        client.put(&format!("small-{at}"), &body)?;
    }
    let cost = server.measure(|| {
        let threads: Vec<_> = (0..SMALL_CLIENTS)
            .map(|number| {
                let mut client = server.client()?;
                Ok(std::thread::spawn(move || -> Result<()> {
                    for at in 0..SMALL_GETS / SMALL_CLIENTS {
                        client.get(&format!("small-{}", (at + number) % 64), None)?;
                    }
                    Ok(())
                }))
            })
            .collect::<Result<_>>()?;
        for thread in threads {
            match thread.join() {
                Ok(done) => done?,
                Err(_panicked) => bail!("a client ended in a panic"),
            }
        }
        Ok(())
    })?;
    let count = f64::from(u32::try_from(SMALL_GETS).unwrap_or(u32::MAX));
    line(
        style,
        &format!("{who}get-4k"),
        count / cost.cpu_seconds,
        "GET/CPU-s",
        target,
        &cost,
        "16 clients; ours recorded durably each",
    )
}

fn ranges(style: Style, server: &Server, client: &mut Client) -> Result<()> {
    let piece = vec![5_u8; HUGE];
    client.put("huge", &piece)?;
    drop(piece);
    let mut times = Vec::with_capacity(RANGES);
    let cost = server.measure(|| {
        for at in 0..RANGES {
            let first = (at * 7_919 * 4_099) % (HUGE - RANGE);
            let began = Instant::now();
            let body = client.get("huge", Some((first, first + RANGE - 1)))?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            anyhow::ensure!(body == RANGE, "{body} bytes came");
        }
        Ok(())
    })?;
    times.sort_by(f64::total_cmp);
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    line(style, "range-64k-p99", p99, "ms", Some(10.0), &cost, "of an object of 1 GiB, one client, wall time")
}

struct Spent {
    cpu_seconds: f64,
    peak_bytes: u64,
}

fn rate(style: Style, name: &str, bytes: usize, target: Option<f64>, cost: &Spent, note: &str) -> Result<f64> {
    #[expect(clippy::cast_precision_loss, reason = "bytes of a bench")]
    let rate = bytes as f64 / 1e9 / cost.cpu_seconds;
    line(style, name, rate, "GB/CPU-s", target, cost, note)?;
    Ok(rate)
}

fn line(
    style: Style,
    name: &str,
    value: f64,
    unit: &'static str,
    target: Option<f64>,
    cost: &Spent,
    note: &str,
) -> Result<()> {
    let name = format!("guard-{name}");
    let (cpu_seconds, peak_bytes, note) = (cost.cpu_seconds, cost.peak_bytes, note.to_owned());
    table::line(style, &Line { name, value, unit, target, cpu_seconds, peak_bytes, note })
}

struct Server {
    child: Child,
    address: String,
    key: String,
    secret: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(inspection: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["guard-serve".as_ref(), folder.path().as_os_str(), inspection.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the server prints")?).read_line(&mut line)?;
        let words: Vec<String> = line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect();
        let [address, key, secret] =
            words.try_into().map_err(|_other: Vec<String>| anyhow::anyhow!("no server: {line}"))?;
        Ok(Self { child, address, key, secret, _folder: folder })
    }

    fn client(&self) -> Result<Client> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        let (address, key, secret) = (self.address.clone(), self.key.clone(), self.secret.clone());
        Ok(Client { stream, address, key, secret, buffer: vec![0; MIB] })
    }

    fn measure(&self, work: impl FnOnce() -> Result<()>) -> Result<Spent> {
        let before = self.cpu_seconds()?;
        work()?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no `VmHWM`")?;
        let kilobytes: u64 = peak.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Spent { cpu_seconds: self.cpu_seconds()? - before, peak_bytes: kilobytes * 1024 })
    }

    fn cpu_seconds(&self) -> Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u32>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else { bail!("`/proc/PID/stat` is not as expected") };
        Ok(f64::from(user + system) / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A client on one connection.
struct Client {
    stream: TcpStream,
    address: String,
    key: String,
    secret: String,
    buffer: Vec<u8>,
}

impl Client {
    fn put(&mut self, name: &str, body: &[u8]) -> Result<()> {
        let head = self.head("PUT", name, &format!("content-length: {}\r\n", body.len()));
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)?;
        self.answer().map(drop)
    }

    /// The bytes that came.
    fn get(&mut self, name: &str, range: Option<(usize, usize)>) -> Result<usize> {
        let range = range.map_or_else(String::new, |(first, last)| format!("range: bytes={first}-{last}\r\n"));
        let head = self.head("GET", name, &range);
        self.stream.write_all(head.as_bytes())?;
        self.answer()
    }

    /// Signature version 4 (AWS Signature Version 4 for API requests).
    fn head(&self, method: &str, name: &str, more: &str) -> String {
        const PAYLOAD: &str = "UNSIGNED-PAYLOAD";
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = now.get(..8).unwrap_or_default();
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n/bench-1/{name}\n\nhost:{}\nx-amz-content-sha256:{PAYLOAD}\nx-amz-date:{now}\n\n{signed}\n{PAYLOAD}",
            self.address
        );
        let scope = format!("{day}/us-east-1/s3/aws4_request");
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}");
        let mac = |key: &[u8], text: &str| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
        };
        let mut key = mac(format!("AWS4{}", self.secret).as_bytes(), day);
        for part in ["us-east-1", "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &to_sign));
        format!(
            "{method} /bench-1/{name} HTTP/1.1\r\nhost: {}\r\nx-amz-content-sha256: {PAYLOAD}\r\nx-amz-date: {now}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n{more}\r\n",
            self.address, self.key
        )
    }

    fn answer(&mut self) -> Result<usize> {
        let mut held = 0;
        let end = loop {
            let count = self.stream.read(self.buffer.get_mut(held..).unwrap_or_default())?;
            anyhow::ensure!(count > 0, "the server closed the connection");
            held += count;
            let seen = self.buffer.get(..held).unwrap_or_default();
            if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        anyhow::ensure!(head.starts_with("http/1.1 2"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer says its length")?.trim().parse()?;
        let mut left = length.saturating_sub(held - end);
        while left > 0 {
            let room = left.min(self.buffer.len());
            let count = self.stream.read(self.buffer.get_mut(..room).unwrap_or_default())?;
            anyhow::ensure!(count > 0, "the server closed the connection");
            left -= count;
        }
        Ok(length)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
