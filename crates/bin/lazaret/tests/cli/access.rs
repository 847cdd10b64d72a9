//! `lazaret access`: on a stopped server and through the socket of a running one.

use std::path::Path;

use serde_json::Value;

use super::guard::{Server, verified};
use super::run::{run, strings};

/// The lines that a command prints as JSON.
fn lines(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(folder, &[arguments, &["--quiet", "--format", "json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a command that does not succeed says, and its exit code.
fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(folder, &[arguments, &["--quiet"]].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn one<'l>(lines: &'l [Value], name: &str, action: &str) -> &'l Value {
    let found = lines.iter().find(|line| line["name"] == name && line["action"] == action);
    found.unwrap_or_else(|| panic!("no line about {name} and {action}: {lines:#?}"))
}

const POLICY: &str = "@id(\"no-reading\")\n@title(\"Nobody reads\")\n@why(\"a test\")\n@hint(\"wait for the audit's end\")\n\
                      forbid (principal, action == Action::\"read\", resource);\n";

/// The same questions, whether a server runs or not.
fn questions(folder: &Path) {
    let who = lines(folder, &["access", "who-can-reach", "onc-9"]);
    let read = one(&who, "rita", "read");
    assert_eq!(read["allowed"], true);
    assert_eq!((strings(&read["policies"]), read["kind"].as_str()), (vec!["grant"], Some("person")));
    assert_eq!(read["grants"].as_array().unwrap().len(), 1);
    assert!(
        !who.iter().any(|line| line["name"] == "rita" && line["action"] == "write"),
        "what nobody granted is left out"
    );
    let refused_write = one(&who, "cro", "list");
    assert_eq!(
        (refused_write["allowed"].as_bool(), refused_write["code"].as_str()),
        (Some(false), Some("policy:agreement"))
    );
    assert!(refused_write["hint"].as_str().unwrap().contains("renew the agreement"));
    let reach = lines(folder, &["access", "reach", "rita"]);
    assert!(reach.iter().all(|line| line["study"] == "onc-9" && line["labels"].is_null()), "{reach:#?}");
    assert_eq!(reach.iter().filter(|line| line["allowed"] == true).count(), 3);
    let policies = lines(folder, &["access", "policy", "list"]);
    assert!(policies.iter().any(|policy| policy["id"] == "four-eyes" && policy["effect"] == "forbid"));
    assert!(lines(folder, &["access", "requests"]).is_empty());
    assert!(lines(folder, &["user", "passkeys", "rita"]).is_empty());
    let removed = lines(folder, &["user", "passkeys", "rita", "--remove-all"]);
    assert_eq!((removed[0]["name"].as_str(), removed[0]["removed"].as_u64()), (Some("rita"), Some(0)));
    assert!(lines(folder, &["users", "leaving"]).is_empty());
    let noted = lines(folder, &["users", "leaving", "rita", "--last-day", "2026-03-31"]);
    let told = serde_json::json!({"name": "rita", "last_day": "2026-03-31", "source": "noted"});
    assert_eq!((noted, lines(folder, &["users", "leaving"])), (vec![told.clone()], vec![told]));
    let left = lines(folder, &["users", "leaving", "rita", "--withdraw"]);
    assert_eq!((left[0]["name"].as_str(), left[0]["last_day"].is_null()), (Some("rita"), true));
    assert!(lines(folder, &["users", "leaving"]).is_empty());
    for (arguments, words) in [
        (vec!["users", "leaving", "rita", "--last-day", "tomorrow"], "`tomorrow` is no date"),
        (vec!["users", "leaving", "rita", "--withdraw"], "no notice of leaving of `rita`"),
        (vec!["users", "leaving", "nobody", "--last-day", "2026-03-31"], "nobody"),
        (vec!["access", "who-can-reach", "nowhere"], "no study `nowhere`"),
        (vec!["access", "who-can-reach", "onc-9/none.csv"], "no object `none.csv`"),
        (vec!["access", "reach", "nobody"], "nobody"),
        (vec!["user", "passkeys", "nobody"], "nobody"),
        (vec!["user", "passkeys", "rita", "--remove", "LZPKNONE"], "no passkey `LZPKNONE`"),
        (vec!["access", "approve", "999"], "no grant `999`"),
        (vec!["access", "reject", "1"], "cannot be refused"),
        (vec!["access", "policy", "remove", "four-eyes"], "no policy of the organisation"),
    ] {
        let (code, told) = refused(folder, &arguments);
        assert!(code == Some(1) && told.contains(words), "{arguments:?}: {code:?} {told}");
    }
    for arguments in [
        vec!["access", "who-can-reach", "Not A Study"],
        vec!["access", "policy", "preview", "none.cedar"],
        vec!["users", "leaving", "rita"],
        vec!["users", "leaving", "--last-day", "2026-03-31"],
        vec!["user", "passkeys", "rita", "--remove", "LZPKNONE", "--remove-all"],
    ] {
        let (code, told) = refused(folder, &arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {told}");
    }
}

/// A policy is previewed, applied, and taken back.
fn policy(folder: &Path) {
    std::fs::write(folder.join("rule.cedar"), POLICY).unwrap();
    std::fs::write(folder.join("wrong.cedar"), "forbid (principal, action, resource);").unwrap();
    let preview = lines(folder, &["access", "policy", "preview", "rule.cedar"]);
    let lost = one(&preview, "rita", "read");
    assert_eq!((lost["before"].as_str(), lost["after"].as_str()), (Some("allowed"), Some("policy:no-reading")));
    let summary = &preview.last().unwrap()["summary"];
    assert_eq!((summary["applied"].as_bool(), summary["gaining"].as_u64()), (Some(false), Some(0)));
    assert!(summary["denied"].as_u64().unwrap() > 0 && summary["losing"].as_u64().unwrap() >= 1, "{summary}");
    assert!(preview.iter().any(|line| line["case"]["role"] == "reader"));
    let reads = |expected: bool| {
        let who = lines(folder, &["access", "who-can-reach", "onc-9"]);
        assert_eq!(one(&who, "rita", "read")["allowed"], expected);
    };
    reads(true);
    let (code, told) = refused(folder, &["access", "policy", "apply", "rule.cedar", "--previewed", "7"]);
    assert!(code == Some(1) && told.contains("changed meanwhile"), "{told}");
    let (code, told) = refused(folder, &["access", "policy", "apply", "wrong.cedar"]);
    assert!(code == Some(1) && told.contains("@id"), "{told}");
    reads(true);
    let version = summary["version"].to_string();
    let applied = lines(folder, &["access", "policy", "apply", "rule.cedar", "--previewed", &version]);
    assert_eq!(applied.last().unwrap()["summary"]["applied"], true);
    reads(false);
    lines(folder, &["access", "policy", "remove", "no-reading"]);
    reads(true);
}

#[test]
fn access_is_asked_and_decided_with_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lines(folder, &["study", "create", "onc-9"]);
    lines(folder, &["user", "add", "rita"]);
    lines(folder, &["user", "add", "cro", "--kind", "partner", "--organisation", "Example Trials"]);
    lines(folder, &["grant", "rita", "--study", "onc-9", "--role", "reader"]);
    lines(folder, &["grant", "cro", "--study", "onc-9", "--role", "monitor"]);
    questions(folder);
    let review = lines(folder, &["access", "review", "--days", "1"]);
    assert!(review.is_empty(), "young grants are not unused: {review:#?}");
    let server = Server::start(folder);
    questions(folder);
    policy(folder);
    server.end();
    verified(folder);
}
