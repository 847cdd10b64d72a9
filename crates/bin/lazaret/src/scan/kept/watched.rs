//! `scan --watch`: what changes below the folders is scanned and printed until somebody interrupts.

use std::path::PathBuf;
use std::sync::Arc;

use landscape::report::ObjectReport;
use landscape::scan::{Debounce, ScanHandle, Scanner, Touched, Watch};
use landscape::sources::SourceSpec;
use tokio::sync::mpsc;

use super::{Writer, failed, print};
use crate::data::now;
use crate::failure::Failure;

/// Changes that wait for the scan of earlier ones.
const QUEUE: usize = 16;

pub(super) async fn run(scanner: &Scanner, sources: &[SourceSpec], writer: &mut Writer) -> Result<(), Failure> {
    let (sender, mut changes) = mpsc::channel(QUEUE);
    for (at, source) in sources.iter().enumerate() {
        let SourceSpec::Folder(path) = source else {
            return Err(Failure::usage(format!("`{source}` cannot be watched; only folders can"))
                .hint("scan it at set times with `lazaret schedule add`"));
        };
        let mut watch = Watch::start(path).await.map_err(|error| Failure::usage(error.to_string()))?;
        let sender = sender.clone();
        tokio::spawn(async move { while sender.send((at, watch.next(Debounce::default()).await)).await.is_ok() {} });
    }
    drop(sender);
    loop {
        let touched = tokio::select! {
            touched = changes.recv() => touched,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some((at, touched)) = touched else { return Ok(()) };
        if let Some(source) = sources.get(at)
            && !again(scanner, source, touched, writer).await?
        {
            return Ok(());
        }
    }
}

/// Scans what was touched. Whether anybody still reads what is printed.
async fn again(scanner: &Scanner, source: &SourceSpec, touched: Touched, writer: &mut Writer) -> Result<bool, Failure> {
    let handle = ScanHandle::new(now());
    let mut is_read = true;
    let each = &mut |report: &ObjectReport| {
        is_read &= print(source, report, writer);
        if !is_read {
            handle.cancel();
        }
    };
    match touched {
        Touched::Everything => {
            scanner.run(source, &handle, Some(each)).await.map_err(failed)?;
        }
        Touched::Parts(parts) => parts_again(scanner, source, parts, &handle, each).await?,
    }
    writer.flush();
    Ok(is_read)
}

async fn parts_again(
    scanner: &Scanner,
    source: &SourceSpec,
    parts: Vec<PathBuf>,
    handle: &Arc<ScanHandle>,
    each: landscape::scan::EachReport<'_>,
) -> Result<(), Failure> {
    let location = source.location().map_err(|error| Failure::usage(error.to_string()))?;
    let row = store::sources::ensure(scanner.catalogue().store(), source.kind(), &location, now())
        .await
        .map_err(|error| Failure::failed("store", error))?;
    scanner.rescan_parts(row.id, source, parts, handle, Some(each)).await.map_err(failed)?;
    Ok(())
}
