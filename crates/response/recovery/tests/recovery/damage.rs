//! Damaged repositories, wrong passwords, full disks: nothing is lost, and the message says what to do.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use recovery::{Place, RecoveryError, Repository, Target};
use secrecy::SecretString;

use super::tree::{NOW_MS, back_up, contents, repository, restore, write};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    contents(folder).into_iter().map(|(path, _)| folder.join(path)).filter(|path| path.is_file()).collect()
}

#[test]
fn a_damaged_repository_is_told_and_never_restored_as_if_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (data, whole) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 12);
    back_up(&repository(&whole), &data, NOW_MS).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..40 {
        let damaged = folder.path().join(format!("damaged-{round}"));
        copy(&whole, &damaged);
        let all = files(&damaged);
        let victim = &all[random.random_range(0..all.len())];
        let mut bytes = std::fs::read(victim).unwrap();
        match round % 4 {
            0 => std::fs::remove_file(victim).unwrap(),
            1 => {
                bytes.truncate(bytes.len() / 2);
                std::fs::write(victim, &bytes).unwrap();
            }
            2 => std::fs::write(victim, b"").unwrap(),
            _ => {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1;
                std::fs::write(victim, &bytes).unwrap();
            }
        }
        let into = folder.path().join(format!("into-{round}"));
        let repository = repository(&damaged);
        // Either it does not matter to what was backed up, or it is an error with words; it is never another content.
        match restore(&repository, "latest", &into) {
            Ok(_) => assert_eq!(contents(&into), contents(&data)),
            Err(error) => {
                assert!(error.to_string().len() > 20, "{error}");
                if into.exists() && std::fs::read_dir(&into).unwrap().next().is_some() {
                    assert!(recovery::is_unfinished(&into).is_some(), "{error}");
                }
            }
        }
        let checked = repository.check(true);
        let is_noticed = checked.as_ref().map_or(true, |checked| !checked.holds);
        assert!(is_noticed, "round {round}: the damage of `{}` is not noticed", victim.display());
    }
}

/// The largest file below a folder, or the only one.
fn largest(folder: &Path) -> PathBuf {
    files(folder).into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn each_kind_of_damage_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (data, whole) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 12);
    back_up(&repository(&whole), &data, NOW_MS).unwrap();
    let cut = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    };
    type Damage<'a> = (&'static str, &'a dyn Fn(&Path), &'static str);
    let damages: [Damage<'_>; 7] = [
        ("a pack cut", &|at| cut(largest(&at.join("data"))), "an older snapshot or a copy"),
        (
            "a pack missing",
            &|at| std::fs::remove_file(largest(&at.join("data"))).unwrap(),
            "an older snapshot or a copy",
        ),
        ("the index missing", &|at| std::fs::remove_dir_all(at.join("index")).unwrap(), "`restic repair index`"),
        ("the index cut", &|at| cut(largest(&at.join("index"))), "backup check --read-data"),
        ("the keys missing", &|at| std::fs::remove_dir_all(at.join("keys")).unwrap(), "put them back from a copy"),
        ("the config broken", &|at| std::fs::write(at.join("config"), b"no config").unwrap(), "opening it failed"),
        ("the snapshot cut", &|at| cut(largest(&at.join("snapshots"))), "backup check --read-data"),
    ];
    for (number, (name, damage, advice)) in damages.iter().enumerate() {
        let at = folder.path().join(format!("damaged-{number}"));
        copy(&whole, &at);
        damage(&at);
        let (damaged, into) = (repository(&at), folder.path().join(format!("into-damaged-{number}")));
        let told = restore(&damaged, "latest", &into).unwrap_err();
        assert!(matches!(told, RecoveryError::Damaged { .. }), "{name}: {told}");
        assert!(told.to_string().contains(advice), "{name}: {told}");
        assert!(!into.exists() || recovery::is_unfinished(&into).is_some(), "{name}: it looks whole");
        assert!(damaged.check(true).is_ok_and(|checked| !checked.holds) || damaged.check(true).is_err(), "{name}");
    }
    // Where the config is gone, no new repository is begun over what is left.
    let at = folder.path().join("without");
    copy(&whole, &at);
    std::fs::remove_file(at.join("config")).unwrap();
    for told in [repository(&at).snapshots().map(drop), back_up(&repository(&at), &data, NOW_MS).map(drop)] {
        let told = told.unwrap_err();
        assert!(matches!(&told, RecoveryError::Damaged { why, .. } if why.contains("`config`")), "{told}");
    }
    std::fs::copy(whole.join("config"), at.join("config")).unwrap();
    restore(&repository(&at), "latest", &folder.path().join("into-mended")).unwrap();
}

