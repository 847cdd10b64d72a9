//! Peers beside us: Presidio on a small slice of the same notes, from PyPI in a virtual environment of its own.
//!
//! Presidio's usual models for spaCy are not on PyPI. Its recognisers run over spaCy's blank English pipeline then, which
//! is its fastest set-up: everything but person names.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Options;
use super::corpora::{self, Kind};
use crate::table::Line;

/// What of the corpora a peer reads: it manages some ten to a hundred kilobytes a second.
const SLICE_BYTES: usize = 400_000;
const PRESIDIO: &str = "presidio-analyzer==2.2.360";

/// Reads a file in pieces of about a note and prints bytes, processor seconds and how much was found.
const SCRIPT: &str = r#"
import sys, time, logging, spacy
logging.disable(logging.CRITICAL)
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}
    def load(self):
        pass
engine = Blank()
registry = RecognizerRegistry()
registry.load_predefined_recognizers(languages=["en"], nlp_engine=None)
analyzer = AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])
text = open(sys.argv[1], encoding="utf-8").read()
pieces = [text[i:i + 2000] for i in range(0, len(text), 2000)]
analyzer.analyze(pieces[0], language="en")
before = time.process_time()
found = sum(len(analyzer.analyze(piece, language="en")) for piece in pieces)
print(len(text.encode()), time.process_time() - before, found)
"#;

pub(super) fn run(options: &Options) -> Result<Vec<Line>> {
    let python = environment(&options.data.join("peers"))?;
    let script = options.data.join("presidio.py");
    std::fs::write(&script, SCRIPT)?;
    let mut lines = Vec::new();
    for (name, kind) in [("presidio-rules notes", Kind::Notes), ("presidio-rules csv", Kind::Csv)] {
        let slice = slice(kind, options)?;
        let output = Command::new(&python).arg(&script).arg(&slice).output().context("cannot run Presidio")?;
        if !output.status.success() {
            bail!("Presidio failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        lines.push(line(name, &String::from_utf8_lossy(&output.stdout))?);
    }
    Ok(lines)
}

fn line(name: &str, answer: &str) -> Result<Line> {
    let numbers: Vec<f64> = answer.split_ascii_whitespace().filter_map(|text| text.parse().ok()).collect();
    let [bytes, cpu_seconds, found] = numbers.as_slice() else { bail!("Presidio answered `{}`", answer.trim()) };
    Ok(Line {
        name: name.to_owned(),
        value: bytes / 1e6 / cpu_seconds.max(0.01),
        unit: "MB/s",
        target: None,
        cpu_seconds: *cpu_seconds,
        peak_bytes: 0,
        note: format!("{PRESIDIO}, rules only, {found} identifiers in {bytes} bytes"),
    })
}

fn slice(kind: Kind, options: &Options) -> Result<std::path::PathBuf> {
    let text = std::fs::read_to_string(corpora::file(kind, options)?)?;
    let path = options.data.join(format!("{kind:?}-slice.txt").to_lowercase());
    std::fs::write(&path, text.get(..text.floor_char_boundary(SLICE_BYTES)).unwrap_or_default())?;
    Ok(path)
}

/// The interpreter of a virtual environment that has Presidio.
fn environment(folder: &Path) -> Result<std::path::PathBuf> {
    let python = folder.join("bin/python");
    if python.exists() {
        return Ok(python);
    }
    let ran = |command: &mut Command| match command.stdout(std::process::Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{}` ended with {status}", command.get_program().to_string_lossy()),
        Err(error) => Err(error).context("cannot start Python"),
    };
    ran(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    ran(Command::new(&python).args(["-m", "pip", "install", "--quiet", PRESIDIO]))?;
    Ok(python)
}
