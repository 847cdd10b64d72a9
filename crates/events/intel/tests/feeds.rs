//! Feeds of all forms, as their owners publish them, with made-up content.

use intel::{Atom, Expression, Form, Indicator, Looks, Options, Parsed, Until, parse};
use serde_json::json;

const NOW: i64 = 1_780_000_000_000;
const DAY: i64 = intel::DAY_MS;

fn options() -> Options<'static> {
    Options { source: "test", now_ms: NOW, allow_benign: false }
}

fn read(bytes: &[u8]) -> Parsed {
    parse(bytes, &options())
}

fn values(parsed: &Parsed) -> Vec<String> {
    parsed.indicators.iter().map(value).collect()
}

fn value(indicator: &Indicator) -> String {
    match &indicator.looks {
        Looks::For(Expression::One(atom)) => format!("{}:{atom}", atom.kind().as_str()),
        Looks::For(other) => format!("{other:?}"),
        Looks::Kept { why, .. } => format!("kept: {why}"),
    }
}

fn bundle(objects: serde_json::Value) -> Vec<u8> {
    json!({"type": "bundle", "id": "bundle--1", "objects": objects}).to_string().into_bytes()
}

fn indicator(id: u32, pattern: &str) -> serde_json::Value {
    json!({"type": "indicator", "spec_version": "2.1", "id": format!("indicator--{id}"), "pattern": pattern, "pattern_type": "stix",
        "created": "2026-05-01T00:00:00Z", "modified": "2026-05-02T00:00:00Z", "valid_from": "2026-05-01T00:00:00Z"})
}

#[test]
fn a_bundle_names_who_is_behind_an_indicator() {
    let mut first = indicator(1, "[domain-name:value = 'C2.Bad.Example']");
    for (key, value) in [
        ("valid_until", json!("2026-08-01T00:00:00Z")),
        ("confidence", json!(85)),
        ("name", json!("Beacon")),
        ("indicator_types", json!(["malicious-activity"])),
        ("labels", json!(["trial-data"])),
        ("kill_chain_phases", json!([{"kill_chain_name": "mitre-attack", "phase_name": "command-and-control"}])),
        (
            "external_references",
            json!([{"source_name": "report", "external_id": "R-1", "url": "https://reports.example/r1"}]),
        ),
    ] {
        first[key] = value;
    }
    let link = |from: &str, how: &str, to: &str| json!({"type": "relationship", "id": format!("relationship--{from}{to}"), "relationship_type": how, "source_ref": from, "target_ref": to});
    let parsed = read(&bundle(json!([
        first,
        {"type": "malware", "id": "malware--1", "name": "Loader"},
        {"type": "malware", "id": "malware--2", "name": "Other"},
        {"type": "threat-actor", "id": "threat-actor--1", "name": "Grey Heron"},
        link("indicator--1", "indicates", "malware--1"),
        link("threat-actor--1", "uses", "malware--1"),
        link("threat-actor--1", "uses", "malware--2"),
        {"type": "observed-data", "id": "observed-data--1"},
    ])));
    assert_eq!(parsed.form, Form::Stix);
    let [found] = parsed.indicators.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(value(found), "domain:c2.bad.example");
    assert_eq!((found.confidence, found.until, found.revoked), (Some(85), Until::Stated, false));
    let context = found.context.as_deref().unwrap();
    assert_eq!(context.malware, ["Loader"]);
    assert_eq!(context.actors, ["Grey Heron"]);
    assert_eq!(context.labels, ["malicious-activity", "trial-data"]);
    assert_eq!(context.phases, ["mitre-attack:command-and-control"]);
    assert_eq!(context.references[0].id.as_deref(), Some("R-1"));
    assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
}

