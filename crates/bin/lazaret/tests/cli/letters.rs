//! The communication plan, and letters to those concerned: asked for by one, agreed to by another, made from that very table.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::guard::{Server, asked, holding, python, script, told, user, verified};
use super::run::run;

fn fails(folder: &Path, arguments: &[&str], says: &str) {
    let output = run(folder, &[arguments, &["--quiet"]].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains(says), "{arguments:?}: {error}");
}

const TABLE: &str = "id,name,address1,postcode,city,country,email,language\n\
    P1,Änne Probe,Hauptstraße 1,10115,Berlin,Germany,,de\n\
    P2,Jean Essai,1 rue Neuve,75001,Paris,France,,fr\n\
    P3,Nobody Knows,,,,,,en\n\
    P1,Änne Probe,Hauptstraße 1,10115,Berlin,Germany,,de\n";

#[test]
fn letters_are_agreed_to_by_two_and_named_nowhere_else() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fails(folder, &["plan", "check"], "lazaret plan init");
    assert!(run(folder, &["plan", "init", "--quiet"]).status.success());
    fails(folder, &["plan", "init"], "not overwritten");
    let checked = run(folder, &["plan", "check", "--quiet"]);
    assert_eq!(
        checked.status.code(),
        Some(3),
        "a skeleton leaves much open: {}",
        String::from_utf8_lossy(&checked.stdout)
    );
    let printed = run(folder, &["plan", "print", "--quiet"]);
    assert!(printed.status.success() && printed.stdout.len() > 200);
    let page = run(folder, &["plan", "print", "--as", "html", "--quiet"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains("<html"));

    let server = Server::start(folder);
    let id = told(folder, &["incidents", "open", "--title", "Letters"])["incident"].to_string();
    told(
        folder,
        &[
            "incidents",
            "facts",
            &id,
            "roles=[\"controller\"]",
            "risk=high",
            "aware_at=2026-11-02T09:00:00+01:00",
            "what_happened=A disk was lost.",
        ],
    );
    let shown = run(folder, &["incidents", "letters", "show", &id, "gdpr-34", "--language", "de", "--quiet"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("A disk was lost.") && shown.contains('✗'), "{shown}");
    fails(folder, &["incidents", "letters", "show", &id, "postcard"], "none of");
    let table = folder.join("people.csv");
    std::fs::write(&table, TABLE).unwrap();
    let table_text = table.to_str().unwrap();
    let asked = told(folder, &["incidents", "letters", "ask", &id, "gdpr-34", "--recipients", table_text]);
    assert_eq!(
        (&asked["made"], &asked["unreachable"], &asked["duplicates"]),
        (&2.into(), &1.into(), &1.into()),
        "{asked}"
    );
    let number = asked["letters"].to_string();
    let out = folder.join("letters");
    let make = [
        "incidents",
        "letters",
        "make",
        &id,
        &number,
        "--recipients",
        table_text,
        "--out",
        out.to_str().unwrap(),
        "--incomplete",
    ];
    fails(folder, &make, "nobody else has agreed");
    let own = format!("{{\"what\":\"letters_agreed\",\"letters\":{number}}}");
    fails(folder, &["incidents", "add", &id, &own], "somebody else has to");
    let agreed = Command::new(&python).args([&script("agree.py"), &server.link, &id, &number]).output().unwrap();
    let agreed = String::from_utf8_lossy(&agreed.stdout).into_owned() + &String::from_utf8_lossy(&agreed.stderr);
    assert!(agreed.trim() == "agreed", "{agreed}");
    std::fs::write(&table, TABLE.replace("Hauptstraße", "Nebenstraße")).unwrap();
    fails(folder, &make, "not the table that was agreed to");
    std::fs::write(&table, TABLE).unwrap();
    let without = &make[..make.len() - 1];
    fails(folder, without, "everything that the law wants said");
    let made = told(folder, &make);
    assert_eq!(made["made"], 2, "{made}");
    fails(folder, &make, "not there yet");
    let pages = std::fs::read_to_string(out.join("letters.html")).unwrap();
    assert!(pages.contains("Änne Probe") && pages.contains("Jean Essai") && !pages.contains("Nobody Knows"), "{pages}");
    assert_eq!(std::fs::read_to_string(out.join("unreachable.txt")).unwrap().trim(), "P3");
    let case = told(folder, &["incidents", "show", &id]);
    assert_eq!(case["letters"][&number]["made"], 2, "{case}");
    let text: Value = case;
    assert!(!text.to_string().contains("Probe"), "{text}");
    server.end();
    std::fs::remove_file(&table).unwrap();
    std::fs::remove_dir_all(&out).unwrap();
    assert_eq!(holding(folder, "Änne Probe".as_bytes()), Vec::<std::path::PathBuf>::new(), "no name is kept");
    verified(folder);
}

#[test]
fn letters_are_drawn_from_the_objects_that_say_how_the_exposed_are_reached() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(run(folder, &["plan", "init", "--quiet"]).status.success());
    told(folder, &["study", "create", "onc-201"]);
    let loader = user(folder, "loader", &["--study", "onc-201", "--actions", "list,read,write"]);
    let ada = user(folder, "ada", &["--study", "onc-201", "--actions", "list,read"]);
    told(folder, &["user", "set", "ada", "--training-until", "2099-12-31"]);
    let server = Server::start(folder);
    // What leaked has numbers and diagnoses; names and addresses stand elsewhere, with those of others.
    let leaked: String = (0..4).map(|at| format!("MRN77{at:03},C50.{at}\\n")).collect();
    let names: String = (0..9)
        .map(|at| {
            format!("MRN77{at:03},Zacharias,Quellmann-{at},1961-03-0{},Hauptstr. {at},10115,Berlin,DE\\n", at + 1)
        })
        .filter(|line| !line.starts_with("MRN77003"))
        .collect();
    let put = format!(
        "[s3.put_object(Bucket='onc-201', Key=key, Body=body) for key, body in (('leaked.csv', b'MRN,Diagnosis\\n{leaked}'), \
         ('crm.csv', b'MRN,FirstName,LastName,BirthDate,Street,ZIP,City,Country\\n{names}'))] and 'stored'"
    );
    let stored = asked(&python, &server, &loader, &put);
    assert!(stored.contains("stored"), "{stored}");
    let get = "len(s3.get_object(Bucket='onc-201', Key='leaked.csv')['Body'].read())";
    let got = asked(&python, &server, &ada, get);
    assert!(got.trim().parse::<usize>().is_ok(), "{got}");
    let id = told(folder, &["incidents", "open", "--title", "A table was taken", "--study", "onc-201"])["incident"]
        .to_string();
    fails(folder, &["incidents", "letters", "sources", &id], "has no finding");
    told(folder, &["incidents", "expose", &id, "--principal", "ada"]);
    let listed = run(folder, &["incidents", "letters", "sources", &id, "--quiet", "--format", "json"]);
    let listed: Vec<Value> =
        String::from_utf8_lossy(&listed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!((&listed[0]["path"], &listed[0]["people"]), (&"onc-201/crm.csv".into(), &3.into()), "{listed:?}");
    let summary = &listed[1]["summary"];
    assert_eq!((&summary["people"], &summary["missing"]), (&4.into(), &1.into()), "{summary}");
    let object = listed[0]["object"].to_string();
    fails(folder, &["incidents", "letters", "ask", &id, "gdpr-34", "--from-object", "999999"], "no object 999999");
    let asked_for = told(folder, &["incidents", "letters", "ask", &id, "gdpr-34", "--from-object", &object]);
    assert_eq!(
        (&asked_for["rows"], &asked_for["by_post"], &asked_for["people"], &asked_for["missing"]),
        (&3.into(), &3.into(), &3.into(), &1.into()),
        "the exposed alone, and nobody else of that table: {asked_for}"
    );
    assert!(!asked_for.to_string().contains("Quellmann"), "{asked_for}");
    let number = asked_for["letters"].to_string();
    let out = folder.join("letters");
    let make = ["incidents", "letters", "make", &id, &number, "--out", out.to_str().unwrap(), "--incomplete"];
    fails(folder, &make, "nobody else has agreed");
    let agreed = Command::new(&python).args([&script("agree.py"), &server.link, &id, &number]).output().unwrap();
    let agreed = String::from_utf8_lossy(&agreed.stdout).into_owned() + &String::from_utf8_lossy(&agreed.stderr);
    assert!(agreed.trim() == "agreed", "{agreed}");
    let made = told(folder, &make);
    assert_eq!(made["made"], 3, "{made}");
    let pages = std::fs::read_to_string(out.join("letters.html")).unwrap();
    for (name, is_there) in
        [("Quellmann-0", true), ("Quellmann-2", true), ("Quellmann-3", false), ("Quellmann-5", false)]
    {
        assert_eq!(pages.contains(name), is_there, "{name}: {pages}");
    }
    assert!(pages.contains("Hauptstr. 1") && pages.contains("10115 Berlin"), "{pages}");
    // Another version of the table says something else: what was agreed to is no longer there.
    let put = put.replace("Hauptstr.", "Nebenstr.");
    assert!(asked(&python, &server, &loader, &put).contains("stored"));
    let again = folder.join("again");
    let make = ["incidents", "letters", "make", &id, &number, "--out", again.to_str().unwrap(), "--incomplete"];
    fails(folder, &make, "changed since it was agreed to");
    let case = told(folder, &["incidents", "show", &id]).to_string();
    assert!(!case.contains("Quellmann") && case.contains("\"objects\":["), "{case}");
    server.end();
    std::fs::remove_dir_all(&out).unwrap();
    for name in ["Quellmann", "Hauptstr."] {
        assert_eq!(
            holding(folder, name.as_bytes()),
            Vec::<std::path::PathBuf>::new(),
            "{name} is nowhere: record, database, logs"
        );
    }
    verified(folder);
}
