//! The merge rule of the contract ("What a data subject is") against a slow obvious oracle, and what must hold of any
//! outcome whatever the order of records.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::Jurisdiction;
use proptest::prelude::*;
use proptest::sample::Index;
use store::subjects::Delta;

use super::super::{Accumulator, bitmap, count};
use super::{People, Tally};
use crate::report::{SubjectRecord, Token, TokenKind};

/// A record in short: strong identifiers as (issuer, number), and a name with birth date.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Short {
    strong: BTreeMap<u32, u8>,
    name: Option<u8>,
    place: u8,
}

const PLACES: [&str; 4] = ["unknown", "DE", "US-CA", "JP"];

fn strong(issuer: u32, number: u8) -> (TokenKind, Token) {
    let mut bytes = [number; 16];
    bytes[0] = 1 + u8::try_from(issuer).unwrap();
    // Neither numbers nor issuers rise with the bytes.
    bytes[1] = number.wrapping_mul(151);
    (TokenKind::Strong { domain: issuer.wrapping_mul(0x9E37_79B9) }, Token(bytes))
}

fn named(name: u8) -> (TokenKind, Token) {
    (TokenKind::NameAndBirth, Token([name.wrapping_mul(89); 16]))
}

impl Short {
    fn record(&self) -> SubjectRecord {
        let numbers = self.strong.iter().map(|(issuer, number)| strong(*issuer, *number));
        SubjectRecord {
            tokens: numbers.chain(self.name.map(named)).collect(),
            jurisdiction: PLACES[usize::from(self.place)].parse().unwrap_or_else(|_| Jurisdiction::unknown()),
        }
    }
}

fn short(strong: &[(u32, u8)], name: Option<u8>) -> Short {
    Short { strong: strong.iter().copied().collect(), name, place: 0 }
}

/// Records of a few people whom a few hospitals number, so that everything meets everything.
fn records() -> impl Strategy<Value = Vec<Short>> {
    let one = (prop::collection::btree_map(0_u32..4, 0_u8..6, 0..3), prop::option::of(0_u8..5), 0_u8..4);
    let one = one.prop_map(|(strong, name, place)| Short { strong, name, place });
    prop::collection::vec(one.prop_filter("it tells somebody", |r| !r.strong.is_empty() || r.name.is_some()), 1..40)
}

/// Everybody in one batch or several; the profile of each record, and what was written down on the way.
struct World {
    people: People,
    profiles: Vec<u32>,
    written: Written,
}

/// What a store would hold.
#[derive(Default)]
struct Written {
    canonical: HashMap<u32, u32>,
    merges: BTreeSet<(u32, u32, u32)>,
}

impl Written {
    fn apply(&mut self, delta: &Delta) {
        for row in &delta.profiles {
            assert_eq!(self.canonical.insert(row.id, row.canonical), None, "a profile is new once");
        }
        for (profile, canonical) in &delta.canonical {
            assert!(self.canonical.insert(*profile, *canonical).is_some(), "only known ones change");
        }
        for ended in &delta.ended {
            assert!(self.merges.remove(ended), "only a merge in force ends");
        }
        for row in &delta.merges {
            assert!(self.merges.insert((row.first, row.second, row.token_id)), "a merge is found once");
        }
    }
}

fn world(records: &[Short], batch: usize) -> World {
    let mut world = World { people: People::new(), profiles: Vec::new(), written: Written::default() };
    for records in records.chunks(batch) {
        // One object a record, so that its profile is known.
        let records: Vec<[SubjectRecord; 1]> = records.iter().map(|short| [short.record()]).collect();
        let assigned = world.people.assign(records.iter().map(|record| &record[..]), 5);
        world.profiles.extend(assigned.profiles.iter().map(|profiles| profiles[0]));
        world.written.apply(&assigned.delta);
    }
    world
}

impl World {
    /// Which records are one person, as sets of positions.
    fn groups(&self) -> BTreeSet<BTreeSet<usize>> {
        let mut groups: HashMap<u32, BTreeSet<usize>> = HashMap::new();
        for (at, profile) in self.profiles.iter().enumerate() {
            groups.entry(self.people.canonical(*profile)).or_default().insert(at);
        }
        groups.into_values().collect()
    }
}

/// Tokens in the order in which they join: strong ones first, by domain.
type Ordered = Vec<(bool, u32, Token)>;

