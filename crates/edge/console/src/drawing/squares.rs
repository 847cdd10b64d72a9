//! Squarified treemaps: areas as near to squares as a row-wise layout allows.
//!
//! Bruls, Huizing, van Wijk: Squarified Treemaps. Data Visualization 2000, pp. 33–42.

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    /// The rectangle less `margin` on each side, or less a sixth where it is so narrow that it would vanish.
    pub(crate) fn inset(self, margin: f64) -> Self {
        let margin = margin.min(self.width / 6.0).min(self.height / 6.0);
        Self {
            x: self.x + margin,
            y: self.y + margin,
            width: (self.width - 2.0 * margin).max(0.0),
            height: (self.height - 2.0 * margin).max(0.0),
        }
    }
}

/// One rectangle a weight, in the weights' order, filling `area` in proportion. Weights should fall; what is not
/// positive gets no room.
pub(crate) fn squarify(weights: &[f64], area: Area) -> Vec<Area> {
    let total: f64 = weights.iter().filter(|weight| **weight > 0.0).sum();
    let mut areas = Vec::with_capacity(weights.len());
    let mut left = area;
    let mut sizes: Vec<f64> = Vec::with_capacity(weights.len());
    if total > 0.0 {
        sizes.extend(weights.iter().map(|weight| weight.max(0.0) / total * area.width * area.height));
    } else {
        sizes.resize(weights.len(), 0.0);
    }
    let mut from = 0;
    while from < sizes.len() {
        let side = left.width.min(left.height);
        let mut to = from + 1;
        while to < sizes.len() && worst(&sizes[from..=to], side) <= worst(&sizes[from..to], side) {
            to += 1;
        }
        left = lay(&sizes[from..to], left, &mut areas);
        from = to;
    }
    areas
}

/// The largest ratio of sides of a row along `side`.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let largest = row.iter().copied().fold(0.0, f64::max);
    let smallest = row.iter().copied().fold(f64::INFINITY, f64::min);
    if sum <= 0.0 || smallest <= 0.0 || side <= 0.0 {
        return f64::INFINITY;
    }
    (side * side * largest / (sum * sum)).max(sum * sum / (side * side * smallest))
}

/// Lays a row along the shorter side of `left`; what remains.
fn lay(row: &[f64], left: Area, areas: &mut Vec<Area>) -> Area {
    let sum: f64 = row.iter().sum();
    let is_column = left.width >= left.height;
    let side = if is_column { left.height } else { left.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = if is_column { left.y } else { left.x };
    for size in row {
        let length = if depth > 0.0 { size / depth } else { 0.0 };
        areas.push(if is_column {
            Area { x: left.x, y: at, width: depth, height: length }
        } else {
            Area { x: at, y: left.y, width: length, height: depth }
        });
        at += length;
    }
    if is_column {
        Area { x: left.x + depth, width: (left.width - depth).max(0.0), ..left }
    } else {
        Area { y: left.y + depth, height: (left.height - depth).max(0.0), ..left }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Area, squarify};

    const WHOLE: Area = Area { x: 0.0, y: 0.0, width: 600.0, height: 400.0 };

    /// The example of the paper's figure 4: a 6 × 4 rectangle.
    #[test]
    fn the_example_of_the_paper() {
        let area = Area { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        let areas = squarify(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], area);
        assert_eq!(areas[0], Area { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
        assert_eq!(areas[1], Area { x: 0.0, y: 2.0, width: 3.0, height: 2.0 });
        assert!((areas[2].width - 12.0 / 7.0).abs() < 1e-9, "{:?}", areas[2]);
    }

    #[test]
    fn nothing_takes_no_room() {
        assert!(squarify(&[], WHOLE).is_empty());
        assert!(squarify(&[0.0, 0.0], WHOLE).iter().all(|area| area.width * area.height == 0.0));
    }

    proptest! {
        #[test]
        fn areas_fill_the_whole_in_proportion_and_stay_inside(
            mut weights in prop::collection::vec(1e-3f64..1e12, 1..60),
        ) {
            weights.sort_by(|a, b| b.total_cmp(a));
            let total: f64 = weights.iter().sum();
            let areas = squarify(&weights, WHOLE);
            prop_assert_eq!(areas.len(), weights.len());
            for (area, weight) in areas.iter().zip(&weights) {
                prop_assert!((area.width * area.height - weight / total * 240_000.0).abs() < 1e-3);
                prop_assert!(area.x >= -1e-6 && area.y >= -1e-6);
                prop_assert!(area.x + area.width <= 600.0 + 1e-6 && area.y + area.height <= 400.0 + 1e-6);
            }
        }
    }
}
