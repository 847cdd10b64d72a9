//! Small logs of each form, and hostile ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use intake::{Family, Form, Limits, Problem, ReadError, Record, Sink, Summary, read_stream};
use serde_json::{Value, json};

#[derive(Default)]
struct Seen {
    records: Vec<(u64, Family, Value)>,
    problems: Vec<Problem>,
    stop_after: Option<usize>,
}

impl Sink for Seen {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        let value = serde_json::from_slice(record.json).unwrap_or(Value::Null);
        self.records.push((record.number, record.family, value));
        if self.stop_after == Some(self.records.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

fn read(log: impl Into<Vec<u8>>) -> (Summary, Seen) {
    let mut seen = Seen::default();
    let summary = read_stream("log", Box::new(Cursor::new(log.into())), &Limits::default(), &mut seen).unwrap();
    assert_eq!(summary.records as usize, seen.records.len());
    assert_eq!(summary.problems as usize, seen.problems.len());
    (summary, seen)
}

/// The only record of a log.
fn one(log: &str) -> (Family, Value) {
    let (_, seen) = read(log);
    assert_eq!(seen.problems, []);
    assert_eq!(seen.records.len(), 1, "{:?}", seen.records);
    let (_, family, value) = seen.records.into_iter().next().unwrap();
    (family, value)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn lines_of_json_are_handed_through_and_counted() {
    let (summary, seen) = read("{\"a\":1}\n\n  {\"b\":{\"c\":[1]}}  \r\nnonsense\n{\"d\":2}");
    assert_eq!(summary.form, Form::Ndjson);
    let numbers: Vec<u64> = seen.records.iter().map(|record| record.0).collect();
    assert_eq!(numbers, [1, 2, 4]);
    assert_eq!(seen.problems.len(), 1);
    assert_eq!(seen.problems[0].number, 3);
}

#[test]
fn arrays_envelopes_and_pretty_objects_are_split() {
    let cases = [
        r#"[{"a":"]}\"["},{"a":[{"b":2}]}]"#,
        "[\n  {\n \"a\": 1 },\n {\"a\": 2}\n]\n",
        r#"{"Records":[{"a":1},{"a":2}]}"#,
        r#"{"@odata.context":"https://graph.example.com/{x}","value":[{"a":1},{"a":2}],"next":{"b":[1]}}"#,
        "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
        r#"{"a":1}{"a":2}"#,
    ];
    for case in cases {
        let (summary, seen) = read(case);
        assert_eq!((summary.form, seen.records.len(), seen.problems.len()), (Form::Json, 2, 0), "{case}");
        assert!(seen.records.iter().all(|record| record.2.get("a").is_some()), "{case}");
    }
    let (_, seen) = read(r#"[{"a":1},7,"x",{"a":2},{"a":"#);
    assert_eq!(seen.records.len(), 2);
    assert!(!seen.problems.is_empty());
}

#[test]
fn families_are_told_by_keys() {
    let cases = [
        (r#"{"eventVersion":"1.08","eventSource":"s3.example.com","eventName":"GetObject"}"#, Family::CloudTrail),
        (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get"}"#, Family::Kubernetes),
        (r#"{"ts":1.5,"uid":"Cx","id.orig_h":"192.0.2.1"}"#, Family::Zeek),
        (r#"{"actor":{},"eventType":"user.session.start","published":"2026-01-01"}"#, Family::Okta),
        (r#"{"action":"repo.create","actor":"ada","@timestamp":1}"#, Family::GitHub),
        (r#"{"operationName":"x","category":"Administrative"}"#, Family::AzureActivity),
        (r#"{"operationName":"x","category":"SignInLogs"}"#, Family::EntraSignIn),
        (r#"{"operationName":"x","category":"AuditLogs"}"#, Family::EntraAudit),
        (r#"{"Workload":"Exchange","Operation":"New-InboxRule"}"#, Family::Microsoft365),
        (r#"{"protoPayload":{}}"#, Family::Gcp),
        (r#"{"class_uid":3002}"#, Family::Ocsf),
        (r#"{"Event":{"System":{"EventID":1}}}"#, Family::Windows),
        (r#"{"Channel":"Security","EventID":4624}"#, Family::Windows),
        (r#"{"level":"info"}"#, Family::Json),
    ];
    for (log, family) in cases {
        assert_eq!(one(log).0, family, "{log}");
    }
    let all: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let (_, seen) = read(all.join("\n"));
    let families: Vec<Family> = seen.records.iter().map(|record| record.1).collect();
    assert_eq!(families, cases.map(|case| case.1));
}

#[test]
fn zeek_values_take_their_types() {
    let log = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n\
        #fields\tts\tuid\tport\tok\tnames\tnone\tnote\tgone\n\
        #types\ttime\tstring\tport\tbool\tset[string]\tvector[count]\tstring\tstring\n\
        1521911799.739898\tCa\t22\tT\ta.example.com,b\\x2cc\t(empty)\t(empty)\t-\n1\t2\n#close\t2026\n";
    let (summary, seen) = read(log);
    assert_eq!((summary.form, seen.problems.len()), (Form::ZeekTsv, 1));
    let expected = json!({"_path":"dns","ts":1521911799.739898,"uid":"Ca","port":22,"ok":true,
        "names":["a.example.com","b,c"],"none":[],"note":""});
    assert_eq!(seen.records, [(1, Family::Zeek, expected)]);
}

#[test]
fn syslog_of_both_kinds() {
    let (family, value) = one("<34>Oct 11 22:14:15 host.example.com su[7]: 'su root' failed\n");
    assert_eq!(family, Family::Syslog);
    let expected = json!({"facility":4,"severity":2,"timestamp":"Oct 11 22:14:15","hostname":"host.example.com",
        "appname":"su","procid":"7","message":"'su root' failed"});
    assert_eq!(value, expected);
    let log =
        "<165>1 2026-10-11T22:14:15.003Z host.example.com app - ID47 [ex@32473 iut=\"3\" s=\"a\\\"b\\]\"][x] hello\n";
    let expected = json!({"facility":20,"severity":5,"timestamp":"2026-10-11T22:14:15.003Z","hostname":"host.example.com",
        "appname":"app","msgid":"ID47","sd.ex@32473.iut":"3","sd.ex@32473.s":"a\"b]","message":"hello"});
    assert_eq!(one(log).1, expected);
    assert_eq!(one(&format!("{} {log}", log.len() - 1)).1, expected);
    assert_eq!(one("just some text\n"), (Family::Syslog, json!({"message":"just some text"})));
}

#[test]
fn audit_records_are_decoded() {
    let log = "type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e success=yes a0=\"x\" exe=\"/bin/cat\"\u{1d}ARCH=x86_64 UID=\"ada\"\n\
        type=PROCTITLE msg=audit(1700000000.123:42): proctitle=636174002F6574632F706173737764\n\
        type=USER_CMD msg=audit(1700000000.200:43): pid=7 msg='cwd=\"/\" cmd=6C73202F terminal=pts/0 res=success'\n";
    let (_, seen) = read(log);
    let values: Vec<&Value> = seen.records.iter().map(|record| &record.2).collect();
    assert!(seen.records.iter().all(|record| record.1 == Family::Auditd));
    assert_eq!(values[0]["exe"], "/bin/cat");
    assert_eq!(values[0]["ARCH"], "x86_64");
    assert_eq!(values[0]["UID"], "ada");
    assert_eq!(values[0]["audit_id"], 42);
    assert_eq!(values[1]["proctitle"], "cat /etc/passwd");
    assert_eq!(values[2]["cmd"], "ls /");
    assert_eq!(values[2]["res"], "success");
}

#[test]
fn access_logs_take_the_names_of_sigma() {
    let log = "192.0.2.7 - ada [10/Oct/2026:13:55:36 +0000] \"GET /a.php?x=1&y=%27 HTTP/1.1\" 404 23 \
        \"https://example.com/\" \"Mozilla/5.0 \\\"q\\\"\"\n";
    let (family, value) = one(log);
    assert_eq!(family, Family::WebAccess);
    let expected = json!({"timestamp":"10/Oct/2026:13:55:36 +0000","c-ip":"192.0.2.7","cs-username":"ada",
        "cs-method":"GET","c-uri":"/a.php?x=1&y=%27","cs-uri":"/a.php?x=1&y=%27","cs-uri-stem":"/a.php",
        "cs-uri-query":"x=1&y=%27","cs-version":"HTTP/1.1","sc-status":404,"sc-bytes":23,
        "cs-referer":"https://example.com/","cs-user-agent":"Mozilla/5.0 \"q\""});
    assert_eq!(value, expected);
    assert_eq!(one("192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.0\" 200 -\n").0, Family::WebAccess);
}

#[test]
fn cef_and_leef() {
    let (family, value) = one(
        "<13>Oct 11 22:14:15 fw CEF:0|Example|Wall|1.0|100|blocked \\| worm|10|src=192.0.2.1 msg=a b\\=c act=drop\n",
    );
    assert_eq!(family, Family::Cef);
    assert_eq!(value["name"], "blocked | worm");
    assert_eq!(value["msg"], "a b=c");
    assert_eq!(value["act"], "drop");
    let (family, value) = one("LEEF:2.0|Example|Wall|1.0|77|^|src=192.0.2.1^usrName=ada\n");
    assert_eq!((family, &value["usrName"]), (Family::Leef, &json!("ada")));
    let (_, value) = one("LEEF:1.0|Example|Wall|1.0|77|src=192.0.2.1\tusrName=ada\n");
    assert_eq!(value["src"], "192.0.2.1");
}

#[test]
fn compressed_and_wide_logs_read_alike() {
    let log = "{\"a\":1}\n{\"a\":\"ä\"}\n";
    let plain = read(log).1.records;
    let mut members = gzip(log.as_bytes());
    assert_eq!(read(members.clone()).1.records, plain);
    members.extend(gzip(log.as_bytes()));
    assert_eq!(read(members).1.records.len(), 4);
    assert_eq!(read(zstd::encode_all(log.as_bytes(), 1).unwrap()).1.records, plain);
    let mut wide = vec![0xff, 0xfe];
    wide.extend(log.encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read(wide.clone()).1.records, plain);
    wide.push(b'x');
    let (_, seen) = read(wide);
    assert_eq!((seen.records, seen.problems.len()), (plain.clone(), 1), "half a character at the end");
    assert_eq!(read(format!("\u{feff}{log}")).1.records, plain);
}

#[test]
fn a_truncated_gzip_gives_what_came_before() {
    let log: String = (0..50_000).map(|n| format!("{{\"n\":{n},\"square\":{}}}\n", n % 9973)).collect();
    let mut cut = gzip(log.as_bytes());
    cut.truncate(cut.len() / 2);
    let (_, seen) = read(cut);
    assert!(seen.records.len() > 10_000, "{}", seen.records.len());
    assert!(seen.problems.iter().any(|problem| problem.why.contains("cut off")), "{:?}", seen.problems);
}

#[test]
fn records_over_the_limit_are_skipped() {
    let long = "x".repeat(20 << 20);
    let (_, seen) = read(format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n{{\"a\":2}}\n"));
    assert_eq!((seen.records.len(), seen.problems.len(), seen.problems[0].number), (2, 1, 2));
    assert_eq!(seen.records[1].0, 3);
    let (_, seen) = read(format!("[{{\"a\":1}},{{\"a\":\"{long}\"}},{{\"a\":2}}]"));
    assert_eq!((seen.records.len(), seen.problems.len(), seen.problems[0].number), (2, 1, 2));
    let (_, seen) = read(format!("{{\"a\":\"{long}\"}}\n{{\"a\":2}}\n"));
    assert_eq!((seen.records.len(), seen.problems.len()), (1, 1));
}

#[test]
fn hostile_bytes_become_problems() {
    let (_, seen) = read(b"{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":2}\n".as_slice());
    assert_eq!((seen.records.len(), seen.problems.len()), (2, 1));
    let (_, seen) = read(b"<34>Oct 11 22:14:15 h su: a\0b\n".as_slice());
    assert_eq!(seen.records[0].2["message"], "a\0b");
    let deep = format!("[{{\"a\":{}{}}}]", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(read(deep).1.records.len(), 1);
    let (_, seen) = read("[".repeat(100) + "{\"a\":");
    assert!(seen.records.len() <= 1);
    for junk in [
        b"".as_slice(),
        b"\n\n",
        b"{",
        b"[{",
        b"]",
        b"{}",
        b"#separator",
        b"\xff\xfe",
        b"<",
        b"CEF:0|",
        b"type=A msg=audit(",
    ] {
        let mut seen = Seen::default();
        let _any = read_stream("junk", Box::new(junk), &Limits::default(), &mut seen);
    }
    for binary in [b"PK\x03\x04\0\0\0".as_slice(), &[0, 1, 2, 3, 0, 0, 0, 9], b"ElfFile\0rest"] {
        let mut seen = Seen::default();
        let error = read_stream("bi\nnary", Box::new(binary), &Limits::default(), &mut seen).unwrap_err();
        assert!(matches!(error, ReadError::Unknown { .. } | ReadError::Evtx { .. }));
        assert!(error.to_string().contains("`bi\\nnary`"), "{error}");
    }
}

#[test]
fn a_sink_can_stop() {
    let mut seen = Seen { stop_after: Some(2), ..Seen::default() };
    let log = b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n".as_slice();
    let summary = read_stream("log", Box::new(log), &Limits::default(), &mut seen).unwrap();
    assert_eq!((summary.records, summary.problems), (2, 0));
}

/// The same session of PostgreSQL 15, as it wrote it into both of its logs.
const POSTGRES_CSV: &str = include_str!("data/postgres-15.csv");
const POSTGRES_JSON: &str = include_str!("data/postgres-15.json");

#[test]
fn both_logs_of_postgresql_say_the_same() {
    let (summary, csv) = read(POSTGRES_CSV);
    let (_, json) = read(POSTGRES_JSON);
    assert_eq!((summary.form, summary.problems), (Form::PostgresCsv, 0));
    assert_eq!(csv.records.len(), 27);
    for ((number, family, mut value), (_, _, mut other)) in csv.records.into_iter().zip(json.records) {
        assert_eq!(family, Family::Postgres, "{number}");
        // Each log is written on its own: the milliseconds may differ, and an empty text is told by one of them only.
        for told in [&mut value, &mut other] {
            let fields = told.as_object_mut().unwrap();
            fields.remove("timestamp");
            fields.retain(|_, value| *value != json!(""));
        }
        assert_eq!(value, other, "{number}");
    }
}

#[test]
fn a_message_of_postgresql_may_have_lines_quotes_and_commas_and_stays_one_record() {
    let (_, seen) = read(POSTGRES_CSV);
    let statement = "statement: select *\n  from subjects\n where name = 'a,\"b\"';";
    let of = |message: &str| seen.records.iter().filter(|record| record.2["message"] == message).count();
    assert_eq!(of(statement), 1);
    // What looks like a record within a message is none.
    let forged =
        "x\n2026-11-30 08:00:00.000 UTC,,,1,,a.b,1,,2026-11-30 08:00:00 UTC,,0,LOG,00000,all is well,,,,,,,,,,,,\n";
    let log = format!("{}\n", csv_record("ERROR", forged));
    let (summary, seen) = read(log);
    assert_eq!((summary.form, summary.records, summary.problems), (Form::PostgresCsv, 1, 0));
    assert_eq!(seen.records[0].2["message"], forged);
}

fn csv_record(severity: &str, message: &str) -> String {
    let message = message.replace('"', "\"\"");
    format!(
        "2026-11-30 08:00:00.123 CET,\"ada\",\"trials\",7,\"2001:db8::7:5123\",6b0.1,3,\"SELECT\",2026-11-30 07:59:00 CET,3/1,0,\
         {severity},42501,\"{message}\",,,,,,,,,\"psql\",\"client backend\",,-77"
    )
}

#[test]
fn values_of_a_csvlog_have_the_names_of_the_jsonlog() {
    let (_, seen) = read(csv_record("ERROR", "permission denied for table \"subjects\""));
    assert_eq!(
        seen.records[0].2,
        json!({
            "timestamp": "2026-11-30 08:00:00.123 CET", "user": "ada", "dbname": "trials", "pid": 7, "remote_host": "2001:db8::7",
            "remote_port": 5123, "session_id": "6b0.1", "line_num": 3, "ps": "SELECT", "session_start": "2026-11-30 07:59:00 CET",
            "vxid": "3/1", "txid": 0, "error_severity": "ERROR", "state_code": "42501",
            "message": "permission denied for table \"subjects\"", "application_name": "psql", "backend_type": "client backend",
            "query_id": -77
        })
    );
}

#[test]
fn a_csvlog_that_is_damaged_loses_no_more_than_what_is_damaged() {
    let whole = csv_record("LOG", "fine");
    // A crash cut a record off within its message, and the server wrote on behind it.
    let log = format!("{whole}\n{}{whole}\n{whole}\n{whole}", &csv_record("LOG", "cut off here")[..130]);
    let (summary, seen) = read(log);
    assert_eq!((summary.records, summary.problems), (3, 1));
    assert!(seen.problems[0].why.contains("may have been cut off"), "{:?}", seen.problems);
    let (summary, seen) = read(format!("{whole}\n{whole},1\n{}\n{}", "a,b,c", &whole[..150]));
    assert_eq!((summary.records, summary.problems), (2, 2), "more values are a later version: {:?}", seen.problems);
    assert!(seen.problems[0].why.contains("3 values where"), "{:?}", seen.problems);
    assert!(seen.problems[1].why.contains("ends within quotes"), "{:?}", seen.problems);
    // Older versions have fewer values; a table that is no log is text.
    let old = whole.strip_suffix(",\"client backend\",,-77").unwrap();
    assert_eq!(read(old).0.form, Form::PostgresCsv);
    assert_eq!(read(old).0.records, 1);
    assert_eq!(read("2026-11-30 08:00:00,a,b,c,d,e,f,g,h,i,j,k,l,m\n").0.form, Form::Text);
}

#[test]
fn records_of_a_growing_csvlog_are_taken_to_their_end() {
    let (first, second) = (csv_record("LOG", "one\ntwo"), csv_record("LOG", "three\nfour"));
    let log = format!("{first}\n{second}\n");
    for cut in 0..=log.len() {
        let whole = intake::whole_records(Form::PostgresCsv, &log.as_bytes()[..cut]);
        let wanted = if cut == log.len() {
            cut
        } else if cut > first.len() {
            first.len() + 1
        } else {
            0
        };
        assert_eq!(whole, wanted, "{cut}");
        assert_eq!(intake::whole_records(Form::Text, b"a\nb\nc"), 4);
    }
}
