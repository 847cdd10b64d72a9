//! The gateway over simulated parts: what is recorded, what becomes visible, and what does not when something fails.

use std::sync::atomic::Ordering;

use model::event::{Activity, Outcome};
use model::{Action, Label};
use s3s::S3Result;
use s3s::dto::*;

use crate::Limits;
use crate::caller::Asker;
use crate::testing::{Metadata, World, all, body};

impl World {
    async fn put(&self, name: &str, bytes: &[u8]) -> S3Result<PutObjectOutput> {
        let input = PutObjectInput::builder()
            .bucket("onc-1".to_owned())
            .key(name.to_owned())
            .body(Some(body(bytes)))
            .content_length(Some(i64::try_from(bytes.len()).unwrap()))
            .build()
            .unwrap();
        Ok(self.guard.put_object(self.ask(input)).await?.output)
    }

    async fn get(&self, name: &str) -> S3Result<GetObjectOutput> {
        let input = GetObjectInput::builder().bucket("onc-1".to_owned()).key(name.to_owned()).build().unwrap();
        Ok(self.guard.get_object(self.ask(input)).await?.output)
    }

    async fn read(&self, name: &str) -> S3Result<Vec<u8>> {
        Ok(all(self.get(name).await?.body.unwrap()).await.unwrap())
    }

    async fn delete(&self, name: &str, version: Option<String>) -> S3Result<DeleteObjectOutput> {
        let input = DeleteObjectInput::builder()
            .bucket("onc-1".to_owned())
            .key(name.to_owned())
            .version_id(version)
            .build()
            .unwrap();
        Ok(self.guard.delete_object(self.ask(input)).await?.output)
    }

