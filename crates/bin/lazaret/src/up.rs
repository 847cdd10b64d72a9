//! `lazaret up`: the catalogue, its schedules, the console and the guard in one process.

mod sample;

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use console::Console;
use landscape::Catalogue;
use landscape::inspect::{InspectOptions, Inspector};
use landscape::scan::{Desk, ScanOptions, Scanner};
use landscape::sources::SampleRule;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::answering::Hunter;
use crate::catalogue::LISTEN;
use crate::cli::{Global, UpArgs};
use crate::config::Config;
use crate::data::{Data, clock, create_private, now, random, random_bytes, runtime};
use crate::failure::{Failure, Outcome};
use crate::recovering::Works;

/// Where S3 listens unless told otherwise.
const S3_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9000);
/// How often schedules are looked at.
const TICK: Duration = Duration::from_secs(20);
/// Minutes without a request after which a session of the console ends, unless the settings say otherwise.
const IDLE_MINUTES: u32 = 60;
/// The most that the settings may say: a session ends after half a day anyway.
const IDLE_MINUTES_MAX: u32 = 12 * 60;
/// How long open requests may take once the server stops.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) fn run(global: &Global, arguments: &UpArgs) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    crate::clocks::put_in_force(global, &config)?;
    let listen = arguments.listen.or(config.listen).unwrap_or(LISTEN);
    let s3_listen = arguments.s3_listen.or(config.s3_listen).unwrap_or(S3_LISTEN);
    for address in [listen, s3_listen] {
        if !address.ip().is_loopback() && config.tls.is_none() {
            return Err(Failure::usage(format!(
                "`{address}` can be reached from other machines, and TLS is not configured"
            ))
            .hint("give `certificate` and `key` under [tls] in the settings, or listen on 127.0.0.1 or [::1]"));
        }
    }
    create_private(&global.data_dir)?;
    let _lock = lock(global)?;
    runtime()?.block_on(serve(global, arguments, &config, (listen, s3_listen)))
}

/// One server a data folder: the lock ends with the process.
fn lock(global: &Global) -> Result<File, Failure> {
    let path = global.data_dir.join("up.lock");
    let failed = |error: std::io::Error| {
        Failure::failed("data-dir", anyhow::anyhow!("`{}` cannot be locked: {error}", path.display()))
    };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::usage(format!("another `lazaret up` runs on the data folder `{}`", global.data_dir.display()))
                .hint("stop it first, or give another folder with `--data-dir`"))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed("listen", anyhow::anyhow!("cannot listen on `{address}`: {error}"))
            .hint(format!("another program may use that port: give another with `{option}`"))
    })
}

