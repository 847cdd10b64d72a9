//! The commands of an operator: studies, users, grants, access keys, quarantine, keys, verification. They ask a running
//! server through its socket, and open the data folder themselves where none runs.

use std::io::Write as _;
use std::process::ExitCode;

use guard::{Answer, Guarded, Opening, Operator, Request, RootKeyAt};
use model::PrincipalKind;
use serde_json::Value;
use store::Store;
use tokio::sync::OnceCell;
use vault::provider::{Passphrase, Pkcs11Settings, TransitSettings};

use crate::catalogue::print;
use crate::cli::{
    AccessKeyCommand, Global, GrantArgs, IntakeCommand, IntakeTokenCommand, KeysCommand, ListFormat, ObjectsCommand,
    QuarantineCommand, RevokeArgs, ScimTokenCommand, StudyCommand, UserCommand, VerifyArgs,
};
use crate::config::{Config, RootKey};
use crate::data::{Data, create_private, runtime};
use crate::failure::{Failure, Outcome};

/// The name that a ledger signs under when the settings give none. It names a log, not a place on the network.
const ORIGIN: &str = "lazaret.local/ledger";

pub(crate) fn study(global: &Global, command: &StudyCommand) -> Result<Outcome, Failure> {
    match command {
        StudyCommand::Create { study, format } => {
            let study = study.parse().map_err(|error: model::BadStudyId| Failure::usage(error.to_string()))?;
            tell(global, Request::StudyCreate { study }, *format, &["study"])
        }
        StudyCommand::Adopt(arguments) => crate::adopting::run(global, arguments),
    }
}

pub(crate) fn user(global: &Global, command: &UserCommand) -> Result<Outcome, Failure> {
    const SHOWN: &[&str] = &["name", "kind", "id", "disabled"];
    const LINK: &[&str] = &["name", "issuer", "subject", "linked"];
    match command {
        UserCommand::Add { name, kind, organisation, format } => {
            let kind = kind.unwrap_or(PrincipalKind::Person);
            let request = Request::UserAdd { name: name.clone(), kind, organisation: organisation.clone() };
            tell(global, request, *format, SHOWN)
        }
        UserCommand::List { format } => tell(global, Request::UserList, *format, SHOWN),
        UserCommand::Disable { name, format } => {
            tell(global, Request::UserEnable { name: name.clone(), enabled: false }, *format, SHOWN)
        }
        UserCommand::Enable { name, format } => {
            tell(global, Request::UserEnable { name: name.clone(), enabled: true }, *format, SHOWN)
        }
        UserCommand::Link { name, issuer, subject, format } => {
            let (name, issuer, subject) = (name.clone(), issuer.clone(), subject.clone());
            tell(global, Request::UserLink { name, issuer, subject }, *format, LINK)
        }
        UserCommand::Unlink { issuer, subject, format } => {
            let request = Request::UserUnlink { issuer: issuer.clone(), subject: subject.clone() };
            tell(global, request, *format, LINK)
        }
        UserCommand::Links { name, format } => tell(global, Request::UserLinks { name: name.clone() }, *format, LINK),
        UserCommand::Unlock { name, format } => {
            tell(global, Request::UserUnlock { name: name.clone() }, *format, SHOWN)
        }
        UserCommand::ResetSecondFactor { name, format } => {
            tell(global, Request::UserResetSecondFactor { name: name.clone() }, *format, SHOWN)
        }
        UserCommand::Passkeys { name, remove: None, remove_all: false, format } => {
            const PASSKEY: &[&str] = &["id", "name", "created_at", "last_used_at"];
            tell(global, Request::UserPasskeys { name: name.clone() }, *format, PASSKEY)
        }
        UserCommand::Passkeys { name, remove, format, .. } => {
            let request = Request::UserPasskeysRemove { name: name.clone(), id: remove.clone() };
            tell(global, request, *format, &["name", "removed"])
        }
        UserCommand::Leaving { name, last_day, format, .. } => {
            let request = match name {
                Some(name) => Request::UserLeaving { name: name.clone(), last_day: last_day.clone() },
                None => Request::UsersLeaving,
            };
            tell(global, request, *format, &["name", "last_day", "source"])
        }
        UserCommand::Set { name, training_until, agreement_until, format } => {
            let request = Request::UserSet {
                name: name.clone(),
                training_until: training_until.as_deref().map(time).transpose()?,
                agreement_until: agreement_until.as_deref().map(time).transpose()?,
            };
            tell(global, request, *format, SHOWN)
        }
    }
}

