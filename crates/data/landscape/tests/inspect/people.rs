//! Who is whom within one object.

use super::inspect;

fn bundle(entries: &[serde_json::Value]) -> String {
    serde_json::json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }).to_string()
}

fn patient(number: &str) -> serde_json::Value {
    serde_json::json!({ "resourceType": "Patient", "id": "p-1", "identifier": [{ "system": "urn:oid:1.2.3", "value": number }],
        "name": [{ "family": "Zorn", "given": ["Amalia"] }], "birthDate": "1961-03-12" })
}

#[test]
fn resources_about_one_patient_are_one_person() {
    let coverage = serde_json::json!({ "resourceType": "Coverage", "subscriberId": "ZGP882001", "beneficiary": { "reference": "Patient/p-1" } });
    let subject = serde_json::json!({ "resourceType": "ResearchSubject", "identifier": [{ "value": "AUR-301-007-0031" }],
        "individual": { "reference": "https://host.example/fhir/Patient/p-1" } });
    let of = |patient: serde_json::Value| {
        // What refers to a patient may come before it.
        let entries: Vec<_> = [coverage.clone(), patient, subject.clone()]
            .into_iter()
            .map(|resource| serde_json::json!({ "resource": resource }))
            .collect();
        inspect(&bundle(&entries)).subjects
    };
    assert_eq!(of(patient("40917265")), 1);
    let mut other = patient("40917265");
    other["id"] = "p-2".into();
    assert_eq!(of(other), 2, "the two that refer to nobody here are one, the patient is another");
}

#[test]
fn a_full_url_is_what_references_name() {
    let mut nameless = patient("40917265");
    nameless.as_object_mut().unwrap().remove("id");
    let coverage = serde_json::json!({ "resourceType": "Coverage", "subscriberId": "ZGP882001", "beneficiary": { "reference": "urn:uuid:7f-1" } });
    let entries = |address: &str| {
        bundle(&[
            serde_json::json!({ "fullUrl": address, "resource": nameless }),
            serde_json::json!({ "fullUrl": "urn:uuid:7f-2", "resource": coverage }),
        ])
    };
    assert_eq!(inspect(&entries("urn:uuid:7f-1")).subjects, 1);
    assert_eq!(inspect(&entries("urn:uuid:7f-9")).subjects, 2);
}

#[test]
fn a_name_under_a_header_that_says_nothing_and_a_birth_date_make_a_person() {
    let table = "Studienteilnehmer;Geburtsdatum\nJürgen Pfeiffer;03.04.1950\nAylin Yücel;12.09.1981\n";
    assert_eq!(inspect(table).subjects, 2);
    let other = "Studienteilnehmer;Besuch\nJürgen Pfeiffer;03.04.1950\nAylin Yücel;12.09.1981\n";
    assert_eq!(inspect(other).subjects, 0, "any other date is no birth date");
    let named = "Therapeut;Patient Name;Geburtsdatum\nJürgen Pfeiffer;Amalia Zorn;03.04.1950\nJürgen Pfeiffer;Bert Quell;03.04.1950\n";
    assert_eq!(inspect(named).subjects, 2, "a name that is told goes first");
}

#[test]
fn a_key_called_as_one_country_calls_it_tells_the_country() {
    let country = |number: &str| {
        let report = inspect(&serde_json::json!({ "patients": [{ "nhsNumber": number }] }).to_string());
        let span = report.spans.iter().find(|span| span.kind.as_str() == "NATIONAL_ID").unwrap();
        (span.country.clone(), report.jurisdictions.keys().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(country("9434765919"), (Some("GB".to_owned()), vec!["GB".to_owned()]));
    assert_eq!(country("9434765918").0, None, "a number with a wrong check digit is of no known country");
}
