//! Taking bytes apart without trusting them.

/// Bytes that end before what they should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes end before `{what}`")]
pub struct Short {
    /// What should have come.
    pub what: &'static str,
}

/// What has not been read yet.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Over all of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Short> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Short { what })?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Short> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Short { what })?;
        self.0 = tail;
        Ok(*head)
    }

    /// One byte.
    ///
    /// # Errors
    /// When none is left.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, Short> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// A 16-bit number, big-endian.
    ///
    /// # Errors
    /// When fewer than two bytes are left.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, Short> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// A 32-bit number, big-endian.
    ///
    /// # Errors
    /// When fewer than four bytes are left.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, Short> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// A 64-bit number, big-endian.
    ///
    /// # Errors
    /// When fewer than eight bytes are left.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, Short> {
        self.array(what).map(u64::from_be_bytes)
    }
}

/// A decimal number as C2SP writes it: ASCII digits, no sign, no leading zero.
#[must_use]
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
