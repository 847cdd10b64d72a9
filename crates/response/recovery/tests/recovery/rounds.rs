//! What is backed up comes back, again and again.

use recovery::{Keep, MARKER, RecoveryError, Target, Task, compare, is_unfinished};

use super::tree::{NOW_MS, PLACES, back_up, contents, repository, restore, write};

const DAY_MS: i64 = 24 * 60 * 60_000;

#[test]
fn what_is_backed_up_comes_back_with_its_root() {
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 30);
    let repository = repository(&folder.path().join("repository"));
    let made = back_up(&repository, &data, NOW_MS).unwrap();
    assert!(made.problems.is_empty(), "{:?}", made.problems);
    assert_eq!(made.files, 33);
    let restored = restore(&repository, "latest", &into).unwrap();
    assert_eq!(restored.root, made.root);
    assert_eq!((restored.files, restored.bytes), (made.files, made.bytes));
    assert_eq!(contents(&into), contents(&data));
    let (a, b) =
        (std::fs::metadata(data.join("words.txt")).unwrap(), std::fs::metadata(into.join("words.txt")).unwrap());
    assert_eq!(a.modified().unwrap(), b.modified().unwrap());
    assert_eq!(is_unfinished(&into), None);
    let checked = repository.check(true).unwrap();
    assert!(checked.holds, "{:?}", checked.faults);
}

#[test]
fn a_second_backup_reads_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 30);
    let repository = repository(&folder.path().join("repository"));
    let first = back_up(&repository, &data, NOW_MS).unwrap();
    assert_eq!(first.unchanged_files, 0);
    std::fs::write(data.join("words.txt"), b"other words").unwrap();
    std::fs::remove_file(data.join("nothing")).unwrap();
    let second = back_up(&repository, &data, NOW_MS + DAY_MS).unwrap();
    assert_eq!(second.unchanged_files, 31);
    assert!(second.added_bytes < 60_000, "{second:?}");
    assert_ne!(first.root, second.root);
    for (asked, root) in [(first.snapshot.as_str(), first.root), (&second.snapshot, second.root)] {
        let into = folder.path().join(asked);
        assert_eq!(restore(&repository, asked, &into).unwrap().root, root);
    }
    assert_eq!(contents(&folder.path().join(&second.snapshot)), contents(&data));
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 3);
    let repository = repository(&folder.path().join("repository"));
    back_up(&repository, &data, NOW_MS).unwrap();
    std::fs::create_dir(&into).unwrap();
    std::fs::write(into.join("mine"), b"keep me").unwrap();
    let refused = restore(&repository, "latest", &into).unwrap_err();
    assert!(matches!(refused, RecoveryError::NotEmpty { .. }), "{refused}");
    assert_eq!(std::fs::read(into.join("mine")).unwrap(), b"keep me");
}

#[test]
fn a_restore_goes_on_and_another_does_not_mix_in() {
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 10);
    let repository = repository(&folder.path().join("repository"));
    let first = back_up(&repository, &data, NOW_MS).unwrap();
    std::fs::write(data.join("words.txt"), b"other words").unwrap();
    let second = back_up(&repository, &data, NOW_MS + DAY_MS).unwrap();
    // As a kill leaves it: one file whole, one cut, the marker there.
    let opened = repository.open().unwrap();
    let target = Target::claim(&into, &first.snapshot).unwrap();
    let only = |path: &str| path.starts_with("data/objects/00/");
    let task = Task { snapshot: &first.snapshot, places: &PLACES, only: Some(&only), rank: &|_| 0 };
    let part = recovery::restore(&opened, &target, &task).unwrap();
    let cut = into.join("objects/00/0000");
    std::fs::File::options().write(true).open(&cut).unwrap().set_len(1).unwrap();
    drop(target);
    assert_eq!(is_unfinished(&into).as_deref(), Some(first.snapshot.as_str()));
    let refused = restore(&repository, &second.snapshot, &into).unwrap_err();
    assert!(matches!(refused, RecoveryError::OtherRestore { .. }), "{refused}");
    let restored = restore(&repository, &first.snapshot, &into).unwrap();
    assert_eq!(restored.kept_files, part.files - 1);
    assert_eq!(restored.root, first.root);
    assert!(!into.join(MARKER).exists());
}

#[test]
fn comparing_writes_nothing_and_finds_the_same_root() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 10);
    let repository = repository(&folder.path().join("repository"));
    let made = back_up(&repository, &data, NOW_MS).unwrap();
    let opened = repository.open().unwrap();
    let task = Task { snapshot: "latest", places: &PLACES, only: None, rank: &|_| 0 };
    assert_eq!(compare(&opened, &task).unwrap().root, made.root);
}

#[test]
fn keys_leave_the_repository_when_their_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    std::fs::create_dir(&data).unwrap();
    let repository = repository(&place);
    let mut blobs = Vec::new();
    for day in 0..12 {
        std::fs::write(data.join("keys.db"), format!("the keys of day {day} {}", "x".repeat(5_000))).unwrap();
        back_up(&repository, &data, NOW_MS + day * DAY_MS).unwrap();
        let expired = repository.expire(&Keep::Days(3), NOW_MS + day * DAY_MS).unwrap();
        assert_eq!(expired.kept, usize::try_from(day + 1).unwrap().min(4), "day {day}");
        let size: u64 = contents(&place.join("data")).iter().map(|(_, bytes)| bytes.len() as u64).sum();
        blobs.push(size);
    }
    assert!(blobs.iter().max().unwrap() < &40_000, "what is over stays in the repository: {blobs:?}");
    let left = repository.snapshots().unwrap();
    assert_eq!(left.len(), 4);
    restore(&repository, "latest", &folder.path().join("into")).unwrap();
    assert!(repository.check(true).unwrap().holds);
}

#[test]
fn snapshots_are_kept_by_grade() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 1);
    let repository = repository(&folder.path().join("repository"));
    for day in 0..20 {
        back_up(&repository, &data, NOW_MS + day * DAY_MS).unwrap();
    }
    let keep = Keep::Graded { last: 2, daily: 3, weekly: 2, monthly: 0, yearly: 0 };
    let expired = repository.expire(&keep, NOW_MS + 20 * DAY_MS).unwrap();
    assert!((3..=5).contains(&expired.kept), "{expired:?}");
    assert_eq!(repository.snapshots().unwrap().len(), expired.kept);
    restore(&repository, "latest", &folder.path().join("into")).unwrap();
}

#[test]
fn what_vanishes_or_shrinks_meanwhile_does_not_end_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 5);
    let repository = repository(&folder.path().join("repository"));
    let pieces = super::tree::pieces(&data);
    std::fs::remove_file(data.join("objects/00/0000")).unwrap();
    std::fs::write(data.join("words.txt"), b"short").unwrap();
    let made = recovery::make(&repository, pieces, serde_json::Value::Null, "test", NOW_MS).unwrap();
    assert_eq!(made.files, 6);
    assert_eq!(made.problems.len(), 1, "{:?}", made.problems);
    assert_eq!(made.problems[0].path, "data/words.txt");
    restore(&repository, "latest", &folder.path().join("into")).unwrap();
    assert!(repository.check(true).unwrap().holds);
}
