//! Jurisdictions: ISO 3166 codes, prefixed by the regime where one law spans several countries.

/// Where a data subject lives as far as the law is concerned: `US-CA`, `EU-DE`, `JP`, or `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Jurisdiction(Box<str>);

/// Member States of the European Union and the other EEA States, where the GDPR applies (EEA Agreement,
/// Joint Committee Decision 154/2018).
const GDPR_STATES: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

impl Jurisdiction {
    /// The country cannot be told. Shown as such, never guessed.
    #[must_use]
    pub fn unknown() -> Self {
        Self("unknown".into())
    }

    /// From an ISO 3166-1 alpha-2 country code; anything else is `unknown`.
    #[must_use]
    pub fn country(code: &str) -> Self {
        let code = code.trim().to_ascii_uppercase();
        if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            return Self::unknown();
        }
        if GDPR_STATES.contains(&code.as_str()) { Self(format!("EU-{code}").into()) } else { Self(code.into()) }
    }

    /// A US State by its two-letter postal code.
    #[must_use]
    pub fn us_state(code: &str) -> Self {
        Self(format!("US-{}", code.to_ascii_uppercase()).into())
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The regime or country without subdivision: `US` for `US-CA`, `EU-DE` stays whole.
    #[must_use]
    pub fn country_part(&self) -> &str {
        if self.0.starts_with("EU-") { &self.0 } else { self.0.split('-').next().unwrap_or(&self.0) }
    }

    /// Whether the GDPR's territorial States include this one.
    #[must_use]
    pub fn is_gdpr(&self) -> bool {
        self.0.starts_with("EU-")
    }

    /// Whether the country is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        &*self.0 != "unknown"
    }
}

impl std::fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for Jurisdiction {
    type Err = crate::UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text == "unknown"
            || (text.len() >= 2
                && text.len() <= 6
                && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'));
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(crate::UnknownName { name: text.to_owned(), set: "jurisdiction" })
        }
    }
}

impl<'de> serde::Deserialize<'de> for Jurisdiction {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Jurisdiction;

    #[test]
    fn eu_states_carry_their_regime() {
        assert_eq!(Jurisdiction::country("de").as_str(), "EU-DE");
        assert_eq!(Jurisdiction::country("JP").as_str(), "JP");
        assert_eq!(Jurisdiction::country("Germany"), Jurisdiction::unknown());
        assert_eq!(Jurisdiction::us_state("ca").country_part(), "US");
        assert_eq!(Jurisdiction::country("FR").country_part(), "EU-FR");
    }
}
