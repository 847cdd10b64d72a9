//! Notices and letters by e-mail, to a mail server that takes them: once each, across stops and kills, and named nowhere.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::guard::{Server, holding, script, told, verified};
use super::run::{lazaret, run};

/// A Python with aiosmtpd; `None` where there is none, which CI does not accept.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/test-venv/bin/python");
    let candidates = [std::env::var_os("LAZARET_TEST_PYTHON").map(PathBuf::from), Some(venv), Some("python3".into())];
    let found = candidates.into_iter().flatten().find(|python| {
        Command::new(python).args(["-c", "import aiosmtpd"]).output().is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "aiosmtpd is missing; the test set-up installs it");
        println!("skipped: no Python with aiosmtpd; `cargo xtask setup` installs one");
    }
    found
}

/// A mail server, until it is dropped.
struct Mailbox {
    child: Child,
}

impl Mailbox {
    fn start(python: &Path, port: u16, file: &Path, delay: &str, secured: &[&str]) -> Self {
        let mut child = Command::new(python)
            .args([&script("mailbox.py"), &port.to_string(), file.to_str().unwrap(), delay])
            .args(secured)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self { child }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Messages that came.
fn mail(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn settings(folder: &Path, port: u16, more: &str) {
    let text = format!(
        "[mail]\nserver = \"localhost\"\nport = {port}\nfrom = \"Privacy Office <privacy@clinic.internal>\"\n\
         reply_to = \"answers@clinic.internal\"\n{more}"
    );
    std::fs::write(folder.join("lazaret.toml"), text).unwrap();
}

const PLAN: &str = "[organisation]\nname = \"Test Clinic\"\ncountry = \"EU-DE\"\nlanguages = [\"de\", \"en\"]\n\
    address = [\"Street 1\", \"12345 Town\"]\n\
    [[person]]\nid = \"p\"\nname = \"Privacy Office\"\nroles = [\"privacy\"]\nemail = \"privacy@clinic.internal\"\n\
    [[authority]]\nid = \"dpa\"\nname = \"Authority\"\nobligations = [\"GDPR-33-1\"]\njurisdictions = [\"EU-*\"]\n\
    how = \"email\"\nemail = \"authority@dpa.internal\"\n";

fn plan(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder.join("lazaret-data")).unwrap();
    std::fs::write(folder.join("lazaret-data/plan.toml"), text).unwrap();
}

/// An incident whose clock runs, with a draft.
fn drafted(folder: &Path) -> (String, String) {
    let id = told(folder, &["incidents", "open", "--title", "A disk"])["incident"].to_string();
    let facts = [
        "roles=[\"controller\"]",
        "risk=risk",
        "aware_at=2026-11-02T09:00:00+01:00",
        "what_happened=A disk with Müller & Söhne's samples was lost.",
        "affected=[{\"jurisdiction\":\"EU-DE\",\"subjects\":60,\"categories\":[\"health\"]}]",
    ];
    told(folder, &[&["incidents", "facts", &id][..], &facts].concat());
    let draft = told(folder, &["incidents", "draft", &id, "GDPR-33-1", "--language", "de"]);
    (id, draft["text"].as_str().unwrap().to_owned())
}

const APPROVED: &str = "{\"what\":\"approved\",\"obligation\":\"GDPR-33-1\",\"language\":\"de\"}";

fn whats(case: &Value) -> Vec<&str> {
    case["entries"].as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect()
}

/// A certificate of `localhost`; `None` where `openssl` is not installed, which CI does not accept.
fn certificate(folder: &Path) -> Option<(String, String)> {
    let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.join(name).display().to_string());
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is missing");
        println!("skipped: openssl is not installed");
        return None;
    }
    Some((certificate, key))
}

