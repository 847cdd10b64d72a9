//! A playbook at work in an incident: what Lazaret does by itself takes effect on the gateway, people are asked, a kill loses nothing;
//! and the same as an exercise touches nobody.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::guard::{Server, asked, python, told, user, verified};
use super::run::run;

/// Answers every question of a run until it is over; what was asked, by name.
fn answer_all(folder: &Path, id: &str, number: &str, answers: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..60 {
        let case = told(folder, &["incidents", "show", id]);
        let this = case["runs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["run"].as_u64() == number.parse().ok())
            .unwrap()
            .clone();
        if this["state"] == "completed" {
            return names;
        }
        let Some(ask) = this["asks"].as_array().and_then(|asks| asks.first()) else {
            panic!("nobody is asked anything: {this}");
        };
        names.push(ask["name"].as_str().unwrap().to_owned());
        let task = ask["task"].to_string();
        let mut arguments = vec!["incidents".to_owned(), "answer".to_owned(), id.to_owned(), number.to_owned(), task];
        for field in ask["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap().trim_matches('_');
            // What this test does not care about is answered by whatever may be.
            let usual = match field["hint"].as_str().unwrap() {
                _ if field["choices"][0].is_string() => field["choices"][0].as_str().unwrap(),
                "`true` or `false`" => "false",
                "a whole number" => "0",
                _ => "unknown",
            };
            let value = answers.get(name).copied().unwrap_or(usual);
            arguments.push(format!("{name}={value}"));
        }
        // Whoever operates here holds none of the roles.
        arguments.push("--note=In their place, as a test".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        told(folder, &arguments);
    }
    panic!("the playbook does not end: {names:?}");
}

fn fails(folder: &Path, arguments: &[&str], says: &str) {
    let output = run(folder, &[arguments, &["--quiet"]].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains(says), "{arguments:?}: {error}");
}

const ANSWERS: [(&str, &str); 5] =
    [("used", "true"), ("wrote", "true"), ("others", "false"), ("readable", "clear"), ("risk", "unlikely")];

#[test]
fn a_stolen_key_is_refused_looked_into_and_given_back() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, &["study", "create", "onc-201"]);
    let loader = user(folder, "loader", &["--study", "onc-201", "--actions", "list,read,write"]);
    let ada = user(folder, "ada", &["--study", "onc-201", "--actions", "list,read"]);
    told(folder, &["user", "set", "ada", "--training-until", "2099-12-31"]);
    let key = serde_json::from_str::<Value>(&ada).unwrap()["access_key_id"].as_str().unwrap().to_owned();
    let server = Server::start(folder);
    let put =
        "s3.put_object(Bucket='onc-201', Key='dm.csv', Body=b'MRN,PatientName\\nMRN1,Anna Keller\\n') and 'stored'";
    assert!(asked(&python, &server, &loader, put).contains("stored"));
    let get = "len(s3.get_object(Bucket='onc-201', Key='dm.csv')['Body'].read())";
    assert!(asked(&python, &server, &ada, get).trim().parse::<usize>().is_ok());

    let id =
        told(folder, &["incidents", "open", "--title", "A key lay in a repository", "--study", "onc-201"])["incident"]
            .to_string();
    fails(folder, &["incidents", "run", &id, "no-such-book"], "lazaret playbooks list");
    fails(folder, &["incidents", "run", &id, "stolen-access-key"], "needs");
    let what = format!("what={key}");
    let begun = ["incidents", "run", &id, "stolen-access-key", &what, "principal=ada", "study=onc-201"];
    let case = told(folder, &begun);
    let number = case["runs"][0]["run"].to_string();
    // Refused at once, and what it did is kept with its proofs.
    let refused = asked(&python, &server, &ada, get);
    assert!(refused.contains("refused"), "{refused}");
    assert_eq!(case["contained"][0], serde_json::json!(["access_key", key]), "{case}");
    let evidence = case["entries"].as_array().unwrap().iter().find(|entry| entry["what"] == "evidence").unwrap();
    let file = format!("evidence/incident-{id}-{number}-");
    let kept = std::fs::read_dir(folder.join("lazaret-data/evidence")).unwrap().next().unwrap().unwrap().path();
    assert!(kept.to_string_lossy().contains(&file), "{}", kept.display());
    let text = std::fs::read_to_string(&kept).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["format"], "lazaret-inclusion/1", "{evidence}");
    fails(folder, &["incidents", "answer", &id, &number, "99"], "no task 99");
    fails(
        folder,
        &["incidents", "add", &id, "{\"what\":\"moved\",\"state\":\"closed\",\"reason\":\"done\"}"],
        "is running",
    );

    // Killed in the middle: it goes on as it stood.
    drop(server);
    let server = Server::start(folder);
    let answers: BTreeMap<&str, &str> = ANSWERS.into();
    let again = told(folder, &["incidents", "show", &id]);
    assert_eq!(again["runs"][0], case["runs"][0], "nothing of it is lost");
    let names = answer_all(folder, &id, &number, &answers);
    for name in ["Give the pipeline another way", "Put objects back as they were", "Judge the risk to those concerned"]
    {
        assert!(names.iter().any(|asked| asked == name), "{name} is not among {names:?}");
    }
    let case = told(folder, &["incidents", "show", &id]);
    let kinds: Vec<&str> =
        case["entries"].as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    let held = |on: bool| {
        case["entries"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["what"] == "containment" && one["kind"] == "study_writes" && one["on"] == on)
    };
    assert!(held(true) && held(false), "the study was held and let go: {kinds:?}");
    assert!(kinds.contains(&"exposure"), "whose data it opened was told from the record: {kinds:?}");
    assert_eq!(case["contained"].as_array().unwrap().len(), 1, "the key stays refused until somebody lets it go");
    told(folder, &["incidents", "contain", &id, "access_key", &key, "--release"]);
    let got = asked(&python, &server, &ada, get);
    assert!(got.trim().parse::<usize>().is_ok(), "{got}");
    let report = run(folder, &["incidents", "report", &id, "--quiet"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("# After-action report") && report.contains("Put objects back as they were"), "{report}");
    server.end();
    verified(folder);
}

