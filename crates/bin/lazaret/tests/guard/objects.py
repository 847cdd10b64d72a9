"""Objects: headers, metadata, conditions, ranges, copies, tags, presigned addresses."""

import datetime
import email.header
import http.client
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from asked import ENDPOINT, bucket, client, put, refused, s3

where = bucket()


def with_headers(call, **headers):
    """A client that adds headers to a call before it is signed."""
    asking = client()
    asking.meta.events.register(f"before-call.s3.{call}", lambda params, **_: params["headers"].update(headers))
    return asking


# What is stored beside the bytes comes back as it was sent.
expires = datetime.datetime(2031, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
s3.put_object(
    Bucket=where, Key="h", Body=b"bar", CacheControl="public, max-age=14400", Expires=expires, ContentType="text/bla",
    ContentLanguage="de", ContentDisposition="inline", ContentEncoding="deflate, gzip", Metadata={"meta1": "one", "empty": ""},
)
head = s3.head_object(Bucket=where, Key="h")
assert head["ResponseMetadata"]["HTTPHeaders"]["cache-control"] == "public, max-age=14400"
assert (head["Expires"], head["ContentType"], head["ContentLanguage"]) == (expires, "text/bla", "de")
assert (head["ContentDisposition"], head["ContentEncoding"]) == ("inline", "deflate, gzip")
assert head["Metadata"] == {"meta1": "one", "empty": ""} and head["ServerSideEncryption"] == "AES256"
for sent, kept in [("gzip, aws-chunked", "gzip"), ("aws-chunked, gzip", "gzip"), ("aws-chunked, aws-chunked", None)]:
    s3.put_object(Bucket=where, Key="coded", Body=b"", ContentEncoding=sent)
    assert s3.head_object(Bucket=where, Key="coded").get("ContentEncoding") == kept
got = s3.get_object(
    Bucket=where, Key="h", ResponseCacheControl="no-cache", ResponseContentDisposition="bla", ResponseContentEncoding="aaa",
    ResponseContentLanguage="esperanto", ResponseContentType="foo/bar", ResponseExpires="123",
)["ResponseMetadata"]["HTTPHeaders"]
assert [got[name] for name in ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")] == [
    "no-cache", "bla", "aaa", "esperanto", "foo/bar",
]
put(where, "h")
head = s3.head_object(Bucket=where, Key="h")
assert head["Metadata"] == {} and head["ContentType"] == "binary/octet-stream" and "x-amz-delete-marker" not in head
s3.put_object(Bucket=where, Key="untyped", Body=b"x", ContentType="")
named = with_headers("PutObject", **{"x-amz-meta-name": "Hello World\u00e9"})
named.put_object(Bucket=where, Key="latin", Body=b"")
told = email.header.make_header(email.header.decode_header(s3.head_object(Bucket=where, Key="latin")["Metadata"]["name"]))
assert str(told) == "Hello World\u00e9"
for name in [" ", '"', "$", "%", "&", "'", "<", ">", "_", "_ ", "__", "a//b", "./x", "ü?=#"]:
    put(where, name)
    assert s3.get_object(Bucket=where, Key=name)["Body"].read().decode() == name

# Digests and lengths that are not so.
for sent, code in [("YWJyYWNhZGFicmE=", "InvalidDigest"), ("", "InvalidDigest"), ("rL0Y20xC+Fzt72VPzMSk2A==", "BadDigest"), ("AWS HAHA", "InvalidDigest")]:
    refused(400, code, with_headers("PutObject", **{"Content-MD5": sent}).put_object, Bucket=where, Key="bad", Body=b"bar")
refused(404, "404", s3.head_object, Bucket=where, Key="bad")
for sent in ("200", ""):
    with_headers("PutObject", Expect=sent).put_object(Bucket=where, Key="expect", Body=b"bar")

chunked = client()
chunked.meta.events.register_first("before-sign.s3.PutObject", lambda request, **_: request.headers.add_header("Transfer-Encoding", "chunked"))
chunked.put_object(Bucket=where, Key="chunked", Body="bar")
assert s3.get_object(Bucket=where, Key="chunked")["Body"].read() == b"bar"
refused(411, "MissingContentLength", chunked.put_object, Bucket=where, Key="chunked", Body=b"x" * 20_000)
for body in (b"", b"x" * 100_000):
    refused(400, "InvalidStorageClass", s3.put_object, Bucket=where, Key="cold", Body=body, StorageClass="GLACIER")
    put(where, "behind", body=b"what follows a refusal is not taken for its body")

# Conditions of reading.
etag = s3.put_object(Bucket=where, Key="c", Body=b"bar")["ETag"]
modified = s3.head_object(Bucket=where, Key="c")["LastModified"]
long_ago, later = datetime.datetime(1994, 10, 29), modified + datetime.timedelta(seconds=1)
assert s3.get_object(Bucket=where, Key="c", IfMatch=etag)["Body"].read() == b"bar"
refused(412, "PreconditionFailed", s3.get_object, Bucket=where, Key="c", IfMatch='"ABCORZ"')
assert s3.get_object(Bucket=where, Key="c", IfNoneMatch="ABCORZ")["Body"].read() == b"bar"
assert s3.get_object(Bucket=where, Key="c", IfModifiedSince=long_ago)["Body"].read() == b"bar"
refused(412, "PreconditionFailed", s3.get_object, Bucket=where, Key="c", IfUnmodifiedSince=long_ago)
for condition in [{"IfNoneMatch": etag}, {"IfModifiedSince": later}]:
    told = refused(304, "304", s3.get_object, Bucket=where, Key="c", **condition)
    assert told["Error"]["Message"] == "Not Modified"
    assert told["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag

# Conditions of storing, with and without quotes.
refused(412, "PreconditionFailed", s3.put_object, Bucket=where, Key="c", Body=b"zar", IfNoneMatch="*")
refused(412, "PreconditionFailed", s3.put_object, Bucket=where, Key="c", Body=b"zar", IfNoneMatch=etag)
refused(412, "PreconditionFailed", s3.put_object, Bucket=where, Key="c", Body=b"zar", IfMatch="badetag")
refused(404, "NoSuchKey", s3.put_object, Bucket=where, Key="absent", Body=b"zar", IfMatch="*")
s3.put_object(Bucket=where, Key="c", Body=b"two", IfNoneMatch="badetag")
refused(412, "PreconditionFailed", s3.put_object, Bucket=where, Key="c", Body=b"zar", IfMatch=etag.strip('"'))
etag = s3.put_object(Bucket=where, Key="c", Body=b"three", IfMatch="*")["ETag"]
s3.put_object(Bucket=where, Key="c", Body=b"four", IfMatch=etag.strip('"'))
assert s3.get_object(Bucket=where, Key="c")["Body"].read() == b"four"

# Conditions of deleting: what is not there is deleted already.
for good, bad in [("IfMatch", "badetag"), ("IfMatchSize", 9999), ("IfMatchLastModifiedTime", datetime.datetime(2015, 1, 1))]:
    etag = s3.put_object(Bucket=where, Key="d", Body=b"")["ETag"]
    so = {"IfMatch": etag, "IfMatchSize": 0, "IfMatchLastModifiedTime": s3.head_object(Bucket=where, Key="d")["LastModified"]}[good]
    refused(412, "PreconditionFailed", s3.delete_object, Bucket=where, Key="d", **{good: bad})
    s3.delete_object(Bucket=where, Key="d", **{good: so})
    s3.delete_object(Bucket=where, Key="d", **{good: bad})
etag = s3.put_object(Bucket=where, Key="d", Body=b"")["ETag"]
for wrong in [{"ETag": "badetag"}, {"Size": 9999}, {"LastModifiedTime": datetime.datetime(2015, 1, 1)}]:
    told = s3.delete_objects(Bucket=where, Delete={"Objects": [{"Key": "d", **wrong}]})
    assert told["Errors"][0]["Code"] == "PreconditionFailed", told
assert s3.delete_objects(Bucket=where, Delete={"Objects": [{"Key": "d", "ETag": etag, "Size": 0}]})["Deleted"][0]["Key"] == "d"
told = refused(404, "404", s3.head_object, Bucket=where, Key="d")
assert told["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "false"

# Ranges.
put(where, "r", body=b"testcontent")
for asked, told, body in [("4-7", "4-7/11", b"cont"), ("4-", "4-10/11", b"content"), ("-7", "4-10/11", b"content")]:
    got = s3.get_object(Bucket=where, Key="r", Range=f"bytes={asked}")
    assert (got["ContentRange"], got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (f"bytes {told}", body, 206)
refused(416, "InvalidRange", s3.get_object, Bucket=where, Key="r", Range="bytes=40-50")
put(where, "zero", body=b"")
refused(416, "InvalidRange", s3.get_object, Bucket=where, Key="zero", Range="bytes=40-50")
assert s3.get_object(Bucket=where, Key="r", PartNumber=1)["Body"].read() == b"testcontent"
refused(400, "InvalidPart", s3.get_object, Bucket=where, Key="r", PartNumber=2)

# Copies.
s3.put_object(Bucket=where, Key="from", Body=b"foo", ContentType="audio/ogg", Metadata={"key1": "value1"})
there = bucket()
for target in (where, there):
    s3.copy({"Bucket": where, "Key": "from"}, target, "to")
    got = s3.get_object(Bucket=target, Key="to")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"foo", "audio/ogg", {"key1": "value1"})
s3.copy_object(Bucket=where, Key="to", CopySource=f"{where}/from", MetadataDirective="REPLACE", Metadata={"k": "v"}, ContentType="audio/mpeg")
got = s3.head_object(Bucket=where, Key="to")
assert (got["Metadata"], got["ContentType"]) == ({"k": "v"}, "audio/mpeg")
refused(400, "InvalidRequest", s3.copy_object, Bucket=where, Key="from", CopySource=f"{where}/from")
s3.copy_object(Bucket=where, Key="from", CopySource=f"{where}/from", MetadataDirective="REPLACE", Metadata={"n": "w"})
assert s3.head_object(Bucket=where, Key="from")["Metadata"] == {"n": "w"}
refused(404, "NoSuchBucket", s3.copy_object, Bucket=where, Key="x", CopySource="not-there-1/from")
refused(404, "NoSuchKey", s3.copy_object, Bucket=where, Key="x", CopySource=f"{where}/absent")
etag = s3.head_object(Bucket=where, Key="from")["ETag"]
s3.copy_object(Bucket=where, Key="x", CopySource=f"{where}/from", CopySourceIfMatch=etag)
s3.copy_object(Bucket=where, Key="x", CopySource=f"{where}/from", CopySourceIfNoneMatch="ABCORZ")
refused(412, "PreconditionFailed", s3.copy_object, Bucket=where, Key="x", CopySource=f"{where}/from", CopySourceIfMatch="ABCORZ")
refused(412, "PreconditionFailed", s3.copy_object, Bucket=where, Key="x", CopySource=f"{where}/from", CopySourceIfNoneMatch=etag)

# Tags.
put(where, "t")
assert s3.get_object_tagging(Bucket=where, Key="t")["TagSet"] == []
tags = [{"Key": str(number), "Value": str(number)} for number in range(10)]
s3.put_object_tagging(Bucket=where, Key="t", Tagging={"TagSet": tags})
assert s3.get_object_tagging(Bucket=where, Key="t")["TagSet"] == tags
assert s3.head_object(Bucket=where, Key="t")["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "10"
for wrong in [tags + [{"Key": "10", "Value": ""}], [{"Key": "k" * 129, "Value": ""}], [{"Key": "k", "Value": "v" * 257}]]:
    refused(400, "InvalidTag", s3.put_object_tagging, Bucket=where, Key="t", Tagging={"TagSet": wrong})
assert s3.delete_object_tagging(Bucket=where, Key="t")["ResponseMetadata"]["HTTPStatusCode"] == 204
with_headers("PutObject", **{"x-amz-tagging": "foo=bar&bar"}).put_object(Bucket=where, Key="t", Body=b"")
assert s3.get_object_tagging(Bucket=where, Key="t")["TagSet"] == [{"Key": "bar", "Value": ""}, {"Key": "foo", "Value": "bar"}]


# Presigned addresses, and none.
def answered(method, url, body=None, headers={}):
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def address(call, method, seconds=600, **more):
    return s3.generate_presigned_url(call, Params={"Bucket": where, "Key": "p", **more}, ExpiresIn=seconds, HttpMethod=method)


private = address("put_object", "PUT", ACL="private")
assert answered("PUT", private, b"hello", {"x-amz-acl": "private", "Content-Type": ""})[0] == 200
assert answered("GET", address("get_object", "GET")) == (200, b"hello")
for seconds in (0, -7, 609_901):
    assert answered("GET", address("get_object", "GET", seconds))[0] == 403, seconds
assert answered("PUT", address("put_object", "PUT", -1000), b"x")[0] == 403
assert answered("OPTIONS", address("get_object", "GET"))[0] in (400, 403, 405, 501)
for method, body in [("GET", None), ("PUT", b"x")]:
    code, told = answered(method, f"{ENDPOINT}/{where}/p", body)
    assert code == 403 and b"<Code>AccessDenied</Code>" in told, told
host = urlsplit(ENDPOINT)
connection = http.client.HTTPConnection(host.hostname, host.port)
connection.putrequest("PUT", f"/{where}/p")
connection.putheader("Content-Length", "123")
connection.putheader("Expect", "100-continue")
connection.endheaders()
assert connection.getresponse().status == 403, "refused before the body is asked for"


# What is being overwritten is the one or the other, never half of both.
class Slow:
    """A body of one letter that does something before its last piece."""

    def __init__(self, letter, size, meanwhile=None):
        self.letter, self.size, self.at, self.meanwhile = letter, size, 0, meanwhile

    def seek(self, offset, whence=0):
        self.at = {0: 0, 1: self.at, 2: self.size}[whence] + offset
        return self.at

    def tell(self):
        return self.at

    def read(self, size=-1):
        size = self.size - self.at if size < 0 else min(size, self.size - self.at)
        self.at += size
        if self.meanwhile and size and self.at == self.size:
            self.meanwhile()
        return self.letter * size


def letters():
    return set(s3.get_object(Bucket=where, Key="atomic")["Body"].read())


s3.put_object(Bucket=where, Key="atomic", Body=Slow(b"A", 1 << 20))
s3.put_object(Bucket=where, Key="atomic", Body=Slow(b"B", 1 << 20, lambda: letters() == {ord("A")} or 1 / 0))
assert letters() == {ord("B")}
s3.put_object(Bucket=where, Key="atomic", Body=Slow(b"C", 1 << 20, lambda: put(where, "atomic", body=b"A" * (1 << 20))))
assert letters() == {ord("C")}
reading = s3.get_object(Bucket=where, Key="atomic")["Body"]
first = reading.read(1000)
put(where, "atomic", body=b"D" * (1 << 20))
assert set(first + reading.read()) == {ord("C")}, "a download goes on with what it began with"
gone = bucket()
body = Slow(b"A", 1 << 20, lambda: s3.delete_bucket(Bucket=gone) if body.meanwhile else None)
seen = []


def take_away():
    if not seen:
        seen.append(s3.delete_bucket(Bucket=gone))


refused(404, "NoSuchBucket", s3.put_object, Bucket=gone, Key="foo", Body=Slow(b"A", 1 << 20, take_away))
print("as expected")
