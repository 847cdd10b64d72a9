//! `multipart/form-data` (RFC 7578) as browsers send it: small fields, then one file, which is read as it comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use memchr::memmem;

/// Bytes of all fields before the file together (as Amazon S3: 20 KB, and room for tags).
pub(crate) const FIELD_BYTES_MAX: usize = 64 << 10;
/// Fields before the file.
const FIELDS_MAX: usize = 100;
/// The longest boundary (RFC 2046 section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// Why a form cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// The header says no boundary, or one that cannot be.
    #[error("the header `content-type` gives no boundary of 1 to 70 characters")]
    Boundary,
    /// It is not what RFC 7578 says.
    #[error("the form cannot be read: {0}")]
    Malformed(&'static str),
    /// The fields before the file are too many or too long.
    #[error("the fields before the file have more than 65536 bytes, or are more than 100")]
    TooMuch,
    /// A field is there twice.
    #[error("the field `{0}` is given twice")]
    Twice(String),
    /// The connection ended before the form did.
    #[error("the connection ended before the form did")]
    Cut,
}

/// The boundary that a header `content-type` names.
pub(crate) fn boundary(content_type: &str) -> Result<String, FormError> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    });
    parameter.filter(|text| (1..=BOUNDARY_BYTES_MAX).contains(&text.len())).ok_or(FormError::Boundary)
}

/// What came before the file: fields by their names in lower case.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a field, in place of what it was.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), value));
    }
}

/// Reads a form from the pieces that `S` gives.
pub(crate) struct Reader<S> {
    pieces: S,
    buffer: BytesMut,
    /// What parts begin after: line end, two hyphens, boundary.
    mark: Vec<u8>,
}

/// The head of a part.
struct Head {
    name: String,
    filename: Option<String>,
}

impl<S, E> Reader<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(crate) fn new(pieces: S, boundary: &str) -> Self {
        // The first boundary stands at the very beginning, without the line end before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { pieces, buffer, mark: format!("\r\n--{boundary}").into_bytes() }
    }

    async fn more(&mut self) -> Result<(), FormError> {
        match self.pieces.next().await {
            Some(Ok(piece)) => {
                self.buffer.extend_from_slice(&piece);
                Ok(())
            }
            Some(Err(_)) | None => Err(FormError::Cut),
        }
    }

    /// Everything up to `end`, which is taken away with it; at most `left` bytes.
    async fn until(&mut self, end: &[u8], left: &mut usize) -> Result<BytesMut, FormError> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = memmem::find(rest, end) {
                let found = self.buffer.split_to(searched + at);
                self.buffer.advance(end.len());
                *left = left.checked_sub(found.len()).ok_or(FormError::TooMuch)?;
                return Ok(found);
            }
            if self.buffer.len() > *left + end.len() {
                return Err(FormError::TooMuch);
            }
            searched = self.buffer.len().saturating_sub(end.len() - 1);
            self.more().await?;
        }
    }

    /// The fields before the file, and what the file is called.
    pub(crate) async fn fields(&mut self) -> Result<(Fields, Option<String>), FormError> {
        let mut fields = Fields::default();
        let mut left = FIELD_BYTES_MAX;
        let mark = self.mark.clone();
        // What comes before the first boundary means nothing (RFC 2046 section 5.1.1).
        self.until(&mark, &mut left).await?;
        for _ in 0..=FIELDS_MAX {
            let line = self.until(b"\r\n", &mut left).await?;
            if line.starts_with(b"--") {
                return Err(FormError::Malformed("it has no field `file`, which must be the last one"));
            }
            let head = self.until(b"\r\n\r\n", &mut left).await?;
            let head = head_of(&head)?;
            if head.name == "file" {
                return Ok((fields, head.filename));
            }
            let value = self.until(&mark, &mut left).await?;
            let value = std::str::from_utf8(&value).ok();
            let value = value.ok_or(FormError::Malformed("a field is not in UTF-8"))?.to_owned();
            if fields.get(&head.name).is_some() {
                return Err(FormError::Twice(head.name));
            }
            fields.0.push((head.name, value));
        }
        Err(FormError::TooMuch)
    }

    /// The file's bytes, after [`Reader::fields`].
    pub(crate) fn file(self) -> File<S> {
        File { reader: self, is_over: false }
    }
}

/// Reads the lines before a part's content (RFC 7578 section 4.2).
fn head_of(lines: &[u8]) -> Result<Head, FormError> {
    let text = std::str::from_utf8(lines).ok().ok_or(FormError::Malformed("the head of a field is not in UTF-8"))?;
    let disposition = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = disposition.ok_or(FormError::Malformed("a field has no `content-disposition`"))?;
    let name = quoted(disposition, "name").ok_or(FormError::Malformed("a field has no name"))?;
    Ok(Head { name: name.to_ascii_lowercase(), filename: quoted(disposition, "filename") })
}

/// The value of a parameter such as `name="key"`.
fn quoted(disposition: &str, wanted: &str) -> Option<String> {
    let mut rest = disposition;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.rsplit(';').next().unwrap_or_default().trim();
        let (value, behind) = match after.trim_start().strip_prefix('"') {
            Some(text) => until_quote(text)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after.get(..end)?.trim().to_owned(), after.get(end..)?)
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
    None
}

