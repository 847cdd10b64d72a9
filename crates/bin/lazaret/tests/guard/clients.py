"""boto3 and the AWS command line against a running guard. Arguments: the endpoint, and the access key as JSON."""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, KEY = sys.argv[1], json.loads(sys.argv[2])


def client(**config):
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_access_key_id=KEY["access_key_id"],
        aws_secret_access_key=config.pop("secret", KEY["secret_access_key"]),
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path", **config}, signature_version="s3v4", retries={"max_attempts": 1}),
    )


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error
    raise AssertionError(f"{arguments} was not refused with {code}")


s3 = client()
s3.create_bucket(Bucket="onc-201")
assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["onc-201"]

# Bodies in each way that clients send them.
for name, how in [("signed", {}), ("unsigned", {"payload_signing_enabled": False}), ("chunks", {"payload_signing_enabled": True})]:
    body = os.urandom(300_000)
    put = client(**how).put_object(Bucket="onc-201", Key=f"bodies/{name}", Body=body, Metadata={"site": "07"})
    assert put["ETag"] == '"%s"' % hashlib.md5(body).hexdigest()
    got = s3.get_object(Bucket="onc-201", Key=f"bodies/{name}")
    assert got["Body"].read() == body and got["Metadata"] == {"site": "07"}
    part = s3.get_object(Bucket="onc-201", Key=f"bodies/{name}", Range="bytes=65530-131080")
    assert part["Body"].read() == body[65530:131081]
