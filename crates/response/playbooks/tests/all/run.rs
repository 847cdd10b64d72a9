//! Runs go where their playbook leads.

use crate::common::{self, HOUR, MINUTE, T0, act, answer, ask, book, fail, id, none, open, parse, task, values};
use playbooks::{Event, Input, Mark, Playbook, Run, StartError, State, StepError, Todo, WayKind};
use serde_json::{Value, json};

fn end(number: u32) -> (String, Value) {
    (id("end", number), json!({ "type": "end" }))
}

fn started(playbook: &Playbook) -> Run {
    Run::start(playbook, &[], &none(), "eva", T0).unwrap().0
}

/// Ask for something, then for something else; the first has two hours and a way for its failure.
fn chain() -> Value {
    let (a, b, c) = (id("action", 1), id("action", 2), id("action", 3));
    let mut first = ask("First", "Do it.", "");
    first.as_object_mut().unwrap().remove("on_completion");
    first["on_success"] = json!(b);
    first["on_failure"] = json!(c);
    first["timeout"] = json!(2 * HOUR);
    let steps = [
        (a.clone(), first),
        (b, ask("Second", "Go on.", &id("end", 1))),
        (c, ask("Rescue", "Help.", &id("end", 1))),
        end(1),
    ];
    book(1, &a, json!({}), &steps)
}

#[test]
fn it_goes_from_step_to_step() {
    let playbook = parse(&chain());
    let (mut run, moved) = Run::start(&playbook, &[], &none(), "eva", T0).unwrap();
    let [Todo::Ask(asked)] = &moved.todo[..] else { panic!("{moved:?}") };
    assert_eq!((asked.text.as_str(), asked.due_at), ("Do it.", Some(T0 + 2 * HOUR)));
    assert_eq!(moved.wake_at, Some(T0 + 2 * HOUR));
    assert_eq!((moved.records[0].event.clone(), moved.records[0].who.as_deref()), (Event::Started, Some("eva")));
    let moved = run.step(T0 + MINUTE, answer(1, &[])).unwrap();
    assert_eq!(open(&run), [(2, "Second".to_owned())]);
    let told = moved.records.iter().find(|record| matches!(record.event, Event::Answered { .. })).unwrap();
    assert_eq!((told.who.as_deref(), told.note.as_deref(), told.at), (Some("ana"), Some("done"), T0 + MINUTE));
    run.step(T0 + 2 * MINUTE, answer(2, &[])).unwrap();
    assert_eq!(run.state(), State::Completed);
    assert_eq!(run.step(T0 + 3 * MINUTE, Input::Time), Err(StepError::Over(State::Completed)));
}

#[test]
fn failures_and_time_outs_go_to_on_failure() {
    let playbook = parse(&chain());
    let mut run = started(&playbook);
    run.step(T0, fail(1)).unwrap();
    assert_eq!(open(&run), [(2, "Rescue".to_owned())]);
    let mut run = started(&playbook);
    assert!(run.step(T0 + HOUR, Input::Time).unwrap().todo.is_empty());
    let moved = run.step(T0 + 2 * HOUR, Input::Time).unwrap();
    assert_eq!(moved.todo[0], Todo::Withdraw { task: 1 });
    assert_eq!(open(&run), [(2, "Rescue".to_owned())]);
    let view = run.view();
    assert_eq!(view.sheets[0].steps.iter().find(|step| step.name == "First").unwrap().mark, Mark::TimedOut);
    assert!(view.sheets[0].ways.iter().any(|way| way.kind == WayKind::Failure && way.is_taken));
}

#[test]
fn reminders_leave_a_question_open() {
    let a = id("action", 1);
    let mut step = ask("Look", "L", &id("end", 1));
    step["step_extensions"] = json!({ playbooks::extension::LAZARET: { "remind_after": HOUR } });
    let playbook = parse(&book(1, &a, json!({}), &[(a.clone(), step), end(1)]));
    let mut run = started(&playbook);
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!((asked.wanted_at, run.wake_at()), (Some(T0 + HOUR), Some(T0 + HOUR)));
    let moved = run.step(T0 + 2 * HOUR, Input::Time).unwrap();
    assert_eq!((&moved.todo[..], moved.wake_at), (&[Todo::Remind { task: 1 }][..], Some(T0 + 3 * HOUR)));
    let moved = run.step(T0 + 3 * HOUR, Input::Time).unwrap();
    assert_eq!((moved.records.len(), moved.wake_at), (1, Some(T0 + 5 * HOUR)), "the next comes after twice as long");
    run.step(T0 + 4 * HOUR, answer(1, &[])).unwrap();
    assert_eq!(run.state(), State::Completed);
}

