//! restic itself reads what is written here. Where it is not installed (`cargo xtask setup` does it) there is nothing to try.

use std::path::Path;
use std::process::{Command, Output};

use super::tree::{NOW_MS, back_up, contents, repository, restore, write};

pub fn restic(repository: &Path, arguments: &[&str]) -> Option<Output> {
    if !Command::new("restic").arg("version").output().is_ok_and(|output| output.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "restic is missing; the test set-up installs it");
        return None;
    }
    let mut command = Command::new("restic");
    command.env("RESTIC_PASSWORD", "a password").env("RESTIC_REPOSITORY", repository).args(["--no-cache", "--quiet"]);
    command.args(arguments).output().ok()
}

#[test]
fn restic_checks_lists_and_restores_our_repository() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 30);
    let ours = repository(&place);
    back_up(&ours, &data, NOW_MS).unwrap();
    std::fs::write(data.join("words.txt"), b"other words").unwrap();
    back_up(&ours, &data, NOW_MS + 60_000).unwrap();
    let Some(checked) = restic(&place, &["check", "--read-data"]) else { return };
    let told = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{told}");
    assert!(!told.contains("error"), "{told}");
    let listed = restic(&place, &["snapshots", "--json"]).unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let into = folder.path().join("into");
    let restored = restic(&place, &["restore", "latest", "--target", into.to_str().unwrap()]).unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(contents(&into.join("data")), contents(&data));
}

#[test]
fn we_restore_after_restic_forgot_and_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let (data, place) = (folder.path().join("data"), folder.path().join("repository"));
    write(&data, 1, 30);
    let ours = repository(&place);
    back_up(&ours, &data, NOW_MS).unwrap();
    write(&data, 2, 30);
    let second = back_up(&ours, &data, NOW_MS + 60_000).unwrap();
    let Some(pruned) = restic(&place, &["forget", "--keep-last", "1", "--prune"]) else { return };
    assert!(pruned.status.success(), "{}", String::from_utf8_lossy(&pruned.stderr));
    assert_eq!(ours.snapshots().unwrap().len(), 1);
    assert_eq!(restore(&ours, "latest", &folder.path().join("into")).unwrap().root, second.root);
}
