//! Tables of SQLite files and PostgreSQL servers.

use landscape::scan::{ScanHandle, ScanOutcome};
use landscape::sources::{SampleRule, SourceSpec};
use store::Store;

use crate::world::{World, problem};

async fn fill(store: &Store) {
    let patients = "CREATE TABLE patient (mrn TEXT, given_name TEXT, family_name TEXT, birth_date TEXT, email TEXT)";
    store.execute(patients, &[]).await.unwrap();
    store.execute("CREATE TABLE \"odd \"\"name\" (x INTEGER)", &[]).await.unwrap();
    store.execute("CREATE VIEW adults AS SELECT mrn, email FROM patient", &[]).await.unwrap();
    insert(store, 0..2_500).await;
}

async fn insert(store: &Store, numbers: std::ops::Range<u32>) {
    let rows: Vec<String> = numbers
        .map(|n| {
            format!("('{}','Anna{n}','Example','1961-02-{:02}','anna{n}@example.org')", 70_000_000 + n, 1 + n % 28)
        })
        .collect();
    let sql = format!("INSERT INTO patient VALUES {}", rows.join(","));
    store.execute(&sql, &[]).await.unwrap();
}

async fn scan(world: &World, source: &SourceSpec) -> ScanOutcome {
    world.scanner().run(source, &ScanHandle::new(0), None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_sqlite_file_are_objects() {
    let mut world = World::new().await;
    let path = world.path("edc.db");
    let database = Store::sqlite_unmigrated(&path).await.unwrap();
    fill(&database).await;
    database.close().await;
    let source: SourceSpec = format!("sqlite:{}", path.display()).parse().unwrap();
    let first = scan(&world, &source).await;
    assert_eq!((first.progress.found, first.progress.unreadable), (3, 0), "{:?}", first.progress);
    let objects = world.objects().await;
    let names: Vec<_> = objects.iter().map(|(name, (_, format))| (name.as_str(), format.as_str())).collect();
    assert_eq!(names, [("main.adults", "sqlite"), ("main.odd \"name", "sqlite"), ("main.patient", "sqlite")]);
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 2_500);
    let row = store::objects::by_path(world.catalogue.store(), first.source_id, "main.patient").await.unwrap().unwrap();
    let found = world.catalogue.object(row.id).await.unwrap().findings;
    let place = &found.samples.iter().find(|sample| sample.kind == "EMAIL").unwrap().place;
    assert_eq!(place, "patient.email[1]");
    assert!(scan(&world, &source).await.progress.unchanged >= 2);

    world.options.sample = SampleRule::Rows(100);
    let sampled = scan(&world, &source).await;
    assert_eq!(sampled.progress.unchanged, 0, "another sample is another look");
    let people = world.catalogue.people().await.unwrap().total.people;
    assert!((50..=200).contains(&people), "{people}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_postgres_server_are_objects() {
    let Some(url) = crate::engines::postgres_url() else { return };
    let world = World::new().await;
    let database = Store::postgres_unmigrated(&url).await.unwrap();
    fill(&database).await;
    let source: SourceSpec = format!("{url}&password=topsecret").parse().unwrap();
    let first = scan(&world, &source).await;
    assert_eq!((first.progress.found, first.progress.unreadable), (3, 0), "{:?}", first.progress);
    let names: Vec<_> = world.objects().await.into_iter().map(|(name, (_, format))| (name, format)).collect();
    assert_eq!(names[2], ("public.patient".to_owned(), "csv".to_owned()));
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 2_500);
    let row = world.catalogue.sources().await.unwrap().remove(0);
    assert_eq!(row.kind, "postgres");
    assert!(!row.location.contains("topsecret"), "{}", row.location);
    insert(&database, 2_500..2_600).await;
    database.execute("DROP TABLE \"odd \"\"name\" ", &[]).await.unwrap();
    // The server counts what was written when it has a moment.
    crate::world::until("the new rows", || async {
        scan(&world, &source).await;
        world.catalogue.people().await.unwrap().total.people == 2_600
    })
    .await;
    assert_eq!(world.objects().await.len(), 2);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_none_says_so() {
    let world = World::new().await;
    world.write(
        "no.db",
        "this is no database, whatever its name says; it is only some text of more than 100 bytes in all",
    );
    let source: SourceSpec = format!("sqlite:{}", world.path("no.db").display()).parse().unwrap();
    let error = world.scanner().run(&source, &ScanHandle::new(0), None).await.unwrap_err().to_string();
    assert!(error.contains("no.db"), "{error}");
    let refused: SourceSpec = "postgres://anna:topsecret@127.0.0.1:1/edc".parse().unwrap();
    let error = world.scanner().run(&refused, &ScanHandle::new(0), None).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && !error.contains("topsecret"), "{error}");
    assert_eq!(problem(&world.catalogue, "").await, "");
}