    async fn keep_versions(&self) {
        let status = Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
        let input = PutBucketVersioningInput::builder()
            .bucket("onc-1".to_owned())
            .versioning_configuration(VersioningConfiguration { status, mfa_delete: None })
            .build()
            .unwrap();
        self.guard.put_bucket_versioning(self.ask(input)).await.unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: S3Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[tokio::test]
async fn what_is_put_comes_back_and_both_are_recorded_first() {
    let world = World::new().await;
    let put = world.put("a/b.txt", b"about one patient").await.unwrap();
    assert_eq!(put.e_tag.unwrap().value(), "a0425cf10d0998be7fde325e33baae9e");
    let upload = world.tape.last();
    assert_eq!(
        (upload.activity, upload.resource.bytes, upload.resource.subjects),
        (Activity::Upload, Some(17), Some(1))
    );
    assert_eq!(upload.details[0].value, "a/b.txt", "the name is a detail, which the ledger seals");
    let before = world.tape.len();
    let got = world.get("a/b.txt").await.unwrap();
    assert_eq!(world.tape.len(), before + 1, "the release is recorded before a byte is read");
    assert_eq!(got.content_length, Some(17));
    let release = world.tape.last();
    assert_eq!((release.activity, release.resource.range), (Activity::Download, Some((0, 16))));
    assert!(release.details.is_empty(), "a release names the object by its id alone");
    assert_eq!(all(got.body.unwrap()).await.unwrap(), b"about one patient");
    tokio::task::yield_now().await;
    let end = world.tape.last();
    assert_eq!((end.activity, end.resource.bytes, end.outcome), (Activity::Released, Some(17), Outcome::Success));
}

#[tokio::test]
async fn a_range_is_released_and_recorded_as_such() {
    let world = World::new().await;
    world.put("a", b"0123456789").await.unwrap();
    let get = |range: Range| {
        let input = GetObjectInput::builder().bucket("onc-1".to_owned()).key("a".to_owned()).range(Some(range));
        world.guard.get_object(world.ask(input.build().unwrap()))
    };
    let got = get(Range::Int { first: 2, last: Some(4) }).await.unwrap();
    assert_eq!(got.status, Some(hyper::StatusCode::PARTIAL_CONTENT));
    assert_eq!(got.output.content_range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(world.tape.last().resource.range, Some((2, 4)));
    assert_eq!(all(got.output.body.unwrap()).await.unwrap(), b"234");
    let tail = get(Range::Suffix { length: 3 }).await.unwrap().output;
    assert_eq!(all(tail.body.unwrap()).await.unwrap(), b"789");
    assert_eq!(code(get(Range::Int { first: 10, last: None }).await), "InvalidRange");
}

#[tokio::test]
async fn without_a_record_nothing_is_released_or_changed() {
    let world = World::new().await;
    world.put("a", b"first").await.unwrap();
    let blobs = world.memory.blobs();
    world.tape.is_broken.store(true, Ordering::SeqCst);
    assert_eq!(code(world.get("a").await), "ServiceUnavailable");
    assert_eq!(code(world.put("a", b"second").await), "ServiceUnavailable");
    assert_eq!(code(world.delete("a", None).await), "ServiceUnavailable");
    assert_eq!(world.memory.blobs(), blobs, "nothing of the refused upload stays");
    world.tape.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(world.read("a").await.unwrap(), b"first");
}

#[tokio::test]
async fn when_rules_or_keys_give_no_answer_nothing_is_released() {
    let world = World::new().await;
    world.put("a", b"first").await.unwrap();
    world.rules.is_down.store(true, Ordering::SeqCst);
    assert_eq!(code(world.get("a").await), "ServiceUnavailable");
    world.rules.is_down.store(false, Ordering::SeqCst);
    world.memory.is_down.store(true, Ordering::SeqCst);
    assert_eq!(code(world.get("a").await), "ServiceUnavailable");
    assert_eq!(code(world.put("b", b"x").await), "ServiceUnavailable");
    world.memory.is_down.store(false, Ordering::SeqCst);
    world.memory.is_full.store(true, Ordering::SeqCst);
    let error = world.put("b", b"x").await.unwrap_err();
    assert_eq!(error.status_code(), Some(hyper::StatusCode::INSUFFICIENT_STORAGE));
    assert_eq!(code(world.get("b").await), "NoSuchKey");
}

#[tokio::test]
async fn a_refusal_is_recorded_and_says_what_to_do() {
    let world = World::new().await;
    world.put("a", b"a password").await.unwrap();
    world.rules.refuse(Action::Read, Some(Label::Secret));
    let error = world.get("a").await.unwrap_err();
    assert_eq!(error.code().as_str(), "AccessDenied");
    assert!(error.message().unwrap().contains("ask for a grant"));
    let event = world.tape.last();
    assert_eq!(event.outcome, Outcome::Failure { code: "policy:test-rule".into() });
    assert_eq!(event.resource.labels, [Label::Secret]);
    world.rules.refuse(Action::List, None);
    assert_eq!(code(world.get("absent").await), "AccessDenied", "whether a name is taken is not told");
}

#[tokio::test]
async fn what_rules_refuse_by_its_content_is_put_into_quarantine() {
    let world = World::new().await;
    world.put("a", b"harmless").await.unwrap();
    world.rules.refuse(Action::Write, Some(Label::Secret));
    let error = world.put("a", b"the password is").await.unwrap_err();
    assert!(error.message().unwrap().contains("quarantine"), "{error:?}");
    assert_eq!(world.tape.last().activity, Activity::Lock);
    assert_eq!(world.read("a").await.unwrap(), b"harmless");
    let held = store::guarded::versions::in_state(&world.guard.store, "quarantined", i64::MAX, 10).await.unwrap();
    assert_eq!((held.len(), held[0].labels.as_str()), (1, "secret"));
}

#[tokio::test]
async fn what_cannot_be_inspected_does_not_become_visible() {
    let world = World::new().await;
    assert_eq!(code(world.put("a", b"unreadable").await), "ServiceUnavailable");
    assert_eq!(code(world.put("a", b"seek unreadable").await), "ServiceUnavailable");
    assert_eq!(world.memory.blobs(), 0);
    assert_eq!(code(world.get("a").await), "NoSuchKey");
}

#[tokio::test]
async fn what_cannot_be_read_in_one_pass_is_looked_at_once_it_is_sealed() {
    let world = World::new().await;
    world.put("a", b"seek a patient").await.unwrap();
    assert_eq!(world.tape.last().resource.subjects, Some(1));
}

#[tokio::test]
async fn a_body_that_is_not_what_was_declared_leaves_nothing() {
    let world = World::new().await;
    let put = |md5: Option<&str>, crc: Option<&str>, length: i64| {
        let input = PutObjectInput::builder()
            .bucket("onc-1".to_owned())
            .key("a".to_owned())
            .body(Some(body(b"12345")))
            .content_length(Some(length))
            .content_md5(md5.map(str::to_owned))
            .checksum_crc32(crc.map(str::to_owned))
            .build()
            .unwrap();
        world.guard.put_object(world.ask(input))
    };
    assert_eq!(code(put(Some("AAAAAAAAAAAAAAAAAAAAAA=="), None, 5).await), "BadDigest");
    assert_eq!(code(put(Some("AAAA"), None, 5).await), "InvalidDigest");
    assert_eq!(code(put(Some("!"), None, 5).await), "InvalidDigest");
    assert_eq!(code(put(None, Some("AAAAAA=="), 5).await), "BadDigest");
    assert_eq!(code(put(None, None, 6).await), "IncompleteBody");
    assert_eq!(code(put(None, None, 4).await), "EntityTooLarge");
    assert_eq!(world.memory.blobs(), 0);
    let good = put(Some("gnzLDuqKcGxMNKFokfhOew=="), Some("y/U6HA=="), 5).await.unwrap().output;
    assert_eq!(good.checksum_crc32.as_deref(), Some("y/U6HA=="));
}

#[tokio::test]
async fn a_download_that_breaks_is_recorded_as_broken() {
    let world = World::new().await;
    world.put("a", &[7; 100]).await.unwrap();
    *world.memory.breaks_after.lock().unwrap() = Some(30);
    assert!(all(world.get("a").await.unwrap().body.unwrap()).await.is_err());
    tokio::task::yield_now().await;
    let end = world.tape.last();
    assert_eq!((end.activity, end.resource.bytes), (Activity::Released, Some(30)));
    assert_eq!(end.outcome, Outcome::Failure { code: "storage:altered".into() });
    *world.memory.breaks_after.lock().unwrap() = None;
    drop(world.get("a").await.unwrap());
    tokio::task::yield_now().await;
    assert_eq!(world.tape.last().outcome, Outcome::Failure { code: "client:gone".into() });
}

#[tokio::test]
async fn what_is_on_its_way_is_cut_when_somebody_is_contained() {
    let world = World::new().await;
    world.put("a", &[7; 100]).await.unwrap();
    let body = world.get("a").await.unwrap().body.unwrap();
    world.rules.ends.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(all(body).await.is_err(), "it was let before");
    tokio::task::yield_now().await;
    let end = world.tape.last();
    assert_eq!((end.activity, end.resource.bytes), (Activity::Released, Some(0)));
    assert_eq!(end.outcome, Outcome::Failure { code: "access:contained".into() });
    let before = world.tape.events.lock().unwrap().len();
    assert_eq!(code(world.put("b", b"came in meanwhile").await), "AccessDenied");
    assert!(world.tape.events.lock().unwrap().len() > before, "the refusal is recorded");
    world.rules.ends.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(code(world.get("b").await), "NoSuchKey");
}

#[tokio::test]
async fn versions_are_kept_marked_and_brought_back() {
    let world = World::new().await;
    world.put("a", b"null version").await.unwrap();
    world.keep_versions().await;
    let one = world.put("a", b"one").await.unwrap().version_id.unwrap();
    let two = world.put("a", b"two").await.unwrap().version_id.unwrap();
    assert_ne!(one, two);
    let marker = world.delete("a", None).await.unwrap();
    assert_eq!(marker.delete_marker, Some(true));
    let gone = world.get("a").await.unwrap_err();
    assert_eq!(gone.code().as_str(), "NoSuchKey");
    assert_eq!(gone.headers().unwrap()["x-amz-delete-marker"], "true");
    world.delete("a", marker.version_id).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), b"two");
    world.delete("a", Some(two)).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), b"one");
    world.delete("a", Some(one)).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), b"null version");
    world.delete("a", Some("null".to_owned())).await.unwrap();
    assert_eq!(world.memory.blobs(), 0);
}

