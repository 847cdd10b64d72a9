//! The sentences of microsoft/presidio-research (see ../shared/corpora/README.md): precision and recall per type, any overlap
//! counts. It prints the table; the thresholds only keep what has been reached.

use std::collections::BTreeMap;
use std::path::Path;

use model::IdentifierType as T;
use recognize::engine::{Engine, NamesTier};

/// What their types are called here; organisations, titles and nationalities have no counterpart.
fn types(entity: &str) -> &'static [T] {
    match entity {
        "PERSON" => &[T::Person],
        "STREET_ADDRESS" => &[T::Address, T::Postcode],
        "GPE" => &[T::Address],
        "ZIP_CODE" => &[T::Postcode],
        "CREDIT_CARD" => &[T::CreditCard],
        "PHONE_NUMBER" => &[T::Phone, T::Fax],
        "DATE_TIME" => &[T::Date],
        "EMAIL_ADDRESS" => &[T::Email],
        "DOMAIN_NAME" => &[T::Url],
        "IBAN_CODE" => &[T::Iban],
        "IP_ADDRESS" => &[T::IpAddress],
        "US_SSN" => &[T::UsSsn],
        "US_DRIVER_LICENSE" => &[T::Licence],
        _ => &[],
    }
}

#[test]
fn sentences_are_measured_by_type() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/corpora/text/presidio_synth_even_templates.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the test data are missing: {}", path.display());
        println!("skipped: no test data at {}", path.display());
        return;
    };
    let sentences: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let show = std::env::var("SHOW_ERRORS").is_ok();
    let engine = Engine::embedded().unwrap();
    let mut scratch = engine.scratch();
    let (mut recall, mut precision) = (BTreeMap::<String, [u32; 2]>::new(), BTreeMap::<T, [u32; 2]>::new());
    for sentence in &sentences {
        let text = sentence["full_text"].as_str().unwrap();
        let byte = |chars: &serde_json::Value| {
            text.char_indices().nth(chars.as_u64().unwrap() as usize).map_or(text.len(), |(at, _)| at)
        };
        let spans: Vec<(usize, usize, &str)> = sentence["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| {
                (byte(&span["start_position"]), byte(&span["end_position"]), span["entity_type"].as_str().unwrap())
            })
            .collect();
        let mut hits = Vec::new();
        engine.text(text, NamesTier::Fast, None, &mut scratch, &mut hits);
        for (start, end, entity) in spans.iter().filter(|span| !types(span.2).is_empty()) {
            let found =
                hits.iter().any(|hit| hit.start < *end && hit.end > *start && types(entity).contains(&hit.kind));
            let score = recall.entry((*entity).to_owned()).or_default();
            score[0] += u32::from(found);
            score[1] += 1;
            if show && !found && *entity != "PERSON" {
                println!("missed {entity} {:?} in {text:?}", &text[*start..*end]);
            }
        }
        for hit in &hits {
            let right = spans
                .iter()
                .any(|(start, end, entity)| hit.start < *end && hit.end > *start && types(entity).contains(&hit.kind));
            let score = precision.entry(hit.kind).or_default();
            score[0] += u32::from(right);
            score[1] += 1;
            if show && !right && hit.kind != T::Person {
                println!("wrong {} {:?} {:?} in {text:?}", hit.kind, &text[hit.start..hit.end], hit.by);
            }
        }
    }
    for (entity, [found, all]) in &recall {
        println!("recall    {entity:18} {:.3} ({found} of {all})", f64::from(*found) / f64::from(*all));
    }
    for (kind, [right, all]) in &precision {
        println!("precision {:18} {:.3} ({right} of {all})", kind.as_str(), f64::from(*right) / f64::from(*all));
    }
    for entity in ["EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN"] {
        let [found, all] = recall[entity];
        assert!(found * 100 >= all * 90, "{entity}: {found} of {all}");
    }
}
