//! An organisation by chance: answers, fails or forgets whatever a run asks, by a seed.

use std::collections::{BTreeMap, BTreeSet};

use playbooks::{Event, Field, Id, Input, Playbook, Run, State, StepError, Todo, shipped, variable};

/// A step and the name of the branch, or `failure`.
pub type Taken = (Id, String);

/// What came of a run.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub state: State,
    pub taken: BTreeSet<Taken>,
    pub records: u32,
    pub ended_at: i64,
}

/// More inputs than any run of a shipped playbook needs.
const INPUTS_MAX: u32 = 20_000;

/// Chance by a seed (SplitMix64).
pub struct Chance {
    state: u64,
    /// How many of a hundred tasks fail.
    pub failures: u64,
    /// Whether a variable keeps the value that it gets first.
    stubborn: bool,
    kept: BTreeMap<String, String>,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut chance = Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x51_7c_c1_b7,
            failures: 0,
            stubborn: false,
            kept: BTreeMap::new(),
        };
        chance.failures = [0, 5, 15, 40][usize::try_from(chance.below(4)).unwrap()];
        chance.stubborn = chance.below(2) == 0;
        chance
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn value(&mut self, name: &str, choices: &[String], hint: &str) -> String {
        let key = format!("{name} {} {hint}", choices.join("|"));
        if self.stubborn
            && let Some(value) = self.kept.get(&key)
        {
            return value.clone();
        }
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let value = match hint {
            _ if !choices.is_empty() => self.one(&choices),
            "`true` or `false`" => self.one(&["true", "false"]),
            "a whole number" => self.one(&["0", "0", "1", "499", "500", "501", "1001"]),
            _ => self.one(&["X-1", "X-2", "none"]),
        };
        self.kept.insert(key, value.to_owned());
        value.to_owned()
    }

    fn filled(&mut self, fields: &[Field]) -> BTreeMap<String, String> {
        fields.iter().map(|field| (field.name.clone(), self.value(&field.name, &field.choices, &field.hint))).collect()
    }
}

pub fn simulate(playbook: &Playbook, seed: u64, is_kept: bool) -> Outcome {
    run(playbook, &mut Chance::new(seed), is_kept)
}

/// Runs a playbook to its end. With `is_kept` the run is written and read back between inputs.
pub fn run(playbook: &Playbook, chance: &mut Chance, is_kept: bool) -> Outcome {
    let values: BTreeMap<_, _> = playbook
        .asked()
        .map(|(name, variable)| (name.to_owned(), chance.value(name, &variable.choices, variable.kind.hint())))
        .collect();
    let mut now = crate::common::T0;
    let (mut run, moved) = Run::start(playbook, shipped(), &values, "sim", now).unwrap();
    let mut taken = BTreeSet::new();
    let mut records = 0;
    let mut inputs = 0;
    note(playbook, &moved, &mut taken, &mut records);
    while !run.state().is_over() {
        inputs += 1;
        assert!(inputs < INPUTS_MAX, "`{}` does not end", playbook.name);
        let open = run.open();
        assert!(!open.is_empty() || run.wake_at().is_some(), "`{}` is stuck", playbook.name);
        now += 60_000;
        let input = match open.len() {
            0 => None,
            count => Some(open[usize::try_from(chance.below(count as u64)).unwrap()].clone()),
        };
        let forgets = chance.below(200) < chance.failures;
        let input = match input {
            Some(todo) if !forgets => answer(chance, todo, &run),
            _ => {
                now = now.max(run.wake_at().unwrap_or(now));
                Input::Time
            }
        };
        if is_kept && inputs % 7 == 0 {
            let text = serde_json::to_string(&run).unwrap();
            let read: Run = serde_json::from_str(&text).unwrap();
            assert_eq!(read, run, "nothing of a run is lost");
            run = read;
        }
        let moved = match run.step(now, input.clone()) {
            Ok(moved) => moved,
            Err(StepError::Late { due_at, .. }) => {
                assert!(due_at <= now);
                run.step(now, Input::Time).unwrap()
            }
            Err(error) => panic!("`{}` refused {input:?}: {error}", playbook.name),
        };
        note(playbook, &moved, &mut taken, &mut records);
        if is_kept && !matches!(input, Input::Time) {
            let before = run.clone();
            assert!(run.step(now, input).is_err(), "a second answer is refused");
            assert_eq!(run, before, "and changes nothing");
        }
    }
    assert!(run.open().is_empty() && run.wake_at().is_none(), "nothing is open when it is over");
    Outcome { state: run.state(), taken, records, ended_at: now }
}

fn answer(chance: &mut Chance, todo: Todo, run: &Run) -> Input {
    let fails = chance.below(100) < chance.failures;
    match todo {
        Todo::Ask(ask) if fails => {
            Input::Refused { task: ask.task, who: "ben".to_owned(), why: "it cannot be done".to_owned() }
        }
        Todo::Ask(ask) => {
            assert!(ask.role.is_some() && !ask.text.is_empty() && !ask.text.contains(":value"), "{ask:?}");
            let values = chance.filled(&ask.fields);
            Input::Answered { task: ask.task, who: "ana".to_owned(), note: "done".to_owned(), values }
        }
        Todo::Act(act) if fails => Input::ActFailed { task: act.task, why: "the store did not answer".to_owned() },
        Todo::Act(act) => {
            assert_eq!(act.verb.check(&act.arguments), Ok(()));
            let book = run.books().iter().find(|book| book.id == act.playbook).unwrap();
            let given = |name: &String| {
                let declared = &book.variables[name];
                (name.clone(), declared.choices.clone(), declared.kind.hint())
            };
            let wanted: Vec<_> = act.gives.iter().map(given).collect();
            let values = wanted.into_iter().map(|(name, choices, hint)| {
                let value = chance.value(&name, &choices, hint);
                (variable::plain(&name).to_owned(), value)
            });
            Input::Acted { task: act.task, values: values.collect() }
        }
        Todo::Remind { .. } | Todo::Withdraw { .. } => unreachable!("open tasks are never those taken back"),
    }
}

/// Notes which ways of this playbook were taken, and that records are complete and in order.
fn note(playbook: &Playbook, moved: &playbooks::Moved, taken: &mut BTreeSet<Taken>, records: &mut u32) {
    for record in &moved.records {
        *records += 1;
        assert_eq!(record.number, *records, "records are counted without a gap");
        if record.playbook != playbook.id {
            continue;
        }
        if matches!(record.event, Event::Excepted { .. }) {
            taken.insert((playbook.id.clone(), "exception".to_owned()));
        }
        let Some(step) = &record.step else { continue };
        match &record.event {
            Event::Branched { branch: Some(branch), because } => {
                let step = playbook.step(step).unwrap();
                assert!(because.iter().all(|(_, value)| value.is_some()), "`{}` decides on nothing", step.title());
                taken.insert((step.id.clone(), branch.clone()));
            }
            Event::Reminded { task } => assert!(*task > 0),
            Event::Failed { .. } | Event::TimedOut { .. } => {
                taken.insert((step.clone(), "failure".to_owned()));
            }
            _ => {}
        }
    }
}
