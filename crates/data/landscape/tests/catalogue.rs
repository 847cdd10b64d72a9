//! The catalogue from the outside, on both engines.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

#[path = "../../../base/store/tests/support/engines.rs"]
mod engines;
#[path = "support/reports.rs"]
mod reports;

use engines::on_each_engine;
use landscape::Catalogue;
use landscape::catalogue::{Action, Batch, Correction, Inspected};
use landscape::queries::{Dimension, Filter};
use model::{IdentifierType, Jurisdiction, Label};
use reports::{inspected, patients, report};

fn batch(source_id: u32, inspected: Vec<Inspected>) -> Batch {
    Batch { source_id, inspected, ..Batch::default() }
}

async fn source(catalogue: &Catalogue) -> u32 {
    store::sources::ensure(catalogue.store(), "folder", "/data", 1).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_an_object_is_kept_and_found() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let first = patients("trials/Übersicht.csv", 0..40, "DE");
        let second = patients("trials/more.csv", 20..60, "US");
        let plain = report("readme.txt", Label::None);
        let batch_of_three = batch(
            id,
            vec![
                inspected("trials/Übersicht.csv", vec![first]),
                inspected("trials/more.csv", vec![second]),
                inspected("readme.txt", vec![plain]),
            ],
        );
        catalogue.ingest(&batch_of_three, 1_000).await.unwrap();

        let totals = catalogue.totals().await.unwrap();
        assert_eq!(totals.all.objects, 3);
        assert_eq!(totals.by_label[&Label::PhiDirect].objects, 2);
        assert_eq!(totals.people.total.people, 60);
        let places = &totals.people.total.jurisdictions;
        assert_eq!(places[&Jurisdiction::country("DE")], 40);
        assert_eq!(places[&Jurisdiction::country("US")], 40, "twenty are known in both");
        assert_eq!(totals.identifiers[0].kind, IdentifierType::Person);
        assert_eq!(totals.identifiers[0].objects, 2);
        assert_eq!(totals.by_law.values().sum::<u64>(), 4);

        for (text, expected) in
            [("übers", 1), ("TRIALS/", 2), ("more", 1), ("d", 1), ("me", 1), ("nothing", 0), ("", 3)]
        {
            let filter = Filter { text: text.to_owned(), ..Filter::default() };
            let page = catalogue.search(&filter, None, 10).await.unwrap();
            let named: Vec<_> = page.objects.iter().map(|o| &o.path).collect();
            assert_eq!(page.matches, expected, "{text}: {named:?}");
        }
        let filter = Filter {
            label: Some(Label::PhiDirect),
            jurisdiction: Some(Jurisdiction::country("US")),
            identifier: Some(IdentifierType::Person),
            ..Filter::default()
        };
        let page = catalogue.search(&filter, None, 10).await.unwrap();
        assert_eq!(page.objects.len(), 1);
        let details = catalogue.object(page.objects[0].id).await.unwrap();
        assert_eq!(details.object.path, "trials/more.csv");
        assert_eq!(details.people.people, 40);
        assert_eq!(details.findings.samples[0].masked, "J*** D**");
        assert_eq!(details.versions.len(), 1);

        let tree = catalogue.treemap(&[Dimension::Label, Dimension::Format]).await.unwrap();
        assert_eq!(tree.people, Some(60));
        assert_eq!(tree.children[0].name, "phi.direct");
        assert_eq!(tree.children[0].people, Some(60));
        assert_eq!(tree.children[0].children[0].name, "csv");
        assert_eq!(catalogue.riskiest(None, 10).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_object_gets_a_version_and_counts_stay_exact() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let mut first = inspected("a.csv", vec![patients("a.csv", 0..30, "JP")]);
        first.reports[0].digest = Some([1; 32]);
        catalogue.ingest(&batch(id, vec![first.clone()]), 1_000).await.unwrap();
        catalogue
            .ingest(&batch(id, vec![inspected("b.csv", vec![patients("b.csv", 10..20, "JP")])]), 1_500)
            .await
            .unwrap();
        let mut second = inspected("a.csv", vec![patients("a.csv", 0..10, "JP")]);
        second.reports[0].digest = Some([2; 32]);
        catalogue.ingest(&batch(id, vec![second]), 2_000).await.unwrap();
        let people = catalogue.people().await.unwrap();
        assert_eq!(people.total.people, 20, "twenty to thirty are in no object any more");
        assert_eq!(people.by_label["phi.direct"].people, 20);

        let a = store::objects::by_path(catalogue.store(), id, "a.csv").await.unwrap().unwrap();
        assert_eq!((a.version, a.first_seen_at), (2, 1_000));
        let details = catalogue.object(a.id).await.unwrap();
        assert_eq!(details.versions.iter().map(|v| v.subjects).collect::<Vec<_>>(), [10, 30]);
        let kinds: Vec<_> = details.changes.iter().map(|change| change.kind.clone()).collect();
        assert_eq!(kinds, ["changed", "new"]);

        let gone = Batch { source_id: id, gone: vec![a.id], ..Batch::default() };
        catalogue.ingest(&gone, 3_000).await.unwrap();
        let totals = catalogue.totals().await.unwrap();
        assert_eq!((totals.all.objects, totals.gone, totals.people.total.people), (1, 1, 10));
        assert_eq!(totals.identifiers[0].objects, 1);
        assert_eq!(catalogue.search(&Filter::default(), None, 10).await.unwrap().matches, 1);
        let filter = Filter { state: Some("gone".to_owned()), ..Filter::default() };
        assert_eq!(catalogue.search(&filter, None, 10).await.unwrap().matches, 1);
        catalogue.ingest(&batch(id, vec![first]), 4_000).await.unwrap();
        assert_eq!(catalogue.people().await.unwrap().total.people, 30);
        let counts = catalogue.change_counts(2_500).await.unwrap();
        assert_eq!(counts.get("gone"), Some(&1));
        assert_eq!(counts.get("returned"), Some(&1));
        let newest = catalogue.changes(0, None, 2).await.unwrap();
        assert_eq!(newest[0].kind, "returned");
        let rest = catalogue.changes(0, Some((newest[1].happened_at, newest[1].id)), 10).await.unwrap();
        assert_eq!(rest.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_follow_their_archive() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let reports = || {
            vec![
                report("a!b.zip", Label::None),
                patients("a!b.zip!in.zip!x.csv", 0..5, "US"),
                report("a!b.zip!in.zip", Label::None),
                report("a!b.zip!same", Label::Secret),
                report("a!b.zip!same", Label::Personal),
            ]
        };
        catalogue.ingest(&batch(id, vec![inspected("a!b.zip", reports())]), 1).await.unwrap();
        let top = store::objects::by_path(catalogue.store(), id, "a!b.zip").await.unwrap().unwrap();
        assert_eq!((top.members, top.top_id), (4, None), "every object below, at any depth");
        let page = catalogue.members(top.id, 0, 10).await.unwrap();
        let paths: Vec<_> = page.members.iter().map(|o| o.path.as_str()).collect();
        assert!(paths.contains(&"a!b.zip!same#2"), "{paths:?}");
        assert_eq!(page.members.len(), 4);
        // The archive is written anew without the nested one.
        let fewer: Vec<_> = reports().into_iter().filter(|r| !r.object.contains("in.zip")).collect();
        catalogue.ingest(&batch(id, vec![inspected("a!b.zip", fewer)]), 2).await.unwrap();
        let totals = catalogue.totals().await.unwrap();
        assert_eq!((totals.all.objects, totals.gone, totals.people.total.people), (3, 2, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_stay_over_rescans() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let scan = || batch(id, vec![inspected("a.csv", vec![patients("a.csv", 0..3, "US")])]);
        catalogue.ingest(&scan(), 1).await.unwrap();
        let object = catalogue.riskiest(None, 1).await.unwrap().remove(0);
        let correct = |label, action, reason: &str| Correction {
            object_id: object.id,
            label,
            action,
            reason: reason.to_owned(),
            person: "a reviewer".to_owned(),
        };
        assert!(catalogue.correct(&correct(Label::PhiDirect, Action::Remove, " "), 2).await.is_err());
        catalogue.correct(&correct(Label::PhiDirect, Action::Remove, "test data"), 2).await.unwrap();
        catalogue.correct(&correct(Label::IpConfidential, Action::Add, "marked on paper"), 3).await.unwrap();
        for now in [10, 20] {
            let details = catalogue.object(object.id).await.unwrap();
            assert_eq!(details.object.labels, [Label::IpConfidential], "at {now}");
            assert_eq!(details.found, [Label::PhiDirect]);
            let people = catalogue.people().await.unwrap();
            assert_eq!(people.by_label.get("ip.confidential").map(|c| c.people), Some(3));
            assert_eq!(people.by_label.get("phi.direct"), None);
            let filter = Filter { label: Some(Label::PhiDirect), ..Filter::default() };
            assert_eq!(catalogue.search(&filter, None, 5).await.unwrap().matches, 0);
            assert_eq!(catalogue.totals().await.unwrap().by_label[&Label::IpConfidential].objects, 1);
            catalogue.ingest(&scan(), now).await.unwrap();
        }
        catalogue.correct(&correct(Label::PhiDirect, Action::Withdraw, "it was real"), 30).await.unwrap();
        let details = catalogue.object(object.id).await.unwrap();
        assert_eq!(details.object.labels, [Label::IpConfidential, Label::PhiDirect]);
        assert_eq!(details.corrections.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_can_be_undone_and_stays_undone() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store.clone());
        let id = source(&catalogue).await;
        let mut one = report("a.csv", Label::Personal);
        one.subject_records = vec![reports::person(Some(1), Some(7), "US"), reports::person(None, Some(7), "US")];
        let scan = batch(id, vec![inspected("a.csv", vec![one])]);
        catalogue.ingest(&scan, 1).await.unwrap();
        assert_eq!(catalogue.people().await.unwrap().total.people, 1);
        let merge = catalogue.merges(None, 10).await.unwrap().remove(0);
        assert_eq!((merge.rule.as_str(), merge.merged_at), ("name_birth", 1));
        assert!(catalogue.undo_merge(merge.id, "", "a reviewer", 2).await.is_err());
        catalogue.undo_merge(merge.id, "twins", "a reviewer", 2).await.unwrap();
        assert_eq!(catalogue.people().await.unwrap().total.people, 2);
        catalogue.ingest(&scan, 3).await.unwrap();
        assert_eq!(catalogue.people().await.unwrap().total.people, 2, "a rescan does not bring it back");
        // Another process sees the same.
        let other = Catalogue::new(store);
        assert_eq!(other.people().await.unwrap().total.people, 2);
        let merges = other.merges(None, 10).await.unwrap();
        assert_eq!(merges[0].ended_at, Some(2));
        let separation = other.separations().await.unwrap().remove(0);
        assert_eq!(separation.reason, "twins");
        other.withdraw_separation(separation.id, 5).await.unwrap();
        assert_eq!(other.people().await.unwrap().total.people, 1);
        assert_eq!(catalogue.people().await.unwrap().total.people, 1, "the first process notices");
    })
    .await;
}

/// Every page of a search, and how often a page was asked for.
async fn all_pages(catalogue: &Catalogue, filter: &Filter, limit: u32) -> Vec<u32> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = catalogue.search(filter, after, limit).await.unwrap();
        assert!(page.objects.len() <= limit as usize);
        ids.extend(page.objects.iter().map(|object| object.id));
        after = page.next;
        if after.is_none() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_matches_come_by_falling_risk_page_by_page() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let labels = [Label::None, Label::PhiDirect, Label::Personal, Label::Secret];
        let objects: Vec<Inspected> = (0..5_500_u32)
            .map(|at| {
                let label = labels[(at / 3 % 4) as usize];
                let word = if at % 2 == 0 { "visits" } else { "stivis" };
                let path = format!("{word}/{at}");
                let mut own = report(&path, label);
                if label == Label::Personal {
                    own.subject_records = (0..at % 5).map(|n| reports::person(Some(n), None, "US")).collect();
                }
                inspected(&path, vec![own])
            })
            .collect();
        catalogue.ingest(&batch(id, objects), 1).await.unwrap();
        let gone = Batch { source_id: id, gone: vec![7, 8], ..Batch::default() };
        catalogue.ingest(&gone, 2).await.unwrap();
        let mut rows = Vec::new();
        for ids in (1..=5_500).collect::<Vec<u32>>().chunks(500) {
            rows.extend(store::objects::by_ids(catalogue.store(), ids).await.unwrap());
        }
        rows.retain(|row| row.state != "gone");
        rows.sort_by_key(|row| std::cmp::Reverse((row.risk, row.id)));
        for indexed in [true, false] {
            if !indexed {
                // As a catalogue of before this index was.
                catalogue.store().execute("DELETE FROM counters WHERE name LIKE 'indexed %'", &[]).await.unwrap();
                let sql = "DELETE FROM postings WHERE term >= $1 AND term < $2";
                let range = [b"r:".as_slice().into(), b"r;".as_slice().into()];
                assert!(catalogue.store().execute(sql, &range).await.unwrap() > 0);
            }
            for (text, limit) in [("", 1_000), ("visits", 700), ("vis", 999), ("i", 1_000)] {
                let filter = Filter { text: text.to_owned(), ..Filter::default() };
                let expected: Vec<u32> = rows.iter().filter(|row| row.path.contains(text)).map(|row| row.id).collect();
                assert!(expected.len() > 2_000, "enough that they are not merely sorted");
                assert!(all_pages(&catalogue, &filter, limit).await == expected, "`{text}`, indexed: {indexed}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_over_an_unchanged_catalogue_has_the_counts() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store.clone());
        let id = source(&catalogue).await;
        let scan = batch(id, vec![inspected("a.csv", vec![patients("a.csv", 0..30, "JP")])]);
        catalogue.ingest(&scan, 1).await.unwrap();
        let counted = catalogue.people().await.unwrap();
        let by_study = catalogue.treemap(&[Dimension::Study, Dimension::Label]).await.unwrap();
        assert_eq!((counted.total.people, by_study.people), (30, Some(30)));
        // They are kept beside what goes on.
        let clock = std::time::Instant::now();
        let kept = || async { store.rows("SELECT name FROM kept_answers", &[]).await.unwrap().len() };
        while kept().await < 2 {
            assert!(clock.elapsed() < std::time::Duration::from_secs(60), "nothing was kept");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // What they were worked out from is not read again.
        store.execute("DELETE FROM people_unions", &[]).await.unwrap();
        let started = Catalogue::new(store.clone());
        assert_eq!(started.people().await.unwrap(), counted);
        assert_eq!(started.treemap(&[Dimension::Study, Dimension::Label]).await.unwrap(), by_study);
        // A batch ends that; so does what cannot be read.
        let scan = batch(id, vec![inspected("b.csv", vec![patients("b.csv", 40..45, "JP")])]);
        started.ingest(&scan, 2).await.unwrap();
        assert_eq!(started.people().await.unwrap().total.people, 5, "counted anew, from what is there");
        store.execute("UPDATE kept_answers SET answer = $1", &[b"{".to_vec().into()]).await.unwrap();
        assert_eq!(Catalogue::new(store).people().await.unwrap().total.people, 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_people_back_to_where_it_stands_how_they_are_reached() {
    on_each_engine(|store| async move {
        let catalogue = Catalogue::new(store);
        let id = source(&catalogue).await;
        let with_addresses = |path: &str, numbers: std::ops::Range<u32>| {
            let mut report = patients(path, numbers, "DE");
            let mut address = report.identifiers[0].clone();
            address.kind = IdentifierType::Address;
            report.identifiers.push(address);
            inspected(path, vec![report])
        };
        let objects = vec![
            inspected("leaked.csv", vec![patients("leaked.csv", 0..40, "DE")]),
            with_addresses("crm.csv", 0..30),
            with_addresses("part.csv", 10..30),
            with_addresses("others.csv", 100..200),
            with_addresses("late.csv", 25..35),
        ];
        catalogue.ingest(&batch(id, objects), 1_000).await.unwrap();
        let row = |path: &'static str| {
            let store = catalogue.store();
            async move { store::objects::by_path(store, id, path).await.unwrap().unwrap().id }
        };
        let persons = catalogue.persons(&[row("leaked.csv").await], &[]).await.unwrap();
        assert_eq!(persons.len(), 40);
        let reached = catalogue.reaching(&persons).await.unwrap();
        let told: Vec<_> = reached.objects.iter().map(|one| (one.object.path.as_str(), one.people, one.more)).collect();
        assert_eq!(told, [("crm.csv", 30, 30), ("late.csv", 10, 5)], "what adds nobody is not told");
        assert_eq!((reached.missing, reached.others), (5, 1));
        let records = [patients("x", 3..4, "DE"), patients("x", 150..151, "DE"), patients("x", 900..901, "DE")];
        let records: Vec<_> = records.into_iter().flat_map(|report| report.subject_records).collect();
        let who = catalogue.who(&persons, &records).await.unwrap();
        assert!(who[0].is_some() && who[1..] == [None, None], "one of them, somebody else, nobody known: {who:?}");
    })
    .await;
}
