//! Backups from the console of a running server, over HTTP as a browser asks: begun, watched, stopped, and told afterwards.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::guard::{Server, told};
use super::run::run;

const PASSWORD: &str = "four+plain+words+here";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Somebody at a browser.
struct Person {
    address: String,
    cookie: String,
}

/// An answer: its first line and headers, and its body.
struct Answer {
    head: String,
    body: String,
}

fn ask(address: &str, method: &str, path: &str, cookie: &str, form: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { head: head.to_owned(), body: body.to_owned() }
}

impl Person {
    /// The first administrator, by the link that the server printed.
    fn set_up(server: &Server) -> Self {
        let token = server.link.split_once("token=").unwrap().1;
        let form = format!("token={token}&name=Ada&password={PASSWORD}&again={PASSWORD}");
        let answer = ask(&server.console, "POST", "/setup", "", &form);
        Self::of(&server.console, &answer)
    }

    fn log_in(server: &Server) -> Self {
        let answer = ask(&server.console, "POST", "/login", "", &format!("name=Ada&password={PASSWORD}"));
        Self::of(&server.console, &answer)
    }

    fn of(address: &str, answer: &Answer) -> Self {
        let cookie = answer.head.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"));
        let cookie = cookie.unwrap_or_else(|| panic!("no cookie: {}{}", answer.head, answer.body));
        let cookie = cookie.split_once(": ").unwrap().1.split(';').next().unwrap().to_owned();
        Self { address: address.to_owned(), cookie }
    }

    fn page(&self, path: &str) -> String {
        let answer = ask(&self.address, "GET", path, &self.cookie, "");
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{path}: {}{}", answer.head, answer.body);
        answer.body
    }

