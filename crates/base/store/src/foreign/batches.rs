//! Rows on their way from a connection to whoever reads them. A task of its own owns the connection and fills the next
//! batch while the last one is worked on, never more than one ahead: that bounds memory, and the server waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::ForeignError;

/// Bytes of text at which a batch ends, whatever its rows.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Rows with the values of their columns as text; `None` is null.
pub type Batch = Vec<Vec<Option<String>>>;

enum Message {
    Batch(Batch),
    End(Result<(), ForeignError>),
}

/// What reader and task share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The reader wants no more.
    pub(super) is_stopped: AtomicBool,
    /// Values that were cut.
    cut: AtomicU64,
    /// Rows that were read.
    pub(super) rows: AtomicU64,
}

/// Rows of a table, a batch at a time. Dropped early, it ends the reading.
#[derive(Debug)]
pub struct ForeignRows {
    table: String,
    receiver: mpsc::Receiver<Message>,
    task: AbortHandle,
    shared: Arc<Shared>,
    is_ended: bool,
}

/// Where the task puts its rows.
pub(super) struct Sink {
    sender: mpsc::Sender<Message>,
    shared: Arc<Shared>,
    batch: Batch,
    bytes: usize,
    batch_rows: usize,
}

/// The reader has gone.
#[derive(Debug)]
pub(super) struct Gone;

impl ForeignRows {
    /// Starts `read` as a task. It fills the sink; an error ends the rows.
    pub(super) fn start<F>(table: String, batch_rows: u32, read: impl FnOnce(Sink, Arc<Shared>) -> F) -> Self
    where
        F: Future<Output = Result<(), ForeignError>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        let shared = Arc::new(Shared::default());
        let batch_rows = batch_rows.max(1) as usize;
        let sink =
            Sink { sender: sender.clone(), shared: Arc::clone(&shared), batch: Batch::new(), bytes: 0, batch_rows };
        let reading = read(sink, Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let end = reading.await;
            // Nobody to tell means that nobody waits.
            let _gone = sender.send(Message::End(end)).await;
        });
        Self { table, receiver, task: task.abort_handle(), shared, is_ended: false }
    }

    /// The next rows, or `None` at the end.
    ///
    /// # Errors
    /// When the table could not be read to its end; nothing follows then.
    pub async fn next(&mut self) -> Result<Option<Batch>, ForeignError> {
        if self.is_ended {
            return Ok(None);
        }
        let message = self.receiver.recv().await;
        self.take(message)
    }

    /// As [`ForeignRows::next`], for a thread outside the runtime.
    ///
    /// # Errors
    /// As [`ForeignRows::next`].
    ///
    /// # Panics
    /// When called inside an asynchronous task.
    pub fn next_blocking(&mut self) -> Result<Option<Batch>, ForeignError> {
        if self.is_ended {
            return Ok(None);
        }
        let message = self.receiver.blocking_recv();
        self.take(message)
    }

    /// How many values were longer than [`super::TEXT_CHARS_MAX`] or [`super::BINARY_BYTES_MAX`] and cut, so far.
    #[must_use]
    pub fn cut_values(&self) -> u64 {
        self.shared.cut.load(Ordering::Relaxed)
    }

    fn take(&mut self, message: Option<Message>) -> Result<Option<Batch>, ForeignError> {
        match message {
            Some(Message::Batch(batch)) => return Ok(Some(batch)),
            Some(Message::End(end)) => {
                self.is_ended = true;
                end?;
            }
            None => {
                self.is_ended = true;
                let reason = "reading it was stopped before its end; scan it again".to_owned();
                return Err(ForeignError::Read { table: self.table.clone(), reason });
            }
        }
        Ok(None)
    }
}

impl Drop for ForeignRows {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        self.task.abort();
    }
}

impl Sink {
    /// Adds a row: each value with whether it was cut.
    pub(super) async fn row(&mut self, values: Vec<Option<(String, bool)>>) -> Result<(), Gone> {
        let mut row = Vec::with_capacity(values.len());
        for value in values {
            row.push(value.map(|(text, is_cut)| {
                self.bytes += text.len();
                self.shared.cut.fetch_add(u64::from(is_cut), Ordering::Relaxed);
                text
            }));
        }
        self.bytes += row.len() * size_of::<Option<String>>();
        self.batch.push(row);
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
        if self.batch.len() >= self.batch_rows || self.bytes >= BATCH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// How many rows were added.
    pub(super) fn rows(&self) -> u64 {
        self.shared.rows.load(Ordering::Relaxed)
    }

    /// Hands on what is there.
    pub(super) async fn flush(&mut self) -> Result<(), Gone> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.sender.send(Message::Batch(batch)).await.map_err(|_closed| Gone)
    }
}
