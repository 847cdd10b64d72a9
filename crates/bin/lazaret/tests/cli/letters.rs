//! The communication plan, and letters to those concerned: asked for by one, agreed to by another, made from that very table.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::guard::{Server, holding, python, script, told, verified};
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
