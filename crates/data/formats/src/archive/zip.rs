//! ZIP archives (PKWARE APPNOTE 6.3.10): by the central directory where the object can be sought in, else by the
//! local headers as they come. Names are reported as stored; nothing is ever written under them.

mod directory;
mod member;
mod stream;

use std::io::SeekFrom;

use model::Format;

pub(crate) use directory::{Directory, Entry};
pub(crate) use member::open;

use super::buffered::Metered;
use crate::office;
use crate::source::{Body, ReadSeek, Window};
use crate::{Member, Problem, ReadError, Reader, Source};

/// Reads an archive; an Office document or OpenDocument file goes to its own reader.
pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let (source, held) = source.hold(reader.room_to_hold())?;
    reader.holds(held);
    let outcome = match source.into_body() {
        Body::Seek(mut file) => read_seekable(format, &mut *file, reader),
        Body::Stream(body) => stream::read(body, reader),
    };
    reader.releases(held);
    outcome
}

fn read_seekable(format: Format, file: &mut (dyn ReadSeek + '_), reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let directory = match Directory::read(file, reader.limits().members_max) {
        Ok(directory) => directory,
        Err(ReadError::Problem(problem)) => {
            file.seek(SeekFrom::Start(0))?;
            reader.problem(problem)?;
            return stream::read(file, reader);
        }
        Err(error) => return Err(error),
    };
    let refined = office::package_format(&directory, file);
    if refined.unwrap_or(Format::Zip) != format {
        reader.format(refined.unwrap_or(Format::Zip))?;
    }
    match refined {
        Some(format) => office::read_package(format, file, &directory, reader),
        None => read_members(file, &directory, reader),
    }
}

/// Opens every member in the order of the bytes. Members that share bytes, as bombs do, are read once.
pub(crate) fn read_members(
    file: &mut (dyn ReadSeek + '_),
    directory: &Directory,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    for entry in directory.entries.iter().filter(|entry| !entry.is_folder()) {
        read_member(file, entry, reader)?;
    }
    if directory.overlapping > 0 {
        reader.problem(Problem::malformed(format!(
            "{} members share their bytes with others, as in a bomb; such bytes were read once",
            directory.overlapping
        )))?;
    }
    Ok(())
}

/// Opens one member.
pub(crate) fn read_member(
    file: &mut (dyn ReadSeek + '_),
    entry: &Entry,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let member = Member { name: &entry.name, len: Some(entry.size) };
    let source = match entry.stored_at(file) {
        Ok(Some(start)) => Source::seek(Window::new(file, start, entry.size)).map_err(ReadError::from),
        Ok(None) => open(file, entry, reader.meter()).and_then(|stream| Ok(Source::stream(stream, None)?)),
        Err(error) => Err(error),
    };
    match source {
        Ok(source) => reader.member(&member, source),
        Err(error) => match error.into_problem() {
            Some(problem) => reader.unreadable_member(&member, problem),
            None => Err(crate::Halt.into()),
        },
    }
}

type Output<'a, 'b> = Metered<'b, Box<dyn std::io::Read + 'a>>;

#[cfg(test)]
pub(crate) mod tests;
