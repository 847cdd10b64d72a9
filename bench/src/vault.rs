//! `bench vault`: sealing and opening, ranges of a large object, rewrapping keys, and the root key's providers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use model::{ObjectId, StudyId, VersionId};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use store::Store;
use vault::blobs::Folder;
use vault::provider::{Effort, KeyFile, Passphrase, Pkcs11, Pkcs11Settings};
use vault::{Caching, Key, Random, RootKey, SealedObject, Turn, Vault};

use crate::cost::measure;
use crate::table::{self, Line, Style};

const MIB: usize = 1 << 20;
/// The object whose rate is promised.
const OBJECT_BYTES: usize = 64 * MIB;
const ROUNDS: u32 = 16;
/// The large object that ranges are read of.
const LARGE_BYTES: usize = 1024 * MIB;
const RANGE_BYTES: u64 = 64 << 10;
const RANGES: u64 = 4_000;
const SMALL: u32 = 2_000;
const KEYS: u32 = 100_000;
const WRAPS: u32 = 2_000;
/// What is promised: the guard as a whole gives 2.5 GB per CPU-second, the vault is a part of it.
const OPEN_TARGET: f64 = 2_500.0;
const REWRAP_TARGET_MS: f64 = 10_000.0;
/// Where SoftHSM's settings are told to the process that measures it.
const WITHIN: &str = "LAZARET_BENCH_PKCS11";

/// Where Debian and others put SoftHSM's library.
const SOFTHSM: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

pub fn run(arguments: &[String]) -> Result<()> {
    let style = match arguments {
        [] => Style::Text,
        [option, value] if option == "--format" && value == "text" => Style::Text,
        [option, value] if option == "--format" && value == "json" => Style::Json,
        _ => bail!("`bench vault` takes `--format text|json` alone"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(module) = std::env::var_os(WITHIN) {
        return softhsm(style, &runtime, PathBuf::from(module));
    }
    let folder = tempfile::tempdir()?;
    let vault = runtime.block_on(open(folder.path()))?;
    table::head(style)?;
    let report = Report { style, runtime: &runtime };
    report.objects(&vault)?;
    report.ranges(&vault)?;
    report.small(&vault)?;
    report.rewrap(&vault)?;
    report.provider("key-file", &key_file(folder.path())?)?;
    match SOFTHSM.iter().find(|module| Path::new(module).exists()) {
        Some(module) => token(folder.path(), module, style),
        None => Ok(()),
    }
}

fn key_file(folder: &Path) -> Result<KeyFile> {
    let words = Passphrase::new("a passphrase of a bench".to_owned());
    Ok(KeyFile::open(&folder.join("keys/root.json"), Some(&words), Effort::default(), Random::system())?.0)
}

async fn open(folder: &Path) -> Result<Vault> {
    let blobs = Arc::new(Folder::open(&folder.join("objects"))?);
    let keys = Store::sqlite_keys(&folder.join("keys/keys.db")).await?;
    let provider = Arc::new(key_file(folder)?);
    let clock = Arc::new(|| jiff::Timestamp::now().as_millisecond());
    Ok(Vault::open(blobs, keys, provider, clock, Random::system(), Caching::default()).await?)
}

fn object(number: u32) -> ObjectId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    ObjectId::from_bytes(bytes)
}

async fn put(vault: &Vault, study: &StudyId, number: u32, total: usize, piece: &[u8]) -> Result<SealedObject> {
    let version = VersionId::from_bytes([1; 16]);
    let mut writer = vault.writer(study, object(number), version).await?;
    let mut left = total;
    while left > 0 {
        let piece = piece.get(..left.min(piece.len())).unwrap_or(piece);
        writer.write(piece).await?;
        left -= piece.len();
    }
    let part = writer.finish().await?;
    Ok(vault.commit(study, object(number), version, &[part]).await?)
}

async fn get(vault: &Vault, object: &SealedObject, range: std::ops::Range<u64>) -> Result<u64> {
    let mut reader = vault.read(object, range).await?;
    let mut bytes = 0;
    while let Some(piece) = reader.next().await {
        bytes += piece?.len() as u64;
    }
    Ok(bytes)
}

struct Report<'a> {
    style: Style,
    runtime: &'a tokio::runtime::Runtime,
}

