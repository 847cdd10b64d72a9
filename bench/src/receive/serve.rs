//! The server's half: a guard that receives, with a socket for pushes that stands for the console's route.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use guard::{Guarded, Opening, Operator, ReceiveOptions, Request, RootKeyAt};
use receive::Board;
use receive::push::Push;
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How often the server says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Clock ticks of `/proc/PID/stat` a second (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Opens the guard over a folder.
pub async fn open(folder: &Path) -> Result<Guarded> {
    let store = Store::sqlite(&folder.join("lazaret.db")).await?;
    let opening = Opening {
        data_dir: folder.to_owned(),
        store,
        scanner: None,
        root_key: RootKeyAt::File,
        origin: "bench.example/ledger".to_owned(),
        limits: guard::Limits::default(),
        federation: identity::Federation::new(Vec::new())?,
        through: "guard",
    };
    Ok(Guarded::open(opening).await?)
}

/// Receives into a folder until it is killed.
pub fn serve(arguments: &[String]) -> Result<()> {
    let [folder] = arguments else { bail!("`bench receive-serve` takes a folder") };
    let folder = Path::new(folder).to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let guarded = Arc::new(open(&folder).await?);
        let operator = Operator { user: "bench".to_owned(), through: "cli" };
        let name = format!("bench-{}", std::process::id());
        let made = guarded.obey(&operator, Request::IntakeTokenCreate { name }).await?;
        let token = made.first().and_then(|made| made["token"].as_str()).context("a token is told")?.to_owned();
        let options = ReceiveOptions { syslog_tcp: Some("127.0.0.1:0".parse()?), ..ReceiveOptions::default() };
        let receiving = guarded.receiving(options).await?;
        let (push, board) = (receiving.push.clone(), Arc::clone(&receiving.board));
        let (_, tcp) = receiving.addresses.first().context("an address is told")?;
        let pushes = TcpListener::bind("127.0.0.1:0").await?;
        tell(&format!("{tcp} {} {token}", pushes.local_addr()?))?;
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(telling(board));
        tokio::spawn(async move { guarded.keep_receiving(receiving, stopped).await });
        loop {
            let (stream, _) = pushes.accept().await?;
            let push = push.clone();
            tokio::spawn(async move {
                let _the_client_is_gone = answer(&push, stream).await;
            });
        }
    })
}

fn tell(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Says once a second how much came and how much is recorded.
async fn telling(board: Arc<Board>) {
    loop {
        let sources = board.sources();
        let (mut received, mut recorded, mut waiting) = (0, 0, 0);
        for source in &sources {
            (received, recorded) = (received + source.received, recorded + source.recorded);
            waiting += source.waiting_bytes;
        }
        if tell(&format!("{received} {recorded} {waiting}")).is_err() {
            return;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// Length and body in, how many records are durable out; a line of token first.
async fn answer(push: &Push, mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let length = usize::from(stream.read_u8().await?);
    let mut token = vec![0; length];
    stream.read_exact(&mut token).await?;
    let token = String::from_utf8(token)?;
    loop {
        let length = usize::try_from(stream.read_u32().await?)?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let accepted = push.push(&token, "application/x-ndjson", body).await?;
        stream.write_u64(accepted.records).await?;
    }
}

/// What the server cost so far.
pub struct Cost {
    pub cpu_seconds: f64,
    pub peak_bytes: u64,
}

impl Cost {
    pub fn since(&self, before: &Self) -> Self {
        Self { cpu_seconds: self.cpu_seconds - before.cpu_seconds, peak_bytes: self.peak_bytes }
    }
}

/// How far the server was: received, recorded, waiting bytes.
type Told = Arc<Mutex<Vec<(u64, u64, u64)>>>;

/// The server as the bench sees it. Killed when it is dropped.
pub struct Server {
    child: Child,
    pub tcp: SocketAddr,
    pub pushes: SocketAddr,
    pub token: String,
    told: Told,
}

impl Server {
    pub fn start(folder: &Path) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("receive-serve")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("the server's output is a pipe")?).lines();
        let first = lines.next().context("the server ended at its start")??;
        let mut words = first.split(' ');
        let mut word = || words.next().context("the server tells three words");
        let (tcp, pushes, token) = (word()?.parse()?, word()?.parse()?, word()?.to_owned());
        let told: Told = Arc::default();
        let telling = Arc::clone(&told);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
                if let [received, recorded, waiting] = numbers.as_slice() {
                    let mut told = telling.lock().unwrap_or_else(PoisonError::into_inner);
                    told.push((*received, *recorded, *waiting));
                }
            }
        });
        Ok(Self { child, tcp, pushes, token, told })
    }

    /// Waits until nothing waits any more.
    pub fn drain(&self, most: Duration) -> Result<()> {
        let clock = Instant::now();
        let before = self.told.lock().unwrap_or_else(PoisonError::into_inner).len();
        loop {
            std::thread::sleep(TELL_EVERY / 4);
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            // Two lines from now on, so that what was read from the socket last is in them.
            if told.len() >= before + 2
                && let Some((_, _, 0)) = told.last()
            {
                return Ok(());
            }
            if clock.elapsed() > most {
                bail!("records still wait after {} s: {:?}", most.as_secs(), told.last());
            }
        }
    }

    /// How many records waited, at that share of the times they were counted.
    pub fn waiting(&self, share: f64) -> f64 {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting: Vec<u64> =
            told.iter().map(|(received, recorded, _)| received.saturating_sub(*recorded)).collect();
        waiting.sort_unstable();
        super::load::at(&waiting, share)
    }

    pub fn cost(&self) -> Result<Cost> {
        let folder = format!("/proc/{}", self.child.id());
        let text = std::fs::read_to_string(format!("{folder}/stat"))?;
        // The command's name may hold blanks and stands in parentheses: fields are counted behind it.
        let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        let status = std::fs::read_to_string(format!("{folder}/status"))?;
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells no `VmHWM`")?;
        let kilobytes: u64 = peak.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Cost { cpu_seconds: (ticks(11) + ticks(12)) / TICKS_PER_SECOND, peak_bytes: kilobytes * 1024 })
    }

    /// Ends it as a power cut would (SIGKILL).
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
