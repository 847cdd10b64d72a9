//! Printing results: a table for people, lines of JSON for machines.

use std::io::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A table.
    Text,
    /// One JSON object a line.
    Json,
}

/// One measured number against what is promised of it.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit: `MB/s`, `files/s`, `ms`, `µs`, `MB`. Rates are per CPU-second.
    pub unit: &'static str,
    /// What is promised, in the same unit: at least, or at most when the unit counts time or memory.
    pub target: Option<f64>,
    /// Processor seconds it took.
    pub cpu_seconds: f64,
    /// Largest resident set, in bytes.
    pub peak_bytes: u64,
    /// Anything else worth saying.
    pub note: String,
}

impl Line {
    /// Whether less is better.
    fn is_limit(&self) -> bool {
        matches!(self.unit, "ms" | "µs" | "s" | "CPU-s" | "MB" | "%")
    }

    fn holds(&self) -> Option<bool> {
        self.target.map(|target| if self.is_limit() { self.value <= target } else { self.value >= target })
    }

    /// The machine form.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "target": self.target,
            "holds": self.holds(),
            "cpu_seconds": rounded(self.cpu_seconds),
            "peak_bytes": self.peak_bytes,
            "note": self.note,
        })
    }

    /// Back from the machine form.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let unit =
            ["MB/s", "files/s", "ms", "µs", "MB"].into_iter().find(|unit| text("unit").as_deref() == Some(unit))?;
        Some(Self {
            name: text("name")?,
            value: number("value")?,
            unit,
            target: number("target"),
            cpu_seconds: number("cpu_seconds")?,
            peak_bytes: value.get("peak_bytes")?.as_u64()?,
            note: text("note")?,
        })
    }
}

/// Prints the head of the table.
///
/// # Errors
/// When standard output is closed.
pub fn head(style: Style) -> Result<()> {
    if style == Style::Text {
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{:<26} {:>10} {:<8} {:>10} {:>5} {:>8} {:>9}  note",
            "workload", "value", "unit", "target", "", "CPU s", "peak MB"
        )?;
    }
    Ok(())
}

/// Prints one result.
///
/// # Errors
/// When standard output is closed.
pub fn line(style: Style, line: &Line) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if style == Style::Json {
        writeln!(out, "{}", line.json())?;
        return Ok(());
    }
    let sign = if line.is_limit() { "≤" } else { "≥" };
    let target = line.target.map_or_else(String::new, |target| format!("{sign} {}", rounded(target)));
    let digits = if line.value < 10.0 { 3 } else { 1 };
    let holds = line.holds().map_or("", |holds| if holds { "ok" } else { "MISS" });
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let peak = line.peak_bytes as f64 / 1e6;
    writeln!(
        out,
        "{:<26} {:>10.digits$} {:<8} {:>10} {:>5} {:>8.2} {:>9.0}  {}",
        line.name, line.value, line.unit, target, holds, line.cpu_seconds, peak, line.note
    )?;
    Ok(())
}

/// Says what went wrong, on standard error.
pub fn complain(message: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "bench: {message}");
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
