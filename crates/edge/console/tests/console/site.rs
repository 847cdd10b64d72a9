//! A console over a fresh catalogue, and requests to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use console::{Console, Peer, Role};
use landscape::Catalogue;
use landscape::catalogue::{Batch, Inspected};
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::scan::{Desk, ScanOptions, Scanner};
use store::Store;
use tower::ServiceExt;

use crate::guards::{Guards, Removals};

/// 2026-11-24 12:00 UTC.
pub const NOON: i64 = 1_795_521_600_000;

/// Where people reach it.
pub const HERE: &str = "http://localhost:8080";

/// Building it takes a moment, so all tests share one.
pub fn inspector() -> Inspector {
    static INSPECTOR: OnceLock<Inspector> = OnceLock::new();
    let build = || Inspector::embedded(InspectOptions::default(), TokenKey::new([7; 32])).unwrap();
    INSPECTOR.get_or_init(build).clone()
}

pub struct Site {
    pub console: Arc<Console>,
    pub catalogue: Arc<Catalogue>,
    pub now: Arc<AtomicI64>,
    pub guard: Option<Guards>,
    router: Router,
    _folder: tempfile::TempDir,
}

/// Whoever does what the console asks for.
#[derive(Default)]
struct Extras {
    hunt: Option<Arc<dyn console::Hunt>>,
    recover: Option<Arc<dyn console::Recover>>,
    respond: Option<Arc<dyn console::Respond>>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    pub async fn new() -> Self {
        Self::with(false).await
    }

    pub async fn with(is_encrypted: bool) -> Self {
        Self::build(is_encrypted, None, Extras::default(), HERE).await
    }

    /// Over a guard of real parts, but for the storage of content.
    pub async fn guarded() -> Self {
        Self::guarded_at(HERE).await
    }

    /// As [`Site::guarded`], for people who reach it at `address`.
    pub async fn guarded_at(address: &str) -> Self {
        Self::build(false, Some(Removals::default()), Extras::default(), address).await
    }

    /// As [`Site::guarded`], with somebody who answers hunts.
    pub async fn hunting(hunt: Arc<dyn console::Hunt>) -> Self {
        let extras = Extras { hunt: Some(hunt), ..Extras::default() };
        Self::build(false, Some(Removals::default()), extras, HERE).await
    }

    /// As [`Site::guarded`], with somebody who makes backups.
    pub async fn recovering(recover: Arc<dyn console::Recover>) -> Self {
        let extras = Extras { recover: Some(recover), ..Extras::default() };
        Self::build(false, Some(Removals::default()), extras, HERE).await
    }

    /// As [`Site::guarded`], with somebody who acts on incidents.
    pub async fn responding(respond: Arc<dyn console::Respond>) -> Self {
        let extras = Extras { respond: Some(respond), ..Extras::default() };
        Self::build(false, Some(Removals::default()), extras, HERE).await
    }

    async fn build(is_encrypted: bool, guard: Option<Removals>, extras: Extras, address: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
        let catalogue = Arc::new(Catalogue::new(store));
        let now = Arc::new(AtomicI64::new(NOON));
        let clock: console::Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || now.load(Ordering::Relaxed))
        };
        let draws = AtomicU64::new(1);
        let random: console::Random =
            Arc::new(move || Ok(*blake3::hash(&draws.fetch_add(1, Ordering::Relaxed).to_le_bytes()).as_bytes()));
        let scanner = Scanner::new(Arc::clone(&catalogue), inspector(), ScanOptions::new(Arc::clone(&clock)));
        let desk = Arc::new(Desk::new(scanner));
        let console =
            Console::new(Arc::clone(&catalogue), desk, clock, random, is_encrypted).unwrap().reached_at(address);
        let guard = match guard {
            Some(removals) => Some(Guards::open(folder.path(), catalogue.store(), Arc::clone(&now), removals).await),
            None => None,
        };
        let console = match &guard {
            Some(guard) => console.guarded(guard.view()),
            None => console,
        };
        let console = match extras.hunt {
            Some(hunt) => console.hunting(hunt),
            None => console,
        };
        let console = match extras.respond {
            Some(respond) => console.responding(respond),
            None => console,
        };
        let console = Arc::new(match extras.recover {
            Some(recover) => console.recovering(recover),
            None => console,
        });
        let router = console::router(Arc::clone(&console));
        Self { console, catalogue, now, guard, router, _folder: folder }
    }

    pub fn store(&self) -> &Store {
        self.catalogue.store()
    }

    pub async fn source(&self, location: &str) -> u32 {
        store::sources::ensure(self.store(), "folder", location, NOON).await.unwrap().id
    }

    pub async fn ingest(&self, source_id: u32, inspected: Vec<Inspected>) {
        let batch = Batch { source_id, inspected, ..Batch::default() };
        self.catalogue.ingest(&batch, self.now.load(Ordering::Relaxed)).await.unwrap();
    }

    /// A user who is logged in; the cookie. The password cannot be used.
    pub async fn user(&self, name: &str, role: Role) -> String {
        let id = store::users::create(self.store(), name, "none", role.as_str(), NOON).await.unwrap();
        let token = format!("token-of-{name}");
        let digest = blake3::hash(token.as_bytes());
        store::sessions::begin(self.store(), digest.as_bytes(), id, NOON, NOON + 10_000_000).await.unwrap();
        format!("lazaret_session={token}")
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header("cookie", cookie).header("host", "localhost");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, form: &str, cookie: &str) -> Answer {
        let request = Request::post(path)
            .header("cookie", cookie)
            .header("host", "localhost:8080")
            .header("origin", "http://localhost:8080")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// As `get`, from an address.
    pub async fn get_from(&self, path: &str, peer: [u8; 4]) -> Answer {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(Peer::from(SocketAddr::from((peer, 1)))));
        self.send(request).await
    }
}

/// The value after `name=` in the cookie that an answer sets.
pub fn set_cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

/// Text between two marks.
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}` in {rest}")).0
}

/// Where screenshots and the like go.
pub fn target() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target")
}
