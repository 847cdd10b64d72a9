//! Schema steps, up and down, embedded and versioned in the table `schema_steps`. Each step is one transaction.

use crate::{Store, StoreError};

/// One step.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; steps run in order without gaps.
    pub version: i64,
    /// Its name, as in the file.
    pub name: &'static str,
    /// Statements that apply it, the same on both engines.
    pub up: &'static str,
    /// Statements that take it back.
    pub down: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        migration!($version, "", $name)
    };
    ($version:literal, $folder:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("../migrations/", $folder, $name, ".up.sql")),
            down: include_str!(concat!("../migrations/", $folder, $name, ".down.sql")),
        }
    };
}

/// Every step, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_catalogue"),
    migration!(2, "0002_subjects"),
    migration!(3, "0003_users"),
    migration!(4, "0004_change_totals"),
    migration!(5, "0005_union_generations"),
    migration!(6, "0006_ranks"),
    migration!(7, "0007_access"),
    migration!(8, "0008_guarded"),
    migration!(9, "0009_uses"),
    migration!(10, "0010_federation"),
    migration!(11, "0011_findings"),
    migration!(12, "0012_passkeys"),
    migration!(13, "0013_incidents"),
    migration!(14, "0014_recovery"),
    migration!(15, "0015_version_people"),
    migration!(16, "0016_kept_answers"),
    migration!(17, "0017_leaving"),
];

/// Every step of the key table's own database, oldest first.
pub const KEY_MIGRATIONS: &[Migration] = &[migration!(1, "keys/", "0001_keys")];

/// Which of the two schemas a database holds. Both fit into one PostgreSQL database, because no name is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The catalogue and everything beside it.
    Main,
    /// Wrapped keys, holds and receipts.
    Keys,
}

impl Schema {
    fn steps(self) -> &'static [Migration] {
        match self {
            Self::Main => MIGRATIONS,
            Self::Keys => KEY_MIGRATIONS,
        }
    }

    /// The table that tells which steps were applied.
    fn table(self) -> &'static str {
        match self {
            Self::Main => "schema_steps",
            Self::Keys => "vault_schema_steps",
        }
    }
}

// `BYTEA` in the schemas is PostgreSQL's name for bytes; SQLite takes any name and stores bytes as bytes.
impl Store {
    /// The version of the schema, 0 for an empty database.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        let table = self.schema().table();
        let steps = format!("CREATE TABLE IF NOT EXISTS {table} (version INTEGER PRIMARY KEY, name TEXT NOT NULL)");
        self.execute(&steps, &[]).await?;
        let row = self.row(&format!("SELECT MAX(version) FROM {table}"), &[]).await?;
        Ok(row.map(|row| row.int_opt(0)).transpose()?.flatten().unwrap_or(0))
    }

    /// Takes the schema up or down to `version`, step by step.
    ///
    /// # Errors
    /// When a step fails (nothing of that step is kept), or the database is newer than this program.
    pub async fn migrate_to(&self, version: i64) -> Result<(), StoreError> {
        down(self, version).await?;
        up(self, version).await
    }
}

/// Whether a database has this program's schema, without writing to it.
pub(crate) async fn check(store: &Store) -> Result<(), StoreError> {
    let known = store.schema().steps().last().map_or(0, |step| step.version);
    let row = store.row(&format!("SELECT MAX(version) FROM {}", store.schema().table()), &[]).await?;
    let found = row.map(|row| row.int_opt(0)).transpose()?.flatten().unwrap_or(0);
    match found.cmp(&known) {
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
        std::cmp::Ordering::Less => Err(StoreError::Older { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

pub(crate) async fn up(store: &Store, target: i64) -> Result<(), StoreError> {
    let present = store.schema_version().await?;
    let (steps, table) = (store.schema().steps(), store.schema().table());
    let known = steps.last().map_or(0, |step| step.version);
    if present > known {
        return Err(StoreError::Newer { found: present, known });
    }
    for step in steps.iter().filter(|step| step.version > present && step.version <= target) {
        let mut transaction = store.begin().await?;
        transaction.script(step.up).await.map_err(|error| failed(step, error))?;
        let sql = format!("INSERT INTO {table} (version, name) VALUES ($1, $2)");
        transaction.execute(&sql, &[step.version.into(), step.name.into()]).await?;
        transaction.commit().await?;
    }
    Ok(())
}

async fn down(store: &Store, target: i64) -> Result<(), StoreError> {
    let present = store.schema_version().await?;
    let (steps, table) = (store.schema().steps(), store.schema().table());
    for step in steps.iter().rev().filter(|step| step.version <= present && step.version > target) {
        let mut transaction = store.begin().await?;
        transaction.script(step.down).await.map_err(|error| failed(step, error))?;
        let sql = format!("DELETE FROM {table} WHERE version = $1");
        transaction.execute(&sql, &[step.version.into()]).await?;
        transaction.commit().await?;
    }
    Ok(())
}

fn failed(step: &Migration, error: StoreError) -> StoreError {
    match error {
        StoreError::Sql { source } => {
            StoreError::Migration { version: step.version, name: step.name, source: Box::new(source) }
        }
        other => other,
    }
}
