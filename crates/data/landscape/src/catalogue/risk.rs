//! Where risk sits: one number an object, and the reason for it in words.
//!
//! The rule: the weight of its gravest label, times 1 + log2(1 + people in it), plus one for each further label, times
//! ten and rounded. The weight says how bad exposure is for those concerned or for the organisation; the logarithm lets
//! ten thousand people outweigh ten without hiding that ten are people too. Objects that hold nothing rank 0.

use model::Label;

/// Weight of a label, 0 to 10.
#[must_use]
pub const fn weight(label: Label) -> u32 {
    match label {
        Label::PhiDirect | Label::JpIndividualNumber | Label::TrialUnblinding => 10,
        Label::Secret | Label::SpecialGenetic => 9,
        Label::SpecialHealth | Label::SpecialBiometric | Label::JpSpecialCare => 8,
        Label::TrialSubject | Label::PhiLimited => 6,
        Label::Personal | Label::IpCompound | Label::IpSequence | Label::IpNotebook => 5,
        Label::IpConfidential => 4,
        Label::None => 0,
    }
}

/// The gravest of some labels; of equally grave ones the first by name.
#[must_use]
pub fn gravest(labels: &[Label]) -> Label {
    let mut sorted = labels.to_vec();
    sorted.sort_by_key(|label| (std::cmp::Reverse(weight(*label)), label.as_str()));
    sorted.first().copied().unwrap_or(Label::None)
}

/// The rank of an object with these labels and this many people.
#[must_use]
pub fn rank(labels: &[Label], people: u64) -> i64 {
    let weight = f64::from(weight(gravest(labels)));
    if weight == 0.0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a logarithm of a count needs no more than 53 bits")]
    let crowd = 1.0 + (1.0 + people as f64).log2();
    let further = labels.iter().filter(|label| **label != Label::None).count().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, reason = "at most 10 × 65 + 15, times ten")]
    let rank = ((weight * crowd + f64::from(u32::try_from(further).unwrap_or(0))) * 10.0).round() as i64;
    rank
}

/// Why an object ranks where it does, in one line.
#[must_use]
pub fn explain(labels: &[Label], people: u64) -> String {
    let gravest = gravest(labels);
    if weight(gravest) == 0 {
        return "nothing was recognised in it".to_owned();
    }
    let further = labels.iter().filter(|label| **label != Label::None).count().saturating_sub(1);
    let crowd = match people {
        0 => "no person counted".to_owned(),
        1 => "one person".to_owned(),
        many => format!("{many} people"),
    };
    let also = if further == 0 { String::new() } else { format!(", {further} further label(s)") };
    format!("gravest label `{gravest}` (weight {} of 10), {crowd}{also}", weight(gravest))
}

#[cfg(test)]
mod tests {
    use model::Label;

    use super::{explain, gravest, rank};

    #[test]
    fn people_and_gravity_raise_the_rank() {
        assert_eq!(rank(&[Label::None], 0), 0);
        assert_eq!(rank(&[Label::Secret], 0), 90);
        assert!(rank(&[Label::PhiDirect], 10_000) > rank(&[Label::PhiDirect], 10));
        assert!(rank(&[Label::PhiDirect], 1) > rank(&[Label::Personal], 1));
        assert!(rank(&[Label::Personal, Label::IpCompound], 1) > rank(&[Label::Personal], 1));
        assert_eq!(gravest(&[Label::Personal, Label::Secret]), Label::Secret);
        assert!(explain(&[Label::PhiDirect, Label::Personal], 12).contains("12 people, 1 further"));
    }
}
