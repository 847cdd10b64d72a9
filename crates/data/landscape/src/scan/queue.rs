//! Objects on their way from the thread that finds them to those that inspect them: bounded, and open to nobody once the
//! scan shall stop.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a waiting thread looks whether it shall stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// A queue with an upper limit.
pub(super) struct Queue<T> {
    state: Mutex<Waiting<T>>,
    changed: Condvar,
    len_max: usize,
}

struct Waiting<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue for at most `len_max` items.
    pub(super) fn new(len_max: usize) -> Self {
        Self { state: Mutex::new(Waiting { items: VecDeque::new(), closed: false }), changed: Condvar::new(), len_max }
    }

    /// Adds an item, waiting for room. Gives it back once `stop` is set or the queue was closed.
    pub(super) fn push(&self, item: T, stop: &AtomicBool) -> Result<(), T> {
        let mut state = self.lock();
        loop {
            if state.closed || stop.load(Ordering::Relaxed) {
                return Err(item);
            }
            if state.items.len() < self.len_max {
                state.items.push_back(item);
                drop(state);
                self.changed.notify_all();
                return Ok(());
            }
            state = self.wait(state);
        }
    }

    /// The next item, waiting for one. `None` once `stop` is set, or the queue is closed and empty.
    pub(super) fn pop(&self, stop: &AtomicBool) -> Option<T> {
        let mut state = self.lock();
        loop {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(item) = state.items.pop_front() {
                drop(state);
                self.changed.notify_all();
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// No item will follow.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, Waiting<T>>) -> MutexGuard<'a, Waiting<T>> {
        self.changed.wait_timeout(state, STOP_CHECK).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn everything_comes_through_once_and_in_order() {
        let (queue, stop) = (Queue::new(3), AtomicBool::new(false));
        let taken = std::thread::scope(|scope| {
            let reader = scope.spawn(|| std::iter::from_fn(|| queue.pop(&stop)).collect::<Vec<_>>());
            (0..100).for_each(|item| queue.push(item, &stop).unwrap());
            queue.close();
            reader.join().unwrap()
        });
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
        assert_eq!(queue.push(1, &stop), Err(1), "closed");
    }

    #[test]
    fn stopping_frees_whoever_waits() {
        let (queue, stop) = (Queue::new(1), AtomicBool::new(false));
        queue.push(1, &stop).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| queue.push(2, &stop));
            stop.store(true, Ordering::Relaxed);
            assert_eq!(writer.join().unwrap(), Err(2));
        });
        assert_eq!(queue.pop(&stop), None);
    }
}
