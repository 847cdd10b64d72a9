//! `bench obligations`: facts of random incidents into legal clocks, at what rate; and whether the oracle in Python agrees on every one.
//! `--incidents N` changes their number, `--no-oracle` leaves the comparison out.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use ::obligations::{Facts, Options};
use anyhow::{Context as _, Result, bail};

use crate::cost::measure;
use crate::table::{self, Line, Style};

/// Incidents unless told otherwise.
const INCIDENTS: u64 = 1_000_000;
/// What both the engine and the oracle say of an answer.
const FIELDS: &str = include_str!("../../tests/oracles/obligations/fields.txt");
/// Incidents that are drawn and answered by one process of the oracle.
const PART: u64 = 125_000;

pub fn run(arguments: &[String]) -> Result<()> {
    let (mut incidents, mut has_oracle, mut style) = (INCIDENTS, true, Style::Text);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--incidents" => incidents = rest.next().context("`--incidents` wants a number")?.parse()?,
            "--no-oracle" => has_oracle = false,
            "--format" => {
                style = if rest.next().is_some_and(|format| format == "json") { Style::Json } else { Style::Text }
            }
            other => bail!("`{other}` means nothing to `bench obligations`"),
        }
    }
    let folder = tempfile::tempdir()?;
    let parts: Vec<(u64, u64)> =
        (0..incidents.div_ceil(PART)).map(|seed| (seed + 1, PART.min(incidents - seed * PART))).collect();
    let mut facts = Vec::new();
    for (seed, count) in &parts {
        let path = folder.path().join(format!("facts-{seed}"));
        oracle(&["generate", "--seed", &seed.to_string(), "--count", &count.to_string()], None, &path)?;
        facts.push(std::fs::read_to_string(&path)?);
    }
    table::head(style)?;
    let library = ::obligations::shipped().map_err(|error| anyhow::anyhow!("{error}"))?;
    let (read, cost) = measure(|| {
        let lines = facts.iter().flat_map(|part| part.lines());
        lines.map(|line| Ok(Facts::from_json(line.as_bytes(), library.vocabulary())?)).collect::<Result<Vec<Facts>>>()
    })?;
    report(style, "read facts", incidents, 0.0, &cost, "JSON of about 900 bytes an incident")?;
    let (answers, cost) =
        measure(|| Ok(read.iter().map(|facts| library.answers(facts, Options::default()).len() as u64).sum::<u64>()))?;
    report(
        style,
        "clocks from facts",
        incidents,
        100_000.0,
        &cost,
        &format!("{answers} answers with their reasons, one thread"),
    )?;
    let (bytes, cost) = measure(|| {
        let mut bytes = 0;
        for facts in &read {
            for answer in library.answers(facts, Options::default()) {
                bytes += serde_json::to_vec(&answer)?.len() as u64;
            }
        }
        Ok(bytes)
    })?;
    report(style, "clocks as JSON", incidents, 0.0, &cost, &format!("{} MB of answers", bytes >> 20))?;
    drop(read);
    if has_oracle {
        for ((seed, _), facts) in parts.iter().zip(&facts) {
            hold_against(folder.path(), *seed, facts)?;
        }
        table::complain(&format!("the oracle agrees on all {incidents} incidents"));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn report(style: Style, name: &str, incidents: u64, target: f64, cost: &crate::cost::Cost, note: &str) -> Result<()> {
    let line = Line {
        name: name.to_owned(),
        value: incidents as f64 / cost.cpu_seconds.max(0.001),
        unit: "/s",
        target: (target > 0.0).then_some(target),
        cpu_seconds: cost.cpu_seconds,
        peak_bytes: cost.peak_bytes,
        note: note.to_owned(),
    };
    table::line(style, &line)
}

fn oracle(arguments: &[&str], input: Option<&Path>, output: &Path) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracles/obligations/oracle.py");
    let input = match input {
        Some(path) => File::open(path)?.into(),
        None => Stdio::null(),
    };
    let ran = Command::new("python3").arg(script).args(arguments).stdin(input).stdout(File::create(output)?).status();
    if !ran.context("`python3` could not be started")?.success() {
        bail!("the oracle says: {}", std::fs::read_to_string(output).unwrap_or_default());
    }
    Ok(())
}

/// The oracle's answers against the engine's, in the part with this seed.
fn hold_against(folder: &Path, seed: u64, facts: &str) -> Result<()> {
    let library = ::obligations::shipped().map_err(|error| anyhow::anyhow!("{error}"))?;
    let file = |name: &str| folder.join(format!("{name}-{seed}"));
    oracle(&["answer"], Some(&file("facts")), &file("theirs"))?;
    let mut out = BufWriter::new(File::create(file("ours"))?);
    for (number, line) in (1_u64..).zip(facts.lines()) {
        let facts = Facts::from_json(line.as_bytes(), library.vocabulary())?;
        for answer in library.answers(&facts, Options::default()) {
            let mut value = serde_json::to_value(&answer)?;
            if let Some(object) = value.as_object_mut() {
                object.retain(|name, _| FIELDS.lines().any(|field| field == name));
                object.insert("incident".to_owned(), number.into());
            }
            writeln!(out, "{value}")?;
        }
    }
    out.flush()?;
    oracle(
        &["compare", &file("ours").to_string_lossy(), &file("theirs").to_string_lossy()],
        None,
        &file("differences"),
    )?;
    for name in ["facts", "theirs", "ours", "differences"] {
        std::fs::remove_file(file(name))?;
    }
    Ok(())
}
