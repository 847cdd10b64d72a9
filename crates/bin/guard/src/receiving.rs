//! Logs of other systems, taken in while the server runs: the spool, its listeners, and the pump into the record.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ledger::Ledger;
use ledger::verify::entry::{self, Body};
use model::event::Activity;
use model::{Answer, Record};
use receive::folder::{self, Watched};
use receive::pump::{Journal, JournalError, Pump};
use receive::push::{Push, TokenError, Tokens};
use receive::spool::{ROOM_BYTES, Settings, SpoolError};
use receive::syslog::{self, TlsConfig};
use receive::{Board, Inlet, Mapper, Spool};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, KEYS, outside};

/// What came and is not recorded yet, below the data folder.
pub const SPOOL: &str = "spool";
/// Digests of tokens with which records may be sent, below the data folder.
pub const INTAKE_TOKENS: &str = "intake-tokens.json";

/// What is listened to.
#[derive(Clone, Default)]
pub struct ReceiveOptions {
    /// Where syslog comes over UDP.
    pub syslog_udp: Option<SocketAddr>,
    /// Where syslog comes over TCP.
    pub syslog_tcp: Option<SocketAddr>,
    /// Where syslog comes over TLS, and who the server is there.
    pub syslog_tls: Option<(SocketAddr, TlsConfig)>,
    /// Folders in which other programs leave logs.
    pub folders: Vec<Watched>,
    /// The most that may wait on disk, in bytes.
    pub spool_bytes: Option<u64>,
}

