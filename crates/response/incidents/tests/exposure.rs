//! Entries of the record in, graded exposure out.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use incidents::exposure::{
    Category, ENTRIES_MAX, Exposure, Form, Gathered, Gathering, Grade, Holder, Place, Reach, Summed, Tally, Touch,
};
use model::{Access, Numbering as _, Touched};
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

fn touched<'a>(entry: u64, activity: &'a str, object: &'a str, bytes: u64) -> Touched<'a> {
    Touched {
        entry,
        time_ms: 1_000 * i64::try_from(entry).unwrap_or(0),
        activity,
        is_success: true,
        principal: "p1",
        study: "onc-201",
        object,
        version: "v1",
        action: "read",
        bytes: Some(bytes),
        first_byte: Some(0),
    }
}

/// Each object `oN` lies in the catalogue under N, holds health data and is about N people of the EU and one of Japan.
fn place(object: &str, _version: &str) -> Place {
    let number: u32 = object.trim_start_matches('o').parse().unwrap_or(0);
    Place {
        held: if number == 99 { vec![] } else { vec![Holder::Object(number)] },
        labels: vec!["special.health".to_owned()],
        subjects: u64::from(number),
        bytes: Some(100),
    }
}

fn people(held: &[Holder]) -> Summed {
    let number = |holder: &Holder| match holder {
        Holder::Object(id) => u64::from(*id),
        Holder::Version(version) => u64::from(version[0]),
    };
    let (ids, eu) = (held, held.iter().map(number).sum());
    let places = BTreeMap::from([("EU-DE".to_owned(), eu), ("JP".to_owned(), u64::from(!ids.is_empty()))]);
    Summed {
        people: eu + 1,
        by_jurisdiction: places.clone(),
        by_label: BTreeMap::from([("special.health".to_owned(), places)]),
    }
}

fn reach(object: &str) -> Reach {
    let (study, why) = ("onc-201".to_owned(), "within reach".to_owned());
    Reach { object: object.to_owned(), study, why, ..Reach::default() }
}

fn exposure(gathered: Gathered, reachable: &[&str]) -> Exposure {
    let mut tally = Tally::of(gathered, reachable.iter().map(|object| reach(object)).collect(), place);
    let counted: Vec<Summed> = tally.sets().iter().map(|ids| people(ids)).collect();
    let each: Vec<BTreeMap<String, u64>> = tally.held().map(|held| people(held).by_jurisdiction).collect();
    let in_each = |name: &str| {
        let of = |(at, places): (usize, &BTreeMap<String, u64>)| {
            places.get(name).filter(|people| **people > 0).map(|people| (at, *people))
        };
        (name.to_owned(), each.iter().enumerate().filter_map(of).collect())
    };
    tally.tell_places(["EU-DE", "JP"].map(in_each));
    tally.counted(&counted, &Category::shipped().expect("the table that is shipped"))
}

