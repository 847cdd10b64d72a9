//! What the gateway needs of others: storage that seals, recognition of what flows by, and somebody who knows callers and
//! rules. The recorder is [`model::record::Record`].

use std::any::Any;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use model::event::{Actor, Origin};
use model::{Action, Answer, Label, ObjectId, PrincipalId, StudyId, VersionId};
use secrecy::SecretString;

/// Where a version's content belongs; what is sealed is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The study.
    pub study: StudyId,
    /// The object.
    pub object: ObjectId,
    /// The version.
    pub version: VersionId,
}

/// Plaintext as it is opened.
pub type Plain = Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>;

/// Why storage did not do what it was asked to. Nothing may be released then.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What lies there is not what was sealed.
    #[error("the stored object was altered or is not complete; it is not released, restore it from a backup")]
    Altered,
    /// Its key was destroyed.
    #[error("the key of the stored object was destroyed, so that nobody can open it any more")]
    Erased,
    /// No space is left.
    #[error("no space is left for objects; free some or add storage")]
    Full,
    /// Storage or the key provider gives no answer.
    #[error("storage or its keys cannot be reached; try again later")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Seals what is written and opens what is read. What it hands back as sealed (a few hundred bytes, never plaintext or a
/// key in clear) is kept in the store and given again.
pub trait Storage: Send + Sync + 'static {
    /// Begins a part; whole objects are one part with number 1.
    fn begin<'a>(&'a self, place: &'a Place, part: u32) -> Answer<'a, Result<Box<dyn PartWriter>, StorageError>>;

    /// Binds finished parts, in order, into a version.
    fn seal<'a>(&'a self, place: &'a Place, parts: &'a [Vec<u8>]) -> Answer<'a, Result<Vec<u8>, StorageError>>;

    /// Opens bytes `range` of a version.
    fn read<'a>(
        &'a self,
        place: &'a Place,
        sealed: &'a [u8],
        range: Range<u64>,
    ) -> Answer<'a, Result<Plain, StorageError>>;

    /// Takes a version's content away.
    fn remove<'a>(&'a self, sealed: &'a [u8]) -> Answer<'a, Result<(), StorageError>>;

    /// Takes away a part that no version will hold.
    fn remove_part<'a>(&'a self, part: &'a [u8]) -> Answer<'a, Result<(), StorageError>>;
}

/// One part while it is written. Dropped before [`PartWriter::finish`], it leaves nothing behind.
pub trait PartWriter: Send {
    /// Adds plaintext.
    fn write(&mut self, piece: Bytes) -> Answer<'_, Result<(), StorageError>>;

    /// Makes it durable.
    fn finish(self: Box<Self>) -> Answer<'static, Result<Vec<u8>, StorageError>>;
}

/// What recognition says of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// What it holds.
    pub labels: Vec<Label>,
    /// How many data subjects it is about.
    pub subjects: u64,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Recognition did not come to an end; the object must not become visible.
#[derive(Debug, thiserror::Error)]
#[error("the object could not be inspected")]
pub struct InspectError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Recognises what objects hold, with the same engine as a scan.
pub trait Inspect: Send + Sync + 'static {
    /// Begins to look at an object that will be called `name`.
    fn begin(&self, place: &Place, name: &str) -> Box<dyn Inspection>;

    /// Looks at an object that is sealed already: one that came in parts, or that cannot be read in one pass.
    fn look<'a>(
        &'a self,
        place: &'a Place,
        name: &'a str,
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Inspected, InspectError>>;
}

/// One object while it flows by.
pub trait Inspection: Send {
    /// Shows the next bytes. Waits when recognition is slower than the flow.
    fn feed(&mut self, piece: Bytes) -> Answer<'_, ()>;

    /// After the last byte: what it holds. What was found is in the catalogue then. `None`: it cannot be read in one pass
    /// and has to be looked at once it is sealed.
    fn finish(self: Box<Self>) -> Answer<'static, Result<Option<Inspected>, InspectError>>;
}

