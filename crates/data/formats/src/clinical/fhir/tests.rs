use std::fs;

use model::Format;

use crate::testing::{Recorder, corpus, survives_truncation};
use crate::{Limits, Source};

const PATIENT: &str = r#"{
 "name": [{"family": "M\u00fcller", "given": ["Anna", "B."]}, {"text": "A. Muster"}],
 "identifier": [
  {"value": "4711", "type": {"coding": [{"code": "MR", "system": "http://terminology.hl7.org/CodeSystem/v2-0203"}]}, "system": "urn:oid:1.2.3"},
  {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "078-05-1120"},
  {"value": "9", "assigner": {"display": "Clinic"}, "type": {"text": "own", "coding": [{"code": "PI"}]}}],
 "telecom": [{"value": "0228 1", "system": "phone"}, {"system": "email", "value": "a@example.org"}],
 "extension": [{"valueString": "Vorher", "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"},
  {"extension": [{"url": "latitude", "valueDecimal": 50.5}], "url": "http://hl7.org/fhir/StructureDefinition/geolocation"}],
 "birthDate": "1961-02-03", "_birthDate": {"extension": [{"url": "http://x.org/t", "valueDateTime": "1961-02-03T04:05"}]},
 "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Anna M\u00fcller</p><td>MRN</td><td>4711 &amp; more</td></div>"},
 "photo": [{"contentType": "text/plain", "data": "SGVsbG8gQW5uYSBNdWVsbGVy"}],
 "maritalStatus": {"coding": [{"display": "Married", "code": "M", "system": "http://m.org"}]},
 "contained": [{"id": "c1", "name": [{"family": "Arzt"}], "resourceType": "Practitioner"}],
 "active": true, "gender": null, "resourceType": "Patient"}"#;

#[test]
fn values_come_with_what_stands_beside_them_whatever_the_order() {
    let read = Recorder::proved(PATIENT.as_bytes());
    assert_eq!((read.format(), read.problems.len()), (Format::Fhir, 0));
    let seen = |path: &str| {
        let of = read.fields.iter().filter(|f| f.path == path);
        of.map(|f| format!("{} = {} ({}; {})", f.place, f.value, f.issuer, f.kind)).collect::<Vec<_>>()
    };
    assert_eq!(seen("Patient.name.family"), ["Patient.name[0].family = Müller (; )"]);
    assert_eq!(
        seen("Patient.name.given"),
        ["Patient.name[0].given[0] = Anna (; )", "Patient.name[0].given[1] = B. (; )"]
    );
    assert_eq!(
        seen("Patient.identifier.value"),
        [
            "Patient.identifier[0].value = 4711 (urn:oid:1.2.3; MR)",
            "Patient.identifier[1].value = 078-05-1120 (http://hl7.org/fhir/sid/us-ssn; http://hl7.org/fhir/sid/us-ssn)",
            "Patient.identifier[2].value = 9 (Clinic; PI)",
        ]
    );
    assert_eq!(
        seen("Patient.telecom.value"),
        ["Patient.telecom[0].value = 0228 1 (; phone)", "Patient.telecom[1].value = a@example.org (; email)"]
    );
    assert_eq!(
        seen("Patient.extension.valueString"),
        [
            "Patient.extension[0].valueString = Vorher (; http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName)"
        ]
    );
    assert_eq!(
        seen("Patient.extension.extension.valueDecimal"),
        [
            "Patient.extension[1].extension[0].valueDecimal = 50.5 (; http://hl7.org/fhir/StructureDefinition/geolocation#latitude)"
        ]
    );
    assert_eq!(seen("Patient.birthDate.extension.valueDateTime").len(), 1);
    assert_eq!(
        seen("Patient.maritalStatus.coding.display"),
        ["Patient.maritalStatus.coding[0].display = Married (; http://m.org)"]
    );
    assert_eq!(seen("Practitioner.name.family"), ["Practitioner.name[0].family = Arzt (; )"]);
    assert_ne!(read.field("Practitioner.name.family").record, read.field("Patient.birthDate").record);
}

#[test]
fn narrative_and_attachments_are_read() {
    let read = Recorder::proved(PATIENT.as_bytes());
    let words: Vec<_> = read.texts.iter().map(|t| t.value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words, ["Anna Müller MRN 4711 & more", "Hello Anna Mueller"]);
    let narrative = read.texts.first().unwrap();
    assert_eq!(narrative.place, "Patient.text.div");
    assert!(narrative.span.is_some());
    assert!(read.lines.contains(&"enter Patient.photo[0].data".to_owned()));
}

