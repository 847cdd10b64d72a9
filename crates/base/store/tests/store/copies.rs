//! Copies of databases that are written to meanwhile.

use store::{Store, copies};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_is_of_one_moment_and_holds_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lazaret.db");
    let store = Store::sqlite(&path).await.unwrap();
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..200_i64 {
                let mut transaction = store.begin().await.unwrap();
                // Two counters that are equal whenever somebody looks.
                for name in ["a", "b"] {
                    let sql = "INSERT INTO counters (name, value) VALUES ($1, $2) \
                               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                    transaction.execute(sql, &[name.into(), number.into()]).await.unwrap();
                }
                transaction.commit().await.unwrap();
            }
        })
    };
    for turn in 0..5 {
        let to = folder.path().join(format!("copy-{turn}.db"));
        copies::copy(&path, &to).await.unwrap();
        assert!(copies::faults(&to).await.unwrap().is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let copy = Store::sqlite(&to).await.unwrap();
        let rows = copy.rows("SELECT value FROM counters WHERE name IN ('a', 'b')", &[]).await.unwrap();
        let values: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
        copy.close().await;
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_copy_does_not_overwrite_and_a_damaged_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("lazaret.db"), folder.path().join("copy.db"));
    let store = Store::sqlite(&path).await.unwrap();
    copies::copy(&path, &to).await.unwrap();
    assert!(copies::copy(&path, &to).await.is_err());
    assert!(copies::copy(&folder.path().join("none.db"), &folder.path().join("other.db")).await.is_err());
    store.close().await;
    let mut bytes = std::fs::read(&to).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xAA);
    std::fs::write(&to, bytes).unwrap();
    let told = copies::faults(&to).await;
    assert!(told.is_err() || !told.unwrap().is_empty());
}
