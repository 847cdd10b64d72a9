//! Whatever is answered, in whatever order, a run stays whole.

use crate::simulate::{Chance, simulate};
use playbooks::condition::Condition;
use playbooks::{Playbook, Run, files, shipped};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Written and read back at any point it goes on as it would have; it never gets stuck; answers count once.
    #[test]
    fn runs_stay_whole(seed in any::<u64>(), which in any::<prop::sample::Index>()) {
        let playbook = &shipped()[which.index(shipped().len())];
        prop_assert_eq!(simulate(playbook, seed, true), simulate(playbook, seed, false));
    }

    /// Any answer at any time is taken or refused, and refused answers change nothing.
    #[test]
    fn any_answer_is_survived(which in any::<prop::sample::Index>(), moves in prop::collection::vec((0_u8..9, 0_u32..30, -9_i64..90_000_000), 1..60)) {
        let playbook = &shipped()[which.index(shipped().len())];
        let values = playbook.asked().map(|(name, variable)| {
            let value = variable.choices.first().map_or("1", String::as_str);
            (name.to_owned(), if variable.kind.hint().contains("true") { "true" } else { value }.to_owned())
        }).collect();
        let (mut run, _) = Run::start(playbook, shipped(), &values, "p", crate::common::T0).unwrap();
        let mut now = crate::common::T0;
        for (kind, task, later) in moves {
            now += later;
            let who = "p".to_owned();
            let input = match kind {
                0..=2 => crate::common::answer(task, &[]),
                3 => crate::common::answer(task, &[("people", "3"), ("readable", "clear"), ("nothing", "x")]),
                4 => crate::common::fail(task),
                5 => playbooks::Input::Time,
                6 => playbooks::Input::Pause { who, why: "x".to_owned() },
                7 => playbooks::Input::Resume { who, note: String::new() },
                _ => playbooks::Input::Acted { task, values: crate::common::none() },
            };
            let before = run.clone();
            if run.step(now, input).is_err() {
                prop_assert_eq!(&run, &before);
            }
            prop_assert!(run.state().is_over() || run.state() == playbooks::State::Paused || !run.open().is_empty() || run.wake_at().is_some());
        }
        let read: Run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        prop_assert_eq!(read, run);
    }

    /// A shipped playbook with some bytes changed is read or refused.
    #[test]
    fn changed_playbooks_do_not_panic(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0_usize..40) {
        let (_, text) = files()[which.index(files().len())];
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.drain(at..(at + cut).min(text.len()));
        let _either = Playbook::parse(&bytes, "changed");
    }

    /// Conditions of any words are read or refused.
    #[test]
    fn conditions_do_not_panic(words in prop::collection::vec(prop::sample::select(vec![
        "__a__:value", "__b__:value", "=", "!=", "<", ">=", "AND", "OR", "NOT", "(", ")", "[", "]", "IN", "LIKE", "MATCHES", "EXISTS",
        "'x'", "'a%_'", "3", "-1.5", "true", ",", "'", "\\", "é",
    ]), 0..24)) {
        if let Ok(condition) = Condition::parse(&words.join(" ")) {
            let _either = condition.holds(&|name| (name == "__a__").then(|| "ax".to_owned()));
            prop_assert_eq!(Condition::parse(&condition.to_string()).unwrap(), condition);
        }
    }

    /// Sources of any lines are written or refused.
    #[test]
    fn sources_do_not_panic(lines in prop::collection::vec((0_usize..5, prop::sample::select(vec![
        "id 1b7c0c52-6a0e-4a1f-9d0c-3f52a8e0b601", "name N", "about A", "rank priority=1", "types investigation", "sectors research", "labels x",
        "ask it 1h Look", "| text {x}", "do legal_hold 1h Hold", "with study = {x}", "if Q", "when {x} = 1", "then", "otherwise", "fails", "gives x",
        "while W", "most 3", "again", "switch S", "on {x}", "case a", "together T", "branch", "var x string -- a variable", "exception", "call fuzz - C",
    ])), 0..40)) {
        let text: String = lines.iter().map(|(depth, line)| format!("{}{line}\n", "  ".repeat(*depth))).collect();
        if let Ok(written) = playbooks::author::write(&[("fuzz.play", &text)]) {
            let _either = Playbook::parse(written[0].text().as_bytes(), "fuzz");
        }
    }
}

#[test]
fn chance_is_the_same_for_a_seed() {
    let (mut a, mut b) = (Chance::new(3), Chance::new(3));
    assert_eq!((a.below(1_000), a.below(1_000)), (b.below(1_000), b.below(1_000)));
}
