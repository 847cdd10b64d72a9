//! The made-up organisation is the same every time, complete, and quick to write.

#![expect(clippy::expect_used, reason = "a test that cannot prepare its files has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use model::Jurisdiction;
use sample::organisation::{Progress, Trap, Truth, write};

fn written(dir: &Path, seed: u64) -> (Truth, Duration) {
    let began = Instant::now();
    let mut last = Progress { files: 0, bytes: 0 };
    let truth = write(dir, seed, 1, &mut |progress| last = progress).expect("the tree is written");
    assert_eq!(last.files, truth.files.len() as u64);
    assert_eq!(last.bytes, truth.bytes);
    (truth, began.elapsed())
}

/// FNV-1a over the names and bytes of all files in order.
fn digest(dir: &Path, truth: &Truth) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for path in truth.files.keys() {
        let bytes = fs::read(dir.join(path)).expect("the file is there");
        for chunk in path.as_bytes().chunks(8).chain(bytes.chunks(8)) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[test]
fn the_organisation_is_whole_the_same_and_quick() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (truth, took) = written(one.path(), 1);
    let (again, _) = written(two.path(), 1);
    assert_eq!(digest(one.path(), &truth), digest(two.path(), &again), "the same seed gives the same bytes");
    // Three seconds on a quiet machine in a debug build; cores are shared where tests run.
    assert!(took < Duration::from_secs(60), "{took:?}");
    let count = truth.files.len();
    assert!((1_500..=3_000).contains(&count), "{count} files");
    assert!((60_000_000..=150_000_000).contains(&truth.bytes), "{} bytes", truth.bytes);
    println!("{count} files, {} bytes, {took:?}, {:?}", truth.bytes, truth.subjects);

    for trap in [
        Trap::UnblindingInShare,
        Trap::PatientExportInDownloads,
        Trap::CloudKeys,
        Trap::MyNumberSheet,
        Trap::NamesInReadGroups,
        Trap::NameInPrivateTag,
        Trap::CompoundsInSlides,
        Trap::SubjectListInMail,
        Trap::TokensInLog,
        Trap::EncryptedArchive,
        Trap::Truncated,
        Trap::DecompressionBomb,
    ] {
        assert!(truth.trapped(trap).next().is_some(), "{trap:?} is planted");
    }
    let people: u64 = truth.subjects.values().sum();
    let numbers: BTreeSet<u32> = truth.files.values().flat_map(|planted| planted.subjects.iter().copied()).collect();
    assert_eq!(people, numbers.len() as u64);
    assert_eq!(truth.subjects.get(&Jurisdiction::country("JP")), Some(&180));
    assert_eq!(truth.subjects.get(&Jurisdiction::country("US")), Some(&420));
    assert_eq!(truth.subjects.get(&Jurisdiction::country("DE")), Some(&120));
    identified(one.path(), &truth);
}

/// What is planted is really there: every patient table names as many people as it says.
fn identified(dir: &Path, truth: &Truth) {
    for path in ["hospital-exports/whitcombe/patients.csv", "biobank/donor-register.tsv"] {
        let planted = &truth.files[path];
        let text = fs::read_to_string(dir.join(path)).expect("UTF-8 text");
        assert_eq!(text.lines().count(), planted.subjects.len() + 1, "{path}");
    }
}
