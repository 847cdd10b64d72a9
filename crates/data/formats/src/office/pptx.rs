//! PresentationML documents (ECMA-376 Part 1, section 19).

use crate::{ReadError, Reader};

use super::flow::{self, Places};
use super::parts::{Package, number_in};

pub(super) fn read(package: &mut Package<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    package.properties(&["docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"], reader)?;
    let kinds = [
        ("ppt/slides/slide", "slide"),
        ("ppt/notesSlides/notesSlide", "notes of slide"),
        ("ppt/comments/", "comments"),
        ("ppt/commentAuthors", "comment authors"),
        ("ppt/authors", "comment authors"),
        ("ppt/diagrams/data", "diagram"),
        ("ppt/slideMasters/slideMaster", "slide master"),
        ("ppt/slideLayouts/slideLayout", "slide layout"),
        ("ppt/notesMasters/notesMaster", "notes master"),
        ("ppt/handoutMasters/handoutMaster", "handout master"),
    ];
    for (prefix, what) in kinds {
        for name in package.names(prefix, ".xml") {
            let place = format!("{what} {}", number_in(&name));
            package.part(&name, reader, |xml, reader| {
                flow::read(xml, &Places::Part(place.trim_end_matches(" 0")), false, reader)
            })?;
        }
    }
    Ok(())
}
