//! Rows are found by the few columns that say which, as looking at every row would find them.

use std::collections::{BTreeSet, HashSet};

use lake::{Row, Snapshot, Sought, Wanted};
use model::Noted;
use proptest::prelude::*;

use crate::support::{checkpoint, key, open};

const PRINCIPALS: [Option<&str>; 3] = [None, Some("p1"), Some("p2")];
const ENTITIES: [Option<&str>; 3] = [None, Some("grant:1"), Some("principal:p1")];
const STUDIES: [Option<&str>; 3] = [None, Some("onc-201"), Some("onc-202")];

fn set(texts: &[&str]) -> HashSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Rows in three segments.
fn kept(rows: &[Row]) -> (tempfile::TempDir, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut lake = open(folder.path());
        for part in rows.chunks(rows.len().div_ceil(3).max(1)) {
            lake.append(part, &checkpoint(10_000)).unwrap();
        }
    }
    let snapshot = Snapshot::open(folder.path(), key()).unwrap();
    (folder, snapshot)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (0_usize..3, 0_usize..3, 0_usize..3, any::<bool>(), prop::option::of(0_i64..50));
    prop::collection::vec(one, 1..120).prop_map(|all| {
        let row =
            |(index, (principal, entity, study, is_file, first)): (u64, (usize, usize, usize, bool, Option<i64>))| {
                Row {
                    index,
                    time_ms: i64::try_from(index).unwrap() * 10,
                    class_uid: if is_file { 6006 } else { 3005 },
                    activity: Some("download".to_owned()),
                    status: Some(if index.is_multiple_of(4) { "failure" } else { "success" }.to_owned()),
                    principal: PRINCIPALS[principal].map(str::to_owned),
                    entity: ENTITIES[entity].map(str::to_owned),
                    study: STUDIES[study].map(str::to_owned),
                    product: Some("Lazaret".to_owned()),
                    bytes: first.map(|first| first * 3),
                    first_byte: first,
                    ..Row::default()
                }
            };
        (0..).zip(all).map(row).collect()
    })
}

fn found(snapshot: &Snapshot, sought: &Sought) -> BTreeSet<u64> {
    let take = |taken: &mut Vec<u64>, noted: Noted<'_>| taken.push(noted.touched.entry);
    snapshot.noted(sought, vec![Vec::new(), Vec::new()], take).unwrap().into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn columns_say_what_rows_would(
        rows in rows(), first in 0_u64..130, end in prop::option::of(0_u64..130), from in 0_i64..1_300, limit in 1_usize..40,
    ) {
        let (_folder, snapshot) = kept(&rows);
        let sought = Sought {
            all: vec![("study", set(&["onc-201", "onc-202"]))],
            any: vec![("principal", set(&["p1"])), ("entity", set(&["principal:p1"]))],
            from_ms: Some(from),
            first,
            end,
            ..Sought::default()
        };
        let is_wanted = |row: &&Row| {
            row.study.is_some()
                && (row.principal.as_deref() == Some("p1") || row.entity.as_deref() == Some("principal:p1"))
                && row.time_ms >= from
                && row.index >= first
                && end.is_none_or(|end| row.index < end)
        };
        let wanted: BTreeSet<u64> = rows.iter().filter(is_wanted).map(|row| row.index).collect();
        prop_assert_eq!(&found(&snapshot, &sought), &wanted);
        // Page by page it is the same.
        let (mut paged, mut next) = (Vec::new(), sought.clone());
        loop {
            let keep = |noted: Noted<'_>| (!noted.is_failure).then_some(noted.touched.entry);
            let (page, has_more) = snapshot.page(&next, limit, keep).unwrap();
            prop_assert!(page.len() <= limit && (!has_more || page.len() == limit));
            paged.extend(page);
            match paged.last() {
                Some(last) if has_more => next.first = last + 1,
                _ => break,
            }
        }
        prop_assert_eq!(paged, wanted.into_iter().filter(|index| index % 4 != 0).collect::<Vec<_>>());
        // Accesses are those of the class of objects, with their ranges.
        let asked = Wanted { studies: Some(set(&["onc-201"])), end, ..Wanted::default() };
        let take = |taken: &mut Vec<(u64, Option<u64>, Option<u64>)>, touched: model::Touched<'_>| {
            taken.push((touched.entry, touched.first_byte, touched.bytes));
        };
        let mut taken: Vec<_> = snapshot.accesses(&asked, vec![Vec::new()], take).unwrap().concat();
        taken.sort_unstable();
        let as_told = |row: &Row| {
            let number = |value: Option<i64>| value.map(|value| u64::try_from(value).unwrap());
            (row.index, number(row.first_byte), number(row.bytes))
        };
        let is_file = |row: &&Row| row.class_uid == 6006 && row.study.as_deref() == Some("onc-201");
        let before = |row: &&Row| end.is_none_or(|end| row.index < end);
        prop_assert_eq!(taken, rows.iter().filter(is_file).filter(before).map(as_told).collect::<Vec<_>>());
    }
}

#[test]
fn objects_are_found_by_the_names_that_rows_have() {
    let row = |index: u64, study: &str, object: &str, name: Option<&str>| Row {
        index,
        class_uid: 6006,
        study: Some(study.to_owned()),
        object: Some(object.to_owned()),
        object_name: name.map(str::to_owned),
        ..Row::default()
    };
    let rows = [
        row(0, "onc-201", "o1", Some("visits/a.csv")),
        row(1, "onc-201", "o1", None),
        row(2, "onc-201", "o2", Some("visits/b.csv")),
        row(3, "onc-202", "o3", Some("visits/a.csv")),
        row(4, "onc-201", "o4", Some("visits/a.csv")),
    ];
    let (_folder, snapshot) = kept(&rows);
    let named = |is: &dyn Fn(&str) -> bool| snapshot.objects_named("onc-201", is).unwrap();
    let pair = |name: &str, object: &str| (name.to_owned(), object.to_owned());
    assert_eq!(
        named(&|name| name == "visits/a.csv"),
        BTreeSet::from([pair("visits/a.csv", "o1"), pair("visits/a.csv", "o4")])
    );
    assert_eq!(named(&|name| name.starts_with("visits/")).len(), 3);
    assert!(named(&|name| name == "none").is_empty());
}