#[tokio::test]
async fn listings_fold_page_and_go_on() {
    let world = World::new().await;
    for name in ["a", "b/1", "b/2", "c/1", "d", "e/x/y"] {
        world.put(name, b"x").await.unwrap();
    }
    let mut token = None;
    let mut seen = Vec::new();
    loop {
        let input = ListObjectsV2Input::builder()
            .bucket("onc-1".to_owned())
            .delimiter(Some("/".to_owned()))
            .max_keys(Some(2))
            .continuation_token(token)
            .build()
            .unwrap();
        let page = world.guard.list_objects_v2(world.ask(input)).await.unwrap().output;
        seen.extend(page.contents.unwrap_or_default().into_iter().map(|object| object.key.unwrap()));
        seen.extend(page.common_prefixes.unwrap_or_default().into_iter().map(|prefix| prefix.prefix.unwrap()));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["a", "b/", "c/", "d", "e/"]);
    // restic lists with an empty delimiter and wants everything.
    let input = ListObjectsV2Input::builder().bucket("onc-1".to_owned()).delimiter(Some(String::new()));
    let page = world.guard.list_objects_v2(world.ask(input.build().unwrap())).await.unwrap().output;
    assert_eq!(page.contents.unwrap().len(), 6);
}

#[tokio::test]
async fn parts_become_one_object() {
    let world = World::new().await;
    let input = CreateMultipartUploadInput::builder().bucket("onc-1".to_owned()).key("big".to_owned()).build().unwrap();
    let id = world.guard.create_multipart_upload(world.ask(input)).await.unwrap().output.upload_id.unwrap();
    let part = |number: i32, bytes: Vec<u8>| {
        let input = UploadPartInput::builder()
            .bucket("onc-1".to_owned())
            .key("big".to_owned())
            .upload_id(id.clone())
            .part_number(number)
            .body(Some(body(&bytes)))
            .build()
            .unwrap();
        world.guard.upload_part(world.ask(input))
    };
    let first = vec![1; 5 << 20];
    let second = b"tail about a patient".to_vec();
    let tail = part(2, second.clone()).await.unwrap().output.e_tag.unwrap();
    part(1, vec![9; 10]).await.unwrap();
    let head = part(1, first.clone()).await.unwrap().output.e_tag.unwrap();
    part(3, b"unused".to_vec()).await.unwrap();
    let complete = |parts: Vec<(i32, ETag)>| {
        let parts = parts
            .into_iter()
            .map(|(number, e_tag)| CompletedPart {
                part_number: Some(number),
                e_tag: Some(e_tag),
                ..Default::default()
            })
            .collect();
        let input = CompleteMultipartUploadInput::builder()
            .bucket("onc-1".to_owned())
            .key("big".to_owned())
            .upload_id(id.clone())
            .multipart_upload(Some(CompletedMultipartUpload { parts: Some(parts) }))
            .build()
            .unwrap();
        world.guard.complete_multipart_upload(world.ask(input))
    };
    assert_eq!(code(complete(vec![(2, tail.clone()), (1, head.clone())]).await), "InvalidPartOrder");
    assert_eq!(code(complete(vec![(1, tail.clone())]).await), "InvalidPart");
    assert_eq!(code(complete(vec![(2, tail.clone()), (3, tail.clone())]).await), "InvalidPart");
    assert_eq!(code(world.get("big").await), "NoSuchKey", "nothing is seen before it is complete");
    let done = complete(vec![(1, head), (2, tail)]).await.unwrap().output;
    assert!(done.e_tag.unwrap().value().ends_with("-2"));
    assert_eq!(world.tape.last().resource.subjects, Some(1), "what came in parts is inspected as a whole");
    assert_eq!(world.memory.blobs(), 2, "parts that were replaced or left out are gone");
    assert_eq!(world.read("big").await.unwrap(), [first.clone(), second.clone()].concat());
    let input = GetObjectInput::builder().bucket("onc-1".to_owned()).key("big".to_owned()).part_number(Some(2));
    let got = world.guard.get_object(world.ask(input.build().unwrap())).await.unwrap().output;
    assert_eq!((got.parts_count, all(got.body.unwrap()).await.unwrap()), (Some(2), second));
}

