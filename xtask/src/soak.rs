//! `cargo xtask soak`: fuzzes every parser for a while, from files of the made-up organisation and of the corpora.
//! Needs `cargo-fuzz`, which is installed when missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::Format;

use crate::run;

/// A seed larger than this slows fuzzing more than it helps.
const SEED_BYTES_MAX: u64 = 48 << 10;
/// Seeds of one format.
const SEEDS_PER_TARGET: usize = 60;

/// How often `cargo xtask soak recovery` kills a backup, a restore or a clean-up, unless `--kills` says otherwise.
const KILLS: &str = "1000";

/// Kills backups, restores and clean-ups at random moments, other ones with each seed.
fn kills(arguments: &[String]) -> Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs().to_string();
    let (mut count, mut seed) = (KILLS.to_owned(), now);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!("`{}` wants a number", pair.join(" ")) };
        value.parse::<u64>().with_context(|| format!("`{name}` wants a number"))?;
        match name.as_str() {
            "--kills" => count.clone_from(value),
            "--seed" => seed.clone_from(value),
            other => bail!("`{other}` is not known; `--kills NUMBER` and `--seed NUMBER` are"),
        }
    }
    let test = ["test", "--package", "recovery", "--test", "recovery", "--", "kills::", "--nocapture"];
    run::run_with("cargo", &test, &[("LAZARET_KILLS", count), ("LAZARET_SEED", seed)])
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some((_, rest)) = arguments.split_first().filter(|(first, _)| *first == "recovery") {
        return kills(rest);
    }
    let mut minutes = 2;
    let mut only = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            minutes =
                rest.next().context("`--minutes` wants a number")?.parse().context("`--minutes` wants a number")?;
        } else {
            only.push(argument.as_str());
        }
    }
    let known = targets()?;
    if let Some(wrong) = only.iter().find(|name| !known.iter().any(|target| target == **name)) {
        bail!("there is no fuzz target `{wrong}`; the targets are: {}", known.join(" "));
    }
    if !std::process::Command::new("cargo").args(["fuzz", "--version"]).output()?.status.success() {
        run::run("cargo", &["install", "--locked", "cargo-fuzz"])?;
    }
    seeds()?;
    let seconds = format!("-max_total_time={}", minutes * 60);
    let mut found = Vec::new();
    for target in known.iter().filter(|target| only.is_empty() || only.contains(&target.as_str())) {
        // The stable compiler takes libFuzzer's instrumentation under this switch; sanitizers stay off.
        let fuzz = [
            "fuzz",
            "run",
            "--sanitizer",
            "none",
            target,
            "--",
            &seconds,
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=65536",
            "-print_final_stats=0",
            "-verbosity=0",
        ];
        if run::run_with("cargo", &fuzz, &[("RUSTC_BOOTSTRAP", "1".to_owned())]).is_err() {
            found.push(target.as_str());
        }
    }
    if !found.is_empty() {
        bail!(
            "found faults in: {}; the inputs lie below fuzz/artifacts: mend the fault and keep the input in tests/corpus",
            found.join(" ")
        );
    }
    Ok(())
}

/// The names of the fuzz targets, from their files.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(run::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

/// Sorts small files of the made-up organisation, of the corpora and of found cases by format into the targets' folders.
fn seeds() -> Result<()> {
    let root = run::root();
    let organisation = root.join("target/soak-sample");
    if !organisation.exists() {
        sample::organisation::write(&organisation, 1, 1, &mut |_| {})?;
    }
    let mut files = Vec::new();
    for folder in [organisation, root.join("../shared/corpora"), root.join("tests/corpus")] {
        walk(&folder, &mut files);
    }
    files.sort();
    let corpus = root.join("fuzz/corpus");
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for file in files {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let target = target_of(formats::detect(bytes.get(..bytes.len().min(1 << 16)).unwrap_or_default(), true));
        for target in [target.as_str(), "detect", "inspect", "recognize"] {
            let folder = corpus.join(target);
            let count = counts.entry(target.to_owned()).or_default();
            if *count == 0 {
                std::fs::create_dir_all(&folder)?;
            }
            if *count < SEEDS_PER_TARGET {
                *count += 1;
                std::fs::write(folder.join(format!("seed-{count:03}")), &bytes)?;
            }
        }
    }
    for (target, folder) in [("plan", "content/plan"), ("obligation_text", "content/obligations")] {
        let mut texts = Vec::new();
        walk(&root.join(folder), &mut texts);
        std::fs::create_dir_all(corpus.join(target))?;
        for (count, file) in texts.iter().enumerate() {
            std::fs::copy(file, corpus.join(target).join(format!("seed-{count:03}")))?;
        }
    }
    let vectors = std::fs::read_to_string(root.join("tests/oracles/obligations/vectors.ndjson"))?;
    std::fs::create_dir_all(corpus.join("obligation_facts"))?;
    for (count, facts) in vectors.lines().enumerate() {
        std::fs::write(corpus.join("obligation_facts").join(format!("seed-{count:03}")), facts)?;
    }
    // A playbook comes behind sixteen bytes that choose what happens in its run.
    let mut playbooks = Vec::new();
    walk(&root.join("content/playbooks"), &mut playbooks);
    std::fs::create_dir_all(corpus.join("playbook"))?;
    for (count, file) in playbooks.iter().enumerate() {
        let mut seed: Vec<u8> = vec![0, 5, 1, 6, 2, 7, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        seed.extend(std::fs::read(file)?);
        std::fs::write(corpus.join("playbook").join(format!("seed-{count:03}")), &seed)?;
    }
    Ok(())
}

/// The fuzz target that reads a format: its name with underscores; 7z has no name a Rust item could bear.
fn target_of(format: Format) -> String {
    if format == Format::SevenZip { "sevenz".to_owned() } else { format.as_str().replace('-', "_") }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            walk(&entry.path(), files);
        } else if kind.is_file() && entry.metadata().is_ok_and(|m| (1..=SEED_BYTES_MAX).contains(&m.len())) {
            files.push(entry.path());
        }
    }
}
