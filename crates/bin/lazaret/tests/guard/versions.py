"""Versions: kept, suspended, marked, brought back; locks that keep them."""

import datetime
import threading

from asked import bucket, client, emptied, put, refused, s3


def status(name):
    return s3.get_bucket_versioning(Bucket=name).get("Status")


def turn(name, wanted):
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": wanted})
    assert status(name) == wanted


def body(name, key, **which):
    return s3.get_object(Bucket=name, Key=key, **which)["Body"].read()


def listed(name):
    found = s3.list_object_versions(Bucket=name)
    return [one["VersionId"] for one in found.get("Versions", [])], [one["VersionId"] for one in found.get("DeleteMarkers", [])]


where = bucket()
assert status(where) is None
for wanted in ("Suspended", "Enabled", "Suspended", "Enabled"):
    turn(where, wanted)

# Each version by its id, newest first; the newest goes and the one before it is there again.
for key in ("a", "_", ":", " "):
    ids = [s3.put_object(Bucket=where, Key=key, Body=f"content-{number}".encode())["VersionId"] for number in range(4)]
    assert listed(where)[0] == ids[::-1]
    for number, one in enumerate(ids):
        assert body(where, key, VersionId=one) == f"content-{number}".encode()
    s3.delete_object(Bucket=where, Key=key, VersionId=ids[3])
    assert body(where, key) == b"content-2"
    for one in ids[:3]:
        told = s3.delete_object(Bucket=where, Key=key, VersionId=one)
        assert "DeleteMarker" not in told and told["VersionId"] == one
    assert listed(where) == ([], [])

