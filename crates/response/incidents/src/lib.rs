//! The record and what is known of objects in; whose data was exposed out, and what is done about it.
//!
//! What comes in: entries of the record that say who touched which object, how many data subjects of which jurisdiction an
//! object is about, and what people do and say about an incident. What goes out: exposure, graded by how sure it is, each figure with the
//! entries that prove it ([`exposure`]); incidents as their entries leave them, with the clocks that their facts start ([`case`]), recorded
//! before they are kept ([`desk`]); notices of what an obligation or statement wants said ([`brief`]), and whether they say it ([`drafts`]); what follows from the answers to a form that
//! assesses risk, as a text that can be signed ([`assess`]); whom to reach and how ([`plan`]), and letters to those concerned ([`letters`]). This crate
//! must never read a clock, change or take away an entry, give a figure without the entries that it is told from, or name a data subject other
//! than in the letter to them.

pub mod assess;
pub mod brief;
pub mod case;
pub mod desk;
pub mod drafts;
pub mod exposure;
pub mod letters;
pub mod plan;
pub mod report;
pub mod timeline;

/// The SHA-256 of something, in hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut sum = Sha256::default();
    sum.update(bytes);
    sum.hex()
}

/// A SHA-256 in the making.
pub struct Sha256(aws_lc_rs::digest::Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256))
    }
}

impl Sha256 {
    /// Takes what follows.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        self.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