/// The rule as the contract and rule.rs word it, with whole groups compared to whole groups and nothing remembered.
fn oracle(records: &[Short], apart: &[(usize, usize)]) -> BTreeSet<BTreeSet<usize>> {
    // Equal records are one description of one person.
    let mut distinct: BTreeMap<Ordered, BTreeSet<usize>> = BTreeMap::new();
    for (at, short) in records.iter().enumerate() {
        let mut tokens: Ordered = short
            .record()
            .tokens
            .iter()
            .map(|(kind, token)| match kind {
                TokenKind::Strong { domain } => (false, *domain, *token),
                TokenKind::NameAndBirth => (true, 0, *token),
            })
            .collect();
        tokens.sort_unstable();
        distinct.entry(tokens).or_default().insert(at);
    }
    let mut bearers: Vec<(Ordered, BTreeSet<usize>)> = distinct.into_iter().collect();
    bearers.sort_by_key(|(tokens, _)| tokens.iter().map(|(.., token)| *token).collect::<Vec<_>>());
    let mut groups: Vec<BTreeSet<usize>> = bearers.iter().map(|(_, records)| records.clone()).collect();
    let issuers = |group: &BTreeSet<usize>| -> BTreeSet<u32> {
        group.iter().flat_map(|at| records[*at].strong.keys().copied()).collect()
    };
    let kept_apart = |a: &BTreeSet<usize>, b: &BTreeSet<usize>| {
        apart.iter().any(|(x, y)| (a.contains(x) && b.contains(y)) || (a.contains(y) && b.contains(x)))
    };
    let tokens: BTreeSet<(bool, u32, Token)> = bearers.iter().flat_map(|(tokens, _)| tokens.clone()).collect();
    for token in tokens {
        let mut met: Vec<usize> = Vec::new();
        for (_, own) in bearers.iter().filter(|(tokens, _)| tokens.contains(&token)) {
            // Where this bearer is by now.
            let first = *own.first().unwrap();
            let group = groups.iter().find(|group| group.contains(&first)).unwrap().clone();
            if met.iter().any(|at| group.contains(at)) {
                continue;
            }
            let fits = |at: &&usize| {
                let other = groups.iter().find(|group| group.contains(at)).unwrap();
                let disagrees = token.0 && !issuers(other).is_disjoint(&issuers(&group));
                !disagrees && !kept_apart(other, &group)
            };
            match met.iter().find(fits).copied() {
                Some(at) => {
                    groups.retain(|other| *other != group);
                    groups.iter_mut().find(|group| group.contains(&at)).unwrap().extend(group);
                }
                None => met.push(first),
            }
        }
    }
    groups.into_iter().collect()
}

