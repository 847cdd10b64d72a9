//! The socket in the data folder through which an operator reaches a running server. The operating system says who is at
//! the other end; only the server's own user and root are heard. One JSON request a line, one JSON answer a line.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{Label, PrincipalKind, Scope, StudyId, VersionId};
use policy::Rights;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::Guarded;
use crate::access::AccessRequest;
use crate::ops::{Operator, OpsError};

/// The socket's name in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";
/// The longest request or answer.
const LINE_BYTES_MAX: u64 = 16 << 20;
/// How long a request may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);
/// Connections at a time.
const CONNECTIONS_MAX: usize = 16;

/// What an operator asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Creates a study.
    StudyCreate {
        /// Its id.
        study: StudyId,
    },
    /// Seals an object of a folder or bucket into a study.
    StudyAdopt {
        /// The study.
        study: StudyId,
        /// Put before its name.
        prefix: String,
        /// The folder or bucket.
        from: String,
        /// Its name there.
        object: String,
        /// Whether the original goes once it is sealed.
        remove: bool,
    },
    /// Creates a principal.
    UserAdd {
        /// Its name.
        name: String,
        /// Its kind.
        kind: PrincipalKind,
        /// The partner organisation it belongs to.
        organisation: Option<String>,
    },
    /// Shuts a principal out or lets it in.
    UserEnable {
        /// Its name.
        name: String,
        /// Whether it may act.
        enabled: bool,
    },
    /// Says until when training and agreement hold, in milliseconds since 1970.
    UserSet {
        /// Its name.
        name: String,
        /// Training.
        training_until: Option<i64>,
        /// Agreement.
        agreement_until: Option<i64>,
    },
    /// Notes the last day of somebody who leaves.
    UserLeaving {
        /// Its name.
        name: String,
        /// A date of RFC 3339; none takes the notice back.
        last_day: Option<String>,
    },
    /// Who leaves, and when.
    UsersLeaving,
    /// Lets an identity provider vouch for a principal.
    UserLink {
        /// Its name.
        name: String,
        /// The provider.
        issuer: String,
        /// Its name there.
        subject: String,
    },
    /// Ends that a provider vouches under a name.
    UserUnlink {
        /// The provider.
        issuer: String,
        /// The name there.
        subject: String,
    },
    /// Who vouches for a principal.
    UserLinks {
        /// Its name.
        name: String,
    },
    /// Lets somebody try again who failed too often.
    UserUnlock {
        /// Its name.
        name: String,
    },
    /// Takes a second factor away that was lost.
    UserResetSecondFactor {
        /// Whose.
        name: String,
    },
    /// Somebody's passkeys.
    UserPasskeys {
        /// Whose.
        name: String,
    },
    /// Takes passkeys away that were lost.
    UserPasskeysRemove {
        /// Whose.
        name: String,
        /// Which; all of them unless given.
        id: Option<String>,
    },
    /// Every principal.
    UserList,
    /// Gives a grant.
    Grant {
        /// To whom.
        name: String,
        /// In which study; none for the organisation.
        study: Option<StudyId>,
        /// A role.
        role: Option<String>,
        /// Or these actions.
        actions: Vec<model::Action>,
        /// Only to objects that hold nothing but these.
        labels: Option<Vec<Label>>,
        /// Until when, in milliseconds since 1970.
        until: Option<i64>,
    },
    /// Takes a grant back.
    Revoke {
        /// Its number.
        grant: u32,
    },
    /// Makes an access key.
    AccessKeyCreate {
        /// Whose.
        name: String,
        /// Until when, in milliseconds since 1970.
        until: Option<i64>,
    },
    /// Revokes an access key.
    AccessKeyRevoke {
        /// Its public id.
        id: String,
    },
    /// Lets a directory provision people.
    ScimTokenCreate {
        /// What it is called.
        name: String,
        /// Who vouches for its people, under its own ids.
        issuer: Option<String>,
    },
    /// Every directory.
    ScimTokenList,
    /// Lets a directory provision no more.
    ScimTokenRevoke {
        /// Its id.
        id: String,
    },
    /// Lets somebody send records of other systems.
    IntakeTokenCreate {
        /// What it is called.
        name: String,
    },
    /// Every token with which records may be sent.
    IntakeTokenList,
    /// Lets somebody send no more.
    IntakeTokenRevoke {
        /// Its name.
        name: String,
    },
    /// Versions in quarantine.
    QuarantineList,
    /// Releases or refuses one.
    QuarantineSettle {
        /// Which.
        version: VersionId,
        /// Whether it becomes visible.
        release: bool,
        /// Why.
        reason: String,
    },
    /// Takes away content that nothing names.
    ObjectsSweep {
        /// Only what is at least this old, in seconds.
        older_than_s: u64,
    },
    /// Keys.
    KeysList,
    /// Rotates a key: `root`, `organisation` or `study:ID`.
    KeysRotate {
        /// Which.
        key: String,
    },
    /// Destroys the key of a scope such as `study:ID`.
    KeysShred {
        /// Whose.
        scope: String,
    },
    /// Lays a hold on a scope, or takes it off.
    KeysHold {
        /// Whose key.
        scope: String,
        /// The case.
        reference: String,
        /// On or off.
        on: bool,
    },
    /// Records a hunt, and tells where the lake lies and how it opens.
    HuntBegin {
        /// The saved hunt, if it is one.
        id: Option<String>,
        /// The question and its values, as they are recorded.
        asked: String,
    },
    /// The proof that an entry is in the record.
    HuntProve {
        /// Which entry.
        index: u64,
    },
    /// Who may what, and why.
    Access(AccessRequest),
    /// What detection found.
    Findings(crate::FindingsRequest),
    /// Incidents.
    Incidents(crate::IncidentRequest),
    /// Clauses of contracts.
    Clauses(crate::ClauseRequest),
    /// Whose data was exposed.
    Exposure {
        /// Whose.
        of: Box<crate::ExposureRequest>,
        /// What is shown of the answer.
        shown: crate::Shown,
    },
    /// Backups, restores and drills, as they are recorded.
    Backup(crate::BackupRequest),
}

