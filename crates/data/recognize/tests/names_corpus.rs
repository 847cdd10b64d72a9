//! Names in the sentences of presidio-research: precision and recall, any overlap counts.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

use std::path::Path;

use recognize::names::{NameHit, Names, Scratch};

/// One sentence of the corpus with the byte ranges of its persons.
struct Sentence {
    text: String,
    persons: Vec<(usize, usize)>,
}

fn corpus() -> Option<Vec<Sentence>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/corpora/text/presidio_synth_even_templates.json");
    let Ok(bytes) = std::fs::read(&path) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus of sentences is missing in CI");
        eprintln!("skipped: no corpus of sentences beside the project");
        return None;
    };
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    Some(json.as_array().unwrap().iter().map(sentence).collect())
}

fn sentence(item: &serde_json::Value) -> Sentence {
    let text = item["full_text"].as_str().unwrap().to_owned();
    let byte = |chars: &serde_json::Value| {
        let chars = usize::try_from(chars.as_u64().unwrap()).unwrap();
        text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
    };
    let persons = item["spans"].as_array().unwrap().iter();
    let persons = persons
        .filter(|span| span["entity_type"] == "PERSON")
        .map(|span| (byte(&span["start_position"]), byte(&span["end_position"])))
        .collect();
    Sentence { text, persons }
}

#[test]
fn persons_of_unseen_sentences_are_found() {
    let Some(sentences) = corpus() else { return };
    let names = Names::load();
    let (mut found, mut missed, mut right, mut wrong) = (0, 0, 0, 0);
    let show = std::env::var("SHOW_ERRORS").is_ok();
    for sentence in &sentences {
        let mut hits: Vec<NameHit> = Vec::new();
        let mut scratch = Scratch::default();
        names.find(&sentence.text, &mut scratch, &mut hits);
        for (start, end) in &sentence.persons {
            if hits.iter().any(|hit| hit.start < *end && hit.end > *start) {
                found += 1;
            } else {
                missed += 1;
                if show {
                    eprintln!("missed {:?} in {:?}", &sentence.text[*start..*end], sentence.text);
                }
            }
        }
        for hit in &hits {
            if sentence.persons.iter().any(|(start, end)| hit.start < *end && hit.end > *start) {
                right += 1;
            } else {
                wrong += 1;
                if show {
                    eprintln!("wrong {:?} {hit:?} in {:?}", &sentence.text[hit.start..hit.end], sentence.text);
                }
            }
        }
    }
    let recall = f64::from(found) / f64::from(found + missed);
    let precision = f64::from(right) / f64::from(right + wrong);
    println!("tier 2 PERSON: recall {recall:.3} precision {precision:.3}");
    assert!(recall >= 0.80, "recall {recall:.3}");
    assert!(precision >= 0.80, "precision {precision:.3}");
}
