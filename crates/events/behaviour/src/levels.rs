//! How often scores reach a level, older ones counting less.

/// Steps of scores.
const STEPS: usize = 128;
/// Steps to a doubling.
const FINENESS: f32 = 8.0;
/// The end of the first step.
const LEAST: f32 = 1.0 / 16.0;

/// Counts of scores by their height, right within a twelfth. From a 16th to 4,096.
#[derive(Clone, Debug)]
pub struct Levels {
    steps: Box<[f64]>,
}

impl Default for Levels {
    fn default() -> Self {
        Self { steps: vec![0.0; STEPS].into() }
    }
}

impl Levels {
    fn step(score: f32) -> usize {
        (((score.max(LEAST) / LEAST).log2() * FINENESS) as usize).min(STEPS - 1)
    }

    /// Counts a score.
    pub fn add(&mut self, score: f32) {
        if let Some(step) = self.steps.get_mut(Self::step(score)) {
            *step += 1.0;
        }
    }

    /// Multiplies what is known by `factor`.
    pub fn fade(&mut self, factor: f64) {
        self.steps.iter_mut().for_each(|step| *step *= factor);
    }

    /// The score that at most `count` of those counted reach; 0 where fewer were counted.
    #[must_use]
    pub fn reached_by(&self, count: f64) -> f32 {
        let mut sum = 0.0;
        for (place, step) in self.steps.iter().enumerate().rev() {
            sum += step;
            if sum > count {
                return ((place as f32 + 0.5) / FINENESS).exp2() * LEAST;
            }
        }
        0.0
    }
}
