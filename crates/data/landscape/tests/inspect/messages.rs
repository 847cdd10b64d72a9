//! HL7 v2 inside other text.

use super::{expect, inspect};

const PID: &str = "PID|1||40917265^^^R^MR||Zorn^Amalia||19610312|F|||Talweg 3^^Ulm^^89073";
const WANTED: &[(&str, &str)] = &[("MRN", "40917265"), ("PERSON", "Zorn"), ("PERSON", "Amalia"), ("DATE", "19610312")];

#[test]
fn in_json_logs_and_tables() {
    let message = format!("MSH|^~\\&|A|B|C|D|20260211||ADT^A01|1|P|2.5\r{PID}\rPV1|1|I|4W");
    let json = serde_json::json!({ "topic": "adt", "payload": &message }).to_string();
    expect(&json, WANTED, &[]);
    assert_eq!(inspect(&json).subjects, 1);
    // As a log shows it, once and twice escaped.
    let log = format!("10:02:11 INFO sent payload=\"{}\" ok\n10:02:12 INFO done\n", message.replace('\r', "\\r"));
    expect(&log, WANTED, &[]);
    assert_eq!(inspect(&log).subjects, 1);
    let lines =
        format!("a log\n2026-02-11 10:02:11 DEBUG {PID}\n2026-02-11 DEBUG {}\n", PID.replace("40917265", "40917266"));
    expect(&lines, WANTED, &[]);
    assert_eq!(inspect(&lines).subjects, 2);
    let table = format!(
        "id,received,raw\n1,2026-02-11,\"{message}\"\n2,2026-02-12,\"{}\"\n",
        message.replace("40917265", "40917266")
    );
    expect(&table, WANTED, &[]);
    assert_eq!(inspect(&table).subjects, 2);
}

#[test]
fn segments_without_a_header() {
    expect(&format!("{PID}\rPV1|1|I|4W^M"), WANTED, &[]);
    let processes = "PID|USER|PR|NI|VIRT|RES|COMMAND\n40917265|root|20|0|1|1|init\n";
    expect(processes, &[], &[("MRN", "40917265")]);
}
