//! A folder to back up, and the calls that every test makes.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use recovery::{Made, Piece, Place, Progress, RecoveryError, Repository, Restored, Target, Task, walk};
use secrecy::SecretString;
use serde_json::json;

pub const PLACES: [(&str, &str); 1] = [("data/", "")];
pub const NOW_MS: i64 = 1_790_000_000_000;

/// Writes some files that do not compress and some that do; the same for one seed.
pub fn write(folder: &Path, seed: u64, files: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    for number in 0..files {
        let shelf = folder.join("objects").join(format!("{:02x}", number % 7));
        std::fs::create_dir_all(&shelf).unwrap();
        let mut bytes = vec![0; random.random_range(0..300_000)];
        random.fill_bytes(&mut bytes);
        std::fs::write(shelf.join(format!("{number:04x}")), bytes).unwrap();
    }
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    std::fs::write(folder.join("nothing"), b"").unwrap();
    std::fs::write(folder.join("words.txt"), "the same words again and again\n".repeat(100_000)).unwrap();
    std::fs::write(folder.join("name with ünïcode"), b"x").unwrap();
}

pub fn repository(folder: &Path) -> Repository {
    Repository::new(Place::Folder(folder.to_owned()), SecretString::from("a password"))
}

pub fn pieces(folder: &Path) -> Vec<Piece> {
    let (mut pieces, mut problems) = (vec![Piece::of_folder("data", NOW_MS)], Vec::new());
    walk(folder, "data", &|_| false, &mut pieces, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    pieces
}

pub fn back_up(repository: &Repository, folder: &Path, now_ms: i64) -> Result<Made, RecoveryError> {
    recovery::make(repository, pieces(folder), json!({ "of": "a test" }), "test", now_ms)
}

pub fn restore(repository: &Repository, snapshot: &str, into: &Path) -> Result<Restored, RecoveryError> {
    let opened = repository.open()?;
    let (found, manifest) = opened.snapshot(snapshot)?;
    let target = Target::claim(into, &found.id)?;
    let task = Task { snapshot: &found.id, places: &PLACES, only: None, rank: &|_| 0 };
    let restored = recovery::restore(&opened, &target, &task)?;
    let (root, differing) = manifest.look(into, &PLACES, &Progress::default())?;
    assert!(differing.is_empty() && root == manifest.root, "{differing:?}");
    target.finish()?;
    Ok(restored)
}

/// Every file below a folder with its bytes, sorted.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(folder).unwrap().to_owned();
            if path.is_dir() {
                found.push((below, b"a folder".to_vec()));
                open.push(path);
            } else {
                found.push((below, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
