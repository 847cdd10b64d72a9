//! What has to hold whatever is answered.

use incidents::assess::{Answers, Form, Kind, Weight};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::{WHY, form, otherwise};

/// A small generator (Knuth's constants), so that a walk is one number.
pub(super) struct Draws(pub(super) u64);

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % count.max(1) as u64).unwrap_or(0)
    }
}

/// Every question answered somehow, asked or not. One in `gap` is left out, if that is not 0, and texts are blank or too long at times.
fn somehow(form: &Form, draws: &mut Draws, gap: usize) -> Answers {
    let mut answers = Answers::new();
    for question in &form.questions {
        let answer = match question.options.get(draws.below(question.options.len())) {
            Some(option) => option.id.clone(),
            None if gap > 0 && draws.below(8) == 0 => [" \n", "--", "\u{200B}"][draws.below(3)].to_owned(),
            None if gap > 0 && draws.below(20) == 0 => "y".repeat(5_000),
            None => WHY.to_owned(),
        };
        if gap == 0 || draws.below(gap) != 0 {
            answers.insert(question.id.clone(), answer);
        }
    }
    answers
}

/// Complete answers without any that is not asked.
pub(super) fn walked(form: &Form, draws: &mut Draws) -> Answers {
    form.applying(&somehow(form, draws, 0))
}

/// Answers nearer to a low probability, so that it is reached often enough to mean something.
fn mostly_low(form: &Form, draws: &mut Draws) -> Answers {
    let mut answers = somehow(form, draws, 40);
    for question in form.questions.iter().filter(|one| one.kind == Kind::Choice) {
        if draws.below(12) > 0 {
            let lighter = question.options.iter().filter(|option| option.weighs == Some(Weight::Low));
            let first = if question.id == "secured" { "no" } else { "none" };
            let id = if draws.below(2) == 0 { lighter.map(|one| one.id.as_str()).next() } else { None };
            let id = if ["secured", "exception"].contains(&question.id.as_str()) { Some(first) } else { id };
            if let Some(id) = id {
                answers.insert(question.id.clone(), id.to_owned());
            }
        }
    }
    answers
}

const FACTORS: [&str; 5] = ["extent", "reidentification", "recipient", "acquired", "mitigated"];
const REASONS: [&str; 4] = ["extent_why", "recipient_why", "acquired_why", "mitigated_why"];

/// Reckoned anew and plainly: each factor has an option that does not weigh high, and each a reason that can be read.
fn all_factors_are_shown(form: &Form, answers: &Answers) -> bool {
    let weight = |id: &str| form.question(id)?.option(answers.get(id)?)?.weighs;
    let rated = FACTORS.iter().all(|id| weight(id).is_some_and(|weight| weight != Weight::High));
    let is_reason = |text: &String| text.chars().count() <= 4_000 && text.chars().any(char::is_alphanumeric);
    rated && REASONS.iter().all(|id| answers.get(*id).is_some_and(is_reason))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// 45 CFR 164.402(2): the presumption falls only where all four factors show it.
    #[test]
    fn hipaa_never_concludes_low_with_a_factor_open_or_high(seed in any::<u64>()) {
        let form = form("hipaa-4-factors");
        for answers in [somehow(form, &mut Draws(seed), 6), mostly_low(form, &mut Draws(seed))] {
            if !all_factors_are_shown(form, &answers) {
                let found = form.outcome(&answers).expect("the law presumes one");
                prop_assert!(found.id != "low", "{answers:?}");
                let forced = otherwise("low", &WHY.repeat(2));
                prop_assert!(form.conclude(&answers, &forced).is_err(), "{answers:?}");
                prop_assert!(form.conclude(&form.applying(&answers), &forced).is_err(), "{answers:?}");
            }
        }
    }

    /// A graver answer never leads to a milder outcome.
    #[test]
    fn graver_answers_never_make_gdpr_milder(seed in any::<u64>()) {
        never_milder(form("gdpr-risk"), seed)?;
    }

    #[test]
    fn graver_answers_never_make_hipaa_or_appi_milder(seed in any::<u64>()) {
        never_milder(form("hipaa-4-factors"), seed)?;
        never_milder(form("appi-triggers"), seed)?;
    }
}

fn gravity(form: &Form, answers: &Answers) -> u8 {
    let outcome = form.outcome(answers).expect("complete answers lead to an outcome");
    form.possible(&outcome.id).expect("it is there").gravity
}

fn never_milder(form: &Form, seed: u64) -> Result<(), proptest::test_runner::TestCaseError> {
    let before = somehow(form, &mut Draws(seed), 0);
    for question in &form.questions {
        let weight = |id: &str| question.option(id).and_then(|option| option.weighs);
        let Some(now) = before.get(&question.id).and_then(|id| weight(id)) else { continue };
        for graver in question.options.iter().filter(|option| option.weighs > Some(now)) {
            let mut after = before.clone();
            after.insert(question.id.clone(), graver.id.clone());
            prop_assert!(
                gravity(form, &after) >= gravity(form, &before),
                "{}: {} to {} with {before:?}",
                question.id,
                before[&question.id],
                graver.id
            );
        }
    }
    Ok(())
}

#[test]
fn walks_come_to_every_outcome_so_that_properties_say_something() {
    for id in super::IDS {
        let form = form(id);
        let mut reached = std::collections::BTreeSet::new();
        for seed in 0..1_500 {
            let found = |answers: &Answers| form.outcome(answers).map(|outcome| outcome.id);
            reached.extend(found(&walked(form, &mut Draws(seed))));
            reached.extend(found(&mostly_low(form, &mut Draws(seed))));
        }
        let missed: Vec<&str> =
            form.outcomes.iter().map(|one| one.id.as_str()).filter(|one| !reached.contains(*one)).collect();
        // Twenty answers drawn at random are hardly ever all harmless; a case reaches what walks do not.
        let rare: &[&str] = if id == "gdpr-risk" { &["unlikely"] } else { &[] };
        assert!(missed.iter().all(|one| rare.contains(one)), "{id}: {missed:?}");
    }
}
