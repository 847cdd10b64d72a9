//! Round trips, ranges, limits, and what goes wrong around an object.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use vault::blobs::Remote;
use vault::format::chunks::{self, CHUNK_BYTES, SEALED_CHUNK_BYTES};
use vault::{OBJECT_BYTES_MAX, VaultError};

use crate::world::{World, bytes, files, holds, object, study, version};

#[tokio::test]
async fn sizes_around_chunk_borders_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let chunk = CHUNK_BYTES;
    for size in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 16 * chunk - 1, 16 * chunk, 16 * chunk + 1, 3_000_000] {
        let plain = bytes(size, size as u64);
        let sealed = world.put(&onc, 1, 1, &[&plain]).await;
        assert_eq!(sealed.bytes, size as u64);
        assert_eq!(world.get(&sealed).await.unwrap(), plain, "{size}");
        let stored: u64 = files(&folder.path().join("objects")).iter().map(|(_, bytes)| bytes.len() as u64).sum();
        assert_eq!(stored, sealed.sealed_bytes, "{size}");
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<vault::SealedObject>(&json).unwrap(), sealed);
        world.vault.remove(&sealed).await.unwrap();
        assert!(files(&folder.path().join("objects")).is_empty());
    }
}

#[tokio::test]
async fn ranges_over_parts_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let plain = bytes(1_500_000, 7);
    let (one, rest) = plain.split_at(700_000);
    let (two, three) = rest.split_at(65_536);
    let sealed = world.put(&study("onc-201"), 1, 1, &[one, two, &[], three]).await;
    let mut random = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    for _ in 0..300 {
        let (a, b) = (random.random_range(0..=1_500_000_usize), random.random_range(0..=1_500_000_usize));
        let (start, end) = (a.min(b), a.max(b));
        let read = world.range(&sealed, start as u64, end as u64).await.unwrap();
        assert_eq!(read, plain[start..end], "{start}..{end}");
    }
    for (start, end) in [(0, 0), (1_500_000, 1_500_000), (0, 1), (699_999, 700_001), (765_535, 765_537)] {
        let read = world.range(&sealed, start, end).await.unwrap();
        assert_eq!(read, plain[start as usize..end as usize]);
    }
    for (start, end) in [(0, 1_500_001), (2, 1), (u64::MAX, u64::MAX)] {
        let refused = world.range(&sealed, start, end).await.unwrap_err();
        assert!(matches!(refused, VaultError::Range { .. }), "{refused}");
    }
}

