//! Whatever is done to what lies on the disk and in the rows: nothing false is ever handed out.
//!
//! `LAZARET_MUTATIONS` sets how many (10,000 by default, a million in the soak).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use store::keys as table;
use vault::blobs::Folder;
use vault::blobs::simulated::{self, SimulatedDisk};
use vault::format::chunks::SEALED_CHUNK_BYTES;
use vault::format::part::HEADER_BYTES;
use vault::{BlobId, ManifestPlace, SealedObject};

use crate::world::{World, bytes, object, study, version};

struct Case {
    sealed: SealedObject,
    plain: Vec<u8>,
    blobs: Vec<BlobId>,
}

struct Bench {
    _folder: tempfile::TempDir,
    world: World,
    disk: Arc<SimulatedDisk>,
    cases: Vec<Case>,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let disk = simulated::shared();
    let blobs = Folder::on(Arc::clone(&disk), Path::new("/objects")).unwrap();
    let world = World::over(folder.path(), Arc::new(blobs)).await;
    let mut cases = Vec::new();
    let shapes: [(&str, u8, u8, &[usize]); 7] = [
        ("onc-201", 1, 1, &[150_000, 70_000]),
        ("onc-201", 1, 2, &[150_000, 70_000]),
        ("onc-201", 2, 1, &[150_000, 70_000, 70_000]),
        ("cns-7", 3, 1, &[150_000, 70_000]),
        ("onc-201", 4, 1, &[10]),
        ("onc-201", 5, 1, &[131_072]),
        ("onc-201", 6, 1, &[65_536, 65_536]),
    ];
    for (at, (name, id, number, sizes)) in shapes.into_iter().enumerate() {
        let parts: Vec<Vec<u8>> = sizes.iter().zip(0..).map(|(size, n)| bytes(*size, at as u64 * 10 + n)).collect();
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let sealed = world.put(&study(name), id, number, &slices).await;
        let blobs = world.vault.parts(&sealed).await.unwrap().iter().map(|part| part.blob).collect();
        cases.push(Case { sealed, plain: parts.concat(), blobs });
    }
    Bench { _folder: folder, world, disk, cases }
}

fn path(blob: BlobId) -> PathBuf {
    let name = blob.to_string();
    Path::new("/objects").join(&name[..2]).join(name)
}

impl Bench {
    fn content(&self, blob: BlobId) -> Vec<u8> {
        self.disk.content(&path(blob)).unwrap()
    }

    /// Reads everything: whether it was accepted. Pieces before a fault must be genuine.
    async fn is_accepted(&self, sealed: &SealedObject, plain: &[u8], what: &str) -> bool {
        let Ok(mut reader) = self.world.vault.read(sealed, 0..sealed.bytes).await else { return false };
        let mut given = 0;
        while let Some(piece) = reader.next().await {
            match piece {
                Ok(piece) => {
                    assert_eq!(Some(&piece[..]), plain.get(given..given + piece.len()), "false bytes: {what}");
                    given += piece.len();
                }
                Err(_) => return false,
            }
        }
        true
    }
}

/// Where chunk `number` of a blob lies.
fn chunk(content: &[u8], number: usize) -> std::ops::Range<usize> {
    let start = HEADER_BYTES + number * SEALED_CHUNK_BYTES;
    start..(start + SEALED_CHUNK_BYTES).min(content.len())
}

fn chunk_count(content: &[u8]) -> usize {
    (content.len() - HEADER_BYTES).div_ceil(SEALED_CHUNK_BYTES)
}

/// Changes a blob, with a stranger at hand to take from.
fn mutate_blob(random: &mut StdRng, content: &mut Vec<u8>, other: &[u8]) -> &'static str {
    let (count, others) = (chunk_count(content), chunk_count(other));
    let (one, two) = (random.random_range(0..count), random.random_range(0..count));
    match random.random_range(0..11) {
        0 => {
            let at = random.random_range(0..content.len());
            content[at] ^= 1 << random.random_range(0..8);
            "flipped a bit"
        }
        1 => {
            let at = random.random_range(0..HEADER_BYTES);
            content[at] ^= 1 << random.random_range(0..8);
            "flipped a bit of the header"
        }
        2 => {
            content.truncate(random.random_range(0..content.len()));
            "truncated"
        }
        3 => {
            content.truncate(chunk(content, one).start);
            "truncated at a chunk"
        }
        4 => {
            let copy = content[chunk(content, one)].to_vec();
            content.extend_from_slice(&copy);
            "duplicated a chunk at the end"
        }
        5 => {
            let (from, to) = (chunk(content, one), chunk(content, two));
            let copy = content[from].to_vec();
            content.splice(to, copy);
            "put a chunk over another"
        }
        6 => {
            let copies = (content[chunk(content, one)].to_vec(), content[chunk(content, two)].to_vec());
            if one < two {
                let (first, second) = (chunk(content, one), chunk(content, two));
                content.splice(second, copies.0);
                content.splice(first, copies.1);
            }
            "swapped chunks"
        }
        7 => {
            content.drain(chunk(content, one));
            "dropped a chunk"
        }
        8 => {
            let from = other[chunk(other, one.min(others - 1))].to_vec();
            content.splice(chunk(content, one), from);
            "spliced a chunk of another blob"
        }
        9 => {
            content.splice(..HEADER_BYTES, other[..HEADER_BYTES].to_vec());
            "took another blob's header"
        }
        _ => {
            *content = other.to_vec();
            "took another blob's bytes"
        }
    }
}

