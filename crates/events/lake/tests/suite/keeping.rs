//! What is appended stays, exactly once.

use std::path::Path;

use lake::{Holds, LakeError, Limits, Retention, Row, Snapshot};
use proptest::prelude::*;

use crate::support::{all, bytes_in, checkpoint, key, open, rows, unbound};

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A text with what texts may have.
fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), Just(Some(String::new())), any::<String>().prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn rows_come_back_as_they_went_in(
        given in proptest::collection::vec((any::<i64>(), any::<u32>(), text(), text(), text(), any::<Option<i64>>()), 1..200),
        cut in 0_usize..200,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<Row> = (0..).zip(given).map(|(index, (time_ms, class_uid, a, b, c, bytes))| Row {
            index, time_ms, class_uid, bytes, first_byte: bytes.map(|bytes| !bytes),
            object_name: a.clone(), raw: b.clone(), scope: c.clone(), principal: a, labels: b, details: c,
            ..Row::default()
        }).collect();
        let cut = cut.min(rows.len());
        {
            let mut lake = open(folder.path());
            lake.append(&rows[..cut], &checkpoint(1000)).unwrap();
            lake.append(&rows[cut..], &checkpoint(1000)).unwrap();
        }
        let snapshot = Snapshot::open(folder.path(), key()).unwrap();
        prop_assert_eq!(unbound(all(&snapshot)), rows);
    }
}

#[test]
fn only_the_next_row_is_taken_and_only_under_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path());
    assert!(matches!(lake.append(&rows(1, 2), &checkpoint(9)), Err(LakeError::Order { expected: 0, found: 1 })));
    assert!(matches!(lake.append(&rows(0, 2), &checkpoint(1)), Err(LakeError::Beyond { index: 1, size: 1 })));
    lake.append(&rows(0, 2), &checkpoint(2)).unwrap();
    assert!(matches!(lake.append(&rows(1, 2), &checkpoint(9)), Err(LakeError::Order { expected: 2, found: 1 })));
    assert!(matches!(lake::Lake::open(folder.path(), key(), crate::support::random()), Err(LakeError::Locked { .. })));
    assert_eq!(all(lake.snapshot()).iter().map(|row| row.checkpoint).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn small_segments_become_few_and_readers_of_before_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path());
    for at in 0..40 {
        lake.append(&rows(at * 10, 10), &checkpoint(1000)).unwrap();
    }
    let before = lake.snapshot().clone();
    let limits = Limits { fan_in: 4, rows_max: 200, grace_ms: 1000 };
    assert!(lake.compact(limits, 5000).unwrap() > 0);
    assert!(lake.snapshot().manifest.segments.len() < 10);
    assert_eq!(unbound(all(lake.snapshot())), rows(0, 400));
    assert_eq!(all(&before).len(), 400, "whoever began to read before goes on");
    lake.compact(limits, 6001).unwrap();
    assert!(matches!(before.rows(&before.manifest.segments[0]), Err(LakeError::Missing { .. })));
    assert_eq!(unbound(all(lake.snapshot())), rows(0, 400));
    assert!(lake.snapshot().manifest.segments.iter().all(|segment| segment.rows <= 200));
}

/// A kill leaves the files of before and after, and one of the two manifests.
#[test]
fn a_kill_at_any_step_leaves_before_or_after() {
    type Step = fn(&mut lake::Lake);
    let steps: [Step; 4] = [
        |lake| lake.append(&rows(40, 5), &checkpoint(1000)).unwrap(),
        |lake| assert!(lake.compact(Limits { fan_in: 2, rows_max: 100, grace_ms: 0 }, 1).unwrap() > 0),
        |lake| {
            assert!(
                lake.expire(&Retention::parse("other_days = 1").unwrap(), &Holds::default(), 86_400_000 * 8 + 20_000)
                    .unwrap()
                    > 0
            )
        },
        |lake| assert!(lake.forget(&lake::Forgotten::of(["study:onc-1"])).unwrap() > 0),
    ];
    for (number, step) in steps.iter().enumerate() {
        let [before, after, killed] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        {
            let mut lake = open(before.path());
            for at in 0..4 {
                lake.append(&rows(at * 10, 10), &checkpoint(1000)).unwrap();
            }
        }
        copy(before.path(), after.path());
        step(&mut open(after.path()));
        let read = |folder: &Path| all(&Snapshot::open(folder, key()).unwrap());
        let (was, is) = (read(before.path()), read(after.path()));
        for manifest in [before.path(), after.path()] {
            copy(before.path(), killed.path());
            copy(after.path(), killed.path());
            std::fs::copy(manifest.join("manifest"), killed.path().join("manifest")).unwrap();
            std::fs::write(killed.path().join("segment-half.new"), b"half").unwrap();
            let lake = open(killed.path());
            let found = all(lake.snapshot());
            assert!(found == was || found == is, "step {number}");
            let files = std::fs::read_dir(killed.path()).unwrap().count();
            let manifest = &lake.snapshot().manifest;
            // Lock and manifest stand beside the segments.
            assert_eq!(
                files,
                manifest.segments.len() + manifest.retired.len() + 2,
                "step {number} leaves nothing lying about"
            );
        }
    }
}