#[test]
fn patterns_become_what_one_event_can_be_asked() {
    let digest = "a".repeat(64);
    for (pattern, wanted) in [
        ("[ipv4-addr:value = '192.0.2.1']".to_owned(), "ip:192.0.2.1"),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']".to_owned(), "ip:198.51.100.0/24"),
        ("[ipv4-addr:value = '198.51.100.77/24']".to_owned(), "ip:198.51.100.0/24"),
        ("[ipv6-addr:value = '2001:DB8::1']".to_owned(), "ip:2001:db8::1"),
        ("[url:value = 'HTTP://Bad.Example:80/A']".to_owned(), "url:http://bad.example/A"),
        (format!("[file:hashes.'SHA-256' = '{digest}']"), &format!("hash:{digest}")),
        (format!("[file:hashes.\"x\" = '{digest}']"), "kept: "),
        ("[file:name = 'Evil.EXE']".to_owned(), "file_name:evil.exe"),
        ("[email-message:from_ref.value = 'A@Bad.Example']".to_owned(), "email:a@bad.example"),
        (
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.9']".to_owned(),
            "ip:192.0.2.9",
        ),
        ("[network-traffic:dst_ref.value = 'bad.example'] WITHIN 5 SECONDS".to_owned(), "domain:bad.example"),
        ("[domain-name:value LIKE '%.bad.example']".to_owned(), "domain:domain LIKE %.bad.example"),
        (
            "[url:value MATCHES '^https?://[a-z]{8}\\\\.example/']".to_owned(),
            "url:url MATCHES ^https?://[a-z]{8}\\.example/",
        ),
        ("([domain-name:value = 'bad.example']) /* known */".to_owned(), "domain:bad.example"),
        ("[vulnerability:name = 'cve-2026-0001']".to_owned(), "vulnerability:CVE-2026-0001"),
        (
            "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']".to_owned(),
            "kept: it needs one observation after another",
        ),
        (
            "[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']".to_owned(),
            "kept: it needs several observations",
        ),
        ("[ipv4-addr:value = '192.0.2.1'] REPEATS 3 TIMES".to_owned(), "kept: it needs 3 observations"),
        (
            "[ipv4-addr:value = '192.0.2.1'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'".to_owned(),
            "kept: it holds in a span",
        ),
        ("[ipv4-addr:value != '192.0.2.1']".to_owned(), "kept: it asks what"),
        ("[ipv4-addr:value NOT IN ('192.0.2.1')]".to_owned(), "kept: it asks what"),
        ("[file:size > 25]".to_owned(), "kept: `file:size` is no property"),
        ("[EXISTS file:name]".to_owned(), "kept: that there is"),
        ("[url:value MATCHES '(?=x)']".to_owned(), "kept: the regular expression is refused"),
        ("[url:value MATCHES '((a{1000}){1000}){1000}']".to_owned(), "kept: the regular expression is refused"),
        ("[ipv4-addr:value = 'x']".to_owned(), "kept: `x` is no address"),
        ("[ipv4-addr:value IN ()]".to_owned(), "kept: IN has an empty list"),
        ("[ipv4-addr:value = ]".to_owned(), "kept: the pattern cannot be read: byte"),
        ("ipv4-addr:value = '192.0.2.1'".to_owned(), "kept: the pattern cannot be read: byte 0"),
    ] {
        let parsed = read(&bundle(json!([indicator(1, &pattern)])));
        let found = values(&parsed);
        assert!(found[0].starts_with(wanted), "{pattern}: {found:?}");
        let is_kept = wanted.starts_with("kept");
        assert_eq!(parsed.problems.len(), usize::from(is_kept), "{pattern}: {:?}", parsed.problems);
    }
    let both = read(&bundle(json!([indicator(
        1,
        "[file:name = 'a.exe' AND (file:hashes.MD5 = '0123456789abcdef0123456789abcdef' OR file:name IN ('b.exe', 'c.exe'))]"
    )])));
    let Looks::For(Expression::All(parts)) = &both.indicators[0].looks else { panic!("{both:?}") };
    assert!(matches!(&parts[1], Expression::Any(choices) if choices.len() == 2));
}

