//! Playbooks are read, and what is wrong with them is told with its place.

use crate::common::{act, ask, book, id, parse};
use playbooks::command::What;
use playbooks::step::Kind;
use playbooks::{Marking, Playbook, Role, limits};
use serde_json::{Value, json};

fn simple() -> Value {
    let (a, end) = (id("action", 1), id("end", 1));
    book(1, &a, json!({}), &[(a.clone(), ask("Look", "Look.", &end)), (end, json!({ "type": "end" }))])
}

fn faults(value: &Value) -> String {
    Playbook::parse(value.to_string().as_bytes(), "test.json").unwrap_err().to_string()
}

#[test]
fn a_playbook_is_read_and_written_back() {
    let playbook = parse(&simple());
    assert_eq!(playbook.steps.len(), 3);
    assert_eq!(playbook.agents.values().next().unwrap().role, Some(Role::It));
    let again: Playbook = serde_json::from_str(&serde_json::to_string(&playbook).unwrap()).unwrap();
    assert_eq!(again, playbook);
    assert!(playbook.departures.is_empty(), "{:?}", playbook.departures);
}

/// Sets what stands at a path (`null` takes it away), and looks for the fault that this makes.
fn check(cases: &[(&str, Value, &str)]) {
    let (a, end) = (id("action", 1), id("end", 1));
    for (path, value, told) in cases {
        let mut changed = simple();
        let mut at = &mut changed;
        for part in path.split('/') {
            let part = match part {
                "ACTION" => &a,
                "END" => &end,
                "LAZARET" => playbooks::extension::LAZARET,
                other => other,
            };
            at = match part.parse::<usize>() {
                Ok(number) => &mut at[number],
                Err(_name) => &mut at[part],
            };
        }
        *at = value.clone();
        let faults = faults(&changed);
        assert!(faults.contains(told), "{path}: wanted `{told}` in: {faults}");
        assert!(faults.starts_with("`test.json` cannot be run"));
    }
}

#[test]
fn what_is_wrong_with_a_playbook_is_told() {
    check(&[
        ("spec_version", json!("1.1"), "only `cacao-2.0` can be run"),
        ("type", json!("bundle"), "`type` is not `playbook`"),
        ("id", json!("playbook--1"), "no identifier"),
        ("id", json!(id("action", 3)), "write `playbook--UUID`"),
        ("name", json!(""), "its name is empty"),
        ("created", json!("yesterday"), "`created`, `yesterday`, is no time"),
        ("created_by", Value::Null, "`created_by` is missing"),
        ("modified", json!("2020-01-01T00:00:00.000Z"), "modified before it was created"),
        ("workflow", Value::Null, "it has no `workflow`"),
        ("workflow_start", json!(id("start", 9)), "start step"),
        ("workflow_start", json!(id("end", 1)), "is no start step"),
        ("workflow_exception", json!(id("action", 9)), "`workflow_exception`"),
        ("priority", json!(101), "`priority` is not between 0 and 100"),
        ("revoked", json!("yes"), "neither true nor false"),
        ("markings", json!([id("marking-tlp", 9)]), "is not defined"),
        ("extension_definitions", json!({ id("extension-definition", 1): {} }), "`schema` is missing"),
        ("playbook_variables/x", json!({ "type": "string" }), "write `__name__`"),
        ("playbook_variables/__x__", json!({ "type": "integer", "value": "many" }), "a whole number"),
        (
            "playbook_extensions",
            json!({ playbooks::extension::LAZARET: { "choices": { "__y__": ["a"] } } }),
            "not declared",
        ),
    ]);
}

#[test]
fn what_is_wrong_with_a_step_is_told() {
    let step = "workflow/ACTION";
    let at = |key: &str| format!("{step}/{key}");
    let own = |verb: &str| json!([{ "type": "lazaret", "verb": verb, "arguments": {} }]);
    let cases = [
        (at("agent"), json!(id("group", 5)), "step `Look` (action--00000000-0000-4000-8000-000000000001)"),
        (at("on_completion"), json!(id("end", 5)), "which is missing"),
        (at("on_success"), json!(id("end", 1)), "keep `on_completion`, or the two others"),
        (at("on_completion"), Value::Null, "it leads nowhere"),
        (at("on_completion"), json!(id("action", 1)), "no way from it comes to an end"),
        (at("on_completion"), json!(id("start", 1)), "leads back to the start step"),
        (at("type"), json!("end"), "does not begin with its type"),
        (at("commands"), json!([]), "list 1 to"),
        (at("commands"), own("explode"), "no verb `explode`"),
        (at("commands"), own("legal_hold"), "needs `study`"),
        (at("commands"), json!([{ "type": "manual" }]), "neither `command` nor"),
        (at("commands"), json!([{ "type": "manual", "command_b64": "%%" }]), "no text in Base64"),
        (at("timeout"), json!(-1), "`timeout` is not between"),
        (at("delay"), json!(1.5), "`delay` is not between"),
        (at("out_args"), json!(["__x__"]), "variable `__x__`, which is not declared"),
        (at("targets"), json!([id("linux", 1)]), "`target_definitions`"),
        ("workflow/END/on_completion".to_owned(), json!(id("action", 1)), "an end step goes on"),
        ("workflow/END/type".to_owned(), json!("stop"), "there is no step of type `stop`"),
    ];
    for (path, value, told) in cases {
        check(&[(&path, value, told)]);
    }
}

