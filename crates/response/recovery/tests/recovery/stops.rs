//! Work that somebody stops: nothing is left half-way, and the same work goes on afterwards.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use recovery::{Progress, RecoveryError};

use super::tree::{NOW_MS, back_up, contents, repository, restore, write};

/// Stops work after a time.
fn after(milliseconds: u64) -> Progress {
    let progress = Progress::default();
    let stopped = progress.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(milliseconds));
        stopped.stop();
    });
    progress
}

#[test]
fn a_backup_that_is_stopped_leaves_no_snapshot_and_the_next_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 3, 40);
    // Long enough to be stopped on any machine: it takes no room, and hours to read.
    let long = data.join("long");
    std::fs::File::create(&long).unwrap().set_len(1 << 38).unwrap();
    let ours = repository(&place);
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..4 {
        let progress = after(random.random_range(0..1_500));
        let stopped = back_up(&ours.watched(&progress), &data, NOW_MS).unwrap_err();
        assert!(matches!(stopped, RecoveryError::Stopped { .. }), "{stopped}");
        if ours.is_there().unwrap() {
            assert_eq!(ours.snapshots().unwrap().len(), 0);
        }
    }
    std::fs::remove_file(&long).unwrap();
    let progress = Progress::default();
    let made = back_up(&ours.watched(&progress), &data, NOW_MS).unwrap();
    let stage = progress.stage();
    assert_eq!((stage.name, stage.done_bytes), ("storing files", stage.total_bytes));
    assert_eq!(stage.total_bytes, made.bytes);
    assert!(ours.check(true).unwrap().holds);
    let into = folder.path().join("into");
    assert_eq!(restore(&ours, "latest", &into).unwrap().root, made.root);
    assert_eq!(contents(&into), contents(&data));
}

#[test]
fn what_is_told_to_stop_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place, into) =
        (folder.path().join("data"), folder.path().join("repository"), folder.path().join("into"));
    write(&data, 4, 20);
    let ours = repository(&place);
    back_up(&ours, &data, NOW_MS).unwrap();
    let progress = Progress::default();
    progress.stop();
    let watched = ours.watched(&progress);
    assert!(matches!(watched.check(true).unwrap_err(), RecoveryError::Stopped { .. }));
    assert!(back_up(&watched, &data, NOW_MS + 1).is_err());
    assert!(restore(&watched, "latest", &into).is_err());
    assert_eq!(ours.snapshots().unwrap().len(), 1);
    assert!(ours.check(true).unwrap().holds);
}

#[test]
fn a_restore_that_is_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 5, 200);
    let ours = repository(&place);
    back_up(&ours, &data, NOW_MS).unwrap();
    let mut stopped = 0;
    for (round, milliseconds) in [1, 5, 20, 60, 150].into_iter().enumerate() {
        let into = folder.path().join(format!("into-{round}"));
        match restore(&ours.watched(&after(milliseconds)), "latest", &into) {
            // It was faster.
            Ok(_) => continue,
            Err(_) => stopped += 1,
        }
        let is_begun = into.exists() && std::fs::read_dir(&into).unwrap().next().is_some();
        assert!(!is_begun || recovery::is_unfinished(&into).is_some(), "a folder that is not whole says so");
        restore(&ours, "latest", &into).unwrap();
        assert_eq!(contents(&into), contents(&data));
    }
    assert!(stopped > 0, "none was stopped");
}
