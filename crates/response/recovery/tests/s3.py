"""An S3 server for tests, and what is done in it behind the program's back.

Prints the server's address, then obeys: one line of JSON `[what, ...]` on standard input, one line of JSON as the answer.
It ends when standard input does.
"""

import json
import sys
import urllib.request
import warnings

import boto3
from moto.server import ThreadedMotoServer

warnings.simplefilter("ignore")


class Buckets:
    def __init__(self, address):
        self.address = address
        self.s3 = self.client("s3", "tester", "tester")

    def client(self, service, key, secret):
        return boto3.client(
            service,
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def make(self, name, lock, days):
        """A bucket, with object lock and a default retention if asked for."""
        self.s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        if days:
            rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
            self.s3.put_object_lock_configuration(
                Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
            )
        return True

    def versions(self, name):
        """Every version and marker: [key, version, marker, latest]."""
        found = []
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for kind in ("Versions", "DeleteMarkers"):
                for one in page.get(kind, []):
                    found.append([one["Key"], one["VersionId"], kind == "DeleteMarkers", one["IsLatest"]])
        return found

    def held(self, name):
        """Seconds until the lock of each present object ends, by key; null: it has none."""
        until = {}
        for key, version, marker, latest in self.versions(name):
            if latest and not marker:
                head = self.s3.head_object(Bucket=name, Key=key, VersionId=version)
                end = head.get("ObjectLockRetainUntilDate")
                until[key] = end and [end.timestamp(), head["ObjectLockMode"]]
        return until

    def delete(self, name, prefix):
        """Deletes what lies below a prefix, as a thief of the access key does who knows nothing of versions."""
        keys = [key for key, _, marker, latest in self.versions(name) if latest and not marker and key.startswith(prefix)]
        for key in keys:
            self.s3.delete_object(Bucket=name, Key=key)
        return len(keys)

    def overwrite(self, name, prefix):
        """Overwrites what lies below a prefix."""
        keys = [key for key, _, marker, latest in self.versions(name) if latest and not marker and key.startswith(prefix)]
        for key in keys:
            self.s3.put_object(Bucket=name, Key=key, Body=b"encrypted, pay")
        return len(keys)

    def destroy(self, name, prefix):
        """Tries to take every version away for good: how many could be, and how many not."""
        gone, refused = 0, 0
        for key, version, marker, _ in self.versions(name):
            if marker or not key.startswith(prefix):
                continue
            try:
                self.s3.delete_object(Bucket=name, Key=key, VersionId=version)
                gone += 1
            except self.s3.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "AccessDenied", error
                refused += 1
        return [gone, refused]

    def guard(self, allowed):
        """From now on access keys count: one that may do what is given, as [key, secret]."""
        iam = self.client("iam", "tester", "tester")
        iam.create_user(UserName="backup")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
        iam.put_user_policy(UserName="backup", PolicyName="backup", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="backup")["AccessKey"]
        request = urllib.request.Request(
            f"{self.address}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
        )
        urllib.request.urlopen(request).read()
        return [key["AccessKeyId"], key["SecretAccessKey"]]


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    buckets = Buckets(f"http://{host}:{port}")
    print(buckets.address, flush=True)
    for line in sys.stdin:
        what, *rest = json.loads(line)
        print(json.dumps(getattr(buckets, what)(*rest)), flush=True)
    server.stop()


if __name__ == "__main__":
    main()
