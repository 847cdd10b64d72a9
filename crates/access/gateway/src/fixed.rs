//! What is the same for every study and cannot be set: whoever owns it, that nobody outside reaches it, that it is sealed.
//! Clients ask for it and get the truth; a wish for anything else is refused.

use model::Action;
use model::event::Activity;
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use store::guarded::GuardedStudy;

use crate::Guard;
use crate::caller::{Asker, Thing};

/// Status of an answer that a setting is not there.
const NOT_THERE: hyper::StatusCode = hyper::StatusCode::NOT_FOUND;

fn not_set(code: S3ErrorCode, told: &'static str) -> S3Error {
    let mut error = S3Error::with_message(code, told);
    error.set_status_code(NOT_THERE);
    error
}

fn only_private() -> S3Error {
    s3_error!(
        AccessControlListNotSupported,
        "access is granted per study by Lazaret's policy, not by lists; `private` is the only one"
    )
}

/// Studies answer so, for each name: this setting is never there, and taking it away changes nothing.
macro_rules! never_set {
    ($($get:ident: $get_input:ident => $get_output:ident, $code:expr, $told:literal;)+) => {
        impl Guard {
            $(
                pub(crate) async fn $get(&self, request: S3Request<$get_input>) -> S3Result<S3Response<$get_output>> {
                    let asker = Asker::of(&request)?;
                    self.looked(&asker, &request.input.bucket).await?;
                    Err(not_set($code, $told))
                }
            )+
        }
    };
}

never_set! {
    get_bucket_cors: GetBucketCorsInput => GetBucketCorsOutput,
        S3ErrorCode::NoSuchCORSConfiguration, "no other web sites reach a study";
    get_bucket_lifecycle_configuration:
        GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput,
        S3ErrorCode::NoSuchLifecycleConfiguration, "nothing in a study ends by itself";
    get_bucket_policy: GetBucketPolicyInput => GetBucketPolicyOutput,
        S3ErrorCode::NoSuchBucketPolicy, "access is decided by Lazaret's policy, which no study has of its own";
    get_bucket_replication: GetBucketReplicationInput => GetBucketReplicationOutput,
        S3ErrorCode::ReplicationConfigurationNotFoundError, "studies are not replicated";
    get_bucket_website: GetBucketWebsiteInput => GetBucketWebsiteOutput,
        S3ErrorCode::NoSuchWebsiteConfiguration, "studies are no web sites";
}

/// Taking away what is never there.
macro_rules! never_there {
    ($($delete:ident: $input:ident => $output:ident,)+) => {
        impl Guard {
            $(
                pub(crate) async fn $delete(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    let asker = Asker::of(&request)?;
                    self.wished(&asker, &request.input.bucket).await?;
                    let mut response = S3Response::new($output {});
                    response.status = Some(hyper::StatusCode::NO_CONTENT);
                    Ok(response)
                }
            )+
        }
    };
}

never_there! {
    delete_bucket_cors: DeleteBucketCorsInput => DeleteBucketCorsOutput,
    delete_bucket_encryption: DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput,
    delete_bucket_lifecycle: DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput,
    delete_bucket_policy: DeleteBucketPolicyInput => DeleteBucketPolicyOutput,
    delete_bucket_replication: DeleteBucketReplicationInput => DeleteBucketReplicationOutput,
    delete_bucket_website: DeleteBucketWebsiteInput => DeleteBucketWebsiteOutput,
}

impl Guard {
    /// Somebody who administers a study wishes for what holds anyway; recorded.
    async fn wished(&self, asker: &Asker, bucket: &str) -> S3Result<()> {
        let (study, _) = self.study(bucket).await?;
        let thing = Thing::study(&study);
        let permit = self.permit(asker, Action::Administer, Activity::Look, &thing).await?;
        self.announce(asker, Activity::Look, &permit, &thing).await?;
        Ok(())
    }

    /// Everything belongs to whoever owns the study, in full.
    async fn control(&self, row: &GuardedStudy) -> S3Result<(Owner, Grants)> {
        let owner = self.owner(row).await?;
        let grantee = Grantee {
            display_name: owner.display_name.clone(),
            email_address: None,
            id: owner.id.clone(),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        };
        let permission = Some(Permission::from_static(Permission::FULL_CONTROL));
        Ok((owner, vec![Grant { grantee: Some(grantee), permission }]))
    }

    /// Whether a list of access says what holds anyway: the owner's full control, nothing else.
    async fn check_list(&self, row: &GuardedStudy, list: Option<AccessControlPolicy>) -> S3Result<()> {
        let Some(list) = list else { return Ok(()) };
        let (owner, _) = self.control(row).await?;
        let is_owners = |grant: &Grant| {
            let full = grant.permission.as_ref().map(Permission::as_str) == Some(Permission::FULL_CONTROL);
            full && grant.grantee.as_ref().is_some_and(|grantee| grantee.id == owner.id)
        };
        let grants = list.grants.unwrap_or_default();
        if grants.len() == 1 && grants.iter().all(is_owners) { Ok(()) } else { Err(only_private()) }
    }