for algorithm in ["CRC32", "CRC32C", "SHA1", "SHA256"]:
    try:
        s3.put_object(Bucket="onc-201", Key=f"sums/{algorithm}", Body=b"abc", ChecksumAlgorithm=algorithm)
    except Exception as error:  # the client's own library for CRC32C may be missing
        assert "botocore[crt]" in str(error), error
        continue
    head = s3.head_object(Bucket="onc-201", Key=f"sums/{algorithm}", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"], head
refused("BadDigest", s3.put_object, Bucket="onc-201", Key="bad", Body=b"abc", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
refused("NoSuchKey", s3.get_object, Bucket="onc-201", Key="bad")

# Parts, their copies, and what is left of an upload that was given up.
with tempfile.TemporaryDirectory() as folder:
    large = os.path.join(folder, "large")
    content = random.Random(7).randbytes(12 << 20)  # the same each time: by chance, random bytes look like identifiers
    with open(large, "wb") as file:
        file.write(content)
    s3.upload_file(large, "onc-201", "large", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    s3.download_file("onc-201", "large", large + ".back")
    with open(large + ".back", "rb") as file:
        assert file.read() == content
upload = s3.create_multipart_upload(Bucket="onc-201", Key="joined")["UploadId"]
parts = []
for number in [1, 2]:
    copied = s3.upload_part_copy(
        Bucket="onc-201", Key="joined", UploadId=upload, PartNumber=number, CopySource="onc-201/large",
        CopySourceRange=f"bytes=0-{(5 << 20) - 1}",
    )
    parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
assert len(s3.list_parts(Bucket="onc-201", Key="joined", UploadId=upload)["Parts"]) == 2
s3.complete_multipart_upload(Bucket="onc-201", Key="joined", UploadId=upload, MultipartUpload={"Parts": parts})
assert s3.get_object(Bucket="onc-201", Key="joined")["Body"].read() == content[: 5 << 20] * 2
given_up = s3.create_multipart_upload(Bucket="onc-201", Key="given-up")["UploadId"]
s3.upload_part(Bucket="onc-201", Key="given-up", UploadId=given_up, PartNumber=1, Body=b"x")
s3.abort_multipart_upload(Bucket="onc-201", Key="given-up", UploadId=given_up)
refused("NoSuchUpload", s3.list_parts, Bucket="onc-201", Key="given-up", UploadId=given_up)

# Listings, copies, conditions, tags.
page = s3.list_objects_v2(Bucket="onc-201", Delimiter="/")
assert [prefix["Prefix"] for prefix in page["CommonPrefixes"]] == ["bodies/", "sums/"], page
names = [item["Key"] for one in s3.get_paginator("list_objects_v2").paginate(Bucket="onc-201", PaginationConfig={"PageSize": 2}) for item in one["Contents"]]
assert names == sorted(names) and "joined" in names
s3.copy_object(Bucket="onc-201", Key="copy", CopySource="onc-201/large")
assert s3.head_object(Bucket="onc-201", Key="copy")["ContentLength"] == 12 << 20
refused("PreconditionFailed", s3.put_object, Bucket="onc-201", Key="copy", Body=b"x", IfNoneMatch="*")
s3.put_object_tagging(Bucket="onc-201", Key="copy", Tagging={"TagSet": [{"Key": "visit", "Value": "3"}]})
assert s3.get_object_tagging(Bucket="onc-201", Key="copy")["TagSet"] == [{"Key": "visit", "Value": "3"}]

# Versions and object lock.
s3.put_bucket_versioning(Bucket="onc-201", VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket="onc-201", Key="v", Body=b"one")["VersionId"]
s3.put_object(Bucket="onc-201", Key="v", Body=b"two")
s3.delete_object(Bucket="onc-201", Key="v")
refused("NoSuchKey", s3.get_object, Bucket="onc-201", Key="v")
assert s3.get_object(Bucket="onc-201", Key="v", VersionId=first)["Body"].read() == b"one"
s3.put_object_lock_configuration(Bucket="onc-201", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
held = s3.put_object(Bucket="onc-201", Key="held", Body=b"evidence", ObjectLockLegalHoldStatus="ON")["VersionId"]
refused("AccessDenied", s3.delete_object, Bucket="onc-201", Key="held", VersionId=held)

# Presigned, by version 4 alone.
link = s3.generate_presigned_url("get_object", Params={"Bucket": "onc-201", "Key": "held"}, ExpiresIn=60)
assert urllib.request.urlopen(link).read() == b"evidence"
put_link = s3.generate_presigned_url("put_object", Params={"Bucket": "onc-201", "Key": "by-link"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(put_link, data=b"by link", method="PUT"))
assert s3.get_object(Bucket="onc-201", Key="by-link")["Body"].read() == b"by link"
old = boto3.client(
    "s3", endpoint_url=ENDPOINT, aws_access_key_id=KEY["access_key_id"], aws_secret_access_key=KEY["secret_access_key"],
    region_name="us-east-1", config=Config(signature_version="s3", s3={"addressing_style": "path"}),
)
for wrong in [
    old.generate_presigned_url("get_object", Params={"Bucket": "onc-201", "Key": "held"}),
    link[:-1] + ("0" if link[-1] != "0" else "1"),
    f"{ENDPOINT}/onc-201/held",
]:
    try:
        urllib.request.urlopen(wrong)
    except urllib.error.HTTPError as error:
        assert error.code in (400, 403), (wrong, error.code)
    else:
        raise AssertionError(f"{wrong} was served")

# What is not honoured is refused, not ignored.
refused("NotImplemented", s3.put_object, Bucket="onc-201", Key="kms", Body=b"x", ServerSideEncryption="aws:kms")
refused("SignatureDoesNotMatch", client(secret="x" * 40).list_buckets)
refused("InvalidBucketName", s3.create_bucket, Bucket="1.2.3.4")

# The AWS command line.
environment = {
    **os.environ, "AWS_ACCESS_KEY_ID": KEY["access_key_id"], "AWS_SECRET_ACCESS_KEY": KEY["secret_access_key"],
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
}
aws = [os.path.join(os.path.dirname(sys.executable), "aws"), "--endpoint-url", ENDPOINT, "s3"]
with tempfile.TemporaryDirectory() as folder:
    for name in ["a.txt", "sub/b.txt"]:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(name)
    subprocess.run([*aws, "sync", "--quiet", folder, "s3://onc-201/tree"], check=True, env=environment)
    back = os.path.join(folder, "back")
    subprocess.run([*aws, "cp", "--quiet", "--recursive", "s3://onc-201/tree", back], check=True, env=environment)
    with open(os.path.join(back, "sub/b.txt")) as file:
        assert file.read() == "sub/b.txt"
    subprocess.run([*aws, "rm", "--quiet", "--recursive", "s3://onc-201/tree"], check=True, env=environment)
assert "Contents" not in s3.list_objects_v2(Bucket="onc-201", Prefix="tree/")
print("all served")
