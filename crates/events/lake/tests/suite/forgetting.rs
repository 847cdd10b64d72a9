//! What a destroyed key had sealed is gone.

use lake::{Forgotten, Limits};

use crate::support::{all, checkpoint, open, rows};

#[test]
fn details_of_an_object_vanish_also_from_files_that_were_merged() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path());
    for at in 0..4 {
        lake.append(&rows(at * 10, 10), &checkpoint(100)).unwrap();
    }
    lake.compact(Limits { fan_in: 2, rows_max: 30, grace_ms: i64::MAX }, 0).unwrap();
    assert!(!lake.snapshot().manifest.retired.is_empty());
    let scope = format!("object:{:032x}", 3);
    let named = |lake: &lake::Lake| all(lake.snapshot()).iter().filter(|row| row.object_name.is_some()).count();
    let before = named(&lake);
    lake.begin_forgetting(std::slice::from_ref(&scope)).unwrap();
    drop(lake);
    let mut lake = open(folder.path());
    assert_eq!(lake.forgetting(), std::slice::from_ref(&scope), "a kill does not lose what is to be forgotten");
    let changed = lake.forget(&Forgotten::of([scope.as_str()])).unwrap();
    assert_eq!(before - named(&lake), usize::try_from(changed).unwrap());
    assert!(changed > 0);
    assert!(lake.snapshot().manifest.retired.is_empty());
    for row in all(lake.snapshot()) {
        let is_his = row.is_sealed_by(&scope);
        assert!(!is_his || row.object_name.is_none() && row.details.is_none());
        assert!(row.study.is_some() && row.object.is_some(), "the rest stays");
    }
    assert_eq!(lake.forget(&Forgotten::of([scope.as_str()])).unwrap(), 0);
    lake.end_forgetting(&[scope]).unwrap();
    assert!(lake.forgetting().is_empty());
}

#[test]
fn a_study_takes_its_objects_with_it_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut lake = open(folder.path());
    lake.append(&rows(0, 60), &checkpoint(100)).unwrap();
    lake.forget(&Forgotten::of(["study:onc-1"])).unwrap();
    for row in all(lake.snapshot()) {
        let expected = row.index.is_multiple_of(3) && row.study.as_deref() != Some("onc-1");
        assert_eq!(row.object_name.is_some(), expected, "{}", row.index);
    }
}