#[test]
fn an_approved_notice_leaves_and_its_clock_is_met() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some((certificate, key)) = certificate(folder) else { return };
    plan(folder, PLAN);
    let (id, text) = drafted(folder);
    let port = free_port();
    settings(folder, port, "security = \"starttls\"\nuser = \"relay\"\n");
    let send = |more: &[&str], password: &str| {
        lazaret(folder)
            .args(["--config", "lazaret.toml", "incidents", "send", &id, "GDPR-33-1", "--quiet", "--format", "json"])
            .args(more)
            .env("SSL_CERT_FILE", &certificate)
            .env("LAZARET_MAIL_PASSWORD", password)
            .output()
            .unwrap()
    };
    let fails = |more: &[&str], password: &str, says: &str| {
        let output = send(more, password);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(says), "{more:?}: {error}");
    };
    let unset = run(folder, &["incidents", "send", &id, "GDPR-33-1", "--quiet"]);
    let unset = String::from_utf8_lossy(&unset.stderr).into_owned();
    assert!(unset.contains("no draft for GDPR-33-1 is approved"), "{unset}");
    fails(&[], "right", "no draft for GDPR-33-1 is approved");
    fails(&["--language", "de"], "right", "is not approved as it stands");
    fails(&[], "", "LAZARET_MAIL_PASSWORD");
    told(folder, &["incidents", "add", &id, APPROVED]);
    let unset = run(folder, &["incidents", "send", &id, "GDPR-33-1", "--quiet"]);
    let unset = String::from_utf8_lossy(&unset.stderr).into_owned();
    assert!(unset.contains("no mail server is set") && unset.contains("[mail]"), "{unset}");

    // Nobody answers: nothing is sent, and that is an entry.
    fails(&[], "right", "was not sent: the mail server `localhost` cannot be reached");
    let case = told(folder, &["incidents", "show", &id]);
    assert_eq!(whats(&case).iter().rev().take(2).rev().copied().collect::<Vec<_>>(), ["sending", "send_failed"]);
    assert_eq!(case["clocks"]["GDPR-33-1"]["status"], "due", "{case}");
    assert!(case["facts"]["notifications"].is_null(), "{case}");

    let file = folder.join("mail.ndjson");
    let _mailbox = Mailbox::start(&python, port, &file, "0", &[&certificate, &key, "relay", "right"]);
    fails(&[], "wrong", "takes nothing from us");
    let untrusted = lazaret(folder)
        .args(["--config", "lazaret.toml", "incidents", "send", &id, "GDPR-33-1", "--quiet"])
        .env("LAZARET_MAIL_PASSWORD", "right")
        .output()
        .unwrap();
    assert!(!untrusted.status.success(), "a certificate that nobody vouches for");
    assert_eq!(mail(&file).len(), 0);
    let sent = send(&[], "right");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let sent: Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!((&sent["clock"], &sent["to"]), (&"met".into(), &"authority@dpa.internal".into()), "{sent}");
    let came = mail(&file);
    assert_eq!(came.len(), 1, "{came:?}");
    let one = &came[0];
    assert_eq!(one["text"].as_str().unwrap().trim_end(), text.trim_end());
    assert_eq!(
        (&one["to"], &one["from"], &one["id"], &one["is_encrypted"]),
        (&json!(["authority@dpa.internal"]), &json!("privacy@clinic.internal"), &sent["message_id"], &json!(true))
    );
    assert!(one["subject"].as_str().unwrap().contains(&format!("INC-{id}, GDPR-33-1")), "{one}");
    let case = told(folder, &["incidents", "show", &id]);
    assert_eq!(case["clocks"]["GDPR-33-1"]["status"], "met", "{case}");
    let how = case["entries"].as_array().unwrap().iter().find(|entry| entry["what"] == "sent").unwrap();
    for part in ["authority@dpa.internal", "250 2.0.0 taken", sent["message_id"].as_str().unwrap()] {
        assert!(how["how"].as_str().unwrap().contains(part), "{how}");
    }
    fails(&[], "right", "already");
    fails(&["--to", "gone@dpa.internal"], "right", "550 5.1.1");
    fails(&["--to", "later@dpa.internal"], "right", "send it again in a few minutes");
    assert_eq!(mail(&file).len(), 1);

    // Who takes notices by a form alone, and an exercise.
    plan(folder, &PLAN.replace("how = \"email\"", "how = \"portal\"\nurl = \"https://dpa.internal/form\""));
    fails(&[], "right", "Authority by its form (https://dpa.internal/form)");
    plan(folder, &PLAN.replace("\"GDPR-33-1\"", "\"CTR-52\""));
    fails(&[], "right", "the plan names nobody who receives GDPR-33-1");
    let own = format!(
        "{{\"what\":\"sending\",\"obligation\":\"GDPR-33-1\",\"language\":\"de\",\"to\":\"x@y.internal\",\"sha256\":\"{}\",\"message_id\":\"<1@x>\"}}",
        "0".repeat(64)
    );
    let refused = run(folder, &["incidents", "add", &id, &own, "--quiet"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("written by the program alone"));
    let exercise = told(folder, &["incidents", "open", "--title", "Practice", "--exercise"])["incident"].to_string();
    let refused = lazaret(folder)
        .args(["--config", "lazaret.toml", "incidents", "send", &exercise, "GDPR-33-1", "--to", "x@dpa.internal"])
        .env("LAZARET_MAIL_PASSWORD", "right")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("an exercise sends nothing"));
    verified(folder);
}

const PEOPLE: usize = 60;

