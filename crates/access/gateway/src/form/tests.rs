//! Forms over simulated parts, signed as browsers' helpers sign them.

use hmac::Mac as _;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{StatusCode, Uri};
use s3s::{Body, HttpResponse, S3Result};

use super::{mac, taken};
use crate::door::Arrival;
use crate::receive::hex;
use crate::testing::World;

/// When the simulated world's clock stands at 1,700,000,000 seconds.
const SIGNED_AT: &str = "20231114T221320Z";
const CREDENTIAL: &str = "KEY/20231114/eu-1/s3/aws4_request";

fn signed(conditions: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let json = format!(
        "{{\"expiration\":\"2023-11-15T00:00:00Z\",\"conditions\":[{{\"bucket\":\"onc-1\"}},{{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"}},\
         {{\"x-amz-credential\":\"{CREDENTIAL}\"}},{{\"x-amz-date\":\"{SIGNED_AT}\"}}{conditions}]}}"
    );
    let policy = base64_simd::STANDARD.encode_to_string(json);
    let key = ["20231114", "eu-1", "s3", "aws4_request"]
        .iter()
        .fold(b"AWS4SECRET".to_vec(), |key, step| mac(&key, step).unwrap().finalize().into_bytes().to_vec());
    let signature = hex(&mac(&key, &policy).unwrap().finalize().into_bytes());
    let own = [
        ("policy", policy.as_str()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", CREDENTIAL),
        ("X-Amz-Date", SIGNED_AT),
        ("X-Amz-Signature", &signature),
    ];
    fields.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn sent(world: &World, fields: &[(String, String)], file: &str) -> S3Result<HttpResponse> {
    let mut form = String::new();
    for (name, value) in fields {
        form += &format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    form += &format!(
        "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"scan/a.txt\"\r\n\r\n{file}\r\n--b0--\r\n"
    );
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b0"));
    let arrival = Arrival { ip: None, request: "07".to_owned() };
    taken(&world.guard, &Uri::from_static("/onc-1"), &headers, Body::from(form), arrival).await
}

fn code(result: S3Result<HttpResponse>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

const ANY_KEY: &str = ",[\"starts-with\",\"$key\",\"in/\"]";

#[tokio::test]
async fn a_form_stores_its_file_as_every_upload_is_stored() {
    let world = World::new().await;
    let conditions = format!("{ANY_KEY},[\"eq\",\"$x-amz-meta-site\",\"07\"],[\"starts-with\",\"$tagging\",\"\"]");
    let tags = "<Tagging><TagSet><Tag><Key>kind</Key><Value>scan</Value></Tag></TagSet></Tagging>";
    let fields = signed(&conditions, &[("kEy", "in/${filename}"), ("x-amz-meta-site", "07"), ("tagging", tags)]);
    let told = sent(&world, &fields, "about one patient").await.unwrap();
    assert_eq!(told.status(), StatusCode::NO_CONTENT);
    assert_eq!(told.headers()["location"], "/onc-1/in/a.txt");
    let event = world.tape.last();
    assert_eq!((event.activity, event.resource.subjects), (model::event::Activity::Upload, Some(1)));
    let found = store::guarded::versions::latest(&world.guard.store, "onc-1", "in/a.txt").await.unwrap().unwrap();
    assert_eq!((found.bytes, found.tags.as_str()), (17, "{\"kind\":\"scan\"}"));
    assert!(found.properties.contains("\"site\":\"07\""), "{}", found.properties);
}

#[tokio::test]
async fn the_sender_is_told_in_the_way_it_asked_for() {
    let world = World::new().await;
    let status = format!("{ANY_KEY},[\"starts-with\",\"$success_action_status\",\"\"]");
    for (asked, told) in [("200", 200), ("201", 201), ("404", 204)] {
        let fields = signed(&status, &[("key", "in/b&c"), ("success_action_status", asked)]);
        let response = sent(&world, &fields, "x").await.unwrap();
        assert_eq!(response.status().as_u16(), told);
        let body = String::from_utf8(response.body().bytes().unwrap_or_default().to_vec()).unwrap();
        assert_eq!(body.contains("<Key>in/b&amp;c</Key>"), asked == "201", "{body}");
    }
    let redirect = format!("{ANY_KEY},[\"starts-with\",\"$success_action_redirect\",\"https://lab.example/\"]");
    let fields = signed(&redirect, &[("key", "in/b"), ("success_action_redirect", "https://lab.example/done?a=1")]);
    let response = sent(&world, &fields, "x").await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = "https://lab.example/done?a=1&bucket=onc-1&key=in%2Fb&etag=%229dd4e461268c8034f5c8564e155c67a6%22";
    assert_eq!(response.headers()["location"], to);
}

#[tokio::test]
async fn a_form_that_is_not_as_it_was_signed_stores_nothing() {
    let world = World::new().await;
    let good = signed(ANY_KEY, &[("key", "in/a")]);
    let with = |name: &str, value: &str| {
        let mut fields: Vec<(String, String)> =
            good.iter().filter(|(own, _)| !own.eq_ignore_ascii_case(name)).cloned().collect();
        fields.push((name.to_owned(), value.to_owned()));
        fields
    };
    let without = |name: &str| -> Vec<(String, String)> {
        good.iter().filter(|(own, _)| !own.eq_ignore_ascii_case(name)).cloned().collect()
    };
    for (fields, told) in [
        (with("key", "out/a"), "AccessDenied"),
        (with("acl", "private"), "AccessDenied"),
        (with("bucket", "onc-2"), "AccessDenied"),
        (with("policy", "e30="), "SignatureDoesNotMatch"),
        (with("x-amz-signature", "00"), "SignatureDoesNotMatch"),
        (with("x-amz-credential", "NOBODY/20231114/eu-1/s3/aws4_request"), "InvalidAccessKeyId"),
        (with("x-amz-credential", "KEY/20231115/eu-1/s3/aws4_request"), "InvalidArgument"),
        (with("signature", "x"), "InvalidRequest"),
        (without("x-amz-signature"), "InvalidArgument"),
        (without("key"), "InvalidArgument"),
        (vec![("key".to_owned(), "in/a".to_owned())], "AccessDenied"),
    ] {
        assert_eq!(code(sent(&world, &fields, "x").await), told, "{fields:?}");
    }
    let sealed = signed(
        &format!("{ANY_KEY},[\"starts-with\",\"$x-amz-server-side-encryption\",\"\"]"),
        &[("key", "in/a"), ("x-amz-server-side-encryption", "aws:kms")],
    );
    assert_eq!(code(sent(&world, &sealed, "x").await), "NotImplemented");
    for (range, told) in [("0,2", "EntityTooLarge"), ("4,9", "EntityTooSmall")] {
        let fields = signed(&format!("{ANY_KEY},[\"content-length-range\",{range}]"), &[("key", "in/a")]);
        assert_eq!(code(sent(&world, &fields, "abc").await), told);
    }
    let sum = signed(ANY_KEY, &[("key", "in/a"), ("x-amz-checksum-sha256", "bad")]);
    assert_eq!(code(sent(&world, &sum, "abc").await), "BadDigest");
    world.now.fetch_add(2 * 60 * 60 * 1000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(code(sent(&world, &good, "x").await), "AccessDenied", "its policy has expired");
    assert_eq!(world.memory.blobs(), 0, "nothing of them stays");
}

#[test]
fn the_probe_reads_what_requests_carry() {
    let form = b"--b0\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--b0\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b0--";
    assert!((1..9).all(|step| super::probe(form, step)));
    assert!(!super::probe(b"--b0", 3));
}