fn mutate_row(random: &mut StdRng, sealed: &mut SealedObject, other: &SealedObject) -> &'static str {
    let ManifestPlace::Inline(manifest) = &mut sealed.manifest else { panic!("short manifests are inline") };
    match random.random_range(0..9) {
        0 => {
            let at = random.random_range(0..manifest.len());
            manifest[at] ^= 1 << random.random_range(0..8);
            "flipped a bit of the manifest"
        }
        1 => {
            manifest.truncate(random.random_range(0..manifest.len()));
            "truncated the manifest"
        }
        2 => {
            sealed.manifest = other.manifest.clone();
            "took another object's manifest"
        }
        3 => {
            (sealed.study, sealed.object, sealed.version) = (other.study.clone(), other.object, other.version);
            "took another object's place"
        }
        4 => {
            sealed.version = other.version;
            "took another version's id"
        }
        5 => {
            sealed.bytes = random.random_range(0..=sealed.bytes);
            "changed the length"
        }
        6 => {
            sealed.root[random.random_range(0..32)] ^= 1;
            "changed the root"
        }
        7 => {
            let (start, last) = (16, u32::from_be_bytes(manifest[12..16].try_into().unwrap()) as usize - 1);
            for at in 0..16 {
                manifest.swap(start + at, start + last * 16 + at);
            }
            "swapped parts in the manifest"
        }
        _ => {
            let (bytes, root) = (sealed.bytes, sealed.root);
            let version = sealed.version;
            *sealed = other.clone();
            (sealed.bytes, sealed.root, sealed.version) = (bytes, root, version);
            "took another row but for its sums"
        }
    }
}

#[tokio::test]
async fn no_mutation_is_accepted() {
    let wanted: u64 = std::env::var("LAZARET_MUTATIONS").map_or(10_000, |count| count.parse().unwrap());
    let bench = bench().await;
    let mut random = StdRng::seed_from_u64(20_261_124);
    let (mut done, mut accepted) = (0_u64, Vec::new());
    for case in &bench.cases {
        assert!(bench.is_accepted(&case.sealed, &case.plain, "untouched").await);
    }
    while done < wanted {
        let case = &bench.cases[random.random_range(0..bench.cases.len())];
        let other = &bench.cases[random.random_range(0..bench.cases.len())];
        let (was_accepted, what) = if random.random_range(0..3) > 0 {
            let blob = case.blobs[random.random_range(0..case.blobs.len())];
            let stranger = bench.content(other.blobs[random.random_range(0..other.blobs.len())]);
            let genuine = bench.content(blob);
            let mut content = genuine.clone();
            let what = mutate_blob(&mut random, &mut content, &stranger);
            if content == genuine {
                continue;
            }
            bench.disk.tamper(&path(blob), content);
            let was_accepted = bench.is_accepted(&case.sealed, &case.plain, what).await;
            bench.disk.tamper(&path(blob), genuine);
            (was_accepted, what)
        } else {
            let mut sealed = case.sealed.clone();
            let what = mutate_row(&mut random, &mut sealed, &other.sealed);
            if sealed == case.sealed || sealed == other.sealed {
                continue;
            }
            (bench.is_accepted(&sealed, &[], what).await, what)
        };
        done += 1;
        if was_accepted {
            accepted.push(what);
        }
    }
    assert!(accepted.is_empty(), "{} of {done} mutations were accepted: {accepted:?}", accepted.len());
    for case in &bench.cases {
        assert!(bench.is_accepted(&case.sealed, &case.plain, "restored").await);
    }
    eprintln!("{done} mutations, none accepted");
}

#[tokio::test]
async fn no_change_of_the_key_table_is_accepted() {
    let bench = bench().await;
    let world = &bench.world;
    let mut random = StdRng::seed_from_u64(1);
    let names: Vec<String> = (1..=6).map(|id| format!("data:{}", object(id))).collect();
    let names: Vec<&str> =
        names.iter().map(String::as_str).chain(["study:onc-201", "study:cns-7", "organisation"]).collect();
    for round in 0..200 {
        let name = names[round % names.len()];
        let genuine = table::newest(&world.keys, name).await.unwrap().unwrap();
        let other = names[random.random_range(0..names.len())];
        let other = table::newest(&world.keys, other).await.unwrap().unwrap();
        let mut row = genuine.clone();
        match random.random_range(0..5) {
            0 => row.wrapped = other.wrapped,
            1 => {
                let wrapped = row.wrapped.as_mut().unwrap();
                let at = random.random_range(0..wrapped.len());
                wrapped[at] ^= 1 << random.random_range(0..8);
            }
            2 => row.study = other.study.or(Some("cns-8".to_owned())),
            3 => (row.parent, row.parent_version) = (other.name, other.version),
            _ => row.wrapped = row.wrapped.map(|wrapped| wrapped[..random.random_range(0..wrapped.len())].to_vec()),
        }
        if row == genuine {
            continue;
        }
        let mut transaction = world.keys.begin().await.unwrap();
        table::replace(&mut transaction, vec![row.clone()]).await.unwrap();
        transaction.commit().await.unwrap();
        world.later(60_001);
        for case in &bench.cases {
            let concerned = match name.strip_prefix("data:") {
                Some(id) => case.sealed.object.to_string() == id,
                None => name == "organisation" || name.strip_prefix("study:") == Some(case.sealed.study.as_str()),
            };
            let is_accepted = bench.is_accepted(&case.sealed, &case.plain, "key table").await;
            assert_eq!(is_accepted, !concerned, "round {round}: {row:?} instead of {genuine:?}");
        }
        let mut transaction = world.keys.begin().await.unwrap();
        table::replace(&mut transaction, vec![genuine]).await.unwrap();
        transaction.commit().await.unwrap();
        world.later(60_001);
    }
    let case = &bench.cases[0];
    assert!(bench.is_accepted(&case.sealed, &case.plain, "restored").await);
    assert_eq!(case.sealed.version, version(1));
}
