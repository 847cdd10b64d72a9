//! When the files of each rank were there: what matters most comes first, and it is told when that was.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Serialize;

/// The files of one rank, and when the last of them was there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reached {
    /// Their rank.
    pub rank: u32,
    /// How many.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// Seconds from the beginning of the restore.
    pub seconds: f64,
}

/// Files of a rank that are on their way.
#[derive(Default)]
struct Rank {
    rank: u32,
    files: u64,
    bytes: u64,
    left: AtomicU64,
    done_after: OnceLock<f64>,
}

/// Counts the files of each rank down.
pub(super) struct Countdown {
    begun: Instant,
    ranks: Vec<Rank>,
}

impl Countdown {
    /// From now on. `files` are told by rank and length, sorted by rank.
    pub(super) fn of(files: impl Iterator<Item = (u32, u64)>) -> Self {
        let mut ranks: Vec<Rank> = Vec::new();
        for (rank, bytes) in files {
            if ranks.last().is_none_or(|last| last.rank != rank) {
                ranks.push(Rank { rank, ..Rank::default() });
            }
            if let Some(last) = ranks.last_mut() {
                last.files += 1;
                last.bytes += bytes;
                *last.left.get_mut() += 1;
            }
        }
        Self { begun: Instant::now(), ranks }
    }

    /// One more file is there.
    pub(super) fn done(&self, rank: u32) {
        let Ok(at) = self.ranks.binary_search_by_key(&rank, |one| one.rank) else { return };
        if let Some(one) = self.ranks.get(at)
            && one.left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            let _first = one.done_after.set(self.begun.elapsed().as_secs_f64());
        }
    }

    /// When each rank was there, once everything is.
    pub(super) fn reached(&self) -> Vec<Reached> {
        let of = |one: &Rank| {
            let seconds = one.done_after.get().copied().unwrap_or_else(|| self.begun.elapsed().as_secs_f64());
            Reached { rank: one.rank, files: one.files, bytes: one.bytes, seconds }
        };
        self.ranks.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Countdown;

    #[test]
    fn a_rank_is_there_with_its_last_file() {
        let countdown = Countdown::of([(0, 5), (0, 7), (3, 1)].into_iter());
        countdown.done(0);
        countdown.done(3);
        std::thread::sleep(std::time::Duration::from_millis(20));
        countdown.done(0);
        let told = countdown.reached();
        assert_eq!((told.len(), told[0].rank, told[0].files, told[0].bytes), (2, 0, 2, 12));
        assert_eq!((told[1].rank, told[1].files, told[1].bytes), (3, 1, 1));
        assert!(told[0].seconds >= told[1].seconds + 0.02, "{told:?}");
    }
}
