//! Seen against usual, and when it happened: numbers in, places on a line out.

/// Width of the drawing, in its own units.
pub(crate) const WIDTH: f64 = 600.0;
/// Room for text to the right of the scale.
const RIGHT: f64 = 70.0;

/// A count on its scale.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    /// Where the actor's own most ends.
    pub(crate) own: f64,
    /// The actor's median.
    pub(crate) median: f64,
    /// What nine of ten days of its peers do not exceed.
    pub(crate) peers: f64,
    /// What was seen.
    pub(crate) seen: f64,
}

/// Places on a scale that grows by powers, since what is strange is often many times what is usual.
pub(crate) fn scale(seen: f64, usual: f64, most: f64, peers: f64) -> Scale {
    let largest = [seen, usual, most, peers, 1.0].into_iter().filter(|value| value.is_finite()).fold(1.0, f64::max);
    let place = |value: f64| {
        let value = if value.is_finite() { value.max(0.0) } else { 0.0 };
        (value.ln_1p() / largest.ln_1p() * (WIDTH - RIGHT)).clamp(0.0, WIDTH - RIGHT)
    };
    Scale { own: place(most), median: place(usual), peers: place(peers), seen: place(seen) }
}

/// A dot of a time line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dot {
    pub(crate) x: f64,
    /// How many fall together there.
    pub(crate) number: u32,
    pub(crate) radius: f64,
}

/// Times as dots between the first and the last; near ones fall together.
pub(crate) fn dots(times: &[i64]) -> Vec<Dot> {
    const PLACES: usize = 60;
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Vec::new() };
    let mut counts = [0_u32; PLACES];
    let span = (last - first).max(1);
    for time in times {
        let place = (time - first).saturating_mul(PLACES as i64 - 1) / span;
        if let Some(count) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "sixty places")]
    let step = (WIDTH - 24.0) / (PLACES as f64 - 1.0);
    let mut x = 12.0;
    let mut dots = Vec::new();
    for number in counts {
        if number > 0 {
            dots.push(Dot { x, number, radius: 4.0 + 6.0 * (f64::from(number) / f64::from(most)).sqrt() });
        }
        x += step;
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, dots, scale};

    #[test]
    fn what_is_more_lies_further_right_and_within_the_drawing() {
        let scale = scale(500.0, 3.0, 12.0, 20.0);
        assert!(scale.median < scale.own && scale.own < scale.peers && scale.peers < scale.seen);
        assert!(scale.seen <= WIDTH);
        let odd = super::scale(f64::NAN, f64::INFINITY, -1.0, 0.0);
        assert!([odd.seen, odd.median, odd.own, odd.peers].iter().all(|place| (0.0..=WIDTH).contains(place)));
    }

    #[test]
    fn times_that_are_near_fall_together() {
        let dots = dots(&[0, 1, 2, 1_000_000]);
        assert_eq!(dots.iter().map(|dot| dot.number).collect::<Vec<_>>(), [3, 1]);
        assert!(super::dots(&[]).is_empty());
        assert_eq!(super::dots(&[5]).len(), 1);
    }
}
