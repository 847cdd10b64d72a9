//! What a piece of work cost: processor time, wall time and peak memory of this process, as Linux counts them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Clock ticks of `/proc/PID/stat` a second: `USER_HZ`, 100 on every Linux architecture (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a measured piece of work cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// User and system time of all threads.
    pub cpu_seconds: f64,
    /// Time on the clock.
    pub wall: Duration,
    /// The largest resident set while it ran, in bytes, with what the process held before.
    pub peak_bytes: u64,
}

/// Runs `work` and tells its cost.
///
/// # Errors
/// When the work fails or the kernel's counters cannot be read.
pub fn measure<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    forget_peak();
    let (clock, before) = (Instant::now(), cpu_seconds()?);
    let done = work()?;
    let cost = Cost { cpu_seconds: cpu_seconds()? - before, wall: clock.elapsed(), peak_bytes: peak_bytes()? };
    Ok((done, cost))
}

/// Processor time of this process so far.
fn cpu_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").context("cannot read `/proc/self/stat`")?;
    // The command's name may hold blanks and stands in parentheses: fields are counted behind it.
    let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
    // Fields 14 and 15 of proc(5) are numbered from the process id; here the state (field 3) comes first.
    let (Some(user), Some(system)) = (ticks(11), ticks(12)) else {
        anyhow::bail!("`/proc/self/stat` is not as expected")
    };
    #[expect(clippy::cast_precision_loss, reason = "ticks of a bench")]
    Ok((user + system) as f64 / TICKS_PER_SECOND)
}

/// The largest resident set since [`forget_peak`].
fn peak_bytes() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").context("cannot read `/proc/self/status`")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no `VmHWM`")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context("`VmHWM` is no number")?;
    Ok(kilobytes * 1024)
}

/// Sets the kernel's high-water mark back to the present (proc(5), `clear_refs`). Where that is not allowed the peak
/// includes what the process did before, and is too high rather than too low.
fn forget_peak() {
    let _allowed = std::fs::write("/proc/self/clear_refs", "5");
}