fn gathered(entries: &[Touched<'_>]) -> Gathered {
    let mut gathered = Gathered::default();
    entries.iter().for_each(|entry| gathered.take(*entry));
    gathered
}

#[test]
fn what_left_is_certain_what_was_let_is_likely_and_what_was_in_reach_is_possible() {
    let refused = Touched { is_success: false, ..touched(6, "download", "o4", 10) };
    let entries = [
        touched(1, "download", "o1", 10),
        touched(2, "released", "o1", 10),
        touched(3, "download", "o2", 20),
        touched(4, "preview", "o3", 0),
        refused,
        touched(7, "look", "o5", 0),
        touched(8, "upload", "o6", 9),
    ];
    let found = exposure(gathered(&entries), &["o1", "o7"]);
    let grades: Vec<(&str, Grade)> = found.objects.iter().map(|known| (known.object.as_str(), known.grade)).collect();
    assert_eq!(
        grades,
        [("o3", Grade::Certain), ("o1", Grade::Certain), ("o2", Grade::Likely), ("o7", Grade::Possible)]
    );
    assert_eq!((found.refused, found.entries), (1, 5));
    let people: Vec<u64> = found.figures.iter().map(|figures| figures.by_jurisdiction["EU-DE"]).collect();
    assert_eq!(people, [4, 6, 13], "each grade with all surer ones");
    assert_eq!(found.figures[0].categories["EU-DE"], BTreeSet::from(["health".to_owned()]));
    let likely = found.objects.iter().find(|known| known.object == "o2").expect("it is there");
    assert_eq!(
        (likely.touch.bytes, likely.touch.bytes_unended, likely.touch.entries.as_slice()),
        (0, 20, [3].as_slice())
    );
}

#[test]
fn a_download_that_broke_off_says_how_much_left_and_how_much_may_have() {
    let entries = [
        touched(1, "download", "o1", 100),
        Touched { is_success: false, ..touched(2, "released", "o1", 40) },
        touched(3, "download", "o1", 100),
        Touched { action: "read-deidentified", ..touched(4, "download", "o2", 5) },
        Touched { action: "read-deidentified", ..touched(5, "released", "o2", 5) },
    ];
    let found = exposure(gathered(&entries), &[]);
    let touch = |object: &str| &found.objects.iter().find(|known| known.object == object).expect("it is there").touch;
    assert_eq!((touch("o1").bytes, touch("o1").bytes_unended, touch("o1").deidentified), (40, 160, false));
    assert!(touch("o2").deidentified && !found.deidentified);
    let nothing = exposure(gathered(&[touched(1, "download", "o1", 0), touched(2, "released", "o1", 0)]), &[]);
    assert!(nothing.objects.is_empty(), "an end without a byte exposed nothing");
}

#[test]
fn what_left_is_told_by_ranges_and_a_question_without_bytes_exposes_nothing() {
    let part =
        |entry, activity, first, bytes| Touched { first_byte: Some(first), ..touched(entry, activity, "o1", bytes) };
    let entries = [
        part(1, "download", 0, 40),
        part(2, "released", 0, 40),
        part(3, "download", 20, 30),
        part(4, "released", 20, 30),
        part(5, "download", 70, 30),
        Touched { is_success: false, ..part(6, "released", 70, 5) },
        part(7, "download", 90, 10),
        touched(8, "look", "o2", 100),
        Touched { first_byte: None, ..touched(9, "released", "o3", 7) },
        touched(10, "released", "o4", 100),
    ];
    let found = exposure(gathered(&entries), &[]);
    let of = |object: &str| found.objects.iter().find(|known| known.object == object);
    assert!(of("o2").is_none(), "whoever asked for its properties alone got no byte");
    let known = of("o1").expect("part of it left");
    let ranges: Vec<(u64, u64)> = known.touch.ranges.each().collect();
    assert_eq!((ranges, known.touch.ranges.bytes(), known.touch.bytes), (vec![(0, 49), (70, 74)], 55, 75));
    assert_eq!(
        known.touch.ranges_unended.each().collect::<Vec<_>>(),
        [(75, 99)],
        "up to all that was let and did not end"
    );
    assert_eq!(known.touch.left_in_words(known.size), "bytes 0–49, 70–74 of 100 (55 bytes); maybe bytes 75–99 of 100");
    assert_eq!((known.grade, known.touch.is_whole(known.size)), (Grade::Certain, false), "part of it exposes too");
    let unplaced = of("o3").expect("it left");
    assert_eq!(unplaced.touch.left_in_words(None), "7 bytes, the record does not say which");
    let whole = of("o4").expect("it left");
    assert_eq!(whole.touch.left_in_words(whole.size), "all 100 bytes");
    assert!(!whole.touch.is_whole(None), "of an unknown size nobody knows");
    assert_eq!(whole.touch.left_in_words(Some(5_000_000)), "bytes 0–99 of 5,000,000");
}

#[test]
fn each_figure_rests_on_its_own_objects_and_entries() {
    // Object 0 is about nobody of Germany; Japan is in all.
    let refused = Touched { is_success: false, ..touched(7, "download", "o2", 10) };
    let entries = [
        touched(1, "preview", "o0", 0),
        touched(2, "download", "o2", 10),
        touched(3, "released", "o2", 10),
        touched(4, "download", "o3", 10),
        refused,
    ];
    let found = exposure(gathered(&entries), &["o5"]);
    let told = |grade: Grade, place: &str| {
        let proof = &found.up_to(grade).expect("a grade has figures").proof[place];
        (proof.objects, proof.entries.clone(), proof.entries_total)
    };
    assert_eq!(told(Grade::Certain, "EU-DE"), (1, vec![2, 3], 2), "a refused request proves nothing");
    assert_eq!(told(Grade::Certain, "JP"), (2, vec![1, 2, 3], 3));
    assert_eq!(told(Grade::Likely, "EU-DE"), (2, vec![2, 3, 4], 3));
    assert_eq!(told(Grade::Possible, "JP"), (4, vec![1, 2, 3, 4], 4), "what was in reach alone has no entry");
    let resting: Vec<(&str, u64)> =
        found.resting(Some("EU-DE"), Grade::Likely).map(|(known, people)| (known.object.as_str(), people)).collect();
    assert_eq!(resting, [("o2", 2), ("o3", 3)]);
    assert_eq!(found.resting(None, Grade::Possible).count(), 4);
    assert_eq!(found.resting(Some("FR"), Grade::Possible).count(), 0);
}

#[test]
fn facts_hold_people_by_jurisdiction_and_say_what_is_not_counted() {
    let found = exposure(gathered(&[touched(1, "preview", "o5", 0), touched(2, "preview", "o99", 0)]), &[]);
    assert_eq!((found.uncounted, found.uncounted_subjects), (1, 99));
    let affected = found.affected(Grade::Certain);
    assert_eq!(
        affected,
        serde_json::json!([
            {"jurisdiction": "EU-DE", "subjects": 5, "categories": ["health"]},
            {"jurisdiction": "JP", "subjects": 1, "categories": ["health"]},
            {"jurisdiction": "unknown", "subjects": null, "categories": null},
        ])
    );
    let facts = serde_json::json!({"roles": ["controller"], "aware_at": "2026-11-01T00:00:00Z", "risk": "risk", "affected": affected});
    let library = obligations::shipped().expect("the library that is shipped");
    let facts =
        obligations::Facts::from_json(facts.to_string().as_bytes(), library.vocabulary()).expect("they are facts");
    let answers = library.answers(&facts, obligations::Options::default());
    assert_eq!(answers[0].status, obligations::Status::Due, "clocks can be told from it as it is");
}

#[test]
fn what_is_only_possible_says_why_and_moves_no_clock() {
    let named =
        Reach { touch: Touch::named(vec![(9, 900), (3, 300)]), why: "named by a log".to_owned(), ..reach("o99") };
    let elsewhere = Reach {
        at: Some(Place { held: vec![Holder::Version([4; 16])], labels: vec![], subjects: 4, bytes: None }),
        ..reach("/srv/data/dm.csv")
    };
    let reaches = vec![named, Reach { why: "again".to_owned(), ..reach("o99") }, elsewhere, reach("o1")];
    let tally = Tally::of(gathered(&[touched(1, "preview", "o1", 0)]), reaches, place);
    let counted: Vec<Summed> = tally.sets().iter().map(|held| people(held)).collect();
    let found = tally.counted(&counted, &Category::shipped().expect("the table that is shipped"));
    let told: Vec<(&str, Grade, &str)> =
        found.objects.iter().map(|known| (known.object.as_str(), known.grade, known.why.as_str())).collect();
    assert_eq!(
        told,
        [
            ("o1", Grade::Certain, ""),
            ("o99", Grade::Possible, "named by a log"),
            ("/srv/data/dm.csv", Grade::Possible, "within reach"),
        ]
    );
    assert_eq!((found.objects[1].touch.entries.as_slice(), found.objects[1].touch.first_ms), ([3, 9].as_slice(), 300));
    assert_eq!((found.uncounted_subjects, found.uncounted_likely), (99, 0));
    let people: Vec<u64> = found.figures.iter().map(|figures| figures.by_jurisdiction["EU-DE"]).collect();
    assert_eq!(people, [1, 1, 5], "people of a version are counted like those of an object");
    let unknown = |grade| found.affected(grade).to_string().contains("unknown");
    assert!(!unknown(Grade::Likely) && unknown(Grade::Possible), "who is only possible is not among the facts");
    let only = Tally::of(Gathered::default(), vec![reach("o2")], place);
    assert!(!only.counted(&[], &Category::shipped().expect("the table")).deidentified, "nothing is known to have left");
}

#[test]
fn every_category_is_one_that_laws_tell_apart() {
    let table = Category::shipped().expect("the table that is shipped");
    let known = obligations::shipped().expect("the library").vocabulary().categories();
    for label in model::Label::ALL {
        for category in table.of(label.as_str()) {
            assert!(known.iter().any(|one| one == category), "{label:?}: {category}");
        }
    }
    assert_eq!(table.of("phi.direct").count(), 3);
}

#[test]
fn people_are_told_by_the_gravest_form_in_which_something_of_them_is_exposed() {
    let entries = [
        touched(1, "released", "o1", 10),
        Touched { action: "read-deidentified", ..touched(2, "released", "o2", 5) },
        Touched { action: "read-deidentified", ..touched(3, "released", "o1", 5) },
    ];
    let sealed = |object: &str, version: &str| Reach {
        version: version.to_owned(),
        grade: Grade::Certain,
        form: Form::Sealed,
        ..reach(object)
    };
    let copies = vec![sealed("o1", "v1"), sealed("o4", "v7"), sealed("o4", "v8"), reach("o5")];
    let tally = Tally::of(gathered(&entries), copies, place);
    let sets = tally.sets();
    for form in sets.chunks(3) {
        assert!(
            form.windows(2).all(|pair| pair[1].starts_with(&pair[0])),
            "a set begins with the one before: {sets:?}"
        );
    }
    let counted: Vec<Summed> = sets.iter().map(|held| people(held)).collect();
    let found = tally.counted(&counted, &Category::shipped().expect("the table"));
    let by_form = |grade: usize| {
        let forms = &found.figures[grade].forms;
        Form::ALL.map(|form| forms.get(&form).and_then(|of| of.by_jurisdiction.get("EU-DE")).copied().unwrap_or(0))
    };
    assert_eq!(by_form(0), [1, 2, 4], "whoever is in an object that left in clear is there alone");
    assert_eq!(by_form(2), [6, 2, 4], "what is within reach is so in clear");
    assert_eq!(found.figures[0].by_jurisdiction["EU-DE"], 7);
    let told: Vec<(&str, &str, Form)> =
        found.objects.iter().map(|known| (&*known.object, &*known.version, known.form)).collect();
    let expected = [
        ("o4", "v7", Form::Sealed),
        ("o4", "v8", Form::Sealed),
        ("o2", "v1", Form::Deidentified),
        ("o1", "v1", Form::Clear),
        ("o1", "v1", Form::Sealed),
        ("o5", "", Form::Clear),
    ];
    assert_eq!(told, expected);
    assert_eq!((found.form(Grade::Likely), found.deidentified), (Some(Form::Clear), false));
    let only =
        Tally::of(Gathered::default(), vec![sealed("o4", "v7")], place).counted(&[], &Category::shipped().expect("it"));
    assert_eq!(only.form(Grade::Certain), Some(Form::Sealed));
}

fn entries() -> impl Strategy<Value = Vec<(u64, usize, usize, bool, u64)>> {
    let activity = prop_oneof![Just(0_usize), Just(1), Just(2), Just(3)];
    prop::collection::vec((0_u64..10_000, activity, 0_usize..5, any::<bool>(), 0_u64..50), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is gathered in parts, in whatever order, is what is gathered at once.
    #[test]
    fn parts_and_order_play_no_role(mut all in entries(), cut in 0_usize..200) {
        const ACTIVITIES: [&str; 4] = ["download", "released", "preview", "look"];
        const OBJECTS: [&str; 5] = ["o1", "o2", "o3", "o4", "o5"];
        all.sort_unstable();
        all.dedup_by_key(|entry| entry.0);
        let entry = |(number, activity, object, is_success, bytes): &(u64, usize, usize, bool, u64)| Touched {
            is_success: *is_success,
            ..touched(*number, ACTIVITIES[*activity], OBJECTS[*object], *bytes)
        };
        let whole = gathered(&all.iter().map(entry).collect::<Vec<_>>());
        let cut = cut.min(all.len());
        let mut second = gathered(&all[cut..].iter().rev().map(entry).collect::<Vec<_>>());
        second.merge(gathered(&all[..cut].iter().map(entry).collect::<Vec<_>>()));
        prop_assert_eq!(exposure(whole, &[]), exposure(second, &[]));
        let mut many = Gathering::default();
        for entry in all.iter().map(entry) {
            let Touched { activity, principal, study, object, version, action, .. } = entry;
            let [activity, principal, study, object, version, action] =
                [activity, principal, study, object, version, action].map(|text| many.number(text));
            let Touched { entry, time_ms, is_success, bytes, first_byte, .. } = entry;
            many.take(Access {
                entry, time_ms, activity, is_success, principal, study, object, version, action, bytes, first_byte,
            });
        }
        let whole = gathered(&all.iter().map(entry).collect::<Vec<_>>());
        let many = many.gathered();
        prop_assert_eq!((many.flows(), many.principals()), (whole.flows(), whole.principals()));
        prop_assert_eq!(exposure(many, &[]), exposure(whole, &[]), "object by object, or as they come");
        let found = exposure(gathered(&all.iter().map(entry).collect::<Vec<_>>()), &["o1", "o2"]);
        let objects: Vec<u64> = found.figures.iter().map(|figures| figures.objects).collect();
        prop_assert!(objects.windows(2).all(|pair| pair[0] <= pair[1]), "a surer grade never holds more");
    }
}

#[test]
fn entries_are_kept_up_to_a_limit_and_counted_beyond() {
    let entries: Vec<Touched<'_>> = (0..1_000).rev().map(|entry| touched(entry, "download", "o1", 1)).collect();
    let found = exposure(gathered(&entries), &[]);
    let touch = &found.objects[0].touch;
    assert_eq!((touch.entries.len(), touch.entries_total, touch.entries[0]), (ENTRIES_MAX, 1_000, 0));
}

#[test]
fn who_took_from_which_study_is_told_also_over_parts() {
    let ben = |entry| Touched { principal: "p2", study: "onc-202", ..touched(entry, "released", "o2", 5) };
    let refused = Touched { is_success: false, ..touched(9, "download", "o3", 0) };
    let mut first = gathered(&[touched(1, "download", "o1", 9), touched(2, "released", "o1", 9), refused]);
    first.merge(gathered(&[ben(3), touched(4, "preview", "o1", 0)]));
    let told: Vec<(String, String, u64)> =
        first.flows().into_iter().map(|flow| (flow.principal, flow.study, flow.entries)).collect();
    let flow = |who: &str, study: &str, entries| (who.to_owned(), study.to_owned(), entries);
    assert_eq!(told, [flow("p1", "onc-201", 3), flow("p2", "onc-202", 1)]);
    let mut tally = Tally::of(first, vec![Reach { study: "onc-207".to_owned(), ..reach("o7") }], place);
    assert_eq!(
        tally.by_study(9),
        [("onc-201".to_owned(), vec![Holder::Object(1)]), ("onc-202".to_owned(), vec![Holder::Object(2)])],
        "what was only within reach is not drawn"
    );
    assert_eq!(tally.by_study(1).len(), 1);
    tally.tell_study("onc-201".to_owned(), people(&[Holder::Object(1)]));
    let exposure = tally.counted(&[], &Category::shipped().expect("the table that is shipped"));
    assert_eq!(exposure.whom["onc-201"]["EU-DE"], 1);
}
