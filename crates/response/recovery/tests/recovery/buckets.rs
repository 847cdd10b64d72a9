//! Repositories in buckets.

use std::sync::Arc;

use object_store::memory::InMemory;
use recovery::{InBucket, Keep, Place, RecoveryError, Repository};
use secrecy::SecretString;

use super::tree::{NOW_MS, back_up, contents, restore, write};

#[test]
fn a_bucket_is_a_repository_like_a_folder() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (data, into) = (folder.path().join("data"), folder.path().join("into"));
    write(&data, 1, 20);
    let store = Arc::new(InMemory::new());
    let place = |prefix: &str| {
        let (name, store) = (format!("s3://backups/{prefix}"), Arc::<InMemory>::clone(&store));
        Place::Bucket(InBucket::new(&name, store, prefix, runtime.handle().clone()))
    };
    let repository = Repository::new(place("main"), SecretString::from("a password"));
    assert!(matches!(repository.snapshots().unwrap_err(), RecoveryError::Missing { .. }));
    let first = back_up(&repository, &data, NOW_MS).unwrap();
    std::fs::write(data.join("words.txt"), b"other words").unwrap();
    let second = back_up(&repository, &data, NOW_MS + 1_000).unwrap();
    assert_eq!(second.unchanged_files, first.files - 1);
    assert_eq!(restore(&repository, "latest", &into).unwrap().root, second.root);
    assert_eq!(contents(&into), contents(&data));
    let keep = Keep::Graded { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    assert_eq!(repository.expire(&keep, NOW_MS + 2_000).unwrap().kept, 1);
    assert!(repository.check(true).unwrap().holds);
    // Another prefix of the bucket is another repository.
    let other = Repository::new(place("keys"), SecretString::from("another"));
    assert!(!other.is_there().unwrap());
}
