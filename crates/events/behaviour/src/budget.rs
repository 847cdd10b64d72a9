//! How high a score must be, so that there are as many alerts as were asked for.

/// Bins of the scores.
const BINS: usize = 256;
/// Scores after this many days count half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Unused budget of at most this many days is kept.
const SAVED_DAYS: f64 = 7.0;
/// The threshold is set for somewhat more than the budget, and what is left of the budget cuts the rest off.
const SLACK: f64 = 1.3;

/// Learns the threshold from past scores, and keeps count of what may still be spent.
#[derive(Clone, Debug)]
pub struct Budget {
    per_person_day: f64,
    bins: Vec<f64>,
    person_days: f64,
    allowance: f64,
}

impl Budget {
    /// A budget of alerts per 1,000 person-days.
    #[must_use]
    pub fn new(per_1000_person_days: f64) -> Self {
        let rate = if per_1000_person_days.is_finite() { per_1000_person_days.max(0.0) / 1000.0 } else { 0.0 };
        Self { per_person_day: rate, bins: vec![0.0; BINS], person_days: 0.0, allowance: 0.0 }
    }

    /// Eight bins for each doubling, from 1/16 on.
    fn bin(score: f32) -> usize {
        (((score.max(0.0625) * 16.0).log2() * 8.0) as usize).min(BINS - 1)
    }

    /// The score that is reached in as many person-days as the budget says.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        let wanted = self.per_person_day * self.person_days * SLACK;
        let mut sum = 0.0;
        for (place, weight) in self.bins.iter().enumerate().rev() {
            sum += weight;
            if sum > wanted {
                return ((place as f32 + 0.5) / 8.0).exp2() / 16.0;
            }
        }
        0.0
    }

    /// Takes a day's scores, highest first, of `person_days`; returns how many of them are alerts.
    pub fn day(&mut self, scores: &[f32], person_days: f64, spends: bool) -> usize {
        let threshold = self.threshold();
        let fade = (-1.0 / HALF_LIFE_DAYS).exp2();
        for bin in &mut self.bins {
            *bin *= fade;
        }
        self.person_days = self.person_days * fade + person_days;
        for &score in scores {
            if let Some(bin) = self.bins.get_mut(Self::bin(score)) {
                *bin += 1.0;
            }
        }
        if !spends {
            return 0;
        }
        let earned = self.per_person_day * person_days;
        self.allowance = (self.allowance + earned).min((SAVED_DAYS * earned).max(1.0));
        let over = scores.iter().take_while(|&&score| score >= threshold && score > 0.0).count();
        let alerts = over.min(self.allowance as usize);
        self.allowance -= alerts as f64;
        alerts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_when_scores_grow() {
        let mut budget = Budget::new(2.0);
        let mut alerts = 0;
        for day in 0..200_u16 {
            let mut scores: Vec<f32> =
                (0..1000_u16).map(|n| f32::from((n * 37 + day * 11) % 1000) * f32::from(day + 1)).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            alerts += budget.day(&scores, 1000.0, day >= 20);
        }
        assert!((200..=360).contains(&alerts), "{alerts}");
    }
}