/// Whoever asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is, for the record.
    pub actor: Actor,
    /// The name that people know it by.
    pub name: String,
    /// What the gate knows of it and wants to see again.
    pub facts: Arc<dyn Any + Send + Sync>,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// What.
    pub action: Action,
    /// In which study.
    pub study: &'a StudyId,
    /// To which object, if it is not the study as a whole.
    pub object: Option<ObjectId>,
    /// What the object holds.
    pub labels: &'a [Label],
    /// From which network address.
    pub ip: Option<std::net::IpAddr>,
    /// When, in milliseconds since 1970, UTC.
    pub now_ms: i64,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it may be done.
    pub is_allowed: bool,
    /// The rules that decided.
    pub policies: Vec<String>,
    /// A stable code for a refusal, such as `policy:no-grant`.
    pub code: String,
    /// What to do about a refusal.
    pub hint: String,
}

/// The rules or the accounts cannot be asked; nothing may be done.
#[derive(Debug, thiserror::Error)]
#[error("accounts and rules cannot be reached; nothing was done, try again later")]
pub struct GateError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Somebody for whom an identity provider vouches.
#[derive(Debug, Clone)]
pub struct Vouched<'a> {
    /// The provider's token.
    pub token: &'a str,
    /// What the client calls its session.
    pub session: &'a str,
    /// How long it wants the credentials to last, in seconds.
    pub duration_s: Option<i64>,
    /// From where it asks.
    pub origin: Origin,
    /// When, in milliseconds since 1970, UTC.
    pub now_ms: i64,
}

/// Temporary credentials. Secret and token are told once.
#[derive(Debug)]
pub struct Assumed {
    /// The public id.
    pub access_key: String,
    /// The secret.
    pub secret: SecretString,
    /// The session token that comes along with every request.
    pub token: SecretString,
    /// When they end, in milliseconds since 1970, UTC.
    pub expires_at: i64,
    /// Whose they are.
    pub principal: PrincipalId,
    /// Who vouched.
    pub issuer: String,
    /// Under which name.
    pub subject: String,
}

/// Why no temporary credentials are given.
#[derive(Debug, thiserror::Error)]
pub enum AssumeError {
    /// The token is not accepted.
    #[error("{0}")]
    Token(String),
    /// The token is over.
    #[error("{0}")]
    Expired(String),
    /// The provider cannot be asked for its keys.
    #[error("{0}")]
    Provider(String),
    /// The token is good, and its bearer may not have any.
    #[error("{0}")]
    Refused(String),
    /// Something else that was asked for does not make sense.
    #[error("{0}")]
    Wrong(String),
    /// The accounts or the record cannot be reached.
    #[error("accounts or their record cannot be reached; nothing was given, try again later")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Knows callers and rules.
pub trait Gate: Send + Sync + 'static {
    /// The secret of an access key that is good now.
    fn secret<'a>(&'a self, access_key: &'a str) -> Answer<'a, Result<Option<SecretString>, GateError>>;

    /// Whose access key it is. A temporary key is good only with its session token.
    fn caller<'a>(
        &'a self,
        access_key: &'a str,
        token: Option<&'a str>,
    ) -> Answer<'a, Result<Option<Caller>, GateError>>;

    /// The name that people know a principal by, if there is such a principal.
    fn name(&self, principal: PrincipalId) -> Answer<'_, Result<Option<String>, GateError>>;

    /// Whether something may be done.
    fn decide<'a>(&'a self, question: &'a Question<'a>) -> Answer<'a, Result<Ruling, GateError>>;

    /// Whether what is on its way for `actor` out of `study`, or with `writes` into it, is to end now: somebody contained them since it was
    /// let. Asked for every piece, so that it must not wait for anything.
    fn ends(&self, _actor: &Actor, _study: &StudyId, _writes: bool) -> bool {
        false
    }

    /// Creates a study for a caller who may; recorded by whoever implements this.
    fn create_study<'a>(
        &'a self,
        caller: &'a Caller,
        study: &'a StudyId,
        now_ms: i64,
    ) -> Answer<'a, Result<Ruling, GateError>>;

    /// Temporary credentials for whomever an identity provider vouches for; recorded by whoever implements this. Nobody's
    /// word is taken unless it is implemented.
    fn assume<'a>(&'a self, _: Vouched<'a>) -> Answer<'a, Result<Assumed, AssumeError>> {
        let told = "no identity provider is trusted here; name one in the settings".to_owned();
        Box::pin(async move { Err(AssumeError::Token(told)) })
    }
}
