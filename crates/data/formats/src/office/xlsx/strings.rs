//! The table of strings that cells refer to.

use crate::{Problem, ReadError, Reader};

use super::super::xml::{Piece, Xml};

/// All strings end to end, and where each ends.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// The string of that number.
    pub(super) fn of(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(start..end)
    }

    /// Reads the table as far as it may be held; what lies beyond is a problem, and its cells stay empty.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let limit = reader.room_to_hold();
        let (mut in_text, mut phonetic) = (false, 0u32);
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Start(element) => match element.name() {
                    "t" => in_text = phonetic == 0,
                    "rPh" => phonetic += 1,
                    _ => {}
                },
                Piece::Text(text) if in_text => self.text.push_str(text),
                Piece::Text(_) => {}
                Piece::End("t") => in_text = false,
                Piece::End("rPh") => phonetic = phonetic.saturating_sub(1),
                Piece::End("si") => {
                    self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
                    if self.text.len() + self.ends.len() * 4 > limit {
                        return Err(Problem::limit(format!(
                            "the table of strings is larger than {limit} bytes; raise `limits.whole_bytes_max` to read on"
                        ))
                        .into());
                    }
                    if self.ends.len().is_multiple_of(4096) {
                        reader.check()?;
                    }
                }
                Piece::End(_) => {}
            }
        }
        Ok(())
    }
}