#[tokio::test]
async fn a_copy_is_sealed_anew_and_recorded_at_both_ends() {
    let world = World::new().await;
    world.put("a", b"about one patient").await.unwrap();
    let copy = |from: &str, to: &str, metadata: Option<Metadata>| {
        let directive = metadata.is_some().then(|| MetadataDirective::from_static(MetadataDirective::REPLACE));
        let source = CopySource::Bucket { bucket: "onc-1".into(), key: from.into(), version_id: None };
        let input = CopyObjectInput::builder()
            .bucket("onc-1".to_owned())
            .key(to.to_owned())
            .copy_source(source)
            .metadata(metadata)
            .metadata_directive(directive)
            .build()
            .unwrap();
        world.guard.copy_object(world.ask(input))
    };
    copy("a", "b", None).await.unwrap();
    let recorded: Vec<_> = world.tape.events.lock().unwrap().iter().map(|event| event.activity).collect();
    assert_eq!(recorded[recorded.len() - 2..], [Activity::Copy, Activity::Upload]);
    world.delete("a", None).await.unwrap();
    assert_eq!(world.read("b").await.unwrap(), b"about one patient");
    assert_eq!(code(copy("b", "b", None).await), "InvalidRequest");
    let metadata = Metadata::from([("k".to_owned(), "v".to_owned())]);
    copy("b", "b", Some(metadata.clone())).await.unwrap();
    assert_eq!(world.get("b").await.unwrap().metadata, Some(metadata));
    world.rules.refuse(Action::Read, None);
    assert_eq!(code(copy("b", "c", None).await), "AccessDenied", "a copy reads its source");
}

