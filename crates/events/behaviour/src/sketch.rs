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

    /// Adds a value that falls into a bucket and counts one day.
    pub fn count(&mut self, bucket: u8) {
        if let Some(slot) = self.weights.get_mut(usize::from(bucket)) {
            *slot = T::from_days(slot.days() + 1.0);
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

/// The pasts of all that is counted of one entity: [`Histogram`]s of `u16`, of which only buckets with something in them take
/// room, four bytes each. The same numbers come out to the last bit; `tests/oracle.rs` holds one against the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pasts {
    /// In order of their keys.
    bins: Vec<Bin>,
}

/// A bucket of one of the [`Pasts`].
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bin {
    /// The place of what is counted times [`BUCKETS`], and the bucket.
    key: u16,
    weight: u16,
}

impl Pasts {
    /// Where the buckets of a place begin and end.
    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let (first, next) = (place * BUCKETS, (place + 1) * BUCKETS);
        let begin = self.bins.partition_point(|bin| usize::from(bin.key) < first);
        let rest = self.bins.get(begin..).unwrap_or_default();
        begin..begin + rest.iter().take_while(|bin| usize::from(bin.key) < next).count()
    }

    /// The past of what is counted at `place`.
    #[must_use]
    pub fn of(&self, place: usize) -> Past<'_> {
        Past { first: place * BUCKETS, bins: self.bins.get(self.range(place)).unwrap_or_default() }
    }

    /// Multiplies what is known of `place` by `factor`, and adds a value that counts `weight` days.
    pub fn learn(&mut self, place: usize, factor: f32, value: f32, weight: f32) {
        let range = self.range(place);
        for bin in self.bins.get_mut(range.clone()).unwrap_or_default() {
            bin.weight = Weight::from_days(Weight::days(bin.weight) * factor);
        }
        let key = (place * BUCKETS + bucket(value)) as u16;
        let bins = self.bins.get_mut(range.clone()).unwrap_or_default();
        match bins.binary_search_by_key(&key, |bin| bin.key) {
            Ok(at) => {
                if let Some(bin) = bins.get_mut(at) {
                    bin.weight = Weight::from_days(Weight::days(bin.weight) + weight);
                }
            }
            Err(at) => {
                if self.bins.len() == self.bins.capacity() {
                    // Little by little: most entities have few buckets.
                    self.bins.reserve_exact(if self.bins.is_empty() { FIRST_BINS } else { MORE_BINS });
                }
                self.bins.insert(range.start + at, Bin { key, weight: Weight::from_days(weight) });
            }
        }
    }

    /// Gives up buckets that hold nothing any more.
    pub fn tidy(&mut self) {
        self.bins.retain(|bin| bin.weight > 0);
    }

    /// Bytes beside the structure itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bins.capacity() * size_of::<Bin>()
    }
}

/// Room for the first day of an entity.
const FIRST_BINS: usize = 16;
/// Room that is added when it does not suffice.
const MORE_BINS: usize = 8;

/// One of the [`Pasts`]; answers as a [`Histogram`] does.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The key of its first bucket.
    first: usize,
    bins: &'a [Bin],
}

impl Past<'_> {
    /// The days that are known.
    #[must_use]
    pub fn total(&self) -> f32 {
        self.bins.iter().map(|bin| bin.weight.days()).sum()
    }

    /// The days with at least about `value`: those of the same bucket count half.
    #[must_use]
    pub fn tail(&self, value: f32) -> f32 {
        let at = bucket(value);
        if at == 0 {
            return self.total();
        }
        let at = self.first + at;
        let above: f32 = self.bins.iter().filter(|bin| usize::from(bin.key) > at).map(|bin| bin.weight.days()).sum();
        let same = self.bins.iter().find(|bin| usize::from(bin.key) == at);
        above + same.map_or(0.0, |bin| bin.weight.days() / 2.0)
    }

    /// The value that a share of `quantile` of the days stays below.
    #[must_use]
    pub fn quantile(&self, quantile: f32) -> f32 {
        let wanted = self.total() * quantile;
        if wanted <= 0.0 {
            return 0.0;
        }
        let mut sum = 0.0;
        for bin in self.bins {
            sum += bin.weight.days();
            if sum >= wanted {
                return middle((usize::from(bin.key) - self.first) as f32);
            }
        }
        middle((BUCKETS - 1) as f32)
    }
}

/// Cells of a row of [`Frequencies`].
const CELLS: usize = 512;

/// How often things came, in a count-min sketch (Cormode and Muthukrishnan, 2005) of two rows: never too seldom, and too often
/// by about a 512th of all. 4 KiB once something came.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    cells: Vec<f32>,
}

impl Frequencies {
    fn places(key: u32) -> [usize; 2] {
        [key as usize % CELLS, CELLS + (key.rotate_left(16).wrapping_mul(0x9e37_79b1) >> 16) as usize % CELLS]
    }

    /// Counts a thing.
    pub fn add(&mut self, key: u32) {
        if self.cells.is_empty() {
            self.cells = vec![0.0; 2 * CELLS];
        }
        for place in Self::places(key) {
            if let Some(cell) = self.cells.get_mut(place) {
                *cell += 1.0;
            }
        }
    }

    /// How often it came.
    #[must_use]
    pub fn of(&self, key: u32) -> f32 {
        let [first, second] = Self::places(key).map(|place| self.cells.get(place).copied().unwrap_or(0.0));
        first.min(second)
    }

    /// Multiplies what is known by `factor`.
    pub fn fade(&mut self, factor: f32) {
        self.cells.iter_mut().for_each(|cell| *cell *= factor);
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

/// The latest `N` things with the day of their last use and the days of use; the one that was not used for longest gives way.
#[derive(Clone, Debug)]
pub struct Recent<const N: usize> {
    keys: [u32; N],
    last: [u16; N],
    days: [u8; N],
}

/// How a thing was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The day of its last use.
    pub last: u16,
    /// On how many days it was used, up to 255.
    pub days: u8,
}

impl Use {
    /// On how many days before `day` it was used.
    #[must_use]
    pub fn before(self, day: u16) -> u16 {
        u16::from(self.days).saturating_sub(u16::from(self.last == day))
    }
}

impl<const N: usize> Default for Recent<N> {
    fn default() -> Self {
        Self { keys: [0; N], last: [0; N], days: [0; N] }
    }
}

impl<const N: usize> Recent<N> {
    /// Marks a thing as used; returns how it was used before, if it is remembered. Days start at 1.
    pub fn touch(&mut self, hash: u64, day: u16) -> Option<Use> {
        let key = (hash as u32).max(1);
        let mut oldest = (u16::MAX, 0);
        for (place, ((known, last), days)) in self.keys.iter().zip(&mut self.last).zip(&mut self.days).enumerate() {
            if *known == key {
                let before = Use { last: *last, days: *days };
                if day > *last {
                    *days = days.saturating_add(1);
                    *last = day;
                }
                return Some(before);
            }
            if *last < oldest.0 {
                oldest = (*last, place);
            }
        }
        let slots = (self.keys.get_mut(oldest.1), self.last.get_mut(oldest.1), self.days.get_mut(oldest.1));
        if let (Some(known), Some(last), Some(days)) = slots {
            (*known, *last, *days) = (key, day, 1);
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
