//! The compact protocol of Apache Thrift (thrift-compact-protocol.md), as far as it takes to look through a structure.

/// Structures within structures, at most; the footer's own nest to seven.
const DEPTH_MAX: usize = 24;

/// One thing met, under the field numbers that lead to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Integer(i64),
    /// A list of so many elements begins.
    List(usize),
    Structure,
}

/// Why looking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end within the structure.
    Ends,
    Damaged,
}

/// Goes through the structure that `bytes` begins with and gives its length. Elements of lists stand under their list.
pub(super) fn walk(bytes: &[u8], visit: &mut dyn FnMut(&[i16], Item)) -> Result<usize, Fault> {
    let mut walk = Walk { bytes, at: 0, path: Vec::new(), visit };
    walk.structure()?;
    Ok(walk.at)
}

struct Walk<'b, 'v> {
    bytes: &'b [u8],
    at: usize,
    path: Vec<i16>,
    visit: &'v mut dyn FnMut(&[i16], Item),
}

impl Walk<'_, '_> {
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = self.bytes.get(self.at).copied().ok_or(Fault::Ends)?;
        self.at += 1;
        Ok(byte)
    }

    fn unsigned(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Damaged)
    }

    fn integer(&mut self) -> Result<i64, Fault> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn skip(&mut self, len: u64) -> Result<(), Fault> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len)).ok_or(Fault::Damaged)?;
        self.at = if end <= self.bytes.len() { end } else { return Err(Fault::Ends) };
        Ok(())
    }

    fn structure(&mut self) -> Result<(), Fault> {
        if self.path.len() >= DEPTH_MAX {
            return Err(Fault::Damaged);
        }
        let mut id = 0_i16;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Ok(());
            }
            id = match header >> 4 {
                0 => i16::try_from(self.integer()?).map_err(|_out_of_range| Fault::Damaged)?,
                step => id.checked_add(i16::from(step)).ok_or(Fault::Damaged)?,
            };
            self.path.push(id);
            match header & 0x0F {
                // Of a field the type is its value.
                kind @ (1 | 2) => (self.visit)(&self.path, Item::Integer(i64::from(kind == 1))),
                kind => self.value(kind)?,
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8) -> Result<(), Fault> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => {
                let value = self.integer()?;
                (self.visit)(&self.path, Item::Integer(value));
                Ok(())
            }
            7 => self.skip(8),
            8 => {
                let len = self.unsigned()?;
                self.skip(len)
            }
            9 | 10 => self.list(),
            11 => self.map(),
            12 => {
                (self.visit)(&self.path, Item::Structure);
                self.structure()
            }
            _ => Err(Fault::Damaged),
        }
    }

    fn list(&mut self) -> Result<(), Fault> {
        let header = self.byte()?;
        let len = match header >> 4 {
            15 => self.unsigned()?,
            len => u64::from(len),
        };
        let len = self.possible(len)?;
        (self.visit)(&self.path, Item::List(len));
        if self.path.len() >= DEPTH_MAX {
            return Err(Fault::Damaged);
        }
        // Lists in lists are told apart from structures by their depth alone.
        self.path.push(0);
        let kind = header & 0x0F;
        let outcome = match kind {
            12 => {
                self.path.pop();
                let outcome = (0..len).try_for_each(|_| self.value(kind));
                self.path.push(0);
                outcome
            }
            kind => (0..len).try_for_each(|_| self.value(kind)),
        };
        self.path.pop();
        outcome
    }

    fn map(&mut self) -> Result<(), Fault> {
        let len = self.unsigned()?;
        if len == 0 {
            return Ok(());
        }
        let len = self.possible(len)?;
        let kinds = self.byte()?;
        if self.path.len() >= DEPTH_MAX {
            return Err(Fault::Damaged);
        }
        self.path.push(0);
        let outcome = (0..len).try_for_each(|_| {
            self.value(kinds >> 4)?;
            self.value(kinds & 0x0F)
        });
        self.path.pop();
        outcome
    }

    /// Every element takes a byte at least.
    fn possible(&self, len: u64) -> Result<usize, Fault> {
        let left = self.bytes.len() - self.at;
        usize::try_from(len).ok().filter(|len| *len <= left).ok_or(Fault::Ends)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Item, walk};

    #[test]
    fn fields_are_met_under_their_numbers() {
        // 1: i32 3; 3: list of two structures with 1: i32 -1; 5: true; 6: binary "ab"
        let bytes = [0x15, 6, 0x29, 0x2C, 0x15, 1, 0, 0x15, 1, 0, 0x21, 0x18, 2, b'a', b'b', 0, 99];
        let mut seen = Vec::new();
        assert_eq!(walk(&bytes, &mut |path, item| seen.push((path.to_vec(), item))), Ok(16));
        let want = [
            (vec![1], Item::Integer(3)),
            (vec![3], Item::List(2)),
            (vec![3], Item::Structure),
            (vec![3, 1], Item::Integer(-1)),
            (vec![3], Item::Structure),
            (vec![3, 1], Item::Integer(-1)),
            (vec![5], Item::Integer(1)),
        ];
        assert_eq!(seen, want);
        for end in 0..16 {
            assert_eq!(walk(&bytes[..end], &mut |_, _| {}), Err(Fault::Ends), "{end}");
        }
    }

    #[test]
    fn endless_nesting_is_damage() {
        assert_eq!(walk(&[0x1C; 10_000], &mut |_, _| {}), Err(Fault::Damaged));
        assert_eq!(walk(&[0x19; 10_000], &mut |_, _| {}), Err(Fault::Damaged));
        assert_eq!(walk(&[0x19, 0xF9, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], &mut |_, _| {}), Err(Fault::Ends));
    }
}
