//! The recognisers of identifiers: what they promise beyond having examples that hold (see `recognizer_content`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::IdentifierType;
use recognize::content::{RecognizerFile, RecognizerSpec};

/// The files that hold identifiers of persons, places and things.
const FILES: [&str; 22] = [
    "addresses",
    "americas",
    "asia-pacific",
    "chemistry",
    "clinical",
    "confidential",
    "contact",
    "dates",
    "devices-vehicles",
    "europe-central",
    "europe-east",
    "europe-north",
    "europe-south",
    "europe-west",
    "finance",
    "genetics",
    "health",
    "japan",
    "samples",
    "trials",
    "unblinding",
    "us",
];

fn recognizers() -> Vec<RecognizerSpec> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/recognizers");
    FILES
        .iter()
        .flat_map(|name| {
            let text = std::fs::read_to_string(folder.join(name).with_extension("toml")).unwrap();
            let file: RecognizerFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            file.recognizer
        })
        .collect()
}

#[test]
fn weak_shapes_need_context_and_headers_are_normal() {
    for spec in recognizers() {
        let id = &spec.id;
        assert!(matches!(spec.source_date.len(), 4 | 10), "{id}: source_date `{}`", spec.source_date);
        assert!(spec.confidence[0] > 40 || spec.context_required || spec.pattern.is_empty(), "{id}: too weak alone");
        assert!(!spec.context_required || !spec.context.is_empty(), "{id}: context is required and none is given");
        assert!(spec.context.iter().chain(&spec.negative).all(|word| *word == word.to_lowercase()), "{id}");
        for field in &spec.fields {
            assert!(!field.contains([' ', '-']) && *field == field.to_lowercase(), "{id}: field `{field}`");
        }
        assert!(!spec.pattern.is_empty() || !spec.fields.is_empty(), "{id}: nothing can match");
    }
}

#[test]
fn a_number_of_bare_digits_needs_context() {
    // The checks of these reject far more than 999 of 1000 strings of digits.
    const PROVED: [&str; 6] =
        ["au-ihi", "au-hpi", "ch-ahv-number", "ch-health-card", "it-health-card", "cn-resident-id"];
    for spec in recognizers().iter().filter(|spec| !spec.context_required && !spec.group) {
        let digits_alone = spec.cases.positive.iter().any(|text| {
            let value = text.split('«').nth(1).and_then(|rest| rest.split('»').next()).unwrap_or("");
            value.len() > 4 && value.bytes().all(|b| b.is_ascii_digit())
        });
        assert!(!digits_alone || PROVED.contains(&spec.id.as_str()), "{}: digits alone without context", spec.id);
    }
}

#[test]
fn the_kinds_of_safe_harbor_and_the_countries_are_covered() {
    use IdentifierType as T;
    let all = recognizers();
    let kinds: BTreeSet<IdentifierType> = all.iter().map(|spec| spec.kind).collect();
    for kind in [
        T::Address,
        T::Postcode,
        T::Date,
        T::AgeOver89,
        T::Phone,
        T::Fax,
        T::Email,
        T::Url,
        T::IpAddress,
        T::UsSsn,
        T::Mrn,
        T::HealthPlanId,
        T::UsMbi,
        T::UsNpi,
        T::UsDea,
        T::Account,
        T::Iban,
        T::CreditCard,
        T::Licence,
        T::VehicleId,
        T::DeviceId,
        T::Biometric,
        T::FaceImage,
        T::Passport,
        T::NationalId,
        T::JpMyNumber,
        T::JpHealthInsurance,
        T::JpDriverLicence,
        T::JpResidenceCard,
        T::SubjectId,
        T::TrialId,
        T::SampleId,
        T::Diagnosis,
        T::Medication,
        T::GeneticVariant,
        T::Sequence,
        T::Smiles,
        T::Inchi,
        T::Inchikey,
        T::CasNumber,
        T::ConfidentialMark,
        T::Unblinding,
    ] {
        assert!(kinds.contains(&kind), "{kind} has no recogniser");
    }
    let mut by_country: BTreeMap<&str, usize> = BTreeMap::new();
    for country in all.iter().flat_map(|spec| &spec.countries) {
        *by_country.entry(country).or_default() += 1;
    }
    let states = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
    for country in states.split(' ').chain("GB US JP CH NO IS CA AU CN KR IN BR".split(' ')) {
        assert!(by_country.get(country).is_some_and(|count| *count >= 2), "{country} is hardly covered");
    }
    assert!(all.len() >= 300, "{} recognisers", all.len());
}
