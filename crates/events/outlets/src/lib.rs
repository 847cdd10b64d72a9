//! Findings in; messages to other systems out: web hooks, e-mail, syslog, files of OCSF events. And notices and letters that people approved, to
//! the one whom they are addressed to ([`Mailer`]).
//!
//! What leaves of a finding holds no names and nothing of its story: ids, labels, counts, and where to read on. This crate must
//! never hold a finding back in silence, wait without a limit, or keep a secret in clear.

mod mail;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::hmac;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};
use watch::outlet::{Told, ocsf, syslog, syslog_notice};

pub use mail::{MailFault, Mailer, Post, Reply, Sender};

/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where findings go.
#[derive(Debug, Clone)]
pub enum Outlet {
    /// Posted as an OCSF event. With a secret, `lazaret-signature` holds `t=SECONDS,v1=HEX`: the HMAC-SHA-256 of
    /// `SECONDS.BODY`.
    Webhook {
        /// `http://` or `https://`.
        url: String,
        /// Shared with the receiver.
        secret: Option<SecretString>,
    },
    /// As a message of RFC 5424: a datagram (RFC 5426), or with its length before it (RFC 6587, 3.4.1).
    Syslog {
        /// The collector.
        address: SocketAddr,
        /// Whether over TCP.
        is_tcp: bool,
        /// Our own name there.
        host: String,
    },
    /// As a line of a file.
    File {
        /// The file; it is made, for its owner alone, if needed.
        path: PathBuf,
    },
    /// As an e-mail.
    Email(Email),
}

