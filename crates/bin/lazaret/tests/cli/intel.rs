//! `lazaret intel` as scripts use it.

use serde_json::{Value, json};

use crate::run::run;

fn lines(output: &std::process::Output) -> Vec<Value> {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect()
}

fn code(output: &std::process::Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn what_was_imported_is_found_in_logs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.txt"), "# made up\nhxxp://bad[.]example/x\nworse.example\n10.0.0.1\n")
        .unwrap();
    std::fs::write(
        folder.path().join("log.ndjson"),
        "{\"q\":\"www.worse.example\"}\n{\"q\":\"good.example\",\"ip\":\"10.0.0.1\"}\n{\"u\":\"GET http://BAD.example:80/x\"}\n{\n",
    )
    .unwrap();
    let output = run(folder.path(), &["intel", "import", "list.txt", "--source", "isac", "--format", "json"]);
    assert_eq!(code(&output), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told = lines(&output);
    assert_eq!(
        (&told[0]["indicators"], &told[0]["added"], &told[0]["left_out"]),
        (&json!(2), &json!(2), &json!(1)),
        "{told:?}"
    );
    let listed = lines(&run(folder.path(), &["intel", "list", "--value", "worse[.]example", "--format", "json"]));
    assert_eq!((listed.len(), &listed[0]["source"], &listed[0]["live"]), (1, &json!("isac"), &json!(true)));
    let output = run(folder.path(), &["intel", "match", "log.ndjson", "--format", "json", "--fail-on-match"]);
    assert_eq!(code(&output), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let told = lines(&output);
    let (summary, matches) = told.split_last().unwrap();
    let found: Vec<(&Value, &Value, &Value)> =
        matches.iter().map(|found| (&found["record"], &found["indicator"]["source"], &found["matched"])).collect();
    assert_eq!(
        found,
        [
            (&json!(1), &json!("isac"), &json!({"q": "www.worse.example"})),
            (&json!(3), &json!("isac"), &json!({"u": "http://BAD.example:80/x"})),
        ]
    );
    assert_eq!((&summary["summary"]["matches"], &summary["summary"]["problems"]), (&json!(2), &json!(1)), "{summary}");
    let over = run(folder.path(), &["intel", "match", "log.ndjson", "--at", "2100-01-01", "--fail-on-match"]);
    assert_eq!(code(&over), Some(0), "all ended long before: {}", String::from_utf8_lossy(&over.stderr));
}

#[test]
fn what_cannot_be_imported_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\"type\":\"bundle\",").unwrap();
    for (arguments, wanted) in [
        (&["intel", "import", "nowhere.txt"][..], 1),
        (&["intel", "import", "broken.json"], 1),
        (&["intel", "import", "ftp://feeds.example/x"], 1),
        (&["intel", "import", "list.txt", "--taxii"], 2),
        (&["intel", "match", "log.ndjson"], 2),
        (&["intel", "match", "log.ndjson", "--at", "soon"], 2),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(code(&output), Some(wanted), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
