//! Messages to people outside, one recipient each, over one connection to a mail server (SMTP, RFC 5321).
//!
//! Whoever sends a notice or a letter has to know what became of it. Every step of the conversation is therefore told apart: the server cannot be
//! reached, it takes nothing from us, it refuses this address, it puts the message off, it took it, or it was handed the message and did not
//! answer.

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{PATIENCE, Security, SendError};

/// How long the server may take to answer once it has the whole message: RFC 5321, 4.5.3.2.6 has ten minutes, and nobody is there to wait for
/// them.
const ANSWER_PATIENCE: Duration = Duration::from_secs(120);

/// Who writes to people outside, and by which server.
#[derive(Debug, Clone)]
pub struct Sender {
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
    /// Where answers go, if not there.
    pub reply_to: Option<String>,
}

/// A message to one recipient.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// To which address.
    pub to: &'a str,
    /// The subject, on one line.
    pub subject: &'a str,
    /// The text, plain.
    pub text: &'a str,
    /// Its `Message-ID`, in angle brackets.
    pub id: &'a str,
    /// When, in milliseconds since 1970, UTC.
    pub at_ms: i64,
}

/// Names nobody.
impl fmt::Debug for Post<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a mail server answered. Its words may repeat the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The code, such as 250 or 550.
    pub code: u16,
    /// Its words.
    pub text: String,
}

impl Reply {
    /// The code with the enhanced one of RFC 3463, where there is one, such as `550 5.1.1`: all that can be kept without naming anybody.
    #[must_use]
    pub fn codes(&self) -> String {
        let word = self.text.split_whitespace().next().unwrap_or_default();
        let parts: Vec<&str> = word.split('.').collect();
        let is_status = parts.len() == 3
            && matches!(parts.first(), Some(&("2" | "4" | "5")))
            && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
        if is_status { format!("{} {word}", self.code) } else { self.code.to_string() }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a stranger wrote moves no cursor.
        let text: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        write!(f, "{} {}", self.code, text.trim())
    }
}

/// Why a message was not sent, by what has to be done about it.
#[derive(Debug, thiserror::Error)]
pub enum MailFault {
    /// It could not be put together.
    #[error(transparent)]
    Message(#[from] SendError),
    /// The server cannot be reached or used, or went away before it had the message.
    #[error("the mail server `{server}` cannot be reached or used: {why}")]
    Unreachable {
        /// Which.
        server: String,
        /// Why not.
        why: String,
    },
    /// It takes nothing from us: it knows no such user, or not this sender.
    #[error("the mail server `{server}` takes nothing from us; it answered `{reply}`")]
    Denied {
        /// Which.
        server: String,
        /// What it answered.
        reply: Reply,
    },
    /// It refused this message for good.
    #[error("the mail server refused it; it answered `{0}`")]
    Refused(Reply),
    /// It wants to be asked later.
    #[error("the mail server puts it off; it answered `{0}`")]
    Deferred(Reply),
    /// It was handed the message and did not answer: nobody knows whether it took it.
    #[error("the mail server `{server}` was handed the message and did not say whether it took it: {why}")]
    Uncertain {
        /// Which.
        server: String,
        /// What happened.
        why: String,
    },
}

/// Why a conversation stopped.
enum Stop {
    Denied(Reply),
    Refused(Reply),
    Deferred(Reply),
    Gone(String),
    Uncertain(String),
}

impl Sender {
    /// Whether its addresses are some.
    ///
    /// # Errors
    /// Which is not, and why.
    pub fn check(&self) -> Result<(), SendError> {
        mailbox(&self.from)?;
        self.reply_to.as_deref().map(mailbox).transpose().map(drop)
    }

    /// The domain of its own address, for ids of messages.
    #[must_use]
    pub fn domain(&self) -> String {
        mailbox(&self.from).map_or_else(|_| "lazaret.invalid".to_owned(), |own| own.email.domain().to_owned())
    }