/// How e-mail is sent.
#[derive(Debug, Clone)]
pub struct Email {
    /// The server's name.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User and password, if it asks for them.
    pub credentials: Option<(String, SecretString)>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS after `STARTTLS` (RFC 3207), which must succeed.
    StartTls,
    /// Not at all: for a server on the same machine.
    None,
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A web hook.
    #[error("the web hook `{url}` could not be reached: {source}")]
    Web {
        /// Where.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// It was reached, and refused.
    #[error("the web hook `{url}` answered {status}; check its address and secret")]
    Refused {
        /// Where.
        url: String,
        /// With what.
        status: u16,
    },
    /// A collector or file.
    #[error("`{place}` could not be written to: {source}")]
    Write {
        /// Where.
        place: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The other side took too long.
    #[error("`{0}` took longer than 15 seconds")]
    Late(String),
    /// An address that is none.
    #[error("`{address}` is no e-mail address: {source}")]
    Address {
        /// Which.
        address: String,
        /// Why not.
        source: lettre::address::AddressError,
    },
    /// The message could not be put together.
    #[error("the message could not be put together: {0}")]
    Message(#[from] lettre::error::Error),
    /// The mail server.
    #[error("the mail server `{server}` did not take the message: {source}")]
    Mail {
        /// Which.
        server: String,
        /// Why not.
        source: lettre::transport::smtp::Error,
    },
}

/// That people are wanted, and where to read why. Nothing else leaves.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// What for, in a line.
    pub subject: &'a str,
    /// Where to read on.
    pub link: &'a str,
}

impl Outlet {
    /// Sends a notice at `now` (seconds since 1970, UTC).
    ///
    /// # Errors
    /// As [`Outlet::send`].
    pub async fn say(&self, notice: &Notice<'_>, now: i64) -> Result<(), SendError> {
        let Notice { subject, link } = *notice;
        let as_json = || serde_json::json!({ "type": "lazaret-notice", "time": now, "subject": subject, "link": link });
        match self {
            Self::Webhook { url, secret } => post(url, secret.as_ref(), as_json().to_string(), now).await,
            Self::Syslog { address, is_tcp, host } => {
                let line = syslog_notice(subject, link, now.saturating_mul(1_000), host);
                within(&address.to_string(), log(*address, *is_tcp, line)).await
            }
            Self::File { path } => within(&path.display().to_string(), append(path, format!("{}\n", as_json()))).await,
            Self::Email(email) => {
                mail(email, &format!("[Lazaret] {subject}"), format!("{subject}\r\n\r\n{link}\r\n")).await
            }
        }
    }

    /// Sends a finding at `now` (seconds since 1970, UTC); `link` is where to read on.
    ///
    /// # Errors
    /// When it did not arrive, as far as the other side tells. A datagram tells nothing.
    pub async fn send(&self, told: &Told<'_>, link: &str, now: i64) -> Result<(), SendError> {
        match self {
            Self::Webhook { url, secret } => post(url, secret.as_ref(), linked(told, link).to_string(), now).await,
            Self::Syslog { address, is_tcp, host } => {
                let line = syslog(told, host);
                within(&address.to_string(), log(*address, *is_tcp, line)).await
            }
            Self::File { path } => {
                let line = format!("{}\n", linked(told, link));
                within(&path.display().to_string(), append(path, line)).await
            }
            Self::Email(email) => {
                let subject = format!("[Lazaret] {} ({})", told.title, told.level.as_str());
                mail(email, &subject, body(told, link)).await
            }
        }
    }
}

fn linked(told: &Told<'_>, link: &str) -> serde_json::Value {
    let mut event = ocsf(told);
    if let Some(info) = event.get_mut("finding_info").and_then(serde_json::Value::as_object_mut) {
        info.insert("src_url".to_owned(), link.into());
    }
    event
}

async fn post(url: &str, secret: Option<&SecretString>, body: String, now: i64) -> Result<(), SendError> {
    let failed = |source| SendError::Web { url: url.to_owned(), source };
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    let client = client.build().map_err(failed)?;
    let mut request = client.post(url).header("content-type", "application/json");
    if let Some(secret) = secret {
        request = request.header("lazaret-signature", signature(secret, now, &body));
    }
    let answer = request.body(body).send().await.map_err(failed)?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(SendError::Refused { url: url.to_owned(), status: answer.status().as_u16() })
}

/// `t=SECONDS,v1=HEX`.
#[must_use]
pub fn signature(secret: &SecretString, now: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, format!("{now}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now},v1={hex}")
}

async fn within(place: &str, sending: impl Future<Output = std::io::Result<()>>) -> Result<(), SendError> {
    match tokio::time::timeout(PATIENCE, sending).await {
        Ok(sent) => sent.map_err(|source| SendError::Write { place: place.to_owned(), source }),
        Err(_elapsed) => Err(SendError::Late(place.to_owned())),
    }
}

async fn log(address: SocketAddr, is_tcp: bool, line: String) -> std::io::Result<()> {
    if is_tcp {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
        return stream.shutdown().await;
    }
    let own: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.send_to(line.as_bytes(), address).await.map(|_bytes| ())
}

async fn append(path: &std::path::Path, line: String) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(line.as_bytes()).await?;
    file.sync_data().await
}

async fn mail(email: &Email, subject: &str, text: String) -> Result<(), SendError> {
    let address = |text: &str| {
        text.parse::<lettre::message::Mailbox>()
            .map_err(|source| SendError::Address { address: text.to_owned(), source })
    };
    let mut message = Message::builder().from(address(&email.from)?).subject(subject).header(ContentType::TEXT_PLAIN);
    for to in &email.to {
        message = message.to(address(to)?);
    }
    let message = message.body(text)?;
    let failed = |source| SendError::Mail { server: email.server.clone(), source };
    let builder = match email.security {
        Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&email.server).map_err(failed)?,
        Security::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&email.server).map_err(failed)?,
        Security::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.server),
    };
    let mut builder = builder.port(email.port).timeout(Some(PATIENCE));
    if let Some((user, password)) = &email.credentials {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
    }
    builder.build().send(message).await.map(|_taken| ()).map_err(failed)
}

/// The text of an e-mail.
fn body(told: &Told<'_>, link: &str) -> String {
    let labels = told.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ");
    let line = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("{name}: {value}\r\n") };
    [
        format!("{}\r\n\r\n", told.title),
        line("Level", told.level.as_str()),
        line("Urgency", &format!("{} of 100", told.rank)),
        line("Study", told.study.unwrap_or_default()),
        line("Touched", &labels),
        line(
            "People in one object",
            &if told.subjects > 0 { format!("up to {}", told.subjects) } else { String::new() },
        ),
        line("Matches", &told.matches.to_string()),
        format!("\r\nWho it is about and what it stands on:\r\n{link}\r\n"),
    ]
    .concat()
}