/// Why nothing can be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// What is shipped.
    #[error(transparent)]
    Map(#[from] receive::map::MapError),
    /// The key of the spool.
    #[error("the key of the spool cannot be read or drawn: {0}; check the folder `keys` and its owner")]
    Key(#[source] std::io::Error),
    /// An address.
    #[error(
        "cannot listen for syslog on `{address}`: {source}; another program may use it: give another under [intake]"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A thread.
    #[error("the spool could not be opened to its end; restart the server")]
    Ended,
}

/// Ready to receive, not begun yet.
pub struct Receiving {
    /// Takes records over HTTP.
    pub push: Push,
    /// What has come and what became of it.
    pub board: Arc<Board>,
    /// Where the listeners are, by name.
    pub addresses: Vec<(&'static str, SocketAddr)>,
    inlet: Inlet,
    pump: Pump,
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
    tls: Option<(TcpListener, TlsConfig)>,
    folders: Vec<Watched>,
}

impl Guarded {
    /// Opens the spool and the listeners. What comes from now on waits until [`Guarded::keep_receiving`] runs.
    ///
    /// # Errors
    /// When the spool cannot be opened or an address not be listened on.
    pub async fn receiving(&self, options: ReceiveOptions) -> Result<Receiving, ReceiveError> {
        let spool = open_spool(&self.data_dir, options.spool_bytes.unwrap_or(ROOM_BYTES)).await?;
        let found = spool.recovered();
        if !found.damaged.is_empty() || found.cut_bytes > 0 {
            tracing::warn!(cut_bytes = found.cut_bytes, damaged = found.damaged.len(), "the spool was mended");
        }
        let board = Arc::new(Board::default());
        let inlet = Inlet::new(Arc::clone(&spool), Arc::clone(&board), outside::clock());
        let pump = Pump {
            spool,
            board: Arc::clone(&board),
            mapper: Arc::new(Mapper::shipped()?),
            record: Arc::clone(&self.recorder) as Arc<dyn Record>,
            journal: Arc::new(Recorded(Arc::clone(&self.ledger))),
        };
        let mut addresses = Vec::new();
        let udp = match options.syslog_udp {
            None => None,
            Some(address) => Some(UdpSocket::bind(address).await.map_err(listening(address))?),
        };
        let tcp = bind(options.syslog_tcp).await?;
        let tls = match options.syslog_tls {
            None => None,
            Some((address, identity)) => bind(Some(address)).await?.map(|listener| (listener, identity)),
        };
        let bound = [
            ("syslog-udp", udp.as_ref().map(UdpSocket::local_addr)),
            ("syslog-tcp", tcp.as_ref().map(TcpListener::local_addr)),
            ("syslog-tls", tls.as_ref().map(|(listener, _)| listener.local_addr())),
        ];
        for (name, address) in bound {
            addresses.extend(address.and_then(Result::ok).map(|address| (name, address)));
        }
        let push = Push::new(inlet.clone(), Arc::clone(&self.tokens));
        Ok(Receiving { push, board, addresses, inlet, pump, udp, tcp, tls, folders: options.folders })
    }

    /// Receives and records until `stop` turns true. What waits then is recorded at the next start.
    pub async fn keep_receiving(&self, receiving: Receiving, stop: watch::Receiver<bool>) {
        let Receiving { inlet, pump, udp, tcp, tls, folders, .. } = receiving;
        let mut listeners = JoinSet::new();
        if let Some(socket) = udp {
            listeners.spawn(syslog::serve_udp(inlet.clone(), "syslog-udp", socket, stop.clone()));
        }
        if let Some(listener) = tcp {
            listeners.spawn(syslog::serve_tcp(inlet.clone(), "syslog-tcp", listener, stop.clone()));
        }
        if let Some((listener, identity)) = tls {
            listeners.spawn(syslog::serve_tls(inlet.clone(), "syslog-tls", listener, identity, stop.clone()));
        }
        for watched in folders {
            listeners.spawn(folder::watch(inlet.clone(), watched, stop.clone()));
        }
        pump.run(stop).await;
        while listeners.join_next().await.is_some() {}
    }

    /// Lets somebody send records. The token is told this once.
    ///
    /// # Errors
    /// When the name is none or taken, or something does not answer: then there is no token.
    pub async fn create_intake_token(&self, operator: &Operator, name: &str) -> Result<Value, OpsError> {
        self.tokens.check_name(name)?;
        let by = self.by(operator).await?;
        let mut event = by.event(Activity::CredentialIssue);
        event.resource.entity = Some(format!("intake-token:{name}"));
        self.recorder.record(event).await?;
        let random: receive::Random = Arc::new(outside::fill);
        let token = self.tokens.create(name, &random, by.now_ms)?;
        Ok(json!({ "name": name, "token": token.expose_secret() }))
    }

    /// Lets somebody send no more.
    ///
    /// # Errors
    /// When there is none of that name, or something does not answer: then it is still worth something.
    pub async fn revoke_intake_token(&self, operator: &Operator, name: &str) -> Result<Value, OpsError> {
        let is_known = self.tokens.list().iter().any(|token| token.name == name && token.revoked_at.is_none());
        if !is_known {
            return Err(TokenError::Unknown { name: name.to_owned() }.into());
        }
        let by = self.by(operator).await?;
        let mut event = by.event(Activity::CredentialRevoke);
        event.resource.entity = Some(format!("intake-token:{name}"));
        self.recorder.record(event).await?;
        self.tokens.revoke(name, by.now_ms)?;
        Ok(json!({ "name": name, "state": "revoked" }))
    }

    /// Every token with which records may or might be sent.
    #[must_use]
    pub fn intake_tokens(&self) -> Vec<Value> {
        let told = |token: &receive::push::Token| {
            let state = if token.revoked_at.is_some() { "revoked" } else { "good" };
            json!({ "name": token.name, "state": state, "created_at": token.created_at, "revoked_at": token.revoked_at })
        };
        self.tokens.list().iter().map(told).collect()
    }
}

/// Reads the tokens of a data folder.
pub(crate) fn tokens(data_dir: &Path) -> Result<Arc<Tokens>, TokenError> {
    Tokens::open(&data_dir.join(INTAKE_TOKENS)).map(Arc::new)
}

async fn open_spool(data_dir: &Path, room_bytes: u64) -> Result<Arc<Spool>, ReceiveError> {
    let (folder, key) = (data_dir.join(SPOOL), data_dir.join(KEYS).join("spool.key"));
    let opened = tokio::task::spawn_blocking(move || {
        let key = outside::kept_key(&key).map_err(ReceiveError::Key)?;
        let random: receive::Random = Arc::new(outside::fill);
        Ok(Spool::open(Settings { folder, key, room_bytes, random, now_ms: outside::now() })?)
    });
    opened.await.map_err(|_ended: tokio::task::JoinError| ReceiveError::Ended)?.map(Arc::new)
}

async fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>, ReceiveError> {
    match address {
        None => Ok(None),
        Some(address) => Ok(Some(TcpListener::bind(address).await.map_err(listening(address))?)),
    }
}

fn listening(address: SocketAddr) -> impl FnOnce(std::io::Error) -> ReceiveError {
    move |source| ReceiveError::Listen { address, source }
}

/// What the ledger holds of what was received.
struct Recorded(Arc<Ledger>);

/// The part of an entry that tells.
#[derive(Deserialize)]
struct Line {
    unmapped: Unmapped,
}

#[derive(Deserialize)]
struct Unmapped {
    through: String,
    outside: Option<Number>,
}

#[derive(Deserialize)]
struct Number {
    sequence: u64,
}

impl Journal for Recorded {
    fn size(&self) -> Answer<'_, Result<u64, JournalError>> {
        Box::pin(async { Ok(self.0.size()) })
    }

    fn recorded(&self, from: u64, least: u64) -> Answer<'_, Result<HashSet<u64>, JournalError>> {
        Box::pin(async move {
            let failed = |error: &dyn std::error::Error| JournalError(crate::whole(error));
            // Only what a checkpoint covers can be read.
            self.0.publish().await.map_err(|error| failed(&error))?;
            let ledger = Arc::clone(&self.0);
            let reading = tokio::task::spawn_blocking(move || numbers(&ledger, from, least));
            let read = reading.await.map_err(|error| failed(&error))?;
            read.map_err(|error| failed(&error))
        })
    }
}

/// Numbers of `least` and above that entries from `from` to the end record.
fn numbers(ledger: &Ledger, from: u64, least: u64) -> Result<HashSet<u64>, ledger::LedgerError> {
    let (mut at, size) = (from, ledger.size());
    let mut numbers = HashSet::new();
    while at < size {
        let entries = ledger.read(at..size)?;
        let Some(last) = entries.last() else { break };
        at = last.index + 1;
        for stored in &entries {
            let Ok(entry) = entry::parse(&stored.bytes) else { continue };
            let Body::Event { json, .. } = entry.body else { continue };
            // Most entries of a quiet ledger are others; a token of JSON tells them without reading all of it.
            if !json.contains("\"outside\"") {
                continue;
            }
            let Ok(line) = serde_json::from_str::<Line>(json) else { continue };
            let number = line.unmapped.outside.filter(|_| line.unmapped.through == "intake");
            numbers.extend(number.map(|number| number.sequence).filter(|number| *number >= least));
        }
    }
    Ok(numbers)
}
