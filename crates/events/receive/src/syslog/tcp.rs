//! Syslog over TCP and TLS.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::framing::Framer;
use super::{TlsConfig, frame};
use crate::inlet::BATCH_BYTES;
use crate::{Frame, Inlet, PutError, ended};

/// Connections at a time; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 512;
/// How long a connection may say nothing. Senders keep theirs open, and lose the first message after theirs was closed
/// without their noticing: this is long.
pub const IDLE_MAX: Duration = Duration::from_secs(6 * 60 * 60);
/// How long shaking hands may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long to wait after a connection could not be accepted, such as when there are no file descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// How much is read at a time, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Takes messages over TCP until `stop` turns true.
pub async fn serve_tcp(inlet: Inlet, source: &'static str, listener: TcpListener, stop: watch::Receiver<bool>) {
    serve(inlet, source, listener, None, stop).await;
}

/// Takes messages over TLS until `stop` turns true.
pub async fn serve_tls(
    inlet: Inlet,
    source: &'static str,
    listener: TcpListener,
    identity: TlsConfig,
    stop: watch::Receiver<bool>,
) {
    // Syslog has no name among the protocols of ALPN.
    let mut own = (*identity).clone();
    own.alpn_protocols.clear();
    serve(inlet, source, listener, Some(TlsAcceptor::from(Arc::new(own))), stop).await;
}

async fn serve(
    inlet: Inlet,
    source: &'static str,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = ended(&mut stop) => break,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        let (Ok(place), Ok((stream, peer))) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (inlet, tls, stop) = (inlet.clone(), tls.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            let outcome = match tls {
                None => read(&inlet, source, peer.ip(), stream, stop).await,
                Some(tls) => match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                    Ok(Ok(stream)) => read(&inlet, source, peer.ip(), stream, stop).await,
                    Ok(Err(error)) => Err(End::Broken(error)),
                    Err(_elapsed) => Err(End::Idle),
                },
            };
            if let Err(end) = outcome {
                tracing::debug!(%end, %peer, "a connection for syslog ended");
            }
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("it broke: {0}")]
    Broken(#[from] io::Error),
    #[error("nothing came for too long")]
    Idle,
    #[error(transparent)]
    Put(#[from] PutError),
}

/// Reads one connection to its end. What was read is durable before more is read, so that a full spool makes the sender wait.
async fn read(
    inlet: &Inlet,
    source: &str,
    peer: IpAddr,
    mut stream: impl AsyncRead + Unpin,
    mut stop: watch::Receiver<bool>,
) -> Result<(), End> {
    let mut framer = Framer::default();
    let mut buffer = vec![0; READ_BYTES];
    let end = loop {
        let read = tokio::select! {
            () = ended(&mut stop) => break Ok(()),
            read = timeout(IDLE_MAX, stream.read(&mut buffer)) => read,
        };
        let count = match read {
            Ok(Ok(0)) => break Ok(()),
            Ok(Ok(count)) => count,
            Ok(Err(error)) => break Err(End::Broken(error)),
            Err(_elapsed) => break Err(End::Idle),
        };
        framer.feed(buffer.get(..count).unwrap_or_default());
        let mut batch: Vec<Frame> = Vec::new();
        let mut bytes = 0;
        while let Some(message) = framer.message() {
            bytes += message.bytes.len();
            batch.push(frame(inlet, source, peer, message));
            if bytes >= BATCH_BYTES {
                inlet.put(source, &std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        inlet.put(source, &batch).await?;
    };
    if let Some(message) = framer.finish() {
        inlet.put(source, &[frame(inlet, source, peer, message)]).await?;
    }
    end
}