    fn message(&self, post: &Post<'_>) -> Result<Message, SendError> {
        let at = Duration::from_millis(u64::try_from(post.at_ms).unwrap_or(0));
        let subject: String = post.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut message = Message::builder()
            .from(mailbox(&self.from)?)
            .to(Mailbox::new(None, mailbox(post.to)?.email))
            .subject(subject)
            .message_id(Some(post.id.to_owned()))
            .date(SystemTime::UNIX_EPOCH + at)
            .header(ContentType::TEXT_PLAIN);
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(mailbox(reply_to)?);
        }
        Ok(message.body(post.text.to_owned())?)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailFault> {
        let gone = |why: String| MailFault::Unreachable { server: self.server.clone(), why };
        let hello = ClientId::default();
        let tls = || TlsParameters::new(self.server.clone()).map_err(|error| gone(error.to_string()));
        let at_once = if self.security == Security::Tls { Some(tls()?) } else { None };
        let place = (self.server.as_str(), self.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(place, Some(PATIENCE), &hello, at_once, None);
        let mut connection = within(PATIENCE, connecting).await.map_err(|stop| gone(stop.words()))?;
        if self.security == Security::StartTls {
            within(PATIENCE, connection.starttls(tls()?, &hello)).await.map_err(|stop| gone(stop.words()))?;
        }
        if let Some((user, password)) = &self.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            within(PATIENCE, connection.auth(DEFAULT_MECHANISMS, &credentials)).await.map_err(|stop| match stop {
                Trouble::Reply(reply) => MailFault::Denied { server: self.server.clone(), reply },
                Trouble::Gone(why) => gone(why),
            })?;
        }
        Ok(connection)
    }
}

fn mailbox(text: &str) -> Result<Mailbox, SendError> {
    text.parse().map_err(|source| SendError::Address { address: text.to_owned(), source })
}

/// Why a step of the conversation did not go well.
enum Trouble {
    /// The server said no.
    Reply(Reply),
    /// It is not there, or not understood.
    Gone(String),
}

impl Trouble {
    fn words(self) -> String {
        match self {
            Self::Reply(reply) => format!("it answered `{reply}`"),
            Self::Gone(why) => why,
        }
    }
}

/// The service ends the conversation (RFC 5321, 3.8): that says nothing about the message.
const CLOSING: u16 = 421;

async fn within<T>(patience: Duration, step: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    let error = match tokio::time::timeout(patience, step).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(_elapsed) => return Err(Trouble::Gone(format!("no answer for {} seconds", patience.as_secs()))),
    };
    match error.status().map(u16::from) {
        Some(code) if code != CLOSING => {
            let text = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Err(Trouble::Reply(Reply { code, text }))
        }
        _ => Err(Trouble::Gone(error.to_string())),
    }
}

/// A no to this message: for good, or for now.
fn no(trouble: Trouble) -> Stop {
    match trouble {
        Trouble::Reply(reply) if reply.code >= 500 => Stop::Refused(reply),
        Trouble::Reply(reply) => Stop::Deferred(reply),
        Trouble::Gone(why) => Stop::Gone(why),
    }
}

/// Hands a message over. Whoever calls resets the connection after a no.
async fn hand_over(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<Reply, Stop> {
    let envelope = message.envelope();
    let mut parameters = Vec::new();
    let addresses = envelope.to().iter().chain(envelope.from());
    if addresses.map(AsRef::<str>::as_ref).any(|address: &str| !address.is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            // RFC 6531, 3.2.
            let text = "5.6.7 the address has letters beyond ASCII, which this server does not take".to_owned();
            return Err(Stop::Refused(Reply { code: 553, text }));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    within(PATIENCE, connection.command(from)).await.map_err(|trouble| match trouble {
        Trouble::Reply(reply) => Stop::Denied(reply),
        Trouble::Gone(why) => Stop::Gone(why),
    })?;
    for to in envelope.to() {
        within(PATIENCE, connection.command(Rcpt::new(to.clone(), Vec::new()))).await.map_err(no)?;
    }
    within(PATIENCE, connection.command(Data)).await.map_err(no)?;
    match within(ANSWER_PATIENCE, connection.message(&message.formatted())).await {
        Ok(response) => {
            let text = response.message().collect::<Vec<_>>().join(" ");
            Ok(Reply { code: u16::from(response.code()), text })
        }
        Err(trouble @ Trouble::Reply(_)) => Err(no(trouble)),
        Err(Trouble::Gone(why)) => Err(Stop::Uncertain(why)),
    }
}

/// Sends messages over one connection, which is opened with the first and again where the server ended it.
pub struct Mailer {
    sender: Sender,
    connection: Option<AsyncSmtpConnection>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("sender", &self.sender).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Opens nothing yet.
    #[must_use]
    pub const fn new(sender: Sender) -> Self {
        Self { sender, connection: None }
    }

    /// Who sends.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Sends a message; what the server answered when it took it.
    ///
    /// # Errors
    /// What became of it instead.
    pub async fn send(&mut self, post: &Post<'_>) -> Result<Reply, MailFault> {
        let message = self.sender.message(post)?;
        loop {
            let (mut connection, is_kept) = match self.connection.take() {
                Some(connection) => (connection, true),
                None => (self.sender.connect().await?, false),
            };
            let server = self.sender.server.clone();
            let stop = match hand_over(&mut connection, &message).await {
                Ok(reply) => {
                    self.connection = Some(connection);
                    return Ok(reply);
                }
                Err(stop) => stop,
            };
            return Err(match stop {
                // Servers end conversations that were idle, or long: the next one is another matter.
                Stop::Gone(_) if is_kept => continue,
                Stop::Gone(why) => MailFault::Unreachable { server, why },
                Stop::Denied(reply) => MailFault::Denied { server, reply },
                Stop::Uncertain(why) => MailFault::Uncertain { server, why },
                Stop::Refused(reply) => {
                    self.keep(connection).await;
                    MailFault::Refused(reply)
                }
                Stop::Deferred(reply) => {
                    self.keep(connection).await;
                    MailFault::Deferred(reply)
                }
            });
        }
    }

    /// Keeps a connection on which something was refused, if it can be begun anew.
    async fn keep(&mut self, mut connection: AsyncSmtpConnection) {
        if within(PATIENCE, connection.command(Rset)).await.is_ok() {
            self.connection = Some(connection);
        }
    }

    /// Ends the conversation politely.
    pub async fn close(mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _gone_either_way = within(PATIENCE, connection.quit()).await;
        }
    }
}
