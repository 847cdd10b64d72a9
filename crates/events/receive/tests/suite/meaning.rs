use intake::{Family, Messages};
use receive::{Mapped, Mapper};
use serde_json::{Value, json};

use crate::support::NOW;

fn map(family: Family, record: &Value) -> Mapped {
    Mapper::shipped().unwrap().map(family, record.to_string().as_bytes(), NOW).unwrap()
}

fn windows(channel: &str, id: u32, data: Value) -> Value {
    json!({ "Event": {
        "System": {
            "EventID": id, "Channel": channel, "Computer": "ws1.example.com", "Keywords": "0x8020000000000000",
            "TimeCreated": { "#attributes": { "SystemTime": "2026-11-29T12:02:03.000Z" } },
        },
        "EventData": data,
    }})
}

/// class, activity, actor, object, address, whether it was done.
fn told(mapped: &Mapped) -> (u32, &str, &str, &str, String, bool) {
    (
        mapped.class_uid,
        &mapped.activity,
        mapped.actor.as_deref().unwrap_or(""),
        mapped.object.as_deref().unwrap_or(""),
        mapped.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        mapped.failure.is_none(),
    )
}

#[test]
fn windows_events_are_told() {
    let logon = json!({ "SubjectUserName": "SYSTEM", "TargetUserName": "alice", "IpAddress": "192.0.2.5" });
    let mapped = map(Family::Windows, &windows("Security", 4624, logon.clone()));
    assert_eq!(told(&mapped), (3002, "Logon", "alice", "ws1.example.com", "192.0.2.5".to_owned(), true));
    assert_eq!(mapped.time_ms, Some(NOW));
    assert_eq!(mapped.logsources, ["windows", "windows/security"]);
    assert!(!told(&map(Family::Windows, &windows("Security", 4625, logon))).5);
    let file = json!({ "SubjectUserName": "bob", "ObjectType": "File", "ObjectName": "D:\\trial\\dm.xpt", "AccessMask": "0x1" });
    let mapped = map(Family::Windows, &windows("Security", 4663, file));
    assert_eq!(told(&mapped), (1001, "Read", "bob", "D:\\trial\\dm.xpt", String::new(), true));
    let sysmon = json!({ "User": "LAB\\carol", "Image": "C:\\Windows\\cmd.exe" });
    let mapped = map(Family::Windows, &windows("Microsoft-Windows-Sysmon/Operational", 1, sysmon));
    assert_eq!(told(&mapped), (1007, "Launch", "LAB\\carol", "C:\\Windows\\cmd.exe", String::new(), true));
    assert!(mapped.logsources.contains(&"windows/sysmon/process_creation".to_owned()));
    let other = map(Family::Windows, &windows("Application", 1000, json!({})));
    assert_eq!((other.class_uid, other.activity_id, &*other.activity), (0, 99, "Other"));
}

#[test]
fn clouds_and_services_are_told() {
    let cases = [
        (
            Family::CloudTrail,
            json!({ "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2026-11-29T12:02:03Z",
                "userIdentity": { "userName": "alice" }, "sourceIPAddress": "198.51.100.4",
                "requestParameters": { "bucketName": "trial", "key": "dm.xpt" },
                "additionalEventData": { "bytesTransferredOut": 10 } }),
            (6006, "Download", "alice", "trial/dm.xpt", "198.51.100.4", true),
        ),
        (
            Family::CloudTrail,
            json!({ "eventSource": "ec2.amazonaws.com", "eventName": "TerminateInstances", "errorCode": "AccessDenied" }),
            (6003, "Delete", "", "", "", false),
        ),
        (
            Family::EntraSignIn,
            json!({ "userPrincipalName": "bob@example.com", "ipAddress": "203.0.113.9", "status": { "errorCode": 50126 },
                "appDisplayName": "Portal", "createdDateTime": "2026-11-29T12:02:03Z" }),
            (3002, "Logon", "bob@example.com", "Portal", "203.0.113.9", false),
        ),
        (
            Family::EntraAudit,
            json!({ "activityDisplayName": "Add member to role", "result": "success",
                "initiatedBy": { "user": { "userPrincipalName": "root@example.com" } },
                "targetResources": [{ "userPrincipalName": "eve@example.com" }] }),
            (3005, "Assign Privileges", "root@example.com", "eve@example.com", "", true),
        ),
        (
            Family::AzureActivity,
            json!({ "operationName": "MICROSOFT.STORAGE/STORAGEACCOUNTS/DELETE", "caller": "bob@example.com",
                "callerIpAddress": "203.0.113.9:4711", "resourceId": "/subscriptions/1", "resultType": "Success" }),
            (6003, "Delete", "bob@example.com", "/subscriptions/1", "203.0.113.9", true),
        ),
        (
            Family::Microsoft365,
            json!({ "Workload": "SharePoint", "Operation": "FileDownloaded", "UserId": "bob@example.com",
                "ClientIP": "[2001:db8::1]:80", "ObjectId": "https://example.com/x.docx" }),
            (6006, "Download", "bob@example.com", "https://example.com/x.docx", "2001:db8::1", true),
        ),
        (
            Family::Gcp,
            json!({ "protoPayload": { "methodName": "storage.objects.get", "resourceName": "projects/_/buckets/b/objects/o",
                "authenticationInfo": { "principalEmail": "bob@example.com" }, "status": { "code": 7 } } }),
            (6006, "Download", "bob@example.com", "projects/_/buckets/b/objects/o", "", false),
        ),
        (
            Family::Okta,
            json!({ "eventType": "user.account.lock", "published": "2026-11-29T12:02:03Z",
                "actor": { "alternateId": "bob@example.com" }, "target": [{ "alternateId": "eve@example.com" }],
                "client": { "ipAddress": "203.0.113.9" }, "outcome": { "result": "SUCCESS" } }),
            (3001, "Lock", "bob@example.com", "eve@example.com", "203.0.113.9", true),
        ),
        (
            Family::GitHub,
            json!({ "action": "git.clone", "actor": "bob", "repo": "lab/assay", "@timestamp": NOW }),
            (6006, "Download", "bob", "lab/assay", "", true),
        ),
        (
            Family::Kubernetes,
            json!({ "verb": "get", "user": { "username": "bob" }, "sourceIPs": ["192.0.2.8"],
                "objectRef": { "namespace": "lab", "resource": "secrets", "name": "db" }, "responseStatus": { "code": 403 } }),
            (6003, "Read", "bob", "lab/secrets/db", "192.0.2.8", false),
        ),
        (
            Family::Zeek,
            json!({ "_path": "dns", "ts": 1_795_953_723.0, "id.orig_h": "192.0.2.8", "query": "example.org" }),
            (4003, "Traffic", "", "example.org", "192.0.2.8", true),
        ),
        (
            Family::Postgres,
            json!({ "timestamp": "2026-11-29 12:02:03.000 UTC", "user": "bob", "dbname": "lims", "remote_host": "192.0.2.8",
                "error_severity": "LOG", "backend_type": "client backend", "message": "statement: DELETE FROM samples" }),
            (6005, "Delete", "bob", "lims", "192.0.2.8", true),
        ),
        (
            Family::Ocsf,
            json!({ "class_uid": 6006, "activity_id": 12, "time": NOW, "status_id": 2, "status_code": "no",
                "actor": { "user": { "name": "bob" } }, "file": { "path": "/a" } }),
            (6006, "Share", "bob", "/a", "", false),
        ),
        (Family::Ocsf, json!({ "class_uid": 6006, "activity_id": 77 }), (0, "Other", "", "", "", true)),
        (Family::Ocsf, json!({ "class_uid": 4294967295_u32, "activity_id": 1 }), (0, "Other", "", "", "", true)),
        (Family::Json, json!({ "user": "bob", "path": "/a" }), (0, "Other", "bob", "/a", "", true)),
    ];
    for (family, record, expected) in cases {
        let mapped = map(family, &record);
        let (class, activity, actor, object, ip, done) = expected;
        assert_eq!(told(&mapped), (class, activity, actor, object, ip.to_owned(), done), "{record}");
    }
}

