//! Every playbook of content/playbooks: it is what its source says, it is complete, and every way through it comes to its end.

use std::collections::{BTreeMap, BTreeSet};

use crate::simulate::{Chance, Taken, simulate};
use playbooks::command::What;
use playbooks::step::{Kind, Step};
use playbooks::{Mark, Playbook, Role, State, Verb, files, shipped, sources};

#[test]
fn each_is_what_its_source_says() {
    let written = playbooks::author::write(sources()).unwrap();
    assert_eq!(written.len(), files().len());
    for (written, (name, text)) in written.iter().zip(files()) {
        assert_eq!(format!("{}.json", written.name), *name);
        assert_eq!(written.text(), *text, "`cargo run -p playbooks --example write-playbooks` writes {name} anew");
    }
}

#[test]
fn each_can_be_read_and_keeps_to_the_standard() {
    assert!(files().len() >= 35);
    let mut ids = BTreeSet::new();
    for (name, text) in files() {
        let playbook = Playbook::parse(text.as_bytes(), name).unwrap();
        assert_eq!(playbook.departures, [""; 0], "{name}");
        assert!(ids.insert(playbook.id.clone()), "{name} has the id of another one");
        assert_eq!(playbooks::named(name.trim_end_matches(".json")), Some(&playbook));
        for step in playbook.steps.values() {
            assert_eq!(step.id.uuid().as_bytes()[14], b'4', "ids of steps are of version 4");
        }
    }
    assert_eq!(shipped().len(), files().len());
}

fn actions(playbook: &Playbook) -> Vec<&Step> {
    playbook.steps.values().filter(|step| matches!(step.kind, Kind::Action { .. } | Kind::Call { .. })).collect()
}

#[test]
fn each_is_complete() {
    for ((name, _), playbook) in files().iter().zip(shipped()) {
        let does = actions(playbook).len();
        let steps = playbook.steps.values().filter(|step| !matches!(step.kind, Kind::Start | Kind::End)).count();
        let decisions = playbook.steps.values().filter(|step| !step.branches().is_empty()).count();
        let failures = playbook.steps.values().filter(|step| step.on_failure.is_some()).count();
        assert!(steps >= 8 && does >= 5, "{name}: {steps} steps, {does} of which do something");
        assert!(decisions >= 2 || name.starts_with("close"), "{name}: {decisions} decisions");
        assert!(failures >= 1, "{name} has no way for failures");
        assert!(playbook.references.len() >= 2, "{name} stands on too little");
        assert!(playbook.priority.is_some() && playbook.severity.is_some() && playbook.impact.is_some(), "{name}");
        assert!(playbook.about.len() > 80 && !playbook.labels.is_empty() && !playbook.sectors.is_empty(), "{name}");
        assert_eq!((playbook.created.text.get(..10), playbook.is_revoked), (Some("2026-11-29"), false), "{name}");
        for step in actions(playbook) {
            let Kind::Action { commands, .. } = &step.kind else { continue };
            assert!(step.timeout_ms.or(step.remind_ms).is_some(), "{name}: `{}` has no time", step.name);
            let is_own = commands.iter().any(|command| matches!(command.what, What::Lazaret { .. }));
            assert!(!is_own || step.on_failure.is_some(), "{name}: `{}` has no way by hand", step.name);
            assert!(step.timeout_ms.is_none() || step.on_failure.is_some(), "{name}: `{}` fails in silence", step.name);
        }
        for (variable, declared) in &playbook.variables {
            assert!(declared.about.len() > 8, "{name}: {variable} is not explained");
        }
    }
}

#[test]
fn together_they_use_all_roles_and_most_verbs() {
    let (mut roles, mut verbs) = (BTreeSet::new(), BTreeSet::new());
    for playbook in shipped() {
        roles.extend(playbook.agents.values().filter_map(|agent| agent.role));
        for step in playbook.steps.values() {
            if let Kind::Action { commands, .. } = &step.kind {
                verbs.extend(
                    commands
                        .iter()
                        .filter_map(|c| if let What::Lazaret { verb, .. } = c.what { Some(verb) } else { None }),
                );
            }
        }
    }
    assert_eq!(roles, Role::ALL.into_iter().collect());
    assert_eq!(verbs, Verb::ALL.into_iter().collect());
}