#[tokio::test]
async fn holds_and_retention_keep_what_they_hold() {
    let world = World::new().await;
    world.keep_versions().await;
    let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    let input = PutObjectLockConfigurationInput::builder()
        .bucket("onc-1".to_owned())
        .object_lock_configuration(Some(ObjectLockConfiguration { object_lock_enabled: enabled, rule: None }))
        .build()
        .unwrap();
    world.guard.put_object_lock_configuration(world.ask(input)).await.unwrap();
    let id = world.put("a", b"evidence").await.unwrap().version_id.unwrap();
    let hold = |status: &'static str| {
        let legal_hold = ObjectLockLegalHold { status: Some(ObjectLockLegalHoldStatus::from_static(status)) };
        let input = PutObjectLegalHoldInput::builder()
            .bucket("onc-1".to_owned())
            .key("a".to_owned())
            .legal_hold(Some(legal_hold))
            .build()
            .unwrap();
        world.guard.put_object_legal_hold(world.ask(input))
    };
    hold("ON").await.unwrap();
    let event = world.tape.last();
    assert_eq!(event.activity, Activity::Lock);
    assert!(event.old.unwrap().ends_with("hold false") && event.new.unwrap().ends_with("hold true"));
    assert_eq!(code(world.delete("a", Some(id.clone())).await), "AccessDenied");
    world.delete("a", None).await.unwrap();
    hold("OFF").await.unwrap_err();
    let markers = world.guard.store.clone();
    let latest = store::guarded::versions::latest(&markers, "onc-1", "a").await.unwrap().unwrap();
    assert!(latest.marker, "a marker hides a held version without taking it away");
    assert_eq!(code(world.delete("a", Some(id)).await), "AccessDenied");
}

#[tokio::test]
async fn what_is_too_much_for_a_day_is_not_released_and_that_is_recorded() {
    let world = World::limited(Limits { bytes_per_day: 20, subjects_per_day: 1, ..Limits::default() }).await;
    world.put("a", b"one patient").await.unwrap();
    world.put("b", b"a patient").await.unwrap();
    world.put("c", b"12345678").await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), b"one patient");
    let error = world.get("b").await.unwrap_err();
    assert_eq!(error.code().as_str(), "AccessDenied");
    assert!(error.message().unwrap().contains("data subjects") && error.message().unwrap().contains("policy:volume"));
    let event = world.tape.last();
    assert_eq!((event.activity, event.resource.subjects), (Activity::Download, Some(1)));
    assert_eq!(event.outcome, Outcome::Failure { code: "policy:volume".into() });
    assert_eq!(world.read("c").await.unwrap(), b"12345678");
    assert!(world.get("c").await.unwrap_err().message().unwrap().contains("the bytes that you may take"));
    world.guard.flush().await.unwrap();
    let kept = store::guarded::uses::find(&world.guard.store, [3; 16], "onc-1").await.unwrap().unwrap();
    assert_eq!((kept.bytes, kept.subjects), (19, 1));
    world.now.fetch_add(24 * 60 * 60 * 1000, Ordering::SeqCst);
    assert_eq!(world.read("b").await.unwrap(), b"a patient", "the next day is another");
}

#[tokio::test]
async fn too_many_requests_are_slowed_down_and_one_record_a_minute_says_so() {
    let world = World::limited(Limits { requests_per_minute: 2, ..Limits::default() }).await;
    let asker = Asker::of(&world.ask(())).unwrap();
    let before = world.tape.len();
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(world.guard.admit(&asker, "onc-1").await.map_err(|error| error.status_code().unwrap().as_u16()));
    }
    assert_eq!(told, [Ok(()), Ok(()), Err(503), Err(503), Err(503)]);
    assert_eq!(world.tape.len(), before + 1);
    assert_eq!(world.tape.last().outcome, Outcome::Failure { code: "policy:rate".into() });
    assert_eq!(world.guard.admit(&asker, "not-there-1").await.ok(), Some(()), "told by whoever looks for it");
}

