//! Ten thousand changed ledgers, each by one who may or may not hold the signing key: every one is found.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use verify::entry::{self, Kind};
use verify::merkle::{self, Hash};
use verify::note::{Checkpoint, Note, SigningKey, VerifierKey};
use verify::tile::{Tile, entries, push_entry};
use verify::witness::Witness;
use verify::{Pins, wal};

use crate::support::{Memory, ORIGIN, START_MS, block_on, event, open, serve};

/// A ledger to be changed, and what its auditor and its signer know.
pub struct Subject {
    pub memory: Memory,
    pub pins: Pins,
    key: SigningKey,
    /// The same ledger some entries earlier.
    earlier: Memory,
}

/// 700 entries below the checkpoint, 40 beyond, two cosignatures and a time stamp's place.
pub fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let ledger = open(&root, 1);
    let witness = SigningKey::of_witness("example.org/witness", &[4; 32]).unwrap();
    let watched = Witness::new(witness, vec![ledger.verifier_key()], "").unwrap();
    let key = watched.verifier().clone();
    let url = serve(watched, u64::try_from(START_MS / 1000).unwrap() + 1);
    let mut earlier = Memory::default();
    block_on(async {
        together(&ledger, 500).await;
        ledger.witness(&url, &key, 0).await.unwrap();
        ledger.publish().await.unwrap();
        earlier = Memory::load(&root.join("ledger"));
        together(&ledger, 199).await;
        ledger.publish().await.unwrap();
        for number in 0..4 {
            ledger.append(event(number)).await.unwrap();
        }
        together(&ledger, 36).await;
    });
    let memory = Memory::load(&root.join("ledger"));
    let last = batches(&memory).pop().unwrap().1;
    let pins = Pins { key: Some(ledger.verifier_key()), checkpoint: Some(last) };
    let text = std::fs::read_to_string(root.join("../keys/ledger.key")).unwrap();
    Subject { memory, pins, key: signing_key(&text), earlier }
}

/// Appends that wait together, so that few batches hold them.
async fn together(ledger: &ledger::Ledger, count: u64) {
    let mut waiting: Vec<_> = (0..count).map(|number| Box::pin(ledger.append(event(number)))).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|append| append.as_mut().poll(context).map(Result::unwrap).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn signing_key(text: &str) -> SigningKey {
    use base64::Engine as _;
    let encoded = text.trim().rsplit_once('+').unwrap().1;
    // The base64 itself may hold `+`: take what follows the fifth.
    let encoded = text.trim().splitn(5, '+').last().unwrap_or(encoded);
    let private = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    SigningKey::of_log(ORIGIN, private[1..].try_into().unwrap()).unwrap()
}

/// The write-ahead log's batches: bundle and note.
fn batches(memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    for (_, bytes) in memory.0.iter().filter(|(path, _)| path.starts_with("wal/")) {
        let mut cursor = verify::bytes::Cursor::new(bytes);
        while let Ok(batch) = wal::take(&mut cursor) {
            found.push((batch.bundle.to_vec(), batch.note.to_vec()));
        }
    }
    found
}

fn all_entries(memory: &Memory, size: u64) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(tile) = Tile::within(None, all.len() as u64 / 256, size).filter(|_| (all.len() as u64) < size) {
        all.extend(entries(&memory.0[&tile.path()]).unwrap().into_iter().map(<[u8]>::to_vec));
    }
    all
}

/// A whole ledger over these entries, signed: what one who holds the key can always make.
fn built(entries: &[Vec<u8>], key: &SigningKey, keep: &Memory) -> Memory {
    let mut files = BTreeMap::new();
    let others = keep.0.iter().filter(|(path, _)| !path.starts_with("tile/") && !path.starts_with("wal/"));
    files.extend(others.map(|(path, bytes)| (path.clone(), bytes.clone())));
    let size = entries.len() as u64;
    let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(entry)).collect();
    for (index, chunk) in entries.chunks(256).enumerate() {
        let mut bundle = Vec::new();
        chunk.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
        files.insert(Tile::within(None, index as u64, size).unwrap().path(), bundle);
    }
    let mut hashes = leaves.clone();
    for level in 0_u8.. {
        if hashes.is_empty() {
            break;
        }
        for (index, chunk) in hashes.chunks(256).enumerate() {
            files.insert(Tile::within(Some(level), index as u64, size).unwrap().path(), chunk.as_flattened().to_vec());
        }
        hashes = hashes.chunks_exact(256).map(merkle::root).collect();
    }
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: merkle::root(&leaves) };
    files.insert("checkpoint".to_owned(), checkpoint.signed(key).into_bytes());
    Memory(files)
}

