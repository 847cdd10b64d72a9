//! The made-up people, services and studies of `up --sample`, with grants, a request, an unused grant, and files that are
//! stored over S3 like anybody's. Everything goes the way that is recorded, once: where a study is there already, nothing is added.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use guard::{Guarded, Operator, OpsError};
use model::event::{Actor, Origin};
use model::{Action, By, Label, PrincipalKind, StudyId};
use object_store::ObjectStoreExt as _;
use object_store::aws::AmazonS3Builder;
use policy::{NewGrant, Rights};
use secrecy::ExposeSecret as _;
use store::principals::Principal;

use crate::data::now;
use crate::failure::Failure;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Files of a study that are stored.
const FILES_MAX: usize = 12;
/// Larger files are left out, in bytes.
const BYTES_MAX: u64 = 512 * 1024;

/// Studies, with the folder below `clinical/` whose files are stored.
const STUDIES: [(&str, &str); 3] = [
    ("aur-101", "AUR-101-lumen-oncology"),
    ("aur-202", "AUR-202-kestrel-rare-disease"),
    ("aur-303", "AUR-303-harbour-cardiology"),
];

/// Files below the organisation's folder that hold made-up credentials: who is no steward cannot just store them.
const CREDENTIALS: [&str; 2] = ["it/pipelines/loader.toml", "discovery/notebooks/dose-response.ipynb"];

/// Name, kind, organisation, and for how many days training and agreement still hold.
const PRINCIPALS: [(&str, PrincipalKind, Option<&str>, i64, i64); 7] = [
    ("mira.sample", PrincipalKind::Person, None, 300, 0),
    ("otto.sample", PrincipalKind::Person, None, -20, 0),
    ("yuki.sample", PrincipalKind::Person, None, 150, 0),
    ("cro.sample", PrincipalKind::Partner, Some("Example Trials (made up)"), 90, 200),
    ("sequencer.sample", PrincipalKind::Device, None, 0, 0),
    ("pipeline.sample", PrincipalKind::Service, None, 0, 0),
    ("assistant.sample", PrincipalKind::Agent, None, 60, 0),
];

/// Who, in which study, as what.
const GRANTS: [(&str, &str, &str); 8] = [
    ("mira.sample", "aur-101", "steward"),
    ("mira.sample", "aur-202", "steward"),
    ("mira.sample", "aur-303", "steward"),
    ("otto.sample", "aur-101", "contributor"),
    ("otto.sample", "aur-202", "blinded-reader"),
    ("cro.sample", "aur-101", "monitor"),
    ("sequencer.sample", "aur-202", "instrument"),
    ("pipeline.sample", "aur-202", "contributor"),
];

fn failed(error: &OpsError) -> Failure {
    Failure::failed("sample", anyhow::anyhow!(guard::whole(error)))
}

fn by(principal: &Principal) -> By {
    let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
    By { actor, origin: Origin { through: "cli".into(), ..Origin::default() }, now_ms: now() }
}

/// Fills the guard. `folder` holds the organisation's files; `s3` is where S3 is served in clear, if it is.
pub(super) async fn fill(guarded: &Guarded, folder: &Path, s3: Option<SocketAddr>) -> Result<(), Failure> {
    let operator = Operator { user: guard::own_name(), through: "cli" };
    let begun = begin(guarded, &operator).await.map_err(|error| failed(&error))?;
    if !begun {
        return Ok(());
    }
    if let Some(address) = s3 {
        store_files(guarded, &operator, folder, address).await?;
    }
    Ok(())
}

