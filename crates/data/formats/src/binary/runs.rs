//! Runs of printable bytes, found by looking at 64 bytes at a time.

/// A shorter run is not a string.
const CHARACTERS_MIN: usize = 8;
const BLOCK_BYTES: usize = 64;
/// So many bytes before the end of a block may begin a run that only the next block shows.
pub(super) const TAIL_BYTES: usize = 2 * CHARACTERS_MIN;

const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
/// The first bytes of the two halves of a word.
const HALVES: u64 = 0x0000_0080_0000_0080;

/// A run: `start..end` in bytes; in a wide one every second byte, beginning with the second, is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) wide: bool,
}

/// ASCII from the blank to the tilde.
pub(super) fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E)
}

/// All runs, in order.
pub(super) fn of(bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    let mut at = 0;
    let mut floor = 0;
    // The block that was looked at last, and which fours of it may belong to a run.
    let (mut base, mut fours) = (usize::MAX, 0_u16);
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let block = at / BLOCK_BYTES * BLOCK_BYTES;
            if block != base {
                base = block;
                fours = bytes.get(block..block + BLOCK_BYTES).map_or(u16::MAX, may_hold);
            }
            let ahead = fours >> ((at - base) / 4);
            if ahead == 0 {
                at = base + BLOCK_BYTES;
                continue;
            }
            at += 4 * ahead.trailing_zeros() as usize;
            let run = around(bytes, at, floor);
            at += 4;
            if let Some(run) = run {
                floor = run.end;
                at = at.max(run.end / 4 * 4);
                return Some(run);
            }
        }
        None
    })
}

/// Which fours of a block are four printable bytes, or two and their zeros: a bit each. Every run holds such a four.
fn may_hold(block: &[u8]) -> u16 {
    let mut found = 0;
    for word in block.chunks_exact(8) {
        let mut raw = [0; 8];
        raw.copy_from_slice(word);
        let word = u64::from_le_bytes(raw);
        let low = word & LOW;
        // The high bit of each byte says: at least 0x20, not 0x7F, below 0x80.
        let printable = (low + 0x6060_6060_6060_6060) & !(low + 0x0101_0101_0101_0101) & !word & HIGH;
        let zero = !(low + LOW) & !word & HIGH;
        let narrow = printable & (printable >> 8) & (printable >> 16) & (printable >> 24);
        let even = printable & (zero >> 8) & (printable >> 16) & (zero >> 24);
        let odd = zero & (printable >> 8) & (zero >> 16) & (printable >> 24);
        let halves = (narrow | even | odd) & HALVES;
        #[expect(clippy::cast_possible_truncation, reason = "two bits")]
        let halves = (halves >> 7 | halves >> 38) as u16 & 0b11;
        found = found >> 2 | halves << 14;
    }
    found
}

/// The run around the four bytes at `at`, not beginning before `floor`.
fn around(bytes: &[u8], at: usize, floor: usize) -> Option<Run> {
    let start = at.max(floor);
    let narrow = |at: usize| bytes.get(at).is_some_and(|b| is_printable(*b));
    let wide = |at: usize| narrow(at) && bytes.get(at + 1) == Some(&0);
    if narrow(start) && narrow(start + 1) {
        let begin = (floor..start).rev().take_while(|at| narrow(*at)).last().unwrap_or(start);
        let length = bytes.get(start..)?.iter().take_while(|b| is_printable(**b)).count();
        let run = Run { start: begin, end: start + length, wide: false };
        return (run.end - run.start >= CHARACTERS_MIN).then_some(run);
    }
    let first = [start, start + 1].into_iter().find(|at| wide(*at))?;
    let mut begin = first;
    while begin >= floor + 2 && wide(begin - 2) {
        begin -= 2;
    }
    let mut end = first;
    while wide(end) {
        end += 2;
    }
    (end - begin >= 2 * CHARACTERS_MIN).then_some(Run { start: begin, end, wide: true })
}

#[cfg(test)]
mod tests {
    use super::{Run, is_printable, may_hold, of};

    #[test]
    fn the_block_test_agrees_with_the_definition() {
        for byte in 0..=255_u8 {
            let mut block = [0x80; 64];
            block[20..24].fill(byte);
            assert_eq!(may_hold(&block), u16::from(is_printable(byte)) << 5, "{byte:#x}");
        }
    }

    #[test]
    fn runs_are_found_at_every_offset() {
        for offset in 0..150 {
            let mut bytes = vec![0x80; 400];
            bytes[offset..offset + 8].copy_from_slice(b"12345678");
            let wide: Vec<u8> = "abcdefgh".bytes().flat_map(|b| [b, 0]).collect();
            bytes[offset + 100..offset + 116].copy_from_slice(&wide);
            bytes[offset + 150..offset + 157].copy_from_slice(b"tooshort".split_at(7).0);
            let found: Vec<_> = of(&bytes).collect();
            let narrow = Run { start: offset, end: offset + 8, wide: false };
            assert_eq!(found, [narrow, Run { start: offset + 100, end: offset + 116, wide: true }], "{offset}");
        }
    }
}