#[expect(clippy::cast_precision_loss, reason = "rates of a bench")]
impl Report<'_> {
    fn line(
        &self,
        name: &str,
        value: f64,
        unit: &'static str,
        target: Option<f64>,
        cost: crate::cost::Cost,
        note: String,
    ) -> Result<()> {
        let (name, peak_bytes) = (name.to_owned(), cost.peak_bytes);
        let line = Line { name, value, unit, target, cpu_seconds: cost.cpu_seconds, peak_bytes, note };
        table::line(self.style, &line)
    }

    fn objects(&self, vault: &Vault) -> Result<()> {
        let study: StudyId = "bench-objects".parse()?;
        let piece = vec![0xA5; MIB];
        let (sealed, cost) = measure(|| {
            let put = |round| self.runtime.block_on(put(vault, &study, round, OBJECT_BYTES, &piece));
            (0..ROUNDS).map(put).collect::<Result<Vec<_>>>()
        })?;
        let total = OBJECT_BYTES as f64 * f64::from(ROUNDS) / 1e6;
        let note = |cost: &crate::cost::Cost| format!("{:.2} GB/s on the clock", total / 1e3 / cost.wall.as_secs_f64());
        self.line("seal-64MiB", total / cost.cpu_seconds, "MB/s", None, cost, note(&cost))?;
        let read = || sealed.iter().try_for_each(|o| self.runtime.block_on(get(vault, o, 0..o.bytes)).map(drop));
        read()?;
        let ((), cost) = measure(read)?;
        self.line("open-64MiB", total / cost.cpu_seconds, "MB/s", Some(OPEN_TARGET), cost, note(&cost))?;
        sealed.iter().try_for_each(|object| Ok(self.runtime.block_on(vault.remove(object))?))
    }

    fn ranges(&self, vault: &Vault) -> Result<()> {
        let study: StudyId = "bench-ranges".parse()?;
        let sealed = self.runtime.block_on(put(vault, &study, 900_000, LARGE_BYTES, &vec![0x5A; MIB]))?;
        let mut random = StdRng::seed_from_u64(1);
        let (mut times, cost) = measure(|| {
            let one = |_| {
                let start = random.random_range(0..sealed.bytes - RANGE_BYTES);
                let clock = Instant::now();
                self.runtime.block_on(get(vault, &sealed, start..start + RANGE_BYTES))?;
                Ok(clock.elapsed().as_secs_f64() * 1e3)
            };
            (0..RANGES).map(one).collect::<Result<Vec<f64>>>()
        })?;
        times.sort_by(f64::total_cmp);
        for (name, share) in [("range-64KiB-p50", 50), ("range-64KiB-p99", 99)] {
            let value = times.get(times.len() * share / 100).copied().unwrap_or_default();
            self.line(name, value, "ms", None, cost, "of 1 GiB, from the page cache".to_owned())?;
        }
        Ok(self.runtime.block_on(vault.remove(&sealed))?)
    }

    fn small(&self, vault: &Vault) -> Result<()> {
        let study: StudyId = "bench-small".parse()?;
        let piece = [7; 4096];
        let (sealed, cost) = measure(|| {
            let put = |number| self.runtime.block_on(put(vault, &study, 1_000 + number, 4096, &piece));
            (0..SMALL).map(put).collect::<Result<Vec<_>>>()
        })?;
        let note = format!("{:.2} ms each on the clock, synced", cost.wall.as_secs_f64() * 1e3 / f64::from(SMALL));
        self.line("put-4KiB", f64::from(SMALL) / cost.cpu_seconds, "files/s", None, cost, note)?;
        let read = || sealed.iter().try_for_each(|o| self.runtime.block_on(get(vault, o, 0..o.bytes)).map(drop));
        read()?;
        let ((), cost) = measure(read)?;
        self.line("get-4KiB", f64::from(SMALL) / cost.cpu_seconds, "files/s", None, cost, String::new())
    }

    fn rewrap(&self, vault: &Vault) -> Result<()> {
        let study: StudyId = "bench-rewrap".parse()?;
        let make = || {
            let one = |number| self.runtime.block_on(vault.object_key(&study, object(1_000_000 + number), None));
            (0..KEYS).try_for_each(one)
        };
        let ((), cost) = measure(|| Ok(make()?))?;
        let value = cost.wall.as_secs_f64() * 1e3 / f64::from(KEYS);
        self.line("make-key", value, "ms", None, cost, "each, synced".to_owned())?;
        let (done, cost) = measure(|| Ok(self.runtime.block_on(vault.rotate(&Turn::Study(study.clone())))?))?;
        let note = format!("{} keys, on the clock", done.rewrapped);
        let value = cost.wall.as_secs_f64() * 1e3;
        self.line("rewrap-100k-keys", value, "ms", Some(REWRAP_TARGET_MS), cost, note)?;
        let scope = model::Scope::Object(object(1_000_000));
        let (_, cost) = measure(|| Ok(self.runtime.block_on(vault.shred(&scope))?))?;
        let note = "one object among 100,000, files scrubbed".to_owned();
        self.line("shred", cost.wall.as_secs_f64() * 1e3, "ms", None, cost, note)
    }

    fn provider(&self, name: &str, provider: &dyn RootKey) -> Result<()> {
        let key = Key::random(&Random::system())?;
        let (wrapped, cost) = measure(|| {
            let wrap = |_| Ok(self.runtime.block_on(provider.wrap(b"bench", &key))?);
            (0..WRAPS).map(wrap).collect::<Result<Vec<_>>>()
        })?;
        let each = |cost: &crate::cost::Cost| cost.wall.as_secs_f64() * 1e3 / f64::from(WRAPS);
        let note = |cost: &crate::cost::Cost| format!("{:.1} µs each on the clock", each(cost) * 1e3);
        self.line(&format!("wrap-{name}"), each(&cost), "ms", None, cost, note(&cost))?;
        let unwrap = |wrapped: &Vec<u8>| self.runtime.block_on(provider.unwrap_key(b"bench", wrapped)).map(drop);
        let ((), cost) = measure(|| Ok(wrapped.iter().try_for_each(unwrap)?))?;
        self.line(&format!("unwrap-{name}"), each(&cost), "ms", None, cost, note(&cost))
    }
}

