//! How soon a scan starts: everything that recognition needs, made ready in a fresh process, and one empty object.

use anyhow::Result;
use formats::Source;
use recognize::engine::NamesTier;

use super::workloads::{inspect_source, inspector};

/// Makes an inspector ready and inspects one empty object.
pub(super) fn once() -> Result<()> {
    let inspector = inspector(NamesTier::Model)?;
    let mut scratch = inspector.scratch();
    inspect_source(&inspector, Source::bytes(b""), &mut scratch)?;
    Ok(())
}
