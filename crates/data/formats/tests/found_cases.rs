//! Inputs that once broke a reader, replayed: `tests/corpus/FORMAT/…` at the project's root is read as that format,
//! whatever it looks like, and every other file of tests/corpus as what it looks like.

#[path = "../../../../fuzz/src/watch.rs"]
mod watch;

use std::path::{Path, PathBuf};

#[test]
fn found_cases_stay_mended() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus");
    let mut replayed = 0;
    for folder in entries(&corpus) {
        let format = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        for case in entries(&folder) {
            let bytes = std::fs::read(&case).expect("the case can be read");
            watch::read(format, &bytes);
            watch::read(None, &bytes);
            replayed += 1;
        }
    }
    assert!(replayed > 0, "no case in `{}`", corpus.display());
}

/// Every reader takes every short input, whatever its format.
#[test]
fn every_reader_takes_what_is_not_its_own() {
    let inputs: [&[u8]; 8] =
        [b"", b"\0", b"\xff\xfe", b"<", b"{\"a\":", b"PK\x03\x04", b"MSH|^~\\&|\rPID|", b"%PDF-1.7\n1 0 obj\n<<"];
    for format in model::Format::ALL {
        for input in inputs {
            watch::read(Some(*format), input);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
