//! `lazaret up`: it starts, says how to get in, answers, refuses what is unsafe, and ends in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::run::{lazaret, run};

/// The answer of the server at `address`.
fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A running server and the link it printed.
struct Server {
    child: Child,
    link: String,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = lazaret(folder)
            .args(["up", "--quiet", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let link = loop {
            let line = lines.next().expect("it prints a link").unwrap();
            if let Some(at) = line.find("http") {
                break line[at..].trim().to_owned();
            }
        };
        Self { child, link }
    }

    fn address(&self) -> String {
        self.link.trim_start_matches("http://").split('/').next().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> String {
        get(&self.address(), path).unwrap()
    }

    #[cfg(unix)]
    fn end(mut self) -> Option<i32> {
        let ended = std::process::Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(ended.success());
        let status = self.child.wait().unwrap();
        status.code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn it_starts_answers_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    assert!(server.link.contains("/setup"), "{}", server.link);
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    let metrics = server.get("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("lazaret_"), "{metrics}");
    let login = server.get("/login");
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    let passkeys = format!("data-passkeys=\"http://localhost:{port}\"");
    assert!(login.contains(&passkeys), "a number is no name for passkeys: {login}");
    let front = server.get("/");
    assert!(front.starts_with("HTTP/1.1 303") || front.starts_with("HTTP/1.1 302"), "nobody is logged in: {front}");
    let second = run(folder.path(), &["up", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(2), "one server a data folder");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn nobody_has_to_read_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child =
        lazaret(folder.path()).args(["up", "--quiet", "--listen", &address]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let server = Server { child, link: format!("http://{address}/") };
    let began = Instant::now();
    while !get(&address, "/healthz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(server);
}

#[test]
fn an_address_that_others_reach_needs_tls() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["up", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("TLS") && told.contains("hint: "), "{told}");
}

#[cfg(unix)]
#[test]
fn the_sample_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--sample"]);
    let began = Instant::now();
    loop {
        let metrics = server.get("/metrics");
        let objects = metrics
            .lines()
            .filter(|line| !line.starts_with('#') && line.starts_with("lazaret_objects"))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .fold(0.0, f64::max);
        if objects >= 1_000.0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(240), "{metrics}");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(server.end(), Some(0));
}
