//! stub
use std::fmt;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Gazetteer,
}
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gazetteer")
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameHit {
    pub start: usize,
    pub end: usize,
    pub confidence: u8,
    pub why: Why,
}
#[derive(Default)]
pub struct Scratch;
pub struct Names;
impl Names {
    pub fn load() -> Self {
        Self
    }
    pub fn find(&self, _text: &str, _scratch: &mut Scratch, _out: &mut Vec<NameHit>) {}
    pub fn is_name(&self, _value: &str) -> Option<u8> {
        None
    }
}
pub mod tagger {
    pub struct Tagger;
    impl Tagger {
        pub fn load() -> Self {
            Self
        }
        pub fn rescore(&self, _t: &str, _h: &mut Vec<super::NameHit>) -> usize {
            0
        }
    }
}
