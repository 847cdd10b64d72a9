//! Person names in generated notes of held-out templates, whose wording, layout and half of whose surnames no rule was
//! written and nothing was trained on: recall and precision, any overlap counts.

#![expect(clippy::print_stdout, reason = "tests report what they measured")]

use model::IdentifierType;
use recognize::names::tagger::Tagger;
use recognize::names::{NameHit, Names, Scratch};
use sample::notes::{Language, Split, generate, generate_in};

/// How many persons were found and how many finds were persons.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    found: u32,
    missed: u32,
    right: u32,
    wrong: u32,
}

impl Score {
    fn recall(self) -> f64 {
        f64::from(self.found) / f64::from((self.found + self.missed).max(1))
    }

    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }
}

fn measure(tier: &str, texts: &[sample::notes::LabelledText], find: impl Fn(&str, &mut Vec<NameHit>)) -> Score {
    let show = std::env::var("SHOW_ERRORS").is_ok();
    let mut score = Score::default();
    let mut hits = Vec::new();
    for labelled in texts {
        hits.clear();
        find(&labelled.text, &mut hits);
        let persons: Vec<_> = labelled.spans.iter().filter(|span| span.2 == IdentifierType::Person).collect();
        for (start, end, _) in &persons {
            let found = hits.iter().any(|hit| hit.start < *end && hit.end > *start);
            score.found += u32::from(found);
            score.missed += u32::from(!found);
            if show && !found {
                println!("{tier} missed {:?}", around(&labelled.text, *start, *end));
            }
        }
        for hit in &hits {
            let right = persons.iter().any(|(start, end, _)| hit.start < *end && hit.end > *start);
            score.right += u32::from(right);
            score.wrong += u32::from(!right);
            if show && !right {
                println!(
                    "{tier} wrong {} {:?} {:?}",
                    hit.confidence,
                    hit.why,
                    around(&labelled.text, hit.start, hit.end)
                );
            }
        }
    }
    score
}

fn around(text: &str, start: usize, end: usize) -> String {
    let from = text[..start].char_indices().rev().nth(30).map_or(0, |(at, _)| at);
    let to = text[end..].char_indices().nth(20).map_or(text.len(), |(at, _)| end + at);
    format!("{}«{}»{}", &text[from..start], &text[start..end], &text[end..to])
}

fn rules_alone(names: &Names) -> impl Fn(&str, &mut Vec<NameHit>) {
    move |text, hits| names.find(text, &mut Scratch::default(), hits)
}

fn with_the_tagger(names: &Names) -> impl Fn(&str, &mut Vec<NameHit>) {
    let tagger = Tagger::load();
    move |text, hits| {
        let mut scratch = Scratch::default();
        names.find(text, &mut scratch, hits);
        tagger.rescore(names, text, &scratch, hits);
    }
}

fn report(tier: &str, score: &Score) {
    println!("{tier}: recall {:.3} precision {:.3} {score:?}", score.recall(), score.precision());
}

#[test]
fn persons_in_held_out_notes_are_found() {
    let names = Names::load();
    let texts = generate(7, Split::Test, 2000);
    for (tier, score) in [
        ("fast", measure("fast", &texts, rules_alone(&names))),
        ("model", measure("model", &texts, with_the_tagger(&names))),
    ] {
        report(&format!("{tier}, all languages"), &score);
        assert!(score.recall() >= 0.93, "{tier} {score:?}");
        assert!(score.precision() >= 0.88, "{tier} {score:?}");
    }
}

#[test]
fn every_language_is_found() {
    let names = Names::load();
    for language in [Language::En, Language::De, Language::Fr, Language::Es, Language::Ja] {
        let texts = generate_in(11, Split::Test, language, 400);
        for (tier, score) in [
            ("fast", measure("fast", &texts, rules_alone(&names))),
            ("model", measure("model", &texts, with_the_tagger(&names))),
        ] {
            report(&format!("{tier} {language:?}"), &score);
            assert!(score.recall() >= 0.85, "{tier} {language:?} {score:?}");
            assert!(score.precision() >= 0.85, "{tier} {language:?} {score:?}");
        }
    }
}
