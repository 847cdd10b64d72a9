"""Reads every upload that was acknowledged. Arguments: the endpoint, the access key as JSON; on standard input: names
and lengths."""

import json
import sys

import boto3
from botocore.config import Config

ENDPOINT, KEY = sys.argv[1], json.loads(sys.argv[2])
MARK = b"PLAINTEXT-MARK-"
s3 = boto3.client(
    "s3", endpoint_url=ENDPOINT, aws_access_key_id=KEY["access_key_id"], aws_secret_access_key=KEY["secret_access_key"],
    region_name="us-east-1", config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
)
count = 0
for line in sys.stdin:
    name, length = line.split()
    body = s3.get_object(Bucket="onc-9", Key=name)["Body"].read()
    row = MARK + name.encode() + b"\n"
    assert len(body) == int(length) and body == row * (len(body) // len(row)), name
    count += 1
print(count)
