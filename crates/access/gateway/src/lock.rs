//! Object lock: retention and legal holds (Amazon S3 User Guide, "Locking objects with Object Lock").

use model::Action;
use model::event::Activity;
use s3s::dto::{
    DefaultRetention, GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, GetObjectRetentionInput, GetObjectRetentionOutput, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
    ObjectLockRule, PutObjectLegalHoldInput, PutObjectLegalHoldOutput, PutObjectLockConfigurationInput,
    PutObjectLockConfigurationOutput, PutObjectRetentionInput, PutObjectRetentionOutput, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use store::guarded::GuardedStudy;
use store::guarded::versions::StoredVersion;

use crate::caller::{Asker, Thing};
use crate::properties::Properties;
use crate::tags::Tags;
use crate::{Guard, fault, timestamp};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// As S3 counts a year of retention.
const YEAR_DAYS: i64 = 365;
/// A century, beyond which retention is a mistake.
const DAYS_MAX: i64 = 36_500;

/// What a study has set besides versioning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub object_lock: bool,
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub retention_mode: Option<String>,
    pub retention_days: Option<i32>,
    pub retention_years: Option<i32>,
    /// Where its creator wanted it to lie, as the client said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Tags of the study.
    #[serde(skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl Settings {
    pub(crate) fn of(row: &GuardedStudy) -> Self {
        serde_json::from_str(&row.settings).unwrap_or_default()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_never: serde_json::Error| "{}".to_owned())
    }

    /// Object lock alone, for the record.
    fn lock_shown(&self) -> String {
        let days = self.days().map_or_else(|| "none".to_owned(), |days| format!("{days} days"));
        let mode = self.retention_mode.as_deref().unwrap_or("none");
        format!("object lock {}, retention {mode} for {days}", self.object_lock)
    }

    fn days(&self) -> Option<i64> {
        self.retention_days.map(i64::from).or_else(|| self.retention_years.map(|years| i64::from(years) * YEAR_DAYS))
    }
}

