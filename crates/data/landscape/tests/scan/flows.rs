//! Objects that flow by instead of lying in a source.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use landscape::flow::{Flow, Flows, wants_seek};
use landscape::queries::Held;
use landscape::report::ObjectReport;
use landscape::subjects::Counts;
use model::{Jurisdiction, Label};

use crate::world::{World, objects};

const PATIENTS: &str = "PatientID,Name,BirthDate,Country,Diagnosis\n\
                        P-0001,Hannah Meyer,1961-04-12,DE,E11.9\n\
                        P-0002,Peter Brandt,1957-11-30,DE,I10\n";

async fn fed(flows: &std::sync::Arc<Flows>, name: &str, bytes: &[u8], piece: usize) -> Vec<ObjectReport> {
    let mut flow: Flow = flows.begin(name);
    for piece in bytes.chunks(piece) {
        flow.feed(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    assert_eq!(flow.bytes(), bytes.len() as u64);
    flow.finish().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flows_by_is_found_as_in_a_scan_and_kept() {
    let world = World::new().await;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    let reports = fed(&flows, "onc-1/people.csv", PATIENTS.as_bytes(), 11).await;
    assert_eq!(reports.len(), 1);
    assert!(reports[0].labels.contains(&Label::PhiDirect), "{:?}", reports[0].labels);
    assert_eq!(reports[0].jurisdictions.get(&Jurisdiction::country("DE")), Some(&2));
    assert!(objects(&world.catalogue).await.is_empty(), "nothing is kept before it is asked for");
    flows.keep("onc-1/people.csv", ("onc-1", [1; 16]), PATIENTS.len() as u64, reports).await.unwrap();
    assert_eq!(objects(&world.catalogue).await["onc-1/people.csv"].1, "csv");
    assert_eq!(world.catalogue.totals().await.unwrap().people.total.people, 2);
    flows.forget("onc-1/people.csv").await.unwrap();
    assert_eq!(world.catalogue.totals().await.unwrap().all.objects, 0);
    flows.forget("onc-1/people.csv").await.unwrap();
    flows.forget("onc-1/never-there").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_in_each_version_is_counted_also_of_many_that_come_together() {
    let world = World::new().await;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    let header = PATIENTS.lines().next().unwrap();
    let mut reports = Vec::new();
    for version in 1..=20_u8 {
        let row = |at: u8| format!("V-{version}-{at},Hannah Meyer-{version}-{at},1961-04-{:02},FR,E11.9\n", at + 1);
        let text = format!("{header}\n{}", (0..version).map(row).collect::<String>());
        reports.push((version, text.len() as u64, fed(&flows, "onc-1/people.csv", text.as_bytes(), 1_000).await));
    }
    let keeping = reports.into_iter().map(|(version, bytes, reports)| {
        let flows = std::sync::Arc::clone(&flows);
        tokio::spawn(async move { flows.keep("onc-1/people.csv", ("onc-1", [version; 16]), bytes, reports).await })
    });
    for one in keeping.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    for version in [1_u8, 7, 20] {
        let counts = by_label(&world.catalogue, &[[version; 16]]).await;
        let (all, health) = (&counts[""], &counts[Label::PhiDirect.as_str()]);
        assert_eq!(all.people, u64::from(version), "{counts:?}");
        assert_eq!(all.jurisdictions.get(&Jurisdiction::country("FR")), Some(&u64::from(version)));
        assert_eq!(health.people, u64::from(version));
    }
    let both = by_label(&world.catalogue, &[[3; 16], [4; 16], [3; 16]]).await;
    assert_eq!(both[""].people, 7, "nobody is counted twice");
    assert!(by_label(&world.catalogue, &[[99; 16]]).await.is_empty());
    let held = |versions: &[u8]| Held { objects: Vec::new(), versions: versions.iter().map(|at| [*at; 16]).collect() };
    let sets = [held(&[3]), held(&[3, 4]), held(&[3, 4]), held(&[7, 20])];
    let known = world.catalogue.read_held(&sets).await.unwrap();
    let counted = world.catalogue.count_held(&known, &sets).await.unwrap();
    assert_eq!(counted.iter().map(|counts| counts[""].people).collect::<Vec<_>>(), [3, 7, 7, 27], "set by set");
    // So many groups are shared out to two threads: each keeps its place.
    let many: Vec<Held> = (0..3_000_u32).map(|at| held(&[u8::try_from(at % 21).unwrap()])).collect();
    let places = world.catalogue.place_held(&known, &many).await.unwrap();
    let expected: Vec<(usize, u64)> =
        (0..3_000).filter(|at| [3, 4, 7, 20].contains(&(at % 21))).map(|at| (at, at as u64 % 21)).collect();
    assert_eq!(places[&Jurisdiction::country("FR")], expected);
}

async fn by_label(catalogue: &landscape::Catalogue, versions: &[[u8; 16]]) -> BTreeMap<String, Counts> {
    let held = [Held { objects: Vec::new(), versions: versions.to_vec() }];
    let known = catalogue.read_held(&held).await.unwrap();
    catalogue.count_held(&known, &held).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_seen_while_they_flow() {
    let world = World::new().await;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    let mut text = PATIENTS.to_owned();
    while text.len() < 3 << 20 {
        text.push_str("P-0001,Hannah Meyer,1961-04-12,DE,E11.9\n");
    }
    let reports = fed(&flows, "big.csv", text.as_bytes(), 64 << 10).await;
    assert_eq!(reports[0].bytes, text.len() as u64);
    assert_eq!(reports[0].subjects, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_flow_at_a_time_and_none_is_waited_for_in_vain() {
    let world = World::new().await;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    // More than there are places, all of them large enough to need one, and all given up half way.
    for _ in 0..100 {
        let mut flow = flows.begin("given-up.csv");
        flow.feed(Bytes::from(PATIENTS.repeat(9_000))).await.unwrap();
        drop(flow);
    }
    let all = (0..40).map(|number| {
        let flows = std::sync::Arc::clone(&flows);
        tokio::spawn(async move { fed(&flows, &format!("{number}.csv"), PATIENTS.as_bytes(), 1_000).await })
    });
    for one in all.collect::<Vec<_>>() {
        assert!(one.await.unwrap()[0].labels.contains(&Label::PhiDirect));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_random_access_says_so_and_is_read_from_where_it_lies() {
    let mut world = World::new().await;
    world.options.limits.whole_bytes_max = 100_000;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    let database = world.path("people.sqlite");
    let store = store::Store::sqlite_unmigrated(&database).await.unwrap();
    store.execute("CREATE TABLE people (name TEXT, birth_date TEXT, note TEXT)", &[]).await.unwrap();
    for row in 0..1_500 {
        let values = [format!("Hannah Meyer{row}").into(), "1961-04-12".into(), "x".repeat(1_000).into()];
        store.execute("INSERT INTO people VALUES ($1, $2, $3)", &values).await.unwrap();
    }
    store.close().await;
    let bytes = std::fs::read(&database).unwrap();
    let reports = fed(&flows, "people.sqlite", &bytes, 10_000).await;
    assert!(wants_seek(&reports), "{reports:?}");
    let file = Box::new(std::fs::File::open(&database).unwrap());
    let reports = flows.read("people.sqlite", file).await.unwrap();
    assert!(!wants_seek(&reports));
    assert!(reports.iter().any(|report| report.labels.contains(&Label::Personal) || report.subjects > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_are_opened_while_they_flow() {
    let world = World::new().await;
    let flows = Flows::open(&world.scanner(), "guard").await.unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(PATIENTS.as_bytes()).unwrap();
    let reports = fed(&flows, "people.csv.gz", &packed.finish().unwrap(), 50).await;
    assert!(reports.iter().any(|report| report.labels.contains(&Label::PhiDirect)), "{reports:?}");
}
