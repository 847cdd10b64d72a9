//! Jupyter notebooks: JSON whose cells hold source and outputs (nbformat 3 and 4).

use crate::clinical::base64;
use crate::{Member, Problem, ReadError, Reader, Source};

/// Whether a JSON document is a notebook.
pub(super) fn sniff(head: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    has(b"\"cell_type\"") && (has(b"\"cells\"") || has(b"\"worksheets\""))
}

/// Whether the strings at a path are text: sources and what they printed.
pub(super) fn is_text(path: &str) -> bool {
    let path = path.strip_prefix("worksheets.").unwrap_or(path);
    matches!(
        path,
        "cells.source" | "cells.input" | "cells.outputs.text" | "cells.outputs.traceback" | "cells.outputs.html"
    ) || path.strip_prefix("cells.outputs.data.").is_some_and(|kind| kind.starts_with("text/"))
}

/// Whether the strings at a path are images in base64.
pub(super) fn is_image(path: &str) -> bool {
    let kind = path.strip_prefix("cells.outputs.data.").or_else(|| path.strip_prefix("cells.attachments."));
    kind.is_some_and(|kind| kind.contains("image/") && !kind.ends_with("svg+xml"))
}

/// An image that may come in parts.
#[derive(Default)]
pub(super) struct Image {
    parts: String,
    open: bool,
}

impl Image {
    /// Whether more parts are to come.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes a part; opens the image as a member when it is complete.
    pub(super) fn part(
        &mut self,
        text: &str,
        more: bool,
        place: &str,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let limit = reader.limits().whole_bytes_max;
        if self.parts.len() <= limit {
            self.parts.push_str(text);
        }
        self.open = more;
        if more {
            return Ok(());
        }
        let whole = std::mem::take(&mut self.parts);
        if whole.len() > limit {
            return reader.problem(Problem::limit(format!(
                "the image in `{place}` is larger than {limit} bytes; raise `limits.whole_bytes_max` to read it"
            )));
        }
        match base64::decode(&whole) {
            Some(bytes) => reader.member(&Member { name: place, len: Some(bytes.len() as u64) }, Source::bytes(&bytes)),
            None => reader.problem(Problem::malformed(format!("the image in `{place}` is not base64"))),
        }
    }
}
