//! Backups at the times that the settings say, as long as the server runs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use guard::{BackUp, Guarded};
use tokio::sync::watch;

use super::{Desk, recorded};
use crate::cli::Global;
use crate::config::Config;
use crate::data::now;
use crate::failure::Failure;

/// The longest time without a look at the clock, which may have been set.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Makes a backup when a playbook asks for one.
struct ForPlaybooks {
    global: Global,
    config: Config,
    guarded: Weak<Guarded>,
}

impl BackUp for ForPlaybooks {
    fn back_up(&self) -> model::Answer<'_, Result<String, String>> {
        Box::pin(async move {
            let guarded = self.guarded.upgrade().ok_or("the server stops")?;
            let handle = tokio::runtime::Handle::current();
            let told = |failure: Failure| failure.words();
            let repositories = self.config.recovery.repositories(None, None, &handle).map_err(told)?;
            let made = recorded(&Desk::Server(&guarded), &self.global, &self.config, &repositories, true).await;
            let made = made.map_err(told)?;
            if made["holds"] != true {
                return Err(format!("the backup {} was made and does not hold", made["snapshot"]));
            }
            Ok(made["snapshot"].as_str().unwrap_or_default().to_owned())
        })
    }
}

/// Makes backups when they are due, until the server stops. What is wrong with the settings is told before it starts. One that is
/// being made when the server stops is finished as far as it reads or writes, and else cut: the next goes on from there.
pub(crate) fn keep_backed_up(
    global: &Global,
    config: &Config,
    guarded: &Arc<Guarded>,
    stopped: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    if config.recovery.is_set() {
        let (global, config) = (global.clone(), config.clone());
        guarded.backs_up_by(Arc::new(ForPlaybooks { global, config, guarded: Arc::downgrade(guarded) }));
    }
    let Some(rule) = config.recovery.rule()? else { return Ok(()) };
    let repositories = config.recovery.repositories(None, None, &tokio::runtime::Handle::current())?;
    let (global, config, guarded) = (global.clone(), config.clone(), Arc::clone(guarded));
    let mut stopped = stopped.clone();
    tokio::spawn(async move {
        let mut due = rule.next_after(now());
        loop {
            let left = Duration::from_millis(u64::try_from(due - now()).unwrap_or(0));
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            }
            if now() < due {
                continue;
            }
            match recorded(&Desk::Server(&guarded), &global, &config, &repositories, true).await {
                Ok(made) if made["holds"] == true => {
                    tracing::info!(snapshot = %made["snapshot"], "a backup was made and proven")
                }
                Ok(made) => tracing::error!(snapshot = %made["snapshot"], "a backup was made and does not hold"),
                Err(failure) => tracing::error!(error = failure.words(), "a backup could not be made"),
            }
            due = rule.next_after(now());
        }
    });
    Ok(())
}
