#![no_main]

use std::collections::BTreeMap;

use playbooks::condition::Condition;
use playbooks::{Input, Playbook, Run, State, Todo, shipped};

/// What a run is fed at most.
const INPUTS_MAX: usize = 200;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lazaret_fuzz::quiet_panics();
    // The first bytes choose what happens in a run; the rest is a playbook, a condition, or a source.
    let (moves, text) = data.split_at(data.len().min(16));
    if let Ok(text) = std::str::from_utf8(text) {
        if let Ok(condition) = Condition::parse(text) {
            let _either = condition.holds(&|name| (name.len() % 2 == 0).then(|| name.to_owned()));
        }
        let _any = playbooks::author::write(&[("fuzz.play", text)]);
    }
    let Ok(playbook) = Playbook::parse(text, "fuzz") else { return };
    let _sheet = playbook.sheet();
    let values: BTreeMap<String, String> = playbook
        .asked()
        .map(|(name, variable)| (name.to_owned(), a_value(&variable.choices, variable.kind.hint())))
        .collect();
    let Ok((mut run, _moved)) = Run::start(&playbook, shipped(), &values, "fuzz", 0) else { return };
    let mut now = 0;
    for choice in moves.iter().cycle().take(INPUTS_MAX) {
        if run.state().is_over() {
            break;
        }
        now += i64::from(*choice) * 3_600_000;
        let input = next(&run, *choice);
        let before = run.clone();
        if run.step(now, input).is_err() {
            assert_eq!(run, before, "a refused input changes nothing");
        }
        assert!(
            run.state().is_over() || run.state() == State::Paused || !run.open().is_empty() || run.wake_at().is_some()
        );
    }
    let kept = serde_json::to_string(&run).expect("a run is written");
    let read: Run = serde_json::from_str(&kept).expect("a run is read back");
    assert_eq!(read, run, "nothing of a run is lost");
    let _view = run.view();
});

fn next(run: &Run, choice: u8) -> Input {
    let who = "fuzz".to_owned();
    if run.state() == State::Paused {
        return Input::Resume { who, note: String::new() };
    }
    match (run.open().into_iter().next(), choice % 8) {
        (_, 7) => Input::Pause { who, why: "fuzz".to_owned() },
        (None, _) | (_, 6) => Input::Time,
        (Some(Todo::Ask(ask)), 5) => Input::Refused { task: ask.task, who, why: "fuzz".to_owned() },
        (Some(Todo::Ask(ask)), _) => {
            let values =
                ask.fields.iter().map(|field| (field.name.clone(), a_value(&field.choices, &field.hint))).collect();
            Input::Answered { task: ask.task, who, note: String::new(), values }
        }
        (Some(Todo::Act(act)), 5) => Input::ActFailed { task: act.task, why: "fuzz".to_owned() },
        (Some(Todo::Act(act)), _) => {
            let values = act.gives.iter().map(|name| (name.clone(), "1".to_owned())).collect();
            Input::Acted { task: act.task, values }
        }
        (Some(Todo::Remind { .. } | Todo::Withdraw { .. }), _) => Input::Time,
    }
}

fn a_value(choices: &[String], hint: &str) -> String {
    choices.first().cloned().unwrap_or_else(|| if hint.contains("true") { "true" } else { "1" }.to_owned())
}
