"""Uploads until the server dies. Arguments: the endpoint, the access key as JSON, a number that makes names unique.
Prints the name and content's seed of every upload that was acknowledged, and of every one that was only begun."""

import json
import random
import sys
import threading

import boto3
from botocore.config import Config

ENDPOINT, KEY, ROUND = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
MARK = b"PLAINTEXT-MARK-"
lock = threading.Lock()


def say(*words):
    with lock:
        print(*words, flush=True)


def work(thread):
    s3 = boto3.client(
        "s3", endpoint_url=ENDPOINT, aws_access_key_id=KEY["access_key_id"],
        aws_secret_access_key=KEY["secret_access_key"], region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, connect_timeout=2, read_timeout=5),
    )
    mine = random.Random(f"{ROUND}-{thread}")
    for number in range(100_000):
        name = f"load/{ROUND}-{thread}-{number}"
        length = mine.choice([0, 10, 5_000, 70_000, 300_000])
        body = (MARK + name.encode() + b"\n") * (length // (len(MARK) + len(name) + 1))
        try:
            say("begun", name, len(body))
            s3.put_object(Bucket="onc-9", Key=name, Body=body)
            say("done", name, len(body))
            s3.get_object(Bucket="onc-9", Key=name)["Body"].read()
        except Exception:
            return


threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
