//! Overlaps: of several readings of the same bytes, one is reported.

use model::IdentifierType;

use super::{By, Hit};

/// How much less sure a reading may be and still win over those it contains, in percent points.
const CONTAINER_SLACK: u8 = 25;

/// Resolves the overlaps among `hits[first..]`: afterwards they are in order and none overlaps another.
///
/// A secret wins over anything else: the password in `postgres://app:…@db.example.org` is also the beginning of what looks
/// like an e-mail address. Else a reading that contains another wins unless it is much less sure (an address holds a name and a postcode); of
/// readings that cross or coincide, the surer wins, then the longer, then the one that a recogniser found.
pub(super) fn resolve(hits: &mut Vec<Hit>, first: usize) {
    let fresh = &mut hits[first..];
    // Stable: what comes in is a few rising runs, which merge in no time, and ties stay as they were found.
    fresh.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut kept = first;
    for next in first..hits.len() {
        let hit = hits[next];
        let mut wins = true;
        // Only the tail of what is kept can overlap; it is in order and free of overlaps itself.
        let mut from = kept;
        while from > first && hits[from - 1].end > hit.start {
            from -= 1;
        }
        for rival in &hits[from..kept] {
            if beats(rival, &hit) {
                wins = false;
                break;
            }
        }
        if wins {
            hits[from] = hit;
            kept = from + 1;
        }
    }
    hits.truncate(kept);
}

fn beats(a: &Hit, b: &Hit) -> bool {
    let is_secret = |hit: &Hit| hit.kind == IdentifierType::Secret;
    if is_secret(a) != is_secret(b) {
        return is_secret(a);
    }
    let (length_a, length_b) = (a.end - a.start, b.end - b.start);
    let contains = |outer: &Hit, inner: &Hit| outer.start <= inner.start && outer.end >= inner.end;
    if contains(a, b) && length_a > length_b {
        return a.confidence.saturating_add(CONTAINER_SLACK) >= b.confidence;
    }
    if contains(b, a) && length_b > length_a {
        return b.confidence.saturating_add(CONTAINER_SLACK) < a.confidence;
    }
    let rank = |hit: &Hit| (hit.confidence, hit.context, hit.end - hit.start, matches!(hit.by, By::Recognizer(_)));
    rank(a) >= rank(b)
}

#[cfg(test)]
mod tests {
    use model::IdentifierType as T;

    use super::{By, Hit, resolve};

    fn hit(start: usize, end: usize, confidence: u8) -> Hit {
        Hit { start, end, kind: T::Date, confidence, by: By::Recognizer(0), context: false }
    }

    #[test]
    fn containers_win_unless_much_less_sure() {
        let mut hits = vec![hit(0, 10, 70), hit(3, 6, 90), hit(20, 30, 40), hit(20, 25, 95)];
        resolve(&mut hits, 0);
        assert_eq!(hits.iter().map(|h| (h.start, h.end)).collect::<Vec<_>>(), [(0, 10), (20, 25)]);
    }

    #[test]
    fn the_surer_of_two_that_cross_wins_and_nothing_overlaps() {
        let mut hits = vec![hit(0, 5, 60), hit(4, 9, 90), hit(8, 12, 50), hit(12, 14, 10)];
        resolve(&mut hits, 0);
        assert_eq!(hits.iter().map(|h| (h.start, h.end)).collect::<Vec<_>>(), [(4, 9), (12, 14)]);
    }
}