fn backdated(bytes: &[u8], by: i64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let time = i64::from_be_bytes(bytes[26..34].try_into().unwrap()) - by;
    bytes[26..34].copy_from_slice(&time.to_be_bytes());
    bytes
}

/// Changes a ledger in one of the ways there are. Tells how.
#[expect(clippy::too_many_lines, reason = "one arm for each way")]
fn change(subject: &Subject, random: &mut StdRng) -> (Memory, Pins, String) {
    let mut memory = subject.memory.clone();
    let pins = subject.pins.clone();
    let paths: Vec<String> =
        memory.0.iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(path, _)| path.clone()).collect();
    let path = paths[random.random_range(0..paths.len())].clone();
    let bundle =
        paths.iter().filter(|path| path.starts_with("tile/entries")).nth(random.random_range(0..3)).unwrap().clone();
    let (mut entry, mut other) = (0, 0);
    while entry == other {
        (entry, other) = (random.random_range(0..699_usize), random.random_range(0..699_usize));
    }
    let how = random.random_range(0..22);
    let at = random.random_range(0..memory.0[&path].len());
    match how {
        0 | 1 => memory.0.get_mut(&path).unwrap()[at] ^= 1 << random.random_range(0..8),
        2 => memory.0.get_mut(&path).unwrap().truncate(at),
        3 => memory.0.get_mut(&path).unwrap().push(random.random()),
        4 => memory.0.get_mut(&path).unwrap().insert(at, random.random()),
        5 if !path.starts_with("cosigned/") => drop(memory.0.remove(&path)),
        5 | 6 => {
            let stray = [
                "tile/0/999",
                "tile/entries/x001/000",
                "notes.txt",
                "wal/00000000000000000740",
                "anchors/1.tsr",
                "tile/7/000.p/1",
            ];
            memory.0.insert(stray[random.random_range(0..stray.len())].to_owned(), vec![random.random(); 32]);
        }
        7 => {
            let shape = |path: &str| path.split('/').next().map(str::to_owned);
            let same = paths.iter().find(|other| **other != path && shape(other) == shape(&path));
            let with = same.unwrap_or(&bundle).clone();
            let (a, b) = (memory.0[&path].clone(), memory.0[&with].clone());
            memory.0.insert(path.clone(), b);
            memory.0.insert(with, a);
            if path == bundle {
                memory.0.get_mut(&path).unwrap().push(0)
            }
        }
        8..=11 => {
            let read = memory.0[&bundle].clone();
            let mut list: Vec<&[u8]> = entries(&read).unwrap();
            let (a, b) = (entry % list.len(), other % list.len());
            let b = if a == b { (a + 1) % list.len() } else { b };
            let changed = backdated(list[a], 1);
            match how {
                8 => drop(list.remove(a)),
                9 => list.swap(a, b),
                10 => list.insert(b, list[a]),
                _ => list[a] = &changed,
            }
            let mut bytes = Vec::new();
            list.iter().for_each(|entry| push_entry(&mut bytes, entry).unwrap());
            memory.0.insert(bundle, bytes);
        }
        12 => {
            let stranger = SigningKey::of_log(ORIGIN, &[random.random(); 32]).unwrap();
            memory = built(&all_entries(&memory, 700), &stranger, &memory);
        }
        13 => {
            let older = &subject.earlier.0["checkpoint"];
            memory.0.insert("checkpoint".to_owned(), older.clone());
        }
        14 => memory = subject.earlier.clone(),
        15..=18 => {
            // Whoever holds the key rewrites all of it: the auditor's checkpoint or the order of entries tells.
            let mut all = all_entries(&memory, 700);
            match how {
                15 => drop(all.remove(entry)),
                16 => all.swap(entry, other),
                17 => all[entry] = backdated(&all[entry], 3_600_000),
                _ => {
                    let header = entry::parse(&all[entry]).unwrap().header;
                    let body = entry::event("{\"class_uid\":6006}", &[]).unwrap();
                    all[entry] = entry::encode(&header, Kind::Event, &body).unwrap();
                }
            }
            memory = built(&all, &subject.key, &memory);
        }
        19 | 20 => {
            let mut list = batches(&memory);
            let (a, b) = (entry % list.len(), other % list.len());
            let b = if a == b { (a + 1) % list.len() } else { b };
            if how == 19 {
                drop(list.remove(a))
            } else {
                list.swap(a, b)
            }
            let mut first = 0;
            let mut bytes = Vec::new();
            for (bundle, note) in list {
                let count = entries_of(&bundle);
                wal::push(&mut bytes, first, count, &bundle, std::str::from_utf8(&note).unwrap()).unwrap();
                first += count as u64;
            }
            memory.0.insert(wal::path(0), bytes);
        }
        _ => {
            let note = Note::parse(&memory.0["checkpoint"]).unwrap();
            let mut checkpoint = Checkpoint::parse(&note.text).unwrap();
            if random.random() {
                checkpoint.size -= 1
            } else {
                checkpoint.root[at % 32] ^= 1
            }
            let key = if random.random() { &subject.key } else { &SigningKey::of_log(ORIGIN, &[1; 32]).unwrap() };
            memory.0.insert("checkpoint".to_owned(), checkpoint.signed(key).into_bytes());
        }
    }
    (memory, pins, format!("way {how}, `{path}` at {at}, entries {entry} and {other}"))
}