#[test]
fn what_ends_says_who_says_so() {
    let mut revoked = indicator(2, "[ipv4-addr:value = '192.0.2.2']");
    revoked["revoked"] = json!(true);
    let mut late = indicator(3, "[ipv4-addr:value = '192.0.2.3']");
    late["valid_until"] = json!("2026-04-01T00:00:00Z");
    let parsed = read(&bundle(json!([indicator(1, "[ipv4-addr:value = '192.0.2.1']"), revoked, late])));
    let [first, second, third] = parsed.indicators.as_slice() else { panic!("{parsed:?}") };
    let modified = intel::milliseconds("2026-05-02").unwrap();
    assert_eq!((first.until, first.until_ms), (Until::Default, Some(modified + 120 * DAY)));
    assert!(first.is_live(modified) && !first.is_live(modified + 120 * DAY) && !first.is_live(0));
    assert!(second.revoked && !second.is_live(modified));
    assert!(!third.is_live(modified));
    assert!(parsed.problems[0].why.contains("never holds"));
}

#[test]
fn misp_events_are_read_by_to_ids() {
    let event = json!({"Event": {
        "uuid": "5f0c0000-0000-4000-8000-000000000001", "info": "Phishing of sites", "Orgc": {"name": "ISAC"},
        "Tag": [{"name": "misp-galaxy:threat-actor=\"Grey Heron\""}, {"name": "tlp:green"}, {"name": "kill-chain:Delivery"}],
        "Galaxy": [{"type": "malpedia", "GalaxyCluster": [{"value": "Loader"}]}],
        "Attribute": [
            {"uuid": "a1", "type": "ip-dst", "value": "192.0.2.1", "to_ids": true, "timestamp": "1775000000"},
            {"uuid": "a2", "type": "domain|ip", "value": "bad.example|192.0.2.2", "to_ids": "1", "timestamp": 1775000000},
            {"uuid": "a3", "type": "url", "value": "http://bad.example/x", "to_ids": false},
            {"uuid": "a4", "type": "sha256", "value": "zz", "to_ids": true},
            {"uuid": "a5", "type": "mutex", "value": "Global\\x", "to_ids": true},
            {"uuid": "a6", "type": "domain", "value": "old.example", "to_ids": true, "deleted": true},
            {"uuid": "a7", "type": "domain", "value": "worn.example", "to_ids": true, "decay_score": [{"score": 0, "decayed": true}]},
            {"uuid": "a8", "type": "ip-src", "value": "10.0.0.1", "to_ids": true},
        ],
        "Object": [{"name": "file", "Attribute": [{"uuid": "o1", "type": "filename|md5", "value": "a b.exe|0123456789ABCDEF0123456789ABCDEF", "to_ids": true, "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-04-01T00:00:00Z"}]}],
    }});
    for whole in [event.clone(), json!([event]), json!({"response": [event]})] {
        let parsed = read(whole.to_string().as_bytes());
        assert_eq!(parsed.form, Form::Misp);
        assert_eq!(parsed.indicators.len(), 7, "{:?}", values(&parsed));
        let by = |id: &str| parsed.indicators.iter().find(|indicator| indicator.id == id).unwrap();
        let context = by("a1").context.as_deref().unwrap();
        assert_eq!(
            (context.actors.as_slice(), context.malware.as_slice()),
            (&["Grey Heron".to_owned()][..], &["Loader".to_owned()][..])
        );
        assert_eq!(context.phases, ["kill-chain:Delivery"]);
        assert_eq!(by("a1").until_ms, Some(1_775_000_000_000 + 120 * DAY));
        assert!(matches!(&by("a2").looks, Looks::For(Expression::Any(parts)) if parts.len() == 2));
        assert!(by("a6").revoked);
        assert!(!by("a7").is_live(NOW));
        assert_eq!(value(by("o1")), "hash:0123456789abcdef0123456789abcdef");
        assert_eq!(by("o1").until_ms, intel::milliseconds("2026-04-01").map(|ms| ms + 1095 * DAY));
        let told: Vec<(&str, bool)> =
            parsed.problems.iter().map(|problem| (problem.place.as_str(), problem.left_out)).collect();
        assert_eq!(
            told,
            [("attribute a4", true), ("attribute a5", false), ("attribute a8", false), ("attribute a3", true)]
        );
    }
}

