//! Power goes at every moment, and disks fill up.

use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use vault::VaultError;
use vault::blobs::Folder;
use vault::blobs::simulated::{self, SimulatedDisk};

use crate::world::{World, bytes, holds, study};

const OBJECTS: &str = "/objects";

async fn over(folder: &Path, disk: &Arc<SimulatedDisk>) -> World {
    World::over(folder, Arc::new(Folder::on(Arc::clone(disk), Path::new(OBJECTS)).unwrap())).await
}

/// Whatever moment the power goes: what was answered is there, what was not is not, and nothing half written is visible.
#[tokio::test]
async fn a_crash_at_any_moment_keeps_what_was_answered_and_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let onc = study("onc-201");
    let plain = bytes(3 << 20, 1);
    for seed in 0..150_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = simulated::shared();
        let world = over(folder.path(), &disk).await;
        let mut answered = Vec::new();
        disk.set_operations(Some(random.random_range(0..40)));
        for id in 0..4 {
            let size = random.random_range(0..plain.len());
            let Ok(sealed) = world.try_put(&onc, id, 1, &[&plain[..size], b"second part"]).await else { break };
            answered.push((sealed, size));
        }
        disk.crash(&mut |below| random.random_range(0..below));
        let world = over(folder.path(), &disk).await;
        for (sealed, size) in &answered {
            let mut expected = plain[..*size].to_vec();
            expected.extend_from_slice(b"second part");
            assert_eq!(world.get(sealed).await.unwrap(), expected, "seed {seed}");
        }
        for (path, content) in disk.files() {
            assert!(!path.starts_with("/objects/unfinished"), "seed {seed}: {} was not swept", path.display());
            assert!(!holds(&content, b"second part"), "no plaintext");
            let length = content.len() as u64;
            assert!(length > 96, "seed {seed}: `{}` is visible but was never synced", path.display());
        }
        world.keys.close().await;
    }
}

/// A removal that was answered stays one.
#[tokio::test]
async fn what_was_removed_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..20_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let disk = simulated::shared();
        let world = over(folder.path(), &disk).await;
        let sealed = world.put(&study("onc-201"), 1, 1, &[b"gone"]).await;
        world.vault.remove(&sealed).await.unwrap();
        disk.crash(&mut |below| random.random_range(0..below));
        world.keys.close().await;
        let world = over(folder.path(), &disk).await;
        assert!(disk.files().is_empty(), "seed {seed}");
        world.keys.close().await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let disk = simulated::shared();
    let world = over(folder.path(), &disk).await;
    let onc = study("onc-201");
    let kept = world.put(&onc, 1, 1, &[b"kept"]).await;
    let plain = bytes(5 << 20, 2);
    for room in [0, 1, 95, 96, 100_000, 1 << 20, 4 << 20] {
        disk.set_room(Some(room));
        let refused = world.try_put(&onc, 2, 1, &[&plain]).await.unwrap_err();
        assert!(matches!(&refused, VaultError::Blobs { source } if source.is_full()), "{room}: {refused}");
        assert!(refused.is_unavailable());
        assert_eq!(disk.files().len(), 1, "{room}: what did not fit was cleared away");
        assert_eq!(world.get(&kept).await.unwrap(), b"kept");
    }
    disk.set_room(None);
    let sealed = world.put(&onc, 2, 1, &[&plain]).await;
    assert_eq!(world.get(&sealed).await.unwrap(), plain);
}

/// A process that is killed leaves sealed bytes in `unfinished`, which the next start sweeps.
#[tokio::test]
async fn the_next_start_sweeps_what_a_kill_left() {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects");
    let world = World::open(folder.path()).await;
    std::fs::write(objects.join("unfinished/0123"), b"sealed bytes of a killed process").unwrap();
    let kept = world.put(&study("onc-201"), 1, 1, &[b"kept"]).await;
    world.keys.close().await;
    let world = World::open(folder.path()).await;
    assert!(std::fs::read_dir(objects.join("unfinished")).unwrap().next().is_none());
    assert_eq!(world.get(&kept).await.unwrap(), b"kept");
}