    /// An entry of the record, once a checkpoint holds it.
    fn published(&self, path: &str) -> String {
        let clock = Instant::now();
        loop {
            let answer = ask(&self.address, "GET", path, &self.cookie, "");
            if answer.head.starts_with("HTTP/1.1 200") {
                return answer.body;
            }
            assert!(clock.elapsed() < PATIENCE, "{path}: {}{}", answer.head, answer.body);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn press(&self, path: &str, form: &str) {
        let clock = Instant::now();
        let mut answer = ask(&self.address, "POST", path, &self.cookie, form);
        // Keys that are over are taken away first, when a server starts.
        while answer.body.contains("has its hands full") && clock.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            answer = ask(&self.address, "POST", path, &self.cookie, form);
        }
        assert!(answer.head.starts_with("HTTP/1.1 303"), "{path} {form}: {}{}", answer.head, answer.body);
    }

    /// Waits until a page fits; what it says then.
    fn until(&self, path: &str, fits: impl Fn(&str) -> bool) -> String {
        let clock = Instant::now();
        loop {
            let page = self.page(path);
            if fits(&page) {
                return page;
            }
            assert!(clock.elapsed() < PATIENCE, "it never came to that: {page}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing is under way; the page then.
    fn ended(&self) -> String {
        self.until("/backups/running", |part| !part.contains("<progress"));
        self.page("/backups")
    }
}

fn secret(path: &Path, words: &str) {
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(words.as_bytes()).unwrap();
}

/// Settings with repositories in folders, a watched folder, and a study with an object.
fn prepare(folder: &Path) {
    secret(&folder.join("main.password"), "main words");
    secret(&folder.join("keys.password"), "key words");
    let watched = folder.join("instruments");
    std::fs::create_dir(&watched).unwrap();
    for number in 0..12 {
        let text = format!("{number},1.5,2.5\n").repeat(1_000);
        std::fs::write(watched.join(format!("scan-{number}.csv")), text).unwrap();
    }
    let settings = format!(
        "[recovery]\nrepository = \"backups/main\"\nkey_repository = \"backups/keys\"\npassword_file = \"main.password\"\n\
         key_password_file = \"keys.password\"\nwatch = [\"{}\"]\nextra = [\"extra\"]\nstudy_order = [\"onc-1\"]\n",
        watched.display()
    );
    std::fs::write(folder.join("lazaret.toml"), settings).unwrap();
    std::fs::create_dir(folder.join("extra")).unwrap();
    std::fs::create_dir(folder.join("from")).unwrap();
    std::fs::write(folder.join("from/notes.txt"), "a line of notes\n".repeat(20_000)).unwrap();
    told(folder, &["study", "create", "onc-1"]);
    let adopted = run(folder, &["study", "adopt", "onc-1", "from", "--quiet"]);
    assert!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
}

#[test]
fn a_backup_is_made_from_the_console_and_seen_proven() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    prepare(at);
    let settings = ["--config", "lazaret.toml"];
    let server = Server::with(at, &settings);
    let ada = Person::set_up(&server);
    let before = ada.page("/backups");
    assert!(before.contains("No backup has been made yet") && before.contains("Back up now"), "{before}");
    ada.press("/backups/begin", "what=backup");
    let page = ada.ended();
    for part in [">proven<", "Canary failed to open, as it must", "1 of 1 version", ">main<", ">keys<", "instruments"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(
        !page.contains("class=\"no\"") && !page.contains("class=\"open\""),
        "every part of the proof holds: {page}"
    );
    let entry = |page: &str| {
        let at = page.rfind("/record/").unwrap();
        page[at..].split('"').next().unwrap().to_owned()
    };
    let report = ada.page(&format!("/backups/{}", 1));
    assert!(report.contains("by <strong>Ada</strong>") && report.contains("It began"), "{report}");
    let recorded = ada.published(&entry(&report));
    assert!(recorded.contains("backup:") && recorded.contains("Ada"), "{recorded}");
    for (what, word) in [("drill", "within its targets"), ("check&read_data=1", "holds"), ("look", "nothing amiss")] {
        ada.press("/backups/begin", &format!("what={what}"));
        let page = ada.ended();
        assert!(page.contains(&format!(">{word}<")), "{what}: no {word} in {page}");
    }
    assert!(ada.page("/backups").contains("<strong>Time until everything is back</strong>"));
    // A command tells the running server, and what it did stands there too.
    let made = told(at, &["backup", "create", "--unproven", "--config", "lazaret.toml"]);
    let short = &made["snapshot"].as_str().unwrap()[..8];
    let page = ada.until("/backups", |page| page.matches(&format!("<code>{short}</code>")).count() == 2);
    assert!(page.contains(">made, not proven<") && page.contains("<span class=\"quiet\">cli</span>"), "{page}");
    let listed = told(at, &["backup", "list", "--config", "lazaret.toml"]);
    assert_eq!(listed["main"].as_array().unwrap().len(), 2);
    drop(server);
    // Without a server the command writes it down by itself.
    let checked = told(at, &["backup", "check", "--config", "lazaret.toml"]);
    assert_eq!(checked["holds"], true);
    let server = Server::with(at, &settings);
    let history = Person::log_in(&server).page("/backups/history");
    assert_eq!(history.matches(">Check</a>").count(), 2, "{history}");
    assert_eq!(history.matches(">Backup</a>").count(), 2, "{history}");
}

#[test]
fn what_is_stopped_leaves_the_repositories_fine_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    prepare(at);
    // It takes no room, and hours to read: whoever stops it is not too late.
    let long = at.join("extra/long");
    std::fs::File::create(&long).unwrap().set_len(1 << 38).unwrap();
    let settings = ["--config", "lazaret.toml"];
    let server = Server::with(at, &settings);
    let ada = Person::set_up(&server);
    let storing = |part: &str| part.contains("storing files") && part.contains("275 GB");
    ada.press("/backups/begin", "what=backup");
    ada.until("/backups/running", storing);
    let answer = ask(&ada.address, "POST", "/backups/begin", &ada.cookie, "what=drill");
    assert!(
        answer.head.starts_with("HTTP/1.1 400") && answer.body.contains("A backup is under way"),
        "{}",
        answer.body
    );
    ada.press("/backups/stop", "");
    let page = ada.ended();
    assert!(page.contains(">stopped<") && page.contains("No backup has been made yet"), "{page}");
    let report = ada.page("/backups/1");
    assert!(report.contains("it was stopped; the repository") && report.contains("It ended"), "{report}");
    let checked = told(at, &["backup", "check", "--config", "lazaret.toml"]);
    assert_eq!(checked["holds"], true, "{checked:#}");
    // A server that stops does not leave one hanging either.
    ada.press("/backups/begin", "what=backup");
    ada.until("/backups/running", storing);
    let clock = Instant::now();
    server.end();
    assert!(clock.elapsed() < Duration::from_secs(60), "it took {:?}", clock.elapsed());
    std::fs::remove_file(&long).unwrap();
    let server = Server::with(at, &settings);
    let ada = Person::log_in(&server);
    assert_eq!(ada.page("/backups").matches(">stopped<").count(), 2);
    ada.press("/backups/begin", "what=backup");
    let page = ada.ended();
    assert!(page.contains(">proven<") && !page.contains("class=\"no\""), "{page}");
    let checked = told(at, &["backup", "check", "--read-data", "--config", "lazaret.toml"]);
    assert_eq!(checked["holds"], true, "{checked:#}");
    let listed = told(at, &["backup", "list", "--config", "lazaret.toml"]);
    assert_eq!(listed["main"].as_array().unwrap().len(), 1, "what was stopped left no snapshot");
}
