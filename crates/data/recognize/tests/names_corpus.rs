//! Names in the sentences of presidio-research: precision and recall, any overlap counts.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

use std::path::Path;

use recognize::names::tagger::Tagger;
use recognize::names::{NameHit, Names, Scratch};

/// One sentence of the corpus with the byte ranges of its persons.
struct Sentence {
    text: String,
    persons: Vec<(usize, usize)>,
    /// Number of its template.
    template: u64,
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
    Sentence { text, persons, template: item["template_id"].as_u64().unwrap() }
}

#[test]
fn persons_of_unseen_sentences_are_found() {
    let Some(sentences) = corpus() else { return };
    let names = Names::load();
    let tagger = Tagger::load();
    // Templates that 4 divides were looked at while rules were written; the others are for measuring alone.
    let (seen, unseen): (Vec<_>, Vec<_>) = sentences.into_iter().partition(|sentence| sentence.template % 4 == 0);
    for (part, sentences) in [("looked at", seen), ("unseen", unseen)] {
        for tier in ["fast", "model"] {
            let (recall, precision) = measure(&sentences, |text, hits| {
                let mut scratch = Scratch::default();
                names.find(text, &mut scratch, hits);
                if tier == "model" {
                    tagger.rescore(&names, text, &scratch, hits);
                }
            });
            println!("{tier}, templates {part}: PERSON recall {recall:.3} precision {precision:.3}");
            assert!(recall >= 0.80, "{tier} recall {recall:.3}");
            assert!(precision >= 0.80, "{tier} precision {precision:.3}");
        }
    }
}

fn measure(sentences: &[Sentence], find: impl Fn(&str, &mut Vec<NameHit>)) -> (f64, f64) {
    let show = std::env::var("SHOW_ERRORS").is_ok();
    let (mut found, mut missed, mut right, mut wrong) = (0, 0, 0, 0);
    for sentence in sentences {
        let mut hits: Vec<NameHit> = Vec::new();
        find(&sentence.text, &mut hits);
        for (start, end) in &sentence.persons {
            let seen = hits.iter().any(|hit| hit.start < *end && hit.end > *start);
            found += i32::from(seen);
            missed += i32::from(!seen);
            if show && !seen {
                eprintln!("missed {:?} in {:?}", &sentence.text[*start..*end], sentence.text);
            }
        }
        for hit in &hits {
            let person = sentence.persons.iter().any(|(start, end)| hit.start < *end && hit.end > *start);
            right += i32::from(person);
            wrong += i32::from(!person);
            if show && !person {
                eprintln!("wrong {:?} {hit:?} in {:?}", &sentence.text[hit.start..hit.end], sentence.text);
            }
        }
    }
    (f64::from(found) / f64::from(found + missed), f64::from(right) / f64::from(right + wrong))
}
