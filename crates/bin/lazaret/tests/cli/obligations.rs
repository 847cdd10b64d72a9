//! Facts in a file, clocks out, as the contract has it.

use serde_json::{Value, json};

use super::guard::{Server, told, verified};
use super::run::run;

fn answers(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = run(folder, &[&["obligations"], arguments, &["--format", "json"]].concat());
    let lines =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), lines, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn one_incident_or_many_and_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let one = "{\n  \"roles\": [\"controller\"],\n  \"aware_at\": \"2026-03-27T22:30:00+01:00\", \"timezone\": \"Europe/Berlin\",\n  \"risk\": \"risk\", \"affected\": [{\"jurisdiction\": \"EU-DE\", \"subjects\": 1200, \"categories\": [\"health\"]}]\n}\n";
    file("one.json", one);
    let (code, lines, _) = answers(folder, &["--facts", "one.json"]);
    let gdpr = lines.iter().find(|line| line["obligation"] == "GDPR-33-1").unwrap();
    assert_eq!(
        (code, gdpr["due_at"].as_str(), gdpr.get("incident")),
        (Some(0), Some("2026-03-30T23:30:00+02:00"), None)
    );
    assert!(
        gdpr["citation"].as_str().unwrap().contains("33(1)")
            && gdpr["because"].as_str().unwrap().contains("1200 people"),
        "{gdpr}"
    );
    let line = one.replace('\n', " ");
    file("many.ndjson", &format!("{line}\n\n{{\"roles\":[\"sponsr\"]}}\n{line}\n"));
    let (code, lines, why) = answers(folder, &["--facts", "many.ndjson", "--at", "2026-04-01T00:00:00Z"]);
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["incident"].as_u64()).collect();
    assert_eq!((code, numbers.first(), numbers.last()), (Some(1), Some(&1), Some(&3)), "{why}");
    assert!(
        lines.iter().any(|line| line["incident"] == 2 && line["error"].as_str().unwrap().contains("sponsr")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line["overdue"] == true), "{lines:?}");
    file("bad.json", "{\"aware_at\": 7}");
    let (code, lines, why) = answers(folder, &["--facts", "bad.json"]);
    assert!(code == Some(1) && lines.is_empty() && why.contains("aware_at"), "{why}");
    assert_eq!(answers(folder, &["--facts", "missing.json"]).0, Some(2));
    assert_eq!(answers(folder, &["--facts", "one.json", "--at", "tomorrow"]).0, Some(2));
    file("contract.toml", "regime = 'contract'\nname = 'Contracts'\n[[obligation]]\nid = 'X'\n");
    let (code, _, why) = answers(folder, &["--facts", "one.json", "--contracts", "contract.toml"]);
    assert!(code == Some(2) && why.contains("contract.toml"), "{why}");
    let (code, lines, _) = answers(folder, &["--list"]);
    assert!(code == Some(0) && lines.len() > 25, "{}", lines.len());
    let listed = lines.iter().find(|line| line["obligation"] == "GDPR-33-1").unwrap();
    assert_eq!(listed["jurisdiction"], "EU");
    assert!(listed["source_url"].as_str().unwrap().starts_with("https://eur-lex.europa.eu/"), "{listed}");
    assert!(!listed["extensions"].as_array().unwrap().is_empty(), "{listed}");
}