#[test]
fn a_lost_index_is_made_anew_by_restic_and_everything_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 12);
    let ours = repository(&place);
    let made = back_up(&ours, &data, NOW_MS).unwrap();
    std::fs::remove_dir_all(place.join("index")).unwrap();
    std::fs::create_dir(place.join("index")).unwrap();
    // The name that every restic knows, since 0.16 as an older one.
    let Some(repaired) = super::restic::restic(&place, &["rebuild-index"]) else { return };
    assert!(repaired.status.success(), "{}", String::from_utf8_lossy(&repaired.stderr));
    assert_eq!(restore(&ours, "latest", &folder.path().join("into")).unwrap().root, made.root);
}

#[test]
fn a_wrong_password_and_a_missing_repository_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 1);
    back_up(&repository(&place), &data, NOW_MS).unwrap();
    let wrong = Repository::new(Place::Folder(place), SecretString::from("another"));
    assert!(matches!(wrong.snapshots().unwrap_err(), RecoveryError::Password { .. }));
    let missing = repository(&folder.path().join("nowhere"));
    assert!(matches!(missing.snapshots().unwrap_err(), RecoveryError::Missing { .. }));
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn an_unknown_snapshot_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 1);
    let repository = repository(&folder.path().join("repository"));
    back_up(&repository, &data, NOW_MS).unwrap();
    let refused = restore(&repository, "0000", &folder.path().join("into")).unwrap_err();
    assert!(matches!(refused, RecoveryError::NoSnapshot { .. }), "{refused}");
    assert!(!folder.path().join("into").exists());
}

/// A small disk in memory, where that is allowed.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={bytes}");
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_told_and_the_restore_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 200);
    let repository = repository(&folder.path().join("repository"));
    let made = back_up(&repository, &data, NOW_MS).unwrap();
    let at = folder.path().join("small");
    let Some(disk) = SmallDisk::mount(&at, 20 << 20) else { return };
    let refused = restore(&repository, "latest", &at.join("into")).unwrap_err();
    assert!(matches!(&refused, RecoveryError::Full { wanted, .. } if wanted.contains("are needed")), "{refused}");
    assert!(refused.to_string().contains("start the same command again"), "{refused}");
    let grown = std::process::Command::new("mount").args(["-o", "remount,size=200m"]).arg(&at).status().unwrap();
    assert!(grown.success());
    assert_eq!(restore(&repository, "latest", &at.join("into")).unwrap().root, made.root);
    assert_eq!(contents(&at.join("into")), contents(&data));
    drop(disk);
}

#[test]
fn a_full_repository_is_told_and_what_was_there_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data, 1, 10);
    let at = folder.path().join("small");
    let Some(_disk) = SmallDisk::mount(&at, 16 << 20) else { return };
    let repository = repository(&at.join("repository"));
    let first = back_up(&repository, &data, NOW_MS).unwrap();
    let second = folder.path().join("more");
    write(&second, 2, 400);
    let refused = back_up(&repository, &second, NOW_MS + 1_000).unwrap_err();
    assert!(matches!(refused, RecoveryError::Full { .. }), "{refused}");
    assert_eq!(repository.snapshots().unwrap().len(), 1);
    assert_eq!(restore(&repository, "latest", &folder.path().join("into")).unwrap().root, first.root);
}

#[test]
fn a_marker_that_was_cut_off_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 1);
    let repository = repository(&folder.path().join("repository"));
    let made = back_up(&repository, &data, NOW_MS).unwrap();
    std::fs::create_dir(&into).unwrap();
    std::fs::write(into.join(recovery::MARKER), b"{").unwrap();
    assert!(Target::claim(&into, &made.snapshot).unwrap().is_resumed);
    restore(&repository, "latest", &into).unwrap();
}
