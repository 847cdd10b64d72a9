//! Connections: accepted, shaken hands with over TLS where it is configured, bounded in number and in how long a silent
//! client may hold one.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::service::Service as HyperService;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse, S3Result, s3_error};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::Guard;
use crate::answer::{self, Asked};
use crate::door::{Arrival, Door, refusal};
use crate::s3::Service;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 4096;
/// A client sends its request's head within this time.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(15);
/// A client shakes hands within this time.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);
/// A connection on which nothing moves for this long is closed.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Pause after a connection could not be accepted.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);
/// The most bytes of an upload that does not say its length.
const UNMEASURED_BYTES_MAX: usize = 16 * 1024;
/// Bytes written to a connection at a time.
const WRITE_BYTES: usize = 1 << 20;

/// Who the server is over TLS.
#[derive(Clone)]
pub struct Identity(pub Arc<ServerConfig>);

/// Serves the gateway on `listener` until `stop` turns true. Open requests may end for `grace`.
///
/// # Errors
/// Never at present; accepting goes on after a failure.
pub async fn serve(
    guard: Arc<Guard>,
    listener: TcpListener,
    identity: Option<Identity>,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) -> std::io::Result<()> {
    let service = service(&guard);
    let acceptor = identity.map(|identity| TlsAcceptor::from(identity.0));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            () = stopped(&mut stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let _best_effort = stream.set_nodelay(true);
        let door = Front { service: service.clone(), guard: Arc::clone(&guard), peer };
        let acceptor = acceptor.clone();
        let stop = stop.clone();
        open.spawn(async move {
            let _place = place;
            match acceptor {
                None => connection(stream, door, stop).await,
                Some(acceptor) => match tokio::time::timeout(HANDSHAKE_WAIT_MAX, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => connection(stream, door, stop).await,
                    _ => tracing::debug!(%peer, "a client did not shake hands"),
                },
            }
        });
    }
    let _stragglers_are_cut = tokio::time::timeout(grace, async { while open.join_next().await.is_some() {} }).await;
    Ok(())
}

/// The S3 service over a guard.
pub(crate) fn service(guard: &Arc<Guard>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Service(Arc::clone(guard)));
    builder.set_auth(Door(Arc::clone(guard)));
    builder.set_access(Door(Arc::clone(guard)));
    builder.build()
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    front: Front,
    mut stop: watch::Receiver<bool>,
) {
    let stream = TokioIo::new(Watched { inner: stream, quiet: Box::pin(tokio::time::sleep(SILENCE_MAX)) });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX)
        .max_buf_size(WRITE_BYTES)
        .serve_connection(stream, front);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        ended = served.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke");
            }
        }
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            let _broken_or_not = served.await;
        }
    }
}

/// Ends when the server shall stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _sender_is_gone = stop.wait_for(|stop| *stop).await.map(|_| ());
}

/// What stands before the service.
struct Front {
    service: S3Service,
    guard: Arc<Guard>,
    peer: SocketAddr,
}

impl HyperService<Request<Incoming>> for Front {
    type Response = Response<Body>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let id = crate::receive::hex(&(self.guard.random)());
        if crate::sts::is_meant(&request) {
            let (guard, ip) = (Arc::clone(&self.guard), Some(self.peer.ip().to_canonical()));
            return Box::pin(async move { Ok(crate::sts::answer(&guard, request, ip, &id).await) });
        }
        let asked = Asked::new(id.clone(), request.method(), request.uri());
        let refused = refusal(request.method(), request.uri(), request.headers());
        let arrival = Arrival { ip: Some(self.peer.ip().to_canonical()), request: id };
        request.extensions_mut().insert(arrival.clone());
        let (service, guard) = (self.service.clone(), Arc::clone(&self.guard));
        Box::pin(async move {
            let mut response = match refused {
                Some(error) => answer::of_unread(error)?,
                None if crate::form::is_form(&request) => crate::form::answer(&guard, request, arrival).await?,
                None => match measured(request).await {
                    Ok(request) => service.call(request).await?,
                    Err(error) => answer::of_unread(error)?,
                },
            };
            asked.complete(&mut response);
            Ok(response)
        })
    }
}

/// A request whose body has a length, which the library wants of every upload whose bytes are signed. What comes in HTTP's own
/// chunks without one is measured here, if it is small.
async fn measured(request: Request<Incoming>) -> S3Result<Request<Body>> {
    let headers = request.headers();
    let is_unmeasured = request.method() == Method::PUT
        && headers.contains_key(TRANSFER_ENCODING)
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key("x-amz-decoded-content-length");
    let (head, body) = request.into_parts();
    let mut body = Body::from(body);
    if !is_unmeasured {
        return Ok(Request::from_parts(head, body));
    }
    let mut whole = Vec::new();
    while let Some(piece) = body.try_next().await.map_err(|error| crate::fault::of_body(&*error))? {
        whole.extend_from_slice(&piece);
        if whole.len() > UNMEASURED_BYTES_MAX {
            return Err(s3_error!(
                MissingContentLength,
                "a body of more than {UNMEASURED_BYTES_MAX} bytes needs a `Content-Length`"
            ));
        }
    }
    Ok(Request::from_parts(head, Body::from(whole)))
}

/// A stream that ends when nothing moves on it for too long.
struct Watched<S> {
    inner: S,
    quiet: Pin<Box<tokio::time::Sleep>>,
}

impl<S> Watched<S> {
    fn moved(&mut self) {
        self.quiet.as_mut().reset(tokio::time::Instant::now() + SILENCE_MAX);
    }

    fn is_silent(&mut self, context: &mut std::task::Context<'_>) -> bool {
        self.quiet.as_mut().poll(context).is_ready()
    }
}

fn silent() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "nothing moved on the connection for too long")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match Pin::new(&mut self.inner).poll_read(context, buffer) {
            std::task::Poll::Pending if self.is_silent(context) => std::task::Poll::Ready(Err(silent())),
            std::task::Poll::Pending => std::task::Poll::Pending,
            ready => {
                self.moved();
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write(context, bytes) {
            std::task::Poll::Pending if self.is_silent(context) => std::task::Poll::Ready(Err(silent())),
            std::task::Poll::Pending => std::task::Poll::Pending,
            ready => {
                self.moved();
                ready
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> std::task::Poll<std::io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write_vectored(context, pieces) {
            std::task::Poll::Pending if self.is_silent(context) => std::task::Poll::Ready(Err(silent())),
            std::task::Poll::Pending => std::task::Poll::Pending,
            ready => {
                self.moved();
                ready
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
