//! What was reached against what was to be: a bar, and a mark on it.

/// Width of the drawing, in its own units.
const WIDTH: f64 = 600.0;
/// Beyond the larger of the two some room is left.
const ROOM: f64 = 1.15;

/// A bar with its mark.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gauge {
    pub(crate) width: f64,
    /// Where the bar ends.
    pub(crate) reached: f64,
    /// Where the mark stands.
    pub(crate) target: f64,
    /// Whether the bar ends beyond the mark.
    pub(crate) is_over: bool,
}

/// A bar of `value` with a mark at `target`, both in one unit.
pub(crate) fn gauge(value: f64, target: f64) -> Gauge {
    let plain = |number: f64| if number.is_finite() { number.max(0.0) } else { 0.0 };
    let (value, target) = (plain(value), plain(target));
    let whole = value.max(target) * ROOM;
    let place = |number: f64| if whole > 0.0 { number / whole * WIDTH } else { 0.0 };
    Gauge { width: WIDTH, reached: place(value), target: place(target), is_over: value > target }
}

#[cfg(test)]
mod tests {
    use super::gauge;

    #[test]
    fn the_longer_of_both_nearly_fills_it() {
        let under = gauge(30.0, 60.0);
        assert!(!under.is_over && under.reached * 2.0 == under.target && under.target < under.width);
        let over = gauge(90.0, 60.0);
        assert!(over.is_over && over.reached > over.target && over.reached < over.width);
        assert!(!gauge(60.0, 60.0).is_over, "the target itself is kept");
        for odd in [gauge(0.0, 0.0), gauge(f64::NAN, 1.0), gauge(1.0, f64::INFINITY), gauge(-1.0, -1.0)] {
            assert!((0.0..=odd.width).contains(&odd.reached) && (0.0..=odd.width).contains(&odd.target), "{odd:?}");
        }
    }
}
