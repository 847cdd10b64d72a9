//! Who took from where, and whose data that was: three columns, and ribbons between them as wide as what flowed.

use std::collections::BTreeMap;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
/// Between boxes of a column.
const GAP: f64 = 10.0;
/// The width of a box.
const BOX: f64 = 14.0;
/// Where each column begins.
const COLUMNS: [f64; 3] = [180.0, 423.0, 666.0];
/// The thinnest box.
const THIN: f64 = 3.0;
/// Boxes of a column; further ones are one box.
const ROWS_MAX: usize = 8;

/// A box, with its name beside it.
pub(crate) struct Node {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) height: f64,
    pub(crate) label: String,
    pub(crate) label_x: f64,
    pub(crate) label_y: f64,
    /// `end` or `start`, as SVG anchors a text.
    pub(crate) anchor: &'static str,
    pub(crate) column: usize,
}

/// A ribbon between two boxes, as a path of SVG.
pub(crate) struct Ribbon {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) column: usize,
}

/// The whole picture.
pub(crate) struct Flows {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ribbons: Vec<Ribbon>,
}

type Amounts = BTreeMap<(String, String), u64>;

/// Names by how much is at them, the most first; those beyond [`ROWS_MAX`] become one.
fn ranked(amounts: &Amounts, of: fn(&(String, String)) -> &String) -> Vec<String> {
    let mut sums: BTreeMap<&String, u64> = BTreeMap::new();
    for (pair, amount) in amounts {
        *sums.entry(of(pair)).or_default() += amount;
    }
    let mut names: Vec<(&String, u64)> = sums.into_iter().collect();
    names.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    names.into_iter().map(|(name, _)| name.clone()).collect()
}

fn folded(names: &[String], rest: &str) -> BTreeMap<String, String> {
    let fold = |(at, name): (usize, &String)| {
        let is_kept = at + 1 < ROWS_MAX || names.len() <= ROWS_MAX;
        (name.clone(), if is_kept { name.clone() } else { rest.to_owned() })
    };
    names.iter().enumerate().map(fold).collect()
}

