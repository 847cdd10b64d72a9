//! A small witness: HTTP/1.1 on one address, one request after the other. It must never cosign before what it has seen is
//! durable.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use verify::command::FAILED;
use verify::note::{SigningKey, VerifierKey};
use verify::witness::{Answer, REQUEST_BYTES_MAX, Witness};

/// Lines of a request's head that are read, and bytes of each.
const HEAD_LINES_MAX: usize = 64;
const LINE_BYTES_MAX: u64 = 8 << 10;
/// How long a client may take between two bytes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How it runs.
pub(crate) struct Options {
    pub listen: String,
    /// `name base64(seed)`, mode 0600; drawn when it is not there.
    pub key_file: PathBuf,
    /// What it has seen last of each log.
    pub state: PathBuf,
    pub logs: Vec<VerifierKey>,
}

/// Serves until it is ended.
pub(crate) fn run(options: &Options, complaints: &mut dyn Write) -> u8 {
    match serve(options, complaints) {
        Ok(()) => 0,
        Err(error) => {
            let _closed = writeln!(complaints, "lazaret-verify: the witness ended: {error}");
            FAILED
        }
    }
}

fn serve(options: &Options, complaints: &mut dyn Write) -> io::Result<()> {
    let state = match std::fs::read_to_string(&options.state) {
        Ok(state) => state,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let key = key(&options.key_file)?;
    let mut witness = Witness::new(key, options.logs.clone(), &state).map_err(io::Error::other)?;
    let listener = TcpListener::bind(&options.listen)?;
    writeln!(complaints, "witness {} on {}", witness.verifier(), listener.local_addr()?)?;
    for stream in listener.incoming() {
        // A client that goes away is none of the others' business; a state that cannot be kept is.
        if let Ok(stream) = stream
            && let Err(Broken::State(error)) = converse(stream, &mut witness, &options.state)
        {
            return Err(error);
        }
    }
    Ok(())
}

enum Broken {
    Client,
    State(io::Error),
}

fn converse(stream: TcpStream, witness: &mut Witness, state: &Path) -> Result<(), Broken> {
    let gone = |_: io::Error| Broken::Client;
    stream.set_read_timeout(Some(PATIENCE)).map_err(gone)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(gone)?;
    let mut reader = BufReader::new(stream);
    let Some(body) = request(&mut reader).map_err(gone)? else {
        return respond(reader.get_mut(), 404, "text/plain", "").map_err(gone);
    };
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let answer = witness.answer(&body, time);
    let (kind, text) = match &answer {
        Answer::Cosigned(line) => {
            keep(state, &witness.state()).map_err(Broken::State)?;
            ("text/plain; charset=utf-8", line.clone())
        }
        Answer::Conflict(size) => ("text/x.tlog.size", format!("{size}\n")),
        _ => ("text/plain", String::new()),
    };
    respond(reader.get_mut(), answer.status(), kind, &text).map_err(gone)
}

/// The body of `POST …/add-checkpoint`; `None` for anything else.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = String::new();
    reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    let mut words = line.split(' ');
    let asked = words.next() == Some("POST") && words.next().is_some_and(|path| path.ends_with("/add-checkpoint"));
    let mut length = 0;
    for _ in 0..HEAD_LINES_MAX {
        line.clear();
        reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(u64::MAX);
        }
    }
    if !asked || length > REQUEST_BYTES_MAX as u64 {
        return Ok(None);
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    Ok(Some(body))
}

fn respond(stream: &mut TcpStream, status: u16, kind: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Writes the state so that after a crash it is the old or the new one, and durable.
fn keep(path: &Path, state: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(state.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn key(path: &Path) -> io::Result<SigningKey> {
    let wrong = || io::Error::other(format!("`{}` is no key file of a witness", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (mut seed, mut name) = ([0; 32], [0; 4]);
            let random = SystemRandom::new();
            let drawn = random.fill(&mut seed).and_then(|()| random.fill(&mut name));
            drawn.map_err(|_unspecified| io::Error::other("the system gives no randomness"))?;
            let text = format!("lazaret-witness-{} {}\n", verify::bytes::hex(&name), STANDARD.encode(seed));
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            text
        }
        Err(error) => return Err(error),
    };
    let (name, seed) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let seed = STANDARD.decode(seed).ok().and_then(|seed| <[u8; 32]>::try_from(seed).ok()).ok_or_else(wrong)?;
    SigningKey::of_witness(name, &seed).map_err(io::Error::other)
}