#[test]
fn the_kev_catalogue_is_read() {
    let catalogue = json!({"title": "Catalog", "catalogVersion": "2026.05.01", "count": 3, "vulnerabilities": [
        {"cveID": "CVE-2026-0001", "vendorProject": "Example", "product": "Gateway", "vulnerabilityName": "Example Gateway flaw", "dateAdded": "2026-05-01",
         "requiredAction": "Mend it.", "dueDate": "2026-05-22", "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-79"]},
        {"cveID": "nonsense", "dateAdded": "2026-05-01"},
    ]});
    let parsed = read(catalogue.to_string().as_bytes());
    assert_eq!(parsed.form, Form::Kev);
    assert_eq!(values(&parsed), ["vulnerability:CVE-2026-0001"]);
    let exploited = parsed.indicators[0].context.as_deref().unwrap().exploited.as_ref().unwrap();
    assert!(exploited.ransomware && exploited.due == "2026-05-22");
    assert_eq!((parsed.indicators[0].until, parsed.indicators[0].until_ms), (Until::Never, None));
    assert_eq!(parsed.problems.len(), 2);
}

#[test]
fn plain_lists_are_read_in_all_their_forms() {
    let list = "\u{feff}# a list\r\n; another comment\n// and another\nhxxp://bad[.]example/path # why\n192.0.2.1\n198.51.100.0/24\n0.0.0.0 ads.bad.example tracker.bad.example\nEVIL.Example.\nevil(at)bad[.]example\nCVE-2026-0001\n0123456789abcdef0123456789abcdef\n\n2001:db8::1\n192.0.2.7,12 hits\nnot an indicator!\n10.0.0.1\ngoogle.com\n";
    let parsed = read(list.as_bytes());
    assert_eq!(
        values(&parsed),
        [
            "url:http://bad.example/path",
            "ip:192.0.2.1",
            "ip:198.51.100.0/24",
            "domain:ads.bad.example",
            "domain:tracker.bad.example",
            "domain:evil.example",
            "email:evil@bad.example",
            "vulnerability:CVE-2026-0001",
            "hash:0123456789abcdef0123456789abcdef",
            "ip:2001:db8::1",
            "ip:192.0.2.7",
        ]
    );
    let told: Vec<&str> = parsed.problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(told, ["line 15", "line 16", "line 17"], "{:?}", parsed.problems);
    let allowed = parse(b"10.0.0.1\ngoogle.com\nlocalhost\n", &Options { allow_benign: true, ..options() });
    assert_eq!((allowed.indicators.len(), allowed.problems.iter().filter(|problem| !problem.left_out).count()), (3, 3));
}

#[test]
fn tables_are_read_by_their_header() {
    let table = "indicator,type,first_seen,valid_until,confidence,malware,tags\nbad.example,domain,2026-05-01,2026-06-01,80,Loader,\"a,b\"\n\"http://bad.example/a,b\",url,2026-05-01,,,,\nx.exe,filename,,,,,\n1,unheard,,,,,\n,domain,,,,,\nbad..example,domain,,,,,\n";
    let parsed = read(table.as_bytes());
    assert_eq!(values(&parsed), ["domain:bad.example", "url:http://bad.example/a,b", "file_name:x.exe"]);
    let first = &parsed.indicators[0];
    assert_eq!((first.confidence, first.until_ms), (Some(80), intel::milliseconds("2026-06-01")));
    let context = first.context.as_deref().unwrap();
    assert_eq!((context.malware[0].as_str(), context.labels.len()), ("Loader", 2));
    assert_eq!(parsed.problems.len(), 2, "{:?}", parsed.problems);
    // A commented header, quoted cells, several digests a row.
    let commented = "################\n# Made up\n# \"first_seen_utc\",\"sha256_hash\",\"md5_hash\",\"file_name\"\n\"2026-05-01 10:00:00\", \"".to_owned() + &"b".repeat(64) + "\", \"0123456789abcdef0123456789abcdef\", \"A b.exe\"\n";
    let parsed = read(commented.as_bytes());
    assert_eq!(parsed.indicators.len(), 3, "{parsed:?}");
    assert!(parsed.indicators.iter().all(|indicator| indicator.since_stated));
    let atoms = ["192.0.2.1", "bad.example"].map(|text| text.to_owned());
    assert_eq!(read(json!(atoms).to_string().as_bytes()).indicators.len(), 2);
}