#[tokio::test]
async fn pieces_are_large_and_a_long_manifest_lies_in_a_blob() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let plain = bytes(5 << 20, 3);
    let sealed = world.put(&study("onc-201"), 1, 1, &[&plain]).await;
    let reader = world.vault.read(&sealed, 10..5 << 20).await.unwrap();
    assert_eq!(reader.bytes(), (5 << 20) - 10);
    let pieces: Vec<bytes::Bytes> = futures_util::TryStreamExt::try_collect(reader).await.unwrap();
    assert_eq!(
        pieces.iter().map(bytes::Bytes::len).collect::<Vec<_>>(),
        [(1 << 20) - 10, 1 << 20, 1 << 20, 1 << 20, 1 << 20]
    );

    let parts: Vec<Vec<u8>> = (0..150).map(|part| bytes(100, part)).collect();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let sealed = world.put(&study("onc-201"), 2, 1, &parts).await;
    assert!(matches!(sealed.manifest, vault::ManifestPlace::Blob(_)));
    assert_eq!(world.get(&sealed).await.unwrap(), parts.concat());
    assert_eq!(world.vault.parts(&sealed).await.unwrap().len(), 150);
    world.vault.remove(&sealed).await.unwrap();
    world.vault.remove(&sealed).await.unwrap();
    assert_eq!(world.vault.blobs(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_object_belongs_to_one_study_and_version() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let (onc, cns) = (study("onc-201"), study("cns-7"));
    let sealed = world.put(&onc, 1, 1, &[b"one"]).await;
    let refused = world.try_put(&cns, 1, 1, &[b"two"]).await.unwrap_err();
    assert!(matches!(refused, VaultError::Misplaced { .. }), "{refused}");
    let mut moved = sealed.clone();
    moved.study = cns;
    assert!(matches!(world.get(&moved).await.unwrap_err(), VaultError::Misplaced { .. }));
    let mut writer = world.vault.writer(&onc, object(1), version(1)).await.unwrap();
    writer.write(b"x").await.unwrap();
    let part = writer.finish().await.unwrap();
    for parts in [&[][..], &[part.clone(), part.clone()]] {
        let refused = world.vault.commit(&onc, object(1), version(1), parts).await.unwrap_err();
        assert!(matches!(refused, VaultError::Parts { .. }), "{refused}");
    }
    let refused = world.vault.commit(&onc, object(1), version(2), std::slice::from_ref(&part)).await.unwrap_err();
    assert!(matches!(refused, VaultError::Parts { .. }), "{refused}");
    world.vault.discard(&part).await.unwrap();
    let mut unknown = sealed;
    unknown.object = object(9);
    assert!(matches!(world.get(&unknown).await.unwrap_err(), VaultError::NoKey { .. }));
}

#[tokio::test]
async fn nothing_is_opened_or_sealed_without_the_root_key() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let sealed = world.put(&onc, 1, 1, &[b"secret"]).await;
    let calls = world.root.calls.load(Ordering::SeqCst);
    world.get(&sealed).await.unwrap();
    assert_eq!(world.root.calls.load(Ordering::SeqCst), calls, "keys in use are in memory");
    world.root.is_down.store(true, Ordering::SeqCst);
    world.get(&sealed).await.unwrap();
    world.later(60_001);
    let down = world.get(&sealed).await.unwrap_err();
    assert!(matches!(&down, VaultError::Provider { .. }) && down.is_unavailable(), "{down}");
    assert!(matches!(world.try_put(&onc, 2, 1, &[b"x"]).await.unwrap_err(), VaultError::Provider { .. }));
    assert_eq!(files(&folder.path().join("objects")).len(), 1, "nothing was stored, sealed or not");
    world.root.is_down.store(false, Ordering::SeqCst);
    assert_eq!(world.get(&sealed).await.unwrap(), b"secret");
}

#[tokio::test]
async fn no_plaintext_and_no_name_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let plain = b"Jane Doe, born 1961-02-03, SSN 078-05-1120. ".repeat(10_000);
    let onc = study("onc-201");
    let sealed = world.put(&onc, 1, 1, &[&plain]).await;
    let mut writer = world.vault.writer(&onc, object(2), version(1)).await.unwrap();
    writer.write(&plain).await.unwrap();
    writer.write(&bytes(3 << 20, 1)).await.unwrap();
    for (path, content) in files(folder.path()) {
        for needle in [&b"Jane Doe"[..], b"078-05-1120", b"0101010101010101\x01"] {
            assert!(!holds(&content, needle), "{}", path.display());
        }
        let name = path.display().to_string();
        assert!(!name.contains(&object(1).to_string()), "{name}");
    }
    assert!(files(&folder.path().join("objects/unfinished")).len() == 1, "an unfinished part is there, sealed");
    drop(writer);
    assert!(files(&folder.path().join("objects/unfinished")).is_empty());
    assert_eq!(world.get(&sealed).await.unwrap(), plain);
}

