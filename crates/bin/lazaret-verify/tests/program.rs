//! The program from outside: exit codes, and a witness that refuses rollbacks and forks.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use verify::merkle::{Hash, leaf, node};
use verify::note::{Checkpoint, Note, SigningKey, VerifierKey};
use verify::witness::Request;

const ORIGIN: &str = "example.org/log";

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lazaret-verify")).args(arguments).output().unwrap()
}

/// The ledger of no entries.
fn empty_ledger(folder: &Path) -> SigningKey {
    let key = SigningKey::of_log(ORIGIN, &[1; 32]).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: verify::merkle::empty() };
    std::fs::write(folder.join("log.vkey"), format!("{}\n", key.verifier())).unwrap();
    std::fs::write(folder.join("checkpoint"), checkpoint.signed(&key)).unwrap();
    key
}

#[test]
fn exit_codes_tell_faults_from_failures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(program(&["/nowhere/at/all"]).status.code(), Some(1));
    assert_eq!(program(&[]).status.code(), Some(2));
    assert_eq!(program(&[path, "--colour"]).status.code(), Some(2));
    assert_eq!(program(&[path]).status.code(), Some(4), "nothing there");
    let key = empty_ledger(folder.path());
    let whole = program(&[path]);
    assert_eq!(whole.status.code(), Some(0));
    assert!(String::from_utf8(whole.stdout).unwrap().contains("UNPINNED"));
    let pinned = program(&[path, "--key", &key.verifier().to_string(), "--format", "json"]);
    assert_eq!(pinned.status.code(), Some(0));
    assert!(String::from_utf8(pinned.stdout).unwrap().contains("\"pinned\":true"));
    std::fs::write(folder.path().join("notes.txt"), "stray").unwrap();
    assert_eq!(program(&[path]).status.code(), Some(4));
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Starts a witness; gives its key and address.
fn witness(folder: &Path, log: &VerifierKey) -> (Running, VerifierKey, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lazaret-verify"))
        .args(["witness", "--listen", "127.0.0.1:0", "--key-file", &path("key"), "--state", &path("state")])
        .arg(log.to_string())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, key, _, address] = words[..] else { unreachable!("{line}") };
    (Running(child), key.parse().unwrap(), address.to_owned())
}

fn ask(address: &str, request: &Request) -> (u16, String) {
    let body = request.encode();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn the_witness_refuses_rollbacks_and_forks_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = SigningKey::of_log(ORIGIN, &[1; 32]).unwrap();
    let (running, key, address) = witness(folder.path(), log.verifier());
    let leaves: Vec<Hash> = [b"a", b"b", b"c"].map(|entry| leaf(entry)).to_vec();
    let signed =
        |size: usize, root: Hash| Checkpoint { origin: ORIGIN.to_owned(), size: size as u64, root }.signed(&log);
    let two = node(&leaves[0], &leaves[1]);
    let first = Request { old: 0, proof: Vec::new(), note: signed(2, two) };
    let (status, line) = ask(&address, &first);
    assert_eq!(status, 200);
    let cosigned = Note::parse(format!("{}{line}", first.note).as_bytes()).unwrap();
    assert!(cosigned.verify_cosignature(&key).unwrap() > 1_700_000_000);
    drop(running);
    let (_running, same, address) = witness(folder.path(), log.verifier());
    assert_eq!(same, key);
    assert_eq!(ask(&address, &first), (409, "2\n".to_owned()), "a rollback");
    let fork = Request { old: 2, proof: vec![leaves[2]], note: signed(3, [9; 32]) };
    assert_eq!(ask(&address, &fork).0, 422);
    let stranger = SigningKey::of_log(ORIGIN, &[2; 32]).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 3, root: node(&two, &leaves[2]) };
    let unsigned = Request { old: 2, proof: vec![leaves[2]], note: checkpoint.signed(&stranger) };
    assert_eq!(ask(&address, &unsigned).0, 403);
    let next = Request { note: signed(3, checkpoint.root), ..unsigned };
    assert_eq!(ask(&address, &next).0, 200);
}
