//! `bench policy`: decisions over 10,000 studies and 100,000 principals, and access keys looked up.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use identity::Identity;
use model::{
    Action, Answer, Envelope, EnvelopeError, Event, Label, PrincipalId, PrincipalKind, Receipt, Record, RecordError,
    Scope, StudyId,
};
use policy::{Access, Circumstances, Thing};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use store::principals::Principal;
use store::{Insert, Store};

use crate::cost::{Cost, measure};
use crate::table::{self, Line, Style};

const STUDIES: u32 = 10_000;
const PRINCIPALS: u32 = 100_000;
const GRANTS_EACH: u32 = 3;
const KEYS: u32 = 1_000;
const QUESTIONS: usize = 200_000;
const LOOKUPS: usize = 200_000;
/// What is promised of the slowest of a hundred decisions, in microseconds.
const DECISION_P99_US: f64 = 100.0;
/// What is promised of looking up an access key that was used before, in microseconds.
const RESOLVE_P99_US: f64 = 100.0;

pub fn run(arguments: &[String]) -> Result<()> {
    let style = match arguments {
        [] => Style::Text,
        [option, value] if option == "--format" && value == "text" => Style::Text,
        [option, value] if option == "--format" && value == "json" => Style::Json,
        _ => bail!("`bench policy` takes `--format text|json` alone"),
    };
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let store = runtime.block_on(Store::sqlite(&folder.path().join("lazaret.db")))?;
    let grants = runtime.block_on(fill(&store))?;
    let (access, opened) =
        measure(|| Ok(runtime.block_on(Access::open(store.clone(), Arc::new(Nothing), Arc::new(Nothing), 0))?))?;
    table::head(style)?;
    let size = format!("{STUDIES} studies, {PRINCIPALS} principals, {} grants", PRINCIPALS * GRANTS_EACH);
    table::line(style, &line("policy-open", opened.cpu_seconds * 1000.0, "ms", None, &opened, &size))?;
    let (times, cost) = measure(|| Ok(decisions(&access, &grants)))?;
    told(style, "policy-decision", times, Some(DECISION_P99_US), &cost, &size)?;
    let (cold, hot) = keys(&runtime, &store)?;
    told(style, "access-key-first", cold.0, None, &cold.1, "from the store, opened")?;
    told(style, "access-key", hot.0, Some(RESOLVE_P99_US), &hot.1, &format!("{KEYS} keys in use"))
}

fn told(style: Style, name: &str, mut times: Vec<f64>, target: Option<f64>, cost: &Cost, note: &str) -> Result<()> {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    table::line(style, &line(&format!("{name}-p50"), at(50), "µs", None, cost, note))?;
    table::line(style, &line(&format!("{name}-p99"), at(99), "µs", target, cost, note))
}

fn line(name: &str, value: f64, unit: &'static str, target: Option<f64>, cost: &Cost, note: &str) -> Line {
    let (cpu_seconds, peak_bytes) = (cost.cpu_seconds, cost.peak_bytes);
    Line { name: name.to_owned(), value, unit, target, cpu_seconds, peak_bytes, note: note.to_owned() }
}

fn id(number: u32) -> PrincipalId {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    PrincipalId::from_bytes(bytes)
}

fn study(number: u32) -> String {
    format!("study-{number:05}")
}

fn principal(number: u32) -> Principal {
    let kinds = PrincipalKind::ALL;
    Principal {
        id: id(number),
        kind: kinds.get(number as usize % kinds.len()).copied().unwrap_or(PrincipalKind::Person),
        name: format!("principal {number}"),
        user_id: None,
        organisation: None,
        training_until: (!number.is_multiple_of(7)).then_some(i64::MAX),
        agreement_until: (!number.is_multiple_of(11)).then_some(i64::MAX),
        contained_at: None,
        created_at: 0,
        disabled_at: None,
    }
}