#[tokio::test]
async fn a_remote_store_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Arc::new(object_store::memory::InMemory::new());
    let world = World::over(folder.path(), Arc::new(Remote::new(memory, "lazaret/objects".into()))).await;
    let plain = bytes(25_000_000, 9);
    let sealed = world.put(&study("onc-201"), 1, 1, &[&plain[..12_000_000], &plain[12_000_000..]]).await;
    assert_eq!(world.get(&sealed).await.unwrap(), plain);
    assert_eq!(world.range(&sealed, 11_999_999, 12_000_001).await.unwrap(), &plain[11_999_999..12_000_001]);
    let blobs = world.vault.blobs(None, 10).await.unwrap();
    assert_eq!(blobs.len(), 2);
    assert_eq!(world.vault.blobs(Some(blobs[0]), 10).await.unwrap(), blobs[1..]);
    world.vault.remove(&sealed).await.unwrap();
    assert!(world.vault.blobs(None, 10).await.unwrap().is_empty());
    let gone = world.get(&sealed).await.unwrap_err();
    assert!(matches!(&gone, VaultError::Blobs { source } if source.is_missing()), "{gone}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Against arithmetic on 128 bits, up to 5 TiB.
    #[test]
    fn chunk_arithmetic_holds_to_five_tebibytes(
        plain in 0..=OBJECT_BYTES_MAX, a in 0..=OBJECT_BYTES_MAX, b in 0..=OBJECT_BYTES_MAX, near in -2_i64..=2,
    ) {
        let chunk = CHUNK_BYTES as u128;
        let borders = plain / chunk as u64 * chunk as u64;
        for plain in [plain, borders.saturating_add_signed(near).min(OBJECT_BYTES_MAX), OBJECT_BYTES_MAX] {
            let count = u128::from(plain).div_ceil(chunk).max(1);
            prop_assert_eq!(u128::from(chunks::count(plain)), count);
            prop_assert_eq!(u128::from(chunks::sealed_bytes(plain)), 96 + u128::from(plain) + 16 * count);
            let last = chunks::count(plain) - 1;
            let sum = u128::from(last) * chunk + chunks::plain_bytes_of(last, plain) as u128;
            prop_assert_eq!(sum, u128::from(plain), "full chunks and the last one are all");
            prop_assert_eq!(chunks::plain_bytes_of(last + 1, plain), 0);
            let end = u128::from(chunks::offset(last)) + chunks::plain_bytes_of(last, plain) as u128 + 16;
            prop_assert_eq!(end, u128::from(chunks::sealed_bytes(plain)));
            prop_assert_eq!(u128::from(chunks::offset(last)), 96 + u128::from(last) * SEALED_CHUNK_BYTES as u128);
            let (start, end) = (a.min(b).min(plain), a.max(b).min(plain));
            let held = chunks::holding(start, end);
            if start < end {
                prop_assert!(u128::from(held.start) * chunk <= u128::from(start));
                prop_assert!(u128::from(held.start + 1) * chunk > u128::from(start));
                prop_assert!(u128::from(held.end) * chunk >= u128::from(end));
                prop_assert!(u128::from(held.end - 1) * chunk < u128::from(end));
                prop_assert!(held.end <= chunks::count(plain));
            } else {
                prop_assert!(held.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_parts_come_back(sizes in proptest::collection::vec(0_usize..200_000, 1..5), cut in any::<(u32, u32)>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let disk = vault::blobs::simulated::shared();
            let blobs = vault::blobs::Folder::on(disk, std::path::Path::new("/objects")).unwrap();
            let world = World::over(folder.path(), Arc::new(blobs)).await;
            let parts: Vec<Vec<u8>> = sizes.iter().map(|size| bytes(*size, *size as u64)).collect();
            let whole = parts.concat();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let sealed = world.put(&study("onc-201"), 1, 1, &parts).await;
            assert_eq!(world.get(&sealed).await.unwrap(), whole);
            let at = |cut: u32| (u64::from(cut) * (whole.len() as u64 + 1)) >> 32;
            let (start, end) = (at(cut.0).min(at(cut.1)), at(cut.0).max(at(cut.1)));
            assert_eq!(world.range(&sealed, start, end).await.unwrap(), &whole[start as usize..end as usize]);
        });
    }
}
