//! Databases before a store is opened, and stores that are opened more than once.

use std::path::Path;

use store::Store;

use crate::engines::postgres_url;

/// Runs `case` on two empty databases of each engine.
pub async fn on_each_unmigrated<F: std::future::Future<Output = ()>>(case: impl Fn(Store, Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::sqlite_unmigrated(&folder.path().join("first.db")).await.unwrap();
    let second = Store::sqlite_unmigrated(&folder.path().join("second.db")).await.unwrap();
    case(first.clone(), second.clone()).await;
    first.close().await;
    second.close().await;
    if let (Some(first), Some(second)) = (postgres_url(), postgres_url()) {
        let first = Store::postgres_unmigrated(&first).await.unwrap();
        let second = Store::postgres_unmigrated(&second).await.unwrap();
        case(first.clone(), second.clone()).await;
        first.close().await;
        second.close().await;
    }
}

/// Runs `case` on the place of a fresh store of each engine, for [`open`].
pub async fn on_each_place<F: std::future::Future<Output = ()>>(case: impl Fn(String) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(folder.path().join("lazaret.db").display().to_string()).await;
    if let Some(url) = postgres_url() {
        case(url).await;
    }
}

/// The store at a place.
pub async fn open(place: &str) -> Store {
    if place.starts_with("postgres:") {
        Store::postgres(place).await.unwrap()
    } else {
        Store::sqlite(Path::new(place)).await.unwrap()
    }
}
