//! Installing what the tests need: PostgreSQL's server, SoftHSM2, headless Chromium with its driver, clients of S3 (rclone,
//! restic, samtools), an OpenID provider for Node.js and a Python environment with the check digit oracle, more clients, a mail
//! server and a server of S3.
//! Everything is looked for first, so that a second run installs nothing.

use std::path::Path;

use anyhow::Result;

use crate::run::{self, answers, answers_to, root, venv};

/// Python packages for tests: the oracle of check digits, clients of S3, a mail server, and a server of S3 with object lock.
const PYTHON_PACKAGES: [&str; 7] = [
    "python-stdnum==2.2",
    "boto3==1.44.8",
    "awscli==1.46.3",
    "aiosmtpd==1.4.6",
    "moto[s3]==5.2.5",
    "flask==3.1.3",
    "flask-cors==6.0.5",
];

pub(crate) fn run() -> Result<()> {
    let mut missing = Vec::new();
    if !has_postgres() {
        missing.push("postgresql");
    }
    if !answers("softhsm2-util") {
        missing.push("softhsm2");
    }
    if !answers("chromium") && !answers("chromium-browser") && !answers("google-chrome") {
        missing.push("chromium");
    }
    if !answers("chromedriver") {
        missing.push("chromium-driver");
    }
    for client in ["rclone", "restic", "samtools"] {
        if !answers_to(client, "version") {
            missing.push(client);
        }
    }
    if !answers("python3") {
        missing.push("python3");
        missing.push("python3-venv");
    }
    if !answers("node") {
        missing.push("nodejs");
    }
    if !answers("npm") {
        missing.push("npm");
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    node()?;
    python()
}

fn has_postgres() -> bool {
    answers("initdb")
        || std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| {
            versions.any(|version| version.is_ok_and(|version| version.path().join("bin/initdb").exists()))
        })
}

fn install(packages: &[&str]) -> Result<()> {
    let root_user = std::process::Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0"));
    let prefix: &[&str] = if root_user { &[] } else { &["sudo", "-n"] };
    let apt = |arguments: &[&str]| {
        let line: Vec<&str> = prefix.iter().copied().chain(["apt-get"]).chain(arguments.iter().copied()).collect();
        match line.split_first() {
            Some((program, rest)) => run::run(program, rest),
            None => Ok(()),
        }
    };
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}

/// The OpenID provider of the tests, in the version that `tests/oidc/package.json` names.
fn node() -> Result<()> {
    let (from, folder) = (root().join("tests/oidc/package.json"), root().join("target/test-node"));
    let kept = folder.join("package.json");
    let is_there = folder.join("node_modules/oidc-provider").is_dir();
    if is_there && std::fs::read(&kept).ok() == std::fs::read(&from).ok() {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(&from, &kept)?;
    let prefix = folder.display().to_string();
    run::run("npm", &["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--silent"])
}

fn python() -> Result<()> {
    let python = venv().join("bin/python");
    let ready = |python: &Path| {
        std::process::Command::new(python)
            .args(["-c", "import stdnum, boto3, awscli, aiosmtpd, moto.server, flask_cors"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if ready(&python) {
        return Ok(());
    }
    if run::run("python3", &["-m", "venv", &venv().display().to_string()]).is_err() {
        install(&["python3-venv"])?;
        run::run("python3", &["-m", "venv", &venv().display().to_string()])?;
    }
    let mut arguments = vec!["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    arguments.extend(PYTHON_PACKAGES);
    run::run(&python.display().to_string(), &arguments)
}
