//! The fast sketches against slow and obvious ones that keep everything.
use behaviour::sketch::{Distinct, Frequencies, Histogram, Pasts, Recent, Use, hash};
use proptest::prelude::*;
use std::collections::HashSet;

/// Every value with its weight.
#[derive(Default)]
struct Everything(Vec<(f32, f32)>);

impl Everything {
    fn fade(&mut self, factor: f32) {
        self.0.iter_mut().for_each(|(_, weight)| *weight *= factor);
    }

    fn quantile(&self, quantile: f32) -> f32 {
        let mut sorted = self.0.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let wanted: f32 = sorted.iter().map(|(_, weight)| weight).sum::<f32>() * quantile;
        let mut sum = 0.0;
        for (value, weight) in &sorted {
            sum += weight;
            if sum >= wanted {
                return *value;
            }
        }
        sorted.last().map_or(0.0, |(value, _)| *value)
    }

    fn share_above(&self, value: f32) -> f32 {
        let all: f32 = self.0.iter().map(|(_, weight)| weight).sum();
        self.0.iter().filter(|(known, _)| *known >= value).map(|(_, weight)| weight).sum::<f32>() / all
    }
}

/// One bucket: 2^0.85, and a little for the fixed-point weights.
const BUCKET: f32 = 1.9;

proptest! {
    #[test]
    fn quantiles_are_right_within_a_bucket(values in prop::collection::vec(0_u32..200_000, 5..200)) {
        let mut fast = Histogram::<f32>::default();
        let mut slow = Everything::default();
        let factor = (-1.0_f32 / 30.0).exp2();
        for value in values {
            fast.fade(factor);
            slow.fade(factor);
            fast.add(value as f32, 1.0);
            slow.0.push((value as f32, 1.0));
        }
        for quantile in [0.1, 0.5, 0.9] {
            let (sketch, exact) = (fast.quantile(quantile), slow.quantile(quantile));
            prop_assert!(sketch <= exact * BUCKET && exact <= sketch * BUCKET, "{quantile}: {sketch} for {exact}");
        }
        // The share lies between those of the values a bucket further down and up.
        for value in [1.0, 100.0, 10_000.0] {
            let share = fast.tail(value) / fast.total();
            let (most, least) = (slow.share_above(value / BUCKET), slow.share_above(value * BUCKET));
            prop_assert!(least - 0.01 <= share && share <= most + 0.01, "{value}: {share} not in {least}..{most}");
        }
    }

    #[test]
    fn fixed_point_follows_floats(values in prop::collection::vec(0_u32..10_000, 10..300)) {
        let (mut small, mut large) = (Histogram::<u16>::default(), Histogram::<f32>::default());
        let factor = (-1.0_f32 / 30.0).exp2();
        for value in values {
            small.fade(factor);
            large.fade(factor);
            small.add(value as f32, 1.0);
            large.add(value as f32, 1.0);
        }
        // Rounding down loses at most 1/1024 a bucket and day, summed over a fading past: 24 × 43.8 / 1024.
        prop_assert!(large.total() - small.total() <= 1.03 && small.total() <= large.total() + 0.01);
    }

    #[test]
    fn pasts_without_empty_buckets_say_what_whole_histograms_say(
        days in prop::collection::vec((0_usize..22, 0_u32..1_000_000, 0_usize..3, 0_usize..3), 1..600),
    ) {
        let mut compact = Pasts::default();
        let mut plain = vec![Histogram::<u16>::default(); 22];
        for (place, value, weight, factor) in days {
            // Forgetting fast empties buckets; the usual way of an entity hardly does.
            let (value, weight) = (value as f32, [1.0, 0.3, 0.0001][weight]);
            let factor = [(-1.0_f32 / 30.0).exp2(), 0.01, 1.0][factor];
            compact.learn(place, factor, value, weight);
            plain[place].fade(factor);
            plain[place].add(value, weight);
            compact.tidy();
        }
        for (place, plain) in plain.iter().enumerate() {
            let compact = compact.of(place);
            prop_assert_eq!(compact.total(), plain.total());
            for value in [0.0, 1.0, 2.0, 30.0, 4_000.0, 900_000.0] {
                prop_assert_eq!(compact.tail(value), plain.tail(value), "{} at {}", value, place);
            }
            for quantile in [0.1, 0.5, 0.9] {
                prop_assert_eq!(compact.quantile(quantile), plain.quantile(quantile));
            }
        }
    }

    #[test]
    fn frequencies_are_never_too_low_and_hardly_too_high(things in prop::collection::vec(0_u32..300, 1..3_000)) {
        let mut fast = Frequencies::default();
        let mut slow = std::collections::HashMap::<u32, u32>::new();
        for thing in &things {
            let key = hash(&format!("edc/part-{thing}")) as u32;
            fast.add(key);
            *slow.entry(key).or_default() += 1;
        }
        let mut over = 0.0;
        for (&key, &count) in &slow {
            prop_assert!(fast.of(key) >= count as f32);
            over += fast.of(key) - count as f32;
        }
        prop_assert!(over / slow.len() as f32 <= things.len() as f32 / 256.0, "{over}");
    }

    #[test]
    fn distinct_sums_are_right_within_three_tenths(things in 50_u32..1500, repeats in 1_u32..4, salt in any::<u32>()) {
        let mut fast = Distinct::default();
        let mut slow = HashSet::new();
        let mut sum = 0.0;
        for _ in 0..repeats {
            for thing in 0..things {
                let name = format!("ST-001/edc/{salt}/{thing}");
                sum += fast.weight(hash(&name));
                slow.insert(name);
            }
        }
        let exact = slow.len() as f32;
        prop_assert!((sum - exact).abs() <= exact * 0.3, "{sum} for {exact}");
    }
}

#[test]
fn the_longest_unused_gives_way() {
    let mut recent = Recent::<2>::default();
    let used = |last, days| Some(Use { last, days });
    assert_eq!(recent.touch(hash("a"), 1), None);
    assert_eq!(recent.touch(hash("b"), 2), None);
    assert_eq!(recent.touch(hash("a"), 3), used(1, 1));
    assert_eq!(recent.touch(hash("a"), 3), used(3, 2));
    assert_eq!(recent.touch(hash("c"), 4), None);
    assert_eq!(recent.touch(hash("b"), 5), None);
    assert_eq!(recent.touch(hash("c"), 6), used(4, 1));
    assert_eq!(used(6, 3).map(|used| (used.before(6), used.before(7))), Some((2, 3)));
}
