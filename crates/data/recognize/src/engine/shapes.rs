//! Matches of the patterns that tell no digit and no letter apart, by the shape of a text's next bytes: learned once for
//! each shape, and found in one or two probes from then on.

use super::automaton::Match;

/// Bytes that a shape looks at.
const SHAPE_BYTES: usize = 16;
/// Shapes that are remembered of each length, as a power of two.
const SHAPES_BITS: u32 = 12;
/// Of so many matches; all shapes are forgotten when there are more.
const MATCHES_MAX: usize = 1 << 16;

/// The next bytes of a text with every digit as `0`, every capital as `A` and every small letter as `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shape([u64; 2]);

impl Shape {
    /// Of the bytes from `at`. Behind the end of the text stand bytes that no text has.
    #[inline]
    pub(super) fn at(bytes: &[u8], at: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut shape = [END; SHAPE_BYTES];
        match rest.first_chunk::<SHAPE_BYTES>() {
            Some(bytes) => shape.iter_mut().zip(bytes).for_each(|(to, b)| *to = alike(*b)),
            None => shape.iter_mut().zip(rest).for_each(|(to, b)| *to = alike(*b)),
        }
        let all = u128::from_le_bytes(shape);
        #[expect(clippy::cast_possible_truncation, reason = "its halves")]
        Self([all as u64, (all >> 64) as u64])
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

/// Stands for the end of the text: no byte of UTF-8.
const END: u8 = 0xFF;

/// A byte that stands for all of its kind.
#[inline]
const fn alike(b: u8) -> u8 {
    let alike = if b.is_ascii_digit() { b'0' } else { b };
    let alike = if b.is_ascii_uppercase() { b'A' } else { alike };
    if b.is_ascii_lowercase() { b'a' } else { alike }
}

/// Which patterns that tell digits apart may match a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Gates {
    /// Some of those that need no context.
    pub free: bool,
    /// Some of those that do.
    pub in_context: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    shape: Shape,
    /// Its matches.
    first: u32,
    count: u16,
    gates: Gates,
}

/// What one thread has learned.
pub(super) struct Shapes {
    short: Box<[Known]>,
    long: Box<[Known]>,
    /// Recogniser and length.
    matches: Vec<(u16, u8)>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        let none = vec![Known::default(); 1 << SHAPES_BITS];
        Self { short: none.clone().into(), long: none.into(), matches: Vec::new() }
    }

    /// The matches, as recognisers and lengths, of which none runs into a word, and what else may match.
    #[inline]
    pub(super) fn find(&self, shape: Shape) -> Option<(&[(u16, u8)], Gates)> {
        let mut known = &self.short[shape.short().slot()];
        if known.shape != shape.short() {
            known = &self.long[shape.slot()];
            if known.shape != shape {
                return None;
            }
        }
        let first = known.first as usize;
        Some((self.matches.get(first..first + usize::from(known.count))?, known.gates))
    }

    /// At `at` in `text`, which has this shape there, the first `decisive` bytes tell that `matches` and `gates` are all.
    pub(super) fn learn(
        &mut self,
        shape: Shape,
        text: &[u8],
        (at, decisive): (usize, usize),
        matches: &[Match],
        gates: Gates,
    ) {
        let seen = text.get(at..).unwrap_or_default();
        if decisive > SHAPE_BYTES || !seen.iter().take(decisive).all(u8::is_ascii) {
            return;
        }
        if self.matches.len() >= MATCHES_MAX {
            *self = Self::new();
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most MATCHES_MAX, and no more matches than recognisers"
        )]
        let (first, count) = (self.matches.len() as u32, matches.len() as u16);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "recognisers are numbered by u16; a match is no longer than a shape"
        )]
        self.matches.extend(matches.iter().map(|found| (found.pattern as u16, (found.end - at) as u8)));
        if decisive <= SHAPE_BYTES / 2 {
            self.short[shape.short().slot()] = Known { shape: shape.short(), first, count, gates };
        } else {
            self.long[shape.slot()] = Known { shape, first, count, gates };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gates, Match, Shape, Shapes};

    #[test]
    fn equal_shapes_have_equal_matches() {
        let mut shapes = Shapes::new();
        let (known, like_it) = (b"no 12-34 of that and more", b"is 98-76 in Bonn and again");
        let gates = Gates { free: true, in_context: false };
        let learn = |shapes: &mut Shapes, decisive| {
            let found = [Match { pattern: 7, end: 8 }];
            shapes.learn(Shape::at(known, 3), known, (3, decisive), &found, gates);
        };
        learn(&mut shapes, 17);
        assert_eq!(shapes.find(Shape::at(known, 3)), None, "more bytes decide than the shape has");
        learn(&mut shapes, 7);
        assert_eq!(shapes.find(Shape::at(like_it, 3)), Some((&[(7, 5)][..], gates)));
        assert_eq!(shapes.find(Shape::at(b"is 98-7 in Bonn and again", 3)), None);
        assert_eq!(shapes.find(Shape::at(b"is 98-76", 3)), None, "the text ends");
        shapes.learn(Shape::at("12-34 é and so on".as_bytes(), 0), "12-34 é and so on".as_bytes(), (0, 8), &[], gates);
        assert_eq!(shapes.find(Shape::at("12-34 é and so on".as_bytes(), 0)), None, "not ASCII alone");
    }
}