pub(crate) fn grant(global: &Global, arguments: &GrantArgs) -> Result<Outcome, Failure> {
    let study = arguments.study.as_deref().map(str::parse).transpose();
    let study = study.map_err(|error: model::BadStudyId| Failure::usage(error.to_string()))?;
    let request = Request::Grant {
        name: arguments.name.clone(),
        study,
        role: arguments.role.clone(),
        actions: arguments.actions.clone(),
        labels: (!arguments.labels.is_empty()).then(|| arguments.labels.clone()),
        until: arguments.until.as_deref().map(time).transpose()?,
    };
    tell(global, request, arguments.format, &["grant", "principal", "study", "actions"])
}

pub(crate) fn revoke(global: &Global, arguments: &RevokeArgs) -> Result<Outcome, Failure> {
    tell(global, Request::Revoke { grant: arguments.grant }, arguments.format, &["grant", "state"])
}

pub(crate) fn access_key(global: &Global, command: &AccessKeyCommand) -> Result<Outcome, Failure> {
    match command {
        AccessKeyCommand::Create { name, until, format } => {
            let until = until.as_deref().map(time).transpose()?;
            let request = Request::AccessKeyCreate { name: name.clone(), until };
            tell(global, request, *format, &["access_key_id", "secret_access_key"])
        }
        AccessKeyCommand::Revoke { id, format } => {
            tell(global, Request::AccessKeyRevoke { id: id.clone() }, *format, &["access_key_id", "state"])
        }
    }
}

pub(crate) fn scim_token(global: &Global, command: &ScimTokenCommand) -> Result<Outcome, Failure> {
    match command {
        ScimTokenCommand::Create { name, issuer, format } => {
            let request = Request::ScimTokenCreate { name: name.clone(), issuer: issuer.clone() };
            tell(global, request, *format, &["id", "name", "token"])
        }
        ScimTokenCommand::List { format } => {
            tell(global, Request::ScimTokenList, *format, &["id", "name", "state", "last_used_at"])
        }
        ScimTokenCommand::Revoke { id, format } => {
            tell(global, Request::ScimTokenRevoke { id: id.clone() }, *format, &["id", "state"])
        }
    }
}

pub(crate) fn intake(global: &Global, IntakeCommand::Token(command): &IntakeCommand) -> Result<Outcome, Failure> {
    match command {
        IntakeTokenCommand::Create { name, format } => {
            tell(global, Request::IntakeTokenCreate { name: name.clone() }, *format, &["name", "token"])
        }
        IntakeTokenCommand::List { format } => {
            tell(global, Request::IntakeTokenList, *format, &["name", "state", "created_at"])
        }
        IntakeTokenCommand::Revoke { name, format } => {
            tell(global, Request::IntakeTokenRevoke { name: name.clone() }, *format, &["name", "state"])
        }
    }
}

pub(crate) fn quarantine(global: &Global, command: &QuarantineCommand) -> Result<Outcome, Failure> {
    let settle = |version: &str, reason: &String, release: bool| {
        let version = version.parse().map_err(|error: model::BadId| Failure::usage(error.to_string()))?;
        Ok(Request::QuarantineSettle { version, release, reason: reason.clone() })
    };
    match command {
        QuarantineCommand::List { format } => {
            tell(global, Request::QuarantineList, *format, &["version", "study", "name", "bytes", "labels"])
        }
        QuarantineCommand::Release { id, reason, format } => {
            tell(global, settle(id, reason, true)?, *format, &["version", "state"])
        }
        QuarantineCommand::Refuse { id, reason, format } => {
            tell(global, settle(id, reason, false)?, *format, &["version", "state"])
        }
    }
}

pub(crate) fn objects(global: &Global, command: &ObjectsCommand) -> Result<Outcome, Failure> {
    match command {
        ObjectsCommand::Sweep { older_than, format } => {
            let request = Request::ObjectsSweep { older_than_s: age(older_than)? };
            tell(global, request, *format, &["seen", "removed", "young"])
        }
    }
}

/// An age such as `24h` or `7d`, in seconds.
fn age(text: &str) -> Result<u64, Failure> {
    let wrong = || Failure::usage(format!("`{text}` is no age; give hours or days such as `24h` or `7d`"));
    let (number, seconds) = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(number), _) => (number, 60 * 60),
        (_, Some(number)) => (number, 24 * 60 * 60),
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).ok_or_else(wrong)
}