#[test]
fn an_answer_counts_once_and_in_time() {
    let playbook = parse(&chain());
    let mut run = started(&playbook);
    let mut late = run.clone();
    assert!(matches!(late.step(T0 + 3 * HOUR, answer(1, &[])), Err(StepError::Late { task: 1, .. })));
    assert_eq!(late, run, "a refused input changes nothing");
    run.step(T0, answer(1, &[])).unwrap();
    let before = run.clone();
    let error = run.step(T0 + MINUTE, answer(1, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "task 1, `First`, was already done by ana at 2026-11-29T00:00:00Z; nothing was changed"
    );
    assert!(matches!(run.step(T0, fail(1)), Err(StepError::Closed { .. })));
    assert!(matches!(run.step(T0, answer(77, &[])), Err(StepError::NoTask(77))));
    assert!(matches!(run.step(T0, Input::Acted { task: 2, values: none() }), Err(StepError::Whose { .. })));
    assert!(matches!(run.step(T0, answer(2, &[("x", "1")])), Err(StepError::Value { .. })));
    let silent = Input::Answered { task: 2, who: " ".to_owned(), note: String::new(), values: none() };
    assert!(matches!(run.step(T0, silent), Err(StepError::Words { what: "who", .. })));
    assert_eq!(run, before);
}

#[test]
fn branches_run_at_once_and_wait_for_each_other() {
    let (p, a, b, c) = (id("parallel", 1), id("action", 1), id("action", 2), id("action", 3));
    let steps = [
        (p.clone(), json!({ "type": "parallel", "next_steps": [a, b], "on_completion": c })),
        (a, ask("Left", "L", &id("end", 1))),
        (b, ask("Right", "R", &id("end", 2))),
        (c, ask("After", "A", &id("end", 3))),
        end(1),
        end(2),
        end(3),
    ];
    let playbook = parse(&book(1, &p, json!({}), &steps));
    let mut run = started(&playbook);
    assert_eq!(open(&run).len(), 2);
    let sheet = &run.view().sheets[0];
    assert_eq!(
        sheet.layers.iter().map(Vec::len).collect::<Vec<_>>(),
        [1, 1, 2, 2, 1, 1],
        "branches stand side by side"
    );
    assert_eq!(sheet.ways.iter().filter(|way| way.kind == WayKind::Join).count(), 2);
    let right = task(&run, "Right");
    run.step(T0, answer(right, &[])).unwrap();
    assert_eq!(open(&run).len(), 1);
    let left = task(&run, "Left");
    let mut lost = run.clone();
    run.step(T0, answer(left, &[])).unwrap();
    assert_eq!(open(&run), [(3, "After".to_owned())]);
    // A branch that fails without a way for it fails the whole.
    lost.step(T0, fail(left)).unwrap();
    assert_eq!(lost.state(), State::Failed);
}

#[test]
fn a_structure_that_takes_too_long_takes_its_branches_with_it() {
    let (p, a, b, c) = (id("parallel", 1), id("action", 1), id("action", 2), id("action", 3));
    let steps = [
        (
            p.clone(),
            json!({ "type": "parallel", "name": "Both", "next_steps": [a, b], "timeout": HOUR, "on_success": id("end", 3), "on_failure": c }),
        ),
        (a, ask("Left", "L", &id("end", 1))),
        (b, ask("Right", "R", &id("end", 2))),
        (c, ask("Too late", "A", &id("end", 3))),
        end(1),
        end(2),
        end(3),
    ];
    let playbook = parse(&book(1, &p, json!({}), &steps));
    let mut run = started(&playbook);
    assert!(matches!(run.clone().step(T0 + HOUR, answer(1, &[])), Err(StepError::Late { .. })));
    let moved = run.step(T0 + HOUR, Input::Time).unwrap();
    assert_eq!(moved.todo.iter().filter(|todo| matches!(todo, Todo::Withdraw { .. })).count(), 2);
    assert_eq!(open(&run), [(3, "Too late".to_owned())]);
    assert!(matches!(run.step(T0 + HOUR, answer(1, &[])), Err(StepError::Closed { .. })));
}

fn looped(most: u32) -> Playbook {
    let (w, a, b) = (id("while-condition", 1), id("action", 1), id("action", 2));
    let mut again = ask("Look again", "Look at __host__:value.", &id("end", 1));
    again["out_args"] = json!(["__more__"]);
    let steps = [
        (
            w.clone(),
            json!({ "type": "while-condition", "name": "More?", "condition": "__more__:value = true", "on_true": a,
            "on_success": id("end", 2), "on_failure": b, "step_extensions": { playbooks::extension::LAZARET: { "max_iterations": most } } }),
        ),
        (a, again),
        (b, ask("Give up", "G", &id("end", 2))),
        end(1),
        end(2),
    ];
    let variables =
        json!({ "__more__": { "type": "bool", "value": "true" }, "__host__": { "type": "string", "external": true } });
    parse(&book(1, &w, variables, &steps))
}

#[test]
fn loops_turn_until_their_condition_or_their_bound() {
    let playbook = looped(3);
    assert_eq!(
        Run::start(&playbook, &[], &none(), "eva", T0).unwrap_err(),
        StartError::Needs { name: "Playbook 1".to_owned(), needs: vec!["host".to_owned()] }
    );
    let begin = || Run::start(&playbook, &[], &values(&[("host", "db 1")]), "eva", T0).unwrap().0;
    let mut run = begin();
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!(asked.text, "Look at db 1.");
    assert!(matches!(run.step(T0, answer(1, &[])), Err(StepError::Lacks { lacks, .. }) if lacks == ["more"]));
    assert!(matches!(run.step(T0, answer(1, &[("more", "perhaps")])), Err(StepError::Value { .. })));
    run.step(T0, answer(1, &[("more", "true")])).unwrap();
    run.step(T0, answer(2, &[("more", "false")])).unwrap();
    assert_eq!(run.state(), State::Completed);
    let mut run = begin();
    for turn in 1..=3 {
        run.step(T0, answer(turn, &[("more", "true")])).unwrap();
    }
    assert_eq!(open(&run), [(4, "Give up".to_owned())]);
    let view = run.view();
    assert_eq!(view.sheets[0].steps.iter().find(|step| step.name == "Look again").unwrap().visits, 3);
    assert!(view.sheets[0].ways.iter().any(|way| way.is_back), "the loop leads back up");
}

#[test]
fn switches_take_the_case_or_the_default() {
    let s = id("switch-condition", 1);
    let steps = [
        (
            s.clone(),
            json!({ "type": "switch-condition", "switch": "__c__:value", "on_completion": id("end", 9),
            "cases": { "red": id("action", 1), "default": id("action", 2) } }),
        ),
        (id("action", 1), ask("Red", "R", &id("end", 1))),
        (id("action", 2), ask("Other", "O", &id("end", 2))),
        end(1),
        end(2),
        end(9),
    ];
    let playbook = parse(&book(1, &s, json!({ "__c__": { "type": "string", "external": true } }), &steps));
    for (colour, name) in [("red", "Red"), ("blue", "Other")] {
        let (run, moved) = Run::start(&playbook, &[], &values(&[("__c__", colour)]), "eva", T0).unwrap();
        assert_eq!(open(&run)[0].1, name);
        let because = moved.records.iter().find_map(|record| match &record.event {
            Event::Branched { because, .. } => Some(because.clone()),
            _ => None,
        });
        assert_eq!(because.unwrap(), [("__c__".to_owned(), Some(colour.to_owned()))]);
    }
}

#[test]
fn delays_wait_and_pauses_stop_the_clock() {
    let (a, b) = (id("action", 1), id("action", 2));
    let mut later = ask("Later", "L", &id("end", 1));
    later["delay"] = json!(HOUR);
    later["timeout"] = json!(HOUR);
    let playbook = parse(&book(1, &a, json!({}), &[(a.clone(), ask("Now", "N", &b)), (b, later), end(1)]));
    let mut run = started(&playbook);
    run.step(T0, answer(1, &[])).unwrap();
    assert_eq!((open(&run).len(), run.wake_at()), (0, Some(T0 + HOUR)));
    let who = || "eva".to_owned();
    run.step(T0 + 30 * MINUTE, Input::Pause { who: who(), why: "night".to_owned() }).unwrap();
    assert_eq!((run.state(), run.wake_at()), (State::Paused, None));
    assert_eq!(
        run.step(T0 + 31 * MINUTE, Input::Pause { who: who(), why: "x".to_owned() }),
        Err(StepError::State(State::Paused))
    );
    run.step(T0 + 5 * HOUR, Input::Time).unwrap();
    run.step(T0 + 10 * HOUR, Input::Resume { who: who(), note: String::new() }).unwrap();
    assert_eq!(run.wake_at(), Some(T0 + 10 * HOUR + 30 * MINUTE));
    run.step(T0 + 10 * HOUR + 30 * MINUTE, Input::Time).unwrap();
    assert_eq!(open(&run), [(2, "Later".to_owned())]);
    assert_eq!(run.wake_at(), Some(T0 + 11 * HOUR + 30 * MINUTE));
    // What was given out may be answered while it waits; the rest comes with going on.
    run.step(T0 + 10 * HOUR + 40 * MINUTE, Input::Pause { who: who(), why: "noon".to_owned() }).unwrap();
    run.step(T0 + 20 * HOUR, answer(2, &[])).unwrap();
    assert_eq!(run.state(), State::Paused);
    run.step(T0 + 21 * HOUR, Input::Resume { who: who(), note: String::new() }).unwrap();
    assert_eq!(run.state(), State::Completed);
}

#[test]
fn a_cancelled_run_takes_all_back() {
    let mut run = started(&parse(&chain()));
    let moved = run.step(T0, Input::Cancel { who: "eva".to_owned(), why: "false alarm".to_owned() }).unwrap();
    assert_eq!((run.state(), moved.todo), (State::Cancelled, vec![Todo::Withdraw { task: 1 }]));
    let last = moved.records.last().unwrap();
    assert_eq!((last.event.clone(), last.note.as_deref()), (Event::Cancelled, Some("false alarm")));
}

#[test]
fn commands_of_lazaret_carry_values_that_were_checked() {
    let (a, b) = (id("action", 1), id("action", 2));
    let mut first = act("Hold", "legal_hold", json!({ "study": "__s__:value", "reason": "about __s__:value" }), "");
    first.as_object_mut().unwrap().remove("on_completion");
    first["on_success"] = json!(id("end", 1));
    first["on_failure"] = json!(b);
    let steps = [(a.clone(), first), (b, ask("By hand", "H", &id("end", 1))), end(1)];
    let playbook = parse(&book(1, &a, json!({ "__s__": { "type": "string", "external": true } }), &steps));
    let (mut run, moved) = Run::start(&playbook, &[], &values(&[("s", "ABC-1")]), "eva", T0).unwrap();
    let Todo::Act(told) = &moved.todo[0] else { panic!() };
    assert_eq!((told.arguments["study"].as_str(), told.arguments["reason"].as_str()), ("ABC-1", "about ABC-1"));
    assert!(matches!(run.step(T0, answer(1, &[])), Err(StepError::Whose { .. })));
    run.step(T0, Input::Acted { task: 1, values: none() }).unwrap();
    assert_eq!(run.state(), State::Completed);
    // What is no id never reaches whoever carries it out.
    let (run, _) = Run::start(&playbook, &[], &values(&[("s", "A B")]), "eva", T0).unwrap();
    assert_eq!(open(&run)[0].1, "By hand");
}

#[test]
fn commands_for_other_systems_are_shown_as_written() {
    let a = id("action", 1);
    let mut step = ask("Shell", "x", &id("end", 1));
    step["commands"] = json!([{ "type": "bash", "command": "rm __f__:value" }]);
    step["in_args"] = json!(["__f__"]);
    let playbook =
        parse(&book(1, &a, json!({ "__f__": { "type": "string", "external": true } }), &[(a.clone(), step), end(1)]));
    let (run, _) = Run::start(&playbook, &[], &values(&[("f", "x; reboot")]), "eva", T0).unwrap();
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!((asked.text.as_str(), asked.by_hand.as_deref()), ("rm __f__:value", Some("bash")));
    assert_eq!(asked.given, [("__f__".to_owned(), "x; reboot".to_owned())]);
}

fn caller(number: u32, called: u32) -> Playbook {
    let c = id("playbook-action", number);
    let variables = json!({ "__in__": { "type": "string", "value": "hello" }, "__out__": { "type": "string" } });
    let steps = [
        (
            c.clone(),
            json!({ "type": "playbook-action", "name": "Call", "playbook_id": id("playbook", called),
            "in_args": ["__in__"], "out_args": ["__out__"], "on_success": id("action", number), "on_failure": id("action", 100 + number) }),
        ),
        (id("action", number), ask("After", "Got __out__:value.", &id("end", number))),
        (id("action", 100 + number), ask("Without", "Nothing.", &id("end", number))),
        end(number),
    ];
    parse(&book(number, &c, variables, &steps))
}

fn callee(number: u32, with_exception: bool) -> Playbook {
    let a = id("action", 50);
    let mut step = ask("Inner", "Say __in__:value.", &id("end", 50));
    step["out_args"] = json!(["__out__"]);
    let variables = json!({ "__in__": { "type": "string", "external": true }, "__out__": { "type": "string" } });
    let mut value = book(
        number,
        &a,
        variables,
        &[(a.clone(), step), (id("action", 51), ask("Clean up", "C", &id("end", 50))), end(50)],
    );
    if with_exception {
        value["workflow_exception"] = json!(id("action", 51));
    }
    parse(&value)
}

#[test]
fn playbooks_call_playbooks() {
    let (outer, inner) = (caller(1, 2), callee(2, false));
    let missing = Run::start(&outer, &[], &none(), "eva", T0).unwrap_err();
    assert!(missing.to_string().contains("step `Call`"), "{missing}");
    let others = [inner];
    let (mut run, moved) = Run::start(&outer, &others, &none(), "eva", T0).unwrap();
    let Todo::Ask(asked) = &moved.todo[0] else { panic!() };
    assert_eq!(asked.text, "Say hello.");
    let mut lost = run.clone();
    run.step(T0, answer(1, &[("out", "world")])).unwrap();
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!(asked.text, "Got world.");
    assert_eq!(run.view().sheets.len(), 2);
    assert_eq!(run.view().sheets[1].called_from.as_ref().unwrap().0, 0);
    lost.step(T0, fail(1)).unwrap();
    assert_eq!(open(&lost)[0].1, "Without");
}

#[test]
fn failures_go_to_the_exception_steps() {
    let playbook = callee(2, true);
    let (mut run, _) = Run::start(&playbook, &[], &values(&[("in", "x")]), "eva", T0).unwrap();
    let moved = run.step(T0, fail(1)).unwrap();
    assert!(
        moved
            .records
            .iter()
            .any(|record| matches!(&record.event, Event::Excepted { why } if why.contains("it is locked")))
    );
    assert_eq!(open(&run)[0].1, "Clean up");
    let mut again = run.clone();
    run.step(T0, answer(2, &[])).unwrap();
    assert_eq!(run.state(), State::Handled);
    again.step(T0, fail(2)).unwrap();
    assert_eq!(again.state(), State::Failed);
}

#[test]
fn calls_end_somewhere() {
    let books = [caller(1, 2), caller(2, 3), caller(3, 1)];
    // A circle is deeper than any bound; and what is called must know what it is given.
    let error = Run::start(&books[0], &books, &none(), "eva", T0).unwrap_err();
    assert!(matches!(error, StartError::Deep(_)), "{error}");
    let silent = parse(&chain());
    let mut outer = caller(5, 1).source().clone();
    outer["workflow"][id("playbook-action", 5)]["playbook_id"] = json!(id("playbook", 1));
    let error = Run::start(&parse(&outer), &[silent], &none(), "eva", T0).unwrap_err();
    assert!(error.to_string().contains("has no variable `__in__`"), "{error}");
}

#[test]
fn what_is_over_or_revoked_does_not_start() {
    let mut value = chain();
    value["revoked"] = json!(true);
    assert!(matches!(Run::start(&parse(&value), &[], &none(), "eva", T0), Err(StartError::Revoked(_))));
    let mut value = chain();
    value["valid_until"] = json!("2026-01-01T00:00:00.000Z");
    let error = Run::start(&parse(&value), &[], &none(), "eva", T0).unwrap_err();
    assert!(error.to_string().contains("until 2026-01-01T00:00:00Z"), "{error}");
}

#[test]
fn circles_without_a_loop_end_too() {
    let (a, b) = (id("action", 1), id("if-condition", 1));
    // Back to the same question for ever, unless somebody says that it is enough.
    let mut step = act("Tell", "notify_role", json!({ "role": "it", "text": "" }), "");
    step["commands"][0]["arguments"]["text"] = json!("__t__:value");
    step.as_object_mut().unwrap().remove("on_completion");
    step["on_success"] = json!(id("end", 1));
    step["on_failure"] = json!(b);
    let steps = [
        (a.clone(), step),
        (
            b,
            json!({ "type": "if-condition", "condition": "__t__:value = 'x'", "on_true": id("end", 2), "on_completion": a }),
        ),
        end(1),
        end(2),
    ];
    let playbook = parse(&book(1, &a, json!({ "__t__": { "type": "string", "value": "" } }), &steps));
    let (run, _) = Run::start(&playbook, &[], &none(), "eva", T0).unwrap();
    assert_eq!(run.state(), State::Failed);
}

/// Other tools let branches share steps, leave `= true` out, and name an end step for failures.
#[test]
fn playbooks_of_other_tools_run() {
    let (i, s, a, out) = (id("if-condition", 1), id("switch-condition", 1), id("action", 1), id("end", 9));
    let steps = [
        (
            i.clone(),
            json!({ "type": "if-condition", "condition": "__yes__:value", "on_true": a, "on_false": a, "on_completion": s }),
        ),
        (
            s,
            json!({ "type": "switch-condition", "switch": "__n__:value", "cases": { "0": a, "default": a }, "on_completion": out }),
        ),
        (a, ask("Shared", "Do it.", &id("end", 1))),
        end(1),
        end(9),
    ];
    let variables =
        json!({ "__yes__": { "type": "bool", "value": "true" }, "__n__": { "type": "integer", "value": "0" } });
    let mut value = book(1, &i, variables, &steps);
    value["workflow_exception"] = json!(out);
    value["agent_definitions"][common::agent()] = json!({ "type": "robot", "name": "Their robot" });
    let playbook = parse(&value);
    let mut run = started(&playbook);
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!((asked.role, asked.agent.as_str()), (None, "Their robot"));
    run.step(T0, answer(1, &[])).unwrap();
    let mut lost = run.clone();
    run.step(T0, answer(2, &[])).unwrap();
    assert_eq!(run.state(), State::Completed);
    lost.step(T0, fail(2)).unwrap();
    assert_eq!(lost.state(), State::Handled);
}

#[test]
fn step_variables_hide_those_of_the_playbook() {
    let (a, b) = (id("action", 1), id("action", 2));
    let mut first = ask("Own", "Have __x__:value.", &b);
    first["step_variables"] = json!({ "__x__": { "type": "string", "value": "inner" } });
    first["out_args"] = json!(["__x__"]);
    let steps = [(a.clone(), first), (b, ask("Outer", "Have __x__:value.", &id("end", 1))), end(1)];
    let playbook = parse(&book(1, &a, json!({ "__x__": { "type": "string", "value": "outer" } }), &steps));
    let mut run = started(&playbook);
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!(asked.text, "Have inner.");
    run.step(T0, answer(1, &[("x", "changed")])).unwrap();
    let Todo::Ask(asked) = run.open().remove(0) else { panic!() };
    assert_eq!(asked.text, "Have outer.");
}