/// Creates what is missing; whether the studies are new.
async fn begin(guarded: &Guarded, operator: &Operator) -> Result<bool, OpsError> {
    let mut is_new = false;
    for (study, _) in STUDIES {
        let study: StudyId = study.parse().map_err(|error: model::BadStudyId| OpsError::Wrong(error.to_string()))?;
        if guarded.access.study(&study).is_none() {
            guarded.create_study(operator, &study).await?;
            is_new = true;
        }
        guarded.vault.study_key(&study).await?;
    }
    if !is_new {
        return Ok(false);
    }
    for (name, kind, organisation, training, agreement) in PRINCIPALS {
        if guarded.identity.by_name(name).await.is_ok() {
            continue;
        }
        guarded.add_user(operator, name, kind, organisation.map(str::to_owned)).await?;
        let until = |days: i64| (days != 0).then(|| now() + days * DAY_MS);
        guarded.set_attributes(operator, name, until(training), until(agreement)).await?;
    }
    for (name, study, role) in GRANTS {
        let rights = Rights::Role(role.to_owned());
        guarded.grant(operator, name, study.parse().ok(), rights, None, None).await?;
    }
    let labels = Some(vec![Label::TrialSubject, Label::PhiLimited, Label::Personal, Label::SpecialHealth]);
    let analyst = Rights::Role("analyst".to_owned());
    guarded
        .grant(operator, "assistant.sample", "aur-101".parse().ok(), analyst, labels, Some(now() + 45 * DAY_MS))
        .await?;
    let responder = Rights::Role("responder".to_owned());
    guarded.grant(operator, "otto.sample", "aur-303".parse().ok(), responder, None, None).await?;
    waiting(guarded).await?;
    Ok(true)
}

/// A grant that nobody uses, a request, and a grant that one person gave.
async fn waiting(guarded: &Guarded) -> Result<(), OpsError> {
    let mira = guarded.identity.by_name("mira.sample").await?;
    let otto = guarded.identity.by_name("otto.sample").await?;
    let yuki = guarded.identity.by_name("yuki.sample").await?;
    let new = |of: &Principal, study: &str, rights, from, until| NewGrant {
        principal: of.id,
        study: study.parse().ok(),
        rights,
        labels: None,
        from,
        until,
    };
    let contributor = Rights::Role("contributor".to_owned());
    let unused = new(&yuki, "aur-303", contributor, Some(now() - 200 * DAY_MS), None);
    guarded.access.give(unused, &by(&mira)).await?;
    let reader = new(&yuki, "aur-101", Rights::Role("reader".to_owned()), None, Some(now() + 30 * DAY_MS));
    let why = "made up: interim look at the adverse events of cohort B";
    guarded.access.request(reader, why, &by(&yuki)).await?;
    let export = new(&otto, "aur-202", Rights::Actions(vec![Action::Export]), None, Some(now() + 14 * DAY_MS));
    guarded.access.give(export, &by(&mira)).await?;
    Ok(())
}

/// Stores a few files of each study over S3, and as somebody else what ends in quarantine.
async fn store_files(
    guarded: &Guarded,
    operator: &Operator,
    folder: &Path,
    address: SocketAddr,
) -> Result<(), Failure> {
    for (study, below) in STUDIES {
        let base = folder.join("clinical").join(below);
        let paths = files(&base);
        store_as(guarded, operator, "mira.sample", (study, address), &base, paths).await?;
    }
    let paths = CREDENTIALS.iter().map(|path| folder.join(path)).collect();
    store_as(guarded, operator, "pipeline.sample", ("aur-202", address), folder, paths).await
}

/// Stores files under their names below `base`, with an access key of `name` that is revoked afterwards.
async fn store_as(
    guarded: &Guarded,
    operator: &Operator,
    name: &str,
    (study, address): (&str, SocketAddr),
    base: &Path,
    paths: Vec<PathBuf>,
) -> Result<(), Failure> {
    let principal = guarded.identity.by_name(name).await.map_err(|error| failed(&error.into()))?;
    let key = guarded.identity.create_key(principal.id, Some(now() + DAY_MS), &by(&principal)).await;
    let key = key.map_err(|error| failed(&error.into()))?;
    let client = AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(study)
        .with_access_key_id(&key.id)
        .with_secret_access_key(key.secret.expose_secret())
        .build()
        .map_err(|error| Failure::failed("sample", error))?;
    for path in paths {
        let Ok(bytes) = tokio::fs::read(&path).await else { continue };
        let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        // What a rule keeps back is in quarantine then, and told as an error.
        if let Err(error) = client.put(&name.as_str().into(), bytes.into()).await {
            tracing::debug!(%error, study, "a file of the sample was not let in");
        }
    }
    guarded.revoke_key(operator, &key.id).await.map_err(|error| failed(&error))?;
    Ok(())
}

/// A few small files below `folder`, from all its folders, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) if about.len() <= BYTES_MAX => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    let step = found.len().div_ceil(FILES_MAX).max(1);
    found.into_iter().step_by(step).collect()
}
