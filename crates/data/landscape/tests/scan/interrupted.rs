//! Scans that are killed: what was written is whole, and the next scan goes on from there.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use landscape::Catalogue;
use landscape::report::ObjectReport;
use landscape::scan::{BatchLimits, ScanHandle, ScanOptions, Scanner, State};
use landscape::sources::SourceSpec;
use store::Store;

use crate::world::{World, child, clock, inspector, objects, table_of, until, variable};

const FILES: usize = 120;

fn small_batches(options: ScanOptions) -> ScanOptions {
    ScanOptions { batch: BatchLimits { objects_max: 7, ..BatchLimits::default() }, jobs: 2, ..options }
}

fn fill(world: &World) {
    for number in 0..u32::try_from(FILES).unwrap() {
        world.write(&format!("{}/{number}.csv", number % 5), table_of(number * 10..number * 10 + 20));
    }
}

/// What every whole catalogue of these files holds.
async fn assert_whole(catalogue: &Catalogue) {
    let totals = catalogue.totals().await.unwrap();
    assert_eq!((totals.all.objects, totals.gone), (FILES as u64, 0));
    assert_eq!(totals.people.total.people, FILES as u64 * 10 + 10, "neighbouring files share ten people");
    assert_eq!(objects(catalogue).await.len(), FILES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_dropped_between_batches_is_taken_up() {
    let mut world = World::new().await;
    world.options = small_batches(world.options.clone());
    fill(&world);
    let written = AtomicUsize::new(0);
    let each = &mut |_: &ObjectReport| {
        written.fetch_add(1, Ordering::Relaxed);
    };
    let (scanner, source, handle) = (world.scanner(), world.source(), ScanHandle::new(0));
    tokio::select! {
        _ = scanner.run(&source, &handle, Some(each)) => panic!("it was to be dropped"),
        () = until("two batches", || async { written.load(Ordering::Relaxed) >= 14 }) => {}
    }
    let before = written.load(Ordering::Relaxed);
    let run = world.catalogue.scans(None, 1).await.unwrap().remove(0);
    assert_eq!((run.state.as_str(), run.resumed), ("running", 0));
    // Another process, as after a kill.
    let other = Arc::new(Catalogue::new(Store::sqlite(&world.database).await.unwrap()));
    let scanner = Scanner::new(Arc::clone(&other), inspector(), world.options.clone());
    let mut again = 0;
    let each = &mut |_: &ObjectReport| again += 1;
    let outcome = scanner.run(&source, &ScanHandle::new(0), Some(each)).await.unwrap();
    assert_eq!((outcome.scan_id, outcome.state), (run.id, State::Done), "the same run");
    assert_eq!(outcome.progress.inspected, FILES as u64, "counted as if it had never been interrupted");
    assert_eq!(outcome.progress.unchanged, 0);
    // What was told is kept; of the batch that was being committed, nothing was told yet, and it may be kept too.
    assert!(again <= FILES - 14 && again + before + 7 >= FILES, "{before} before and {again} after");
    assert_whole(&other).await;
    let row = other.scans(None, 1).await.unwrap().remove(0);
    assert_eq!((row.state.as_str(), row.resumed, row.progress.inspected), ("done", 1, FILES as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_leaves_a_whole_catalogue() {
    let world = World::new().await;
    fill(&world);
    let (folder, database) = (world.folder.path().to_str().unwrap(), world.database.to_str().unwrap());
    for round in 0..3 {
        let variables = [("LAZARET_TEST_FOLDER", folder), ("LAZARET_TEST_DATABASE", database)];
        let mut process = child("interrupted::scan_to_be_killed", &variables).spawn().unwrap();
        let present = objects(&world.catalogue).await.len();
        until("another batch", || async { objects(&world.catalogue).await.len() > present + 5 * round }).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let people = world.catalogue.people().await.unwrap().total.people;
        let objects = objects(&world.catalogue).await.len() as u64;
        assert!(people >= objects * 10 && people <= objects * 20, "{people} people in {objects} objects");
    }
    let outcome = world.scan().await;
    assert_eq!(outcome.progress.inspected, FILES as u64);
    let run = world.catalogue.scans(None, 10).await.unwrap();
    assert_eq!((run.len(), run[0].state.as_str(), run[0].resumed), (1, "done", 3));
    assert_whole(&world.catalogue).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of another test"]
async fn scan_to_be_killed() {
    let (Some(folder), Some(database)) = (variable("LAZARET_TEST_FOLDER"), variable("LAZARET_TEST_DATABASE")) else {
        return;
    };
    let store = Store::sqlite(&PathBuf::from(database)).await.unwrap();
    let scanner = Scanner::new(
        Arc::new(Catalogue::new(store)),
        inspector(),
        ScanOptions { jobs: 1, ..small_batches(ScanOptions::new(clock())) },
    );
    // Slow enough that nobody finishes before being killed.
    let each = &mut |_: &ObjectReport| std::thread::sleep(Duration::from_millis(50));
    scanner.run(&SourceSpec::Folder(folder.into()), &ScanHandle::new(0), Some(each)).await.unwrap();
}