#[test]
fn lines_are_told() {
    let mapper = Mapper::shipped().unwrap();
    let mut messages = Messages::default();
    let mut line = |text: &str| {
        let (family, json) = messages.read(text.as_bytes()).unwrap();
        mapper.map(family, json, NOW).unwrap()
    };
    let mapped =
        line("<38>Nov 29 12:02:03 gate sshd[7]: Accepted publickey for alice from 192.0.2.7 port 22 ssh2: RSA x");
    assert_eq!(told(&mapped), (3002, "Logon", "alice", "", "192.0.2.7".to_owned(), true));
    assert_eq!((mapped.time_ms, mapped.host.as_deref()), (Some(NOW), Some("gate")));
    let mapped =
        line("<86>Nov 29 12:02:03 gate sudo:    alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/cat /etc/shadow");
    assert_eq!((mapped.class_uid, mapped.object.as_deref()), (1007, Some("/bin/cat /etc/shadow")));
    let mapped =
        line("192.0.2.1 - bob [29/Nov/2026:12:02:03 +0000] \"GET /trial/dm.xpt HTTP/1.1\" 403 17 \"-\" \"curl/8\"");
    assert_eq!(told(&mapped), (4002, "Get", "bob", "/trial/dm.xpt", "192.0.2.1".to_owned(), false));
    assert_eq!((mapped.bytes, mapped.failure.as_deref(), mapped.time_ms), (Some(17), Some("403"), Some(NOW)));
    let mapped = line(
        "type=USER_LOGIN msg=audit(1795953723.000:5): pid=1 uid=0 auid=1000 msg='op=login acct=\"alice\" exe=\"/usr/sbin/sshd\" addr=192.0.2.7 res=failed'",
    );
    assert_eq!(told(&mapped), (3002, "Logon", "alice", "/usr/sbin/sshd", "192.0.2.7".to_owned(), false));
    let mapped =
        line("CEF:0|Vendor|Wall|1|100|blocked|5|src=192.0.2.7 dst=198.51.100.1 dpt=443 act=blocked rt=1795953723000");
    assert_eq!((mapped.class_uid, &*mapped.activity, mapped.failure.is_some()), (4001, "Refuse", true));
    // A message that carries the record of another product.
    let (family, _) =
        messages.read(b"<13>1 2026-11-29T12:02:03Z h app - - - {\"eventSource\":\"a\",\"eventName\":\"b\"}").unwrap();
    assert_eq!(family, Family::CloudTrail);
    assert!(messages.read(b" \n").is_err());
}

#[test]
fn the_table_is_whole_and_dated() {
    let mapper = Mapper::shipped().unwrap();
    let classes = mapper.classes();
    assert_eq!(classes.dated().0, "1.5.0");
    for class in [0, 1001, 1007, 2004, 3001, 3002, 3004, 3005, 4001, 4002, 4003, 4006, 4007, 6003, 6006] {
        assert!(classes.has(class, 0) && classes.has(class, 99), "{class}");
    }
    // Lazaret's own classes mean the same here.
    for activity in model::event::Activity::ALL {
        assert!(classes.has(activity.class().uid(), activity.id()), "{activity}");
    }
}
