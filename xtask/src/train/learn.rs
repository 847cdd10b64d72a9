//! Logistic regression by stochastic gradient descent with a step of its own for each weight (AdaGrad: Duchi, Hazan,
//! Singer: Adaptive Subgradient Methods, JMLR 2011).

use std::collections::HashMap;

use recognize::names::tagger::features::FEATURE_BITS;
use recognize::names::tagger::logistic;

use super::sentences::Random;

/// Passes over the examples.
const PASSES: usize = 6;
/// Size of the first step.
const RATE: f32 = 0.15;
/// How far every weight shrinks at each use, so that rare features stay near nothing.
const DECAY: f32 = 1e-3;
/// Lexical features that occur in fewer templates say more about those templates than about names.
const TEMPLATES_MIN: usize = 3;
/// Percent of the lexical features that an example shows in a pass: the others must carry the decision without them.
const LEXICAL_SHOWN_PERCENT: usize = 50;

/// A feature of an example.
#[derive(Clone, Copy)]
pub struct Feature {
    /// Its number.
    pub number: usize,
    /// Whether it rests on words or letters.
    pub lexical: bool,
}

/// A candidate with the truth.
pub struct Example {
    /// What is seen of it.
    pub features: Vec<Feature>,
    /// Whether it is a person's name.
    pub person: bool,
    /// Whether the rules left it in doubt.
    pub doubt: bool,
    /// The template it comes from.
    pub template: usize,
}

/// The weights that tell persons from others.
pub fn weights(examples: &[Example], seed: u64) -> Vec<f32> {
    let usable = usable(examples);
    let mut weights = vec![0.0_f32; 1 << FEATURE_BITS];
    let mut squares = vec![1e-4_f32; 1 << FEATURE_BITS];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = Random::new(seed);
    let mut shown = Vec::new();
    for _ in 0..PASSES {
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        for example in order.iter().filter_map(|at| examples.get(*at)) {
            shown.clear();
            shown.extend(
                example
                    .features
                    .iter()
                    .filter(|feature| {
                        !feature.lexical || usable[feature.number] && random.below(100) < LEXICAL_SHOWN_PERCENT
                    })
                    .map(|feature| feature.number),
            );
            step(&shown, example.person, &mut weights, &mut squares);
        }
    }
    weights
}

/// The sum of the weights of an example, in logits.
pub fn score(features: &[Feature], weights: &[f32]) -> f32 {
    features.iter().map(|feature| weights[feature.number]).sum()
}

fn step(shown: &[usize], person: bool, weights: &mut [f32], squares: &mut [f32]) {
    let sum: f32 = shown.iter().map(|number| weights[*number]).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a probability")]
    let error = f32::from(u8::from(person)) - logistic(f64::from(sum)) as f32;
    for number in shown {
        let gradient = error - DECAY * weights[*number];
        squares[*number] += gradient * gradient;
        weights[*number] += RATE * gradient / squares[*number].sqrt();
    }
}

/// Which lexical features occur in enough templates.
fn usable(examples: &[Example]) -> Vec<bool> {
    let mut seen: HashMap<usize, Vec<usize>> = HashMap::new();
    for example in examples {
        for feature in example.features.iter().filter(|feature| feature.lexical) {
            let templates = seen.entry(feature.number).or_default();
            if templates.len() < TEMPLATES_MIN && !templates.contains(&example.template) {
                templates.push(example.template);
            }
        }
    }
    let mut usable = vec![false; 1 << FEATURE_BITS];
    for (number, templates) in seen {
        usable[number] = templates.len() >= TEMPLATES_MIN;
    }
    usable
}
