//! GA4GH Passport visas: what data access committees elsewhere granted to a person (GA4GH Passport v1.2, AAI OIDC Profile v1.2).

use model::StudyId;
use serde::Deserialize;

use crate::federation::Federation;
use crate::jwt::JwtError;

/// The claim that makes a token a visa.
const VISA: &str = "ga4gh_visa_v1";
/// The only type of visa that opens anything here.
const CONTROLLED: &str = "ControlledAccessGrants";

/// What a visa for a data set means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisaRule {
    /// Who signed it, letter for letter.
    pub issuer: String,
    /// The data set that it names, letter for letter.
    pub value: String,
    /// The organisation that must stand behind it, if one must.
    pub source: Option<String>,
    /// The study that it opens.
    pub study: StudyId,
    /// In which role.
    pub role: String,
}

/// What a visa opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// Which study.
    pub study: StudyId,
    /// In which role.
    pub role: String,
    /// Until when, in milliseconds since 1970, UTC.
    pub until_ms: i64,
}

/// What became of a visa.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It opens something.
    Opens(Entitlement),
    /// It opens nothing; why.
    Nothing(&'static str),
    /// It is not to be believed.
    Wrong(JwtError),
}

/// The visa object (GA4GH Passport v1.2, "Visa Object").
#[derive(Debug, Deserialize)]
struct Visa {
    r#type: String,
    value: String,
    source: String,
    #[serde(default)]
    conditions: serde_json::Value,
}

impl Federation {
    /// What a visa opens for the person whom `known` vouch for: pairs of issuer and subject that are known to be that person.
    /// Its signature, its time, its person and its rule are looked at, in this order.
    pub async fn judge(&self, visa: &str, known: &[(String, String)], rules: &[VisaRule], now_ms: i64) -> Judged {
        let claims = match self.verify_for_anybody(visa, now_ms).await {
            Ok(claims) => claims,
            Err(error) => return Judged::Wrong(error),
        };
        let read = |value: &serde_json::Value| Visa::deserialize(value).ok();
        let Some(visa) = claims.all.get(VISA).and_then(read) else {
            return Judged::Nothing("it is no visa");
        };
        if visa.r#type != CONTROLLED {
            return Judged::Nothing("it is of a type that opens nothing here");
        }
        let is_theirs = |(issuer, subject): &(String, String)| *issuer == claims.issuer && *subject == claims.subject;
        if !known.iter().any(is_theirs) {
            return Judged::Nothing("it is of somebody who is not known to be this person");
        }
        // Conditions that are not checked are not met (GA4GH Passport v1.2, "conditions").
        if !(visa.conditions.is_null() || visa.conditions.as_array().is_some_and(Vec::is_empty)) {
            return Judged::Nothing("it has conditions, which are not looked at here");
        }
        let fits = |rule: &&VisaRule| {
            rule.issuer == claims.issuer
                && rule.value == visa.value
                && rule.source.as_ref().is_none_or(|source| *source == visa.source)
        };
        let Some(rule) = rules.iter().find(fits) else {
            return Judged::Nothing("the settings have no study for it");
        };
        let until_ms = claims.expires_s.saturating_mul(1000);
        if until_ms <= now_ms {
            return Judged::Wrong(JwtError::Expired);
        }
        Judged::Opens(Entitlement { study: rule.study.clone(), role: rule.role.clone(), until_ms })
    }
}
