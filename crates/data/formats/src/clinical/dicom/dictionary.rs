//! The value representation of each standard element, for files that do not state it.
//!
//! `dictionary.txt` holds tag and representation of every element of DICOM PS3.6 (2024c) and PS3.7 annex E, one per line of
//! fixed width, in ascending order. Where the standard leaves a choice the wider reading stands: `US or SS` is `US`,
//! `OB or OW` is `OW`. Groups 50xx, 60xx and 7Fxx repeat and stand under their first number.

use super::element::{Tag, Vr};

const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");
/// Eight digits of the tag, two letters of the representation, a line feed.
const LINE_BYTES: usize = 11;

/// What PS3.6 says about `tag`; `None` for private and unknown elements.
pub(super) fn lookup(tag: Tag) -> Option<Vr> {
    if tag.element == 0 {
        return Some(Vr(*b"UL"));
    }
    if tag.is_private() {
        return (0x10..=0xFF).contains(&tag.element).then_some(Vr(*b"LO"));
    }
    find(tag).or_else(|| {
        let first = match tag.group {
            0x5001..=0x50FF => 0x5000,
            0x6001..=0x60FF => 0x6000,
            0x7F01..=0x7FDF | 0x7FE1..=0x7FFF => 0x7F00,
            _ => return None,
        };
        find(Tag { group: first, element: tag.element })
    })
}

fn find(tag: Tag) -> Option<Vr> {
    let wanted = tag.hex();
    let (mut low, mut high) = (0, DICTIONARY.len() / LINE_BYTES);
    while low < high {
        let middle = usize::midpoint(low, high);
        let line = DICTIONARY.get(middle * LINE_BYTES..(middle + 1) * LINE_BYTES)?;
        let (digits, rest) = line.split_at_checked(8)?;
        match digits.cmp(&wanted) {
            std::cmp::Ordering::Equal => return Some(Vr([*rest.first()?, *rest.get(1)?])),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{DICTIONARY, LINE_BYTES, lookup};
    use crate::clinical::dicom::element::{Tag, Vr};

    #[test]
    fn every_line_is_found_and_ascending() {
        let mut last = [0; 8];
        for line in DICTIONARY.chunks(LINE_BYTES) {
            assert_eq!(line[10], b'\n');
            let digits: [u8; 8] = line[..8].try_into().unwrap();
            assert!(digits > last);
            last = digits;
            let number = u32::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap();
            let tag = Tag { group: (number >> 16) as u16, element: number as u16 };
            assert!(lookup(tag).is_some(), "{tag}");
        }
    }

    #[test]
    fn repeating_and_private_groups_are_known() {
        assert_eq!(lookup(Tag { group: 0x6002, element: 0x3000 }), Some(Vr(*b"OW")));
        assert_eq!(lookup(Tag { group: 0x0009, element: 0x0010 }), Some(Vr(*b"LO")));
        assert_eq!(lookup(Tag { group: 0x0009, element: 0x1010 }), None);
        assert_eq!(lookup(Tag { group: 0x0010, element: 0x0010 }), Some(Vr(*b"PN")));
    }
}