    pub(crate) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        let asker = Asker::of(&request)?;
        let (_, row) = self.looked(&asker, &request.input.bucket).await?;
        let (owner, grants) = self.control(&row).await?;
        Ok(S3Response::new(GetBucketAclOutput { grants: Some(grants), owner: Some(owner) }))
    }

    pub(crate) async fn put_bucket_acl(
        &self,
        request: S3Request<PutBucketAclInput>,
    ) -> S3Result<S3Response<PutBucketAclOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        self.wished(&asker, &input.bucket).await?;
        let (_, row) = self.study(&input.bucket).await?;
        self.check_list(&row, input.access_control_policy).await?;
        Ok(S3Response::new(PutBucketAclOutput {}))
    }

    pub(crate) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> S3Result<S3Response<GetObjectAclOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let found = self.readable(&asker, &study, &input.key, input.version_id.as_deref(), Action::List).await?;
        self.announce(&asker, Activity::Look, &found.permit, &Thing::version(&study, &found.row)).await?;
        let (owner, grants) = self.control(&row).await?;
        Ok(S3Response::new(GetObjectAclOutput { grants: Some(grants), owner: Some(owner), request_charged: None }))
    }

    pub(crate) async fn put_object_acl(
        &self,
        request: S3Request<PutObjectAclInput>,
    ) -> S3Result<S3Response<PutObjectAclOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let found = self.readable(&asker, &study, &input.key, input.version_id.as_deref(), Action::Write).await?;
        self.announce(&asker, Activity::Look, &found.permit, &Thing::version(&study, &found.row)).await?;
        self.check_list(&row, input.access_control_policy).await?;
        Ok(S3Response::new(PutObjectAclOutput::default()))
    }

    pub(crate) async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
        let controls = OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] };
        Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) }))
    }

    pub(crate) async fn get_bucket_policy_status(
        &self,
        request: S3Request<GetBucketPolicyStatusInput>,
    ) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        let policy_status = Some(PolicyStatus { is_public: Some(false) });
        Ok(S3Response::new(GetBucketPolicyStatusOutput { policy_status }))
    }

    pub(crate) async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        let public_access_block_configuration = Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            block_public_policy: Some(true),
            ignore_public_acls: Some(true),
            restrict_public_buckets: Some(true),
        });
        Ok(S3Response::new(GetPublicAccessBlockOutput { public_access_block_configuration }))
    }

    pub(crate) async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let asker = Asker::of(&request)?;
        self.wished(&asker, &request.input.bucket).await?;
        let asked = request.input.public_access_block_configuration;
        let all = [
            asked.block_public_acls,
            asked.block_public_policy,
            asked.ignore_public_acls,
            asked.restrict_public_buckets,
        ];
        if all.iter().all(|one| *one == Some(true)) {
            return Ok(S3Response::new(PutPublicAccessBlockOutput {}));
        }
        Err(s3_error!(NotImplemented, "public access is always blocked in full; ask for all four or leave it"))
    }

    pub(crate) async fn get_bucket_encryption(
        &self,
        request: S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        let by_default = ServerSideEncryptionByDefault {
            kms_master_key_id: None,
            sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(by_default),
            bucket_key_enabled: Some(false),
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(S3Response::new(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) }))
    }

    pub(crate) async fn put_bucket_encryption(
        &self,
        request: S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
        let asker = Asker::of(&request)?;
        self.wished(&asker, &request.input.bucket).await?;
        let rules = request.input.server_side_encryption_configuration.rules;
        let is_so = |rule: &ServerSideEncryptionRule| {
            rule.apply_server_side_encryption_by_default.as_ref().is_none_or(|asked| {
                asked.sse_algorithm.as_str() == ServerSideEncryption::AES256 && asked.kms_master_key_id.is_none()
            })
        };
        if rules.iter().all(is_so) {
            return Ok(S3Response::new(PutBucketEncryptionOutput {}));
        }
        Err(s3_error!(NotImplemented, "every object is sealed with keys of its study; ask for `AES256` or leave it"))
    }

    pub(crate) async fn get_bucket_request_payment(
        &self,
        request: S3Request<GetBucketRequestPaymentInput>,
    ) -> S3Result<S3Response<GetBucketRequestPaymentOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        let payer = Some(Payer::from_static(Payer::BUCKET_OWNER));
        Ok(S3Response::new(GetBucketRequestPaymentOutput { payer }))
    }

    pub(crate) async fn get_bucket_logging(
        &self,
        request: S3Request<GetBucketLoggingInput>,
    ) -> S3Result<S3Response<GetBucketLoggingOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        Ok(S3Response::new(GetBucketLoggingOutput::default()))
    }

    pub(crate) async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketNotificationConfigurationOutput>> {
        let asker = Asker::of(&request)?;
        self.looked(&asker, &request.input.bucket).await?;
        Ok(S3Response::new(GetBucketNotificationConfigurationOutput::default()))
    }
}