#[test]
fn unknown_roles_are_asked_for_once_and_places_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    file(
        "unknown.json",
        r#"{"aware_at":"2026-11-02T08:00:00Z","risk":"risk","affected":[{"jurisdiction":"EU-DE","subjects":3}]}"#,
    );
    let (code, lines, _) = answers(folder, &["--facts", "unknown.json"]);
    let gdpr = lines.iter().find(|line| line["obligation"] == "GDPR-33-1").unwrap();
    assert_eq!(
        (code, gdpr["status"].as_str(), gdpr["due_at"].as_str()),
        (Some(0), Some("waiting"), Some("2026-11-05T08:00:00+00:00"))
    );
    let output = run(folder, &["obligations", "--facts", "unknown.json", "--format", "text"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.matches("Which roles does the organisation have").count(), 1, "{text}");
    file("none.json", r#"{"roles":[],"aware_at":"2026-11-02T08:00:00Z"}"#);
    let output = run(folder, &["obligations", "--facts", "none.json", "--format", "text"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("none of the roles"), "it does not print nothing");
    file("place.json", r#"{"roles":["controller"],"affected":[{"jurisdiction":"DE","subjects":1200}]}"#);
    let (code, _, why) = answers(folder, &["--facts", "place.json"]);
    assert!(code == Some(1) && why.contains("affected[0].jurisdiction") && why.contains("write `EU-DE`"), "{why}");
}

const ENTER: [&str; 20] = [
    "obligations",
    "clause",
    "add",
    "MSA-7.2",
    "--partner",
    "Aurelion",
    "--citation",
    "Master services agreement 7.2",
    "--within",
    "24 hours",
    "--recipient",
    "security desk",
    "--role",
    "processor",
    "--content",
    "nature=what happened",
    "--from",
    "2026-01-01",
    "--why",
    "new contract",
];

#[test]
fn clauses_hold_for_open_incidents_and_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let opened = told(folder, &["incidents", "open", "--title", "Lost laptop"]);
    let id = opened["incident"].to_string();
    let facts = ["roles=[\"processor\"]", "aware_at=2026-11-02T08:00:00Z", "timezone=UTC"];
    told(folder, &[&["incidents", "facts", &id], &facts[..]].concat());
    // By a command alone, then while a server runs.
    let entered = told(folder, &ENTER);
    assert_eq!((&entered["clause"]["period"]["hours"], entered["recorded"].is_u64()), (&json!(24), true), "{entered}");
    let clock = |value: &Value| value["clocks"]["MSA-7.2"].clone();
    let case = told(folder, &["incidents", "show", &id]);
    assert_eq!(clock(&case)["due_at"], "2026-11-03T08:00:00+00:00", "{case}");
    let file = json!({"roles": ["processor"], "aware_at": "2026-11-02T08:00:00Z"}).to_string();
    std::fs::write(folder.join("facts.json"), file).unwrap();
    let (_, lines, _) = answers(folder, &["--facts", "facts.json"]);
    assert!(lines.iter().any(|line| line["obligation"] == "MSA-7.2"), "{lines:?}");
    let server = Server::start(folder);
    let change = [
        "obligations",
        "clause",
        "change",
        "MSA-7.2",
        "--within",
        "12 hours",
        "--from",
        "2026-01-01",
        "--why",
        "a slip",
    ];
    told(folder, &change);
    let case = told(folder, &["incidents", "show", &id]);
    assert_eq!(clock(&case)["due_at"], "2026-11-02T20:00:00+00:00", "{case}");
    let issued: Vec<&str> = case["entries"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["issued"].as_array().into_iter().flatten())
        .filter(|clock| clock["obligation"] == "MSA-7.2")
        .filter_map(|clock| clock["due_at"].as_str())
        .collect();
    assert_eq!(issued, ["2026-11-03T08:00:00+00:00", "2026-11-02T20:00:00+00:00"], "what was issued before stays");
    let end = ["obligations", "clause", "end", "MSA-7.2", "--last", "2026-06-30", "--why", "contract over"];
    told(folder, &end);
    let case = told(folder, &["incidents", "show", &id]);
    let ended = clock(&case);
    assert_eq!(ended["status"], "not_triggered", "{ended}");
    assert!(ended["because"].as_str().unwrap().contains("no text of it was in force"), "{ended}");
    drop(server);
    for (arguments, why) in [
        (&ENTER[..], "there is a clause `MSA-7.2` already"),
        (&["obligations", "clause", "end", "X", "--last", "2026-06-30", "--why", "abc"], "there is no clause `X`"),
        (&["obligations", "clause", "end", "MSA-7.2", "--last", "2026-07-30", "--why", "a"], "say why"),
        (
            &["obligations", "clause", "add", "A", "--within", "soon", "--from", "2026-01-01", "--why", "abc"],
            "is no period",
        ),
        (
            &["obligations", "clause", "add", "A", "--within", "1 h", "--from", "2026-01-01", "--why", "abc"],
            "`partner`: it is empty",
        ),
    ] {
        let output = run(folder, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(why), "{arguments:?}: {told}");
    }
    let listed = run(folder, &["obligations", "clause", "list", "--format", "json", "--quiet"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (&listed["to"], listed["recorded"].as_array().map(Vec::len)),
        (&json!("2026-06-30"), Some(3)),
        "{listed}"
    );
    // A file of the settings with the same id: nobody is left to guess which of both holds.
    let contract = "regime = 'contract'\nname = 'C'\n[[obligation]]\nid = 'MSA-7.2'\ntitle = 't'\ncitation = 'c'\nsays = 's'\nroles = ['processor']\n\
                    when = 'always'\nstart = ['aware_at']\nperiod = 'promptly'\nrecipient = 'r'\nfrom = 2026-01-01\ntext_version = 2026-01-01\n\
                    checked = 2026-01-01\nconfidence = 'user'\n";
    std::fs::write(folder.join("contract.toml"), contract).unwrap();
    std::fs::write(folder.join("lazaret.toml"), "[obligations]\ncontracts = ['contract.toml']\n").unwrap();
    let output = run(folder, &["--config", "lazaret.toml", "incidents", "list"]);
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && why.contains("MSA-7.2") && why.contains("clauses.toml"), "{why}");
    verified(folder);
}
