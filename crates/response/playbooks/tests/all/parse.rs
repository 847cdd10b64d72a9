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

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let (a, end) = (id("action", 1), id("end", 1));
    let cases: Vec<(Box<dyn Fn(&mut Value)>, &str)> = vec![
        (Box::new(|b| b["spec_version"] = json!("1.1")), "only `cacao-2.0` can be run"),
        (Box::new(|b| b["type"] = json!("bundle")), "`type` is not `playbook`"),
        (Box::new(|b| b["id"] = json!("playbook--1")), "no identifier"),
        (Box::new(|b| b["name"] = json!("")), "its name is empty"),
        (Box::new(|b| b["created"] = json!("yesterday")), "`created`, `yesterday`, is no time"),
        (Box::new(|b| b["modified"] = json!("2020-01-01T00:00:00.000Z")), "modified before it was created"),
        (Box::new(|b| b["workflow_start"] = json!(id("start", 9))), "start step"),
        (Box::new(|b| b["workflow_exception"] = json!(id("action", 9))), "`workflow_exception`"),
        (Box::new(|b| b["priority"] = json!(101)), "`priority` is not between 0 and 100"),
        (Box::new(|b| b["markings"] = json!([id("marking-tlp", 9)])), "is not defined"),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["agent"] = json!(id("group", 5)))
            },
            "step `Look`",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["on_completion"] = json!(id("end", 5)))
            },
            "which is missing",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["on_success"] = json!(id("end", 1)))
            },
            "keep `on_completion`, or the two others",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| {
                    b["workflow"][&a].as_object_mut().unwrap().remove("on_completion");
                })
            },
            "it leads nowhere",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["on_completion"] = json!(a))
            },
            "no way from it comes to an end",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["commands"] = json!([]))
            },
            "list 1 to",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["timeout"] = json!(-1))
            },
            "`timeout` is not between",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["out_args"] = json!(["__x__"]))
            },
            "variable `__x__`, which is not declared",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["commands"][0] = json!({ "type": "lazaret", "verb": "explode" }))
            },
            "no verb `explode`",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| {
                    b["workflow"][&a]["commands"][0] =
                        json!({ "type": "lazaret", "verb": "legal_hold", "arguments": {} })
                })
            },
            "needs `study`",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["commands"][0] = json!({ "type": "manual" }))
            },
            "neither `command` nor",
        ),
        (
            {
                let a = a.clone();
                Box::new(move |b| b["workflow"][&a]["commands"][0] = json!({ "type": "manual", "command_b64": "%%" }))
            },
            "no text in Base64",
        ),
        (
            {
                let e = end.clone();
                Box::new(move |b| b["workflow"][&e]["on_completion"] = json!(id("action", 1)))
            },
            "an end step goes on",
        ),
        (
            {
                let e = end;
                Box::new(move |b| b["workflow"][&e]["type"] = json!("stop"))
            },
            "there is no step of type `stop`",
        ),
        (Box::new(|b| b["playbook_variables"]["x"] = json!({ "type": "string" })), "write `__name__`"),
        (
            Box::new(|b| b["playbook_variables"]["__x__"] = json!({ "type": "integer", "value": "many" })),
            "a whole number",
        ),
        (
            Box::new(|b| {
                b["playbook_extensions"] = json!({ playbooks::extension::LAZARET: { "choices": { "__y__": ["a"] } } })
            }),
            "`__y__`, which is not declared",
        ),
    ];
    for (change, told) in cases {
        let mut value = simple();
        change(&mut value);
        let faults = faults(&value);
        assert!(faults.contains(told), "wanted `{told}` in: {faults}");
        assert!(faults.starts_with("`test.json` cannot be run"));
    }
    let _still = a;
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
