//! Matches of the patterns that tell no digit and no letter apart, by the shape of a text's next bytes: learned once for
//! each shape, and found in one or two probes from then on.

use super::automaton::Match;

/// Bytes that a shape looks at.
pub(super) const SHAPE_BYTES: usize = 16;
/// Shapes that are remembered of each length, as a power of two.
const SHAPES_BITS: u32 = 12;
/// Of so many matches; all shapes are forgotten when there are more.
const MATCHES_MAX: usize = 1 << 16;

/// The next bytes of a text with every digit as `0`, every capital as `A` and every small letter as `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shape([u64; 2]);

impl Shape {
    /// None where the text ends too soon.
    #[inline]
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let bytes = bytes.get(at..)?.first_chunk::<SHAPE_BYTES>()?;
        let mut shape = [0; SHAPE_BYTES];
        for (to, &b) in shape.iter_mut().zip(bytes) {
            let alike = if b.is_ascii_digit() { b'0' } else { b };
            let alike = if b.is_ascii_uppercase() { b'A' } else { alike };
            *to = if b.is_ascii_lowercase() { b'a' } else { alike };
        }
        let all = u128::from_le_bytes(shape);
        #[expect(clippy::cast_possible_truncation, reason = "its halves")]
        Some(Self([all as u64, (all >> 64) as u64]))
    }

    /// Its first half alone.
    #[inline]
    const fn short(self) -> Self {
        Self([self.0[0], 0])
    }

    #[inline]
    const fn slot(self) -> usize {
        let mixed = (self.0[0] ^ self.0[1].rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - SHAPES_BITS)) as usize
    }
}

/// What one thread has learned.
pub(super) struct Shapes {
    short: Box<[(Shape, (u32, u32))]>,
    long: Box<[(Shape, (u32, u32))]>,
    /// Recogniser and length.
    matches: Vec<(u16, u8)>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        let none = vec![(Shape::default(), (0, 0)); 1 << SHAPES_BITS];
        Self { short: none.clone().into(), long: none.into(), matches: Vec::new() }
    }

    /// The matches, as recognisers and lengths, of which none runs into a word.
    #[inline]
    pub(super) fn find(&self, shape: Shape) -> Option<&[(u16, u8)]> {
        let (known, range) = self.short[shape.short().slot()];
        if known == shape.short() {
            return self.matches.get(range.0 as usize..range.1 as usize);
        }
        let (known, range) = self.long[shape.slot()];
        if known == shape { self.matches.get(range.0 as usize..range.1 as usize) } else { None }
    }

    /// At `at` in `text`, which has this shape there, the first `taken` bytes decide that `matches` are all; where their
    /// tokens end is decided by one more.
    pub(super) fn learn(&mut self, shape: Shape, text: &[u8], (at, taken): (usize, usize), matches: &[Match]) {
        let decisive = taken + 1;
        if decisive > SHAPE_BYTES || !text.get(at..at + decisive).is_some_and(<[u8]>::is_ascii) {
            return;
        }
        if self.matches.len() >= MATCHES_MAX {
            *self = Self::new();
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most MATCHES_MAX and some")]
        let place = |matches: &Vec<(u16, u8)>| matches.len() as u32;
        let first = place(&self.matches);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "recognisers are numbered by u16; a match is no longer than a shape"
        )]
        self.matches.extend(matches.iter().map(|found| (found.pattern as u16, (found.end - at) as u8)));
        let range = (first, place(&self.matches));
        if decisive <= SHAPE_BYTES / 2 {
            self.short[shape.short().slot()] = (shape.short(), range);
        } else {
            self.long[shape.slot()] = (shape, range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Match, Shape, Shapes};

    #[test]
    fn equal_shapes_have_equal_matches() {
        let mut shapes = Shapes::new();
        let (known, like_it) = (b"no 12-34 of that and more", b"is 98-76 in Bonn and again");
        let learn = |shapes: &mut Shapes, taken| {
            let found = [Match { pattern: 7, end: 8 }];
            shapes.learn(Shape::at(known, 3).unwrap(), known, (3, taken), &found);
        };
        learn(&mut shapes, 16);
        assert_eq!(shapes.find(Shape::at(known, 3).unwrap()), None, "more bytes decide than the shape has");
        learn(&mut shapes, 6);
        assert_eq!(shapes.find(Shape::at(like_it, 3).unwrap()), Some(&[(7, 5)][..]));
        assert_eq!(shapes.find(Shape::at(b"is 98-7 in Bonn and again", 3).unwrap()), None);
        assert_eq!(Shape::at(known, 20), None);
        assert_eq!(Shape::at(b"Ab9-\xC3\xA9z___________", 0), Shape::at(b"Xy0-\xC3\xA9a___________", 0));
    }
}
