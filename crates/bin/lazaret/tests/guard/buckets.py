"""Buckets: names, owners, settings that can be set and those that cannot."""

from asked import MAIN, OTHER, bucket, client, emptied, put, refused, s3

other = client(OTHER)
where = bucket()

# Names.
for name in ["a", "aa", "A-Study", "a_b", "a..b", "a.-b", "a-.b", "ab-", "192.168.5.123", "a" * 64]:
    asking = client()

    def rename(name=name, **arguments):
        arguments["params"]["url"] = arguments["params"]["url"].replace("a-valid-name", name)

    asking.meta.events.register("before-call.s3.CreateBucket", rename)
    refused(400, "InvalidBucketName", asking.create_bucket, Bucket="a-valid-name")
for name in ["aaa.111", "aaa-111", "0ab", "n" * 63, "yournamehere-abcdef0123456789-1"]:
    s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)

# Whoever created one is told that it is there, and nothing of it changes; nobody else gets the name.
put(where, "kept")
s3.create_bucket(Bucket=where)
assert s3.list_objects_v2(Bucket=where)["KeyCount"] == 1
refused(409, "BucketAlreadyExists", other.create_bucket, Bucket=where)
refused(403, "403", other.head_bucket, Bucket=where)
refused(404, "404", s3.head_bucket, Bucket="not-there-1")
refused(404, "NoSuchBucket", s3.list_objects, Bucket="not-there-1")
refused(404, "NoSuchBucket", s3.delete_bucket, Bucket="not-there-1")
refused(404, "NoSuchBucket", s3.put_object, Bucket="not-there-1", Key="a", Body=b"")
refused(409, "BucketNotEmpty", s3.delete_bucket, Bucket=where)
assert where not in [one["Name"] for one in other.list_buckets()["Buckets"]]

# Where it lies is what its creator said.
assert s3.get_bucket_location(Bucket=where)["LocationConstraint"] is None
located = bucket(CreateBucketConfiguration={"LocationConstraint": "default"})
assert s3.get_bucket_location(Bucket=located)["LocationConstraint"] == "default"

# Whose it is.
owner = s3.get_bucket_acl(Bucket=where)["Owner"]["ID"]
s3.list_objects_v2(Bucket=where, ExpectedBucketOwner=owner)
refused(403, "AccessDenied", s3.list_objects_v2, Bucket=where, ExpectedBucketOwner=owner + "0")
refused(403, "AccessDenied", s3.put_object, Bucket=where, Key="b", Body=b"", ExpectedBucketOwner="0" * 12)

# Tags are real.
refused(404, "NoSuchTagSet", s3.get_bucket_tagging, Bucket=where)
tags = [{"Key": "phase", "Value": "2"}, {"Key": "site", "Value": "Graz"}]
s3.put_bucket_tagging(Bucket=where, Tagging={"TagSet": tags})
assert s3.get_bucket_tagging(Bucket=where)["TagSet"] == tags
assert s3.delete_bucket_tagging(Bucket=where)["ResponseMetadata"]["HTTPStatusCode"] == 204
refused(404, "NoSuchTagSet", s3.get_bucket_tagging, Bucket=where)

# What cannot be set is told as it is, and a wish for just that is granted.
s3.put_bucket_acl(Bucket=where, ACL="private")
s3.put_object_acl(Bucket=where, Key="kept", ACL="private")
own = s3.get_object_acl(Bucket=where, Key="kept")
assert [(one["Permission"], one["Grantee"]["ID"]) for one in own["Grants"]] == [("FULL_CONTROL", owner)]
listed = {"Grants": own["Grants"], "Owner": own["Owner"]}
s3.put_object_acl(Bucket=where, Key="kept", AccessControlPolicy=listed)
listed["Grants"] = [{"Grantee": own["Grants"][0]["Grantee"], "Permission": "READ"}]
refused(400, "AccessControlListNotSupported", s3.put_object_acl, Bucket=where, Key="kept", AccessControlPolicy=listed)
refused(400, "AccessControlListNotSupported", s3.put_bucket_acl, Bucket=where, ACL="public-read")
refused(400, "AccessControlListNotSupported", s3.create_bucket, Bucket="public-1", ACL="public-read")
assert s3.get_bucket_ownership_controls(Bucket=where)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
assert s3.get_bucket_policy_status(Bucket=where)["PolicyStatus"]["IsPublic"] is False
assert all(s3.get_public_access_block(Bucket=where)["PublicAccessBlockConfiguration"].values())
assert s3.get_bucket_request_payment(Bucket=where)["Payer"] == "BucketOwner"
assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=where)
aes = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}]}
s3.put_bucket_encryption(Bucket=where, ServerSideEncryptionConfiguration=aes)
refused(501, "NotImplemented", s3.put_bucket_encryption, Bucket=where, ServerSideEncryptionConfiguration=kms)
s3.delete_bucket_encryption(Bucket=where)
rule = s3.get_bucket_encryption(Bucket=where)["ServerSideEncryptionConfiguration"]["Rules"][0]
assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
for call, code in [
    (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
    (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
    (s3.get_bucket_policy, "NoSuchBucketPolicy"),
    (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
    (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
]:
    refused(404, code, call, Bucket=where)
for call in [s3.delete_bucket_cors, s3.delete_bucket_lifecycle, s3.delete_bucket_policy, s3.delete_bucket_website]:
    assert call(Bucket=where)["ResponseMetadata"]["HTTPStatusCode"] == 204
refused(501, "NotImplemented", s3.put_bucket_policy, Bucket=where, Policy="{}")

# Nobody is let in without a good signature, and every error names its request.
refused(403, "InvalidAccessKeyId", client({**MAIN, "access_key_id": "LZAKXXXXXXXXXXXXXXXX"}).list_buckets)
refused(403, "SignatureDoesNotMatch", client({**MAIN, "secret_access_key": "x" * 40}).list_buckets)
raw = {}
s3.meta.events.register("after-call.s3.GetObject", lambda http_response, **_: raw.update(body=http_response.content))
told = refused(404, "NoSuchKey", s3.get_object, Bucket=where, Key="absent")
request = told["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
assert f"<RequestId>{request}</RequestId>".encode() in raw["body"] and told["ResponseMetadata"]["RequestId"] == request

# Whoever created a bucket takes its objects and itself away again.
emptied(where)
refused(404, "404", s3.head_bucket, Bucket=where)
emptied(located)
print("as expected")