#[test]
fn whatever_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut lake = open(folder.path());
        lake.append(&rows(0, 50), &checkpoint(100)).unwrap();
        lake.append(&rows(50, 50), &checkpoint(100)).unwrap();
    }
    let snapshot = Snapshot::open(folder.path(), key()).unwrap();
    let [first, second] = [0, 1].map(|at| folder.path().join(&snapshot.manifest.segments[at].name));
    let whole = std::fs::read(&first).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&first, &changed).unwrap();
        assert!(matches!(snapshot.rows(&snapshot.manifest.segments[0]), Err(LakeError::Altered { .. })), "byte {at}");
    }
    std::fs::write(&first, std::fs::read(&second).unwrap()).unwrap();
    assert!(matches!(snapshot.rows(&snapshot.manifest.segments[0]), Err(LakeError::Altered { .. })), "moved");
    let mut manifest = std::fs::read(folder.path().join("manifest")).unwrap();
    *manifest.last_mut().unwrap() ^= 1;
    std::fs::write(folder.path().join("manifest"), manifest).unwrap();
    assert!(matches!(Snapshot::open(folder.path(), key()), Err(LakeError::Altered { .. })));
}

#[test]
fn nothing_lies_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).append(&rows(0, 50), &checkpoint(100)).unwrap();
    let bytes = bytes_in(folder.path());
    for word in ["Doe_Jane", "onc-1", "PAR1", "lake.example"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
}

#[test]
fn rows_go_when_their_time_is_over_unless_they_are_held() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path());
    lake.append(&rows(0, 100), &checkpoint(200)).unwrap();
    lake.append(&rows(100, 100), &checkpoint(200)).unwrap();
    let day = 86_400_000;
    let retention =
        Retention::parse("other_days = 1\n[[class]]\nuid = 6006\ndays = 30\nwhy = \"\"\nsource = \"\"\nchecked = \"\"")
            .unwrap();
    let holds = Holds(["study:onc-1".to_owned(), format!("object:{:032x}", 3)].into());
    assert_eq!(lake.expire(&retention, &Holds::default(), day).unwrap(), 0, "nothing is due");
    assert_eq!(lake.expire(&retention, &Holds::default(), day * 8 - 1).unwrap(), 0, "not yet worth writing anew");
    // Odd rows are listings in `onc-1`, on which a hold lies.
    assert_eq!(lake.expire(&retention, &holds, day * 8 + 50_000).unwrap(), 0);
    assert_eq!(lake.expire(&retention, &Holds::default(), day * 8 + 50_000).unwrap(), 50);
    assert!(all(lake.snapshot()).iter().all(|row| row.class_uid == 6006 || row.index >= 100));
    assert_eq!(lake.expire(&retention, &Holds::default(), day * 90).unwrap(), 150);
    assert!(lake.snapshot().manifest.segments.is_empty());
    assert_eq!(lake.next_index(), 200, "what is over is not read again");
    drop(lake);
    open(folder.path()).append(&rows(200, 1), &checkpoint(201)).unwrap();
}

#[test]
fn long_records_part_segments_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 1_u64;
    let mut long = |bytes: usize| -> String {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + u8::try_from(state >> 58).unwrap())
        };
        (0..bytes).map(|_| letter()).collect()
    };
    let given: Vec<Row> = (0..1300).map(|index| Row { index, raw: Some(long(60_000)), ..Row::default() }).collect();
    let mut lake = open(folder.path());
    lake.append(&given, &checkpoint(2000)).unwrap();
    let segments = lake.snapshot().manifest.segments.clone();
    assert!(segments.len() > 1, "{}", segments.len());
    assert!(segments.iter().all(|segment| segment.bytes <= lake::SEGMENT_BYTES_MAX as u64));
    assert!(segments.windows(2).all(|pair| pair[0].last + 1 == pair[1].first), "they cover what they should");
    assert_eq!((segments[0].first, segments[segments.len() - 1].last), (0, 1299));
    assert!(unbound(all(lake.snapshot())) == given);
    lake.compact(Limits { fan_in: 2, ..Limits::default() }, 0).unwrap();
    assert!(unbound(all(lake.snapshot())) == given, "merging parts them again");
}