pub(crate) fn keys(global: &Global, command: &KeysCommand) -> Result<Outcome, Failure> {
    match command {
        KeysCommand::List { format } => tell(
            global,
            Request::KeysList,
            *format,
            &["name", "kind", "version", "children", "created_at", "destroyed_at"],
        ),
        KeysCommand::Rotate { key, format } => {
            tell(global, Request::KeysRotate { key: key.clone() }, *format, &["key", "rewrapped"])
        }
        KeysCommand::Shred { scope, yes, format } => {
            if !yes {
                return Err(Failure::usage(format!("shredding `{scope}` cannot be undone"))
                    .hint("say `--yes` to destroy the key and with it everything that it sealed"));
            }
            tell(global, Request::KeysShred { scope: scope.clone() }, *format, &[])
        }
        KeysCommand::Hold { scope, reference, format } => {
            let request = Request::KeysHold { scope: scope.clone(), reference: reference.clone(), on: true };
            tell(global, request, *format, &["scope", "reference", "held"])
        }
        KeysCommand::ReleaseHold { scope, reference, format } => {
            let request = Request::KeysHold { scope: scope.clone(), reference: reference.clone(), on: false };
            tell(global, request, *format, &["scope", "reference", "held"])
        }
    }
}

/// Checks the record offline, as `lazaret-verify` does.
pub(crate) fn verify(global: &Global, arguments: &VerifyArgs) -> ExitCode {
    let request = verify::command::Request {
        ledger: arguments.ledger.clone().unwrap_or_else(|| global.data_dir.join(guard::LEDGER)),
        checkpoint: arguments.checkpoint.clone(),
        key: arguments.key.clone(),
        json: arguments.format == ListFormat::Json,
    };
    let (mut out, mut complaints) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(verify::command::run(&request, &mut out, &mut complaints))
}

/// A time as people give it: a day, which ends with it, or an instant with offset.
pub(crate) fn time(text: &str) -> Result<i64, Failure> {
    let instant: Result<jiff::Timestamp, _> = text.parse();
    if let Ok(instant) = instant {
        return Ok(instant.as_millisecond());
    }
    let day: Result<jiff::civil::Date, _> = text.parse();
    let end = day.ok().and_then(|day| day.tomorrow().ok()).and_then(|next| next.in_tz("UTC").ok());
    let end = end.map(|end| end.timestamp().as_millisecond());
    end.ok_or_else(|| {
        Failure::usage(format!(
            "`{text}` is no time; give a day such as `2027-03-31` or an instant such as \
                                `2027-03-31T12:00:00Z`"
        ))
    })
}

/// Has `request` done and prints what came of it.
pub(crate) fn tell(global: &Global, request: Request, format: ListFormat, shown: &[&str]) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    crate::clocks::put_in_force(global, &config)?;
    let answer = runtime()?.block_on(done(global, &config, request))?;
    let lines: Vec<String> = match format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text => answer.iter().map(|value| line(value, shown)).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

/// A character that moves no cursor and colours nothing: what stands in a record may have been written to deceive.
pub(crate) fn visible(character: char) -> char {
    if character.is_control() { '\u{fffd}' } else { character }
}

fn line(value: &Value, shown: &[&str]) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => text.chars().map(visible).collect(),
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(","),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    if shown.is_empty() {
        return serde_json::to_string_pretty(value).unwrap_or_default();
    }
    shown.iter().filter_map(|name| value.get(name)).map(word).collect::<Vec<_>>().join("  ")
}

pub(crate) async fn done(global: &Global, config: &Config, request: Request) -> Result<Vec<Value>, Failure> {
    let counter = Counter::new(global, config, false);
    let answer = counter.obey(request).await;
    counter.close().await;
    answer
}

/// Where an operator is served: by a running server, or over the data folder itself where none runs.
pub(crate) struct Counter {
    global: Global,
    config: Config,
    /// Whether what is stored has to be inspected.
    inspects: bool,
    own: OnceCell<(Data, Guarded)>,
}

impl Counter {
    /// Opens nothing yet.
    pub(crate) fn new(global: &Global, config: &Config, inspects: bool) -> Self {
        Self { global: global.clone(), config: config.clone(), inspects, own: OnceCell::new() }
    }

