"""What the checks beside this file share: clients of a running guard, and errors as they are told."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
MAIN, OTHER = json.loads(sys.argv[2]), json.loads(sys.argv[3])


def client(key=MAIN, **config):
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        region_name="us-east-1",
        config=Config(
            s3={"addressing_style": "path"}, signature_version="s3v4", retries={"max_attempts": 1}, max_pool_connections=20, **config
        ),
    )


def refused(status, code, call, **arguments):
    """The answer to a call that must be refused with this status and code."""
    try:
        call(**arguments)
    except ClientError as error:
        told = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        assert told == (status, code), f"{told} instead of {(status, code)}: {error}"
        return error.response
    raise AssertionError(f"{call.__name__} with {arguments} was not refused with {code}")


s3 = client()
count = 0


def bucket(versions=False, **arguments):
    """A new bucket."""
    global count
    count += 1
    name = f"{sys.argv[0].rsplit('/')[-1].split('.')[0]}-{count}"
    s3.create_bucket(Bucket=name, **arguments)
    if versions:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(bucket, *keys, body=None):
    def one(key):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode() if body is None else body)

    with ThreadPoolExecutor(min(16, len(keys))) as threads:
        list(threads.map(one, keys))


def emptied(name):
    """Takes everything out of a bucket, and the bucket away."""
    listed = s3.list_object_versions(Bucket=name)
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])]
    if objects:
        assert "Errors" not in s3.delete_objects(Bucket=name, Delete={"Objects": objects})
    s3.delete_bucket(Bucket=name)
