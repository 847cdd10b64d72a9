//! A spool in a folder that goes away, and a ledger in memory.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use model::record::Receipt;
use model::{Answer, Event, Record, RecordError};
use receive::pump::{Journal, JournalError};
use receive::spool::{ROOM_BYTES_MIN, Settings, SpoolError};
use receive::{Board, Clock, Frame, Inlet, Payload, Random, Spool};

pub const NOW: i64 = 1_795_953_723_000;

/// Bytes that differ at every call, in all of the tests.
pub fn random() -> Random {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Arc::new(|bytes: &mut [u8]| {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let drawn = blake3::hash(&count.to_le_bytes());
        for (byte, drawn) in bytes.iter_mut().zip(drawn.as_bytes().iter().cycle()) {
            *byte = *drawn;
        }
        Ok(())
    })
}

pub fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        key: [9; 32].into(),
        room_bytes: ROOM_BYTES_MIN,
        random: random(),
        now_ms: NOW,
    }
}

pub fn open(folder: &Path) -> Arc<Spool> {
    // A place that is being kept while its pump is killed holds the lock a moment longer.
    for _ in 0..1_000 {
        match Spool::open(settings(folder)) {
            Err(SpoolError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(1)),
            opened => return Arc::new(opened.unwrap()),
        }
    }
    panic!("the spool stays locked");
}

pub fn clock() -> Clock {
    Arc::new(|| NOW)
}

pub fn inlet(spool: &Arc<Spool>) -> Inlet {
    Inlet::new(Arc::clone(spool), Arc::new(Board::default()), clock())
}

pub fn message(text: &str) -> Frame {
    let payload = Payload::Message(text.as_bytes().to_vec());
    Frame { source: "test".to_owned(), arrival_ms: NOW, peer: None, cut_bytes: 0, payload }
}

/// Everything that waits in a spool.
pub fn waiting(spool: &Spool) -> Vec<(u64, Frame)> {
    let mut reader = spool.reader(spool.place().next);
    let mut frames = Vec::new();
    while frames.len() as u64 != spool.end() - spool.place().next {
        let block = reader.next(std::time::Duration::from_millis(10)).unwrap().unwrap();
        frames.extend((block.first..).zip(block.frames).filter(|(number, _)| *number >= spool.place().next));
    }
    frames
}

/// A ledger in memory that can be told to fail, and to forget that it was asked.
#[derive(Default)]
pub struct Memory {
    pub events: Mutex<Vec<Event>>,
    /// After so many events, recording fails.
    pub fails_after: Mutex<Option<usize>>,
}

impl Memory {
    /// The numbers that are recorded, in order.
    pub fn numbers(&self) -> Vec<u64> {
        self.events.lock().unwrap().iter().map(|event| event.outside.as_ref().unwrap().sequence).collect()
    }
}

impl Record for Memory {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut events = self.events.lock().unwrap();
            if self.fails_after.lock().unwrap().is_some_and(|most| events.len() >= most) {
                return Err(RecordError::Refused { because: "the test says so".to_owned() });
            }
            events.push(event);
            Ok(Receipt { index: events.len() as u64 - 1 })
        })
    }
}

/// What [`Memory`] holds.
pub struct Held(pub Arc<Memory>);

impl Journal for Held {
    fn size(&self) -> Answer<'_, Result<u64, JournalError>> {
        Box::pin(async { Ok(self.0.events.lock().unwrap().len() as u64) })
    }

    fn recorded(&self, from: u64, least: u64) -> Answer<'_, Result<HashSet<u64>, JournalError>> {
        Box::pin(async move {
            let numbers = self.0.numbers();
            let from = usize::try_from(from).unwrap();
            Ok(numbers.into_iter().skip(from).filter(|number| *number >= least).collect())
        })
    }
}
