//! Tier 3: decides what the rules left in doubt, and judges again what they took without being sure. A logistic
//! regression over hashed features of the candidate and three words on either side ([`features`]), with one byte a
//! weight. It reads the windows around candidates and nothing else of a text.
//!
//! `cargo xtask train-names` learns the weights from generated text and writes content/names/tagger.bin; what it
//! measured stands in content/names/tagger.md.

pub mod features;

use super::{Gazetteer, HIT_CONFIDENCE, NameHit, Names, Scratch, Why, rules};
use features::{FEATURE_BITS, Kind};

/// The packed weights as built by [`pack`].
static PACKED: &[u8] = include_bytes!("../../../../../content/names/tagger.bin");

/// First bytes of packed weights: their name and the version of their layout. It changes with the features.
const MAGIC: [u8; 8] = *b"LZTAGGR2";

/// From this confidence on the rules are sure enough, in percent.
pub const SURE_CONFIDENCE: u8 = 80;

/// The tagger.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tagger {
    /// One for each feature; empty when there are no weights, and then nothing is decided.
    weights: &'static [u8],
    /// What a step of a weight is worth, in logits.
    scale: f64,
    thresholds: Thresholds,
}

/// Where the tagger overrules the rules, in logits. Between the two the rules' word holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// From here on a doubt becomes a hit.
    pub promote: f32,
    /// Below, a hit is dismissed.
    pub dismiss: f32,
}

impl Tagger {
    /// The tagger that the program carries.
    #[must_use]
    pub fn load() -> Self {
        Self::from_packed(PACKED).unwrap_or_default()
    }

    /// A tagger from its packed form. None when it is no such thing.
    #[must_use]
    pub fn from_packed(packed: &'static [u8]) -> Option<Self> {
        let rest = packed.strip_prefix(&MAGIC)?;
        let (scale, rest) = rest.split_first_chunk::<4>()?;
        let (promote, rest) = rest.split_first_chunk::<4>()?;
        let (dismiss, weights) = rest.split_first_chunk::<4>()?;
        let scale = f32::from_le_bytes(*scale);
        let thresholds = Thresholds { promote: f32::from_le_bytes(*promote), dismiss: f32::from_le_bytes(*dismiss) };
        let numbers = [scale, thresholds.promote, thresholds.dismiss];
        if weights.len() != 1 << FEATURE_BITS || !numbers.iter().all(|number| number.is_finite()) {
            return None;
        }
        Some(Self { weights, scale: f64::from(scale), thresholds })
    }

    /// Decides the doubts of the last [`Names::find`] over `text`, whose hits are `hits` and nothing else; returns how
    /// many bytes of the text were read.
    pub fn rescore(&self, names: &Names, text: &str, scratch: &Scratch, hits: &mut Vec<NameHit>) -> usize {
        if self.weights.is_empty() {
            return 0;
        }
        candidates(scratch, hits);
        let (mut read, mut read_to, mut taken_to) = (0, 0, 0);
        hits.retain_mut(|hit| {
            if hit.confidence < SURE_CONFIDENCE {
                let (from, to) = features::window(text, hit);
                read += to.saturating_sub(from.max(read_to));
                read_to = read_to.max(to);
                self.judge(names.gazetteer(), text, hit);
            }
            let keep = hit.confidence >= HIT_CONFIDENCE && hit.start >= taken_to;
            if keep {
                taken_to = hit.end;
            }
            keep
        });
        read
    }

    /// Sets the candidate's confidence anew; below [`HIT_CONFIDENCE`] it is no name.
    fn judge(&self, gazetteer: &Gazetteer, text: &str, candidate: &mut NameHit) {
        let logits = self.logits(gazetteer, text, candidate);
        let doubted = candidate.confidence < HIT_CONFIDENCE;
        if doubted && rules::is_code(text.as_bytes(), candidate.start, candidate.end) {
            candidate.confidence = 0;
            return;
        }
        let needed = if doubted { self.thresholds.promote } else { self.thresholds.dismiss };
        candidate.confidence = if logits < f64::from(needed) { 0 } else { percent(logits).max(HIT_CONFIDENCE) };
        if doubted {
            candidate.why = Why::Model;
        }
    }

