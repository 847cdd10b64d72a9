//! HL7 v2 messages (version 2.5.1) and C-CDA documents (release 2.1).

use std::fmt::Write as _;

use super::text::xml;
use crate::organisation::Patient;
use crate::person::Language;

/// An admission message.
pub fn admission(patient: &Patient, control: usize, provider: (&str, &str)) -> String {
    let mut message = header(patient, "ADT^A01^ADT_A01", control);
    message.push_str(&pid(patient));
    let (family, given) = provider;
    let _ = write!(
        message,
        "NK1|1|{}^Robin|||{}\rPV1|1|I|7B^{}^A||||{}^{family}^{given}^^^Dr.|||MED\rDG1|1||{}^{}^I10||20250301|A\r",
        patient.name.family,
        patient.phone,
        200 + control % 60,
        4000 + control % 90,
        patient.icd,
        escaped(patient.diagnosis)
    );
    message
}

/// A laboratory result with a free-text comment.
pub fn result(patient: &Patient, control: usize, comment: &str) -> String {
    let mut message = header(patient, "ORU^R01^ORU_R01", control);
    message.push_str(&pid(patient));
    let _ = write!(
        message,
        "OBR|1|{control}|LAB{control:06}|2160-0^Creatinine^LN|||202503011030\rOBX|1|NM|2160-0^Creatinine^LN||1.{}|mg/dL|0.6-1.3|N|||F\rNTE|1|L|{}\r",
        control % 10,
        escaped(&comment.replace('\n', "~"))
    );
    message
}

/// Messages with the envelope of a batch file.
pub fn batch(messages: &[String], site: u32) -> String {
    let mut text = format!("FHS|^~\\&|ADT|{site}|LAKE|AUR|20250301\rBHS|^~\\&|ADT|{site}|LAKE|AUR|20250301\r");
    for message in messages {
        text.push_str(message);
    }
    let _ = write!(text, "BTS|{}\rFTS|1\r", messages.len());
    text
}

fn header(patient: &Patient, kind: &str, control: usize) -> String {
    let charset = if patient.language() == Language::En { "" } else { "UNICODE UTF-8" };
    format!(
        "MSH|^~\\&|ADT1|{}|LAKE|AUR|20250301103000||{kind}|MSG{control:06}|P|2.5.1|||||{}|{charset}\r",
        patient.hospital().key,
        patient.hospital().country3
    )
}

fn pid(patient: &Patient) -> String {
    let hospital = patient.hospital();
    let (address, name) = (&patient.address, &patient.name);
    let ssn = if hospital.language == Language::En { patient.national.as_str() } else { "" };
    format!(
        "PID|1||{}^^^{}&2.999.{}&ISO^MR||{}^{}^{}||{}|{}|||{}^^{}^{}^{}^{}||{}|||||A{}|{ssn}\r",
        patient.mrn,
        hospital.key.to_uppercase(),
        hospital.site,
        escaped(name.family),
        escaped(name.given),
        name.middle,
        patient.birth.compact(),
        patient.sex(),
        escaped(&address.street),
        escaped(address.town()),
        address.state(),
        address.postcode,
        hospital.country3,
        patient.phone,
        patient.number + 5_000_000,
    )
}

/// The escapes of HL7 v2.5.1, section 2.7.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\E\\"),
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// A continuity of care document with one narrative section.
pub fn ccda(patient: &Patient, provider: (&str, &str), narrative: &str) -> String {
    let hospital = patient.hospital();
    let (name, address) = (&patient.name, &patient.address);
    let (family, given) = provider;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <realmCode code="{country}"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.10.20.22.1.2"/>
  <id root="2.999.{site}.1" extension="D{number}"/>
  <code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>
  <title>Summary of care</title>
  <effectiveTime value="20250301103000"/>
  <recordTarget>
    <patientRole>
      <id root="2.999.{site}" extension="{mrn}"/>
      <addr use="HP"><streetAddressLine>{street}</streetAddressLine><city>{city}</city><state>{state}</state><postalCode>{postcode}</postalCode><country>{country}</country></addr>
      <telecom use="HP" value="tel:{phone}"/>
      <patient>
        <name><given>{patient_given}</given><family>{patient_family}</family></name>
        <administrativeGenderCode code="{sex}" codeSystem="2.16.840.1.113883.5.1"/>
        <birthTime value="{birth}"/>
      </patient>
    </patientRole>
  </recordTarget>
  <author><assignedAuthor><assignedPerson><name><given>{given}</given><family>{family}</family></name></assignedPerson></assignedAuthor></author>
  <component><structuredBody><component><section>
    <code code="10164-2" codeSystem="2.16.840.1.113883.6.1"/>
    <title>History of present illness</title>
    <text>{narrative}</text>
    <entry><observation classCode="OBS" moodCode="EVN"><value code="{icd}" codeSystem="2.16.840.1.113883.6.90" displayName="{diagnosis}"/></observation></entry>
  </section></component></structuredBody></component>
</ClinicalDocument>
"#,
        country = hospital.country,
        site = hospital.site,
        number = patient.number,
        mrn = patient.mrn,
        street = xml(&address.street),
        city = xml(address.town()),
        state = address.state(),
        postcode = address.postcode,
        phone = patient.phone.replace(' ', ""),
        patient_given = name.given,
        patient_family = xml(name.family),
        sex = patient.sex(),
        birth = patient.birth.compact(),
        narrative = xml(narrative),
        icd = patient.icd,
        diagnosis = xml(patient.diagnosis),
    )
}
