//! Notes in other styles than the generator's, in five languages, with marks, trials, chemistry and quiet text: each identifier
//! is found with its type, and nothing else.

#![expect(clippy::unwrap_used, reason = "a wrong mark in the notes fails the test")]

use std::collections::BTreeMap;

use model::IdentifierType as T;
use recognize::engine::{Engine, NamesTier};

struct Note {
    title: String,
    text: String,
    spans: Vec<(usize, usize, T)>,
}

/// Takes the marks out of a note.
fn note(block: &str) -> Note {
    let (title, body) = block.split_once('\n').unwrap_or((block, ""));
    let (mut text, mut spans) = (String::new(), Vec::new());
    let mut rest = body;
    while let Some((before, marked)) = rest.split_once("[[") {
        let (inside, after) = marked.split_once("]]").unwrap();
        let (kind, value) = inside.split_once('|').unwrap();
        text.push_str(before);
        let start = text.len();
        text.push_str(value);
        spans.push((start, text.len(), kind.parse().unwrap()));
        rest = after;
    }
    text.push_str(rest);
    Note { title: title.to_owned(), text, spans }
}

fn notes() -> Vec<Note> {
    include_str!("outside/notes.txt").split("\n%% ").skip(1).map(note).collect()
}

#[test]
fn identifiers_of_other_notes_are_found_and_nothing_else() {
    let engine = Engine::embedded().unwrap();
    let mut scratch = engine.scratch();
    let (mut found, mut wanted, mut right, mut all) = (0, 0, 0, 0);
    let mut faults: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for note in notes() {
        let mut hits = Vec::new();
        engine.text(&note.text, NamesTier::Fast, None, &mut scratch, &mut hits);
        for (start, end, kind) in note.spans.iter().filter(|span| span.2 != T::Person) {
            let hit = hits.iter().any(|hit| hit.start < *end && hit.end > *start && hit.kind == *kind);
            wanted += 1;
            found += u32::from(hit);
            if !hit {
                faults
                    .entry(note.title.clone())
                    .or_default()
                    .push(format!("missed {kind} {:?}", &note.text[*start..*end]));
            }
        }
        for hit in hits.iter().filter(|hit| hit.kind != T::Person) {
            let good =
                note.spans.iter().any(|(start, end, kind)| hit.start < *end && hit.end > *start && hit.kind == *kind);
            all += 1;
            right += u32::from(good);
            if !good {
                let text = &note.text[hit.start..hit.end];
                faults.entry(note.title.clone()).or_default().push(format!("wrong {} {text:?} {:?}", hit.kind, hit.by));
            }
        }
    }
    println!("found {found} of {wanted}, right {right} of {all}\n{faults:#?}");
    assert!(found * 100 >= wanted * 96, "found {found} of {wanted}");
    assert!(right * 100 >= all * 96, "right {right} of {all}");
}
