//! Entries of the record in, a timeline of bounded length out.

use incidents::timeline::{Condensing, EntryLine, LINES_MAX, Line, Listing};
use model::{Noted, Touched};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::Strategy;

const MINUTE_MS: i64 = 60_000;
const ACTIVITIES: [&str; 5] = ["download", "released", "look", "grant", "Read"];
const PRINCIPALS: [&str; 4] = ["", "p1", "p2", "p3"];
const STUDIES: [&str; 3] = ["", "onc-201", "onc-202"];
const CODES: [&str; 2] = ["policy:no-grant", "policy:volume"];

fn noted<'a>(entry: u64, activity: &'a str, principal: &'a str, study: &'a str) -> Noted<'a> {
    let touched = Touched {
        entry,
        time_ms: i64::try_from(entry).unwrap_or(0) * MINUTE_MS,
        activity,
        is_success: true,
        principal,
        study,
        object: "o1",
        version: "v1",
        action: "read",
        bytes: Some(10),
        first_byte: Some(0),
    };
    Noted { touched, is_failure: false, code: "", entity: "", is_own: true }
}

fn refused<'a>(noted: Noted<'a>, code: &'a str) -> Noted<'a> {
    Noted { touched: Touched { is_success: false, ..noted.touched }, is_failure: true, code, ..noted }
}

fn told(entries: &[Noted<'_>]) -> (Vec<Line>, u64) {
    let mut condensing = Condensing::default();
    entries.iter().for_each(|entry| condensing.take(entry));
    condensing.lines()
}

#[test]
fn a_few_entries_stand_by_themselves_in_order() {
    let entries = [noted(3, "released", "p1", "onc-201"), refused(noted(1, "download", "p1", "onc-201"), CODES[0])];
    let (lines, total) = told(&entries);
    assert_eq!((lines.len(), total), (2, 2));
    assert!(lines.iter().all(Line::is_one));
    assert_eq!((lines[0].first, lines[0].is_failure, lines[0].code.as_str()), (1, true, CODES[0]));
    assert_eq!((lines[1].activity.as_str(), lines[1].bytes), ("released", 10));
}

#[test]
fn thousands_of_downloads_are_one_line_with_what_left_and_open_into_their_entries() {
    let mut entries: Vec<Noted<'_>> = Vec::new();
    for at in 0..1_204 {
        entries.push(noted(2 * at, "download", "p1", "onc-201"));
        entries.push(noted(2 * at + 1, "released", "p1", "onc-201"));
    }
    entries.push(refused(noted(3_000, "download", "p1", "onc-202"), CODES[1]));
    let (lines, total) = told(&entries);
    assert!(lines.len() <= LINES_MAX, "{}", lines.len());
    assert_eq!(total, 2_409);
    let downloads: Vec<&Line> = lines.iter().filter(|line| !line.is_failure).collect();
    assert_eq!(downloads.iter().map(|line| line.times).sum::<u64>(), 1_204, "a download and its end are one");
    assert_eq!(downloads.iter().map(|line| line.bytes).sum::<u64>(), 12_040);
    assert!(downloads.iter().all(|line| line.study == "onc-201" && line.activity == "download"));
    let refusal = lines.iter().find(|line| line.is_failure).map(|line| (line.first, line.code.as_str()));
    assert_eq!(refusal, Some((3_000, CODES[1])));
}

/// Entries of everything that there is, in the order of the record.
fn entries() -> impl Strategy<Value = Vec<(usize, usize, usize, Option<usize>, u64)>> {
    let one = (0_usize..5, 0_usize..4, 0_usize..3, prop::option::weighted(0.2, 0_usize..2), 1_u64..2_000);
    prop::collection::vec(one, 0..3_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However many entries there are, lines are few, stand for each entry once, and open into just those for which they stand; and it does
    /// not matter in which parts or order entries come.
    #[test]
    fn lines_stand_for_each_entry_once(all in entries(), cut in any::<prop::sample::Index>()) {
        let mut at = 0;
        let all: Vec<Noted<'_>> = all.iter().map(|(activity, principal, study, code, gap)| {
            at += gap;
            let noted = Noted { is_own: *activity < 4, ..noted(at, ACTIVITIES[*activity], PRINCIPALS[*principal], STUDIES[*study]) };
            code.map_or(noted, |code| refused(noted, CODES[code]))
        }).collect();
        let (lines, total) = told(&all);
        prop_assert!(lines.len() <= LINES_MAX);
        prop_assert_eq!(total, all.len() as u64);
        prop_assert_eq!(lines.iter().map(|line| line.entries).sum::<u64>(), total);
        for line in lines.iter().filter(|line| !line.is_one()) {
            let listing = Listing::of(line);
            let listed = all.iter().filter(|entry| listing.takes(entry)).count() as u64;
            prop_assert_eq!(listed, line.entries, "{:?}", line);
        }
        prop_assert!(lines.windows(2).all(|pair| pair[0].first_ms <= pair[1].first_ms));
        let cut = cut.index(all.len() + 1);
        let (mut one, mut other) = (Condensing::default(), Condensing::default());
        all[..cut].iter().rev().for_each(|entry| one.take(entry));
        all[cut..].iter().for_each(|entry| other.take(entry));
        other.merge(one);
        prop_assert_eq!(other.lines().0, lines);
    }
}

#[test]
fn an_entry_in_a_list_says_which_bytes() {
    let entry = EntryLine::from(noted(7, "released", "p1", "onc-201"));
    assert_eq!((entry.entry, entry.first_byte, entry.bytes), (7, Some(0), Some(10)));
    let json = serde_json::to_value(&entry).unwrap_or_default();
    assert_eq!((json["activity"].as_str(), json["object"].as_str()), (Some("released"), Some("o1")));
}
