use model::Format;

use crate::testing::{Recorder, survives_truncation};

const DOCUMENT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:sdtc=\"urn:hl7-org:sdtc\">
<id root=\"1.2.3\" extension=\"doc1\"/>
<recordTarget><patientRole>
 <id extension=\"4711\" root=\"2.16.1\"/><id root=\"2.16.840.1.113883.4.1\" extension=\"078-05-1120\"/>
 <telecom use=\"HP\" value=\"tel:+1(555)555-2003\"/><telecom value=\"mailto:a@x.org\"/>
 <patient><name use=\"L\"><given>Anna</given><family>M&#252;ller</family></name><birthTime value=\"19610203\"/></patient>
</patientRole></recordTarget>
<component><structuredBody><component><section>
 <title>Problems</title>
 <text><table><tr><td>Frau M&#xFC;ller</td><td>Asthma &amp; more</td></tr></table><!-- aside --></text>
 <entry><observation><code code=\"195967001\" codeSystem=\"2.16.840.1.113883.6.96\" displayName=\"Asthma\"/></observation></entry>
</section></component></structuredBody></component>
<component><nonXMLBody><text mediaType=\"text/plain\" representation=\"B64\">SGVsbG8gQW5uYQ==</text></nonXMLBody></component>
</ClinicalDocument>";

#[test]
fn values_have_cda_paths_and_what_stands_beside_them() {
    let read = Recorder::proved(DOCUMENT.as_bytes());
    assert_eq!((read.format(), read.problems.len()), (Format::Ccda, 0));
    let seen = |path: &str| {
        let of = read.fields.iter().filter(|f| f.path == path);
        of.map(|f| format!("{} = {} ({}; {})", f.place, f.value, f.issuer, f.kind)).collect::<Vec<_>>()
    };
    assert_eq!(
        seen("recordTarget/patientRole/id/@extension"),
        [
            "recordTarget/patientRole/id/@extension = 4711 (2.16.1; )",
            "recordTarget/patientRole/id[2]/@extension = 078-05-1120 (2.16.840.1.113883.4.1; )"
        ]
    );
    assert_eq!(
        seen("recordTarget/patientRole/telecom/@value"),
        [
            "recordTarget/patientRole/telecom/@value = +1(555)555-2003 (; tel)",
            "recordTarget/patientRole/telecom[2]/@value = a@x.org (; mailto)"
        ]
    );
    assert_eq!(read.values("recordTarget/patientRole/patient/name/family"), ["Müller"]);
    assert_eq!(read.values("recordTarget/patientRole/patient/birthTime/@value"), ["19610203"]);
    assert_eq!(read.values("id/@extension"), ["doc1"]);
    let code = read.fields.iter().find(|f| f.value == "Asthma").unwrap();
    assert_eq!(code.kind, "2.16.840.1.113883.6.96");
}

#[test]
fn narrative_is_text_and_bodies_in_base64_open() {
    let read = Recorder::proved(DOCUMENT.as_bytes());
    let words: Vec<_> = read.texts.iter().map(|t| t.value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words, ["aside", "Frau Müller Asthma & more", "Hello Anna"]);
    let narrative = read.texts.get(1).unwrap();
    assert_eq!(narrative.place, "component/structuredBody/component/section/text");
}

#[test]
fn every_prefix_is_read() {
    survives_truncation(DOCUMENT.as_bytes());
    let cut = Recorder::proved(&DOCUMENT.as_bytes()[..700]);
    assert_eq!(cut.problems.first().unwrap().kind, crate::ProblemKind::Truncated);
}
