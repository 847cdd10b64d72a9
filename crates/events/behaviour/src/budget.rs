//! How high a score must be, so that there are as many alerts as were asked for.
use crate::levels::Levels;

/// Scores after this many days count half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Unused budget of at most this many days is kept.
const SAVED_DAYS: f64 = 7.0;
/// The threshold is set for somewhat more than the budget, and what is left of the budget cuts the rest off.
const SLACK: f64 = 1.3;
/// A score that is reached in this part of the budgeted person-days is urgent: it need not wait until budget was earned.
const URGENT: f64 = 0.4;
/// What urgent alerts may overdraw, in days of earning; later alerts pay for it.
const CREDIT_DAYS: f64 = 4.0;

/// Learns the threshold from past scores, and keeps count of what may still be spent.
#[derive(Clone, Debug)]
pub struct Budget {
    per_person_day: f64,
    levels: Levels,
    person_days: f64,
    allowance: f64,
}

impl Budget {
    /// A budget of alerts per 1,000 person-days.
    #[must_use]
    pub fn new(per_1000_person_days: f64) -> Self {
        let rate = if per_1000_person_days.is_finite() { per_1000_person_days.max(0.0) / 1000.0 } else { 0.0 };
        Self { per_person_day: rate, levels: Levels::default(), person_days: 0.0, allowance: 0.0 }
    }

    /// The score that is reached in as many person-days as the budget says.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.levels.reached_by(self.per_person_day * self.person_days * SLACK)
    }

    /// Takes a day's scores, highest first, of `person_days`; returns how many of them are alerts.
    pub fn day(&mut self, scores: &[f32], person_days: f64, spends: bool) -> usize {
        let threshold = self.threshold();
        let urgent = self.levels.reached_by(self.per_person_day * self.person_days * URGENT);
        let fade = (-1.0 / HALF_LIFE_DAYS).exp2();
        self.levels.fade(fade);
        self.person_days = self.person_days * fade + person_days;
        for &score in scores {
            self.levels.add(score);
        }
        if !spends {
            return 0;
        }
        let earned = self.per_person_day * person_days;
        self.allowance = (self.allowance + earned).min((SAVED_DAYS * earned).max(1.0));
        let credit = (CREDIT_DAYS * earned).max(f64::from(earned > 0.0));
        let mut alerts = 0;
        for &score in scores {
            let least = if score >= urgent { 1.0 - credit } else { 1.0 };
            if score < threshold || score <= 0.0 || self.allowance < least {
                break;
            }
            self.allowance -= 1.0;
            alerts += 1;
        }
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

    #[test]
    fn what_is_urgent_does_not_wait_and_later_alerts_pay_for_it() {
        let mut budget = Budget::new(1.0);
        let ordinary: Vec<f32> = (0..100_u8).map(|n| 2.0 - f32::from(n) / 100.0).collect();
        for _ in 0..100 {
            budget.day(&ordinary, 100.0, false);
        }
        // A tenth of an alert is earned in a day; each day is stranger than all before.
        let mut strange = 60.0;
        let mut day = || {
            strange *= 1.1;
            budget.day(&[strange, 1.0], 100.0, true)
        };
        assert_eq!(day(), 1, "although next to nothing was earned");
        assert_eq!((0..5).map(|_| day()).sum::<usize>(), 0, "the debt has a bound");
        let more: usize = (0..100).map(|_| day()).sum();
        assert!((8..=11).contains(&more), "{more} in 100 days that earn ten");
    }

    #[test]
    fn a_budget_of_nothing_alerts_of_nothing() {
        let mut budget = Budget::new(0.0);
        assert_eq!((0..30).map(|_| budget.day(&[9.0], 100.0, true)).sum::<usize>(), 0);
    }
}
