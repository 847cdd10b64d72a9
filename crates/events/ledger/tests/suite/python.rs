//! Others agree: a check written in Python from the documents alone, and OpenSSL as time-stamping authority.

use std::path::{Path, PathBuf};
use std::process::Command;

use verify::Pins;
use verify::note::{Checkpoint, Note};

use crate::mutations::subject;
use crate::support::{Memory, block_on, event, open};

fn python(folder: &Path) -> (Option<i32>, String) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../verify/tests/check_ledger.py");
    let python = std::env::var("LAZARET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_independent_check_agrees_and_finds_changes() {
    let subject = subject();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, memory: &Memory| {
        let folder = folder.path().join(name);
        memory.store(&folder);
        python(&folder)
    };
    let checkpoint = Checkpoint::parse(&Note::parse(&subject.memory.0["checkpoint"]).unwrap().text).unwrap();
    let agreed = format!("ok {} {}\n", checkpoint.size, verify::bytes::hex(&checkpoint.root));
    assert_eq!(write("whole", &subject.memory), (Some(0), agreed));
    let paths: Vec<String> =
        subject.memory.0.keys().filter(|path| *path != "lock" && !path.starts_with("cosigned")).cloned().collect();
    for (number, path) in paths.iter().enumerate() {
        let mut changed = subject.memory.clone();
        let bytes = changed.0.get_mut(path).unwrap();
        // The tail of a note is a signature, which is not verified there: the root before it is changed.
        let at = if path == "checkpoint" { 25 } else { bytes.len() / 3 };
        let at = if path == "log.vkey" { 0 } else { at };
        bytes[at] ^= 1;
        let (code, said) = write(&format!("changed-{number}"), &changed);
        assert_eq!(code, Some(4), "{path}: {said}");
        assert!(!changed.audit(&Pins::default()).holds());
    }
    let mut stray = subject.memory.clone();
    stray.0.insert("tile/entries/009".to_owned(), vec![0; 4]);
    assert_eq!(write("stray", &stray).0, Some(4));
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const AUTHORITY: &str = "[ tsa ]\ndefault_tsa = one\n[ one ]\nserial = ./serial\nsigner_cert = ./tsa.pem\ncerts = ./ca.pem\n\
    signer_key = ./tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\n\
    ess_cert_id_chain = no\ness_cert_id_alg = sha256\n[ ext ]\nextendedKeyUsage = critical,timeStamping\n";

#[test]
fn openssl_stamps_a_checkpoint_and_the_audit_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority");
    std::fs::create_dir(&authority).unwrap();
    std::fs::write(authority.join("tsa.cnf"), AUTHORITY).unwrap();
    std::fs::write(authority.join("serial"), "01\n").unwrap();
    let new =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"];
    openssl(&authority, &new);
    openssl(
        &authority,
        &["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa"],
    );
    let sign =
        ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem"];
    openssl(&authority, &[&sign[..], &["-extfile", "tsa.cnf", "-extensions", "ext"]].concat());
    let root = folder.path().join("data");
    let ledger = open(&root, 1);
    block_on(async {
        for number in 0..20 {
            ledger.append(event(number)).await.unwrap();
        }
        let request = ledger.stamp_request().await.unwrap();
        std::fs::write(authority.join("q.tsq"), &request.request).unwrap();
        openssl(&authority, &["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq", "-out", "r.tsr"]);
        openssl(&authority, &["ts", "-verify", "-queryfile", "q.tsq", "-in", "r.tsr", "-CAfile", "ca.pem"]);
        let reply = std::fs::read(authority.join("r.tsr")).unwrap();
        let other = ledger.stamp_request().await.unwrap();
        assert!(ledger.keep_stamp(&other, &reply).await.is_err(), "it answers another request");
        ledger.keep_stamp(&request, &reply).await.unwrap();
    });
    drop(ledger);
    let mut memory = Memory::load(&root.join("ledger"));
    let report = memory.audit(&Pins::default());
    // The ledger of this test lives in September 2026: stamped later than it was recorded unless the clock is behind.
    let only_clock = report.faults.iter().all(|fault| fault.kind == verify::FaultKind::Backdated);
    assert!(only_clock && report.anchors + report.total == 1, "{report}");
    memory.0.get_mut("anchors/20.tsr").unwrap()[50] ^= 1;
    assert!(memory.audit(&Pins::default()).total > report.total);
}
