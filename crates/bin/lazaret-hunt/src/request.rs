//! What is asked, as one JSON object.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hunt::{Format, Limits, Parameter};
use lake::LakeKey;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest time that a question may take.
const TIMEOUT_S_MAX: u64 = 24 * 60 * 60;
/// The most memory, in MiB.
const MEMORY_MIB_MAX: usize = 1 << 20;

/// One request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    lake: PathBuf,
    /// 32 bytes in hexadecimal.
    key: Zeroizing<String>,
    pub catalogue: Catalogue,
    pub sql: String,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    #[serde(default)]
    pub format: Format,
    timeout_s: u64,
    memory_mib: usize,
    rows_max: u64,
    #[serde(skip)]
    opened: LakeKey,
}

/// Where the catalogue lies.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    /// A file.
    pub sqlite: Option<PathBuf>,
    /// Or a server.
    pub postgres: Option<String>,
}

impl Request {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // What a parser says may quote what it read, and the key stands there.
        let parsed: Result<Self, serde_json::Error> = serde_json::from_str(text);
        let mut request = parsed.map_err(|error| format!("the request is none, at line {}", error.line()))?;
        request.opened = opened(&request.key).ok_or_else(|| "the key is not 32 bytes in hexadecimal".to_owned())?;
        Ok(request)
    }

    pub(crate) fn lake(&self) -> &Path {
        &self.lake
    }

    pub(crate) fn key(&self) -> LakeKey {
        self.opened.clone()
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_secs(self.timeout_s.clamp(1, TIMEOUT_S_MAX)),
            memory_bytes: self.memory_mib.clamp(16, MEMORY_MIB_MAX) << 20,
            rows_max: self.rows_max,
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }
}

fn opened(text: &str) -> Option<LakeKey> {
    let mut key = LakeKey::default();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != key.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}