#[test]
fn hostile_feeds_are_answered() {
    let deep = "[".repeat(200_000);
    let deep_object = "{\"a\":".repeat(200_000);
    let bomb = format!("[{} ipv4-addr:value = '192.0.2.1' {}]", "(".repeat(100_000), ")".repeat(100_000));
    let observations = format!("{}[a:b = 1]{}", "(".repeat(50_000), ")".repeat(50_000));
    let qualified = format!("[a:b = 1]{}", " WITHIN 1 SECONDS".repeat(10_000));
    for text in [
        deep,
        deep_object,
        "{".to_owned(),
        "{\"type\":\"bundle\",\"objects\":[{\"type\":\"indic".to_owned(),
        "[".to_owned(),
    ] {
        let parsed = read(text.as_bytes());
        assert!(parsed.indicators.is_empty() && !parsed.problems.is_empty(), "{}", &text[..text.len().min(20)]);
    }
    for pattern in [
        bomb,
        observations,
        qualified,
        "'".repeat(100),
        "[a:b = t'']".to_owned(),
        "[a:b = h'x']".to_owned(),
        "\u{1F600}".to_owned(),
        "[a:b[".to_owned(),
    ] {
        let parsed = read(&bundle(json!([indicator(1, &pattern)])));
        assert!(values(&parsed)[0].starts_with("kept: the pattern cannot be read"), "{:?}", &values(&parsed)[0]);
    }
    let broken = read(b"\xff\xfe\x00bad\n192.0.2.1\n");
    assert_eq!((broken.indicators.len(), broken.problems.len()), (1, 1));
    let long = read(&[&b"a".repeat(1 << 20)[..], b"\n192.0.2.1"].concat());
    assert_eq!((long.indicators.len(), long.problems.len()), (1, 1));
    for odd in [
        &b""[..],
        b"\n\n",
        b"null",
        b"{}",
        b"[]",
        b"[1]",
        b"{\"objects\":[1,null,{}]}",
        b"{\"Event\":{\"Attribute\":[null,1]}}",
        b"{\"vulnerabilities\":[null]}",
        b"{\"response\":{\"response\":{}}}",
    ] {
        let _no_panic = read(odd);
    }
    // Cut anywhere, a feed is told and nothing panics.
    let whole = bundle(json!([indicator(1, "[ipv4-addr:value = '192.0.2.1' OR file:name LIKE 'a%']")]));
    for end in 0..whole.len() {
        let parsed = read(&whole[..end]);
        assert!(parsed.indicators.is_empty() && (end == 0 || !parsed.problems.is_empty()), "cut at {end}");
    }
}

#[test]
fn patterns_at_their_limits_survive_being_kept() {
    // The deepest pattern that is taken is written to JSON and read back.
    let mut pattern = "[domain-name:value = 'x.example']".to_owned();
    for depth in 0..23 {
        pattern = format!("([ipv4-addr:value = '192.0.2.{depth}'] OR {pattern})");
    }
    let parsed = read(&bundle(json!([indicator(1, &pattern)])));
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let text = serde_json::to_string(&parsed.indicators[0]).unwrap();
    assert_eq!(serde_json::from_str::<Indicator>(&text).unwrap(), parsed.indicators[0]);
    let mut inner = "file:name = 'x.exe'".to_owned();
    for depth in 0..23 {
        inner = format!("file:name = 'a{depth}.exe' AND file:name = 'b.exe' OR (file:name = 'c.exe' AND ({inner}))");
    }
    let parsed = read(&bundle(json!([indicator(1, &format!("[{inner}]"))])));
    let text = serde_json::to_string(&parsed.indicators[0]).unwrap();
    assert_eq!(serde_json::from_str::<Indicator>(&text).unwrap(), parsed.indicators[0]);
}

#[test]
fn a_million_lines_are_read() {
    let mut list = String::with_capacity(24_000_000);
    for number in 0..1_000_000u32 {
        list.push_str(&format!("h{number:x}.bad.example\n"));
    }
    let parsed = read(list.as_bytes());
    assert_eq!((parsed.indicators.len(), parsed.problems.len()), (1_000_000, 0));
    assert!(
        matches!(&parsed.indicators[999_999].looks, Looks::For(Expression::One(Atom::Domain(name))) if name == "hf423f.bad.example")
    );
}