/// Makes a token and measures it in a process of its own, because SoftHSM reads its settings from the environment.
fn token(folder: &Path, module: &str, style: Style) -> Result<()> {
    let tokens = folder.join("tokens");
    std::fs::create_dir(&tokens)?;
    let settings = folder.join("softhsm2.conf");
    std::fs::write(&settings, format!("directories.tokendir = {}\n", tokens.display()))?;
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "bench", "--so-pin", "12345678", "--pin", "87654321"])
        .env("SOFTHSM2_CONF", &settings)
        .output()
        .context("cannot run `softhsm2-util`")?;
    if !made.status.success() {
        bail!("`softhsm2-util` made no token");
    }
    let format = if style == Style::Json { "json" } else { "text" };
    let status = Command::new(std::env::current_exe()?)
        .args(["vault", "--format", format])
        .env("SOFTHSM2_CONF", &settings)
        .env(WITHIN, module)
        .status()?;
    if status.success() { Ok(()) } else { bail!("the PKCS#11 part failed") }
}

fn softhsm(style: Style, runtime: &tokio::runtime::Runtime, module: PathBuf) -> Result<()> {
    let pin = Passphrase::new("87654321".to_owned());
    let settings = Pkcs11Settings { module, token: "bench".to_owned(), pin, key: "root".to_owned() };
    Report { style, runtime }.provider("softhsm2", &Pkcs11::open(settings, Random::system())?)
}
