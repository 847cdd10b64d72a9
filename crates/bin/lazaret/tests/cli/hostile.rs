//! Files that are broken, locked or made to harm: one clear line each, and the scan goes on.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::run::scan;

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn hostile_files_have_a_line_with_a_reason_each() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // A gzip of a gzip of zeros: a thousandfold twice.
    put(root, "bomb.gz", gzip(&gzip(&vec![0; 300 << 20])));
    let mut laughs = String::from("<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a0 \"ha\">");
    for level in 1..=20 {
        laughs.push_str(&format!("<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10)));
    }
    put(root, "laughs.xml", laughs + "]><l>&a20;</l>");
    put(root, "deep.json", "[".repeat(200_000));
    put(root, "comma.json", "{\"a\": [1, 2,], \"b\": 3 \"c\": \"SSN 477-27-8661\"}");
    put(root, "deep.xml", "<a>".repeat(200_000));
    put(root, "cut.dcm", [vec![0; 128], b"DICM\x02\x00\x00\x00UL\x04\x00\xff".to_vec()].concat());
    put(root, "cyclic.pdf", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [2 0 R] /Count 1 >>\nendobj\ntrailer\n<< /Size 3 /Root 1 0 R >>\n%%EOF\n");
    put(root, "good.txt", "SSN 477-27-8661\n");
    let started = Instant::now();
    let scanned = scan(root, &["--object-timeout", "60", "."]);
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    for name in ["bomb.gz", "deep.xml", "cut.dcm", "cyclic.pdf", "laughs.xml", "deep.json", "comma.json"] {
        let objects =
            scanned.objects.iter().filter(|o| o["object"].as_str().unwrap().starts_with(&format!("./{name}")));
        let reasons: Vec<&str> = objects
            .flat_map(|object| object["errors"].as_array().unwrap())
            .map(|error| error["message"].as_str().unwrap())
            .collect();
        assert!(!reasons.is_empty(), "{name} has a reason");
        assert!(reasons.iter().all(|reason| !reason.contains('\n') && reason.len() < 400), "{name}: {reasons:?}");
    }
    assert_eq!(scanned.object("./comma.json")["identifiers"][0]["type"], "US_SSN", "it is read on past the fault");
    // Entities are shown as they stand and never expanded.
    for name in ["./laughs.xml", "./deep.json"] {
        assert!(scanned.object(name)["bytes"].as_u64().unwrap() <= 200_000, "{name}");
    }
    assert!(scanned.object("./good.txt")["errors"].as_array().unwrap().is_empty());
    assert!(scanned.summary["unreadable"].as_u64().unwrap() >= 4, "{}", scanned.summary);
}

#[test]
fn one_line_of_a_gigabyte_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("line.txt")).unwrap();
    let mut out = std::io::BufWriter::new(file);
    for _ in 0..200 {
        out.write_all(&[b'a'; 1 << 20]).unwrap();
    }
    out.write_all(b" SSN 477-27-8661 ").unwrap();
    drop(out);
    let scanned = scan(folder.path(), &["line.txt"]);
    let line = scanned.object("line.txt");
    assert_eq!(line["format"], "text");
    assert!(line["identifiers"].as_array().unwrap().iter().any(|i| i["type"] == "US_SSN"), "{line:#}");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_odd_names_are_told_apart() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    put(folder.path(), "outside.txt", "SSN 477-27-8661\n");
    std::os::unix::fs::symlink("..", root.join("up")).unwrap();
    std::os::unix::fs::symlink(".", root.join("loop")).unwrap();
    std::os::unix::fs::symlink("../outside.txt", root.join("link.txt")).unwrap();
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    std::fs::write(root.join("new\nline\u{1b}[31m.txt"), "x").unwrap();
    let scanned = scan(folder.path(), &["root"]);
    // What a link leads out to is told of and not opened; one that stays inside says nothing.
    assert_eq!(scanned.objects.len(), 4, "{:?}", scanned.names());
    for name in ["root/up", "root/link.txt"] {
        let link = scanned.object(name);
        assert_eq!(link["errors"].as_array().map(Vec::len), Some(1), "{link:#}");
        assert_eq!(link["identifiers"].as_array().map(Vec::len), Some(0), "{link:#}");
    }
    let text = super::run::run(folder.path(), &["scan", "--no-store", "--quiet", "root"]);
    assert!(!text.stdout.contains(&0x1b), "nothing steers the terminal");
}

#[cfg(unix)]
#[test]
fn special_files_are_told_and_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let scanned = scan(folder.path(), &["."]);
    assert!(!scanned.object("./pipe")["errors"].as_array().unwrap().is_empty());
}
