//! `bench exposure`: whose data was exposed, over 10 million entries of the record, 100,000 objects and a million people: gathered from the
//! lake, looked up in the store, graded, and counted in the catalogue. `--lake DIR` takes a lake that `bench lake --keep DIR` made;
//! with `LAZARET_BENCH_STEPS` set it says when each step had ended.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use ::lake::{Snapshot, Wanted};
use anyhow::{Context as _, Result};
use incidents::exposure::{Category, Exposure, Tally};
use landscape::Catalogue;

use crate::cost::{Cost, measure};
use crate::lake::World;
use crate::table::{self, Line, Style};

/// People that the objects of the record are about.
const PEOPLE: u32 = 1_000_000;
/// What an answer may take.
const TARGET: Duration = Duration::from_secs(2);

pub fn run(arguments: &[String]) -> Result<()> {
    let value = |name: &str| arguments.iter().skip_while(|one| *one != name).nth(1);
    let made = tempfile::tempdir_in("target").context("run it from the repository")?;
    let folder = value("--lake").map_or_else(|| made.path().join("lake"), PathBuf::from);
    let style = Style::Text;
    table::head(style)?;
    if !folder.join(::lake::MANIFEST).exists() {
        crate::lake::fill(style, &folder, crate::lake::EVENTS)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let world = World::new();
    let catalogue = runtime.block_on(known(&made.path().join("lazaret.db"), &world))?;
    let one = world.principal(17).to_string();
    let questions = [
        ("one-actor-season", Wanted { principals: Some(HashSet::from([one])), ..Wanted::default() }),
        ("one-study-season", Wanted { studies: Some(HashSet::from(["onc-007".to_owned()])), ..Wanted::default() }),
        ("everybody-a-day", crate::lake::a_day()),
        ("everybody-season", Wanted { from_ms: Some(0), ..Wanted::default() }),
    ];
    for (name, wanted) in questions {
        let mut best: Option<(Exposure, Cost)> = None;
        for _ in 0..3 {
            let (exposure, cost) = measure(|| told(&folder, &wanted, &catalogue, &runtime))?;
            if best.as_ref().is_none_or(|(_, known)| cost.wall < known.wall) {
                best = Some((exposure, cost));
            }
        }
        let Some((exposure, cost)) = best else { continue };
        let people = exposure.figures.first().map_or(0, |figures| figures.subjects);
        let line = Line {
            name: name.to_owned(),
            value: cost.wall.as_secs_f64() * 1000.0,
            unit: "ms",
            target: Some(TARGET.as_secs_f64() * 1000.0),
            cpu_seconds: cost.cpu_seconds,
            peak_bytes: cost.peak_bytes,
            note: format!(
                "{} entries, {} objects, {people} people certainly",
                exposure.entries,
                exposure.objects.len()
            ),
        };
        table::line(style, &line)?;
    }
    Ok(())
}

/// What the store knows of the objects of the record: their versions, and who is in them.
async fn known(path: &std::path::Path, world: &World) -> Result<Catalogue> {
    let store = store::Store::sqlite(path).await?;
    let catalogue = Catalogue::new(store.clone());
    let paths: Vec<String> = world.objects().map(|(_, _, study, name)| format!("{study}/{name}")).collect();
    let objects = u32::try_from(paths.len())?;
    let path = |at: u32| paths.get(at as usize).cloned();
    crate::catalogue::populate_named(&catalogue, &[("guard", "guard")], (objects, PEOPLE), path).await?;
    let columns = &[
        "study",
        "name",
        "sequence",
        "version",
        "object",
        "unversioned",
        "marker",
        "latest",
        "state",
        "bytes",
        "etag",
        "modified_at",
        "created_by",
        "properties",
        "labels",
        "subjects",
        "tags",
        "legal_hold",
        "sealed",
    ];
    let all: Vec<_> = world.objects().zip(1_i64..).collect();
    let studies: std::collections::BTreeSet<&str> = all.iter().map(|((_, _, study, _), _)| study.as_str()).collect();
    for study in studies {
        let new = store::guarded::GuardedStudy {
            study: study.to_owned(),
            versioning: "on".to_owned(),
            settings: "{}".to_owned(),
            created_at: 1,
            created_by: [0; 16],
        };
        store::guarded::create(&store, &new).await?;
    }
    for some in all.chunks(10_000) {
        let mut insert = store::Insert::into("guarded_versions", columns);
        for ((object, version, study, name), sequence) in some {
            let id = |bytes: &[u8; 16]| bytes.as_slice().into();
            insert.row([
                study.as_str().into(),
                name.as_bytes().into(),
                (*sequence).into(),
                id(version.as_bytes()),
                id(object.as_bytes()),
                1_i64.into(),
                0_i64.into(),
                1_i64.into(),
                "visible".into(),
                25_000_000_i64.into(),
                "etag".into(),
                1_i64.into(),
                [0_u8; 16].as_slice().into(),
                "{}".into(),
                "phi-direct".into(),
                1_i64.into(),
                "{}".into(),
                0_i64.into(),
                [0_u8; 64].as_slice().into(),
            ]);
        }
        let mut transaction = store.begin().await?;
        insert.run(&mut transaction).await?;
        transaction.commit().await?;
    }
    // As in a server that has shown a page: everybody is known.
    catalogue.people().await?;
    Ok(catalogue)
}

fn told(
    folder: &std::path::Path,
    wanted: &Wanted,
    catalogue: &Catalogue,
    runtime: &tokio::runtime::Runtime,
) -> Result<Exposure> {
    let began = std::time::Instant::now();
    let step = |what: &str| {
        if std::env::var_os("LAZARET_BENCH_STEPS").is_some() {
            say(&format!("    {what}: {:.0} ms", began.elapsed().as_secs_f64() * 1e3));
        }
    };
    let snapshot = Snapshot::open(folder, crate::lake::key())?;
    let all = guard::gather(&snapshot, wanted)?;
    step("gathered");
    let names: HashSet<(&str, &str)> = all.names().collect();
    let places = runtime.block_on(guard::places(catalogue.store(), &names, &[]))?;
    step("placed");
    let mut tally = Tally::of(all, Vec::new(), |object, version| places.of(object, version));
    step("graded");
    let counted = runtime.block_on(guard::count(catalogue, &mut tally))?;
    step("counted");
    let exposure = tally.counted(&counted, &Category::shipped()?);
    step("told");
    Ok(exposure)
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}