/// What the server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done: one JSON object each.
    Done(Vec<Value>),
    /// It was not.
    Failed(String),
}

fn scope(text: &str) -> Result<Scope, OpsError> {
    text.parse().map_err(|error: model::UnknownName| {
        OpsError::Wrong(format!("{error}; give `study:ID`, `subject:ID` or `object:ID`"))
    })
}

fn turn(text: &str) -> Result<vault::Turn, OpsError> {
    let wrong = || OpsError::Wrong(format!("`{text}` cannot be rotated; give `root`, `organisation` or `study:ID`"));
    match text {
        "root" => Ok(vault::Turn::Root),
        "organisation" => Ok(vault::Turn::Organisation),
        _ => {
            let id = text.strip_prefix("study:").ok_or_else(wrong)?;
            id.parse().map(vault::Turn::Study).map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))
        }
    }
}

impl Guarded {
    /// Does what an operator asks for.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn obey(&self, operator: &Operator, request: Request) -> Result<Vec<Value>, OpsError> {
        let one = |value: Value| vec![value];
        match request {
            Request::StudyCreate { study } => self.create_study(operator, &study).await.map(one),
            Request::StudyAdopt { study, prefix, from, object, remove } => {
                let what =
                    crate::ToAdopt { study: &study, prefix: &prefix, from: &from, name: &object, removes: remove };
                self.adopt(operator, what).await.map(one)
            }
            Request::UserAdd { name, kind, organisation } => {
                self.add_user(operator, &name, kind, organisation).await.map(one)
            }
            Request::UserEnable { name, enabled } => self.set_enabled(operator, &name, enabled).await.map(one),
            Request::UserSet { name, training_until, agreement_until } => {
                self.set_attributes(operator, &name, training_until, agreement_until).await.map(one)
            }
            Request::UserLeaving { name, last_day } => {
                self.note_leaving(operator, &name, last_day.as_deref()).await.map(one)
            }
            Request::UsersLeaving => self.leaving().await,
            Request::UserLink { name, issuer, subject } => self.link(operator, &name, &issuer, &subject).await.map(one),
            Request::UserUnlink { issuer, subject } => self.unlink(operator, &issuer, &subject).await.map(one),
            Request::UserUnlock { name } => self.unlock(operator, &name).await.map(one),
            Request::UserResetSecondFactor { name } => self.reset_second_factor(operator, &name).await.map(one),
            Request::UserPasskeys { name } => self.passkeys(&name).await,
            Request::UserPasskeysRemove { name, id } => self.remove_passkeys(operator, &name, id).await.map(one),
            Request::UserLinks { name } => self.links(&name).await,
            Request::UserList => self.users().await,
            Request::Grant { name, study, role, actions, labels, until } => {
                let rights = role.map_or(Rights::Actions(actions), Rights::Role);
                self.grant(operator, &name, study, rights, labels, until).await.map(one)
            }
            Request::Revoke { grant } => self.revoke(operator, grant).await.map(one),
            Request::AccessKeyCreate { name, until } => self.create_key(operator, &name, until).await.map(one),
            Request::AccessKeyRevoke { id } => self.revoke_key(operator, &id).await.map(one),
            Request::ScimTokenCreate { name, issuer } => self.create_scim_token(operator, &name, issuer).await.map(one),
            Request::ScimTokenList => self.scim_tokens().await,
            Request::ScimTokenRevoke { id } => self.revoke_scim_token(operator, &id).await.map(one),
            Request::IntakeTokenCreate { name } => self.create_intake_token(operator, &name).await.map(one),
            Request::IntakeTokenList => Ok(self.intake_tokens()),
            Request::IntakeTokenRevoke { name } => self.revoke_intake_token(operator, &name).await.map(one),
            Request::QuarantineList => self.quarantined().await,
            Request::QuarantineSettle { version, release, reason } => {
                self.settle(operator, version, release, &reason).await.map(one)
            }
            Request::ObjectsSweep { older_than_s } => {
                self.sweep_asked(operator, Duration::from_secs(older_than_s)).await.map(one)
            }
            Request::KeysList => {
                let keys = self.keys("").await?;
                Ok(keys.iter().filter_map(|key| serde_json::to_value(key).ok()).collect())
            }
            Request::KeysRotate { key } => self.rotate_keys(operator, &turn(&key)?).await.map(one),
            Request::KeysShred { scope: text } => self.shred(operator, &scope(&text)?).await.map(one),
            Request::HuntBegin { id, asked } => self.begin_hunt(operator, id.as_deref(), &asked).await.map(one),
            Request::HuntProve { index } => self.prove(index).await.map(one),
            Request::Access(request) => self.attend(operator, request).await,
            Request::Incidents(request) => Box::pin(self.about_incidents(operator, request)).await,
            Request::Clauses(request) => Box::pin(self.about_clauses(operator, request)).await,
            Request::Exposure { of, shown } => Box::pin(self.tell_exposure(operator, *of, shown)).await,
            Request::Findings(request) => self.about_findings(operator, request).await,
            Request::Backup(request) => self.about_backups(operator, request).await,
            Request::KeysHold { scope: text, reference, on } => {
                self.hold(operator, &scope(&text)?, &reference, on).await.map(one)
            }
        }
    }
}

