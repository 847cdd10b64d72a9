//! Watching a folder: what changes is collected until it has been quiet for a moment, and then looked at again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::time::Instant;

use crate::sources::{SourceError, canonical};

/// Changed paths remembered; more of them, and the whole folder is looked at.
const PATHS_MAX: usize = 10_000;

/// How changes are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debounce {
    /// So long nothing may have changed.
    pub quiet: Duration,
    /// After so long, what has changed is looked at although more changes.
    pub wait_max: Duration,
}

impl Default for Debounce {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(2), wait_max: Duration::from_secs(30) }
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These files and folders, by their paths below the root.
    Parts(Vec<PathBuf>),
    /// Perhaps anything: the system reported more than can be remembered.
    Everything,
}

/// A folder that is watched as long as this lives.
pub struct Watch {
    pending: Arc<Pending>,
    _watcher: RecommendedWatcher,
}

#[derive(Default)]
struct Pending {
    changes: Mutex<Changes>,
    arrived: tokio::sync::Notify,
}

#[derive(Default)]
struct Changes {
    paths: BTreeSet<PathBuf>,
    everything: bool,
    /// When the first and the last came.
    times: Option<(Instant, Instant)>,
}

impl Watch {
    /// Watches the folder, or the folder of the one file, at `path`. For a large folder this takes a while, and the
    /// system may limit how many folders are watched.
    ///
    /// # Errors
    /// When it is not there, or the system refuses.
    pub async fn start(path: &Path) -> Result<Self, SourceError> {
        let root = canonical(path)?;
        let root = if root.is_file() { root.parent().unwrap_or(&root).to_owned() } else { root };
        let pending = Arc::<Pending>::default();
        let (own, below) = (Arc::clone(&pending), root.clone());
        let location = path.display().to_string();
        let started = tokio::task::spawn_blocking(move || {
            let config = Config::default().with_follow_symlinks(false);
            let mut watcher = RecommendedWatcher::new(move |event| own.take(event, &below), config)?;
            watcher.watch(&root, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        let unwatchable = |error: notify::Error| SourceError::Unreachable {
            why: error.to_string(),
            instead: match error.kind {
                notify::ErrorKind::MaxFilesWatch => {
                    "raise the system's limit, `fs.inotify.max_user_watches` on Linux, or use a schedule"
                }
                _ => "use a schedule instead of watching it",
            },
            location,
        };
        let watcher = match started.await {
            Ok(started) => started.map_err(unwatchable)?,
            Err(panic) => return Err(unwatchable(notify::Error::generic(&panic.to_string()))),
        };
        Ok(Self { pending, _watcher: watcher })
    }

    /// Waits for changes and for quiet after them.
    pub async fn next(&mut self, debounce: Debounce) -> Touched {
        loop {
            let times = self.pending.lock().times;
            let Some((first, last)) = times else {
                self.pending.arrived.notified().await;
                continue;
            };
            let due = (last + debounce.quiet).min(first + debounce.wait_max);
            if Instant::now() >= due {
                return std::mem::take(&mut *self.pending.lock()).touched();
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, event: notify::Result<Event>, root: &Path) {
        let is_read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)) && !event.need_rescan());
        if is_read {
            return;
        }
        self.lock().add(event, root, Instant::now());
        self.arrived.notify_one();
    }
}

impl Changes {
    fn add(&mut self, event: notify::Result<Event>, root: &Path, now: Instant) {
        match event {
            Ok(event) if !event.need_rescan() => {
                for path in event.paths {
                    match path.strip_prefix(root) {
                        Ok(relative) if !relative.as_os_str().is_empty() => {
                            self.paths.insert(relative.to_owned());
                        }
                        _ => self.everything = true,
                    }
                }
            }
            _ => self.everything = true,
        }
        if self.paths.len() > PATHS_MAX {
            self.everything = true;
        }
        if self.everything {
            self.paths.clear();
        }
        self.times = Some((self.times.map_or(now, |(first, _)| first), now));
    }

    /// What changed; a folder stands for whatever lies below it.
    fn touched(self) -> Touched {
        if self.everything {
            return Touched::Everything;
        }
        let mut parts: Vec<PathBuf> = Vec::new();
        for path in self.paths {
            if parts.last().is_none_or(|last| !path.starts_with(last)) {
                parts.push(path);
            }
        }
        Touched::Parts(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, PATHS_MAX, Touched};
    use notify::event::{CreateKind, EventKind, Flag};
    use notify::{Event, event::EventAttributes};
    use std::path::{Path, PathBuf};
    use tokio::time::Instant;

    fn event(paths: &[&str]) -> notify::Result<Event> {
        let mut event = Event::new(EventKind::Create(CreateKind::Any));
        event.paths = paths.iter().map(PathBuf::from).collect();
        Ok(event)
    }

    fn touched(events: Vec<notify::Result<Event>>) -> Touched {
        let mut changes = Changes::default();
        events.into_iter().for_each(|event| changes.add(event, Path::new("/data"), Instant::now()));
        changes.touched()
    }

    #[test]
    fn a_folder_stands_for_what_lies_in_it() {
        let events = vec![event(&["/data/a/b/c", "/data/a/b"]), event(&["/data/a/b/d", "/data/x", "/data/a/bc"])];
        assert_eq!(touched(events), Touched::Parts(["a/b", "a/bc", "x"].map(PathBuf::from).to_vec()));
    }

    #[test]
    fn what_cannot_be_remembered_is_everything() {
        let mut lost = Event::new(EventKind::Other);
        lost.attrs = EventAttributes::default();
        lost.attrs.set_flag(Flag::Rescan);
        assert_eq!(touched(vec![event(&["/data/a"]), Ok(lost)]), Touched::Everything);
        assert_eq!(touched(vec![Err(notify::Error::generic("lost"))]), Touched::Everything);
        assert_eq!(touched(vec![event(&["/data"])]), Touched::Everything);
        let many = (0..=PATHS_MAX).map(|number| event(&[&format!("/data/{number}")])).collect();
        assert_eq!(touched(many), Touched::Everything);
    }
}
