//! Whose exposure is asked for.

use incidents::case::{Case, What};
use incidents::exposure::Grade;
use model::StudyId;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Guarded;
use crate::ops::OpsError;

/// Whose exposure is asked for. Parts that are given narrow each other; of objects and beginnings of names each adds some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExposureRequest {
    /// By this principal: a name or an id.
    pub principal: Option<String>,
    /// By this device: a name or an id.
    pub device: Option<String>,
    /// By everybody of this partner organisation.
    pub partner: Option<String>,
    /// With this credential, by its public id.
    pub credential: Option<String>,
    /// From this address.
    pub address: Option<String>,
    /// Of these objects: ids, or `study/name`.
    #[serde(alias = "object", deserialize_with = "one_or_many")]
    pub objects: Vec<String>,
    /// Of objects whose names begin so: `study/beginning`.
    pub prefixes: Vec<String>,
    /// Of this study.
    pub study: Option<StudyId>,
    /// As this finding tells.
    pub finding: Option<u32>,
    /// Not before this time, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Not after it.
    pub to: Option<i64>,
    /// From entries of the record before this one.
    pub end: Option<u64>,
    /// With what is within reach and was not touched.
    pub reach: bool,
    /// By a copy of the store as it lies, on a disk or in a backup, that was lost or taken: encrypted, and without the root key.
    pub sealed_copy: bool,
    /// As it was last asked for this incident, or by its finding; parts that are given take the place of those.
    pub incident: Option<u32>,
}

/// What is shown of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// Of objects in which people of this jurisdiction are.
    pub jurisdiction: Option<String>,
    /// Up to this grade.
    pub grade: Option<Grade>,
    /// Of this object alone, by id.
    pub object: Option<String>,
    /// With the entries of the record that prove it.
    pub entries: bool,
    /// Entries after this one.
    pub after: Option<u64>,
}

/// Questions that were kept before had one object, or none.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Many(Vec<String>),
        One(String),
        None(()),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::Many(all) => all,
        Given::One(one) => vec![one],
        Given::None(()) => Vec::new(),
    })
}

impl ExposureRequest {
    /// Whether it says neither whose exposure nor of what.
    fn names_nothing(&self) -> bool {
        let parts = [&self.principal, &self.device, &self.partner, &self.credential, &self.address];
        parts.iter().all(|part| part.is_none())
            && self.objects.is_empty()
            && self.prefixes.is_empty()
            && self.study.is_none()
            && self.finding.is_none()
            && !self.sealed_copy
    }

    /// As it is meant in an incident: about its finding, or else its study, where nothing else is named; from when the breach began, where
    /// that is a fact and no other time is given.
    pub(crate) fn in_incident(mut self, case: &Case) -> Self {
        if self.names_nothing() && self.incident.is_none() {
            self.finding = case.finding;
            if self.finding.is_none() && self.from.is_none() && case.breach_began_at().is_some() {
                self.study = case.study.as_ref().and_then(|study| study.parse().ok());
            }
        }
        // A time alone asks about everybody: that is not done unasked.
        if self.from.is_none() && !self.names_nothing() && !self.sealed_copy {
            self.from = case.breach_began_at();
        }
        self
    }

    /// What was last asked for an incident, or else its finding; `None`: there is neither.
    pub(crate) fn of_case(case: &Case) -> Option<Self> {
        let asked = case.entries.iter().rev().find_map(|entry| match &entry.what {
            What::Exposure { question, .. } => serde_json::from_value::<Self>(question.clone()).ok(),
            _ => None,
        });
        let of_finding = |finding| Self { finding: Some(finding), from: case.breach_began_at(), ..Self::default() };
        asked.or_else(|| case.finding.map(of_finding))
    }
}

impl Guarded {
    /// What an incident asks about, where one is named: what was last asked for it, or else its finding. What is given besides takes the
    /// place of the same part there.
    pub(super) async fn as_asked_in(&self, request: &ExposureRequest) -> Result<ExposureRequest, OpsError> {
        let Some(id) = request.incident else { return Ok(request.clone()) };
        if request.sealed_copy {
            return Ok(ExposureRequest { incident: None, ..request.clone() });
        }
        let (_, case) = self.incidents.case(id).await?;
        let before = ExposureRequest::of_case(&case).ok_or_else(|| {
            OpsError::Wrong(format!(
                "incident {id} has no finding, and nobody has told its exposure yet; say whose: `lazaret incidents expose {id} \
                 --principal NAME`, or `--study`, `--object`, `--from`"
            ))
        })?;
        let request = request.clone();
        let names_objects = !(request.objects.is_empty() && request.prefixes.is_empty());
        let (objects, prefixes) =
            if names_objects { (request.objects, request.prefixes) } else { (before.objects, before.prefixes) };
        Ok(ExposureRequest {
            principal: request.principal.or(before.principal),
            device: request.device.or(before.device),
            partner: request.partner.or(before.partner),
            credential: request.credential.or(before.credential),
            address: request.address.or(before.address),
            objects,
            prefixes,
            study: request.study.or(before.study),
            finding: request.finding.or(before.finding),
            from: request.from.or(before.from),
            to: request.to.or(before.to),
            end: request.end,
            reach: request.reach || before.reach,
            sealed_copy: before.sealed_copy,
            incident: None,
        })
    }
}
