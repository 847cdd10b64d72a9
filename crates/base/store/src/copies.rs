//! Whole copies of SQLite databases, taken while others write to them, and the check that a copy holds.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::StoreError;
use crate::engine::{BUSY_TIMEOUT, create_private, sqlite_rows};

/// Faults of a database that are told.
const FAULTS_MAX: u32 = 100;

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let opened = options.connect().await;
    opened.map_err(|source| StoreError::Open { location: path.display().to_string(), source: Box::new(source) })
}

/// Writes the database at `from` to `to` as it is at one moment (`VACUUM INTO`): what was deleted or overwritten in it is not in
/// the copy. `to` must not be there; it is for its owner alone. Others may go on writing.
///
/// # Errors
/// When one cannot be read or the other not written; what was written of it is to be taken away.
pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let wrong = |path: &Path| StoreError::File {
        path: path.display().to_string(),
        source: std::io::Error::other("its path is not UTF-8"),
    };
    let target = to.to_str().ok_or_else(|| wrong(to))?;
    create_private(to).map_err(|source| StoreError::File { path: target.to_owned(), source })?;
    let mut connection = connect(from).await?;
    let done = sqlite_rows(&mut connection, "VACUUM INTO $1", &[target.into()]).await;
    connection.close().await?;
    done.map(drop)
}

/// What is wrong with the database at `path`, page by page and index by index; nothing when it holds.
///
/// # Errors
/// When it cannot be opened at all.
pub async fn faults(path: &Path) -> Result<Vec<String>, StoreError> {
    let mut connection = connect(path).await?;
    let rows = sqlite_rows(&mut connection, &format!("PRAGMA integrity_check({FAULTS_MAX})"), &[]).await;
    connection.close().await?;
    let told = rows?.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(told.into_iter().filter(|line| line != "ok").collect())
}
