//! The golden matrix: every kind of principal × role × action × label, in usual and unusual circumstances.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

use std::fmt::Write as _;

use model::{Label, PrincipalKind};
use policy::{Case, Decision, Engine, Flag, population};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/matrix.txt");

const LEGEND: &[(&str, char)] = &[
    ("grant", '+'),
    ("emergency", '!'),
    ("policy:no-grant", '.'),
    ("policy:contained", 'X'),
    ("policy:closed", 'C'),
    ("policy:agreement", 'A'),
    ("policy:device", 'D'),
    ("policy:training", 'T'),
    ("policy:blinding", 'B'),
    ("policy:secret", 'S'),
    ("policy:admission", 'Q'),
    ("policy:residence", 'R'),
    ("policy:four-eyes", '4'),
    ("policy:second-factor", '2'),
];

fn letter(decision: &Decision) -> char {
    let code = if decision.allowed { &decision.policies[0] } else { &decision.code };
    LEGEND.iter().find(|(known, _)| known == code).unwrap_or_else(|| panic!("{code} has no letter")).1
}

/// One line a case of kind, role and action: a letter for the study itself and for each label.
fn rows(engine: &Engine) -> Vec<(Case, String)> {
    let mut rows: Vec<(Case, String)> = Vec::new();
    for case in population() {
        let said = letter(&case.decide(engine));
        if case.label.is_none() {
            rows.push((case, said.to_string()));
        } else {
            rows.last_mut().unwrap().1.push(said);
        }
    }
    rows
}

fn matrix(engine: &Engine) -> String {
    let mut text =
        String::from("# Written by `GOLDEN=write cargo test -p policy --test golden`; read every change of it.\n#\n");
    for (code, letter) in LEGEND {
        writeln!(text, "# {letter} {code}").unwrap();
    }
    let labels: Vec<_> = Label::ALL.iter().map(|label| label.as_str()).collect();
    writeln!(text, "#\n# Columns: the study itself, {}", labels.join(", ")).unwrap();
    writeln!(text, "# Below `Usual`, only rows that differ from it.").unwrap();
    let rows = rows(engine);
    let same = |one: &Case, other: &Case| (one.kind, one.role, one.action) == (other.kind, other.role, other.action);
    let usual: Vec<_> = rows.iter().filter(|(case, _)| case.flag == Flag::Usual).collect();
    let per_flag = usual.len();
    for flag in Flag::ALL {
        for kind in PrincipalKind::ALL {
            writeln!(text, "\n== {flag:?} {kind}").unwrap();
            for (at, (case, letters)) in rows.iter().enumerate().filter(|(_, (c, _))| c.flag == flag && c.kind == *kind)
            {
                let (usual_case, usual_letters) = &usual[at % per_flag];
                assert!(same(case, usual_case));
                if flag == Flag::Usual || letters != usual_letters {
                    writeln!(text, "{:<15} {:<17} {letters}", case.role, case.action.as_str()).unwrap();
                }
            }
        }
    }
    text
}

#[test]
fn the_matrix_is_as_it_was() {
    let engine = Engine::new(&[]).unwrap();
    let now = matrix(&engine);
    if std::env::var("GOLDEN").as_deref() == Ok("write") {
        std::fs::write(GOLDEN, &now).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    let differing = golden.lines().zip(now.lines()).find(|(before, after)| before != after);
    assert!(golden == now, "the matrix changed, first here: {differing:?}");
}

#[test]
fn every_rule_of_the_legend_decides_somewhere_and_every_denial_says_what_to_do() {
    let engine = Engine::new(&[]).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in population() {
        let decision = case.decide(&engine);
        seen.insert(letter(&decision));
        assert_eq!(decision.allowed, decision.hint.is_empty(), "{case:?}: {decision:?}");
        assert_eq!(decision.allowed, decision.code.is_empty(), "{case:?}: {decision:?}");
        assert!(!decision.because.is_empty());
        if case.role == "no-grant" && case.flag != Flag::Emergency {
            assert_eq!(decision.code, "policy:no-grant", "nothing is told to whoever has no grant: {case:?}");
        }
    }
    assert_eq!(seen.len(), LEGEND.len(), "{seen:?}");
}
