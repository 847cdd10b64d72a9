//! Tools that people have, against the running server: rclone, restic and samtools.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::guard::{Server, user, verified};

/// Whether a tool is installed; CI does not accept that it is not.
fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("version").output().is_ok();
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "`{tool}` is missing; the test set-up installs it");
    if !found {
        println!("skipped: no `{tool}`; `cargo xtask setup` installs it");
    }
    found
}

/// A server on a folder, with a key of somebody who may create studies.
struct Bench {
    folder: tempfile::TempDir,
    server: Server,
    key: Value,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = serde_json::from_str(&user(folder.path(), "ada", &["--actions", "administer"])).unwrap();
        let server = Server::start(folder.path());
        Self { folder, server, key }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command
            .current_dir(self.path())
            .args(arguments)
            .env_remove("AWS_CA_BUNDLE")
            .env("AWS_ACCESS_KEY_ID", self.key["access_key_id"].as_str().unwrap())
            .env("AWS_SECRET_ACCESS_KEY", self.key["secret_access_key"].as_str().unwrap())
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("HOME", self.path());
        command
    }

    fn rclone(&self, arguments: &[&str]) -> String {
        let mut command = self.command("rclone", arguments);
        for (name, value) in [
            ("TYPE", "s3"),
            ("PROVIDER", "Other"),
            ("ENDPOINT", &self.server.s3),
            ("ENV_AUTH", "true"),
            ("REGION", "us-east-1"),
        ] {
            command.env(format!("RCLONE_CONFIG_LAZARET_{name}"), value);
        }
        // Small parts, so that what is large comes in several.
        command.env("RCLONE_S3_CHUNK_SIZE", "5M").env("RCLONE_S3_UPLOAD_CUTOFF", "5M").env("RCLONE_RETRIES", "1");
        succeeded(&command.output().unwrap())
    }
}

fn succeeded(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

/// Bytes that do not repeat.
fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn files(folder: &Path) {
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    std::fs::write(folder.join("big.bin"), bytes(12_000_000)).unwrap();
    std::fs::write(folder.join("empty"), "").unwrap();
    std::fs::write(folder.join("sub/na me é.txt"), "ü\n").unwrap();
    std::fs::write(folder.join("sub/a.txt"), "hello\n").unwrap();
}

#[test]
fn rclone_copies_compares_and_syncs() {
    if !has("rclone") {
        return;
    }
    let bench = Bench::new();
    files(&bench.path().join("src"));
    bench.rclone(&["mkdir", "lazaret:onc-301"]);
    bench.rclone(&["copy", "src", "lazaret:onc-301/data"]);
    bench.rclone(&["check", "src", "lazaret:onc-301/data"]);
    bench.rclone(&["check", "--download", "src", "lazaret:onc-301/data"]);
    bench.rclone(&["sync", "src/sub", "lazaret:onc-301/data"]);
    bench.rclone(&["moveto", "lazaret:onc-301/data/a.txt", "lazaret:onc-301/data/b.txt"]);
    let listed = bench.rclone(&["lsf", "-R", "lazaret:onc-301"]);
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, ["data/", "data/b.txt", "data/na me é.txt"]);
    assert_eq!(bench.rclone(&["cat", "lazaret:onc-301/data/b.txt"]), "hello\n");
    verified(bench.path());
}

#[test]
fn restic_backs_up_checks_restores_and_prunes() {
    if !has("restic") {
        return;
    }
    let bench = Bench::new();
    files(&bench.path().join("src"));
    let restic = |arguments: &[&str]| {
        let repository = format!("s3:{}/onc-302/repo", bench.server.s3);
        let mut command = bench.command("restic", &[&["-r", &repository, "--no-cache"], arguments].concat());
        succeeded(&command.env("RESTIC_PASSWORD", "words for a test").output().unwrap())
    };
    restic(&["init"]);
    restic(&["backup", "src"]);
    std::fs::write(bench.path().join("src/new"), bytes(100_000)).unwrap();
    restic(&["backup", "src"]);
    assert!(restic(&["check", "--read-data"]).contains("no errors were found"));
    restic(&["restore", "latest", "--target", "out"]);
    for name in ["big.bin", "empty", "sub/a.txt", "sub/na me é.txt", "new"] {
        let [before, after] = ["src", "out/src"].map(|at| std::fs::read(bench.path().join(at).join(name)).unwrap());
        assert!(before == after, "{name}");
    }
    restic(&["forget", "--keep-last", "1", "--prune"]);
    assert!(restic(&["check"]).contains("no errors were found"));
    verified(bench.path());
}

#[test]
fn samtools_reads_a_region() {
    if !has("samtools") || !has("rclone") {
        return;
    }
    let bench = Bench::new();
    let mut sam = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000000\n@RG\tID:rg1\tSM:made-up\n".to_owned();
    for (at, seed) in (0..20_000).zip(bytes(20_000)) {
        let sequence: String =
            (0..50_u8).map(|i| char::from(b"ACGT"[usize::from(seed.wrapping_mul(i) >> 3) % 4])).collect();
        let quality = "I".repeat(50);
        sam += &format!("r{at}\t0\tchr1\t{}\t60\t50M\t*\t0\t0\t{sequence}\t{quality}\tRG:Z:rg1\n", at * 45 + 1);
    }
    std::fs::write(bench.path().join("a.sam"), sam).unwrap();
    succeeded(&bench.command("samtools", &["view", "-b", "a.sam", "-o", "a.bam"]).output().unwrap());
    succeeded(&bench.command("samtools", &["index", "a.bam"]).output().unwrap());
    bench.rclone(&["mkdir", "lazaret:onc-303"]);
    for name in ["a.bam", "a.bam.bai"] {
        bench.rclone(&["copyto", name, &format!("lazaret:onc-303/{name}")]);
    }
    let count = |file: &str| {
        let mut command = bench.command("samtools", &["view", "-c", file, "chr1:100000-200000"]);
        let host = bench.server.s3.trim_start_matches("http://");
        command.env("HTS_S3_HOST", host).env("HTS_S3_ADDRESS_STYLE", "path");
        succeeded(&command.output().unwrap()).trim().to_owned()
    };
    let counted = count("s3+http://onc-303/a.bam");
    assert_eq!(counted, count("a.bam"));
    assert!(counted.parse::<u32>().unwrap() > 2_000, "{counted}");
    verified(bench.path());
}
