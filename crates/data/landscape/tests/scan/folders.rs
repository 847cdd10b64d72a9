//! Folders: what is found, what is left out, what is noticed the second time.

use std::time::Duration;

use landscape::scan::{Look, ScanHandle, State};
use landscape::sources::SourceSpec;

use crate::world::{World, problem, table_of};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_inspected_again() {
    let world = World::new().await;
    world.write("a/patients.csv", table_of(0..30));
    world.write("a/b/notes.txt", "nothing to see");
    world.write("readme.md", "# Hello");
    let first = world.scan().await;
    assert_eq!(first.state, State::Done);
    let counts = |outcome: &landscape::scan::ScanOutcome| {
        let p = &outcome.progress;
        (p.found, p.inspected, p.unchanged, p.gone)
    };
    assert_eq!(counts(&first), (3, 3, 0, 0));
    assert_eq!(first.progress.bytes_total, Some(first.progress.bytes));
    let objects = world.objects().await;
    assert_eq!(objects.keys().collect::<Vec<_>>(), ["a/b/notes.txt", "a/patients.csv", "readme.md"]);
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 30);
    let row = store::objects::by_path(world.catalogue.store(), first.source_id, "readme.md").await.unwrap().unwrap();
    assert_eq!(row.digest.as_deref(), Some(&blake3::hash(b"# Hello").as_bytes()[..]));

    assert_eq!(counts(&world.scan().await), (3, 0, 3, 0), "nothing changed");

    // As long as before, and even the time of writing is put back.
    let written = std::fs::metadata(world.path("readme.md")).unwrap().modified().unwrap();
    world.write("readme.md", "# Adieu");
    std::fs::File::options().write(true).open(world.path("readme.md")).unwrap().set_modified(written).unwrap();
    std::fs::rename(world.path("a/b"), world.path("a/c")).unwrap();
    let third = world.scan().await;
    assert_eq!(counts(&third), (3, 2, 1, 1), "rewritten, and under a new name");
    let row = store::objects::by_path(world.catalogue.store(), third.source_id, "readme.md").await.unwrap().unwrap();
    assert_eq!(row.version, 2);

    std::fs::remove_file(world.path("a/patients.csv")).unwrap();
    assert_eq!(counts(&world.scan().await), (2, 0, 2, 1));
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 0);
    world.write("a/patients.csv", table_of(0..30));
    assert_eq!(counts(&world.scan().await), (3, 1, 2, 0), "it is back");
    assert_eq!(world.catalogue.change_counts(0).await.unwrap().get("returned"), Some(&1));
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_inspected_when_asked_for() {
    let mut world = World::new().await;
    (0..40).for_each(|number| world.write(&format!("{number:02}.txt"), format!("text {number}")));
    let (_, names) = world.scan_reporting().await;
    assert!(names.is_sorted(), "in the order of names, though three threads worked: {names:?}");
    world.options.look = Look::Everything;
    let (outcome, names) = world.scan_reporting().await;
    assert_eq!((outcome.progress.inspected, outcome.progress.unchanged, names.len()), (40, 0, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_a_source_too() {
    let world = World::new().await;
    world.write("a/b.csv", table_of(0..3));
    world.write("a/other.csv", table_of(0..3));
    let source = SourceSpec::Folder(world.path("a/b.csv"));
    let outcome = world.scanner().run(&source, &ScanHandle::new(0), None).await.unwrap();
    assert_eq!(outcome.progress.found, 1);
    assert_eq!(world.objects().await.keys().collect::<Vec<_>>(), ["b.csv"]);
    assert_eq!(source.shown("b.csv"), world.path("a/b.csv").to_string_lossy());
    assert_eq!(source.shown("b.csv!x"), format!("{}!x", world.path("a/b.csv").display()));
    let again = world.scanner().run(&source, &ScanHandle::new(0), None).await.unwrap();
    assert_eq!(again.progress.unchanged, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_and_special_files_are_not_opened() {
    use std::os::unix::fs::symlink;
    let world = World::new().await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.txt"), "outside").unwrap();
    world.write("real/file.txt", "inside");
    symlink(outside.path(), world.path("out")).unwrap();
    symlink(outside.path().join("secret.txt"), world.path("real/out.txt")).unwrap();
    symlink(world.folder.path(), world.path("real/loop")).unwrap();
    symlink("file.txt", world.path("real/same.txt")).unwrap();
    symlink("nowhere", world.path("dangling")).unwrap();
    symlink("self", world.path("self")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.path("socket")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    let outcome = world.scan().await;
    let progress = &outcome.progress;
    assert_eq!(
        (progress.found, progress.inspected, progress.unreadable, progress.skipped),
        (9, 1, 0, 8),
        "{progress:?}"
    );
    let objects = world.objects().await;
    let names: Vec<_> = objects.keys().map(String::as_str).collect();
    assert_eq!(names, ["dangling", "out", "pipe", "real/file.txt", "real/out.txt", "self", "socket"]);
    for (name, expected) in [
        ("dangling", "leads nowhere"),
        ("self", "leads nowhere"),
        ("out", "a link out of this source"),
        ("real/out.txt", "a link out of this source"),
        ("pipe", "is a pipe"),
        ("socket", "is a socket"),
    ] {
        let message = problem(&world.catalogue, name).await;
        assert!(message.contains(expected), "{name}: {message}");
    }
    let again = world.scan().await.progress;
    assert_eq!((again.inspected, again.unchanged, again.skipped, again.gone), (0, 1, 8, 0));

    // A source given by a link is followed; that is what was asked for.
    let link = outside.path().join("link");
    symlink(world.path("real"), &link).unwrap();
    let through = world.scanner().run(&SourceSpec::Folder(link), &ScanHandle::new(0), None).await.unwrap();
    assert_eq!(through.progress.inspected, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_text_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let world = World::new().await;
    for name in [&b"caf\xE9.txt"[..], b"caf\xE8.txt", b"two\nlines.txt"] {
        std::fs::write(world.folder.path().join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let first = world.scan().await.progress;
    assert_eq!((first.found, first.inspected, first.unreadable), (3, 3, 0));
    let names: Vec<String> = world.objects().await.into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("caf\u{FFFD}.txt~")).count(), 2, "{names:?}");
    assert_eq!(world.scan().await.progress.unchanged, 3);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_too_long_is_one_clear_line() {
    let world = World::new().await;
    let long = |name: &str| (0..13).map(|_| name.repeat(200)).collect::<Vec<_>>().join("/");
    let (first, second) = (world.path(&long("a")), world.path(&long("b")));
    std::fs::create_dir_all(&first).unwrap();
    std::fs::create_dir_all(&second).unwrap();
    std::fs::write(second.join("deep.txt"), "deep").unwrap();
    std::fs::rename(world.path(&"b".repeat(200)), first.join("b")).unwrap();
    world.write("near.txt", "near");
    let outcome = world.scan().await;
    assert_eq!((outcome.state, outcome.progress.inspected, outcome.progress.unreadable), (State::Done, 1, 1));
    let objects = world.objects().await;
    let (name, _) = objects.iter().find(|(_, (state, _))| state == "unreadable").unwrap();
    assert!(name.len() <= 2_000);
    let message = problem(&world.catalogue, name).await;
    assert!(message.contains("cannot be looked at") || message.contains("cannot be listed"), "{message}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_an_unreadable_folder_is_not_called_gone() {
    use std::os::unix::fs::PermissionsExt;
    if crate::world::is_root() {
        eprintln!("skipped: this user may read every folder");
        return;
    }
    let world = World::new().await;
    world.write("closed/a.txt", "a");
    world.write("closed/deeper/b.txt", "b");
    world.write("open.txt", "c");
    world.scan().await;
    let mode = |mode| std::fs::set_permissions(world.path("closed"), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    let outcome = world.scan().await;
    mode(0o755);
    assert_eq!((outcome.progress.gone, outcome.progress.unreadable), (0, 1));
    assert!(problem(&world.catalogue, "closed").await.contains("cannot be listed"));
    let after = world.scan().await.progress;
    assert_eq!((after.unchanged, after.gone), (3, 1), "the line about the folder goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_folders_and_missing_ones() {
    let mut world = World::new().await;
    world.write("data/lazaret.db", "own");
    world.write("data/later.db", "own");
    world.write("else/file.txt", "x");
    world.options.excluded = vec![world.path("data/lazaret.db"), world.path("data/later.db"), world.path("else")];
    let outcome = world.scan().await;
    assert_eq!((outcome.progress.inspected, outcome.progress.skipped), (0, 3));
    let missing = SourceSpec::Folder(world.path("missing"));
    let handle = ScanHandle::new(0);
    let error = world.scanner().run(&missing, &handle, None).await.unwrap_err().to_string();
    assert!(error.contains("missing") && error.contains("check that it exists"), "{error}");
    assert!(handle.is_finished());
    // A source of the catalogue that is not there any more fails, and what was in it is not called gone.
    let source = world.source();
    world.options.excluded.clear();
    let whole = world.scan().await;
    let moved = world.folder.path().with_extension("moved");
    std::fs::rename(world.folder.path(), &moved).unwrap();
    let failed = world.scanner().run_known(whole.source_id, &source, &ScanHandle::new(0), None).await;
    std::fs::rename(&moved, world.folder.path()).unwrap();
    assert!(failed.is_err());
    assert_eq!(world.objects().await.len(), 3);
    let run = world.catalogue.scans(None, 1).await.unwrap().remove(0);
    assert_eq!(run.state, "failed");
    assert!(run.message.unwrap().contains("cannot be scanned"));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_folder_are_looked_at_alone() {
    let world = World::new().await;
    for path in ["a/1.txt", "a/2.txt", "a/deep/3.txt", "ab.txt", "b.txt"] {
        world.write(path, path);
    }
    let first = world.scan().await;
    std::fs::remove_dir_all(world.path("a")).unwrap();
    world.write("a", "now a file");
    world.write("b.txt", "changed as well, but nobody said so");
    world.write("c/new.txt", "new");
    let parts = ["a", "c", "../outside"].map(Into::into).to_vec();
    let handle = ScanHandle::new(0);
    let progress = world.scanner().rescan_parts(first.source_id, &world.source(), parts, &handle, None).await.unwrap();
    assert_eq!((progress.found, progress.inspected, progress.gone), (2, 2, 3), "{progress:?}");
    assert_eq!(world.objects().await.into_keys().collect::<Vec<_>>(), ["a", "ab.txt", "b.txt", "c/new.txt"]);
    assert_eq!(world.scan().await.progress.inspected, 1, "b.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_stops_in_the_middle_of_an_object() {
    let world = World::new().await;
    let line = "2026-03-01 the patient anna.example@example.org came at 10:30 and left again at 11:00 with 3 items\n";
    (0..4).for_each(|number| world.write(&format!("{number}.log"), line.repeat(400_000)));
    let handle = ScanHandle::new(0);
    let (scanner, source, own) = (world.scanner(), world.source(), std::sync::Arc::clone(&handle));
    let scan = tokio::spawn(async move { scanner.run(&source, &own, None).await });
    crate::world::until("reading", || async { handle.progress().bytes > 0 }).await;
    let progress = handle.progress();
    assert!(progress.state == State::Running && progress.current.is_some(), "{progress:?}");
    handle.cancel();
    let read = handle.progress().bytes;
    let outcome = tokio::time::timeout(Duration::from_secs(30), scan).await.unwrap().unwrap().unwrap();
    assert_eq!(outcome.state, State::Cancelled);
    // Time depends on what else the machine does; what is still done does not: each of three threads ends the stretch
    // it is at, which at 100 MB/s takes some hundredths of a second.
    let still_read = outcome.progress.bytes - read;
    assert!(still_read <= 3 * (4 << 20), "{still_read} bytes after the stop");
    let run = world.catalogue.scans(None, 1).await.unwrap().remove(0);
    assert_eq!(run.state, "cancelled");
    assert!(outcome.progress.inspected < 4);
}