    fn logits(&self, gazetteer: &Gazetteer, text: &str, candidate: &NameHit) -> f64 {
        let mut sum = 0_i32;
        features::each(gazetteer, text, candidate, &mut |_: Kind, feature| {
            sum += i32::from(self.weights.get(feature).map_or(0, |weight| weight.cast_signed()));
        });
        f64::from(sum) * self.scale
    }
}

/// Puts doubts among the hits, in the order of the text. They are known by their confidence.
pub fn candidates(scratch: &Scratch, hits: &mut Vec<NameHit>) {
    let found = hits.len();
    for doubt in scratch.doubts() {
        let known = hits.get(..found).unwrap_or_default();
        let at = known.partition_point(|hit| hit.end <= doubt.hit.start);
        if known.get(at).is_none_or(|hit| hit.start >= doubt.hit.end) {
            hits.push(doubt.hit);
        }
    }
    hits.sort_by_key(|hit| hit.start);
}

/// The packed form of weights and thresholds.
#[must_use]
pub fn pack(weights: &[f32], thresholds: Thresholds) -> Vec<u8> {
    let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs())).max(f32::MIN_POSITIVE);
    let scale = largest / 127.0;
    let mut packed = MAGIC.to_vec();
    packed.extend(scale.to_le_bytes());
    packed.extend(thresholds.promote.to_le_bytes());
    packed.extend(thresholds.dismiss.to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "no weight is larger than the largest, which becomes 127")]
    packed.extend(weights.iter().map(|weight| ((weight / scale).round() as i8).cast_unsigned()));
    packed
}

/// The logistic function, by squaring `1 + x/1024` ten times: additions and multiplications give the same bits on every
/// machine, `exp` of a system's library does not.
#[must_use]
pub fn logistic(x: f64) -> f64 {
    let mut power = 1.0 - x.clamp(-30.0, 30.0) / 1024.0;
    for _ in 0..10 {
        power *= power;
    }
    1.0 / (1.0 + power)
}

fn percent(logits: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 99")]
    let percent = (logistic(logits) * 100.0).clamp(0.0, 99.0) as u8;
    percent
}

#[cfg(test)]
mod tests {
    use super::{FEATURE_BITS, Tagger, Thresholds, logistic, pack, percent};

    #[test]
    fn half_the_chance_is_half_of_a_hundred() {
        assert!((logistic(0.0) - 0.5).abs() < 1e-9);
        assert!((logistic(2.0) - 0.880_797).abs() < 1e-3);
        assert_eq!((percent(-40.0), percent(0.0), percent(40.0)), (0, 50, 99));
    }

    #[test]
    fn weights_survive_packing() {
        let mut weights = vec![0.0; 1 << FEATURE_BITS];
        weights[3] = -2.0;
        weights[4] = 1.0;
        let packed: &'static [u8] = pack(&weights, Thresholds { promote: 0.25, dismiss: -1.5 }).leak();
        let tagger = Tagger::from_packed(packed).expect("it is packed");
        assert_eq!((tagger.weights[3].cast_signed(), tagger.weights[4].cast_signed()), (-127, 64));
        assert_eq!(tagger.thresholds, Thresholds { promote: 0.25, dismiss: -1.5 });
        assert!(Tagger::from_packed(&packed[1..]).is_none());
        assert!(Tagger::from_packed(&packed[..packed.len() - 1]).is_none());
    }

    #[test]
    fn the_program_carries_weights() {
        assert!(Tagger::from_packed(super::PACKED).is_some(), "run `cargo xtask train-names`");
        assert!(super::PACKED.len() <= 300 * 1024);
    }
}