#[test]
fn bundles_and_lines_are_separate_records() {
    let bundle = r#"{"entry":[{"fullUrl":"urn:1","resource":{"resourceType":"Patient","id":"a"}},{"resource":{"resourceType":"Patient","id":"b"}}],"type":"batch","resourceType":"Bundle"}"#;
    let read = Recorder::proved(bundle.as_bytes());
    assert_eq!(read.format(), Format::Fhir);
    let ids: Vec<_> =
        read.fields.iter().filter(|f| f.path == "Patient.id").map(|f| (f.value.as_str(), f.record)).collect();
    assert_eq!(ids, [("a", 0), ("b", 1)]);
    assert_eq!(read.field("Bundle.entry.fullUrl").record, 2);
    let lines = "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",broken}\n{\"resourceType\":\"Patient\",\"id\":\"b\"}\n";
    let read = Recorder::proved(lines.as_bytes());
    assert_eq!((read.format(), read.values("Patient.id"), read.problems.len()), (Format::Fhir, vec!["a", "b"], 1));
}

#[test]
fn a_resource_too_large_to_hold_is_told_in_parts() {
    let given = "\"Ann\",".repeat(80_000);
    let file = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:1","period":{{"start":"2020"}},"x":[{given}"Bob"],"value":"77"}}]}}"#
    );
    let read = Recorder::read(file.as_bytes());
    let value = read.field("Patient.identifier.value");
    assert_eq!(
        (value.place.as_str(), value.issuer.as_str(), value.record),
        ("Patient.identifier[0].value", "urn:1", 0)
    );
    assert_eq!(read.fields.iter().rev().nth(1).unwrap().place, "Patient.identifier[0].x[80000]");
}

#[test]
fn a_document_longer_than_a_value_opens_whole() {
    let text = "Hello Anna Mueller! ".repeat(300);
    let mut data = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        data.extend([18, 12, 6, 0].map(|shift| char::from(letters[(bits >> shift & 63) as usize])));
    }
    let file = format!(r#"{{"resourceType":"Binary","data":"{data}","id":"x"}}"#);
    let limits = Limits { value_bytes_max: 100, ..Limits::default() };
    let read = Recorder::read_with(Source::bytes(file.as_bytes()), limits, None);
    assert_eq!((read.text(), read.values("Binary.id")), (text, vec!["x"]));
}

#[test]
fn other_json_is_not_fhir() {
    for text in
        [r#"{"resourceType": 5}"#, r#"{"a":{"resourceType":"Patient"}}"#, r#"{"x":"resourceType"}"#, "resourceType"]
    {
        assert!(!super::sniff(text.as_bytes(), true), "{text}");
    }
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(PATIENT.as_bytes());
    let cut = PATIENT.find("\"birthDate\"").unwrap();
    let file = PATIENT.replacen('{', "{\"resourceType\": \"Patient\",", 1);
    let read = Recorder::proved(&file.as_bytes()[..cut]);
    assert_eq!((read.values("Patient.name.family"), read.problems.len()), (vec!["Müller"], 1));
}

#[test]
fn the_corpus_is_read_with_true_offsets() {
    let Some(folder) = corpus("fhir") else { return };
    let mut patients = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "json") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let read = Recorder::proved(&bytes);
        assert_eq!((read.format(), read.problems.len()), (Format::Fhir, 0), "{}", path.display());
        let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let entries = whole["entry"].as_array().unwrap();
        let patient = &entries.iter().find(|e| e["resource"]["resourceType"] == "Patient").unwrap()["resource"];
        assert_eq!(read.values("Patient.name.family").first().copied(), patient["name"][0]["family"].as_str());
        let ssn = read.fields.iter().find(|f| f.path == "Patient.identifier.value" && f.kind == "SS").unwrap();
        assert_eq!(ssn.issuer, "http://hl7.org/fhir/sid/us-ssn");
        patients += 1;
    }
    assert!(patients >= 20);
}

proptest::proptest! {
    #[test]
    fn no_json_is_too_strange(body in "[\\[\\]{}:,\"a-c\\\\u0-9 ]{0,80}") {
        Recorder::proved(format!(r#"{{"resourceType":"Patient","text":{{"div":"<p>a</p>"}},"x":{body}"#).as_bytes());
    }
}
