//! Pieces as the archiver reads them. Each file is hashed while it is read; the last file is the manifest, which waits for
//! all the others.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult};
use serde_json::Value;

use crate::Progress;
use crate::manifest::{self, Digest, SUMMARY};
use crate::piece::{Content, Piece, Problem};

/// What became of the pieces.
pub(crate) struct State {
    pieces: Vec<Piece>,
    /// Digest of each piece's content, as far as it is known.
    digests: Mutex<Vec<Option<Digest>>>,
    problems: Mutex<Vec<Problem>>,
    /// Files that are not read yet.
    waiting: Mutex<usize>,
    done: Condvar,
    made_ms: i64,
    about: Value,
    progress: Progress,
    /// Length of the manifest, which a tree names before it is written: as if every file were read. Lines that fall out become blank.
    manifest_bytes: u64,
    summed: Mutex<Option<Summed>>,
}

/// The manifest's sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summed {
    pub root: Digest,
    pub files: u64,
    pub bytes: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All pieces of a backup.
pub(crate) struct Source(Arc<State>);

impl Source {
    /// `known` are the digests of pieces that have not changed since the snapshot before.
    ///
    /// # Errors
    /// When `about` cannot be written as JSON.
    pub(crate) fn new(
        pieces: Vec<Piece>,
        known: Vec<Option<Digest>>,
        made_ms: i64,
        about: Value,
        progress: Progress,
    ) -> Result<Self, serde_json::Error> {
        let files = || pieces.iter().filter(|piece| !matches!(piece.content, Content::Folder));
        let waiting = files().count();
        let any = Digest([0; 32]);
        let entries = files().map(|piece| (piece.path.as_str(), piece.bytes, piece.modified_ns, any));
        let manifest_bytes = manifest::write(made_ms, &about, entries)?.0.len() as u64;
        Ok(Self(Arc::new(State {
            pieces,
            digests: Mutex::new(known),
            problems: Mutex::default(),
            waiting: Mutex::new(waiting),
            done: Condvar::new(),
            made_ms,
            about,
            progress,
            manifest_bytes,
            summed: Mutex::default(),
        })))
    }

    /// What could not be read.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        std::mem::take(&mut *locked(&self.0.problems))
    }

    /// The manifest's sums, once it was written.
    pub(crate) fn summed(&self) -> Option<Summed> {
        *locked(&self.0.summed)
    }
}

impl ReadSource for Source {
    type Open = Opening;
    type Iter = Pieces;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Pieces {
        Pieces { state: Arc::clone(&self.0), next: 0 }
    }
}

/// Goes through the pieces, then gives the manifest.
pub(crate) struct Pieces {
    state: Arc<State>,
    next: usize,
}

impl Iterator for Pieces {
    type Item = RusticResult<ReadSourceEntry<Opening>>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        self.next += 1;
        if let Some(piece) = self.state.pieces.get(at) {
            let is_folder = matches!(piece.content, Content::Folder);
            let node_type = if is_folder { NodeType::Dir } else { NodeType::File };
            let node = node(&piece.path, node_type, piece);
            let open = (!is_folder).then(|| Opening::Piece(Ticket { state: Arc::clone(&self.state), at, told: 0 }));
            return Some(Ok(ReadSourceEntry { path: PathBuf::from(&piece.path), node, open }));
        }
        if at > self.state.pieces.len() {
            return None;
        }
        let mut piece = Piece::of_bytes(SUMMARY, Vec::new(), self.state.made_ms);
        piece.bytes = self.state.manifest_bytes;
        let node = node(SUMMARY, NodeType::File, &piece);
        let open = Some(Opening::Manifest(Arc::clone(&self.state)));
        Some(Ok(ReadSourceEntry { path: PathBuf::from(SUMMARY), node, open }))
    }
}

fn node(path: &str, node_type: NodeType, piece: &Piece) -> Node {
    let name = path.rsplit('/').next().unwrap_or(path);
    let modified = Timestamp::from_nanosecond(i128::from(piece.modified_ns)).ok();
    let kind = if matches!(node_type, NodeType::Dir) { 1 << 31 } else { 0 };
    let meta = Metadata {
        // restic keeps Go's file mode: permissions, and the highest bit for folders.
        mode: Some(kind | (piece.mode & 0o777)),
        mtime: modified,
        size: piece.bytes,
        links: 1,
        ..Metadata::default()
    };
    Node::new_node(OsStr::new(name), node_type, meta)
}

/// Counts a piece as done when it goes, whether it was read or not.
pub(crate) struct Ticket {
    state: Arc<State>,
    at: usize,
    /// Bytes of it that were read and told.
    told: u64,
}

