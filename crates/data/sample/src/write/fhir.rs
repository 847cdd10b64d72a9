//! FHIR R4 resources.

use serde_json::{Value, json};

use crate::organisation::Patient;
use crate::person::Language;

/// Patient, its conditions and its medication, as one collection bundle.
pub fn bundle(patient: &Patient) -> Value {
    let id = format!("p{}", patient.number);
    let entry = |resource: Value| {
        let kind = resource["resourceType"].as_str().unwrap_or("Basic").to_owned();
        let own = resource["id"].as_str().unwrap_or("x").to_owned();
        json!({"fullUrl": format!("https://fhir.example.org/{kind}/{own}"), "resource": resource})
    };
    let entries: Vec<Value> = [
        self::patient(patient),
        json!({
            "resourceType": "Condition", "id": format!("c{}", patient.number),
            "subject": {"reference": format!("Patient/{id}"), "display": patient.full_name()},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": patient.icd}], "text": patient.diagnosis},
            "recordedDate": "2025-03-01"
        }),
        json!({
            "resourceType": "MedicationStatement", "id": format!("m{}", patient.number), "status": "active",
            "subject": {"reference": format!("Patient/{id}")},
            "medicationCodeableConcept": {"text": patient.medication}
        }),
        json!({
            "resourceType": "Observation", "id": format!("o{}", patient.number), "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}], "text": "Systolic blood pressure"},
            "subject": {"reference": format!("Patient/{id}")},
            "valueQuantity": {"value": 110 + patient.number % 60, "unit": "mmHg"}
        }),
    ]
    .into_iter()
    .map(entry)
    .collect();
    json!({"resourceType": "Bundle", "id": format!("b{}", patient.number), "type": "collection", "entry": entries})
}

/// The Patient resource.
pub fn patient(patient: &Patient) -> Value {
    let hospital = patient.hospital();
    let authority = format!("urn:oid:2.999.{}", hospital.site);
    let mut identifiers = vec![json!({
        "use": "usual", "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
        "system": authority, "value": patient.mrn
    })];
    if hospital.language == Language::En {
        identifiers.push(json!({
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS"}]},
            "system": "http://hl7.org/fhir/sid/us-ssn", "value": patient.national
        }));
    }
    let mut address = json!({
        "use": "home", "line": [patient.address.street], "city": patient.address.town(),
        "postalCode": patient.address.postcode, "country": hospital.country
    });
    if hospital.language == Language::En {
        address["state"] = json!(patient.address.state());
    }
    json!({
        "resourceType": "Patient", "id": format!("p{}", patient.number), "active": true,
        "identifier": identifiers,
        "name": [{"use": "official", "family": patient.name.family, "given": [patient.name.given]}],
        "gender": if patient.name.female { "female" } else { "male" },
        "birthDate": patient.birth.iso(),
        "telecom": [{"system": "phone", "value": patient.phone}, {"system": "email", "value": patient.email}],
        "address": [address],
        "managingOrganization": {"display": hospital.name}
    })
}
