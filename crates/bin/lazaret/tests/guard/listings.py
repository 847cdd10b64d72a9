"""Listings, and what their parameters mean."""

from asked import bucket, client, put, refused, s3


def keys(listed):
    return [one["Key"] for one in listed.get("Contents", [])]


def folds(listed):
    return [one["Prefix"] for one in listed.get("CommonPrefixes", [])]


# Delimiters of any kind, in both versions of the call.
where = bucket()
put(where, "a b/1", "a b/2", "a%b", "c+d/1", "e.f", "g\n1", "plain", "ä/1")
for listing in (s3.list_objects, s3.list_objects_v2):
    assert keys(listing(Bucket=where)) == ["a b/1", "a b/2", "a%b", "c+d/1", "e.f", "g\n1", "plain", "ä/1"]
    listed = listing(Bucket=where, Delimiter="/")
    assert (keys(listed), folds(listed)) == (["a%b", "e.f", "g\n1", "plain"], ["a b/", "c+d/", "ä/"])
    for delimiter, folded in [("%", ["a%"]), (" ", ["a "]), (".", ["e."]), ("+", ["c+"]), ("\n", ["g\n"]), ("l", ["pl"])]:
        listed = listing(Bucket=where, Delimiter=delimiter)
        assert listed["Delimiter"] == delimiter and folds(listed) == folded, (delimiter, listed)
    listed = listing(Bucket=where, Delimiter="")
    assert "Delimiter" not in listed and len(keys(listed)) == 8 and not folds(listed)
    listed = listing(Bucket=where, Prefix="a b/", Delimiter="/")
    assert (listed["Prefix"], keys(listed), folds(listed)) == ("a b/", ["a b/1", "a b/2"], [])
    listed = listing(Bucket=where, Prefix="")
    assert listed["Prefix"] == "" and len(keys(listed)) == 8
    listed = listing(Bucket=where, Prefix="\n", Delimiter="/")
    assert listed["Prefix"] == "\n" and not keys(listed)
    listed = listing(Bucket=where, MaxKeys=0)
    assert listed["IsTruncated"] is False and not keys(listed)
    assert listing(Bucket=where)["MaxKeys"] == 1000
    # Told as they are encoded, when the client itself asks for it.
    listed = listing(Bucket=where, Delimiter="/", EncodingType="url")
    assert keys(listed) == ["a%25b", "e.f", "g%0A1", "plain"] and folds(listed) == ["a%20b/", "c%2Bd/", "%C3%A4/"], listed

# Owners: always in the first version, asked for in the second; the same as everywhere else.
acl = s3.get_object_acl(Bucket=where, Key="plain")
assert acl["Owner"]["DisplayName"] == "ada" and acl["Grants"][0]["Permission"] == "FULL_CONTROL"
assert s3.get_bucket_acl(Bucket=where)["Owner"] == acl["Owner"]
assert s3.list_objects(Bucket=where)["Contents"][0]["Owner"] == acl["Owner"]
assert "Owner" not in s3.list_objects_v2(Bucket=where)["Contents"][0]
assert s3.list_objects_v2(Bucket=where, FetchOwner=True)["Contents"][0]["Owner"] == acl["Owner"]

# Markers, tokens, and where a page ends.
assert s3.list_objects(Bucket=where)["Marker"] == ""
listed = s3.list_objects(Bucket=where, Marker="\n")
assert listed["Marker"] == "\n" and len(keys(listed)) == 8
assert keys(s3.list_objects(Bucket=where, Marker="f")) == ["g\n1", "plain", "ä/1"]
assert keys(s3.list_objects_v2(Bucket=where, StartAfter="plain")) == ["ä/1"]
listed = s3.list_objects_v2(Bucket=where, ContinuationToken="")
assert listed["ContinuationToken"] == "" and len(keys(listed)) == 8
first = s3.list_objects_v2(Bucket=where, StartAfter="a b/1", MaxKeys=1)
second = s3.list_objects_v2(Bucket=where, StartAfter="a b/1", ContinuationToken=first["NextContinuationToken"])
assert second["StartAfter"] == "a b/1" and second["ContinuationToken"] == first["NextContinuationToken"]
assert keys(second)[0] == "a%b" and second["IsTruncated"] is False
steps, marker = [], ""
while True:
    page = s3.list_objects(Bucket=where, Delimiter="/", Marker=marker, MaxKeys=1)
    steps += keys(page) + folds(page)
    if not page["IsTruncated"]:
        assert "NextMarker" not in page
        break
    marker = page["NextMarker"]
