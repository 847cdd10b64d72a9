//! stub
use model::{Format, IdentifierType, Jurisdiction, Label, LawId};
pub struct LabelRules;
impl LabelRules {
    pub fn embedded() -> Result<Self, crate::engine::EngineError> {
        Ok(Self)
    }
    pub fn labels<'j>(
        &self,
        _c: impl Iterator<Item = (IdentifierType, u64)>,
        _f: Format,
        _j: impl Iterator<Item = &'j Jurisdiction>,
    ) -> (Vec<Label>, Vec<LawId>) {
        (vec![], vec![])
    }
}
