//! Waiting on a worker thread for what the runtime does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::found::Stopped;

/// How often a thread that waits looks whether it shall stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Has `runtime` do `work` while this thread, which is none of the runtime's, waits.
///
/// # Errors
/// When `stop` is set meanwhile; the work is then dropped.
pub(super) fn wait<T>(runtime: &Handle, stop: &AtomicBool, work: impl Future<Output = T>) -> Result<T, Stopped> {
    runtime.block_on(async {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return Ok(result),
                () = tokio::time::sleep(STOP_CHECK) => {
                    if stop.load(Ordering::Relaxed) {
                        return Err(Stopped);
                    }
                }
            }
        }
    })
}