fn entries_of(bundle: &[u8]) -> usize {
    let mut cursor = verify::bytes::Cursor::new(bundle);
    let mut count = 0;
    while let Ok(length) = cursor.u16("length") {
        cursor.take(usize::from(length), "entry").unwrap();
        count += 1;
    }
    count
}

#[test]
fn ten_thousand_changes_are_found() {
    let count: u64 = std::env::var("LAZARET_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let subject = subject();
    let untouched = subject.memory.audit(&subject.pins);
    assert!(untouched.holds(), "{untouched}");
    assert_eq!((untouched.size, untouched.durable, untouched.cosignatures), (700, 740, 1));
    std::thread::scope(|scope| {
        for half in 0..2 {
            let subject = &subject;
            scope.spawn(move || {
                for seed in (half..count).step_by(2) {
                    let (memory, pins, how) = change(subject, &mut StdRng::seed_from_u64(seed));
                    assert_ne!(memory, subject.memory, "seed {seed} changed nothing: {how}");
                    assert!(!memory.audit(&pins).holds(), "seed {seed} was not found: {how}");
                }
            });
        }
    });
}

#[test]
fn the_first_bad_entry_is_named() {
    let subject = subject();
    for entry in [0_usize, 1, 255, 256, 300, 698] {
        let mut memory = subject.memory.clone();
        let tile = Tile::within(None, entry as u64 / 256, 700).unwrap();
        let read = memory.0[&tile.path()].clone();
        let mut list: Vec<Vec<u8>> = entries(&read).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        *list[entry % 256].last_mut().unwrap() ^= 1;
        let mut bytes = Vec::new();
        list.iter().for_each(|entry| push_entry(&mut bytes, entry).unwrap());
        memory.0.insert(tile.path(), bytes);
        let report = memory.audit(&Pins::default());
        assert_eq!(report.first_bad_entry(), Some(entry as u64), "{report}");
    }
}

#[test]
fn a_key_from_elsewhere_is_no_key_of_the_log() {
    let subject = subject();
    let other: VerifierKey = SigningKey::of_log(ORIGIN, &[77; 32]).unwrap().verifier().clone();
    assert!(!subject.memory.audit(&Pins { key: Some(other), checkpoint: None }).holds());
}