/// The text before a quotation mark that no backslash precedes, and what comes after it. Browsers write a mark inside as
/// `%22`, others as `\"`; other backslashes stand for themselves, as in paths of Windows.
fn until_quote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let at = rest.find('"')?;
        let (piece, behind) = (rest.get(..at)?, rest.get(at + 1..)?);
        match piece.strip_suffix('\\') {
            Some(piece) => {
                value.push_str(piece);
                value.push('"');
                rest = behind;
            }
            None => {
                value.push_str(piece);
                return Some((value.replace("%22", "\""), behind));
            }
        }
    }
}

/// The bytes of the file, as they come.
pub(crate) struct File<S> {
    reader: Reader<S>,
    is_over: bool,
}

impl<S, E> Stream for File<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, FormError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            let Reader { buffer, mark, pieces } = &mut self.reader;
            if let Some(at) = memmem::find(buffer, mark) {
                let piece = buffer.split_to(at).freeze();
                self.is_over = true;
                return Poll::Ready((!piece.is_empty()).then_some(Ok(piece)));
            }
            // The mark may have begun at the end of what is here.
            let sure = buffer.len().saturating_sub(mark.len() - 1);
            if sure > 0 {
                let piece = buffer.split_to(sure).freeze();
                return Poll::Ready(Some(Ok(piece)));
            }
            match std::task::ready!(Pin::new(pieces).poll_next(context)) {
                Some(Ok(piece)) => buffer.extend_from_slice(&piece),
                Some(Err(_)) | None => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(FormError::Cut)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::{FIELD_BYTES_MAX, FormError, Reader, boundary, quoted};

    type Read = Result<(Vec<(String, String)>, Option<String>, Vec<u8>), FormError>;

    fn read(bytes: &[u8], step: usize) -> Read {
        let pieces: Vec<Result<Bytes, std::io::Error>> =
            bytes.chunks(step).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        futures_executor(async {
            let mut reader = Reader::new(stream::iter(pieces), "b0");
            let (fields, filename) = reader.fields().await?;
            let mut file = reader.file();
            let mut content = Vec::new();
            while let Some(piece) = file.next().await {
                content.extend_from_slice(&piece?);
            }
            Ok((fields.0, filename, content))
        })
    }

    fn futures_executor<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    fn form(content: &[u8]) -> Vec<u8> {
        let before = "--b0\r\nContent-Disposition: form-data; name=\"kEy\"\r\n\r\na/${filename}\r\n\
                      --b0\r\ncontent-disposition: form-data; name=tagging\r\nContent-Type: text/xml\r\n\r\n<T/>\r\n\
                      --b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\x\\a;b.txt\"\r\n\r\n";
        [
            before.as_bytes(),
            content,
            b"\r\n--b0\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n--b0--\r\n",
        ]
        .concat()
    }

    #[test]
    fn fields_come_before_the_file_and_what_comes_after_it_is_left() {
        let (fields, filename, content) = read(&form(b"one\r\n--b1\r\n--b"), 7).unwrap();
        assert_eq!(fields, [("key".to_owned(), "a/${filename}".to_owned()), ("tagging".to_owned(), "<T/>".to_owned())]);
        assert_eq!(filename.as_deref(), Some("C:\\x\\a;b.txt"));
        assert_eq!(content, b"one\r\n--b1\r\n--b");
    }

    #[test]
    fn what_is_no_form_is_said_to_be_none() {
        let malformed = |bytes: &[u8]| matches!(read(bytes, 5), Err(FormError::Malformed(_)));
        assert!(malformed(b"--b0--\r\n"));
        assert!(malformed(b"--b0\r\nContent-Type: a\r\n\r\nx\r\n--b0--"));
        assert!(malformed(b"--b0\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n\xFF\r\n--b0--"));
        assert_eq!(read(b"", 5).unwrap_err(), FormError::Cut);
        let cut = form(b"content");
        assert_eq!(read(&cut[..cut.len() - 80], 5).unwrap_err(), FormError::Cut, "a file without its end is none");
        let twice = b"--b0\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nx\r\n--b0\r\nContent-Disposition: form-data; name=\"K\"\r\n\r\nx\r\n--b0--";
        assert_eq!(read(twice, 5).unwrap_err(), FormError::Twice("k".to_owned()));
        let long =
            ["--b0\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n".as_bytes(), &vec![b'x'; FIELD_BYTES_MAX + 1]]
                .concat();
        assert_eq!(read(&long, 4096).unwrap_err(), FormError::TooMuch);
    }

    #[test]
    fn boundaries_and_parameters_are_read_with_and_without_quotes() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").unwrap(), "a b");
        assert_eq!(boundary("multipart/form-data; charset=x; Boundary=ab").unwrap(), "ab");
        assert_eq!(boundary("multipart/form-data").unwrap_err(), FormError::Boundary);
        assert_eq!(quoted("form-data; name=\"a\\\"b\"; filename=\"c%22d\"", "name").unwrap(), "a\"b");
        assert_eq!(quoted("form-data; name=\"a\\\"b\"; filename=\"c%22d\"", "filename").unwrap(), "c\"d");
        assert_eq!(quoted("form-data; filename=\"name=x\"", "name"), None);
    }

    proptest! {
        #[test]
        fn any_content_comes_out_as_it_went_in(content in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..400), step in 1_usize..60) {
            prop_assume!(memchr::memmem::find(&content, b"\r\n--b0").is_none());
            let (_, _, read) = read(&form(&content), step).unwrap();
            prop_assert_eq!(read, content);
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), step in 1_usize..20) {
            let _any_answer = read(&bytes, step);
            let _any_answer = read(&[b"--b0\r\nContent-Disposition: form-data;", bytes.as_slice(), b"\r\n\r\n\r\n--b0--"].concat(), step);
        }
    }
}
