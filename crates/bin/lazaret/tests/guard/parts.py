"""Uploads in parts: their order and size, copies, checksums, attributes, and answers that were not heard."""

import base64
import hashlib
import struct
import zlib

from asked import bucket, client, put, refused, s3

MIB = 1 << 20
where = bucket(versions=True)


def begun(key, **arguments):
    return s3.create_multipart_upload(Bucket=where, Key=key, **arguments)["UploadId"]


def sent(key, upload, number, body, **arguments):
    told = s3.upload_part(Bucket=where, Key=key, UploadId=upload, PartNumber=number, Body=body, **arguments)
    return {"ETag": told["ETag"].strip('"'), "PartNumber": number, **{name: told[name] for name in told if name.startswith("Checksum") and name != "ChecksumType"}}


def completed(key, upload, parts, call=None, **arguments):
    arguments = {"Bucket": where, "Key": key, "UploadId": upload, "MultipartUpload": {"Parts": parts}, **arguments}
    return call(**arguments) if call else s3.complete_multipart_upload(**arguments)


def not_completed(status, code, key, upload, parts, **arguments):
    arguments = {"Bucket": where, "Key": key, "UploadId": upload, "MultipartUpload": {"Parts": parts}, **arguments}
    refused(status, code, s3.complete_multipart_upload, **arguments)


# One after the other, sent again, completed twice.
upload = begun("big", Metadata={"foo": "bar"}, ContentType="text/bla", Tagging="Hello=World&foo=bar")
bodies = [bytes([65 + number]) * 5 * MIB for number in range(2)] + [b"the end"]
parts = [sent("big", upload, number + 1, body) for number, body in enumerate(bodies)]
parts[1] = sent("big", upload, 2, bodies[1])
listed = s3.list_parts(Bucket=where, Key="big", UploadId=upload, MaxParts=2)
assert [one["PartNumber"] for one in listed["Parts"]] == [1, 2] and listed["IsTruncated"] is True
assert s3.list_parts(Bucket=where, Key="big", UploadId=upload, PartNumberMarker=2)["Parts"][0]["Size"] == 7
refused(404, "NoSuchKey", s3.get_object, Bucket=where, Key="big", PartNumber=1)
done = completed("big", upload, parts)
again = completed("big", upload, parts)
assert (again["ETag"], again["VersionId"]) == (done["ETag"], done["VersionId"]) and done["ETag"].endswith('-3"')
assert len(s3.list_object_versions(Bucket=where)["Versions"]) == 1, "the answer was given again, nothing was stored again"
not_completed(404, "NoSuchUpload", "big", upload, parts[:1])
got = s3.get_object(Bucket=where, Key="big")
assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"".join(bodies), {"foo": "bar"}, "text/bla")
assert s3.get_object(Bucket=where, Key="big", Range=f"bytes={10 * MIB - 1}-")["Body"].read() == b"Bthe end"
assert [one["Key"] for one in s3.get_object_tagging(Bucket=where, Key="big")["TagSet"]] == ["Hello", "foo"]
for number, body in enumerate(bodies):
    part = s3.get_object(Bucket=where, Key="big", PartNumber=number + 1)
    assert (part["PartsCount"], part["ContentLength"]) == (3, len(body)) and part["Body"].read() == body
