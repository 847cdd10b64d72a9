"""Temporary credentials for a token of an identity provider, as pipelines ask for them.

Arguments: the endpoint, a folder for keys and tokens, and what to do: `keys` writes the provider's keys; `assume` asks with
boto3, uses what it gets, and is turned away wherever it should be; `file` runs on `AWS_WEB_IDENTITY_TOKEN_FILE` alone.
"""

import base64
import json
import os
import pickle
import sys
import time
import urllib.error
import urllib.request

import boto3
import rsa
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, FOLDER, WHAT = sys.argv[1:4]
ISSUER, ROLE = "https://ci.example.org", "arn:aws:iam::000000000000:role/pipeline"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def token(key, kid="k1", **changed):
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "repo:trial/pipeline", "aud": "lazaret", "iat": now, "exp": now + 300} | changed
    head = encode(json.dumps({"alg": "RS256", "kid": kid}).encode())
    signed = f"{head}.{encode(json.dumps(claims).encode())}"
    return f"{signed}.{encode(rsa.sign(signed.encode(), key, 'SHA-256'))}"


def keys(names):
    kept = {name: rsa.newkeys(2048) for name in names}
    with open(f"{FOLDER}/keys.pickle", "wb") as file:
        pickle.dump(kept, file)
    publish({"k1": kept["k1"]})


def publish(kept):
    jwks = [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(public.n), "e": number(public.e)}
            for kid, (public, _) in kept.items()]
    with open(f"{FOLDER}/jwks.json", "w") as file:
        json.dump({"keys": jwks}, file)


def client(name, **more):
    return boto3.client(name, endpoint_url=ENDPOINT, region_name="us-east-1", **more)


def s3(credentials):
    return client(
        "s3", aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def assume(text, **more):
    sts = client("sts", config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1}))
    asked = {"RoleArn": ROLE, "RoleSessionName": "run-17", "WebIdentityToken": text} | more
    return sts.assume_role_with_web_identity(**asked)


def refused(code, what):
    try:
        what()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def main():
    if WHAT == "keys":
        return keys(["k1", "k2", "stranger"])
    with open(f"{FOLDER}/keys.pickle", "rb") as file:
        kept = pickle.load(file)
    key, other = kept["k1"][1], kept["stranger"][1]
    if WHAT == "file":
        # Nothing but the environment names the token: this is how a container of a pipeline starts.
        with open(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"], "w") as file:
            file.write(token(key))
        found = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
        print(found.get_object(Bucket="onc-9", Key="note.txt")["Body"].read().decode())
        return None

    answer = assume(token(key), DurationSeconds=900)
    assert answer["Provider"] == ISSUER and answer["SubjectFromWebIdentityToken"] == "repo:trial/pipeline", answer
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/pipeline/run-17"), answer
    credentials = answer["Credentials"]
    left = credentials["Expiration"].timestamp() - time.time()
    assert 800 < left <= 901, left
    store = s3(credentials)
    store.put_object(Bucket="onc-9", Key="note.txt", Body=b"aligned reads of run 17")
    assert store.get_object(Bucket="onc-9", Key="note.txt")["Body"].read() == b"aligned reads of run 17"
    refused("AccessDenied", lambda: s3(credentials | {"SessionToken": None}).list_objects_v2(Bucket="onc-9"))
    refused("AccessDenied", lambda: s3(credentials | {"SessionToken": "x"}).list_objects_v2(Bucket="onc-9"))

    now = int(time.time())
    refused("InvalidIdentityToken", lambda: assume(token(other)))
    refused("InvalidIdentityToken", lambda: assume(token(key)[:-8] + "AAAAAAAA"))
    refused("InvalidIdentityToken", lambda: assume("no token at all"))
    refused("InvalidIdentityToken", lambda: assume(token(key, aud="another")))
    refused("InvalidIdentityToken", lambda: assume(token(key, iss="https://stranger.example.org")))
    refused("InvalidIdentityToken", lambda: assume(token(key, nbf=now + 3600)))
    refused("InvalidIdentityToken", lambda: assume(token(key, kid="k9")))
    refused("ExpiredTokenException", lambda: assume(token(key, iat=now - 7200, exp=now - 3600)))
    assert "user link" in refused("AccessDenied", lambda: assume(token(key, sub="repo:trial/other")))
    refused("ValidationError", lambda: assume(token(key), DurationSeconds=43_201))
    refused("ValidationError", lambda: assume(token(key), Policy="{}"))
    refused("ValidationError", lambda: assume(token(key), RoleArn="arn:aws:iam::000000000000:user/ada"))

    def raw(body, kind="application/x-www-form-urlencoded"):
        request = urllib.request.Request(ENDPOINT + "/", data=body, headers={"content-type": kind})
        try:
            return urllib.request.urlopen(request, timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    status, text = raw(b"Action=GetCallerIdentity&Version=2011-06-15")
    assert status == 400 and "<Code>InvalidAction</Code>" in text and "<ErrorResponse" in text, text
    status, text = raw(b"Action=AssumeRoleWithWebIdentity&WebIdentityToken=" + b"x" * 80_000)
    assert status == 400 and "ValidationError" in text, text
    # As a query, which is how command line tools without a library ask.
    query = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE,
                                    "RoleSessionName": "run-18", "WebIdentityToken": token(key)})
    assert "<AccessKeyId>LZTS" in urllib.request.urlopen(f"{ENDPOINT}/?{query}", timeout=20).read().decode()
    with open(f"{FOLDER}/credentials.json", "w") as file:
        json.dump({name: credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}, file)

    codes = {refused_code(lambda: assume("no token at all")) for _ in range(130)}
    assert "Throttling" in codes, codes
    print("all answered")
    return None


def refused_code(what):
    try:
        what()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


main()