# Markers.
put(where, "m")
marker = s3.delete_object(Bucket=where, Key="m")
assert marker["DeleteMarker"] is True
told = refused(404, "404", s3.head_object, Bucket=where, Key="m")
assert told["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
refused(404, "NoSuchKey", s3.get_object, Bucket=where, Key="m")
refused(405, "MethodNotAllowed", s3.get_object, Bucket=where, Key="m", VersionId=marker["VersionId"])
s3.delete_object(Bucket=where, Key="m")
assert [len(kind) for kind in listed(where)] == [1, 2]
for wrong in [{"IfMatch": "badetag"}, {"IfMatchSize": 9999}, {"IfMatchLastModifiedTime": datetime.datetime(2015, 1, 1)}]:
    refused(412, "PreconditionFailed", s3.delete_object, Bucket=where, Key="m", **wrong)
s3.delete_object(Bucket=where, Key="m", IfMatch="*")
made = s3.delete_objects(Bucket=where, Delete={"Objects": [{"Key": "new"}]})["Deleted"][0]
assert made["DeleteMarker"] is True and made["DeleteMarkerVersionId"] in listed(where)[1]
emptied(where)

# What is not kept by its id is called null.
where = bucket()
put(where, "n", body=b"plain")
turn(where, "Enabled")
second = s3.put_object(Bucket=where, Key="n", Body=b"kept")["VersionId"]
assert body(where, "n") == b"kept" and listed(where)[0] == [second, "null"]
s3.delete_object(Bucket=where, Key="n", VersionId=second)
assert body(where, "n") == b"plain" == body(where, "n", VersionId="null")
turn(where, "Suspended")
assert "VersionId" not in s3.put_object(Bucket=where, Key="n", Body=b"again")
assert listed(where) == (["null"], []) and body(where, "n") == b"again"
assert s3.delete_object(Bucket=where, Key="n")["VersionId"] == "null"
assert listed(where) == ([], ["null"])
s3.delete_object(Bucket=where, Key="n", VersionId="null")
assert listed(where) == ([], [])
refused(404, "NoSuchVersion", s3.get_object, Bucket=where, Key="n", VersionId=second)
refused(400, "InvalidArgument", s3.get_object, Bucket=where, Key="n", VersionId="no-version")

# Listings of versions go on behind a version.
where = bucket(versions=True)
for key in ("k", "k-1"):
    for number in range(5):
        put(where, key, body=b"%d" % number)
everything = [(one["Key"], one["VersionId"]) for one in s3.list_object_versions(Bucket=where)["Versions"]]
steps, at = [], {}
while True:
    page = s3.list_object_versions(Bucket=where, MaxKeys=3, **at)
    steps += [(one["Key"], one["VersionId"]) for one in page["Versions"]]
    if not page["IsTruncated"]:
        break
    at = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
assert steps == everything and len(everything) == 10
assert s3.list_object_versions(Bucket=where)["Versions"][0]["Owner"]["DisplayName"] == "ada"

# Copies of versions, attributes of versions.
old = everything[4][1]
for target in (where, bucket()):
    s3.copy_object(Bucket=target, Key="copied", CopySource={"Bucket": where, "Key": "k", "VersionId": old})
    assert body(target, "copied") == b"0"
attributes = s3.get_object_attributes(Bucket=where, Key="k", VersionId=old, ObjectAttributes=["ETag", "ObjectSize", "StorageClass"])
assert (attributes["VersionId"], attributes["ObjectSize"], attributes["StorageClass"]) == (old, 1, "STANDARD")
assert f'"{attributes["ETag"]}"' == s3.head_object(Bucket=where, Key="k", VersionId=old)["ETag"]

# Many at once: stored, deleted, deleted again.
where = bucket(versions=True)


def at_once(calls):
    faults = []

    def run(call):
        try:
            call()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not faults, faults


at_once([lambda: put(where, "o", body=b"data")] * 8)
ids = listed(where)[0]
assert len(ids) == 8
every = {"Objects": [{"Key": "o", "VersionId": one} for one in ids]}
answers = []
at_once([lambda: answers.append(s3.delete_objects(Bucket=where, Delete=every))] * 4)
assert all(len(answer["Deleted"]) == 8 and "Errors" not in answer for answer in answers)
assert listed(where) == ([], [])

# Locks.
plain = bucket()
put(plain, "f")
governed = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.datetime(2140, 1, 1, tzinfo=datetime.timezone.utc)}
lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
refused(400, "InvalidRequest", s3.put_object_retention, Bucket=plain, Key="f", Retention=governed)
refused(400, "InvalidRequest", s3.get_object_retention, Bucket=plain, Key="f")
refused(400, "InvalidRequest", s3.put_object_legal_hold, Bucket=plain, Key="f", LegalHold={"Status": "ON"})
refused(404, "ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration, Bucket=plain)
for wanted in (None, "Suspended"):
    if wanted:
        turn(plain, wanted)
    refused(409, "InvalidBucketState", s3.put_object_lock_configuration, Bucket=plain, ObjectLockConfiguration=lock)
turn(plain, "Enabled")
s3.put_object_lock_configuration(Bucket=plain, ObjectLockConfiguration=lock)
where = bucket(ObjectLockEnabledForBucket=True)
refused(409, "InvalidBucketState", s3.put_bucket_versioning, Bucket=where, VersioningConfiguration={"Status": "Suspended"})
for code, enabled, rule in [
    ("MalformedXML", "Enabled", {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}),
    ("InvalidRetentionPeriod", "Enabled", {"Mode": "GOVERNANCE", "Days": 0}),
    ("InvalidRetentionPeriod", "Enabled", {"Mode": "GOVERNANCE", "Years": -1}),
    ("MalformedXML", "Enabled", {"Mode": "governance", "Years": 1}),
    ("MalformedXML", "Disabled", {"Mode": "GOVERNANCE", "Years": 1}),
]:
    wrong = {"ObjectLockEnabled": enabled, "Rule": {"DefaultRetention": rule}}
    refused(400, code, s3.put_object_lock_configuration, Bucket=where, ObjectLockConfiguration=wrong)
version = s3.put_object(Bucket=where, Key="f", Body=b"abc")["VersionId"]
refused(400, "MalformedXML", s3.put_object_retention, Bucket=where, Key="f", Retention={**governed, "Mode": "governance"})
s3.put_object_retention(Bucket=where, Key="f", Retention=governed)
assert s3.get_object_retention(Bucket=where, Key="f")["Retention"] == governed
until = s3.head_object(Bucket=where, Key="f")
assert until["ObjectLockRetainUntilDate"] == governed["RetainUntilDate"]
shorter = {**governed, "RetainUntilDate": datetime.datetime(2139, 1, 1, tzinfo=datetime.timezone.utc)}
stricter = {**governed, "Mode": "COMPLIANCE"}
refused(403, "AccessDenied", s3.put_object_retention, Bucket=where, Key="f", Retention=shorter)
refused(403, "AccessDenied", s3.put_object_retention, Bucket=where, Key="f", Retention=stricter)
s3.put_object_retention(Bucket=where, Key="f", Retention=shorter, BypassGovernanceRetention=True)
refused(403, "AccessDenied", s3.delete_object, Bucket=where, Key="f", VersionId=version)
marker = s3.delete_object(Bucket=where, Key="f")["VersionId"]
s3.delete_object(Bucket=where, Key="f", VersionId=marker)
free = s3.put_object(Bucket=where, Key="free", Body=b"")["VersionId"]
told = s3.delete_objects(Bucket=where, Delete={"Objects": [{"Key": "f", "VersionId": version}, {"Key": "free", "VersionId": free}]})
assert [one["Key"] for one in told["Deleted"]] == ["free"]
assert [(one["Code"], one["Key"], one["VersionId"]) for one in told["Errors"]] == [("AccessDenied", "f", version)]
s3.put_object_legal_hold(Bucket=where, Key="f", LegalHold={"Status": "ON"})
assert s3.get_object_legal_hold(Bucket=where, Key="f")["LegalHold"] == {"Status": "ON"}
refused(403, "AccessDenied", s3.delete_object, Bucket=where, Key="f", VersionId=version, BypassGovernanceRetention=True)
refused(400, "MalformedXML", s3.put_object_legal_hold, Bucket=where, Key="f", LegalHold={"Status": "abc"})
s3.put_object_legal_hold(Bucket=where, Key="f", LegalHold={"Status": "OFF"})
s3.delete_object(Bucket=where, Key="f", VersionId=version, BypassGovernanceRetention=True)
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30)
strict = s3.put_object(Bucket=where, Key="c", Body=b"", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=soon, ObjectLockLegalHoldStatus="ON")
head = s3.head_object(Bucket=where, Key="c")
assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("COMPLIANCE", "ON")
weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": soon}
refused(403, "AccessDenied", s3.put_object_retention, Bucket=where, Key="c", Retention=weaker, BypassGovernanceRetention=True)
upload = s3.create_multipart_upload(Bucket=where, Key="parts", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=governed["RetainUntilDate"])["UploadId"]
part = s3.upload_part(Bucket=where, Key="parts", UploadId=upload, PartNumber=1, Body=b"abc")
done = s3.complete_multipart_upload(Bucket=where, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]})
refused(403, "AccessDenied", s3.delete_object, Bucket=where, Key="parts", VersionId=done["VersionId"])
print("as expected")
