//! The data folder and what is opened from it.

use std::path::Path;
use std::sync::Arc;

use console::{Clock, Random};
use landscape::Catalogue;
use landscape::inspect::TokenKey;
use landscape::subjects::open_key;
use store::Store;

use crate::cli::Global;
use crate::config::Config;
use crate::failure::Failure;

/// The catalogue's file in the data folder, when it is SQLite.
pub(crate) const DATABASE: &str = "lazaret.db";

/// What is kept, opened.
pub(crate) struct Data {
    pub catalogue: Arc<Catalogue>,
    pub key: TokenKey,
}

impl Data {
    /// Opens the data folder, made at first use for its owner alone, and the catalogue in it or on the server that the
    /// settings name.
    pub(crate) async fn open(global: &Global, config: &Config) -> Result<Self, Failure> {
        create_private(&global.data_dir)?;
        if let Some(snapshot) = recovery::is_unfinished(&global.data_dir) {
            let told = format!("the restore of snapshot {snapshot} into `{}` did not end", global.data_dir.display());
            return Err(
                Failure::usage(told).hint("start the same `lazaret backup restore` again: it goes on where it stopped")
            );
        }
        let store = match &config.database {
            Some(url) => Store::postgres(url).await,
            None => Store::sqlite(&global.data_dir.join(DATABASE)).await,
        };
        let store = store.map_err(|error| {
            Failure::failed("store", error)
                .hint("another `--data-dir` or, in the settings, another `database` may serve")
        })?;
        let key = open_key(&global.data_dir).map_err(|error| Failure::failed("key", error))?;
        Ok(Self { catalogue: Arc::new(Catalogue::new(store)), key })
    }

    /// As [`Data::open`], where nothing is to be made: a folder that is not there is an error.
    pub(crate) async fn open_existing(global: &Global, config: &Config) -> Result<Self, Failure> {
        if !global.data_dir.is_dir() {
            return Err(Failure::usage(format!("there is no data folder `{}`", global.data_dir.display()))
                .hint("run `lazaret scan` or `lazaret up` first, or give the folder with `--data-dir`"));
        }
        Self::open(global, config).await
    }
}

/// Makes the folder, for its owner alone.
pub(crate) fn create_private(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|error| {
        Failure::failed("data-dir", anyhow::anyhow!("the data folder `{}` cannot be made: {error}", folder.display()))
            .hint("give a folder that you may write to with `--data-dir`")
    })
}

/// The time, milliseconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The clock of the machine.
pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

/// The randomness of the operating system.
pub(crate) fn random() -> Random {
    Arc::new(random_bytes)
}

/// 32 bytes that nobody can predict.
pub(crate) fn random_bytes() -> std::io::Result<[u8; 32]> {
    use rand::TryRngCore;
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// Bytes of stack of a thread. What a playbook does calls deep, and frames of a development build are large: 2 MiB were too few.
const STACK_BYTES: usize = 8 << 20;

/// A runtime for everything that waits.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_stack_size(STACK_BYTES);
    builder.build().map_err(|error| Failure::failed("runtime", error))
}
