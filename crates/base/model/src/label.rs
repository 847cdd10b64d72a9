//! Labels: what an object holds, in the terms that policy and law use.

use crate::closed_set;

closed_set! {
    /// What an object holds.
    Label, "label", {
        /// Health information with direct identifiers.
        PhiDirect = "phi.direct",
        /// Health information with only what a limited data set may keep.
        PhiLimited = "phi.limited",
        /// Information about an identified or identifiable person.
        Personal = "personal",
        /// Health data (GDPR Art. 4(15)).
        SpecialHealth = "special.health",
        /// Genetic data (GDPR Art. 4(13)).
        SpecialGenetic = "special.genetic",
        /// Biometric data (GDPR Art. 4(14)).
        SpecialBiometric = "special.biometric",
        /// Japanese Individual Number (My Number Act).
        JpIndividualNumber = "jp.individual_number",
        /// Special-care-required personal information (APPI Art. 2(3)).
        JpSpecialCare = "jp.special_care",
        /// Data about trial subjects.
        TrialSubject = "trial.subject",
        /// Treatment allocation that would break a blind.
        TrialUnblinding = "trial.unblinding",
        /// Chemical structures.
        IpCompound = "ip.compound",
        /// Proprietary sequences.
        IpSequence = "ip.sequence",
        /// Laboratory notebooks.
        IpNotebook = "ip.notebook",
        /// Material marked confidential.
        IpConfidential = "ip.confidential",
        /// Credentials.
        Secret = "secret",
        /// Nothing recognised.
        None = "none",
    }
}