pub(crate) fn ms(at: &Timestamp) -> i64 {
    i64::try_from(time::OffsetDateTime::from(at.clone()).unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn mode(text: &str) -> S3Result<String> {
    match text {
        ObjectLockRetentionMode::GOVERNANCE | ObjectLockRetentionMode::COMPLIANCE => Ok(text.to_owned()),
        _ => Err(s3_error!(MalformedXML, "a retention mode is `GOVERNANCE` or `COMPLIANCE`")),
    }
}

/// Retention and hold that a request asks for.
pub(crate) struct Asked {
    pub mode: Option<String>,
    /// Milliseconds since 1970.
    pub until: Option<i64>,
    pub hold: Option<String>,
}

/// The [`Asked`] of an input of s3s.
macro_rules! lock_asked {
    ($input:expr) => {
        $crate::lock::Asked {
            mode: $input.object_lock_mode.as_ref().map(|mode| mode.as_str().to_owned()),
            until: $input.object_lock_retain_until_date.as_ref().map($crate::lock::ms),
            hold: $input.object_lock_legal_hold_status.as_ref().map(|status| status.as_str().to_owned()),
        }
    };
}
pub(crate) use lock_asked;

/// Retention and hold that something stored gets: what was asked for, or what its study sets for all.
pub(crate) fn settle(row: &GuardedStudy, asked: Asked, properties: &mut Properties, now: i64) -> S3Result<()> {
    let Asked { mode: asked_mode, until, hold } = asked;
    let settings = Settings::of(row);
    if (asked_mode.is_some() || until.is_some() || hold.is_some()) && !settings.object_lock {
        return Err(s3_error!(InvalidRequest, "the study has no object lock"));
    }
    match (asked_mode, until) {
        (Some(asked), Some(until)) => {
            if until <= now {
                return Err(s3_error!(InvalidArgument, "retention must end in the future"));
            }
            properties.retention_mode = Some(mode(&asked)?);
            properties.retain_until = Some(until);
        }
        (None, None) => {
            if let (Some(mode), Some(days)) = (settings.retention_mode.clone(), settings.days()) {
                properties.retention_mode = Some(mode);
                properties.retain_until = Some(now + days * DAY_MS);
            }
        }
        _ => return Err(s3_error!(InvalidArgument, "retention needs both a mode and a date")),
    }
    properties.legal_hold = hold.as_deref() == Some(ObjectLockLegalHoldStatus::ON);
    Ok(())
}

impl Guard {
    /// A version whose lock may be looked at or changed.
    async fn lockable(
        &self,
        asker: &Asker,
        bucket: &str,
        name: &str,
        id: Option<&str>,
        action: Action,
    ) -> S3Result<(model::StudyId, crate::get::Readable)> {
        let (study, row) = self.study(bucket).await?;
        if !Settings::of(&row).object_lock {
            return Err(s3_error!(InvalidRequest, "the study has no object lock"));
        }
        let found = self.readable(asker, &study, name, id, action).await?;
        Ok((study, found))
    }

    /// Records a change of a version's lock, with the value before and after, then makes it.
    async fn change_lock(
        &self,
        asker: &Asker,
        study: &model::StudyId,
        found: &crate::get::Readable,
        changed: StoredVersion,
        activity: Activity,
    ) -> S3Result<()> {
        let shown = |version: &StoredVersion| {
            let until = version.retain_until.map_or_else(|| "none".to_owned(), |until| until.to_string());
            let mode = version.retention_mode.as_deref().unwrap_or("none");
            format!("retention {mode} until {until}, hold {}", version.legal_hold)
        };
        let mut event = self.event(asker, activity, &Thing::version(study, &found.row));
        event.action = Some(found.permit.action);
        event.policies.clone_from(&found.permit.policies);
        event.old = Some(shown(&found.row));
        event.new = Some(shown(&changed));
        self.record(event).await?;
        self.change_version(changed).await.map_err(fault::of_store)?;
        Ok(())
    }

    pub(crate) async fn get_object_retention(
        &self,
        request: S3Request<GetObjectRetentionInput>,
    ) -> S3Result<S3Response<GetObjectRetentionOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (_, found) =
            self.lockable(&asker, &input.bucket, &input.key, input.version_id.as_deref(), Action::List).await?;
        let Some(mode) = found.row.retention_mode else {
            return Err(s3_error!(NoSuchObjectLockConfiguration, "the version has no retention"));
        };
        let retention = ObjectLockRetention {
            mode: Some(ObjectLockRetentionMode::from(mode)),
            retain_until_date: found.row.retain_until.map(timestamp),
        };
        Ok(S3Response::new(GetObjectRetentionOutput { retention: Some(retention) }))
    }

    pub(crate) async fn put_object_retention(
        &self,
        request: S3Request<PutObjectRetentionInput>,
    ) -> S3Result<S3Response<PutObjectRetentionOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let id = input.version_id.as_deref();
        let (study, found) = self.lockable(&asker, &input.bucket, &input.key, id, Action::Administer).await?;
        let retention = input.retention.unwrap_or_default();
        let mut changed = found.row.clone();
        match (&retention.mode, &retention.retain_until_date) {
            (Some(asked), Some(until)) => {
                changed.retention_mode = Some(mode(asked.as_str())?);
                changed.retain_until = Some(ms(until));
                if ms(until) <= self.now() {
                    return Err(s3_error!(InvalidArgument, "retention must end in the future"));
                }
            }
            (None, None) => (changed.retention_mode, changed.retain_until) = (None, None),
            _ => return Err(s3_error!(MalformedXML, "retention needs both a mode and a date")),
        }
        let bypasses = input.bypass_governance_retention.unwrap_or(false);
        if is_weaker(&found.row, &changed, bypasses, self.now()) {
            return Err(s3_error!(AccessDenied, "retention cannot be shortened or taken away before it ends"));
        }
        self.change_lock(&asker, &study, &found, changed, Activity::Update).await?;
        Ok(S3Response::new(PutObjectRetentionOutput::default()))
    }

    pub(crate) async fn get_object_legal_hold(
        &self,
        request: S3Request<GetObjectLegalHoldInput>,
    ) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (_, found) =
            self.lockable(&asker, &input.bucket, &input.key, input.version_id.as_deref(), Action::List).await?;
        let status = if found.row.legal_hold { ObjectLockLegalHoldStatus::ON } else { ObjectLockLegalHoldStatus::OFF };
        let legal_hold = ObjectLockLegalHold { status: Some(ObjectLockLegalHoldStatus::from_static(status)) };
        Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold: Some(legal_hold) }))
    }

    pub(crate) async fn put_object_legal_hold(
        &self,
        request: S3Request<PutObjectLegalHoldInput>,
    ) -> S3Result<S3Response<PutObjectLegalHoldOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let id = input.version_id.as_deref();
        let (study, found) = self.lockable(&asker, &input.bucket, &input.key, id, Action::Administer).await?;
        let status = input.legal_hold.and_then(|hold| hold.status);
        let is_on = match status.as_ref().map(ObjectLockLegalHoldStatus::as_str) {
            Some(ObjectLockLegalHoldStatus::ON) => true,
            Some(ObjectLockLegalHoldStatus::OFF) => false,
            _ => return Err(s3_error!(MalformedXML, "a hold's status is `ON` or `OFF`")),
        };
        let changed = StoredVersion { legal_hold: is_on, ..found.row.clone() };
        let activity = if is_on { Activity::Lock } else { Activity::Unlock };
        self.change_lock(&asker, &study, &found, changed, activity).await?;
        Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
    }

    pub(crate) async fn get_object_lock_configuration(
        &self,
        request: S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        let asker = Asker::of(&request)?;
        let (study, row) = self.study(&request.input.bucket).await?;
        self.permit(&asker, Action::List, Activity::Look, &Thing::study(&study)).await?;
        let settings = Settings::of(&row);
        if !settings.object_lock {
            return Err(s3_error!(ObjectLockConfigurationNotFoundError, "the study has no object lock"));
        }
        let rule = settings.retention_mode.map(|mode| ObjectLockRule {
            default_retention: Some(DefaultRetention {
                mode: Some(ObjectLockRetentionMode::from(mode)),
                days: settings.retention_days,
                years: settings.retention_years,
            }),
        });
        let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
        let configuration = ObjectLockConfiguration { object_lock_enabled: enabled, rule };
        Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) }))
    }

    pub(crate) async fn put_object_lock_configuration(
        &self,
        request: S3Request<PutObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<PutObjectLockConfigurationOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(&asker, Action::Administer, Activity::Change, &thing).await?;
        let configuration = input.object_lock_configuration.unwrap_or_default();
        let is_enabled = configuration.object_lock_enabled.as_ref().map(ObjectLockEnabled::as_str);
        if is_enabled != Some(ObjectLockEnabled::ENABLED) {
            return Err(s3_error!(MalformedXML, "`ObjectLockEnabled` can only be `Enabled`"));
        }
        if row.versioning != "on" {
            return Err(s3_error!(
                InvalidBucketState,
                "object lock needs versions to be kept; enable versioning first"
            ));
        }
        let before = Settings::of(&row);
        let shown_before = before.lock_shown();
        let mut settings =
            Settings { object_lock: true, location: before.location, tags: before.tags, ..Default::default() };
        if let Some(default) = configuration.rule.and_then(|rule| rule.default_retention) {
            settings.retention_mode =
                Some(mode(default.mode.as_ref().map(ObjectLockRetentionMode::as_str).unwrap_or_default())?);
            (settings.retention_days, settings.retention_years) = (default.days, default.years);
            let is_one = settings.retention_days.is_some() != settings.retention_years.is_some();
            if !is_one {
                return Err(s3_error!(MalformedXML, "a default retention has days or years, not both"));
            }
            if !settings.days().is_some_and(|days| (1..=DAYS_MAX).contains(&days)) {
                return Err(bad_period());
            }
        }
        let mut event = self.event(&asker, Activity::Change, &thing);
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("setting:object-lock".to_owned());
        event.old = Some(shown_before);
        event.new = Some(settings.lock_shown());
        self.record(event).await?;
        self.change_study(&study, &row.versioning, &settings.to_json()).await?;
        Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
    }
}

/// A default retention that cannot be, with S3's code for it, which the library does not know.
fn bad_period() -> S3Error {
    let told = format!("a default retention has 1 to {DAYS_MAX} days");
    let mut error = S3Error::with_message(S3ErrorCode::Custom("InvalidRetentionPeriod".into()), told);
    error.set_status_code(hyper::StatusCode::BAD_REQUEST);
    error
}

/// Whether a change would give up something that is still kept.
fn is_weaker(before: &StoredVersion, after: &StoredVersion, bypasses: bool, now: i64) -> bool {
    let Some(until) = before.retain_until.filter(|until| *until > now) else { return false };
    if before.retention_mode.as_deref() == Some(ObjectLockRetentionMode::GOVERNANCE) && bypasses {
        return false;
    }
    let is_shorter = after.retain_until.is_none_or(|after| after < until);
    // Another mode needs a bypass too, also where it is the stricter one: with it nobody could take it back.
    is_shorter || after.retention_mode != before.retention_mode
}
