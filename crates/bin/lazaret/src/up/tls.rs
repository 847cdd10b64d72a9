//! A listener that speaks TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::config::Tls;
use crate::failure::Failure;

/// A client that has not greeted by then is let go.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Handshakes under way at a time.
const HANDSHAKES_MAX: usize = 256;

/// Accepts connections and greets each in a task of its own, so that a slow client keeps nobody waiting.
pub(super) struct TlsListener {
    local: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    pub(super) fn new(listener: TcpListener, settings: &Tls) -> Result<Self, Failure> {
        let acceptor = TlsAcceptor::from(Arc::new(server(settings)?));
        let local = listener.local_addr().map_err(|error| Failure::failed("listen", error))?;
        let (sender, ready) = mpsc::channel(HANDSHAKES_MAX);
        tokio::spawn(accept(listener, acceptor, sender));
        Ok(Self { local, ready })
    }
}

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        // The trait's own accept waits out a shortage of file handles.
        let (stream, from) = Listener::accept(&mut listener).await;
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let _ = sender.send((stream, from)).await;
                }
                Ok(Err(error)) => tracing::debug!(%from, %error, "no TLS connection came about"),
                Err(_) => tracing::debug!(%from, "the client did not greet in time"),
            }
            drop(place);
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.local)
    }
}

fn server(settings: &Tls) -> Result<ServerConfig, Failure> {
    let wrong = |path: &std::path::Path, what: &str, error: &dyn std::fmt::Display| {
        Failure::usage(format!("`{}` cannot be used as the {what}: {error}", path.display()))
            .hint("give PEM files under [tls] in the settings: `certificate` and `key`")
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(&settings.certificate, "certificate", &error))?;
    let key =
        PrivateKeyDer::from_pem_file(&settings.key).map_err(|error| wrong(&settings.key, "private key", &error))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::failed("tls", error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong(&settings.certificate, "certificate", &error))
}