fn fold(amounts: Amounts, left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> Amounts {
    let mut out = Amounts::new();
    for ((from, to), amount) in amounts {
        let (from, to) = (left.get(&from).cloned().unwrap_or(from), right.get(&to).cloned().unwrap_or(to));
        *out.entry((from, to)).or_default() += amount;
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "heights in a picture")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn total(amounts: &Amounts, is: impl Fn(&(String, String)) -> bool) -> u64 {
    amounts.iter().filter(|(pair, _)| is(pair)).map(|(_, amount)| *amount).sum()
}

/// Boxes of a column, by their shares.
fn column(at: usize, shares: &[(String, f64)]) -> Vec<Node> {
    #[expect(clippy::cast_precision_loss, reason = "heights in a picture")]
    let room = HEIGHT - GAP * shares.len().saturating_sub(1) as f64;
    let whole: f64 = shares.iter().map(|(_, share)| share).sum();
    let mut y = 12.0;
    let x = COLUMNS.get(at).copied().unwrap_or(0.0);
    let mut nodes = Vec::new();
    for (name, share) in shares {
        let height = if whole > 0.0 { (room * share / whole).max(THIN) } else { THIN };
        let (label_x, anchor) = if at == 0 { (x - 8.0, "end") } else { (x + BOX + 8.0, "start") };
        nodes.push(Node {
            x,
            y,
            height,
            label: name.clone(),
            label_x,
            label_y: y + height / 2.0 + 4.0,
            anchor,
            column: at,
        });
        y += height + GAP;
    }
    nodes
}

/// Ribbons from one column to the next.
fn ribbons(from: &[Node], to: &[Node], amounts: &Amounts, column: usize, unit: &str) -> Vec<Ribbon> {
    let mut ribbons = Vec::new();
    let mut left_used: BTreeMap<&str, f64> = BTreeMap::new();
    let mut right_used: BTreeMap<&str, f64> = BTreeMap::new();
    for left in from {
        for right in to {
            let Some(amount) = amounts.get(&(left.label.clone(), right.label.clone())) else { continue };
            let left_whole = total(amounts, |(name, _)| *name == left.label);
            let right_whole = total(amounts, |(_, name)| *name == right.label);
            let (thick, thin) = (left.height * share(*amount, left_whole), right.height * share(*amount, right_whole));
            let left_at = left_used.entry(left.label.as_str()).or_default();
            let right_at = right_used.entry(right.label.as_str()).or_default();
            let (x0, x1) = (left.x + BOX, right.x);
            let (y0, y1, middle) = (left.y + *left_at, right.y + *right_at, f64::midpoint(x0, x1));
            ribbons.push(Ribbon {
                path: format!(
                    "M{x0:.1} {y0:.1}C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}V{:.1}C{middle:.1} {:.1} {middle:.1} {:.1} {x0:.1} {:.1}Z",
                    y1 + thin, y1 + thin, y0 + thick, y0 + thick
                ),
                title: format!("{} → {}: {amount} {unit}", left.label, right.label),
                column,
            });
            *left_at += thick;
            *right_at += thin;
        }
    }
    ribbons
}

/// The picture of `taken` (who and from where, in entries) and `whose` (from where and where people live, in people). `None`: nothing
/// flowed.
pub(crate) fn flows(taken: Amounts, whose: Amounts) -> Option<Flows> {
    if taken.is_empty() {
        return None;
    }
    let actors = folded(&ranked(&taken, |(who, _)| who), "others");
    let places = folded(&ranked(&whose, |(_, place)| place), "elsewhere");
    // Studies stand by what was taken from them, also those of whose people nothing is known.
    let studies = folded(&ranked(&taken, |(_, study)| study), "other studies");
    let (taken, whose) = (fold(taken, &actors, &studies), fold(whose, &studies, &places));
    let (all_taken, all_whose) = (total(&taken, |_| true), total(&whose, |_| true));
    let shared = |names: Vec<String>, of: &dyn Fn(&String) -> f64| -> Vec<(String, f64)> {
        names.into_iter().map(|name| (name.clone(), of(&name))).collect()
    };
    let left = shared(ranked(&taken, |(who, _)| who), &|name| share(total(&taken, |(who, _)| who == name), all_taken));
    let middle = shared(ranked(&taken, |(_, study)| study), &|name| {
        share(total(&taken, |(_, study)| study == name), all_taken)
            + share(total(&whose, |(study, _)| study == name), all_whose)
    });
    let right =
        shared(ranked(&whose, |(_, place)| place), &|name| share(total(&whose, |(_, place)| place == name), all_whose));
    let (left, middle, right) = (column(0, &left), column(1, &middle), column(2, &right));
    let mut ribbons_all = ribbons(&left, &middle, &taken, 0, "entries");
    ribbons_all.extend(ribbons(&middle, &right, &whose, 1, "people"));
    let nodes: Vec<Node> = left.into_iter().chain(middle).chain(right).collect();
    let lowest = nodes.iter().map(|node| node.y + node.height).fold(0.0, f64::max);
    Some(Flows { width: WIDTH, height: lowest + 14.0, nodes, ribbons: ribbons_all })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(of: &[(&str, &str, u64)]) -> Amounts {
        of.iter().map(|(from, to, amount)| (((*from).to_owned(), (*to).to_owned()), *amount)).collect()
    }

    #[test]
    fn heights_follow_what_flowed_and_ribbons_fill_their_boxes() {
        let taken = amounts(&[("ada", "onc-1", 30), ("ben", "onc-1", 10), ("ben", "onc-2", 20)]);
        let whose = amounts(&[("onc-1", "Germany", 90), ("onc-1", "Japan", 10)]);
        let drawn = flows(taken, whose).unwrap();
        let node = |name: &str| drawn.nodes.iter().find(|node| node.label == name).unwrap();
        assert!((node("ada").height - node("ben").height).abs() < 0.01, "as much each");
        assert!(node("Germany").height > 8.0 * node("Japan").height);
        assert_eq!((drawn.nodes.len(), drawn.ribbons.len()), (6, 5));
        assert!(drawn.ribbons.iter().any(|ribbon| ribbon.title == "ben → onc-2: 20 entries"));
        assert!(drawn.nodes.iter().all(|node| node.y + node.height <= drawn.height));
        assert!(flows(Amounts::new(), Amounts::new()).is_none());
    }

    #[test]
    fn many_become_few_and_none_is_lost() {
        let names: Vec<String> = (0..50).map(|at| format!("p{at}")).collect();
        let taken: Amounts = names.iter().map(|name| ((name.clone(), "s".to_owned()), 2)).collect();
        let drawn = flows(taken, Amounts::new()).unwrap();
        let left = drawn.nodes.iter().filter(|node| node.column == 0).count();
        assert_eq!(left, ROWS_MAX);
        assert!(
            drawn.ribbons.iter().any(|ribbon| ribbon.title == "others → s: 86 entries"),
            "43 beyond the first seven"
        );
    }
}
