//! How subjects are reached, as tables, FHIR and HL7 say it: of the subject alone, each with its record.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Limits, Source};
use landscape::inspect::Contact;

use crate::INSPECTOR;

fn contacts(text: &str) -> Vec<Contact> {
    let (inspector, scratch) = &*INSPECTOR;
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
    let source = Source::seek(std::io::Cursor::new(text.as_bytes().to_vec())).unwrap();
    let (mut told, mut scratch) = (Vec::new(), scratch.lock().unwrap());
    let mut each = |record: &landscape::report::SubjectRecord, contact: &Contact| {
        assert!(!record.tokens.is_empty(), "a contact comes with the record that it belongs to");
        told.push(contact.clone());
    };
    inspector.contacts("object", source, &mut budget, &mut scratch, &mut each).unwrap();
    told.retain(Contact::is_reachable);
    told
}

#[test]
fn a_table_says_it_row_by_row() {
    let told = contacts(
        "MRN,FirstName,LastName,BirthDate,Street,ZIP,City,Country,Email,Diagnosis\n\
         MRN0001,Anna,Keller,1961-03-05,Hauptstr. 1,10115,Berlin,DE,,C50.9\n\
         MRN0002,Jean,Martin,1970-01-02,1 rue Neuve,75001,Paris,FR,jean@example.org,E11\n\
         MRN0003,Nobody,Known,1980-01-02,,,,,,E11\n",
    );
    assert_eq!(told.len(), 2, "who lives nowhere is reached by nothing");
    let anna = &told[0];
    assert_eq!(
        (anna.full_name(), anna.city.as_str(), anna.postcode.as_str()),
        ("Anna Keller".to_owned(), "Berlin", "10115")
    );
    assert_eq!((anna.lines.as_slice(), anna.country.as_str()), (&["Hauptstr. 1".to_owned()][..], "DE"));
    assert_eq!(told[1].email, "jean@example.org");
    assert_eq!(format!("{anna:?}"), "Contact { .. }", "names nobody in a log");
}

#[test]
fn fhir_says_it_of_the_patient_and_not_of_contacts_or_doctors() {
    let told = contacts(
        r#"{"resourceType":"Patient","id":"p1","identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"urn:h","value":"MRN0009"}],
            "name":[{"family":"Keller","given":["Anna","Maria"]}],"birthDate":"1961-03-05",
            "telecom":[{"system":"email","value":"anna@example.org"}],
            "address":[{"line":["Hauptstr. 1"],"city":"Berlin","postalCode":"10115","country":"DE"}],
            "contact":[{"name":{"family":"Sorge","given":["Otto"]},"address":{"line":["Nebenweg 9"],"city":"Bonn"}}]}"#,
    );
    assert_eq!(told.len(), 1);
    let anna = &told[0];
    assert_eq!(anna.full_name(), "Anna Maria Keller");
    assert_eq!(
        (anna.lines.as_slice(), anna.city.as_str(), anna.email.as_str()),
        (&["Hauptstr. 1".to_owned()][..], "Berlin", "anna@example.org")
    );
}

#[test]
fn hl7_says_it_in_pid() {
    let told = contacts(
        "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rPID|1||MRN0007^^^H^MR||Keller^Anna||19610305|F|||Hauptstr. 1^^Berlin^^10115^DE\r\
         NK1|1|Sorge^Otto|SPO|Nebenweg 9^^Bonn\r",
    );
    assert_eq!(told.len(), 1, "{}", told.len());
    let anna = &told[0];
    assert_eq!(
        (anna.full_name().as_str(), anna.city.as_str(), anna.postcode.as_str()),
        ("Anna Keller", "Berlin", "10115")
    );
    assert!(anna.lines.iter().all(|line| !line.contains("Nebenweg")), "not where the next of kin lives");
}