assert s3.head_object(Bucket=where, Key="big", PartNumber=3)["ContentLength"] == 7
refused(400, "InvalidPart", s3.get_object, Bucket=where, Key="big", PartNumber=4)
attributes = s3.get_object_attributes(Bucket=where, Key="big", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
assert attributes["ObjectParts"]["TotalPartsCount"] == 3 and attributes["ObjectParts"]["IsTruncated"] is False
assert [one["Size"] for one in attributes["ObjectParts"]["Parts"]] == [5 * MIB, 5 * MIB, 7]
assert f'"{attributes["ETag"]}"' == done["ETag"] and attributes["ObjectSize"] == 10 * MIB + 7
page = s3.get_object_attributes(Bucket=where, Key="big", ObjectAttributes=["ObjectParts"], MaxParts=1, PartNumberMarker=1)["ObjectParts"]
assert (page["MaxParts"], page["PartNumberMarker"], page["NextPartNumberMarker"], page["IsTruncated"]) == (1, 1, 2, True)
assert [one["PartNumber"] for one in page["Parts"]] == [2]

# What cannot be completed.
upload = begun("wrong")
refused(400, "MalformedXML", s3.complete_multipart_upload, Bucket=where, Key="wrong", UploadId=upload)
small = [sent("wrong", upload, number, b"x" * 1000) for number in (1, 2)]
not_completed(400, "EntityTooSmall", "wrong", upload, small)
not_completed(400, "InvalidPart", "wrong", upload, [{"ETag": small[0]["ETag"], "PartNumber": 9999}])
not_completed(400, "InvalidPart", "wrong", upload, [{"ETag": "f" * 32, "PartNumber": 1}])
not_completed(400, "InvalidPartOrder", "wrong", upload, small[::-1])
refused(400, "InvalidArgument", s3.upload_part, Bucket=where, Key="wrong", UploadId=upload, PartNumber=10_001, Body=b"")
s3.abort_multipart_upload(Bucket=where, Key="wrong", UploadId=upload)
refused(404, "NoSuchUpload", s3.abort_multipart_upload, Bucket=where, Key="wrong", UploadId=upload)
refused(404, "NoSuchUpload", s3.abort_multipart_upload, Bucket=where, Key="wrong", UploadId="56788")
refused(404, "NoSuchKey", s3.get_object, Bucket=where, Key="wrong")

# Conditions.
upload = begun("cond")
one = [sent("cond", upload, 1, b"abc")]
not_completed(404, "NoSuchKey", "cond", upload, one, IfMatch="*")
etag = completed("cond", upload, one, IfNoneMatch="*")["ETag"]
upload = begun("cond")
one = [sent("cond", upload, 1, b"abc")]
not_completed(412, "PreconditionFailed", "cond", upload, one, IfNoneMatch="*")
not_completed(412, "PreconditionFailed", "cond", upload, one, IfNoneMatch=etag)
not_completed(412, "PreconditionFailed", "cond", upload, one, IfMatch="badetag")
completed("cond", upload, one, IfMatch=etag)

# Parts that are copies.
for key in (" ", "_", "?versionId", "a%25b"):
    put(where, key, body=b"0123456789")
    upload = begun("copied")
    source = {"Bucket": where, "Key": key}
    copy = {"Bucket": where, "Key": "copied", "UploadId": upload, "PartNumber": 1, "CopySource": source}
    told = s3.upload_part_copy(**copy, CopySourceRange="bytes=2-4")
    completed("copied", upload, [{"ETag": told["CopyPartResult"]["ETag"], "PartNumber": 1}])
    assert s3.get_object(Bucket=where, Key="copied")["Body"].read() == b"234"
upload = begun("copied")
copy["UploadId"] = upload
told = s3.upload_part_copy(**copy)
refused(416, "InvalidRange", s3.upload_part_copy, **copy, CopySourceRange="bytes=0-21")
for wrong in ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5"]:
    refused(400, "InvalidArgument", s3.upload_part_copy, **copy, CopySourceRange=wrong)
refused(404, "NoSuchKey", s3.upload_part_copy, **{**copy, "CopySource": {"Bucket": where, "Key": "a%b"}})
s3.abort_multipart_upload(Bucket=where, Key="copied", UploadId=upload)


# Checksums: of the whole where they can be joined, of checksums otherwise. Both are worked out here on their own.
def text(number, form=">I"):
    return base64.b64encode(struct.pack(form, number)).decode()


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


refused(400, "InvalidRequest", s3.create_multipart_upload, Bucket=where, Key="s", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
refused(400, "InvalidRequest", s3.create_multipart_upload, Bucket=where, Key="s", ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE")
bodies = [b"A" * 5 * MIB, b"B" * 5 * MIB, b"C" * 12_345]
whole = text(zlib.crc32(b"".join(bodies)))
upload = begun("crc", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
parts = [sent("crc", upload, number + 1, body, ChecksumCRC32=text(zlib.crc32(body))) for number, body in enumerate(bodies)]
not_completed(400, "BadDigest", "crc", upload, parts, ChecksumCRC32=text(7), ChecksumType="FULL_OBJECT")
not_completed(400, "InvalidRequest", "crc", upload, parts, ChecksumType="COMPOSITE")
not_completed(400, "InvalidPart", "crc", upload, [{**parts[0], "ChecksumCRC32": text(7)}, *parts[1:]])
done = completed("crc", upload, parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")
assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")
assert "ChecksumCRC32" not in s3.head_object(Bucket=where, Key="crc")
head = s3.head_object(Bucket=where, Key="crc", ChecksumMode="ENABLED")
assert (head["ChecksumCRC32"], head["ChecksumType"]) == (whole, "FULL_OBJECT")
told = s3.get_object_attributes(Bucket=where, Key="crc", ObjectAttributes=["Checksum", "ObjectParts"])
assert (told["Checksum"]["ChecksumCRC32"], told["Checksum"]["ChecksumType"]) == (whole, "FULL_OBJECT")
assert told["ObjectParts"]["Parts"][2]["ChecksumCRC32"] == text(zlib.crc32(bodies[2]))

upload = begun("sha", ChecksumAlgorithm="SHA256")
parts = [sent("sha", upload, number + 1, body, ChecksumAlgorithm="SHA256") for number, body in enumerate(bodies)]
assert [part["ChecksumSHA256"] for part in parts] == [sha256(body) for body in bodies]
composite = sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)) + "-3"
not_completed(400, "BadDigest", "sha", upload, parts, ChecksumSHA256="bad")
bare = [{name: part[name] for name in ("ETag", "PartNumber")} for part in parts]
done = completed("sha", upload, bare, ChecksumSHA256=composite)
assert (done["ChecksumSHA256"], done["ChecksumType"]) == (composite, "COMPOSITE")
assert s3.head_object(Bucket=where, Key="sha", ChecksumMode="ENABLED")["ChecksumSHA256"] == composite

# CRC-64/NVME: the check value of `123456789` over one part, without a library for it.
upload = begun("nvme", ChecksumAlgorithm="CRC64NVME")
check = text(0xAE8B14860A799888, ">Q")
told = s3.upload_part(Bucket=where, Key="nvme", UploadId=upload, PartNumber=1, Body=b"123456789", ChecksumCRC64NVME=check)
done = completed("nvme", upload, [{"ETag": told["ETag"], "PartNumber": 1, "ChecksumCRC64NVME": check}], ChecksumCRC64NVME=check)
assert (done["ChecksumCRC64NVME"], done["ChecksumType"]) == (check, "FULL_OBJECT")

# One piece.
for algorithm, good in [("SHA256", sha256(b"abc")), ("CRC32", text(zlib.crc32(b"abc")))]:
    name = f"Checksum{algorithm}"
    told = s3.put_object(Bucket=where, Key="one", Body=b"abc", ChecksumAlgorithm=algorithm, **{name: good})
    assert told[name] == good and name not in s3.head_object(Bucket=where, Key="one")
    assert s3.head_object(Bucket=where, Key="one", ChecksumMode="ENABLED")[name] == good
    refused(400, "BadDigest", s3.put_object, Bucket=where, Key="one", Body=b"abc", ChecksumAlgorithm=algorithm, **{name: "bad"})
told = s3.get_object_attributes(Bucket=where, Key="one", ObjectAttributes=["ETag", "Checksum", "ObjectParts"])
assert told["Checksum"]["ChecksumCRC32"] == text(zlib.crc32(b"abc")) and "ObjectParts" not in told

# Uploads that nobody completed do not keep a bucket.
left = bucket()
upload = s3.create_multipart_upload(Bucket=left, Key="left")["UploadId"]
s3.upload_part(Bucket=left, Key="left", UploadId=upload, PartNumber=1, Body=b"x")
s3.delete_bucket(Bucket=left)
refused(404, "NoSuchBucket", s3.upload_part, Bucket=left, Key="left", UploadId=upload, PartNumber=2, Body=b"x")
print("as expected")