async fn serve(
    global: &Global,
    arguments: &UpArgs,
    config: &Config,
    (listen, s3_listen): (SocketAddr, SocketAddr),
) -> Result<Outcome, Failure> {
    let listener = bind(listen, "--listen").await?;
    let s3_listener = bind(s3_listen, "--s3-listen").await?;
    let address = listener.local_addr().map_err(|error| Failure::failed("listen", error))?;
    let data = Data::open(global, config).await?;
    let desk = Arc::new(desk(global, config, &data)?);
    let scanner = (!config.guard.inspection_off).then(|| desk.scanner().clone());
    let store = data.catalogue.store().clone();
    let guarded = Arc::new(crate::guarding::open(global, config, store, scanner, "guard").await?);
    let watching = guarded
        .watching(config.watch_options(at(config, address))?)
        .map_err(|error| Failure::failed("rules", error))?;
    let receiving = receiving(&guarded, config).await?;
    let console = Console::new(Arc::clone(&data.catalogue), Arc::clone(&desk), clock(), random(), config.tls.is_some())
        .map_err(|error| Failure::failed("content", error))?;
    let federation = federated(config, &guarded, address)?;
    let idle_ms = i64::from(config.console.idle_minutes.unwrap_or(IDLE_MINUTES).clamp(1, IDLE_MINUTES_MAX)) * 60_000;
    let works = Works::new(global, config, &guarded)?;
    let hunts = global.data_dir.join(guard::HUNTS);
    let hunter = Arc::new(Hunter::new(Arc::clone(&guarded), crate::hunting::catalogue(global, config), hunts));
    let console = Arc::new(
        console
            .guarded(view(&guarded, &watching, &receiving))
            .federated(federation)
            .reached_at(&at(config, address))
            .hunting(hunter)
            .responding(Arc::new(crate::responding::Responder(Arc::clone(&guarded))))
            .recovering(Arc::<Works>::clone(&works))
            .idle_after(idle_ms),
    );
    let (stop, stopped) = watch::channel(false);
    let s3_address = s3_listener.local_addr().map_err(|error| Failure::failed("listen", error))?;
    let guarding = tokio::spawn(guarding(Arc::clone(&guarded), s3_listener, config.clone(), stopped.clone()));
    let operating = {
        let (guarded, stopped, data_dir) = (Arc::clone(&guarded), stopped.clone(), global.data_dir.clone());
        tokio::spawn(async move { guard::serve_control(guarded, &data_dir, stopped).await })
    };
    let watched = {
        let (guarded, stopped) = (Arc::clone(&guarded), stopped.clone());
        tokio::spawn(async move { guarded.keep_watching(watching, stopped).await })
    };
    let following = {
        let guarded = Arc::clone(&guarded);
        tokio::spawn(async move { guarded.keep_lake().await })
    };
    let received = {
        let (guarded, stopped) = (Arc::clone(&guarded), stopped.clone());
        tokio::spawn(async move { guarded.keep_receiving(receiving, stopped).await })
    };
    let sweeping = {
        let guarded = Arc::clone(&guarded);
        tokio::spawn(async move { tokio::join!(guarded.keep_counting(), guarded.keep_swept()) })
    };
    works.keep(&stopped);
    let responding = responding(&guarded, config, address, &stopped)?;
    tell(&data, address, config.tls.is_some()).await?;
    crate::guarding::tell_s3(s3_address, config.tls.is_some())?;
    let background = tokio::spawn(schedules(Arc::clone(&desk), stopped.clone()));
    let warming = tokio::spawn(warm(Arc::clone(&data.catalogue)));
    let sample = arguments.sample.then(|| {
        let s3 = config.tls.is_none().then_some(s3_address);
        tokio::spawn(load(global.clone(), Arc::clone(&desk), Arc::clone(&guarded), s3, stopped.clone()))
    });
    let mut serving = tokio::spawn(serving(listener, console, config.clone(), stopped));
    tokio::select! {
        () = interrupted() => {}
        served = &mut serving => return served.map_err(|error| Failure::failed("serve", error))?.map(|()| Outcome::Done),
    }
    tracing::info!("stopping");
    desk.running().iter().for_each(|running| {
        desk.cancel(running.source_id);
    });
    let _nobody_listens = stop.send(true);
    let served = tokio::time::timeout(GRACE, serving).await;
    background.abort();
    warming.abort();
    sweeping.abort();
    following.abort();
    let guarded_until = tokio::time::timeout(GRACE, guarding).await;
    if !matches!(guarded_until, Ok(Ok(Ok(())))) {
        tracing::warn!("open S3 requests were cut");
    }
    let _socket_is_gone = tokio::time::timeout(GRACE, operating).await;
    let _what_waits_is_recorded_next_time = tokio::time::timeout(GRACE, received).await;
    let _what_is_not_done_is_done_next_time = tokio::time::timeout(GRACE, responding).await;
    works.close(GRACE).await;
    let _what_was_seen_is_kept = tokio::time::timeout(GRACE, watched).await;
    guarded.close().await;
    if let Some(sample) = sample {
        sample.abort();
    }
    while !desk.running().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    data.catalogue.store().close().await;
    match served {
        Ok(Ok(Err(failure))) => Err(failure),
        _ => Ok(Outcome::Done),
    }
}

/// Lets time pass for playbooks of incidents, and has people told that they are wanted.
fn responding(
    guarded: &Arc<guard::Guarded>,
    config: &Config,
    address: SocketAddr,
    stopped: &watch::Receiver<bool>,
) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let watching = config.watch_options(at(config, address))?;
    guarded.announces_by(guard::Announcing { ways: watching.alerts, address: watching.address });
    let (guarded, stopped) = (Arc::clone(guarded), stopped.clone());
    Ok(tokio::spawn(async move { guarded.keep_responding(stopped).await }))
}

/// Where people reach the console.
fn at(config: &Config, listening: SocketAddr) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    config.console.address.clone().unwrap_or_else(|| format!("{scheme}://{listening}"))
}

/// Opens the listeners for logs of other systems, and says where they are.
async fn receiving(guarded: &guard::Guarded, config: &Config) -> Result<guard::Receiving, Failure> {
    let receiving = guarded.receiving(config.receive_options()?).await;
    let receiving = receiving.map_err(|error| Failure::failed("intake", anyhow::anyhow!(guard::whole(&error))))?;
    for (name, address) in &receiving.addresses {
        tracing::info!("{name} is taken at {address}");
    }
    Ok(receiving)
}

/// Identity providers as the console sees them.
fn federated(config: &Config, guarded: &guard::Guarded, at: SocketAddr) -> Result<console::FederationView, Failure> {
    Ok(console::FederationView {
        federation: Arc::clone(&guarded.federation),
        visas: config.visa_rules()?,
        address: self::at(config, at),
        roles: config.login_roles()?,
    })
}