#[test]
fn an_exercise_runs_against_the_clock_and_touches_nobody() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, &["study", "create", "onc-201"]);
    let ada = user(folder, "ada", &["--study", "onc-201", "--actions", "list,read,write"]);
    let key = serde_json::from_str::<Value>(&ada).unwrap()["access_key_id"].as_str().unwrap().to_owned();
    let server = Server::start(folder);
    let opened = told(folder, &["incidents", "open", "--title", "A stolen key", "--exercise"]);
    assert_eq!(opened["title"], "Exercise: A stolen key");
    let id = opened["incident"].to_string();
    let what = format!("what={key}");
    let case = told(folder, &["incidents", "run", &id, "stolen-access-key", &what, "principal=ada", "study=onc-201"]);
    let number = case["runs"][0]["run"].to_string();
    assert_eq!(case["contained"][0][0], "access_key", "it is said: {case}");
    let put = "s3.put_object(Bucket='onc-201', Key='a.txt', Body=b'x') and 'stored'";
    assert!(asked(&python, &server, &ada, put).contains("stored"), "and nobody is held off");
    assert!(!folder.join("lazaret-data/evidence").exists(), "nothing is kept either");
    // Nobody answers in time: the run goes its way for that.
    let asks = |case: &Value| {
        case["runs"][0]["asks"].as_array().unwrap().iter().map(|ask| ask["name"].to_string()).collect::<Vec<_>>()
    };
    let before = asks(&case);
    let case = told(folder, &["incidents", "forward", &id, "2880"]);
    assert_eq!(case["ahead_ms"], 2_880 * 60_000, "{case}");
    println!("before: {before:?}; two days later: {:?}", asks(&case));
    told(folder, &["incidents", "turn", &id, &number, "pause", "Coffee"]);
    let case = told(folder, &["incidents", "turn", &id, &number, "resume", "Back"]);
    assert_eq!(case["runs"][0]["state"], "running");
    let case = told(folder, &["incidents", "turn", &id, &number, "end", "Enough for today"]);
    assert_eq!(case["runs"][0]["state"], "cancelled", "{case}");
    let report = run(folder, &["incidents", "report", &id, "--quiet"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("This was an exercise") && report.contains("late"), "{report}");
    let other = told(folder, &["incidents", "open", "--title", "A real one"])["incident"].to_string();
    fails(folder, &["incidents", "forward", &other, "10"], "only the clock of an exercise");
    server.end();
    verified(folder);
}

