//! The made-up notes say what is in them, and say it again from the same seed.

use std::collections::BTreeSet;

use model::IdentifierType;
use sample::notes::{Language, Split, corpus, csv, generate, generate_in};

#[test]
fn the_same_seed_gives_the_same_notes() {
    assert_eq!(generate(7, Split::Train, 200), generate(7, Split::Train, 200));
    assert_ne!(generate(7, Split::Train, 50), generate(8, Split::Train, 50));
    assert_eq!(corpus(1, 100_000), corpus(1, 100_000));
    assert_eq!(csv(1, 50), csv(1, 50));
}

#[test]
fn spans_are_in_order_whole_and_plausible() {
    for split in [Split::Train, Split::Test] {
        for note in generate(3, split, 2_000) {
            let mut last = 0;
            for &(start, end, kind) in &note.spans {
                assert!(start >= last && end > start, "{}", note.text);
                let text = note.text.get(start..end).expect("on character boundaries");
                assert_eq!(text.trim(), text, "{kind}");
                assert!(fits(kind, text), "{kind}: {text}");
                last = end;
            }
            assert!(!note.text.contains(['{', '}']), "{}", note.text);
            assert!(!note.spans.is_empty(), "{}", note.text);
        }
    }
}

fn fits(kind: IdentifierType, text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    match kind {
        IdentifierType::Person => digits == 0 && !text.is_empty(),
        IdentifierType::Email => text.contains('@') && text.is_ascii(),
        IdentifierType::UsSsn => digits == 9,
        IdentifierType::UsNpi => digits == 10,
        IdentifierType::JpMyNumber => digits == 12 && text.len() == 12,
        IdentifierType::Phone | IdentifierType::Fax => (9..=14).contains(&digits),
        _ => true,
    }
}

#[test]
fn half_of_the_test_surnames_are_new() {
    let names = |split| -> Vec<String> {
        let people = generate_in(11, split, Language::De, 800).into_iter().flat_map(|note| {
            note.spans
                .into_iter()
                .filter(|span| span.2 == IdentifierType::Person)
                .map(|(start, end, _)| note.text[start..end].to_owned())
                .collect::<Vec<_>>()
        });
        people.filter_map(|name| name.rsplit(' ').next().map(str::to_owned)).collect()
    };
    let seen: BTreeSet<String> = names(Split::Train).into_iter().collect();
    let test = names(Split::Test);
    let new = test.iter().filter(|name| !seen.contains(*name)).count();
    assert!(new * 100 > test.len() * 30, "{new} of {}", test.len());
}

#[test]
fn the_table_parses_and_its_spans_hold() {
    let (table, spans) = csv(5, 300);
    let columns = table.lines().next().expect("header").split(',').count();
    assert_eq!(columns, 13);
    let mut quoted = false;
    let (mut commas, mut rows) = (0, 0);
    for c in table.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => commas += 1,
            '\n' if !quoted => {
                rows += 1;
                assert_eq!(commas, 12);
                commas = 0;
            }
            _ => {}
        }
    }
    assert_eq!(rows, 301);
    for (start, end, kind) in spans {
        assert!(fits(kind, &table[start..end]), "{kind}: {}", &table[start..end]);
    }
}

#[test]
fn the_corpus_is_as_long_as_asked() {
    let text = corpus(9, 300_000);
    assert!((300_000..310_000).contains(&text.len()));
}
