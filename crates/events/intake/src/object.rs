//! Writes one JSON object, member by member.

pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.clear();
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(self.out, key);
        self.out.push(b':');
    }

    pub(crate) fn str(&mut self, key: &str, value: &str) {
        self.key(key);
        string(self.out, value);
    }

    /// `value` is JSON already.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// A number where `value` is a plain one, a string otherwise.
    pub(crate) fn number(&mut self, key: &str, value: &str) {
        if is_number(value) {
            self.raw(key, value);
        } else {
            self.str(key, value);
        }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Appends `value` as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    // Writing into memory does not fail.
    let _always_written = serde_json::to_writer(&mut *out, value);
}

/// Whether `value` is a number of JSON (RFC 8259, section 6) as it stands.
pub(crate) fn is_number(value: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(value).is_ok() && value.trim() == value
}