assert steps == ["a b/", "a%b", "c+d/", "e.f", "g\n1", "plain", "ä/"], steps


def also(text):
    """A client whose listings ask for something more in their address."""
    asking = client()

    def add(**arguments):
        arguments["params"]["url"] += text

    for call in ("ListObjects", "ListObjectsV2"):
        asking.meta.events.register(f"before-call.s3.{call}", add)
    return asking


refused(400, "InvalidArgument", also("&max-keys=many").list_objects, Bucket=where)
refused(400, "InvalidArgument", also("&max-keys=-1").list_objects, Bucket=where)
assert len(keys(also("&allow-unordered=true").list_objects_v2(Bucket=where))) == 8
refused(400, "InvalidArgument", also("&allow-unordered=true").list_objects, Bucket=where, Delimiter="/")

# A thousand names are a page; what is folded together counts once and hides nothing behind it.
where = bucket()
put(where, *[f"0/{number:04}" for number in range(1001)], "1999", "2000", body=b"")
first = s3.list_objects_v2(Bucket=where)
assert (len(first["Contents"]), first["KeyCount"], first["IsTruncated"]) == (1000, 1000, True)
second = s3.list_objects_v2(Bucket=where, ContinuationToken=first["NextContinuationToken"])
assert keys(second) == ["0/1000", "1999", "2000"] and second["IsTruncated"] is False
listed = s3.list_objects(Bucket=where, Delimiter="/")
assert (keys(listed), folds(listed)) == (["1999", "2000"], ["0/"])
names = [{"Key": f"0/{number:04}"} for number in range(1001)]
refused(400, "MalformedXML", s3.delete_objects, Bucket=where, Delete={"Objects": names})
quiet = s3.delete_objects(Bucket=where, Delete={"Objects": names[:1000], "Quiet": True})
assert "Deleted" not in quiet and "Errors" not in quiet
assert len(s3.delete_objects(Bucket=where, Delete={"Objects": names[-2:]})["Deleted"]) == 2
assert keys(s3.list_objects(Bucket=where)) == ["1999", "2000"]

# Uploads in parts are listed alike.
where = bucket()
ids = [s3.create_multipart_upload(Bucket=where, Key=key)["UploadId"] for key in ("a/1", "a/2", "b", "b")]
listed = s3.list_multipart_uploads(Bucket=where)
assert [(one["Key"], one["UploadId"]) for one in listed["Uploads"]][:2] == [("a/1", ids[0]), ("a/2", ids[1])]
assert listed["Uploads"][0]["Initiator"]["DisplayName"] == "ada" == listed["Uploads"][0]["Owner"]["DisplayName"]
listed = s3.list_multipart_uploads(Bucket=where, Delimiter="/", MaxUploads=2)
assert folds(listed) == ["a/"] and listed["Uploads"][0]["Key"] == "b" and listed["IsTruncated"] is True
rest = s3.list_multipart_uploads(
    Bucket=where, Delimiter="/", KeyMarker=listed["NextKeyMarker"], UploadIdMarker=listed["NextUploadIdMarker"]
)
assert {listed["Uploads"][0]["UploadId"], rest["Uploads"][0]["UploadId"]} == set(ids[2:]) and rest["IsTruncated"] is False

# Buckets, page by page.
buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
first = s3.list_buckets(MaxBuckets=1)
assert [one["Name"] for one in first["Buckets"]] == buckets[:1]
second = s3.list_buckets(MaxBuckets=len(buckets), ContinuationToken=first["ContinuationToken"])
assert [one["Name"] for one in second["Buckets"]] == buckets[1:] and "ContinuationToken" not in second
print("as expected")