/// Serves operators until `stop` turns true.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(guarded: Arc<Guarded>, data_dir: &Path, mut stop: watch::Receiver<bool>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = data_dir.join(CONTROL_SOCKET);
    // The folder's lock says that nobody else listens: what lies there was left by a killed server.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = async { let _sender_is_gone = stop.wait_for(|stop| *stop).await.map(drop); } => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let guarded = Arc::clone(&guarded);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = answer(&guarded, stream).await {
                tracing::debug!(%error, "an operator's connection broke");
            }
        });
    }
    std::fs::remove_file(&path)
}

async fn answer(guarded: &Guarded, stream: UnixStream) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let own = rustix::process::getuid().as_raw();
    let (read, mut write) = stream.into_split();
    let answer = if peer.uid() != own && peer.uid() != 0 {
        Answer::Failed("only the user that runs the server, or root, may use this socket".to_owned())
    } else {
        let mut line = String::new();
        let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
        match tokio::time::timeout(ARRIVAL_MAX, read.read_line(&mut line)).await {
            Ok(arrived) => arrived?,
            Err(_elapsed) => return Ok(()),
        };
        match serde_json::from_str(&line) {
            Ok(request) => {
                let operator = Operator { user: user_name(peer.uid()), through: "cli" };
                match guarded.obey(&operator, request).await {
                    Ok(done) => Answer::Done(done),
                    Err(error) => Answer::Failed(whole(&error)),
                }
            }
            Err(error) => Answer::Failed(format!("the request cannot be read: {error}")),
        }
    };
    let mut text = serde_json::to_vec(&answer).map_err(io::Error::other)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    write.shutdown().await
}

/// An error with what caused it.
#[must_use]
pub fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Asks a running server. `None` when none runs on this data folder.
///
/// # Errors
/// When the server cannot be understood.
pub async fn ask(data_dir: &Path, request: &Request) -> io::Result<Option<Answer>> {
    let stream = match UnixStream::connect(data_dir.join(CONTROL_SOCKET)).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let (read, mut write) = stream.into_split();
    let mut text = serde_json::to_vec(request).map_err(io::Error::other)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    let mut line = String::new();
    BufReader::new(read.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    serde_json::from_str(&line).map(Some).map_err(io::Error::other)
}

/// The name of an operating-system user, or its number where it has none.
#[must_use]
pub fn user_name(uid: u32) -> String {
    let names = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number = uid.to_string();
    names
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then(|| name.to_owned())
        })
        .unwrap_or(number)
}

/// The user that runs this program.
#[must_use]
pub fn own_name() -> String {
    user_name(rustix::process::getuid().as_raw())
}