impl Ticket {
    /// Tells that so many more bytes were read; an error once it is to stop.
    fn tell(&mut self, bytes: u64) -> io::Result<()> {
        self.told += bytes;
        self.state.progress.add(bytes);
        if self.state.progress.is_stopped() { Err(io::Error::other("it was stopped")) } else { Ok(()) }
    }

    fn settle(&self, digest: Option<Digest>) {
        if let Some(slot) = locked(&self.state.digests).get_mut(self.at) {
            *slot = digest;
        }
    }

    fn problem(&self, why: &io::Error) {
        self.settle(None);
        // What is gone was taken away meanwhile.
        if why.kind() != io::ErrorKind::NotFound {
            let path = self.state.pieces.get(self.at).map_or_else(String::new, |piece| piece.path.clone());
            locked(&self.state.problems).push(Problem { path, why: why.to_string() });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // What was not read again, or no more than in part, is behind too.
        let bytes = self.state.pieces.get(self.at).map_or(0, |piece| piece.bytes);
        self.state.progress.add(bytes.saturating_sub(self.told));
        let mut waiting = locked(&self.state.waiting);
        *waiting = waiting.saturating_sub(1);
        if *waiting == 0 {
            self.state.done.notify_all();
        }
    }
}

/// What is opened once its turn comes.
pub(crate) enum Opening {
    Piece(Ticket),
    Manifest(Arc<State>),
}

impl ReadSourceOpen for Opening {
    type Reader = Reading;

    fn open(self) -> RusticResult<Reading> {
        let failed = |why: io::Error| RusticError::with_source(ErrorKind::InputOutput, "a file cannot be read", why);
        match self {
            Self::Piece(ticket) => {
                let opened = match ticket.state.pieces.get(ticket.at).map(|piece| &piece.content) {
                    Some(Content::File(path)) => File::open(path).map(Inner::File),
                    Some(Content::Bytes(bytes)) => Ok(Inner::Bytes(Cursor::new(bytes.clone()))),
                    _ => Err(io::Error::other("it is a folder")),
                };
                let inner = opened.map_err(|error| {
                    ticket.problem(&error);
                    failed(error)
                })?;
                let left = ticket.state.pieces.get(ticket.at).map_or(0, |piece| piece.bytes);
                Ok(Reading { inner, left, hasher: Box::default(), ticket: Some(ticket) })
            }
            Self::Manifest(state) => {
                let text = written(&state).map_err(|error| failed(io::Error::other(error)))?;
                let left = text.len() as u64;
                Ok(Reading { inner: Inner::Bytes(Cursor::new(text)), left, hasher: Box::default(), ticket: None })
            }
        }
    }
}

fn written(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let waiting = locked(&state.waiting);
    drop(state.done.wait_while(waiting, |waiting| *waiting > 0).unwrap_or_else(PoisonError::into_inner));
    let digests = locked(&state.digests);
    let files = state.pieces.iter().zip(digests.iter()).filter(|(piece, _)| !matches!(piece.content, Content::Folder));
    let entries =
        files.filter_map(|(piece, digest)| Some((piece.path.as_str(), piece.bytes, piece.modified_ns, (*digest)?)));
    let (mut text, root, files, bytes) = manifest::write(state.made_ms, &state.about, entries)?;
    let wanted = usize::try_from(state.manifest_bytes).unwrap_or(usize::MAX);
    // Sums of fewer files are never longer.
    text.resize(wanted.max(text.len()), b'\n');
    *locked(&state.summed) = Some(Summed { root, files, bytes });
    Ok(text)
}

enum Inner {
    File(File),
    Bytes(Cursor<Vec<u8>>),
}

/// Hashes what is read, and ends where the piece was said to end.
pub(crate) struct Reading {
    inner: Inner,
    left: u64,
    hasher: Box<blake3::Hasher>,
    ticket: Option<Ticket>,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..limit).unwrap_or_default();
        if self.left == 0 {
            if let Some(ticket) = self.ticket.take() {
                ticket.settle(Some(Digest(*self.hasher.finalize().as_bytes())));
            }
            return Ok(0);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.inner {
            Inner::File(file) => file.read(buffer),
            Inner::Bytes(bytes) => bytes.read(buffer),
        };
        let read = match read {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read")),
            other => other,
        };
        let read = read
            .and_then(|count| self.ticket.as_mut().map_or(Ok(()), |ticket| ticket.tell(count as u64)).map(|()| count));
        match read {
            Ok(count) => {
                if self.ticket.is_some() {
                    self.hasher.update(buffer.get(..count).unwrap_or_default());
                }
                self.left -= count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                if let Some(ticket) = self.ticket.take() {
                    ticket.problem(&error);
                }
                Err(error)
            }
        }
    }
}
