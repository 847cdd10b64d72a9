//! Small summaries of many numbers, each with a stated error against the slow way in `tests/oracle.rs`.

/// Buckets of a [`Histogram`].
pub const BUCKETS: usize = 24;
/// The binary logarithm of the ratio between the ends of a bucket.
const STEP: f32 = 0.85;
/// Weight of one day in the fixed-point counters.
const ONE: f32 = 1024.0;

/// The bucket of a value: 0 for less than 1, then a factor of 2^0.85 each, up to about 770,000.
#[must_use]
pub fn bucket(value: f32) -> usize {
    if value < 1.0 {
        return 0;
    }
    (1 + (value.log2() / STEP + 1e-4) as usize).min(BUCKETS - 1)
}

/// The value in the middle of a bucket, on the logarithmic scale.
fn middle(bucket: f32) -> f32 {
    if bucket < 1.0 { 0.0 } else { ((bucket - 0.5) * STEP).exp2().max(1.0) }
}

/// How often values were how large, older ones counting less. A quantile is right within a factor of 2^0.85 (one bucket).
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram<T> {
    weights: [T; BUCKETS],
}

/// A counter of a [`Histogram`]: `u16` in fixed point for an entity, `f32` for a peer group.
pub trait Weight: Copy + Default {
    /// As days.
    fn days(self) -> f32;
    /// From days.
    fn from_days(days: f32) -> Self;
}

impl Weight for u16 {
    fn days(self) -> f32 {
        f32::from(self) / ONE
    }
    fn from_days(days: f32) -> Self {
        (days * ONE) as Self
    }
}

impl Weight for f32 {
    fn days(self) -> f32 {
        self
    }
    fn from_days(days: f32) -> Self {
        days
    }
}

impl<T: Weight> Default for Histogram<T> {
    fn default() -> Self {
        Self { weights: [T::default(); BUCKETS] }
    }
}

impl<T: Weight> Histogram<T> {
    /// Multiplies what is known by `factor`.
    pub fn fade(&mut self, factor: f32) {
        for weight in &mut self.weights {
            *weight = T::from_days(weight.days() * factor);
        }
    }

    /// Adds a value that counts `weight` days.
    pub fn add(&mut self, value: f32, weight: f32) {
        if let Some(slot) = self.weights.get_mut(bucket(value)) {
            *slot = T::from_days(slot.days() + weight);
        }
    }

    /// The days that are known.
    #[must_use]
    pub fn total(&self) -> f32 {
        self.weights.iter().map(|weight| weight.days()).sum()
    }

    /// The days with at least about `value`: those of the same bucket count half.
    #[must_use]
    pub fn tail(&self, value: f32) -> f32 {
        let at = bucket(value);
        if at == 0 {
            return self.total();
        }
        let above: f32 = self.weights.iter().skip(at + 1).map(|weight| weight.days()).sum();
        above + self.weights.get(at).map_or(0.0, |weight| weight.days() / 2.0)
    }

    /// The value that a share of `quantile` of the days stays below.
    #[must_use]
    pub fn quantile(&self, quantile: f32) -> f32 {
        let wanted = self.total() * quantile;
        let mut sum = 0.0;
        for (place, weight) in self.weights.iter().enumerate() {
            sum += weight.days();
            if sum >= wanted {
                return middle(place as f32);
            }
        }
        middle((BUCKETS - 1) as f32)
    }
}

/// Sums over distinct things, in 64 bytes: a filter of 512 bits, and each new thing weighted by how likely new things are
/// taken for known ones. Within 30 % up to 1,500 things; beyond, it grows too slowly and never falls.
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    bits: [u64; 8],
    filled: u16,
}

impl Distinct {
    /// What a thing counts: 0 if it was seen, otherwise at least 1.
    pub fn weight(&mut self, hash: u64) -> f32 {
        let bit = (hash >> 32) & 511;
        let Some(word) = self.bits.get_mut((bit / 64) as usize) else { return 0.0 };
        if *word & (1 << (bit % 64)) != 0 {
            return 0.0;
        }
        *word |= 1 << (bit % 64);
        let weight = 512.0 / f32::from(512 - self.filled);
        self.filled += 1;
        weight
    }
}

/// The latest `N` things with the day of their last use; the one that was not used for longest gives way.
#[derive(Clone, Debug)]
pub struct Recent<const N: usize> {
    keys: [u32; N],
    days: [u16; N],
}

impl<const N: usize> Default for Recent<N> {
    fn default() -> Self {
        Self { keys: [0; N], days: [0; N] }
    }
}

impl<const N: usize> Recent<N> {
    /// Marks a thing as used; returns the day of its last use before, if it is remembered. Days start at 1.
    pub fn touch(&mut self, hash: u64, day: u16) -> Option<u16> {
        let key = (hash as u32).max(1);
        let mut oldest = (u16::MAX, 0);
        for (place, (known, last)) in self.keys.iter().zip(&mut self.days).enumerate() {
            if *known == key {
                let before = *last;
                *last = before.max(day);
                return Some(before);
            }
            if *last < oldest.0 {
                oldest = (*last, place);
            }
        }
        if let (Some(known), Some(last)) = (self.keys.get_mut(oldest.1), self.days.get_mut(oldest.1)) {
            *known = key;
            *last = day;
        }
        None
    }
}

/// A hash that is the same on every machine: FNV-1a over eight bytes at a time, mixed at the end.
#[must_use]
pub fn hash(text: &str) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    state = (state ^ (state >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^ (state >> 29)
}
