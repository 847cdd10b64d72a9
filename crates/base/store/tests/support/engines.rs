//! Both engines for tests: a SQLite file in a temporary folder, and a PostgreSQL server of our own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use store::Store;

/// A server that lives as long as this process: its shell waits for our end of a pipe to close, however we end.
struct Server {
    programs: PathBuf,
    folder: PathBuf,
    _shell: Mutex<Child>,
}

const SCRIPT: &str = r#"
set -e
D=$(mktemp -d /tmp/lazaret-pg.XXXXXX)
trap 'rm -rf "$D"' EXIT
"$0/initdb" -D "$D/data" -A trust -U lazaret -E UTF8 --no-sync >/dev/null
"$0/postgres" -D "$D/data" -k "$D" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=300 -c shared_buffers=32MB >"$D/log" 2>&1 &
P=$!
N=0
until "$0/pg_isready" -q -h "$D" -U lazaret; do kill -0 $P; N=$((N+1)); test $N -lt 600; sleep 0.1; done
chmod 755 "$D"
echo "$D"
cat >/dev/null
kill -INT $P
wait $P || true
"#;

fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let needed = ["initdb", "postgres", "pg_isready", "createdb"];
    folders.into_iter().find(|folder| needed.iter().all(|program| folder.join(program).exists()))
}

fn start(programs: &Path) -> Server {
    let is_root = String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0";
    let mut command = if is_root {
        // The server refuses to run as root.
        let known = Command::new("id").args(["-u", "postgres"]).output().unwrap().status.success();
        let mut command = Command::new("runuser");
        command.args(["-u", if known { "postgres" } else { "nobody" }, "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.arg("-c").arg(SCRIPT).arg(programs).current_dir("/tmp");
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "PostgreSQL did not start");
    Server { programs: programs.to_owned(), folder: PathBuf::from(line.trim()), _shell: Mutex::new(shell) }
}

/// The address of a fresh database, or `None` where there is no PostgreSQL (which fails in CI).
pub fn postgres_url() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(|| programs().map(|programs| start(&programs)));
    let Some(server) = server else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "PostgreSQL's server programs are missing");
        eprintln!("skipped on PostgreSQL: its server programs are not installed");
        return None;
    };
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let created = Command::new(server.programs.join("createdb"))
        .args(["-U", "lazaret", "-h"])
        .arg(&server.folder)
        .arg(&name)
        .status()
        .unwrap();
    assert!(created.success());
    Some(format!("postgres:///{name}?host={}&user=lazaret", server.folder.display()))
}

/// Runs `case` on a fresh store of each engine.
pub async fn on_each_engine<F: std::future::Future<Output = ()>>(case: impl Fn(Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
    case(store.clone()).await;
    store.close().await;
    if let Some(url) = postgres_url() {
        let store = Store::postgres(&url).await.unwrap();
        case(store.clone()).await;
        store.close().await;
    }
}