    /// Has a request done.
    pub(crate) async fn obey(&self, request: Request) -> Result<Vec<Value>, Failure> {
        if self.own.get().is_none() {
            let asked = guard::ask(&self.global.data_dir, &request).await;
            match asked.map_err(|error| Failure::failed("socket", error))? {
                Some(Answer::Done(values)) => return Ok(values),
                Some(Answer::Failed(why)) => return Err(Failure::failed("refused", anyhow::anyhow!(why))),
                None => {}
            }
        }
        let (_, guarded) = self.own.get_or_try_init(|| self.open()).await?;
        let operator = Operator { user: guard::own_name(), through: "cli" };
        let answer = guarded.obey(&operator, request).await;
        answer.map_err(|error| Failure::failed("refused", anyhow::anyhow!(guard::whole(&error))))
    }

    async fn open(&self) -> Result<(Data, Guarded), Failure> {
        create_private(&self.global.data_dir)?;
        let data = Data::open(&self.global, &self.config).await?;
        let scanner = match self.inspects && !self.config.guard.inspection_off {
            true => Some(crate::up::desk(&self.global, &self.config, &data)?.scanner().clone()),
            false => None,
        };
        let guarded = open(&self.global, &self.config, data.catalogue.store().clone(), scanner, "cli").await?;
        Ok((data, guarded))
    }

    /// Closes what was opened.
    pub(crate) async fn close(&self) {
        if let Some((data, guarded)) = self.own.get() {
            guarded.close().await;
            data.catalogue.store().close().await;
        }
    }
}

/// Opens the guard of a data folder; warnings go to the log.
pub(crate) async fn open(
    global: &Global,
    config: &Config,
    store: Store,
    scanner: Option<landscape::scan::Scanner>,
    through: &'static str,
) -> Result<Guarded, Failure> {
    let origin = config.guard.origin.clone().unwrap_or_else(|| ORIGIN.to_owned());
    let (root_key, federation) = (root_key(config)?, config.federation()?);
    let sender = config.sender(global.config.as_deref())?;
    let (data_dir, limits) = (global.data_dir.clone(), config.guard.limits());
    let opening = Opening { data_dir, store, scanner, root_key, origin, limits, federation, through };
    let guarded = Guarded::open(opening).await.map_err(|error| {
        Failure::failed("guard", anyhow::anyhow!(guard::whole(&error)))
            .hint("one program at a time opens a data folder; a running `lazaret up` answers commands itself")
    })?;
    if let Some(sender) = sender {
        guarded.mails_by(sender);
    }
    for warning in &guarded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(guarded)
}

pub(crate) fn root_key(config: &Config) -> Result<RootKeyAt, Failure> {
    let secret = |variable: &str| {
        std::env::var(variable).ok().filter(|text| !text.is_empty()).ok_or_else(|| {
            Failure::usage(format!("`{variable}` is not set, which the root key needs"))
                .hint("set it in the environment of the server")
        })
    };
    match &config.guard.root_key {
        None => Ok(match std::env::var("LAZARET_PASSPHRASE") {
            Ok(words) if !words.is_empty() => RootKeyAt::Sealed(Passphrase::new(words)),
            _ => RootKeyAt::File,
        }),
        Some(RootKey::Pkcs11 { module, token, label }) => Ok(RootKeyAt::Pkcs11(Pkcs11Settings {
            module: module.clone(),
            token: token.clone(),
            pin: Passphrase::new(secret("LAZARET_PKCS11_PIN")?),
            key: label.clone().unwrap_or_else(|| "lazaret".to_owned()),
        })),
        Some(RootKey::Transit { address, mount, key, namespace }) => Ok(RootKeyAt::Transit(TransitSettings {
            address: address.clone(),
            mount: mount.clone().unwrap_or_else(|| "transit".to_owned()),
            key: key.clone(),
            token: Passphrase::new(secret("LAZARET_TRANSIT_TOKEN")?),
            namespace: namespace.clone(),
        })),
    }
}

/// Where the root key lies, in words.
pub(crate) fn root_key_place(config: &Config, data_dir: &std::path::Path) -> String {
    match &config.guard.root_key {
        None => format!("the file {}", data_dir.join(guard::KEYS).join("root.json").display()),
        Some(RootKey::Pkcs11 { token, .. }) => format!("the token {token} (PKCS#11)"),
        Some(RootKey::Transit { address, .. }) => format!("the key management service at {address}"),
    }
}

/// Tells where S3 is.
pub(crate) fn tell_s3(address: std::net::SocketAddr, is_encrypted: bool) -> Result<(), Failure> {
    let scheme = if is_encrypted { "https" } else { "http" };
    let mut out = std::io::stdout().lock();
    match writeln!(out, "S3 is at {scheme}://{address}/ (`lazaret access-key create NAME` makes a key)") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed("output", error)),
        _ => Ok(()),
    }
}