/// Rows of which some are refused by the mail server; one has no address at all.
fn table() -> String {
    let mut table = "id,name,address1,city,email,language\n".to_owned();
    for at in 0..PEOPLE {
        let (local, language) = (if at % 20 == 7 { "gone" } else { "p" }, if at % 2 == 0 { "de" } else { "fr" });
        table.push_str(&format!("S{at:03},Probandin Nummer{at},,,{local}{at}@people.internal,{language}\n"));
    }
    table.push_str("S900,Probandin Ohne,,,,en\n");
    table
}

fn sending(folder: &Path, id: &str, number: &str, table: &str) -> Command {
    let mut command = lazaret(folder);
    command.args(["--config", "lazaret.toml", "incidents", "letters", "send", id, number, "--recipients", table]);
    command.args(["--incomplete", "--quiet", "--format", "json"]);
    command
}

/// Waits until so many messages came.
fn until(file: &Path, count: usize) {
    let begun = Instant::now();
    while mail(file).len() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} came", mail(file).len());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// In the room: letters are agreed to, the notice is sent, and a posting recorded.
fn in_the_room(python: &Path, server: &Server, id: &str, number: &str) {
    let forms = [
        json!({"what": "letters-agree", "letters": number}),
        json!({"what": "send", "obligation": "GDPR-33-1", "language": "de", "to": "authority@dpa.internal", "confirm": "on"}),
        json!({"what": "posted", "channel": "website", "letters": number, "at": "2024-01-05", "where": "https://www.clinic.de/notice"}),
    ];
    let forms = forms.map(|form| form.to_string());
    let room = Command::new(python).args([&script("room.py"), &server.link, id]).args(&forms).output().unwrap();
    let room = String::from_utf8_lossy(&room.stdout).into_owned();
    for part in
        ["agreed to by", "Sent to authority@dpa.internal", "https://www.clinic.de/notice", "Notice on the home page"]
    {
        assert!(room.contains(part), "no {part} in {room}");
    }
}

/// Each of those who are not refused has one message, or one of them the same twice, in few conversations.
fn once_each(came: &[Value]) {
    let mut by_address: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for one in came {
        by_address.entry(one["to"][0].as_str().unwrap().to_owned()).or_default().push(one);
    }
    assert_eq!(by_address.len(), PEOPLE - 3);
    let twice: Vec<&Vec<&Value>> = by_address.values().filter(|all| all.len() > 1).collect();
    assert!(twice.len() <= 1 && twice.iter().all(|all| all.len() == 2 && all[0]["id"] == all[1]["id"]), "{twice:?}");
    let ids: std::collections::BTreeSet<&str> = by_address.values().map(|all| all[0]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), PEOPLE - 3, "each message has its own id");
    let german = by_address["p0@people.internal"][0];
    let text = german["text"].as_str().unwrap();
    assert!(text.contains("Probandin Nummer0") && text.contains("Müller & Söhne"), "{german}");
    let sessions: std::collections::BTreeSet<u64> =
        by_address.values().flatten().map(|one| one["session"].as_u64().unwrap()).collect();
    assert!(sessions.len() <= 3, "one connection a run: {sessions:?}");
}