#[test]
fn who_is_wanted_is_told_and_answers_become_facts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, &["user", "add", "ada"]);
    let id = told(folder, &["incidents", "open", "--title", "Somebody read too much"])["incident"].to_string();
    told(
        folder,
        &[
            "incidents",
            "facts",
            &id,
            "roles=[\"controller\"]",
            "aware_at=2026-11-02T09:00:00+01:00",
            "timezone=Europe/Berlin",
        ],
    );
    let affected = r#"affected=[{"jurisdiction":"EU-DE","subjects":10,"categories":["health"]}]"#;
    told(folder, &["incidents", "facts", &id, affected]);
    let case = told(folder, &["incidents", "run", &id, "assess-exposure", "kind=principal", "what=ada"]);
    let number = case["runs"][0]["run"].to_string();
    // The record knows nothing of ada: people count.
    let ask = case["runs"][0]["asks"][0].clone();
    assert_eq!((&ask["role"], &ask["name"]), (&"privacy".into(), &"Count the people by hand".into()), "{case}");
    let shown = run(folder, &["incidents", "show", &id, "--quiet"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("for privacy: Count the people by hand") && shown.contains("known: 10"), "{shown}");
    let task = ask["task"].to_string();
    let values = ["people=12", "people_eu=12", "people_us=0", "people_jp=0", "readable=clear"];
    let answer = [&["incidents", "answer", &id, &number, &task][..], &values].concat();
    fails(folder, &answer, "nobody holds that role in this incident yet");
    let case = told(folder, &[&answer[..], &["--note", "The privacy office is on leave"]].concat());
    assert_eq!(
        case["facts"]["affected"][1],
        serde_json::json!({"jurisdiction": "EU", "subjects": 2, "categories": null}),
        "{case}"
    );
    assert_eq!(case["facts"]["secured"], false, "{case}");
    let step = case["entries"].as_array().unwrap().iter().rev().find(|entry| entry["what"] == "step").unwrap();
    assert_eq!(step["in_place"]["role"], "privacy", "{step}");
    // Whoever holds the role needs no reason.
    let me = case["entries"][0]["by"].as_str().unwrap().to_owned();
    let takes = format!(r#"{{"what":"takes","role":"privacy","name":"{me}"}}"#);
    told(folder, &["incidents", "add", &id, &takes]);
    let task = case["runs"][0]["asks"][0]["task"].to_string();
    let case = told(folder, &["incidents", "answer", &id, &number, &task, "risk=high"]);
    assert_eq!(case["clocks"]["GDPR-33-1"]["due_at"], "2026-11-05T09:00:00+01:00", "{case}");
    // A playbook that asks for what is known begins with it.
    let begun = told(folder, &["incidents", "run", &id, "notify-those-concerned"]);
    let values = &begun["runs"][1]["variables"];
    assert_eq!(
        (&values["__risk__"], &values["__people_eu__"], &values["__readable__"]),
        (&"high".into(), &"12".into(), &"clear".into()),
        "{begun}"
    );
    verified(folder);
}

#[test]
fn who_is_watched_more_closely_is_found_with_each_deed_and_a_course_ends_training() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, &["study", "create", "onc-201"]);
    let ada = user(folder, "ada", &["--study", "onc-201", "--actions", "list,read,write"]);
    told(folder, &["user", "set", "ada", "--training-until", "2099-12-31"]);
    let server = Server::start(folder);
    let id = told(folder, &["incidents", "open", "--title", "Somebody leaves", "--study", "onc-201"])["incident"]
        .to_string();
    fails(folder, &["incidents", "watch", &id, "principal", "nobody", "--until", "2099-01-01"], "nobody");
    fails(folder, &["incidents", "watch", &id, "principal", "ada", "--until", "2001-01-01"], "cannot end in the past");
    fails(folder, &["incidents", "watch", &id, "weather", "ada", "--until", "2099-01-01"], "cannot be watched");
    let case = told(folder, &["incidents", "watch", &id, "principal", "ada", "--until", "2099-01-01"]);
    assert_eq!(case["watched"][0]["target"], "ada", "{case}");
    let put = "s3.put_object(Bucket='onc-201', Key='a.txt', Body=b'x') and 'stored'";
    assert!(asked(&python, &server, &ada, put).contains("stored"));
    let closer = || {
        let output = run(folder, &["findings", "list", "--quiet", "--format", "json"]);
        let lines: Vec<Value> =
            String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().find(|one| one["rule"] == "lazaret-closer-watch")
    };
    let ends = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let found = loop {
        if let Some(found) = closer() {
            break found;
        }
        assert!(std::time::Instant::now() < ends, "nothing was found of whom is watched");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!((&found["study"], &found["level"]), (&"onc-201".into(), &"low".into()), "{found}");
    let case = told(folder, &["incidents", "watch", &id, "principal", "ada", "--end"]);
    assert_eq!(case["watched"], serde_json::json!([]), "{case}");
    fails(folder, &["incidents", "watch", &id, "principal", "ada", "--end"], "is not watched more closely");

    // A course that is due ends training on that day, and that can be taken back.
    let until = || {
        let output = run(
            folder,
            &["hunt", "SELECT training_until FROM principals WHERE name = 'ada'", "--quiet", "--format", "json"],
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let before = until();
    fails(
        folder,
        &["incidents", "train", &id, "handling-data", "ada", "--due", "2001-01-01"],
        "cannot be due in the past",
    );
    let case = told(folder, &["incidents", "train", &id, "handling-data", "ada", "--due", "2098-01-02T12:00:00Z"]);
    assert_eq!(
        (&case["trained"][0]["course"], &case["trained"][0]["name"]),
        (&"handling-data".into(), &"ada".into()),
        "{case}"
    );
    assert!(before.contains("2100-01-01") && until().contains("2098-01-02"), "{before} {}", until());
    // Said again, it is as it is.
    let case = told(folder, &["incidents", "train", &id, "handling-data", "ada", "--due", "2098-01-02T12:00:00Z"]);
    assert_eq!(case["trained"].as_array().map(Vec::len), Some(1), "{case}");
    told(folder, &["incidents", "train", &id, "handling-data", "ada", "--take-back"]);
    assert_eq!(until(), before);
    server.end();
    verified(folder);
}
