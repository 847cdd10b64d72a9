"""Uploads by HTML forms, signed by boto3."""

import datetime
import hashlib
import hmac
import json
import base64
import urllib.error
import urllib.parse
import urllib.request

from asked import ENDPOINT, MAIN, OTHER, bucket, client, refused, s3

where = bucket()


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_, **__):
        return None


def sent(fields, content=b"bar", filename="foo.txt", to=None):
    mark = "boundary-of-the-form"
    form = b""
    for name, value in fields.items():
        form += f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    form += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode() + content
    form += f"\r\n--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    request = urllib.request.Request(to or f"{ENDPOINT}/{where}", data=form, headers=headers, method="POST")
    try:
        with urllib.request.build_opener(Stays).open(request) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def form(name="foo.txt", fields={}, conditions=[], seconds=600, by=None, **more):
    signed = (by or s3).generate_presigned_post(where, name, Fields=dict(fields), Conditions=[*conditions], ExpiresIn=seconds)["fields"]
    return {**signed, **more}


def content(key="foo.txt"):
    return s3.get_object(Bucket=where, Key=key)


# A form as boto3 makes it, with everything that can be beside the file.
assert sent(form())[0] == 204 and content()["Body"].read() == b"bar"
large = b"x" * ((4 << 20) + 200)
fields = {"x-amz-meta-foo": "barclamp", "Content-Type": "text/plain", "acl": "private", "Cache-Control": "no-store",
          "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"}
conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", 4 << 20, 12 << 20], ["starts-with", "$key", "in/"]]
assert sent(form("in/${filename}", fields, conditions), large, "C:\\scans\\large.bin")[0] == 204
got = content("in/large.bin")
assert got["Body"].read() == large and got["Metadata"] == {"foo": "barclamp"} and got["ContentType"] == "text/plain"
assert got["CacheControl"] == "no-store" and got["ETag"] == '"%s"' % hashlib.md5(large).hexdigest()
assert s3.get_object_tagging(Bucket=where, Key="in/large.bin")["TagSet"] == [{"Key": "a", "Value": "1"}]
assert sent(form(**{"x-ignore-me": "1"}))[0] == 204
good = base64.b64encode(hashlib.sha256(b"bar").digest()).decode()
assert sent(form(**{"x-amz-checksum-sha256": good}))[0] == 204
assert sent(form(**{"x-amz-checksum-sha256": "sailor"}))[0] == 400
assert sent(form("$foo<&>.txt"))[0] == 204 and content("$foo<&>.txt")["Body"].read() == b"bar"

# Answers.
for status, told in [("200", 200), ("201", 201), ("204", 204), ("404", 204)]:
    code, headers, body = sent(form(fields={"success_action_status": status}, conditions=[{"success_action_status": status}]))
    assert code == told and ("<Key>foo.txt</Key>" in body) == (told == 201), body
to = f"{ENDPOINT}/{where}"
code, headers, _ = sent(form(fields={"success_action_redirect": to}, conditions=[{"success_action_redirect": to}]))
headers = {name.lower(): value for name, value in headers.items()}
assert code == 303 and headers["location"] == f"{to}?bucket={where}&key=foo.txt&etag=%22{content()['ETag'].strip(chr(34))}%22", headers

# What the policy does not say, or says otherwise.
before = s3.list_objects_v2(Bucket=where)["KeyCount"]
for told, fields in [
    (403, form("other.txt", key="foo2.txt")),
    (403, form("new.txt", **{"x-amz-meta-foo": "bar"})),
    (403, form("new.txt", conditions=[["starts-with", "$x-amz-meta-foo", "bar"]])),
    (403, form("new.txt", conditions=[["eq", "$x-amz-meta-foo", ""]], **{"x-amz-meta-foo": "barclamp"})),
    (403, form("new.txt", seconds=-600)),
    (403, form("new.txt", **{"x-amz-signature": "0" * 64})),
    (403, form("new.txt", **{"bucket": "another-1"})),
    (403, form("new.txt", by=client(OTHER))),
    (403, {"key": "new.txt"}),
    (400, form("new.txt", conditions=[["content-length-range", 0, 0]])),
    (400, form("new.txt", conditions=[["content-length-range", 512, 1000]])),
    (400, form("new.txt", conditions=[["content-length-range", -1, 0]])),
    (400, form("new.txt", conditions=[["content-length-range", 0]])),
    (400, {name: value for name, value in form("new.txt").items() if name != "key"}),
    (400, {name: value for name, value in form("new.txt").items() if name != "x-amz-signature"}),
    (400, {"key": "new.txt", "AWSAccessKeyId": MAIN["access_key_id"], "policy": "e30=", "signature": "x"}),
    (400, form("new.txt", fields={"acl": "public-read"}, conditions=[{"acl": "public-read"}])),
    (501, form("new.txt", fields={"x-amz-server-side-encryption": "aws:kms"}, conditions=[{"x-amz-server-side-encryption": "aws:kms"}])),
]:
    code, _, body = sent(fields)
    assert code == told and "<RequestId>" in body, (told, code, body)
code, _, body = sent(form("new.txt"), to=f"{ENDPOINT}/not-there-1")
assert code == 403, "a form is good for its own bucket alone"
assert s3.list_objects_v2(Bucket=where)["KeyCount"] == before
print("as expected")