/// What must hold of any outcome, said without any order.
fn check_laws(records: &[Short], groups: &BTreeSet<BTreeSet<usize>>) {
    let group_of = |at: usize| groups.iter().find(|group| group.contains(&at)).unwrap();
    let issuers = |group: &BTreeSet<usize>| -> BTreeSet<u32> {
        group.iter().flat_map(|at| records[*at].strong.keys().copied()).collect()
    };
    for (a, one) in records.iter().enumerate() {
        for (b, other) in records.iter().enumerate().skip(a + 1) {
            if one.strong.iter().any(|(issuer, number)| other.strong.get(issuer) == Some(number)) {
                assert_eq!(group_of(a), group_of(b), "a strong identifier of one issuer joins {one:?} and {other:?}");
            }
            if one.name.is_some() && one.name == other.name && group_of(a) != group_of(b) {
                assert!(
                    !issuers(group_of(a)).is_disjoint(&issuers(group_of(b))),
                    "only disagreeing identifiers keep equal names apart: {one:?} and {other:?}"
                );
            }
        }
    }
    for group in groups {
        // Within one person, what is not connected by strong identifiers holds numbers of different issuers.
        let mut parts: Vec<BTreeSet<(u32, u8)>> = Vec::new();
        for at in group {
            let mut part: BTreeSet<(u32, u8)> = records[*at].strong.iter().map(|(i, n)| (*i, *n)).collect();
            parts.retain(|other| {
                other.is_disjoint(&part) || {
                    part.extend(other);
                    false
                }
            });
            if !part.is_empty() {
                parts.push(part);
            }
        }
        let mut seen: HashSet<u32> = HashSet::new();
        for part in parts {
            let own: HashSet<u32> = part.iter().map(|(issuer, _)| *issuer).collect();
            assert!(own.iter().all(|issuer| seen.insert(*issuer)), "two numbers of one issuer were joined by name");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_outcome_equals_the_oracle_in_any_order_and_any_batches(
        records in records(), order in any::<u64>(), batch in 1_usize..12,
    ) {
        let expected = oracle(&records, &[]);
        check_laws(&records, &expected);
        let whole = world(&records, usize::MAX);
        prop_assert_eq!(whole.groups(), expected.clone());
        prop_assert_eq!(whole.people.len(), expected.len() as u64);
        // The same records in another order and in other batches.
        let mut positions: Vec<usize> = (0..records.len()).collect();
        positions.sort_by_key(|at| (*at as u64 + 1).wrapping_mul(order | 1).rotate_left(17));
        let shuffled: Vec<Short> = positions.iter().map(|at| records[*at].clone()).collect();
        let pieces = world(&shuffled, batch);
        let groups = pieces.groups().iter().map(|group| group.iter().map(|at| positions[*at]).collect()).collect();
        prop_assert_eq!(expected, groups);
        // What was written down along the way is what is known, with one merge fewer than profiles for each person.
        for world in [&whole, &pieces] {
            for (profile, canonical) in &world.written.canonical {
                prop_assert_eq!(world.people.canonical(*profile), *canonical);
                prop_assert!(canonical <= profile, "the smallest number stands for all");
            }
            let joined = world.people.profile_count() as u64 - world.people.len();
            prop_assert_eq!(world.written.merges.len() as u64, joined);
        }
    }

    #[test]
    fn separated_people_stay_apart_until_they_are_rejoined(
        records in records(), later in records(), pairs in prop::collection::vec((any::<Index>(), any::<Index>()), 1..4),
    ) {
        let mut world = world(&records, usize::MAX);
        let before = world.groups();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (a, b) in pairs {
            let (a, b) = (a.index(records.len()), b.index(records.len()));
            if world.profiles[a] == world.profiles[b] {
                continue;
            }
            let delta = world.people.separate(world.profiles[a], world.profiles[b], 6);
            world.written.apply(&delta);
            apart.push((a, b));
            prop_assert_ne!(world.people.canonical(world.profiles[a]), world.people.canonical(world.profiles[b]));
        }
        prop_assert_eq!(world.groups(), oracle(&records, &apart));
        // Later records may connect the two in other ways; they stay apart.
        let mut grown = world.people.clone();
        for short in &later {
            grown.assign([&[short.record()][..]], 7);
        }
        for (a, b) in &apart {
            prop_assert_ne!(grown.canonical(world.profiles[*a]), grown.canonical(world.profiles[*b]));
        }
        for (a, b) in &apart {
            let delta = world.people.rejoin(world.profiles[*a], world.profiles[*b], 8);
            world.written.apply(&delta);
        }
        prop_assert_eq!(world.groups(), before, "taking every separation back loses nothing");
        for (profile, canonical) in &world.written.canonical {
            prop_assert_eq!(world.people.canonical(*profile), *canonical);
        }
    }

    #[test]
    fn people_in_some_objects_are_counted_as_a_set_would(
        records in records(), objects in prop::collection::vec(prop::collection::vec(any::<Index>(), 0..9), 1..6),
    ) {
        let world = world(&records, 7);
        let mut bitmaps = Vec::new();
        let mut members: HashSet<u32> = HashSet::new();
        for object in &objects {
            let profiles: Vec<u32> = object.iter().map(|at| world.profiles[at.index(records.len())]).collect();
            members.extend(profiles.iter().map(|profile| world.people.canonical(*profile)));
            bitmaps.push(bitmap(profiles));
        }
        let counts = count(&world.people, bitmaps.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(counts.people, members.len() as u64);
        // Where somebody lives is what any of their records tells.
        let mut places: BTreeMap<&str, HashSet<u32>> = BTreeMap::new();
        for person in &members {
            let own = records.iter().zip(&world.profiles).filter(|(_, p)| world.people.canonical(**p) == *person);
            let known: HashSet<&str> =
                own.map(|(short, _)| PLACES[usize::from(short.place)]).filter(|place| *place != "unknown").collect();
            if known.is_empty() {
                places.entry("unknown").or_default().insert(*person);
            }
            known.into_iter().for_each(|place| {
                places.entry(place).or_default().insert(*person);
            });
        }
        let found: BTreeMap<&str, u64> = counts.jurisdictions.iter().map(|(place, n)| (place.as_str(), *n)).collect();
        prop_assert_eq!(found, places.into_iter().map(|(place, set)| (place, set.len() as u64)).collect());
        // One by one they are what each alone is; an object in two parts is one.
        let halves: Vec<Vec<&[u8]>> = bitmaps.iter().map(|one| vec![one.as_slice(), &[], one.as_slice()]).collect();
        let each = world.people.count_each(halves).unwrap();
        for (at, one) in bitmaps.iter().enumerate() {
            let alone = count(&world.people, [one.as_slice()]).unwrap().jurisdictions;
            let told = |found: &Vec<(usize, u64)>| found.iter().find(|(set, _)| *set == at).map(|(_, people)| *people);
            let of: BTreeMap<Jurisdiction, u64> =
                each.iter().filter_map(|(place, found)| Some((place.clone(), told(found)?))).collect();
            prop_assert_eq!(of, alone);
        }
        prop_assert!(world.people.count_each([[&b"no bitmap"[..]]]).is_err());
    }

    #[test]
    fn a_tally_counts_what_the_catalogue_would(records in records(), batch in 1_usize..9) {
        let mut tally = Tally::new();
        for records in records.chunks(batch) {
            tally.add(&records.iter().map(Short::record).collect::<Vec<_>>());
        }
        prop_assert_eq!(tally.total().people, oracle(&records, &[]).len() as u64);
    }
}

fn people_of(records: &[Short]) -> usize {
    let groups = world(records, usize::MAX).groups();
    check_laws(records, &groups);
    groups.len()
}

#[test]
fn one_number_of_one_issuer_is_one_person_and_of_another_issuer_another() {
    assert_eq!(people_of(&[short(&[(0, 1)], None), short(&[(0, 1)], Some(2))]), 1);
    assert_eq!(people_of(&[short(&[(0, 1)], None), short(&[(1, 1)], None)]), 2);
    assert_eq!(people_of(&[short(&[(0, 1)], None), short(&[(0, 2)], None)]), 2);
}

#[test]
fn name_and_birth_join_unless_a_strong_identifier_disagrees() {
    assert_eq!(people_of(&[short(&[(0, 1)], Some(3)), short(&[(1, 9)], Some(3))]), 1, "two hospitals, one person");
    assert_eq!(people_of(&[short(&[(0, 1)], Some(3)), short(&[(0, 2)], Some(3))]), 2, "twins in one hospital");
    assert_eq!(people_of(&[short(&[], Some(3)), short(&[], Some(3)), short(&[], Some(4))]), 2);
}

#[test]
fn a_strong_identifier_goes_before_names() {
    // The second hospital's number ties both names to one person, although the first gave two numbers.
    let records = [short(&[(0, 1), (1, 7)], Some(3)), short(&[(0, 2), (1, 7)], Some(3)), short(&[(0, 3)], Some(3))];
    assert_eq!(people_of(&records), 2);
}

#[test]
fn later_evidence_takes_a_merge_back() {
    let mut people = People::new();
    let first = [short(&[(0, 1)], Some(3)).record()];
    let second = [short(&[], Some(3)).record(), short(&[(1, 5)], Some(3)).record()];
    people.assign([&first[..], &second[..]], 1);
    assert_eq!(people.len(), 1);
    // The second hospital's patient turns out to have another number in the first.
    let third = [short(&[(0, 2), (1, 5)], None).record()];
    let assigned = people.assign([&third[..]], 2);
    assert_eq!(people.len(), 2);
    assert!(!assigned.delta.ended.is_empty(), "the merge that no longer holds is said to have ended");
}

#[test]
fn a_name_that_thousands_share_is_settled_quickly() {
    let mut people = People::new();
    let records: Vec<SubjectRecord> = (0..4_000_u32)
        .map(|number| {
            let mut bytes = [7; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            SubjectRecord {
                tokens: vec![(TokenKind::Strong { domain: 1 }, Token(bytes)), named(1)],
                jurisdiction: Jurisdiction::unknown(),
            }
        })
        .collect();
    let started = std::time::Instant::now();
    people.assign([&records[..]], 1);
    people.assign([&[short(&[], Some(1)).record()][..]], 2);
    assert_eq!(people.len(), 4_000, "whoever has the name alone is one of them");
    assert!(started.elapsed().as_secs() < 20, "comparing all with all would take minutes");
}

#[test]
fn records_without_tokens_are_nobody() {
    let mut people = People::new();
    let nobody = SubjectRecord { tokens: Vec::new(), jurisdiction: Jurisdiction::country("DE") };
    let assigned = people.assign([&[nobody][..]], 1);
    assert_eq!((people.is_empty(), assigned.profiles.len(), assigned.profiles[0].len()), (true, 1, 0));
    assert_eq!(people.count(Accumulator::new()).people, 0);
}