/// The guard as the console sees it.
fn view(guarded: &guard::Guarded, watching: &guard::Watching, receiving: &guard::Receiving) -> console::GuardView {
    console::GuardView {
        closers: guarded.closers(),
        ledger: Arc::clone(&guarded.ledger),
        ledger_dir: guarded.ledger_dir(),
        vault: guarded.vault.clone(),
        access: Arc::clone(&guarded.access),
        identity: Arc::clone(&guarded.identity),
        gateway: Arc::clone(&guarded.gateway),
        recorder: Arc::clone(&guarded.recorder),
        findings: Arc::clone(&watching.findings),
        board: Arc::clone(&watching.board),
        incidents: Arc::clone(&guarded.incidents),
        intake: Some(console::IntakeView {
            push: receiving.push.clone(),
            board: Arc::clone(&receiving.board),
            addresses: receiving.addresses.clone(),
        }),
    }
}

/// Works out who is in a large catalogue, where that is not known from before, and has everybody at hand. Pages wait for it or do it themselves.
async fn warm(catalogue: Arc<Catalogue>) {
    if let Err(error) = catalogue.warm().await {
        tracing::warn!("the people in the catalogue could not be counted ahead: {error}");
    }
}

/// Loads the sample; what goes wrong there does not end the server.
async fn load(
    global: Global,
    desk: Arc<Desk>,
    guarded: Arc<guard::Guarded>,
    s3: Option<SocketAddr>,
    stopped: watch::Receiver<bool>,
) {
    if let Err(failure) = sample::load(global, desk, guarded, s3, stopped).await {
        let _exit_code = failure.tell();
    }
}

pub(crate) fn desk(global: &Global, config: &Config, data: &Data) -> Result<Desk, Failure> {
    let inspector = Inspector::embedded(InspectOptions::default(), data.key.clone())
        .map_err(|error| Failure::failed("content", error))?;
    let own = ScanOptions::new(clock());
    let options = ScanOptions {
        limits: config.limits(None),
        jobs: config.scan.jobs.unwrap_or(own.jobs).max(1),
        sample: config.scan.sample_rows.map_or(SampleRule::All, SampleRule::Rows),
        excluded: sample::excluded(global),
        ..own
    };
    Ok(Desk::new(Scanner::new(Arc::clone(&data.catalogue), inspector, options)))
}

/// Says where the console is and, as long as there is no user, how the administrator is created.
async fn tell(data: &Data, address: SocketAddr, is_encrypted: bool) -> Result<(), Failure> {
    let scheme = if is_encrypted { "https" } else { "http" };
    let token = random_bytes().map_err(|error| Failure::failed("randomness", error))?;
    let first = console::first_run(data.catalogue.store(), token, now())
        .await
        .map_err(|error| Failure::failed("store", error))?;
    let line = match first {
        Some(path) => format!("Open this link once to create the administrator:\n\n    {scheme}://{address}{path}\n"),
        None => format!("The console is at {scheme}://{address}/"),
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()) {
        // Whoever started the server may read no further than it wants: that is no reason to end it.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed("output", error)),
        _ => Ok(()),
    }
}

async fn serving(
    listener: TcpListener,
    console: Arc<Console>,
    config: Config,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let stop = async move {
        let _sender_gone = stopped.wait_for(|stopped| *stopped).await;
    };
    let served = match &config.tls {
        None => console::serve(listener, console, stop).await,
        Some(tls) => {
            let identity = console::Identity::read(&tls.certificate, &tls.key)
                .map_err(|error| Failure::usage(error.to_string()))?;
            console::serve_tls(listener, identity, console, stop).await
        }
    };
    served.map_err(|error| Failure::failed("serve", error))
}

/// Serves S3 until the server stops.
async fn guarding(
    guarded: Arc<guard::Guarded>,
    listener: TcpListener,
    config: Config,
    stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let identity = match &config.tls {
        None => None,
        Some(tls) => {
            let identity = console::Identity::read(&tls.certificate, &tls.key)
                .map_err(|error| Failure::usage(error.to_string()))?;
            Some(gateway::Identity(identity.config()))
        }
    };
    let served = gateway::serve(Arc::clone(&guarded.gateway), listener, identity, stopped, GRACE).await;
    served.map_err(|error| Failure::failed("serve", error))
}

/// Starts what is due until the server stops.
async fn schedules(desk: Arc<Desk>, mut stopped: watch::Receiver<bool>) {
    loop {
        match desk.tick(now()).await {
            Ok(due) => {
                for scan in due {
                    if let Err(error) = scan.started {
                        tracing::warn!(schedule = scan.schedule_id, %error, "a scheduled scan could not start");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "schedules cannot be read"),
        }
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Waits for an interrupt or the system's request to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    let _not_supported = tokio::signal::ctrl_c().await;
}
