//! An S3 server with versions and object lock, and what is done in it behind the program's back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A Python with moto; `None` where there is none, which CI does not accept.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/test-venv/bin/python");
    let candidates = [std::env::var_os("LAZARET_TEST_PYTHON").map(PathBuf::from), Some(venv), Some("python3".into())];
    let found = candidates.into_iter().flatten().find(|python| {
        let imports = Command::new(python).args(["-c", "import boto3, moto.server, flask_cors"]).output();
        imports.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "moto is missing; the test set-up installs it");
        println!("skipped: no Python with moto; `cargo xtask setup` installs one");
    }
    found
}

/// The server, until it is dropped.
pub struct S3 {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub address: String,
}

impl S3 {
    pub fn start() -> Option<Self> {
        let mut child = Command::new(python()?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../response/recovery/tests/s3.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (asks, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut address = String::new();
        answers.read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://"), "{address}");
        Some(Self { child, asks, answers, address })
    }

    /// Has the server's script do something.
    pub fn obey(&mut self, ask: &Value) -> Value {
        writeln!(self.asks, "{ask}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{ask}: {error}: {answer}"))
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
