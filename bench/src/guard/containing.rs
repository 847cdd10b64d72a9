//! Containment under load: sixteen clients read as fast as they can, and whoever they are is contained.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use guard::{Guarded, IncidentRequest, Operator, Request};
use model::Severity;

use super::{SMALL_CLIENTS, Server, line};
use crate::table::Style;

/// How long the clients read before it is asked for.
const BEFORE: Duration = Duration::from_secs(3);
/// How often it is tried: another server each time.
const TRIES: usize = 5;
/// What containing may take until it takes effect.
const TARGET_MS: f64 = 2_000.0;

/// The server's half: contains the client once a line comes in.
pub(super) fn when_told(guarded: Arc<Guarded>, operator: Operator) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let mut asked = String::new();
        if std::io::stdin().lock().read_line(&mut asked).is_err() || asked.trim() != "contain" {
            return;
        }
        let done = runtime.block_on(async {
            let open = IncidentRequest::Open {
                title: "a key is misused".to_owned(),
                severity: Severity::High,
                finding: None,
                study: None,
                exercise: false,
            };
            guarded.obey(&operator, Request::Incidents(open)).await?;
            let contain = IncidentRequest::Contain {
                id: 1,
                kind: "principal".to_owned(),
                target: "client".to_owned(),
                until: None,
                on: true,
            };
            guarded.obey(&operator, Request::Incidents(contain)).await
        });
        if let Err(error) = done {
            crate::table::complain(&guard::whole(&error));
        }
    });
}

pub(super) fn run(style: Style) -> Result<()> {
    let mut worst = 0.0_f64;
    let mut requests = 0;
    let mut spent = None;
    for _ in 0..TRIES {
        let mut server = Server::start("contained")?;
        let mut client = server.client()?;
        for at in 0..64 {
            client.put(&format!("small-{at}"), &[b'x'; 4096])?;
        }
        let mut ask = server.child.stdin.take().context("the server listens")?;
        let cost = server.measure(|| {
            let clients: Vec<_> = (0..SMALL_CLIENTS)
                .map(|number| {
                    let mut client = server.client()?;
                    Ok(std::thread::spawn(move || {
                        let mut answered = 0_u64;
                        while client.get(&format!("small-{}", number % 64), None).is_ok() {
                            answered += 1;
                        }
                        (answered, Instant::now())
                    }))
                })
                .collect::<Result<_>>()?;
            std::thread::sleep(BEFORE);
            let asked = Instant::now();
            writeln!(ask, "contain")?;
            for client in clients {
                let Ok((answered, refused)) = client.join() else { bail!("a client ended in a panic") };
                let after = refused.checked_duration_since(asked).context("a client ended before it was contained")?;
                worst = worst.max(after.as_secs_f64() * 1000.0);
                requests += answered;
            }
            Ok(())
        })?;
        spent = Some(cost);
    }
    let cost = spent.context("it was tried")?;
    let note = format!(
        "16 clients reading 4 KiB at full speed; the worst of {TRIES} tries, the last of the clients refused; {requests} answers before"
    );
    line(style, "containment", worst, "ms", Some(TARGET_MS), &cost, &note)
}