#[test]
fn no_bytes_make_it_panic() {
    for bytes in [&b""[..], b"{", b"[]", b"null", b"{\"type\":3}", b"\xff\xfe", b"{\"workflow\":[]}"] {
        assert!(Playbook::parse(bytes, "x").is_err());
    }
    let long = vec![b' '; limits::BYTES_MAX + 1];
    assert!(Playbook::parse(&long, "x").unwrap_err().to_string().contains("split it"));
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Playbook::parse(deep.as_bytes(), "x").is_err());
    let text = simple().to_string();
    for cut in 0..text.len() {
        assert!(Playbook::parse(&text.as_bytes()[..cut], "x").is_err());
    }
    let twice = text.replacen("\"type\"", "\"name\":\"a\",\"type\"", 1);
    assert!(Playbook::parse(twice.as_bytes(), "x").unwrap_err().to_string().contains("stands twice"));
}

#[test]
fn too_many_of_anything_is_told() {
    let mut value = simple();
    for number in 0..=limits::STEPS_MAX {
        value["workflow"][id("end", 1_000 + u32::try_from(number).unwrap())] = json!({ "type": "end" });
    }
    assert!(faults(&value).contains("more than 500"));
    let mut value = simple();
    for number in 0..=limits::VARIABLES_MAX {
        value["playbook_variables"][format!("__v{number}__")] = json!({ "type": "string" });
    }
    assert!(faults(&value).contains("more than 200"));
}

#[test]
fn structures_inside_themselves_are_refused() {
    let (a, i, end) = (id("action", 1), id("if-condition", 1), id("end", 1));
    let around = |inner: &str| {
        book(
            1,
            &i,
            json!({ "__x__": { "type": "bool", "value": "true" } }),
            &[
                (
                    i.clone(),
                    json!({ "type": "if-condition", "name": "Again?", "condition": "__x__:value", "on_true": a, "on_completion": end }),
                ),
                (a.clone(), ask("Look", "Look.", inner)),
                (end.clone(), json!({ "type": "end" })),
            ],
        )
    };
    assert!(faults(&around(&i)).contains("contains itself"));
    assert!(Playbook::parse(around(&end).to_string().as_bytes(), "x").is_ok());
    // One more than may stand inside one another.
    let depth = u32::try_from(limits::NESTING_MAX).unwrap() + 1;
    let mut steps = vec![(id("end", 1), json!({ "type": "end" }))];
    for number in 0..depth {
        let inner = if number + 1 < depth { id("if-condition", number + 1) } else { id("action", 1) };
        let step = json!({ "type": "if-condition", "condition": "__x__:value", "on_true": inner, "on_completion": id("end", 1) });
        steps.push((id("if-condition", number), step));
    }
    steps.push((id("action", 1), ask("Look", "Look.", &id("end", 1))));
    let deep = book(1, &id("if-condition", 0), json!({ "__x__": { "type": "bool" } }), &steps);
    assert!(faults(&deep).contains("inside one another"));
}

#[test]
fn every_type_of_command_is_read() {
    let (a, end) = (id("action", 1), id("end", 1));
    let mut step = ask("Look", "Look.", &end);
    step["commands"] = json!([
        { "type": "manual", "command_b64": "TG9vayBhdCBpdC4=" },
        { "type": "bash", "command": "ls" },
        { "type": "caldera-cmd", "command": "id: 1" },
        { "type": "elastic", "command": "process where true" },
        { "type": "http-api", "command": "POST /x HTTP/1.1", "headers": { "Accept": ["a", "b"] }, "content": "{}" },
        { "type": "jupyter", "command_b64": "e30=" },
        { "type": "kestrel", "command": "GET x" },
        { "type": "openc2-http", "command": "POST /x HTTP/1.1", "content_b64": "e30=" },
        { "type": "powershell", "command": "dir" },
        { "type": "sigma", "command_b64": "dGl0bGU6IHg=" },
        { "type": "ssh", "command": "uptime" },
        { "type": "yara", "command_b64": "cnVsZSBhIHt9" },
        { "type": "robot", "speed": 3 },
    ]);
    let playbook = parse(&book(1, &a, json!({}), &[(a.clone(), step), (end, json!({ "type": "end" }))]));
    let Kind::Action { commands, .. } = &playbook.steps.values().find(|s| s.name == "Look").unwrap().kind else {
        panic!()
    };
    assert_eq!(commands.len(), 13);
    assert_eq!(commands[0].what, What::Manual("Look at it.".to_owned()));
    let What::Foreign(sigma) = &commands[9].what else { panic!() };
    assert_eq!(sigma.command, "title: x");
    assert!(playbook.departures.iter().any(|told| told.contains("robot")), "{:?}", playbook.departures);
}

