//! The process that hunts: one request on standard input, the answer on standard output. `lazaret hunt` starts it
//! (docs/adr/0013); it is not meant to be typed.

mod findings;
mod request;
mod subjects;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use hunt::{Answered, HuntError, Sources};
use lake::Snapshot;
use request::Request;
use store::Store;

/// The longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 1 << 20;
/// How long a question may go on after its time, before the process ends however deep it is in a calculation.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut text = zeroize::Zeroizing::new(String::new());
    if let Err(error) = std::io::stdin().take(REQUEST_BYTES_MAX).read_to_string(&mut text) {
        return tell("usage", &format!("the request cannot be read: {error}"), 2);
    }
    let request = match Request::parse(&text) {
        Ok(request) => request,
        Err(error) => return tell("usage", &format!("{error}; `lazaret hunt` starts this program"), 2),
    };
    drop(text);
    watch(request.limits().timeout);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(request.limits().threads).enable_all().build();
    let answered = match runtime {
        Ok(runtime) => runtime.block_on(answer(request)),
        Err(error) => return tell("hunt", &format!("no threads can be had: {error}"), 1),
    };
    match answered {
        Ok(answered) => {
            let told = serde_json::to_string(&answered).unwrap_or_default();
            let _nobody_listens = writeln!(std::io::stderr().lock(), "{told}");
            ExitCode::SUCCESS
        }
        // Whoever read the answer has had enough of it.
        Err(HuntError::Output(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => tell(error.code(), &error.to_string(), if error.is_usage() { 2 } else { 1 }),
    }
}

async fn answer(request: Request) -> Result<Answered, HuntError> {
    let lake = Snapshot::open(request.lake(), request.key())?;
    let store = match (&request.catalogue.sqlite, &request.catalogue.postgres) {
        (Some(path), _) => Some(Store::sqlite_reading(path).await?),
        (None, Some(url)) => Some(Store::postgres_reading(url).await?),
        (None, None) => None,
    };
    let subjects = store.clone().map(subjects::feed);
    let findings = store.clone().map(findings::feed);
    let sources = Sources { lake: Some(lake), store, subjects, findings };
    let out = Box::new(std::io::BufWriter::with_capacity(64 << 10, std::io::stdout()));
    let mut sink = hunt::sink(request.format, out);
    hunt::answer(sources, &request.sql, &request.parameters, request.limits(), sink.as_mut()).await
}

/// Ends the process when its time is over. A calculation that never looks up cannot be ended otherwise.
fn watch(timeout: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(timeout + GRACE);
        let error = HuntError::Slow { after: timeout };
        tell(error.code(), &error.to_string(), 1);
        #[expect(clippy::exit, reason = "a calculation is going on in every other thread")]
        std::process::exit(1);
    });
}

/// Tells what went wrong, as one line of JSON.
fn tell(code: &str, message: &str, exit: u8) -> ExitCode {
    let told = serde_json::json!({ "code": code, "error": message });
    let _nobody_listens = writeln!(std::io::stderr().lock(), "{told}");
    ExitCode::from(exit)
}

fn is_broken_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe || error.to_string().contains("Broken pipe")
}
