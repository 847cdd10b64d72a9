//! The project's own chores: `cargo xtask NAME`.

use std::path::Path;

mod names;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match std::env::args().nth(1).as_deref() {
        Some("names") => names::build(root),
        other => anyhow::bail!("no task is called `{}`; there is: names", other.unwrap_or_default()),
    }
}