/// Writes the organisation; which principal has a grant in which study.
async fn fill(store: &Store) -> Result<Vec<(u32, u32)>> {
    let mut random = StdRng::seed_from_u64(7);
    let mut transaction = store.begin().await?;
    let mut studies = Insert::into("studies", &["id", "title", "countries", "created_at"]);
    for number in 0..STUDIES {
        studies.row([study(number).into(), "A study".into(), "DE FR".into(), 0_i64.into()]);
    }
    studies.run(&mut transaction).await?;
    let columns = &["id", "kind", "name", "training_until", "agreement_until", "created_at"];
    let mut principals = Insert::into("principals", columns);
    for one in (0..PRINCIPALS).map(principal) {
        let (training, agreement) = (one.training_until.into(), one.agreement_until.into());
        principals.row([one.id.into(), one.kind.as_str().into(), one.name.into(), training, agreement, 0_i64.into()]);
    }
    principals.run(&mut transaction).await?;
    let columns =
        &["id", "principal", "study", "role", "actions", "state", "requested_by", "requested_at", "valid_from"];
    let mut grants = Insert::into("grants", columns);
    let mut given = Vec::new();
    for number in 0..PRINCIPALS * GRANTS_EACH {
        let (who, place) = (number / GRANTS_EACH, random.random_range(0..STUDIES));
        let role = policy::roles().get(random.random_range(0..policy::roles().len())).context("a role")?;
        let actions: Vec<&str> = role.actions.iter().map(|action| action.as_str()).collect();
        grants.row([
            (number + 1).into(),
            id(who).into(),
            study(place).into(),
            role.id.as_str().into(),
            actions.join(" ").into(),
            "active".into(),
            id(who).into(),
            0_i64.into(),
            0_i64.into(),
        ]);
        given.push((who, place));
    }
    grants.run(&mut transaction).await?;
    transaction.commit().await?;
    Ok(given)
}

/// Microseconds of each decision: two of three where there is a grant, one of three anywhere.
fn decisions(access: &Access, grants: &[(u32, u32)]) -> Vec<f64> {
    let mut random = StdRng::seed_from_u64(8);
    let here = Circumstances { now_ms: 1, mfa: true, destination: Some("DE".to_owned()), ..Circumstances::default() };
    let mut times = Vec::with_capacity(QUESTIONS);
    for number in 0..QUESTIONS {
        let (who, place) = grants.get(random.random_range(0..grants.len())).copied().unwrap_or_default();
        let place = if number.is_multiple_of(3) { random.random_range(0..STUDIES) } else { place };
        let (who, Ok(place)) = (principal(who), study(place).parse::<StudyId>()) else { continue };
        let action = Action::ALL.get(random.random_range(0..Action::ALL.len())).copied().unwrap_or(Action::Read);
        let first = random.random_range(0..Label::ALL.len() - 3);
        let labels = Label::ALL.get(first..first + 3).unwrap_or_default();
        let begun = Instant::now();
        let decision = access.decide(&who, action, Some(&place), Some(Thing { id: None, labels }), &here);
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        std::hint::black_box(decision);
    }
    times
}

type Times = (Vec<f64>, Cost);

/// Microseconds of looking up each access key for the first time, and then again and again.
fn keys(runtime: &tokio::runtime::Runtime, store: &Store) -> Result<(Times, Times)> {
    let mut random = StdRng::seed_from_u64(9);
    let bytes = Arc::new(|| Ok(StdRng::from_os_rng().random::<[u8; 32]>()));
    let identity = Identity::new(store.clone(), Arc::new(Nothing), Arc::new(Nothing), bytes);
    let actor = model::event::Actor { id: id(0), kind: PrincipalKind::Person, credential: None };
    let by = model::By { actor, origin: model::event::Origin::default(), now_ms: 1 };
    let mut ids = Vec::new();
    for number in 0..KEYS {
        ids.push(runtime.block_on(identity.create_key(id(number), None, &by))?.id);
    }
    let look_up = |key: &String| -> Result<f64> {
        let begun = Instant::now();
        runtime.block_on(identity.resolve(key, None, 2))?.context("a key is not found")?;
        Ok(begun.elapsed().as_secs_f64() * 1e6)
    };
    let cold = measure(|| ids.iter().map(look_up).collect::<Result<Vec<f64>>>())?;
    let drawn: Vec<&String> = (0..LOOKUPS).filter_map(|_| ids.get(random.random_range(0..ids.len()))).collect();
    let hot = measure(|| drawn.into_iter().map(look_up).collect::<Result<Vec<f64>>>())?;
    Ok((cold, hot))
}

/// Keeps nothing and hides nothing: what is measured is what comes before and after.
struct Nothing;

impl Record for Nothing {
    fn record(&self, _: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async { Ok(Receipt { index: 0 }) })
    }
}

impl Envelope for Nothing {
    fn seal<'a>(&'a self, _: &'a Scope, _: &'a [u8], plain: &'a [u8]) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async { Ok(plain.to_vec()) })
    }

    fn open<'a>(&'a self, _: &'a Scope, _: &'a [u8], sealed: &'a [u8]) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async { Ok(sealed.to_vec()) })
    }
}