#[test]
fn markings_references_and_targets_are_read() {
    let mut value = simple();
    let mark = id("marking-tlp", 1);
    value["markings"] = json!([mark]);
    value["data_marking_definitions"] = json!({ mark: { "type": "marking-tlp", "id": id("marking-tlp", 1),
        "created_by": "identity--00000000-0000-4000-8000-000000000001", "created": "2026-11-29T00:00:00.000Z", "tlpv2_level": "TLP:GREEN" } });
    value["external_references"] =
        json!([{ "name": "NIST SP 800-61 Rev. 3", "url": "https://doi.org/10.6028/NIST.SP.800-61r3" }]);
    value["target_definitions"] = json!({ id("linux", 1): { "type": "linux", "name": "db-1" } });
    value["workflow"][id("action", 1)]["targets"] = json!([id("linux", 1)]);
    value["signatures"] = json!([{}]);
    value["colour"] = json!("red");
    let playbook = parse(&value);
    assert_eq!(playbook.markings, [Marking::Tlp("TLP:GREEN".to_owned())]);
    assert_eq!(playbook.references[0].name, "NIST SP 800-61 Rev. 3");
    assert_eq!(playbook.targets[&id("linux", 1)].name, "db-1");
    let told = playbook.departures.join("\n");
    assert!(told.contains("signatures") && told.contains("`colour` is no property"), "{told}");
}

#[test]
fn a_verb_gives_what_it_gives_and_nothing_else() {
    let (a, end) = (id("action", 1), id("end", 1));
    let mut step = act("Count", "compute_exposure", json!({ "kind": "study", "what": "S-1" }), &end);
    step["out_args"] = json!(["__people__", "__colour__"]);
    let variables = json!({ "__people__": { "type": "integer" }, "__colour__": { "type": "string" } });
    let value = book(1, &a, variables, &[(a.clone(), step), (end, json!({ "type": "end" }))]);
    assert!(faults(&value).contains("its commands give no `__colour__`"));
}

#[test]
fn facts_that_variables_are_are_read_with_the_steps_that_give_them() {
    let (a, end) = (id("action", 1), id("end", 1));
    let step = |gives: Value| {
        let mut step = ask("Judge", "Judge it.", &end);
        step["out_args"] = gives;
        step
    };
    let own = |facts: Value| json!({ playbooks::extension::LAZARET: { "facts": facts } });
    let made = |facts: Value| {
        let variables = json!({
            "__risk__": { "type": "string" }, "__safe__": { "type": "bool" },
            "__fixed__": { "type": "bool", "value": "true", "constant": true },
        });
        let steps = [(a.clone(), step(json!(["__risk__", "__safe__"]))), (end.clone(), json!({ "type": "end" }))];
        let mut made = book(1, &a, variables, &steps);
        made["playbook_extensions"] = own(facts);
        made
    };
    let read = parse(&made(json!({
        "__risk__": { "fact": "risk" }, "__safe__": { "fact": "secured", "values": { "true": true } },
    })));
    let told: Vec<(String, &str)> = read.facts().into_iter().map(|one| (one.place, one.name)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|(place, _)| place.starts_with("step `Judge`")), "{told:?}");
    assert_eq!(read.variables["__safe__"].fact.as_ref().unwrap().values["true"], true);
    for (facts, says) in [
        (json!({ "__other__": { "fact": "risk" } }), "facts are listed for `__other__`, which is not declared"),
        (json!({ "__safe__": {} }), "`fact` is missing"),
        (json!({ "__safe__": { "fact": "secured", "values": { "yes": true } } }), "write `true` or `false`"),
        (json!({ "__safe__": { "fact": "secured", "values": { "true": 1 } } }), "neither a text nor a flag"),
        (json!({ "__safe__": { "fact": "secured", "value": "true" } }), "it has no `value`"),
        (json!({ "__fixed__": { "fact": "secured" } }), "it never changes, and cannot be a fact"),
        (json!({ "__safe__": "secured" }), "no object"),
    ] {
        let told = faults(&made(facts));
        assert!(told.contains(says), "wanted `{says}` in: {told}");
    }
}
