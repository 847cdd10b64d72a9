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
        Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("../migrations/", $name, ".up.sql")),
            down: include_str!(concat!("../migrations/", $name, ".down.sql")),
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
];

/// A statement that creates the table of steps. `BYTEA` elsewhere in the schema is PostgreSQL's name for bytes; SQLite
/// takes any name and stores bytes as bytes.
const STEPS: &str = "CREATE TABLE IF NOT EXISTS schema_steps (version INTEGER PRIMARY KEY, name TEXT NOT NULL)";

impl Store {
    /// The version of the schema, 0 for an empty database.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        self.execute(STEPS, &[]).await?;
        let row = self.row("SELECT MAX(version) FROM schema_steps", &[]).await?;
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

pub(crate) async fn up(store: &Store, target: i64) -> Result<(), StoreError> {
    let present = store.schema_version().await?;
    let known = MIGRATIONS.last().map_or(0, |step| step.version);
    if present > known {
        return Err(StoreError::Newer { found: present, known });
    }
    for step in MIGRATIONS.iter().filter(|step| step.version > present && step.version <= target) {
        let mut transaction = store.begin().await?;
        transaction.script(step.up).await.map_err(|error| failed(step, error))?;
        transaction
            .execute(
                "INSERT INTO schema_steps (version, name) VALUES ($1, $2)",
                &[step.version.into(), step.name.into()],
            )
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}

async fn down(store: &Store, target: i64) -> Result<(), StoreError> {
    let present = store.schema_version().await?;
    for step in MIGRATIONS.iter().rev().filter(|step| step.version <= present && step.version > target) {
        let mut transaction = store.begin().await?;
        transaction.script(step.down).await.map_err(|error| failed(step, error))?;
        transaction.execute("DELETE FROM schema_steps WHERE version = $1", &[step.version.into()]).await?;
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
