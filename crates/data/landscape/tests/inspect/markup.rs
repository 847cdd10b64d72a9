//! Values that tags cut off from their labels.

use super::expect;

#[test]
fn a_label_and_its_value_may_have_tags_between_them() {
    let page = "<!DOCTYPE html>\n<html><body><p>MRN: <b>40917265</b></p>\
                <p><strong>Record number</strong> <span class=\"v\">MRN:</span> <span class=\"value\">40917266</span></p>\
                <p>Patient: <i>Maria</i> <b class=\"x\">Hubermann</b></p></body></html>";
    expect(page, &[("MRN", "40917265"), ("MRN", "40917266")], &[]);
    let near = "<!DOCTYPE html>\n<html><body><p>Rooms:</p><p><b>40917265</b></p></body></html>";
    expect(near, &[], &[("MRN", "40917265")]);
}

#[test]
fn fhir_narrative_keeps_its_places() {
    let patient = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"text\":{\"status\":\"generated\",\"div\":\
                   \"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">MRN: <strong>40917265</strong></div>\"}}";
    expect(patient, &[("MRN", "40917265")], &[]);
}

#[test]
fn a_form_that_is_set_with_blanks_is_read() {
    expect("Patient form\nMRN:               40917265\n", &[("MRN", "40917265")], &[]);
    expect("Height:            40917265\n", &[], &[("MRN", "40917265")]);
}