#[tokio::test]
async fn an_upload_that_was_completed_is_answered_again_and_a_bucket_gives_up_those_that_were_not() {
    let world = World::new().await;
    let begin = |key: &str| {
        let input =
            CreateMultipartUploadInput::builder().bucket("onc-1".to_owned()).key(key.to_owned()).build().unwrap();
        world.guard.create_multipart_upload(world.ask(input))
    };
    let upload = begin("a").await.unwrap().output.upload_id.unwrap();
    let part = UploadPartInput::builder()
        .bucket("onc-1".to_owned())
        .key("a".to_owned())
        .upload_id(upload.clone())
        .part_number(1)
        .body(Some(body(b"abc")))
        .build()
        .unwrap();
    let etag = world.guard.upload_part(world.ask(part)).await.unwrap().output.e_tag;
    let complete = || {
        let parts = vec![CompletedPart { part_number: Some(1), e_tag: etag.clone(), ..Default::default() }];
        let input = CompleteMultipartUploadInput::builder()
            .bucket("onc-1".to_owned())
            .key("a".to_owned())
            .upload_id(upload.clone())
            .multipart_upload(Some(CompletedMultipartUpload { parts: Some(parts) }))
            .build()
            .unwrap();
        world.guard.complete_multipart_upload(world.ask(input))
    };
    let first = complete().await.unwrap().output;
    let blobs = world.memory.blobs();
    let again = complete().await.unwrap().output;
    assert_eq!((again.e_tag, world.memory.blobs()), (first.e_tag, blobs));
    let _left = begin("b").await.unwrap();
    let delete = || {
        let input = DeleteBucketInput::builder().bucket("onc-1".to_owned()).build().unwrap();
        world.guard.delete_bucket(world.ask(input))
    };
    assert_eq!(code(delete().await), "BucketNotEmpty");
    world.delete("a", None).await.unwrap();
    assert_eq!(code(complete().await), "NoSuchUpload");
    delete().await.unwrap();
    assert_eq!(code(world.put("a", b"x").await), "NoSuchBucket");
}

#[tokio::test]
async fn what_is_kept_in_memory_follows_every_change() {
    let world = World::new().await;
    for (round, body) in [b"first".as_slice(), b"second", b"third"].into_iter().enumerate() {
        world.put("a", body).await.unwrap();
        assert_eq!(world.read("a").await.unwrap(), body, "round {round}");
        assert_eq!(world.read("a").await.unwrap(), body, "from memory, round {round}");
    }
    world.delete("a", None).await.unwrap();
    assert_eq!(code(world.get("a").await), "NoSuchKey");
    world.rules.refuse(Action::Write, Some(Label::Secret));
    assert!(world.put("b", b"the password is").await.is_err());
    assert_eq!(code(world.get("b").await), "NoSuchKey", "in quarantine");
    let held = store::guarded::versions::in_state(&world.guard.store, "quarantined", i64::MAX, 10).await.unwrap();
    let id = model::VersionId::from_bytes(held[0].version);
    let by = model::By { actor: crate::testing::caller().actor, origin: model::event::Origin::default(), now_ms: 1 };
    world.guard.settle(&by, id, true, "made up").await.unwrap();
    assert_eq!(world.read("b").await.unwrap(), b"the password is");
    // A client that goes away while its object is stored leaves nothing stale in memory.
    world.rules.refuse(Action::Delete, None);
    for (round, body) in [b"fourth".as_slice(), b"fifth"].into_iter().enumerate() {
        let putting = world.put("b", body);
        let _given_up = tokio::time::timeout(std::time::Duration::from_micros(50 * round as u64), putting).await;
        // It may still be stored, by a task of its own; memory follows.
        let mut tries = 0;
        loop {
            let stored = store::guarded::versions::latest(&world.guard.store, "onc-1", "b").await.unwrap().unwrap();
            let shown = world.guard.newest(&"onc-1".parse().unwrap(), "b").await.unwrap().unwrap();
            if stored.version == shown.version {
                break;
            }
            tries += 1;
            assert!(tries < 1_000, "memory stays behind");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