#[test]
fn letters_reach_everybody_once_across_stops_and_kills() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    plan(folder, PLAN);
    let port = free_port();
    settings(folder, port, "security = \"none\"\n");
    let server = Server::with(folder, &["--config", "lazaret.toml"]);
    let (id, _) = drafted(folder);
    told(folder, &["incidents", "add", &id, APPROVED]);
    let path = folder.join("people.csv");
    std::fs::write(&path, table()).unwrap();
    let people = path.to_str().unwrap();
    let asked = told(folder, &["incidents", "letters", "ask", &id, "hipaa-404", "--recipients", people]);
    assert_eq!(asked["by_email"], 0, "under HIPAA only those who agreed to it: {asked}");
    let asked = told(folder, &["incidents", "letters", "ask", &id, "gdpr-34", "--recipients", people]);
    assert_eq!((&asked["by_email"], &asked["unreachable"]), (&PEOPLE.into(), &1.into()), "{asked}");
    let number = asked["letters"].to_string();
    let fails = |says: &str| {
        let output = sending(folder, &id, &number, people).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(says), "{says}: {error}");
    };
    fails("nobody else has agreed");

    let file = folder.join("mail.ndjson");
    let mailbox = Mailbox::start(&python, port, &file, "0.03", &[]);
    in_the_room(&python, &server, &id, &number);
    assert_eq!(mail(&file).len(), 1, "the notice");
    std::fs::remove_file(&file).unwrap();

    // Another table, and no server.
    std::fs::write(&path, table().replace("p1@", "q1@")).unwrap();
    fails("not the table that was agreed to");
    std::fs::write(&path, table()).unwrap();
    drop(mailbox);
    fails("0 are sent so far");
    let stands = |name: &str| told(folder, &["incidents", "letters", "status", &id])["letters"][1][name].clone();
    assert_eq!((stands("emailed"), stands("email_left")), (0.into(), PEOPLE.into()));

    // Stopped by its operator, then killed, then to the end.
    let mailbox = Mailbox::start(&python, port, &file, "0.03", &[]);
    let mut child =
        sending(folder, &id, &number, people).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(&file, 10);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let stopped = mail(&file).len();
    assert!((10..PEOPLE - 5).contains(&stopped), "{stopped}");
    assert_eq!(stands("emailed"), stopped, "what was sent is recorded");
    let mut child = sending(folder, &id, &number, people).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&file, stopped + 12);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stands("emailed"), stopped, "nobody could say so any more");
    let output = sending(folder, &id, &number, people).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&ended["sent"], &ended["refused"], &ended["left"]), (&57.into(), &3.into(), &0.into()), "{ended}");

    once_each(&mail(&file));

    // Who was refused is unreachable now, and listed by id.
    assert_eq!(std::fs::read_to_string(folder.join("people.refused.txt")).unwrap(), "S007\nS027\nS047\n");
    let status = told(folder, &["incidents", "letters", "status", &id]);
    let ours = &status["letters"][1];
    assert_eq!(
        (&ours["unreachable"], &ours["refused"], &ours["email_left"]),
        (&4.into(), &3.into(), &0.into()),
        "{status}"
    );
    assert_eq!(ours["demands"][0]["met"], "done", "a notice stands: {status}");
    assert_eq!(status["postings"][0]["channel"], "website", "{status}");
    let again = sending(folder, &id, &number, people).output().unwrap();
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&again["sent"], &again["left"]), (&57.into(), &0.into()), "nothing is left to do: {again}");
    let before = mail(&file).len();
    let refused = sending(folder, &id, &number, people).arg("--again").output().unwrap();
    assert!(refused.status.success(), "{}", String::from_utf8_lossy(&refused.stderr));
    assert_eq!(mail(&file).len(), before, "still refused");
    drop(mailbox);

    // Progress that was lost is told before anybody is written to twice.
    let kept = std::fs::read_dir(folder.join("lazaret-data/letters")).unwrap().next().unwrap().unwrap().path();
    let progress = std::fs::read_to_string(&kept).unwrap();
    assert!(progress.lines().skip(1).all(|line| line.split(' ').nth(1).unwrap().parse::<u64>().is_ok()), "{progress}");
    std::fs::remove_file(&kept).unwrap();
    fails("knows of 0 messages, and the incident of 60");
    std::fs::write(&kept, progress).unwrap();

    // No name and no address of the table is kept.
    let case = told(folder, &["incidents", "show", &id]).to_string();
    for part in ["Probandin", "people.internal"] {
        assert!(!case.contains(part) && !case.contains("S007"), "{case}");
        let held = holding(&folder.join("lazaret-data"), part.as_bytes());
        assert_eq!(held, Vec::<PathBuf>::new(), "{part}");
    }
    server.end();
    verified(folder);
}

#[test]
fn a_server_that_refuses_everything_stops_the_letters() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    plan(folder, PLAN);
    let port = free_port();
    settings(folder, port, "security = \"none\"\n");
    let server = Server::with(folder, &["--config", "lazaret.toml"]);
    let (id, _) = drafted(folder);
    let path = folder.join("people.csv");
    let people = path.to_str().unwrap();
    let rows: String = (0..14).map(|at| format!("S{at},Probandin {at},gone{at}@people.internal\n")).collect();
    std::fs::write(&path, format!("id,name,email\n{rows}L1,Probandin Spät,later1@people.internal\n")).unwrap();
    let number =
        told(folder, &["incidents", "letters", "ask", &id, "gdpr-34", "--recipients", people])["letters"].to_string();
    let form = json!({"what": "letters-agree", "letters": number}).to_string();
    let room = Command::new(&python).args([&script("room.py"), &server.link, &id, &form]).output().unwrap();
    assert!(String::from_utf8_lossy(&room.stdout).contains("agreed to by"));
    let file = folder.join("mail.ndjson");
    let _mailbox = Mailbox::start(&python, port, &file, "0", &[]);
    let fails = |says: &str| {
        let output = sending(folder, &id, &number, people).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(says), "{says}: {error}");
        assert!(!error.contains("people.internal"), "no address is told: {error}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let told = fails("did not take 10 messages in a row, the last one with 550 5.1.1");
    assert_eq!((&told["refused"], &told["left"]), (&10.into(), &5.into()), "{told}");
    let told = fails("put off 1 of the messages");
    assert_eq!((&told["refused"], &told["left"], &told["deferred"]), (&14.into(), &1.into(), &1.into()), "{told}");
    let output = sending(folder, &id, &number, people).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(mail(&file).len(), 1);
}