/// Every variable that a playbook declares is used in it.
#[test]
fn no_variable_is_idle() {
    for ((name, text), playbook) in files().iter().zip(shipped()) {
        for variable in playbook.variables.keys() {
            // Once where it is declared; only values, and the fact that it is, are listed once more.
            let of = &playbook.variables[variable];
            let declared = 1 + usize::from(!of.choices.is_empty()) + usize::from(of.fact.is_some());
            assert!(text.matches(variable.as_str()).count() > declared, "{name}: {variable} is not used");
        }
    }
}

/// The branches that a playbook has, by step and name.
fn ways(playbook: &Playbook) -> BTreeSet<Taken> {
    let mut ways = BTreeSet::from([(playbook.id.clone(), "exception".to_owned())]);
    for step in playbook.steps.values() {
        let mut add = |name: &str| ways.insert((step.id.clone(), name.to_owned()));
        match &step.kind {
            Kind::If { .. } => {
                add("yes");
                add("no");
            }
            Kind::While { .. } => {
                add("again");
                add("out");
            }
            Kind::Switch { .. } => {
                for (name, _) in step.branches() {
                    add(&name);
                }
            }
            _ => {}
        }
        if step.on_failure.is_some() {
            add("failure");
        }
    }
    ways
}

#[test]
fn every_branch_of_each_is_taken_and_comes_to_an_end() {
    const SEEDS_MAX: u64 = 3_000;
    let mut told = Vec::new();
    for ((name, _), playbook) in files().iter().zip(shipped()) {
        let all = ways(playbook);
        let (mut left, mut ends, mut seeds) = (all.clone(), BTreeMap::<&str, u32>::new(), 0);
        while (!left.is_empty() || !ends.contains_key("completed")) && seeds < SEEDS_MAX {
            let outcome = simulate(playbook, seeds, seeds % 16 == 0);
            for taken in &outcome.taken {
                left.remove(taken);
            }
            *ends.entry(outcome.state.as_str()).or_default() += 1;
            seeds += 1;
        }
        let missing: Vec<_> = left
            .iter()
            .map(|(id, way)| format!("{way} of `{}`", playbook.step(id).map_or("all", Step::title)))
            .collect();
        if !missing.is_empty() {
            told.push(format!("{name}: never taken in {seeds} runs: {}", missing.join(", ")));
        }
        if !ends.contains_key("completed") {
            told.push(format!("{name}: never comes to its end: {ends:?}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn with_everybody_at_work_each_comes_to_its_own_end() {
    for playbook in shipped() {
        let mut completed = 0;
        for seed in 0..20 {
            let mut chance = Chance::new(seed);
            chance.failures = 0;
            let outcome = crate::simulate::run(playbook, &mut chance, false);
            completed += u32::from(outcome.state == State::Completed);
            // Only a loop that never ends, or an id that is none, leads to a failure.
            assert!(outcome.state.is_over());
        }
        assert!(completed >= 10, "{} came to its end {completed} times of 20", playbook.name);
    }
}

#[test]
fn the_same_inputs_give_the_same_run() {
    for playbook in shipped() {
        for seed in 0..3 {
            assert_eq!(simulate(playbook, seed, false), simulate(playbook, seed, true), "{}", playbook.name);
        }
    }
}

#[test]
fn each_can_be_drawn() {
    for playbook in shipped() {
        let sheet = playbook.sheet();
        assert_eq!(sheet.steps.len(), playbook.steps.len(), "every step of {} is drawn", playbook.name);
        let mut seen: Vec<usize> = sheet.layers.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..sheet.steps.len()).collect::<Vec<_>>());
        for way in &sheet.ways {
            let (from, to) = (sheet.steps[way.from].layer, sheet.steps[way.to].layer);
            assert_eq!(from < to, !way.is_back, "{}: {:?}", playbook.name, way);
        }
        assert!(sheet.steps.iter().all(|step| step.mark == Mark::Ahead));
    }
}

#[test]
fn the_documentation_names_all() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../");
    let list = std::fs::read_to_string(format!("{root}content/playbooks/README.md")).unwrap();
    for (name, _) in files() {
        assert!(list.contains(&format!("`{}`", name.trim_end_matches(".json"))), "{name} is not listed");
    }
    let reference = std::fs::read_to_string(format!("{root}docs/reference/playbooks.md")).unwrap();
    for verb in Verb::ALL {
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{}` |", verb.as_str())));
        let row = row.unwrap_or_else(|| panic!("`{}` is not described", verb.as_str()));
        let names =
            verb.arguments().iter().map(|argument| argument.name).chain(verb.gives().iter().map(|given| given.name));
        for name in names {
            assert!(row.contains(&format!("`{name}`")), "`{}` of `{}` is not described", name, verb.as_str());
        }
    }
}
